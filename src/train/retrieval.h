// SPDX-License-Identifier: MIT
/* How well a space finds music again, on any folder of music and without labels.
 *
 * half-split: each file of 60 s or more is cut into two halves (of its first 240 s); every first half searches among
 * all second halves.  Top-1 is the share whose nearest is its own other half.
 * music ID: windows of some seconds, spread evenly over each file; each window asks its five nearest among all others
 * which file it is from (leave one out, as Table 1 of "Music similarity focusing on individual instruments" does).
 *
 * Distances are those of the server: weighted over the parts present in both, weights of missing parts shared out.
 * Heavy: works on its own threads, results do not depend on how many. */
#ifndef TIMBRE_TRAIN_RETRIEVAL_H
#define TIMBRE_TRAIN_RETRIEVAL_H

#include "base/status.h"
#include "model/model.h"

#include <stdatomic.h>
#include <stddef.h>

typedef struct tb_retrieval_options {
    /* NULL: the baseline of mfcc_clip.h, each number standardised over all clips, as one part "mfcc" */
    const tb_model *model;
    const double *weights; /* n_parts, not all 0; NULL = the model's own */
    size_t n_threads;      /* 0 = 1 */
    void (*progress)(void *context, size_t done, size_t total); /* may be NULL; from any thread, one at a time */
    void *context;
    const atomic_bool *cancel; /* NULL = never */
} tb_retrieval_options;

/* Which files were heard. */
typedef struct tb_retrieval_files {
    size_t n_used, n_short, n_failed;
} tb_retrieval_files;

/* Shares from 0 to 1; of all parts together, and of each part alone. */
typedef struct tb_half_split_result {
    tb_retrieval_files files;
    double top1, top5, mean_reciprocal_rank;
    double part_top1[TB_MODEL_MAX_PARTS];
} tb_half_split_result;

/* TB_INVALID: fewer than two files are long enough; TB_CANCELLED. */
tb_status tb_eval_half_split(const char *folder, const tb_retrieval_options *options, tb_half_split_result *result, tb_error *err) TB_MUST_CHECK;

typedef struct tb_music_id_result {
    tb_retrieval_files files;
    size_t n_windows;
    double accuracy;
    double part_accuracy[TB_MODEL_MAX_PARTS];
} tb_music_id_result;

/* window_s: 1 to 60; n_windows: 2 to 100 a file; files shorter than all windows together are left out. */
tb_status tb_eval_music_id(const char *folder, double window_s, size_t n_windows, const tb_retrieval_options *options, tb_music_id_result *result, tb_error *err) TB_MUST_CHECK;

#endif
