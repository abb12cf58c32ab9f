"""What every story stands on: a temporary place with its own trust domain, where the real programs run.

A story is a unittest.TestCase derived from Story; `main()` takes the folder of the programs first.
Whatever a story starts is ended when it ends, however it ends.  When one fails, it shows the logs of all its
processes; a sanitizer's report in any of them is a failure of its own."""

import contextlib
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest

import h1

DEADLINE = 20  # seconds for anything that should happen at once, on a machine that is busy
DOMAIN = "shop.example"
REPORT = re.compile(r"(ERROR: \w+Sanitizer|runtime error:|SUMMARY: \w+Sanitizer| broke: ).*")
WORKERS = int(os.environ.get("STORY_WORKERS", "1"))  # of every sidecar that does not say otherwise
programs = None


def wait_until(what, question, within=DEADLINE):
    """Asks until the answer is true and returns it; `what` says what did not happen."""
    end = time.monotonic() + within
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"not within {within} s: {what}")
        time.sleep(0.02)


def free_address():
    """Below the ports that the kernel gives to outgoing connections, so that nobody takes it meanwhile."""
    while True:
        port = random.randrange(12000, 32000)
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
            return f"127.0.0.1:{port}"


def spiffe(name, domain=DOMAIN):
    return f"spiffe://{domain}/ns/shop/sa/{name}"


def is_listening(address):
    host, _, port = address.rpartition(":")
    with socket.socket() as s:
        s.settimeout(2)
        return s.connect_ex((host, int(port))) == 0


class Process:
    """One running program; what it says goes to a log that outlives its restarts."""

    def __init__(self, name, command, folder, ends=(0,)):
        """`ends`: the statuses that it may end with."""
        self.name, self.command, self.folder, self.ends = name, command, folder, ends
        self.log_path = folder / f"{name}.log"
        self.child = None

    def start(self):
        with open(self.log_path, "ab") as log:
            self.child = subprocess.Popen(
                self.command, cwd=self.folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        return self

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def wait_log(self, pattern, times=1):
        def found():
            return len(re.findall(pattern, self.log())) >= times

        wait_until(f"{self.name} says {pattern!r} {times} times", found)

    def is_running(self):
        return self.child is not None and self.child.poll() is None

    def signal(self, number):
        self.child.send_signal(number)

    def wait(self, within=DEADLINE):
        """Its exit status; minus the signal's number when one ended it."""
        return self.child.wait(within)

    def kill(self):
        """kill -9, and gone when this returns."""
        if self.child:
            self.child.kill()
            self.child.wait()

    def end(self):
        """As an operator would end it, then by force."""
        if not self.is_running():
            return
        self.child.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.child.wait(2)
            return
        if self.child.poll() is None:
            self.child.terminate()  # the second one ends it at once
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.child.wait(5)
                return
        self.kill()


class Server(Process):
    """A sidecar or a broker: a process with a configuration and an admin side."""

    program = None

    def __init__(self, place, name, conf):
        self.place, self.conf = place, conf
        self.admin = conf["admin"]["listen"]
        super().__init__(name, [str(programs / self.program), f"{name}.yaml"], place.folder)
        self.write()

    def write(self):
        """JSON is YAML."""
        (self.folder / f"{self.name}.yaml").write_text(json.dumps(self.conf, indent=2))

    def start(self):
        super().start()
        return self.wait_ready()

    def ask(self, method, path, fields=(), body=None):
        return h1.ask(self.admin, method, path, "admin", fields, body)

    def is_ready(self):
        if not self.is_running():
            raise AssertionError(f"{self.name} ended with {self.child.returncode}:\n{self.log()}")
        with contextlib.suppress(OSError, h1.Cut):
            return self.ask("GET", "/ready").status == 200
        return False

    def wait_ready(self):
        wait_until(f"{self.name} is ready", self.is_ready)
        return self

    def reload(self, **keys):
        """With these keys changed, if any; returns when it has taken or refused them."""
        self.conf.update(keys)
        self.write()
        done = r" (reloaded|reload-refused) "
        before = len(re.findall(done, self.log()))
        self.signal(signal.SIGHUP)
        self.wait_log(done, before + 1)

    def metric(self, start):
        """The value of the one series that starts like this."""
        lines = [
            line for line in self.ask("GET", "/metrics").body.decode().splitlines() if line.startswith(start)
        ]
        if len(lines) > 1:
            raise AssertionError(f"{start} names {lines}")
        return float(lines[0].rsplit(" ", 1)[1]) if lines else 0.0


class Sidecar(Server):
    program = "weft-proxy"

    @property
    def inbound(self):
        return self.conf["inbound"]["listen"]

    @property
    def outbound(self):
        return self.conf["outbound"]["listen"]

    def why(self, what):
        return self.place.weft("why", "--sidecar", self.admin, what)

    def accesses(self):
        path = self.folder / self.conf["log"]["access"]
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def wait_access(self, **wanted):
        """The access line with these values: it is written off the loop, a moment after the answer."""

        def found():
            return next((a for a in self.accesses() if all(a.get(k) == v for k, v in wanted.items())), None)

        return wait_until(f"{self.name} logs an access {wanted}", found)


class Broker(Server):
    program = "weft-broker"


class Place:
    """A temporary folder with a trust domain and everything that runs there."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="weft-flow."))
        self.processes, self.functions = [], []

    def weft(self, *words, within=DEADLINE):
        return subprocess.run(
            [str(programs / "weft"), *words],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=within,
            check=False,
        )

    def must(self, *words):
        done = self.weft(*words)
        if done.returncode != 0:
            raise AssertionError(f"weft {' '.join(words)}: {done.returncode}\n{done.stderr}")
        return done.stdout

    def write(self, name, text):
        (self.folder / name).write_text(text)
        return name

    def authority(self, folder="certs", domain=DOMAIN):
        self.must("ca", "init", domain, "--dir", folder)

    def issue(self, name, domain=DOMAIN, folder="certs", ttl="1h", out=None):
        self.must(
            "ca",
            "issue",
            spiffe(name, domain),
            "--dir",
            folder,
            "--out",
            f"certs/{out or name}",
            "--ttl",
            ttl,
        )

    def identity(self, name):
        """Its certificate is issued when there is none yet."""
        if not (self.folder / "certs" / "ca.pem").exists():
            self.authority()
        if not (self.folder / "certs" / f"{name}.pem").exists():
            self.issue(name)
        return {"cert": f"certs/{name}.pem", "key": f"certs/{name}.key", "trust": {DOMAIN: "certs/ca.pem"}}

    def tls(self, name, protocol="http/1.1"):
        """Puts mTLS in the name of `name` around a socket: a foreign peer."""
        identity = self.identity(name)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False  # a SPIFFE certificate names no host
        context.load_verify_locations(self.folder / identity["trust"][DOMAIN])
        context.load_cert_chain(self.folder / identity["cert"], self.folder / identity["key"])
        if protocol:
            context.set_alpn_protocols([protocol])
        return context.wrap_socket

    def function(self, answer=h1.echo):
        function = h1.Function(answer)
        self.functions.append(function)
        return function

    def process(self, process):
        self.processes.append(process)
        return process

    def sidecar(self, name, **keys):
        conf = {
            "service": name,
            "identity": self.identity(name),
            "admin": {"listen": free_address()},
            "log": {"access": f"{name}.access.log"},
            **keys,
        }
        if WORKERS > 1:
            conf.setdefault("workers", WORKERS)
        return self.process(Sidecar(self, name, conf))

    def caller(self, name, services=(), **keys):
        """A sidecar whose function calls these sidecars."""
        targets = {
            s.conf["service"]: {"endpoints": [s.inbound], "identity": spiffe(s.conf["service"])}
            for s in services
        }
        return self.sidecar(
            name,
            outbound={"listen": free_address()},
            services={**targets, **keys.pop("jobs_only", {})},
            **keys,
        )

    def provider(self, name, function, **keys):
        """A sidecar before this function."""
        return self.sidecar(
            name, inbound={"listen": free_address(), "app": f"http://{function.address}"}, **keys
        )

    def broker(self, services, **keys):
        conf = {
            "bus": free_address(),
            "https": free_address(),
            "identity": self.identity("broker"),
            "data": "jobs",
            "services": {s: {"identity": spiffe(s)} for s in services},
            "lease": "3s",
            "beat": "1s",
            "admin": {"listen": free_address()},
            **keys,
        }
        return self.process(Broker(self, "broker", conf))

    def close(self):
        for process in reversed(self.processes):
            process.end()
        for function in self.functions:
            function.stop()

    def reports(self):
        """What no story may end with: a sanitizer's words, or a process that ended otherwise than asked."""
        said = [f"{p.name}: {m.group(0)}" for p in self.processes for m in REPORT.finditer(p.log())]
        return said + [
            f"{p.name} ended with {p.child.returncode}"
            for p in self.processes
            if p.child and p.child.returncode not in (None, -signal.SIGKILL, *p.ends)
        ]

    def logs(self):
        return "\n".join(f"--- {p.name}\n{p.log()[-20000:]}" for p in self.processes)


class Story(unittest.TestCase):
    """One test, in a place of its own."""

    def setUp(self):
        self.place = Place()
        self.addCleanup(self.clean_up)

    def clean_up(self):
        self.place.close()
        reports = self.place.reports()
        if reports or not self._outcome.success:
            print(f"\n=== {self.id()}\n{self.place.logs()}", file=sys.stderr)
        shutil.rmtree(self.place.folder, ignore_errors=True)
        if reports:
            self.fail("; ".join(reports))

    def assert_answer(self, answer, status, body=None):
        self.assertEqual(answer.status, status, f"{answer.first} {answer.fields} {answer.body[:500]!r}")
        if body is not None:
            self.assertEqual(answer.body, body)

    def assert_refused(self, answer, status, word):
        """By one of our own words, as a problem document."""
        self.assert_answer(answer, status)
        self.assertEqual(answer.field("weft-error"), word, answer.body)
        self.assertEqual(answer.field("content-type"), "application/problem+json")
        problem = json.loads(answer.body)
        self.assertEqual(problem["status"], status)
        return problem


def main():
    global programs
    if len(sys.argv) < 2 or not (pathlib.Path(sys.argv[1]) / "weft").exists():
        sys.exit(f"usage: {sys.argv[0]} FOLDER-OF-THE-PROGRAMS [TEST...]")
    programs = pathlib.Path(sys.argv.pop(1)).resolve()
    os.environ["ASAN_OPTIONS"] = "detect_leaks=1:abort_on_error=0"
    os.environ["UBSAN_OPTIONS"] = "print_stacktrace=1"
    for name in [name for name in os.environ if name.startswith("WEFT_")]:  # they would override every file
        del os.environ[name]
    unittest.main(verbosity=2)
