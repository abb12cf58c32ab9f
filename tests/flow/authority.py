#!/usr/bin/env python3
"""An authority on the mesh: the first leaf by a token that is good once, all others by the leaf before."""

import json
import subprocess
import threading

import h1
import kit

CA_ID = f"spiffe://{kit.DOMAIN}/weft/ca"
PATH = "/.well-known/weft/leaf"


class Authority(kit.Story):
    def setUp(self):
        super().setUp()
        self.function = self.place.function()
        self.place.authority()
        self.address = kit.free_address()
        self.serve()

    def serve(self, ttl="1h"):
        words = ["ca", "serve", "--dir", "certs", "--listen", self.address, "--ttl", ttl]
        self.ca = self.place.process(kit.Process("ca", [str(kit.programs / "weft"), *words], self.place.folder))
        self.ca.start()
        kit.wait_until("the authority listens", lambda: kit.is_listening(self.address))

    def again(self, ttl):
        self.ca.end()
        self.serve(ttl)

    def token(self, name, ttl="1h"):
        done = self.place.weft("ca", "token", kit.spiffe(name), "--dir", "certs", "--ttl", ttl)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.place.write(f"{name}.token", done.stdout)
        return done.stdout.strip()

    def ca_conf(self, name):
        return {"address": self.address, "identity": CA_ID, "token": f"{name}.token"}

    def newcomer(self, name, **keys):
        """A sidecar without a certificate."""
        identity = {
            "cert": f"certs/{name}.pem",
            "key": f"certs/{name}.key",
            "trust": {kit.DOMAIN: "certs/ca.pem"},
            "ca": self.ca_conf(name),
        }
        conf = {
            "service": name,
            "identity": identity,
            "admin": {"listen": kit.free_address()},
            "inbound": {"listen": kit.free_address(), "app": f"http://{self.function.address}"},
            "log": {"access": f"{name}.access.log"},
            **keys,
        }
        return self.place.process(kit.Sidecar(self.place, name, conf))

    def new_broker(self):
        """A broker without a certificate, of a service that web may submit to."""
        broker = self.place.broker(["orders"])
        broker.conf["identity"]["ca"] = self.ca_conf("broker")
        for end in (".pem", ".key"):
            (self.place.folder / f"certs/broker{end}").unlink()
        broker.write()
        return broker

    def openssl(self, *words):
        done = subprocess.run(["openssl", *words], cwd=self.place.folder, capture_output=True, check=True)
        return done.stdout.decode()

    def key_of(self, name):
        return self.openssl("x509", "-in", f"certs/{name}.pem", "-noout", "-pubkey")

    def request(self, subject="/", *words):
        self.openssl(
            *"req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout x.key -out x.csr".split(),
            *("-subj", subject, *words),
        )
        return (self.place.folder / "x.csr").read_bytes()

    def post(self, body, token=None, wrap=None, path=PATH):
        fields = [("authorization", f"Bearer {token}")] if token else []
        return h1.ask(self.address, "POST", path, "ca", fields, body, wrap=wrap or self.nobody())

    def nobody(self):
        """TLS without a certificate of ours."""
        import ssl

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.load_verify_locations(self.place.folder / "certs" / "ca.pem")
        context.set_alpn_protocols(["http/1.1"])
        return context.wrap_socket

    def assert_not_started(self, sidecar, words):
        done = self.place.weft("proxy", f"{sidecar.name}.yaml")
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn(words, done.stderr)

    def test_a_newcomer_gets_its_leaf_and_is_called(self):
        self.token("orders")
        orders = self.newcomer("orders").start()
        self.assertIn(kit.spiffe("orders"), orders.log())
        self.assertEqual((self.place.folder / "certs/orders.key").stat().st_mode & 0o777, 0o600)
        web = self.place.caller("web", [orders]).start()
        self.assert_answer(h1.ask(web.outbound, "GET", "/", "orders"), 200)
        self.assertEqual(list((self.place.folder / "certs/tokens").iterdir()), [])

    def test_leaves_are_renewed_under_load_with_new_keys_and_no_failure(self):
        self.again("9s")
        self.token("orders")
        orders = self.newcomer("orders").start()
        web = self.place.caller("web", [orders]).start()
        first, statuses, over = self.key_of("orders"), [], threading.Event()

        def load():
            with h1.Caller(web.outbound) as caller:
                while not over.is_set():
                    statuses.append(caller.ask("GET", "/", "orders").status)

        threads = [threading.Thread(target=load) for _ in range(3)]
        for thread in threads:
            thread.start()
        renewed = 'weft_identity_renewals_total{result="renewed"}'
        kit.wait_until("two renewals", lambda: orders.metric(renewed) >= 2, 40)
        over.set()
        for thread in threads:
            thread.join(20)
        self.assertEqual(set(statuses), {200})
        self.assertNotEqual(self.key_of("orders"), first)
        self.assertNotIn("reload-refused", orders.log())
        self.assertEqual((self.place.folder / "certs/orders.key").read_text().count("BEGIN PRIVATE KEY"), 1)
        self.assertNotIn("identity-expire", orders.log())

    def test_a_broker_gets_its_leaf_and_renews_it_while_jobs_run(self):
        self.again("9s")
        self.token("broker")
        broker = self.new_broker().start()
        self.assertIn(kit.spiffe("broker"), broker.log())
        first = self.key_of("broker")
        keys = {"https": broker.conf["https"], "identity": kit.spiffe("broker")}
        orders = self.place.provider(
            "orders", self.function, outbound={"listen": kit.free_address()}, broker={**keys, "slots": 1}
        )
        web = self.place.caller("web", jobs_only={"orders": {}}, broker={**keys, "slots": 0})
        for sidecar in (orders, web):
            sidecar.start().wait_log(" broker-ready ", kit.WORKERS)
        jobs = []

        def submit():
            answer = h1.ask(web.outbound, "POST", "/", "orders", [("prefer", "respond-async")], b"work")
            self.assert_answer(answer, 202)
            jobs.append(json.loads(answer.body)["job"])
            return broker.metric('weft_identity_renewals_total{result="renewed"}') >= 1

        kit.wait_until("a renewal", submit, 40)
        self.assertNotEqual(self.key_of("broker"), first)
        for sidecar in (orders, web):  # comes back to the broker that has another leaf
            sidecar.end()
            sidecar.start().wait_log(" broker-ready ", 2 * kit.WORKERS)
        state = lambda job: json.loads(h1.ask(web.outbound, "GET", f"/v1/jobs/{job}", "orders").body)["state"]
        kit.wait_until("all jobs are done", lambda: {state(j) for j in jobs} == {"done"}, 20)
        self.assertNotIn("reload-refused", broker.log())

    def roll(self, ttl):
        return self.place.weft("ca", "roll", "--dir", "certs", "--ttl", ttl)

    def test_a_root_follows_another_under_load_with_no_failure(self):
        self.again("9s")
        bundle = (self.place.folder / "certs/ca.pem").read_text()
        pair = []
        for name, keys in (("orders", {}), ("web", {"outbound": {"listen": kit.free_address()}})):
            self.token(name)
            self.place.write(f"{name}-trust.pem", bundle)
            sidecar = self.newcomer(name, **keys)
            sidecar.conf["identity"]["trust"] = {kit.DOMAIN: f"{name}-trust.pem"}
            pair.append(sidecar)
        orders, web = pair
        web.conf["services"] = {"orders": {"endpoints": [orders.inbound], "identity": kit.spiffe("orders")}}
        for sidecar in pair:
            sidecar.write()
            sidecar.start()
        statuses, over = [], threading.Event()

        def load():
            with h1.Caller(web.outbound) as caller:
                while not over.is_set():
                    statuses.append(caller.ask("GET", "/", "orders").status)

        thread = threading.Thread(target=load)
        thread.start()
        knows = lambda s, roots: (self.place.folder / f"{s.name}-trust.pem").read_text() == roots
        renewals = lambda s: s.metric('weft_identity_renewals_total{result="renewed"}')
        for roots, words in ((2, "has a second root"), (2, "the new root signs"), (1, "the old root is forgotten")):
            if words != "has a second root":
                early = self.roll("1h")
                self.assertEqual(early.returncode, 1)
                self.assertIn("weft ca: not before 20", early.stderr)
            done = self.roll("1s")  # we have seen that all are renewed
            self.assertIn(words, done.stdout, done.stderr)
            roots_now = (self.place.folder / "certs/ca.pem").read_text()
            self.assertEqual(roots_now.count("BEGIN CERTIFICATE"), roots)
            kit.wait_until("everybody has heard of it with a new leaf", lambda: all(knows(s, roots_now) for s in pair), 60)
            before = [renewals(sidecar) for sidecar in pair]
            kit.wait_until("and once more", lambda: all(renewals(s) > n for s, n in zip(pair, before)), 60)
        over.set()
        thread.join(20)
        self.assertEqual(set(statuses), {200})
        self.assertNotEqual((self.place.folder / "certs/ca.pem").read_text(), bundle)
        old = self.place.folder / "old.pem"
        old.write_text(bundle)
        verify = ["openssl", "verify", "-CAfile", "old.pem", "-partial_chain", "certs/orders.pem"]
        self.assertNotEqual(subprocess.run(verify, cwd=self.place.folder, capture_output=True, check=False).returncode, 0)

    def test_an_outage_is_told_and_survived(self):
        self.again("20s")
        self.token("orders")
        orders = self.newcomer("orders").start()
        self.ca.end()
        orders.wait_log("identity-not-renewed .*connection refused", 2)
        self.assertEqual(orders.ask("GET", "/ready").status, 200)
        self.serve("1h")
        orders.wait_log("identity-renewed")
        self.assertGreater(orders.metric("weft_identity_expiry_seconds"), 0)

    def test_a_token_is_good_once(self):
        token = self.token("orders")
        self.assert_answer(self.post(self.request(), token), 200)
        again = self.post(self.request(), token)
        self.assert_answer(again, 401)
        self.assertEqual(again.field("weft-error"), "token-invalid")
        self.assert_not_started(self.newcomer("orders"), "it answers 401 token-invalid")

    def test_a_race_for_one_token_has_one_winner(self):
        token, body, statuses = self.token("orders"), self.request(), []
        threads = [
            threading.Thread(target=lambda: statuses.append(self.post(body, token).status)) for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        self.assertEqual(sorted(statuses), [200] + [401] * 7)

    def test_tokens_that_are_none(self):
        late = self.token("late", "1s")
        for token in (None, "x", "A" * 43, "../../ca.key", "A" * 5000):
            self.assert_answer(self.post(self.request(), token), 401)
        kit.wait_until("the token ends", lambda: self.post(self.request(), late).status == 401)

    def test_a_bad_request_uses_up_no_token(self):
        token = self.token("orders")
        weak = self.request()
        self.openssl(*"req -new -newkey rsa:1024 -nodes -keyout w.key -out w.csr -subj /".split())
        forged = weak.replace(weak.splitlines()[1][20:24], b"AAAA")
        for body in (b"", b"hello", forged, (self.place.folder / "w.csr").read_bytes(), b"x" * 20000):
            self.assertIn(self.post(body, token).status, (400, 413))
        self.assert_answer(self.post(self.request(), token, path="/"), 404)
        self.assert_answer(self.post(self.request(), token), 200)

    def test_what_a_request_says_of_itself_counts_for_nothing(self):
        admin = kit.spiffe("admin")
        body = self.request("/CN=admin", "-addext", f"subjectAltName=URI:{admin}", "-addext", "basicConstraints=CA:TRUE")
        answer = self.post(body, wrap=self.place.tls("web"))
        self.assert_answer(answer, 200)
        self.place.write("got.pem", answer.body.decode())
        text = self.openssl("x509", "-in", "got.pem", "-noout", "-text")
        self.assertIn(f"URI:{kit.spiffe('web')}", text)
        self.assertNotIn("admin", text)
        self.assertIn("CA:FALSE", text)

    def test_the_revoked_and_strangers_get_nothing(self):
        self.place.issue("web")
        self.place.must("ca", "revoke", "certs/web.pem", "--dir", "certs")
        self.ca.wait_log("ready")
        self.again("1h")
        with self.assertRaises((OSError, h1.Cut)):
            self.post(self.request(), wrap=self.place.tls("web"))
        self.ca.wait_log("peer-refused .*is revoked by")
        self.place.authority("other", "other.example")
        self.place.issue("alien", "other.example", "other")
        with self.assertRaises((OSError, h1.Cut)):
            self.post(self.request(), wrap=self.place.tls("alien"))

    def test_somebody_else_at_its_address_is_not_asked(self):
        self.token("orders")
        impostor = self.place.provider("impostor", self.function).start()
        orders = self.newcomer("orders")
        orders.conf["identity"]["ca"]["address"] = impostor.inbound
        orders.write()
        self.assert_not_started(orders, f"not the expected identity {CA_ID} but {kit.spiffe('impostor')}")
        self.assertEqual(self.function.seen, [])

    def test_configuration_that_cannot_work_is_refused(self):
        for ca, words in (
            ({"address": self.address}, "set identity.ca.identity"),
            ({"token": "x"}, "set identity.ca.address"),
            ({"address": self.address, "identity": "ca"}, "is no SPIFFE ID"),
        ):
            sidecar = self.newcomer("orders")
            sidecar.conf["identity"]["ca"] = ca
            sidecar.write()
            self.assert_not_started(sidecar, words)
        orders = self.newcomer("orders")
        del orders.conf["identity"]["ca"]["token"]
        orders.write()
        self.assert_not_started(orders, "set identity.ca.token")


if __name__ == "__main__":
    kit.main()
