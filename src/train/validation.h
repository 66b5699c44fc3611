// SPDX-License-Identifier: MIT
/* How good a network for instruments is while it is being trained, on pieces held out from training.
 *
 * Parts: the protocol of Table 2 ("Learning multidimensional disentangled representations of instrumental sounds ...",
 * section 4.2.2).  For each part, `labels` pieces of one class that hold it; each gives its stem to four pseudo-mixes whose
 * other stems are from another of these pieces; of each mix two passages of 10 s (mean of three windows).  Every passage
 * asks its five nearest which piece the stem is from; mixes with the same background are left out.  Repeated over
 * `draws` choices of pieces.
 *
 *     accuracy   share of right answers in the part's own vectors
 *     leakage    the same in the vectors of the other four parts (mean), which should know nothing of it; of passages
 *                in which they sound as well
 *
 * Presence: average precision of each part's output on pseudo-mixes in which stems are often absent, and the threshold
 * that tells best between present and absent (highest mean of the two rates).
 *
 * The passages are drawn once, so that figures of different networks can be compared.  One thread at a time. */
#ifndef TIMBRE_TRAIN_VALIDATION_H
#define TIMBRE_TRAIN_VALIDATION_H

#include "base/status.h"
#include "train/embedder.h"
#include "train/piece_cache.h"
#include "train/song.h"

#include <stddef.h>
#include <stdint.h>

typedef struct tb_validation_options {
    size_t n_draws;  /* 1 to 100; 3 */
    size_t n_labels; /* 3 to 50; 10 */
    uint64_t seed;
} tb_validation_options;

/* From 0 to 1; NaN where the pieces do not allow it. */
typedef struct tb_validation_report {
    double accuracy[TB_STEM_COUNT], leakage[TB_STEM_COUNT];
    double cross[TB_STEM_COUNT][TB_STEM_COUNT]; /* [label of][found by the vectors of] */
    double presence[TB_STEM_COUNT];             /* average precision */
    float threshold[TB_STEM_COUNT];             /* of presence; 0.5 where unknown */
    double chance;                              /* accuracy of guessing */
    double mean_accuracy, mean_leakage, mean_presence;
    double score;                               /* what training keeps the best of: mean accuracy - mean leakage / 2 */
} tb_validation_report;

typedef struct tb_validation tb_validation;

/* pieces: borrowed.  TB_INVALID when they do not even make one group (sampler.h); TB_NO_MEMORY. */
tb_status tb_validation_new(const tb_piece *const *pieces, size_t n_pieces, size_t n_bands, const tb_validation_options *options,
                            tb_validation **validation, tb_error *err) TB_MUST_CHECK;
/* Accepts NULL. */
void tb_validation_free(tb_validation *validation);
/* Segments that a run embeds. */
size_t tb_validation_n_segments(const tb_validation *validation);
/* embedder: on the same pieces, without changes of sound. */
void tb_validation_run(tb_validation *validation, tb_embedder *embedder, tb_validation_report *report);

#endif
