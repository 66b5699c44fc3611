# SPDX-License-Identifier: MIT
"""Fixtures: a data folder with a little library, what the commands print on it, and a server on the same folder.

Run with TB_BUILDDIR naming the build tree (and TB_SRCDIR the source tree): python3 -m pytest tests/cli
"""
import os
import subprocess
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "http"))
import audio  # noqa: E402
import daemon  # noqa: E402

PROGRAM = os.path.join(daemon.BUILD, "timbre")


def pytest_configure(config):
    for program in (PROGRAM, daemon.PROGRAM):
        if not os.access(program, os.X_OK):
            pytest.exit(f"{program} is not built: set TB_BUILDDIR to the build tree", returncode=2)


def environment(**more):
    """Nothing of the caller's own settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TIMBRE_")}
    return {**kept, "TIMBRE_MODELS": daemon.MODELS, **more}


def timbre(*arguments, timeout=60, **more):
    """Runs timbre; arguments may be bytes.  stdout and stderr are bytes."""
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL, "env": environment(), **more}
    return subprocess.run([PROGRAM, *arguments], timeout=timeout, check=False, **options)


class Library:
    """A data folder that was filled by `timbre scan`; where names the data folder or the server."""

    def __init__(self, folder):
        self.folder = str(folder)
        self.data, self.music = os.path.join(self.folder, "data"), os.path.join(self.folder, "music")
        self.local, self.where = ("--data", self.data), ("--data", self.data)

    def run(self, command, *arguments, **more):
        return timbre(command, *self.where, *arguments, **more)


def make_music(folder, seeds, seconds=6):
    os.makedirs(folder, exist_ok=True)
    for seed in seeds:
        with open(os.path.join(folder, f"{seed}.wav"), "wb") as file:
            file.write(audio.tune(seed, seconds))


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    one = Library(tmp_path_factory.mktemp("library"))
    make_music(one.music, range(1, 6))
    with open(os.path.join(os.fsencode(one.music), b"caf\xe9.wav"), "wb") as file:
        file.write(audio.tune(6, 6))
    answer = one.run("scan", one.music)
    assert answer.returncode == 0, answer
    return one


@pytest.fixture
def fresh(tmp_path):
    """An empty data folder and a folder with two pieces."""
    one = Library(tmp_path)
    make_music(one.music, (1, 2), 3)
    return one
