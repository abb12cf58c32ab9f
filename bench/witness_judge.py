#!/usr/bin/env python3
"""Others judge what weft says of small random schemas.

    bench/witness_judge.py build/release/cli/weft [--pairs 500] [--seed 1]

needs the Python packages jsonschema, avro, fastavro and protobuf, and protoc.  For each pair of schemas: every witness is a value that
the old schema takes and the new one refuses, as a JSON Schema validator or an Avro library sees it; and where weft
says that nothing breaks, no value of a small pool shows that something does; the same for messages between .proto files.
Prints what was wrong, and counts."""
import argparse
import base64
import io
import json
import os
import random
import subprocess
import sys
import tempfile

import avro.compatibility
import avro.schema
import fastavro
import jsonschema
import judge_proto
from witness_proto import Proto

NAMES = ["a", "b", "c"]
WORDS = ["", "a", "b", "x", "aa", "ab", "abc", "?!", "x-1", "12", "aaaaaaa"]
PATTERNS = ["^a", "^[a-z]+$", "b$", "^x-", "^[0-9]{2,3}$", "^(a|b)*$"]
SCALARS = [None, True, False, 0, 1, -1, 2, 3, 5, 6, 10, 0.5, 2.5, 100] + WORDS


def pick(r, *choices):
    return r.choice(choices)


def some(r, chance):
    return r.random() < chance


# --- JSON Schema.

def number(r, kind):
    s = {"type": kind}
    for word in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"):
        if some(r, 0.2):
            s[word] = r.randint(-3, 12)
    if some(r, 0.25):
        s["multipleOf"] = pick(r, 1, 2, 3, 0.5, 1.5)
    return s


def text(r):
    s = {"type": "string"}
    if some(r, 0.3):
        s["minLength"] = r.randint(0, 3)
    if some(r, 0.3):
        s["maxLength"] = r.randint(2, 6)
    if some(r, 0.3):
        s["pattern"] = r.choice(PATTERNS)
    return s


def listed(r, depth):
    s = {"type": "array"}
    if some(r, 0.7):
        s["items"] = schema(r, depth + 1)
    if some(r, 0.2):
        s["prefixItems"] = [schema(r, depth + 1) for _ in range(r.randint(1, 2))]
    if some(r, 0.3):
        s["minItems"] = r.randint(0, 2)
    if some(r, 0.3):
        s["maxItems"] = r.randint(1, 4)
    if some(r, 0.2):
        s["uniqueItems"] = True
    if some(r, 0.15):
        s["contains"] = schema(r, depth + 1)
    return s


def mapped(r, depth):
    s = {"type": "object"}
    members = [n for n in NAMES if some(r, 0.6)]
    if members:
        s["properties"] = {n: schema(r, depth + 1) for n in members}
    required = [n for n in NAMES if some(r, 0.3)]
    if required:
        s["required"] = required
    if some(r, 0.4):
        s["additionalProperties"] = pick(r, False, False, schema(r, depth + 1))
    if some(r, 0.15):
        s["minProperties"] = r.randint(0, 2)
    if some(r, 0.15):
        s["maxProperties"] = r.randint(1, 4)
    if some(r, 0.1):
        s["propertyNames"] = text(r)
    if some(r, 0.1):
        s["dependentRequired"] = {"a": ["b"]}
    if some(r, 0.1):
        s["patternProperties"] = {"^x-": schema(r, depth + 1)}
    return s


def schema(r, depth=0):
    deep = depth >= 3
    kind = r.choice(["number", "integer", "string", "string", "boolean", "null", "enum", "const", "any"] +
                    ([] if deep else ["array", "object", "object", "anyOf", "oneOf", "allOf", "not", "if", "types"]))
    if kind in ("number", "integer"):
        return number(r, kind)
    if kind == "string":
        return text(r)
    if kind in ("boolean", "null"):
        return {"type": kind}
    if kind == "enum":
        return {"enum": r.sample(SCALARS, r.randint(1, 3)) if some(r, 0.5) else r.sample(WORDS, r.randint(1, 3))}
    if kind == "const":
        return {"const": r.choice(SCALARS)}
    if kind == "any":
        return {}
    if kind == "array":
        return listed(r, depth)
    if kind == "object":
        return mapped(r, depth)
    if kind == "types":
        return {"type": r.sample(["string", "integer", "boolean", "null", "object"], 2)}
    if kind == "not":
        return {"type": pick(r, "string", "integer"), "not": schema(r, depth + 1)}
    if kind == "if":
        return dict(mapped(r, 3), **{"if": {"properties": {"a": schema(r, 3)}}, "then": {"required": ["b"]}})
    return {kind: [schema(r, depth + 1) for _ in range(r.randint(1, 3))]}


def edited(r, s, again):
    """The same with a few words changed, gone or added."""
    if not isinstance(s, dict) or some(r, 0.15):
        return again(r)
    out = dict(s)
    for word in list(out):
        if isinstance(out[word], dict) and word not in ("properties", "patternProperties", "dependentRequired") and some(r, 0.5):
            out[word] = edited(r, out[word], again)
        elif word == "properties" and some(r, 0.7):
            out[word] = {n: edited(r, v, again) if some(r, 0.5) else v for n, v in out[word].items()}
        elif isinstance(out[word], list) and out[word] and isinstance(out[word][0], dict) and some(r, 0.5):
            out[word] = [edited(r, v, again) if some(r, 0.4) else v for v in out[word]]
        elif isinstance(out[word], int) and not isinstance(out[word], bool) and some(r, 0.4):
            out[word] = max(0 if "M" in word[1:] and "Of" not in word else 1, out[word] + pick(r, -1, 1, 2))
        elif word != "type" and some(r, 0.15):
            del out[word]
    return out


def values(r, depth=0):
    for v in SCALARS:
        yield v
    if depth == 2:
        return
    inner = list(values(r, depth + 1))
    for _ in range(60 if depth == 0 else 8):
        yield [r.choice(inner) for _ in range(r.randint(0, 4))]
        yield {n: r.choice(inner) for n in NAMES + ["x-1", "another"] if some(r, 0.5)}


def takes(s, v):
    return jsonschema.Draft202012Validator(s).is_valid(v)


# --- Avro.

PRIMITIVES = ["null", "boolean", "int", "long", "float", "double", "string", "bytes"]


class Avro:
    def __init__(self, r):
        self.r, self.count = r, 0

    def name(self):
        self.count += 1
        return f"N{self.count}"

    def type(self, depth=0):
        r = self.r
        kind = r.choice(PRIMITIVES + ["string"] + ([] if depth >= 3 else ["record", "record", "enum", "fixed", "array", "map", "union"]))
        if kind in PRIMITIVES:
            return kind
        if kind == "array":
            return {"type": "array", "items": self.type(depth + 1)}
        if kind == "map":
            return {"type": "map", "values": self.type(depth + 1)}
        if kind == "fixed":
            return {"type": "fixed", "name": self.name(), "size": r.randint(1, 3)}
        if kind == "enum":
            s = {"type": "enum", "name": self.name(), "symbols": r.sample(["A", "B", "C", "D"], r.randint(1, 3))}
            if some(r, 0.3):
                s["default"] = s["symbols"][0]
            return s
        if kind == "union":
            out, seen = [], set()
            for _ in range(r.randint(1, 3)):
                t = self.type(depth + 1)
                key = t if isinstance(t, str) else t["type"] if isinstance(t, dict) and "name" not in t else None
                if not isinstance(t, list) and key not in seen:
                    seen.add(key)
                    out.append(t)
                if key is None:
                    seen.discard(None)
            return out or "int"
        fields = []
        for n in r.sample(NAMES, r.randint(1, 3)):
            f = {"name": n, "type": self.type(depth + 1)}
            if some(r, 0.3) and f["type"] in ("int", "long"):
                f["default"] = 7
            if some(r, 0.3) and f["type"] == "string":
                f["default"] = "d"
            fields.append(f)
        return {"type": "record", "name": self.name(), "fields": fields}


PROMOTED = {"int": ["long", "float", "double", "string"], "long": ["int", "double"], "float": ["double", "int"],
            "double": ["float"], "string": ["bytes", "int"], "bytes": ["string"], "boolean": ["int"], "null": ["int"]}


def avro_edited(r, s, a):
    if isinstance(s, str):
        return r.choice(PROMOTED[s]) if some(r, 0.4) else s
    if isinstance(s, list):
        kept = [avro_edited(r, b, a) if not isinstance(b, str) else b for b in s if some(r, 0.8)]
        return kept if len(kept) else "int"
    out = dict(s)
    if out["type"] == "record":
        out["fields"] = [dict(f) for f in out["fields"] if some(r, 0.85)]
        for f in out["fields"]:
            if some(r, 0.4):
                f["type"] = avro_edited(r, f["type"], a)
                f.pop("default", None)
            if some(r, 0.1):
                f["aliases"], f["name"] = [f["name"]], f["name"] + "2"
        if some(r, 0.3):
            out["fields"].append({"name": "d", "type": "int", **({"default": 3} if some(r, 0.5) else {})})
    elif out["type"] == "enum" and some(r, 0.6):
        out["symbols"] = [x for x in out["symbols"] if some(r, 0.7)] or ["A"]
        if out.get("default") not in out["symbols"]:
            out.pop("default", None)
    elif out["type"] == "fixed" and some(r, 0.3):
        out["size"] += 1
    elif out["type"] in ("array", "map"):
        key = "items" if out["type"] == "array" else "values"
        out[key] = avro_edited(r, out[key], a)
    if "name" in out and some(r, 0.1):
        if some(r, 0.5):
            out["aliases"] = [out["name"]]
        out["name"] += "x"
    return out


def avro_value(s, v, known):
    """weft's JSON as the library wants it: bytes are base64 here.  Yields one for each branch that may be meant."""
    if isinstance(s, dict) and "name" in s:
        known[s["name"]] = s
    kind = s if isinstance(s, str) else "union" if isinstance(s, list) else s["type"]
    if kind in known and kind not in PRIMITIVES:
        return avro_value(known[kind], v, known)
    if kind == "union":
        for b in s:
            try:
                made = avro_value(b, v, known)
                if fastavro.validation.validate(made, fastavro.parse_schema(json.loads(json.dumps(b))), raise_errors=False):
                    return made
            except Exception:
                pass
        raise ValueError("no branch")
    if kind in ("bytes", "fixed"):
        return base64.b64decode(v)
    if kind == "record":
        return {f["name"]: avro_value(f["type"], v[f["name"]], known) for f in s["fields"]}
    if kind == "array":
        return [avro_value(s["items"], e, known) for e in v]
    if kind == "map":
        return {k: avro_value(s["values"], e, known) for k, e in v.items()}
    return float(v) if kind in ("float", "double") else v


def avro_refuses(old, new, v):
    """True, False, or None: the library does not take the value at all."""
    try:
        made = avro_value(old, v, {})
        writer = fastavro.parse_schema(json.loads(json.dumps(old)))
        out = io.BytesIO()
        fastavro.schemaless_writer(out, writer, made, strict=True)
    except Exception:
        return None
    try:
        out.seek(0)
        fastavro.schemaless_reader(out, writer, fastavro.parse_schema(json.loads(json.dumps(new))))
        return False
    except Exception:
        return True


# --- The run.

def check(weft, folder, old, new, form, profile):
    paths = []
    for name, s in (("old", old), ("new", new)):
        paths.append(os.path.join(folder, name + ".json"))
        with open(paths[-1], "w") as f:
            json.dump(s, f)
    p = subprocess.run([weft, "check", *paths, "--format-in", form, "--profile", profile, "--format", "json"],
                       capture_output=True, text=True)
    if p.returncode not in (0, 1):
        return None, p.stderr + p.stdout
    return json.loads(p.stdout), ""


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("weft")
    ap.add_argument("--pairs", type=int, default=500)
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--only", choices=["", "json", "avro", "proto"], default="")
    a = ap.parse_args()
    wrong, counts = 0, {}

    def count(what):
        counts[what] = counts.get(what, 0) + 1

    with tempfile.TemporaryDirectory() as folder:
        for i in range(a.pairs if a.only in ("", "json") else 0):
            r = random.Random(a.seed * 1000003 + i)
            old = schema(r)
            new = edited(r, old, schema) if some(r, 0.8) else schema(r)
            if not isinstance(old, dict) or not isinstance(new, dict):
                continue
            j, why = check(a.weft, folder, old, new, "jsonschema", "json-schema")
            if not j:
                count("json unread")
                print("UNREAD", json.dumps(old), json.dumps(new), why[:300])
                wrong += 1
                continue
            count("json " + j["verdict"])
            for f in j["findings"]:
                # null stands for none as well.
                if f["witness"] is not None and f["level"] == "breaking" and not (takes(old, f["witness"]) and not takes(new, f["witness"])):
                    wrong += 1
                    print("WITNESS", f["rule"], json.dumps(f["witness"]), "old", json.dumps(old), "new", json.dumps(new),
                          "takes", takes(old, f["witness"]), takes(new, f["witness"]))
                if f["level"] == "breaking" and f["witness"] is None and not (takes(old, None) and not takes(new, None)):
                    count("json breaking, not shown")
                    if os.environ.get("MISSED"):
                        print("NOT SHOWN", f["rule"], f["message"][:80], "old", json.dumps(old), "new", json.dumps(new))
                count("json witnesses" if f["witness"] is not None else "json null, or none")
            if j["verdict"] in ("same", "compatible"):
                for v in values(random.Random(i)):
                    if takes(old, v) and not takes(new, v):
                        wrong += 1
                        print("CALLED SAFE", json.dumps(v), "old", json.dumps(old), "new", json.dumps(new))
                        break
            elif j["verdict"] == "unproven":
                shown = any(takes(old, v) and not takes(new, v) for v in values(random.Random(i)))
                count("json unproven, the pool shows a break" if shown else "json unproven, nothing known")
                if shown and os.environ.get("MISSED"):
                    v = next(v for v in values(random.Random(i)) if takes(old, v) and not takes(new, v))
                    print("MISSED", [f["rule"] + " " + f["message"][:60] for f in j["findings"]], json.dumps(v), "old", json.dumps(old), "new", json.dumps(new))
        for i in range(a.pairs if a.only in ("", "avro") else 0):
            r = random.Random(a.seed * 1000033 + i)
            made = Avro(r)
            old = made.type()
            new = avro_edited(r, old, made)
            try:
                schemas = [avro.schema.parse(json.dumps(s)) for s in (new, old)]
                result = avro.compatibility.ReaderWriterCompatibilityChecker().get_compatibility(*schemas)
                fits = result.compatibility == avro.compatibility.SchemaCompatibilityType.compatible
            except Exception:
                continue
            j, why = check(a.weft, folder, old, new, "avro", "avro")
            if not j:
                wrong += 1
                print("UNREAD", json.dumps(old), json.dumps(new), why[:300])
                continue
            count("avro " + j["verdict"])
            if fits != (j["verdict"] in ("same", "compatible")):
                wrong += 1
                print("VERDICT", j["verdict"], "library", fits, "old", json.dumps(old), "new", json.dumps(new),
                      [f["rule"] for f in j["findings"]])
            for f in j["findings"]:
                if f["witness"] is None or f["level"] != "breaking":
                    count("avro null, or none")
                    continue
                refused = avro_refuses(old, new, f["witness"])
                count("avro witnesses, " + {True: "refused", False: "read all the same", None: "not written"}[refused])
                if refused is not True:
                    print("AVRO WITNESS", refused, f["rule"], json.dumps(f["witness"]), "old", json.dumps(old), "new", json.dumps(new))
    with tempfile.TemporaryDirectory() as folder:
        for i in range(a.pairs if a.only in ("", "proto") else 0):
            r = random.Random(a.seed * 1000037 + i)
            made, texts = Proto(r), []
            texts.append(made.text())
            for _ in range(r.randint(1, 2)):
                made.edit()
            texts.append(made.text())
            folders = []
            for name, text in zip(("old", "new"), texts):
                folders.append(os.path.join(folder, name))
                os.makedirs(folders[-1], exist_ok=True)
                with open(os.path.join(folders[-1], "a.proto"), "w") as f:
                    f.write(text)

            def tell(what, text):
                nonlocal wrong
                wrong += 1
                print(what, i, text, "\nold " + texts[0] + "new " + texts[1] if os.environ.get("TEXTS") else "")

            judge_proto.judge(a.weft, *folders, r, count, tell)
    for what in sorted(counts):
        print(f"{counts[what]:6} {what}")
    print(f"{wrong:6} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
