#!/usr/bin/env python3
"""Lambda's own runtimes, unmodified: awslambdaric of pip and aws-lambda-go run jobs and answer calls.

usage: lambda_runtimes.py FOLDER-OF-THE-PROGRAMS     not part of script/test: needs python3-venv, go, and the network once
"""

import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "flow"))

import h1  # noqa: E402
import kit  # noqa: E402
from job_story import JSON, JobStory  # noqa: E402

KEPT = pathlib.Path(tempfile.gettempdir()) / "weft-strangers-lambda"
PYTHON = """
import os, signal

def handler(event, context):
    if event["n"] < 0:
        raise ValueError("negative")
    if event.get("die") and not os.path.exists("died"):
        open("died", "w").close()
        os.kill(os.getpid(), signal.SIGKILL)
    return {"twice": 2 * event["n"], "id": context.aws_request_id, "left": context.get_remaining_time_in_millis() > 0}
"""
GO = """
package main

import (
	"context"
	"errors"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

type question struct { N int `json:"n"` }
type answer struct {
	Twice int    `json:"twice"`
	ID    string `json:"id"`
}

func handle(ctx context.Context, q question) (answer, error) {
	if q.N < 0 {
		return answer{}, errors.New("negative")
	}
	c, _ := lambdacontext.FromContext(ctx)
	return answer{Twice: 2 * q.N, ID: c.AwsRequestID}, nil
}

func main() { lambda.Start(handle) }
"""


def run(*words, cwd):
    subprocess.run(words, cwd=cwd, check=True, stdout=subprocess.DEVNULL)


def install():
    """Once; the folder stays."""
    go = KEPT / "go"
    go.mkdir(parents=True, exist_ok=True)
    if not (KEPT / "venv/bin/python").exists():
        run(sys.executable, "-m", "venv", "venv", cwd=KEPT)
        run("venv/bin/pip", "install", "-q", "awslambdaric", cwd=KEPT)
    if not (go / "handler").exists():
        (go / "main.go").write_text(GO)
        run("go", "mod", "init", "handler", cwd=go)
        run("go", "get", "github.com/aws/aws-lambda-go/lambda", cwd=go)
        run("go", "build", "-o", "handler", ".", cwd=go)


class Runtimes(JobStory):
    def setUp(self):
        super().setUp()
        install()
        self.address = kit.free_address()
        inbound = self.trainer.conf["inbound"]
        del inbound["app"]
        inbound["lambda"] = self.address
        self.trainer.write()
        self.begin()
        self.child = None
        self.addCleanup(self.stop)

    def stop(self):
        if self.child:
            self.child.kill()
            self.child.wait()

    def launch(self, *words):
        self.stop()
        env = {
            **os.environ,
            "AWS_LAMBDA_RUNTIME_API": self.address,
            "AWS_LAMBDA_FUNCTION_NAME": "trainer",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
            "AWS_LAMBDA_FUNCTION_VERSION": "1",
        }
        self.child = subprocess.Popen(words, cwd=self.place.folder, env=env, stdout=subprocess.DEVNULL)

    def python(self):
        self.place.write("app.py", PYTHON)
        self.launch(str(KEPT / "venv/bin/python"), "-m", "awslambdaric", "app.handler")

    def go(self):
        self.launch(str(KEPT / "go/handler"))

    def judge(self):
        job = self.submit(b'{"n": 21}')
        self.wait_state(job, "done")
        self.assertIn(f'"id":"{job}.1"', self.result(job).body.decode().replace(" ", ""))
        tls = self.place.tls("web")
        call = h1.ask(self.trainer.inbound, "POST", "/train", "trainer", [JSON], b'{"n": 4}', wrap=tls)
        self.assertEqual(call.status, 200)
        self.assertIn('"twice":8', call.body.decode().replace(" ", ""))
        failed = self.submit(b'{"n": -1}', weft_attempts="2")
        status = self.wait_state(failed, "dead")
        self.assertEqual(status["attempt"], 2)

    def test_awslambdaric_runs_jobs_and_answers_calls(self):
        self.python()
        self.judge()

    def test_aws_lambda_go_runs_jobs_and_answers_calls(self):
        self.go()
        self.judge()

    def test_a_runtime_that_is_killed_has_its_job_run_again_by_the_next(self):
        self.python()
        job = self.submit(b'{"n": 1, "die": true}')
        self.child.wait(20)
        self.python()
        status = self.wait_state(job, "done")
        self.assertEqual((status["attempt"], status["crashes"]), (2, 1))


if __name__ == "__main__":
    kit.main()
