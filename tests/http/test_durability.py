# SPDX-License-Identifier: MIT
"""What was acknowledged survives: SIGKILL at random moments while several clients add, edit and delete."""
import http.client
import os
import random
import threading
import time

import audio
from daemon import Client

ROUNDS = int(os.environ.get("TB_KILL_ROUNDS", "50"))
CLIENTS = 3
SECONDS = 300 # no more rounds after this; on a machine with nothing else to do they take a minute


class Worker(threading.Thread):
    """Adds distinct clips until the server dies; keeps what was answered, and what was asked without an answer."""

    def __init__(self, port, clips, known):
        super().__init__()
        self.port, self.clips, self.known = port, clips, list(known)
        self.added, self.deleted, self.titles, self.unsure, self.wrong = {}, set(), {}, set(), []

    def run(self):
        client = Client(self.port, timeout=20)
        under_way = None
        try:
            for turn, (seed, clip) in enumerate(self.clips):
                under_way = None
                answer = client.upload("/v1/tracks", clip, f"{seed}.wav", [("metadata", '{"payload": {"seed": %d}}' % seed)])
                if answer.status not in (200, 201):
                    self.wrong.append(answer)
                    return
                identity = answer.json["id"]
                self.added[identity] = seed
                self.known.append(identity)
                if turn % 4 == 1:
                    under_way = identity
                    if client.request("PATCH", f"/v1/tracks/{identity}", {"title": f"title {seed}"}).status == 200:
                        self.titles[identity] = f"title {seed}"
                if turn % 7 == 3 and len(self.known) > 3:
                    under_way = self.known.pop(0)
                    answer = client.request("DELETE", f"/v1/tracks/{under_way}")
                    if answer.status not in (204, 404):
                        self.wrong.append(answer)
                        return
                    self.deleted.add(under_way)
        except (OSError, http.client.HTTPException, ValueError): # the server died
            if under_way:
                self.unsure.add(under_way)
        finally:
            client.close()


def check(client, expected, titles, deleted, unsure):
    """Every acknowledged track is whole; none is half there."""
    present, cursor = {}, None
    while True:
        page = client.get("/v1/tracks", limit=1000, **({"cursor": cursor} if cursor else {})).json
        present.update((track["id"], track) for track in page["results"])
        cursor = page["next_cursor"]
        if not cursor:
            break
    lost = set(expected) - deleted - unsure - set(present)
    assert not lost, f"{len(lost)} acknowledged tracks are lost: {sorted(lost)[:5]}"
    back = deleted & set(present)
    assert not back, f"deleted tracks are back: {sorted(back)[:5]}"
    for identity, title in titles.items():
        if identity in present and identity not in unsure:
            assert present[identity]["title"] == title
    return present


def check_whole(client, identities, present):
    for identity in identities:
        path = f"/v1/tracks/{identity}"
        embedding = client.get(path + "/embedding")
        assert embedding.status == 200 and any(embedding.json["vector"]), (identity, embedding)
        assert client.get(path + "/segments").json["total"] > 0
        assert client.get(path + "/features").status == 200
        assert len(client.get(path + "/audio").body) > 1000
        found = client.post("/v1/search", {"query": embedding.json["vector"], "limit": 1}).json["results"]
        assert found and (found[0]["id"] == identity or found[0]["distance"] < 1e-3), (identity, found)


def test_sigkill_at_random_moments_loses_nothing(new_daemon):
    rng = random.Random(20240601)
    one = new_daemon(log_level="warn")
    expected, titles, deleted, unsure = {}, {}, set(), set()
    seed, rounds, begun = 10_000, 0, time.monotonic()
    one.start()
    while rounds < ROUNDS and time.monotonic() - begun < SECONDS:
        rounds += 1
        workers = []
        for _ in range(CLIENTS):
            clips = [(seed + i, audio.tune(seed + i, 0.6, 4000)) for i in range(12)]
            seed += len(clips)
            mine = [identity for identity in expected if identity not in deleted][len(workers)::CLIENTS]
            workers.append(Worker(one.port, clips, mine[:5]))
        for worker in workers:
            worker.start()
        time.sleep(rng.uniform(0.02, 0.5))
        one.kill()
        for worker in workers:
            worker.join()
            assert not worker.wrong, worker.wrong
            expected.update(worker.added)
            titles.update(worker.titles)
            deleted |= worker.deleted
            unsure |= worker.unsure
        unsure -= deleted
        one.start()
        client = one.client()
        present = check(client, expected, titles, deleted, unsure)
        titles = {identity: title for identity, title in titles.items() if identity in present and identity not in unsure}
        expected = {identity: track["id"] for identity, track in present.items()}
        unsure = set()
        fresh = [identity for worker in workers for identity in worker.added if identity in present]
        check_whole(client, fresh, present)
        client.close()
    client = one.client()
    check_whole(client, expected, expected)
    assert os.listdir(os.path.join(one.data, "incoming")) == []
    print(f"{rounds} kills, {len(expected)} tracks kept, {len(deleted)} deleted, {time.monotonic() - begun:.0f} s")
    assert rounds >= ROUNDS, f"only {rounds} rounds in {SECONDS} s"
    assert len(expected) > ROUNDS, "too few tracks were added for the test to mean something"
    assert one.stop() == 0
