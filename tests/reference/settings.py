"""Settings as `key = value` lines, `hold Q = v`, `freeze G`, and what is left out of them."""
import re


class NotCovered(Exception):
    """A word that the page, and so this program, does not know."""


DEFAULTS = {
    "model.act": "gelu", "model.bias": "on", "model.init": "normal_fan_in", "batch": "full",
    "stream.batch": 0, "loss": "cross_entropy", "precision": "f32", "temperature": 1,
    "output_scale": 1, "logits": "plain", "grad": "plain", "optimizer.decay": 0,
    "optimizer.order": "step_then_decay",
}
OF_OPTIMIZER = {"adamw": {"optimizer.beta1": 0.9, "optimizer.beta2": 0.999, "optimizer.eps": 1e-8},
                "sgd": {"optimizer.momentum": 0}}
INITS = ("E", "W1", "W2", "in", "hidden", "out")
ALIAS = {"lr": "optimizer.lr", "weight_decay": "optimizer.decay"}
WORDS = {
    "task": {"modular_add", "modular_sub", "modular_mul", "modular_div", "sparse_parity"},
    "model": {"embed_mlp", "mlp"}, "optimizer": {"adamw", "sgd"},
    "model.act": {"gelu", "relu", "square", "tanh"}, "model.bias": {"on", "off"},
    "loss": {"cross_entropy", "mse", "stablemax"}, "precision": {"f32", "f64"},
    "precision.loss": {"f32", "f64"}, "logits": {"plain", "clip", "normalize"},
    "grad": {"plain", "ema", "perp"}, "model.init": {"normal_fan_in"},
    "optimizer.order": {"step_then_decay", "decay_then_step", "coupled"},
}
NUMBERS = re.compile(
    r"task\.(p|train|bits|relevant|samples)|model\.(embed|hidden|layers|init_\w+)|lr\.\w+|batch"
    r"|optimizer\.(lr|decay|beta1|beta2|eps|momentum)|stream\.batch|data\.train|temperature"
    r"|output_scale|logits\.(clip|normalize)\.c|grad\.ema\.(beta|lambda)")
HOLD = re.compile(r"hold (norm|share|logit_scale)(?:\((rows\()?([\w,]+)\)?\))? (=|<=) (.+)")


class Hold:
    def __init__(self, line):
        m = HOLD.fullmatch(line)
        if not m:
            raise NotCovered(line)
        self.kind = m[1] + ("(rows)" if m[2] else "")
        self.groups = m[3].split(",") if m[3] else []
        self.at_most = m[4] == "<="
        self.v = [float(x) for x in m[5].strip("()").split(",")]


class Settings(dict):
    def __init__(self, text):
        super().__init__(DEFAULTS)
        self.update({f"model.init_{what}": 1 for what in INITS})
        self.holds, self.freezes = [], []
        for line in text.splitlines():
            self.line(line)
        self.setdefault("precision.loss", self["precision"])
        for key, value in OF_OPTIMIZER[self["optimizer"]].items():
            self.setdefault(key, value)

    def line(self, line):
        if line.startswith("hold "):
            self.holds.append(Hold(line))
        elif line.startswith("freeze "):
            self.freezes.append(line.split()[1])
        else:
            key, value = line.split(" = ")
            key = ALIAS.get(key, key)
            if key in WORDS and value in WORDS[key]:
                self[key] = value
            elif NUMBERS.fullmatch(key) and value != "full":
                self[key] = float(value)
            elif (key, value) != ("batch", "full"):
                raise NotCovered(line)
