# SPDX-License-Identifier: MIT
noinst_LTLIBRARIES += src/model/libmodel.la
src_model_libmodel_la_CFLAGS = $(AM_CFLAGS)
src_model_libmodel_la_LIBADD =
src_model_libmodel_la_SOURCES = \
	src/model/analyser.c \
	src/model/analyser.h \
	src/model/band_spectrum.c \
	src/model/band_spectrum.h \
	src/model/descriptor_stats.c \
	src/model/descriptor_stats.h \
	src/model/descriptor_stream.c \
	src/model/descriptor_stream.h \
	src/model/descriptor_window.c \
	src/model/descriptor_window.h \
	src/model/descriptors.c \
	src/model/eigen.c \
	src/model/eigen.h \
	src/model/frames.c \
	src/model/frames.h \
	src/model/instruments.c \
	src/model/instruments.h \
	src/model/instruments_stream.c \
	src/model/model.c \
	src/model/model.h \
	src/model/model_internal.h \
	src/model/pitch_profile.c \
	src/model/pitch_profile.h \
	src/model/track_features.c \
	src/model/track_features.h \
	src/model/track_meter.c \
	src/model/track_meter.h
