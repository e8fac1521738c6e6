"""Logits and what the loss makes of them, one example (a list of classes) at a time."""
import math
import sys

from real import INF, div, log, sqrt


def softmax(r, z):
    """e, its sum and top."""
    top = z[0]
    for x in z[1:]:
        top = x if x > top else top
    e = [r.exp(r.round(x - top)) for x in z]
    return e, r.lanes(e), top


def stable(r, x):
    return r.round(div(1, r.round(1 - x))) if x < 0 else r.round(x + 1)


# ---- the transforms ----


def ascending(r, xs, ys):
    s = 0.0
    for x, y in zip(xs, ys):
        s = r.round(s + r.round(x * y))
    return s


def transform(r, s, z):
    """The logits that the loss sees, and the length of normalize."""
    if s["logits"] == "clip":
        c = r.round(s["logits.clip.c"])
        return [-c if v < -c else v for v in (c if x > c else x for x in z)], None
    if s["logits"] == "normalize":
        q = ascending(r, z, z)
        length = r.round(r.round(s["logits.normalize.c"]) / r.round(sqrt(q))) if q > 0 else 0.0
        return [r.round(x * length) for x in z], length
    return z, None


def transform_back(r, s, z, length, g):
    if s["logits"] == "clip":
        c = r.round(s["logits.clip.c"])
        return [0.0 if x >= c or x <= -c else d for x, d in zip(z, g)]
    if s["logits"] == "normalize":
        c = s["logits.normalize.c"]
        k = r.round(ascending(r, z, g) * r.round(1 / (c * c)))
        return [r.round(r.round(d - r.round(x * k)) * length) for x, d in zip(z, g)]
    return g


# ---- gradients: of the logits, and what must be finite ----


def cross_entropy(r, z, y, f):
    e, total, _ = softmax(r, z)
    f = r.round(f)
    ratio = r.round(div(f, total))
    g = [r.round(x * ratio) for x in e]
    g[y] = r.round(r.round(r.round(div(e[y], total)) - 1) * f)
    return g, total


def stablemax(r, z, y, f):
    s = [stable(r, x) for x in z]
    total, f = r.lanes(s), r.round(f)
    ratio = r.round(div(f, total))
    g = [r.round((r.round(a * a) if x < 0 else 1.0) * ratio) for x, a in zip(z, s)]
    u = s[y] if z[y] < 0 else r.round(div(1, s[y]))
    g[y] = r.round(r.round(u * r.round(r.round(div(s[y], total)) - 1)) * f)
    return g, total


def mse(r, z, y, f):
    f2 = r.round(2 * f)
    g = [r.round((r.round(x - 1) if c == y else x) * f2) for c, x in enumerate(z)]
    return g, sum(g)


GRADIENT = {"cross_entropy": cross_entropy, "stablemax": stablemax, "mse": mse}

# ---- the measured loss and probability of the label ----


def log_or_limit(x):
    if sys.float_info.min <= x <= sys.float_info.max:
        return log(x)
    return -INF if x < sys.float_info.min else x


def value(kind, r, z, y):
    if kind == "mse":
        total = 0.0
        for c, x in enumerate(z):
            e = x - (c == y)
            total += e * e
        return total
    if kind == "stablemax":
        s = [stable(r, x) for x in z]
        return log_or_limit(r.lanes(s)) - log_or_limit(s[y])
    _, total, top = softmax(r, z)
    return (log(total) if total >= 1 else total) - r.round(z[y] - top)


def p_correct(kind, r, z, y):
    if kind == "stablemax":
        s = [stable(r, x) for x in z]
        return r.round(div(s[y], r.lanes(s)))
    e, total, _ = softmax(r, z)
    return r.round(e[y] * r.round(div(1, total)))


def margin(r, z, y):
    other = -INF
    for c, x in enumerate(z):
        if c != y and (x > other or x != x):
            other = x
    return r.round(z[y] - other)


def correct(z, y):
    if any(math.isnan(x) for x in z):
        return 0
    return int(z[y] == max(z) and z.index(max(z)) == y)


def norm(r, z):
    return r.round(sqrt(ascending(r, z, z)))
