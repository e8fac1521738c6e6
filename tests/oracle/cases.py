"""One case: a protocol and its earlier versions, run in several ways that must not differ."""

import os
import random
import shutil
import signal

import compare
import generate
from command import Failure
from protocol_tree import numbered, text

FILE = "case.stemma"


def mended(tools, path, tree, rounds=8):
    """Takes out what the checker complains about, until it does not. False: nothing is left of it."""
    for _ in range(rounds):
        write(path, text(tree))
        errors = tools.check(path)
        if not errors:
            return True
        lines = {line for line, _ in errors}
        if lines & {0, 1}:
            return False
        for line, kids, s in numbered(tree):
            if line in lines and s in kids:
                if s.head.split(" ")[0] in ("task", "model", "train", "seeds", "run", "lang"):
                    return False
                kids.remove(s)
        drop_empty(tree)
    return False


def drop_empty(tree):
    """A fork without arms, a block without anything in it."""
    for s in list(tree):
        if s.kids is None:
            continue
        drop_empty(s.kids)
        word = s.head.split(" ")[0]
        if word == "fork" and not any(k.head.startswith(("arm", "off")) for k in s.kids):
            tree.remove(s)
        elif word in ("every", "table", "figure") and len(s.kids) < (2 if word == "table" else 1):
            tree.remove(s)


def write(path, source):
    with open(path, "w") as f:
        f.write(source)


class Made:
    """The versions of a case, the last one in question; None for one that did not become valid."""

    def __init__(self, tools, seed, number, directory):
        self.rng = random.Random("%s/%s" % (seed, number))
        self.refused = 0
        path = os.path.join(directory, FILE)
        generator = generate.Generator(self.rng)
        tree = generator.file()
        self.versions = None
        if not mended(tools, path, tree):
            self.refused += 1
            return
        self.versions = [text(tree)]
        for _ in range(self.rng.choice([0, 1, 1, 2])):
            for _ in range(5):
                other = generate.edit(generator, tree)
                if mended(tools, path, other) and text(other) != self.versions[-1]:
                    tree = other
                    self.versions.append(text(tree))
                    break
                self.refused += 1


class Ways:
    """Runs the versions in one directory, in all the ways, and compares."""

    def __init__(self, tools, directory, rng, oracle=True):
        self.tools = tools
        self.dir = directory
        self.rng = rng
        self.path = os.path.join(directory, FILE)

    def store(self, name):
        path = os.path.join(self.dir, name)
        shutil.rmtree(path, ignore_errors=True)
        return path

    def run_priced(self, store):
        """`plan` says at most how many steps a run takes."""
        worst = self.tools.plan(store, self.path)["worst"]
        steps = self.tools.execute(store, self.path)
        if steps > worst:
            raise Failure("plan: %d steps at most, and run executed %d" % (worst, steps))

    def run_again(self, store):
        steps = self.tools.execute(store, self.path)
        if steps:
            raise Failure("a second run executed %d steps" % steps)

    def fresh(self, final):
        store = self.store("fresh")
        write(self.path, final)
        self.run_priced(store)
        self.run_again(store)
        return self.tools.of_store(store, self.path)

    def leftovers(self, versions):
        store = self.store("leftovers")
        for v in versions:
            write(self.path, v)
            self.run_priced(store)
        self.run_again(store)
        return self.tools.of_store(store, self.path, 2, self.rng)

    def killed(self, final):
        store = self.store("killed")
        write(self.path, final)
        for _ in range(self.rng.choice([1, 1, 2])):
            sig = self.rng.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM])
            self.tools.execute_and_kill(store, self.path, self.rng.uniform(0.003, 0.08), sig)
        self.run_priced(store)
        self.run_again(store)
        return self.tools.of_store(store, self.path, 2, self.rng)

    def differences(self, versions, kills=True):
        """[] or what differs, one a line; the first word says between what."""
        try:
            final = versions[-1]
            write(self.path, final)
            oracle = self.tools.of_oracle(self.path)
            fresh = self.fresh(final)
            found = ["oracle: " + d for d in compare.with_oracle(fresh, oracle)]
            found += ["oracle: " + d for d in compare.csv_with_oracle(fresh["csv"], oracle)]
            if len(versions) > 1:
                left = self.leftovers(versions)
                found += ["leftovers: " + d for d in compare.between_stores(left, fresh)]
            if kills:
                found += ["killed: " + d for d in compare.between_stores(self.killed(final), fresh)]
            return found
        except Failure as e:
            return ["command: %s" % e]
        finally:
            for name in ("fresh", "leftovers", "killed"):
                shutil.rmtree(os.path.join(self.dir, name), ignore_errors=True)
