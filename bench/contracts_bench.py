#!/usr/bin/env python3
"""`weft check` on small and big pairs of contracts, beside other checkers where they are installed.

    bench/contracts_bench.py [WEFT] [--folder FOLDER] [--quick] [--peers BIN ...]

WEFT is build/release/cli/weft unless it stands there.  The pairs are made into FOLDER (a new one in /tmp, kept) by
contracts_make.py.  Peers are looked for on the PATH and in each BIN folder, such as node_modules/.bin:

    buf             npm install @bufbuild/buf
    openapi-diff    npm install openapi-diff
    oasdiff         its releases, or go install

Prints a line a run: wall seconds, CPU seconds (user and system, of all processes), peak MB of the largest process, how many
findings, the exit status; then how CPU grows with the number of types, which is 10 where it is linear.  --quick leaves the
largest out.  A run is given 60 seconds."""
import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
WAIT = 60
TIME = "/usr/bin/time"  # a program's peak memory begins at that of whoever starts it; this one is small
OUT = tempfile.NamedTemporaryFile(prefix="weft-bench-").name


def run(words):
    """Wall and CPU seconds, MB, status, a file of what it wrote, what it said; status None: it took too long."""
    if os.access(TIME, os.X_OK):
        words = [TIME, "-f", "%M", "-o", OUT + ".mb", *words]
    with open(OUT, "wb") as out, tempfile.TemporaryFile() as err:
        began = time.monotonic()
        child = subprocess.Popen(words, stdout=out, stderr=err, start_new_session=True)
        status = None
        while time.monotonic() - began < WAIT:
            pid, code, used = os.wait4(child.pid, os.WNOHANG)
            if pid:
                status = os.waitstatus_to_exitcode(code)
                break
            time.sleep(0.001)
        if status is None:
            child.kill()
            pid, code, used = os.wait4(child.pid, 0)
        child.returncode = 0
        wall = time.monotonic() - began
        err.seek(0)
        kilobytes = used.ru_maxrss
        if words[0] == TIME and status is not None:
            with open(OUT + ".mb") as f:
                kilobytes = int(f.read().split()[-1])
        return wall, used.ru_utime + used.ru_stime, kilobytes / 1024, status, OUT, err.read()


def aside(work):
    """A number, made in another process: a child's peak memory begins at that of whoever starts it."""
    take, give = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(give, str(work()).encode())
        except (ValueError, KeyError):
            pass
        os._exit(0)
    os.close(give)
    with os.fdopen(take) as f:
        said = f.read()
    os.waitpid(child, 0)
    return int(said) if said.isdigit() else None


def weft_findings(text):
    report = json.loads(text)
    pairs = report.get("pairs", [report])
    return sum(f["level"] not in ("same", "compatible") for p in pairs for f in p["findings"])


def lines(text):
    return sum(1 for line in text.splitlines() if line.strip())


def differ_findings(text):
    found = 0
    for part in ("breakingDifferences", "unclassifiedDifferences"):
        try:
            found += len(json.loads(text[text.index("{"):]).get(part, []))
        except ValueError:
            return None
    return found


def where(name, folders):
    for f in folders:
        if os.access(os.path.join(f, name), os.X_OK):
            return os.path.join(f, name)
    return shutil.which(name)


class Table:
    def __init__(self):
        print(f"{'pair':<24}{'program':<14}{'wall s':>9}{'CPU s':>9}{'MB':>8}{'findings':>10}{'status':>8}")

    def row(self, pair, program, words, count, times=1):
        """The run with the median CPU of `times`."""
        runs = sorted((run(words) for _ in range(times)), key=lambda r: r[1])
        wall, cpu, mb, status, out, err = runs[len(runs) // 2]
        found = aside(lambda: count(open(out, errors="replace").read())) if status in (0, 1, 100) else None
        shown = "-" if found is None else str(found)
        print(f"{pair:<24}{program:<14}{wall:>9.3f}{cpu:>9.3f}{mb:>8.1f}{shown:>10}{'late' if status is None else status:>8}",
              flush=True)
        if status not in (0, 1, 100, None):
            print("    " + err.decode(errors="replace").strip().replace("\n", "\n    ")[:400])
        return cpu, mb


def beside(table, tools, folder):
    weft, buf, differ, oasdiff = (tools[n] for n in ("weft", "buf", "openapi-diff", "oasdiff"))

    def protos(name, old, new, times=1, profile=()):
        table.row(name, "weft", [weft, "check", old, new, "--format", "json", *profile], weft_findings, times)

    def openapis(name, old, new, times=1):
        table.row(name, "weft", [weft, "check", old, new, "--format", "json"], weft_findings, times)
        if differ:
            table.row(name, "openapi-diff", [differ, old, new], differ_findings, times)
        if oasdiff:
            table.row(name, "oasdiff", [oasdiff, "breaking", old, new, "--format", "singleline"], lines, times)

    tiny = f"{folder}/tiny"
    protos("proto, two lines", f"{tiny}/proto/old.proto", f"{tiny}/proto/new.proto", 9)
    if buf:
        table.row("proto, two lines", "buf", [buf, "breaking", f"{tiny}/proto/new.proto", "--against", f"{tiny}/proto/old.proto",
                                             "--error-format", "json"], lines, 5)
    openapis("openapi, two lines", f"{tiny}/openapi/old.json", f"{tiny}/openapi/new.json", 5)
    old, new = f"{folder}/proto/old", f"{folder}/proto/new"
    protos("proto, 5,000 messages", old, new, 3)
    protos("  as buf:FILE", old, new, 3, ("--profile", "buf:FILE"))
    if buf:
        table.row("proto, 5,000 messages", "buf", [buf, "breaking", new, "--against", old, "--error-format", "json"], lines)
    for name in ("openapi_flat", "openapi"):
        shown = "openapi, 2,000 " + ("flat" if name.endswith("flat") else "recursive")
        openapis(shown, f"{folder}/{name}/old.json", f"{folder}/{name}/new.json", 1)


def growth(table, weft, folder, sizes):
    """How CPU and memory grow with the types: 10 times for 10 times is linear."""
    ends = {"facts": ".weft", "openapi": ".json", "proto": "", "avro": ".avsc"}
    grown = {}
    for kind, end in ends.items():
        for n in sizes:
            at = f"{folder}/grow/{n}/{kind}"
            words = [weft, "check", f"{at}/old{end}", f"{at}/new{end}", "--format", "json"]
            grown[kind, n] = table.row(f"{kind}, {n:,} types", "weft", words, weft_findings, 3 if n <= 10000 else 1)
    print("\nfor 10 times the types" + "".join(f"{f'to {n:,}':>26}" for n in sizes[1:]))
    for kind in ends:
        print(f"{kind:<22}", end="")
        for before, n in zip(sizes, sizes[1:]):
            (cpu, mb), (cpu_before, mb_before) = grown[kind, n], grown[kind, before]
            shown = f"{cpu / cpu_before:.1f} CPU, {mb / mb_before:.1f} MB"
            print(f"{shown:>26}", end="")
        print()


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("weft", nargs="?", default="build/release/cli/weft")
    ap.add_argument("--folder")
    ap.add_argument("--quick", action="store_true")
    ap.add_argument("--peers", nargs="*", default=[])
    a = ap.parse_args()
    if not os.access(a.weft, os.X_OK):
        ap.error(f"there is no program at {a.weft}: build it with script/build, or name it")
    folder = a.folder or tempfile.mkdtemp(prefix="weft-contracts-")
    sizes = [1000, 10000] + ([] if a.quick else [100000])
    make = [sys.executable, f"{HERE}/contracts_make.py", folder]
    if not os.path.exists(f"{folder}/tiny"):
        subprocess.run(make, check=True)
    for n in sizes:
        if not os.path.exists(f"{folder}/grow/{n}"):
            subprocess.run([*make, "--types", str(n)], check=True)
    print(f"pairs in {folder}; {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    tools = {n: where(n, a.peers) for n in ("buf", "openapi-diff", "oasdiff")}
    for n, path in tools.items():
        if not path:
            print(f"skipped: {n} is not installed (npm install {'@bufbuild/buf' if n == 'buf' else n})" if n != "oasdiff"
                  else "skipped: oasdiff is not installed (one program: its releases, or go install)")
    tools["weft"] = os.path.abspath(a.weft)
    table = Table()
    beside(table, tools, folder)
    growth(table, tools["weft"], folder, sizes)


if __name__ == "__main__":
    main()
