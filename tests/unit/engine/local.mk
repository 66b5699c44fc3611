# SPDX-License-Identifier: MIT
check_PROGRAMS += tests/unit/engine/test-engine
TESTS += tests/unit/engine/test-engine
tests_unit_engine_test_engine_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_engine_test_engine_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_engine_test_engine_LDADD = tests/support/libtesting.la src/engine/libengine.la src/model/libmodel.la \
	src/store/libstore.la src/index/libindex.la src/nn/libnn.la src/dsp/libdsp.la src/audio/libaudio.la src/base/libbase.la
tests_unit_engine_test_engine_SOURCES = \
	tests/support/engine.h \
	tests/support/instruments_model.h \
	tests/unit/engine/test_ingest.c \
	tests/unit/engine/test_scan.c \
	tests/unit/engine/test_search.c \
	tests/unit/engine/test_track_cache.c
