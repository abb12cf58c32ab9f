#!/usr/bin/env python3
"""Includes point down; a library's headers stay in its room; file stems are unique."""
import pathlib
import re
import sys

FLOOR = {"base": 0, "proto": 1, "datalog": 1, "http": 2, "bus": 2, "policy": 2, "contracts": 2,
         "identity": 3, "proxy": 4, "broker": 4, "cli": 5}
ROOMS = {"ev.h": {"base/loop.c"},
         "openssl/": {"base/creds.c", "base/stream_tls.c", "base/hash.c", "base/issuer.c", "base/trust.c", "base/readers.c",
                      "base/web_ask.c", "base/slim.c", "base/resume.c"},
         "cjose/": {"base/jose.c"},
         "yaml.h": {"base/conf.c", "base/doc_yaml.c"}, "ares.h": {"base/lookup.c"}, "pcre2.h": {"base/regex.c"},
         "nghttp2/": {"http/h2_session.c"}, "zlib.h": {"http/coding.c"}, "zmq.h": {"bus/zsock.c", "bus/zload.h"}, "lmdb.h": {"broker/store_lmdb.c", "broker/lmdb_"},
         "jansson.h": {"contracts/import/", "cli/"}, "nats/": {"broker/store_jetstream.c"}}
PURE = ("policy/", "contracts/", "datalog/")
IMPURE = {"time.h", "sys/socket.h", "unistd.h", "pthread.h", "base/log.h", "base/loop.h", "base/file.h", "base/rng.h"}
# Reading a contract or a policy from disk is start-up, not judgement.
READERS = {"contracts/contract.c", "policy/policy_files.c"}


def at_home(rel, rooms):
    return any(rel == r or (r.endswith(("/", "_")) and rel.startswith(r)) for r in rooms)


def complaints(root):
    stems = {}
    for f in sorted(p for d in FLOOR for p in (root / d).rglob("*.[ch]")):
        rel = f.relative_to(root).as_posix()
        here = rel.split("/")[0]
        other = stems.setdefault(f.stem, f.parent)
        if other != f.parent:
            yield f"{rel}: stem also used in {other.relative_to(root)}/"
        for n, line in enumerate(f.read_text().splitlines(), 1):
            m = re.match(r'\s*#\s*include\s+["<]([^">]+)', line)
            if not m:
                continue
            to = m[1].split("/")[0]
            if to in FLOOR and to != here and FLOOR[to] >= FLOOR[here]:
                yield f"{rel}:{n}: {here} may not include {m[1]}"
            for lib, rooms in ROOMS.items():
                if m[1].startswith(lib) and not at_home(rel, rooms):
                    yield f"{rel}:{n}: {lib} lives in {', '.join(sorted(rooms))}"
            if rel.startswith(PURE) and m[1] in IMPURE and rel not in READERS:
                yield f"{rel}:{n}: {here} is pure and may not include {m[1]}"


if __name__ == "__main__":
    found = list(complaints(pathlib.Path(sys.argv[1])))
    print("\n".join(found) if found else "layers: clean")
    sys.exit(bool(found))
