"""A run: its first state, updates, holds, edits, metrics, the bytes and id of its state."""
import itertools
import math
import struct

import losses
from models import EmbedMlp, Mlp
from real import NAN, div, sqrt
from streams import normals, permutation, subset
from tasks import Task
from xxh3 import digest

MODELS = {"embed_mlp": EmbedMlp, "mlp": Mlp}
MOMENTS = {"adamw": ("adam.m", "adam.v"), "sgd": ("sgd.momentum",)}
ONE_NAN = {"f": struct.pack("<I", 0xFFC00000), "d": struct.pack("<Q", 0xFFF8000000000000)}


def lanes64(terms):
    """A sum in lanes, float64."""
    lane = [0.0] * 16
    for i, x in enumerate(terms):
        lane[i % 16] += x
    for w in (8, 4, 2, 1):
        for l in range(w):
            lane[l] += lane[l + w]
    return lane[0]


def flat(tensor):
    return list(itertools.chain.from_iterable(tensor)) if isinstance(tensor[0], list) else tensor


def shaped(values, shape):
    if len(shape) == 1:
        return values
    return [values[i:i + shape[1]] for i in range(0, len(values), shape[1])]


class Trainer:
    """`reals` are the two precisions by name. Parameters, moments and averages are flat lists."""

    def __init__(self, settings, reals, seed):
        self.reals, self.seed, self.step_count = reals, seed, 0
        self.take_settings(settings)
        self.param = {t[0]: self.first(*t[1:]) for t in self.model.tensors}
        self.moment = {m: self.zeros() for m in MOMENTS[self.s["optimizer"]]}
        self.average = self.zeros() if self.s["grad"] == "ema" else None
        self.power = [1.0, 1.0] if self.s["optimizer"] == "adamw" else []
        self.temperature = self.s["temperature"]
        self.order = permutation(seed, self.task.n)
        self.split()

    def take_settings(self, settings):
        self.s = settings
        self.real, self.loss_real = self.reals[settings["precision"]], self.reals[
            settings["precision.loss"]]
        self.task = Task(settings)
        self.model = MODELS[settings["model"]](settings, self.task, self.real)
        self.shape = {t[0]: t[2] for t in self.model.tensors}
        self.holds_temperature = any(h.kind == "logit_scale" for h in settings.holds)
        self.frozen = {n for g in settings.freezes for n in self.model.group(g)}
        self.before = None  # the weights before the last update, and after it before holds
        self.check = 0.0

    def first(self, place, shape, fan_in, init):
        n = math.prod(shape)
        if not fan_in:
            return [0.0] * n
        scale = 1 / sqrt(fan_in)
        return [self.real.round(g * scale * init) for g in normals(self.seed, place, n)]

    def zeros(self):
        return {name: [0.0] * len(p) for name, p in self.param.items()}

    def split(self):
        N = self.task.train
        trained = int(self.s["data.train"] * N) if "data.train" in self.s else N
        self.trained = sorted(self.order[:trained])
        self.left_out = sorted(self.order[trained:N])
        self.test = sorted(self.order[N:])

    # ---- one step ----

    def logits(self, places):
        """What the loss sees, and the lengths of normalize."""
        s, r, q = self.s, self.real, self.loss_real
        scale = div(s["output_scale"], self.temperature)
        w = {name: shaped(p, self.shape[name]) for name, p in self.param.items()}
        zs = self.model.forward(w, places)
        if scale != 1:
            zs = [[r.round(x * r.round(scale)) for x in z] for z in zs]
        return w, [losses.transform(q, s, [q.round(x) for x in z]) for z in zs]

    def gradient(self):
        s, q = self.s, self.loss_real
        places = self.trained
        if s["batch"] != "full":
            at = subset(self.seed, self.step_count, int(s["stream.batch"]), int(s["batch"]),
                        len(places))
            places = [places[i] for i in at]
        w, seen = self.logits(places)
        f = div(s["output_scale"], self.temperature) / len(places)
        self.check, gs = 0.0, []
        for place, (z, length) in zip(places, seen):
            g, check = losses.GRADIENT[s["loss"]](q, z, self.task.label(place), f)
            self.check += check
            g = losses.transform_back(q, s, z, length, g)
            gs.append([self.real.round(x) for x in g])
        return {name: flat(g) for name, g in self.model.backward(w, gs).items()}

    def transformed(self, name, g):
        s, r, w = self.s, self.real.round, self.param[name]
        if s["grad"] == "ema":
            beta, take = r(s["grad.ema.beta"]), r(1 - s["grad.ema.beta"])
            lam, m = r(s["grad.ema.lambda"]), self.average[name]
            m[:] = [r(r(beta * a) + r(take * b)) for a, b in zip(m, g)]
            return [r(b + r(lam * a)) for a, b in zip(m, g)]
        if s["grad"] == "perp":
            along = square = 0.0
            for a, b in zip(w, g):
                along += a * b
                square += a * a
            if square:
                k = r(along / square)
                return [r(b - r(k * a)) for a, b in zip(w, g)]
        return g

    def rate(self, name):
        s = self.s
        group = "lr.biases" if name[0] == "b" else "lr.weights"
        return s.get("lr." + name, s.get(group, s["optimizer.lr"]))

    def update(self, name, g):
        s, r = self.s, self.real.round
        lr, decay = self.rate(name), 0.0 if name[0] == "b" else s["optimizer.decay"]
        order, factor = s["optimizer.order"], r(1 - lr * decay)
        pre = factor if order == "decay_then_step" else 1.0
        post = factor if order == "step_then_decay" else 1.0
        p = self.param[name]
        if s["optimizer"] == "sgd":
            mu, eta = r(s["optimizer.momentum"]), r(lr)
            kappa = r(decay) if order == "coupled" else 0.0
            m = self.moment["sgd.momentum"][name]
            m[:] = [r(r(mu * a) + r(b + r(kappa * c))) for a, b, c in zip(m, g, p)]
            p[:] = [r(r(r(c * pre) - r(eta * a)) * post) for a, c in zip(m, p)]
            return
        beta1, beta2 = s["optimizer.beta1"], s["optimizer.beta2"]
        b1, a1, b2, a2 = r(beta1), r(1 - beta1), r(beta2), r(1 - beta2)
        step, c2 = r(lr / (1 - self.power[0])), r(1 / (1 - self.power[1]))
        eps, ms, vs = r(s["optimizer.eps"]), self.moment["adam.m"][name], self.moment["adam.v"][name]
        for i, x in enumerate(g):
            m = ms[i] = r(r(b1 * ms[i]) + r(a1 * x))
            v = vs[i] = r(r(b2 * vs[i]) + r(a2 * r(x * x)))
            quotient = r(div(m, r(r(sqrt(r(v * c2))) + eps)))
            p[i] = r(r(r(p[i] * pre) - r(step * quotient)) * post)

    def step(self):
        grad = self.gradient()
        old = {name: list(p) for name, p in self.param.items()}
        if self.power:
            self.power = [self.power[0] * self.s["optimizer.beta1"],
                          self.power[1] * self.s["optimizer.beta2"]]
        for name in self.param:
            if name not in self.frozen:
                self.update(name, self.transformed(name, grad[name]))
        self.before = old, {name: list(p) for name, p in self.param.items()}
        self.hold_all()
        self.step_count += 1

    # ---- holds ----

    def squares(self, names):
        total = 0.0
        for name in names:
            total += lanes64(x * x for x in self.param[name])
        return total

    def scale(self, names, factor):
        r, f = self.real.round, self.real.round(factor)
        for name in names:
            self.param[name][:] = [r(x * f) for x in self.param[name]]

    def hold_norm(self, h):
        names = self.model.group(h.groups[0])
        norm = sqrt(self.squares(names))
        if norm != 0 and not (h.at_most and norm <= h.v[0]):
            self.scale(names, h.v[0] / norm)

    def hold_rows(self, h):
        r = self.real.round
        for name in self.model.group(h.groups[0]):
            p, shape = self.param[name], self.shape[name]
            for i in range(0, len(p), shape[-1]):
                row = p[i:i + shape[-1]]
                norm = sqrt(lanes64(x * x for x in row))
                if norm != 0 and not (h.at_most and norm <= h.v[0]):
                    f = r(h.v[0] / norm)
                    p[i:i + shape[-1]] = [r(x * f) for x in row]

    def hold_share(self, h):
        groups = [self.model.group(g) for g in h.groups]
        squares, total, shares = [self.squares(g) for g in groups], 0.0, 0.0
        for q, v in zip(squares, h.v):
            total, shares = total + q, shares + v
            if q == 0 and v > 0:
                return
        for names, q, v in zip(groups, squares, h.v):
            if q > 0:
                self.scale(names, sqrt(v / shares * (total / q)))

    def hold_logit_scale(self, h):
        mean, = self.measure(["logit_scale"])
        if 0 < mean < math.inf:
            self.temperature *= mean / h.v[0]

    def hold_all(self):
        act = {"norm": self.hold_norm, "norm(rows)": self.hold_rows, "share": self.hold_share,
               "logit_scale": self.hold_logit_scale}
        for h in sorted(self.s.holds, key=lambda h: h.kind == "logit_scale"):
            act[h.kind](h)

    # ---- taking over, edits ----

    def fork(self, settings, edits=(), own_hold=False):
        """The settings of an arm that starts here, then its edits, then the holds in force."""
        held = self.holds_temperature
        self.take_settings(settings)
        r = self.real.round
        for tensors in (self.param, *self.moment.values(), self.average or {}):
            for name, x in tensors.items():
                x[:] = [r(v) for v in x]
        if settings["grad"] != "ema":
            self.average = None
        elif self.average is None:
            self.average = self.zeros()
        if not (held and self.holds_temperature):
            self.temperature = settings["temperature"]
        self.split()
        for edit in edits:
            self.edit(*edit)
        if own_hold or edits:
            self.hold_all()

    def edit(self, target, op, v):
        r = self.real.round
        if target == "moments":
            self.moment = {m: self.zeros() for m in self.moment}
        elif target.startswith("norm("):
            names = self.model.group(target[5:-1])
            norm = sqrt(self.squares(names))
            want = {"=": v, "*=": norm * v, "+=": norm + v}[op]
            if norm != 0:
                self.scale(names, want / norm)
        elif op == "*=":
            self.scale(self.model.group(target), v)
        else:
            for name in self.model.group(target):
                p = self.param[name]
                p[:] = [r(v) if op == "=" else r(x + r(v)) for x in p]

    def diverged(self):
        return not (math.isfinite(self.check) and math.isfinite(self.squares(self.param)))

    # ---- metrics ----

    def field(self, kind, z, y):
        r, loss = self.loss_real, self.s["loss"]
        return {"acc": lambda: losses.correct(z, y), "loss": lambda: losses.value(loss, r, z, y),
                "margin": lambda: losses.margin(r, z, y), "norm": lambda: losses.norm(r, z),
                "p_correct": lambda: losses.p_correct(loss, r, z, y)}[kind]()

    def mean(self, kind, which, meets=None):
        total, n = 0.0, 0
        for name in {"all": ("trained", "left_out", "test"), "train": ("trained",)}.get(
                which, ("test",)):
            places = getattr(self, name)
            if name not in self.seen:
                self.seen[name] = self.logits(places)[1]
            n += len(places)
            for place, (z, _) in zip(places, self.seen[name]):
                x = self.field(kind, z, self.task.label(place))
                total += meets(x) if meets else x
        return div(total, n)

    def of_update(self, names):
        """W, D, A of a group, or None."""
        sums = [0.0, 0.0, 0.0]
        for name in names:
            old, new = self.before[0][name], self.before[1][name]
            sums[0] += lanes64(w * w for w in old)
            sums[1] += lanes64((x - w) * (x - w) for x, w in zip(new, old))
            sums[2] += lanes64((x - w) * w for x, w in zip(new, old))
        return sums

    def measure(self, texts):
        """Metrics as a protocol writes them; frac of >= alone."""
        self.seen = {}  # the logits of each set
        return [self.metric(text) for text in texts]

    def metric(self, text):
        name, _, rest = text.rstrip(")").partition("(")
        if name in ("acc", "loss", "margin"):
            return self.mean(name, rest)
        if name == "logit_scale":
            return self.mean("norm", "all")
        if name == "frac":
            which, field, bound = rest.replace(",", "").replace(">= ", "").split()
            return self.mean(field, which, lambda x: x >= float(bound))
        names = self.model.group(rest)
        if not names:
            return NAN
        if name == "norm":
            return sqrt(self.squares(names))
        if name == "share":
            return div(self.squares(names), self.squares(self.model.group("weights")))
        if not self.before:
            return NAN
        W, D, A = self.of_update(names)
        return div(sqrt(D), sqrt(W)) if name == "eff_lr" else div(A, sqrt(D) * sqrt(W))

    # ---- the id ----

    def tensors(self):
        """name -> type, shape, bytes; sorted."""
        r, out = self.real, {}
        code = {32: 1, 64: 2}[r.bits]
        kinds = {"param": self.param, **self.moment}
        if self.average is not None:
            kinds["grad.ema"] = self.average
        for kind, tensors in kinds.items():
            for name, x in tensors.items():
                out[f"{kind}.{name}"] = code, self.shape[name], self.bytes_of(x)
        scalars = dict(zip(("adam.beta1_power", "adam.beta2_power"), self.power))
        if self.holds_temperature:
            scalars["temperature"] = self.temperature
        for name, x in scalars.items():
            out[name] = 2, (), struct.pack("<d", x)
        out["step"] = 4, (), struct.pack("<Q", self.step_count)
        out["seed"] = 4, (), struct.pack("<Q", self.seed)
        out["data.order"] = 3, (self.task.n,), struct.pack(f"<{self.task.n}I", *self.order)
        return dict(sorted(out.items()))

    def bytes_of(self, x):
        r = self.real
        if not any(v != v for v in x):
            return r.pack(x)
        return b"".join(ONE_NAN[r.code] if v != v else r.pack([v]) for v in x)

    def ids(self):
        """The id of the state, and that of each tensor."""
        tensors, of_tensor = self.tensors(), {}
        out = b"stemma state 1\n\0" + struct.pack("<I", len(tensors))
        for name, (code, shape, data) in tensors.items():
            entry = struct.pack("<I", len(name)) + name.encode()
            entry += bytes([code, len(shape), len(data) > 1024, 0])
            entry += struct.pack(f"<{len(shape)}I", *shape)
            if len(data) > 1024:
                chunks = [data[i:i + (1 << 20)] for i in range(0, len(data), 1 << 20)]
                entry += struct.pack("<I", len(chunks))
                data = b"".join(b"\1" + digest(c) for c in chunks)
            entry += data
            of_tensor[name] = digest(entry.ljust(256, b"\0")).hex()
            out += entry
        return digest(out.ljust(256, b"\0")).hex(), of_tensor
