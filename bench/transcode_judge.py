#!/usr/bin/env python3
"""Messages of random types at random: what `weft adapt` makes of one in JSON, and of its JSON in protobuf, must be what
protobuf's own json_format makes of it; and what json_format refuses must be refused.

    bench/transcode_judge.py --weft build/release/cli/weft [--files 40] [--messages 200] [--seed 1]

Needs protoc and python3-protobuf, which is the judge."""

import argparse
import collections
import json
import math
import pathlib
import random
import struct
import subprocess
import sys
import tempfile

from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

SCALARS = "int32 int64 uint32 uint64 sint32 sint64 fixed32 fixed64 sfixed32 sfixed64 bool float double string bytes".split()
KEYS = "int32 int64 uint32 uint64 sint32 fixed64 bool string".split()
KNOWN = "Timestamp Duration FieldMask Struct Value ListValue Empty Int64Value UInt32Value BoolValue DoubleValue StringValue BytesValue FloatValue".split()
WORDS = ["", "a", "foo_bar", "é", "\U0001f600 z", 'q"\\', "x\ny\t\x01", "null", "0" * 40]


def name(rnd, i):
    return rnd.choice(["f%d", "a_b%d", "aB%d", "_x%d_y", "F%d", "fo_o_bar%d", "n%d__z"]) % i


def make_file(rnd):
    """A .proto file with messages p.M0 to p.M3, of proto2 or proto3."""
    three = rnd.random() < 0.7
    out = [f'syntax = "proto{3 if three else 2}";', "package p;"]
    out += [f'import "google/protobuf/{f}.proto";' for f in "timestamp duration field_mask struct empty wrappers".split()]
    first = 0 if three else rnd.choice([0, 1, -3])
    out.append(f"enum E {{ NONE = {first}; ONE = {first + 1}; BIG = 900; NEG = -7; }}")
    for m in range(4):
        fields, number, oneof = [], 0, []
        for i in range(rnd.randrange(1, 9)):
            number += rnd.choice([1, 1, 1, 2, 20, 400])
            json_name = f' [json_name = "j{i}"]' if rnd.random() < 0.1 else ""
            kind = rnd.choice(["scalar"] * 4 + ["enum", "message", "known", "map", "repeated", "repeated", "oneof"])
            what = rnd.choice(SCALARS + ["E", f"M{rnd.randrange(4)}", "google.protobuf." + rnd.choice(KNOWN)])
            if kind == "map":
                what = "int32" if what == "E" and first else what  # protoc wants a zero there
                fields.append(f"map<{rnd.choice(KEYS)}, {what}> {name(rnd, i)} = {number}{json_name};")
            elif kind == "oneof":
                oneof.append(f"{what} {name(rnd, i)} = {number}{json_name};")
            elif kind == "repeated":
                packed = what in SCALARS[:-2] + ["E"] and rnd.random() < 0.3
                more = f" [packed = {rnd.choice(['true', 'false'])}]" if packed else json_name
                fields.append(f"repeated {what} {name(rnd, i)} = {number}{more};")
            else:
                what = {"enum": "E", "message": f"M{rnd.randrange(4)}", "known": "google.protobuf." + rnd.choice(KNOWN)}.get(kind, rnd.choice(SCALARS))
                label = rnd.choice(["", "", "optional "]) if three else rnd.choice(["optional ", "optional ", "required "] if what in SCALARS else ["optional "])
                fields.append(f"{label}{what} {name(rnd, i)} = {number}{json_name};")
        if oneof:
            fields.append("oneof o { " + " ".join(oneof) + " }")
        out.append(f"message M{m} {{ {' '.join(fields)} }}")
    return "\n".join(out) + "\n"


def classes(folder, text):
    (folder / "p.proto").write_text(text)
    subprocess.run(["protoc", "--descriptor_set_out=p.set", "--include_imports", "-I.", "-I/usr/include", "p.proto"], cwd=folder, check=True, stderr=subprocess.DEVNULL)
    pool = descriptor_pool.DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString((folder / "p.set").read_bytes()).file:
        pool.Add(file)
    found = [pool.FindMessageTypeByName(f"p.M{m}") for m in range(4)]
    if hasattr(message_factory, "GetMessageClass"):
        return [message_factory.GetMessageClass(d) for d in found]
    factory = message_factory.MessageFactory(pool)
    return [factory.GetPrototype(d) for d in found]


def real(rnd, single):
    value = rnd.choice([0.0, -0.0, 1.0, 0.1, -1e30, 1e-30, 123456789.125, math.inf, -math.inf, math.nan, rnd.uniform(-1e6, 1e6)])
    return struct.unpack("f", struct.pack("f", value))[0] if single else value


def scalar(rnd, field):
    t = field.type
    F = type(field)
    if t in (F.TYPE_INT32, F.TYPE_SINT32, F.TYPE_SFIXED32):
        return rnd.choice([0, 1, -1, 2**31 - 1, -(2**31), rnd.randrange(-(2**31), 2**31)])
    if t in (F.TYPE_INT64, F.TYPE_SINT64, F.TYPE_SFIXED64):
        return rnd.choice([0, 1, -1, 2**63 - 1, -(2**63), rnd.randrange(-(2**63), 2**63)])
    if t in (F.TYPE_UINT32, F.TYPE_FIXED32):
        return rnd.choice([0, 1, 2**32 - 1, rnd.randrange(2**32)])
    if t in (F.TYPE_UINT64, F.TYPE_FIXED64):
        return rnd.choice([0, 1, 2**64 - 1, rnd.randrange(2**64)])
    if t == F.TYPE_BOOL:
        return rnd.random() < 0.5
    if t in (F.TYPE_FLOAT, F.TYPE_DOUBLE):
        return real(rnd, t == F.TYPE_FLOAT)
    if t == F.TYPE_STRING:
        return rnd.choice(WORDS)
    if t == F.TYPE_BYTES:
        return bytes(rnd.randrange(256) for _ in range(rnd.randrange(6)))
    numbers = [v.number for v in field.enum_type.values]
    open_enum = field.enum_type.file.syntax != "proto2"
    return rnd.choice(numbers + ([77, -77] if open_enum and field.enum_type.full_name.startswith("p.") else []))


def plain(rnd, depth=0):
    kind = rnd.randrange(7 if depth < 3 else 5)
    if kind == 0:
        return None
    if kind == 1:
        return rnd.choice(WORDS)
    if kind == 2:
        return rnd.choice([0, 1.5, -3, 1e300])
    if kind in (3, 4):
        return rnd.random() < 0.5
    if kind == 5:
        return [plain(rnd, depth + 1) for _ in range(rnd.randrange(4))]
    return {w: plain(rnd, depth + 1) for w in rnd.sample(WORDS, rnd.randrange(4))}


def fill_known(rnd, m):
    kind = m.DESCRIPTOR.name
    if kind == "Timestamp":
        m.seconds, m.nanos = rnd.choice([0, -62135596800, 253402300799, rnd.randrange(-(10**10), 10**11)]), rnd.choice([0, 1, 1000, 500000000, 999999999])
    elif kind == "Duration":
        sign = rnd.choice([1, -1])
        m.seconds, m.nanos = sign * rnd.choice([0, 1, 315576000000, rnd.randrange(10**9)]), sign * rnd.choice([0, 1, 5000, 250000000])
    elif kind == "FieldMask":
        m.paths.extend(rnd.sample(["a", "foo_bar", "user.display_name", "x1"], rnd.randrange(4)))
    elif kind in ("Struct", "Value", "ListValue"):
        value = {w: plain(rnd) for w in rnd.sample(WORDS, 3)} if kind == "Struct" else [plain(rnd)] * rnd.randrange(3) if kind == "ListValue" else plain(rnd)
        json_format.ParseDict(value, m)
    elif kind != "Empty":
        m.value = scalar(rnd, m.DESCRIPTOR.fields_by_name["value"])


def fill(rnd, m, depth=0):
    if m.DESCRIPTOR.full_name.startswith("google."):
        return fill_known(rnd, m)
    for f in m.DESCRIPTOR.fields:
        required = f.label == f.LABEL_REQUIRED
        if not required and rnd.random() < 0.4:
            continue
        many = f.label == f.LABEL_REPEATED
        if many and f.message_type and f.message_type.GetOptions().map_entry:
            key, value = f.message_type.fields_by_name["key"], f.message_type.fields_by_name["value"]
            for _ in range(rnd.randrange(4)):
                if value.message_type:
                    if depth < 3:
                        fill(rnd, getattr(m, f.name)[scalar(rnd, key)], depth + 1)
                else:
                    getattr(m, f.name)[scalar(rnd, key)] = scalar(rnd, value)
        elif many:
            for _ in range(rnd.randrange(4)):
                if not f.message_type:
                    getattr(m, f.name).append(scalar(rnd, f))
                elif depth < 3:
                    fill(rnd, getattr(m, f.name).add(), depth + 1)
        elif not f.message_type:
            setattr(m, f.name, scalar(rnd, f))
        elif depth < 3:
            getattr(m, f.name).SetInParent()
            fill(rnd, getattr(m, f.name), depth + 1)


def is_whole(m):
    """json_format fails on messages of its own making that have no kind of value."""
    try:
        m.SerializeToString()
        json_format.MessageToJson(m)
        return True
    except Exception:
        return False


def adapt(weft, folder, plan, texts, body):
    (folder / "x.plan").write_text(plan)
    done = subprocess.run([weft, "adapt", "x.plan", "--types", "p.proto", "--texts", texts], cwd=folder, input=body, capture_output=True)
    return done.returncode, done.stdout, done.stderr.decode()


def frames(bodies):
    return b"".join(b"\0" + len(b).to_bytes(4, "big") + b for b in bodies)


def cut(framed):
    out = []
    while framed:
        size = int.from_bytes(framed[1:5], "big")
        out.append(framed[5 : 5 + size])
        framed = framed[5 + size :]
    return out


def same(a, b):
    """NaN is itself here."""
    return a.SerializeToString(deterministic=True) == b.SerializeToString(deterministic=True)


def spoil(rnd, value):
    """One thing changed somewhere in a JSON value."""
    odd = [None, True, "x", "1", "1.0", 1.5, -1, 2**40, 2**70, 1e3, [], {}, "AAE", "2001-02-03T04:05:06Z", "1.5s", "NaN", [None], {"k": None}]
    if isinstance(value, dict) and value and rnd.random() < 0.8:
        key = rnd.choice(list(value))
        return {k: spoil(rnd, v) if k == key else v for k, v in value.items()} | ({"more": 1} if rnd.random() < 0.1 else {})
    if isinstance(value, list) and value and rnd.random() < 0.8:
        at = rnd.randrange(len(value))
        return [spoil(rnd, v) if i == at else v for i, v in enumerate(value)]
    return rnd.choice(odd)


class Judge:
    def __init__(self, weft):
        self.weft, self.wrong, self.counts = weft, 0, collections.Counter()

    def fail(self, what, folder, *more):
        self.wrong += 1
        if self.wrong <= 8:
            print("WRONG", what, *more, "\n", (folder / "p.proto").read_text(), file=sys.stderr)

    def to_json(self, folder, cls, messages):
        plan = f"transcode\t/\tprotobuf -> json {cls.DESCRIPTOR.full_name}\n"
        code, out, err = adapt(self.weft, folder, plan, "grpc", frames([m.SerializeToString() for m in messages]))
        lines = out.decode().split("\n")[:-1]
        if code or len(lines) != len(messages):
            return self.fail("to json: " + err, folder)
        for m, line in zip(messages, lines):
            self.counts["to json"] += 1
            if json.loads(line) != json.loads(json_format.MessageToJson(m)) and not same(json_format.Parse(line, cls()), m):
                self.fail("to json", folder, line, json_format.MessageToJson(m, indent=None))

    def from_json(self, rnd, folder, cls, messages):
        plan = f"transcode\t/\tjson -> protobuf {cls.DESCRIPTOR.full_name}\n"
        texts = []
        for m in messages:
            how = {"preserving_proto_field_name": rnd.random() < 0.3, "use_integers_for_enums": rnd.random() < 0.3}
            texts.append(json_format.MessageToJson(m, indent=None, **how))
        code, out, err = adapt(self.weft, folder, plan, "lines", ("\n".join(texts) + "\n").encode())
        made = cut(out)
        if code or len(made) != len(messages):
            return self.fail("from json: " + err, folder, texts[len(made)])
        for text, body in zip(texts, made):
            self.counts["from json"] += 1
            if not same(cls.FromString(body), json_format.Parse(text, cls())):
                self.fail("from json", folder, text, body)

    def spoiled(self, rnd, folder, cls, messages):
        plan = f"transcode\t/\tjson -> protobuf {cls.DESCRIPTOR.full_name}\n"
        for m in messages:
            value = spoil(rnd, json.loads(json_format.MessageToJson(m)))
            text = json.dumps(value)
            try:
                expected = json_format.Parse(text, cls(), ignore_unknown_fields=True)
                expected.SerializeToString()
            except Exception:
                expected = None
            code, out, err = adapt(self.weft, folder, plan, "whole", text.encode())
            self.counts["spoiled, taken" if code == 0 else "spoiled, refused"] += 1
            if (code == 0) != (expected is not None):
                self.counts["spoiled, judged otherwise"] += 1
                print("OTHERWISE", "weft refuses" if code else "weft takes", text[:300], err.strip(), file=sys.stderr)
            elif code == 0 and not same(cls.FromString(out), expected):
                self.fail("spoiled", folder, text, out)


def main():
    a = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    a.add_argument("--weft", required=True)
    a.add_argument("--files", type=int, default=40)
    a.add_argument("--messages", type=int, default=200)
    a.add_argument("--spoiled", type=int, default=20)
    a.add_argument("--seed", type=int, default=1)
    a = a.parse_args()
    judge = Judge(str(pathlib.Path(a.weft).resolve()))
    for i in range(a.files):
        rnd = random.Random(f"{a.seed}/{i}")
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            made = classes(folder, make_file(rnd))
            for cls in made:
                messages = []
                for _ in range(a.messages // 4):
                    m = cls()
                    try:
                        fill(rnd, m)
                    except Exception:
                        continue  # json_format's own bounds
                    if is_whole(m):
                        messages.append(m)
                if not messages:
                    continue
                judge.to_json(folder, cls, messages)
                judge.from_json(rnd, folder, cls, messages)
                judge.spoiled(rnd, folder, cls, messages[: a.spoiled // 4])
    print(dict(judge.counts), "wrong:", judge.wrong)
    sys.exit(judge.wrong > 0)


if __name__ == "__main__":
    main()
