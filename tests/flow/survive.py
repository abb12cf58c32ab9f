#!/usr/bin/env python3
"""A job is taken once it is on disk, runs until it ends, and ends once, whatever is killed meanwhile."""

import json
import signal
import threading
import time

import h1
import kit
from job_story import ASYNC, JobStory


class Survive(JobStory):
    def test_the_broker_is_killed_while_jobs_wait(self):
        self.begin(worker=False)
        jobs = [self.submit(b"%d" % n) for n in range(20)]
        self.broker.kill()
        self.broker.start()
        self.assertIn("recovered queued=20", self.broker.log())
        self.start(self.trainer)
        for job in jobs:
            self.assertEqual(self.wait_until_known(job, "done")["attempt"], 1)
        self.assertEqual([r.body for r in self.function.seen], [b"%d" % n for n in range(20)])

    def test_the_broker_is_killed_while_one_runs(self):
        release = threading.Event()
        self.addCleanup(release.set)
        self.begin(answer=lambda r: release.wait(60) and h1.reply(200, b"model"))
        job = self.submit()
        request = self.function.next()
        self.broker.kill()
        self.assertFalse(request.is_cut(within=0.5), "the run did not go on without its broker")
        self.broker.start()
        self.broker.wait_log(r'session peer="\S*/trainer" service="trainer" attached=1 dropped=0')
        release.set()
        self.assertEqual(self.wait_until_known(job, "done")["attempt"], 1)
        self.assert_answer(self.result(job), 200, b"model")
        self.assertEqual(len(self.function.seen), 1)

    def test_the_broker_is_killed_and_the_run_ends_meanwhile(self):
        release = threading.Event()
        self.addCleanup(release.set)
        self.begin(answer=lambda r: release.wait(60) and h1.reply(200, b"model"))
        job = self.submit()
        self.function.next()
        self.broker.kill()
        release.set()
        self.trainer.wait_access(path="/train")
        self.broker.start()
        self.assertEqual(self.wait_until_known(job, "done")["attempt"], 1)
        self.assert_answer(self.result(job), 200, b"model")
        self.assertEqual(len(self.function.seen), 1)

    def test_the_workers_sidecar_is_killed_while_one_runs(self):
        release = threading.Event()
        self.addCleanup(release.set)
        self.begin(
            answer=lambda r: (
                h1.reply(200, b"model") if r.field("weft-attempt") == "2" else release.wait(60) and h1.CUT
            )
        )
        job = self.submit()
        request = self.function.next()
        self.trainer.kill()
        self.assertTrue(request.is_cut(within=5))
        self.start(self.trainer)
        status = self.wait_state(job, "done")
        self.assertEqual((status["attempt"], status["crashes"]), (2, 1))
        self.assertEqual([r.field("weft-attempt") for r in self.function.seen], ["1", "2"])

    def test_a_full_store_takes_nothing_new_and_loses_nothing(self):
        self.broker.kill()
        self.broker.conf["max_bytes"] = "16MiB"
        self.broker.write()
        self.broker.start()
        self.begin()
        first = self.submit(b"first")
        self.wait_state(first, "done")
        self.trainer.signal(signal.SIGTERM)
        self.assertEqual(self.trainer.wait(), 0)
        jobs, full = [], None
        while not full:
            answer = self.ask("POST", "/train", [ASYNC], b"x" * 200000)
            if answer.status == 202:
                jobs.append(json.loads(answer.body)["job"])
                self.assertLess(len(jobs), 100, "16 MiB never become full")
            else:
                full = answer
        self.assertEqual((full.status, full.field("weft-error")), (507, "store-full"))
        self.assertGreater(len(jobs), 20)
        self.assert_answer(self.result(first), 200, b"first")
        self.assertEqual(self.status(jobs[-1])["state"], "queued")
        self.assertIn(self.ask("DELETE", f"/v1/jobs/{jobs.pop()}").status, (200, 202))
        self.function.answer = lambda r: h1.reply(200, b"ok")
        self.start(self.trainer)
        for job in jobs:
            self.wait_state(job, "done")
            self.assert_answer(self.result(job), 200, b"ok")
        self.assertEqual(len(self.function.seen), 1 + len(jobs))

    def test_renewed_certificates_keep_the_bus(self):
        """Renewal costs no job, before or after the first certificates have ended."""
        for name in ("trainer", "web"):
            self.place.issue(name, ttl="4s")
        self.begin()
        ends = time.monotonic() + 4
        self.wait_state(self.submit(b"before"), "done")
        for sidecar in (self.trainer, self.web):
            self.place.issue(sidecar.name)
            sidecar.reload()
        kit.wait_until("the first certificates have ended", lambda: time.monotonic() > ends + 1)
        self.wait_state(self.submit(b"after"), "done")

    def test_a_caller_that_comes_back_finds_its_jobs(self):
        self.begin(worker=False)
        job = self.submit()
        self.web.kill()
        self.start(self.web)
        self.assertEqual(self.status(job)["state"], "queued")
        self.start(self.trainer)
        self.wait_state(job, "done")
        self.assertEqual(self.names(job), ["accepted", "started", "done"])

    def test_a_drained_broker_leaves_what_runs_to_its_successor(self):
        release = threading.Event()
        self.addCleanup(release.set)
        self.begin(answer=lambda r: release.wait(60) and h1.reply(200, b"model"))
        job = self.submit()
        request = self.function.next()
        self.broker.signal(signal.SIGTERM)
        self.broker.wait_log(" draining ")
        self.broker.signal(signal.SIGTERM)
        self.assertEqual(self.broker.wait(), 0)
        self.assertFalse(request.is_cut(within=0.2))
        self.broker.start()
        release.set()
        self.assertEqual(self.wait_until_known(job, "done")["attempt"], 1)
        self.assertEqual(len(self.function.seen), 1)

    def test_a_worker_that_was_stopped_may_not_finish_what_is_not_its_own_any_more(self):
        release = threading.Event()
        self.addCleanup(release.set)
        self.begin(
            answer=lambda r: (
                h1.reply(200, b"second")
                if r.field("weft-attempt") == "2"
                else release.wait(60) and h1.reply(200, b"first")
            )
        )
        job = self.submit()
        self.function.next()
        self.trainer.signal(signal.SIGSTOP)
        self.broker.wait_log(f' job-retrying job="{job}"')
        release.set()  # the answer of the first attempt lies ready when the sidecar wakes
        self.trainer.signal(signal.SIGCONT)
        status = self.wait_state(job, "done")
        self.assertEqual((status["attempt"], status["crashes"]), (2, 1))
        self.assert_answer(self.result(job), 200, b"second")
        self.assertEqual(self.names(job), ["accepted", "started", "retrying", "started", "done"])

    def test_the_function_is_away(self):
        """Nobody at home is not a crash: the job waits."""
        self.begin(worker=False)
        self.function.stop()
        self.start(self.trainer)
        job = self.submit()
        self.trainer.wait_log(" job-app-absent ")
        self.function.start()
        status = self.wait_state(job, "done")
        self.assertEqual(status["crashes"], 0)
        self.assertEqual(len(self.function.seen), 1)

    def test_a_drained_worker_gives_back_without_a_charge(self):
        release = threading.Event()
        self.addCleanup(release.set)
        self.begin(answer=lambda r: release.wait(60) and h1.reply(200, b"model"))
        job = self.submit()
        self.function.next()
        self.trainer.signal(signal.SIGTERM)
        self.trainer.wait_log(" draining ")
        waits = self.submit(b"later")
        release.set()
        self.assertEqual(self.trainer.wait(), 0)
        self.assertEqual(self.wait_state(job, "done")["attempt"], 1)
        self.assertEqual(self.status(waits)["state"], "queued")
        self.start(self.trainer)
        self.assertEqual(self.wait_state(waits, "done")["crashes"], 0)


if __name__ == "__main__":
    kit.main()
