# SPDX-License-Identifier: MIT
"""dataset songs and dataset import: what they write, that a cut costs nothing, and what they say of bad input."""
import json
import os
import signal
import subprocess
import time

import pytest
import yaml
from conftest import PROGRAM, environment, timbre

TEST_FONT = "/usr/share/sounds/sf2/TimGM6mb.sf2"
LITTLE = ("--seconds=4", "--soundfonts=none", "-q")


def songs(out, *arguments, **more):
    return timbre("dataset", "songs", str(out), *LITTLE, *arguments, **more)


def read(path):
    with open(path, "rb") as file:
        return file.read()


@pytest.fixture(scope="module")
def tracks(tmp_path_factory):
    """Three tracks in the layout of Slakh2100."""
    folder = tmp_path_factory.mktemp("songs") / "set"
    answer = songs(folder, "--pieces=3", "--audio=wav")
    assert answer.returncode == 0 and answer.stderr == b"", answer
    assert answer.stdout.decode().endswith("set: 3 pieces made, 0 were there\n")
    return folder


def test_songs_have_metadata_stems_and_a_mix(tracks):
    facts = json.loads(read(tracks / "train.json"))
    assert facts["seed"] == 1 and facts["seconds"] == 4 and facts["patch_share"] == 1 and facts["soundfonts"] == []
    for number in (1, 2, 3):
        track = tracks / "train" / f"Track{number:05}"
        metadata = yaml.safe_load(read(track / "metadata.yaml"))
        assert sorted(f"{name}.wav" for name in metadata["stems"]) == sorted(os.listdir(track / "stems"))
        assert os.path.getsize(track / "mix.wav") == 44 + 4 * 22050 * 4
        for stem in metadata["stems"].values():
            assert stem["stem"] in ("drums", "bass", "piano", "guitar", "others") and stem["is_drum"] == (stem["stem"] == "drums")
            assert stem["plugin_name"].startswith("patch: ")
        own = metadata["timbre"]
        assert 60 < own["tempo_bpm"] < 175 and own["beats_per_bar"] in (3, 4) and own["bars_s"][0] >= 0
        assert set(own["bars_s"]) <= set(own["beats_s"])


def test_a_set_is_the_same_by_any_number_of_threads_and_after_an_interruption(tmp_path):
    one, three, cut = (tmp_path / f"{name}.cache" for name in ("one", "three", "cut"))
    assert songs(one, "--pieces=6", "--threads=1").returncode == 0
    assert songs(three, "--pieces=6", "--threads=3").returncode == 0
    assert read(one) == read(three)
    command = [PROGRAM, "dataset", "songs", str(cut), "--pieces=6", "--threads=1", *LITTLE]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()) as running:
        for _ in range(1000):
            if cut.exists() and os.path.getsize(cut) > 1000:
                break
            time.sleep(0.005)
        running.send_signal(signal.SIGINT)
        _, error = running.communicate(timeout=60)
    assert running.returncode == 1 and b"the same command goes on with it" in error, error
    kept = os.path.getsize(cut)
    assert 1000 < kept < os.path.getsize(one)
    again = songs(cut, "--pieces=6")
    assert again.returncode == 0 and b" 0 were there" not in again.stdout, again
    assert read(one) == read(cut)


def test_a_set_is_not_gone_on_with_by_other_options(tracks, tmp_path):
    answer = songs(tracks, "--pieces=3", "--audio=wav", "--seed=2")
    assert answer.returncode == 1 and b"was begun with other options" in answer.stderr, answer
    cache = tmp_path / "a.cache"
    assert songs(cache, "--pieces=1").returncode == 0
    assert songs(cache, "--pieces=1", "--bands=64").returncode == 1
    assert songs(cache, "--pieces=2").stdout.decode().endswith(": 1 pieces made, 1 were there\n")


@pytest.mark.parametrize("arguments", [("songs",), ("noises", "x"), ("import", "x"), ("songs", "x", "--seconds=1"), ("songs", "x", "--pieces=0"),
                                       ("songs", "x", "--split=other"), ("songs", "x.cache", "--rate=44100")])
def test_wrong_usage_is_told_from_failure(arguments, tmp_path):
    answer = timbre("dataset", *arguments, cwd=tmp_path)
    assert answer.returncode == 2 and answer.stdout == b"" and answer.stderr, answer
    assert not os.path.exists(tmp_path / "x.cache")


@pytest.mark.skipif(not os.path.exists(TEST_FONT), reason="timgm6mb-soundfont is not installed")
def test_soundfonts_are_named_with_their_digests(tmp_path):
    answer = timbre("dataset", "songs", str(tmp_path), "--pieces=1", "--seconds=4", "--split=test", "-q")
    if b"without FluidSynth" in answer.stderr:
        pytest.skip("this build has no FluidSynth")
    assert answer.returncode == 0, answer
    facts = json.loads(read(tmp_path / "test.json"))
    assert [font["name"] for font in facts["soundfonts"]] == ["TimGM6mb"] and facts["patch_share"] == 0
    digest = subprocess.run(["b2sum", "-l", "256", TEST_FONT], stdout=subprocess.PIPE, check=True).stdout.decode()
    assert digest.startswith(facts["soundfonts"][0]["digest"])
    metadata = yaml.safe_load(read(tmp_path / "test" / "Track00001" / "metadata.yaml"))
    assert {stem["plugin_name"] for stem in metadata["stems"].values()} == {"TimGM6mb"}
    missing = timbre("dataset", "songs", str(tmp_path / "x"), "--soundfont=/nowhere/font.sf2")
    assert missing.returncode == 3 and b"/nowhere/font.sf2" in missing.stderr, missing


def test_import_takes_what_is_in_order_and_names_the_rest(tracks, tmp_path):
    cache = tmp_path / "imported.cache"
    first = timbre("dataset", "import", str(tracks), str(cache), "--bands=64")
    assert first.returncode == 0 and b": 3 tracks made, 0 were there, 0 left out" in first.stdout, first
    assert b"importing tracks" in first.stderr
    bad = tracks / "train" / "Track00009"
    os.makedirs(bad / "stems")
    (bad / "metadata.yaml").write_text("stems: [S00\n  S01: {")
    again = timbre("dataset", "import", str(tracks), str(cache), "--bands=64", "-q")
    assert again.returncode == 4 and b": 0 tracks made, 3 were there, 1 left out" in again.stdout, again
    assert again.stderr.startswith(b"left out train/Track00009: metadata.yaml: line "), again
    nothing = timbre("dataset", "import", str(bad), str(tmp_path / "none.cache"), "-q")
    assert nothing.returncode == 1 and b"none of the 1 tracks" in nothing.stderr, nothing
    empty = timbre("dataset", "import", str(tmp_path), str(tmp_path / "empty.cache"), "-q")
    assert empty.returncode == 3 and b"there is no track with stems" in empty.stderr, empty
