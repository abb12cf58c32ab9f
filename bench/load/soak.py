#!/usr/bin/env python3
"""A pair of sidecars for hours: calls without end, thousands of connections, failures now and then; then what memory is held.

    bench/load/soak.py [--calls 1000000] [--connections 10000] [--rate 1000] [--build build/dev]     under sanitizers
    bench/load/soak.py --build build/release --rounds 10                                          for growth

Each round sends that many calls over that many kept connections (calls_load), with a reload and renewed certificates in
its middle, then closes them and looks: resident memory, descriptors and exchanges of both sidecars. It fails if a call is
lost or doubled, if a sanitizer speaks, if an exchange stays, or if after the second round a sidecar holds over 5 % and
2 MB more than after the first one. `ulimit -n` must leave room for twice the connections."""

import argparse
import json
import pathlib
import resource
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests" / "flow"))
import calls
import kit

COUNT = 'weft_request_duration_seconds_count{direction="outbound"}'


def held(sidecar):
    status = pathlib.Path(f"/proc/{sidecar.child.pid}/status").read_text()
    sizes = {line.split(":")[0]: int(line.split()[1]) for line in status.splitlines() if line.endswith(" kB")}
    files = len(list(pathlib.Path(f"/proc/{sidecar.child.pid}/fd").iterdir()))
    return {"rss_mb": sizes["VmRSS"] / 1024, "anon_mb": sizes["RssAnon"] / 1024, "files": files}


def grew(first, now):
    return now["anon_mb"] > first["anon_mb"] * 1.05 + 2 or now["files"] > first["files"] + 16


class Soak:
    def __init__(self, words):
        self.words = words
        self.place = kit.Place()
        self.book = calls.make_book(self.place, words.calls)
        self.function = self.place.process(calls.Function(self.place, "function", self.book)).start()
        wide = {
            "limits": {"in_flight": 200000, "most": 5000, "queue": 20000, "queue_wait": "60s"},
            "timeouts": {"connect": "30s"},  # of a slow machine nothing is to be learnt
            "workers": words.workers,
        }
        self.orders = self.place.sidecar(
            "orders",
            inbound={"listen": kit.free_address(), "app": f"http://{self.function.address}"},
            **wide,
        ).start()
        self.web = self.place.caller("web", [self.orders], **wide).start()
        self.sidecars = {"A": self.web, "B": self.orders}

    def reload(self):
        for name in ("orders", "web"):
            self.place.issue(name)
        for sidecar in self.sidecars.values():
            sidecar.reload()

    def quiet(self):
        """What a closed connection held is given back a moment later."""
        kit.wait_until("no exchange stays", lambda: self.exchanges() == 0, within=60)
        time.sleep(6)  # idle connections to the function end after 4 s

    def exchanges(self):
        return sum(s.metric("weft_requests_in_flight") for s in self.sidecars.values())

    def round(self):
        calls.make_book(self.place, 0)
        calls.make_book(self.place, self.words.calls)
        self.function.kill()
        self.function.start()
        began, done = time.monotonic(), self.web.metric(COUNT)
        load = calls.Load(
            self.place, self.web.outbound, "orders", self.words.connections, self.words.rate, self.words.calls
        )
        kit.wait_until("calls flow", lambda: self.web.metric(COUNT) > done, within=120)
        peak = {name: held(s) for name, s in self.sidecars.items()}
        self.reload()
        account = load.wait(None)
        self.quiet()
        now = {name: held(s) for name, s in self.sidecars.items()}
        return account, time.monotonic() - began, peak, now

    def end(self):
        self.place.close()
        reports = self.place.reports()
        if reports:
            print(self.place.logs(), file=sys.stderr)
        subprocess.run(["rm", "-rf", str(self.place.folder)], check=False)
        return reports


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=1000000)
    parser.add_argument("--connections", type=int, default=10000)
    parser.add_argument("--rate", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--build", default="build/dev")
    words = parser.parse_args()
    room = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (room, room))
    if room < words.connections + 500:
        sys.exit(f"soak: ulimit -n is {room}: too few for {words.connections} connections")
    kit.programs = (pathlib.Path(words.build) / "cli").resolve()
    soak, first, bad = Soak(words), None, []
    try:
        idle = {name: held(s) for name, s in soak.sidecars.items()}
        print("idle", json.dumps(idle), flush=True)
        for turn in range(words.rounds):
            account, seconds, peak, now = soak.round()
            print(f"round {turn + 1}: {account.calls} calls in {seconds:.0f} s", json.dumps(account.sums), flush=True)
            print("  loaded", json.dumps(peak), "\n  after ", json.dumps(now), flush=True)
            if account.failed or account.doubled or account.phantom or account.crossed:
                bad.append(f"round {turn + 1}: {account.sums}")
            first = first or now
            bad += [f"{name} grew: {first[name]} to {now[name]}" for name in now if grew(first[name], now[name])]
    finally:
        bad += soak.end()
    print("\n".join(bad) if bad else "nothing lost, nothing grew, no report")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
