# SPDX-License-Identifier: MIT
sbin_PROGRAMS += timbred
timbred_CFLAGS = $(AM_CFLAGS) $(SYSTEMD_CFLAGS)
timbred_LDADD = src/http/libhttp.la src/api/libapi.la src/engine/libengine.la src/model/libmodel.la \
	src/store/libstore.la src/index/libindex.la src/nn/libnn.la src/dsp/libdsp.la src/audio/libaudio.la \
	src/base/libbase.la $(SYSTEMD_LIBS)
timbred_SOURCES = \
	src/daemon/main.c \
	src/daemon/notify.c \
	src/daemon/notify.h \
	src/daemon/settings.c \
	src/daemon/settings.h
