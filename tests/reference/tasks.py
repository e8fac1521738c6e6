"""The examples of a task: n places, each with its number, label and, for points, its row."""
from streams import DATA, words


class Task:
    def __init__(self, s):
        self.kind = s["task"]
        self.points = self.kind == "sparse_parity"
        if self.points:
            self.n, self.classes = int(s["task.samples"]), 2
            self.inputs, self.relevant = int(s["task.bits"]), int(s["task.relevant"])
        else:
            self.p = self.classes = int(s["task.p"])
            self.n = self.p * (self.p - (self.kind == "modular_div"))
        self.train = int(s["task.train"] * self.n)

    def pair(self, place):
        """(a, b)."""
        p = self.p
        if self.kind == "modular_div":
            return place // (p - 1), place % (p - 1) + 1
        return divmod(place, p)

    def row(self, point):
        w, out = words(0, DATA, point), []
        for j in range(self.inputs):
            word = next(w) if j % 32 == 0 else word
            out.append(-1.0 if word >> j % 32 & 1 else 1.0)
        return out

    def label(self, place):
        if self.points:
            return self.row(place)[:self.relevant].count(-1.0) % 2
        a, b = self.pair(place)
        p = self.p
        return {"modular_add": lambda: (a + b) % p, "modular_sub": lambda: (a - b) % p,
                "modular_mul": lambda: a * b % p,
                "modular_div": lambda: a * pow(b, p - 2, p) % p}[self.kind]()
