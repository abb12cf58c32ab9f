#!/usr/bin/env python3
"""The user behind a call: an OpenID provider of its own, its keys, its outage, and tokens of every bad kind."""

import base64
import http.server
import json
import re
import ssl
import subprocess
import threading
import time

import h1
import kit

AUDIENCE = "orders"
RULES = (
    f'allow :- peer("{kit.spiffe("web")}"), claim("sub", "ann"), method("GET").\n'
    'allow :- claim("scope", "orders:write"), method("POST").\n'
    'allow :- claim("realm.roles", "admin"), method("DELETE").\n'
    'allow :- path("/open").\n'
)


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Provider:
    """Discovery and keys on loopback; signs with OpenSSL's own tools."""

    def __init__(self, folder, cert=None):
        self.folder, self.keys, self.asked, self.broken = folder, {}, [], False
        provider = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                provider.asked.append(self.path)
                body = json.dumps(provider.answer(self.path)).encode()
                self.send_response(500 if provider.broken else 200)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"{'https' if cert else 'http'}://127.0.0.1:{self.server.server_port}"
        if cert:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(folder / f"{cert}.pem", folder / f"{cert}.key")
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.said_issuer = self.issuer
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def answer(self, path):
        if path == "/.well-known/openid-configuration":
            return {"issuer": self.said_issuer, "jwks_uri": f"{self.issuer}/keys"}
        return {"keys": [jwk for _, jwk in self.keys.values()]}

    def openssl(self, *words, data=None):
        done = subprocess.run(["openssl", *words], input=data, capture_output=True, check=True, cwd=self.folder)
        return done.stdout

    def make_key(self, kid, kind="EC"):
        name = f"idp-{kid}.key"
        self.openssl("genpkey", *self.kind(kind), "-out", name)
        if kind == "RSA":
            text = self.openssl("rsa", "-in", name, "-noout", "-modulus").decode().strip()
            n = bytes.fromhex(text.split("=")[1])
            jwk = {"kty": "RSA", "n": b64(n), "e": "AQAB"}
        else:
            point = self.openssl("pkey", "-in", name, "-pubout", "-outform", "DER")[-64:]
            jwk = {"kty": "EC", "crv": "P-256", "x": b64(point[:32]), "y": b64(point[32:])}
        self.keys[kid] = (name, {**jwk, "kid": kid, "use": "sig"})

    @staticmethod
    def kind(kind):
        if kind == "RSA":
            return ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]
        return ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]

    def token(self, kid="one", header=None, key=None, **claims):
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": AUDIENCE, "sub": "ann", "exp": now + 300, "iat": now, **claims}
        claims = {name: value for name, value in claims.items() if value is not None}
        header = {"alg": "ES256", "typ": "JWT", "kid": kid, **(header or {})}
        text = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(claims).encode())}"
        name = key or self.keys[kid][0]
        signature = self.openssl("dgst", "-sha256", "-sign", name, data=text.encode())
        if header["alg"] == "ES256":
            signature = self.raw(signature)
        return f"{text}.{b64(signature)}"

    @staticmethod
    def raw(der):
        """The two numbers of an ECDSA signature, 32 bytes each (RFC 7518, section 3.4)."""
        at, numbers = 2, []
        for _ in range(2):
            length = der[at + 1]
            numbers.append(der[at + 2 : at + 2 + length].lstrip(b"\0").rjust(32, b"\0"))
            at += 2 + length
        return b"".join(numbers)


class Tokens(kit.Story):
    def setUp(self):
        super().setUp()
        self.function = self.place.function()
        self.provider = Provider(self.place.folder)
        self.addCleanup(self.provider.stop)
        self.provider.make_key("one")
        self.place.write("rules.weft", RULES)

    def begin(self, **token):
        conf = {"issuer": self.provider.issuer, "audience": [AUDIENCE], **token}
        self.orders = self.place.provider(
            "orders", self.function, policy=["rules.weft"], tokens={"idp": conf}
        ).start()
        self.web = self.place.caller("web", [self.orders]).start()

    def ask(self, token=None, method="GET", path="/x", fields=()):
        own = [("authorization", f"Bearer {token}")] if token else []
        return h1.ask(self.web.outbound, method, path, "orders", [*own, *fields])

    def assert_invalid(self, token, words):
        answer = self.ask(token)
        problem = self.assert_refused(answer, 401, "token-invalid")
        self.assertIn(words, problem["detail"])
        self.assertEqual(answer.field("www-authenticate"), 'Bearer error="invalid_token"')

    def test_claims_decide(self):
        self.begin()
        self.assert_refused(self.ask(), 403, "policy-denied")
        self.assert_answer(self.ask(path="/open"), 200)
        token = self.provider.token()
        self.assert_answer(self.ask(token), 200)
        self.assert_refused(self.ask(self.provider.token(sub="bob")), 403, "policy-denied")
        self.assert_refused(self.ask(token, "POST"), 403, "policy-denied")
        writer = self.provider.token(sub="bob", scope="orders:read orders:write")
        self.assert_answer(self.ask(writer, "POST"), 200)
        admin = self.provider.token(sub="eve", realm={"roles": ["user", "admin"]})
        self.assert_answer(self.ask(admin, "DELETE"), 200)
        self.assertIn(("authorization", f"Bearer {token}"), self.function.seen[1].fields)
        for _ in range(3):
            self.assert_answer(self.ask(token), 200)
        self.assertEqual(self.orders.metric('weft_tokens_total{provider="idp",result="verified"}'), 4)

    def test_why_a_user_was_denied(self):
        self.begin()
        denied = self.ask(self.provider.token(sub="bob"))
        told = self.orders.why(denied.field("weft-request-id")).stdout
        self.assertIn('it fails at claim("sub", "ann")', told)
        self.assertNotIn("eyJ", told + self.orders.log() + str(self.orders.accesses()), "a token was written down")

    def test_bad_tokens_are_refused_by_name(self):
        self.begin()
        p, now = self.provider, int(time.time())
        p.openssl("genpkey", *p.kind("EC"), "-out", "stranger.key")
        self.assert_answer(self.ask(p.token()), 200)
        self.assert_invalid(p.token(aud="stock"), "not for this audience")
        self.assert_invalid(p.token(aud=None), "not for this audience")
        self.assert_invalid(p.token(exp=now - 90), "expired")
        self.assert_invalid(p.token(exp=None), "no exp")
        self.assert_invalid(p.token(nbf=now + 90), "not valid yet")
        self.assert_invalid(p.token(iat=now + 90), "issued in the future")
        self.assert_invalid(p.token(key="stranger.key"), "its signature is not of the provider's key")
        self.assert_invalid(p.token(header={"crit": ["x"], "x": 1}), "an extension that we do not know")
        self.assert_invalid(p.token(header={"alg": "HS256"}), "none, symmetric or unknown")
        head, claims, _ = p.token(header={"alg": "none"}).split(".")
        self.assert_invalid(f"{head}.{claims}.AAAA", "none, symmetric or unknown")
        self.assert_answer(self.ask(f"{head}.{claims}."), 403)  # no token at all
        head, claims, signature = p.token().split(".")
        other = b64(json.dumps({"iss": p.issuer, "aud": AUDIENCE, "sub": "ann", "exp": now + 999}).encode())
        self.assert_invalid(f"{head}.{other}.{signature}", "its signature is not of the provider's key")
        self.assert_invalid(f"{head}.{claims}.{signature[:-2]}", "")
        twice = self.ask(p.token(), fields=[("authorization", "Basic x")])
        self.assertIn("two authorization fields", self.assert_refused(twice, 401, "token-invalid")["detail"])
        self.assertEqual(len(self.function.seen), 1)

    def test_tokens_of_others_say_nothing(self):
        self.begin()
        for token in ("opaque", "a.b.c", self.provider.token(iss="https://other.example")):
            self.assert_refused(self.ask(token), 403, "policy-denied")
            self.assert_answer(self.ask(token, path="/open"), 200)

    def test_a_new_key_is_fetched_when_a_token_names_it(self):
        self.begin()
        self.assert_answer(self.ask(self.provider.token()), 200)
        self.provider.make_key("two", "RSA")
        before = self.provider.asked.count("/keys")
        self.assert_answer(self.ask(self.provider.token("two", header={"alg": "RS256"})), 200)
        self.assertEqual(self.provider.asked.count("/keys"), before + 1)
        self.provider.make_key("three")
        self.assert_invalid(self.provider.token("three"), "no key of that name")  # not again so soon
        self.assertEqual(self.provider.asked.count("/keys"), before + 1)

    def test_a_key_that_is_withdrawn_counts_no_more(self):
        self.begin(refresh="1s")
        token = self.provider.token()
        self.assert_answer(self.ask(token), 200)
        self.provider.make_key("two")
        del self.provider.keys["one"]
        kit.wait_until("the old key is gone", lambda: self.ask(token).status == 401)
        self.assert_answer(self.ask(self.provider.token("two")), 200)

    def test_an_outage_of_the_provider_changes_nothing_for_keys_that_are_known(self):
        self.begin(refresh="1s")
        self.assert_answer(self.ask(self.provider.token()), 200)
        self.provider.broken = True
        self.orders.wait_log("keys-not-fetched .*answered 500.* so=\"the keys that are known go on\"", 2)
        self.assert_answer(self.ask(self.provider.token(sub="ann", jti="new")), 200)
        self.orders.reload()
        self.assert_answer(self.ask(self.provider.token(sub="ann", jti="newer")), 200)

    def test_without_any_key_nobody_is_believed_and_the_first_wait_is_worth_it(self):
        self.provider.broken = True
        self.begin()
        self.orders.wait_log("keys-not-fetched .* so=\"its tokens cannot be verified\"")
        self.assert_refused(self.ask(self.provider.token()), 503, "keys-unavailable")
        self.assert_answer(self.ask(path="/open"), 200)
        self.provider.broken = False
        kit.wait_until("keys come", lambda: self.ask(self.provider.token()).status == 200)

    def test_a_provider_that_speaks_for_another_is_not_believed(self):
        self.provider.said_issuer = "http://127.0.0.1:1"
        self.begin()
        self.orders.wait_log("keys-not-fetched .*speaks for another issuer")
        self.assert_refused(self.ask(self.provider.token()), 503, "keys-unavailable")

    def test_keys_over_https_need_a_certificate_that_is_believed(self):
        for name, address in (("idp", "IP:127.0.0.1"), ("other", "IP:127.0.0.2")):
            self.provider.openssl(
                *"req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=idp".split(),
                *("-addext", f"subjectAltName={address}", "-keyout", f"{name}.key", "-out", f"{name}.pem"),
            )
        self.provider = Provider(self.place.folder, "idp")
        self.addCleanup(self.provider.stop)
        self.provider.make_key("one")
        self.begin(ca="idp.pem")
        self.assert_answer(self.ask(self.provider.token()), 200)
        self.orders.reload(tokens={"idp": {"issuer": self.provider.issuer, "audience": [AUDIENCE], "ca": "other.pem"}})
        self.orders.wait_log("keys-not-fetched .*the certificate of 127.0.0.1: self.signed")
        stranger = Provider(self.place.folder, "other")
        self.addCleanup(stranger.stop)
        self.orders.reload(tokens={"idp": {"issuer": stranger.issuer, "audience": [AUDIENCE], "ca": "other.pem"}})
        self.orders.wait_log("keys-not-fetched .*IP address mismatch")

    def test_keys_from_a_file_change_with_it(self):
        self.place.write("keys.json", json.dumps(self.provider.answer("/keys")))
        self.begin(issuer=self.provider.issuer, keys="keys.json")
        token = self.provider.token()
        self.assert_answer(self.ask(token), 200)
        self.provider.make_key("two")
        del self.provider.keys["one"]
        self.place.write("keys.json", json.dumps(self.provider.answer("/keys")))
        self.orders.reload()
        self.assert_invalid(token, "no key of that name")
        self.assert_answer(self.ask(self.provider.token("two")), 200)
        self.assertEqual(self.provider.asked, [])
        self.place.write("keys.json", '{"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}]}')
        self.orders.reload()
        self.assertRegex(self.orders.log(), r"keys.json\" .*an RSA key below 2048 bits")
        self.assert_answer(self.ask(self.provider.token("two")), 200)

    def bundle(self):
        """As SPIFFE publishes it: a workload's keys beside the provider's others."""
        keys = [{**jwk, "use": "jwt-svid"} for _, jwk in self.provider.keys.values()]
        return self.place.write("td.json", json.dumps({"keys": keys + [{"kty": "EC", "use": "x509-svid"}]}))

    def svid(self, sub, kid="one", **claims):
        return self.provider.token(kid, sub=sub, **{"iss": None, **claims})

    def test_a_workloads_token_is_judged_by_its_own_trust_domain(self):
        batch = f"spiffe://{kit.DOMAIN}/ns/shop/sa/batch"
        self.place.write("rules.weft", f'allow :- claim("sub", "{batch}").\nallow :- path("/open").\n')
        mesh = {"spiffe": kit.DOMAIN, "audience": [AUDIENCE], "keys": self.bundle()}
        self.begin()
        self.orders.reload(tokens={"mesh": mesh})
        self.assert_answer(self.ask(self.svid(batch)), 200)
        self.assert_answer(self.ask(self.svid(batch, iss="https://spire.example")), 200)
        self.assert_refused(self.ask(self.svid(batch[:-1])), 403, "policy-denied")
        self.assert_invalid(self.svid(batch, aud="stock"), "not for this audience")
        self.assert_invalid(self.svid(batch, aud=None), "not for this audience")
        self.assert_invalid(self.svid(batch, exp=None), "no exp")
        self.assert_invalid(self.svid(batch, exp=int(time.time()) - 90), "expired")
        for header in ({"jku": "https://x"}, {"typ": "at+jwt"}, {"x5c": []}):
            token = self.provider.token(header=header, sub=batch, iss=None)
            self.assert_invalid(token, "more than alg, kid and typ")
        self.provider.openssl("genpkey", *self.provider.kind("EC"), "-out", "stranger.key")
        self.assert_invalid(self.svid(batch, key="stranger.key"), "its signature is not of the provider's key")
        other = self.svid("spiffe://partner.example/ns/shop/sa/batch")  # of a domain that is not configured
        self.assert_refused(self.ask(other), 403, "policy-denied")
        self.provider.make_key("two")
        self.assert_invalid(self.svid(batch, "two"), "no key of that name")
        self.bundle()
        self.orders.reload()
        self.assert_answer(self.ask(self.svid(batch, "two")), 200)
        idp = {"issuer": self.provider.issuer, "audience": [AUDIENCE]}
        self.orders.reload(tokens={"idp": idp, "mesh": mesh})
        kit.wait_until("keys", lambda: self.ask(self.provider.token()).status == 403)
        self.assert_invalid(self.provider.token(sub=batch), "for which only a trust domain's keys speak")

    def test_what_the_contract_asks_callers_to_show(self):
        self.place.write(
            "orders.weft",
            'contract("orders", "1.0.0").\n'
            'record("R"). response("read", "200", "application/json", "R").\n'
            'response("write", "200", "application/json", "R").\n'
            'operation("read"). http("read", "GET", "/x").\n'
            'operation("write"). http("write", "POST", "/x").\n'
            'security("write", 0, "oauth2", ""). security("write", 0, "oauth2", "orders:write").\n'
            'security("write", 1, "apiKey header X-Key", "").\n',
        )
        self.place.write("rules.weft", "allow :- peer_domain(_).\n")
        self.begin()
        self.orders.reload(contract="orders.weft")
        self.assert_answer(self.ask(), 200)
        missing = self.assert_refused(self.ask(method="POST"), 401, "credentials-missing")
        self.assertIn("oauth2 with scope orders:write, or apiKey header X-Key", missing["detail"])
        token = self.provider.token(scope="orders:read")
        lacking = self.ask(token, "POST")
        self.assert_refused(lacking, 403, "scope-missing")
        told = self.orders.why(lacking.field("weft-request-id")).stdout
        self.assertIn("oauth2 with scope orders:write", told)
        self.assert_answer(self.ask(self.provider.token(scope="a orders:write"), "POST"), 200)
        self.assert_answer(self.ask(method="POST", fields=[("x-key", "k")]), 200)
        self.assert_refused(self.ask(self.provider.token(iss="https://x"), "POST"), 401, "credentials-missing")
        self.orders.reload(enforce="audit")
        self.assert_answer(self.ask(method="POST"), 200)
        self.orders.reload(enforce="off")
        self.assert_answer(self.ask(method="POST"), 200)
        self.assertNotIn("left to the function", self.orders.log())
        self.orders.reload(tokens={}, enforce="block")
        self.assertIn("the scopes that the contract asks for are left to the function", self.orders.log())
        self.assert_answer(self.ask("opaque", "POST"), 200)

    def test_configuration_that_proves_nothing_is_refused(self):
        for change, words in (
            ({"algorithms": ["HS256"]}, "without a public key"),
            ({"issuer": "http://idp.example"}, "cannot be discovered"),
            ({"keys_url": "http://idp.example/keys"}, "keys that came in the clear prove nothing"),
            ({"keys_url": "https://a.example/k", "keys": "k.json"}, "both keys and keys_url"),
            ({"spiffe": kit.DOMAIN}, "either issuer or spiffe"),
            ({"issuer": None, "spiffe": kit.DOMAIN}, "a trust domain's keys are not discovered"),
            ({"issuer": None, "spiffe": "Shop:1", "keys": "k.json"}, "spiffe is no trust domain"),
        ):
            conf = {"issuer": "https://idp.example", "audience": ["x"], **change}
            conf = {name: value for name, value in conf.items() if value is not None}
            sidecar = self.place.provider("x", self.function, tokens={"idp": conf})
            done = self.place.weft("conf", "check", "x.yaml")
            self.assertEqual(done.returncode, 2, done.stdout)
            self.assertRegex(done.stderr + done.stdout, re.escape(words))
            self.assertFalse(sidecar.is_running())


if __name__ == "__main__":
    kit.main()
