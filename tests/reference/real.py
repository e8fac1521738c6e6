"""Arithmetic and functions of one precision. A float32 is a Python float with its value: sums,
products, quotients and roots of two of them, rounded to float64 and then to float32, are rounded
right (Figueroa 1995); only the fused operation needs its own."""
import ctypes
import ctypes.util
import math
import struct

_libm = ctypes.CDLL(ctypes.util.find_library("m"))
_fma, _fmaf = _libm.fma, _libm.fmaf
_fma.restype, _fma.argtypes = ctypes.c_double, [ctypes.c_double] * 3
_fmaf.restype, _fmaf.argtypes = ctypes.c_float, [ctypes.c_float] * 3
_c_float = ctypes.c_float
INF, NAN = math.inf, math.nan


def div(a, b):
    """Of float64, with the quotients by zero that Python refuses."""
    if b:
        return a / b
    if a == 0 or a != a or b != b:
        return NAN
    return math.copysign(INF, a) * math.copysign(1, b)


def sqrt(x):
    return math.sqrt(x) if x >= 0 else NAN


class Real:
    def __init__(self, page, bits):
        self.bits, self.size = bits, bits // 8
        self.code = "f" if bits == 32 else "d"
        self.round = (lambda x: _c_float(x).value) if bits == 32 else (lambda x: x)
        self.fma = _fmaf if bits == 32 else _fma
        self.c = page.coefficients(f"coefficients float{bits}")
        k = page.constants(1 if bits == 32 else 2)
        self.k = {name: self.round(x) for name, x in k.items()}

    # ---- bits ----

    def pack(self, xs):
        return struct.pack(f"<{len(xs)}{self.code}", *xs)

    def hex(self, x):
        return struct.pack(">" + self.code, x).hex()

    # ---- sums ----

    def chain(self, start, xs, ys):
        fma, s = self.fma, start
        for x, y in zip(xs, ys):
            s = fma(x, y, s)
        return s

    def lanes(self, terms):
        r, lane = self.round, [0.0] * 16
        for i, x in enumerate(terms):
            lane[i % 16] = r(lane[i % 16] + x)
        for w in (8, 4, 2, 1):
            for l in range(w):
                lane[l] = r(lane[l] + lane[l + w])
        return lane[0]

    def horner(self, c, x):
        fma, p = self.fma, c[0]
        for a in c[1:]:
            p = fma(p, x, a)
        return p

    # ---- functions ----

    def exp(self, x):
        if x != x:
            return x
        fma, k = self.fma, self.k
        shift = k["R"] + k["B"]
        y = k["lowest"] if k["lowest"] > x else x
        if x > k["highest"]:
            return INF
        n = self.round(fma(y, k["log2e"], shift) - shift)
        r = fma(-n, k["ln2_lo"], fma(-n, k["ln2_hi"], y))
        f = 0.0 if n == -k["B"] else math.ldexp(1, int(n) - 1)
        return self.round(self.horner(self.c["exp"], r) * f)

    def tail(self, t):
        """Q, phi and the bounded t."""
        fma, k, c, rnd = self.fma, self.k, self.c, self.round
        t = k["T"] if k["T"] < t else t
        shift, w = k["R"] + k["G"], -k["log2e"] / 2
        s = rnd(t * t)
        n = rnd(fma(s, w, shift) - shift)
        r = fma(s, w, -n)
        f = 0.0 if n == -k["G"] else math.ldexp(1, int(n) - int(k["S"]))
        phi = rnd(self.horner(c["gauss"], r) * f)
        p = fma(self.horner(c["odd"], s), t, self.horner(c["even"], s))
        for a in c["last"]:
            p = fma(p, t, a)
        return rnd(phi * p), phi, t

    def gelu(self, x):
        """The value and the slope."""
        if x != x:
            return x, x
        q, phi, t = self.tail(abs(x))
        d = self.fma(-t, phi, q)
        return self.fma(-t, q, 0.0 if 0 > x else x), d if x < 0 else self.round(1 - d)

    def relu(self, x):
        h = 0.0 if 0 > x else x
        return h, 1.0 if 0 < h else 0.0

    def square(self, x):
        return self.round(x * x), self.round(x + x)

    def tanh(self, x):
        if x != x:
            return x, x
        rnd, t, z = self.round, abs(x), self.round(x * x)
        if t < 0.625:
            p = self.horner(self.c["tanh_p"], z)
            if self.bits == 64:
                c = self.c["tanh_q"]
                p /= self.horner([z + c[0]] + c[1:], z)
            h = self.fma(rnd(x * z), p, x)
        else:
            h = rnd(1 - rnd(2 / rnd(self.exp(rnd(t + t)) + 1)))
            h = -h if x < 0 else h
        return h, rnd(1 - rnd(h * h))


def log(x):
    bits = struct.unpack("<Q", struct.pack("<d", x))[0]
    e = (bits >> 52) - 1023
    m = struct.unpack("<d", struct.pack("<Q", bits & (1 << 52) - 1 | 1023 << 52))[0]
    if m > float.fromhex("0x1.6a09e667f3bcdp+0"):
        m, e = m * 0.5, e + 1
    s = (m - 1) / (m + 1)
    z = s * s
    p = 1 / 23
    for k in range(21, 1, -2):
        p = p * z + 1 / k
    g = 2 * s * (z * p)
    return e * float.fromhex("0x1.62e42feep-1") + (
        2 * s + (g + e * float.fromhex("0x1.a39ef35793c76p-33")))


def turn(u):
    """sin and cos of 2 pi u."""
    k = int(4 * u + 0.5)
    a = (u - 0.25 * k) * float.fromhex("0x1.921fb54442d18p+2")
    z = a * a
    p = c = 0.0
    for i in range(16, 0, -2):
        p = (1 - p) * z / (i * (i + 1))
        c = (1 - c) * z / (i * (i - 1))
    s, c = a * (1 - p), 1 - c
    return ((s, c), (c, -s), (-s, -c), (-c, s))[k % 4]
