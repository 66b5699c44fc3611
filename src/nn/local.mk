# SPDX-License-Identifier: MIT
noinst_LTLIBRARIES += src/nn/libnn.la
src_nn_libnn_la_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(OPENBLAS_CFLAGS)
src_nn_libnn_la_LIBADD = $(JANSSON_LIBS) $(OPENBLAS_LIBS)
src_nn_libnn_la_SOURCES = \
	src/nn/blas.c \
	src/nn/blas.h \
	src/nn/layer_internal.h \
	src/nn/layer_text.c \
	src/nn/layer_text.h \
	src/nn/model_file.c \
	src/nn/model_file.h \
	src/nn/network.h \
	src/nn/optimizer.h \
	src/nn/schedule.h \
	src/nn/tensor.h
