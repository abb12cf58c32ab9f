#!/usr/bin/env python3
"""Makes big pairs of contracts, for contracts_bench.py.

    bench/contracts_make.py FOLDER [--types N]

    FOLDER/tiny/{proto,openapi}            a pair of two lines each
    FOLDER/proto/{old,new}                 50 files, 5,000 messages of 10 fields, 5,000 calls
    FOLDER/openapi/{old,new}.json          2,000 operations over 1,000 schemas that refer to each other at random
    FOLDER/openapi_flat/{old,new}.json     the same, and no schema refers to another
    FOLDER/grow/N/{proto,openapi,facts,avro}
                                           N types of 10 members in families of ten that refer only to those before them in
                                           theirs, for --types N; an operation for every five types, of Avro one record of all

The same numbers always make the same files; about one member in a hundred differs between old and new."""
import argparse
import json
import os
import random

SCALARS = ["int32", "int64", "string", "bool", "double", "bytes"]
JSON_KINDS = ["string", "integer", "number", "boolean"]
AVRO_KINDS = ["int", "long", "string", "boolean", "double"]
FACT_KINDS = ["int32", "int64", "string", "bool", "number"]


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        f.write(text)


# --- .proto

class Protos:
    """Messages in files.  A message refers to any of its own file and of earlier ones, and is text where it would refer to a
    later one; with `family`, to those before it in its family of so many."""

    def __init__(self, r, files, each, family=0):
        self.each, self.count, self.family = each, files * each, family
        self.old = [[self.member(r, i) for _ in range(10)] for i in range(self.count)]
        self.new = [[self.edited(r, f) for f in m] for m in self.old]

    def member(self, r, message):
        kind = r.choice(SCALARS)
        if r.random() >= 0.7:
            first = message // self.family * self.family if self.family else 0
            other = r.randrange(first, message) if self.family and message > first else r.randrange(self.count)
            late = other // self.each > message // self.each or (self.family and other >= message)
            kind = "string" if late else f"M{other}"
        return ("repeated " if r.random() < 0.15 else "", kind)

    def edited(self, r, member):
        chance = r.random()
        if chance < 0.005:
            return member[0], r.choice(SCALARS)
        return None if chance < 0.01 else member

    def file(self, messages, number):
        first = number * self.each
        own = range(first, min(first + self.each, self.count))
        needed = sorted({int(m[1][1:]) // self.each for i in own for m in messages[i] if m and m[1][0] == "M"} - {number})
        out = ['syntax = "proto3";', "package big.v1;"] + [f'import "f{n}.proto";' for n in needed]
        for i in own:
            out.append(f"message M{i} {{")
            out += [f"  {m[0]}{m[1]} f{k} = {k + 1};" for k, m in enumerate(messages[i]) if m]
            out.append("}")
        out.append(f"service S{number} {{")
        out += [f"  rpc R{i}(M{i}) returns (M{min(i + 1, own[-1])});" for i in own if not self.family or i % 5 == 0]
        return "\n".join(out + ["}"]) + "\n"

    def write(self, folder):
        for side, messages in (("old", self.old), ("new", self.new)):
            for n in range((self.count + self.each - 1) // self.each):
                write(f"{folder}/{side}/f{n}.proto", self.file(messages, n))


# --- OpenAPI

def schema(r, refer):
    properties = {}
    for i in range(10):
        other, chance = refer(), r.random()
        if other is not None and chance < 0.2:
            properties[f"p{i}"] = {"$ref": f"#/components/schemas/T{other}"}
        elif chance < 0.3:
            properties[f"p{i}"] = {"type": "array", "items": {"type": "string"}}
        elif chance < 0.4:
            properties[f"p{i}"] = {"type": "string", "enum": ["a", "b", "c"]}
        else:
            properties[f"p{i}"] = {"type": r.choice(JSON_KINDS)}
    required = ["p0"] + [f"p{i}" for i in range(1, 10) if r.random() < 0.3]
    return {"type": "object", "required": required, "properties": properties}


def edited_schema(r, s):
    properties, required = dict(s["properties"]), list(s["required"])
    for name in list(properties):
        chance = r.random()
        if chance < 0.005:
            properties[name] = {"type": "string", "maxLength": 3}
        elif chance < 0.01 and name != "p0":
            del properties[name]
            required = [n for n in required if n != name]
    return {"type": "object", "required": required, "properties": properties}


def operation(r, name, types, body):
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/T{r.randrange(types)}"}}}
    out = {"operationId": name, "responses": {"200": {"description": "ok", "content": content}},
           "parameters": [{"name": "q", "in": "query", "schema": {"type": "integer", "maximum": 100}},
                          {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}]}
    if body:
        reference = {"$ref": f"#/components/schemas/T{r.randrange(types)}"}
        out["requestBody"] = {"content": {"application/json": {"schema": reference}}}
    return out


def openapi(r, types, paths, refer):
    """`refer(number)` is the schema that number refers to, or None."""
    schemas = {f"T{i}": schema(r, lambda: refer(i)) for i in range(types)}
    old = {"openapi": "3.0.3", "info": {"title": "big", "version": "1"}, "paths": {}, "components": {"schemas": schemas}}
    for i in range(paths):
        old["paths"][f"/r{i}/{{id}}"] = {how: operation(r, f"{how}{i}", types, how in ("post", "put"))
                                         for how in ("get", "post", "put", "delete")}
    new = dict(old, components={"schemas": {n: edited_schema(r, s) for n, s in schemas.items()}})
    new["paths"] = {p: {how: o for how, o in item.items() if how != "delete" or i % 100}
                    for i, (p, item) in enumerate(old["paths"].items())}
    return old, new


def write_openapi(folder, pair):
    for side, text in zip(("old", "new"), pair):
        write(f"{folder}/{side}.json", json.dumps(text))


# --- Facts

def facts(r, types):
    members = [[(r.choice(FACT_KINDS) if r.random() < 0.8 or i % 10 == 0 else f"T{r.randrange(i // 10 * 10, i)}")
                for _ in range(10)] for i in range(types)]
    sides = []
    for edit in (False, True):
        out = ['contract("big", "1.0.0").']
        for i in range(max(types // 5, 1)):
            out.append(f'operation("get{i}"). http("get{i}", "GET", "/t{i}"). response("get{i}", "200", "application/json", "T{i}").')
        for i, kinds in enumerate(members):
            out.append(f'record("T{i}").')
            for k, kind in enumerate(kinds):
                if edit and r.random() < 0.005:
                    continue
                out.append(f'field("T{i}", "m{k}", "{kind}", "{"required" if k < 3 else "optional"}").')
        sides.append("\n".join(out) + "\n")
    return sides


# --- Avro

def avro(r, types):
    members = [[(r.choice(AVRO_KINDS) if r.random() < 0.8 or i % 10 == 0 else f"T{r.randrange(i // 10 * 10, i)}")
                for _ in range(10)] for i in range(types)]
    sides = []
    for edit in (False, True):
        fields = []
        for i, kinds in enumerate(members):
            own = [{"name": f"m{k}", "type": "string" if edit and r.random() < 0.005 else kind} for k, kind in enumerate(kinds)]
            fields.append({"name": f"t{i}", "type": {"type": "record", "name": f"T{i}", "fields": own}})
        sides.append(json.dumps({"type": "record", "name": "All", "fields": fields}))
    return sides


# --- Everything

def tiny(folder):
    message = 'syntax = "proto3";\nmessage M { int32 a = 1; string b = 2; }\n'
    write(f"{folder}/proto/old.proto", message)
    write(f"{folder}/proto/new.proto", message.replace(" string b = 2;", ""))
    text = {"openapi": "3.0.3", "info": {"title": "t", "version": "1"},
            "paths": {"/a": {"get": {"responses": {"200": {"description": "ok"}}}}}}
    write_openapi(f"{folder}/openapi", (text, dict(text, paths={})))


def grow(folder, types):
    r = random.Random(types)
    Protos(r, max(types // 100, 1), 100, 10).write(f"{folder}/proto")
    refer = lambda i: r.randrange(i // 10 * 10, i) if i % 10 else None
    write_openapi(f"{folder}/openapi", openapi(r, types, max(types // 20, 1), refer))
    for side, text in zip(("old", "new"), facts(r, types)):
        write(f"{folder}/facts/{side}.weft", text)
    for side, text in zip(("old", "new"), avro(r, types)):
        write(f"{folder}/avro/{side}.avsc", text)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("folder")
    ap.add_argument("--types", type=int, help="only the pairs that grow, with so many types")
    a = ap.parse_args()
    if a.types:
        grow(f"{a.folder}/grow/{a.types}", a.types)
        return
    tiny(f"{a.folder}/tiny")
    Protos(random.Random(7), 50, 100).write(f"{a.folder}/proto")
    r = random.Random(8)
    write_openapi(f"{a.folder}/openapi", openapi(r, 1000, 500, lambda i: r.randrange(1000)))
    write_openapi(f"{a.folder}/openapi_flat", openapi(r, 1000, 500, lambda i: None))


if __name__ == "__main__":
    main()
