# SPDX-License-Identifier: MIT
check_PROGRAMS += tests/unit/nn/test-nn
TESTS += tests/unit/nn/test-nn
tests_unit_nn_test_nn_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_nn_test_nn_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_nn_test_nn_LDADD = tests/support/libtesting.la src/nn/libnn.la src/base/libbase.la
tests_unit_nn_test_nn_SOURCES = \
	tests/unit/nn/gradients.c \
	tests/unit/nn/gradients.h \
	tests/unit/nn/test_layers.c \
	tests/unit/nn/test_model_file.c
