"""Planted bugs, one at a time: which test finds each, and which case of the oracle?

A file tests/oracle/mutants/NAME.mutant is one bug:

    what it is, in a line or more
    tests: NAMES of the quick tests (ctest) that are to find it
    oracle: why it cannot see it, where it cannot
    file: src/run/stops.c
    <<<<
    text that occurs once in the file
    ====
    text in its place
    >>>>

with as many `file:` parts as it takes; `tests:` and `oracle:` may be left out. Lines are compared
without the blanks around them, so that the layout may change; a text that no longer occurs, or more
than once, is an error: bring the mutant up to date.

A copy of the tree is built once, and for each bug what it changes. The oracle that judges is the one
of the tree as it is. A case that differs without the bug as well finds nothing.
"""

import argparse
import glob
import os
import re
import shutil
import signal
import subprocess
import sys
import time


HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
STEMMA, ORACLE = "build/src/cli/stemma", "build/tests/oracle/stemma_oracle"


class Stale(Exception):
    """Something to mend in the mutant, or in the tree, before it can be judged."""


class Mutant:
    def __init__(self, path):
        self.name = os.path.basename(path)[:-len(".mutant")]
        with open(path) as f:
            source = f.read()
        self.edits = re.findall(r"^file: (\S+)\n<<<<\n(.*?)\n====\n(.*?)\n?>>>>$", source, re.M | re.S)
        head = source.split("\nfile: ")[0]
        tests = re.search(r"^tests: (.*)$", head, re.M)
        self.tests = tests.group(1).split() if tests else []
        self.blind = re.search(r"^oracle: ", head, re.M) is not None
        if not self.edits or len(self.edits) != len(re.findall(r"^file: ", source, re.M)):
            raise Stale("%s: an edit that is not understood" % path)

    def apply(self, tree):
        for path, old, new in self.edits:
            full = os.path.join(tree, path)
            with open(full) as f:
                lines = f.read().split("\n")
            want = [line.strip() for line in old.split("\n")]
            at = [i for i in range(len(lines) - len(want) + 1)
                  if [line.strip() for line in lines[i:i + len(want)]] == want]
            if len(at) != 1:
                raise Stale("its text occurs %d times in %s" % (len(at), path))
            lines[at[0]:at[0] + len(want)] = new.split("\n") if new else []
            with open(full, "w") as f:
                f.write("\n".join(lines))

    def revert(self, tree):
        for path, _, _ in self.edits:
            shutil.copyfile(os.path.join(ROOT, path), os.path.join(tree, path))


def same_text(a, b):
    with open(a, "rb") as x, open(b, "rb") as y:
        return x.read() == y.read()


def copy_tree(tree):
    """What has changed since the last time, so that little is built again."""
    files = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT,
                           stdout=subprocess.PIPE, check=True).stdout.decode().split("\0")
    files = [f for f in files if f and os.path.exists(os.path.join(ROOT, f))]
    for f in files:
        source, copy = os.path.join(ROOT, f), os.path.join(tree, f)
        os.makedirs(os.path.dirname(copy), exist_ok=True)
        if not os.path.exists(copy) or not same_text(source, copy):
            shutil.copyfile(source, copy)
            shutil.copymode(source, copy)
    for at, _, names in os.walk(os.path.join(tree, "src")):
        for name in names:
            if os.path.relpath(os.path.join(at, name), tree) not in files:
                os.remove(os.path.join(at, name))


class Tree:
    """The copy, its build, and what the tree as it is says of a case."""

    def __init__(self, o):
        self.o = o
        self.path = os.path.abspath(o.tree)
        self.differs = {}
        os.makedirs(self.path, exist_ok=True)
        copy_tree(self.path)
        ninja = ["-G", "Ninja"] if shutil.which("ninja") else []
        if not os.path.exists(os.path.join(self.path, "build", "CMakeCache.txt")):
            self.call(["cmake", "-B", "build", "-S", ".", "-DSTEMMA_WERROR=OFF"] + ninja)

    def call(self, argv):
        p = subprocess.run(argv, cwd=self.path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if p.returncode:
            said = [x for x in p.stdout.decode().split("\n") if "error" in x] or p.stdout.decode().strip().split("\n")
            raise Stale("%s: %s" % (" ".join(argv[:2]), said[-1][:200]))

    def build(self, tests):
        programs = [t for t in tests if t.startswith("test_")]
        self.call(["cmake", "--build", "build", "-j", str(self.o.jobs), "--target", "stemma", "stemma_oracle"] + programs)

    def keep_base(self):
        """The command and the oracle of the tree as it is, beside those of the mutants."""
        os.makedirs(os.path.join(self.path, "base"), exist_ok=True)
        for name in (STEMMA, ORACLE):
            shutil.copy2(os.path.join(self.path, name), os.path.join(self.path, "base", os.path.basename(name)))

    def failing(self, tests):
        """Which of the tests fail."""
        if not tests:
            return []
        regex = "^(%s)$" % "|".join(map(re.escape, tests))
        out = subprocess.run(["ctest", "--test-dir", "build", "-R", regex, "-j", str(self.o.jobs)], cwd=self.path,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout.decode()
        ran = re.search(r"out of (\d+)$", out, re.M)
        if not ran or int(ran.group(1)) != len(tests):
            raise Stale("not all of these are tests: %s" % " ".join(tests))
        return re.findall(r"^\s*\d+ - (\S+) \(", out, re.M)

    def driver(self, stemma, arguments):
        return subprocess.Popen(
            [sys.executable, os.path.join(HERE, "driver.py"), "--stemma", os.path.join(self.path, stemma), "--oracle",
             os.path.join(self.path, "base", "stemma_oracle"), "--seed", self.o.seed, "--no-minimize", "--keep",
             os.path.join(self.path, "oracle-failures")] + ([] if self.o.kills else ["--no-kills"]) + arguments,
            cwd=self.path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)

    def base_differs(self, number):
        if number not in self.differs:
            p = self.driver("base/stemma", ["--only", str(number)])
            p.communicate()
            self.differs[number] = p.returncode != 0
            if self.differs[number] and not self.o.base_differs:
                raise Stale("case %d of seed %s differs without any bug: mend that first" % (number, self.o.seed))
        return self.differs[number]

    def first_case(self):
        """(number, what differs) of the first case that differs through the bug, or None."""
        p = self.driver(STEMMA, ["--cases", str(self.o.cases), "--stop-at", "1000000", "--jobs", str(self.o.jobs)])
        found, ended, text = None, False, ""
        try:
            lines = iter(p.stdout)
            for line in lines:
                text = line.decode("utf-8", "replace")
                ended = ended or re.match(r"\d+ cases,", text) is not None
                case = re.match(r"case (\d+) differs", text)
                if case and not self.base_differs(int(case.group(1))):
                    found = int(case.group(1)), next(lines).decode("utf-8", "replace").strip()
                    break
        finally:
            if p.poll() is None:
                os.killpg(p.pid, signal.SIGTERM)
            p.stdout.close()
            p.wait()
        if not found and not ended:
            raise Stale("the oracle did not end well: %s" % text.strip()[:200])
        return found


def judge(o, tree, m, bad_tests):
    """(tests that find it, first case of the oracle)"""
    tests = [t for t in m.tests if t not in bad_tests]
    m.apply(tree.path)
    try:
        tree.build(tests)
        found = tree.failing(tests)
        ask = o.oracle == "all" or (o.oracle == "quick" and not found)
        return found, tree.first_case() if ask and not m.blind else None
    finally:
        m.revert(tree.path)


def options():
    p = argparse.ArgumentParser(prog="scripts/mutants", description=__doc__.split("\n")[0])
    p.add_argument("names", nargs="*", help="mutants; all without one")
    p.add_argument("--cases", type=int, default=500, help="of the oracle, for each")
    p.add_argument("--seed", default="1", help="of the oracle's cases")
    p.add_argument("--oracle", choices=["all", "quick", "none"], default="all",
                   help="asked always, or where no test finds the bug, or never")
    p.add_argument("--base-differs", action="store_true",
                   help="go on where the tree as it is fails: what fails without a bug finds none")
    p.add_argument("--kills", action="store_true", help="of runs, too: what it finds depends on the moment")
    p.add_argument("--jobs", type=int, default=2)
    p.add_argument("--tree", default=os.path.join(ROOT, "build", "mutants"), help="where the copy is built")
    return p.parse_args()


def base(o, tree, mutants):
    """Builds the tree as it is; the tests that fail there."""
    tests = sorted({t for m in mutants for t in m.tests})
    tree.build(tests)
    tree.keep_base()
    bad = tree.failing(tests)
    if bad and not o.base_differs:
        raise Stale("these fail without any bug: %s" % " ".join(bad))
    return bad


def main():
    o = options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("mutants: ended"))  # and with it what it started
    paths = sorted(glob.glob(os.path.join(HERE, "mutants", "*.mutant")))
    row = "%-30s %-30s %-10s %4s  %s"
    survived = 0
    try:
        mutants = [Mutant(x) for x in paths if not o.names or os.path.basename(x)[:-7] in o.names]
        if len(mutants) < len(o.names):
            raise Stale("not all of these are mutants: %s" % " ".join(o.names))
        tree = Tree(o)
        bad_tests = base(o, tree, mutants)
    except Stale as e:
        sys.exit("mutants: %s" % e)
    print("seed %s, %d cases at most" % (o.seed, o.cases))
    print(row % ("bug", "found by test", "by oracle", "s", "what differs first"), flush=True)
    for m in mutants:
        began = time.monotonic()
        try:
            tests, case = judge(o, tree, m, bad_tests)
            what = case[1] if case else "" if tests else "SURVIVES"
            survived += not tests and not case
            cell = "case %d" % case[0] if case else "blind" if m.blind else "-"
        except Stale as e:
            tests, cell, what = [], "-", "STALE: %s" % e
            survived += 1
        print(row % (m.name, " ".join(tests) or "-", cell, round(time.monotonic() - began), what[:90]), flush=True)
    print("%d bugs, %d not found" % (len(mutants), survived))
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
