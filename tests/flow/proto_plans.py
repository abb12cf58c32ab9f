#!/usr/bin/env python3
"""Plans between .proto files drawn by chance: what they make of a message is what its reader should have been sent.

protobuf's own library writes each message with the writer's types, reads what came out with the reader's, and both are
compared by the names of their fields."""

import os
import random
import subprocess
import sys

try:
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
except ImportError:
    if sys.executable != "/usr/bin/python3" and os.path.exists("/usr/bin/python3"):
        os.execv("/usr/bin/python3", ["/usr/bin/python3", *sys.argv])  # Debian's own has python3-protobuf
    print("skipped: python3-protobuf is not installed")
    sys.exit(77)

import kit

PAIRS, BODIES, LEAST = 60, 8, 12
WHOLE = ["int32", "int64", "uint32", "uint64", "sint32", "sint64", "fixed32", "fixed64", "sfixed32", "sfixed64"]
SCALARS = [*WHOLE, "bool", "string", "bytes", "float", "double"]


class Draw:
    """Two contracts of one message that holds another, itself, lists and a map."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def fields(self):
        made = {}
        for i in range(self.random.randint(1, 6)):
            label = self.random.choice(["", "", "optional ", "repeated "])
            made[f"f{i}"] = [i + 1, label, self.random.choice([*SCALARS, "State"])]
        return made

    def changed(self, fields):
        fields = {name: list(field) for name, field in fields.items()}
        for field in fields.values():
            luck = self.random.random()
            if luck < 0.2:
                field[0] += 20
            elif luck < 0.45 and field[2] in WHOLE:
                field[2] = self.random.choice([*WHOLE, "string"])
            elif luck < 0.5 and field[2] == "float":
                field[2] = "double"
        if self.random.random() < 0.2 and len(fields) > 1:
            fields.pop(self.random.choice(list(fields)))
        if self.random.random() < 0.3:
            fields["fresh"] = [40, "", self.random.choice(SCALARS)]
        return fields

    @staticmethod
    def text(inner, outer, states):
        lines = ["".join(f"  {label}{kind} {name} = {n};\n" for name, (n, label, kind) in f.items()) for f in (inner, outer)]
        return f"""syntax = "proto3";
package p;
service S {{ rpc Call(M) returns (M); }}
enum State {{ {" ".join(f"{name} = {n};" for name, n in states.items())} }}
message In {{
{lines[0]}}}
message M {{
{lines[1]}  In one = 60; repeated In many = 61; map<string, In> by = 62; M self = 63;
}}
"""

    def value(self, kind):
        r = self.random
        if kind in WHOLE:
            signed, bits = kind[0] in "is", 32 if kind.endswith("32") else 64
            low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
            return r.choice([0, 1, low, high, min(high, 300), r.randint(low, high)])
        return {
            "bool": lambda: r.random() < 0.5,
            "string": lambda: r.choice(["", "a", "\u00e9" * 70]),
            "bytes": lambda: bytes(r.randrange(256) for _ in range(r.choice([0, 1, 200]))),
            "float": lambda: r.choice([0.0, 0.5, -1.25, float("inf")]),
            "double": lambda: r.random(),
            "State": lambda: r.choice([0, 1, 2]),
        }[kind]()

    def fill(self, message, inner, outer, depth=0):
        own = outer if message.DESCRIPTOR.name == "M" else inner
        for name, (_, label, kind) in own.items():
            if self.random.random() < 0.35:
                continue
            if label == "repeated ":
                getattr(message, name).extend(self.value(kind) for _ in range(self.random.randint(0, 4)))
            else:
                setattr(message, name, self.value(kind))
        if own is not outer or depth > 2:
            return message
        if self.random.random() < 0.5:
            self.fill(message.one, inner, outer)
            message.one.SetInParent()
        for _ in range(self.random.randint(0, 3)):
            self.fill(message.many.add(), inner, outer)
            self.fill(message.by[self.random.choice("abc")], inner, outer)
        if self.random.random() < 0.3:
            message.self.SetInParent()
            self.fill(message.self, inner, outer, depth + 1)
        return message


def message_of(folder, name):
    made = folder / (name + ".set")
    subprocess.run(["protoc", f"--descriptor_set_out={made}", name + ".proto"], check=True, cwd=folder)
    pool = descriptor_pool.DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString(made.read_bytes()).file:
        pool.Add(file)
    found = pool.FindMessageTypeByName("p.M")
    if hasattr(message_factory, "GetMessageClass"):
        return message_factory.GetMessageClass(found)
    return message_factory.MessageFactory(pool).GetPrototype(found)


def unlike(sent, read):
    """Fields that both know and that do not say the same, by their names; a number may have become its digits, an
    enum's value is its name."""
    theirs, found = {f.name: f for f in read.DESCRIPTOR.fields}, []
    for f in sent.DESCRIPTOR.fields:
        g = theirs.get(f.name)
        if g is None:
            continue
        a, b = getattr(sent, f.name), getattr(read, f.name)
        if f.message_type and f.message_type.GetOptions().map_entry:
            if set(a) != set(b):
                found.append(f.name)
            found += [f"{f.name}.{k}.{name}" for k in a if k in b for name in unlike(a[k], b[k])]
            continue
        several = f.label == f.LABEL_REPEATED
        if not several and f.has_presence and g.has_presence and sent.HasField(f.name) != read.HasField(f.name):
            found.append(f.name)
        if not several and f.has_presence and not sent.HasField(f.name):
            continue
        pairs = list(zip(a, b)) if several else [(a, b)]
        if several and len(a) != len(b):
            found.append(f.name)
        for x, y in pairs:
            if f.message_type:
                found += [f"{f.name}.{name}" for name in unlike(x, y)]
            elif f.enum_type and f.enum_type.values_by_number[x].name != g.enum_type.values_by_number[y].name:
                found.append(f.name)
            elif not f.enum_type and x != y and (isinstance(x, (bytes, bool)) or str(x) != str(y)):
                found.append(f.name)
    return found


class ProtoPlans(kit.Story):
    def pair(self, seed):
        """How many bodies were judged."""
        d, folder = Draw(seed), self.place.folder
        inner, outer = d.fields(), d.fields()
        newer = d.changed(inner), d.changed(outer)
        states = {"A": 0, "B": 1, "C": 2}
        moved = {"A": 0, "B": d.random.choice([1, 7]), "C": 2}
        self.place.write("old.proto", d.text(inner, outer, states))
        self.place.write("new.proto", d.text(*newer, moved))
        plan = self.place.weft("check", "old.proto", "new.proto", "--format", "plan").stdout
        if "[request p.S.Call]" not in plan:
            return 0
        self.place.write("both.plan", plan)
        old, new = message_of(folder, "old"), message_of(folder, "new")
        for _ in range(BODIES):
            sent = d.fill(old(), inner, outer)
            (folder / "body").write_bytes(sent.SerializeToString())
            done = subprocess.run(
                [kit.programs / "weft", "adapt", "both.plan", "--for", "request p.S.Call", "body"],
                cwd=folder,
                capture_output=True,
                check=False,
            )
            self.assertEqual(done.returncode, 0, f"{seed}: {done.stderr} {plan}")
            self.assertEqual(unlike(sent, new.FromString(done.stdout)), [], f"{seed}: {plan}\n{sent}")
        return BODIES

    def test_what_comes_out_is_what_the_reader_should_have_been_sent(self):
        if subprocess.run(["which", "protoc"], capture_output=True, check=False).returncode:
            self.skipTest("protoc is not installed")
        judged = sum(self.pair(seed) > 0 for seed in range(PAIRS))
        self.assertGreater(judged, LEAST)


if __name__ == "__main__":
    kit.main()
