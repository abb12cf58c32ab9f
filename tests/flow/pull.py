#!/usr/bin/env python3
"""A function that pulls its requests by the AWS Lambda Runtime API, and jobs that are silent for long."""

import http.client
import json
import threading
import time

import h1
import kit
from job_story import ASYNC, JSON, JobStory

ROOT = "/2018-06-01/runtime"


class Runtime:
    """As the runtimes of Lambda are: one connection, one invocation at a time."""

    def __init__(self, address, handler):
        self.address, self.handler = address, handler
        self.seen = []
        self.connection = None

    def start(self):
        threading.Thread(target=self.run, daemon=True).start()
        return self

    def run(self):
        try:
            self.connection = http.client.HTTPConnection(self.address)
            while True:
                self.turn()
        except (OSError, http.client.HTTPException, AttributeError):
            pass

    def ask(self, method, path, body=None, fields=None):
        self.connection.request(method, ROOT + path, body, fields or {})
        answer = self.connection.getresponse()
        return answer, answer.read()

    def turn(self):
        answer, body = self.ask("GET", "/invocation/next")
        invocation = answer.headers["Lambda-Runtime-Aws-Request-Id"]
        self.seen.append((answer.headers, body))
        try:
            result = self.handler(json.loads(body))
        except Exception as e:
            error = json.dumps({"errorMessage": str(e), "errorType": type(e).__name__})
            self.ask("POST", f"/invocation/{invocation}/error", error)
        else:
            self.ask("POST", f"/invocation/{invocation}/response", json.dumps(result))

    def stop(self):
        if self.connection and self.connection.sock:
            self.connection.sock.shutdown(2)
            self.connection.close()


class Pull(JobStory):
    def begin_pulling(self, handler):
        address = kit.free_address()
        inbound = self.trainer.conf["inbound"]
        del inbound["app"]
        inbound["lambda"] = address
        self.trainer.write()
        self.begin()
        self.runtime = Runtime(address, handler).start()
        self.addCleanup(self.runtime.stop)

    def test_a_job_is_pulled_and_answered(self):
        self.begin_pulling(lambda event: {"sum": sum(event["numbers"])})
        job = self.submit(b'{"numbers": [1, 2, 39]}')
        self.wait_state(job, "done")
        answer = self.result(job)
        self.assert_answer(answer, 200, b'{"sum": 42}')
        self.assertEqual(answer.field("content-type"), "application/json")
        fields, _ = self.runtime.seen[0]
        self.assertEqual(fields["Lambda-Runtime-Aws-Request-Id"], f"{job}.1")
        self.assertGreater(int(fields["Lambda-Runtime-Deadline-Ms"]), time.time() * 1000)
        self.assertTrue(fields["Lambda-Runtime-Invoked-Function-Arn"].endswith(":function:trainer"))

    def test_a_handler_that_fails_is_tried_again(self):
        tries = []

        def handler(event):
            tries.append(event)
            if len(tries) < 2:
                raise ValueError("not today")
            return "tomorrow"

        self.begin_pulling(handler)
        job = self.submit(b"{}")
        self.assertEqual(self.wait_state(job, "done")["attempt"], 2)
        self.assert_answer(self.result(job), 200, b'"tomorrow"')

    def test_what_a_killed_runtime_had_is_tried_again(self):
        begun = threading.Event()
        never = threading.Event()
        self.addCleanup(never.set)
        self.begin_pulling(lambda event: begun.set() or never.wait(60))
        job = self.submit(b"{}")
        self.assertTrue(begun.wait(20))
        second = Runtime(self.runtime.address, lambda event: "done by another").start()
        self.addCleanup(second.stop)
        status = self.wait_state(job, "done")
        self.assertEqual((status["attempt"], status["crashes"]), (2, 1))
        self.assert_answer(self.result(job), 200, b'"done by another"')


class Silence(JobStory):
    def test_a_job_may_be_silent_for_longer_than_a_call(self):
        self.trainer.conf["timeouts"] = {"stream_idle": "1s"}
        self.trainer.write()
        self.begin(answer=lambda r: time.sleep(3) or h1.reply(200, b"at last", [JSON]))
        job = self.submit()
        self.assertEqual(self.wait_state(job, "done")["attempt"], 1)
        self.assert_answer(self.result(job), 200, b"at last")

    def test_nobody_waits_for_longer_than_a_connection_may_be_silent(self):
        release = threading.Event()
        self.addCleanup(release.set)
        self.web.conf["timeouts"] = {"stream_idle": "2s"}
        self.web.write()
        self.begin(answer=lambda r: release.wait(60) and h1.reply(200, b"late"))
        answer = self.ask("POST", "/train", [("prefer", "respond-async, wait=100")], b"slow")
        self.assert_answer(answer, 202)
        self.assertEqual(answer.field("preference-applied"), "respond-async, wait=1")


if __name__ == "__main__":
    kit.main()
