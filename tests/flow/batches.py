#!/usr/bin/env python3
"""Batches: many submits in one request, each with a verdict, or all of them or none."""

import json

import h1
import kit
from job_story import JSON, JobStory


def item(**keys):
    return {"service": "trainer", "path": "/train", **keys}


class Batches(JobStory):
    def post(self, jobs, status=202, **keys):
        answer = self.ask("POST", "/v1/jobs", [JSON], json.dumps({"jobs": jobs, **keys}).encode())
        self.assertEqual(answer.status, status, answer.body)
        return json.loads(answer.body)

    def count(self):
        return len(json.loads(self.ask("GET", "/v1/jobs?limit=200").body)["jobs"])

    def test_each_has_a_verdict_of_its_own(self):
        self.begin(worker=False)
        said = self.post([
            item(body={"n": 1}),
            item(headers={"weft-priority": "10"}),
            item(service="painter"),
            item(service="nobody"),
            item(text="plain", headers={"idempotency-key": "k"}),
        ])
        self.assertEqual(said["taken"], 2)
        self.assertEqual([j.get("error") for j in said["jobs"]],
                         [None, "bad-request", "service-unknown", "no-route", None])
        self.assertEqual(self.count(), 2)
        self.start(self.trainer)
        self.wait_state(said["jobs"][4]["job"], "done")
        self.assertEqual([(r.body, r.field("content-type")) for r in self.function.seen],
                         [(b'{"n":1}', "application/json"), (b"plain", None)])

    def test_all_or_none(self):
        self.begin(worker=False)
        self.submit(b"first", idempotency_key='"k"')
        said = self.post([item(), item(text="other", headers={"idempotency-key": "k"}), item()], 422, all=True)
        self.assertEqual((said["taken"], [j["error"] for j in said["jobs"]]),
                         (0, ["batch-refused", "idempotency-conflict", "batch-refused"]))
        said = self.post([item(), item(service="nobody")], 404, all=True)
        self.assertEqual([j["error"] for j in said["jobs"]], ["batch-refused", "no-route"])
        self.assertEqual(self.count(), 1)

    def test_a_batch_said_again_is_the_same_batch(self):
        self.begin(worker=False)
        jobs = [item(text=str(n), headers={"idempotency-key": f"b/{n}"}) for n in range(20)]
        first = self.post(jobs, all=True)
        self.broker.kill()
        self.broker.start()
        kit.wait_until("the sidecar is back", lambda: self.ask("GET", "/v1/jobs").status == 200)
        again = self.post(jobs, all=True)
        self.assertEqual([j["job"] for j in first["jobs"]], [j["job"] for j in again["jobs"]])
        self.assertTrue(all(j["replayed"] for j in again["jobs"]))
        self.assertEqual(self.count(), 20)

    def test_fan_out_and_fan_in_in_one_request(self):
        self.begin(answer=lambda r: h1.reply(200, b"%d" % len(r.body), [JSON]))
        said = self.post([item(text="a"), item(text="bb"), item(headers={"weft-after": "#0, #1"})], all=True)
        last = said["jobs"][2]["job"]
        self.wait_state(last, "done")
        self.assertEqual([t["body"] for t in json.loads(self.function.seen[-1].body)], [1, 2])
        said = self.post([item(headers={"weft-after": "#0"})], 400, all=True)
        self.assertEqual(said["jobs"][0]["error"], "bad-request")

    def test_by_hand(self):
        self.begin(worker=False)
        self.place.write("batch.json", json.dumps({"jobs": [item(), item(service="nobody")]}))
        done = self.place.weft("job", "batch", "batch.json", "-s", self.web.outbound)
        lines = done.stdout.splitlines()
        self.assertEqual(done.returncode, 1)
        self.assertEqual(self.status(lines[0])["state"], "queued")
        self.assertTrue(lines[1].startswith("refused: 404 no-route: "), lines[1])


if __name__ == "__main__":
    kit.main()
