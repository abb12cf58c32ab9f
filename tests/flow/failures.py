#!/usr/bin/env python3
"""Two thousand calls a second, and processes that are killed, stopped, slowed down, drained and renewed meanwhile: no
POST is done twice, no GET is lost, and of the POSTs only those that were with the killed one at that moment."""

import resource
import signal
import socket
import threading
import time

import calls
import h1
import kit

RATE = 2000
WHILE = 0.35  # seconds from one blow to the next
LATE_MS = 300  # until which a blow is felt, on a machine that is busy


class Failures(kit.Story):
    def begin(self, seconds, connections=64, providers=2, **keys):
        count = int(RATE * seconds)
        book = calls.make_book(self.place, count)
        self.functions = [
            self.place.process(calls.Function(self.place, f"function{i}", book)).start() for i in range(providers)
        ]
        self.orders = [
            self.place.sidecar(
                f"orders{i}",
                service="orders",
                identity=self.place.identity("orders"),
                inbound={"listen": kit.free_address(), "app": f"http://{self.functions[i].address}"},
            ).start()
            for i in range(providers)
        ]
        service = {"endpoints": [s.inbound for s in self.orders], "identity": kit.spiffe("orders")}
        self.web = self.place.sidecar(
            "web", outbound={"listen": kit.free_address()}, services={"orders": service}, **keys
        ).start()
        self.blows = []
        self.load = calls.Load(self.place, self.web.outbound, "orders", connections, RATE, count)
        self.addCleanup(self.load.end)
        time.sleep(WHILE)  # until calls flow

    def blow(self, deed):
        """Something happens to a process; what was under way then may be lost."""
        self.blows.append(calls.now_ms())
        deed()
        time.sleep(WHILE)

    def account(self):
        account = self.load.wait(60)
        print(f"{account.sums}", flush=True)
        self.assertEqual((account.doubled, account.phantom, account.crossed), (0, 0, 0), account.failed[:20])
        self.assertEqual(account.lied, 0, [f for f in account.failed if f.seen][:20])
        return account

    def assert_nothing_is_lost(self):
        account = self.account()
        self.assertEqual(account.failed, [])
        return account

    def assert_only_posts_under_way_are_lost(self):
        """Each POST that failed was sent before a blow and ended soon after it."""
        account = self.account()
        self.assertEqual([f for f in account.failed if f.method == "GET"], [])
        for failed in account.failed:
            near = any(failed.sent_ms <= at + LATE_MS and failed.ended_ms >= at for at in self.blows)
            self.assertTrue(near, f"{failed}, blows at {self.blows}")
        self.assertLessEqual(len(account.failed), 64 * len(self.blows))
        return account

    def test_a_function_is_killed_again_and_again(self):
        self.begin(4)
        for i in (0, 1, 0):
            self.blow(self.functions[i].kill)
            self.functions[i].start()
            time.sleep(WHILE)
        self.assert_only_posts_under_way_are_lost()

    def test_a_function_stops_for_a_while(self):
        self.begin(3)
        self.blow(lambda: self.functions[0].signal(signal.SIGSTOP))
        self.functions[0].signal(signal.SIGCONT)
        self.assert_nothing_is_lost()

    def test_a_function_becomes_slow(self):
        self.begin(3)
        self.functions[0].slow()
        account = self.assert_nothing_is_lost()
        self.assertLess(account.p50_ms, 100, "the quick one is preferred")

    def test_the_sidecar_of_the_function_is_killed_again_and_again(self):
        self.begin(4)
        for i in (0, 1, 0):
            self.blow(self.orders[i].kill)
            self.orders[i].start()
            time.sleep(WHILE)
        self.assert_only_posts_under_way_are_lost()

    def test_the_sidecar_of_the_function_stops_for_a_while(self):
        self.begin(3)
        self.blow(lambda: self.orders[0].signal(signal.SIGSTOP))
        self.orders[0].signal(signal.SIGCONT)
        self.assert_nothing_is_lost()

    def test_the_sidecar_of_the_caller_is_killed_again_and_again(self):
        """Who calls it sees its connection cut: it cannot know more, and calls once."""
        self.begin(4)
        for _ in range(3):
            self.blow(self.web.kill)
            self.web.start()
            time.sleep(WHILE)
        account = self.account()
        self.assertEqual({f.word for f in account.failed} - {"cut"}, set())
        self.assertLessEqual(len(account.failed), 3 * 64)

    def test_the_sidecar_of_the_caller_stops_for_a_while(self):
        self.begin(3)
        self.blow(lambda: self.web.signal(signal.SIGSTOP))
        self.web.signal(signal.SIGCONT)
        self.assert_nothing_is_lost()

    def test_the_sidecars_of_the_function_are_replaced_one_by_one(self):
        self.begin(4)
        for i in (0, 1, 0):
            self.orders[i].signal(signal.SIGTERM)
            self.assertEqual(self.orders[i].wait(), 0)
            self.orders[i].start()
            time.sleep(WHILE)
        self.assert_nothing_is_lost()

    def test_the_sidecar_of_the_caller_is_replaced(self):
        self.begin(4)
        for _ in range(3):
            self.web.signal(signal.SIGTERM)
            self.assertEqual(self.web.wait(), 0)
            self.web.start()
            time.sleep(WHILE)
        self.assert_nothing_is_lost()

    def test_certificates_and_configuration_are_renewed_with_a_thousand_connections(self):
        self.begin(6, connections=1000)
        for turn in range(4):
            for name in ("orders", "web"):
                self.place.issue(name)
            for sidecar in (*self.orders, self.web):
                sidecar.reload(retries={"limit": 1 + turn % 2})
        account = self.assert_nothing_is_lost()
        self.assertEqual(account.connects, 1000)

    def neighbours(self, count):
        """So many connections of foreign peers by mTLS, each with a request behind it."""
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        wrap, callers = self.place.tls("neighbour"), []
        for _ in range(count):
            callers.append(h1.Caller(self.orders[0].inbound, wrap))
            callers[-1].socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else 40 ms each
            self.addCleanup(callers[-1].close)
            self.ask(callers[-1])
        return callers

    def ask(self, caller):
        self.assert_answer(caller.ask("GET", "/0", "orders"), 200)

    def test_a_thousand_neighbours_notice_no_renewal_and_no_reload(self):
        self.begin(15, providers=1)
        callers, over, failed = self.neighbours(1000), threading.Event(), []

        def go_on():
            while not over.is_set():
                for caller in callers:
                    try:
                        self.ask(caller)
                    except Exception as e:  # also that it is closed
                        failed.append(e)
                        return

        asking = threading.Thread(target=go_on)
        asking.start()
        for turn in range(20):
            if turn % 5 == 0:
                for name in ("orders", "web"):
                    self.place.issue(name)
            for sidecar in (*self.orders, self.web):
                sidecar.reload(retries={"limit": 1 + turn % 2})
        over.set()
        asking.join()
        self.assertEqual(failed, [])
        for caller in callers:
            self.ask(caller)
        self.assert_nothing_is_lost()


if __name__ == "__main__":
    kit.main()
