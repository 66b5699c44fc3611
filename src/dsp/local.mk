# SPDX-License-Identifier: MIT
noinst_LTLIBRARIES += src/dsp/libdsp.la
src_dsp_libdsp_la_CFLAGS = $(AM_CFLAGS) $(FFTW_CFLAGS) $(EBUR128_CFLAGS)
src_dsp_libdsp_la_LIBADD = $(FFTW_LIBS) $(EBUR128_LIBS)
src_dsp_libdsp_la_SOURCES = \
	src/dsp/chroma.c \
	src/dsp/chroma.h \
	src/dsp/decibel.c \
	src/dsp/decibel.h \
	src/dsp/decimate.c \
	src/dsp/decimate.h \
	src/dsp/fft.c \
	src/dsp/fft.h \
	src/dsp/framer.c \
	src/dsp/framer.h \
	src/dsp/key.c \
	src/dsp/key.h \
	src/dsp/loudness.c \
	src/dsp/loudness.h \
	src/dsp/mel.c \
	src/dsp/mel.h \
	src/dsp/mfcc.c \
	src/dsp/mfcc.h \
	src/dsp/onset.c \
	src/dsp/onset.h \
	src/dsp/spectral.c \
	src/dsp/spectral.h \
	src/dsp/stft.c \
	src/dsp/stft.h \
	src/dsp/tempogram.c \
	src/dsp/tempogram.h \
	src/dsp/tonnetz.c \
	src/dsp/tonnetz.h \
	src/dsp/vector_internal.h \
	src/dsp/window.c \
	src/dsp/window.h
