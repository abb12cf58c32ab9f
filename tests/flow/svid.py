#!/usr/bin/env python3
"""A stranger with OpenSSL's own tools: leaves that our authority did sign, and that are still no SPIFFE certificates."""

import pathlib
import subprocess

import h1
import kit

GOOD = {
    "basicConstraints": "critical,CA:FALSE",
    "keyUsage": "critical,digitalSignature",
    "extendedKeyUsage": "serverAuth,clientAuth",
    "subjectAltName": f"critical,URI:{kit.spiffe('web')}",
}
OTHER_DOMAIN = "spiffe://partner.example/ns/shop/sa/web"
REFUSED = [  # what a leaf has otherwise, and what our log says of it
    ("two URIs", {"subjectAltName": f"critical,URI:{kit.spiffe('web')},URI:{kit.spiffe('b')}"}, "more than one URI"),
    ("no URI", {"subjectAltName": "critical,DNS:web.shop.example"}, "no SPIFFE ID"),
    ("https", {"subjectAltName": "critical,URI:https://shop.example/web"}, "does not begin with spiffe://"),
    ("no path", {"subjectAltName": f"critical,URI:spiffe://{kit.DOMAIN}"}, "names a whole trust domain"),
    ("an authority", {"basicConstraints": "critical,CA:TRUE"}, "may not authenticate"),
    ("keyCertSign", {"keyUsage": "critical,digitalSignature,keyCertSign"}, "keyCertSign"),
    ("cRLSign", {"keyUsage": "critical,digitalSignature,cRLSign"}, "cRLSign"),
    ("no digitalSignature", {"keyUsage": "critical,keyAgreement"}, "lacks digitalSignature"),
    ("no key usage", {"keyUsage": None}, "no key usage"),
    ("usage not critical", {"keyUsage": "digitalSignature"}, "key usage is not critical"),
    ("client only", {"extendedKeyUsage": "clientAuth"}, "lacks serverAuth or clientAuth"),
    ("server only", {"extendedKeyUsage": "serverAuth"}, "lacks serverAuth or clientAuth"),
    ("name not critical", {"subjectAltName": f"URI:{kit.spiffe('web')}"}, "alternative name not critical"),
    ("another domain", {"subjectAltName": f"critical,URI:{OTHER_DOMAIN}"}, "not signed by the bundle"),
    ("unknown domain", {"subjectAltName": "critical,URI:spiffe://stranger.example/x"}, "unknown trust domain"),
    ("upper case", {"subjectAltName": "critical,URI:spiffe://Shop.example/web"}, "the trust domain is not"),
    ("a port", {"subjectAltName": f"critical,URI:spiffe://{kit.DOMAIN}:443/web"}, "the trust domain is not"),
    ("a user", {"subjectAltName": f"critical,URI:spiffe://root@{kit.DOMAIN}/web"}, "the trust domain is not"),
    ("a climb", {"subjectAltName": f"critical,URI:spiffe://{kit.DOMAIN}/a/../admin"}, "a dot segment"),
    ("an empty segment", {"subjectAltName": f"critical,URI:spiffe://{kit.DOMAIN}//admin"}, "an empty path segment"),
    ("a slash at the end", {"subjectAltName": f"critical,URI:{kit.spiffe('web')}/"}, "ends in a slash"),
    ("an escape", {"subjectAltName": f"critical,URI:{kit.spiffe('web')}%2fx"}, "a character other than"),
    ("a query", {"subjectAltName": f"critical,URI:{kit.spiffe('web')}?x"}, "a character other than"),
    ("too long", {"subjectAltName": f"critical,URI:{kit.spiffe('w' * 2030)}"}, "longer than 2048 bytes"),
]
TAKEN = [
    ("plain", {}),
    ("no purposes", {"extendedKeyUsage": None}),
    ("DNS beside it", {"subjectAltName": f"critical,URI:{kit.spiffe('web')},DNS:web.shop.example"}),
]


class Svid(kit.Story):
    def setUp(self):
        super().setUp()
        self.function = self.place.function()
        self.place.authority("partner", "partner.example")
        self.orders = self.place.provider("orders", self.function)
        self.orders.conf["identity"]["trust"]["partner.example"] = "partner/ca.pem"
        self.orders.write()
        self.orders.start()

    def openssl(self, *words, **keys):
        return subprocess.run(
            ["openssl", *words], cwd=self.place.folder, capture_output=True, timeout=20, check=False, **keys
        )

    def mint(self, name, changes):
        """A leaf of our own authority with these extensions."""
        lines = {**GOOD, **changes}
        self.place.write("ext", "".join(f"{k}={v}\n" for k, v in lines.items() if v))
        if not (self.place.folder / "stranger.key").exists():
            done = self.openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "stranger.key")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.openssl("req", "-new", "-key", "stranger.key", "-subj", "/", "-out", "stranger.csr")
        done = self.openssl(
            *"x509 -req -in stranger.csr -CA certs/ca.pem -CAkey certs/ca.key -CAcreateserial -days 1".split(),
            *("-extfile", "ext", "-out", f"{name}.pem"),
        )
        self.assertEqual(done.returncode, 0, done.stderr)

    def call(self, name):
        """GET / over HTTP/1.1 by s_client; what came back, and what OpenSSL said."""
        done = self.openssl(
            *"s_client -alpn http/1.1 -quiet -verify_quiet -ign_eof -key stranger.key".split(),
            *("-connect", self.orders.inbound, "-cert", f"{name}.pem"),
            input=b"GET / HTTP/1.1\r\nhost: orders\r\nconnection: close\r\n\r\n",
        )
        return done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")

    def test_each_bad_leaf_is_refused_at_the_door_and_the_log_says_why(self):
        for n, (what, changes, words) in enumerate(REFUSED):
            with self.subTest(what):
                self.mint(f"bad{n}", changes)
                answer, said = self.call(f"bad{n}")
                self.assertNotIn("HTTP/1.1", answer)
                self.assertRegex(said, "alert (bad certificate|unknown ca|certificate unknown)")
                self.orders.wait_log(r"peer-refused .*" + words.replace("/", "."))
        self.assertEqual(self.function.seen, [])

    def test_good_leaves_of_a_foreign_tool_are_taken(self):
        for n, (what, changes) in enumerate(TAKEN):
            with self.subTest(what):
                self.mint(f"good{n}", changes)
                answer, said = self.call(f"good{n}")
                self.assertTrue(answer.startswith("HTTP/1.1 200 "), answer + said)
        self.assertEqual(len(self.function.seen), len(TAKEN))

    def test_a_revoked_leaf_is_refused_after_a_reload_and_others_go_on(self):
        self.mint("good", {})
        self.place.issue("web")
        self.assertIn("HTTP/1.1 200", self.call("good")[0])
        self.place.must("ca", "revoke", "good.pem", "--dir", "certs")
        self.orders.reload(identity={**self.orders.conf["identity"], "crl": ["certs/ca.crl"]})
        answer, said = self.call("good")
        self.assertNotIn("HTTP/1.1", answer)
        self.assertIn("alert certificate revoked", said)
        self.orders.wait_log("peer-refused .*certificate is revoked by")
        self.assert_answer(h1.ask(self.orders.inbound, "GET", "/", "orders", wrap=self.place.tls("web")), 200)

    def test_a_bundle_may_be_what_spiffe_publishes(self):
        pem = (self.place.folder / "certs" / "ca.pem").read_text()
        x5c = "".join(line for line in pem.splitlines() if not line.startswith("-----"))
        self.place.write("td.json", '{"keys": [{"use": "x509-svid", "kty": "EC", "x5c": ["%s"]}]}' % x5c)
        self.mint("good", {})
        self.orders.reload(identity={**self.orders.conf["identity"], "trust": {kit.DOMAIN: "td.json"}})
        self.assertNotIn("reload-refused", self.orders.log())
        self.assertIn("HTTP/1.1 200", self.call("good")[0])
        self.place.write("td.json", '{"keys": []}')
        self.orders.reload()
        self.assertIn("reload-refused", self.orders.log(), "we would refuse ourselves")

    def test_a_key_that_others_may_read_is_refused_at_start(self):
        self.orders.end()
        (self.place.folder / "certs" / "orders.key").chmod(0o640)
        done = self.place.weft("proxy", "orders.yaml")
        self.assertEqual(done.returncode, 2)
        self.assertIn("the private key is open to others (mode 640)", done.stderr)
        self.assertIn("chmod 600", done.stderr)

    def test_a_running_sidecar_has_given_up_what_it_does_not_need(self):
        def status(sidecar):
            return pathlib.Path(f"/proc/{sidecar.child.pid}/status").read_text()

        said = r" (confined |not-confined missing=)"
        self.orders.wait_log(said)
        if "not-confined" in self.orders.log():
            self.skipTest("this kernel or this build cannot")
        self.assertIn("NoNewPrivs:\t1\n", status(self.orders))
        self.assertIn("Seccomp:\t2\n", status(self.orders))
        self.mint("good", {})
        self.orders.reload()
        self.assertIn("HTTP/1.1 200", self.call("good")[0])
        free = self.place.sidecar("free", outbound={"listen": kit.free_address()}, confine=False).start()
        self.assertIn("Seccomp:\t0\n", status(free))
        logged = self.place.sidecar("logged", outbound={"listen": kit.free_address()}, confine="log").start()
        self.assertIn("Seccomp:\t2\n", status(logged))

    def test_a_certificate_that_ends_soon_is_told_once(self):
        self.place.issue("orders", ttl="8s")
        self.orders.reload()
        self.orders.wait_log("identity-expires-soon .*less than a fifth of its life is left")
        self.orders.wait_log("identity-expired ")
        self.assertEqual(self.orders.ask("GET", "/ready").status, 503)
        self.place.issue("orders")
        self.orders.reload()
        self.assertEqual(self.orders.ask("GET", "/ready").status, 200)
        self.assertEqual(self.orders.log().count("identity-expired "), 1)


if __name__ == "__main__":
    kit.main()
