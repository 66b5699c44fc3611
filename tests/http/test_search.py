# SPDX-License-Identifier: MIT
"""Searches by ID, upload, vector and examples, and every way to ask wrongly."""
import json
import threading

import pytest

import audio
from daemon import Client


@pytest.fixture
def space(client):
    return next(space for space in client.get("/v1/spaces").json["results"] if space["active"])


def ids_of(answer):
    assert answer.status == 200, answer
    return [hit["id"] for hit in answer.json["results"]]


def test_neighbours_of_a_track_leave_it_out_and_come_by_distance(client, server):
    answer = client.get(f"/v1/tracks/{server.tracks[0]['id']}/similar")
    assert server.tracks[0]["id"] not in ids_of(answer) and len(answer.json["results"]) == 4
    distances = [hit["distance"] for hit in answer.json["results"]]
    assert distances == sorted(distances)
    assert all(0 <= hit["score"] <= 1 for hit in answer.json["results"])


def test_an_uploaded_copy_finds_its_track_first_with_score_1(client, server):
    for ask in (lambda: client.upload("/v1/search", audio.tune(3, 6)),
                lambda: client.post("/v1/search", audio.tune(3, 6), {"Content-Type": "audio/wav"})):
        answer = ask()
        assert ids_of(answer)[0] == server.tracks[2]["id"]
        assert answer.json["results"][0]["score"] > 0.999
    assert client.get("/v1/tracks").json["total"] == 5 # nothing was stored


def test_id_vector_and_json_ask_the_same(client, server):
    identity = server.tracks[1]["id"]
    by_path = client.get(f"/v1/tracks/{identity}/similar", limit=3)
    by_id = client.post("/v1/search", {"query": identity, "limit": 3})
    assert ids_of(by_path) == ids_of(by_id)
    vector = client.get(f"/v1/tracks/{identity}/embedding").json["vector"]
    assert ids_of(client.post("/v1/search", {"query": vector, "limit": 1})) == [identity]
    passage = client.post("/v1/search", {"query": {"id": identity, "start": 1, "duration": 4}, "limit": 3})
    assert len(ids_of(passage)) == 3


def test_parts_can_be_weighed_alone_and_together(client, server):
    descriptors = next(space for space in client.get("/v1/spaces").json["results"] if space["name"] == "descriptors")
    names = [part["name"] for part in descriptors["parts"]]
    path = f"/v1/tracks/{server.tracks[0]['id']}/similar"
    for name in names:
        answer = client.get(path, using=name)
        assert len(ids_of(answer)) == 4
        assert all(list(hit["parts"]) == [name] for hit in answer.json["results"])
    ratio = [ids_of(client.get(path, using=f"{names[0]}:{w},{names[1]}:{2 * w}")) for w in (1, 0.5, 1000)]
    assert ratio[0] == ratio[1] == ratio[2]
    assert ids_of(client.post("/v1/search", {"query": server.tracks[0]["id"], "using": {names[0]: 1, names[1]: 2}})) == ratio[0]


def test_parts_name_their_space(client, server):
    path = f"/v1/tracks/{server.tracks[0]['id']}/similar"
    for using, space in (("drums", "instruments"), ("bass:1,others:0.5", "instruments"), ("rhythm", "descriptors"), (None, "instruments")):
        answer = client.get(path, **({"using": using} if using else {}))
        assert answer.status == 200 and answer.json["space"] == space, answer
    answer = client.get(path, using="drums,rhythm")
    assert answer.status == 422 and "rhythm" in answer.detail
    answer = client.get(path, using="drums", space="descriptors")
    assert answer.status == 422 and "drums" in answer.detail


def test_examples_for_and_against(client, server):
    first, second, third = (track["id"] for track in server.tracks[:3])
    answer = client.post("/v1/search", {"query": {"recommend": {"positive": [first, {"id": second}], "negative": [third]}}})
    assert first not in ids_of(answer) and second not in ids_of(answer)


def test_filters_caps_groups_and_what_was_played(client, server):
    path = f"/v1/tracks/{server.tracks[4]['id']}/similar"
    assert len(ids_of(client.get(path, filter="genre:jazz"))) == 2
    assert len(ids_of(client.get(path, max_per_artist=1))) == 2
    assert len(ids_of(client.get(path, group_by="album"))) == 2
    previous = ",".join(track["id"] for track in server.tracks[:2])
    answer = client.get(path, previous=previous)
    assert len(ids_of(answer)) == 2 and answer.json["dropped_by"]["previous"] == 2
    nothing = client.get(path, filter="genre:polka").json
    assert nothing["results"] == [] and nothing["dropped_by"]["filter"] >= 4
    assert ids_of(client.get(path, score_threshold=1)) == []
    pages = [ids_of(client.get(path, limit=2, offset=offset)) for offset in (0, 2)]
    assert pages[0] + pages[1] == ids_of(client.get(path, limit=4))


def test_segments_have_times_and_highlights_show_where(client, server):
    answer = client.post("/v1/search", {"query": server.tracks[0]["id"], "level": "segment", "with": ["highlights"], "limit": 3})
    for hit in answer.json["results"]:
        assert 0 <= hit["highlights"][0]["start"] < hit["highlights"][0]["end"] <= 7
    explained = client.get(f"/v1/tracks/{server.tracks[0]['id']}/similar", explain="true").json
    assert explained["explain"]["candidates"] >= 4 and explained["explain"]["weights"]


@pytest.mark.parametrize("using", ["nosuchpart", "nosuchpart:1", "PART:-1", "PART:nan", "PART:NaN", "PART:inf", "PART:0",
                                   "PART:1e999", "PART:", ":1", "PART:1,PART:2", ",", "PART:0x10", "PART:1:2", "PART;1"])
def test_weights_that_cannot_be_are_refused(client, server, space, using):
    part = space["parts"][0]["name"]
    answer = client.get(f"/v1/tracks/{server.tracks[0]['id']}/similar", using=using.replace("PART", part))
    assert answer.status in (400, 422), answer
    if "nosuchpart" in using:
        assert all(p["name"] in answer.detail for p in space["parts"]), "the sentence lists the parts there are"
    else:
        assert len(answer.detail) > 15


@pytest.mark.parametrize("using", [{"PART": -1}, {"PART": "1"}, {"PART": None}, {"PART": 0}, {"nosuchpart": 1}, 5, [], {},
                                   ["PART", 5], {"PART": True}])
def test_weights_in_json_that_cannot_be_are_refused(client, server, space, using):
    text = json.dumps({"query": server.tracks[0]["id"], "using": using}).replace("PART", space["parts"][0]["name"])
    answer = client.post("/v1/search", text.encode(), {"Content-Type": "application/json"})
    empty = using in ([], {})
    assert answer.status in ((200, 422) if empty else (422,)), answer
    for broken in ("NaN", "Infinity", "1e999", "-1e999"):
        answer = client.post("/v1/search", ('{"query": "x", "using": {"a": %s}}' % broken).encode(), {"Content-Type": "application/json"})
        assert answer.status in (400, 422), answer


@pytest.mark.parametrize("limit", ["0", "-1", "1000000000", "99999999999999999999", "abc", "", "1.5", "1e3", " 1", "0x10", "1001"])
def test_limits_that_cannot_be_are_refused(client, server, limit):
    for path in (f"/v1/tracks/{server.tracks[0]['id']}/similar", "/v1/tracks", "/v1/jobs"):
        answer = client.get(path, limit=limit)
        assert answer.status == 422 and "limit" in answer.detail, (path, answer)
    for name in ("offset", "score_threshold", "group_size", "max_per_artist", "start", "duration"):
        answer = client.get(f"/v1/tracks/{server.tracks[0]['id']}/similar", **{name: "-5"})
        assert answer.status == 422 and name in answer.detail, answer


def test_limits_in_json_that_cannot_be_are_refused(client, server):
    for limit in (0, -1, 10**9, 10**30, 1.5, "10", True, [], {}):
        answer = client.post("/v1/search", {"query": server.tracks[0]["id"], "limit": limit})
        assert answer.status in (400, 422) and "limit" in answer.detail or limit == 10**30, (limit, answer)


def test_unknown_options_name_the_nearest_one(client, server):
    answer = client.get(f"/v1/tracks/{server.tracks[0]['id']}/similar", limitt=5)
    assert answer.status == 422 and "limit" in answer.detail
    answer = client.post("/v1/search", {"query": server.tracks[0]["id"], "usin": "x"})
    assert answer.status == 422 and "using" in answer.detail
    for name, value in (("space", "nope"), ("missing", "maybe"), ("level", "album"), ("group_by", "year"), ("with", "wings")):
        answer = client.get(f"/v1/tracks/{server.tracks[0]['id']}/similar", **{name: value})
        assert answer.status == 422, (name, answer)
    twice = client.request("GET", f"/v1/tracks/{server.tracks[0]['id']}/similar?limit=1&limit=2")
    assert twice.status == 422, twice


@pytest.mark.parametrize("text, position", [("tempo:[90 TO", None), ("genre:", None), ("genre:rock AND", None), ("(genre:rock", None),
                                            ("nosuchfield:1", None), ("tempo:fast", None), ("genre:rock)", 11), ("\"", None)])
def test_filters_that_do_not_parse_say_where(client, server, text, position):
    for answer in (client.get(f"/v1/tracks/{server.tracks[0]['id']}/similar", filter=text),
                   client.get("/v1/tracks", filter=text), client.post("/v1/search", {"query": "x", "filter": text})):
        assert answer.status in (400, 422), answer
        assert any(c.isdigit() for c in answer.detail) or "nosuchfield" in answer.detail or "tempo" in answer.detail, answer.detail
        if position is not None:
            assert str(position) in answer.detail, answer.detail


def test_filters_of_any_size_have_an_answer(client):
    for text in ("(" * 10000, "NOT " * 5000 + "genre:a", " OR ".join(["genre:a"] * 2000), "genre:" + "x" * 6000):
        answer = client.post("/v1/tracks/scroll", {"filter": text})
        assert answer.status in (200, 400, 413, 422), answer


BROKEN_JSON = [b"{", b"{\"query\": ", b"nonsense", b"{'query': 1}", b"{\"query\": \"x\"} extra", b"\xff\xfe", b"\x00",
               b"{\"a\": 1, \"a\": 2}", b"{\"query\": \"\\ud800\"}", b"{\"query\": tru}", b"[1,]", b"\"\\u0000\""]


@pytest.mark.parametrize("body", BROKEN_JSON)
def test_broken_json_says_where(client, body):
    for path in ("/v1/search", "/v1/tracks/scroll", "/v1/tracks", "/v1/features"):
        answer = client.post(path, body, {"Content-Type": "application/json"})
        assert answer.status in (400, 422) and len(answer.detail) > 10, (path, answer)


def test_deep_json_is_refused(client):
    for body in (b"[" * 100000, b"[" * 5000 + b"]" * 5000, b'{"query":' * 5000 + b"1" + b"}" * 5000):
        answer = client.post("/v1/search", body, {"Content-Type": "application/json"})
        assert answer.status in (400, 413, 422), answer


def test_huge_json_is_refused(client):
    big = b'{"query": "' + b"x" * 5_000_000 + b'"}'
    answer = client.post("/v1/search", big, {"Content-Type": "application/json"})
    assert answer.status == 413 and "larger" in answer.detail
    many = b"[" + b"1," * 1_500_000 + b"1]"
    assert client.post("/v1/search", many, {"Content-Type": "application/json"}).status in (400, 413, 422)


@pytest.mark.parametrize("query", [5, True, None, [], {}, "", {"id": 5}, {"id": "a", "vector": [1]}, {"vector": "x"}, ["a"],
                                   {"recommend": {}}, {"recommend": {"positive": []}}, {"recommend": {"positive": [5]}},
                                   {"recommend": {"positive": ["a"], "x": 1}}, {"id": "a", "start": -1}, {"id": "a", "start": "x"},
                                   {"path": 5}, {"nosuch": 1}, [1, 2, 3], [1e999], {"recommend": {"negative": ["a"]}}])
def test_queries_of_the_wrong_type_are_refused(client, query):
    answer = client.post("/v1/search", json.dumps({"query": query}).encode(), {"Content-Type": "application/json"})
    assert answer.status in (400, 404, 422) and len(answer.detail) > 10, answer


def test_vectors_of_the_wrong_length_or_not_finite_are_refused(client, space):
    for vector in ([0.5] * (space["dim"] - 1), [0.5] * (space["dim"] + 1), [0.5] * 100000, ["a"] * space["dim"], [None] * space["dim"]):
        answer = client.post("/v1/search", {"query": vector})
        assert answer.status == 422, answer
    text = b'{"query": [' + b",".join([b"1e999"] * space["dim"]) + b"]}"
    assert client.post("/v1/search", text, {"Content-Type": "application/json"}).status in (400, 422)
    huge = client.post("/v1/search", {"query": [1e38] * space["dim"]})
    assert huge.status in (200, 422), huge


def test_a_query_for_a_file_outside_the_libraries_is_refused(client):
    for path in ("/etc/passwd", "../x.wav", "relative.wav", "/", "", "/proc/self/mem"):
        answer = client.post("/v1/search", {"query": {"path": path}})
        assert answer.status in (403, 404, 422), (path, answer)


def test_tracks_may_go_while_they_are_searched(playground):
    """Four threads search while others add and delete: an answer is always whole, and 404 only for what is gone."""
    client = playground.client()
    kept = [client.add(audio.tune(seed, 1))["id"] for seed in range(200, 206)]
    stop, wrong = threading.Event(), []

    def search():
        mine = Client(playground.port)
        turn = 0
        while not stop.is_set():
            turn += 1
            answer = mine.get(f"/v1/tracks/{kept[turn % len(kept)]}/similar", limit=50, **{"with": "highlights"})
            found = {hit["id"] for hit in answer.json["results"]} if answer.status == 200 else set()
            if answer.status != 200 or not set(kept) - {kept[turn % len(kept)]} <= found:
                wrong.append(answer)
                return
        mine.close()

    def churn(base):
        mine = Client(playground.port)
        for turn in range(12):
            answer = mine.upload("/v1/tracks", audio.tune(base + turn % 3, 1))
            if answer.status not in (200, 201):
                wrong.append(answer)
                return
            path = f"/v1/tracks/{answer.json['id']}"
            gone = [mine.request("DELETE", path), mine.get(path), mine.get(path + "/similar")]
            if [g.status for g in gone] != [204, 404, 404]:
                wrong.append(gone)
                return
        mine.close()

    searchers = [threading.Thread(target=search) for _ in range(4)]
    churners = [threading.Thread(target=churn, args=(300 + 10 * i,)) for i in range(2)]
    for thread in searchers + churners:
        thread.start()
    for thread in churners:
        thread.join()
    stop.set()
    for thread in searchers:
        thread.join()
    assert not wrong, wrong[:3]
    assert client.get("/v1/tracks").json["total"] == len(kept)
