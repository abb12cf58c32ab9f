#!/usr/bin/env python3
"""A sidecar comes and goes without losing what is under way, and says what is missing around it."""

import signal
import threading

import h1
import kit


class Lifecycle(kit.Story):
    def setUp(self):
        super().setUp()
        self.release = threading.Event()
        self.addCleanup(self.release.set)
        self.function = self.place.function(self.slowly)
        self.orders = self.place.provider("orders", self.function).start()
        self.web = self.place.caller("web", [self.orders]).start()

    def slowly(self, request):
        if request.path == "/slow":
            self.release.wait(60)
        return h1.echo(request)

    def ask(self, method="GET", path="/", body=None):
        return h1.ask(self.web.outbound, method, path, "orders", body=body)

    def begin_slow(self):
        caller = h1.Caller(self.web.outbound)
        self.addCleanup(caller.close)
        caller.send("POST", "/slow", "orders", body=b"work")
        self.function.next()
        return caller

    def assert_drains(self, sidecar, listener):
        ready = sidecar.ask("GET", "/ready")
        self.assertEqual((ready.status, ready.body), (503, b"draining: no new exchanges are taken\n"))
        self.assertFalse(kit.is_listening(listener), "new connections are still taken")
        self.assertTrue(sidecar.is_running())

    def test_sigterm_of_the_providers_side_lets_what_runs_finish(self):
        caller = self.begin_slow()
        self.orders.signal(signal.SIGTERM)
        self.orders.wait_log(r" draining exchanges=1\n")
        self.assert_drains(self.orders, self.orders.inbound)
        self.assert_refused(self.ask(), 503, "unreachable")
        self.release.set()
        self.assert_answer(caller.receive(), 200, b"work")
        self.assertEqual(self.orders.wait(), 0)
        self.assertIn(" ended status=0", self.orders.log())
        self.orders.start()
        kit.wait_until("the successor is called", lambda: self.ask().status == 200)

    def test_sigterm_of_the_callers_side_lets_what_runs_finish(self):
        caller = self.begin_slow()
        self.web.signal(signal.SIGTERM)
        self.web.wait_log(r" draining exchanges=1\n")
        self.assert_drains(self.web, self.web.outbound)
        self.release.set()
        answer = caller.receive()
        self.assert_answer(answer, 200, b"work")
        self.assertEqual(answer.field("connection"), "close")
        self.assertEqual(self.web.wait(), 0)

    def test_an_idle_sidecar_ends_at_once(self):
        self.assert_answer(self.ask(), 200)
        for sidecar in (self.web, self.orders):
            sidecar.signal(signal.SIGTERM)
            self.assertEqual(sidecar.wait(within=5), 0)

    def test_a_second_sigterm_ends_it_now(self):
        caller = self.begin_slow()
        self.orders.signal(signal.SIGTERM)
        self.orders.wait_log(" draining ")
        self.orders.signal(signal.SIGTERM)
        self.assertEqual(self.orders.wait(within=5), 0)
        self.assert_refused(caller.receive(), 502, "upstream-reset")

    def test_a_drain_has_an_end(self):
        self.orders.kill()
        self.orders.conf["timeouts"] = {"drain": "300ms"}
        self.orders.write()
        self.orders.start()
        kit.wait_until("the new one is called", lambda: self.ask().status == 200)
        while not self.function.arrived.empty():
            self.function.next()
        caller = self.begin_slow()
        self.orders.signal(signal.SIGTERM)
        self.assertEqual(self.orders.wait(within=5), 0)
        self.assertIn("drain-late exchanges=1", self.orders.log())
        self.assert_refused(caller.receive(), 502, "upstream-reset")

    def test_a_drain_can_be_asked_for(self):
        self.assertEqual(self.orders.ask("POST", "/drain").status, 202)
        self.assertEqual(self.orders.wait(), 0)

    def test_the_app_restarts_between_requests(self):
        self.assert_answer(self.ask(), 200)
        for _ in range(3):
            self.function.stop()
            self.function.start()
            self.assert_answer(self.ask(), 200)

    def test_no_app(self):
        self.function.stop()
        problem = self.assert_refused(self.ask(), 503, "app-unreachable")
        self.assertIn("connection refused", problem["detail"])
        self.function.start()
        # after a refused connection the next one is made a little later
        kit.wait_until("the function is called again", lambda: self.ask().status == 200, within=5)

    def test_the_app_dies_before_it_answers(self):
        self.function.answer = lambda r: h1.CUT
        self.assert_refused(self.ask("POST", "/", b"x"), 502, "app-reset")
        self.assertEqual(len(self.function.seen), 1, "a POST is not repeated")

    def test_the_app_dies_in_the_middle_of_its_answer(self):
        def half(request):
            request.connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")
            return h1.CUT

        self.function.answer = half
        try:
            answer = self.ask("POST", "/", b"x")
            self.assertEqual((answer.status, answer.field("weft-error")), (502, "app-reset"))
        except (h1.Cut, ConnectionError):
            pass  # the head had gone out: a cut connection is the only honest answer left
        self.function.answer = h1.echo
        self.assert_answer(self.ask("POST", "/", b"x"), 200, b"x")

    def test_the_app_talks_nonsense(self):
        for nonsense in (
            b"NOT HTTP\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        ):
            self.function.answer = lambda r, n=nonsense: n
            self.assert_refused(self.ask("POST", "/", b"x"), 502, "bad-answer")

    def test_the_other_sidecar_is_killed_in_the_middle(self):
        caller = self.begin_slow()
        self.orders.kill()
        self.assert_refused(caller.receive(), 502, "upstream-reset")

    def test_a_request_that_takes_too_long(self):
        self.web.kill()
        self.web.conf["timeouts"] = {"request": "200ms"}
        self.web.write()
        self.web.start()
        caller = self.begin_slow()
        self.assert_refused(caller.receive(), 504, "request-timeout")

    def test_without_its_broker_calls_go_on(self):
        keys = {"https": kit.free_address(), "identity": kit.spiffe("broker"), "slots": 0}
        worker = self.place.caller("worker", [self.orders], broker=keys).start()
        self.assert_answer(h1.ask(worker.outbound, "GET", "/", "orders"), 200)
        self.assertRegex(worker.ask("GET", "/ready").body.decode(), r"^ready\nbroker: \S")
        async_please = [("prefer", "respond-async")]
        answer = h1.ask(worker.outbound, "POST", "/", "orders", async_please, b"x")
        self.assert_refused(answer, 503, "broker-unreachable")
        self.assert_refused(h1.ask(worker.outbound, "GET", "/v1/jobs", "x"), 503, "broker-unreachable")
        answer = h1.ask(self.web.outbound, "POST", "/", "orders", async_please, b"x")
        problem = self.assert_refused(answer, 503, "broker-unreachable")
        self.assertEqual(problem["detail"], "No broker is configured here (broker.https).")

    def test_a_reload_under_way_disturbs_no_exchange(self):
        caller = self.begin_slow()
        for sidecar in (self.orders, self.web):
            sidecar.reload()
        self.release.set()
        self.assert_answer(caller.receive(), 200, b"work")


if __name__ == "__main__":
    kit.main()
