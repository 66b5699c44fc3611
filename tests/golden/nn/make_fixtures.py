#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes tests/golden/nn/*.safetensors: what PyTorch gives for small networks, losses and optimizers.

Run it with torch 2.15.0 and numpy (each file's metadata holds the version that was used):

    python3 -m venv /tmp/golden && /tmp/golden/bin/pip install torch numpy
    /tmp/golden/bin/python tests/golden/nn/make_fixtures.py

A network's fixture is a model file of src/nn/network.h, with whether batch norm trains as metadata ("training":
"yes" or "no") and beside the parameters

    x, y              input and output, [batch][height][width][channels]

and, if it trains,

    dy, dx            gradient of a scalar with respect to the output (drawn at random) and to the input
    gradient.NAME     the same with respect to parameter NAME
    after.NAME        the running statistic NAME after this batch

Everything is computed in float64 and rounded once, so the distance to it is the error of the code under test.
Numbers are drawn by numpy from the case's name: a new case changes no other file.
"""

import json
import pathlib
import struct
import sys
import zlib

import numpy as np
import torch
import torch.nn.functional as F

FOLDER = pathlib.Path(__file__).parent


# --- files ----------------------------------------------------------------------------------------------------

def write(name, tensors, **metadata):
    """One safetensors file of float32, the tensors in the order given."""
    header = {"__metadata__": {"torch": torch.__version__.split("+")[0], **metadata}}
    data = b""
    for key, tensor in tensors.items():
        values = np.asarray(torch.as_tensor(tensor).detach().numpy(), dtype="<f4", order="C")
        offsets = [len(data), len(data) + values.nbytes]
        header[key] = {"dtype": "F32", "shape": list(values.shape), "data_offsets": offsets}
        data += values.tobytes()
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    (FOLDER / f"{name}.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data)


class Draw:
    """Random numbers of one case; rounded to float32, so that the file holds them exactly."""

    def __init__(self, name):
        self.rng = np.random.default_rng(zlib.crc32(name.encode()))

    def normal(self, *shape, mean=0.0, deviation=1.0):
        values = mean + deviation * self.rng.standard_normal(shape)
        return torch.tensor(values.astype(np.float32).astype(np.float64))

    def uniform(self, *shape, low, high):
        values = self.rng.uniform(low, high, shape)
        return torch.tensor(values.astype(np.float32).astype(np.float64))


# --- networks: the words of src/nn/network.h, in PyTorch ------------------------------------------------------

class Network:
    """Runs an architecture on x [batch, channels, height, width]; its parameters are drawn on the way."""

    def __init__(self, architecture, training, draw):
        self.lines = [line.split() for line in architecture.splitlines()]
        self.training, self.draw = training, draw
        self.parameters, self.statistics = {}, {}

    def parameter(self, i, kind, what, *shape, **how):
        values = self.draw.normal(*shape, **how).requires_grad_()
        self.parameters[f"{i}.{kind}.{what}"] = values
        return values

    def forward(self, x):
        for i, (kind, *words) in enumerate(self.lines):
            if kind != "input":
                x = getattr(self, "do_" + kind)(i, x, words)
        return x

    @staticmethod
    def option(words, name, default):
        return float(words[words.index(name) + 1]) if name in words else default

    @classmethod
    def window(cls, words):
        height, width = (int(n) for n in words[0].split("x"))
        stride = int(cls.option(words, "stride", 1))
        return (height, width), stride, int(cls.option(words, "pad", 0))

    def do_conv(self, i, x, words):
        channels = int(words[0])
        (height, width), stride, pad = self.window(words[1:])
        groups = int(self.option(words, "groups", 1))
        n_in = x.shape[1] // groups
        # here [height][width][in of the group][out], in PyTorch [out][in of the group][height][width]
        weight = self.parameter(i, "conv", "weight", height, width, n_in, channels,
                                deviation=(n_in * height * width) ** -0.5)
        bias = self.parameter(i, "conv", "bias", channels) if "bias" in words else None
        return F.conv2d(x, weight.permute(3, 2, 0, 1), bias, stride, pad, 1, groups)

    def do_norm(self, i, x, words):
        n = x.shape[1]
        weight = self.parameter(i, "norm", "scale", n, mean=1, deviation=0.3)
        bias = self.parameter(i, "norm", "shift", n, deviation=0.3)
        mean = self.draw.normal(n, deviation=0.3)
        variance = self.draw.uniform(n, low=0.5, high=2)
        self.statistics[f"{i}.norm.mean"] = (mean.clone(), mean)
        self.statistics[f"{i}.norm.variance"] = (variance.clone(), variance)
        return F.batch_norm(x, mean, variance, weight, bias, self.training, 0.1, 1e-5)

    def do_dense(self, i, x, words):
        flat = x.permute(0, 2, 3, 1).flatten(1)
        n_in, n_out = flat.shape[1], int(words[0])
        weight = self.parameter(i, "dense", "weight", n_in, n_out, deviation=n_in ** -0.5)
        return (flat @ weight + self.parameter(i, "dense", "bias", n_out))[:, :, None, None]

    def do_flatten(self, i, x, words):
        return x.permute(0, 2, 3, 1).flatten(1)[:, :, None, None]

    def do_leaky(self, i, x, words):
        return F.leaky_relu(x, float(words[0]))

    def do_relu(self, i, x, words):
        return F.relu(x)

    def do_tanh(self, i, x, words):
        return torch.tanh(x)

    def do_response(self, i, x, words):
        return F.local_response_norm(x, int(words[0]), self.option(words, "alpha", 1e-4),
                                     self.option(words, "beta", 0.75), self.option(words, "k", 1))

    def do_mean(self, i, x, words):
        if words == ["time"]:
            return x.mean(2, keepdim=True)
        return F.avg_pool2d(x, *self.window(words))

    def do_max(self, i, x, words):
        if words == ["time"]:
            return x.amax(2, keepdim=True)
        return F.max_pool2d(x, *self.window(words))

    def do_statistics(self, i, x, words):
        mean, variance = x.mean(2, keepdim=True), x.var(2, unbiased=False, keepdim=True)
        return torch.cat([mean, torch.sqrt(variance + 1e-5)], 1)

    def do_attention(self, i, x, words):
        n = int(words[0])
        rows = x.permute(0, 2, 3, 1).flatten(2)  # [batch][time][width * channels]
        weight = self.parameter(i, "attention", "weight", n, rows.shape[2], deviation=rows.shape[2] ** -0.5)
        bias = self.parameter(i, "attention", "bias", n, deviation=0.3)
        query = self.parameter(i, "attention", "query", n)
        shares = torch.softmax(torch.tanh(rows @ weight.T + bias) @ query, 1)
        pooled = (shares[:, :, None] * rows).sum(1)
        return pooled.reshape(x.shape[0], 1, x.shape[3], x.shape[1]).permute(0, 3, 1, 2)

    def do_gru(self, i, x, words):
        rows, n = x.permute(0, 2, 3, 1).flatten(2), int(words[0])
        gru = torch.nn.GRU(rows.shape[2], n, batch_first=True).double()
        values = {}
        for theirs, ours in (("weight_ih_l0", "input_weight"), ("weight_hh_l0", "hidden_weight"),
                             ("bias_ih_l0", "input_bias"), ("bias_hh_l0", "hidden_bias")):
            shape = getattr(gru, theirs).shape
            values[theirs] = self.parameter(i, "gru", ours, *shape, deviation=n ** -0.5)
        y = torch.func.functional_call(gru, values, (rows,))[0]
        return y.permute(0, 2, 1)[:, :, :, None]

    def do_unit(self, i, x, words):
        groups = x.permute(0, 2, 3, 1).reshape(x.shape[0], -1, int(words[0]))
        # where the norm is 0 the output is 0; nothing here comes near
        y = groups / groups.norm(dim=2, keepdim=True)
        return y.reshape(x.shape[0], x.shape[2], x.shape[3], x.shape[1]).permute(0, 3, 1, 2)


def network(name, architecture, batch, training=True):
    draw = Draw(name)
    size = [int(n) for n in architecture.split("\n", 1)[0].split()[1:]]
    x = draw.normal(batch, *size).requires_grad_()
    net = Network(architecture, training, draw)
    y = net.forward(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
    dy = draw.normal(*y.shape)
    y.backward(dy)
    tensors = {"x": x, "y": y, **net.parameters}
    tensors.update({key: before for key, (before, _) in net.statistics.items()})
    if training:
        tensors.update({"dy": dy, "dx": x.grad})
        tensors.update({"gradient." + key: values.grad for key, values in net.parameters.items()})
        tensors.update({"after." + key: after for key, (_, after) in net.statistics.items()})
    write(name, tensors, network=architecture, training="yes" if training else "no")


NETWORKS = [
    # name, architecture, batch
    ("conv", "input 6 7 3\nconv 5 3x3", 2),
    ("conv_stride", "input 7 9 2\nconv 6 5x5 stride 2 pad 2", 3),
    ("conv_wide", "input 5 8 3\nconv 4 2x3 stride 3 pad 1 bias", 2),
    ("conv_groups", "input 6 5 6\nconv 9 3x3 stride 2 pad 1 groups 3 bias", 2),
    ("conv_depthwise", "input 7 6 4\nconv 4 3x3 pad 1 groups 4", 2),
    ("norm", "input 3 5 4\nnorm", 3),
    ("norm_inference", "input 3 5 4\nnorm", 3),
    ("dense", "input 2 3 4\nflatten\ndense 7", 5),
    ("leaky", "input 3 3 5\nleaky 0.2", 2),
    ("relu", "input 3 3 5\nrelu", 2),
    ("tanh", "input 3 3 5\ntanh", 2),
    ("response", "input 2 3 9\nresponse 5 alpha 0.5 beta 0.75 k 2", 2),
    ("response_even", "input 2 3 7\nresponse 4 alpha 0.8 beta 0.6 k 1", 2),
    ("max", "input 7 8 3\nmax 3x3 stride 2", 2),
    ("mean", "input 7 8 3\nmean 3x2 stride 2", 2),
    ("max_time", "input 7 2 3\nmax time", 2),
    ("mean_time", "input 7 2 3\nmean time", 2),
    ("statistics", "input 7 2 3\nstatistics time", 2),
    ("attention", "input 6 2 3\nattention 5 time", 3),
    ("gru", "input 6 2 3\ngru 5", 3),
    ("unit", "input 1 1 15\nunit 5", 4),
    ("network", "input 16 24 1\nconv 4 5x5 stride 2 pad 2\nnorm\nleaky 0.2\nconv 8 5x5 stride 2 pad 2\nnorm\nleaky 0.2\n"
                "mean time\nflatten\ndense 20\nunit 5", 6),
    ("network_inference", "input 16 24 1\nconv 4 5x5 stride 2 pad 2\nnorm\nleaky 0.2\nconv 8 5x5 stride 2 pad 2\nnorm\n"
                          "leaky 0.2\nmean time\nflatten\ndense 20\nunit 5", 6),
]


# --- losses ---------------------------------------------------------------------------------------------------

def cross_entropy(name, n, n_classes, smoothing):
    draw = Draw(name)
    logits = draw.normal(n, n_classes, deviation=3).requires_grad_()
    labels = torch.tensor(draw.rng.integers(0, n_classes, n))
    loss = F.cross_entropy(logits, labels, label_smoothing=smoothing)
    loss.backward()
    write(name, {"logits": logits, "labels": labels, "loss": loss, "gradient": logits.grad}, smoothing=str(smoothing))


# --- optimizers -----------------------------------------------------------------------------------------------

def trajectory(name, make, n=11, n_steps=8):
    """Gradients [n_steps][n] given to the optimizer, and the parameters after each step."""
    draw = Draw("trajectory")  # the same gradients for all
    start, gradients = draw.normal(n), draw.normal(n_steps, n)
    parameters = start.clone().requires_grad_()
    optimizer = make([parameters])
    after = []
    for gradient in gradients:
        parameters.grad = gradient.clone()
        optimizer.step()
        after.append(parameters.detach().clone())
    kept = {key: value for key, value in optimizer.defaults.items() if isinstance(value, (int, float, tuple))}
    settings = {key: str(value) for key, value in kept.items()}
    write(name, {"start": start, "gradients": gradients, "after": torch.stack(after)}, **settings)


OPTIMIZERS = [
    ("sgd", lambda p: torch.optim.SGD(p, lr=0.05)),
    ("sgd_momentum", lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, weight_decay=0.01)),
    ("adam", lambda p: torch.optim.Adam(p, lr=0.01, betas=(0.9, 0.999), eps=1e-8)),
    ("adam_decay", lambda p: torch.optim.Adam(p, lr=0.01, betas=(0.9, 0.999), eps=0.1, weight_decay=0.05)),
    ("adamw", lambda p: torch.optim.AdamW(p, lr=0.01, betas=(0.9, 0.99), eps=1e-8, weight_decay=0.1)),
]


def main():
    if torch.__version__.split("+")[0] != "2.15.0":
        print("note: the fixtures in the tree were made with torch 2.15.0", file=sys.stderr)
    for name, architecture, batch in NETWORKS:
        network(name, architecture, batch, training=not name.endswith("_inference"))
    cross_entropy("cross_entropy", 5, 7, 0.0)
    cross_entropy("cross_entropy_smooth", 4, 9, 0.1)
    for name, make in OPTIMIZERS:
        trajectory(name, make)


if __name__ == "__main__":
    main()
