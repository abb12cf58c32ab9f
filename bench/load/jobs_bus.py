#!/usr/bin/env python3
"""A real broker under load over the bus: submits, full cycles, dispatch, what it costs and what it holds.

    bench/load/jobs_bus.py [BUILD] [--secs 2] [--fill 100000] [--data FOLDER] [--log LEVEL]

One line of JSON per point, with the broker's CPU per job and its flushes of the disk. redis-server
with `appendfsync always` is measured between the points when it is installed (redis-benchmark: LPUSH of 1 KiB).
"""

import argparse
import base64
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time

HOST = "spiffe://bench.example/ns/bench/sa/"


def free_address():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{s.getsockname()[1]}"


running = []


class Broker:
    def __init__(self, build, folder, log):
        self.cli, self.folder = build / "cli", folder
        self.https, self.admin, self.bus = free_address(), free_address(), free_address()
        for words in (
            ["ca", "init", "bench.example", "--dir", "certs"],
            ["ca", "issue", HOST + "broker", "--dir", "certs", "--out", "certs/broker"],
            ["ca", "issue", HOST + "bench", "--dir", "certs", "--out", "certs/bench"],
        ):
            subprocess.run([self.cli / "weft", *words], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        conf = {
            "bus": self.bus,
            "https": self.https,
            "identity": {
                "cert": "certs/broker.pem",
                "key": "certs/broker.key",
                "trust": {"bench.example": "certs/ca.pem"},
            },
            "data": "jobs",
            "services": {"bench": {"identity": HOST + "bench"}},
            "limits": {"jobs": 10000000},
            "admin": {"listen": self.admin},
            "log": {"level": log},
        }
        (folder / "broker.yaml").write_text(json.dumps(conf))

    def start(self):
        begun = time.monotonic()
        log = open(self.folder / "broker.log", "a")
        self.process = subprocess.Popen([self.cli / "weft-broker", "broker.yaml"], cwd=self.folder, stdout=log, stderr=log)
        running.append(self.process)
        while True:
            try:
                self.page("/ready")
                return time.monotonic() - begun
            except OSError:
                if self.process.poll() is not None:
                    raise SystemExit((self.folder / "broker.log").read_text()[-2000:])
                time.sleep(0.002)

    def page(self, path):
        connection = http.client.HTTPConnection(self.admin, timeout=10)
        connection.request("GET", path)
        return connection.getresponse().read().decode()

    def metric(self, name):
        return sum(float(l.split()[-1]) for l in self.page("/metrics").splitlines() if l.startswith(name + " "))

    def kill(self):
        self.process.kill()
        self.process.wait()

    def cpu(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def rss_mb(self):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return round(int(line.split()[1]) / 1024, 1)

    def disk(self):
        return os.stat(self.folder / "jobs/data.mdb").st_blocks * 512

    def register(self, load):
        public, secret = subprocess.run([load, "keys"], check=True, capture_output=True, text=True).stdout.split()
        tls = ssl.create_default_context(cafile=self.folder / "certs/ca.pem")
        tls.check_hostname = False
        tls.set_alpn_protocols(["http/1.1"])
        tls.load_cert_chain(self.folder / "certs/bench.pem", self.folder / "certs/bench.key")
        connection = http.client.HTTPSConnection(self.https, context=tls, timeout=10)
        connection.request("PUT", "/.well-known/weft/bus-keys", json.dumps({"key": public}, separators=(",", ":")))
        answer = connection.getresponse()
        answer.read()
        return [answer.headers["weft-bus-endpoint"], answer.headers["weft-bus-key"], public, secret]


def redis(folder, secs, window):
    if not shutil.which("redis-server"):
        return None
    port = free_address().rsplit(":", 1)[1]
    process = subprocess.Popen(
        ["redis-server", "--port", port, "--appendonly", "yes", "--appendfsync", "always", "--save", "", "--dir", folder],
        stdout=subprocess.DEVNULL,
    )
    time.sleep(0.5)
    count = str(int(secs * (3000 if window == 1 else 40000)))
    clients = str(min(window, 16))
    out = subprocess.run(
        ["redis-benchmark", "-p", port, "-n", count, "-c", clients, "-P", str(max(1, window // 16)), "-d", "1024"]
        + ["-t", "lpush", "--csv"],
        capture_output=True,
        text=True,
    ).stdout
    process.terminate()
    process.wait()
    fields = out.strip().splitlines()[-1].replace('"', "").split(",")
    return {"peer": "redis always", "window": window, "per_s": float(fields[1]), "ack_p50_ms": fields[4], "ack_p99_ms": fields[6]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", nargs="?", default="build/release", type=pathlib.Path)
    parser.add_argument("--secs", default=2, type=float)
    parser.add_argument("--fill", default=100000, type=int)
    parser.add_argument("--data", default=None, help="on the disk that is to be measured")
    parser.add_argument("--log", default="warn")
    parser.add_argument("--points", default="submit:1,submit:16,submit:256,cycle:16,cycle:256,dispatch:1,blob:1024")
    options = parser.parse_args()
    build = options.build.resolve()
    load = build / "bench/jobs_load"
    folder = pathlib.Path(tempfile.mkdtemp(dir=options.data))
    try:
        for point in filter(None, options.points.split(",")):
            mode, window = point.split(":")
            place = pathlib.Path(tempfile.mkdtemp(dir=folder))
            if mode == "blob":
                blob(Broker(build, place, options.log), load, window)
                shutil.rmtree(place)
                continue
            measure(Broker(build, place, options.log), load, mode, window, options.secs)
            if mode == "submit" and (figures := redis(place, options.secs, int(window))):
                print(json.dumps(figures), flush=True)
            shutil.rmtree(place)
        if options.fill:
            fill(Broker(build, folder, options.log), load, options.fill)
    finally:
        for process in running:
            process.kill()
        shutil.rmtree(folder)


def measure(broker, load, mode, window, secs):
    broker.start()
    keys = broker.register(load)
    cpu, flushes, commits = broker.cpu(), broker.metric("weft_store_flushes_total"), broker.metric("weft_store_commits_total")
    figures = json.loads(
        subprocess.run([load, mode, *keys, window, str(secs)], check=True, capture_output=True, text=True, timeout=60).stdout
    )
    jobs = figures["jobs"]
    figures["broker_cpu_us_per_job"] = round((broker.cpu() - cpu) * 1e6 / jobs, 1)
    figures["flushes_per_commit"] = round(
        (broker.metric("weft_store_flushes_total") - flushes) / (broker.metric("weft_store_commits_total") - commits), 2
    )
    print(json.dumps(figures), flush=True)
    broker.kill()


def blob(broker, load, mib):
    """One body of so many MiB: put by its caller, got by its worker; the most memory that the broker had meanwhile."""
    broker.start()
    keys = broker.register(load)
    cpu, rss = broker.cpu(), []
    process = subprocess.Popen([load, "blob", *keys, mib, "0"], stdout=subprocess.PIPE, text=True)
    while process.poll() is None:
        rss.append(broker.rss_mb())
        time.sleep(0.02)
    figures = json.loads(process.stdout.read())
    figures["broker_rss_most_mb"] = max(rss)
    figures["broker_cpu_s_per_gib"] = round((broker.cpu() - cpu) / int(mib) * 1024, 2)
    print(json.dumps(figures), flush=True)
    broker.kill()


def fill(broker, load, count):
    broker.start()
    figures = {"mode": "fill", "rss_idle_mb": broker.rss_mb()}
    keys = broker.register(load)
    subprocess.run([load, "fill", *keys, "256", str(count)], check=True, stdout=subprocess.DEVNULL)
    queued = broker.metric('weft_jobs_queued{service="bench"}')
    figures.update(jobs=count, queued=queued, rss_full_mb=broker.rss_mb(), disk_bytes_per_job=round(broker.disk() / count))
    broker.kill()
    figures["start_s"] = round(broker.start(), 3)
    figures["queued_after_kill"] = broker.metric('weft_jobs_queued{service="bench"}')
    figures["rss_after_start_mb"] = broker.rss_mb()
    print(json.dumps(figures), flush=True)
    broker.kill()


if __name__ == "__main__":
    main()
