# SPDX-License-Identifier: MIT
check_PROGRAMS += tests/unit/model/test-model
TESTS += tests/unit/model/test-model
tests_unit_model_test_model_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_model_test_model_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_model_test_model_LDADD = tests/support/libtesting.la src/model/libmodel.la src/dsp/libdsp.la src/nn/libnn.la src/base/libbase.la
tests_unit_model_test_model_SOURCES = \
	tests/support/instruments_model.h \
	tests/unit/model/sounds.c \
	tests/unit/model/sounds.h \
	tests/unit/model/test_analyser.c \
	tests/unit/model/test_band_spectrum.c \
	tests/unit/model/test_instruments.c \
	tests/unit/model/test_instruments_stream.c \
	tests/unit/model/test_model.c
