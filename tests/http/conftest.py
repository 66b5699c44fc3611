# SPDX-License-Identifier: MIT
"""Fixtures: the contract, a server with a little library, servers to play with.

Run with TB_BUILDDIR naming the build tree (and TB_SRCDIR the source tree): python3 -m pytest tests/http
"""
import os

import pytest

import audio
import daemon
from contract import Contract


def pytest_configure(config):
    if not os.access(daemon.PROGRAM, os.X_OK):
        pytest.exit(f"{daemon.PROGRAM} is not built: set TB_BUILDDIR to the build tree", returncode=2)


def pytest_collection_modifyitems(session, config, items):
    """The question what was never asked comes last, and only when everything ran."""
    last = [item for item in items if item.name == "test_every_operation_was_asked"]
    rest = [item for item in items if item not in last]
    folder = os.path.dirname(os.path.abspath(__file__))
    whole = not config.getoption("keyword") and all(
        os.path.abspath(argument) == folder or folder.startswith(os.path.abspath(argument) + os.sep)
        for argument in config.args)
    items[:] = rest + (last if whole else [])


@pytest.fixture(scope="session")
def contract():
    return Contract(os.path.join(daemon.SOURCE, "api", "openapi.yaml"))


@pytest.fixture
def new_daemon(tmp_path, contract):
    """Makes daemons that are killed when the test is over: new_daemon(flag=value, …)."""
    made = []

    def make(data=None, **flags):
        one = daemon.Daemon(data or tmp_path / f"data{len(made)}", contract, **flags)
        made.append(one)
        return one

    yield make
    for one in made:
        one.kill()


TRACKS = [  # seed, seconds, metadata
    (1, 6, {"title": "One", "artist": "Ada", "album": "First", "genre": "rock", "year": 1999}),
    (2, 6, {"title": "Two", "artist": "Ada", "album": "First", "genre": "rock", "year": 2001}),
    (3, 6, {"title": "Three", "artist": "Bob", "album": "Second", "genre": "jazz", "year": 2010}),
    (4, 6, {"title": "Four", "artist": "Bob", "album": "Second", "genre": "jazz", "year": 2020}),
    (5, 6, {"title": "Five Müller", "artist": "Čeněk", "genre": "folk"}),
]


@pytest.fixture(scope="session")
def server(tmp_path_factory, contract):
    """A server with five tracks (server.tracks) that no test changes."""
    one = daemon.Daemon(tmp_path_factory.mktemp("server") / "data", contract).start()
    client = one.client()
    one.tracks = [client.add(audio.tune(seed, seconds), f"{seed}.wav", metadata) for seed, seconds, metadata in TRACKS]
    client.close()
    yield one
    code = one.stop()
    assert code == 0, f"timbred ended with {code}: {one.log()[-2000:]}"


@pytest.fixture
def client(server):
    one = server.client()
    yield one
    one.close()


@pytest.fixture
def playground(new_daemon):
    """An empty server of one's own."""
    with new_daemon() as one:
        yield one
