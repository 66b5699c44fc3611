// SPDX-License-Identifier: MIT
/* Everything that `timbre eval instruments` measures of a model, in one go: the tables of the paper and their
 * counterparts (eval_tables.h) on a piece cache, robustness on audio (eval_robustness.h), and real music
 * (retrieval.h).  eval_report.h makes a page of it. */
#ifndef TIMBRE_TRAIN_EVAL_INSTRUMENTS_H
#define TIMBRE_TRAIN_EVAL_INSTRUMENTS_H

#include "base/status.h"
#include "train/eval_robustness.h"
#include "train/eval_tables.h"
#include "train/retrieval.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct tb_eval_options {
    const char *model_path;       /* of kind "instruments" */
    const char *cache_path;       /* pieces that no training saw (piece_cache.h) */
    const char *music;            /* folder of real music; NULL = none */
    const char *descriptors_path; /* another model to set beside on real music; NULL = none */
    size_t n_draws;               /* of Table 2, at least 1 */
    uint64_t seed;
    size_t n_threads;             /* 0 = 1 */
    bool quick;                   /* few pieces and cases: to see that all works, not to measure */
    /* May be NULL; from any thread, one at a time. */
    void (*progress)(void *context, const char *stage, size_t done, size_t total);
    void *context;
    const atomic_bool *cancel;    /* NULL = never */
} tb_eval_options;

/* One space on real music. */
typedef struct tb_eval_real {
    char name[64];
    size_t n_parts;
    char part[TB_MODEL_MAX_PARTS][16];
    tb_half_split_result half_split;
    tb_music_id_result id[TB_SPAN_COUNT]; /* six windows of 3 s, of 10 s */
} tb_eval_real;

enum { TB_EVAL_MAX_REAL = 3 };

typedef struct tb_eval_report {
    char model_digest[17], cache_digest[17]; /* 16 hexadecimal digits; the cache's begin its BLAKE2b-256 */
    size_t n_pieces;                         /* in use, of those in the cache */
    bool quick;
    uint64_t seed;
    double hours;                            /* of the pieces in use */
    tb_eval_identity identity;
    tb_eval_presence presence;
    tb_eval_mixes mixes;
    tb_eval_judgement judgement;
    tb_eval_disentanglement disentanglement;
    char rendered_how[48];                   /* what played the songs of `rendered`; "" = not measured */
    tb_eval_robustness rendered, recorded;   /* n_tracks 0 = not measured */
    size_t n_real;                           /* the model itself, then others */
    tb_eval_real real[TB_EVAL_MAX_REAL];
} tb_eval_report;

/* What opening the model and the cache return; TB_INVALID when they do not fit each other, or there are too
 * few pieces; TB_CANCELLED. */
tb_status tb_eval_instruments(const tb_eval_options *options, tb_eval_report *report,
                              tb_error *err) TB_MUST_CHECK;

#endif
