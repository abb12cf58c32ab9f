#!/usr/bin/env python3
"""Schedules: a request that becomes a job again and again, over HTTP and by hand, whatever is killed meanwhile."""

import json

import kit
from job_story import ASYNC, JobStory


class Schedules(JobStory):
    def put(self, name, cron, *fields, body=b"words"):
        return self.ask("POST", "/train?x=1", [ASYNC, ("weft-schedule", name), ("weft-cron", cron), *fields], body)

    def show(self, name):
        answer = self.ask("GET", f"/v1/schedules/{name}")
        self.assert_answer(answer, 200)
        return json.loads(answer.body)

    def weft_job(self, *words):
        done = self.place.weft("job", *words, "-s", self.web.outbound)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def test_a_job_comes_every_second_until_it_is_paused(self):
        self.begin()
        made = self.put("tick", "@every 1s")
        self.assert_answer(made, 201)
        self.assertEqual(made.field("location"), "/v1/schedules/tick")
        first, second = self.function.next(), self.function.next()
        self.assertEqual((first.first, first.body), ("POST /train?x=1 HTTP/1.1", b"words"))
        self.assertNotEqual(first.field("weft-job"), second.field("weft-job"))
        paused = self.ask("POST", "/v1/schedules/tick/pause", body=b"")
        self.assertEqual(json.loads(paused.body)["paused"], True)
        self.assertGreaterEqual(self.show("tick")["runs"], 2)
        self.assertNotIn("next_at", self.show("tick"))
        self.assert_answer(self.ask("DELETE", "/v1/schedules/tick"), 204)
        self.assert_refused(self.ask("GET", "/v1/schedules/tick"), 404, "schedule-unknown")

    def test_a_broker_that_is_killed_goes_on_with_its_schedules(self):
        self.begin()
        self.assert_answer(self.put("tick", "@every 1s", ("weft-catch-up", "all")), 201)
        self.function.next()
        self.broker.kill()
        self.broker.start()
        for _ in range(3):
            self.function.next()
        made = json.loads(self.ask("GET", "/v1/jobs?limit=200").body)["jobs"]
        self.assertEqual(len({j["job"] for j in made}), len(made))
        kit.wait_until("the sidecar is back", lambda: self.ask("GET", "/v1/schedules/tick").status == 200)
        self.assertEqual(self.show("tick")["catch_up"], "all")

    def test_what_cannot_be_is_refused_with_the_field_that_is_wrong(self):
        self.begin(worker=False)
        wrong = self.put("tick", "0 25 * * *")
        self.assert_refused(wrong, 400, "bad-request")
        self.assertIn("the hour (second field) is 0 to 23", json.loads(wrong.body)["detail"])
        self.assert_refused(self.put("a/b", "@daily"), 400, "bad-request")
        alone = self.ask("POST", "/train", [ASYNC, ("weft-cron", "@daily")], b"")
        self.assertIn("belong together", json.loads(alone.body)["detail"])
        key = self.put("tick", "@daily", ("idempotency-key", "k"))
        self.assert_refused(key, 400, "bad-request")
        self.assert_refused(self.ask("PUT", "/v1/schedules/tick", body=b""), 405, "method-unknown")

    def test_by_hand(self):
        self.begin(worker=False)
        made = self.weft_job("schedule", "nightly", "0 3 * * MON-FRI", "trainer", "POST", "/train", "-d", "{}")
        self.assertRegex(made, r"^nightly +0 3 \* \* MON-FRI +trainer +0 runs, next \d{4}-\d\d-\d\dT03:00:00\.000Z\n$")
        self.assertIn("paused", self.weft_job("schedule", "pause", "nightly"))
        self.assertIn("next", self.weft_job("schedule", "resume", "nightly"))
        job = json.loads(self.weft_job("schedule", "run", "nightly"))["job"]
        self.assertEqual(self.status(job)["state"], "queued")
        self.assertTrue(self.weft_job("schedules").startswith("nightly "))
        self.assertEqual(json.loads(self.weft_job("schedules", "--json"))["schedules"][0]["cron"], "0 3 * * MON-FRI")
        self.assertEqual(self.weft_job("schedule", "delete", "nightly"), "")
        self.assertEqual(self.weft_job("schedules"), "no schedules\n")


if __name__ == "__main__":
    kit.main()
