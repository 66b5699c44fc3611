// SPDX-License-Identifier: MIT
/* Composes pieces of popular and game music in up to five stems from a seed.
 *
 * A piece has one tempo, metre, key, swing and one band: each stem keeps its instrument and its manner of playing from
 * the first bar to the last, while sections differ in chords, density and in who pauses.  Networks are trained to tell a
 * stem's piece from any three seconds of it, so what identifies a stem must never stop, and pieces must differ.
 *
 * The same seed and options give the same events on every machine: composing works in whole numbers (ticks,
 * microseconds, per cent), and no decision depends on a floating-point result. */
#ifndef TIMBRE_TRAIN_COMPOSER_H
#define TIMBRE_TRAIN_COMPOSER_H

#include "train/song.h"

typedef struct tb_composer_options {
    double duration_s; /* 4 to 600; 0 = 64.  The song lasts exactly so long: it ends within its last bar */
    unsigned stems;    /* bit 1 << stem for each one wanted; 0 = drawn, 1 to 5 with p .04 .12 .24 .30 .30 */
    int tempo_group;   /* 0 to 9; -1 = drawn */
    int beats_per_bar; /* 3 or 4; 0 = drawn, 84 % four */
} tb_composer_options;

/* The options that draw everything and compose 64 s. */
extern const tb_composer_options tb_composer_defaults;

/* A sorted song that passes tb_song_check, with at least one note in each of its stems; tb_song_free.  options: NULL for
 * the defaults.  TB_INVALID for options out of range, TB_NO_MEMORY.  Threads: any. */
tb_status tb_compose(const tb_composer_options *options, uint64_t seed, tb_song **song,
                     tb_error *err) TB_MUST_CHECK;

#endif
