# SPDX-License-Identifier: MIT
check_PROGRAMS += tests/unit/api/test-api
TESTS += tests/unit/api/test-api
tests_unit_api_test_api_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_api_test_api_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_api_test_api_LDADD = tests/support/libtesting.la src/api/libapi.la src/engine/libengine.la src/model/libmodel.la src/store/libstore.la src/index/libindex.la src/nn/libnn.la src/dsp/libdsp.la src/audio/libaudio.la src/base/libbase.la $(JANSSON_LIBS)
tests_unit_api_test_api_SOURCES = \
	tests/fuzz/fuzz_api.c \
	tests/fuzz/fuzz_api.h \
	tests/support/engine.h \
	tests/unit/api/exchange.c \
	tests/unit/api/exchange.h \
	tests/unit/api/fixture.c \
	tests/unit/api/fixture.h \
	tests/unit/api/test_bodies.c \
	tests/unit/api/test_fuzz_api.c \
	tests/unit/api/test_handlers.c \
	tests/unit/api/test_json_input.c \
	tests/unit/api/test_options.c \
	tests/unit/api/test_random_requests.c \
	tests/unit/api/test_range.c \
	tests/unit/api/test_reply.c \
	tests/unit/api/test_request.c \
	tests/unit/api/test_routes.c \
	tests/unit/api/test_writer.c
