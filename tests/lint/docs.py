#!/usr/bin/env python3
"""The pages made from tables and from the tree are the ones committed; every word the broker refuses with is there.

usage: docs.py BUILD [--write]     --write mends the pages
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = {"config": "docs/config.md", "errors": "docs/errors.md", "rules": "docs/rules.md",
         "states": "docs/states/states.md"}
REFUSAL = re.compile(r'(?:answers_problem|submits_refuse)\([^"]*?"([a-z-]+)",\s*(\d{3})')


LAYERS, MARK = "docs/layers.md", "<!-- made from the tree by tests/lint/docs.py -->\n"
FOLDERS = ["base", "datalog", "http", "bus", "policy", "contracts", "contracts/pb", "contracts/wire", "identity", "proxy", "broker", "cli"]


def purpose(file):
    """The first sentence of a file that opens with `stem - what it is for`."""
    opening = re.search(rf"/\* {re.escape(file.stem)} - (.*?)\*/", file.read_text(), re.S)
    if not opening:
        return None
    paragraph = re.sub(r"\s*\n \* ?", "\n", opening[1]).split("\n\n")[0]
    sentence = re.split(r"\.\s|\.$", " ".join(paragraph.split()))[0]
    return sentence.replace("|", "\\|").strip()


def rooms():
    lines = []
    for folder in FOLDERS:
        lines += ["", f"### {folder}/", ""]
        stems = {f.stem: f for ext in ("c", "h") for f in (ROOT / folder).glob(f"*.{ext}")}
        for stem, file in sorted(stems.items()):
            said = purpose(file)
            if said:
                lines.append(f"- `{stem}` {said}")
    return "\n".join(lines) + "\n"


def page_of_layers():
    return (ROOT / LAYERS).read_text().partition(MARK)[0] + MARK + rooms()


def made(build, page):
    return subprocess.run([str(build.resolve() / "tools" / "weft_docs_tool"), page], capture_output=True, text=True,
                          check=True, cwd=ROOT).stdout


def complaints(build, write):
    pages = {path: made(build, page) for page, path in PAGES.items()} | {LAYERS: page_of_layers()}
    for path, want in pages.items():
        file = ROOT / path
        if write:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(want)
        elif not file.exists() or file.read_text() != want:
            yield f"{path}: not what the tables say; mend it with: python3 tests/lint/docs.py {build} --write"
    listed = made(build, "errors").partition("## The broker's refusals")[2]
    for source in sorted((ROOT / "broker").glob("*.c")):
        for word, status in REFUSAL.findall(source.read_text()):
            if f"| `{word}` | {status} |" not in listed:
                yield f"broker/{source.name}: {word} {status} is not in the table of tools/docs.c"


if __name__ == "__main__":
    found = list(complaints(pathlib.Path(sys.argv[1]), "--write" in sys.argv[2:]))
    print("\n".join(found) if found else "docs: clean")
    sys.exit(bool(found))
