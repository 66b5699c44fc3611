# SPDX-License-Identifier: MIT
check_PROGRAMS += tests/unit/base/test-base
TESTS += tests/unit/base/test-base
tests_unit_base_test_base_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_base_test_base_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_base_test_base_LDADD = tests/support/libtesting.la src/base/libbase.la
tests_unit_base_test_base_SOURCES =
