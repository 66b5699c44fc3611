# SPDX-License-Identifier: MIT
noinst_LTLIBRARIES += src/index/libindex.la
src_index_libindex_la_CFLAGS = $(AM_CFLAGS) 
src_index_libindex_la_LIBADD = 
src_index_libindex_la_SOURCES = \
	src/index/bitmap.h \
	src/index/index.h
