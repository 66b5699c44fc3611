// SPDX-License-Identifier: MIT
/* Many segments through a network that is not being trained, on several threads.  What comes out does not depend on how
 * many threads there are.
 *
 * One thread at a time; works on the threads of the pool. */
#ifndef TIMBRE_TRAIN_EMBEDDER_H
#define TIMBRE_TRAIN_EMBEDDER_H

#include "base/pool.h"
#include "base/status.h"
#include "nn/network.h"
#include "train/augment.h"
#include "train/piece_cache.h"
#include "train/sampler.h"

#include <stddef.h>
#include <stdint.h>

typedef struct tb_embedder tb_embedder;

typedef struct tb_embedder_options {
    const tb_piece *const *pieces; /* all borrowed as long as the embedder */
    size_t n_bands;
    const tb_augmenter *augmenter;
    const float *mean, *deviation; /* n_bands */
    uint64_t seed;                 /* of the changes that the augmenter makes */
} tb_embedder_options;

/* TB_NO_MEMORY. */
tb_status tb_embedder_new(const tb_network *net, tb_pool *pool, const tb_embedder_options *options, tb_embedder **embedder,
                          tb_error *err) TB_MUST_CHECK;
/* Accepts NULL. */
void tb_embedder_free(tb_embedder *embedder);
/* The network's parameters have changed. */
void tb_embedder_refresh(tb_embedder *embedder);
/* Segments of all plans, in their order.  outputs: [segments][outputs of the network]; share: [segments]
 * [TB_STEM_COUNT], how much of each segment is whose (mixer.h). */
void tb_embedder_run(tb_embedder *embedder, const tb_group_plan *plans, size_t n_plans, float *outputs, float *share);

#endif
