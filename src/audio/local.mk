# SPDX-License-Identifier: MIT
noinst_LTLIBRARIES += src/audio/libaudio.la
src_audio_libaudio_la_CFLAGS = $(AM_CFLAGS) $(SNDFILE_CFLAGS) $(SOXR_CFLAGS) $(TAGLIB_CFLAGS) $(LIBB2_CFLAGS) $(FFMPEG_CFLAGS)
src_audio_libaudio_la_LIBADD = $(SNDFILE_LIBS) $(SOXR_LIBS) $(TAGLIB_LIBS) $(LIBB2_LIBS) $(FFMPEG_LIBS)
src_audio_libaudio_la_SOURCES = \
	src/audio/audio_io.h \
	src/audio/decode.h \
	src/audio/identity.h \
	src/audio/resample.h \
	src/audio/stream.h \
	src/audio/tags.h
