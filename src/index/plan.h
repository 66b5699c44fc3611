// SPDX-License-Identifier: MIT
/* A query, checked and laid out for the scan: what the loops over chunks need and nothing else. */
#ifndef TIMBRE_INDEX_PLAN_H
#define TIMBRE_INDEX_PLAN_H

#include "index/chunk.h"
#include "index/code.h"
#include "index/index.h"

typedef struct tb__plan_part {
    size_t part, dim;
    double weight;       /* > 0 */
    double penalty;      /* weight * penalty: what counts when it is in one of the two alone */
    bool in_query;
    const float *vector; /* the query's values of this part, borrowed */
    tb__query_code code; /* of these values; code.values is NULL where no codes are used */
} tb__plan_part;

typedef struct tb__plan {
    const tb_index_query *query;             /* borrowed */
    tb__plan_part parts[TB_INDEX_MAX_PARTS]; /* the asked ones, in order of the layout */
    size_t n_parts;
    size_t order[TB_INDEX_MAX_PARTS];         /* positions in parts, the heaviest first */
    double asked_weight;                      /* sum of all weights */
    bool query_has[TB_INDEX_MAX_PARTS];       /* every part of the layout */
    uint32_t *exclude;                        /* sorted, owned; NULL for none */
    size_t n_exclude;
    int16_t *code_values; /* memory of the parts' codes; NULL while there are none */
} tb__plan;

/* TB_INVALID with the reason, TB_NO_MEMORY.  The plan borrows the query and its arrays. */
tb_status tb__plan_init(tb__plan *plan, const tb_index *index, const tb_index_query *query,
                        tb_error *err) TB_MUST_CHECK;
/* Encodes the query, so that the scan looks at codes first.  TB_NO_MEMORY. */
tb_status tb__plan_encode(tb__plan *plan, tb_error *err) TB_MUST_CHECK;
/* Accepts a zeroed one. */
void tb__plan_clear(tb__plan *plan);
/* Whether a group may answer. */
bool tb__plan_allows(const tb__plan *plan, uint32_t group);
/* Which parts of the plan the item in a slot has: bit i for the i-th. */
uint32_t tb__plan_present(const tb__plan *plan, const tb__chunk *chunk, uint32_t slot);
/* Whether an item with these parts can be compared, as `missing` has it. */
bool tb__plan_compares(const tb__plan *plan, uint32_t item_has);
/* The distance of one item.  item_has: bit i for the plan's i-th part; part_distance2[i * stride] of that
 * part is read where query and item have it.  *weight_used: of those parts.  At least one is there.  The scan
 * and the hits use this one formula. */
double tb__plan_distance(const tb__plan *plan, uint32_t item_has, const float *part_distance2, size_t stride,
                         double *weight_used);

#endif
