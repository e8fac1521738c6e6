"""Random protocols: the command in several ways against itself and against the oracle.

Each case is made from the printed seed and its number alone. A failing one is made small and kept.
"""

import argparse
import contextlib
import os
import random
import shutil
import sys
import tempfile
import time

import coverage
import workers
from cases import FILE, Made, Ways, write
from command import Refused, Tools
from minimize import Minimizer, kind_of
from protocol_tree import parse


def options():
    p = argparse.ArgumentParser(prog="scripts/oracle", description=__doc__)
    p.add_argument("--cases", type=int, help="how many cases")
    p.add_argument("--minutes", type=float, help="as many cases as fit in this time")
    p.add_argument("--seed", default=None, help="of the cases; a new one is taken and printed without it")
    p.add_argument("--only", type=int, help="the one case of this number")
    p.add_argument("--first", type=int, default=0, help="number of the first case")
    p.add_argument("--jobs", type=int, default=2, help="cases at a time")
    p.add_argument("--keep", default="oracle-failures", help="directory for failing cases")
    p.add_argument("--no-kills", action="store_true", help="leave out the stores whose runs are killed")
    p.add_argument("--dry", action="store_true", help="make the cases and count words; run nothing")
    p.add_argument("--no-minimize", action="store_true", help="keep failing cases as they are")
    p.add_argument("--stop-at", type=int, default=20, help="end after so many failures")
    p.add_argument("--stemma", required=True)
    p.add_argument("--oracle", required=True)
    return p.parse_args()


def minimized(tools, versions, directory, seed, number, kills, kind):
    def fails(candidate):
        path = os.path.join(directory, FILE)
        for v in candidate:
            write(path, v)
            try:
                parse(v)
                if tools.check(path):
                    return []
            except Exception:
                return []
        try:
            return Ways(tools, directory, random.Random("%s/%s" % (seed, number))).differences(candidate, kills)
        except Refused:
            return []

    return Minimizer(fails, kind).minimize(versions)


def one_case(arguments):
    """(number, what differs, versions, refused, seconds)"""
    o, seed, number = arguments
    tools = Tools(o.stemma, o.oracle)
    base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    directory = tempfile.mkdtemp(prefix="stemma-oracle-", dir=base)
    began = time.monotonic()
    try:
        made = Made(tools, seed, number, directory)
        if not made.versions:
            return number, None, None, made.refused, time.monotonic() - began
        if o.dry:
            return number, [], (made.versions, made.versions), made.refused, time.monotonic() - began
        ways = Ways(tools, directory, made.rng)
        try:
            found = ways.differences(made.versions, not o.no_kills)
        except Refused as e:
            return number, ["refused: %s" % e], None, made.refused, time.monotonic() - began
        versions = made.versions
        if found and not o.no_minimize:
            kills = found[0].startswith("killed")
            versions = minimized(tools, versions, directory, seed, number, kills, kind_of(found))
        return number, found, (made.versions, versions), made.refused, time.monotonic() - began
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def keep(o, seed, number, found, versions):
    directory = os.path.join(o.keep, "%s-%d" % (seed, number))
    os.makedirs(directory, exist_ok=True)
    whole, small = versions
    for stem, list_of in (("whole", whole), ("small", small)):
        for i, v in enumerate(list_of):
            write(os.path.join(directory, "%s-%d.stemma" % (stem, i + 1)), v)
    with open(os.path.join(directory, "what.txt"), "w") as f:
        f.write("scripts/oracle --seed %s --only %d\n" % (seed, number))
        f.write("\n".join(found) + "\n")
    return directory


def numbers(o):
    if o.only is not None:
        yield o.only
        return
    n = o.first
    end = None if o.cases is None else o.first + o.cases
    while end is None or n < end:
        yield n
        n += 1


class Tally:
    def __init__(self):
        self.cases = self.refused = self.engine = self.failed = self.edited = 0
        self.kinds = {}
        self.words = {}

    def take(self, found, versions, refused):
        self.refused += refused
        if versions is None:
            self.engine += bool(found)
            return
        self.cases += 1
        self.edited += len(versions[0]) > 1
        self.failed += bool(found)
        for w in coverage.words_of(versions[0]):
            self.words[w] = self.words.get(w, 0) + 1
        if found:
            self.kinds[kind_of(found)] = self.kinds.get(kind_of(found), 0) + 1


def go(o, seed, tally):
    until = time.monotonic() + 60 * o.minutes if o.minutes else None
    jobs = ((o, seed, n) for n in numbers(o))
    with contextlib.closing(workers.results(one_case, jobs, o.jobs)) as cases:
        for number, found, versions, refused, seconds in cases:
            tally.take(found, versions, refused)
            if found and versions is None:
                print("case %d %s" % (number, found[0]), flush=True)
            elif found:
                where = keep(o, seed, number, found, versions)
                print("case %d differs (%d lines in %s):\n  %s" % (
                    number, sum(v.count("\n") for v in versions[1]), where, "\n  ".join(found[:3])), flush=True)
            if until and time.monotonic() > until or tally.failed >= o.stop_at:
                break


def main():
    o = options()
    if o.cases is None and o.minutes is None and o.only is None:
        o.minutes = 2
    seed = o.seed or str(int.from_bytes(os.urandom(4), "little"))
    print("seed %s" % seed, flush=True)
    tally, began = Tally(), time.monotonic()
    go(o, seed, tally)
    print("%d cases, %d of them with earlier versions, %d files refused by check, %d by the engine, "
          "%d failures, %.0f s" % (tally.cases, tally.edited, tally.refused, tally.engine, tally.failed,
                                   time.monotonic() - began))
    for kind, n in sorted(tally.kinds.items(), key=lambda x: -x[1]):
        print("  %4d %s" % (n, " ".join(kind)))
    if o.only is None:
        coverage.report(tally.words, tally.cases, o.oracle)
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
