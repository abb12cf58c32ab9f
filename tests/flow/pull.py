#!/usr/bin/env python3
"""A function that pulls its requests by the AWS Lambda Runtime API, and jobs that are silent for long."""

import http.client
import http.server
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


class Container:
    """As OpenWhisk's runtimes are: /init once, then /run one at a time."""

    def __init__(self, run):
        container = self
        self.run, self.inits, self.runs, self.at_once, self.most = run, [], [], 0, 0

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                status, answer = container.init(body) if self.path == "/init" else container.turn(body)
                self.send_response(status)
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.handle_error = lambda *_: None
        self.address = f"127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def init(self, body):
        self.inits.append(body["value"])
        if len(self.inits) > 1:
            return 403, b'{"error":"Cannot initialize the action more than once."}'
        return 200, b'{"ok":true}'

    def turn(self, body):
        self.runs.append(body)
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        try:
            status, answer = self.run(body["value"])
        finally:
            self.at_once -= 1
        return status, answer if isinstance(answer, bytes) else json.dumps(answer).encode()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class Whisk(JobStory):
    def begin_driving(self, run, address=None, **keys):
        self.container = Container(run)
        self.addCleanup(self.container.stop)
        self.place.write("twice.py", "def main(event): ...\n")
        inbound = self.trainer.conf["inbound"]
        del inbound["app"]
        inbound["whisk"] = {"container": address or self.container.address, "code": "twice.py", **keys}
        self.trainer.write()
        self.begin()

    def call(self, body):
        return h1.ask(self.trainer.inbound, "POST", "/", "trainer", [JSON], body, wrap=self.place.tls("web"))

    def test_an_action_is_initialised_once_and_run_one_at_a_time(self):
        self.begin_driving(lambda event: (200, {"twice": 2 * event.get("n", 0)}))
        jobs = [self.submit(b'{"n": %d}' % n) for n in range(4)]
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(self.call(b'{"n": 21}'))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        self.assertEqual([(a.status, a.body) for a in answers], [(200, b'{"twice": 42}')] * 4)
        for n, job in enumerate(jobs):
            self.wait_state(job, "done")
            self.assert_answer(self.result(job), 200, b'{"twice": %d}' % (2 * n))
        self.assert_answer(self.call(b""), 200, b'{"twice": 0}')
        code = {"name": "trainer", "main": "main", "code": "def main(event): ...\n", "binary": False}
        self.assertEqual(self.container.inits, [code])
        self.assertEqual(self.container.most, 1)
        ids = [run["activation_id"] for run in self.container.runs]
        self.assertEqual(len(set(ids)), 9)
        self.assertTrue(all(f"{job}.1" in ids for job in jobs))
        self.assertTrue(all(int(run["deadline"]) > time.time() * 1000 for run in self.container.runs))

    def test_errors_of_an_action_and_of_its_author(self):
        answers = {"app": (502, {"error": "no such city"}), "text": (200, b"hello"), "list": (200, b"[1]")}
        self.begin_driving(lambda event: answers[event["as"]])
        self.assert_answer(self.call(b'{"as": "app"}'), 500, b'{"error": "no such city"}')
        for kind in ("text", "list"):
            self.assert_answer(self.call(b'{"as": "%s"}' % kind.encode()), 502)
        for body in (b"[1]", b"7", b'{"a":', b"hello"):
            self.assert_answer(self.call(body), 400, b'{"error":"An action takes a JSON object, or nothing."}')
        self.assertEqual(len(self.container.runs), 3)

    def test_a_sidecar_that_comes_back_finds_its_action_initialised(self):
        self.begin_driving(lambda event: (200, {}))
        self.assert_answer(self.call(b"{}"), 200, b"{}")
        self.trainer.end()
        self.start(self.trainer)
        self.assert_answer(self.call(b"{}"), 200, b"{}")
        self.assertEqual(len(self.container.inits), 2)

    def test_a_container_that_is_not_there(self):
        self.begin_driving(None, kit.free_address())
        self.assert_answer(self.call(b"{}"), 503, b'{"error":"The action\'s container cannot be reached."}')
        self.trainer.wait_log("whisk-lost")

    def test_a_container_that_breaks_off_is_a_crash_of_its_job(self):
        tries = []

        def run(event):
            tries.append(event)
            if len(tries) == 1:
                raise ConnectionError("as if killed")
            return 200, {"try": len(tries)}

        self.begin_driving(run)
        job = self.submit(b"{}")
        status = self.wait_state(job, "done")
        self.assertEqual((status["attempt"], status["crashes"]), (2, 1))
        self.assert_answer(self.result(job), 200, b'{"try": 2}')

    def test_binary_code_is_given_as_base64(self):
        self.begin_driving(lambda event: (200, {}), binary=True, main="Hello")
        self.assert_answer(self.call(b"{}"), 200)
        self.assertEqual(self.container.inits[0]["code"], "ZGVmIG1haW4oZXZlbnQpOiAuLi4K")
        self.assertEqual((self.container.inits[0]["main"], self.container.inits[0]["binary"]), ("Hello", True))


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
