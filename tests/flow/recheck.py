#!/usr/bin/env python3
"""What was let in is asked again when trust or policy changes: only what is newly refused ends."""

import threading

import h1
import kit
from job_story import JobStory

RULES = 'allow :- peer("{}").\n'


def allow(*names):
    return "".join(RULES.format(kit.spiffe(name)) for name in names)


class Recheck(kit.Story):
    def setUp(self):
        super().setUp()
        self.go_on = threading.Event()
        self.addCleanup(self.go_on.set)
        self.function = self.place.function(self.answer)

    def answer(self, request):
        if request.path == "/slow":
            self.go_on.wait(kit.DEADLINE)
        return h1.echo(request)

    def begin(self, **keys):
        self.orders = self.place.provider("orders", self.function, **keys).start()

    def connect(self, name):
        caller = h1.Caller(self.orders.inbound, self.place.tls(name))
        self.addCleanup(caller.close)
        return caller

    def open_connection(self, name):
        caller = self.connect(name)
        self.assert_answer(caller.ask("GET", "/", "orders"), 200)
        return caller

    def slow_call(self, name):
        caller = self.connect(name)
        caller.send("GET", "/slow", "orders")
        self.function.next()
        return caller

    def assert_cut(self, caller):
        with self.assertRaises((h1.Cut, OSError)):
            caller.ask("GET", "/", "orders")

    def revoke(self, name):
        self.place.must("ca", "revoke", f"certs/{name}.pem", "--dir", "certs")

    def with_list(self):
        return {**self.orders.conf["identity"], "crl": ["certs/ca.crl"]}

    def test_a_revoked_peer_is_cut_and_others_go_on(self):
        self.begin()
        web, shop = self.open_connection("web"), self.open_connection("shop")
        many = [self.open_connection("web") for _ in range(40)]
        slow = self.slow_call("web")
        self.revoke("web")
        self.orders.reload(identity=self.with_list())
        self.orders.wait_log(f'peer-cut peer="{kit.spiffe("web")}" why=.*certificate is revoked by')
        kit.wait_until("all are cut", lambda: self.orders.metric("weft_peers_cut_total") == 42)
        for caller in (web, slow, *many):
            self.assert_cut(caller)
        self.assert_answer(shop.ask("GET", "/", "orders"), 200)

    def come_again(self, wrap, session=None):
        """Asks once, with a session of before; who is asked may have told of a new one."""
        with h1.Caller(self.orders.inbound, lambda plain: wrap(plain, session=session)) as caller:
            self.assert_answer(caller.ask("GET", "/", "orders"), 200)
            return caller.socket.session_reused, caller.socket.session

    def test_a_session_of_before_is_no_way_in_for_who_was_revoked(self):
        self.begin()
        web, shop = self.place.tls("web"), self.place.tls("shop")
        reused, of_web = self.come_again(web)
        self.assertFalse(reused)
        self.assertTrue(self.come_again(web, of_web)[0])
        _, of_shop = self.come_again(shop)
        self.assertEqual(self.orders.metric('weft_tls_handshakes_total{side="inbound",kind="full"}'), 2)
        self.assertEqual(self.orders.metric('weft_tls_handshakes_total{side="inbound",kind="resumed"}'), 1)
        self.revoke("web")
        self.orders.reload(identity=self.with_list())
        with self.assertRaises((h1.Cut, OSError)):
            self.come_again(web, of_web)
        reused, of_shop = self.come_again(shop, of_shop)
        self.assertFalse(reused)
        self.assertTrue(self.come_again(shop, of_shop)[0])

    def test_a_domain_that_is_trusted_no_more_is_cut(self):
        self.begin()
        self.place.authority("partner", "partner.example")
        self.place.issue("friend", "partner.example", "partner")
        ours = self.orders.conf["identity"]
        both = {kit.DOMAIN: "certs/ca.pem", "partner.example": "partner/ca.pem"}
        self.orders.reload(identity={**ours, "trust": both})
        friend, web = self.open_connection("friend"), self.open_connection("web")
        self.orders.reload(identity=ours)
        self.orders.wait_log('peer-cut peer="spiffe://partner.example/ns/shop/sa/friend" why="unknown trust domain')
        self.assert_cut(friend)
        self.assert_answer(web.ask("GET", "/", "orders"), 200)

    def test_a_reload_that_changes_no_trust_cuts_nobody(self):
        self.begin()
        web = self.open_connection("web")
        self.place.issue("orders")
        self.orders.reload()
        self.assert_answer(web.ask("GET", "/", "orders"), 200)
        self.assertEqual(self.orders.metric("weft_peers_cut_total"), 0)

    def test_it_can_be_turned_off(self):
        self.begin(recheck=False)
        web = self.open_connection("web")
        self.revoke("web")
        self.orders.reload(identity=self.with_list())
        self.assert_answer(web.ask("GET", "/", "orders"), 200)
        with self.assertRaises((h1.Cut, OSError)):
            self.open_connection("web")

    def test_a_call_under_way_to_who_was_revoked_ends(self):
        self.begin()
        web = self.place.caller("web", [self.orders]).start()
        caller = h1.Caller(web.outbound)
        self.addCleanup(caller.close)
        caller.send("GET", "/slow", "orders")
        self.function.next()
        self.revoke("orders")
        web.reload(identity={**web.conf["identity"], "crl": ["certs/ca.crl"]})
        answer = caller.receive()
        self.assertIn(answer.status, (502, 503), answer.body)

    def test_a_policy_that_denies_now_ends_what_it_let_in(self):
        self.place.write("rules.weft", allow("web", "shop"))
        self.begin(policy=["rules.weft"])
        web, shop = self.slow_call("web"), self.slow_call("shop")
        self.place.write("rules.weft", allow("shop"))
        self.orders.reload()
        answer = web.receive()
        self.assert_refused(answer, 403, "policy-denied")
        told = self.orders.why(answer.field("weft-request-id")).stdout
        self.assertIn(f'peer("{kit.spiffe("shop")}")', told)
        self.go_on.set()
        self.assert_answer(shop.receive(), 200)


class RecheckBus(JobStory):
    def test_the_bus_session_of_a_revoked_worker_ends(self):
        self.begin()
        self.place.must("ca", "revoke", "certs/trainer.pem", "--dir", "certs")
        self.broker.reload(identity={**self.broker.conf["identity"], "crl": ["certs/ca.crl"]})
        self.broker.wait_log(f'session-left peer="{kit.spiffe("trainer")}" why="its certificate is trusted no more"')
        self.assertNotIn(f"session-left peer=\"{kit.spiffe('web')}\"", self.broker.log())
        self.broker.wait_log(f"bus-key-dropped peer=\"{kit.spiffe('trainer')}\" why=.*is revoked by")
        job = self.submit()
        self.assertEqual(self.status(job)["state"], "queued")
        self.place.issue("trainer")
        self.trainer.reload()
        self.wait_state(job, "done")


if __name__ == "__main__":
    kit.main()
