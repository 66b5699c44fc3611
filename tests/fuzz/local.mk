# SPDX-License-Identifier: MIT
# Fuzz targets, built on demand with clang: make CC=clang tests/fuzz/fuzz-audio.  Their corpora are replayed by the
# unit tests of the layer.
EXTRA_PROGRAMS += tests/fuzz/fuzz-audio
tests_fuzz_fuzz_audio_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests -DTB_LIBFUZZER
tests_fuzz_fuzz_audio_CFLAGS = $(AM_CFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_audio_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_audio_LDADD = src/audio/libaudio.la src/base/libbase.la
tests_fuzz_fuzz_audio_SOURCES = tests/fuzz/fuzz_audio.c tests/fuzz/fuzz_audio.h
EXTRA_DIST += tests/fuzz/corpus/audio

EXTRA_PROGRAMS += tests/fuzz/fuzz-filter
tests_fuzz_fuzz_filter_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests -DTB_LIBFUZZER
tests_fuzz_fuzz_filter_CFLAGS = $(AM_CFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_filter_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_filter_LDADD = src/store/libstore.la src/base/libbase.la
tests_fuzz_fuzz_filter_SOURCES = tests/fuzz/fuzz_filter.c tests/fuzz/fuzz_filter.h
EXTRA_DIST += tests/fuzz/corpus/filter

EXTRA_PROGRAMS += tests/fuzz/fuzz-api
tests_fuzz_fuzz_api_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests -DTB_LIBFUZZER
tests_fuzz_fuzz_api_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_api_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_api_LDADD = src/api/libapi.la src/engine/libengine.la src/model/libmodel.la src/store/libstore.la src/index/libindex.la src/nn/libnn.la src/dsp/libdsp.la src/audio/libaudio.la src/base/libbase.la $(JANSSON_LIBS)
tests_fuzz_fuzz_api_SOURCES = \
	tests/fuzz/fuzz_api.c \
	tests/fuzz/fuzz_api.h
EXTRA_DIST += tests/fuzz/api.dict tests/fuzz/corpus/api

EXTRA_PROGRAMS += tests/fuzz/fuzz-midi
tests_fuzz_fuzz_midi_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests -DTB_LIBFUZZER
tests_fuzz_fuzz_midi_CFLAGS = $(AM_CFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_midi_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_midi_LDADD = src/train/libtrain.la src/audio/libaudio.la src/model/libmodel.la src/dsp/libdsp.la src/nn/libnn.la src/base/libbase.la
tests_fuzz_fuzz_midi_SOURCES = tests/fuzz/fuzz_midi.c tests/fuzz/fuzz_midi.h
EXTRA_DIST += tests/fuzz/corpus/midi

EXTRA_PROGRAMS += tests/fuzz/fuzz-network
tests_fuzz_fuzz_network_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests -DTB_LIBFUZZER
tests_fuzz_fuzz_network_CFLAGS = $(AM_CFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_network_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_network_LDADD = src/nn/libnn.la src/base/libbase.la
tests_fuzz_fuzz_network_SOURCES = tests/fuzz/fuzz_network.c tests/fuzz/fuzz_network.h
EXTRA_DIST += tests/fuzz/corpus/network tests/fuzz/network.dict
