#!/usr/bin/env python3
"""Exported symbols begin with their file's stem: a name tells its file.

usage: symbols.py BUILD    looks at every libweft_*.a there
"""
import pathlib
import re
import subprocess
import sys

# An implementation of an interface exports under its own stem, or exactly the interface's constructor.
INTERFACE = {"h1_server": "h1_server_new", "h2_server": "h2_server_new", "h1_client": "h1_client_new",
             "h2_client": "h2_client_new"}
ROOMS = {"base", "datalog", "http", "bus", "policy", "contracts", "identity", "proxy", "broker", "cli"}


def symbols(archive):
    out = subprocess.run(["nm", "--defined-only", "--extern-only", "-A", str(archive)],
                         capture_output=True, text=True, check=True).stdout
    for line in out.splitlines():
        m = re.match(r".*:(\w[\w.-]*)\.c\.o:\s*[0-9a-f]* [A-Z] (\S+)$", line)
        if m:
            yield m[1], m[2]


def complaints(build):
    for room in sorted(ROOMS):
        for archive in (build / room).glob("libweft_*.a"):
            for stem, name in symbols(archive):
                if name.startswith("__") or name == "main" or stem.startswith("rules_"):
                    continue
                if name != stem and not name.startswith(stem + "_"):
                    yield f"{room}/{stem}.c: exports {name}, which does not begin with {stem}_"


if __name__ == "__main__":
    found = list(complaints(pathlib.Path(sys.argv[1])))
    print("\n".join(found) if found else "symbols: clean")
    sys.exit(bool(found))
