#!/usr/bin/env python3
"""The job API: what is submitted, asked, cancelled and retried by HTTP."""

import json
import pathlib
import queue
import threading
import time

import h1
import kit
from job_story import ASYNC, JSON, JobStory

DEMO = pathlib.Path(__file__).resolve().parents[2] / "examples" / "demo"


class Jobs(JobStory):
    def test_a_result_in_parts(self):
        self.begin(answer=lambda r: h1.reply(200, b"0123456789"))
        job = self.submit()
        self.wait_state(job, "done")
        path = f"/v1/jobs/{job}/result"
        part = self.ask("GET", path, [("range", "bytes=2-4")])
        self.assert_answer(part, 206, b"234")
        self.assertEqual(part.field("content-range"), "bytes 2-4/10")
        self.assert_answer(self.ask("GET", path, [("range", "bytes=-3")]), 206, b"789")
        behind = self.ask("GET", path, [("range", "bytes=10-")])
        self.assertEqual((behind.status, behind.field("content-range")), (416, "bytes */10"))
        self.assert_answer(self.result(job), 200, b"0123456789")

    def test_labels_choose_the_worker(self):
        self.begin()
        job = self.submit(weft_labels="gpu=h100, model=x?")
        self.assertIn("what it needs: gpu=h100,model=x?", self.weft_job("why", job))
        self.wait_state(self.submit(), "done")
        self.trainer.end()
        self.trainer.conf["broker"]["labels"] = "zone=b,gpu=h100"
        self.trainer.write()
        self.start(self.trainer)
        self.wait_state(job, "done")
        wrong = self.ask("POST", "/train", [ASYNC, ("weft-labels", "gpu=a;b")], b"")
        self.assert_refused(wrong, 400, "bad-request")

    def weft_job(self, *words):
        done = self.place.weft("job", *words, "-s", self.web.outbound, "--broker", self.broker.admin)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def test_a_paused_service_waits_and_says_so(self):
        self.begin()
        self.assertIn("paused", self.weft_job("pause", "trainer"))
        job = self.submit()
        self.assertEqual(
            self.weft_job("why", job), "queued: its service is paused: weft job resume lets it go on\n"
        )
        self.assertRegex(self.weft_job("top"), r"trainer +1 +0 +0 +1  paused")
        self.assertRegex(self.weft_job("status", job), r"state +queued, attempt 0 of 5\n")
        self.assertIn(job, self.weft_job("list"))
        self.assertEqual(self.weft_job("resume", "trainer"), "resumed\n")
        self.wait_state(job, "done")
        self.assertEqual(self.weft_job("why", job), "done: nothing kept it\n")
        self.assertEqual(self.weft_job("dead"), "no such jobs\n")

    def test_runs_once_and_keeps_its_result(self):
        self.begin(answer=lambda r: h1.reply(201, b"model", [("x-mine", "1"), JSON]))
        job = self.submit(b"words", "/train?epochs=3")
        self.wait_state(job, "done")
        for _ in range(2):
            answer = self.result(job)
            self.assert_answer(answer, 201, b"model")
            self.assertEqual((answer.field("x-mine"), answer.field("weft-job")), ("1", job))
        seen = self.function.seen[0]
        self.assertEqual((seen.first, seen.body), ("POST /train?epochs=3 HTTP/1.1", b"words"))
        self.assertEqual((seen.field("weft-job"), seen.field("weft-attempt")), (job, "1"))
        self.assertEqual(
            seen.field("x-forwarded-client-cert"), f"By={kit.spiffe('trainer')};URI={kit.spiffe('web')}"
        )
        self.assertIsNone(seen.field("prefer"))
        self.assertEqual(len(self.function.seen), 1)

    def test_events_come_in_order_and_go_on_where_one_left(self):
        self.begin()
        job = self.submit()
        events = self.events(job)  # the stream ends with the job
        self.assertEqual([e["event"] for e in events], ["accepted", "started", "done"])
        ids = [int(e["id"]) for e in events]
        self.assertEqual(ids, sorted(set(ids)))
        rest = self.events(job, ("last-event-id", events[0]["id"]))
        self.assertEqual(rest, events[1:])
        over = self.ask("GET", f"/v1/jobs/{job}/events", [("last-event-id", events[-1]["id"])])
        self.assert_answer(over, 204, b"")

    def test_the_same_key_is_the_same_job(self):
        self.begin()
        job = self.submit(idempotency_key='"k-1"')
        self.wait_state(job, "done")
        self.assertEqual(self.submit(idempotency_key='"k-1"'), job)
        other = self.ask("POST", "/train", [ASYNC, ("idempotency-key", '"k-1"')], b"other")
        self.assert_refused(other, 422, "idempotency-conflict")
        self.assertNotEqual(self.submit(b"other", idempotency_key='"k-2"'), job)
        self.wait_state(self.submit(), "done")
        self.assertEqual([r.body for r in self.function.seen], [b"work", b"other", b"work"])

    def test_wait_gives_the_answer_or_the_job(self):
        release = threading.Event()
        self.addCleanup(release.set)
        self.begin(answer=lambda r: (r.body == b"fast" or release.wait(60)) and h1.reply(200, b"model"))
        answer = self.ask("POST", "/train", [("prefer", "respond-async, wait=20")], b"fast")
        self.assert_answer(answer, 200, b"model")
        self.assertEqual(answer.field("preference-applied"), "wait=20")
        answer = self.ask("POST", "/train", [("prefer", "respond-async, wait=1")], b"slow")
        self.assert_answer(answer, 202)
        running = json.loads(answer.body)["job"]
        self.assert_refused(self.result(running), 409, "job-running")
        release.set()
        self.wait_state(running, "done")

    def test_cancel_a_queued_one(self):
        self.begin(worker=False)
        job = self.submit()
        self.assertEqual(self.status(job)["state"], "queued")
        self.assertIn(self.ask("DELETE", f"/v1/jobs/{job}").status, (200, 202))
        self.wait_state(job, "cancelled")
        self.assertEqual(self.names(job), ["accepted", "cancelled"])
        self.assert_refused(self.result(job), 409, "job-ended")
        self.assert_refused(self.ask("DELETE", f"/v1/jobs/{job}"), 409, "job-ended")
        self.start(self.trainer)
        self.wait_state(self.submit(b"next"), "done")
        self.assertEqual([r.body for r in self.function.seen], [b"next"])

    def test_cancel_a_running_one_cuts_its_request(self):
        release = threading.Event()
        self.addCleanup(release.set)
        self.begin(answer=lambda r: release.wait(60) and h1.CUT)
        job = self.submit()
        request = self.function.next()
        self.assertIn(self.ask("DELETE", f"/v1/jobs/{job}").status, (200, 202))
        self.assertTrue(request.is_cut(within=10), "the function still works for nobody")
        self.wait_state(job, "cancelled")
        self.assertEqual(self.names(job), ["accepted", "started", "cancelled"])

    def test_progress_is_told(self):
        told = queue.Queue()

        def train(request):
            path = f"/v1/jobs/{request.field('weft-job')}/progress"
            for epoch in (1, 2):
                told.put(
                    h1.ask(self.trainer.outbound, "POST", path, "x", [JSON], b'{"epoch": %d}' % epoch).status
                )
            return h1.reply(200, b"model")

        self.begin(answer=train)
        job = self.submit()
        self.assertEqual(self.wait_state(job, "done")["progress"], {"epoch": 2})
        self.assertEqual([told.get(timeout=5) // 100 for _ in range(2)], [2, 2])
        progress = [json.loads(e["data"]) for e in self.events(job) if e["event"] == "progress"]
        self.assertEqual(progress[-1].get("progress", progress[-1]), {"epoch": 2})
        late = h1.ask(self.trainer.outbound, "POST", f"/v1/jobs/{job}/progress", "x", [JSON], b"{}")
        self.assertEqual(late.status // 100, 4)

    def test_failures_are_tried_again_later(self):
        def third_time(request):
            ok = request.field("weft-attempt") == "3"
            return h1.reply(200 if ok else 500, b"model" if ok else b"no")

        self.begin(answer=third_time)
        began = time.monotonic()
        job = self.submit()
        status = self.wait_state(job, "done")
        self.assertGreater(time.monotonic() - began, 1, "there was no pause between attempts")
        self.assertEqual((status["attempt"], status["crashes"]), (3, 0))
        self.assert_answer(self.result(job), 200, b"model")
        self.assertEqual([r.field("weft-attempt") for r in self.function.seen], ["1", "2", "3"])
        self.assertEqual(
            self.names(job), ["accepted", "started", "retrying", "started", "retrying", "started", "done"]
        )

    def test_the_last_attempt_that_fails_is_the_end(self):
        self.begin(answer=lambda r: h1.reply(500, b"no"))
        job = self.submit(weft_attempts="2")
        self.assertEqual(self.wait_state(job, "dead")["reason"], "the function answered 500: no")
        self.assertEqual(len(self.function.seen), 2)

    def test_a_refusal_of_the_functions_own_is_a_result(self):
        self.begin(answer=lambda r: h1.reply(404, b"no such data"))
        job = self.submit()
        self.assertEqual(self.wait_state(job, "done")["status"], 404)
        self.assert_answer(self.result(job), 404, b"no such data")

    def test_three_crashes_are_the_end_until_somebody_retries(self):
        self.begin(answer=lambda r: h1.CUT)
        job = self.submit()
        status = self.wait_state(job, "dead")
        self.assertEqual(
            (status["crashes"], status["reason"]), (3, "the function went away before it had answered")
        )
        self.assertEqual(len(self.function.seen), 3)
        self.assert_refused(self.result(job), 410, "job-ended")
        dead = json.loads(self.broker.ask("GET", "/jobs/dead").body)
        self.assertEqual([d["job"] for d in dead], [job])
        self.function.answer = h1.echo
        self.assertIn(self.ask("POST", f"/v1/jobs/{job}/retry").status, (200, 202))
        self.wait_state(job, "done")
        self.assert_answer(self.result(job), 200, b"work")

    def test_the_most_urgent_goes_first_and_equals_in_order(self):
        release = threading.Event()
        self.addCleanup(release.set)
        self.begin(answer=lambda r: release.wait(60) and h1.echo(r))
        self.submit(b"first")
        self.function.next()
        jobs = [
            self.submit(body, weft_priority=priority)
            for body, priority in ((b"1", "1"), (b"9", "9"), (b"5a", "5"), (b"5b", "5"), (b"0", "0"))
        ]
        release.set()
        for job in jobs:
            self.wait_state(job, "done")
        self.assertEqual([r.body for r in self.function.seen], [b"first", b"9", b"5a", b"5b", b"1", b"0"])

    def test_not_before_its_delay(self):
        self.begin()
        began = time.monotonic()
        job = self.submit(weft_delay="1500ms")
        self.assertEqual(self.status(job)["state"], "delayed")
        self.function.next()
        self.assertGreaterEqual(time.monotonic() - began, 1.5)
        self.wait_state(job, "done")

    def test_an_attempt_that_takes_too_long_is_cut(self):
        release = threading.Event()
        self.addCleanup(release.set)
        self.begin(
            answer=lambda r: h1.echo(r) if r.field("weft-attempt") == "2" else release.wait(60) and h1.CUT
        )
        job = self.submit(weft_timeout="500ms")
        self.assertTrue(self.function.next().is_cut(within=10))
        self.assertEqual(self.wait_state(job, "done")["attempt"], 2)

    def test_bad_options_are_refused_with_the_repair(self):
        self.begin(worker=False)
        for name, value in (("weft-priority", "10"), ("weft-delay", "soon"), ("idempotency-key", "a b")):
            problem = self.assert_refused(
                self.ask("POST", "/", [ASYNC, (name, value)], b""), 400, "bad-request"
            )
            self.assertIn(name, problem["detail"])

    def test_a_service_that_nobody_knows(self):
        self.begin(worker=False)
        self.assert_refused(self.ask("POST", "/", [ASYNC], b"x", host="nobody"), 404, "no-route")
        answer = self.ask("POST", "/", [ASYNC], b"x", host="painter")
        self.assertEqual((answer.status, answer.field("weft-error")), (404, "service-unknown"))
        self.assertEqual(self.ask("GET", "/v1/jobs/01M85JM4VK8G4NP2RDGJBJRNRG").status, 404)
        self.assert_refused(self.ask("POST", "/", (), b"x"), 404, "jobs-only")

    def test_others_cannot_see_it(self):
        self.begin()
        job = self.submit()
        self.wait_state(job, "done")
        other = self.place.caller("other", jobs_only={"trainer": {}}, broker={**self.keys, "slots": 0})
        self.start(other)
        for method, path in (
            ("GET", ""),
            ("GET", "/result"),
            ("GET", "/events"),
            ("DELETE", ""),
            ("POST", "/retry"),
        ):
            answer = h1.ask(other.outbound, method, f"/v1/jobs/{job}{path}", "x")
            self.assertEqual(
                (answer.status, answer.field("weft-error")), (404, "job-unknown"), (method, path)
            )
        self.assertEqual(json.loads(h1.ask(other.outbound, "GET", "/v1/jobs", "x").body)["jobs"], [])
        listed = json.loads(self.ask("GET", "/v1/jobs?state=done&service=trainer").body)["jobs"]
        self.assertEqual([j["job"] for j in listed], [job])

    def test_a_stranger_may_not_run_them(self):
        thief = self.place.function()
        conf = {"service": "trainer", "broker": {**self.keys, "slots": 1}}
        sidecar = self.place.provider("thief", thief, **conf)
        self.start(sidecar)
        self.begin(worker=False)
        self.broker.wait_log(f'worker-refused peer="{kit.spiffe("thief")}" service="trainer"')
        job = self.submit()
        self.start(self.trainer)
        self.wait_state(job, "done")
        self.assertEqual((len(thief.seen), len(self.function.seen)), (0, 1))

    def test_is_adapted_to_the_workers_contract(self):
        for name in ("orders-1.weft", "orders-2.weft"):
            self.place.write(
                name, (DEMO / name).read_text().replace('contract("orders"', 'contract("trainer"')
            )
        self.trainer.conf["contract"] = "orders-2.weft"
        self.trainer.write()
        self.web.conf["consumes"] = ["orders-1.weft"]
        self.web.write()
        self.begin(
            answer=lambda r: h1.reply(201, b'{"id":"o","quantity":3,"cents":1,"currency":"EUR"}', [JSON])
        )
        job = self.submit(b'{"sku": "AB-1", "qty": 3}', "/orders", content_type="application/json")
        self.wait_state(job, "done")
        self.assert_answer(self.result(job), 201, b'{"id":"o","qty":3,"cents":1,"currency":"EUR"}')
        self.assertEqual(self.function.seen[0].body, b'{"sku": "AB-1", "quantity": 3,"currency":"EUR"}')
        unknown = self.ask("POST", "/nobody/knows", [ASYNC], b"{}")
        self.assert_refused(unknown, 404, "operation-unknown")
        breaking = self.submit(b'{"id":"o"}', "/orders/cancel", content_type="application/json")
        waiting = self.wait_state(breaking, "delayed")
        self.assertIn("contract-mismatch", waiting["reason"])
        self.assertIn("it is due in", waiting["waits"])
        self.assertEqual(len(self.function.seen), 1)
        self.trainer.reload(contract="orders-1.weft")
        self.wait_state(breaking, "done")
        self.assertEqual(self.function.seen[1].path, "/orders/cancel")

    def test_policy_at_the_broker_decides_each_verb(self):
        self.place.write(
            "rules.weft",
            f'allow :- peer("{kit.spiffe("web")}"), job("submit").\n'
            f'allow :- peer("{kit.spiffe("web")}"), job("see").\n'
            f'allow :- peer("{kit.spiffe("trainer")}"), job("run").\n',
        )
        self.broker.reload(policy=["rules.weft"])
        other = self.place.caller("other", jobs_only={"trainer": {}}, broker={**self.keys, "slots": 0})
        self.start(other)
        self.begin(worker=False)
        answer = h1.ask(other.outbound, "POST", "/train", "trainer", [ASYNC], b"x")
        self.assertEqual((answer.status, answer.field("weft-error")), (403, "policy-denied"))
        job = self.submit()
        answer = self.ask("DELETE", f"/v1/jobs/{job}")  # what one may not do to a job, one does not find
        self.assertEqual((answer.status, answer.field("weft-error")), (404, "job-unknown"))
        self.start(self.trainer)
        self.wait_state(job, "done")

    def test_the_command_line(self):
        self.begin(answer=lambda r: h1.reply(200, b"model"))

        def job(*words):
            return self.place.weft("job", words[0], "--sidecar", self.web.outbound, *words[1:], within=60)

        done = job("submit", "trainer", "POST", "/train", "-d", "{}", "--wait", "20")
        self.assertEqual((done.returncode, done.stdout.strip()), (0, "model"), done.stderr)
        listed = json.loads(job("list", "--json").stdout)["jobs"]
        self.assertEqual([j["state"] for j in listed], ["done"])
        done = job("result", listed[0]["job"])
        self.assertEqual((done.returncode, done.stdout.strip()), (0, "model"))
        self.assertEqual(job("status", "01M85JM4VK8G4NP2RDGJBJRNRG").returncode, 1)
        self.assertEqual(job("wait", listed[0]["job"]).returncode, 0)


if __name__ == "__main__":
    kit.main()
