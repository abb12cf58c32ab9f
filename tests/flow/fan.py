#!/usr/bin/env python3
"""Jobs that wait for others: fan-out, fan-in, failures, and a broker that is killed in between."""

import json

import h1
import kit
from job_story import ASYNC, JSON, JobStory


class Fan(JobStory):
    def test_many_and_then_one_with_all_their_answers(self):
        self.begin(answer=lambda r: h1.reply(200, json.dumps({"got": r.body.decode()[:9]}).encode(), [JSON]))
        parts = [self.submit(b"part %d" % n) for n in range(3)]
        last = self.submit(b"", weft_after=", ".join(parts))
        self.wait_state(last, "done")
        seen = self.function.seen[-1]
        self.assertEqual(seen.field("weft-after"), ", ".join(parts))
        self.assertEqual(seen.field("content-type"), "application/json")
        told = json.loads(seen.body)
        self.assertEqual([t["job"] for t in told], parts)
        self.assertEqual([t["body"] for t in told], [{"got": f"part {n}"} for n in range(3)])
        self.assertEqual({t["state"] for t in told}, {"done"})

    def test_large_answers_are_named_and_had_from_ones_own_sidecar(self):
        large = bytes(range(256)) * 4096

        def answer(request):
            if request.body in (b"0", b"1"):
                return h1.reply(200, large + request.body)
            if request.body == b"small":
                return h1.reply(200, b"s" * 200000, [("content-type", "text/plain")])
            links = [t["result"] for t in json.loads(request.body) if "result" in t]
            got = [h1.ask(self.trainer.outbound, "GET", link, "trainer").body for link in links]
            return h1.reply(200, b"".join(got))

        self.begin(answer=answer)
        parts = [self.submit(b"%d" % n) for n in range(2)] + [self.submit(b"small") for _ in range(4)]
        last = self.submit(b"", weft_after=", ".join(parts))
        self.wait_state(last, "done")
        told = json.loads(self.function.seen[-1].body)
        self.assertEqual([t.get("size") for t in told], [len(large) + 1] * 2 + [None, None, 200000, 200000])
        self.assertTrue(self.result(last).body == large + b"0" + large + b"1" + b"s" * 400000)
        theirs = h1.ask(self.trainer.outbound, "GET", f"/v1/jobs/{parts[0]}/result", "trainer")
        self.assert_refused(theirs, 404, "job-unknown")  # it runs nothing any more that was told of it

    def test_a_broker_that_is_killed_in_between_knows_who_waits(self):
        self.begin(worker=False)
        first = self.submit(b"first")
        last = self.submit(b"own words", weft_after=first)
        self.assertEqual(self.status(last)["waits"], f"it waits for 1 job to end: {first}")
        self.broker.kill()
        self.broker.start()
        self.start(self.trainer)
        self.assertEqual(self.wait_until_known(last, "done")["attempt"], 1)
        self.assertEqual([r.body for r in self.function.seen], [b"first", b"own words"])

    def test_a_failure_is_told(self):
        self.begin(answer=lambda r: h1.reply(500 if r.body == b"bad" else 200, b"x"))
        bad = self.submit(b"bad", weft_attempts="1")
        strict, any_end = self.submit(b"", weft_after=bad), self.submit(b"", weft_after=bad, weft_after_end="any")
        self.assertEqual(self.wait_state(strict, "dead")["reason"], f"a job it waits for is dead: {bad}")
        self.wait_state(any_end, "done")
        told = json.loads(self.function.seen[-1].body)[0]
        self.assertEqual((told["state"], told["status"], told["text"]), ("dead", 500, "x"))

    def test_only_what_one_may_see_can_be_waited_for(self):
        self.begin(worker=False)
        job = self.submit()
        other = self.place.caller(
            "other", jobs_only={"trainer": {}}, broker={**self.keys, "slots": 0}
        )
        self.start(other)
        answer = h1.ask(other.outbound, "POST", "/train", "trainer", [ASYNC, ("weft-after", job)], b"")
        self.assert_refused(answer, 404, "job-unknown")
        self.assert_refused(self.ask("POST", "/train", [ASYNC, ("weft-after", "a;b")], b""), 400, "bad-request")


if __name__ == "__main__":
    kit.main()
