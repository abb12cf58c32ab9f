#!/usr/bin/env python3
"""What `weft check --format json` prints is what docs/check.schema.json says, and every field stands there.

usage: check_json.py WEFT
"""
import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "docs/check.schema.json").read_text())
DRIFT, LIBRARY, GOLDEN = "examples/drifted-field/orders-", "examples/first-check/library-", "tests/golden/check/"
RUNS = [
    [DRIFT + "1.weft", DRIFT + "2.weft", "--mode", "full"],
    [DRIFT + "1.weft", DRIFT + "3.weft"],
    [LIBRARY + "1.yaml", LIBRARY + "2.yaml", "--profile", "openapi", "--baseline", GOLDEN + "accepted.yaml"],
    [GOLDEN + "fleet-1", GOLDEN + "fleet-2"],
    [DRIFT + "2.weft", "--against", DRIFT + "1.weft"],
    ["--deploy", GOLDEN + "deployed"],
]
TYPES = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool, "null": type(None)}


def is_a(value, name):
    return isinstance(value, TYPES[name]) and (name != "integer" or not isinstance(value, bool))


def faults(value, schema, where="$"):
    """As many words of JSON Schema as the page uses."""
    if schema is True:
        return
    if schema is False:
        yield f"{where}: has no place here"
        return
    if "$ref" in schema:
        yield from faults(value, SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]], where)
    if "oneOf" in schema:
        tried = [list(faults(value, one, where)) for one in schema["oneOf"]]
        if sum(not t for t in tried) != 1:
            yield from min(tried, key=len) or [f"{where}: fits more than one"]
    types = schema.get("type", [])
    if types and not any(is_a(value, t) for t in ([types] if isinstance(types, str) else types)):
        yield f"{where}: {value!r} is no {types}"
        return
    if value not in schema.get("enum", [value]):
        yield f"{where}: {value!r} is none of {schema['enum']}"
    if "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{where}: {value!r} is not {schema['pattern']}"
    if value and isinstance(value, dict):
        yield from (f"{where}: {name} is missing" for name in schema.get("required", []) if name not in value)
        known = schema.get("properties", {})
        for name, inner in value.items():
            yield from faults(inner, known.get(name, schema.get("additionalProperties", True)), f"{where}.{name}")
            if schema.get("properties") and "$ref" not in schema and name not in known and "oneOf" not in schema:
                yield f"{where}: {name} is not in the page"
    if isinstance(value, list) and "items" in schema:
        for i, inner in enumerate(value):
            yield from faults(inner, schema["items"], f"{where}[{i}]")


def main():
    bad = 0
    for words in RUNS:
        run = subprocess.run([sys.argv[1], "check", *words, "--format", "json"], capture_output=True, text=True, cwd=ROOT)
        for fault in faults(json.loads(run.stdout), SCHEMA):
            print(f"{' '.join(words)}: {fault}")
            bad += 1
    print("check json: clean" if not bad else f"check json: {bad} faults")
    return bad > 0


if __name__ == "__main__":
    sys.exit(main())
