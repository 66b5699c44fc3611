# SPDX-License-Identifier: MIT
noinst_LTLIBRARIES += src/api/libapi.la
src_api_libapi_la_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
src_api_libapi_la_LIBADD = $(JANSSON_LIBS)
src_api_libapi_la_SOURCES = \
	src/api/api.h \
	src/api/reply.h \
	src/api/request.h
