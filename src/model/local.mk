# SPDX-License-Identifier: MIT
noinst_LTLIBRARIES += src/model/libmodel.la
src_model_libmodel_la_CFLAGS = $(AM_CFLAGS)
src_model_libmodel_la_LIBADD =
src_model_libmodel_la_SOURCES = \
	src/model/analyser.h \
	src/model/model.h \
	src/model/track_features.h
