# SPDX-License-Identifier: MIT
noinst_LTLIBRARIES += src/store/libstore.la
src_store_libstore_la_CFLAGS = $(AM_CFLAGS) $(SQLITE_CFLAGS)
src_store_libstore_la_LIBADD = $(SQLITE_LIBS)
src_store_libstore_la_SOURCES =
