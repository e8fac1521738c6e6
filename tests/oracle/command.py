"""Running the command and the oracle, and reading what they say in one form."""

import json
import os
import re
import signal
import subprocess

TIMEOUT = 30  # seconds: a case takes a tenth of one, but the machine may be busy


class Failure(Exception):
    """Something that must not be: what, and where."""


class Refused(Exception):
    """A protocol that the checker let through and the engine does not take."""


def run(argv, ok=(0,), env=None):
    """stdout; a Failure for a crash, a hang, or an exit code that is not among `ok`."""
    p = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env,
                         start_new_session=True)
    try:
        out, said = p.communicate(timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        raise Failure("hangs: %s" % " ".join(shorten(argv)))
    finally:
        end(p)
    if p.returncode not in ok:
        said = (said or out).decode("utf-8", "replace").strip().split("\n")
        raise Failure("exit %d: %s: %s" % (p.returncode, " ".join(shorten(argv)), " | ".join(said[:3])[:300]))
    return out.decode("utf-8", "replace")


def end(p):
    """Kills a command that has not ended, with its workers."""
    if p.poll() is None:
        os.killpg(p.pid, signal.SIGKILL)
        p.communicate()


def shorten(argv):
    return [os.path.basename(a) for a in argv]


def loads(text, what):
    try:
        return json.loads(text)
    except ValueError as e:
        raise Failure("%s is not JSON: %s" % (what, e))


class Tools:
    def __init__(self, stemma, oracle):
        self.stemma = stemma
        self.oracle = oracle
        self.env = dict(os.environ, STEMMA_STORE="/nonexistent", NO_COLOR="1")

    def check(self, path):
        """Lines of the errors; [] when there is none."""
        out = run([self.stemma, "check", "--json", path], ok=(0, 1), env=self.env)
        found = [loads(line, "check --json") for line in out.split("\n") if line.startswith("{")]
        return [(d["line"], d["code"]) for d in found if d.get("severity") == "error"]

    def plan(self, store, path):
        return loads(run([self.stemma, "plan", "--json", "--store", store, path], env=self.env), "plan --json")

    def execute(self, store, path, jobs=1):
        """Steps that a run executed. Exit 1: an expectation failed, or an arm could not run."""
        out = run([self.stemma, "run", "--store", store, "--jobs", str(jobs), path], ok=(0, 1), env=self.env)
        m = re.search(r"^executed (\d[\d ]*) steps?", out, re.M)
        return int(m.group(1).replace(" ", "")) if m else 0

    def execute_and_kill(self, store, path, after, sig):
        """Starts a run and kills it with its workers; whether it had ended by itself."""
        p = subprocess.Popen([self.stemma, "run", "--store", store, "--jobs", "2", path], stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=self.env, start_new_session=True)
        try:
            try:
                p.wait(after)
            except subprocess.TimeoutExpired:
                os.killpg(p.pid, sig) if sig == signal.SIGKILL else p.send_signal(sig)
                p.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            raise Failure("hangs after signal %d: run" % sig)
        finally:
            end(p)
        said = p.stderr.read().decode("utf-8", "replace")
        p.stderr.close()
        if p.returncode not in (0, 1, 130, -signal.SIGTERM, -signal.SIGKILL):
            raise Failure("exit %d: run that was to be killed: %s" % (p.returncode, said.strip()[:200]))

    # ---- one form for all ----

    def of_oracle(self, path):
        try:
            o = loads(run([self.oracle, path], env=self.env), "the oracle's output")
        except Failure as e:
            if "the engine refuses" in str(e):
                raise Refused(str(e))
            raise
        reps = {}
        for r in o["replicates"]:
            reps[r["path"], r["seed"]] = r
        return {"replicates": reps, "report": results(o)}

    def of_store(self, store, path, sample=None, rng=None):
        """What the command says of a file and its store. `sample`: of so many arms all states."""
        plan = self.plan(store, path)
        report = loads(run([self.stemma, "report", "--json", "--store", store, path], ok=(0, 1), env=self.env),
                       "report --json")
        lines = run([self.stemma, "report", "--ndjson", "--store", store, path], ok=(0, 1), env=self.env)
        csv = run([self.stemma, "report", "--csv", "--store", store, path], ok=(0, 1), env=self.env)
        out = {"plan": {}, "report": results(report), "csv": csv, "lines": {}, "shown": {}}
        for node in plan["tree"]["nodes"]:
            for s in node["seeds"]:
                out["plan"][node["path"], s["seed"]] = {k: s[k] for k in ("status", "stop", "events") if k in s}
        for line in lines.split("\n"):
            if line:
                r = loads(line, "report --ndjson")
                out["lines"][r["arm"], r["seed"]] = r
        paths = [n["path"] for n in plan["tree"]["nodes"]]
        name = plan["tree"]["protocol"]
        for p in paths if sample is None else rng.sample(paths, min(sample, len(paths))):
            shown = loads(run([self.stemma, "show", "--json", "--store", store, "%s:%s" % (name, p)], env=self.env),
                          "show --json")
            for r in shown["replicates"] if "replicates" in shown else [shown]:
                out["shown"][r["path"], r["seed"]] = shown_replicate(r)
        return out


def results(o):
    """Tables, claims, expectations and calibrated numbers, without words."""
    words = ("text", "isolates", "why", "stated")
    return {
        "tables": [{"name": t["name"], "rows": [{"path": r["path"], "cells": [cell(c) for c in r["cells"]]}
                                                for r in t["rows"]]} for t in o["tables"]],
        "claims": [{k: v for k, v in c.items() if k not in words} for c in o["claims"]],
        "expectations": [e["outcome"] for e in o["expectations"]],
        "calibrated": [{k: v for k, v in c.items() if k not in words} for c in o["calibrated"]],
    }


def cell(c):
    return {k: cell(v) if isinstance(v, dict) else v for k, v in c.items() if k != "why"}


def shown_replicate(r):
    return {
        "status": r["status"],
        "fork_state": r.get("fork", {}).get("state"),
        "start_state": r.get("start", {}).get("state"),
        "fork": r.get("start", {}).get("step"),
        "stop": r.get("stop"),
        "events": r.get("events"),
        "measured": [{"step": m["step"], "state": m["state"], "metrics": m["metrics"]} for m in r["measured"]],
    }
