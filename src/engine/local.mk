# SPDX-License-Identifier: MIT
noinst_LTLIBRARIES += src/engine/libengine.la
src_engine_libengine_la_CFLAGS = $(AM_CFLAGS) 
src_engine_libengine_la_LIBADD = 
src_engine_libengine_la_SOURCES =
