# SPDX-License-Identifier: MIT
noinst_LTLIBRARIES += src/engine/libengine.la
src_engine_libengine_la_CFLAGS = $(AM_CFLAGS) 
src_engine_libengine_la_LIBADD = 
src_engine_libengine_la_SOURCES = \
	src/engine/catalog.h \
	src/engine/engine.h \
	src/engine/ingest.h \
	src/engine/job.h \
	src/engine/library.h \
	src/engine/search.h
