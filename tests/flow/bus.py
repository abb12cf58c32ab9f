#!/usr/bin/env python3
"""A client in another language, written from docs/bus-protocol.md: examples/bus-client."""

import hashlib
import json
import pathlib
import shutil
import subprocess
import unittest

import kit
from job_story import JobStory

CLIENT = pathlib.Path(__file__).resolve().parents[2] / "examples/bus-client/bus_client.py"
PYTHON = "/usr/bin/python3"  # where the packages of the system are


def has_zmq():
    if not shutil.which(PYTHON) or not shutil.which("protoc"):
        return False
    probe = [PYTHON, "-c", "import zmq, google.protobuf"]
    return subprocess.run(probe, capture_output=True).returncode == 0


@unittest.skipUnless(has_zmq(), "needs python3-zmq, python3-protobuf and protoc")
class OtherLanguage(JobStory):
    def client(self, name, *words):
        folder = self.place.folder
        identity = self.place.identity(name)
        command = [PYTHON, str(CLIENT), "--broker", self.broker.conf["https"]]
        command += ["--cert", identity["cert"], "--key", identity["key"]]
        command += ["--ca", list(identity["trust"].values())[0], *words]
        return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def output(self, process):
        out, err = process.communicate(timeout=40)
        self.assertEqual((process.returncode, err), (0, ""))
        return out.splitlines()

    def test_its_worker_runs_a_job_of_a_sidecar(self):
        self.begin(worker=False)
        worker = self.client("trainer", "--jobs", "1", "work", "trainer")
        job = self.submit(b"loud words")
        self.wait_state(job, "done")
        self.assert_answer(self.result(job), 200, b"LOUD WORDS")
        self.assertEqual(self.output(worker), [f"assign {job} 1 POST /train"])

    def test_its_caller_submits_watches_and_fetches(self):
        self.begin()
        lines = self.output(self.client("web", "submit", "trainer", "POST", "/train", "words"))
        job = lines[0]
        names = [line.split()[1] for line in lines[1:-1]]
        self.assertEqual(names, ["accepted", "started", "done"])
        self.assertEqual(self.status(job)["state"], "done")
        self.assertEqual(self.function.seen[0].body, b"words")

    def test_the_same_key_is_the_same_job_as_over_http(self):
        self.begin()
        words = ["--idempotency-key", "k-1", "submit", "trainer", "POST", "/train", "words"]
        first = self.output(self.client("web", *words))[0]
        self.assertEqual(self.output(self.client("web", *words))[0], first)
        answer = self.ask("POST", "/train", [("prefer", "respond-async"), ("content-type", "text/plain"),
                                             ("idempotency-key", '"k-1"')], b"words")
        self.assertEqual(json.loads(answer.body)["job"], first)

    def test_large_bodies_go_by_the_piece(self):
        """Its worker gets one and puts one; its caller puts one that is the same job as over HTTP, and gets the result."""
        self.begin(worker=False)
        worker = self.client("trainer", "--jobs", "1", "work", "trainer")
        body = b"".join(b"%d words " % n for n in range(400000))
        self.place.write("body", body.decode())
        lines = self.output(self.client("web", "--idempotency-key", "k", "submit", "trainer", "POST", "/train", "@body"))
        self.output(worker)
        digest = hashlib.sha256(body.upper()).hexdigest()
        self.assertEqual(lines[-1], f"200 {len(body)} bytes, sha256 {digest}")
        self.assertTrue(self.result(lines[0]).body == body.upper())
        answer = self.ask("POST", "/train", [("prefer", "respond-async"), ("content-type", "text/plain"),
                                             ("idempotency-key", '"k"')], body)
        self.assertEqual(json.loads(answer.body)["job"], lines[0])

    def test_a_stranger_does_not_get_in(self):
        self.begin(worker=False)
        worker = self.client("mallory", "--jobs", "1", "work", "trainer")
        job = self.submit()
        self.broker.wait_log("worker-refused")
        self.assertEqual(self.status(job)["state"], "queued")
        worker.kill()
        worker.communicate()


if __name__ == "__main__":
    kit.main()
