#!/usr/bin/env python3
"""Functions that fail, stall and vanish cost their callers as little as can be: another instance answers, what may not
be done twice is not, and what cannot be helped is said at once."""

import collections
import json
import threading
import time

import h1
import kit


class Resilience(kit.Story):
    def begin(self, count=2, **keys):
        """Instances of one service under one identity, each with a function of its own, and a caller."""
        self.functions = [self.place.function(self.answer_of(i)) for i in range(count)]
        self.sidecars = [
            self.place.sidecar(
                f"orders{i}",
                service="orders",
                identity=self.place.identity("orders"),
                inbound={"listen": kit.free_address(), "app": f"http://{self.functions[i].address}"},
            ).start()
            for i in range(count)
        ]
        endpoints = [s.inbound for s in self.sidecars]
        service = {"endpoints": endpoints, "identity": kit.spiffe("orders"), **keys.pop("service", {})}
        self.web = self.place.sidecar(
            "web", outbound={"listen": kit.free_address()}, services={"orders": service}, **keys
        ).start()

    def answer_of(self, number):
        return lambda r: h1.reply(200, b"%d" % number)

    def ask(self, method="GET", body=None, fields=()):
        return h1.ask(self.web.outbound, method, "/x", "orders", fields, body)

    def count(self, n, method="GET"):
        """How many of n calls ended how: by status and body."""
        ends = collections.Counter()
        for _ in range(n):
            answer = self.ask(method, b"x" if method == "POST" else None)
            ends[(answer.status, answer.body if answer.status == 200 else answer.field("weft-error"))] += 1
        return ends

    def test_calls_are_spread(self):
        self.begin(3)
        ends = self.count(60)
        self.assertEqual(set(ends), {(200, b"0"), (200, b"1"), (200, b"2")})

    def test_a_sidecar_that_is_killed_costs_nobody_an_answer(self):
        self.begin(2)
        self.count(4)
        self.sidecars[0].kill()
        self.assertEqual(self.count(30, "POST"), {(200, b"1"): 30})

    def test_a_function_that_is_gone_is_passed_over(self):
        """Its sidecar says that nobody has seen the request, so even a POST goes to the other one."""
        self.begin(2)
        self.functions[0].stop()
        self.assertEqual(self.count(20, "POST"), {(200, b"1"): 20})

    def test_what_may_not_be_done_twice_is_done_once(self):
        self.begin(2, retries={"limit": 5})
        for function in self.functions:
            function.answer = lambda r: h1.CUT
        self.assertEqual(self.ask("POST", b"x").status, 502)
        self.assertEqual(sum(len(f.seen) for f in self.functions), 1)

    def test_versions_by_weight(self):
        self.begin(2)
        first, second = (s.inbound for s in self.sidecars)
        versions = {"1": {"endpoints": first, "weight": 4}, "2": {"endpoints": [second], "weight": 1}}
        self.web.reload(services={"orders": {"versions": versions, "identity": kit.spiffe("orders")}})
        ends = self.count(200)
        self.assertTrue(15 <= ends[(200, b"1")] <= 75, ends)
        self.assertEqual(sum(ends.values()), ends[(200, b"0")] + ends[(200, b"1")])

    def test_a_service_that_fails_is_left_alone_and_found_again(self):
        self.begin(1)
        self.functions[0].answer = lambda r: h1.reply(503, b"no")
        ends = self.count(20)
        self.assertTrue(ends[(503, None)] >= 5 and ends[(503, "breaker-open")] >= 10, ends)
        peers = json.loads(self.web.ask("GET", "/peers").body)
        self.assertEqual([(p["service"], p["breaker"]) for p in peers], [("orders", "open")])
        self.functions[0].answer = self.answer_of(0)
        kit.wait_until("it is found again", lambda: self.ask().status == 200, within=5)
        self.assertEqual(self.count(5), {(200, b"0"): 5})

    def test_a_try_that_takes_too_long_goes_to_the_other(self):
        self.begin(2, timeouts={"attempt": "300ms"})
        stop = threading.Event()
        self.addCleanup(stop.set)
        self.functions[0].answer = lambda r: stop.wait(30) and h1.CUT
        self.assertEqual(self.count(6), {(200, b"1"): 6})

    def test_more_than_is_allowed_in_a_second(self):
        self.begin(1)
        self.sidecars[0].reload(limits={"rate_per_identity": 5})
        ends = self.count(20)
        self.assertTrue(5 <= ends[(200, b"0")] <= 8, ends)
        self.assertEqual(ends[(429, "rate-limited")], 20 - ends[(200, b"0")])

    def test_a_function_gets_no_more_than_it_can_take(self):
        self.begin(1, breaker={"failures": 0})
        limits = {"least": 2, "most": 2, "queue": 3, "queue_wait": "10s"}
        self.sidecars[0].reload(limits=limits)
        gate, most, now = threading.Semaphore(0), 0, 0
        lock = threading.Lock()

        def answer(_):
            nonlocal most, now
            with lock:
                now += 1
                most = max(most, now)
            gate.acquire(timeout=20)
            with lock:
                now -= 1
            return h1.reply(200, b"done")

        self.functions[0].answer = answer
        ends = []
        threads = [threading.Thread(target=lambda: ends.append(self.ask("POST", b"x"))) for _ in range(8)]
        for thread in threads:
            thread.start()
        kit.wait_until("three are refused", lambda: len(ends) == 3)
        self.assertEqual({(e.status, e.field("weft-error")) for e in ends}, {(503, "app-overloaded")})
        gate.release(8)
        for thread in threads:
            thread.join()
        self.assertEqual(sum(e.status == 200 for e in ends), 5)
        self.assertEqual(most, 2)

    def assert_explained(self, sidecar, answer, word, *told):
        self.assertEqual(answer.field("weft-error"), word, answer.first)
        done = sidecar.why(answer.field("weft-request-id"))
        self.assertEqual(done.returncode, 0, done.stderr)
        for text in (f"  {word}  ", *told):
            self.assertIn(text, done.stdout)

    def test_every_refusal_is_explained_where_it_was_made(self):
        """And whoever asks at the caller's sidecar is told where that was."""
        gate = threading.Event()
        self.addCleanup(gate.set)
        function = self.place.function(lambda r: h1.CUT if r.path == "/cut" else gate.wait(20) and h1.echo(r))
        orders = self.place.provider("orders", function, limits={"least": 1, "most": 1, "queue": 0}).start()
        gone = {"endpoints": [kit.free_address()], "identity": kit.spiffe("gone")}
        self.web = self.place.caller("web", [orders], breaker={"failures": 3}, jobs_only={"gone": gone}).start()
        ask = lambda method, path, host: h1.ask(self.web.outbound, method, path, host)
        answer = ask("POST", "/", "gone")
        self.assert_explained(self.web, answer, "unreachable", f"Asked last: {gone['endpoints'][0]} of gone, as {kit.spiffe('gone')}.")

        def left_alone():
            answer = ask("POST", "/", "gone")
            return answer if answer.field("weft-error") == "breaker-open" else None

        answer = kit.wait_until("it is left alone", left_alone)
        self.assert_explained(self.web, answer, "breaker-open", "GET /peers names them.")
        there = f"there: {orders.inbound}, {kit.spiffe('orders')}."
        answer = ask("POST", "/cut", "orders")
        self.assert_explained(orders, answer, "app-reset", "Look at its log.")
        self.assert_explained(self.web, answer, "app-reset", there)
        slow = threading.Thread(target=lambda: ask("GET", "/slow", "orders"))
        slow.start()
        kit.wait_until("it runs", lambda: orders.metric("weft_requests_in_flight") == 1)
        answer = ask("POST", "/", "orders")
        self.assert_explained(orders, answer, "app-overloaded", "Try again after Retry-After, or another instance.")
        self.assert_explained(self.web, answer, "app-overloaded", there)
        gate.set()
        slow.join()

    def test_faults_on_purpose(self):
        self.begin(1, service={"fault": {"percent": 100, "status": 418, "delay": "200ms"}})
        began = time.monotonic()
        self.assertEqual(self.count(1), {(418, "fault-injected"): 1})
        self.assertTrue(0.2 <= time.monotonic() - began < 5)
        self.assertEqual(self.functions[0].seen, [])

    def test_a_trace_is_carried_on(self):
        self.begin(1)
        trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        self.ask(fields=[("traceparent", trace), ("tracestate", "a=b")])
        seen = self.functions[0].seen[0]
        self.assertEqual((seen.field("traceparent"), seen.field("tracestate")), (trace, "a=b"))


if __name__ == "__main__":
    kit.main()
