"""Small random .proto files and edits of them, for witness_judge.py."""
SCALARS = ["int32", "int64", "uint32", "uint64", "sint32", "sint64", "fixed32", "fixed64", "sfixed32", "sfixed64", "bool",
           "string", "bytes", "float", "double"]
KEYS = ["int32", "string", "bool", "int64", "uint32", "sint32"]


class Proto:
    """Messages M0.. of fields, enums E0.. of values, a service."""

    def __init__(self, r):
        self.r, self.syntax = r, r.choice(["proto3", "proto3", "proto2"])
        self.enums = {f"E{i}": [[f"E{i}_V{n}", n] for n in range(r.randint(1, 4))] for i in range(2)}
        self.messages = {}
        for i in range(4):
            self.messages[f"M{i}"] = {"fields": [self.field(n) for n in range(1, r.randint(2, 6))]}
        self.calls = {}
        for i in range(r.randint(0, 2)):
            self.calls[f"Get{i}"] = [r.choice(list(self.messages)), r.choice(list(self.messages)), False, False]

    def type(self):
        r, u = self.r, self.r.random()
        if u < 0.62:
            return r.choice(SCALARS)
        if u < 0.75:
            return r.choice(list(self.enums))
        return f"M{r.randrange(4)}"

    def field(self, number):
        r = self.r
        f = {"name": f"f{number}", "number": number, "type": self.type(), "label": r.choice(["", "", "", "repeated", "optional"]),
             "oneof": "", "json": "", "default": ""}
        if r.random() < 0.1:
            f["label"], f["key"] = "map", r.choice(KEYS)
        elif r.random() < 0.2:
            f["label"], f["oneof"] = "", r.choice(["a", "b"])
        elif self.syntax == "proto2" and r.random() < 0.2 and not f["type"].startswith("M"):
            f["label"] = "required"
        if self.syntax == "proto2" and f["label"] == "optional" and f["type"] in ("int32", "int64") and r.random() < 0.4:
            f["default"] = str(r.randint(0, 9))
        return f

    def text(self):
        two = self.syntax == "proto2"
        out = [f'syntax = "{self.syntax}";', "package p;"]
        for name, values in self.enums.items():
            out.append(f"enum {name} {{ " + " ".join(f"{n} = {v};" for n, v in values) + " }")
        for name, m in self.messages.items():
            out.append(f"message {name} {{")
            groups = {}
            for f in m["fields"]:
                options = [o for o in (f["json"] and f'json_name = "{f["json"]}"', f["default"] and f'default = {f["default"]}') if o]
                tail = f' = {f["number"]}' + (f' [{", ".join(options)}]' if options else "") + ";"
                if f["label"] == "map":
                    out.append(f'  map<{f["key"]}, {f["type"]}> {f["name"]}{tail}')
                elif f["oneof"]:
                    groups.setdefault(f["oneof"], []).append(f'{f["type"]} {f["name"]}{tail}')
                else:
                    label = f["label"] or ("optional" if two else "")
                    out.append(f'  {label} {f["type"]} {f["name"]}{tail}')
            out += [f'  oneof {g} {{ {" ".join(x)} }}' for g, x in groups.items()]
            out.append("}")
        if self.calls:
            out.append("service S {")
            for name, (a, b, c, d) in self.calls.items():
                out.append(f'  rpc {name}({"stream " if c else ""}{a}) returns ({"stream " if d else ""}{b});')
            out.append("}")
        return "\n".join(out) + "\n"

    def edit(self):
        r = self.r
        m = self.messages[r.choice(list(self.messages))]
        what = r.choice(["type", "type", "type", "label", "number", "name", "oneof", "json", "remove", "add", "default", "value",
                         "unvalue", "revalue", "message", "call", "stream", "swap", "order"])
        f = r.choice(m["fields"]) if m["fields"] else None
        if what == "add" or not f:
            n = self.field(r.randint(6, 12))
            if all(x["number"] != n["number"] for x in m["fields"]):
                m["fields"].append(n)
        elif what == "type":
            f["type"], f["default"] = self.type(), ""
        elif what == "label":
            f["label"], f["oneof"], f["default"] = r.choice(["", "repeated", "optional", "required" if self.syntax == "proto2" else ""]), "", ""
        elif what == "number":
            f["number"] = r.randint(1, 12)
        elif what == "name":
            f["name"] = r.choice([f["name"] + "x", f'f{r.randint(1, 12)}'])
        elif what == "oneof":
            f["label"], f["default"] = "", ""
            f["oneof"] = r.choice(["", "a", "b"])
        elif what == "json":
            f["json"] = r.choice(["", "other", f'f{r.randint(1, 12)}'])
        elif what == "remove":
            m["fields"].remove(f)
        elif what == "default" and f["default"]:
            f["default"] = str(r.randint(0, 9))
        elif what == "swap" and len(m["fields"]) > 1:
            g = r.choice(m["fields"])
            f["number"], g["number"] = g["number"], f["number"]
        elif what in ("value", "unvalue", "revalue", "order"):
            name = r.choice(list(self.enums))
            v = self.enums[name]
            if what == "value":
                v.append([f"{name}_N{len(v)}", max(n for _, n in v) + 1])
            elif what == "unvalue" and len(v) > 1:
                v.pop()
            elif what == "revalue":
                v[-1][0] += "x"
            elif self.syntax == "proto2":
                v.reverse()
        elif what == "message":
            old = r.choice(list(self.messages))
            self.messages["N" + old] = {"fields": [dict(x) for x in self.messages[old]["fields"]]}
            f["type"] = "N" + old if f["type"] == old else f["type"]
            for c in self.calls.values():
                c[0] = "N" + old if c[0] == old else c[0]
            if r.random() < 0.5 and self.messages["N" + old]["fields"]:
                self.messages["N" + old]["fields"].pop()
        elif what == "call" and self.calls:
            self.calls[r.choice(list(self.calls))][r.randrange(2)] = r.choice(list(self.messages))
        elif what == "stream" and self.calls:
            c = self.calls[r.choice(list(self.calls))]
            i = r.choice([2, 3])
            c[i] = not c[i]
