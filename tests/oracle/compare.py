"""Where two accounts of one file differ."""

import csv as csv_module
import io

THERE = ("done", "diverged")


def numbers_differ(a, b):
    return float(a) != float(b)


def diff(a, b, where, out):
    """Appends `where: a != b` for every leaf that differs."""
    if len(out) > 20:
        return
    if isinstance(a, dict) and isinstance(b, dict):
        for k in sorted(set(a) | set(b), key=str):
            if k not in a or k not in b:
                out.append("%s.%s: only %s has it" % (where, k, "the left" if k in a else "the right"))
            else:
                diff(a[k], b[k], "%s.%s" % (where, k), out)
    elif isinstance(a, list) and isinstance(b, list):
        if len(a) != len(b):
            out.append("%s: %d elements != %d" % (where, len(a), len(b)))
        for i, (x, y) in enumerate(zip(a, b)):
            diff(x, y, "%s[%d]" % (where, i), out)
    elif isinstance(a, (int, float)) and isinstance(b, (int, float)) and not isinstance(a, bool) \
            and not isinstance(b, bool):
        if numbers_differ(a, b):
            out.append("%s: %r != %r" % (where, a, b))
    elif a != b:
        out.append("%s: %r != %r" % (where, a, b))


def place(key):
    return "%s#%d" % key


def comparable(report, truth):
    """Where a claim has no value, how many seeds entered it is not compared."""
    claims = [{k: v for k, v in a.items() if k != "seeds" or b.get("value", 0) is not None}
              for a, b in zip(report["claims"], truth["claims"])]
    return dict(report, claims=claims)


def with_oracle(store, oracle):
    """What the command says of a store (left) against the oracle (right)."""
    out = []
    diff(comparable(store["report"], oracle["report"]), comparable(oracle["report"], oracle["report"]), "report", out)
    for key, o in oracle["replicates"].items():
        p = store["plan"].get(key)
        if p is None:
            out.append("plan %s: not there" % place(key))
            continue
        if p["status"] != o["status"]:
            out.append("plan %s.status: %r != %r" % (place(key), p["status"], o["status"]))
        if o["status"] in THERE:
            replicate(store, key, p, o, out)
        elif (key in store["lines"]) != (o["status"] == "waiting"):
            out.append("ndjson %s: a line for a replicate that is %s" % (place(key), o["status"]))
    return out


def replicate(store, key, p, o, out):
    diff(p.get("stop"), o["stop"], "plan %s.stop" % place(key), out)
    diff(p.get("events"), o["events"], "plan %s.events" % place(key), out)
    line = store["lines"].get(key)
    if line is None:
        out.append("ndjson %s: no line" % place(key))
    else:
        for k in ("fork", "stop", "events", "captures"):
            diff(line[k], o[k], "ndjson %s.%s" % (place(key), k), out)
    shown = store["shown"].get(key)
    if shown is None:
        return
    for k in ("status", "start_state", "fork", "stop", "events"):
        diff(shown[k], o[k], "show %s.%s" % (place(key), k), out)
    if shown["fork_state"] is not None:
        diff(shown["fork_state"], o["fork_state"], "show %s.fork_state" % place(key), out)
    measured(shown["measured"], o["measured"], "show %s.measured" % place(key), out)


def measured(shown, truth, where, out):
    a = {m["step"]: m for m in shown}
    b = {m["step"]: m for m in truth}
    if list(sorted(a)) != list(sorted(b)):
        out.append("%s: steps %s != %s" % (where, brief(sorted(a)), brief(sorted(b))))
    for step in sorted(set(a) & set(b)):
        diff(a[step]["state"], b[step]["state"], "%s[%d].state" % (where, step), out)
        for m, v in a[step]["metrics"].items():
            if m in b[step]["metrics"] or v is not None:
                diff(v, b[step]["metrics"].get(m), "%s[%d].%s" % (where, step, m), out)


def brief(steps):
    return str(steps) if len(steps) < 12 else "%s...%s (%d)" % (steps[:5], steps[-3:], len(steps))


def csv_value(field):
    """A number, None for no value, or what is neither: `NA` of what was not measured differs from all."""
    try:
        return float(field) if field else None
    except ValueError:
        return field


def csv_with_oracle(text, oracle):
    """Every field of the CSV."""
    out = []
    rows = list(csv_module.DictReader(io.StringIO(text)))
    reps = {k: r for k, r in oracle["replicates"].items() if r["status"] in THERE}
    seen = {(r["arm"], int(r["seed"])): r for r in rows}
    for key, o in reps.items():
        if key not in seen:
            out.append("csv %s: no line" % place(key))
            continue
        want = {"fork": o["fork"], "stop": o["stop"]}
        want.update({e: None if isinstance(t, dict) else t for e, t in o["events"].items()})
        want.update(o["captures"])
        for k, v in want.items():
            field = seen[key].get(k)
            have = csv_value(field)
            if (have is None) != (v is None) or (v is not None and have != float(v)):
                out.append("csv %s.%s: %r != %r" % (place(key), k, field, v))
    return out


def between_stores(a, b):
    """Two stores that the same file has been run in: everything that both were asked for."""
    out = []
    for k in ("plan", "report", "csv", "lines"):
        diff(a[k], b[k], k, out)
    for key in set(a["shown"]) & set(b["shown"]):
        diff(a["shown"][key], b["shown"][key], "show %s" % place(key), out)
    return out
