# SPDX-License-Identifier: MIT
check_PROGRAMS += tests/unit/audio/test-audio
TESTS += tests/unit/audio/test-audio
tests_unit_audio_test_audio_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_audio_test_audio_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(SNDFILE_CFLAGS)
tests_unit_audio_test_audio_LDADD = tests/support/libtesting.la src/audio/libaudio.la src/base/libbase.la $(SNDFILE_LIBS)
tests_unit_audio_test_audio_SOURCES = \
	tests/fuzz/fuzz_audio.c \
	tests/fuzz/fuzz_audio.h \
	tests/unit/audio/audio_fixtures.c \
	tests/unit/audio/audio_fixtures.h \
	tests/unit/audio/test_decode.c \
	tests/unit/audio/test_encode.c \
	tests/unit/audio/test_fuzz_audio.c \
	tests/unit/audio/test_identity.c \
	tests/unit/audio/test_mp3_encode.c \
	tests/unit/audio/test_resample.c \
	tests/unit/audio/test_stream.c \
	tests/unit/audio/test_tags.c
EXTRA_DIST += \
	tests/golden/audio/make_fixtures.c \
	tests/golden/audio/tone.m4a \
	tests/golden/audio/tone.mka \
	tests/golden/audio/tone.wma \
	tests/golden/audio/tone.wv
