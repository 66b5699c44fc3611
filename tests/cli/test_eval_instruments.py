# SPDX-License-Identifier: MIT
"""eval instruments: from a model file and a piece cache to the page with its tables."""
import json
import xml.etree.ElementTree

import audio
import made_model
import pytest
from conftest import timbre


@pytest.fixture(scope="module")
def heard(tmp_path_factory):
    """A model that hears nothing in particular, and pieces played by synthesis, so that no soundfont is needed."""
    folder = tmp_path_factory.mktemp("instruments")
    made_model.write_instruments(folder / "model.safetensors")
    answer = timbre("dataset", "songs", str(folder / "test.cache"), "--split=test", "--soundfonts=none", "--pieces=12", "--seconds=24",
                    f"--bands={made_model.BANDS}", "-q")
    assert answer.returncode == 0, answer
    return folder


def instruments(folder, *arguments):
    return timbre("eval", "instruments", f"--model={folder}/model.safetensors", f"--cache={folder}/test.cache", "--quick", "--draws=2", *arguments,
                  timeout=300)


def test_eval_instruments_is_the_same_for_any_number_of_threads(heard):
    one, three = (instruments(heard, "--json", "-q", f"--threads={n}") for n in (1, 3))
    assert one.returncode == 0 and one.stderr == b"", one
    assert one.stdout == three.stdout
    measured = json.loads(one.stdout)
    assert measured["pieces"] == 12 and measured["quick"] and len(measured["targets"]) == 27
    assert measured["table2"]["draws"] == 2 and 0 <= measured["table2"]["leakage"] <= 1
    assert measured["table1"]["3s"]["mix"]["bass"]["n"] > 0
    assert measured["robustness_rendered"]["tracks"] == 3
    assert measured["real"] == [] and [t["met"] for t in measured["targets"] if t["value"] is None] == [False] * 4


def test_eval_instruments_hears_real_music_beside_other_spaces(heard, tmp_path):
    for seed in (1, 2):
        (tmp_path / f"{seed}.wav").write_bytes(audio.tune(seed, 61, 4000))
    answer = instruments(heard, "--json", "-q", f"--music={tmp_path}")
    assert answer.returncode == 0 and answer.stderr == b"", answer
    measured = json.loads(answer.stdout)
    assert [real["space"] for real in measured["real"]] == ["instruments", "descriptors", "MFCC, mean and deviation"]
    assert all(real["tracks"] == 2 and 0 <= real["half_split_top1"] <= 1 for real in measured["real"])
    assert set(measured["real"][0]["parts"]) == {"drums", "bass", "piano", "guitar", "others"}
    assert measured["robustness_recorded"]["tracks"] == 2 and all(t["value"] is not None for t in measured["targets"])
    empty = tmp_path / "empty"
    empty.mkdir()
    assert instruments(heard, f"--music={empty}", "-q").returncode == 2


def test_eval_instruments_makes_a_page_and_keeps_its_head(heard):
    page, picture = heard / "page.md", heard / "page-disentanglement.svg"
    answer = instruments(heard, "-o", str(page))
    assert answer.returncode == 0 and b"music ID" in answer.stderr and b"leakage" in answer.stdout, answer
    text = page.read_text()
    assert text.startswith("# instruments\n") and "paper, aux+basic+add'" in text and "](page-disentanglement.svg)" in text
    assert str(heard) not in text.replace(f"--model={heard}", "")
    assert xml.etree.ElementTree.parse(picture).getroot().tag.endswith("svg")
    page.write_text(text.replace("# instruments\n", "# instruments\n\nOne network, five parts.\n").replace("### Table 2", "### gone"))
    assert instruments(heard, "-o", str(page), "-q").returncode == 0
    again = page.read_text()
    assert "One network, five parts." in again and "### Table 2" in again and again.count("## How well") == 1
    page.write_text("something else")
    refused = instruments(heard, "-o", str(page))
    assert refused.returncode == 1 and b"page.md is there" in refused.stderr and page.read_text() == "something else", refused
