#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How many segments per second PyTorch takes through the network for instruments: the counterpart of bench-nn.

    nn_torch.py [SECONDS PER CASE, 3] [BATCH, 64]

One thread, time of the processor, the same networks, work and fields as bench/bench_nn.c.  Each case is tried in the
ways of VARIANTS, and the fastest is printed with its name: what a user of PyTorch would take.
"""
import json
import statistics
import sys
import time

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

N_OUT = 645
NETWORKS = {"small": 8, "big": 16}  # channels of the first convolution


class MeanOverTime(nn.Module):
    def forward(self, x):
        return x.mean(2)


def blocks(n_first):
    """Six of (convolution, batch norm, leaky ReLU), and what comes after them."""
    channels = [1] + [n_first << i for i in range(6)]
    body = [(nn.Conv2d(a, b, 5, 2, 2, bias=False), nn.BatchNorm2d(b), nn.LeakyReLU(0.2, inplace=True))
            for a, b in zip(channels, channels[1:])]
    return body, [MeanOverTime(), nn.Flatten(), nn.Linear(2 * channels[-1], N_OUT)]


def training_step(n_first, batch, memory_format):
    body, head = blocks(n_first)
    net = nn.Sequential(*(module for block in body for module in block), *head).train().to(memory_format=memory_format)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-4, weight_decay=1e-4, fused=True)
    x = torch.randn(batch, 1, 64, 128).to(memory_format=memory_format)
    dy = torch.randn(batch, N_OUT) / (batch * N_OUT)

    def run():
        optimizer.zero_grad(set_to_none=True)
        net(x).backward(dy)
        optimizer.step()
    return run


def inference(n_first, batch, memory_format):
    body, head = blocks(n_first)
    folded = [module for conv, norm, leaky in body for module in (fuse_conv_bn_eval(conv.eval(), norm.eval()), leaky)]
    net = nn.Sequential(*folded, *head).eval().to(memory_format=memory_format)
    x = torch.randn(batch, 1, 64, 128).to(memory_format=memory_format)

    def run():
        with torch.inference_mode():
            net(x)
    return run


VARIANTS = {
    "inference": {
        "eager": lambda n, batch: inference(n, batch, torch.contiguous_format),
        "channels last": lambda n, batch: inference(n, batch, torch.channels_last),
    },
    "training": {
        "eager": lambda n, batch: training_step(n, batch, torch.contiguous_format),
        "channels last": lambda n, batch: training_step(n, batch, torch.channels_last),
    },
}


def measure(run, seconds):
    for _ in range(3):
        run()
    times, begin = [], time.process_time()
    while len(times) < 3 or time.process_time() - begin < seconds:
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    return statistics.median(times), min(times), len(times)


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 3.0
    batch = int(sys.argv[2]) if len(sys.argv) > 2 else 64
    torch.set_num_threads(1)
    for network, n_first in NETWORKS.items():
        for work, variants in VARIANTS.items():
            measured = {name: measure(make(n_first, batch), seconds / len(variants)) for name, make in variants.items()}
            name, (median, best, n) = min(measured.items(), key=lambda item: item[1][0])
            print(json.dumps({
                "bench": "nn", "network": network, "work": work, "batch": batch, "rounds": n,
                "segments_per_s": round(batch / median), "segments_per_s_best": round(batch / best), "way": name,
                "all": {key: round(batch / value[0]) for key, value in measured.items()},
                "by": "PyTorch " + torch.__version__.split("+")[0],
            }), flush=True)


main()
