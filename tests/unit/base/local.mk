# SPDX-License-Identifier: MIT
check_PROGRAMS += tests/unit/base/test-base
TESTS += tests/unit/base/test-base
tests_unit_base_test_base_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_base_test_base_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_base_test_base_LDADD = tests/support/libtesting.la src/base/libbase.la
tests_unit_base_test_base_SOURCES = \
	tests/unit/base/test_alloc.c \
	tests/unit/base/test_buffer.c \
	tests/unit/base/test_clock.c \
	tests/unit/base/test_config.c \
	tests/unit/base/test_fs.c \
	tests/unit/base/test_half.c \
	tests/unit/base/test_install.c \
	tests/unit/base/test_log.c \
	tests/unit/base/test_pool.c \
	tests/unit/base/test_rng.c \
	tests/unit/base/test_status.c \
	tests/unit/base/test_text.c \
	tests/unit/base/test_walk.c
