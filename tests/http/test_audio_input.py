# SPDX-License-Identifier: MIT
"""Audio that is odd, broken or none: the right status, a sentence, and never a NaN."""
import array
import math
import os
import struct

import pytest

import audio
from daemon import multipart

NOT_AUDIO = {
    "text": b"this is not audio, it is a sentence\n" * 50,
    "an image": b"\x89PNG\r\n\x1a\n" + bytes(500),
    "random bytes": bytes((i * 7919 + 13) % 251 for i in range(5000)),
    "zeros": bytes(4096),
    "a RIFF head alone": b"RIFF\x24\x00\x00\x00WAVE",
    "a head of Ogg": b"OggS" + bytes(300),
    "a head of FLAC": b"fLaC" + bytes(300),
    "an ID3 tag alone": b"ID3\x04\x00\x00\x00\x00\x00\x00" + bytes(200),
}


def numbers_of(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [number for item in value for number in numbers_of(item)]
    return [value] if isinstance(value, (int, float)) else []


def assert_whole_life(client, data, name="a.wav"):
    """Analyses, adds, reads, searches; every number is finite (NaN is no JSON, and the client refuses it)."""
    features = client.upload("/v1/features", data, name)
    assert features.status == 200, features
    embedded = client.upload("/v1/embed", data, name)
    assert embedded.status == 200, embedded
    added = client.upload("/v1/tracks", data, name)
    assert added.status in (200, 201), added
    path = f"/v1/tracks/{added.json['id']}"
    answers = [features, embedded, added] + [client.get(path + end) for end in ("/features", "/embedding", "/segments", "/similar")]
    answers.append(client.upload("/v1/search", data, name))
    for answer in answers:
        assert answer.status == 200 or answer is added, answer
        assert all(math.isfinite(number) for number in numbers_of(answer.json))
    return features.json, added.json, answers[-1].json


@pytest.mark.parametrize("name", NOT_AUDIO)
def test_what_is_not_audio_is_refused(client, name):
    for path in ("/v1/tracks", "/v1/search", "/v1/features", "/v1/embed"):
        answer = client.upload(path, NOT_AUDIO[name])
        assert answer.status in (415, 422), (path, answer)
        assert len(answer.detail) > 15


def test_an_empty_file_is_refused(client):
    for path in ("/v1/tracks", "/v1/search", "/v1/features", "/v1/embed"):
        answer = client.upload(path, b"")
        assert answer.status == 422 and "empty" in answer.detail, answer
        answer = client.post(path, b"", {"Content-Type": "audio/wav"})
        assert answer.status in (400, 422), answer


def test_audio_of_no_length_is_refused(client):
    for path in ("/v1/tracks", "/v1/search", "/v1/features", "/v1/embed"):
        answer = client.upload(path, audio.wav(array.array("h")))
        assert answer.status == 422, answer
        assert len(answer.detail) > 15


def test_one_sample_has_a_clear_answer(playground):
    client = playground.client()
    data = audio.wav(array.array("h", [1000]))
    answer = client.upload("/v1/tracks", data)
    assert answer.status in (201, 422), answer
    if answer.status == 201:
        assert_whole_life(client, data)
    else:
        assert len(answer.detail) > 15


def test_a_truncated_file_is_taken_as_far_as_it_goes_or_refused(playground):
    client = playground.client()
    whole = audio.tune(20, 4)
    for keep in (len(whole) // 2, len(whole) - 1, 100):
        answer = client.upload("/v1/tracks", whole[:keep])
        assert answer.status in (201, 422), (keep, answer)
        if answer.status == 201:
            assert answer.json["duration"] <= 4
    half = client.upload("/v1/features", whole[:len(whole) // 2])
    assert half.status == 200 and half.json["truncated"] is True and 1.5 < half.json["duration"] < 2.5, half


def test_nan_and_infinite_samples_count_as_silence(playground):
    client = playground.client()
    values = [sample / 32768 for sample in audio.notes(21, 3)]
    for at, bad in ((100, math.nan), (5000, math.inf), (9000, -math.inf), (9001, math.nan)):
        values[at] = bad
    features, _, _ = assert_whole_life(client, audio.float_wav(values))
    assert features["bad_samples"] == 4
    only_bad = audio.float_wav([math.nan] * 16000)
    features, _, found = assert_whole_life(client, only_bad)
    assert features["bad_samples"] == 16000 and found["results"] == [] and "silent" in found["reason"]


def test_huge_and_tiny_floats_give_finite_numbers(playground):
    client = playground.client()
    tune = [sample / 32768 for sample in audio.notes(22, 2)]
    assert_whole_life(client, audio.float_wav([value * 1e30 for value in tune]))
    assert_whole_life(client, audio.float_wav([value * 1e-30 for value in tune]))
    assert_whole_life(client, audio.float_wav([3.4e38 if i % 2 else -3.4e38 for i in range(16000)]))


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 32000, 44100, 48000, 88200, 96000, 192000])
def test_every_usual_sample_rate_is_read(playground, rate):
    client = playground.client()
    _, track, _ = assert_whole_life(client, audio.tune(23, 1.5, rate))
    assert track["sample_rate"] == rate and abs(track["duration"] - 1.5) < 0.01


@pytest.mark.parametrize("channels", range(1, 9))
def test_one_to_eight_channels_are_read(playground, channels):
    client = playground.client()
    mono = audio.notes(24, 1.5)
    many = array.array("h", [sample // (c + 1) for sample in mono for c in range(channels)])
    _, track, _ = assert_whole_life(client, audio.wav(many, 8000, channels))
    assert track["channels"] == channels and abs(track["duration"] - 1.5) < 0.01


def test_rates_and_channels_that_cannot_be_are_refused(client):
    good = audio.tune(25, 1)
    for rate in (0, 1, 4294967295):
        answer = client.upload("/v1/features", good[:24] + struct.pack("<II", rate, (rate * 2) & 0xFFFFFFFF) + good[32:])
        assert answer.status in (415, 422), (rate, answer)
    for channels in (0, 1025, 65535):
        answer = client.upload("/v1/features", good[:22] + struct.pack("<H", channels) + good[24:])
        assert answer.status in (415, 422), (channels, answer)


def test_silence_throughout_is_indexed_and_no_part_is_present(playground):
    client = playground.client()
    client.add(audio.tune(26))
    _, track, found = assert_whole_life(client, audio.silence(3))
    presence = client.get(f"/v1/tracks/{track['id']}/embedding").json["presence"]
    assert presence and all(value == 0 for value in presence.values()), presence
    assert found["results"] == [] and "silent" in found["reason"]
    similar = client.get(f"/v1/tracks/{track['id']}/similar").json
    assert similar["results"] == [] and "silent" in similar["reason"]


def long_wav(path, seconds, rate=8000):
    """An hour takes no more of Python's time than a minute: one block over and over."""
    block = audio.tune(27, 10, rate)[44:]
    size = int(seconds * rate) * 2
    with open(path, "wb") as file:
        file.write(audio.wav_bytes(b"", rate)[:40] + struct.pack("<I", size))
        for _ in range(size // len(block)):
            file.write(block)
        file.truncate(44 + size)


def peak_of_scan(new_daemon, folder, seconds):
    os.makedirs(folder)
    long_wav(os.path.join(folder, "long.wav"), seconds)
    one = new_daemon(os.path.join(os.path.dirname(folder), f"data-{seconds}"))
    with one:
        client = one.client()
        assert client.request("PUT", "/v1/libraries/long", {"root": str(folder)}).status == 201
        job = client.job(client.post("/v1/libraries/long/scan").json["id"], 300)
        assert job["state"] == "done" and job["failed"] == 0, job
        tracks = client.get("/v1/tracks").json["results"]
        assert abs(tracks[0]["duration"] - seconds) < 1
        return one.status("VmHWM")


def test_three_hours_take_no_more_memory_than_three_minutes(new_daemon, tmp_path):
    short = peak_of_scan(new_daemon, str(tmp_path / "short"), 180)
    long = peak_of_scan(new_daemon, str(tmp_path / "long"), 3 * 3600)
    print(f"peak memory: {short / 1e6:.1f} MB for 3 minutes, {long / 1e6:.1f} MB for 3 hours")
    segments = 3 * 3600 * (640 / 2.97 + 416 / 5.02) * 4 # the vectors themselves, which grow with the length
    assert long <= 1.2 * short + 2.5 * segments


def test_audio_past_the_longest_length_is_refused(new_daemon):
    with new_daemon(max_duration="5s") as one:
        client = one.client()
        assert client.upload("/v1/features", audio.tune(28, 4)).status == 200
        answer = client.upload("/v1/tracks", audio.tune(28, 6))
        assert answer.status in (413, 422) and len(answer.detail) > 15, answer


def test_forms_that_are_not_in_order_are_refused(client):
    tune = audio.tune(29, 1)
    no_file, headers = multipart([("limit", None, None, b"3")])
    answer = client.post("/v1/search", no_file, headers)
    assert answer.status == 422 and "file" in answer.detail
    two, headers = multipart([("file", "a.wav", None, tune), ("file", "b.wav", None, tune)])
    for path in ("/v1/tracks", "/v1/search", "/v1/features", "/v1/embed"):
        answer = client.post(path, two, headers)
        assert answer.status == 422 and "two files" in answer.detail, answer
    answer = client.post("/v1/search", two, {"Content-Type": "multipart/form-data"})
    assert answer.status == 400 and "boundary" in answer.detail
    answer = client.post("/v1/search", two[:-30], headers)
    assert answer.status == 400 and "boundary" in answer.detail
    answer = client.post("/v1/search", b"", headers)
    assert answer.status in (400, 422), answer
    many, headers = multipart([("limit", None, None, b"3")] * 6)
    answer = client.post("/v1/search", many, headers)
    assert answer.status == 422, answer
    other, headers = multipart([("picture", "a.wav", "audio/wav", tune)])
    answer = client.post("/v1/search", other, headers)
    assert answer.status == 422 and '"file"' in answer.detail, answer


def test_a_form_carries_options_beside_the_file(client):
    answer = client.upload("/v1/search", audio.tune(1, 6), "q.wav", [("limit", "2")])
    assert answer.status == 200 and len(answer.json["results"]) == 2


@pytest.mark.parametrize("kind", ["text/plain", "image/png", "application/xml", "multipart/mixed; boundary=x", "nonsense"])
def test_wrong_content_types_are_415(client, kind):
    for path in ("/v1/tracks", "/v1/search", "/v1/features", "/v1/embed"):
        answer = client.post(path, b"abc", {"Content-Type": kind})
        assert answer.status == 415 and "audio" in answer.detail, (path, answer)
    assert client.post("/v1/tracks/scroll", b"{}", {"Content-Type": kind}).status == 415


def test_odd_file_names_and_tags_do_no_harm(playground):
    client = playground.client()
    names = ["../../../etc/passwd", "a/b\\c.wav", "\u202e.wav", "", "." * 300, "name\twith\ttabs.wav", "<script>.wav", "%00.wav"]
    for i, name in enumerate(names):
        answer = client.upload("/v1/tracks", audio.tune(100 + i, 1), name)
        assert answer.status == 201, (name, answer)
    body, headers = multipart([("file", "NAME", "audio/wav", audio.tune(120, 1))])
    answer = client.post("/v1/tracks", body.replace(b"NAME", b"\xff\xfe\x80.wav"), headers)
    assert answer.status == 201 and "\ufffd" in answer.json["title"], answer
    # a LIST INFO chunk with a title in Latin-1 and one that is no text at all
    title = b"INAM\x06\x00\x00\x00M\xfcll\xe9\x00" + b"IART\x04\x00\x00\x00\xff\xfe\x01\x02"
    tagged = audio.tune(121, 1) + b"LIST" + struct.pack("<I", 4 + len(title)) + b"INFO" + title
    tagged = tagged[:4] + struct.pack("<I", len(tagged) - 8) + tagged[8:]
    answer = client.upload("/v1/tracks", tagged, "t.wav")
    assert answer.status == 201, answer
    assert client.get("/v1/tracks", limit=100).status == 200
    assert sorted(os.listdir(playground.data)) == sorted(set(os.listdir(playground.data)))
