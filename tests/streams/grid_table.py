#!/usr/bin/env python3
"""The 2 x 2 of initial states and splits (scripts/streams grid): means, effects, probabilities.

usage: grid_table.py FILE     lines: SEED INIT SPLIT MEMORIZED GROK NORM, as scripts/streams writes them

Only seeds with all four cells count. A seed is a block: two initial states crossed with two splits.
If the sources are equally good, the two states of a block can be exchanged and so can the two splits,
which is what the tests by sign flips do; they are exact but for the number of flips drawn.
"""
import collections
import math
import random
import statistics
import sys

FLIPS, FORK = 100_000, 800
SOURCES = ("stemma", "torch")
CELLS = [(i, s) for i in SOURCES for s in SOURCES]
EARLIER = {"stemma": (66, 2110), "torch": (40, 1939)}  # runs and means that raised the question
Z95 = 1.959964


def normal_tail(z):
    return math.erfc(abs(z) / math.sqrt(2))


def t95(df):
    """The quantile of Student's t (Cornish and Fisher)."""
    z = Z95
    return z + (z**3 + z) / (4 * df) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * df**2)


def blocks(path):
    seeds = collections.defaultdict(dict)
    with open(path) as lines:
        for line in lines:
            seed, init, split, _, grok, _ = line.split()
            if int(grok) == 0:
                sys.exit(f"grid_table: seed {seed} ({init}, {split}) is censored: means are no answer")
            seeds[int(seed)][init, split] = int(grok) - FORK
    return {k: v for k, v in sorted(seeds.items()) if len(v) == len(CELLS)}


def mann_whitney(x, y):
    """Two-sided, by the normal law with ties; also the chance that an x is above a y."""
    rank, ties, at = {}, 0, 0
    for value, count in sorted(collections.Counter(x + y).items()):
        rank[value] = at + (count + 1) / 2
        ties += count**3 - count
        at += count
    n, m = len(x), len(y)
    u = sum(rank[v] for v in x) - n * (n + 1) / 2
    variance = n * m / 12 * (n + m + 1 - ties / ((n + m) * (n + m - 1)))
    return normal_tail((u - n * m / 2) / math.sqrt(variance)), u / (n * m)


def flips(values):
    """Two-sided: how often a sum with random signs is at least as far from 0."""
    draw, seen = random.Random(1), 0
    far = abs(sum(values)) - 1e-9
    for _ in range(FLIPS):
        bits = draw.getrandbits(len(values))
        seen += abs(sum(v if bits >> k & 1 else -v for k, v in enumerate(values))) >= far
    return (seen + 1) / (FLIPS + 1)


def effect(name, values):
    n, mean = len(values), statistics.mean(values)
    error = statistics.stdev(values) / math.sqrt(n)
    half = t95(n - 1) * error
    print(f"{name:34} {mean:+8.1f} [{mean - half:+7.1f}, {mean + half:+7.1f}]  p = {flips(values):.4f}")
    return mean, error


def with_the_earlier(ss, tt, mean, error):
    """Is the new difference the earlier one, and what do all runs say? With the new runs' spread."""
    (n, stemma), (m, torch) = EARLIER["stemma"], EARLIER["torch"]
    variance = (statistics.variance(ss) + statistics.variance(tt)) / 2
    z = (mean - (stemma - torch)) / math.sqrt(error**2 + variance * (1 / n + 1 / m))
    print(f"against the earlier difference of {stemma - torch:+d}: z = {z:.2f}, p = {normal_tail(z):.2g}")
    all_ss, all_tt = n + len(ss), m + len(tt)
    mean = (n * stemma + sum(ss)) / all_ss - (m * torch + sum(tt)) / all_tt
    error = math.sqrt(variance * (1 / all_ss + 1 / all_tt))
    print(f"all {all_ss} and {all_tt} runs: {mean:+.1f} [{mean - Z95 * error:+.1f}, "
          f"{mean + Z95 * error:+.1f}], p = {normal_tail(mean / error):.2g}")


def correlation(x, y):
    return statistics.covariance(x, y) / statistics.stdev(x) / statistics.stdev(y)


def main():
    data = list(blocks(sys.argv[1]).items())
    seeds, runs = [k for k, _ in data], [v for _, v in data]
    cell = {c: [r[c] for r in runs] for c in CELLS}
    print(f"{len(runs)} seeds, {seeds[0]} to {seeds[-1]}; steps from the fork at {FORK}\n")
    print(f"{'state':8} {'split':8} {'mean':>7} {'error':>6} {'median':>8} {'sd':>6}")
    for c in CELLS:
        x = cell[c]
        print(f"{c[0]:8} {c[1]:8} {statistics.mean(x):7.1f} {statistics.stdev(x) / len(x)**0.5:6.1f} "
              f"{statistics.median(x):8.1f} {statistics.stdev(x):6.1f}")
    ss, st, ts, tt = (cell[c] for c in CELLS)
    both = list(zip(ss, st, ts, tt))
    print()
    effect("state: stemma - torch", [(a + b - c - d) / 2 for a, b, c, d in both])
    effect("split: stemma - torch", [(a - b + c - d) / 2 for a, b, c, d in both])
    effect("interaction", [(a - b - c + d) / 2 for a, b, c, d in both])
    mean, error = effect("both: stemma, stemma - torch, torch", [a - d for a, _, _, d in both])
    p, above = mann_whitney(ss, tt)
    print(f"Mann-Whitney of those two cells: p = {p:.4f}, a stemma run is later in {above:.3f}")
    p, above = mann_whitney([(a + b) / 2 for a, b, _, _ in both], [(c + d) / 2 for _, _, c, d in both])
    print(f"Mann-Whitney of the states, mean of both splits: p = {p:.4f}, {above:.3f}")
    with_the_earlier(ss, tt, mean, error)
    print(f"runs with one state correlate by {correlation(ss + ts, st + tt):.2f}, "
          f"with one split by {correlation(ss + st, ts + tt):.2f}")


if __name__ == "__main__":
    main()
