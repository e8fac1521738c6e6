"""The networks: tensors, forward and backward pass. A matrix is a list of rows."""


def transpose(m):
    return [list(col) for col in zip(*m)]


class Model:
    """What both have: `tensors` is (name, place, shape, fan in, factor of the init)."""

    def __init__(self, s, task, real):
        self.task, self.real = task, real
        self.H = int(s["model.hidden"])
        self.act = getattr(real, s["model.act"])
        self.bias = s["model.bias"] == "on"
        self.tensors = [t for t in self.shapes(s) if self.bias or t[0][0] != "b"]

    def group(self, name):
        """The names of its tensors, in order."""
        return [t[0] for t in self.tensors
                if name in (t[0], "all") or name == ("biases" if t[0][0] == "b" else "weights")]

    def activate(self, x):
        """[(h, slope)] of a row."""
        return [self.act(v) for v in x]

    def product(self, x, wt, start):
        """start + x W for a row x, W given as its columns."""
        chain = self.real.chain
        return [chain(s, x, col) for s, col in zip(start, wt)]

    def last_layer_back(self, hs, gs, w):
        """dW, db and the dh of each example."""
        r = self.real
        cols, dz = transpose(hs), transpose(gs)
        dw = [[r.chain(0.0, h, g) for g in dz] for h in cols]
        return dw, [r.lanes(g) for g in dz], [[r.chain(0.0, g, row) for row in w] for g in gs]

    def add_rows(self, rows, n):
        r, out = self.real.round, [0.0] * n
        for row in rows:
            out = [r(a + b) for a, b in zip(out, row)]
        return out

    def scatter(self, dhs, slopes, at, tokens):
        """Rows of sums of dh h' by token, examples ascending."""
        r = self.real.round
        d = [[0.0] * self.H for _ in range(tokens)]
        for dh, slope, rows in zip(dhs, slopes, at):
            dx = [r(a * b) for a, b in zip(dh, slope)]
            for i in rows:
                d[i] = [r(a + b) for a, b in zip(d[i], dx)]
        return d


class EmbedMlp(Model):
    def shapes(self, s):
        p, C, H, d = self.task.p, self.task.classes, self.H, int(s["model.embed"])
        self.d = d
        return [("E", 0, (p, d), d, s["model.init_E"]),
                ("W1", 1, (2 * d, H), 2 * d, s["model.init_W1"]),
                ("b1", 2, (H,), 0, 1), ("W2", 3, (H, C), H, s["model.init_W2"]),
                ("b2", 4, (C,), 0, 1)]

    def forward(self, w, places):
        d, add = self.d, self.real.round
        zeros = [0.0] * max(self.H, self.task.classes)
        b1, b2 = w.get("b1", zeros), w.get("b2", zeros)
        first, second, w2 = transpose(w["W1"][:d]), transpose(w["W1"][d:]), transpose(w["W2"])
        u = [self.product(e, first, b1) for e in w["E"]]
        v = [self.product(e, second, zeros) for e in w["E"]]
        self.at = [self.task.pair(i) for i in places]
        self.h, self.slope, z = [], [], []
        for a, b in self.at:
            both = self.activate([add(x + y) for x, y in zip(u[a], v[b])])
            self.h.append([h for h, _ in both])
            self.slope.append([g for _, g in both])
            z.append(self.product(self.h[-1], w2, b2))
        return z

    def backward(self, w, g):
        d, p, chain = self.d, self.task.p, self.real.chain
        dw2, db2, dh = self.last_layer_back(self.h, g, w["W2"])
        du = self.scatter(dh, self.slope, [(a,) for a, _ in self.at], p)
        dv = self.scatter(dh, self.slope, [(b,) for _, b in self.at], p)
        columns, du_t, dv_t = transpose(w["E"]), transpose(du), transpose(dv)
        dw1 = [[chain(0.0, e, x) for x in half] for half in (du_t, dv_t) for e in columns]
        de = [[chain(chain(0.0, du[a], w["W1"][i]), dv[a], w["W1"][d + i]) for i in range(d)]
              for a in range(p)]
        grad = {"E": de, "W1": dw1, "b1": self.add_rows(du, self.H), "W2": dw2, "b2": db2}
        return {t[0]: grad[t[0]] for t in self.tensors}


class Mlp(Model):
    def shapes(self, s):
        H, C, L = self.H, self.task.classes, int(s["model.layers"])
        self.L, out = L, []
        for l in range(1, L + 2):
            fan = H if l > 1 else self.task.inputs if self.task.points else 2 * self.task.p
            wide = C if l == L + 1 else H
            what = "in" if l == 1 else "out" if l == L + 1 else "hidden"
            out += [(f"W{l}", 2 * (l - 1), (fan, wide), fan, s[f"model.init_{what}"]),
                    (f"b{l}", 2 * (l - 1) + 1, (wide,), 0, 1)]
        return out

    def of_bias(self, w, l):
        return w.get(f"b{l}", [0.0] * len(w[f"W{l}"][0]))

    def forward(self, w, places):
        r, points = self.real.round, self.task.points
        w1, b1 = w["W1"], self.of_bias(w, 1)
        turned = {l: transpose(w[f"W{l}"]) for l in range(1, self.L + 2)}
        zeros = [0.0] * self.H
        self.at, z = [], []
        self.inputs = {l: [] for l in range(1, self.L + 2)}  # what layer l reads
        self.slope = {l: [] for l in range(1, self.L + 1)}
        for i in places:
            if points:
                h = self.task.row(i)
            else:
                a, b = self.task.pair(i)
                self.at.append((a, self.task.p + b))
                h = None
            for l in range(1, self.L + 1):
                self.inputs[l].append(h)
                if h is None:
                    first = [r(x + y) for x, y in zip(w1[a], b1)]
                    x = [r(x + y) for x, y in zip(first, w1[self.task.p + b])]
                else:
                    x = self.product(h, turned[l], zeros)
                    x = [r(x + y) for x, y in zip(x, self.of_bias(w, l))]
                both = self.activate(x)
                h = [v for v, _ in both]
                self.slope[l].append([g for _, g in both])
            self.inputs[self.L + 1].append(h)
            z.append(self.product(h, turned[self.L + 1], self.of_bias(w, self.L + 1)))
        return z

    def hidden_back(self, w, l, dhs, grad):
        """A layer that is a product; the dh of the layer before."""
        real, r = self.real, self.real.round
        products = [[r(a * b) for a, b in zip(dh, s)] for dh, s in zip(dhs, self.slope[l])]
        grad[f"b{l}"] = self.add_rows(products, self.H)
        dxs = [[r(0.0 + x) for x in row] for row in products]
        dx = transpose(dxs)
        grad[f"W{l}"] = [[real.chain(0.0, x, d) for d in dx] for x in transpose(self.inputs[l])]
        return [[real.chain(0.0, d, row) for row in w[f"W{l}"]] for d in dxs] if l > 1 else None

    def backward(self, w, g):
        L, grad = self.L, {}
        last = f"W{L + 1}"
        grad[last], grad[f"b{L + 1}"], dh = self.last_layer_back(self.inputs[L + 1], g, w[last])
        for l in range(L, 0, -1):
            if l > 1 or self.task.points:
                dh = self.hidden_back(w, l, dh, grad)
            else:
                grad["W1"] = self.scatter(dh, self.slope[1], self.at, 2 * self.task.p)
                grad["b1"] = self.add_rows(grad["W1"][:self.task.p], self.H)
        return {t[0]: grad[t[0]] for t in self.tensors}
