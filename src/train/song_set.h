// SPDX-License-Identifier: MIT
/* Data sets of composed songs, or of MIDI songs: rendered in the layout of Slakh2100, or straight into a
 * piece cache.
 *
 * Piece i depends on seed, split and i alone, whatever the number of threads and whether the work was cut off
 * and taken up again: what is complete is kept.  A data set that was begun with other options, soundfonts or
 * another composer is not gone on with. */
#ifndef TIMBRE_TRAIN_SONG_SET_H
#define TIMBRE_TRAIN_SONG_SET_H

#include "audio/encode.h"
#include "base/status.h"
#include "train/soundfont.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum tb_split { TB_SPLIT_TRAIN, TB_SPLIT_VALIDATION, TB_SPLIT_TEST, TB_SPLIT_COUNT } tb_split;
/* "train", "validation", "test": the folders of Slakh2100. */
const char *tb_split_name(tb_split split);

typedef enum tb_song_set_format {
    TB_SONG_SET_SLAKH, /* path/SPLIT/Track00001 … (slakh_writer.h), and what they are in path/SPLIT.json */
    TB_SONG_SET_CACHE, /* path is a piece cache (piece_cache.h); its info is the same JSON */
} tb_song_set_format;

typedef struct tb_song_set_options {
    const char *path;
    tb_song_set_format format;
    const char *midi; /* folder (song_source.h); NULL: composed.  The songs are the same in every split */
    size_t n_pieces;  /* 1 to 99999, of MIDI songs at most all; a data set may be made longer later */
    uint64_t seed;
    tb_split split;             /* each has its own songs */
    double seconds;             /* 4 to 600 a piece */
    const tb_soundfonts *fonts; /* borrowed; NULL: patches alone */
    double patch_share;         /* 0 to 1 */
    bool effects;
    int rate_hz;           /* 8000 to 48000; of a cache TB_MODEL_RATE_HZ */
    tb_audio_format audio; /* of TB_SONG_SET_SLAKH */
    size_t n_bands;        /* of TB_SONG_SET_CACHE */
    size_t n_threads;      /* 0 = 1 */
    void (*progress)(void *context, size_t done,
                     size_t total); /* may be NULL; from any thread, one at a time */
    void *context;
    const atomic_bool *cancel; /* NULL = never */
} tb_song_set_options;

typedef struct tb_song_set_result {
    size_t n_made, n_kept; /* n_kept: complete before */
    double audio_s;        /* of the mixes made */
} tb_song_set_result;

/* TB_INVALID for options out of range, TB_EXISTS for a data set begun with others, TB_CANCELLED (what is
 * complete stays), TB_UNSUPPORTED without FluidSynth, and what composing, rendering and writing return. */
tb_status tb_song_set_make(const tb_song_set_options *options, tb_song_set_result *result,
                           tb_error *err) TB_MUST_CHECK;

#endif
