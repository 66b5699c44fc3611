# SPDX-License-Identifier: MIT
noinst_LTLIBRARIES += src/http/libhttp.la
src_http_libhttp_la_CFLAGS = $(AM_CFLAGS) $(MHD_CFLAGS)
src_http_libhttp_la_LIBADD = $(MHD_LIBS)
src_http_libhttp_la_SOURCES = \
	src/http/address.c \
	src/http/address.h \
	src/http/body.c \
	src/http/body.h \
	src/http/exchange.c \
	src/http/multipart.c \
	src/http/multipart.h \
	src/http/server.c \
	src/http/server.h \
	src/http/server_internal.h \
	src/http/traffic.c \
	src/http/traffic.h
