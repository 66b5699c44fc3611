// SPDX-License-Identifier: MIT
/* Targets of the auxiliary loss: what five networks, each trained on one instrument alone, make of the stems of a
 * segment ("Learning multidimensional disentangled representations of instrumental sounds ...", section 3.2).
 *
 * Each of the five is a small network of convolutions trained by the triplet loss on single stems (margin of the recipe,
 * all triplets of groups of ids pieces).  The target of a segment holds, for each stem that is audible in it, the unit
 * vector that its network gives for the stem alone, zeros for the others, and is divided by its norm.
 *
 * tb_instrument_targets: immutable after training, shared by any threads.  tb_target_pass: one per thread. */
#ifndef TIMBRE_TRAIN_INSTRUMENT_TARGETS_H
#define TIMBRE_TRAIN_INSTRUMENT_TARGETS_H

#include "base/status.h"
#include "nn/network.h"
#include "train/mixer.h"
#include "train/song.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct tb_instrument_targets tb_instrument_targets;

/* Five networks with parameters of 0, for this number of bands.  TB_NO_MEMORY. */
tb_status tb_instrument_targets_new(size_t n_bands, tb_instrument_targets **targets, tb_error *err) TB_MUST_CHECK;
/* Accepts NULL. */
void tb_instrument_targets_free(tb_instrument_targets *targets);
/* To train it, or to keep it in a checkpoint. */
tb_network *tb_instrument_targets_network(tb_instrument_targets *targets, tb_stem stem);

typedef struct tb_target_pass tb_target_pass;

/* targets: trained, borrowed as long as the pass.  TB_NO_MEMORY. */
tb_status tb_target_pass_new(const tb_instrument_targets *targets, tb_target_pass **pass, tb_error *err) TB_MUST_CHECK;
/* Accepts NULL. */
void tb_target_pass_free(tb_target_pass *pass);
/* Targets of the n segments that the mixer has drawn.  audible: n x TB_STEM_COUNT; mean, deviation: n_bands.
 * out: n x TB_INSTRUMENTS_DIM, each row of unit length, or zeros where nothing is audible. */
void tb_target_pass_run(tb_target_pass *pass, tb_mixer *mixer, const bool *audible, size_t n, const float *mean,
                        const float *deviation, float *out);

#endif
