// SPDX-License-Identifier: MIT
/* A cache of pieces with what is needed to draw groups from it. */
#ifndef TIMBRE_TRAIN_TRAINING_SET_H
#define TIMBRE_TRAIN_TRAINING_SET_H

#include "base/status.h"
#include "model/band_spectrum.h"
#include "train/augment.h"
#include "train/piece_cache.h"

#include <stddef.h>

/* Constant once open, shared by any threads. */
typedef struct tb_training_set {
    tb_piece_cache *cache;
    const tb_piece **pieces; /* all of the cache */
    size_t n_pieces, n_bands, n_rows;
    tb_band_bank *bank;
    tb_augmenter *augmenter;
} tb_training_set;

/* TB_INVALID, saying what to do, for a cache without pieces or one that was made for another front end; and the errors of
 * tb_piece_cache_open.  On failure *set can be closed. */
tb_status tb_training_set_open(const char *path, const tb_augment_options *augment, tb_training_set *set, tb_error *err) TB_MUST_CHECK;
/* Accepts one that is zero. */
void tb_training_set_close(tb_training_set *set);

#endif
