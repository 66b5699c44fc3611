# SPDX-License-Identifier: MIT
"""HTTP itself: heads, bodies, limits, slow and vanishing clients, probes."""
import http.client
import json
import os
import re
import socket
import threading
import time

import pytest

import audio
from daemon import Client, multipart, raw

HOST = b" HTTP/1.1\r\nHost: x\r\n"


def test_the_probes_answer(client):
    for path in ("/healthz", "/livez", "/readyz"):
        answer = client.get(path)
        assert answer.status == 200 and answer.json["version"], answer


def test_the_description_and_the_page_are_served(client, contract):
    answer = client.get("/openapi.json")
    assert answer.status == 200 and answer.json["paths"].keys() == contract.document["paths"].keys()
    page = client.get("/")
    assert page.status == 200 and page.headers["content-type"].startswith("text/html")
    assert "default-src 'self'" in page.headers["content-security-policy"]
    for link in re.findall(r'(?:src|href)="(/?[a-z.]+\.(?:js|css|svg))"', page.body.decode()):
        assert client.get("/" + link.lstrip("/")).status == 200, link
    assert client.get("/favicon.ico").status in (200, 204)


def test_metrics_count_requests_by_route(client, server):
    client.get(f"/v1/tracks/{server.tracks[0]['id']}/similar")
    text = client.get("/metrics").body.decode()
    assert re.search(r'^timbre_http_requests_total\{route="/v1/tracks/\{id\}/similar",code="2xx"\} [1-9]', text, re.M)
    assert re.search(r"^timbre_tracks 5$", text, re.M) and re.search(r"^timbre_http_requests_in_flight [1-9]", text, re.M)
    for line in text.splitlines():
        assert line.startswith("#") or re.fullmatch(r'[a-z_]+(\{([a-z_]+="[^"]*",?)+\})? [-+0-9.einf]+', line), line
    names = re.findall(r"^# TYPE ([a-z_]+)", text, re.M)
    assert len(names) == len(set(names))


def test_unknown_paths_and_wrong_methods(client):
    for path in ("/nope", "/v1", "/v1/", "/v1/tracks/", "//", "/v1/tracks/a/b/c", "/V1/tracks", "/v1/tracks/a%2Fb/similarx"):
        assert client.get(path).status == 404, path
    answer = client.request("PUT", "/v1/tracks", b"{}", {"Content-Type": "application/json"})
    assert answer.status == 405 and "POST" in answer.headers["allow"] and "GET" in answer.headers["allow"]
    assert client.request("DELETE", "/healthz").status == 405
    assert client.request("BREW", "/healthz").status == 405
    options = client.request("OPTIONS", "/v1/search")
    assert options.status == 204 and "POST" in options.headers["allow"]


def test_head_is_get_without_a_body(client, server):
    for path in ("/healthz", "/v1/tracks", f"/v1/tracks/{server.tracks[0]['id']}"):
        head, get = client.request("HEAD", path), client.get(path)
        assert head.status == get.status == 200 and head.body == b""
        assert head.headers["content-length"] == str(len(get.body))


def test_a_connection_serves_many_requests_even_refused_ones(server):
    client = Client(server.port)
    client.get("/livez")
    opened = client.connection.sock
    for _ in range(20):
        client.get("/nope")
        client.post("/nope", b"x" * 1000)
        client.post("/v1/search", b"{", {"Content-Type": "application/json"})
        client.post("/v1/search", b"abc", {"Content-Type": "text/plain"})
        client.get("/v1/tracks")
    assert client.connection.sock is opened
    client.close()


def test_request_ids_are_taken_over_when_sane_and_made_otherwise(client):
    assert client.request("GET", "/livez", headers={"X-Request-Id": "abc-1.2_Z"}).headers["x-request-id"] == "abc-1.2_Z"
    seen = set()
    for odd in ("", "a b", "x" * 24, "é".encode().decode("latin-1"), "<script>", "a;b"):
        made = client.request("GET", "/livez", headers={"X-Request-Id": odd}).headers["x-request-id"]
        assert re.fullmatch(r"[a-z0-9]{13}", made), made
        seen.add(made)
    assert len(seen) == 6


def test_broken_addresses_are_400(client):
    for path in ("/v1/tracks/%zz", "/v1/tracks/%", "/v1/tracks/%00", "/v1/tracks/%ff%fe", "/v1/tracks?q=%c3%28", "/v1/tracks?q=%"):
        answer = client.get(path)
        assert answer.status == 400 and len(answer.detail) > 15, (path, answer)


def test_long_addresses_and_long_heads_are_refused(client, server):
    assert client.get("/v1/tracks?q=" + "a" * 9000).status == 414
    assert client.get("/v1/tracks?" + "&".join(f"p{i}=1" for i in range(100))).status in (400, 413, 414, 422)
    many = client.request("GET", "/livez", headers={f"X-{i}": "a" for i in range(150)})
    assert many.status == 431
    for head in (b"GET /livez" + HOST + b"X: " + b"a" * 70000 + b"\r\n\r\n", b"GET /" + b"a" * 70000 + HOST + b"\r\n"):
        assert re.match(rb"HTTP/1.1 (414|431) ", raw(server.port, head)), head[:20]


def test_lengths_said_in_two_ways_are_refused(server):
    for lines in (b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", b"Content-Length: 5\r\nContent-Length: 6\r\n",
                  b"Content-Length: 5\r\nContent-Length: 5\r\n", b"Content-Length: -5\r\n", b"Content-Length: +5\r\n",
                  b"Content-Length: 5 5\r\n", b"Content-Length: 0x5\r\n"):
        got = raw(server.port, b"POST /v1/search" + HOST + b"Content-Type: audio/wav\r\n" + lines + b"\r\nhello")
        assert got.startswith(b"HTTP/1.1 400 "), (lines, got)
    got = raw(server.port, b"POST /v1/search" + HOST + b"Transfer-Encoding: gzip, chunked\r\n\r\nhello")
    assert got.startswith(b"HTTP/1.1 501 "), got
    got = raw(server.port, b"POST /v1/search" + HOST + b"Content-Type: audio/wav\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello")
    assert got.startswith(b"HTTP/1.1 400 "), got


def test_what_is_no_http_gets_no_harm_done(server):
    for data in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200), b"GARBAGE\r\n\r\n", b"\r\n\r\n\r\n", b"GET\r\n\r\n",
                 b"GET / HTTP/9.9\r\nHost: x\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"GET  /livez" + HOST + b"\r\n", b"\x00" * 100,
                 b"GET /livez" + HOST + b"X: a\rb\r\n\r\n", b"GET /livez" + HOST + b"Bad Header: x\r\n\r\n"):
        try:
            got = raw(server.port, data, 3, half_close=True)
        except (OSError, socket.timeout):
            got = b""
        assert got == b"" or got.startswith(b"HTTP/1."), (data[:30], got[:100])
    assert Client(server.port).get("/livez").status == 200


def test_headers_cannot_be_injected_into_answers(playground):
    client = playground.client()
    client.add(audio.tune(60), "a\r\nX-Evil: 1.wav".replace("\r\n", "%0d%0a"))
    for path in ("/v1/tracks/a%0d%0aX-Evil:%201", "/v1/tracks?q=%0d%0aX-Evil:%201", "/%0d%0aX-Evil:%201"):
        answer = client.get(path)
        assert "x-evil" not in answer.headers, answer.headers


def test_a_body_of_1_gb_is_413_without_reading_it(server):
    begun = time.monotonic()
    with socket.create_connection(("127.0.0.1", server.port), 10) as connection:
        connection.sendall(b"POST /v1/tracks" + HOST + b"Content-Type: audio/wav\r\nContent-Length: 1073741824\r\n\r\n" + b"RIFF" * 1000)
        got = b""
        while piece := connection.recv(65536):
            got += piece
    assert got.startswith(b"HTTP/1.1 413 ") and b"MiB" in got and time.monotonic() - begun < 5, got
    assert json.loads(got.split(b"\r\n\r\n", 1)[1])["status"] == 413


def test_a_body_of_1_gb_that_waits_for_100_continue_is_never_asked_for(server):
    got = raw(server.port, b"POST /v1/tracks" + HOST + b"Content-Type: audio/wav\r\nContent-Length: 1073741824\r\nExpect: 100-continue\r\n\r\n")
    assert got.startswith(b"HTTP/1.1 413 ") and b"100 Continue" not in got


def test_a_chunked_body_past_the_limit_is_413(new_daemon):
    with new_daemon(max_upload="1M", max_json="64K") as one:
        client = one.client()
        answer = client.post("/v1/tracks", b"x" * 9_000_000, {"Content-Type": "audio/wav"})
        assert answer.status == 413, answer
        with socket.create_connection(("127.0.0.1", one.port), 10) as connection:
            connection.sendall(b"POST /v1/tracks" + HOST + b"Content-Type: audio/wav\r\nTransfer-Encoding: chunked\r\n\r\n")
            got = b""
            for _ in range(500):
                try:
                    connection.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n")
                except OSError:
                    break # refused: the answer is there
            while piece := connection.recv(65536):
                got += piece
            assert got.startswith(b"HTTP/1.1 413 "), got[:100]
        assert os.listdir(os.path.join(one.data, "incoming")) == []
        assert client.upload("/v1/features", audio.tune(61, 1)).status == 200


def test_expect_100_continue_is_answered(server):
    tune = audio.tune(62, 1)
    with socket.create_connection(("127.0.0.1", server.port), 10) as connection:
        connection.sendall(b"POST /v1/features" + HOST + b"Content-Type: audio/wav\r\nExpect: 100-continue\r\n"
                           + f"Content-Length: {len(tune)}\r\n\r\n".encode())
        assert connection.recv(1000).startswith(b"HTTP/1.1 100 ")
        connection.sendall(tune)
        assert b"HTTP/1.1 200 " in connection.recv(1000)


def test_bodies_where_none_is_taken_are_refused(client, server):
    answer = client.request("DELETE", f"/v1/tracks/{server.tracks[0]['id']}", b"{}", {"Content-Type": "application/json"})
    assert answer.status == 400 and "no body" in answer.detail, answer
    answer = client.request("GET", "/livez", b"hello")
    assert answer.status == 400, answer
    assert client.get(f"/v1/tracks/{server.tracks[0]['id']}").status == 200


def test_pages_of_other_sites_may_not_change_anything(client):
    body, headers = multipart([("file", "a.wav", "audio/wav", audio.tune(63, 1))])
    answer = client.post("/v1/tracks", body, {**headers, "Sec-Fetch-Site": "cross-site"})
    assert answer.status == 403, answer
    assert client.request("GET", "/livez", headers={"Sec-Fetch-Site": "cross-site"}).status == 200


def test_the_absolute_form_of_an_address_is_understood(server):
    got = raw(server.port, b"GET http://example.org/livez HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\r\n")
    assert got.startswith(b"HTTP/1.1 200 ")


def test_http_1_0_closes_after_the_answer(server):
    got = raw(server.port, b"GET /livez HTTP/1.0\r\n\r\n")
    assert got.startswith(b"HTTP/1.1 200 ") or got.startswith(b"HTTP/1.0 200 ")


def test_pipelined_requests_are_answered_in_order(server):
    ids = [track["id"].encode() for track in server.tracks]
    data = b"".join(b"GET /v1/tracks/" + i + HOST + (b"Connection: close\r\n" if i == ids[-1] else b"") + b"\r\n" for i in ids)
    got = raw(server.port, data)
    places = [got.index(b'"id":"' + i) if b'"id":"' + i in got else got.index(i) for i in ids]
    assert places == sorted(places) and got.count(b"HTTP/1.1 200 ") == len(ids)


def test_a_client_that_goes_away_leaves_no_upload_behind(playground):
    for cut in (0, 1000, 20000):
        with socket.create_connection(("127.0.0.1", playground.port), 10) as connection:
            connection.sendall(b"POST /v1/tracks" + HOST + b"Content-Type: audio/wav\r\nContent-Length: 100000\r\n\r\n" + b"x" * cut)
            time.sleep(0.1)
    time.sleep(0.3)
    assert os.listdir(os.path.join(playground.data, "incoming")) == []
    assert playground.client().get("/v1/tracks").json["total"] == 0


def test_work_for_a_client_that_went_away_is_given_up(playground):
    """Analysing an hour takes long; its client leaves, and the next one does not wait for it."""
    client = playground.client()
    hour = audio.wav_bytes(audio.tune(64, 10, 22050)[44:] * 360, 22050)
    with socket.create_connection(("127.0.0.1", playground.port), 30) as connection:
        connection.sendall(b"POST /v1/features" + HOST + b"Content-Type: audio/wav\r\n" + f"Content-Length: {len(hour)}\r\n\r\n".encode())
        connection.sendall(hour)
        time.sleep(0.3)
    del hour
    end = time.monotonic() + 10
    while time.monotonic() < end:
        text = client.get("/metrics").body.decode()
        if "timbre_http_requests_in_flight 1\n" in text:
            break
        time.sleep(0.1)
    else:
        raise AssertionError("the request goes on")


def test_slow_senders_are_cut_off(new_daemon):
    with new_daemon(idle_timeout="1s", upload_timeout="2s") as one:
        # nothing at all, half a head, a body that stops, a head that drips
        quiet = [socket.create_connection(("127.0.0.1", one.port), 15) for _ in range(4)]
        quiet[1].sendall(b"GET /livez HTTP/1.1\r\nHos")
        quiet[2].sendall(b"POST /v1/tracks" + HOST + b"Content-Type: audio/wav\r\nContent-Length: 100000\r\n\r\nxxx")
        begun, dripping = time.monotonic(), True
        while dripping and time.monotonic() - begun < 12:
            try:
                quiet[3].sendall(b"G")
            except OSError:
                dripping = False
            time.sleep(0.3)
        assert not dripping, "a dripping head was never cut off"
        for connection in quiet[:3]:
            try:
                assert connection.recv(1000) == b""
            except ConnectionResetError:
                pass
            connection.close()
        quiet[3].close()
        assert one.client().get("/livez").status == 200
        time.sleep(0.2)
        assert os.listdir(os.path.join(one.data, "incoming")) == []


def test_a_dripping_body_is_cut_off(new_daemon):
    with new_daemon(idle_timeout="5s", upload_timeout="1s") as one:
        with socket.create_connection(("127.0.0.1", one.port), 15) as connection:
            connection.sendall(b"POST /v1/tracks" + HOST + b"Content-Type: audio/wav\r\nContent-Length: 100000\r\n\r\n")
            begun = time.monotonic()
            with pytest.raises(OSError):
                while time.monotonic() - begun < 12:
                    connection.sendall(b"x")
                    time.sleep(0.2)
            assert time.monotonic() - begun < 8


def test_a_reader_that_does_not_read_is_cut_off(new_daemon):
    with new_daemon(idle_timeout="1s") as one:
        client = one.client()
        big = audio.wav_bytes(audio.tune(65, 10, 22050)[44:] * 40, 22050)
        track = client.add(big)
        with socket.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect(("127.0.0.1", one.port))
            connection.settimeout(10)
            connection.sendall(f"GET /v1/tracks/{track['id']}/audio".encode() + HOST + b"\r\n")
            end = time.monotonic() + 10
            while time.monotonic() < end:
                if "timbre_http_connections 1\n" in client.get("/metrics").body.decode():
                    break
                time.sleep(0.2)
            else:
                raise AssertionError("the connection stays open")


def test_past_the_bound_of_the_queue_the_answer_is_503(new_daemon):
    """Two threads, one place to wait: of many uploads at once some are told to come again, and none hangs."""
    with new_daemon(threads=1, queue_limit=1) as one:
        data = audio.wav_bytes(audio.tune(66, 10, 22050)[44:] * 6, 22050)
        answers = []

        def ask():
            answers.append(Client(one.port).upload("/v1/features", data))

        threads = [threading.Thread(target=ask) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        statuses = sorted(answer.status for answer in answers)
        assert set(statuses) == {200, 503}, statuses
        for answer in answers:
            if answer.status == 503:
                assert int(answer.headers["retry-after"]) >= 1 and answer.json["code"] == "busy"
        text = one.client().get("/metrics").body.decode()
        assert f"timbre_http_requests_rejected_total {statuses.count(503)}\n" in text


def test_searches_do_not_wait_behind_uploads(new_daemon):
    with new_daemon(threads=1) as one:
        client = one.client()
        track = client.add(audio.tune(67))
        hour = audio.wav_bytes(audio.tune(68, 10, 22050)[44:] * 60, 22050)
        uploads = [threading.Thread(target=lambda: Client(one.port).upload("/v1/features", hour)) for _ in range(3)]
        for thread in uploads:
            thread.start()
        time.sleep(0.5)
        slowest = 0
        for _ in range(20):
            begun = time.monotonic()
            assert client.get(f"/v1/tracks/{track['id']}/similar").status == 200
            slowest = max(slowest, time.monotonic() - begun)
        for thread in uploads:
            thread.join()
        assert slowest < 1, slowest


def test_many_connections_at_once(server):
    clients = [Client(server.port) for _ in range(200)]
    for client in clients:
        assert client.get("/livez").status == 200
    for client in clients:
        client.close()


def test_a_stop_finishes_what_runs(new_daemon):
    one = new_daemon().start()
    tune = audio.wav_bytes(audio.tune(69, 10, 22050)[44:] * 12, 22050)
    answers = []
    thread = threading.Thread(target=lambda: answers.append(Client(one.port).upload("/v1/tracks", tune)))
    thread.start()
    time.sleep(0.3)
    idle = Client(one.port)
    one.process.terminate()
    thread.join()
    assert one.process.wait(30) == 0
    assert answers[0].status == 201 or answers[0].status == 503, answers
    with pytest.raises((OSError, http.client.HTTPException)):
        idle.get("/livez")
    one.stop()
    one.start()
    assert one.client().get("/v1/tracks").json["total"] == (1 if answers[0].status == 201 else 0)
    assert one.stop() == 0
