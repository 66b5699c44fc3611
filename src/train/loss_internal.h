// SPDX-License-Identifier: MIT
/* Terms that see the embeddings only through the similarities of their pairs. */
#ifndef TIMBRE_TRAIN_LOSS_INTERNAL_H
#define TIMBRE_TRAIN_LOSS_INTERNAL_H

#include "train/loss.h"

typedef struct tb__similarities {
    size_t n, n_parts;
    const tb_loss_options *options;
    const tb_loss_labels *labels;
    const float *s[TB_LOSS_MAX_PARTS]; /* n x n cosines of each part, symmetric */
    float *ds[TB_LOSS_MAX_PARTS];      /* n x n; terms add d total / d s_ij, each ordered pair by itself */
    const uint8_t *shared;             /* n x n: bit c = both audible in c and of one piece there */
    const uint8_t *both;               /* n x n: bit c = both audible in c */
} tb__similarities;

/* Adds weight * gradient to ds and gives the value without weight.  part: the value of each part, where the term has
 * one; may be NULL. */
typedef double tb__similarity_term(const tb__similarities *group, double weight, double *part);

/* NULL for a term that sees more than similarities. */
tb__similarity_term *tb__loss_similarity_term(tb_loss_term term);

#endif
