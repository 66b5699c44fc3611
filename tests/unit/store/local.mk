# SPDX-License-Identifier: MIT
check_PROGRAMS += tests/unit/store/test-store
TESTS += tests/unit/store/test-store
tests_unit_store_test_store_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_store_test_store_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(SQLITE_CFLAGS)
tests_unit_store_test_store_LDADD = tests/support/libtesting.la src/store/libstore.la src/base/libbase.la $(SQLITE_LIBS)
tests_unit_store_test_store_SOURCES = \
	tests/fuzz/fuzz_filter.c \
	tests/fuzz/fuzz_filter.h \
	tests/unit/store/store_support.c \
	tests/unit/store/store_support.h \
	tests/unit/store/test_durability.c \
	tests/unit/store/test_embedding_table.c \
	tests/unit/store/test_file_table.c \
	tests/unit/store/test_filter.c \
	tests/unit/store/test_fuzz_filter.c \
	tests/unit/store/test_job_table.c \
	tests/unit/store/test_store.c \
	tests/unit/store/test_track_list.c \
	tests/unit/store/test_track_table.c
