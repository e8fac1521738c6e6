#!/usr/bin/env python3
"""One full-batch training step of the paper's MLP in PyTorch: one CPU thread, float32, steps on
request as bench_peer.h has it.

usage: torch_step.py user|best P

user: as it is written down: embed all p*p pairs, concatenate, Linear 256 -> 256, GELU, Linear, the
      cross-entropy of the training pairs, and AdamW in torch operations, tensor by tensor.
best: the fastest form known here: the training pairs only, the first layer a product a token
      instead of a pair, parameters and gradients in one flat tensor each, the update in place.

Both apply the decay after the Adam update: P <- P - lr m^ / (sqrt(v^) + eps); P <- P (1 - lr 1.0).
"""
import ctypes
import sys
import time

import torch
import torch.nn.functional as F

D, H, LR, DECAY, BETA1, BETA2, EPS = 128, 256, 1e-3, 1.0, 0.9, 0.999, 1e-8


def data(p):
    """Tokens and labels of all pairs, and which of them are trained on."""
    a, b = torch.arange(p).repeat_interleave(p), torch.arange(p).repeat(p)
    train = torch.randperm(p * p, generator=torch.Generator().manual_seed(0))
    return a, b, (a + b) % p, train[: int(0.4 * p * p)]


def shapes(p):
    return [(p, D), (2 * D, H), (H, p), (H,), (p,)]  # E, W1, W2, b1, b2


def init(shape, fan_in):
    return torch.randn(shape) / fan_in**0.5 if fan_in else torch.zeros(shape)


class User:
    def __init__(self, p):
        self.a, self.b, self.label, self.train = data(p)
        self.params = [init(s, f) for s, f in zip(shapes(p), (D, 2 * D, H, 0, 0))]
        for x in self.params:
            x.requires_grad_()
        self.m = [torch.zeros_like(x) for x in self.params]
        self.v = [torch.zeros_like(x) for x in self.params]
        self.t = 0

    def step(self):
        e, w1, w2, b1, b2 = self.params
        x = torch.cat([e[self.a], e[self.b]], dim=1)
        logits = F.gelu(x @ w1 + b1) @ w2 + b2
        loss = F.cross_entropy(logits[self.train], self.label[self.train])
        grads = torch.autograd.grad(loss, self.params)
        self.t += 1
        with torch.no_grad():
            for x, g, m, v in zip(self.params, grads, self.m, self.v):
                m.mul_(BETA1).add_(g, alpha=1 - BETA1)
                v.mul_(BETA2).addcmul_(g, g, value=1 - BETA2)
                mhat, vhat = m / (1 - BETA1**self.t), v / (1 - BETA2**self.t)
                x -= LR * mhat / (vhat.sqrt() + EPS)
                if x.dim() == 2:
                    x *= 1 - LR * DECAY


class Best:
    def __init__(self, p):
        a, b, label, train = data(p)
        self.a, self.b, self.label = a[train], b[train], label[train]
        sizes = [torch.Size(s).numel() for s in shapes(p)]
        self.n_weights = sum(sizes[:3])
        self.flat, self.grad, self.m, self.v = (torch.zeros(sum(sizes)) for _ in range(4))
        self.params = []
        parts = zip(self.flat.split(sizes), self.grad.split(sizes), shapes(p), (D, 2 * D, H, 0, 0))
        for value, grad, shape, fan_in in parts:
            value.copy_(init(shape, fan_in).flatten())
            x = value.view(shape).requires_grad_()
            x.grad = grad.view(shape)  # backward adds to it in place
            self.params.append(x)
        self.t = 0

    def step(self):
        e, w1, w2, b1, b2 = self.params
        u, v = torch.addmm(b1, e, w1[:D]), e @ w1[D:]
        h = F.gelu(u.index_select(0, self.a) + v.index_select(0, self.b))
        loss = F.cross_entropy(torch.addmm(b2, h, w2), self.label)
        self.grad.zero_()
        loss.backward()
        self.t += 1
        with torch.no_grad():
            self.m.lerp_(self.grad, 1 - BETA1)
            self.v.mul_(BETA2).addcmul_(self.grad, self.grad, value=1 - BETA2)
            scale = (1 - BETA2**self.t) ** 0.5
            denom = self.v.sqrt().add_(EPS * scale)
            self.flat.addcdiv_(self.m, denom, value=-LR * scale / (1 - BETA1**self.t))
            self.flat[: self.n_weights].mul_(1 - LR * DECAY)


def blas():
    """The core type of the OpenBLAS that torch has loaded."""
    with open("/proc/self/maps") as maps:
        paths = {line.split()[-1] for line in maps if "openblas" in line or "libblas" in line}
    for path in sorted(paths):
        library = ctypes.CDLL(path)
        if hasattr(library, "openblas_get_corename"):
            library.openblas_get_corename.restype = ctypes.c_char_p
            return "OpenBLAS " + library.openblas_get_corename().decode()
    return "BLAS " + (", ".join(sorted(paths)) or "unknown")


def main():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    net = {"user": User, "best": Best}[sys.argv[1]](int(sys.argv[2]))
    for _ in range(3):
        net.step()
    print(f"ready torch {torch.__version__}, {blas()}", flush=True)
    for line in sys.stdin:
        net.step()
        n, start = int(line), time.perf_counter()
        for _ in range(n):
            net.step()
        print(f"{(time.perf_counter() - start) / n:.9g}", flush=True)


if __name__ == "__main__":
    main()
