// SPDX-License-Identifier: MIT
/* What the network for instruments is trained by: losses on the embeddings of one group of segments.
 *
 * An embedding is one row of n_parts x part_dim numbers followed by n_presence logits.  Each part is brought to
 * unit length inside, forward and backward, so that a similarity is a cosine and a squared distance 2 - 2 cos.
 *
 *     contrastive     per part c, over segments in which c is audible: for every ordered pair (i, j) with the same
 *                     piece, -log(e^(s_ij/t) / (e^(s_ij/t) + sum_k w_ik e^(s_ik/t))), k over other pieces; mean over
 *                     pairs, then over parts.  w_ik is 1, or shared_weight where i and k share another part.
 *     triplet         max(d_ap - d_an + margin, 0), d Euclidean in the part of the triplet ("Learning
 *                     multidimensional disentangled representations ...", Eq. 6, margin 0.2); mean over the given
 *                     triplets, or over all of the group, then over parts
 *     auxiliary       squared distance of the whole embedding, divided by its norm, to a target (Eq. 7); mean over the
 *                     segments that have one
 *     presence        sigmoid cross-entropy of the logits; mean over all
 *     leakage         per part c, pairs whose pieces in c differ: mean squared difference of the similarity of those
 *                     which share another part, to the mean similarity of those which share nothing
 *     leakage_mean    the same of the mean similarity for each other part, so that single pairs may differ
 *     independence    squared correlation of the similarities in two parts over all pairs; mean over pairs of parts
 *
 * The sum, each times its weight, is what the gradient is of.  To add a term on similarities: one row in loss_terms.c.
 *
 * One tb_loss per thread. */
#ifndef TIMBRE_TRAIN_LOSS_H
#define TIMBRE_TRAIN_LOSS_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TB_LOSS_MAX_PARTS = 8, TB_LOSS_MAX_SEGMENTS = 4096 };

typedef enum tb_loss_term {
    TB_LOSS_CONTRASTIVE,
    TB_LOSS_TRIPLET,
    TB_LOSS_AUXILIARY,
    TB_LOSS_PRESENCE,
    TB_LOSS_LEAKAGE,
    TB_LOSS_LEAKAGE_MEAN,
    TB_LOSS_INDEPENDENCE,
    TB_LOSS_TERMS
} tb_loss_term;

/* "contrastive", "triplet", ...; the names of the terms above. */
const char *tb_loss_term_name(tb_loss_term term);

typedef struct tb_loss_shape {
    size_t n_parts, part_dim; /* 1 to TB_LOSS_MAX_PARTS; at least 1 */
    size_t n_presence;        /* 0, or n_parts */
} tb_loss_shape;

typedef struct tb_loss_options {
    double weight[TB_LOSS_TERMS]; /* 0 = the term is left out */
    double temperature;           /* > 0; 0.05 */
    double shared_weight;         /* >= 1; 1 = every negative counts the same */
    double margin;                /* 0.2 */
} tb_loss_options;

/* In `part`, anchor and positive are of the same piece and negative of another; numbers of segments. */
typedef struct tb_loss_triplet {
    uint32_t anchor, positive, negative, part;
} tb_loss_triplet;

/* What is known of a group; all borrowed. */
typedef struct tb_loss_labels {
    size_t n;               /* segments */
    const int32_t *piece;   /* n x n_parts: where the part is from, -1 = absent */
    const bool *audible;    /* n x n_parts: whether it is loud enough to be told apart; false where absent */
    const float *presence;  /* n x n_presence, 0 to 1; may be NULL without that term */
    const float *target;    /* n x (n_parts * part_dim); may be NULL without that term */
    const bool *has_target; /* n; NULL = all */
    const tb_loss_triplet *triplets; /* NULL = all that the group has */
    size_t n_triplets;
} tb_loss_labels;

/* Means of the group, for the log.  NaN where there was nothing to take a mean of. */
typedef struct tb_loss_report {
    double total;                         /* with weights */
    double term[TB_LOSS_TERMS];           /* without */
    double part[TB_LOSS_MAX_PARTS];       /* contrastive or triplet loss of each part */
    double same[TB_LOSS_MAX_PARTS];       /* similarity of pairs of one piece, */
    double shared[TB_LOSS_MAX_PARTS];     /* of pairs that share another part only, */
    double different[TB_LOSS_MAX_PARTS];  /* and of pairs that share nothing */
} tb_loss_report;

typedef struct tb_loss tb_loss;

/* max_n: segments in the largest group, 2 to TB_LOSS_MAX_SEGMENTS.  TB_INVALID, TB_NO_MEMORY. */
tb_status tb_loss_new(const tb_loss_shape *shape, size_t max_n, tb_loss **loss, tb_error *err) TB_MUST_CHECK;
/* Accepts NULL. */
void tb_loss_free(tb_loss *loss);
/* y: labels->n rows of n_parts * part_dim + n_presence; dy: as large, overwritten with d total / d y, or NULL where
 * only the values matter.  Never fails; allocates nothing.  Numbers in y that are not finite make total not finite. */
void tb_loss_compute(tb_loss *loss, const tb_loss_options *options, const tb_loss_labels *labels, const float *y,
                     float *dy, tb_loss_report *report);

/* Numbers in a row. */
static inline size_t tb_loss_width(const tb_loss_shape *shape)
{
    return shape->n_parts * shape->part_dim + shape->n_presence;
}

#endif
