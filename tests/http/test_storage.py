# SPDX-License-Identifier: MIT
"""When the disk or the database is in trouble: the right status, and nothing that was acknowledged is lost."""
import os
import resource
import sqlite3
import subprocess
import threading
import time

import pytest

import audio
import daemon


def database(data):
    found = [name for name in os.listdir(data) if name.endswith((".db", ".sqlite", ".sqlite3"))]
    assert len(found) == 1, os.listdir(data)
    return os.path.join(data, found[0])


def fill_until_full(client):
    """Uploads until the server says 507; returns the IDs it acknowledged."""
    kept = []
    for seed in range(600, 660):
        answer = client.upload("/v1/tracks", audio.tune(seed, 2, 32000))
        if answer.status == 507:
            assert len(answer.detail) > 15
            return kept
        assert answer.status == 201, answer
        kept.append(answer.json["id"])
    raise AssertionError("the disk never filled")


def check_after_full(one, client, kept):
    """A full disk stops writes, not reads; with room again everything works and everything is there."""
    assert kept, "some tracks fit"
    assert client.get(f"/v1/tracks/{kept[0]}/similar").status == 200
    assert client.get("/livez").status == 200
    assert {track["id"] for track in client.get("/v1/tracks").json["results"]} == set(kept)


def test_a_full_disk_is_507_and_loses_nothing(new_daemon, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", disk],
                                           capture_output=True).returncode != 0:
        pytest.skip("a small file system can be mounted by root alone")
    try:
        one = new_daemon(disk / "data")
        one.log_path = str(tmp_path / "full.log")
        one.start()
        client = one.client()
        kept = fill_until_full(client)
        check_after_full(one, client, kept)
        big = client.post("/v1/tracks", b"x" * 8_000_000, {"Content-Type": "audio/wav"})
        assert big.status == 507, big
        unsaid = client.post("/v1/tracks", (b"x" * 65536 for _ in range(100)), {"Content-Type": "audio/wav"})
        assert unsaid.status == 507, unsaid
        assert os.listdir(os.path.join(one.data, "incoming")) == [], "what did not fit is removed"
        assert client.request("DELETE", f"/v1/tracks/{kept[0]}").status in (204, 507)
        one.kill()
        subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
        one.start()
        client = one.client()
        left = {track["id"] for track in client.get("/v1/tracks").json["results"]}
        assert set(kept[1:]) <= left <= set(kept)
        client.add(audio.tune(661))
        assert one.stop() == 0
    finally:
        for made in (one,) if "one" in locals() else ():
            made.kill()
        subprocess.run(["umount", "-l", disk], check=False)


def test_a_limit_on_file_sizes_is_507(new_daemon):
    limit = 4_000_000
    one = new_daemon(limits=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
    one.log_path = "/dev/null"
    one.start()
    client = one.client()
    answer = client.post("/v1/tracks", b"x" * 6_000_000, {"Content-Type": "audio/wav"})
    assert answer.status == 507, answer
    assert client.get("/livez").status == 200
    assert os.listdir(os.path.join(one.data, "incoming")) == []
    assert one.stop() == 0


def test_a_database_locked_by_another_process_is_waited_for_and_then_503(new_daemon):
    with new_daemon(busy_timeout="0.5s") as one:
        client = one.client()
        track = client.add(audio.tune(50))
        other = sqlite3.connect(database(one.data), isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        begun = time.monotonic()
        answer = client.upload("/v1/tracks", audio.tune(51))
        assert answer.status == 503 and "retry-after" in answer.headers, answer
        assert time.monotonic() - begun < 10
        assert client.request("PATCH", f"/v1/tracks/{track['id']}", {"title": "x"}).status == 503
        assert client.get(f"/v1/tracks/{track['id']}/similar").status == 200, "reads go on"
        assert client.get("/livez").status == 200
        assert client.get("/readyz").status in (200, 503)
        other.execute("ROLLBACK")
        other.close()
        assert client.upload("/v1/tracks", audio.tune(51)).status == 201
        assert client.get("/readyz").status == 200


def test_a_short_lock_is_waited_out(new_daemon):
    with new_daemon(busy_timeout="10s") as one:
        client = one.client()
        other = sqlite3.connect(database(one.data), isolation_level=None, check_same_thread=False)
        other.execute("BEGIN EXCLUSIVE")
        timer = threading.Timer(0.7, lambda: other.execute("ROLLBACK"))
        timer.start()
        assert client.upload("/v1/tracks", audio.tune(52)).status == 201
        timer.join()
        other.close()


def test_a_second_daemon_on_the_same_folder_ends_with_75(playground):
    second = daemon.run("--data", playground.data, "--listen", "127.0.0.1:0", "--models", daemon.MODELS)
    assert second.returncode == 75, second
    assert str(playground.process.pid) in second.stderr, "the sentence names who has it"
    assert playground.client().get("/livez").status == 200


def test_data_of_a_newer_version_are_left_as_they_are(new_daemon):
    one = new_daemon().start()
    one.client().add(audio.tune(53))
    assert one.stop() == 0
    path = database(one.data)
    with sqlite3.connect(path) as db:
        version = db.execute("PRAGMA user_version").fetchone()[0]
        db.execute(f"PRAGMA user_version = {version + 1000}")
    db.close()
    with open(path, "rb") as file:
        before = file.read()
    newer = daemon.run("--data", one.data, "--listen", "127.0.0.1:0", "--models", daemon.MODELS)
    assert newer.returncode == 65 and "newer" in newer.stderr, newer
    with open(path, "rb") as file:
        assert file.read() == before
    with sqlite3.connect(path) as db:
        db.execute(f"PRAGMA user_version = {version}")
    db.close()
    one.start()
    assert one.client().get("/v1/tracks").json["total"] == 1
    assert one.stop() == 0


def test_a_damaged_database_is_said_and_left_as_it_is(new_daemon):
    one = new_daemon().start()
    one.client().add(audio.tune(54))
    assert one.stop() == 0
    path = database(one.data)
    with open(path, "r+b") as file:
        file.write(b"this is no database " * 10)
    damaged = daemon.run("--data", one.data, "--listen", "127.0.0.1:0", "--models", daemon.MODELS)
    assert damaged.returncode == 65 and len(damaged.stderr) > 20, damaged
    with open(path, "rb") as file:
        assert file.read(20) == b"this is no database "


def test_leftovers_of_uploads_are_swept_at_the_start(new_daemon):
    one = new_daemon().start()
    assert one.stop() == 0
    left = os.path.join(one.data, "incoming", "upload-left")
    with open(left, "wb") as file:
        file.write(b"x" * 1000)
    one.start()
    assert not os.path.exists(left)
    assert one.stop() == 0


def test_tracks_survive_a_restart_with_all_that_belongs_to_them(new_daemon):
    one = new_daemon().start()
    client = one.client()
    tracks = [client.add(audio.tune(seed, 2), metadata={"title": f"T{seed}", "payload": {"n": seed}}) for seed in (55, 56, 57)]
    similar = client.get(f"/v1/tracks/{tracks[0]['id']}/similar").json["results"]
    vector = client.get(f"/v1/tracks/{tracks[0]['id']}/embedding").json["vector"]
    assert one.stop() == 0
    one.start()
    client = one.client()
    for track in tracks:
        assert client.get(f"/v1/tracks/{track['id']}").json == track
    assert client.get(f"/v1/tracks/{tracks[0]['id']}/embedding").json["vector"] == vector
    again = client.get(f"/v1/tracks/{tracks[0]['id']}/similar").json["results"]
    assert [hit["id"] for hit in again] == [hit["id"] for hit in similar]
    assert one.stop() == 0
