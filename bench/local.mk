# SPDX-License-Identifier: MIT
# Benchmarks stay out of `make check`: `make bench/bench-dsp` builds one.
EXTRA_PROGRAMS += bench/bench-approximate
bench_bench_approximate_LDADD = src/index/libindex.la src/base/libbase.la
bench_bench_approximate_SOURCES = bench/bench_approximate.c

EXTRA_PROGRAMS += bench/bench-dsp
bench_bench_dsp_LDADD = src/dsp/libdsp.la src/base/libbase.la
bench_bench_dsp_SOURCES = bench/bench_dsp.c

EXTRA_PROGRAMS += bench/bench-index
bench_bench_index_LDADD = src/index/libindex.la src/base/libbase.la
bench_bench_index_SOURCES = bench/bench_index.c

EXTRA_PROGRAMS += bench/bench-model
bench_bench_model_LDADD = src/model/libmodel.la src/nn/libnn.la src/dsp/libdsp.la src/base/libbase.la
bench_bench_model_SOURCES = bench/bench_model.c

EXTRA_PROGRAMS += bench/bench-nn
bench_bench_nn_LDADD = src/nn/libnn.la src/base/libbase.la
bench_bench_nn_SOURCES = bench/bench_nn.c

EXTRA_PROGRAMS += bench/bench-store
bench_bench_store_LDADD = src/store/libstore.la src/base/libbase.la
bench_bench_store_SOURCES = bench/bench_store.c

EXTRA_PROGRAMS += bench/bench-train
bench_bench_train_LDADD = src/train/libtrain.la src/audio/libaudio.la src/model/libmodel.la src/dsp/libdsp.la \
	src/nn/libnn.la src/base/libbase.la
bench_bench_train_SOURCES = bench/bench_train.c

EXTRA_PROGRAMS += bench/bench-ingest
bench_bench_ingest_CFLAGS = $(AM_CFLAGS) $(SNDFILE_CFLAGS)
bench_bench_ingest_LDADD = src/engine/libengine.la src/model/libmodel.la src/store/libstore.la src/index/libindex.la \
	src/nn/libnn.la src/dsp/libdsp.la src/audio/libaudio.la src/base/libbase.la $(SNDFILE_LIBS)
bench_bench_ingest_SOURCES = bench/bench_ingest.c

EXTRA_PROGRAMS += bench/bench-http-bare
bench_bench_http_bare_CFLAGS = $(AM_CFLAGS) $(MHD_CFLAGS)
bench_bench_http_bare_LDADD = $(MHD_LIBS)
bench_bench_http_bare_SOURCES = bench/bench_http_bare.c

EXTRA_DIST += \
	bench/README.md \
	bench/peers/approximate \
	bench/peers/approximate.py \
	bench/peers/nn_torch.py \
	bench/results/http.jsonl \
	bench/results/ingest.jsonl \
	bench/results/nn.jsonl \
	bench/results/retrieval.jsonl \
	bench/run-http \
	bench/run-ingest \
	bench/run-nn \
	bench/run-retrieval
