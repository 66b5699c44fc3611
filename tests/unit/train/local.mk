# SPDX-License-Identifier: MIT
check_PROGRAMS += tests/unit/train/test-train
TESTS += tests/unit/train/test-train
tests_unit_train_test_train_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_train_test_train_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_train_test_train_LDADD = tests/support/libtesting.la src/train/libtrain.la src/audio/libaudio.la \
	src/model/libmodel.la src/dsp/libdsp.la src/nn/libnn.la src/base/libbase.la
tests_unit_train_test_train_SOURCES = \
	tests/fuzz/fuzz_midi.c \
	tests/fuzz/fuzz_midi.h \
	tests/unit/train/made_model.c \
	tests/unit/train/made_model.h \
	tests/unit/train/made_pieces.c \
	tests/unit/train/made_pieces.h \
	tests/unit/train/test_augment.c \
	tests/unit/train/test_checkpoint.c \
	tests/unit/train/test_composer.c \
	tests/unit/train/test_descriptor_folder.c \
	tests/unit/train/test_effects.c \
	tests/unit/train/test_eval_report.c \
	tests/unit/train/test_eval_robustness.c \
	tests/unit/train/test_eval_tables.c \
	tests/unit/train/test_eval_vote.c \
	tests/unit/train/test_group_maker.c \
	tests/unit/train/test_instruments_training.c \
	tests/unit/train/test_loss.c \
	tests/unit/train/test_midi_file.c \
	tests/unit/train/test_midi_folder.c \
	tests/unit/train/test_mixer.c \
	tests/unit/train/test_patch_synth.c \
	tests/unit/train/test_piece_cache.c \
	tests/unit/train/test_piece_line.c \
	tests/unit/train/test_plot.c \
	tests/unit/train/test_recipe.c \
	tests/unit/train/test_renderer.c \
	tests/unit/train/test_retrieval.c \
	tests/unit/train/test_sampler.c \
	tests/unit/train/test_song.c \
	tests/unit/train/test_song_set.c \
	tests/unit/train/test_song_source.c \
	tests/unit/train/test_stem_folder.c \
	tests/unit/train/test_validation.c
