# SPDX-License-Identifier: MIT
"""The life of a track: add, read, list, edit, hear, remove."""
import json

import pytest

import audio
from daemon import multipart


def test_a_new_track_is_201_and_can_be_read(playground):
    client = playground.client()
    answer = client.upload("/v1/tracks", audio.tune(10), "My song.wav")
    assert answer.status == 201, answer
    track = answer.json
    assert answer.headers["location"] == f"/v1/tracks/{track['id']}"
    assert track["title"] == "My song" and track["sample_rate"] == 8000 and track["channels"] == 1
    assert abs(track["duration"] - 2) < 0.01
    assert client.get(f"/v1/tracks/{track['id']}").json["id"] == track["id"]


def test_the_same_audio_twice_is_one_track(playground):
    client = playground.client()
    first = client.add(audio.tune(10), "a.wav")
    again = client.upload("/v1/tracks", audio.tune(10), "b.wav")
    assert again.status == 200 and again.json["id"] == first["id"]
    as_stereo = audio.notes(10)
    assert client.get("/v1/tracks").json["total"] == 1
    # other bytes, same samples: a chunk of another kind stands before the audio
    plain = audio.tune(10)
    with_junk = plain[:12] + b"JUNK\x04\x00\x00\x00abcd" + plain[12:]
    assert client.upload("/v1/tracks", with_junk, "c.wav").json["id"] == first["id"]
    assert client.get("/v1/tracks").json["total"] == 1
    assert len(as_stereo) == 16000


def test_a_raw_body_and_a_chunked_body_are_taken(playground):
    client = playground.client()
    raw = client.post("/v1/tracks", audio.tune(11), {"Content-Type": "audio/wav"})
    assert raw.status == 201, raw
    bytes_of = audio.tune(12)
    chunks = (bytes_of[i:i + 1000] for i in range(0, len(bytes_of), 1000))
    chunked = client.post("/v1/tracks", chunks, {"Content-Type": "application/octet-stream"})
    assert chunked.status == 201, chunked
    # curl --data-binary says this type when it is told none
    known = client.post("/v1/tracks", bytes_of, {"Content-Type": "application/x-www-form-urlencoded"})
    assert known.status == 200, known


def test_metadata_wins_over_the_name_of_the_file(playground):
    client = playground.client()
    track = client.add(audio.tune(13), "x.wav", {
        "title": "T", "artist": "Ä", "year": 1984, "payload": {"a": [1, 2]}, "external_ids": {"mbid": "1-2-3"}})
    assert (track["title"], track["artist"], track["year"]) == ("T", "Ä", 1984)
    assert client.get(f"/v1/tracks/{track['id']}").json["payload"] == {"a": [1, 2]}
    assert client.get("/v1/tracks/mbid:1-2-3").json["id"] == track["id"]


def test_an_external_id_of_another_track_is_a_conflict(playground):
    client = playground.client()
    client.add(audio.tune(14), metadata={"external_ids": {"mbid": "x"}})
    other = client.add(audio.tune(15))
    answer = client.request("PATCH", f"/v1/tracks/{other['id']}", {"external_ids": {"mbid": "x"}})
    assert answer.status == 409 and "mbid" in answer.detail


def test_patch_changes_and_null_clears(playground):
    client = playground.client()
    track = client.add(audio.tune(16), metadata={"title": "Old", "artist": "A"})
    path = f"/v1/tracks/{track['id']}"
    changed = client.request("PATCH", path, {"title": "New", "artist": None, "payload": {"k": "v"}})
    assert changed.status == 200 and changed.json["title"] == "New" and changed.json["artist"] is None
    assert client.get(path).json["payload"] == {"k": "v"}


@pytest.mark.parametrize("body", [
    b'{"title": 5}', b'{"titel": "x"}', b'[]', b'"x"', b'{"year": "soon"}', b'{"external_ids": {"BAD SCHEME": "x"}}',
    b'{"payload": 5}', b'{"external_ids": []}', b'{"title": "\\ud800"}'])
def test_patches_of_the_wrong_form_are_refused(client, server, body):
    answer = client.request("PATCH", f"/v1/tracks/{server.tracks[0]['id']}", body, {"Content-Type": "application/json"})
    assert answer.status in (400, 422), answer
    assert len(answer.detail) > 10


def test_deleted_tracks_are_gone(playground):
    client = playground.client()
    track = client.add(audio.tune(17))
    path = f"/v1/tracks/{track['id']}"
    assert client.request("DELETE", path).status == 204
    for suffix in ("", "/features", "/embedding", "/segments", "/audio", "/similar"):
        assert client.get(path + suffix).status == 404, suffix
    assert client.request("DELETE", path).status == 404
    assert client.get("/v1/tracks").json["total"] == 0


def test_unknown_ids_are_404_with_the_id_in_the_sentence(client):
    for path in ("/v1/tracks/nope", "/v1/tracks/mbid:nope", "/v1/tracks/nope/similar", "/v1/tracks/nope/audio",
                 "/v1/jobs/999999", "/v1/jobs/abc", "/v1/libraries/nope", "/v1/libraries/nope/failures"):
        answer = client.get(path)
        assert answer.status == 404, (path, answer)
        assert path.split("/")[3].split(":")[-1] in answer.detail
    assert client.request("PATCH", "/v1/tracks/nope", {"title": "x"}).status == 404
    assert client.request("DELETE", "/v1/tracks/nope").status == 404


def test_lists_are_paged_sorted_and_searched(client, server):
    seen, cursor = [], None
    while True:
        page = client.get("/v1/tracks", limit=2, **({"cursor": cursor} if cursor else {})).json
        assert page["total"] == 5
        seen += [track["id"] for track in page["results"]]
        cursor = page["next_cursor"]
        if not cursor:
            break
    assert sorted(seen) == sorted(track["id"] for track in server.tracks)
    titles = [track["title"] for track in client.get("/v1/tracks", sort="title").json["results"]]
    assert titles == sorted(titles)
    assert [t["title"] for t in client.get("/v1/tracks", q="mull").json["results"]] == ["Five Müller"]
    assert client.get("/v1/tracks", filter="genre:jazz").json["total"] == 2
    assert client.get("/v1/tracks", filter="year:[2000 TO 2015]").json["total"] == 2
    scrolled = client.post("/v1/tracks/scroll", {"filter": "artist:Ada", "limit": 1}).json
    assert scrolled["total"] == 2 and len(scrolled["results"]) == 1


def test_search_words_may_hold_anything(client):
    for text in ('"', "'", "*", "a OR", "(", "NEAR(", "-", "AND", "\"a", "100%", "; DROP TABLE track", "ü" * 500, " "):
        answer = client.get("/v1/tracks", q=text)
        assert answer.status in (200, 400, 422), (text, answer)


def test_features_embedding_and_segments_of_a_track(client, server):
    path = f"/v1/tracks/{server.tracks[0]['id']}"
    features = client.get(path + "/features").json["features"]
    assert any(value is not None for value in features.values())
    embedding = client.get(path + "/embedding").json
    spaces = {space["name"]: space for space in client.get("/v1/spaces").json["results"]}
    assert len(embedding["vector"]) == spaces[embedding["space"]]["dim"]
    segments = client.get(path + "/segments", **{"with": "vector"}).json
    assert segments["total"] == len(segments["results"]) > 0
    part = spaces[embedding["space"]]["parts"][0]
    one = client.get(path + "/segments", part=part["name"], **{"with": "vector"}).json["results"][0]
    assert len(one["vector"]) == part["dim"] and list(one["presence"]) == [part["name"]]


def test_audio_is_sent_as_it_came_whole_and_in_ranges(client, server):
    path = f"/v1/tracks/{server.tracks[0]['id']}/audio"
    whole = client.get(path)
    assert whole.status == 200 and whole.body == audio.tune(1, 6) and whole.headers["accept-ranges"] == "bytes"
    part = client.request("GET", path, headers={"Range": "bytes=10-19"})
    assert part.status == 206 and part.body == whole.body[10:20]
    assert part.headers["content-range"] == f"bytes 10-19/{len(whole.body)}"
    tail = client.request("GET", path, headers={"Range": "bytes=-5"})
    assert tail.status == 206 and tail.body == whole.body[-5:]
    past = client.request("GET", path, headers={"Range": f"bytes={len(whole.body)}-"})
    assert past.status == 416 and past.headers["content-range"] == f"bytes */{len(whole.body)}"
    head = client.request("HEAD", path)
    assert head.status == 200 and int(head.headers["content-length"]) == len(whole.body)


def test_an_upload_that_need_not_be_waited_for_becomes_a_job(playground):
    client = playground.client()
    body, headers = multipart([("file", "later.wav", "audio/wav", audio.tune(18)),
                               ("metadata", None, "application/json", json.dumps({"artist": "L"}).encode())])
    answer = client.post("/v1/tracks", body, {**headers, "Prefer": "respond-async"})
    assert answer.status == 202 and answer.headers["location"] == f"/v1/jobs/{answer.json['id']}", answer
    job = client.job(answer.json["id"])
    assert job["state"] == "done", job
    track = client.get(f"/v1/tracks/{job['track']}").json
    assert (track["title"], track["artist"]) == ("later", "L")
    assert [j["id"] for j in client.get("/v1/jobs").json["results"]] == [answer.json["id"]]


def test_jobs_that_ended_cannot_be_changed(playground):
    client = playground.client()
    answer = client.post("/v1/tracks", b"not audio at all", {"Content-Type": "audio/wav", "Prefer": "respond-async"})
    assert answer.status == 202
    job = client.job(answer.json["id"])
    assert job["state"] == "failed" and job["message"], job
    path = f"/v1/jobs/{job['id']}"
    assert client.request("DELETE", path).status == 409
    assert client.post(path + "/pause").status == 409
    assert client.post(path + "/resume").status == 409
