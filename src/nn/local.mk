# SPDX-License-Identifier: MIT
noinst_LTLIBRARIES += src/nn/libnn.la
src_nn_libnn_la_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(OPENBLAS_CFLAGS)
src_nn_libnn_la_LIBADD = $(JANSSON_LIBS) $(OPENBLAS_LIBS)
src_nn_libnn_la_SOURCES = \
	src/nn/activation.c \
	src/nn/attention.c \
	src/nn/blas.c \
	src/nn/blas.h \
	src/nn/conv.c \
	src/nn/conv_gradient.c \
	src/nn/conv_internal.h \
	src/nn/conv_plan.c \
	src/nn/conv_plan.h \
	src/nn/cross_entropy.c \
	src/nn/cross_entropy.h \
	src/nn/dense.c \
	src/nn/dropout.c \
	src/nn/flatten.c \
	src/nn/gru.c \
	src/nn/kernels.c \
	src/nn/kernels.h \
	src/nn/kernels_body.h \
	src/nn/kernels_norm_body.h \
	src/nn/kernels_plain.c \
	src/nn/kernels_tables.h \
	src/nn/layer_internal.h \
	src/nn/layer_kinds.c \
	src/nn/layer_kinds.h \
	src/nn/layer_text.c \
	src/nn/layer_text.h \
	src/nn/model_file.c \
	src/nn/model_file.h \
	src/nn/network.c \
	src/nn/network.h \
	src/nn/network_file.c \
	src/nn/network_fold.c \
	src/nn/network_internal.h \
	src/nn/norm.c \
	src/nn/optimizer.c \
	src/nn/optimizer.h \
	src/nn/panels.c \
	src/nn/panels.h \
	src/nn/pass.c \
	src/nn/pool.c \
	src/nn/response.c \
	src/nn/schedule.c \
	src/nn/schedule.h \
	src/nn/statistics.c \
	src/nn/tensor.h \
	src/nn/unit.c

# Kernels with flags of their own; kernels.c asks the processor before it calls them.
if CPU_X86_64
noinst_LTLIBRARIES += src/nn/libnn_avx2.la src/nn/libnn_avx512.la
src_nn_libnn_avx2_la_CFLAGS = $(AM_CFLAGS) -mavx2 -mfma
src_nn_libnn_avx2_la_SOURCES = \
	src/nn/kernels_avx2.c
src_nn_libnn_avx512_la_CFLAGS = $(AM_CFLAGS) -mavx2 -mfma -mavx512f -mavx512dq -mavx512vl
src_nn_libnn_avx512_la_SOURCES = \
	src/nn/kernels_avx512.c
src_nn_libnn_la_LIBADD += src/nn/libnn_avx2.la src/nn/libnn_avx512.la
endif
