// SPDX-License-Identifier: MIT
/* Groups ready for a training step: the network's input with what is known of it.  Draws the plan (sampler.h), mixes it
 * (mixer.h), says what can be heard, and asks the individual networks for targets where the auxiliary loss wants them
 * (instrument_targets.h).
 *
 * A contrast group is followed by solos (mixer.h): for the first of its segments one audible stem each, drawn evenly, with
 * the label of that stem and all others absent, so that losses compare mixes with solos as well.
 *
 * One tb_group_maker per thread. */
#ifndef TIMBRE_TRAIN_GROUP_MAKER_H
#define TIMBRE_TRAIN_GROUP_MAKER_H

#include "base/status.h"
#include "train/augment.h"
#include "train/instrument_targets.h"
#include "train/loss.h"
#include "train/piece_cache.h"
#include "train/sampler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TB_GROUP_MAX_ROWS = 2 * TB_GROUP_MAX_SEGMENTS }; /* segments with their solos */

typedef enum tb_group_kind {
    TB_GROUP_CONTRAST,
    TB_GROUP_BASIC,      /* the paper's basic triplets */
    TB_GROUP_ADDITIONAL, /* and its additional ones */
    TB_GROUP_WHOLE,      /* whole pieces and single stems, for pre-training */
    TB_GROUP_SINGLE,     /* one stem: labels of one part */
} tb_group_kind;

/* What makers share; all borrowed. */
typedef struct tb_group_source {
    const tb_piece *const *pieces;
    size_t n_bands;
    const tb_sampler *sampler;
    const tb_augmenter *augmenter;
    const float *mean, *deviation;       /* n_bands; NULL: input as it is (to measure these) */
    const tb_instrument_targets *targets; /* NULL: none */
    bool soft_presence;
    size_t n_solos;  /* in a contrast group, at most as many as it has segments */
    size_t max_rows; /* of a group with its solos, 2 to TB_GROUP_MAX_ROWS */
    uint64_t seed;
} tb_group_source;

/* The maker's, until its next group. */
typedef struct tb_training_group {
    const float *x;        /* labels.n x TB_WINDOW_ROWS x n_bands */
    tb_loss_labels labels; /* n x 5 (1 for TB_GROUP_SINGLE) */
    const tb_group_plan *plan;
} tb_training_group;

typedef struct tb_group_maker tb_group_maker;

/* source: copied; what it points to is borrowed as long as the maker.  TB_NO_MEMORY. */
tb_status tb_group_maker_new(const tb_group_source *source, tb_group_maker **maker, tb_error *err) TB_MUST_CHECK;
/* Accepts NULL. */
void tb_group_maker_free(tb_group_maker *maker);
/* Group number `group` of a step; depends on these arguments and the source alone.  stem: for TB_GROUP_SINGLE. */
void tb_group_maker_make(tb_group_maker *maker, tb_group_kind kind, tb_stem stem, uint64_t step, uint64_t group,
                         tb_training_group *made);

#endif
