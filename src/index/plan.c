// SPDX-License-Identifier: MIT
/* Checks of a query, and its plan. */
#include "index/plan.h"

#include "base/alloc.h"
#include "index/index_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void tb_index_query_init(tb_index_query *query)
{
    *query = (tb_index_query){.missing = TB_MISSING_SKIP, .max_distance2 = INFINITY, .k = 10};
}

static tb_status check_numbers(const float *values, size_t n, const char *what, tb_error *err)
{
    for (size_t c = 0; values && c < n; c++)
        if (!(values[c] >= 0.0f && isfinite(values[c])))
            return tb_error_set(err, TB_INVALID, "the %s of part %zu is %g; it must be a number of 0 or more",
                                what, c, (double)values[c]);
    return TB_OK;
}

static tb_status check_query(const tb_index *index, const tb_index_query *query, tb_error *err)
{
    const size_t n_parts = index->layout.n_parts;
    if (query->k < 1 || query->k > TB_INDEX_MAX_HITS)
        return tb_error_set(err, TB_INVALID, "a search finds 1 to %d items, not %zu", TB_INDEX_MAX_HITS,
                            query->k);
    if (!(query->max_distance2 >= 0))
        return tb_error_set(err, TB_INVALID, "the largest distance is %g; it must be 0 or more",
                            query->max_distance2);
    if (!(query->min_presence >= 0.0f && query->min_presence <= 1.0f))
        return tb_error_set(err, TB_INVALID, "the least presence is %g; it must be 0 to 1",
                            (double)query->min_presence);
    if (query->effort > TB_INDEX_MAX_EFFORT)
        return tb_error_set(err, TB_INVALID, "the effort of a search is at most %d, not %zu",
                            TB_INDEX_MAX_EFFORT, query->effort);
    tb_status status = check_numbers(query->weights, n_parts, "weight", err);
    if (status == TB_OK) status = check_numbers(query->penalties, n_parts, "penalty", err);
    if (status == TB_OK) status = tb__check_presence(query->presence, n_parts, "the query", err);
    return status;
}

static int compare_groups(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static tb_status copy_exclude(tb__plan *plan, const tb_index_query *query, tb_error *err)
{
    if (query->n_exclude == 0) return TB_OK;
    plan->exclude = tb_alloc(query->n_exclude, sizeof *plan->exclude);
    if (!plan->exclude)
        return tb_error_set(err, TB_NO_MEMORY, "no memory for a search that excludes %zu groups",
                            query->n_exclude);
    memcpy(plan->exclude, query->exclude, query->n_exclude * sizeof *plan->exclude);
    qsort(plan->exclude, query->n_exclude, sizeof *plan->exclude, compare_groups);
    plan->n_exclude = query->n_exclude;
    return TB_OK;
}

static void order_parts(tb__plan *plan)
{
    for (size_t i = 0; i < plan->n_parts; i++) {
        size_t at = i;
        for (; at > 0 && plan->parts[plan->order[at - 1]].weight < plan->parts[i].weight; at--)
            plan->order[at] = plan->order[at - 1];
        plan->order[at] = i;
    }
}

tb_status tb__plan_init(tb__plan *plan, const tb_index *index, const tb_index_query *query, tb_error *err)
{
    tb_status status = TB_OK;
    *plan = (tb__plan){.query = query};
    TB_TRY(check_query(index, query, err));
    for (size_t c = 0; c < index->layout.n_parts; c++) {
        const float *vector = query->vector + index->part_offsets[c];
        plan->query_has[c] = (query->presence ? query->presence[c] : 1.0f) > query->min_presence;
        if (plan->query_has[c]) {
            status = tb__check_vector(vector, index->layout.part_dims[c], "the query", err);
            if (status != TB_OK && c > 0) tb_error_prefix(err, "part %zu", c);
            if (status != TB_OK) goto out;
        }
        const double weight = query->weights ? (double)query->weights[c] : 1.0;
        if (!(weight > 0)) continue;
        plan->parts[plan->n_parts++] = (tb__plan_part){
            .part = c,
            .dim = index->layout.part_dims[c],
            .weight = weight,
            .penalty = weight * (query->penalties ? (double)query->penalties[c] : 2.0),
            .in_query = plan->query_has[c],
            .vector = vector,
        };
        plan->asked_weight += weight;
    }
    if (plan->n_parts == 0)
        TB_FAIL(err, TB_INVALID, "all weights are 0; at least one part must have a weight");
    order_parts(plan);
    TB_TRY(copy_exclude(plan, query, err));
out:
    if (status != TB_OK) tb__plan_clear(plan);
    return status;
}

/* Values of one part's code, up to whole 64-byte lines. */
static size_t code_room(size_t dim)
{
    return (tb__code_stride(dim) + 31) / 32 * 32;
}

tb_status tb__plan_encode(tb__plan *plan, tb_error *err)
{
    size_t n_values = 0;
    for (size_t i = 0; i < plan->n_parts; i++) n_values += code_room(plan->parts[i].dim);
    plan->code_values = tb_alloc_aligned(n_values, sizeof *plan->code_values);
    if (!plan->code_values) return tb_error_set(err, TB_NO_MEMORY, "no memory for a search");
    int16_t *values = plan->code_values;
    for (size_t i = 0; i < plan->n_parts; i++) {
        tb__plan_part *part = &plan->parts[i];
        if (!part->in_query || part->dim < TB__CODE_MIN_DIM) continue;
        part->code.values = values;
        tb__code_encode_query(&part->code, part->vector, part->dim);
        values += code_room(part->dim);
    }
    return TB_OK;
}

void tb__plan_clear(tb__plan *plan)
{
    tb_free(plan->code_values);
    tb_free(plan->exclude);
    *plan = (tb__plan){0};
}

bool tb__plan_allows(const tb__plan *plan, uint32_t group)
{
    if (plan->query->filter && !tb_bitmap_test(plan->query->filter, group)) return false;
    if (plan->n_exclude == 0) return true;
    size_t low = 0, high = plan->n_exclude;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (plan->exclude[middle] == group) return false;
        if (plan->exclude[middle] < group) low = middle + 1;
        else high = middle;
    }
    return true;
}

uint32_t tb__plan_present(const tb__plan *plan, const tb__chunk *chunk, uint32_t slot)
{
    uint32_t item_has = 0;
    for (size_t i = 0; i < plan->n_parts; i++) {
        const size_t part = plan->parts[i].part;
        const float least = plan->query->min_presence;
        const bool has = atomic_load_explicit(&chunk->lowest_presence[part], memory_order_relaxed) > least ||
                         chunk->presence[part][slot] > least;
        item_has |= (uint32_t)has << i;
    }
    return item_has;
}

bool tb__plan_compares(const tb__plan *plan, uint32_t item_has)
{
    uint32_t asked = 0;
    for (size_t i = 0; i < plan->n_parts; i++) asked |= (uint32_t)plan->parts[i].in_query << i;
    if (plan->query->missing == TB_MISSING_EXCLUDE) return asked != 0 && (item_has & asked) == asked;
    return (item_has & asked) != 0;
}

double tb__plan_distance(const tb__plan *plan, uint32_t item_has, const float *part_distance2, size_t stride,
                         double *weight_used)
{
    double sum = 0, used = 0, penalty = 0;
    for (size_t i = 0; i < plan->n_parts; i++) {
        const tb__plan_part *part = &plan->parts[i];
        const bool in_item = item_has >> i & 1u;
        if (part->in_query && in_item) {
            sum += part->weight * (double)part_distance2[i * stride];
            used += part->weight;
        } else if (part->in_query != in_item) {
            penalty += part->penalty;
        }
    }
    *weight_used = used;
    if (plan->query->missing == TB_MISSING_PENALIZE) return sum + penalty;
    return sum * (plan->asked_weight / used);
}
