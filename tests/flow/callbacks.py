#!/usr/bin/env python3
"""Who asked to be told of the end of a job hears of it, signed, whatever is killed meanwhile, and nobody else does."""

import base64
import hashlib
import hmac
import json

import h1
import kit
from job_story import ASYNC, JobStory

SECRET = b"0123456789abcdef0123456789abcdef"


class Hooked(JobStory):
    """With a place that may be called back."""

    def setUp(self):
        super().setUp()
        self.answers = []
        self.hook = self.place.function(lambda r: h1.reply(self.answers.pop(0) if self.answers else 204, b""))
        self.url = f"http://{self.hook.address}/hooks/"
        self.place.write("secret", "whsec_" + base64.b64encode(SECRET).decode() + "\n")
        self.broker.reload(callbacks={"allow": [self.url], "secret": "secret"})

    def check_signature(self, heard):
        content = f"{heard.field('webhook-id')}.{heard.field('webhook-timestamp')}.".encode() + heard.body
        good = base64.b64encode(hmac.new(SECRET, content, hashlib.sha256).digest()).decode()
        self.assertEqual(heard.field("webhook-signature"), f"v1,{good}")


class Callbacks(Hooked):
    def wait_callback(self, job, state, tried=False):
        def reached():
            callback = self.status(job).get("callback", {})
            return callback if callback.get("state") == state and ("reason" in callback or not tried) else None

        return kit.wait_until(f"the callback of {job} is {state}", reached, within=30)

    def test_the_end_is_told_once_and_signed(self):
        self.begin()
        job = self.submit(weft_callback=self.url + "done?x=1")
        heard = self.hook.next()
        self.assertEqual(heard.first, "POST /hooks/done?x=1 HTTP/1.1")
        self.assertEqual(heard.field("ce-type"), "dev.weft.job.done")
        self.assertEqual(heard.field("ce-source"), kit.spiffe("broker"))
        self.assertEqual(heard.field("ce-subject"), job)
        told = json.loads(heard.body)
        self.assertEqual((told["job"], told["state"], told["status"]), (job, "done", 200))
        self.check_signature(heard)
        self.wait_callback(job, "delivered")
        self.assertEqual(len(self.hook.seen), 1)
        self.assertEqual(self.broker.metric('weft_callbacks_total{how="delivered"}'), 1)

    def test_a_broker_that_is_killed_tells_it_again_under_the_same_id(self):
        self.begin()
        self.answers = [503]
        job = self.submit(weft_callback=self.url)
        first = self.hook.next()
        self.assertEqual(self.wait_callback(job, "pending", tried=True)["reason"], "127.0.0.1 answered 503")
        self.broker.kill()
        self.broker.start()
        self.broker.wait_log("callbacks-owed")
        second = self.hook.next()
        self.assertEqual(first.field("webhook-id"), second.field("webhook-id"))
        self.check_signature(second)
        kit.wait_until("it is known as told", lambda: b"[]" in self.broker.ask("GET", "/callbacks").body)

    def test_what_is_given_up_says_why_and_may_be_tried_again(self):
        self.begin()
        self.answers = [404]
        job = self.submit(weft_callback=self.url)
        dead = self.wait_callback(job, "dead")
        self.assertEqual((dead["tries"], dead["reason"]), (1, "127.0.0.1 answered 404"))
        done = self.place.weft("job", "status", job, "-s", self.web.outbound)
        self.assertIn("callback   dead after 1 tries: 127.0.0.1 answered 404\n", done.stdout)
        done = self.place.weft("job", "callback", job, "-s", self.web.outbound)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.wait_callback(job, "delivered")
        self.assertEqual(len(self.hook.seen), 2)
        again = self.ask("POST", f"/v1/jobs/{job}/callback", body=b"")
        self.assert_refused(again, 409, "callback-alive")

    def test_nothing_else_is_called(self):
        self.begin(worker=False)
        outside = [self.url + "../admin", "http://169.254.169.254/latest/meta-data", f"http://{self.broker.admin}/drain"]
        for url in outside + ["no url"]:
            answer = self.ask("POST", "/train", [ASYNC, ("weft-callback", url)], b"")
            self.assert_refused(answer, 400 if url == "no url" else 403, "bad-request" if url == "no url" else "callback-denied")
        job = self.submit(weft_callback=self.url)
        self.broker.reload(callbacks={})  # allowed when it was submitted, and no longer
        self.assert_answer(self.ask("DELETE", f"/v1/jobs/{job}"), 202)
        self.assertIn("the broker allows none", self.wait_callback(job, "dead")["reason"])
        self.assertEqual(self.hook.seen, [])


if __name__ == "__main__":
    kit.main()
