"""What a JSON Schema validator makes of values between two schemas or two OpenAPI documents: the judge of weft's answers."""
import copy
import json

import jsonschema

MOST = 60


def adapted(node, direction, version, depth=0):
    """OpenAPI's schemas as JSON Schema's: nullable, and members of the other direction."""
    if isinstance(node, list):
        return [adapted(v, direction, version, depth + 1) for v in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node and isinstance(node["$ref"], str) and version.startswith("3.0"):
        return {"$ref": node["$ref"]}
    out = {k: adapted(v, direction, version, depth + 1) for k, v in node.items() if k not in ("example", "default")}
    nullable = False
    if version.startswith("3.0"):
        nullable = out.pop("nullable", None) is True and isinstance(out.get("type"), str)
        for strict, bound in (("exclusiveMaximum", "maximum"), ("exclusiveMinimum", "minimum")):
            if isinstance(out.get(strict), bool):
                if out.pop(strict) and bound in out:
                    out[strict] = out.pop(bound)
    reach = {"int32": 2 ** 31, "int64": 2 ** 63}.get(out.get("format")) if out.get("type") == "integer" else None
    if reach:
        out["minimum"] = max(out.get("minimum", -reach), -reach)
        out["maximum"] = min(out.get("maximum", reach - 1), reach - 1)
    properties = out.get("properties")
    if isinstance(properties, dict):
        hidden = {n for n, p in node["properties"].items() if isinstance(p, dict) and
                  p.get("readOnly" if direction == "request" else "writeOnly") is True}
        out["properties"] = {n: p for n, p in properties.items() if n not in hidden}
        if isinstance(out.get("required"), list):
            out["required"] = [n for n in out["required"] if n not in hidden]
    # As generated clients and servers have it: null need not be listed, nor be a branch.
    return {"anyOf": [out, {"type": "null"}]} if nullable else out


def validator(schema):
    named = schema.get("$schema") if isinstance(schema, dict) else None
    kind = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator) if named else jsonschema.Draft202012Validator
    return kind(schema)


class Judge:
    """takes() is None where the validator gives up."""

    def __init__(self, schema):
        try:
            self.validator = validator(schema)
        except Exception:
            self.validator = None

    def takes(self, value):
        if not self.validator:
            return None
        try:
            return self.validator.is_valid(value)
        except Exception:
            return None


class Body:
    def __init__(self, operation, direction, media, writer, reader, writer_root, reader_root):
        self.operation, self.direction, self.is_json = operation, direction, "json" in media
        self.writer_schema, self.reader_schema = writer, reader
        self.writer_root, self.reader_root = writer_root, reader_root
        self.writer, self.reader = Judge(dict(writer_root, **writer)), Judge(dict(reader_root, **reader))

    def same(self):
        return self.writer_schema == self.reader_schema and self.writer_root == self.reader_root

    def breaks(self, value):
        return self.writer.takes(value) is True and self.reader.takes(value) is False


def pointed(document, node):
    for _ in range(20):
        if not (isinstance(node, dict) and isinstance(node.get("$ref"), str) and node["$ref"].startswith("#/")):
            return node
        target = document
        for part in node["$ref"][2:].split("/"):
            target = target.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(target, dict) else None
        node = target
    return None


def media(document, node):
    node = pointed(document, node)
    content = node.get("content") if isinstance(node, dict) else None
    for name, m in (content or {}).items():
        if isinstance(m, dict) and isinstance(m.get("schema"), dict):
            yield name, m["schema"]


def operations(document):
    for path, item in (document.get("paths") or {}).items():
        for how in ("get", "put", "post", "delete", "patch", "options", "head", "trace"):
            op = item.get(how) if isinstance(item, dict) else None
            if isinstance(op, dict):
                yield f"{how.upper()} {path}", op


def roots(document, direction):
    version = str(document.get("openapi", "3.1"))
    return {"components": adapted(document.get("components", {}), direction, version)}


def bodies(old, new):
    """Every body that both sides have."""
    versions = str(old.get("openapi")), str(new.get("openapi"))
    root = {(s, d): roots(doc, d) for s, doc in (("old", old), ("new", new)) for d in ("request", "response")}
    others = dict(operations(new))
    for name, op in operations(old):
        other = others.get(name)
        if other is None:
            continue
        asked, took = dict(media(old, op.get("requestBody"))), dict(media(new, other.get("requestBody")))
        for m in set(asked) & set(took):
            yield Body(name, "request", m, adapted(asked[m], "request", versions[0]), adapted(took[m], "request", versions[1]),
                       root["old", "request"], root["new", "request"])
        for status, answer in (op.get("responses") or {}).items():
            gives, takes = dict(media(new, (other.get("responses") or {}).get(status))), dict(media(old, answer))
            for m in set(gives) & set(takes):
                yield Body(name, "response", m, adapted(gives[m], "response", versions[1]), adapted(takes[m], "response", versions[0]),
                           root["new", "response"], root["old", "response"])


# --- Values: made from a schema, so that many of them fit, with things changed here and there.

def find(root, reference):
    target = root
    if not reference.startswith("#"):
        return {}
    for part in reference[1:].split("/")[1:]:
        part = part.replace("~1", "/").replace("~0", "~")
        target = target.get(part, {}) if isinstance(target, dict) else target[int(part)] if part.isdigit() and int(part) < len(target) else {}
    return target


def make(r, schema, root, depth=0, full=0.5, strange=True):
    if schema is True or schema is False or not isinstance(schema, dict):
        return r.choice([None, True, 1, "a", {}, []])
    if "$ref" in schema and isinstance(schema["$ref"], str):
        if depth > 8:
            return r.choice([None, {}, "a"])
        return make(r, find(root, schema["$ref"]), root, depth + 1, full, strange)
    if isinstance(schema.get("enum"), list) and schema["enum"]:
        return copy.deepcopy(r.choice(schema["enum"]))
    if "const" in schema:
        return schema["const"]
    for word in ("oneOf", "anyOf"):
        if isinstance(schema.get(word), list) and schema[word]:
            rest = {k: v for k, v in schema.items() if k != word}
            made = make(r, r.choice(schema[word]), root, depth + 1, full, strange)
            if isinstance(made, dict) and "properties" in rest:
                made = {**make(r, rest, root, depth + 1, full, strange), **made}
            return made
    if isinstance(schema.get("allOf"), list) and schema["allOf"]:
        out, last = {}, None
        for part in [{k: v for k, v in schema.items() if k != "allOf"}] + schema["allOf"]:
            last = make(r, part, root, depth + 1, full, strange) if part else last
            if isinstance(last, dict):
                out.update(last)
        return out if out or isinstance(last, dict) else last
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = r.choice(kind) if kind else None
    if kind is None:
        kind = "object" if "properties" in schema or "required" in schema else "array" if "items" in schema else r.choice(["string", "integer", "object"])
    return scalar(r, schema, kind) if kind not in ("object", "array") else inside(r, schema, kind, root, depth, full, strange)


def scalar(r, s, kind):
    if kind == "null":
        return None
    if kind == "boolean":
        return r.random() < 0.5
    if kind in ("integer", "number"):
        ends = [s[w] for w in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
                if isinstance(s.get(w), (int, float)) and not isinstance(s.get(w), bool)]
        around = [e + d for e in ends for d in (-1, 0, 1)] + [0, 1, 5, -1, 100]
        v = r.choice(around)
        return int(v) if kind == "integer" else v
    low, high = s.get("minLength", 0), s.get("maxLength")
    lengths = [low, low + 1] + ([high, high + 1, max(high - 1, 0)] if isinstance(high, int) else [low + 3])
    text = {"date-time": "2020-01-01T00:00:00Z", "date": "2020-01-01", "uuid": "123e4567-e89b-12d3-a456-426614174000",
            "email": "a@b.c", "uri": "http://a/"}.get(s.get("format"))
    if text and r.random() < 0.7:
        return text
    if "pattern" in s and r.random() < 0.6:
        return r.choice(["abc", "a", "12", "A-1", "2020-01-01", "1.2.3", "a_b", "x" * 24, "0" * 12])
    return (r.choice(["a", "x", "1"]) * min(r.choice(lengths), 300))


def inside(r, s, kind, root, depth, full, strange):
    if kind == "array":
        low = s.get("minItems", 0) if isinstance(s.get("minItems"), int) else 0
        high = s.get("maxItems") if isinstance(s.get("maxItems"), int) else low + 2
        n = r.choice([low, low + 1, high, high + 1]) if depth < 5 else low
        items = s.get("items", True)
        first = s.get("prefixItems") or (items if isinstance(items, list) else [])
        rest = items if not isinstance(items, list) else True
        return [make(r, first[i] if i < len(first) else rest, root, depth + 1, full, strange) for i in range(min(n, 20))]
    out, required = {}, s.get("required") if isinstance(s.get("required"), list) else []
    properties = s.get("properties") if isinstance(s.get("properties"), dict) else {}
    for n, p in properties.items():
        if n in required or (r.random() < full and depth < 5):
            out[n] = make(r, p, root, depth + 1, full, strange)
    for n in required:
        if n not in out:
            out[n] = "a"
    extra = s.get("additionalProperties")
    if strange and r.random() < 0.2 and extra is not False:
        out[r.choice(["zz", "added", "x-1"])] = make(r, extra, root, depth + 1, full, strange) if isinstance(extra, dict) else r.choice(["a", 1, None])
    return out


def changed(r, value, depth=0):
    """One place of the value is another one."""
    if isinstance(value, dict) and value and depth < 6 and r.random() < 0.8:
        out = dict(value)
        n = r.choice(list(out))
        if r.random() < 0.3:
            del out[n]
        else:
            out[n] = changed(r, out[n], depth + 1)
        return out
    if isinstance(value, list) and value and depth < 6 and r.random() < 0.8:
        out = list(value)
        out[0] = changed(r, out[0], depth + 1)
        return out
    return r.choice([None, True, 0, -1, 3.5, "", "a", "added", [], {}, 10 ** 6, "x" * 40])


def known(r, a, root):
    """Values with the names that the schema declares."""
    for _ in range(MOST):
        try:
            v = make(r, a, root, 0, r.choice([0.0, 0.3, 0.9, 1.0]), False)
        except (RecursionError, KeyError, IndexError, TypeError, ValueError, AttributeError):
            continue
        if len(json.dumps(v, default=str)) <= 20000:
            yield v


def values(r, a, b):
    """Values of either schema, and such with a place changed."""
    for i in range(MOST):
        try:
            schema, root = (a, a) if i % 3 else (b, b)
            v = make(r, schema, root, 0, r.choice([0.0, 0.3, 0.9, 1.0]))
        except (RecursionError, KeyError, IndexError, TypeError, ValueError, AttributeError):
            continue
        if len(json.dumps(v, default=str)) > 20000:
            continue
        yield v
        yield changed(r, v)
