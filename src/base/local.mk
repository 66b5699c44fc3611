# SPDX-License-Identifier: MIT
noinst_LTLIBRARIES += src/base/libbase.la
src_base_libbase_la_SOURCES = \
	src/base/alloc.c \
	src/base/alloc.h \
	src/base/buffer.c \
	src/base/buffer.h \
	src/base/clock.c \
	src/base/clock.h \
	src/base/config.c \
	src/base/config.h \
	src/base/embed.h \
	src/base/fs.c \
	src/base/fs.h \
	src/base/half.h \
	src/base/install.c \
	src/base/install.h \
	src/base/log.c \
	src/base/log.h \
	src/base/pool.c \
	src/base/pool.h \
	src/base/rng.c \
	src/base/rng.h \
	src/base/status.c \
	src/base/status.h \
	src/base/text.c \
	src/base/text.h \
	src/base/walk.c \
	src/base/walk.h
