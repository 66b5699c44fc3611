# SPDX-License-Identifier: MIT
"""Small audio files made in Python: the same seed gives the same bytes on every machine."""
import array
import math
import random
import struct
import sys


def _little_endian(samples):
    if sys.byteorder == "big":
        samples = array.array(samples.typecode, samples)
        samples.byteswap()
    return samples.tobytes()


def wav_bytes(data, rate, channels=1, bits=16, is_float=False):
    """A WAV file around raw sample data."""
    block = channels * bits // 8
    head = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + len(data), b"WAVE", b"fmt ", 16, 3 if is_float else 1,
                       channels, rate, rate * block, block, bits, b"data", len(data))
    return head + data


def wav(samples, rate=8000, channels=1):
    """A 16-bit WAV file of an array('h') of interleaved samples."""
    return wav_bytes(_little_endian(samples), rate, channels)


def float_wav(values, rate=8000, channels=1):
    """A WAV file of 32-bit floats."""
    return wav_bytes(_little_endian(array.array("f", values)), rate, channels, 32, True)


def notes(seed, seconds=2.0, rate=8000):
    """array('h') of a little tune: tones with overtones that start in a steady beat and fade."""
    rng = random.Random(seed)
    beat = int(rate * rng.uniform(0.18, 0.4))
    scale = [0, 2, 4, 5, 7, 9, 11, 12]
    root = rng.uniform(90, 260)
    overtones = [rng.uniform(0.1, 1) for _ in range(3)]
    noise = rng.uniform(0, 0.15)
    out = array.array("h")
    while len(out) < seconds * rate:
        step = 2 * math.pi * root * 2 ** (rng.choice(scale) / 12) / rate
        fade = rng.uniform(2, 9) / rate
        for i in range(beat):
            value = sum(a * math.sin(step * (k + 1) * i) for k, a in enumerate(overtones))
            value = value * math.exp(-fade * i) / 3 + noise * rng.uniform(-1, 1)
            out.append(int(max(-1.0, min(1.0, value)) * 28000))
    del out[int(seconds * rate):]
    return out


def tune(seed, seconds=2.0, rate=8000):
    """A WAV file of notes()."""
    return wav(notes(seed, seconds, rate), rate)


def silence(seconds=2.0, rate=8000):
    return wav(array.array("h", bytes(2 * int(seconds * rate))), rate)
