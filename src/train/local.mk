# SPDX-License-Identifier: MIT
noinst_LTLIBRARIES += src/train/libtrain.la
src_train_libtrain_la_CFLAGS = $(AM_CFLAGS) $(YAML_CFLAGS) $(FLUIDSYNTH_CFLAGS)
src_train_libtrain_la_LIBADD = $(YAML_LIBS) $(FLUIDSYNTH_LIBS)
src_train_libtrain_la_SOURCES = \
	src/train/audio_change.c \
	src/train/audio_change.h \
	src/train/augment.c \
	src/train/augment.h \
	src/train/beat_grid.c \
	src/train/beat_grid.h \
	src/train/biquad_internal.h \
	src/train/checkpoint.c \
	src/train/checkpoint.h \
	src/train/clip.c \
	src/train/clip.h \
	src/train/compose_bass.c \
	src/train/compose_drums.c \
	src/train/compose_guitar.c \
	src/train/compose_others.c \
	src/train/compose_piano.c \
	src/train/composer.c \
	src/train/composer.h \
	src/train/composer_draw.c \
	src/train/composer_internal.h \
	src/train/descriptor_folder.c \
	src/train/descriptor_folder.h \
	src/train/effects.c \
	src/train/effects.h \
	src/train/embedder.c \
	src/train/embedder.h \
	src/train/eval_disentanglement.c \
	src/train/eval_draw.c \
	src/train/eval_draw.h \
	src/train/eval_hearer.c \
	src/train/eval_hearer.h \
	src/train/eval_identity.c \
	src/train/eval_instruments.c \
	src/train/eval_instruments.h \
	src/train/eval_judgement.c \
	src/train/eval_mixes.c \
	src/train/eval_paper.h \
	src/train/eval_picture.c \
	src/train/eval_report.c \
	src/train/eval_report.h \
	src/train/eval_robustness.c \
	src/train/eval_robustness.h \
	src/train/eval_score.c \
	src/train/eval_score.h \
	src/train/eval_tables.h \
	src/train/eval_targets.c \
	src/train/eval_vote.c \
	src/train/eval_vote.h \
	src/train/groove_table.c \
	src/train/groove_table.h \
	src/train/group_maker.c \
	src/train/group_maker.h \
	src/train/group_trainer.c \
	src/train/group_trainer.h \
	src/train/half_rows.h \
	src/train/harmony.c \
	src/train/instrument_targets.c \
	src/train/instrument_targets.h \
	src/train/instruments_export.c \
	src/train/instruments_export.h \
	src/train/instruments_training.c \
	src/train/instruments_training.h \
	src/train/instruments_training_internal.h \
	src/train/instruments_training_open.c \
	src/train/instruments_training_state.c \
	src/train/loss.c \
	src/train/loss.h \
	src/train/loss_internal.h \
	src/train/loss_terms.c \
	src/train/melody.c \
	src/train/mfcc_clip.c \
	src/train/mfcc_clip.h \
	src/train/midi_file.c \
	src/train/midi_file.h \
	src/train/midi_folder.c \
	src/train/midi_folder.h \
	src/train/midi_internal.h \
	src/train/midi_song.c \
	src/train/mix_kernels.c \
	src/train/mix_kernels.h \
	src/train/mix_kernels_body.h \
	src/train/mixer.c \
	src/train/mixer.h \
	src/train/parallel.c \
	src/train/parallel.h \
	src/train/patch_chip.c \
	src/train/patch_drums.c \
	src/train/patch_fm.c \
	src/train/patch_internal.h \
	src/train/patch_pluck.c \
	src/train/patch_subtractive.c \
	src/train/patch_synth.c \
	src/train/patch_synth.h \
	src/train/patch_voice.c \
	src/train/patch_wavetable.c \
	src/train/piece_cache.c \
	src/train/piece_cache.h \
	src/train/piece_cache_internal.h \
	src/train/piece_line.c \
	src/train/piece_line.h \
	src/train/piece_rows.c \
	src/train/piece_rows.h \
	src/train/piece_writer.c \
	src/train/player.c \
	src/train/plot.c \
	src/train/plot.h \
	src/train/recipe.c \
	src/train/recipe.h \
	src/train/renderer.c \
	src/train/renderer.h \
	src/train/retrieval.c \
	src/train/retrieval.h \
	src/train/room.c \
	src/train/room.h \
	src/train/sampler.c \
	src/train/sampler.h \
	src/train/sampler_draw.c \
	src/train/sampler_internal.h \
	src/train/samples.c \
	src/train/samples.h \
	src/train/slakh_metadata.c \
	src/train/slakh_metadata.h \
	src/train/slakh_writer.c \
	src/train/slakh_writer.h \
	src/train/song.c \
	src/train/song.h \
	src/train/song_set.c \
	src/train/song_set.h \
	src/train/song_source.c \
	src/train/song_source.h \
	src/train/soundfont.c \
	src/train/soundfont.h \
	src/train/stem_folder.c \
	src/train/stem_folder.h \
	src/train/stem_import.c \
	src/train/stem_import.h \
	src/train/training_history.c \
	src/train/training_history.h \
	src/train/training_set.c \
	src/train/training_set.h \
	src/train/validation.c \
	src/train/validation.h
if HAVE_FLUIDSYNTH
src_train_libtrain_la_SOURCES += src/train/font_player.c
EXTRA_DIST += src/train/font_player_none.c
else
src_train_libtrain_la_SOURCES += src/train/font_player_none.c
EXTRA_DIST += src/train/font_player.c
endif

# The same loops for more of a processor; mix_kernels.c asks it before it calls them.
if CPU_X86_64
noinst_LTLIBRARIES += src/train/libtrain_avx2.la
src_train_libtrain_avx2_la_CFLAGS = $(AM_CFLAGS) -ffp-contract=off -mavx2
src_train_libtrain_avx2_la_SOURCES = \
	src/train/mix_kernels_avx2.c
src_train_libtrain_la_LIBADD += src/train/libtrain_avx2.la
endif
