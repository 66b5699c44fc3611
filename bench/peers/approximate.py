# SPDX-License-Identifier: MIT
"""Builds the same graph with each program and asks the same queries, in turns; called by bench/peers/approximate.

All have M 16 (32 links on level 0), the peers efConstruction 200; one thread; k = 10.  Times are processor time,
which other load on the machine disturbs least.  One JSON line per program and effort, and one per program with its
fastest effort of recall 0.95 or more.
"""
import json
import os
import subprocess
import sys
import time

import faiss
import hnswlib
import numpy
from usearch.index import Index

DIM, N_QUERIES, N_CENTRES, K = 128, 1000, 1000, 10
EFFORTS = (10, 12, 14, 16, 20, 24, 32, 48, 64, 96)
TARGET = 0.95


def make(n, seed):
    """Unit vectors around random centres, as bench-index has them."""
    centres = numpy.random.default_rng(1).standard_normal((N_CENTRES, DIM), dtype="f4")
    random = numpy.random.default_rng(seed)
    vectors = centres[random.integers(0, N_CENTRES, n)] + 0.7 * random.standard_normal((n, DIM), dtype="f4")
    return numpy.ascontiguousarray(vectors / numpy.linalg.norm(vectors, axis=1, keepdims=True), dtype="f4")


class Ours:
    name = "timbre"

    def __init__(self, build, folder):
        command = [f"{build}/bench/bench-approximate", f"{folder}/base.f32", f"{folder}/queries.f32", str(DIM)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.build_s = json.loads(self.process.stdout.readline())["link_cpu_s"]

    def ask(self, effort):
        self.process.stdin.write(f"{effort}\n")
        self.process.stdin.flush()
        line = json.loads(self.process.stdout.readline())
        return line["queries_per_cpu_s"], line["recall"]


class Peer:
    def __init__(self, base, queries, truth):
        self.queries, self.truth = queries, truth
        begin = time.process_time()
        self.fill(base)
        self.build_s = time.process_time() - begin

    def ask(self, effort):
        self.set_effort(effort)
        begin = time.process_time()
        labels = self.search()
        seconds = time.process_time() - begin
        found = sum(len(set(a) & set(b)) for a, b in zip(labels.tolist(), self.truth.tolist()))
        return len(self.queries) / seconds, found / self.truth.size


class Hnswlib(Peer):
    name = "hnswlib"

    def fill(self, base):
        self.index = hnswlib.Index("l2", DIM)
        self.index.init_index(len(base), M=16, ef_construction=200)
        self.index.set_num_threads(1)
        self.index.add_items(base, num_threads=1)

    def set_effort(self, effort):
        self.index.set_ef(effort)

    def search(self):
        return self.index.knn_query(self.queries, k=K, num_threads=1)[0]


class Usearch(Peer):
    name = "usearch"

    def fill(self, base):
        self.index = Index(ndim=DIM, metric="l2sq", dtype="f32", connectivity=16, expansion_add=200)
        self.index.add(numpy.arange(len(base)), base, threads=1)

    def set_effort(self, effort):
        self.index.expansion_search = effort

    def search(self):
        return self.index.search(self.queries, K, threads=1).keys


class Faiss(Peer):
    name = "faiss"

    def fill(self, base):
        self.index = faiss.IndexHNSWFlat(DIM, 16)
        self.index.hnsw.efConstruction = 200
        self.index.add(base)

    def set_effort(self, effort):
        self.index.hnsw.efSearch = effort

    def search(self):
        return self.index.search(self.queries, K)[1]


def main():
    build, n, n_rounds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    faiss.omp_set_num_threads(1)
    base, queries = make(n, 2), make(N_QUERIES, 3)
    folder = f"{build}/peers/data"
    os.makedirs(folder, exist_ok=True)
    base.tofile(f"{folder}/base.f32")
    queries.tofile(f"{folder}/queries.f32")
    flat = faiss.IndexFlatL2(DIM)
    flat.add(base)
    truth = flat.search(queries, K)[1]
    programs = [Ours(build, folder)] + [kind(base, queries, truth) for kind in (Hnswlib, Usearch, Faiss)]
    speeds = {(p.name, e): [] for p in programs for e in EFFORTS}
    recalls = {}
    for _ in range(n_rounds):
        for effort in EFFORTS:
            for p in programs:
                speed, recalls[p.name, effort] = p.ask(effort)
                speeds[p.name, effort].append(speed)
    for p in programs:
        lines = [{"bench": "peers", "program": p.name, "vectors": n, "effort": e, "recall": round(recalls[p.name, e], 4),
                  "queries_per_cpu_s": round(float(numpy.median(speeds[p.name, e])))} for e in EFFORTS]
        for line in lines:
            print(json.dumps(line))
        good = [line for line in lines if line["recall"] >= TARGET]
        best = max(good, key=lambda line: line["queries_per_cpu_s"]) if good else {}
        print(json.dumps({"bench": "peers", "program": p.name, "vectors": n, "build_cpu_s": round(p.build_s, 2),
                          "recall_at_least": TARGET, "recall": best.get("recall"),
                          "queries_per_cpu_s": best.get("queries_per_cpu_s")}), flush=True)


main()
