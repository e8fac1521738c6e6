"""Random protocols of tiny networks, and random edits of them.

What is made is mostly valid; what the checker refuses is mended by taking out the statements that
it complains about (see `valid` in driver.py), so that no rule of the language is written here a
second time.
"""

import re

from protocol_tree import Stmt

NUMBERS = {
    "lr": ["0.003", "0.01", "0.03", "0.1"],
    "weight_decay": ["0", "0.01", "0.3", "1"],
    "temperature": ["0.5", "0.8", "1.3", "2"],
    "output_scale": ["0.5", "2", "3"],
}


class Generator:
    def __init__(self, rng):
        self.r = rng
        self.names = 0
        self.events = []
        self.metrics = []
        self.arms = []  # (name, fork, sweep variables, heads of actions)
        self.forks = []  # (name, captures, calibrations)
        self.runs = []
        self.lets = []
        self.claims = []

    # ---- small choices ----

    def chance(self, p):
        return self.r.random() < p

    def pick(self, *xs):
        return self.r.choice(xs)

    def name(self, stem):
        self.names += 1
        return "%s%d" % (stem, self.names)

    def steps(self, lo, hi):
        """A number of steps, more often than not on one of the grids."""
        n = self.r.randint(lo, hi)
        grid = self.pick(1, self.every, self.every, self.log_every)
        return max(lo, n // grid * grid)

    # ---- what is trained ----

    def setup(self):
        vector = self.chance(0.15)
        if vector:
            task = "sparse_parity(bits = %d, relevant = %d, samples = %d, train = %s)" % (
                self.r.randint(3, 6), self.r.randint(1, 3), self.r.randint(12, 30), self.pick("0.5", "0.7"))
        else:
            task = "%s(p = %s, train = %s)" % (
                self.pick("modular_add", "modular_add", "modular_sub", "modular_mul", "modular_div"),
                "P" if self.chance(0.1) else self.pick("5", "5", "7"), self.pick("0.4", "0.6", "0.7"))
        mlp = vector or self.chance(0.4)
        act = self.pick("gelu", "relu", "relu", "square", "tanh")
        if mlp:
            self.layers = self.pick(1, 1, 2, 2, 3, 4, 5, 5)
            args = ["layers = %d" % self.layers, "hidden = %d" % self.pick(3, 4, 6)]
            inits = ["init_in", "init_hidden", "init_out"]
            self.groups = ["W%d" % (i + 1) for i in range(self.layers + 1)]
            self.biases = ["b%d" % (i + 1) for i in range(self.layers + 1)]
        else:
            args = ["embed = %d" % self.pick(2, 3, 4), "hidden = %d" % self.pick(3, 4, 6)]
            inits = ["init_E", "init_W1", "init_W2"]
            self.groups = ["E", "W1", "W2"]
            self.biases = ["b1", "b2"]
        self.bias = not self.chance(0.15)
        if self.chance(0.7):
            args.append("act = " + act)
        if not self.bias:
            args.append("bias = off")
        elif self.chance(0.03):
            args.append("bias = on")
        if self.chance(0.1):
            args.append("init = normal_fan_in")
        if self.chance(0.15):
            args.append("%s = %s" % (self.r.choice(inits), self.pick("0.5", "2")))
        self.model = "mlp" if mlp else "embed_mlp"
        out = [Stmt("task t1 = " + task), Stmt("model m1 = %s(%s)" % (self.model, ", ".join(args)))]
        if " P," in task:
            out.insert(0, Stmt("param P = 5"))
        out.append(self.train())
        return out

    def optimizer(self):
        args = ["lr = " + self.pick("0.01", "0.03", "0.1")]
        adam = self.chance(0.7)
        self.optimizer_words = (["beta1", "beta2", "eps", "decay", "order"] if adam else ["momentum", "decay", "order"])
        for word, values in (("beta1", ("0.8", "0.5")), ("beta2", ("0.9", "0.99")), ("eps", ("1e-6", "1e-4")),
                             ("momentum", ("0.5", "0.9")), ("decay", ("0.1", "1")),
                             ("order", ("step_then_decay", "decay_then_step", "step_then_decay" if adam else "coupled"))):
            if word in self.optimizer_words and self.chance(0.3):
                args.append("%s = %s" % (word, self.r.choice(values)))
        return "%s(%s)" % ("adamw" if adam else "sgd", ", ".join(args))

    def train(self):
        kids = [Stmt("optimizer = " + self.optimizer())]
        seen = set()
        for _ in range(self.pick(0, 0, 1, 2, 3)):
            key, value = self.setting(train=True)
            if key not in seen:
                kids.append(Stmt("%s = %s" % (key, value)))
            seen.add(key)
        return Stmt("train base", kids)

    def setting(self, train=False):
        """A key and a value of it."""
        kind = self.pick("lr", "lr", "lr.", "weight_decay", "loss", "temperature", "output_scale", "precision",
                         "precision.loss", "logits", "grad", "batch", "stream.batch", "data.train")
        if train and kind in ("lr", "weight_decay"):
            kind = "lr."
        # the later the layer, the rarer the model that has it
        deep = self.groups[3:] + self.biases[3:]
        group = self.r.choice(deep if deep and self.chance(0.5) else self.groups + self.biases + ["weights", "biases"])
        value = {
            "lr.": lambda: self.r.choice(NUMBERS["lr"]),
            "loss": lambda: self.pick("cross_entropy", "mse", "stablemax"),
            "precision": lambda: self.pick("f64", "f64", "f32" if train else "f32 round nearest"),
            "precision.loss": lambda: self.pick("f32", "f64"),
            "logits": lambda: self.pick("plain", "clip(2)", "clip(c = 1)", "normalize(3)", "normalize(c = 2)"),
            "grad": lambda: self.pick("plain", "perp", "ema(beta = 0.8, lambda = 1)", "ema(0.5, 2)"),
            "batch": lambda: self.pick("full", "3", "5", "4"),
            "stream.batch": lambda: self.pick("1", "2", "0"),
            "data.train": lambda: self.pick("fraction(0.5)", "0.75", "1"),
        }
        key = "lr." + group if kind == "lr." else kind
        make = value.get(kind)
        return key, make() if make else self.r.choice(NUMBERS[kind])

    # ---- what is measured ----

    def group(self, biases=False):
        names = self.groups + ["weights", "weights"] + (self.biases + ["biases", "all"] if biases else [])
        return self.r.choice(names)

    def metric(self):
        kind = self.pick("acc", "acc", "loss", "loss", "margin", "frac", "logit_scale", "norm", "norm", "share",
                         "eff_lr", "cos")
        sets = self.pick("train", "train", "test", "all")
        if kind in ("acc", "loss", "margin"):
            return "%s(%s)" % (kind, sets)
        if kind == "frac":
            return "frac(%s, %s)" % (sets, self.pick("p_correct >= 0.3", "p_correct > 0.5", "margin > 0", "margin < 1"))
        if kind == "logit_scale":
            return kind
        return "%s(%s)" % (kind, self.group(biases=kind == "norm" and self.bias and self.chance(0.3)))

    def threshold(self, metric):
        head = metric.split("(")[0]
        low, high = {"acc": (0.1, 1), "loss": (0.05, 1.8), "margin": (-0.5, 3), "frac": (0.05, 1),
                     "logit_scale": (0.3, 8), "norm": (1, 9), "share": (0.1, 0.6), "eff_lr": (0.001, 0.2),
                     "cos": (-0.5, 0.5)}[head]
        return "%.3g" % self.r.uniform(low, high)

    def comparison(self):
        m = self.metric()
        if self.metrics and self.chance(0.15):
            return "%s %s %s" % (self.r.choice(self.metrics), self.pick("<", ">"), "%.2g" % self.r.uniform(-0.3, 0.5))
        kind = self.r.random()
        if kind < 0.72:
            return "%s %s %s" % (m, self.pick("<", ">", "<=", ">=", ">=", "<"), self.threshold(m))
        if kind < 0.82:
            return "%s %s %s" % (m, self.pick("<", ">="), self.metric())
        if kind < 0.88:
            return "%s in [%s, %s]" % (m, "0.2", "2.5")
        if kind < 0.93:
            return "0.1 < %s < %s" % (m, self.threshold(m))
        return "%s %s %s / %s" % (m, self.pick("<", ">"), self.metric(), self.metric())

    def condition(self):
        c = self.comparison()
        for _ in range(self.pick(0, 0, 0, 1, 2)):
            other = self.r.choice(self.events) if self.events and self.chance(0.5) else self.comparison()
            c = "%s %s %s%s" % (c, self.pick("and", "or", "or"), self.pick("", "", "not "), other)
        return c

    def measured(self):
        self.every = self.pick(1, 2, 3, 5, 5, 10)
        self.log_every = self.pick(2, 5, 10, 10, 7, 20)
        kids = []
        if self.chance(0.35):
            kids.append(self.user_metric())
        for _ in range(self.pick(1, 2, 2, 3, 4)):
            kids.append(self.event())
        out = [Stmt("every %d steps" % self.every, kids)]
        if self.chance(0.75):
            out.append(self.log())
        return out

    def user_metric(self):
        m = self.name("gap")
        s = Stmt("metric %s = %s %s %s" % (m, self.metric(), self.pick("-", "+", "*", "/"), self.metric()))
        self.metrics.append(m)
        return s

    def event(self):
        e = self.name("ev")
        s = Stmt("event %s = %s" % (e, self.condition()))
        self.events.append(e)
        return s

    def log(self):
        logs = [self.metric() for _ in range(self.r.randint(1, 3))]
        if self.metrics and self.chance(0.3):
            logs.append(self.r.choice(self.metrics))
        return Stmt("log every %d steps { %s }" % (self.log_every, ", ".join(dict.fromkeys(logs))))

    # ---- times ----

    def any_event(self):
        return self.r.choice(self.events) if self.events else "ev0"

    def after(self, base):
        return " after step %d" % self.steps(base, base + 40) if self.chance(0.25) else ""

    def stop(self, base):
        """`base`: a step at or after which the arm begins, as far as can be told."""
        bound = self.pick("step %d" % self.steps(base + 1, base + 60), "+ %d steps" % self.steps(1, 50))
        alternatives = []
        for _ in range(self.pick(0, 0, 1, 1, 2)):
            alternatives.append("%s %s%s" % (self.pick("each", "each", "all", "any"), self.any_event(), self.after(base)))
        return Stmt("stop at " + " or ".join(alternatives + [bound]))

    def fork_time(self, base):
        kind = self.pick("start", "step", "step", "plus", "plus", "each", "each", "all", "any")
        if kind == "start":
            return "start", base
        if kind == "step":
            n = self.steps(base, base + 30)
            return "step %d" % n, n
        if kind == "plus":
            n = self.steps(0, 30)
            return "+ %d steps" % n, base + n
        return "%s %s%s" % (kind, self.any_event(), self.after(base)), base

    def edge(self, base):
        return self.pick("step %d" % self.steps(base, base + 30), "+ %d steps" % self.steps(0, 25),
                         "each %s%s" % (self.any_event(), self.after(base)))

    def window(self, base, once=False):
        out = ""
        if self.chance(0.5 if once else 0.35):
            out += " from " + self.edge(base)
        if not once and self.chance(0.25):
            out += " until " + self.edge(base + 5)
        return out

    # ---- interventions ----

    def value(self, ctx):
        """A positive number: a constant, a capture, a calibration."""
        known = [c for c in ctx["captures"]] + ctx["calibrations"]
        if known and self.chance(0.6):
            x = self.r.choice(known)
            return self.pick(x, x, "1.1 * " + x, "%s * 0.9" % x, "(%s + %s) / 2" % (x, x), "%s + 0.1" % x,
                             "%s - 0.05" % x)
        return self.pick("%.2g", "%.2g", "sqrt(%.2g)", "max(%.2g, 1)", "exp(%.2g / 5)") % self.r.uniform(0.8, 5)

    def held(self):
        kind = self.pick("norm", "norm", "norm", "rows", "share", "logit_scale")
        if kind == "norm":
            return "norm(%s)" % self.group()
        if kind == "rows":
            return "norm(rows(%s))" % self.r.choice(self.groups)
        if kind == "logit_scale":
            return kind
        n = self.r.randint(2, min(3, len(self.groups)))
        return "share(%s)" % ", ".join(self.r.sample(self.groups, n))

    def action(self, ctx):
        base = ctx["base"]
        verb = self.pick("set", "set", "hold", "hold", "hold", "once", "once", "freeze", "release")
        if verb == "set":
            key, value = self.setting()
            if key in NUMBERS and ctx["calibrations"] and self.chance(0.3):
                value = self.pick("0.01 * %s", "%s / 200") % self.r.choice(ctx["calibrations"])
            return Stmt("set %s = %s%s" % (key, value, self.window(base)))
        if verb == "hold":
            q = self.held()
            ctx["held"].append(q)
            if q.startswith("share"):
                n = q.count(",") + 1
                value = "(0.3, 0.7)" if n == 2 else "(0.2, 0.5, 0.3)"
                return Stmt("hold %s = %s%s" % (q, value, self.window(base)))
            op = "<=" if q != "logit_scale" and self.chance(0.3) else "="
            return Stmt("hold %s %s %s%s" % (q, op, self.value(ctx), self.window(base)))
        if verb == "once":
            target = self.pick("moments", "group", "norm", "group")
            if target == "moments":
                return Stmt("once moments = 0" + self.window(base, once=True))
            if target == "norm":
                return Stmt("once norm(%s) %s %s%s" % (self.group(), self.pick("=", "*="),
                                                       self.value(ctx), self.window(base, once=True)))
            op, v = self.pick(("*=", "%.2g" % self.r.uniform(0.5, 1.6)), ("+=", "0.05"), ("=", "0.1"))
            return Stmt("once %s %s %s%s" % (self.group(biases=self.bias), op, v, self.window(base, once=True)))
        if verb == "freeze":
            g = self.group(biases=self.bias)
            ctx["held"].append(g)
            return Stmt("freeze %s%s" % (g, self.window(base)))
        if ctx["inherited"]:
            return Stmt("release " + self.r.choice(ctx["inherited"]))
        return self.action(ctx)

    # ---- the tree ----

    def require(self):
        what = self.any_event() if self.chance(0.4) else self.comparison()
        return Stmt("require %s %s" % (self.pick("all", "no", "no", "any", "any"), what))

    def capture(self, ctx):
        c = self.name("N")
        s = Stmt("capture %s = %s" % (c, self.pick("norm(%s)" % self.group(), "norm(weights)", self.metric())))
        ctx["captures"] = ctx["captures"] + [c]
        return s

    def sweep(self):
        kind = self.pick("number", "number", "zip", "pair", "group")
        v = self.name("x")
        if kind == "number":
            return "sweep %s in [0.9, 1.2]" % v, {v: ["0.9", "1.2"]}, "number"
        if kind == "zip":
            w = self.name("y")
            return "sweep (%s, %s) in [(0.8, 0.01), (1.2, 0.05)]" % (v, w), {v: ["0.8", "1.2"], w: ["0.01", "0.05"]}, "number"
        if kind == "pair":
            w = self.name("y")
            return "sweep %s in [0.9, 1.1], %s in [0.02, 0.05]" % (v, w), {v: ["0.9", "1.1"], w: ["0.02", "0.05"]}, "number"
        gs = self.r.sample(self.groups, 2)
        return "sweep %s in [%s]" % (v, ", ".join(gs)), {v: gs}, "group"

    def swept_action(self, binds, kind, ctx):
        v = list(binds)[0]
        if kind == "group":
            return Stmt(self.pick("once %s *= 0.8" % v, "freeze %s" % v, "set lr.%s = 0.02" % v, "hold norm(%s) = 2" % v))
        out = self.pick("set temperature = %s" % v, "once weights *= %s" % v, "hold norm(weights) = %s * 3" % v)
        if ctx["captures"] and self.chance(0.5):
            out = "hold norm(%s) = %s * %s" % (self.group(), self.r.choice(ctx["captures"]), v)
        return Stmt(out)

    def arm(self, ctx, fork, depth, empty):
        a = self.name("arm")
        inner = dict(ctx, held=[], inherited=ctx["inherited"] + ctx["held"])
        kids, binds, head = [], {}, ""
        if not empty:
            if self.chance(0.25):
                head, binds, kind = self.sweep()
                head = " " + head
                kids.append(self.swept_action(binds, kind, inner))
                if len(binds) > 1:
                    kids.append(Stmt("set lr = %s" % list(binds)[1]))
            for _ in range(self.pick(1, 1, 1, 1, 1, 2, 3) if not kids else self.pick(0, 0, 0, 1)):
                kids.append(self.action(inner))
            if self.chance(0.1):
                kids.insert(0, self.capture(inner))
            for _ in range(self.pick(*[0] * 17, 1, 1, 2)):
                kids.insert(0, self.require())
        if self.chance(0.25):
            kids.append(self.stop(ctx["base"]))
        if depth < 2 and self.chance(0.3 if depth == 0 else 0.15):
            kids.append(self.fork(inner, depth + 1))
        self.arms.append((a, fork, binds, [k.head for k in kids], empty))
        off = "off " if self.chance(0.03) else ""
        return Stmt("%sarm %s%s" % (off, a, head), kids)

    def fork(self, ctx, depth=0):
        f = self.name("fork")
        at, base = self.fork_time(ctx["base"]) if depth == 0 or self.chance(0.75) else ("start", ctx["base"])
        inner = dict(ctx, base=base, held=[], inherited=ctx["inherited"] + ctx["held"])
        kids, head = [], ""
        if self.chance(0.06):
            head, binds, _ = self.sweep()
            head = " " + head
            inner["captures"] = inner["captures"] + [v for v in binds if binds[v][0][0].isdigit()]
        for _ in range(self.pick(0, 0, 0, 0, 0, 0, 1, 1, 2, 3)):
            kids.append(self.require())
        for _ in range(self.pick(0, 1, 1, 2)):
            kids.append(self.capture(inner))
        if self.chance(0.12):
            kids.append(Stmt("need %s seeds" % self.pick("all", "1", str(self.n_seeds), "2")))
        if self.chance(0.75):
            kids.append(self.stop(base))
        first = True
        for _ in range(self.pick(1, 2, 2, 3, 3, 4) if depth == 0 else self.pick(1, 2, 2)):
            kids.append(self.arm(inner, f, depth, first and self.chance(0.8)))
            first = False
            if self.chance(0.15):
                kids.append(self.calibrate(inner))
        self.forks.append(f)
        return Stmt("fork %s%s at %s" % (f, head, at), kids)

    def calibrate(self, ctx):
        c = self.name("cal")
        arm = self.r.choice([a for a in self.arms if not a[2]] or self.arms)[0]
        what = self.pick("median(%s.norm(weights) @ stop)", "mean(%s.norm(weights) @ start)",
                         "median(%s.acc(train) @ stop) + 0.5", "max(%s.loss(train) @ stop) + 0.1",
                         "median(%s.norm(weights) @ fork)") % arm
        ctx["calibrations"] = ctx["calibrations"] + [c]
        return Stmt("calibrate %s = %s need %s seeds" % (c, what, self.pick("all", "1", str(max(1, self.n_seeds - 1)))))

    def run(self):
        run = self.name("run")
        self.runs.append(run)
        ctx = {"base": 0, "captures": [], "calibrations": [], "held": [], "inherited": []}
        kids = []
        if self.chance(0.25):
            kids.append(self.action(ctx))
        if self.chance(0.08):
            kids.append(self.capture(ctx))
        for _ in range(self.pick(0, 1, 1, 1, 1, 2)):
            kids.append(self.fork(ctx))
        kids.append(self.stop(20))
        return Stmt("run %s = m1 on t1 with base" % run, kids)

    # ---- claims ----

    def arm_ref(self, one=True):
        """An arm or run, with the values of its sweep where `one` is asked for."""
        if not self.arms or self.chance(0.1):
            return self.r.choice(self.runs)
        a, _, binds, _, _ = self.r.choice(self.arms)
        if not binds or (not one and self.chance(0.7)):
            return a
        i = self.r.randint(0, 1)  # those of a zipped sweep go in step; of a product all pairs are there
        return "%s[%s]" % (a, ", ".join("%s = %s" % (v, binds[v][i]) for v in binds))

    def sample(self, m=None):
        at = self.pick("stop", "stop", "start", "fork", "step", "nearest", "event")
        if at == "step":
            at = "step %d" % self.steps(0, 50)
        if at == "nearest":
            at = "nearest(%s)" % self.pick("fork", "stop", "%d" % self.steps(0, 60), "median(%s)" % self.any_event())
        if at == "event":
            at = self.any_event()
        return "%s @ %s" % (m or (self.r.choice(self.metrics) if self.metrics and self.chance(0.2) else self.metric()), at)

    def statistic(self, ref=""):
        """One number over seeds; `ref`: "arm." or nothing, for the arm that reads it."""
        e = self.any_event()
        captures = self.all_captures
        m = "%s%s" % (ref, self.sample())
        kind = self.pick("median", "mean", "time", "time", "count", "frac", "only", "restricted", "quantile", "spread",
                         "extreme", "log", "truth", "capture", "stop", "abs")
        if kind == "time":
            return "median(%s%s)" % (ref, e)
        if kind == "count":
            return "count(%s%s)" % (ref, e)
        if kind == "frac":
            return "frac(%s%s)" % (ref, e)
        if kind == "only":
            return "%s(only(%s%s))" % (self.pick("mean", "min", "max", "std"), ref, e)
        if kind == "restricted":
            return "mean(restricted(%s%s, %d))" % (ref, e, self.steps(10, 60))
        if kind == "quantile":
            return "quantile(%s%s, %s)" % (ref, e, self.pick("0.25", "0.9", "0", "1"))
        if kind == "spread":
            return "%s(%s)" % (self.pick("iqr", "std"), m)
        if kind == "extreme":
            return "%s(%s(%s%s))" % (self.pick("mean", "median"), self.pick("min", "max"), ref, self.metric())
        if kind == "log":
            return "%s(%s(%s))" % (self.pick("log", "exp", "sqrt"), self.pick("median", "mean"), m)
        if kind == "truth":
            return "%s(%s > %.2g)" % (self.pick("count", "frac"), m, self.r.uniform(0, 3))
        if kind == "capture" and captures:
            return "%s(%s%s)" % (self.pick("median", "mean"), ref, self.r.choice(captures))
        if kind == "stop":
            return "median(%s%s)" % (ref, self.pick("stop", "fork", "start"))
        if kind == "abs":
            return "abs(median(%s) - 1)" % m
        return "%s(%s)" % ("median" if kind == "capture" else kind if kind in ("median", "mean") else "mean", m)

    def let(self, scalar=None):
        v = self.name("let")
        body = scalar or self.pick("%s - fork" % self.any_event(), "%s - fork" % self.any_event(), self.statistic(), self.sample(),
                         "stop - fork")
        self.lets.append((v, scalar is None and ("fork" in body or "@" in body and "(" != body[-1] and not body.startswith(("median", "mean")))))
        return Stmt("let %s = %s" % (v, body))

    def ci(self, fixed=None):
        n = self.pick("100", "100", "150", "200")
        extra = ", hold_fixed = %s" % fixed if fixed and self.chance(0.5) else ""
        return " ci bootstrap(seeds, n = %s%s)" % (n, extra) if self.chance(0.6) else ""

    @staticmethod
    def differs_once(arm):
        verbs = ("set", "hold", "once", "freeze", "release")
        return sum(head.startswith(verbs) for head in arm[3]) == 1

    def contrast(self):
        c = self.name("c")
        one = self.r.choice([a for a in self.arms if self.differs_once(a)] or self.arms)
        mates = [a for a in self.arms if a[1] == one[1] and a[0] != one[0]]
        two = self.r.choice([a for a in mates if a[4]] or mates or self.arms)

        def ref(a):
            return a[0] if not a[2] else "%s[%s]" % (a[0], ", ".join("%s = %s" % (v, a[2][v][0]) for v in a[2]))

        lets = [v for v, per_seed in self.lets if per_seed]
        stat = "median(%s)" % self.r.choice(lets) if lets and self.chance(0.3) else self.statistic()
        self.claims.append((c, "contrast"))
        return Stmt("contrast %s = %s %s %s on %s%s" % (c, ref(one), self.pick("/", "-"), ref(two), stat, self.ci()))

    def estimate(self):
        c = self.name("c")
        one = self.statistic(self.arm_ref() + ".")
        scalars = [v for v, per_seed in self.lets if not per_seed]
        if scalars and self.chance(0.3):
            one = "%s.%s" % (self.arm_ref(), self.r.choice(scalars))
        two = self.pick("", "", " - " + self.statistic(self.arm_ref() + "."), " / " + self.statistic(self.arm_ref() + "."))
        if self.chance(0.1):
            one = "%s(%s, %s)" % (self.pick("min", "max"), one, self.statistic(self.arm_ref() + "."))
        if self.swept() and scalars and self.chance(0.5):
            one, two = self.interp(scalars), ""
        self.claims.append((c, "estimate"))
        fixed = scalars[0] if scalars else None
        return Stmt("estimate %s = %s%s%s" % (c, one, two, self.ci(fixed)))

    def swept(self):
        """Arms that have a sweep of one variable."""
        return [a for a in self.arms if len(a[2]) == 1]

    def interp(self, scalars):
        a, x, y = self.r.choice(self.swept())[0], self.r.choice(scalars), self.r.choice(scalars)
        plain = [b[0] for b in self.arms if not b[2]] + self.runs
        at = self.pick("%s.%s" % (self.r.choice(plain), x), "%s.%s" % (self.r.choice(plain), x), "%.2g" % self.r.uniform(0.2, 6))
        return "interp(%s.%s, along = %s.%s, at = %s)" % (a, y, a, x, at)

    def fit(self):
        c = self.name("c")
        xs = [self.statistic()] + ([self.statistic()] if self.chance(0.3) else [])
        over = self.pick("arms(%s)" % self.r.choice(self.forks), "[%s]" % ", ".join(self.arm_ref(one=False) for _ in range(3)))
        self.claims.append((c, "fit"))
        return Stmt("fit %s = ols(%s, [%s]) over %s" % (c, self.statistic(), ", ".join(xs), over))

    def expect(self):
        kind = self.pick("arm", "seed", "claim", "identical", "plain", "value", "monotone")
        if kind == "arm":
            return Stmt("expect every arm: %s" % self.pick("count(%s) == count(seeds)" % self.any_event(),
                                                           "%s > %.2g" % (self.statistic(), self.r.uniform(0, 3))))
        if kind == "seed":
            return Stmt("expect every seed: %s.%s %s %s.%s" % (self.arm_ref(), self.any_event(), self.pick("<", "<=", ">"),
                                                               self.arm_ref(), self.any_event()))
        if kind == "claim" and self.claims:
            c, what = self.r.choice(self.claims)
            field = self.pick("r2", "dr2", "slope", "intercept", "aic", "n") if what == "fit" else self.pick("lo", "hi", "")
            return Stmt("expect %s %s %.2g" % ("%s.%s" % (c, field) if field else c, self.pick("<", ">", ">="),
                                               self.r.uniform(0, 2)))
        if kind == "identical":
            return Stmt("expect identical(%s, %s)" % (self.arm_ref(), self.arm_ref()))
        if kind in ("value", "monotone"):
            if self.swept():
                a = self.r.choice(self.swept())
                v = list(a[2])[0]
                scalars = [x for x, per_seed in self.lets if not per_seed]
                if kind == "monotone" and scalars:
                    return Stmt("expect monotone(%s.%s, along = %s, %s)" % (a[0], scalars[0], v, self.pick("up", "down")))
                return Stmt("expect every %s: %s > %.2g" % (v, self.statistic("%s[%s = %s]." % (a[0], v, v)), self.r.uniform(0, 3)))
        not_ = self.pick("", "", "not ")
        return Stmt("expect %s%s in [%.2g, %.2g]" % (not_, self.statistic(self.arm_ref() + "."), self.r.uniform(-1, 1), self.r.uniform(1, 60)))

    def table(self):
        t = self.name("tab")
        rows = self.pick("arms(%s)" % self.r.choice(self.forks + self.runs), "[%s]" % ", ".join(dict.fromkeys([self.arm_ref(one=False), self.arm_ref(one=False)])))
        cols = [self.statistic() for _ in range(self.r.randint(1, 3))]
        if self.lets and self.chance(0.5):
            cols.append(self.r.choice(self.lets)[0])
        if self.chance(0.2):
            cols.append(self.sample())
        if self.chance(0.3):
            cols.append(self.any_event())
        return Stmt("table %s" % t, [Stmt("rows = " + rows), Stmt("cols = [%s]" % ", ".join(cols))])

    def figure(self):
        kids = [Stmt(self.pick("line = %s over step by arm" % self.metric(), "point = fork over stop by arm"))]
        if self.chance(0.5):
            kids.append(Stmt("x = " + self.pick("log", "linear")))
        if self.chance(0.5):
            kids.append(Stmt("y = " + self.pick("log", "linear")))
        if self.chance(0.3):
            kids.append(Stmt("vline = 20"))
        return Stmt("figure " + self.name("fig"), kids)

    # ---- the file ----

    def file(self):
        out = [Stmt("lang 1")]
        if self.chance(0.2):
            out.append(Stmt('protocol "case"'))
        out += self.setup()
        first = self.r.randint(0, 40)
        self.n_seeds = self.pick(1, 2, 3, 3, 3, 3, 4)
        out.append(Stmt("seeds %d..%d" % (first, first + self.n_seeds - 1)))
        out += self.measured()
        for _ in range(self.pick(1, 1, 1, 1, 2)):
            out.append(self.run())
        self.tree = out
        self.all_captures = captures_of(out)
        for _ in range(self.pick(0, 1, 2, 3)):
            out.append(self.let())
        if self.swept() and self.chance(0.6):
            out += [self.let(self.statistic()), self.let("median(norm(weights) @ %s)" % self.pick("start", "stop"))]
        for make, most in ((self.contrast, 2), (self.estimate, 2), (self.fit, 1), (self.expect, 3), (self.table, 2)):
            for _ in range(self.r.randint(0, most)):
                if self.arms:
                    out.append(make())
        if self.chance(0.1):
            out.append(self.figure())
        return out


def captures_of(stmts):
    out = []
    for s in stmts:
        if s.head.startswith("capture "):
            out.append(s.head.split()[1])
        out += captures_of(s.kids or [])
    return out


# ---- edits ----


def find(stmts, test):
    out = []
    for s in stmts:
        if test(s):
            out.append((stmts, s))
        out += find(s.kids or [], test)
    return out


def starts(*words):
    return lambda s: s.head.split(" ")[0] in words or (s.head.startswith("off arm") and "arm" in words)


def edit(gen, old):
    """Another version of the protocol: one to three changes."""
    out = [s.copy() for s in old]
    for _ in range(gen.pick(1, 1, 2, 3)):
        gen.r.choice(EDITS)(gen, out)
    return out


def _remove(gen, out):
    places = find(out, starts("event", "log", "capture", "require", "arm", "set", "hold", "once", "freeze", "metric",
                              "contrast", "estimate", "expect", "table", "need", "fork"))
    if places:
        kids, s = gen.r.choice(places)
        kids.remove(s)


def _renumber(gen, out):
    places = [p for p in find(out, starts("event", "stop", "every", "log", "hold", "set", "once", "fork", "seeds", "arm"))
              if re.search(r"(?<![A-Za-z_.0-9])\d+(\.\d+)?", p[1].head)]
    if not places:
        return
    _, s = gen.r.choice(places)
    numbers = list(re.finditer(r"(?<![A-Za-z_.0-9])\d+(\.\d+)?(?![A-Za-z_0-9])", s.head))
    if not numbers:
        return
    m = gen.r.choice(numbers)
    x = m.group(0)
    new = "%.3g" % (float(x) * gen.pick(0.5, 0.8, 1.3, 2)) if "." in x else str(max(0, int(x) + gen.pick(-10, -5, -1, 1, 5, 10)))
    s.head = s.head[:m.start()] + new + s.head[m.end():]


def _add_event(gen, out):
    for _, s in find(out, starts("every")):
        s.kids.insert(gen.r.randint(0, len(s.kids)), Stmt("event %s = %s" % (gen.name("new"), gen.comparison())))


def _new_event_body(gen, out):
    places = find(out, starts("event"))
    if places:
        _, s = gen.r.choice(places)
        s.head = s.head.split("=")[0] + "= " + gen.comparison()


def _log(gen, out):
    places = find(out, starts("log"))
    if places and gen.chance(0.8):
        places[0][1].head = gen.log().head
    elif not places:
        out.insert(len(out) - 1, gen.log())


def _stop(gen, out):
    places = find(out, starts("stop"))
    if places and gen.chance(0.8):
        gen.r.choice(places)[1].head = gen.stop(20).head
    else:
        forks = find(out, starts("fork"))
        if forks:
            fork = gen.r.choice(forks)[1]
            fork.kids[:] = [k for k in fork.kids if not k.head.startswith("stop")] + [gen.stop(20)]


def _add_arm(gen, out):
    forks = find(out, starts("fork"))
    if forks:
        _, f = gen.r.choice(forks)
        ctx = {"base": 20, "captures": captures_of([f])[:1], "calibrations": [], "held": [], "inherited": []}
        f.kids.append(gen.arm(ctx, f.head.split()[1], 2, False))


def _add_action(gen, out):
    arms = find(out, starts("arm"))
    if arms:
        _, a = gen.r.choice(arms)
        ctx = {"base": 20, "captures": [], "calibrations": [], "held": [], "inherited": []}
        a.kids.append(gen.action(ctx))


def _add_claim(gen, out):
    gen.all_captures = captures_of(out)
    if gen.arms:
        out.append(gen.r.choice([gen.contrast, gen.estimate, gen.expect, gen.table])())


def _grid(gen, out):
    """Another interval of the events or of the log."""
    places = find(out, starts("every", "log"))
    if places:
        _, s = gen.r.choice(places)
        s.head = re.sub(r"every \d+", "every %d" % gen.pick(1, 2, 3, 4, 5, 7, 10, 15, 20), s.head, count=1)


def _remove_arm(gen, out):
    places = [p for p in find(out, starts("arm")) if sum(k.head.startswith(("arm", "off")) for k in p[0]) > 1]
    if places:
        kids, s = gen.r.choice(places)
        kids.remove(s)


def _add_log(gen, out):
    for _, s in find(out, starts("log"))[:1]:
        head = s.head.rstrip(" }")
        m = gen.metric()
        if m not in head:
            s.head = "%s, %s }" % (head, m)


def _seeds(gen, out):
    for _, s in find(out, starts("seeds")):
        lo, hi = s.head.split()[1].split("..")
        s.head = "seeds %d..%d" % (int(lo) + gen.pick(0, 0, 1), int(hi) + gen.pick(-1, 1, 1, 2))


EDITS = [_grid, _remove_arm, _add_log, _remove, _remove, _renumber, _renumber, _renumber, _add_event, _new_event_body, _log, _stop, _add_arm,
         _add_action, _add_claim, _seeds]
