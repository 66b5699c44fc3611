# SPDX-License-Identifier: MIT
noinst_LTLIBRARIES += src/engine/libengine.la
src_engine_libengine_la_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
src_engine_libengine_la_LIBADD = $(JANSSON_LIBS)
src_engine_libengine_la_SOURCES = \
	src/engine/analyse.c \
	src/engine/catalog.c \
	src/engine/catalog.h \
	src/engine/engine.c \
	src/engine/engine.h \
	src/engine/engine_internal.h \
	src/engine/ingest.c \
	src/engine/ingest.h \
	src/engine/job.c \
	src/engine/job.h \
	src/engine/library.c \
	src/engine/library.h \
	src/engine/params.c \
	src/engine/params.h \
	src/engine/scan.c \
	src/engine/search.c \
	src/engine/search.h \
	src/engine/timbre.c \
	src/engine/track_cache.c \
	src/engine/track_cache.h

# The engine as a shared library: all layers up to it, with the functions of timbre.h alone to be seen.
lib_LTLIBRARIES += libtimbre.la
timbreincludedir = $(includedir)/timbre
timbreinclude_HEADERS = include/timbre/timbre.h
libtimbre_la_SOURCES =
libtimbre_la_LDFLAGS = $(AM_LDFLAGS) -no-undefined -version-info 0:0:0 -export-symbols-regex '^timbre_'
libtimbre_la_LIBADD = src/engine/libengine.la src/model/libmodel.la src/store/libstore.la src/index/libindex.la \
	src/nn/libnn.la src/dsp/libdsp.la src/audio/libaudio.la src/base/libbase.la
