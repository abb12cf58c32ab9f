#!/usr/bin/env python3
"""A sidecar with two workers is one sidecar: it counts, limits, reloads, explains and drains as one with one worker."""

import contextlib
import json
import signal
import threading
import time

import h1
import kit
from job_story import JobStory

CALLERS = 24  # connections: both workers have some


class Workers(kit.Story):
    def begin(self, answer=h1.echo, **keys):
        self.function = self.place.function(answer)
        self.orders = self.place.provider("orders", self.function, workers=2, **keys).start()
        self.webs = [
            self.place.caller(f"web{i}", [self.orders], workers=2, identity=self.place.identity("web")).start()
            for i in range(4)
        ]
        self.web = self.webs[0]

    def callers(self, address):
        callers = [h1.Caller(address) for _ in range(CALLERS)]
        for caller in callers:
            self.addCleanup(caller.close)
        return callers

    def threads_of(self, sidecar):
        tasks = kit.pathlib.Path(f"/proc/{sidecar.child.pid}/task")
        return sorted((task / "comm").read_text().strip() for task in tasks.iterdir())

    def test_it_has_a_thread_for_each(self):
        self.begin()
        self.assertIn("worker-1", self.threads_of(self.orders))
        self.assertNotIn("worker-2", self.threads_of(self.orders))

    def test_counts_add_up_and_both_work(self):
        self.begin()
        for web in self.webs:
            for caller in self.callers(web.outbound):
                for _ in range(5):
                    self.assert_answer(caller.ask("GET", "/", "orders"), 200)
        served = sum(
            web.metric('weft_requests_total{direction="outbound",service="orders",operation="",code="200"}')
            for web in self.webs
        )
        self.assertEqual(served, 4 * CALLERS * 5)
        counted = self.orders.metric('weft_requests_total{direction="inbound",service="orders",operation="",code="200"}')
        self.assertEqual(counted, 4 * CALLERS * 5)
        for web in self.webs:
            (peer,) = json.loads(web.ask("GET", "/peers").body)
            self.assertEqual((peer["connections"], peer["dialled"], peer["in_flight"]), (2, 2, 0))
            self.assertEqual(web.metric('weft_upstream_opened_total{service="orders"}'), 2)
            self.assertEqual(web.metric('weft_upstream_connections{service="orders"}'), 2)
            self.assertEqual(web.metric('weft_connections{side="outbound"}'), CALLERS)
        self.assertEqual(self.orders.metric('weft_connections{side="inbound"}'), 8)
        self.assertEqual(self.orders.metric("weft_requests_in_flight"), 0)
        expiry = self.orders.metric("weft_identity_expiry_seconds")
        self.assertLess(expiry, 4e9, "a moment is not added up")

    def test_connections_are_shared_out_evenly(self):
        """Two callers with a connection from each of their workers: two for each of ours, whatever the kernel draws."""
        self.begin()
        for web in self.webs[:2]:
            for caller in self.callers(web.outbound)[:8]:
                self.assert_answer(caller.ask("GET", "/", "orders"), 200)
        before = self.loops_of(self.orders)
        for web in self.webs[:2]:
            for caller in self.callers(web.outbound)[:8]:
                for _ in range(40):
                    self.assert_answer(caller.ask("GET", "/", "orders"), 200)
        spent = [now - then for now, then in zip(self.loops_of(self.orders), before)]
        self.assertGreater(min(spent), max(spent) / 4, spent)

    def loops_of(self, sidecar):
        """Nanoseconds of processor time of its two loops."""
        names = {}
        for task in kit.pathlib.Path(f"/proc/{sidecar.child.pid}/task").iterdir():
            with contextlib.suppress(OSError):  # a thread that has just ended
                names[(task / "comm").read_text().strip()] = int((task / "schedstat").read_text().split()[0])
        return [names["weft-proxy"], names["worker-1"]]

    def test_each_refusal_is_explained(self):
        self.place.write("policy.weft", 'allow() :- method("GET").\n')
        self.begin(policy=["policy.weft"])
        ids = []
        for web in self.webs:
            for caller in self.callers(web.outbound)[:6]:
                refused = caller.ask("POST", "/", "orders", body=b"x")
                self.assertEqual(refused.status, 403)
                ids.append(refused.field("weft-request-id"))
        for one in ids:
            self.assertEqual(self.orders.why(one).returncode, 0, one)
        listed = self.orders.ask("GET", "/why").body.decode().splitlines()
        self.assertEqual(len(listed), len(ids))
        self.assertEqual(listed, sorted(listed, key=lambda line: line[:24], reverse=True))

    def test_a_new_policy_holds_for_all_at_once(self):
        self.place.write("policy.weft", 'allow() :- method("GET").\n')
        self.begin(policy=["policy.weft"])
        callers = [c for web in self.webs for c in self.callers(web.outbound)]
        for word, status in (("POST", 403), ("GET", 200), ("POST", 403)):
            self.place.write("policy.weft", f'allow() :- method("{"GET" if status == 403 else "POST"}").\n')
            self.orders.reload()
            for caller in callers:
                self.assertEqual(caller.ask("POST", "/", "orders", body=b"x").status, 200 if status == 200 else 403, word)

    def test_a_policy_that_one_cannot_read_none_takes(self):
        self.place.write("policy.weft", 'allow() :- method("POST").\n')
        self.begin(policy=["policy.weft"])
        self.place.write("policy.weft", "allow( :-\n")
        self.orders.reload()
        self.assertEqual(self.orders.log().count(" reload-refused "), 1)
        for caller in self.callers(self.web.outbound):
            self.assert_answer(caller.ask("POST", "/", "orders", body=b"x"), 200)

    def test_what_the_function_gets_at_once_is_one_limit(self):
        gate, most, now, lock = threading.Semaphore(0), 0, 0, threading.Lock()

        def answer(_):
            nonlocal most, now
            with lock:
                now += 1
                most = max(most, now)
            gate.acquire(timeout=20)
            with lock:
                now -= 1
            return h1.reply(200, b"done")

        self.begin(answer, limits={"least": 2, "most": 2, "queue": 9, "queue_wait": "20s"})
        ends = []

        def ask(web):
            ends.append(h1.ask(web.outbound, "POST", "/", "orders", body=b"x").status)

        threads = [threading.Thread(target=ask, args=(self.webs[i % 4],)) for i in range(16)]
        for thread in threads:
            thread.start()
        kit.wait_until("five are refused", lambda: len(ends) == 5)
        self.assertEqual(self.orders.metric("weft_requests_in_flight"), 11)
        gate.release(16)
        for thread in threads:
            thread.join()
        self.assertEqual((most, ends.count(200), ends.count(503)), (2, 11, 5))

    def test_a_rate_is_one_rate(self):
        self.begin(limits={"rate": 10})
        began = time.monotonic()
        statuses = [c.ask("GET", "/", "orders").status for web in self.webs for c in self.callers(web.outbound)]
        most = 10 + 10 * (time.monotonic() - began) + 1  # what may come at once, and what comes with time
        self.assertTrue(10 <= statuses.count(200) <= most, (most, statuses))
        self.assertEqual(statuses.count(200) + statuses.count(429), 4 * CALLERS)

    def test_a_drain_lets_what_runs_on_either_finish(self):
        release = threading.Event()
        self.addCleanup(release.set)
        self.begin(lambda r: h1.echo(r) if release.wait(30) else h1.CUT)
        callers = [c for web in self.webs for c in self.callers(web.outbound)[:4]]
        for caller in callers:
            caller.send("POST", "/", "orders", body=b"work")
        for _ in callers:
            self.function.next()
        self.orders.signal(signal.SIGTERM)
        self.orders.wait_log(r" draining exchanges=16\n")
        kit.wait_until("nobody is let in", lambda: not kit.is_listening(self.orders.inbound))
        release.set()
        for caller in callers:
            self.assert_answer(caller.receive(), 200, b"work")
        self.assertEqual(self.orders.wait(), 0)

    def test_a_second_sigterm_ends_it_now(self):
        release = threading.Event()
        self.addCleanup(release.set)
        self.begin(lambda r: release.wait(30) and h1.CUT)
        caller = h1.Caller(self.web.outbound)
        self.addCleanup(caller.close)
        caller.send("POST", "/", "orders", body=b"work")
        self.function.next()
        self.orders.signal(signal.SIGTERM)
        self.orders.wait_log(" draining ")
        self.orders.signal(signal.SIGTERM)
        self.assertEqual(self.orders.wait(within=5), 0)

    def test_a_unix_socket_is_shared(self):
        self.begin()
        path = self.place.folder / "out.sock"
        self.web.kill()
        self.web.conf["outbound"] = {"listen": f"unix:{path}"}
        self.web.write()
        self.web.start()

        def ask(_):
            with kit.socket.socket(kit.socket.AF_UNIX) as s:
                s.connect(str(path))
                s.sendall(b"GET / HTTP/1.1\r\nHost: orders\r\nConnection: close\r\n\r\n")
                return s.makefile("rb").read()

        for i in range(20):
            self.assertRegex(ask(i), rb"\AHTTP/1.1 200 ")

    def test_an_address_that_is_taken_is_not_shared_with_a_stranger(self):
        self.begin()
        other = self.place.provider("other", self.function, workers=2)
        other.conf["inbound"]["listen"] = self.orders.inbound
        other.write()
        kit.Process.start(other)
        self.assertEqual(other.wait(), 1)
        other.child.returncode = 0  # as asked
        self.assertIn("another process has this address", other.log())


class Jobs(JobStory):
    """Each worker has its share of the slots, and the function speaks of its jobs to whichever it likes."""

    def test_jobs_run_at_both_and_are_known_to_both(self):
        both, told, lock = threading.Barrier(2), [], threading.Lock()

        def own(method, job, what, body=None):
            """A connection of its own: every other one is the other worker's."""
            return h1.ask(self.trainer.outbound, method, f"/v1/jobs/{job}/{what}", "trainer", [], body).status

        def answer(r):
            job = r.field("weft-job")
            both.wait(20)
            statuses = [own("POST", job, "progress", b"half") for _ in range(4)]
            statuses += [own("PUT", job, "checkpoint", b"half") for _ in range(4)]
            statuses += [own("GET", job, "checkpoint") for _ in range(4)]
            with lock:
                told.append(statuses)
            both.wait(20)
            return h1.reply(200, b"done")

        self.trainer.conf.update(workers=2, broker={**self.keys, "slots": 2})
        self.trainer.write()
        self.begin(answer=answer)
        jobs = [self.submit(), self.submit()]
        for job in jobs:
            self.wait_state(job, "done")
            self.assertEqual(own("GET", job, "checkpoint"), 404, "it is over")
        self.assertEqual(told, [[204] * 8 + [200] * 4] * 2)
        self.assertEqual(self.broker.metric('weft_jobs_workers{service="trainer"}'), 2)

    def test_what_runs_at_either_finishes_in_a_drain(self):
        release = threading.Event()
        self.addCleanup(release.set)
        self.trainer.conf.update(workers=2, broker={**self.keys, "slots": 4})
        self.trainer.write()
        self.begin(answer=lambda r: release.wait(30) and h1.reply(200, b"done"))
        jobs = [self.submit() for _ in range(4)]
        for _ in jobs:
            self.function.next()
        self.trainer.signal(signal.SIGTERM)
        self.trainer.wait_log(" draining ")
        release.set()
        for job in jobs:
            self.assertEqual(self.wait_state(job, "done")["attempt"], 1)
        self.assertEqual(self.trainer.wait(), 0)


del JobStory  # tells no story of its own

if __name__ == "__main__":
    kit.main()
