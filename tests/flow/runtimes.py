#!/usr/bin/env python3
"""Runtime clients of AWS Lambda as they are published, unmodified, pull jobs from a sidecar.

Python: `awslambdaric` where STORY_LAMBDA_PYTHON (or python3) can import it. Go: aws-lambda-go, built where the go command
finds the module. Node: aws-lambda-ric in a node_modules folder, which STORY_LAMBDA_NODE names the parent of.
What is not installed here is skipped."""

import json
import os
import pathlib
import shutil
import subprocess

import kit
from job_story import JobStory

PYTHON = """
def handle(event, context):
    if event.get("fail"):
        raise ValueError("asked to fail")
    return {"event": event, "request": context.aws_request_id, "left": context.get_remaining_time_in_millis() > 0}
"""
NODE = """
exports.handle = async (event, context) => {
  if (event.fail) throw new Error("asked to fail");
  return {event, request: context.awsRequestId, left: context.getRemainingTimeInMillis() > 0};
};
"""
GO = """package main

import (
	"context"
	"errors"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

func handle(ctx context.Context, event map[string]any) (map[string]any, error) {
	if event["fail"] == true {
		return nil, errors.New("asked to fail")
	}
	about, _ := lambdacontext.FromContext(ctx)
	_, left := ctx.Deadline()
	return map[string]any{"event": event, "request": about.AwsRequestID, "left": left}, nil
}

func main() { lambda.Start(handle) }
"""
GO_MOD = "module function\n\ngo 1.20\n\nrequire github.com/aws/aws-lambda-go v1.47.0\n"


class Runtimes(JobStory):
    def run_client(self, command):
        """Pulls until the story is over; then what it does is looked at."""
        address = kit.free_address()
        inbound = self.trainer.conf["inbound"]
        del inbound["app"]
        inbound["lambda"] = address
        self.trainer.write()
        self.begin()
        env = {
            **os.environ,
            "AWS_LAMBDA_RUNTIME_API": address,
            "AWS_LAMBDA_FUNCTION_NAME": "trainer",
            "AWS_LAMBDA_FUNCTION_VERSION": "1",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
            "_HANDLER": "function.handle",
            "LAMBDA_TASK_ROOT": str(self.place.folder),
        }
        log = open(self.place.folder / "runtime.log", "wb")
        self.addCleanup(log.close)
        client = subprocess.Popen(command, cwd=self.place.folder, env=env, stdout=log, stderr=log)
        self.addCleanup(client.wait)
        self.addCleanup(client.kill)
        self.check_jobs()

    def check_jobs(self):
        events = [{"n": n, "text": "Grüße, 世界 \U0001f600", "pad": "x" * (n * 40000)} for n in range(5)]
        jobs = [self.submit(json.dumps(event).encode()) for event in events]
        for event, job in zip(events, jobs):
            self.wait_until_known(job, "done")
            answer = self.result(job)
            self.assert_answer(answer, 200)
            self.assertEqual(json.loads(answer.body), {"event": event, "request": f"{job}.1", "left": True})
        failing = self.submit(b'{"fail": true}', weft_attempts="2")
        status = self.wait_until_known(failing, "dead")
        self.assertEqual(status["attempt"], 2)
        self.assertIn("500", status["reason"])

    def test_python(self):
        python = os.environ.get("STORY_LAMBDA_PYTHON", "python3")
        if subprocess.run([python, "-c", "import awslambdaric"], capture_output=True).returncode:
            self.skipTest("awslambdaric is not installed")
        (self.place.folder / "function.py").write_text(PYTHON)
        self.run_client([python, "-m", "awslambdaric", "function.handle"])

    def test_go(self):
        if not shutil.which("go"):
            self.skipTest("go is not installed")
        (self.place.folder / "main.go").write_text(GO)
        (self.place.folder / "go.mod").write_text(GO_MOD)
        env = {**os.environ, "GOFLAGS": "-mod=mod", "GOPROXY": os.environ.get("STORY_LAMBDA_GOPROXY", "off")}
        env["GONOSUMDB"] = env["GONOSUMCHECK"] = "*"
        built = subprocess.run(
            ["go", "build", "-o", "function", "."], cwd=self.place.folder, env=env, capture_output=True, text=True
        )
        if built.returncode:
            self.skipTest("aws-lambda-go is not in the module cache")
        self.run_client(["./function"])

    def test_node(self):
        modules = pathlib.Path(os.environ.get("STORY_LAMBDA_NODE", ".")) / "node_modules"
        client = modules / "aws-lambda-ric/bin/index.mjs"
        if not shutil.which("node") or not client.exists():
            self.skipTest("aws-lambda-ric is not installed")
        (self.place.folder / "function.js").write_text(NODE)
        self.run_client(["node", str(client), "function.handle"])


if __name__ == "__main__":
    kit.main()
