#!/usr/bin/env python3
"""Souffle's own test suite through `weft datalog`: plain programs unchanged, and programs that must be refused.

    bench/souffle_suite.py PATH [--weft BINARY] [-v]

PATH is a checkout of github.com/souffle-lang/souffle; nothing of it is kept here but the names.  A plain program
passes when every relation it writes holds the lines that the suite stores, in any order: Souffle sorts by its
own numbers of symbols.  One that overflows is run again with --wrap.  A program that Souffle refuses passes when weft refuses it for a reason of the same
class; `same line` counts those where a reason of that class also stands at a line that Souffle names.
"""
import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile

PLAIN = {
    "evaluation": """
        access1 access2 access3 adt-enum arithm binop counter cprog1 cprog2 cprog3 cprog4 cprog5 cproject facts
        grammar independent_body1 index indirect_negation issue2435 list minmax minmaxnum mrtc mul
        multiple_heads multiple_inequalities mutrecursion neg1 neg2 neg3 neg4 neg5 neg6 number_constants plus
        range recursion relop rmut rmut2 set_ops set_ops_output simple subtype subtype2 term x9""",
    "semantic": """
        binhex counter duplicates equivalent ipv4 ipv4_1 load11 load12 load13 load7 load_adt load_record_large
        load_record_large2 not_copy1 not_copy2 progmin1 record_alias2 rel_copy_cycles rel_list store store2
        store4 type_as4 type_system4 underscore2""",
    "example": """
        2sat ackermann andersen array bigrams catalan cba_expr_value circuit_eval clique cliquer dfa_live_vars
        dfa_min disconnected dnf double_tree earley edit_distance equal factorial factoring family fib fib1
        flights func game2 grad graph grid hmmer independent_body3 input_output java-pointsto josephus linksum
        lubm metro orbits orbits1 palindrome paths planar po1 po2 po3 po4 po5 prime prime2 puzzle ranpo rsg
        sequences ship small tak tc tic-tac-toe topological_ordering traffic trains trans tree turing1
        weighted_distances""",
    "syntactic": """
        duplicates input_adt_names1 input_directive3 input_directive4 input_directive_quotes4
        liberal_identifiers output_directive1 output_directive_quotes2 output_directive_quotes3""",
    "interface": """
        insert_print load_print""",
    "profile": """
        lrg_attr_id recursive""",
    "scheduler": """
        functionality""",
}

# What is outside of plain Datalog: components, functors of one's own, plans, pragmas, choice, equivalence relations,
# subsumption, inlining, the C preprocessor.
OTHER = re.compile(r"^\s*\.(comp|init|functor|pragma|override|lattice)\b|\.plan\b|^\s*#|\bchoice-domain\b|\bkeys\b|\beqrel\b|"
                   r"\binline\b|\bbtree_delete\b|<=\s*\w+\(|@\w+\(", re.M)

# A class: what Souffle says, what weft says.
CLASSES = {
    "undeclared": (r"Undefined|Undeclared branch", r"unknown (relation|type|functor|branch)|functors of one's own"),
    "declared twice": (r"Redefinition|Doubly defined|already set|Name clash",
                       r"declared (already|twice)|two columns|given twice|printed already|is a type already"),
    "arity": (r"Mismatching arity|Invalid arity|Ambiguous record|Wrong number of arguments", r"columns?, here are|takes \d+|fields?, here are"),
    "ungrounded": (r"Ungrounded|Witness problem|Underscore in", r"is not bound|`_` has no value"),
    "no constant": (r"Argument in fact is not constant", r"a fact holds constants only"),
    "unstratified": (r"Unable to stratify|Mutually dependent", r"not stratified"),
    "type": (r"no valid overloads|Ambiguous|type mismatch|Unable to deduce|not a subtype|Infinite descent|Union type|"
             r"Subset type|Nil constant|Couldn't assign types|Ambiguous record",
             r"expected an? |never ends in|is an? \w+, `|works on|does not fit|cannot tell|is no subtype|no value is both|has no subsets"),
    "endless counter": (r"Auto-increment functor in a recursive", r"in a recursive rule never ends"),
    "facts": (r"Error loading", r"cannot read it|this is no|too few columns"),
    "include": (r"cannot find include file", r"there is no such text"),
    "syntax": (r"syntax error|unterminated", r"expected |has no end|unknown directive|unknown qualifier|no meaning here"),
}


def lines_of(path):
    return sorted(path.read_text(errors="replace").splitlines()) if path.exists() else None


def run(weft, folder, out, *more):
    facts = folder / "facts"
    command = [weft, "datalog", folder.name + ".dl", "--facts", str(facts if facts.is_dir() else folder),
               "--output", str(out), "--max-seconds", "60", *more]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", check=False)


def differs(weft, folder):
    """None: as Souffle has it; else what differs."""
    with tempfile.TemporaryDirectory() as out:
        did = run(weft, folder, out)
        if "overflow" in did.stderr:  # Souffle's numbers wrap
            did = run(weft, folder, out, "--wrap")
        if did.returncode != 0:
            said = [line for line in did.stderr.splitlines() if "error" in line or line.startswith("weft")]
            return said[0] if said else f"exit status {did.returncode}"
        for want in sorted(folder.glob("*.csv")):
            if lines_of(want) != lines_of(pathlib.Path(out) / want.name):
                return f"{want.name} differs"
        want = lines_of(folder / (folder.name + ".out"))
        return "standard output differs" if want != sorted(did.stdout.splitlines()) else None


def plain(weft, tests, verbose):
    right = total = 0
    for suite, names in PLAIN.items():
        for name in names.split():
            folder = tests / suite / name
            if not (folder / (name + ".dl")).exists():
                continue
            total += 1
            why = differs(weft, folder)
            right += why is None
            if verbose or why:
                print(f"{'ok   ' if why is None else 'NOT  '} {suite}/{name}{': ' + why if why else ''}")
    return right, total


def refused(tests):
    for suite in ("semantic", "syntactic", "evaluation", "example"):
        for err in sorted((tests / suite).glob("*/*.err")):
            source = err.with_suffix(".dl")
            if not source.exists() or err.stem != err.parent.name:
                continue
            said = [line for line in err.read_text(errors="replace").splitlines() if line.startswith("Error")]
            if said and not OTHER.search(source.read_text(errors="replace")):
                yield suite, err.parent, said


def classes_of(lines, column):
    """{class: the lines of the source it is said of}"""
    found = {}
    for line in lines:
        at = re.search(r"at line (\d+)|^[^ ]*:(\d+):\d+: error:", line)
        for name, patterns in CLASSES.items():
            if re.search(patterns[column], line):
                found.setdefault(name, set()).update([int(at[1] or at[2])] if at else [])
    return found


def refusals(weft, tests, verbose):
    right = same_line = total = 0
    for suite, folder, said in refused(tests):
        total += 1
        with tempfile.TemporaryDirectory() as out:
            did = run(weft, folder, out)
        want = classes_of(said, 0)
        got = classes_of([line for line in did.stderr.splitlines() if "error:" in line], 1)
        both = sorted(set(want) & set(got)) if did.returncode == 2 else []
        right += bool(both)
        there = any(want[c] & got[c] for c in both)
        same_line += there
        if verbose or not both:
            what = ", ".join(both) if both else f"{sorted(want)} wanted, {sorted(got) or 'nothing'} said"
            print(f"{'ok   ' if both else 'NOT  '} {suite}/{folder.name}: {what}{'' if there else ' (other line)'}")
    return right, same_line, total


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", type=pathlib.Path, help="a checkout of Souffle")
    parser.add_argument("--weft", default="build/release/cli/weft", help="the binary (default: %(default)s)")
    parser.add_argument("-v", "--verbose", action="store_true", help="a line for every program, not only for failures")
    args = parser.parse_args()
    weft, tests = os.path.abspath(args.weft), args.path / "tests"
    if not tests.is_dir():
        sys.exit(f"souffle_suite.py: {args.path} has no tests/")
    right, total = plain(weft, tests, args.verbose)
    refused_right, same_line, refused_total = refusals(weft, tests, args.verbose)
    print(f"plain programs with identical output: {right} of {total}")
    print(f"must-reject programs refused for the right reason: {refused_right} of {refused_total}"
          f" ({same_line} at the same line)")


if __name__ == "__main__":
    main()
