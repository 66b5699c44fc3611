# SPDX-License-Identifier: MIT
"""Folders on the server: scans, paths that lead out of them, names that are no UTF-8."""
import os
import shutil
import time

import pytest

import audio


def put(client, root, name="music", **more):
    return client.request("PUT", f"/v1/libraries/{name}", {"root": str(root), **more})


def scan(client, name="music", **options):
    answer = client.post(f"/v1/libraries/{name}/scan", options or None)
    assert answer.status == 202, answer
    job = client.job(answer.json["id"])
    assert job["state"] == "done", job
    return job


@pytest.fixture
def music(tmp_path):
    root = tmp_path / "all" / "music"
    (root / "sub").mkdir(parents=True)
    for seed, name in ((40, "a.wav"), (41, "sub/b.wav"), (42, "sub/c.wav")):
        (root / name).write_bytes(audio.tune(seed, 1))
    return root


def test_a_scan_takes_in_a_folder_and_follows_its_changes(playground, music):
    client = playground.client()
    assert put(client, music).status == 201
    assert put(client, music).status == 200
    job = scan(client)
    assert job["done"] == 3 and job["failed"] == 0
    library = client.get("/v1/libraries/music").json
    assert library["tracks"] == library["files"] == 3 and library["failures"] == 0
    assert [item["name"] for item in client.get("/v1/libraries").json["results"]] == ["music"]
    before = {track["id"] for track in client.get("/v1/tracks", filter="library:music").json["results"]}
    os.rename(music / "a.wav", music / "sub" / "moved.wav")
    (music / "new.wav").write_bytes(audio.tune(43, 1))
    (music / "sub" / "c.wav").unlink()
    scan(client)
    after = {track["id"] for track in client.get("/v1/tracks").json["results"]}
    assert len(after) == 3 and len(before & after) == 2, "a moved file keeps its record, a removed one is forgotten"


def test_files_that_cannot_be_read_are_listed_and_tried_again(playground, music):
    client = playground.client()
    (music / "bad.wav").write_bytes(b"not audio at all" * 10)
    (music / "empty.wav").write_bytes(b"")
    put(client, music)
    job = scan(client)
    assert job["failed"] == 2
    failures = client.get("/v1/libraries/music/failures").json
    assert failures["total"] == 2 and all(len(item["reason"]) > 10 for item in failures["results"])
    (music / "bad.wav").write_bytes(audio.tune(44, 1))
    scan(client)
    assert client.get("/v1/libraries/music/failures").json["total"] == 1
    assert client.get("/v1/tracks").json["total"] == 4


def test_a_folder_that_is_gone_or_empty_forgets_nothing(playground, music):
    client = playground.client()
    put(client, music)
    scan(client)
    os.rename(music, str(music) + "-away")
    answer = client.post("/v1/libraries/music/scan")
    if answer.status == 202:
        assert client.job(answer.json["id"])["state"] == "failed"
    else:
        assert answer.status in (404, 409, 422), answer
    assert client.get("/v1/tracks").json["total"] == 3
    os.mkdir(music)
    assert client.job(client.post("/v1/libraries/music/scan").json["id"])["state"] == "failed"
    assert client.get("/v1/tracks").json["total"] == 3


def test_libraries_that_cannot_be_are_refused(playground, music, tmp_path):
    client = playground.client()
    assert put(client, tmp_path / "nowhere").status in (404, 422)
    assert put(client, music / "a.wav").status == 422
    assert put(client, "relative/path").status == 422
    assert client.request("PUT", "/v1/libraries/music", {}).status == 422
    assert client.request("PUT", "/v1/libraries/music", {"root": 5}).status == 422
    assert put(client, music, "Bad Name".replace(" ", "%20")).status == 422
    assert put(client, music, "x" * 65).status == 422
    assert put(client, music).status == 201
    assert put(client, music / "sub", "inner").status == 409
    assert put(client, tmp_path / "all", "outer").status == 409
    assert put(client, playground.data, "own").status == 422
    assert put(client, tmp_path, "around").status == 422, "the data folder lies in it"
    assert client.post("/v1/libraries/nope/scan").status == 404
    assert client.request("DELETE", "/v1/libraries/nope").status == 404


def test_a_removed_library_takes_its_tracks_along_and_no_file(playground, music):
    client = playground.client()
    put(client, music)
    scan(client)
    client.add(audio.tune(45, 1))
    assert client.request("DELETE", "/v1/libraries/music").status == 204
    assert client.get("/v1/tracks").json["total"] == 1
    assert (music / "a.wav").exists()


def test_paths_inside_a_library_are_taken_and_those_outside_are_not(playground, music, tmp_path):
    client = playground.client()
    secret = tmp_path / "secret.wav"
    secret.write_bytes(audio.tune(46, 1))
    os.symlink(secret, music / "link.wav")
    os.symlink(tmp_path, music / "up")
    put(client, music)
    inside = client.post("/v1/tracks", {"path": str(music / "a.wav")})
    assert inside.status == 201 and inside.json["library"] == "music", inside
    outside = [str(secret), "/etc/passwd", str(music / ".." / "secret.wav"), str(music / "link.wav"),
               str(music / "up" / "secret.wav"), str(tmp_path), str(music) + "-other/x.wav", "secret.wav", "",
               str(music / "nowhere.wav"), str(music) + "\x00/a.wav", "/proc/self/environ", playground.data + "/timbre.db"]
    for path in outside:
        for call, body in (("/v1/tracks", {"path": path}), ("/v1/search", {"query": {"path": path}}),
                           ("/v1/features", {"path": path}), ("/v1/embed", {"path": path})):
            answer = client.post(call, body)
            assert answer.status in (400, 403, 404, 422), (call, path, answer)
            assert "root:" not in answer.detail
    scan(client)
    found = [track["path"] for track in client.get("/v1/tracks").json["results"]]
    assert len(found) == 3 and not any("secret" in path or "link" in path for path in found), found
    answer = client.post("/v1/libraries/music/scan", {"path": "../"})
    assert answer.status in (202, 403, 404, 422), answer
    if answer.status == 202:
        assert client.job(answer.json["id"])["state"] == "failed"
    assert client.get("/v1/tracks").json["total"] == 3


def test_names_that_are_no_utf_8_are_scanned_and_shown(playground, music):
    client = playground.client()
    odd = os.fsencode(music) + b"/M\xfcller \xff\xfe.wav"
    try:
        with open(odd, "wb") as file:
            file.write(audio.tune(47, 1))
    except OSError:
        pytest.skip("this file system takes no such names")
    with open(os.fsencode(music) + b"/new\nline \x1b[31m.wav", "wb") as file:
        file.write(audio.tune(48, 1))
    with open(os.fsencode(music) + b"/bad \xff.wav", "wb") as file:
        file.write(b"not audio")
    put(client, music)
    job = scan(client)
    assert job["done"] + job["failed"] >= 6 and job["failed"] == 1, job
    tracks = client.get("/v1/tracks").json["results"]
    assert len(tracks) == 5
    shown = next(track for track in tracks if "ller" in (track["path"] or ""))
    assert "\ufffd" in shown["path"]
    assert client.get(f"/v1/tracks/{shown['id']}/audio").body == audio.tune(47, 1)
    assert client.get(f"/v1/tracks/{shown['id']}/similar").status == 200
    assert "\ufffd" in client.get("/v1/libraries/music/failures").json["results"][0]["path"]
    scan(client)
    assert client.get("/v1/tracks").json["total"] == 5


def test_one_file_in_two_places_is_one_track(playground, music):
    client = playground.client()
    shutil.copy(music / "a.wav", music / "sub" / "copy.wav")
    put(client, music)
    scan(client)
    assert client.get("/v1/tracks").json["total"] == 3
    (music / "a.wav").unlink()
    scan(client)
    assert client.get("/v1/tracks").json["total"] == 3, "its other file still holds it"


def test_a_scan_can_be_paused_resumed_and_cancelled(playground, tmp_path):
    root = tmp_path / "many"
    root.mkdir()
    for seed in range(30):
        (root / f"{seed}.wav").write_bytes(audio.tune(400 + seed, 1))
    client = playground.client()
    put(client, root, "many")
    job = client.post("/v1/libraries/many/scan").json["id"]
    paused = client.post(f"/v1/jobs/{job}/pause")
    assert paused.status in (200, 409), paused
    if paused.status == 200:
        # it stops at the next safe place, unless it is done before
        while (state := client.get(f"/v1/jobs/{job}").json["state"]) in ("queued", "running"):
            time.sleep(0.02)
        if state == "paused":
            assert client.post(f"/v1/jobs/{job}/resume").status == 200
    cancelled = client.request("DELETE", f"/v1/jobs/{job}")
    assert cancelled.status in (200, 409), cancelled
    assert client.job(job)["state"] in ("cancelled", "done")
    scan(client, "many")
    assert client.get("/v1/tracks").json["total"] == 30
