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
	src/engine/search.h
