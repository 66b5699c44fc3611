# SPDX-License-Identifier: MIT
noinst_LTLIBRARIES += src/index/libindex.la
# Without contraction of a * b + c, equal inputs give equal bits with every compiler, wherever the code is inlined.
src_index_libindex_la_CFLAGS = $(AM_CFLAGS) -ffp-contract=off
src_index_libindex_la_LIBADD =
src_index_libindex_la_SOURCES = \
	src/index/bitmap.c \
	src/index/bitmap.h \
	src/index/chunk.c \
	src/index/chunk.h \
	src/index/code.c \
	src/index/code.h \
	src/index/distance.c \
	src/index/distance.h \
	src/index/distance_plain.c \
	src/index/distance_tables.h \
	src/index/hnsw.c \
	src/index/hnsw.h \
	src/index/hnsw_insert.c \
	src/index/hnsw_insert.h \
	src/index/hnsw_link.c \
	src/index/hnsw_search.c \
	src/index/hnsw_search.h \
	src/index/hnsw_walk.c \
	src/index/hnsw_walk.h \
	src/index/index.c \
	src/index/index.h \
	src/index/index_internal.h \
	src/index/index_search.c \
	src/index/label_map.c \
	src/index/label_map.h \
	src/index/plan.c \
	src/index/plan.h \
	src/index/reclaim.c \
	src/index/reclaim.h \
	src/index/scan.c \
	src/index/scan.h \
	src/index/top.c \
	src/index/top.h

# Kernels with flags of their own; distance.c asks the processor before it calls them.
if CPU_X86_64
noinst_LTLIBRARIES += src/index/libindex_avx2.la
src_index_libindex_avx2_la_CFLAGS = $(AM_CFLAGS) -ffp-contract=off -mavx2 -mfma
src_index_libindex_avx2_la_SOURCES = \
	src/index/distance_avx2.c
src_index_libindex_la_LIBADD += src/index/libindex_avx2.la
endif
