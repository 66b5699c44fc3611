# SPDX-License-Identifier: MIT
noinst_LTLIBRARIES += src/audio/libaudio.la
src_audio_libaudio_la_CFLAGS = $(AM_CFLAGS) $(SNDFILE_CFLAGS) $(SOXR_CFLAGS) $(TAGLIB_CFLAGS) $(LIBB2_CFLAGS) $(MPG123_CFLAGS) $(FFMPEG_CFLAGS)
src_audio_libaudio_la_LIBADD = $(SNDFILE_LIBS) $(SOXR_LIBS) $(TAGLIB_LIBS) $(LIBB2_LIBS) $(MPG123_LIBS) $(FFMPEG_LIBS)
src_audio_libaudio_la_SOURCES = \
	src/audio/audio_io.c \
	src/audio/audio_io.h \
	src/audio/decode.c \
	src/audio/decode.h \
	src/audio/decode_internal.h \
	src/audio/decode_sndfile.c \
	src/audio/encode.c \
	src/audio/encode.h \
	src/audio/file_name.c \
	src/audio/file_name.h \
	src/audio/identity.c \
	src/audio/identity.h \
	src/audio/mp3_encode.c \
	src/audio/mp3_encode.h \
	src/audio/ogg_headers.c \
	src/audio/ogg_headers.h \
	src/audio/resample.c \
	src/audio/resample.h \
	src/audio/sniff.c \
	src/audio/sniff.h \
	src/audio/stream.c \
	src/audio/stream.h \
	src/audio/tag_bytes.c \
	src/audio/tag_bytes.h \
	src/audio/tag_fields.c \
	src/audio/tag_fields.h \
	src/audio/tags.c \
	src/audio/tags.h
if HAVE_MPG123
src_audio_libaudio_la_SOURCES += src/audio/decode_mpg123.c
else
EXTRA_DIST += src/audio/decode_mpg123.c
endif
if HAVE_FFMPEG
src_audio_libaudio_la_SOURCES += \
	src/audio/decode_ffmpeg.c \
	src/audio/ffmpeg_container.c \
	src/audio/ffmpeg_container.h
else
EXTRA_DIST += \
	src/audio/decode_ffmpeg.c \
	src/audio/ffmpeg_container.c \
	src/audio/ffmpeg_container.h
endif
