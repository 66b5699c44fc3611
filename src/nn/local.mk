# SPDX-License-Identifier: MIT
noinst_LTLIBRARIES += src/nn/libnn.la
src_nn_libnn_la_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
src_nn_libnn_la_LIBADD = $(JANSSON_LIBS)
src_nn_libnn_la_SOURCES = \
	src/nn/model_file.c \
	src/nn/model_file.h
