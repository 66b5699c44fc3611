# SPDX-License-Identifier: MIT
"""A model of kind "instruments" with random weights, in the safetensors format: what it hears means nothing."""
import json
import random
import struct

BANDS, PART_DIM, STEMS = 128, 128, 5
OUTPUTS = STEMS * PART_DIM + STEMS


def write_instruments(path, seed=1, bands=BANDS):
    draw = random.Random(seed)
    network = f"input 64 {bands} 1\nmean time\nflatten\ndense {OUTPUTS}\n"
    tensors = {
        "3.dense.weight": ([bands, OUTPUTS], [draw.gauss(0, 1) for _ in range(bands * OUTPUTS)]),
        "3.dense.bias": ([OUTPUTS], [0.0] * OUTPUTS),
        "input.mean": ([bands], [-1.0] * bands),
        "input.deviation": ([bands], [1.5] * bands),
        "presence.threshold": ([STEMS], [0.0] * STEMS),
    }
    header = {"__metadata__": {"kind": "instruments", "name": "instruments", "format": "1", "bands": str(bands), "network": network}}
    data = b""
    for name, (shape, values) in tensors.items():
        packed = struct.pack(f"<{len(values)}f", *values)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(packed)]}
        data += packed
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)
