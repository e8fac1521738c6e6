#!/usr/bin/env python3
"""The initial weights and the splits of seeds from PyTorch's generator, for grok_steps.c.

usage: torch_states.py DIRECTORY FIRST LAST     writes SEED.init and SEED.split there

One generator a seed, in the order of a plain script: E, W1, W2, then the permutation of the pairs.
"""
import pathlib
import sys

import torch

P, D, H = 97, 128, 256
SHAPES = [((P, D), D), ((2 * D, H), 2 * D), ((H, P), H)]  # of E, W1, W2: shape and fan in


def main():
    directory, first, last = pathlib.Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    for seed in range(first, last + 1):
        torch.manual_seed(seed)
        weights = [torch.randn(shape) / fan_in**0.5 for shape, fan_in in SHAPES]
        order = torch.randperm(P * P)
        init = b"".join(w.numpy().astype("<f4").tobytes() for w in weights)
        (directory / f"{seed}.init").write_bytes(init)
        (directory / f"{seed}.split").write_bytes(order.numpy().astype("<u4").tobytes())


if __name__ == "__main__":
    main()
