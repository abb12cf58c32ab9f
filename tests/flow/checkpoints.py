#!/usr/bin/env python3
"""What an attempt leaves for the one after it, and OpenFaaS's asynchronous calls."""

import json
import os

import h1
import kit
from callbacks import Hooked
from job_story import JSON, JobStory


class Checkpoints(JobStory):
    def own(self, method, job, body=None):
        """As the function itself asks: through its own sidecar."""
        return h1.ask(self.trainer.outbound, method, f"/v1/jobs/{job}/checkpoint", "trainer", [], body)

    def test_the_next_attempt_finds_what_the_last_one_left(self):
        saved = os.urandom(200 << 10)

        def answer(r):
            job, attempt = r.field("weft-job"), r.field("weft-attempt")
            found = self.own("GET", job)
            if attempt == "1":
                self.first = (found.status, r.field("weft-checkpoint"))
                self.put = self.own("PUT", job, saved).status
                self.again = self.own("GET", job).body
                return h1.reply(503, b"not yet")
            return h1.reply(200, json.dumps([r.field("weft-checkpoint"), found.body == saved]).encode(), [JSON])

        self.begin(answer=answer)
        job = self.submit()
        self.wait_state(job, "done")
        self.assertEqual((self.first, self.put, self.again == saved), ((204, None), 204, True))
        self.assertEqual(json.loads(self.result(job).body), [str(200 << 10), True])

    def test_a_broker_that_is_killed_has_the_checkpoint(self):
        def answer(r):
            job = r.field("weft-job")
            if r.field("weft-attempt") == "1":
                self.assertEqual(self.own("PUT", job, b"half").status, 204)
                self.broker.kill()
                self.broker.start()
                return h1.reply(503, b"not yet")
            return h1.reply(200, self.own("GET", job).body)

        self.begin(answer=answer)
        job = self.submit()
        self.wait_until_known(job, "done")
        self.assert_answer(self.result(job), 200, b"half")

    def test_only_who_has_the_job_may(self):
        self.begin(worker=False)
        job = self.submit()
        for method in ("GET", "PUT"):
            answer = self.ask(method, f"/v1/jobs/{job}/checkpoint", body=b"x")
            self.assert_refused(answer, 404, "job-unknown")


class OpenFaas(Hooked):
    def call(self, path, *fields, method="POST", body=b"words"):
        return h1.ask(self.web.outbound, method, path, self.web.outbound, fields, body)

    def test_a_call_is_a_job_and_its_answer_comes_back(self):
        self.begin(answer=lambda r: h1.reply(201, r.body.upper(), [("content-type", "text/plain")]))
        taken = self.call("/async-function/trainer/train?x=1", ("x-callback-url", self.url), ("x-call-id", "c-1"))
        self.assertEqual((taken.status, taken.body, taken.field("x-call-id")), (202, b"", "c-1"))
        heard = self.hook.next()
        self.assertEqual(self.function.seen[0].first, "POST /train?x=1 HTTP/1.1")
        self.assertEqual((heard.body, heard.field("content-type")), (b"WORDS", "text/plain"))
        self.assertEqual([heard.field(f) for f in ("x-call-id", "x-function-status", "x-function-name")],
                         ["c-1", "201", "trainer"])
        self.check_signature(heard)
        again = self.call("/async-function/trainer/train?x=1", ("x-callback-url", self.url), ("x-call-id", "c-1"))
        self.assertEqual(again.field("weft-job"), taken.field("weft-job"))

    def test_a_call_is_cancelled_by_the_id_that_was_given(self):
        self.begin(worker=False)
        taken = self.call("/async-function/trainer")
        job = taken.field("x-call-id")
        self.assertEqual(self.call(f"/async-function/{job}", method="DELETE", body=b"").status, 202)
        self.assertEqual(self.status(job)["state"], "cancelled")
        self.assert_refused(self.call("/async-function/nobody"), 404, "no-route")
        self.assert_refused(self.call("/async-function/trainer", method="PUT"), 400, "bad-request")
        denied = self.call("/async-function/trainer", ("x-callback-url", "http://169.254.169.254/"))
        self.assert_refused(denied, 403, "callback-denied")


del Hooked  # its own story is elsewhere

if __name__ == "__main__":
    kit.main()
