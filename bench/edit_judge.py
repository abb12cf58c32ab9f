#!/usr/bin/env python3
"""Edits real specifications at random, and lets validators judge what weft says of each edit.

    bench/edit_judge.py WEFT FILE-OR-FOLDER... [--edits 1000] [--seed 1] [--format FORMAT] [--show]
                        [--keep FOLDER]

Takes OpenAPI (JSON, YAML), JSON Schema, Avro (.avsc) and .proto files, and tells them apart by their content; of a folder
all that is there; imports of .proto files are looked for below it.  Each edit changes one to three words of one file, and the pair is given to `weft check`:

  CALLED SAFE  weft says that nothing breaks, and a value was found that the writer takes and the reader refuses
  WITNESS      a body or message that weft printed is none: the writer does not take it, or the reader does
  UNREAD       weft did not read what a validator reads, was ended by a signal or took more than 20 seconds of CPU

Judges are the Python packages jsonschema, fastavro and protobuf with protoc; YAML needs pyyaml.  A CALLED SAFE of which
the old file is at fault (a value its own validator takes by a quirk) is for a person to tell.  --show prints the edit, --keep
copies the pair to FOLDER."""
import argparse
import base64
import copy
import io
import json
import os
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile

import judge_json
import judge_proto

KINDS = ["string", "integer", "number", "boolean", "array", "object"]
METHODS = ("get", "put", "post", "delete", "patch", "options", "head", "trace")


# --- Edits of documents of JSON.

def schemas(node, path=(), depth=0):
    """All objects that look like schemas."""
    if depth > 40 or not isinstance(node, (dict, list)):
        return
    if isinstance(node, dict):
        if any(w in node for w in ("type", "properties", "items", "enum", "allOf", "oneOf", "anyOf", "$ref")) and \
                isinstance(node.get("type", ""), (str, list)):
            yield node
        for k, v in node.items():
            if k not in ("example", "examples", "default", "enum", "const"):
                yield from schemas(v, path + (k,), depth + 1)
    else:
        for v in node:
            yield from schemas(v, path, depth + 1)


def names(schema):
    p = schema.get("properties")
    return [n for n, v in p.items() if isinstance(v, dict)] if isinstance(p, dict) else []


def edit_schema(r, s):
    """Changes one thing; what it did, or None."""
    what = r.choice(["type", "require", "unrequire", "add", "remove", "rename", "enum", "unenum", "bound", "unbound", "close",
                     "open", "nullable", "pattern", "format", "items", "word", "const", "union", "count"])
    members = names(s)
    required = s.get("required") if isinstance(s.get("required"), list) else None
    if what == "type" and isinstance(s.get("type"), str):
        s["type"] = r.choice(KINDS)
    elif what == "require" and members:
        n = r.choice(members)
        s["required"] = sorted(set(required or []) | {n})
    elif what == "unrequire" and required:
        s["required"] = [n for n in required if n != r.choice(required)]
        if not s["required"]:
            del s["required"]
    elif what == "add" and "properties" in s and isinstance(s["properties"], dict):
        s["properties"]["added"] = {"type": r.choice(KINDS)}
    elif what == "remove" and members:
        n = r.choice(members)
        del s["properties"][n]
        if required and r.random() < 0.7:
            s["required"] = [m for m in required if m != n]
            if not s["required"]:
                del s["required"]
    elif what == "rename" and members:
        n = r.choice(members)
        s["properties"][n + "2"] = s["properties"].pop(n)
    elif what == "enum" and isinstance(s.get("enum"), list):
        s["enum"] = s["enum"] + ["added"]
    elif what == "unenum" and isinstance(s.get("enum"), list) and len(s["enum"]) > 1:
        s["enum"] = s["enum"][:-1]
    elif what == "bound" and s.get("type") in ("integer", "number", "string", "array"):
        word = {"string": ["minLength", "maxLength"], "array": ["minItems", "maxItems"]}.get(s["type"], ["minimum", "maximum", "multipleOf"])
        word = r.choice(word)
        s[word] = max(1, (s[word] if isinstance(s.get(word), int) else 3) + r.choice([-2, -1, 1, 2]))
    elif what == "unbound":
        there = [w for w in ("minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "pattern", "format",
                             "multipleOf", "exclusiveMinimum", "exclusiveMaximum", "uniqueItems") if w in s]
        if not there:
            return None
        del s[r.choice(there)]
    elif what == "close" and "properties" in s:
        s["additionalProperties"] = r.choice([False, {"type": r.choice(KINDS)}])
    elif what == "open" and "additionalProperties" in s:
        del s["additionalProperties"]
    elif what == "nullable" and isinstance(s.get("type"), str):
        if "nullable" in s:
            del s["nullable"]
        else:
            s["nullable"] = True
    elif what == "pattern" and s.get("type") == "string":
        s["pattern"] = r.choice(["^[a-z]+$", "^a", "^[0-9]{1,3}$", "."])
    elif what == "format" and s.get("type") == "string":
        s["format"] = r.choice(["date-time", "uuid", "email", "uri"])
    elif what == "items" and isinstance(s.get("items"), dict):
        s["items"] = {"type": r.choice(KINDS)}
    elif what == "word":
        there = [w for w in s if w not in ("$ref", "type", "properties", "$schema", "$id", "id", "title", "description")]
        if not there:
            return None
        what += " " + (w := r.choice(there))
        del s[w]
    elif what == "const" and s.get("type") == "string":
        s["enum"] = ["x", "y"]
    elif what == "union":
        word = next((w for w in ("oneOf", "anyOf", "allOf") if isinstance(s.get(w), list) and s[w]), None)
        if not word:
            return None
        if len(s[word]) > 1 and r.random() < 0.5:
            s[word] = s[word][:-1]
        else:
            s[word] = s[word] + [{"type": r.choice(KINDS)}]
    elif what == "count" and s.get("type") == "object":
        s[r.choice(["minProperties", "maxProperties"])] = r.randint(0, 3)
    else:
        return None
    return what


def edit_json(r, document, find):
    out = copy.deepcopy(document)
    places = list(find(out))
    done = []
    for _ in range(30):
        did = edit_schema(r, r.choice(places)) if places else None
        if did:
            done.append(did)
        if len(done) > r.choice([0, 0, 1, 2]):
            break
    return out, done


# --- Avro.

def avro_nodes(node):
    if isinstance(node, dict):
        if "type" in node:
            yield node
        for v in node.values():
            yield from avro_nodes(v)
    elif isinstance(node, list):
        for v in node:
            yield from avro_nodes(v)


def edit_avro(r, document):
    out = copy.deepcopy(document)
    done = []
    for _ in range(30):
        n = r.choice(list(avro_nodes(out)))
        what = r.choice(["type", "default", "remove", "add", "symbols", "union", "name", "size"])
        if what == "type" and n["type"] in ("int", "long", "float", "double", "string", "bytes", "boolean"):
            n["type"] = r.choice(["int", "long", "float", "double", "string", "bytes", "boolean"])
            n.pop("default", None)
            n.pop("logicalType", None)
        elif what == "default" and "default" in n and n["type"] != "enum":
            del n["default"]
        elif what == "remove" and isinstance(n.get("fields"), list) and len(n["fields"]) > 1:
            n["fields"].pop(r.randrange(len(n["fields"])))
        elif what == "add" and isinstance(n.get("fields"), list):
            n["fields"].append(r.choice([{"name": "added", "type": "int"}, {"name": "added", "type": ["null", "string"], "default": None}]))
        elif what == "symbols" and isinstance(n.get("symbols"), list):
            n["symbols"] = n["symbols"][:-1] if len(n["symbols"]) > 1 and r.random() < 0.5 else n["symbols"] + ["ADDED"]
            if n.get("default") not in n["symbols"]:
                n.pop("default", None)
        elif what == "union" and isinstance(n["type"], list) and len(n["type"]) > 1:
            n["type"] = [t for t in n["type"] if t != n["type"][-1]]
            n.pop("default", None)
        elif what == "name" and "fields" not in n and "symbols" not in n and "name" in n:
            n["name"] += "2"
        elif what == "size" and isinstance(n.get("size"), int):
            n["size"] += 1
        else:
            continue
        done.append(what)
        if len(done) > r.choice([0, 0, 1]):
            break
    return out, done


def bare(node):
    """Without logical types: fastavro promotes no int that is a date."""
    if isinstance(node, dict):
        return {k: bare(v) for k, v in node.items() if k != "logicalType"}
    return [bare(v) for v in node] if isinstance(node, list) else node


def avro_reads(old, new, value):
    import fastavro
    out = io.BytesIO()
    old, new = bare(old), bare(new)
    writer = fastavro.parse_schema(copy.deepcopy(old))
    try:
        fastavro.schemaless_writer(out, writer, value)
    except Exception:
        return None
    out.seek(0)
    try:
        reader = fastavro.parse_schema(copy.deepcopy(new))
    except Exception:
        return None
    try:
        fastavro.schemaless_reader(out, writer, reader)
        return True
    except UnicodeDecodeError:
        return None  # Bytes may be read as a string; what is no UTF-8 then, implementations see differently.
    except Exception:
        return False


def avro_break(r, old, new):
    from fastavro.utils import generate_one
    import fastavro
    for _ in range(25):
        try:
            value = generate_one(fastavro.parse_schema(bare(old)))
        except Exception:
            return None
        if avro_reads(old, new, value) is False:
            return value
    return None


# --- .proto

FIELD = re.compile(r"^(\s*)((?:repeated|optional|required)\s+)?(map\s*<\s*[\w.]+\s*,\s*[\w.]+\s*>|[\w.]+)\s+(\w+)\s*=\s*(\d+)\s*(\[.*?\])?;(.*)$")
VALUE = re.compile(r"^(\s*)(\w+)\s*=\s*(-?\d+)\s*(\[.*?\])?;(.*)$")
CALL = re.compile(r"^(\s*rpc\s+\w+\s*\()(\s*stream\s+)?([\w.]+)(\)\s*returns\s*\()(\s*stream\s+)?([\w.]+)(\).*)$")
SCALARS = ["int32", "int64", "uint32", "uint64", "sint32", "bool", "string", "bytes", "double", "float", "fixed32"]


def edit_line(r, line, types):
    f = FIELD.match(line)
    if f and f[3] not in ("option", "package", "syntax", "import", "return"):
        space, label, kind, name, number, options, rest = f.groups()
        label, options = label or "", options or ""
        what = r.choice(["type", "type", "label", "number", "name", "remove", "json"])
        if what == "type":
            kind, options = r.choice(SCALARS + types), ""
        elif what == "label":
            label = r.choice(["", "repeated ", "optional ", "required "])
        elif what == "number":
            number = r.choice([number + "1", str(r.randint(1, 30))])
        elif what == "name":
            name = name + "_x"
        elif what == "json":
            options = f'[json_name = "{name}X"]'
        else:
            return "", "remove " + name
        return f"{space}{label}{kind} {name} = {number}{' ' if options else ''}{options};{rest}", f"{what} {name}"
    v = VALUE.match(line)
    if v:
        what = r.choice(["value-remove", "value-name", "value-number"])
        if what == "value-remove":
            return "", what + " " + v[2]
        name = v[2] + "_X" if what == "value-name" else v[2]
        number = v[3] + "1" if what == "value-number" else v[3]
        return f"{v[1]}{name} = {number};{v[5]}", what + " " + v[2]
    c = CALL.match(line)
    if c:
        parts = list(c.groups())
        i = r.choice([1, 4])
        parts[i] = "" if parts[i] else "stream "
        return "".join(p or "" for p in parts), "stream"
    return None, None


def edit_proto(r, text):
    lines = text.split("\n")
    types = re.findall(r"^\s*(?:message|enum)\s+(\w+)", text, re.M)
    done = []
    for _ in range(60):
        i = r.randrange(len(lines))
        line, did = edit_line(r, lines[i], types[:40])
        if did:
            lines[i] = line
            done.append(did)
        if len(done) > r.choice([0, 0, 1]):
            break
    return "\n".join(lines), done


# --- The run.

class Run:
    def __init__(self, weft, folder, show, keep):
        self.weft, self.folder, self.show, self.keep = weft, folder, show, keep
        self.counts, self.wrong = {}, 0

    def count(self, what):
        self.counts[what] = self.counts.get(what, 0) + 1

    def tell(self, what, text):
        self.wrong += 1
        self.count(what)
        print(f"{what}: {self.source} edit {self.number}: {text[:600]}", flush=True)
        if self.show:
            print("    " + "; ".join(self.edit))
        if self.keep:
            shutil.copytree(self.folder, os.path.join(self.keep, str(self.number)), dirs_exist_ok=True)

    def check(self, old, new, form, profile):
        try:
            p = subprocess.run([self.weft, "check", old, new, "--format-in", form, "--profile", profile, "--format", "json"],
                               capture_output=True, timeout=300,
                               preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (20, 20)))
        except subprocess.TimeoutExpired:
            self.tell("UNREAD", "it did not end within 5 minutes")
            return None
        if p.returncode in (0, 1):
            return json.loads(p.stdout)
        said = (p.stderr + p.stdout).decode(errors="replace")
        if p.returncode < 0 or p.returncode > 3 or "Sanitizer" in said:
            self.tell("UNREAD", f"status {p.returncode}: {said}")
        else:
            self.count(f"{form} refused")
            self.refused = said
        return None

    def write(self, name, document):
        path = os.path.join(self.folder, name)
        with open(path, "w") as f:
            json.dump(document, f)
        return path

    def jsonschema(self, r, document):
        new, self.edit = edit_json(r, document, schemas)
        report = self.check(self.write("old.json", document), self.write("new.json", new), "jsonschema", "json-schema")
        if not report:
            return
        self.count("jsonschema " + report["verdict"])
        old_judge, new_judge = judge_json.Judge(document), judge_json.Judge(new)
        for f in report["findings"]:
            if f["level"] == "breaking" and f["witness"] is not None:
                self.count("jsonschema witnesses")
                if not (old_judge.takes(f["witness"]) and not new_judge.takes(f["witness"])):
                    self.tell("WITNESS", f"{f['rule']} {json.dumps(f['witness'])[:300]}: old takes it "
                                         f"{old_judge.takes(f['witness'])}, new {new_judge.takes(f['witness'])}")
        if report["verdict"] in ("same", "compatible"):
            for v in judge_json.values(r, document, new):
                if old_judge.takes(v) and not new_judge.takes(v):
                    self.tell("CALLED SAFE", json.dumps(v))
                    return

    def openapi(self, r, document):
        new, self.edit = edit_json(r, document, lambda d: list(schemas(d.get("components", {}))) + list(schemas(d.get("paths", {}))))
        report = self.check(self.write("old.json", document), self.write("new.json", new), "openapi", "wire")
        if not report:
            return
        self.count("openapi " + report["verdict"])
        self.bodies(r, document, new, report)

    def bodies(self, r, old, new, report):
        pairs = list(judge_json.bodies(old, new))
        for f in report["findings"]:
            if f["level"] != "breaking" or f["witness"] is None or f["direction"] not in ("request", "response"):
                continue
            if ":header:" in f["where"] or re.search(r"\.(query|path|header|cookie)\.", f["where"]):
                self.count("openapi witnesses that are no bodies")
                continue
            self.count("openapi witnesses")
            named = [p for p in pairs if p.operation in f["operations"] and p.direction == f["direction"]]
            if named and not any(p.breaks(f["witness"]) for p in named):
                self.tell("WITNESS", f"{f['rule']} {f['where']} {f['operation']} {json.dumps(f['witness'])[:300]}")
        safe = {o for o, level in report["operations"].items() if level in ("same", "compatible")}
        for p in pairs:
            if p.operation not in safe or p.same() or not p.is_json:
                continue
            for v in judge_json.known(r, p.writer_schema, p.writer_root):
                if p.breaks(v):
                    self.tell("CALLED SAFE", f"{p.direction} of {p.operation}: {json.dumps(v)[:300]}")
                    break

    def avro(self, r, document):
        new, self.edit = edit_avro(r, document)
        report = self.check(self.write("old.avsc", document), self.write("new.avsc", new), "avro", "avro")
        if not report:
            return
        self.count("avro " + report["verdict"])
        if report["verdict"] in ("same", "compatible"):
            value = avro_break(r, document, new)
            if value is not None:
                self.tell("CALLED SAFE", repr(value)[:300])

    def proto(self, r, source):
        """The file and what it imports, as far as that is there; paths are below the folder that was given."""
        root, path = source
        closure, todo = {}, [path]
        while todo:
            p = todo.pop()
            if p in closure or not os.path.exists(os.path.join(root, p)):
                continue
            with open(os.path.join(root, p), errors="replace") as f:
                closure[p] = f.read()
            todo += re.findall(r'^\s*import\s+(?:public\s+|weak\s+)?"([^"]+)"', closure[p], re.M)
        edited = r.choice(sorted(closure))
        new, self.edit = edit_proto(r, closure[edited])
        if not self.edit:
            return
        folders = []
        for name, texts in (("old", closure), ("new", dict(closure, **{edited: new}))):
            folders.append(os.path.join(self.folder, name))
            shutil.rmtree(folders[-1], ignore_errors=True)
            for p, t in texts.items():
                os.makedirs(os.path.join(folders[-1], os.path.dirname(p)), exist_ok=True)
                with open(os.path.join(folders[-1], p), "w") as f:
                    f.write(t)
        judge_proto.judge(self.weft, *folders, r, self.count, self.tell)


def read(path, root):
    """("openapi", document) and the like, or None."""
    if path.endswith(".proto"):
        return "proto", (root, os.path.relpath(path, root))
    try:
        with open(path, errors="replace") as f:
            text = f.read()
        if path.endswith((".yaml", ".yml")):
            import yaml
            document = json.loads(json.dumps(yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)), default=str))
        else:
            document = json.loads(text)
    except (ValueError, OSError, ImportError, RecursionError):
        return None
    if not isinstance(document, dict):
        return None
    if str(document.get("openapi", "")).startswith("3"):
        return "openapi", document
    if path.endswith(".avsc") or (document.get("type") in ("record", "enum") and "name" in document):
        return "avro", document
    if any(w in document for w in ("$schema", "properties", "definitions", "$defs")):
        return "jsonschema", document
    return None


def files(paths):
    for p in paths:
        if os.path.isdir(p):
            yield from sorted((os.path.join(d, f), p) for d, _, fs in os.walk(p) for f in fs)
        else:
            yield p, os.path.dirname(p) or "."


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("weft")
    ap.add_argument("paths", nargs="+")
    ap.add_argument("--edits", type=int, default=1000)
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--format", choices=["openapi", "jsonschema", "avro", "proto"])
    ap.add_argument("--most", type=int, default=400000, help="bytes; larger files are left out")
    ap.add_argument("--show", action="store_true")
    ap.add_argument("--keep", metavar="FOLDER")
    a = ap.parse_args()
    sources = [(p, *found) for p, root in files(a.paths) if os.path.getsize(p) <= a.most and (found := read(p, root))]
    sources = [s for s in sources if a.format in (None, s[1])]
    if not sources:
        ap.error("there is nothing to edit: give OpenAPI 3, JSON Schema, Avro or .proto files")
    with tempfile.TemporaryDirectory() as folder:
        run = Run(a.weft, folder, a.show, a.keep)
        for i in range(a.edits):
            r = random.Random(a.seed * 1000003 + i)
            run.source, form, what = r.choice(sources)
            run.number, run.edit = i, []
            run.count(f"{form} edits")
            getattr(run, form)(r, what)
    for what in sorted(run.counts):
        print(f"{run.counts[what]:7} {what}")
    print(f"{len(sources)} files, {run.wrong} wrong")
    return 1 if run.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
