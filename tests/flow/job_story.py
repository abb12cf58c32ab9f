"""What the stories of jobs share: a broker, the trainer that runs jobs, and web that submits them."""

import json

import h1
import kit

JSON = ("content-type", "application/json")
ASYNC = ("prefer", "respond-async")


class JobStory(kit.Story):
    def setUp(self):
        super().setUp()
        self.function = self.place.function()
        self.broker = self.place.broker(["trainer"], lease="2s", beat="500ms").start()
        self.keys = {"https": self.broker.conf["https"], "identity": kit.spiffe("broker")}
        self.trainer = self.place.provider(
            "trainer",
            self.function,
            outbound={"listen": kit.free_address()},
            broker={**self.keys, "slots": 1},
        )
        self.web = self.place.caller(
            "web", jobs_only={"trainer": {}, "painter": {}}, broker={**self.keys, "slots": 0}
        )

    def begin(self, worker=True, answer=None):
        if answer:
            self.function.answer = answer
        for sidecar in [self.web] + [self.trainer] * worker:
            self.start(sidecar)

    def start(self, sidecar):
        """Ready, and at the broker with each worker."""
        before = sidecar.log().count(" broker-ready ")
        sidecar.start()
        sidecar.wait_log(" broker-ready ", before + sidecar.conf.get("workers", 1))

    def ask(self, method, path, fields=(), body=None, host="trainer"):
        return h1.ask(self.web.outbound, method, path, host, fields, body)

    def submit(self, body=b"work", path="/train", **options):
        fields = [ASYNC] + [(name.replace("_", "-"), value) for name, value in options.items()]
        answer = self.ask("POST", path, fields, body)
        self.assert_answer(answer, 202)
        job = json.loads(answer.body)["job"]
        self.assertEqual(answer.field("location"), f"/v1/jobs/{job}")
        self.assertEqual(answer.field("preference-applied"), "respond-async")
        return job

    def status(self, job):
        answer = self.ask("GET", f"/v1/jobs/{job}")
        self.assert_answer(answer, 200)
        return json.loads(answer.body)

    def wait_state(self, job, state):
        def reached():
            status = self.status(job)
            return status if status["state"] == state else None

        return kit.wait_until(f"{job} is {state}", reached, within=30)

    def result(self, job):
        return self.ask("GET", f"/v1/jobs/{job}/result")

    def events(self, job, *fields):
        answer = self.ask("GET", f"/v1/jobs/{job}/events", fields)
        self.assert_answer(answer, 200)
        self.assertEqual(answer.field("content-type"), "text/event-stream")
        blocks = [
            dict(line.split(": ", 1) for line in block.split("\n"))
            for block in answer.body.decode().split("\n\n")
            if block
        ]
        return [block for block in blocks if "event" in block]  # the others say when to come back

    def names(self, job):
        return [event["event"] for event in self.events(job)]

    def wait_until_known(self, job, state):
        """The same as wait_state while the broker may be away."""

        def reached():
            answer = self.ask("GET", f"/v1/jobs/{job}")
            status = json.loads(answer.body) if answer.status == 200 else {}
            return status if status.get("state") == state else None

        return kit.wait_until(f"{job} is {state}", reached, within=40)
