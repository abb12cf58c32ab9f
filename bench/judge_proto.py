"""What the protobuf library makes of messages between two sets of .proto files: the judge of weft's answers.

Fields are the same by their number, and by their name where both sides have it.  Between messages of one name a field
that the reader does not have is left out rightly."""
import json
import os
import random
import subprocess

from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message, message_factory
from google.protobuf.descriptor import FieldDescriptor as F

NUMBERS = [0, 1, 2, 3, 7, -1, -2, 127, 128, 2**31 - 1, -2**31, 2**31, 2**32 - 1, 2**32, 2**32 + 5, 2**53 + 1, 2**63 - 1,
           -2**63, 2**63, 2**64 - 1]
RANGES = {F.CPPTYPE_INT32: (-2**31, 2**31 - 1), F.CPPTYPE_UINT32: (0, 2**32 - 1), F.CPPTYPE_INT64: (-2**63, 2**63 - 1),
          F.CPPTYPE_UINT64: (0, 2**64 - 1)}


class Side:
    """The messages of one set of files; raises ValueError when protoc refuses it."""

    def __init__(self, folder, names=None):
        names = names or sorted(os.path.relpath(os.path.join(d, f), folder)
                                for d, _, files in os.walk(folder) for f in files if f.endswith(".proto"))
        p = subprocess.run(["protoc", f"-I{folder}", "--include_imports", "--descriptor_set_out=/dev/stdout", *names],
                           capture_output=True)
        if p.returncode:
            raise ValueError(p.stderr.decode(errors="replace"))
        self.files = descriptor_pb2.FileDescriptorSet.FromString(p.stdout)
        self.pool = pool = descriptor_pool.DescriptorPool()
        for f in self.files.file:
            pool.Add(f)
        self.factory = message_factory.MessageFactory(pool)
        self.messages, self.calls, own = {}, {}, set(names)
        for f in self.files.file:
            if f.name not in own:
                continue
            d = pool.FindFileByName(f.name)
            for m in d.message_types_by_name.values():
                self._take(m)
            for s in d.services_by_name.values():
                for call in s.methods:
                    self.calls[call.full_name] = (call.input_type, call.output_type)
            for proto, s in zip(f.service, d.services_by_name.values()):
                for call in proto.method:
                    name = f"{s.full_name}.{call.name}"
                    self.calls[name] += (call.client_streaming, call.server_streaming)

    def _take(self, m):
        self.messages[m.full_name] = m
        for n in m.nested_types:
            if not n.GetOptions().map_entry:
                self._take(n)

    def has(self, name):
        if name not in self.messages:
            try:
                self.messages[name] = self.pool.FindMessageTypeByName(name)
            except KeyError:
                return False
        return True

    def new(self, name):
        return self.factory.GetPrototype(self.messages[name])()


def around(types):
    """All messages that these hold."""
    seen, todo = set(), list(types)
    while todo:
        m = todo.pop()
        if m.full_name in seen:
            continue
        seen.add(m.full_name)
        todo += [f.message_type for f in m.fields if f.message_type]
    return seen


def written_by(old, new):
    """(writer, message) for each message that the mode "backward" asks about."""
    asked = around(c[0] for c in old.calls.values()) | around(c[0] for c in new.calls.values())
    served = around(c[1] for c in old.calls.values()) | around(c[1] for c in new.calls.values())
    for name in sorted(set(old.messages) & set(new.messages)):
        # What no call carries was written by the consumer.
        if name in asked or name not in served:
            yield "consumer", name
        if name in served:
            yield "provider", name


# --- The same?

def is_map(f):
    return f.label == F.LABEL_REPEATED and f.message_type is not None and f.message_type.GetOptions().map_entry


def plain(f, v):
    """A scalar, so that equal ones are equal whatever they were written as."""
    if f.cpp_type in (F.CPPTYPE_FLOAT, F.CPPTYPE_DOUBLE):
        return ("real", repr(v))
    if f.cpp_type == F.CPPTYPE_STRING:
        return ("text", v.encode() if isinstance(v, str) else bytes(v))
    return ("whole", int(v))


def entries(m, f):
    value = getattr(m, f.name)
    if is_map(f):
        return sorted(value.items(), key=repr)
    return list(value)


def same_item(f, a, g, b):
    if is_map(f) and is_map(g):
        k, v, l, w = (x for e in (f, g) for x in (e.message_type.fields_by_number[1], e.message_type.fields_by_number[2]))
        return plain(k, a[0]) == plain(l, b[0]) and same_item(v, a[1], w, b[1])
    if is_map(f) != is_map(g):
        entry, other, o, swapped = (a, b, g, False) if is_map(f) else (b, a, f, True)
        e = f if is_map(f) else g
        if o.message_type is None:
            return False
        parts = [o.message_type.fields_by_number.get(n) for n in (1, 2)]
        if None in parts or any(x.label == F.LABEL_REPEATED for x in parts):
            return False
        own = [e.message_type.fields_by_number[n] for n in (1, 2)]
        return all(same_item(x, v, y, getattr(other, y.name)) for x, v, y in zip(own, entry, parts))
    if (f.message_type is None) != (g.message_type is None):
        return False
    if f.message_type is not None:
        return not difference(a, b)
    return plain(f, a) == plain(g, b)


def same_field(a, f, b, g):
    many, others = f.label == F.LABEL_REPEATED, g.label == F.LABEL_REPEATED
    there = (len(getattr(a, f.name)) > 0 if many else
             a.HasField(f.name) if f.has_presence else getattr(a, f.name) != f.default_value)
    if many or (others and there):
        x = entries(a, f) if many else [getattr(a, f.name)]
        if others:
            y = entries(b, g)
        else:
            has = b.HasField(g.name) if g.has_presence else getattr(b, g.name) != g.default_value
            y = [getattr(b, g.name)] if has or (x and not g.has_presence and g.message_type is None) else []
        if not others and not x:
            return not y
        return len(x) == len(y) and all(same_item(f, p, g, q) for p, q in zip(x, y))
    if others:
        return len(getattr(b, g.name)) == 0
    if (f.message_type is None) != (g.message_type is None):
        return not there and not (b.HasField(g.name) if g.has_presence else getattr(b, g.name) != g.default_value)
    if f.message_type is not None:
        return there == b.HasField(g.name) and (not there or not difference(getattr(a, f.name), getattr(b, g.name)))
    if f.cpp_type == F.CPPTYPE_STRING or g.cpp_type == F.CPPTYPE_STRING:
        if f.cpp_type != g.cpp_type:
            return not there and not (b.HasField(g.name) if g.has_presence else getattr(b, g.name) != g.default_value)
    return plain(f, getattr(a, f.name)) == plain(g, getattr(b, g.name))


def difference(a, b):
    """The first field that came out otherwise, or ""."""
    for f in a.DESCRIPTOR.fields:
        g, h = b.DESCRIPTOR.fields_by_number.get(f.number), b.DESCRIPTOR.fields_by_name.get(f.name)
        for other in {id(x): x for x in (g, h) if x is not None}.values():
            if not same_field(a, f, b, other):
                return f.name
        if g is None and h is None and a.DESCRIPTOR.full_name != b.DESCRIPTOR.full_name:
            there = len(getattr(a, f.name)) > 0 if f.label == F.LABEL_REPEATED else (
                a.HasField(f.name) if f.has_presence else getattr(a, f.name) != f.default_value)
            if there:
                return f.name
    return ""


def unknown(m):
    known = type(m)()
    known.CopyFrom(m)
    known.DiscardUnknownFields()
    return known.SerializePartialToString(deterministic=True) != m.SerializePartialToString(deterministic=True)


def written_json(m):
    """None: its own side does not read its JSON; of a Timestamp after the year 9999, say, there is none."""
    try:
        text = json_format.MessageToJson(m)
        return text if not difference(m, json_format.Parse(text, type(m)())) else None
    except (json_format.Error, ValueError, TypeError, OverflowError):
        return None


def misread(written, reader, encoding="binary"):
    """Why the reader (a new message) does not read what was written; "" when it does."""
    try:
        if encoding == "json":
            text = written_json(written)
            if text is None:
                return ""
            json_format.Parse(text, reader, ignore_unknown_fields=True)
        else:
            reader.ParseFromString(written.SerializePartialToString())
            if not reader.IsInitialized():
                return "required fields are missing"
    except (message.DecodeError, json_format.Error, json_format.ParseError, UnicodeDecodeError, ValueError, TypeError) as e:
        return "refused: " + str(e)[:100]
    try:
        return difference(written, reader)
    except UnicodeDecodeError:
        return "refused: not UTF-8"


def witness_fault(old, new, w):
    """"" when the witness is one: the writer writes it, and the reader misreads it."""
    writer, reader = (old, new) if w["writer"] == "consumer" else (new, old)
    if "stream" in w:
        return "" if len(w["stream"]) == 2 else "not two messages"
    if not writer.has(w["message"]):
        return "the writer has no such message"
    m = writer.new(w["message"])
    target = w["message"]
    if target not in reader.messages:
        # Of a call whose type has another name.
        names = [b[i].full_name for n, b in reader.calls.items() for i in (0, 1)
                 if n in writer.calls and writer.calls[n][i].full_name == target]
        if not names:
            return ""
        target = names[0]
    try:
        if w["encoding"] == "json":
            json_format.ParseDict(w["json"], m)
        else:
            m.ParseFromString(bytes.fromhex(w["bytes"]))
    except Exception as e:
        return "the writer does not write it: " + str(e)[:100]
    if not m.IsInitialized():
        return "the writer leaves out what is required"
    if unknown(m):
        return "the writer does not know it all"
    calls = [n for n in writer.calls if n in reader.calls]
    targets = {target} | {reader.calls[n][i].full_name for n in calls for i in (0, 1)
                          if writer.calls[n][i].full_name == w["message"]}
    if all(not misread(m, reader.new(t), w["encoding"]) for t in targets):
        return "the reader reads it"
    return ""


# --- Values.

def scalar(r, f):
    if f.cpp_type in RANGES:
        low, high = RANGES[f.cpp_type]
        return r.choice([n for n in NUMBERS if low <= n <= high])
    if f.cpp_type == F.CPPTYPE_BOOL:
        return r.random() < 0.7
    if f.cpp_type in (F.CPPTYPE_FLOAT, F.CPPTYPE_DOUBLE):
        return r.choice([0.0, 1.5, -1.0, 0.25, 1e10])
    if f.cpp_type == F.CPPTYPE_ENUM:
        return r.choice(list(f.enum_type.values)).number
    if f.type == F.TYPE_BYTES:
        return r.choice([b"", b"a", b"\xff", b"\x01\x02\x80"])
    return r.choice(["", "a", "?!", "\u00e9", "12", "true"])


def fill(r, m, depth=0):
    for f in m.DESCRIPTOR.fields:
        if f.label != F.LABEL_REQUIRED and r.random() < (0.5 if depth else 0.35):
            continue
        if f.message_type and depth > 2 and f.label != F.LABEL_REQUIRED:
            continue
        if depth > 6:
            continue
        value = getattr(m, f.name)
        if is_map(f):
            k, v = f.message_type.fields_by_number[1], f.message_type.fields_by_number[2]
            for _ in range(r.randint(0, 2)):
                if v.message_type:
                    fill(r, value[scalar(r, k)], depth + 1)
                else:
                    value[scalar(r, k)] = scalar(r, v)
        elif f.label == F.LABEL_REPEATED:
            for _ in range(r.randint(0, 3)):
                if f.message_type:
                    fill(r, value.add(), depth + 1)
                else:
                    value.append(scalar(r, f))
        elif f.message_type:
            value.SetInParent()
            fill(r, value, depth + 1)
        else:
            setattr(m, f.name, scalar(r, f))
    return m


def broken(r, old, new, rounds=40):
    """A message that is misread, or None: (writer, message, encoding, the message, why)."""
    pairs = list(written_by(old, new))
    calls = [(w, n, i) for n in sorted(set(old.calls) & set(new.calls)) for w, i in (("consumer", 0), ("provider", 1))]
    for writer, name in pairs:
        a, b = (old, new) if writer == "consumer" else (new, old)
        for _ in range(rounds):
            found = once(r, a, name, b, name)
            if found:
                return (writer, name) + found
    for writer, call, i in calls:
        a, b = (old, new) if writer == "consumer" else (new, old)
        x, y = a.calls[call][i].full_name, b.calls[call][i].full_name
        if old.calls[call][2 + i] != new.calls[call][2 + i]:
            return writer, x, "stream", None, "another number of messages"
        for _ in range(rounds if x != y and x in a.messages and y in b.messages else 0):
            found = once(r, a, x, b, y)
            if found:
                return (writer, x) + found
    return None


def once(r, a, x, b, y):
    try:
        m = fill(r, a.new(x))
        if not m.IsInitialized():
            return None
        for encoding in ("binary", "json"):
            why = misread(m, b.new(y), encoding)
            if why:
                return encoding, m, why
    except (ValueError, TypeError, RecursionError, json_format.Error):
        pass
    return None


def check(weft, old, new, profile="wire", mode="backward"):
    """weft's report as JSON, or None and what it said."""
    p = subprocess.run([weft, "check", old, new, "--format-in", "proto", "--profile", profile, "--mode", mode,
                        "--format", "json"], capture_output=True, text=True)
    if p.returncode not in (0, 1):
        return None, (p.stderr + p.stdout)[:400]
    report = json.loads(p.stdout)
    if "pairs" in report:
        report["findings"] = [f for pair in report["pairs"] for f in pair["findings"]]
    return report, ""


def judge(weft, old_folder, new_folder, r, count, tell, names=None):
    """Judges one pair; `tell(what, text)` is told what is wrong.  Returns the verdict, or None."""
    try:
        old, new = Side(old_folder, names), Side(new_folder, names)
    except (ValueError, TypeError):
        count("proto: no files that protoc takes")
        return None
    report, why = check(weft, old_folder, new_folder)
    if not report:
        tell("UNREAD", why)
        return None
    count("proto " + report["verdict"])
    for f in report["findings"]:
        w = f["witness"]
        if f["level"] != "breaking":
            continue
        if not isinstance(w, dict):
            count("proto breaking, without a witness")
            continue
        fault = witness_fault(old, new, w)
        count("proto witnesses")
        # This library takes true for an enum's 1; others refuse it.
        if fault == "the reader reads it" and w.get("refused") == "its enum has no such value" and "true" in w["text"]:
            continue
        if fault:
            tell("PROTO WITNESS", f"{fault}: {f['rule']} {f['where']} {json.dumps(w)}")
    if report["verdict"] in ("same", "compatible"):
        found = broken(r, old, new)
        if found:
            writer, name, encoding, m, why = found
            tell("CALLED SAFE", f"{writer} {name} {encoding} {why}: {str(m)[:300]!r}")
    return report["verdict"]
