"""Philox and what is drawn from it; the bootstrap's stream."""
from real import log, sqrt, turn

INIT, SPLIT, BATCH, DATA = 1, 2, 3, 5
M32, M64 = (1 << 32) - 1, (1 << 64) - 1


def philox(c, k):
    (c0, c1, c2, c3), (k0, k1) = c, k
    for _ in range(10):
        x, y = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (y >> 32) ^ c1 ^ k0, y & M32, (x >> 32) ^ c3 ^ k1, x & M32
        k0, k1 = k0 + 0x9E3779B9 & M32, k1 + 0xBB67AE85 & M32
    return c0, c1, c2, c3


def words(seed, stream, sub, block=0):
    while True:
        yield from philox((block & M32, block >> 32, sub & M32, stream), (seed & M32, seed >> 32))
        block += 1


def below(w, n):
    while True:
        m = next(w) * n
        if m & M32 >= (1 << 32) % n:
            return m >> 32


def uniform(w):
    bits = next(w) << 32 | next(w)
    return ((bits >> 12) + 0.5) * 2.0**-52


def normals(seed, sub, n):
    w, out = words(seed, INIT, sub), []
    while len(out) < n:
        r = sqrt(-2 * log(uniform(w)))
        s, c = turn(uniform(w))
        out += [r * c, r * s]
    return out[:n]


def permutation(seed, n):
    w, order = words(seed, SPLIT, 0), list(range(n))
    for i in range(n, 1, -1):
        j = below(w, i)
        order[i - 1], order[j] = order[j], order[i - 1]
    return order


def subset(seed, step, stream, b, n):
    """b positions of n, ascending."""
    w, drawn = words(seed, BATCH, step, stream << 32), set()
    for l in range(n - b, n):
        i = below(w, l + 1)
        drawn.add(l if i in drawn else i)
    return sorted(drawn)


def bootstrap(resample, draw, n):
    z = 0x7374656D6D610001 + 0x9E3779B97F4A7C15 * ((resample << 32 | draw) + 1) & M64
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & M64
    z = (z ^ z >> 27) * 0x94D049BB133111EB & M64
    z ^= z >> 31
    return (z >> 32) * n >> 32
