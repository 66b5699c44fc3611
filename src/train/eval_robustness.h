// SPDX-License-Identifier: MIT
/* Is changed music still itself?  Tracks are changed (audio_change.h), and each looks for the nearest of all
 * the originals: whole tracks among whole tracks, pieces of 10 s among pieces of 10 s.
 *
 * Works through tb_model, as the server does, with any space; results do not depend on the number of threads. */
#ifndef TIMBRE_TRAIN_EVAL_ROBUSTNESS_H
#define TIMBRE_TRAIN_EVAL_ROBUSTNESS_H

#include "base/pool.h"
#include "base/status.h"
#include "model/model.h"
#include "train/audio_change.h"
#include "train/eval_tables.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* Mono at TB_MODEL_RATE_HZ, 21 s or more; borrowed. */
typedef struct tb_eval_clip {
    const float *mono;
    size_t n;
} tb_eval_clip;

enum { TB_ROBUSTNESS_MIN_S = 21 };

/* Nearest of all, with no other at the same distance.  n counts those that have the part after the change. */
typedef struct tb_robustness_row {
    bool measured;                          /* false: this build cannot make the change */
    tb_eval_share track;                    /* the whole track, by all parts (default weights) */
    tb_eval_share part[TB_MODEL_MAX_PARTS]; /* the whole track, by each part alone */
    tb_eval_share piece_track, piece;       /* 10 s by all parts: the nearest is of the track, is itself */
} tb_robustness_row;

typedef struct tb_eval_robustness {
    size_t n_tracks, n_pieces;
    tb_robustness_row row[TB_CHANGE_COUNT];
} tb_eval_robustness;

typedef struct tb_robustness_options {
    const tb_model *model;
    tb_pool *pool;
    uint64_t seed;
    /* May be NULL; from any thread, one at a time. */
    void (*progress)(void *context, size_t done, size_t total);
    void *context;
    const atomic_bool *cancel; /* NULL = never */
} tb_robustness_options;

/* TB_INVALID for fewer than two clips or one that is too short; TB_CANCELLED. */
tb_status tb_eval_robustness_measure(const tb_robustness_options *options, const tb_eval_clip *clips,
                                     size_t n_clips, tb_eval_robustness *result,
                                     tb_error *err) TB_MUST_CHECK;

#endif
