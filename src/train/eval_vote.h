// SPDX-License-Identifier: MIT
/* Votes of the nearest: what Tables 1 and 2 of "Music similarity focusing on individual instruments" (section
 * 4.2) count.
 *
 * Every item asks the five nearest of the others for their label; the label that most of them have is the
 * answer, of several the one whose item is nearest.  The distance is the masked one: the mean of the squared
 * distances of the parts that are present in both.  Items of equal distance stand in the order of their
 * numbers.
 *
 * Threads: any. */
#ifndef TIMBRE_TRAIN_EVAL_VOTE_H
#define TIMBRE_TRAIN_EVAL_VOTE_H

#include "base/pool.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TB_VOTE_NEIGHBOURS = 5 };

/* All borrowed. */
typedef struct tb_vote_items {
    size_t n, n_parts, dim; /* dim: of a part */
    const float *vectors;   /* item i, part p: dim values at vectors + i * vector_stride + p * dim */
    size_t vector_stride;
    const bool *present;    /* item i, part p: present[i * present_stride + p] */
    size_t present_stride;  /* an item without any part neither asks nor answers */
    const int32_t *label;   /* n, >= 0 */
    const int32_t *group;   /* n: an item asks none of its own group; NULL: all but itself */
} tb_vote_items;

/* The answer for an item; -1 when nobody could be asked. */
int32_t tb_vote(const tb_vote_items *items, size_t query);
/* Mean squared distance over the parts present in both; INFINITY if there is none. */
double tb_vote_distance2(const tb_vote_items *items, size_t a, size_t b);

typedef struct tb_vote_count {
    size_t n_asked, n_right; /* items that could be right: whom anybody of their label was to be asked */
} tb_vote_count;

/* All items ask.  TB_NO_MEMORY. */
tb_status tb_vote_all(const tb_vote_items *items, tb_pool *pool, tb_vote_count *count,
                      tb_error *err) TB_MUST_CHECK;

#endif
