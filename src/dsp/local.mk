# SPDX-License-Identifier: MIT
noinst_LTLIBRARIES += src/dsp/libdsp.la
src_dsp_libdsp_la_CFLAGS = $(AM_CFLAGS) $(FFTW_CFLAGS) $(EBUR128_CFLAGS)
src_dsp_libdsp_la_LIBADD = $(FFTW_LIBS) $(EBUR128_LIBS)
src_dsp_libdsp_la_SOURCES =
