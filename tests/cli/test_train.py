# SPDX-License-Identifier: MIT
"""timbre train instruments: from a cache of pieces to a model that serves, interrupted, on several threads, and wrong."""
import json
import os
import signal
import subprocess
import time

import daemon
import pytest
from conftest import PROGRAM, environment, timbre

# two small layers, so that a step takes about a millisecond
NETWORK = """input 64 16 1
conv 6 5x5 stride 4 pad 2
norm
leaky 0.2
mean time
flatten
dense 645
"""
SETTINGS = ("segments_per_group=12", "ids=4", "target_segments=48")


class Material:
    """Pieces that the program's own synthesiser plays, and a network."""

    def __init__(self, folder):
        self.folder = str(folder)
        self.cache, self.network = os.path.join(self.folder, "pieces.cache"), os.path.join(self.folder, "network.txt")
        with open(self.network, "w", encoding="utf-8") as file:
            file.write(NETWORK)
        answer = timbre("dataset", "songs", self.cache, "--pieces=24", "--seconds=8", "--soundfonts=none", "--bands=16", "--quiet")
        assert answer.returncode == 0, answer

    def flags(self, model, segments=480, cache=None):
        return ("train", "instruments", "--cache", cache or self.cache, "--validation", self.cache, "-o", model, "--network", self.network,
                f"--segments={segments}", "--groups=2", "--validations=2", "--seed=5")

    def train(self, model, *more, segments=480, cache=None):
        return timbre(*self.flags(model, segments, cache), *more, *SETTINGS)


@pytest.fixture(scope="module")
def material(tmp_path_factory):
    return Material(tmp_path_factory.mktemp("material"))


def read(path):
    with open(path, "rb") as file:
        return file.read()


def log_of(model):
    with open(f"{model}.training/log.jsonl", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def test_a_model_is_made_with_log_and_curves(material, tmp_path):
    model = str(tmp_path / "instruments.safetensors")
    answer = material.train(model, "--json")
    assert answer.returncode == 0, answer
    result = json.loads(answer.stdout)
    assert (result["steps"], result["pieces"], result["model"]) == (10, 24, model)
    assert set(result["validation"]["accuracy"]) == {"drums", "bass", "piano", "guitar", "others"}
    lines = log_of(model)
    assert [line["step"] for line in lines if "loss" in line] == list(range(1, 11))
    assert [line["step"] for line in lines if "validation" in line] == [5, 10]
    assert read(f"{model}.training/curves.svg").endswith(b"</svg>\n")
    assert b"segments/s" not in answer.stdout and b"/s" in answer.stderr and b"left" in answer.stderr


def test_the_model_serves_in_its_turn(material, tmp_path):
    folder = tmp_path / "models"
    folder.mkdir()
    model = str(folder / "instruments.safetensors")
    assert material.train(model, "-q").returncode == 0
    os.symlink(os.path.join(daemon.MODELS, "descriptors.safetensors"), folder / "descriptors.safetensors")
    music = tmp_path / "music"
    assert timbre("dataset", "songs", str(music), "--pieces=2", "--seconds=61", "--soundfonts=none", "-q").returncode == 0
    answer = timbre("eval", "half-split", str(music), "--space=instruments", "--models", str(folder), "--json", "-q")
    assert answer.returncode == 0, answer
    assert json.loads(answer.stdout)["space"] == "instruments"


def test_an_interrupted_training_goes_on_to_the_same_model(material, tmp_path):
    whole, pieced = str(tmp_path / "whole.safetensors"), str(tmp_path / "pieced.safetensors")
    segments = 24000
    assert material.train(whole, "-q", segments=segments).returncode == 0
    with subprocess.Popen([PROGRAM, *material.flags(pieced, segments), "-q", *SETTINGS], env=environment(), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        until = time.monotonic() + 60
        log = f"{pieced}.training/log.jsonl"
        while time.monotonic() < until and not (os.path.exists(log) and os.path.getsize(log) > 0):
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 1 and b"--resume" in errors, errors
    assert not os.path.exists(pieced)
    answer = material.train(pieced, "-q", segments=segments)
    assert answer.returncode == 1 and b"--resume" in answer.stderr, answer
    answer = material.train(pieced, "-q", "--resume", segments=segments)
    assert answer.returncode == 0, answer
    assert read(pieced) == read(whole)
    strip = lambda lines: [{name: value for name, value in line.items() if name != "segments_per_s"} for line in lines]
    assert strip(log_of(pieced)) == strip(log_of(whole))


def test_threads_make_no_difference(material, tmp_path):
    one, two = str(tmp_path / "one.safetensors"), str(tmp_path / "two.safetensors")
    assert material.train(one, "-q", "--threads=1").returncode == 0
    assert material.train(two, "-q", "--threads=2").returncode == 0
    assert read(one) == read(two)


def test_the_paper_s_recipes_are_there(material, tmp_path):
    for recipe in ("basic", "aux-basic", "aux-basic-add", "aux-basic-add-prime"):
        model = str(tmp_path / f"{recipe}.safetensors")
        answer = material.train(model, f"--recipe={recipe}", segments=200)
        assert answer.returncode == 0, answer
        assert (b"individual network for bass" in answer.stderr) == ("aux" in recipe)
        assert (b"pre-training" in answer.stderr) == ("prime" in recipe)


@pytest.mark.parametrize("arguments, status, sentence", [
    ((), 2, b"say what to train"),
    (("instruments",), 2, b"--cache FILE"),
    (("instruments", "--cache=nothing.cache", "-o", "x.safetensors"), 3, b"nothing.cache"),
    (("instruments", "--cache=c", "-o", "x", "--recipe=secret"), 2, b"aux-basic-add-prime"),
    (("instruments", "--cache=c", "-o", "x", "temprature=1"), 3, b"temperature"),
    (("instruments", "--cache=c", "-o", "x", "temperature=hot"), 2, b"hot"),
    (("instruments", "--cache=c", "-o", "x", "--network=middle"), 3, b"small, big or a file"),
    (("instruments", "--cache=c", "-o", "x", "--segments=0"), 2, b"segments"),
])
def test_wrong_usage_says_what_to_do(tmp_path, arguments, status, sentence):
    answer = timbre("train", *arguments, cwd=tmp_path)
    assert answer.returncode == status, answer
    assert sentence in answer.stderr and answer.stderr.count(b"\n") == 1, answer.stderr
    assert os.listdir(tmp_path) == []


def test_pieces_that_teach_nothing_are_refused(material, tmp_path):
    empty, foreign, one = (str(tmp_path / name) for name in ("empty.cache", "foreign.cache", "one.cache"))
    model = str(tmp_path / "x.safetensors")
    with open(foreign, "wb") as file:
        file.write(b"RIFF" + bytes(1000))
    assert timbre("dataset", "songs", one, "--pieces=1", "--seconds=8", "--soundfonts=none", "--bands=16", "-q").returncode == 0
    with open(one, "rb") as file, open(empty, "wb") as out:  # the record of its only piece is cut off
        out.write(file.read()[:-64])
    for cache, sentence in ((empty, b"holds no pieces"), (foreign, b"foreign.cache"), (one, b"share a tempo group")):
        answer = material.train(model, cache=cache)
        assert answer.returncode in (1, 2) and sentence in answer.stderr, answer
        assert not os.path.exists(model)


def test_a_training_that_goes_astray_stops(material, tmp_path):
    """Without norms between them, layers whose weights grow by 1000 a step soon leave the range of numbers."""
    model, network = str(tmp_path / "astray.safetensors"), tmp_path / "deep.txt"
    network.write_text("input 64 16 1\nflatten\n" + 10 * "dense 32\nleaky 0.2\n" + "dense 645\n")
    answer = material.train(model, "-q", f"--network={network}", "rate=1000", "warm_up=0")
    assert answer.returncode == 2 and b"no longer a number; try a lower rate" in answer.stderr, answer
    assert not os.path.exists(model)


def test_a_damaged_checkpoint_is_told(material, tmp_path):
    model = str(tmp_path / "x.safetensors")
    assert material.train(model, "-q").returncode == 0
    checkpoint = f"{model}.training/checkpoint.safetensors"
    whole = read(checkpoint)
    for damaged in (whole[: len(whole) // 2], b"", whole[:8] + b"x" + whole[9:]):
        with open(checkpoint, "wb") as file:
            file.write(damaged)
        answer = material.train(model, "-q", "--resume")
        assert answer.returncode == 1 and b"checkpoint" in answer.stderr, answer
    with open(checkpoint, "wb") as file:
        file.write(whole)
    answer = material.train(model, "-q", "--resume", "temperature=0.2")
    assert answer.returncode == 2 and b"temperature=0.05" in answer.stderr, answer
