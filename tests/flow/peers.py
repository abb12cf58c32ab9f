#!/usr/bin/env python3
"""Peers of the bus with a good key and bad manners: they get their answer, and nobody else notices."""

import hashlib
import pathlib
import subprocess
import unittest

import kit
from bus import CLIENT, PYTHON, has_zmq
from job_story import JobStory

MEAN = pathlib.Path(__file__).resolve().parent / "mean_peer.py"


@unittest.skipUnless(has_zmq(), "needs python3-zmq, python3-protobuf and protoc")
class Peers(JobStory):
    def setUp(self):
        super().setUp()
        services = {**self.broker.conf["services"], "printer": {"identity": kit.spiffe("printer")}}
        self.broker.reload(services=services)

    def mean(self, way, told=None):
        identity = self.place.identity("mallory")
        ca = list(identity["trust"].values())[0]
        words = [str(CLIENT), self.broker.conf["https"], identity["cert"], identity["key"], ca, way]
        return subprocess.Popen([PYTHON, str(MEAN), *words], cwd=self.place.folder, stdin=told,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def memory(self):
        status = pathlib.Path(f"/proc/{self.broker.child.pid}/status").read_text()
        return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))) >> 10

    def beside(self, way, work=5):
        """What it printed, after others got their work done beside it."""
        self.begin()
        self.wait_state(self.submit(), "done")
        before = self.memory()
        peer = self.mean(way)
        jobs = [self.submit(b"%d" % n) for n in range(work)]
        for job in jobs:
            self.wait_state(job, "done")
        out, err = peer.communicate(timeout=90)
        self.assertEqual((peer.returncode, err), (0, ""))
        self.wait_state(self.submit(), "done")
        sanitized = "asan" in pathlib.Path(f"/proc/{self.broker.child.pid}/maps").read_text()
        if not sanitized:  # which keeps what was freed
            self.assertLess(self.memory() - before, 64, "MiB that the broker has grown")
        return out.strip()

    def test_one_that_talks_nonsense(self):
        self.beside("garbage")

    def test_one_that_does_not_listen(self):
        self.assertEqual(len(self.beside("deaf")), 26)

    def test_one_that_floods(self):
        self.broker.end()
        self.broker.conf["limits"] = {"jobs": 3000}
        self.broker.write()
        self.broker.start()
        self.assertEqual(self.beside("flood"), "{'queue-full'}")

    def test_one_that_wants_what_is_not_its_own_and_puts_what_was_not_asked_for(self):
        self.begin()
        body = bytes(1 << 20)
        job = self.submit(body)
        self.wait_state(job, "done")
        told = self.place.folder / "told"
        told.write_text(f"{hashlib.sha256(body).hexdigest()}\n{job}\n")
        with told.open() as file:
            peer = self.mean("blobs", file)
            out, err = peer.communicate(timeout=60)
        self.assertEqual((peer.returncode, err), (0, ""))
        wanted = ["blob-unknown"] * 2 + ["job-unknown", "job-stale", "bad-request", "job-stale", "service-unknown"]
        self.assertEqual(out.split(), wanted + ["payload-too-large"] + ["bad-request"] * 4)
        self.assertTrue(self.result(job).body == body)
        files = self.place.folder / "jobs/blobs"
        kit.wait_until("nothing of it stays", lambda: not list(files.glob("part-*")), within=30)
        self.wait_state(self.submit(), "done")

    def test_one_that_lies(self):
        said = self.beside("liar").split()
        self.assertEqual(said[:-1], ["job-stale"] * 4 + ["policy-denied", "job-stale", "job-unknown", "bad-request"])
        self.assertEqual(said[-1], "10000")


if __name__ == "__main__":
    kit.main()
