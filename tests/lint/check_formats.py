#!/usr/bin/env python3
"""What `weft check` writes for other programs is what those programs read, names with marks of their own included.

usage: check_formats.py WEFT     with WEFT_SARIF_SCHEMA=FILE and python3-jsonschema SARIF is held against its schema, too
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

ROOT = pathlib.Path(__file__).resolve().parents[2]
GOLDEN = "tests/golden/check/"
RUNS = [
    [GOLDEN + "odd-1.weft", GOLDEN + "odd-2.weft"],
    ["examples/first-check/library-1.yaml", "examples/first-check/library-2.yaml", "--profile", "openapi"],
    [GOLDEN + "fleet-1", GOLDEN + "fleet-2"],
    [GOLDEN + "proto-1", GOLDEN + "proto-2", "--notes"],
    ["--deploy", GOLDEN + "deployed"],
    ["examples/first-check/library-1.yaml", "examples/first-check/library-2.yaml", "--steps", "50"],
]
ANNOTATION = re.compile(r"::(error|warning|notice) (file=[^:,]*,line=\d+,col=\d+,)?title=[^:,]*::[^\r\n]*")


def sarif(text):
    log = json.loads(text)
    if log["version"] != "2.1.0" or len(log["runs"]) != 1:
        yield "one run of 2.1.0 is expected"
    run = log["runs"][0]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    for result in run["results"]:
        if rules[result["ruleIndex"]] != result["ruleId"] or result["level"] not in ("error", "warning", "note"):
            yield f"{result['ruleId']}: not by its index, or of no level"
        for place in result["locations"] + result["relatedLocations"]:
            uri = place.get("physicalLocation", {}).get("artifactLocation", {}).get("uri", "")
            if re.search(r"[^A-Za-z0-9._~/%:-]", uri):
                yield f"{uri} is no reference"
    schema = os.environ.get("WEFT_SARIF_SCHEMA")
    if schema:
        import jsonschema
        page = json.loads(pathlib.Path(schema).read_text())
        for fault in jsonschema.validators.validator_for(page)(page).iter_errors(log):
            yield f"{list(fault.path)}: {fault.message[:200]}"


def junit(text):
    suites = ElementTree.fromstring(text)
    cases, failures = list(suites.iter("testcase")), list(suites.iter("failure"))
    if int(suites.get("tests")) != len(cases) or int(suites.get("failures")) != len(failures):
        yield "the sums are not those of the cases"


def gitlab(text):
    found = json.loads(text)
    if len({one["fingerprint"] for one in found}) != len(found):
        yield "a fingerprint stands there twice"
    for one in found:
        if one["severity"] not in ("info", "minor", "major", "critical", "blocker") or one["location"]["lines"]["begin"] < 1:
            yield f"{one['check_name']}: no severity, or no line"


def github(text):
    for line in text.splitlines()[:-1]:
        if not ANNOTATION.fullmatch(line):
            yield f"no annotation: {line}"


def markdown(text):
    for line in text.splitlines():
        if line.startswith("|") and len(re.findall(r"(?<!\\)\|", line)) != 9:
            yield f"no row of eight cells: {line}"


def main():
    bad = 0
    for words in RUNS:
        for form in (sarif, junit, gitlab, github, markdown):
            run = subprocess.run([sys.argv[1], "check", *words, "--format", form.__name__], capture_output=True, text=True,
                                 cwd=ROOT)
            for fault in form(run.stdout):
                print(f"{form.__name__} {' '.join(words)}: {fault}")
                bad += 1
    print("check formats: clean" if not bad else f"check formats: {bad} faults")
    return bad > 0


if __name__ == "__main__":
    sys.exit(main())
