#!/usr/bin/env python3
"""What docs/adaptation.md says of each operation is what `weft check` and `weft adapt` do.

usage: adaptation.py WEFT"""

import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
DECLARES = re.compile(r"\b(renamed|default|fallback|moved|converted)\(")


# Steps as a plan for protobuf has them, or would.
BINARY = {
    "rename": "rename / 2 -> 3", "default": "default / 2 = 0", "drop": "drop / 2", "head": "head / 2 last",
    "enum": "enum / 2 0 -> 1", "narrow": "narrow / 2 0..9", "strip": "strip / 2", "encode": "encode / 2",
    "decode": "decode / 2", "widen": "field / 2 int32 -> int64", "text": "field / 2 int32 -> string",
    "number": "field / 2 string -> int32", "stash": "take / 2 -> stash a", "hoist": "hoist / 1/2 -> 2",
    "plunge": "plunge / 2 -> 1/2", "scale": "scale / 2 * 10", "date": "date / 2 ms", "epoch": "epoch / 2 ms",
    "take": "take / 2 -> query a", "put": "put / query a -> 2",
}
KINDS = {"strip": "int32", "default": "int32", "narrow": "int32", "enum": "int32", "head": "string"}


def contract(facts, version):
    """One operation around the record."""
    text = f'contract("orders", "{version}.0.0"). operation("put").\n'
    if "http(" not in facts:
        text += 'http("put", "POST", "/orders").\n'
    if "response(" not in facts:
        text += 'response("put", "200", "application/json", "Order").\n'
    text += 'request("put", "application/json", "Order"). record("Order"). field("Order", "id", "string", "optional").\n'
    return text + facts + "\n"


class Example:
    def __init__(self, name, block):
        self.name, self.lines = name, []
        for line in block.strip().splitlines():
            word, _, rest = line.strip().partition(" ")
            self.lines.append((word, rest.strip()))
        self.words = {word for word, _ in self.lines}

    def of(self, word):
        return " ".join(rest for w, rest in self.lines if w == word)


def examples(page):
    """By the name of their headings."""
    found = {}
    for part in page.split("\n### ")[1:]:
        name, _, block = part.partition("\n")
        found[name] = Example(name, block)
    return found


def rows(page):
    """Name, what JSON says, what protobuf says, the law."""
    return [
        (m[1], *[c.strip() for c in m[2].split("|")[:3]])
        for m in re.finditer(r"^\| \[(\w+)\]\(#\w+\)[^|]*\|(.*)\|$", page, re.M)
    ]


def run(weft, *words, text=""):
    return subprocess.run([weft, *words], input=text, capture_output=True, text=True, check=False)


def plan_line(words):
    """"rename / a -> b" as it stands in a file of plans."""
    return "\t".join(words.split(" ", 2))


class Judge:
    def __init__(self, weft, folder):
        self.weft, self.folder, self.bad = weft, folder, []

    def say(self, example, words):
        self.bad.append(f"{example.name}: {words}")

    def adapt(self, example, plan, which, how):
        sent, _, wanted = how.partition("  ->  ")
        words = ["--for", which] if which else []
        got = run(self.weft, "adapt", plan, *words, text=sent)
        if wanted == "refused":
            if got.returncode != 1:
                self.say(example, f"{sent} was not refused: {got.stdout}")
        elif got.returncode or got.stdout.strip() != wanted:
            self.say(example, f"{sent} became {got.stdout.strip() or got.stderr.strip()}, not {wanted}")

    def by_hand(self, example):
        plan = self.folder / "plan"
        plan.write_text("".join(plan_line(rest) + "\n" for word, rest in example.lines if word == "plan"))
        for word, rest in example.lines:
            if word == "body":
                self.adapt(example, plan, None, rest)

    def pair(self, example):
        old, new, plan = (self.folder / name for name in ("old.weft", "new.weft", "plan"))
        old.write_text(contract(example.of("old"), 1))
        new.write_text(contract(example.of("new"), 3))
        words = []
        if "between" in example.words:
            (self.folder / "between.weft").write_text(contract(example.of("between"), 2))
            words = ["--through", self.folder / "between.weft"]
        found = run(self.weft, "check", old, new, "--format", "plan", *words)
        plan.write_text(found.stdout)
        if found.returncode > 1 or found.stderr:
            self.say(example, found.stderr)
        for word, rest in example.lines:
            if word == "head":
                which, _, line = rest.partition(" ")
                below = found.stdout.partition(f"[{which} put]")[2].partition("\n[")[0]
                if plan_line(line) not in below:
                    self.say(example, f"no {line} in\n{found.stdout}")
            elif word in ("request", "response") and rest == "nothing is to be done":
                if f"[{word} put]" in found.stdout or "breaking" in found.stdout and word == "request":
                    self.say(example, f"something is to be done:\n{found.stdout}")
            elif word in ("request", "response"):
                self.adapt(example, plan, f"{word} put", rest)

    def binary(self, name, said):
        """Does a plan for protobuf take the step exactly when the table says so?"""
        if name not in BINARY:
            return
        lines = ["protobuf / M", BINARY[name]]
        if name in KINDS:
            lines.insert(1, f"field / 2 {KINDS[name]}")
        plan = self.folder / "binary"
        plan.write_text("".join(plan_line(line) + "\n" for line in lines))
        takes = run(self.weft, "adapt", plan, "--list").returncode == 0
        if takes == said.startswith("no"):
            self.bad.append(f"{name}: of protobuf the table says {said}, and such a step is {'' if takes else 'not '}taken")

    def row(self, row, example):
        name, json, protobuf, law = row
        self.binary(name, protobuf)
        if json.startswith("by hand") != ("plan" in example.words):
            self.say(example, f"JSON says {json}, the example is another")
        declares = bool(DECLARES.search(example.of("old") + example.of("new")))
        widens = name in ("widen", "inside", "branch", "chain")  # beside a step that is declared
        if json.startswith("declared") and not declares:
            self.say(example, "nothing is declared")
        if json.startswith("automatic") and declares and not widens:
            self.say(example, "something is declared")
        if not any(word in law for word in ("lossless", "one-way", "defaulting", "partial", "inside", "weakest")):
            self.say(example, f"no law: {law}")
        (self.by_hand if "plan" in example.words else self.pair)(example)


def main():
    weft = sys.argv[1]
    page = (ROOT / "docs" / "adaptation.md").read_text()
    found, table = examples(page), rows(page)
    with tempfile.TemporaryDirectory() as folder:
        judge = Judge(weft, pathlib.Path(folder))
        for row in table:
            if row[0] in found:
                judge.row(row, found[row[0]])
            else:
                judge.bad.append(f"{row[0]}: no example")
        judge.bad += [f"{name}: not in the table" for name in found if name not in {row[0] for row in table}]
    print("\n".join(judge.bad) if judge.bad else f"adaptation: {len(table)} operations are as they are said to be")
    sys.exit(bool(judge.bad) or len(table) < 30)


if __name__ == "__main__":
    main()
