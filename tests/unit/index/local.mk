# SPDX-License-Identifier: MIT
check_PROGRAMS += tests/unit/index/test-index
TESTS += tests/unit/index/test-index
tests_unit_index_test_index_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_index_test_index_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_index_test_index_LDADD = tests/support/libtesting.la src/index/libindex.la src/base/libbase.la
tests_unit_index_test_index_SOURCES = \
	tests/unit/index/index_model.c \
	tests/unit/index/index_model.h \
	tests/unit/index/test_bitmap.c \
	tests/unit/index/test_code.c \
	tests/unit/index/test_distance.c \
	tests/unit/index/test_hnsw.c \
	tests/unit/index/test_index.c \
	tests/unit/index/test_index_search.c \
	tests/unit/index/test_index_threads.c \
	tests/unit/index/test_label_map.c \
	tests/unit/index/test_reclaim.c \
	tests/unit/index/test_top.c
