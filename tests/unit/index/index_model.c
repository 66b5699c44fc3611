// SPDX-License-Identifier: MIT
#include "unit/index/index_model.h"

#include "support/testing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void model_open(model *m, const tb_index_layout *layout)
{
    *m = (model){.layout = *layout};
    for (size_t c = 0; c < layout->n_parts; c++) m->dim += layout->part_dims[c];
    assert_true(m->dim <= MODEL_MAX_DIM);
    m->items = calloc(MODEL_MAX_ITEMS, sizeof *m->items);
    assert_non_null(m->items);
}

void model_close(model *m)
{
    free(m->items);
}

const model_item *model_find(const model *m, uint64_t label)
{
    for (size_t i = 0; i < m->n_items; i++)
        if (m->items[i].label == label) return &m->items[i];
    return NULL;
}

void model_put(model *m, const tb_index_item *item)
{
    model_remove(m, item->label);
    assert_true(m->n_items < MODEL_MAX_ITEMS);
    model_item *mine = &m->items[m->n_items++];
    mine->label = item->label;
    mine->group = item->group;
    memcpy(mine->vector, item->vector, m->dim * sizeof(float));
    for (size_t c = 0; c < m->layout.n_parts; c++)
        mine->presence[c] = item->presence ? item->presence[c] : 1.0f;
}

bool model_remove(model *m, uint64_t label)
{
    for (size_t i = 0; i < m->n_items; i++)
        if (m->items[i].label == label) {
            m->items[i] = m->items[--m->n_items];
            return true;
        }
    return false;
}

size_t model_remove_group(model *m, uint32_t group)
{
    size_t n = 0;
    for (size_t i = 0; i < m->n_items;) {
        if (m->items[i].group == group) {
            m->items[i] = m->items[--m->n_items];
            n++;
        } else {
            i++;
        }
    }
    return n;
}

static bool is_allowed(const tb_index_query *query, uint32_t group)
{
    if (query->filter && !tb_bitmap_test(query->filter, group)) return false;
    for (size_t i = 0; i < query->n_exclude; i++)
        if (query->exclude[i] == group) return false;
    return true;
}

/* The definition, part by part.  False: the item cannot be compared. */
static bool define_distance(const model *m, const tb_index_query *query, const model_item *item,
                            model_hit *hit)
{
    double sum = 0, asked = 0, used = 0, penalty = 0;
    bool lacks = false;
    size_t at = 0;
    for (size_t c = 0; c < m->layout.n_parts; at += m->layout.part_dims[c++]) {
        const double weight = query->weights ? (double)query->weights[c] : 1.0;
        if (weight == 0) continue;
        const bool in_query = (query->presence ? query->presence[c] : 1.0f) > query->min_presence;
        const bool in_item = item->presence[c] > query->min_presence;
        asked += weight;
        if (in_query && in_item) {
            double part = 0;
            for (size_t i = at; i < at + m->layout.part_dims[c]; i++) {
                const double difference = (double)query->vector[i] - (double)item->vector[i];
                part += difference * difference;
            }
            sum += weight * part;
            used += weight;
        } else if (in_query || in_item) {
            penalty += weight * (query->penalties ? (double)query->penalties[c] : 2.0);
        }
        if (in_query && !in_item) lacks = true;
    }
    if (used == 0 || (lacks && query->missing == TB_MISSING_EXCLUDE)) return false;
    hit->label = item->label;
    hit->group = item->group;
    hit->weight_used = used;
    hit->distance2 = query->missing == TB_MISSING_PENALIZE ? sum + penalty : sum * (asked / used);
    return true;
}

static int compare_hits(const void *a, const void *b)
{
    const model_hit *x = a, *y = b;
    if (x->distance2 != y->distance2) return x->distance2 < y->distance2 ? -1 : 1;
    return (x->label > y->label) - (x->label < y->label);
}

/* Of sorted hits, the first of each group. */
static size_t keep_best(model_hit *hits, size_t n)
{
    size_t n_kept = 0;
    for (size_t i = 0; i < n; i++) {
        bool seen = false;
        for (size_t j = 0; j < n_kept && !seen; j++) seen = hits[j].group == hits[i].group;
        if (!seen) hits[n_kept++] = hits[i];
    }
    return n_kept;
}

void model_search(const model *m, const tb_index_query *query, model_result *result)
{
    *result = (model_result){.hits = calloc(m->n_items + 1, sizeof *result->hits)};
    assert_non_null(result->hits);
    for (size_t i = 0; i < m->n_items; i++) {
        model_hit *hit = &result->hits[result->n_hits];
        if (!is_allowed(query, m->items[i].group)) result->dropped_filter++;
        else if (!define_distance(m, query, &m->items[i], hit)) result->dropped_missing++;
        else if (hit->distance2 > query->max_distance2) result->dropped_threshold++;
        else result->n_hits++;
    }
    qsort(result->hits, result->n_hits, sizeof *result->hits, compare_hits);
    if (query->best_per_group) result->n_hits = keep_best(result->hits, result->n_hits);
}

void random_vector(tb_rng *rng, float *vector, size_t dim, bool integers)
{
    for (size_t i = 0; i < dim; i++)
        vector[i] = integers ? (float)tb_rng_below(rng, 5) - 2.0f : (float)tb_rng_normal(rng);
}

void random_presence(tb_rng *rng, float *presence, size_t n_parts)
{
    for (size_t c = 0; c < n_parts; c++)
        presence[c] = tb_rng_below(rng, 4) == 0 ? 0.0f : 0.25f * (float)(1 + tb_rng_below(rng, 4));
}

void put_random(tb_rng *rng, tb_index *index, model *m, uint64_t label, uint32_t group, bool integers)
{
    tb_error err;
    float vector[MODEL_MAX_DIM], presence[TB_INDEX_MAX_PARTS];
    random_vector(rng, vector, m->dim, integers);
    random_presence(rng, presence, m->layout.n_parts);
    const tb_index_item item = {label, group, vector, tb_rng_below(rng, 3) ? presence : NULL};
    assert_ok(tb_index_put(index, &item, &err));
    model_put(m, &item);
}

static const model_hit *find_hit(const model_result *result, uint64_t label)
{
    for (size_t i = 0; i < result->n_hits; i++)
        if (result->hits[i].label == label) return &result->hits[i];
    return NULL;
}

static void check_parts(const tb_index *index, const model *m, const tb_index_query *query,
                        const tb_index_hit *hit)
{
    const model_item *item = model_find(m, hit->label);
    (void)index;
    assert_non_null(item);
    assert_int_equal(item->group, hit->group);
    size_t at = 0;
    for (size_t c = 0; c < m->layout.n_parts; at += m->layout.part_dims[c++]) {
        const bool in_query = (query->presence ? query->presence[c] : 1.0f) > query->min_presence;
        const bool in_item = item->presence[c] > query->min_presence;
        const bool is_asked = !query->weights || query->weights[c] > 0;
        assert_true(hit->presence[c] == item->presence[c]);
        if (!in_query || !in_item || !(is_asked || query->explain)) {
            assert_true(hit->part_distance2[c] == -1.0f);
            continue;
        }
        double part = 0;
        for (size_t i = at; i < at + m->layout.part_dims[c]; i++) {
            const double difference = (double)query->vector[i] - (double)item->vector[i];
            part += difference * difference;
        }
        assert_near(hit->part_distance2[c], part, 1e-5 * part);
    }
}

void compare_search(const tb_index *index, const model *m, const tb_index_query *query, bool integers)
{
    tb_error err;
    tb_index_result got = {0};
    model_result expected;
    assert_ok(tb_index_search(index, query, &got, &err));
    model_search(m, query, &expected);
    const size_t n = expected.n_hits < query->k ? expected.n_hits : query->k;
    assert_int_equal(got.n_items, m->n_items);
    assert_int_equal(got.dropped_filter, expected.dropped_filter);
    assert_int_equal(got.dropped_missing, expected.dropped_missing);
    assert_int_equal(got.n_hits, n);
    if (integers) assert_int_equal(got.dropped_threshold, n < query->k ? expected.dropped_threshold : 0);
    for (size_t i = 0; i < n; i++) {
        const tb_index_hit *hit = &got.hits[i];
        const double tolerance = integers ? 0 : 1e-5 * expected.hits[i].distance2;
        assert_near(hit->distance2, expected.hits[i].distance2, tolerance);
        if (integers) assert_int_equal(hit->label, expected.hits[i].label);
        const model_hit *same = find_hit(&expected, hit->label);
        /* with best_per_group another item of the group may have won by a rounding */
        if (same) assert_near(hit->weight_used, same->weight_used, 1e-12);
        if (same) assert_near(hit->distance2, same->distance2, 1e-5 * same->distance2);
        if (!query->best_per_group) assert_non_null(same);
        if (i > 0) {
            assert_true(got.hits[i - 1].distance2 <= hit->distance2);
            if (got.hits[i - 1].distance2 == hit->distance2) assert_true(got.hits[i - 1].label < hit->label);
        }
        check_parts(index, m, query, hit);
    }
    free(expected.hits);
    tb_index_result_clear(&got);
}
