// SPDX-License-Identifier: MIT
/* The index as a plain array, searched by a loop in double precision: what the real one is held against. */
#ifndef TIMBRE_TESTS_INDEX_MODEL_H
#define TIMBRE_TESTS_INDEX_MODEL_H

#include "base/rng.h"
#include "index/index.h"

enum { MODEL_MAX_ITEMS = 6000, MODEL_MAX_DIM = 160 };

typedef struct model_item {
    uint64_t label;
    uint32_t group;
    float vector[MODEL_MAX_DIM];
    float presence[TB_INDEX_MAX_PARTS];
} model_item;

typedef struct model {
    tb_index_layout layout;
    size_t dim;
    model_item *items; /* MODEL_MAX_ITEMS */
    size_t n_items;
} model;

typedef struct model_hit {
    uint64_t label;
    uint32_t group;
    double distance2, weight_used;
} model_hit;

typedef struct model_result {
    model_hit *hits; /* all that pass, sorted, not cut at k; malloc */
    size_t n_hits;
    uint64_t dropped_filter, dropped_missing, dropped_threshold;
} model_result;

/* Fails the test without memory. */
void model_open(model *m, const tb_index_layout *layout);
void model_close(model *m);
/* As the index: a known label is replaced. */
void model_put(model *m, const tb_index_item *item);
bool model_remove(model *m, uint64_t label);
size_t model_remove_group(model *m, uint32_t group);
const model_item *model_find(const model *m, uint64_t label);
void model_search(const model *m, const tb_index_query *query, model_result *result);

/* Small integers, so that every sum is exact and many distances tie; or normal numbers. */
void random_vector(tb_rng *rng, float *vector, size_t dim, bool integers);
/* Each part absent with probability 1/4, else 0.25, 0.5, 0.75 or 1. */
void random_presence(tb_rng *rng, float *presence, size_t n_parts);

/* Puts a random item into both. */
void put_random(tb_rng *rng, tb_index *index, model *m, uint64_t label, uint32_t group, bool integers);
/* Searches both and compares: counters, order, labels, distances, parts.  With integers all must be equal;
 * without, distances may differ by 1e-5 and neighbours by as much. */
void compare_search(const tb_index *index, const model *m, const tb_index_query *query, bool integers);

#endif
