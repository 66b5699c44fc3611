# SPDX-License-Identifier: MIT
bin_PROGRAMS += timbre
timbre_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(CURL_CFLAGS)
timbre_LDADD = src/train/libtrain.la src/api/libapi.la src/engine/libengine.la src/model/libmodel.la \
	src/store/libstore.la src/index/libindex.la src/nn/libnn.la src/dsp/libdsp.la src/audio/libaudio.la \
	src/base/libbase.la $(JANSSON_LIBS) $(CURL_LIBS)
timbre_SOURCES = \
	src/cli/client.c \
	src/cli/client.h \
	src/cli/client_http.c \
	src/cli/client_internal.h \
	src/cli/client_local.c \
	src/cli/command.h \
	src/cli/command_dataset.c \
	src/cli/command_eval.c \
	src/cli/command_eval_instruments.c \
	src/cli/command_eval_instruments.h \
	src/cli/command_scan.c \
	src/cli/command_search.c \
	src/cli/command_serve.c \
	src/cli/command_tracks.c \
	src/cli/command_train.c \
	src/cli/main.c \
	src/cli/options.c \
	src/cli/options.h \
	src/cli/print.c \
	src/cli/print.h \
	src/cli/progress.c \
	src/cli/progress.h
