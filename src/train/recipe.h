// SPDX-License-Identifier: MIT
/* How a network for instruments is trained: every number in one table (recipe.c), with names, ranges and defaults.
 *
 * A recipe begins as one of the named ones and is changed by settings "name=value".  The names and what they stand for:
 *
 *     contrastive             softmax contrastive loss per part over groups with all stems permuted; our default
 *     basic                   Table 2 of "Learning multidimensional disentangled representations of instrumental
 *                             sounds ...", row by row: basic triplets alone
 *     aux-basic               with the auxiliary loss, weight 0.1, on anchors (section 3.2)
 *     aux-basic-add           with additional triplets as well (section 3.1.2, Figure 2)
 *     aux-basic-add-prime     the same after pre-training by the auxiliary loss, on whole pieces and single stems
 *                             (section 4.1.3 and Figure 3)
 *
 * The paper says of its last row, add', only that it is best; since it describes pre-training and no other row has a mark
 * for it, the mark is read as that.  The paper changes no sound, so these four do not either.
 *
 * Plain data; one thread at a time for those who change it. */
#ifndef TIMBRE_TRAIN_RECIPE_H
#define TIMBRE_TRAIN_RECIPE_H

#include "base/buffer.h"
#include "base/status.h"
#include "train/augment.h"
#include "train/loss.h"
#include "train/sampler.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

typedef enum tb_recipe_groups { TB_GROUPS_CONTRAST, TB_GROUPS_BASIC, TB_GROUPS_ADDITIONAL } tb_recipe_groups;

typedef struct tb_recipe {
    int groups; /* tb_recipe_groups */
    int64_t segments_per_group, ids;
    double absent, twins, solo;
    double temperature, shared_weight, margin;
    double contrastive, triplet, auxiliary, presence, leakage, leakage_mean, independence; /* weights */
    bool soft_presence;
    double pretrain;         /* share of all segments */
    int64_t target_segments; /* for each of the five individual networks, where the auxiliary loss is used */
    double rate, decay, floor, clip, average;
    int64_t warm_up; /* steps */
    double voice_eq, level, transpose_share, transpose, slow, detune, compress_share, noise_share, low_pass_share, segment_eq;
} tb_recipe;

/* One of the names above; TB_INVALID, listing them, for another. */
tb_status tb_recipe_named(const char *name, tb_recipe *recipe, tb_error *err) TB_MUST_CHECK;
/* "temperature=0.1".  TB_NOT_FOUND for an unknown name (with the nearest), TB_INVALID out of range, TB_SYNTAX. */
tb_status tb_recipe_set(tb_recipe *recipe, const char *setting, tb_error *err) TB_MUST_CHECK;
/* Every setting as "name=value", blanks between, appended. */
tb_status tb_recipe_print(const tb_recipe *recipe, tb_buffer *out) TB_MUST_CHECK;
/* Names, ranges and defaults, a line each. */
void tb_recipe_print_help(FILE *stream);

/* Segments in a group with their solos, and solos alone. */
size_t tb_recipe_group_rows(const tb_recipe *recipe);
size_t tb_recipe_n_solos(const tb_recipe *recipe);
bool tb_recipe_uses_targets(const tb_recipe *recipe);
void tb_recipe_sampler(const tb_recipe *recipe, tb_sampler_options *options);
void tb_recipe_augment(const tb_recipe *recipe, tb_augment_options *options);
/* pretraining: the auxiliary loss alone. */
void tb_recipe_loss(const tb_recipe *recipe, bool pretraining, tb_loss_options *options);

#endif
