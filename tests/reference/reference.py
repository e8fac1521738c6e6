#!/usr/bin/env python3
"""An independent implementation of docs/numerics.md: written from that page, sharing nothing with
the engine, it computes the golden ids again, and checks the page's test vectors.

usage: reference.py [--all] [--compiler CC] [--engine TEST_ENGINE_IDS] [--stemma STEMMA] [NAME ...]
  --all       every run to its last step; without, what takes a minute
  --compiler  what expands the macros of tests/engine_ids_cases.h; cc if not given
  --engine    asked for the tensors of a run that differs
  --stemma    runs the protocols of the page and of forks.stemma; their states are compared
  NAME ...    only golden runs whose names begin so
Exit 1 at the first difference, with its run, step and tensor."""
import argparse
import os
import struct
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True  # the source tree stays as it is

import cases
import streams
from page import Page
from real import Real, log, turn
from settings import NotCovered, Settings
from trainer import Trainer
from xxh3 import digest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
# Golden runs that are taken to their last step in the short form, and those left to --all.
TO_THE_END = ("embed/cross_entropy/f32-f32", "embed/gelu/no-bias", "mlp1/stablemax/f64-f64",
              "batch/7/f32", "scale/f64", "hold/norm/f32", "sgd/coupled/f32")
SLOW = ("p59/", "wide/")
QUICK = ("wide/parity/", "wide/batch/f32")


def fail(message):
    print(f"reference: {message}", file=sys.stderr)
    sys.exit(1)


# ---- the page's vectors ----


def same(what, got, want):
    if got != want:
        fail(f"numerics.md, {what}: {got}, the page says {want}")
    return 1


def hex64(x):
    return struct.pack(">d", x).hex()


def check_functions(page, real):
    n = 0
    for line in page.block(f"vectors float{real.bits}"):
        x, *want = line.split()
        v = float.fromhex(x)
        got = (real.exp(v), *real.gelu(v), real.tanh(v)[0])
        for name, a, b in zip(("exp", "GeLU", "slope of GeLU", "tanh"), got, want):
            n += same(f"float{real.bits}, {name}({x})", real.hex(a), b)
    return n


def check_vectors(page, reals):
    n = sum(check_functions(page, real) for real in reals.values())
    for line in page.block("vectors philox"):
        w = [int(x, 16) for x in line.split()]
        n += same("Philox", streams.philox(w[:4], w[4:6]), tuple(w[6:]))
    want = " ".join(page.block("vectors normals")).split()
    for got, x in zip(streams.normals(3, 1, len(want)), want):
        n += same("normal numbers", hex64(got), x)
    for line in page.block("vectors log"):
        x, want = line.split()
        n += same(f"log({x})", hex64(log(float.fromhex(x))), want)
    for line in page.block("vectors turn"):
        u, *want = line.split()
        n += same(f"turn({u})", [hex64(x) for x in turn(float.fromhex(u))], want)
    for line in page.block("vectors xxh3"):
        size, want = line.split()
        n += same(f"XXH3-128 of {size} bytes",
                  digest(bytes(i % 256 for i in range(int(size)))).hex(), want)
    for r, line in enumerate(page.block("vectors bootstrap")):
        got = [streams.bootstrap(r, i, 12) for i in range(8)]
        n += same(f"bootstrap, resample {r}", got, [int(x) for x in line.split()])
    return n


# ---- the run and the protocols ----

FIVE = """task = modular_add\ntask.p = 5\ntask.train = 0.6
model = embed_mlp\nmodel.embed = 2\nmodel.hidden = 3
optimizer = adamw\nlr = 0.01\nweight_decay = 0.5"""
WILD = """task = modular_add\ntask.p = 5\ntask.train = 0.6
model = embed_mlp\nmodel.embed = 2\nmodel.hidden = 3
optimizer = sgd\nlr = 1e6\noptimizer.momentum = 0.5"""


def check_five(page, reals):
    """The page's run: ids, and the tensors of step 1 in bits."""
    t, n = Trainer(Settings(FIVE), reals, cases.SEED), 0
    want = page.named("vectors five ids")
    for step in range(21):
        if step:
            t.step()
        if step == 1:
            n += check_tensors(t, page.named("vectors five step 1"))
        if str(step) in want:
            n += same(f"p = 5, step {step}, id", t.ids()[0], want[str(step)][0])
    return n


def check_tensors(t, want):
    tensors = t.tensors()
    same("p = 5, step 1, names", sorted(tensors), sorted(want))
    for name, (code, _, data) in tensors.items():
        size = 4 if code in (1, 3) else 8
        bits = [data[i:i + size][::-1].hex() for i in range(0, len(data), size)]
        same(f"p = 5, step 1, tensor {name}", bits, want[name])
    return len(tensors)


class Command:
    """The states of a protocol, as `stemma run` leaves them."""

    def __init__(self, stemma, protocol, directory):
        self.stemma, self.store = stemma, os.path.join(directory, "store")
        self.call("run", protocol)

    def call(self, *words):
        done = subprocess.run([self.stemma, *words, "--store", self.store], capture_output=True,
                              text=True)
        if done.returncode:
            fail(f"stemma {' '.join(words)}: exit {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    def compare(self, address, t):
        lines = self.call("show", address).splitlines()
        want = lines[0].split("state ")[1][:32]
        of_tensor = dict(line.split() for line in lines[1:] if len(line.split()) == 2)
        state, ids = t.ids()
        if state != want:
            fail(f"{address}: state {state}, stemma has {want}; {first_tensor(ids, of_tensor)}")
        return 1


def first_tensor(mine, others):
    for name in sorted({*mine, *others}):
        if mine.get(name) != others.get(name):
            return f"the first tensor that differs is {name}"
    return "no tensor differs"


def arms():
    """path -> settings by step, edits, whether a hold of its own acts at the start."""
    held, lr = "\nhold norm(W2) = 1", "\nlr = 0.02"
    kicks = (("weights", "*=", 0.8), ("norm(W1)", "=", 1.25), ("b2", "+=", 0.1),
             ("moments", "=", 0.0))
    averaged = "\ngrad = ema\ngrad.ema.beta = 0.9\ngrad.ema.lambda = 2\nhold logit_scale = 3"
    return {
        "hot": ({4: "\ntemperature = 1.5"}, (), False),
        "kicked": ({4: ""}, kicks, False),
        "held": ({4: "\nhold norm(weights) = 2"}, (), True),
        "wide": ({4: "\nprecision = f64"}, (), False),
        "averaged": ({4: averaged}, (), True),
        "late": ({4: "", 5: lr + held, 7: held}, (), False),
    }


def check_arms(c, reals):
    """A trunk and six arms."""
    n = 0
    for name, (settings, edits, own_hold) in arms().items():
        t = Trainer(Settings(FIVE), reals, cases.SEED)
        for step in range(9):
            if step in settings:
                first = step == 4
                t.fork(Settings(FIVE + settings[step]), edits if first else (), own_hold and first)
            arm = "r" if step < 4 else f"r/f/{name}"
            n += c.compare(f"{arm}#{t.seed}@{step if step != 4 else 'start'}", t)
            t.step()
    return n


def check_diverging(c, reals):
    t, n = Trainer(Settings(WILD), reals, cases.SEED), 0
    while not t.diverged():
        t.step()
        n += c.compare(f"d#{t.seed}@{t.step_count}", t)
    if all(x == x for x in t.param["E"]):
        fail("the run that diverges ends without a NaN, which it is there for")
    return n


def check_held(c, reals):
    """An edit under an inherited hold."""
    held = Settings(FIVE + "\nhold norm(weights) = 2")
    t, n = Trainer(held, reals, cases.SEED), 0
    t.hold_all()
    n += c.compare(f"h#{t.seed}@0", t)
    for step in range(1, 5):
        t.step()
        arm = "h" if step <= 2 else "h/g/bent"
        n += c.compare(f"{arm}#{t.seed}@{step}", t)
        if step == 2:
            t.fork(held, (("W2", "*=", 1.5),))
            n += c.compare(f"h/g/bent#{t.seed}@start", t)
    return n


def check_many(c, reals):
    """More classes than lanes, more examples than a tile."""
    many, n = FIVE.replace("task.p = 5", "task.p = 19"), 0
    for run, settings in (("m", many), ("e", many + "\nprecision = f64")):
        t = Trainer(Settings(settings), reals, cases.SEED)
        for _ in range(3):
            t.step()
            n += c.compare(f"{run}#{t.seed}@{t.step_count}", t)
    return n


def check_command(page, stemma, reals):
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "five.stemma")
        with open(path, "w", encoding="utf-8") as f:
            f.write("\n".join(page.block("stemma")) + "\n")
        c, n, t = Command(stemma, path, directory), 0, Trainer(Settings(FIVE), reals, cases.SEED)
        for step in range(21):
            n += c.compare(f"r#{t.seed}@{step}", t)
            t.step()
    with tempfile.TemporaryDirectory() as directory:
        c = Command(stemma, os.path.join(HERE, "forks.stemma"), directory)
        return n + sum(check(c, reals)
                       for check in (check_arms, check_diverging, check_held, check_many))


# ---- the golden ids ----


def tensors_of_engine(engine, name, step):
    """The engine's ids of tensors, to name the one that differs."""
    if not engine:
        return "--engine would name the tensor"
    text = subprocess.run([engine, "--tensors", name], capture_output=True, text=True).stdout
    found = [line.split() for line in text.splitlines()]
    return {tensor: id for at, tensor, id in found if int(at) == step}


def compare_golden(options, t, name, want):
    state, ids = t.ids()
    if state != want[0]:
        others = tensors_of_engine(options.engine, name, t.step_count)
        which = others if isinstance(others, str) else first_tensor(ids, others)
        fail(f"{name} after {t.step_count} steps: state {state}, golden {want[0]}; {which}")
    values = [cases.NO_NUMBER if x != x else x for x in t.measure(cases.METRICS)]
    measured = digest(struct.pack(f"<{len(values)}d", *values)).hex()
    if measured != want[1]:
        listed = ", ".join(f"{m} = {x!r}" for m, x in zip(cases.METRICS, values))
        fail(f"{name} after {t.step_count} steps: measured {measured}, golden {want[1]}: {listed}")
    return 2


def wanted(options, name):
    if options.names:
        return name.startswith(tuple(options.names))
    return options.all or name.startswith(QUICK) or not name.startswith(SLOW)


def check_golden(options, page, reals):
    """The numbers of ids, of runs, of runs with a word that the page does not have."""
    header = os.path.join(ROOT, "tests", "engine_ids_cases.h")
    texts = cases.settings(options.compiler, header)
    golden = cases.golden(
        os.path.join(ROOT, "tests", "golden", "ids", f"portable-{page.version}.txt"))
    ids = runs = unknown = 0
    for name in filter(lambda name: wanted(options, name), texts):
        try:
            t = Trainer(Settings(texts[name]), reals, cases.SEED)
        except NotCovered as line:
            print(f"not covered: {name} ({line})")
            unknown += 1
            continue
        steps = sorted(step for run, step in golden if run == name)
        if not (options.all or name in TO_THE_END):
            steps = steps[:1]
        for step in steps:
            while t.step_count < step:
                t.step()
            ids += compare_golden(options, t, name, golden[name, step])
        runs += 1
    return ids, runs, unknown


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1])
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--compiler", default="cc")
    parser.add_argument("--engine")
    parser.add_argument("--stemma")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    page = Page(os.path.join(ROOT, "docs", "numerics.md"))
    reals = {"f32": Real(page, 32), "f64": Real(page, 64)}
    vectors = check_vectors(page, reals)
    tensors = check_five(page, reals)
    print(f"docs/numerics.md, portable/{page.version}: {vectors} test vectors, {tensors} tensors and "
          "ids of the p = 5 run")
    if options.stemma:
        print(f"stemma: {check_command(page, options.stemma, reals)} states of protocols")
    ids, runs, unknown = check_golden(options, page, reals)
    print(f"golden: {ids} ids of {runs} runs agree; {unknown} runs are not covered")
    if not options.names and runs < 100:
        fail(f"only {runs} golden runs were computed; there are more than 100 it must cover")


if __name__ == "__main__":
    main()
