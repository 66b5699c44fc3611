# SPDX-License-Identifier: MIT
noinst_LTLIBRARIES += src/store/libstore.la
src_store_libstore_la_CFLAGS = $(AM_CFLAGS) $(SQLITE_CFLAGS)
src_store_libstore_la_LIBADD = $(SQLITE_LIBS)
src_store_libstore_la_SOURCES = \
	src/store/embedding_table.h \
	src/store/fields.h \
	src/store/file_table.h \
	src/store/filter.h \
	src/store/job_table.h \
	src/store/store.h \
	src/store/track_table.h
