#!/usr/bin/env python3
"""Joins beside joins: weft's Datalog engine, Souffle's interpreter and gringo on the same programs and facts.

    bench/datalog_peers.py [--weft PATH] [--rounds N] [WORKLOAD...]

Makes its inputs from a fixed seed, runs every engine in turn, N times over (3), and prints the best
CPU time and the largest memory of each, with the ratio to weft.  The sizes that weft and Souffle print
must be the same.  Souffle (`souffle`) and gringo (`gringo`) are left out where they are not installed.
"""
import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile

CLOSURE = """
.decl edge(x:number, y:number)
.input edge
.decl path(x:number, y:number)
.printsize path
path(x, y) :- edge(x, y).
path(x, z) :- path(x, y), edge(y, z).
"""
SAME_GENERATION = """
.decl parent(child:number, of:number)
.input parent
.decl same(x:number, y:number)
.printsize same
same(x, y) :- parent(x, p), parent(y, p).
same(x, y) :- parent(x, a), same(a, b), parent(y, b).
"""
POINTS_TO = """
.decl new(v:number, h:number)
.decl copy(to:number, from:number)
.decl load(to:number, base:number, f:number)
.decl store(base:number, f:number, from:number)
.input new, copy, load, store
.decl points(v:number, h:number)
.decl holds(h:number, f:number, g:number)
.printsize points
.printsize holds
points(v, h) :- new(v, h).
points(a, h) :- copy(a, b), points(b, h).
points(a, g) :- load(a, b, f), points(b, h), holds(h, f, g).
holds(h, f, g) :- store(a, f, b), points(a, h), points(b, g).
"""
NEGATION = """
.decl node(x:number)
.decl edge(x:number, y:number)
.decl mark(x:number)
.input node, edge, mark
.decl reach(x:number, y:number)
.decl apart(x:number, y:number)
.decl hit(x:number)
.decl clean(x:number)
.decl far(x:number, y:number)
.printsize reach
.printsize apart
.printsize clean
.printsize far
reach(x, y) :- edge(x, y).
reach(x, z) :- reach(x, y), edge(y, z).
apart(x, y) :- node(x), node(y), !reach(x, y).
hit(x) :- reach(x, y), mark(y).
clean(x) :- node(x), !hit(x).
far(x, y) :- clean(x), apart(x, y), !mark(y).
"""
CONTRACT = """
.decl old(t:number, f:number, u:number, required:number)
.decl now(t:number, f:number, u:number, required:number)
.decl takes(o:number, t:number)
.decl gives(o:number, t:number)
.input old, now, takes, gives
.decl taken(o:number, t:number)
.decl given(o:number, t:number)
.decl was(t:number, f:number)
.decl is(t:number, f:number)
.decl breaks_taken(t:number, f:number, why:number)
.decl breaks_given(t:number, f:number, why:number)
.decl bad(o:number, t:number, f:number, why:number)
.decl good(o:number)
.printsize taken
.printsize given
.printsize bad
.printsize good
taken(o, t) :- takes(o, t).
taken(o, u) :- taken(o, t), old(t, _, u, _).
given(o, t) :- gives(o, t).
given(o, u) :- given(o, t), old(t, _, u, _).
was(t, f) :- old(t, f, _, _).
is(t, f) :- now(t, f, _, _).
breaks_taken(t, f, 1) :- now(t, f, _, 1), !was(t, f).
breaks_taken(t, f, 2) :- old(t, f, u, _), now(t, f, w, _), u != w.
breaks_taken(t, f, 3) :- old(t, f, _, 0), now(t, f, _, 1).
breaks_given(t, f, 1) :- old(t, f, _, _), !is(t, f).
breaks_given(t, f, 2) :- old(t, f, u, _), now(t, f, w, _), u != w.
breaks_given(t, f, 3) :- old(t, f, _, 1), now(t, f, _, 0).
bad(o, t, f, why) :- breaks_taken(t, f, why), taken(o, t).
bad(o, t, f, why) :- breaks_given(t, f, why), given(o, t).
good(o) :- takes(o, _), !bad(o, _, _, _).
"""


def pairs(chance, count, most):
    found = set()
    while len(found) < count:
        found.add((chance.randrange(most), chance.randrange(most)))
    return sorted(found)


def grid(n):
    right = [(y * n + x, y * n + x + 1) for y in range(n) for x in range(n - 1)]
    down = [(y * n + x, y * n + x + n) for y in range(n - 1) for x in range(n)]
    return right + down


def tree(children, depth):
    edges, layer, last = [], [0], 0
    for _ in range(depth):
        below = []
        for parent in layer:
            for _ in range(children):
                last += 1
                edges.append((last, parent))
                below.append(last)
        layer = below
    return edges


def heap(chance, variables, objects):
    v = lambda: chance.randrange(variables)
    return {
        "new": [(v(), chance.randrange(objects)) for _ in range(objects)],
        "copy": pairs(chance, 26000, variables),
        "load": [(v(), v(), chance.randrange(4)) for _ in range(2000)],
        "store": [(v(), chance.randrange(4), v()) for _ in range(2000)],
    }


def contract(chance, types, operations):
    """Types of ten fields in modules of forty; two fields of a hundred lead out of theirs."""
    old, now = [], []
    for t in range(types):
        for f in range(10):
            module = t // 40 if chance.random() > .02 else chance.randrange(t // 40 + 1)
            u = types + chance.randrange(500) if chance.random() < .7 else module * 40 + chance.randrange(40)
            required, luck = int(chance.random() < .4), chance.random()
            old.append((t, f, u, required))
            if luck < .004:
                continue
            u = types + chance.randrange(6) if luck < .008 else u
            now.append((t, f, u, 1 - required if .008 <= luck < .012 else required))
        if chance.random() < .05:
            now.append((t, 10, types, int(chance.random() < .3)))
    root = lambda: [(o, chance.randrange(types)) for o in range(operations)]
    return {"old": old, "now": now, "takes": root(), "gives": root()}


def workloads():
    chance = random.Random(11)
    yield "chain", CLOSURE, {"edge": [(i, i + 1) for i in range(2000)]}
    yield "random", CLOSURE, {"edge": pairs(chance, 4000, 2000)}
    yield "grid", CLOSURE, {"edge": grid(55)}
    yield "same_generation", SAME_GENERATION, {"parent": tree(3, 7)}
    yield "points_to", POINTS_TO, heap(chance, 24000, 600)
    yield "negation", NEGATION, {
        "node": [(i,) for i in range(1500)], "edge": pairs(chance, 1750, 1500),
        "mark": [(i,) for i in range(0, 1500, 10)]}
    yield "contract", CONTRACT, contract(chance, 10000, 2000)


def write_inputs(folder, program, facts):
    with open(os.path.join(folder, "program.dl"), "w") as f:
        f.write(program)
    for name, rows in facts.items():
        with open(os.path.join(folder, name + ".facts"), "w") as f:
            f.writelines("\t".join(map(str, row)) + "\n" for row in rows)
    with open(os.path.join(folder, "program.lp"), "w") as f:
        f.write(as_gringo(program))
        for name, rows in facts.items():
            f.writelines("%s(%s).\n" % (name, ",".join(map(str, row))) for row in rows)


def as_gringo(program):
    """Its variables begin with a capital letter, and `not` is a word."""
    lines = []
    for line in program.splitlines():
        if line and not line.startswith("."):
            words = line.replace("!=", "<>").replace("!", "not ").replace("<>", "!=")
            out, word = "", ""
            for c in words + " ":
                if c.isalnum() or c == "_":
                    word += c
                    continue
                called = c == "("
                out += (word.upper() if word and word[0].isalpha() and not called and word != "not" else word) + c
                word = ""
            lines.append(out)
    return "\n".join(lines) + "\n"


def measure(command):
    """CPU seconds, peak memory in MB, what it printed."""
    with tempfile.TemporaryFile() as out:
        child = subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL)
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 0:
            sys.exit("%s ended with %d" % (" ".join(command), child.returncode))
        out.seek(0)
        sizes = sorted(line.split() for line in out.read(4096).decode(errors="replace").splitlines())
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, sizes


def engines(weft, folder):
    here = lambda name: os.path.join(folder, name)
    yield "weft", [weft, "datalog", "--facts", folder, here("program.dl")]
    if shutil.which("souffle"):
        yield "souffle", ["souffle", "--fact-dir", folder, "--output-dir", folder, here("program.dl")]
    if shutil.which("gringo"):
        yield "gringo", ["gringo", here("program.lp")]


def compare(name, commands, rounds):
    best = {}
    for _ in range(rounds):
        for engine, command in commands:
            cpu, memory, sizes = measure(command)
            was = best.get(engine, (cpu, memory, sizes))
            best[engine] = (min(cpu, was[0]), max(memory, was[1]), sizes)
    if "souffle" in best and best["souffle"][2] != best["weft"][2]:
        sys.exit("%s: weft says %s, souffle %s" % (name, best["weft"][2], best["souffle"][2]))
    for engine, (cpu, memory, _) in best.items():
        print("%-16s %-8s %7.2f s %7.0f MB %6.2fx" % (name, engine, cpu, memory, cpu / best["weft"][0]), flush=True)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--weft", default="build/release/cli/weft")
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("workload", nargs="*")
    given = arguments.parse_args()
    for name, program, facts in workloads():
        if given.workload and name not in given.workload:
            continue
        with tempfile.TemporaryDirectory() as folder:
            write_inputs(folder, program, facts)
            compare(name, list(engines(given.weft, folder)), given.rounds)
    for peer in ("souffle", "gringo"):
        if not shutil.which(peer):
            print("%s is not installed: left out" % peer)


if __name__ == "__main__":
    main()
