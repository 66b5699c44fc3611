# SPDX-License-Identifier: MIT
check_PROGRAMS += tests/unit/nn/test-nn
TESTS += tests/unit/nn/test-nn
tests_unit_nn_test_nn_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_nn_test_nn_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_nn_test_nn_LDADD = tests/support/libtesting.la src/nn/libnn.la src/base/libbase.la
tests_unit_nn_test_nn_SOURCES = \
	tests/unit/nn/gradients.c \
	tests/unit/nn/gradients.h \
	tests/unit/nn/network_check.c \
	tests/unit/nn/network_check.h \
	tests/unit/nn/test_attention.c \
	tests/unit/nn/test_cross_entropy.c \
	tests/unit/nn/test_dropout.c \
	tests/unit/nn/test_gru.c \
	tests/unit/nn/test_layers.c \
	tests/unit/nn/test_model_file.c \
	tests/unit/nn/test_response.c \
	tests/unit/nn/test_statistics.c \
	tests/unit/nn/test_unit.c
EXTRA_DIST += \
	tests/golden/nn/cross_entropy.safetensors \
	tests/golden/nn/cross_entropy_smooth.safetensors \
	tests/golden/nn/make_fixtures.py
