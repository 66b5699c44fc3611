# SPDX-License-Identifier: MIT
# One unit test program per layer, linked with that layer and those it may use alone, so that a call
# across the layering fails to link.  A new test file is one line in tests/unit/<layer>/local.mk.

if HAVE_CMOCKA
check_LTLIBRARIES += tests/support/libtesting.la
tests_support_libtesting_la_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_support_libtesting_la_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_support_libtesting_la_LIBADD = $(CMOCKA_LIBS)
tests_support_libtesting_la_SOURCES = \
	tests/support/testing.c \
	tests/support/testing.h \
	tests/support/wav.c \
	tests/support/wav.h

include tests/unit/base/local.mk
include tests/unit/audio/local.mk
include tests/unit/dsp/local.mk
include tests/unit/nn/local.mk
include tests/unit/index/local.mk
include tests/unit/store/local.mk
include tests/unit/model/local.mk
include tests/unit/train/local.mk
include tests/unit/engine/local.mk
include tests/unit/api/local.mk
include tests/unit/http/local.mk
endif

include tests/fuzz/local.mk

# Against real programs, by pytest; ./check runs them.
EXTRA_DIST += \
	tests/cli/conftest.py \
	tests/cli/made_model.py \
	tests/cli/test_cli.py \
	tests/cli/test_dataset.py \
	tests/cli/test_eval_instruments.py \
	tests/cli/test_train.py \
	tests/http/audio.py \
	tests/http/conftest.py \
	tests/http/contract.py \
	tests/http/daemon.py \
	tests/http/test_audio_input.py \
	tests/http/test_contract.py \
	tests/http/test_daemon.py \
	tests/http/test_durability.py \
	tests/http/test_libraries.py \
	tests/http/test_search.py \
	tests/http/test_server.py \
	tests/http/test_storage.py \
	tests/http/test_tracks.py
