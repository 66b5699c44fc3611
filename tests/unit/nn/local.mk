# SPDX-License-Identifier: MIT
check_PROGRAMS += tests/unit/nn/test-nn
TESTS += tests/unit/nn/test-nn
tests_unit_nn_test_nn_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_nn_test_nn_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_nn_test_nn_LDADD = tests/support/libtesting.la src/nn/libnn.la src/base/libbase.la
tests_unit_nn_test_nn_SOURCES = \
	tests/fuzz/fuzz_network.c \
	tests/fuzz/fuzz_network.h \
	tests/unit/nn/gradients.c \
	tests/unit/nn/gradients.h \
	tests/unit/nn/network_check.c \
	tests/unit/nn/network_check.h \
	tests/unit/nn/test_attention.c \
	tests/unit/nn/test_cross_entropy.c \
	tests/unit/nn/test_dropout.c \
	tests/unit/nn/test_fuzz_network.c \
	tests/unit/nn/test_golden_networks.c \
	tests/unit/nn/test_golden_optimizers.c \
	tests/unit/nn/test_gru.c \
	tests/unit/nn/test_kernels.c \
	tests/unit/nn/test_layers.c \
	tests/unit/nn/test_model_file.c \
	tests/unit/nn/test_network.c \
	tests/unit/nn/test_optimizer.c \
	tests/unit/nn/test_response.c \
	tests/unit/nn/test_schedule.c \
	tests/unit/nn/test_statistics.c \
	tests/unit/nn/test_unit.c
EXTRA_DIST += \
	tests/golden/nn/adam.safetensors \
	tests/golden/nn/adam_decay.safetensors \
	tests/golden/nn/adamw.safetensors \
	tests/golden/nn/attention.safetensors \
	tests/golden/nn/conv.safetensors \
	tests/golden/nn/conv_depthwise.safetensors \
	tests/golden/nn/conv_groups.safetensors \
	tests/golden/nn/conv_stride.safetensors \
	tests/golden/nn/conv_wide.safetensors \
	tests/golden/nn/cross_entropy.safetensors \
	tests/golden/nn/cross_entropy_smooth.safetensors \
	tests/golden/nn/dense.safetensors \
	tests/golden/nn/gru.safetensors \
	tests/golden/nn/leaky.safetensors \
	tests/golden/nn/make_fixtures.py \
	tests/golden/nn/max.safetensors \
	tests/golden/nn/max_time.safetensors \
	tests/golden/nn/mean.safetensors \
	tests/golden/nn/mean_time.safetensors \
	tests/golden/nn/network.safetensors \
	tests/golden/nn/network_inference.safetensors \
	tests/golden/nn/norm.safetensors \
	tests/golden/nn/norm_inference.safetensors \
	tests/golden/nn/relu.safetensors \
	tests/golden/nn/response.safetensors \
	tests/golden/nn/response_even.safetensors \
	tests/golden/nn/sgd.safetensors \
	tests/golden/nn/sgd_momentum.safetensors \
	tests/golden/nn/statistics.safetensors \
	tests/golden/nn/tanh.safetensors \
	tests/golden/nn/unit.safetensors
