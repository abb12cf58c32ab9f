#!/usr/bin/env python3
"""Tokens of a real OpenID provider, oidc-provider of npm: rotation, wrong audiences and algorithms, outage.

usage: openid.py FOLDER-OF-THE-PROGRAMS     not part of script/test: needs node and, once, npm install into a folder of its own
"""

import base64
import json
import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "flow"))

import h1  # noqa: E402
import kit  # noqa: E402

PACKAGE = "oidc-provider@8"
NODE = pathlib.Path(tempfile.gettempdir()) / "weft-strangers-openid"
RULES = 'allow :- claim("scope", "orders:read"), method("GET").\n'
# Makes private keys as JSON Web Keys: no other tool of Debian writes these.
MAKE_KEY = """
const {generateKeyPairSync} = require('crypto');
const [kid, kind] = process.argv.slice(1);
const pair = kind === 'RSA' ? generateKeyPairSync('rsa', {modulusLength: 2048})
                            : generateKeyPairSync('ec', {namedCurve: 'P-256'});
console.log(JSON.stringify({...pair.privateKey.export({format: 'jwk'}), kid, use: 'sig'}));
"""


def install():
    if not (NODE / "node_modules" / "oidc-provider").is_dir():
        NODE.mkdir(exist_ok=True)
        subprocess.run(["npm", "install", "--silent", PACKAGE], cwd=NODE, check=True)
    (NODE / "provider.mjs").write_text((HERE / "openid_provider.mjs").read_text())


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class OpenId(kit.Story):
    def setUp(self):
        super().setUp()
        install()
        self.function = self.place.function()
        self.place.write("rules.weft", RULES)
        self.address = kit.free_address()
        self.issuer = f"http://{self.address}"
        self.node = None
        self.addCleanup(self.stop)
        self.keys = [self.make_key("one"), self.make_key("rsa", "RSA")]
        self.provide()

    @staticmethod
    def make_key(kid, kind="EC"):
        done = subprocess.run(["node", "-e", MAKE_KEY, kid, kind], capture_output=True, check=True)
        return json.loads(done.stdout)

    def provide(self):
        """The provider, with the keys that it has now."""
        self.stop()
        self.place.write("keys.json", json.dumps({"keys": self.keys}))
        words = ["node", str(NODE / "provider.mjs"), self.address.split(":")[1], str(self.place.folder / "keys.json")]
        self.node = subprocess.Popen(words, cwd=NODE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        kit.wait_until("the provider listens", lambda: kit.is_listening(self.address))

    def stop(self):
        if self.node:
            self.node.kill()
            self.node.wait()
            self.node = None

    def token(self, audience="urn:orders", scope="orders:read"):
        body = urllib.parse.urlencode({"grant_type": "client_credentials", "resource": audience, "scope": scope})
        fields = [
            ("authorization", "Basic " + base64.b64encode(b"web:secret").decode()),
            ("content-type", "application/x-www-form-urlencoded"),
        ]
        answer = h1.ask(self.address, "POST", "/token", self.address, fields, body.encode())
        self.assertEqual(answer.status, 200, answer.body)
        return json.loads(answer.body)["access_token"]

    def begin(self, **token):
        conf = {"issuer": self.issuer, "audience": ["urn:orders"], **token}
        self.orders = self.place.provider(
            "orders", self.function, policy=["rules.weft"], tokens={"idp": conf}
        ).start()
        self.web = self.place.caller("web", [self.orders]).start()

    def ask(self, token):
        return h1.ask(self.web.outbound, "GET", "/x", "orders", [("authorization", f"Bearer {token}")])

    def assert_invalid(self, token, words):
        self.assertIn(words, self.assert_refused(self.ask(token), 401, "token-invalid")["detail"])

    def test_its_tokens_open_what_their_scope_says(self):
        self.begin()
        self.assert_answer(self.ask(self.token()), 200)
        self.assert_refused(self.ask(self.token(scope="orders:write")), 403, "policy-denied")
        self.assert_invalid(self.token("urn:stock"), "not for this audience")

    def test_algorithms_that_were_not_agreed_on(self):
        self.begin(algorithms=["ES256"])
        self.assert_answer(self.ask(self.token()), 200)
        for alg in ("RS256", "PS256"):
            self.assert_invalid(self.token(f"urn:orders?{alg}"), "not among those allowed")
        head, claims, _ = self.token().split(".")
        for alg in ("none", "HS256"):
            forged = b64(json.dumps({**json.loads(base64.urlsafe_b64decode(head + "==")), "alg": alg}).encode())
            self.assert_invalid(f"{forged}.{claims}.AAAA", "none, symmetric or unknown")

    def test_every_algorithm_that_it_signs_with(self):
        names = ["ES256", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512"]
        self.begin(algorithms=names)
        for alg in names:
            self.assert_answer(self.ask(self.token(f"urn:orders?{alg}")), 200)

    def test_keys_that_come_and_go(self):
        self.begin(refresh="1s")
        old = self.token()
        self.assert_answer(self.ask(old), 200)
        self.keys.insert(0, self.make_key("two"))
        self.provide()
        new = self.token()
        kit.wait_until("the new key is known", lambda: self.ask(new).status == 200)
        self.assert_answer(self.ask(old), 200)
        del self.keys[1]
        self.provide()
        kit.wait_until("the old key is gone", lambda: self.ask(old).status == 401)
        self.assert_answer(self.ask(new), 200)

    def test_an_outage_and_the_end_of_a_token(self):
        self.begin(refresh="1s")
        token, short = self.token(), self.token("urn:orders?short")
        self.assert_answer(self.ask(token), 200)
        self.stop()
        self.orders.wait_log("keys-not-fetched .* so=\"the keys that are known go on\"")
        self.assert_answer(self.ask(token), 200)
        late = time.time() + 61  # a minute is given to clocks
        kit.wait_until("the short one is over", lambda: self.ask(short).status == 401, 90)
        self.assertGreater(time.time(), late - 10)


if __name__ == "__main__":
    kit.main()
