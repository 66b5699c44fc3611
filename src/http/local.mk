# SPDX-License-Identifier: MIT
noinst_LTLIBRARIES += src/http/libhttp.la
src_http_libhttp_la_CFLAGS = $(AM_CFLAGS) $(MHD_CFLAGS)
src_http_libhttp_la_LIBADD = $(MHD_LIBS)
src_http_libhttp_la_SOURCES = \
	src/http/server.h
