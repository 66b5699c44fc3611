# SPDX-License-Identifier: MIT
noinst_LTLIBRARIES += src/dsp/libdsp.la
src_dsp_libdsp_la_CFLAGS = $(AM_CFLAGS) $(FFTW_CFLAGS) $(EBUR128_CFLAGS)
src_dsp_libdsp_la_LIBADD = $(FFTW_LIBS) $(EBUR128_LIBS)
src_dsp_libdsp_la_SOURCES = \
	src/dsp/chroma.h \
	src/dsp/decibel.h \
	src/dsp/fft.h \
	src/dsp/framer.h \
	src/dsp/key.h \
	src/dsp/loudness.h \
	src/dsp/mel.h \
	src/dsp/mfcc.h \
	src/dsp/onset.h \
	src/dsp/spectral.h \
	src/dsp/stft.h \
	src/dsp/tempogram.h \
	src/dsp/tonnetz.h \
	src/dsp/window.h
