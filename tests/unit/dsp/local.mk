# SPDX-License-Identifier: MIT
check_PROGRAMS += tests/unit/dsp/test-dsp
TESTS += tests/unit/dsp/test-dsp
tests_unit_dsp_test_dsp_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_dsp_test_dsp_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_dsp_test_dsp_LDADD = tests/support/libtesting.la src/dsp/libdsp.la src/base/libbase.la
tests_unit_dsp_test_dsp_SOURCES = \
	tests/unit/dsp/dsp_frames.c \
	tests/unit/dsp/dsp_frames.h \
	tests/unit/dsp/dsp_golden.c \
	tests/unit/dsp/dsp_golden.h \
	tests/unit/dsp/dsp_signals.c \
	tests/unit/dsp/dsp_signals.h \
	tests/unit/dsp/test_chroma.c \
	tests/unit/dsp/test_decibel.c \
	tests/unit/dsp/test_decimate.c \
	tests/unit/dsp/test_dsp_edges.c \
	tests/unit/dsp/test_fft.c \
	tests/unit/dsp/test_framer.c \
	tests/unit/dsp/test_key.c \
	tests/unit/dsp/test_loudness.c \
	tests/unit/dsp/test_mel.c \
	tests/unit/dsp/test_mfcc.c \
	tests/unit/dsp/test_onset.c \
	tests/unit/dsp/test_spectral.c \
	tests/unit/dsp/test_stft.c \
	tests/unit/dsp/test_tempogram.c \
	tests/unit/dsp/test_tonnetz.c \
	tests/unit/dsp/test_window.c
EXTRA_DIST += \
	tests/golden/dsp/VERSIONS \
	tests/golden/dsp/chirp.bin \
	tests/golden/dsp/chords.bin \
	tests/golden/dsp/drums.bin \
	tests/golden/dsp/tone.bin \
	tests/golden/dsp/white.bin \
	tests/golden/dsp/windows.bin \
	tests/golden/make_dsp.py
