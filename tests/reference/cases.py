"""The golden runs: their settings, their ids, and what is measured of them."""
import ast
import re
import subprocess

SEED = 3
METRICS = ("acc(train)", "acc(test)", "loss(all)", "loss(test)", "margin(train)", "logit_scale",
           "norm(all)", "frac(test, p_correct >= 0.2)", "share(W2)", "norm(W1)", "eff_lr(W1)",
           "cos(weights)")
NO_NUMBER = -1e300  # stands for NaN among the measured values


def settings(compiler, header):
    """name -> settings of the table in a header of tests/, whose macros the compiler expands."""
    text = subprocess.run([compiler, "-E", "-P", header], check=True, capture_output=True,
                          text=True).stdout
    table = re.search(r"ids_cases\[\] = \{(.*?)\n?\};", text, re.S)[1]
    words = r'"(?:[^"\\]|\\.)*"'
    found = re.findall(rf"\{{((?:\s*{words})+)\s*,((?:\s*{words})+)\s*\}}", table)

    def joined(literals):
        return "".join(ast.literal_eval(w) for w in re.findall(words, literals))

    return {joined(name): joined(text) for name, text in found}


def golden(path):
    """(name, step) -> ids of state and measured values, in the order of the file."""
    out = {}
    with open(path, encoding="utf-8") as f:
        for line in f:
            if line.strip() and not line.startswith("#"):
                name, step, state, measured = line.split()
                out[name, int(step)] = state, measured
    return out
