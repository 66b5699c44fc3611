# SPDX-License-Identifier: MIT
check_PROGRAMS += tests/unit/http/test-http
TESTS += tests/unit/http/test-http
tests_unit_http_test_http_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_http_test_http_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_http_test_http_LDADD = tests/support/libtesting.la src/http/libhttp.la src/api/libapi.la src/engine/libengine.la src/model/libmodel.la src/store/libstore.la src/index/libindex.la src/nn/libnn.la src/dsp/libdsp.la src/audio/libaudio.la src/base/libbase.la
tests_unit_http_test_http_SOURCES = \
	tests/unit/http/test_address.c \
	tests/unit/http/test_body.c \
	tests/unit/http/test_multipart.c \
	tests/unit/http/test_traffic.c
