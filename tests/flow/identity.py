#!/usr/bin/env python3
"""Only who shows the right certificate gets in, and only the right one is called; renewal disturbs nobody."""

import subprocess
import threading

import h1
import kit


class Identity(kit.Story):
    def setUp(self):
        super().setUp()
        self.function = self.place.function()
        self.orders = self.place.provider("orders", self.function).start()

    def caller(self, **keys):
        return self.place.caller("web", [self.orders], **keys)

    def knock(self, *words):
        """What openssl is told at the door of orders."""
        done = subprocess.run(
            [
                "openssl",
                "s_client",
                "-connect",
                self.orders.inbound,
                "-alpn",
                "h2",
                "-quiet",
                "-verify_quiet",
                *words,
            ],
            cwd=self.place.folder,
            input=b"",
            capture_output=True,
            timeout=10,
            check=False,
        )
        return (done.stdout + done.stderr).decode(errors="replace")

    def show(self, name):
        return self.knock("-cert", f"certs/{name}.pem", "-key", f"certs/{name}.key", "-ign_eof")

    def assert_nobody_got_in(self):
        self.assertEqual(self.function.seen, [])
        self.assertEqual(self.orders.accesses(), [])
        self.assertTrue(self.orders.is_running())

    def assert_unreachable(self, web, reason):
        answer = h1.ask(web.outbound, "GET", "/", "orders")
        problem = self.assert_refused(answer, 503, "unreachable")
        self.assertIn(reason, problem["detail"])
        self.assert_nobody_got_in()

    def test_no_certificate(self):
        self.assertIn("alert certificate required", self.knock())
        self.assert_nobody_got_in()

    def test_an_older_tls(self):
        self.place.issue("web")
        self.assertIn(
            "alert protocol version", self.knock("-cert", "certs/web.pem", "-key", "certs/web.key", "-tls1_2")
        )
        self.assert_nobody_got_in()

    def test_a_strangers_certificate(self):
        self.place.authority("strangers", "stranger.example")
        self.place.issue("x", "stranger.example", "strangers")
        self.assertRegex(self.show("x"), "alert (unknown ca|bad certificate|certificate unknown)")
        self.assert_nobody_got_in()

    def test_a_name_of_ours_signed_by_a_stranger(self):
        self.place.authority("strangers", kit.DOMAIN)
        self.place.issue("x", kit.DOMAIN, "strangers")
        self.assertRegex(self.show("x"), "alert (unknown ca|bad certificate|certificate unknown)")
        self.assert_nobody_got_in()

    def test_a_name_of_ours_signed_by_an_authority_trusted_for_another_domain(self):
        self.place.authority("partner", "partner.example")
        trust = {**self.orders.conf["identity"]["trust"], "partner.example": "partner/ca.pem"}
        self.orders.reload(identity={**self.orders.conf["identity"], "trust": trust})
        self.place.issue("friend", "partner.example", "partner")
        self.place.must("ca", "issue", kit.spiffe("web"), "--dir", "partner", "--out", "certs/forged")
        self.assertRegex(self.show("forged"), "alert (unknown ca|bad certificate|certificate unknown)")
        self.assert_nobody_got_in()
        friend = h1.ask(self.orders.inbound, "GET", "/", "orders", wrap=self.place.tls("friend"))
        self.assert_answer(friend, 200)
        self.assertTrue(
            self.function.seen[0]
            .field("x-forwarded-client-cert")
            .endswith("URI=spiffe://partner.example/ns/shop/sa/friend")
        )

    def test_an_expired_certificate(self):
        self.place.issue("late", ttl="1s")
        check = ["openssl", "x509", "-checkend", "0", "-noout", "-in", "certs/late.pem"]
        kit.wait_until(
            "the certificate expires",
            lambda: subprocess.run(
                check, cwd=self.place.folder, stdout=subprocess.DEVNULL, check=False
            ).returncode
            == 1,
        )
        self.assertIn("alert certificate expired", self.show("late"))
        self.assert_nobody_got_in()

    def test_another_identity_than_the_configured_one_is_not_called(self):
        conf = {"endpoints": [self.orders.inbound], "identity": kit.spiffe("billing")}
        web = self.place.sidecar(
            "web", outbound={"listen": kit.free_address()}, services={"orders": conf}
        ).start()
        self.assert_unreachable(
            web, f"not the expected identity {kit.spiffe('billing')} but {kit.spiffe('orders')}"
        )

    def test_a_provider_of_a_domain_we_do_not_trust_is_not_called(self):
        self.place.authority("other", "other.example")
        self.place.issue("web", "other.example", "other", out="alien")
        identity = {
            "cert": "certs/alien.pem",
            "key": "certs/alien.key",
            "trust": {"other.example": "other/ca.pem"},
        }
        web = self.caller(identity=identity).start()
        self.assert_unreachable(web, 'unknown trust domain "shop.example"')

    def test_a_provider_that_does_not_trust_us_says_so(self):
        self.place.authority("other", "other.example")
        self.place.issue("web", "other.example", "other", out="alien")
        trust = {"other.example": "other/ca.pem", kit.DOMAIN: "certs/ca.pem"}
        web = self.caller(
            identity={"cert": "certs/alien.pem", "key": "certs/alien.key", "trust": trust}
        ).start()
        self.assert_unreachable(web, "the other side refused us")

    def test_nobody_listens(self):
        web = self.caller().start()
        self.orders.kill()
        answer = h1.ask(web.outbound, "GET", "/", "orders")
        self.assertIn("connection refused", self.assert_refused(answer, 503, "unreachable")["detail"])

    def test_renewed_certificates_are_taken_under_load_without_a_failure(self):
        web = self.caller().start()
        statuses, halfway = [], threading.Event()

        def load():
            for n in range(50):
                with h1.Caller(web.outbound) as caller:
                    statuses.append(caller.ask("POST", f"/{n}", "orders", body=b"x" * 1000).status)
                if n == 10:
                    halfway.set()

        threads = [threading.Thread(target=load) for _ in range(4)]
        for thread in threads:
            thread.start()
        self.assertTrue(halfway.wait(20))
        before = self.orders.metric("weft_identity_expiry_seconds")
        for name in ("orders", "web"):
            self.place.issue(name, ttl="2h")
        for sidecar in (self.orders, web, self.orders):
            sidecar.reload()
        for thread in threads:
            thread.join(60)
        self.assertEqual(statuses, [200] * 200)
        self.assertEqual(len(self.function.seen), 200)
        self.assertGreater(self.orders.metric("weft_identity_expiry_seconds"), before + 3000)
        self.assertNotIn("reload-refused", self.orders.log() + web.log())

    def test_a_broken_renewal_keeps_the_old_certificate(self):
        web = self.caller().start()
        self.place.write("certs/orders.pem", "no certificate\n")
        self.orders.reload()
        self.assertRegex(self.orders.log(), r'config file="\S*certs/orders.pem".* what="has no certificate"')
        self.assertIn("reload-refused", self.orders.log())
        self.assert_answer(h1.ask(web.outbound, "GET", "/", "orders"), 200)

    def test_an_authority_that_is_trusted_no_more_admits_nobody_new(self):
        web = self.caller().start()
        self.assert_answer(h1.ask(web.outbound, "GET", "/", "orders"), 200)
        self.place.authority("next")
        self.place.issue("orders", folder="next", out="orders-next")
        self.orders.reload(
            identity={
                "cert": "certs/orders-next.pem",
                "key": "certs/orders-next.key",
                "trust": {kit.DOMAIN: "next/ca.pem"},
            }
        )
        self.assertRegex(self.show("web"), "alert (unknown ca|bad certificate|certificate unknown)")


if __name__ == "__main__":
    kit.main()
