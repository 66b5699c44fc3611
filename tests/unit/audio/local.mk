# SPDX-License-Identifier: MIT
check_PROGRAMS += tests/unit/audio/test-audio
TESTS += tests/unit/audio/test-audio
tests_unit_audio_test_audio_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_audio_test_audio_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_audio_test_audio_LDADD = tests/support/libtesting.la src/audio/libaudio.la src/base/libbase.la
tests_unit_audio_test_audio_SOURCES =
