#!/usr/bin/env python3
"""The oracle: callers keep a ledger of every 202 they got while broker, worker and the callers' sidecar are killed, and
stopped for longer than a lease, at random;
in the end each of those jobs is over exactly once, with its own result, and there is no job beside them.

WEFT_SEED=n repeats the moments of another run; the seed is printed."""

import json
import os
import random
import signal
import threading
import time

import h1
import kit
from job_story import ASYNC

CALLERS, LEASE_S = 4, 2
# Each is done so often in a round; WEFT_ROUNDS=n makes n of them, for a night.
FAULTS = {"kill broker": 4, "kill worker": 2, "kill caller": 1, "stop broker": 1, "stop worker": 1}
ROUNDS = int(os.environ.get("WEFT_ROUNDS", "1"))
TERMINAL = {"done", "cancelled", "dead"}
SEED = int(os.environ.get("WEFT_SEED", "20261"))


class Ledger:
    """What the callers were promised: job to payload.  Its own lock, since they all write it."""

    def __init__(self):
        self.lock, self.jobs, self.keys = threading.Lock(), {}, 0

    def next_key(self):
        with self.lock:
            self.keys += 1
            return f"key-{self.keys}"

    def promised(self, job, payload):
        with self.lock:
            if self.jobs.setdefault(job, payload) != payload:
                raise AssertionError(f"{job} was promised for {self.jobs[job]} and for {payload}")


class Oracle(kit.Story):
    def setUp(self):
        super().setUp()
        print(f"WEFT_SEED={SEED}")
        self.chance = random.Random(SEED)
        self.ledger, self.stop, self.faults = Ledger(), threading.Event(), []
        self.function = self.place.function(self.work)
        self.broker = self.place.broker(["trainer"], lease=f"{LEASE_S}s", beat="500ms").start()
        keys = {"https": self.broker.conf["https"], "identity": kit.spiffe("broker")}
        self.trainer = self.place.provider("trainer", self.function, broker={**keys, "slots": 4}).start()
        self.web = self.place.caller("web", jobs_only={"trainer": {}}, broker={**keys, "slots": 0}).start()
        for sidecar in (self.trainer, self.web):
            sidecar.wait_log(" broker-ready ")

    @staticmethod
    def work(request):
        """Takes up to 40 ms, by what it is given; every seventh job fails the first time."""
        number = int(request.body.split(b"-")[1])
        time.sleep(number % 5 / 100)
        if number % 7 == 0 and request.field("weft-attempt") == "1":
            return h1.reply(500, b"not yet")
        return h1.reply(200, b"model of " + request.body)

    def ask(self, method, path, fields=(), body=None):
        return h1.ask(self.web.outbound, method, path, "trainer", fields, body)

    def submit(self, key):
        """Until it is promised: who got no answer says the same again."""
        while True:
            try:
                answer = self.ask("POST", "/train", [ASYNC, ("idempotency-key", f'"{key}"')], key.encode())
            except (OSError, h1.Cut):  # the sidecar has gone
                time.sleep(0.05)
                continue
            if answer.status == 202:
                return self.ledger.promised(json.loads(answer.body)["job"], key)
            if answer.status != 503:
                raise AssertionError(f"{key}: {answer.first} {answer.body}")
            time.sleep(0.05)

    def call(self):
        try:
            while not self.stop.is_set():
                self.submit(self.ledger.next_key())
                time.sleep(0.02)
        except Exception as fault:  # of a thread: it must not be lost
            self.faults.append(fault)

    def do_faults(self):
        """The moments are what is tested here: sleeping is no way to wait for anything."""
        victims = {"broker": self.broker, "worker": self.trainer, "caller": self.web}
        faults = [name for name, times in FAULTS.items() for _ in range(times * ROUNDS)]
        self.chance.shuffle(faults)
        for fault in faults:
            what, victim = fault.split()
            time.sleep(self.chance.uniform(0.2, 1.5))
            if what == "kill":
                victims[victim].kill()
                victims[victim].start()
            else:
                self.stop_for(victims[victim], self.chance.uniform(0.5, 2 * LEASE_S))

    @staticmethod
    def stop_for(victim, seconds):
        """Past its lease, perhaps: others may have what it still runs."""
        victim.signal(signal.SIGSTOP)
        time.sleep(seconds)
        victim.signal(signal.SIGCONT)

    def all_jobs(self):
        jobs, cursor = {}, ""
        while True:
            page = json.loads(self.ask("GET", f"/v1/jobs?limit=100{cursor}").body)
            jobs.update((job["job"], job) for job in page["jobs"])
            if "cursor" not in page:
                return jobs
            cursor = f"&cursor={page['cursor']}"

    def assert_ended_once(self, job):
        answer = self.ask("GET", f"/v1/jobs/{job}/events")
        names = [line[7:] for line in answer.body.decode().splitlines() if line.startswith("event: ")]
        self.assertEqual([name for name in names if name in TERMINAL], ["done"], (job, names))
        self.assertEqual((names[0], names[-1]), ("accepted", "done"))

    def test_nothing_promised_is_lost_or_done_twice(self):
        callers = [threading.Thread(target=self.call) for _ in range(CALLERS)]
        for caller in callers:
            caller.start()
        self.do_faults()
        self.stop.set()
        for caller in callers:
            caller.join(60)
        self.assertEqual(self.faults, [])
        promised = self.ledger.jobs
        self.assertGreater(len(promised), 50)

        def over():
            return all(job["state"] in TERMINAL for job in self.all_jobs().values())

        kit.wait_until("every job is over", over, within=60)
        self.assertEqual(
            self.all_jobs().keys(), promised.keys(), "jobs that nobody was promised, or that are gone"
        )
        for job, payload in promised.items():
            answer = self.ask("GET", f"/v1/jobs/{job}/result")
            self.assert_answer(answer, 200, f"model of {payload}".encode())
            self.assert_ended_once(job)
        runs = [(request.field("weft-job"), request.field("weft-attempt")) for request in self.function.seen]
        self.assertEqual(len(runs), len(set(runs)), "an attempt was played twice")
        print(f"{len(promised)} jobs, {len(runs)} runs")


if __name__ == "__main__":
    kit.main()
