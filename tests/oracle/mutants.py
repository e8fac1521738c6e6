"""Planted bugs, one at a time: does the oracle find each, and which test does?

A file tests/oracle/mutants/NAME.mutant is one bug:

    what it is, in a line or more
    file: src/run/stops.c
    <<<<
    text that occurs once in the file
    ====
    text in its place
    >>>>

with as many `file:` parts as it takes. Lines are compared without the blanks around them, so that
the layout may change; a text that no longer occurs, or more than once, is an error: bring the
mutant up to date. `tests: REGEX` in the head names tests to run (ctest -R) besides the oracle.
"""

import argparse
import glob
import os
import re
import shutil
import subprocess
import sys


HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


class Stale(Exception):
    pass


class Mutant:
    def __init__(self, path):
        self.name = os.path.basename(path)[:-len(".mutant")]
        source = open(path).read()
        self.edits = re.findall(r"^file: (\S+)\n<<<<\n(.*?)\n====\n(.*?)\n?>>>>$", source, re.M | re.S)
        head = source.split("file: ")[0].strip().split("\n")
        self.tests = next((line[7:] for line in head if line.startswith("tests: ")), None)
        self.what = " ".join(line for line in head if not line.startswith("tests: "))
        if not self.edits:
            raise Stale("%s: no edit in it" % path)

    def apply(self, tree):
        for path, old, new in self.edits:
            full = os.path.join(tree, path)
            lines = open(full).read().split("\n")
            want = [line.strip() for line in old.split("\n")]
            at = [i for i in range(len(lines) - len(want) + 1)
                  if [line.strip() for line in lines[i:i + len(want)]] == want]
            if len(at) != 1:
                raise Stale("%s: its text occurs %d times in %s" % (self.name, len(at), path))
            lines[at[0]:at[0] + len(want)] = new.split("\n") if new else []
            with open(full, "w") as f:
                f.write("\n".join(lines))

    def revert(self, tree):
        for path, _, _ in self.edits:
            shutil.copy2(os.path.join(ROOT, path), os.path.join(tree, path))
            os.utime(os.path.join(tree, path))


def copy_tree(tree):
    files = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT,
                           stdout=subprocess.PIPE, check=True).stdout.decode().split("\0")
    for f in filter(None, files):
        if not os.path.exists(os.path.join(ROOT, f)):
            continue
        os.makedirs(os.path.join(tree, os.path.dirname(f)), exist_ok=True)
        if not os.path.exists(os.path.join(tree, f)) or \
                open(os.path.join(tree, f), "rb").read() != open(os.path.join(ROOT, f), "rb").read():
            shutil.copyfile(os.path.join(ROOT, f), os.path.join(tree, f))
            shutil.copymode(os.path.join(ROOT, f), os.path.join(tree, f))


def build(tree):
    for argv in (["cmake", "-B", "build", "-S", ".", "-DSTEMMA_WERROR=OFF"], ["cmake", "--build", "build", "-j", "2"]):
        p = subprocess.run(argv, cwd=tree, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if p.returncode:
            raise Stale("does not build: %s" % p.stdout.decode().strip().split("\n")[-1])


def ask_oracle(o, tree):
    """After how many cases the oracle saw it, or None."""
    argv = ["scripts/oracle", "--cases", str(o.cases), "--seed", o.seed, "--stop-at", "1", "--no-minimize",
            "--keep", os.path.join(tree, "oracle-failures"), "--jobs", str(o.jobs)]
    out = subprocess.run(argv, cwd=tree, stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout.decode()
    found = re.search(r"^(\d+) cases,.* (\d+) failures", out, re.M)
    if not found:
        raise Stale("the oracle did not end well: %s" % out.strip().split("\n")[-1])
    first = re.search(r"^case \d+ differs.*\n  (.*)", out, re.M)
    return (int(found.group(1)), first.group(1)[:60]) if int(found.group(2)) else None


def ask_tests(tree, regex):
    """Names of the tests that fail."""
    out = subprocess.run(["ctest", "--test-dir", "build", "-R", regex, "-j", "2"], cwd=tree, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT).stdout.decode()
    if "No tests were found" in out:
        raise Stale("no test is called %s" % regex)
    return re.findall(r"^\s*\d+ - (\S+) \(", out, re.M)


def judge(o, tree, m):
    seen, tests = None, []
    m.apply(tree)
    try:
        build(tree)
        if not o.no_oracle:
            seen = ask_oracle(o, tree)
        if m.tests or (o.tests and not seen):
            tests = ask_tests(tree, m.tests or o.tests)
    finally:
        m.revert(tree)
    return seen, tests


def main():
    p = argparse.ArgumentParser(prog="scripts/mutants", description=__doc__.split("\n")[0])
    p.add_argument("names", nargs="*", help="mutants; all without one")
    p.add_argument("--cases", type=int, default=500, help="of the oracle, for each")
    p.add_argument("--seed", default="1", help="of the oracle's cases")
    p.add_argument("--tests", default="", help="tests (ctest -R) to ask where the oracle sees nothing")
    p.add_argument("--no-oracle", action="store_true", help="ask the tests alone")
    p.add_argument("--jobs", type=int, default=2)
    p.add_argument("--tree", default=os.path.join(ROOT, "build", "mutants"), help="where the copy is built")
    o = p.parse_args()
    paths = sorted(glob.glob(os.path.join(HERE, "mutants", "*.mutant")))
    mutants = [Mutant(x) for x in paths if not o.names or os.path.basename(x)[:-7] in o.names]
    os.makedirs(o.tree, exist_ok=True)
    copy_tree(o.tree)
    build(o.tree)
    if not o.no_oracle and ask_oracle(o, o.tree):
        print("the tree as it is differs from the oracle: mend that first (scripts/oracle --seed %s)" % o.seed)
        return 2
    missed = 0
    print("%-28s %-10s %-34s %s" % ("bug", "oracle", "tests", "what differs first"))
    for m in mutants:
        try:
            seen, tests = judge(o, o.tree, m)
            found = seen or tests
            missed += not found
            print("%-28s %-10s %-34s %s" % (m.name, "case %d" % seen[0] if seen else "-",
                                            ",".join(tests)[:34] or ("-" if found else "NOT FOUND"),
                                            seen[1] if seen else ""), flush=True)
        except Stale as e:
            missed += 1
            print("%-28s STALE: %s" % (m.name, e), flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
