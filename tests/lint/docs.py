#!/usr/bin/env python3
"""The pages made from tables are the ones committed, and every word the broker refuses with is on its page.

usage: docs.py BUILD [--write]     --write mends the pages
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = {"config": "docs/config.md", "errors": "docs/errors.md", "states": "docs/states/states.md"}
REFUSAL = re.compile(r'answers_problem\([^"]*?"([a-z-]+)",\s*(\d{3})')


def made(build, page):
    return subprocess.run([str(build / "tools" / "weft_docs_tool"), page], capture_output=True, text=True,
                          check=True).stdout


def complaints(build, write):
    for page, path in PAGES.items():
        want, file = made(build, page), ROOT / path
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
