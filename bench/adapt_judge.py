#!/usr/bin/env python3
"""Pairs of contracts and bodies at random: what `weft adapt` makes of a body by the plan that `weft check` offers must be
what this file makes of it, slowly and from the edit itself, and must satisfy the reader's JSON Schema.

    bench/adapt_judge.py --weft build/release/cli/weft [--pairs 500] [--bodies 100] [--seed 1]

Needs python3-jsonschema, which is the judge."""

import argparse
import base64
import datetime
import json
import pathlib
import random
import subprocess
import sys
import tempfile

import jsonschema

WHOLE = {"int32": 2**31, "int64": 2**53}
WORDS = ["", "a", "\u00e9", 'q"\\', "x y", "\U0001f600", "0", "null"]


class Member:
    """One member of a record, in the old version and in the new one, and both ways between."""

    def __init__(self, name):
        self.name = self.now = name
        self.facts = []  # of the new contract alone
        self.required = True
        self.old_path = self.new_path = None
        self.there = self.back = lambda v: v


def scalar(rnd, m, record):
    kind = rnd.choice(["same", "widen", "text", "wrap", "base64", "date", "scale", "symbol", "serial", "nullable", "const"])
    m.old_type = m.new_type = "string"
    m.old_schema = m.new_schema = {"type": "string"}
    m.make = lambda: rnd.choice(WORDS)
    m.old_facts = []
    subject = f"{record}.{m.now}"
    if kind == "widen":
        m.old_type, m.new_type = "int32", "int64"
        m.old_schema = {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1}
        m.new_schema = {"type": "integer"}
        m.make = lambda: rnd.randrange(-(2**31), 2**31)
    elif kind == "wrap":
        m.new_type = f"{record}_{m.now}_list"
        m.new_schema = {"type": "array", "items": {"type": "string"}}
        m.facts += [f'list("{m.new_type}", "string").', f'converted("{subject}", "one", "list").']
        m.there, m.back = (lambda v: [v]), (lambda v: v[0])
    elif kind == "base64":
        m.new_type = "bytes"
        m.new_schema = {"type": "string", "pattern": "^[A-Za-z0-9+/]*={0,2}$"}
        m.facts.append(f'converted("{subject}", "text", "base64").')
        m.there = lambda v: base64.b64encode(v.encode()).decode()
        m.back = lambda v: base64.b64decode(v).decode()
    elif kind == "date":
        unit, per = rnd.choice([("s", 1), ("ms", 1000)])
        m.old_type = "int64"
        m.old_schema = {"type": "integer"}
        m.new_schema = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$"}
        m.make = lambda: rnd.randrange(0, 4 * 10**9) * per + rnd.randrange(per)
        m.facts += [f'format("{subject}", "date-time").', f'converted("{subject}", "{unit}", "date-time").']

        def there(v):
            at = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=v // per)
            part = f"{v % per:03d}".rstrip("0") if per == 1000 and v % per else ""
            return at.strftime("%Y-%m-%dT%H:%M:%S") + ("." + part if part else "") + "Z"

        m.there, m.back = there, None
    elif kind == "scale":
        m.old_type = m.new_type = "number"
        m.old_schema = m.new_schema = {"type": "number"}
        m.make = lambda: rnd.randrange(0, 10**6)
        m.old_facts.append(f'unit("{record}.{m.name}", "kg").')
        m.facts.append(f'unit("{subject}", "g").')
        m.there, m.back = (lambda v: v * 1000), (lambda v: v // 1000)
    elif kind == "symbol":
        m.old_type = m.new_type = f"{record}_{m.now}_kind"
        m.old_facts += [f'enum("{m.old_type}").'] + [f'symbol("{m.old_type}", "{s}", {i}).' for i, s in enumerate("ABC")]
        m.facts += [f'enum("{m.new_type}").'] + [f'symbol("{m.new_type}", "{s}", {i}).' for i, s in enumerate("ABD")]
        m.facts.append(f'converted("{m.new_type}", "C", "D").')
        m.old_schema, m.new_schema = {"enum": list("ABC")}, {"enum": list("ABD")}
        m.make = lambda: rnd.choice("ABC")
        m.there, m.back = (lambda v: "D" if v == "C" else v), (lambda v: "C" if v == "D" else v)
    elif kind == "serial":
        m.old_type = "int64"
        m.old_schema = {"type": "integer"}
        m.new_schema = {"type": "string", "pattern": r"^-?\d+$"}
        m.make = lambda: rnd.randrange(-(10**12), 10**12)
        m.facts.append(f'format("{subject}", "int64").')
        m.there, m.back = str, int
    elif kind == "nullable":
        m.old_facts.append(f'nullable("{record}.{m.name}").')
        m.facts.append(f'nullable("{subject}").')
        m.old_schema = m.new_schema = {"type": ["string", "null"]}
        m.make = lambda: rnd.choice([None] + WORDS)
    elif kind == "const":
        old, new = f"{m.name}-old", f"{m.name}-new"
        m.old_facts += [f'value("{record}.{m.name}", {json.dumps(json.dumps(v))}).' for v in (old, "same")]
        m.facts += [f'value("{subject}", {json.dumps(json.dumps(v))}).' for v in (new, "same")]
        m.facts.append(f'converted("{subject}", "{old}", "{new}").')
        m.old_schema, m.new_schema = {"enum": [old, "same"]}, {"enum": [new, "same"]}
        m.make = lambda: rnd.choice([old, "same"])
        m.there, m.back = (lambda v: new if v == old else v), (lambda v: old if v == new else v)


class Text:
    """A branch that is no record."""

    def facts(self, new):
        return []

    def schema(self, new):
        return {"type": "string"}

    def there(self, v):
        return v

    back = there


def tell(rnd, how, record, number, count):
    """What tells this branch from the others, on either side."""
    if how == "text":
        return
    m = Member("kind" if how in ("tag", "type") else f"own{number}")
    m.old_facts = []
    m.old_type = m.new_type = "string"
    m.old_schema = m.new_schema = {"type": "string"}
    m.make = lambda: rnd.choice(WORDS)
    if how == "tag":
        m.make = lambda: f"b{number}"
        m.old_schema = m.new_schema = {"const": f"b{number}"}
        if rnd.random() < 0.3:
            m.now = "kindx"
            m.facts.append(f'renamed("{record.name}", "kind", "kindx").')
        m.facts.append(f'value("{record.name}.{m.now}", "\\"b{number}\\"").')
        m.old_facts.append(f'value("{record.name}.kind", "\\"b{number}\\"").')
    elif how == "type" and number:
        m.old_type = m.new_type = ["bool", "int32"][number - 1]
        m.old_schema = m.new_schema = {"type": ["boolean", "integer"][number - 1]}
        m.make = (lambda: True) if number == 1 else (lambda: 7)
    record.members.insert(rnd.randrange(len(record.members) + 1), m)
    record.own = m


def union(rnd, m, holder, depth):
    """One of several records, or of a record and a text."""
    how = rnd.choice(["tag", "tag", "own", "type", "text"])
    count = 2 if how == "text" else rnd.randrange(2, 4)
    records = [Record(rnd, depth + 1) for _ in range(1 if how == "text" else count)]
    for i, r in enumerate(records):
        tell(rnd, how, r, i, count)
    branches = records + [Text()] * (how == "text")
    name = f"{holder}_{m.name}_union"
    m.union, m.old_type, m.new_type = branches, name, name
    m.old_facts = [f'union("{name}").']
    m.old_facts += [f'branch("{name}", {i}, "{getattr(b, "name", "string")}").' for i, b in enumerate(branches)]
    m.facts += m.old_facts
    m.old_schema = {"anyOf": [b.schema(False) for b in branches]}
    m.new_schema = {"anyOf": [b.schema(True) for b in branches]}

    def which(v, new):
        for b in branches:
            if isinstance(b, Text):
                if isinstance(v, str):
                    return b
                continue
            own = b.own.now if new else b.own.name
            if not isinstance(v, str) and own in v:
                said = b.own.new_schema if how == "tag" else b.own.old_schema
                if jsonschema.Draft202012Validator(said).is_valid(v[own]):
                    return b
        raise ValueError("a value of no branch")

    if how == "text":
        records[0].own = Member("")
        m.make = lambda: rnd.choice(WORDS) if rnd.random() < 0.3 else records[0].make()
        m.there = lambda v: v if isinstance(v, str) else records[0].there(v)
        m.back = lambda v: v if isinstance(v, str) else records[0].back(v)
    else:
        m.make = lambda: rnd.choice(branches).make()
        m.there = lambda v: which(v, False).there(v)
        m.back = lambda v: which(v, True).back(v)


class Record:
    """A record with an old and a new shape."""

    count = 0

    def __init__(self, rnd, depth):
        Record.count += 1
        self.rnd, self.name = rnd, f"R{Record.count}"
        self.members, self.defaults, self.host = [], [], None
        for i in range(rnd.randrange(1, 5)):
            self.members.append(self.member(f"m{i}", depth))
        for i in range(rnd.randrange(0, 2)):
            self.defaults.append((f"d{i}", rnd.choice([1, "x", None, [1, {"y": 2}]])))
        if rnd.random() < 0.4:
            self.move()

    def member(self, name, depth):
        m = Member(name)
        rnd = self.rnd
        m.required = rnd.random() < 0.7
        if rnd.random() < 0.35:
            m.now = name + "x"
            m.facts.append(f'renamed("{self.name}", "{name}", "{m.now}").')
        shape = rnd.choice(["scalar", "scalar", "record", "list", "map", "union", "union"]) if depth < 3 else "scalar"
        if shape == "scalar":
            scalar(rnd, m, self.name)
            return m
        if shape == "union":
            union(rnd, m, self.name, depth)
            return m
        inner = Record(rnd, depth + 1)
        m.inner, m.old_facts = inner, []
        holder = f"{self.name}_{name}_{shape}"
        m.old_type = m.new_type = inner.name if shape == "record" else holder
        if shape == "record":
            m.old_schema, m.new_schema = inner.schema(False), inner.schema(True)
            m.make, m.there, m.back = inner.make, inner.there, inner.back
        elif shape == "list":
            m.old_facts.append(f'list("{holder}", "{inner.name}").')
            m.facts.append(f'list("{holder}", "{inner.name}").')
            m.old_schema = {"type": "array", "items": inner.schema(False)}
            m.new_schema = {"type": "array", "items": inner.schema(True)}
            m.make = lambda: [inner.make() for _ in range(rnd.randrange(3))]
            m.there, m.back = (lambda v: [inner.there(e) for e in v]), (lambda v: [inner.back(e) for e in v])
        else:
            m.old_facts.append(f'map("{holder}", "string", "{inner.name}").')
            m.facts.append(f'map("{holder}", "string", "{inner.name}").')
            m.old_schema = {"type": "object", "additionalProperties": inner.schema(False)}
            m.new_schema = {"type": "object", "additionalProperties": inner.schema(True)}
            m.make = lambda: {k: inner.make() for k in rnd.sample(["k", "m0", "m0x", "\u00e9"], rnd.randrange(3))}
            m.there = lambda v: {k: inner.there(e) for k, e in v.items()}
            m.back = lambda v: {k: inner.back(e) for k, e in v.items()}
        return m

    def move(self):
        """The first members go into a host that is made, or that is there."""
        self.host = "host"
        self.kept = self.rnd.random() < 0.5  # the host was there with a member of its own
        self.moved = [m for m in self.members if m.now == m.name][: self.rnd.randrange(1, 3)]
        if not self.kept and not any(m.required for m in self.moved):
            self.host = None
        for m in self.moved if self.host else ():
            m.facts = [f.replace(f'"{self.name}.{m.now}"', f'"{self.name}H.{m.now}"') for f in m.facts]

    def facts(self, new):
        n, out = self.name, [f'record("{self.name}").']
        for m in self.members:
            out += m.facts if new else m.old_facts
            inside = new and self.host and m in self.moved
            name, kind = (m.now, m.new_type) if new else (m.name, m.old_type)
            out.append(f'field("{n}{"H" if inside else ""}", "{name}", "{kind}", "{"required" if m.required else "optional"}").')
            if inside:
                out.append(f'moved("{n}", "{m.name}", "host/{m.name}").')
            if hasattr(m, "inner"):
                out += m.inner.facts(new)
            for branch in getattr(m, "union", ()):
                out += branch.facts(new)
        if self.host and (new or self.kept):
            out += [f'field("{n}", "host", "{n}H", "required").', f'record("{n}H").']
            if self.kept:
                out.append(f'field("{n}H", "own", "string", "required").')
        if new:
            for name, value in self.defaults:
                out.append(f'field("{n}", "{name}", "any", "required"). default("{n}", "{name}", {json.dumps(json.dumps(value))}).')
        return out

    def schema(self, new):
        s = {"type": "object", "properties": {}, "required": []}
        host = {"type": "object", "properties": {}, "required": []}
        if self.host and self.kept:
            host["properties"]["own"] = {"type": "string"}
            host["required"].append("own")
        for m in self.members:
            into = host if new and self.host and m in self.moved else s
            name = m.now if new else m.name
            into["properties"][name] = m.new_schema if new else m.old_schema
            if m.required:
                into["required"].append(name)
        if self.host and (new or self.kept):
            s["properties"]["host"] = host
            s["required"].append("host")
        if new:
            s["required"] += [name for name, _ in self.defaults]
        return s

    def make(self):
        v = {m.name: m.make() for m in self.members if m.required or self.rnd.random() < 0.6}
        if self.host and self.kept:
            v["host"] = {"own": "o"}
        if self.rnd.random() < 0.2:
            v["nobody knows"] = [1, {"m0": 2}]
        keys = list(v)
        self.rnd.shuffle(keys)
        return {k: v[k] for k in keys}

    def there(self, v):
        out, moved = dict(v), {}
        for m in self.members:
            if m.name not in v:
                continue
            del out[m.name]
        for m in self.members:
            if m.name in v and self.host and m in self.moved:
                moved[m.now] = m.there(v[m.name])
            elif m.name in v:
                out[m.now] = m.there(v[m.name])
        if moved:
            out["host"] = {**v.get("host", {}), **moved}
        for name, value in self.defaults:
            out.setdefault(name, value)
        return out

    def back(self, v):
        out = dict(v)
        host = dict(v.get("host", {})) if self.host else {}
        for m in self.members:
            out.pop(m.now, None)
        for m in self.members:
            inside = self.host and m in self.moved
            source = host if inside else v
            if m.now not in source:
                continue
            out[m.name] = m.back(source[m.now]) if m.back else m.original[source[m.now]]
            if inside:
                del host[m.now]
        if self.host:
            out["host"] = host
        return out


def contract(record, new):
    head = f"""contract("things", "{2 if new else 1}.0.0").
operation("put"). http("put", "PUT", "/things").
request("put", "application/json", "{record.name}"). response("put", "200", "application/json", "{record.name}").
"""
    return head + "\n".join(record.facts(new)) + "\n"


def run(command, text=""):
    return subprocess.run(command, input=text, capture_output=True, text=True, check=False)


def dates_back(record):
    """A date comes back as the number that it was: told by the way there."""
    for m in record.members:
        if hasattr(m, "inner"):
            dates_back(m.inner)
        elif hasattr(m, "union"):
            for branch in m.union:
                if isinstance(branch, Record):
                    dates_back(branch)
        elif m.back is None:
            m.original = {}
            there = m.there

            def remember(v, m=m, there=there):
                m.original[there(v)] = v
                return there(v)

            m.there = remember


def plain(value):
    return json.dumps(value, sort_keys=True)


def judge(args, place, number):
    rnd = random.Random(args.seed * 100003 + number)
    Record.count = 0
    record = Record(rnd, 1)
    dates_back(record)
    old, new, plan = place / "old.weft", place / "new.weft", place / "plan"
    old.write_text(contract(record, False))
    new.write_text(contract(record, True))
    found = run([args.weft, "check", old, new, "--format", "plan"])
    if "? adaptable" not in found.stdout:
        same = "? compatible" in found.stdout or "? same" in found.stdout
        return ("compatible" if same else "unbridged"), 0, found.stdout.splitlines()[1:2] + found.stderr.splitlines()[:3]
    plan.write_text(found.stdout)
    bodies = [record.make() for _ in range(args.bodies)]
    expected = [record.there(b) for b in bodies]
    checked = 0
    for name, sent, wanted, schema in (
        ("request put", bodies, expected, record.schema(True)),
        ("response put", expected, [record.back(e) for e in expected], record.schema(False)),
    ):
        if f"[{name}]" not in found.stdout:
            continue
        text = "".join(json.dumps(b, ensure_ascii=rnd.random() < 0.5) + "\n" for b in sent)
        got = run([args.weft, "adapt", plan, "--for", name, "--texts", "lines"], text)
        if got.returncode:
            return "refused", checked, [name, got.stderr, found.stdout]
        validator = jsonschema.Draft202012Validator(schema)
        for b, want, line in zip(sent, wanted, got.stdout.splitlines()):
            value = json.loads(line)
            checked += 1
            if plain(value) != plain(want):
                return "differs", checked, [name, "sent " + plain(b), "want " + plain(want), "got  " + plain(value), found.stdout]
            for error in validator.iter_errors(value):
                return "unfit", checked, [name, error.message, plain(value), found.stdout]
    return "good", checked, ["in a branch"] if "/(" in found.stdout else []


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weft", default="build/release/cli/weft")
    parser.add_argument("--pairs", type=int, default=300)
    parser.add_argument("--bodies", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", action="store_true", help="what was not bridged, too")
    args = parser.parse_args()
    counts, checked, bad, unions = {}, 0, 0, 0
    with tempfile.TemporaryDirectory() as folder:
        for number in range(args.pairs):
            how, bodies, words = judge(args, pathlib.Path(folder), number)
            counts[how] = counts.get(how, 0) + 1
            checked += bodies
            unions += how == "good" and any("in a branch" in w for w in words)
            wrong = how in ("refused", "differs", "unfit")
            bad += wrong
            if wrong or (args.show and how == "unbridged"):
                print(f"pair {number}: {how}", *words, sep="\n  ")
    print(json.dumps({"pairs": args.pairs, "bodies": checked, "in branches": unions, **counts}))
    # A judge that has seen next to nothing has judged nothing.
    sys.exit(bool(bad) or counts.get("good", 0) < args.pairs // 2)


if __name__ == "__main__":
    main()
