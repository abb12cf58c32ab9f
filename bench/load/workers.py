#!/usr/bin/env python3
"""A sidecar with one worker and with two, interleaved: what they serve, what a request costs, how the threads share it.

    bench/load/workers.py [--rounds 3] [--seconds 4] [--build build/release]

    calls_load --h1--> A --mTLS h2--> B --h1--> calls_function

Both sidecars have as many workers; policy, metrics and the access log are on. `rps` needs twice as many processors as
workers and more for the ends, so on a small machine look at the rest: `us` is user and system time of A and B for one
request, which must not grow with the number of workers, and `threads` the shares of their loops, which should be even."""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests" / "flow"))
import calls
import kit


def times_of(sidecar):
    """Seconds of processor time by thread."""
    times = {}
    for task in pathlib.Path(f"/proc/{sidecar.child.pid}/task").iterdir():
        ran = int((task / "schedstat").read_text().split()[0])
        times[(task / "comm").read_text().strip()] = ran / 1e9
    return times


def measure(workers, seconds):
    place = kit.Place()
    try:
        count = 60000
        book = calls.make_book(place, count)
        function = place.process(calls.Function(place, "function", book)).start()
        place.write("policy.weft", 'allow :- peer_path("shop.example", _).\n')
        orders = place.sidecar(
            "orders",
            inbound={"listen": kit.free_address(), "app": f"http://{function.address}"},
            workers=workers,
        ).start()
        web = place.caller("web", [orders], workers=workers).start()
        before = [times_of(s) for s in (web, orders)]
        began = time.monotonic()
        account = calls.Load(place, web.outbound, "orders", 64, 0, int(count * seconds / 4)).wait(600)
        after = [times_of(s) for s in (web, orders)]
        if account.failed or account.doubled:
            sys.exit(f"calls failed: {account.sums}")
        spent = [{name: a[name] - b.get(name, 0) for name in a} for a, b in zip(after, before)]
        loops = [[s[n] for n in s if n in ("weft-proxy",) or n.startswith("worker-")] for s in spent]
        return {
            "workers": workers,
            "rps": account.calls / (time.monotonic() - began),
            "us": 1e6 * sum(sum(s.values()) for s in spent) / account.calls,
            "shares": [round(100 * max(l) / sum(l)) for l in loops],
            "p50_ms": account.p50_ms,
            "p99_ms": account.p99_ms,
        }
    finally:
        place.close()
        subprocess.run(["rm", "-rf", str(place.folder)], check=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--build", default="build/release")
    words = parser.parse_args()
    kit.programs = (pathlib.Path(words.build) / "cli").resolve()
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
    print(f"{'workers':>7} {'rps':>8} {'us':>6} {'busiest thread of A, B':>24} {'p50 ms':>7} {'p99 ms':>7}")
    all_rounds = []
    for turn in range(words.rounds):
        for workers in (1, 2) if turn % 2 == 0 else (2, 1):
            all_rounds.append(measure(workers, words.seconds))
    for workers in (1, 2):
        mine = [r for r in all_rounds if r["workers"] == workers]
        middle = {key: statistics.median(r[key] for r in mine) for key in ("rps", "us", "p50_ms", "p99_ms")}
        shares = [statistics.median(r["shares"][i] for r in mine) for i in range(2)]
        print(
            f"{workers:>7} {middle['rps']:>8.0f} {middle['us']:>6.1f} {f'{shares[0]:.0f} %, {shares[1]:.0f} %':>24}"
            f" {middle['p50_ms']:>7.1f} {middle['p99_ms']:>7.1f}"
        )
    print(json.dumps(all_rounds))


if __name__ == "__main__":
    main()
