# SPDX-License-Identifier: MIT
check_PROGRAMS += tests/unit/dsp/test-dsp
TESTS += tests/unit/dsp/test-dsp
tests_unit_dsp_test_dsp_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_dsp_test_dsp_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_dsp_test_dsp_LDADD = tests/support/libtesting.la src/dsp/libdsp.la src/base/libbase.la
tests_unit_dsp_test_dsp_SOURCES =
