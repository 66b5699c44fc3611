// SPDX-License-Identifier: MIT
/* One node comes into a graph, or has its lists repaired. */
#include "index/hnsw_insert.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

enum {
    MAX_EQUAL = 4, /* one in so many links of a list may lead to a node's equals */
    MAX_LOST = 4,  /* a list is found anew once it lost one in so many of its links */
    MIN_LINKS = 8, /* or has fewer than this left */
};

/* --- distances and choices ------------------------------------------------- */

static float pair_distance(const tb__inserter *t, tb__node a, tb__node b)
{
    const tb__metric_part *part = &t->metric.parts[0];
    const tb__hnsw_spot *spot_a = &t->graph->spots[part->part][tb__node_place(a)];
    const tb__hnsw_spot *spot_b = &t->graph->spots[part->part][tb__node_place(b)];
    const uint32_t slot_a = tb__node_slot(a), slot_b = tb__node_slot(b);
    if (!spot_a->codes)
        return t->metric.kernels->l2(spot_a->vectors + slot_a * part->vector_stride,
                                     spot_b->vectors + slot_b * part->vector_stride, part->dim);
    const int32_t product = t->metric.kernels->code_product(
        spot_a->codes + slot_a * part->stride, spot_b->codes + slot_b * part->stride, part->stride);
    const tb__code_terms x = spot_a->terms[slot_a], y = spot_b->terms[slot_b];
    return x.norm2 + y.norm2 - 2 * x.scale * y.scale * (float)product;
}

/* Less than this is no distance: the roundings of pair_distance. */
static float least_distance(const tb__inserter *t, tb__node node)
{
    const tb__hnsw_spot *spot = &t->graph->spots[t->metric.parts[0].part][tb__node_place(node)];
    return spot->codes ? 1e-6f * spot->terms[tb__node_slot(node)].norm2 : 0;
}

/* At most `most` of the n candidates of `node`, which are sorted by distance: algorithm 4.  Keeps the chosen
 * in front, and returns how many. */
static size_t choose_neighbours(const tb__inserter *t, tb__node node, tb__near *candidates, size_t n,
                                size_t most)
{
    const float least = least_distance(t, node);
    size_t n_chosen = 0, n_equal = 0;
    for (size_t i = 0; i < n && n_chosen < most; i++) {
        const tb__near candidate = candidates[i];
        bool is_chosen = true;
        if (candidate.distance2 <= least) {
            is_chosen = n_equal < most / MAX_EQUAL;
            n_equal += is_chosen;
        } else {
            for (size_t j = n_equal; j < n_chosen && is_chosen; j++)
                is_chosen = pair_distance(t, candidate.node, candidates[j].node) >= candidate.distance2;
        }
        if (is_chosen) candidates[n_chosen++] = candidate;
    }
    return n_chosen;
}

/* Of equal distances, the order is different for every node (mix): its equals are linked evenly. */
static int compare_near(const void *a, const void *b)
{
    const tb__near *x = a, *y = b;
    if (x->distance2 != y->distance2) return x->distance2 < y->distance2 ? -1 : 1;
    return (x->node > y->node) - (x->node < y->node);
}

/* --- lists ------------------------------------------------------------------ */

static pthread_mutex_t *lock_of(const tb__inserter *t, tb__node node)
{
    return &t->locks[(node * UINT32_C(0x9e3779b1)) >> 22];
}

/* Adds links to a node's list, takes out those that lead nowhere, and chooses among them if they are too
 * many.
 */
static void add_links(const tb__inserter *t, tb__node node, unsigned level, const tb__near *more,
                      size_t n_more)
{
    const size_t part = t->metric.parts[0].part, degree = tb__hnsw_degree(level);
    tb__near links[TB__HNSW_DEGREE0 + TB__HNSW_DEGREE];
    _Atomic tb__node *list = tb__hnsw_list(t->graph, part, node, level);
    pthread_mutex_lock(lock_of(t, node));
    size_t n = 0, n_old = 0;
    for (; n_old < degree; n_old++) {
        const tb__node old = atomic_load_explicit(&list[n_old], memory_order_relaxed);
        if (old == TB__NODE_NONE) break;
        if (tb__hnsw_is_there(t->graph, part, old, level)) links[n++].node = old;
    }
    bool has_changed = n < n_old;
    for (size_t i = 0; i < n_more; i++) {
        bool is_new = more[i].node != node;
        for (size_t j = 0; j < n && is_new; j++) is_new = links[j].node != more[i].node;
        if (!is_new) continue;
        links[n++].node = more[i].node;
        has_changed = true;
    }
    if (n > degree) {
        for (size_t i = 0; i < n; i++) links[i].distance2 = pair_distance(t, node, links[i].node);
        qsort(links, n, sizeof *links, compare_near);
        n = choose_neighbours(t, node, links, n, degree);
    }
    if (has_changed) {
        for (size_t i = 0; i < n; i++)
            if (atomic_load_explicit(&list[i], memory_order_relaxed) != links[i].node)
                atomic_store_explicit(&list[i], links[i].node, memory_order_release);
        for (size_t i = n; i < n_old; i++)
            atomic_store_explicit(&list[i], TB__NODE_NONE, memory_order_relaxed);
    }
    pthread_mutex_unlock(lock_of(t, node));
}

/* --- one node ---------------------------------------------------------------- */

/* The metric's target becomes the node. */
static void aim(tb__inserter *t, tb__node node)
{
    tb__metric_part *part = &t->metric.parts[0];
    const tb__hnsw_spot *spot = &t->graph->spots[part->part][tb__node_place(node)];
    const uint32_t slot = tb__node_slot(node);
    t->metric.graph = t->graph;
    part->vector = spot->vectors + slot * part->vector_stride;
    if (!spot->codes) return;
    const int8_t *codes = spot->codes + slot * part->stride;
    for (size_t i = 0; i < part->stride; i++) t->values[i] = codes[i];
    part->code.values = t->values;
    part->code.scale2 = 2 * spot->terms[slot].scale;
    part->code.norm2 = spot->terms[slot].norm2;
}

/* Its neighbours on all levels that the graph has; false without memory. */
static bool find_neighbours(tb__inserter *t, tb__node node, unsigned *top)
{
    const size_t part = t->metric.parts[0].part;
    const tb__admission alive = {.sequence = TB__NEVER - 1};
    const unsigned entry_level = tb__hnsw_level(t->graph, part, t->graph->entries[part]);
    *top = tb__hnsw_level(t->graph, part, node);
    if (*top > entry_level) *top = entry_level;
    tb__node at = tb__walk_descend(&t->metric, *top);
    for (unsigned level = *top + 1; level-- > 0;) {
        const tb__walk walk = {
            .metric = &t->metric,
            .admission = &alive,
            .level = level,
            .effort = TB__HNSW_BUILD_EFFORT,
            .most_visits = SIZE_MAX,
        };
        if (!tb__walk_run(&t->scratch, &walk, &at, 1)) return false;
        tb__near *found = t->scratch.found;
        size_t n = 0;
        for (size_t i = 0; i < t->scratch.n_found; i++)
            if (found[i].node != node) found[n++] = found[i];
        if (n > 0) at = found[0].node;
        n = choose_neighbours(t, node, found, n, TB__HNSW_DEGREE);
        memcpy(t->own[level], found, n * sizeof *found);
        t->n_own[level] = n;
    }
    return true;
}

bool tb__insert_node(tb__inserter *t, tb__node node)
{
    unsigned top;
    aim(t, node);
    if (!find_neighbours(t, node, &top)) return false;
    for (unsigned level = 0; level <= top; level++) add_links(t, node, level, t->own[level], t->n_own[level]);
    const tb__chunk *chunk = tb__hnsw_chunk(t->graph, node);
    if (tb__chunk_is_dead(chunk, tb__node_slot(node))) return true;
    for (unsigned level = 0; level <= top; level++)
        for (size_t i = 0; i < t->n_own[level]; i++)
            add_links(t, t->own[level][i].node, level, &(tb__near){.node = node}, 1);
    return true;
}

bool tb__repair_node(tb__inserter *t, tb__node node)
{
    const size_t part = t->metric.parts[0].part;
    bool is_poor = false;
    for (unsigned level = 0; level <= tb__hnsw_level(t->graph, part, node); level++) {
        const _Atomic tb__node *list = tb__hnsw_list(t->graph, part, node, level);
        size_t n = 0, n_lost = 0;
        for (; n < tb__hnsw_degree(level); n++) {
            const tb__node next = atomic_load_explicit(&list[n], memory_order_relaxed);
            if (next == TB__NODE_NONE) break;
            n_lost += !tb__hnsw_is_there(t->graph, part, next, level);
        }
        if (n_lost == 0) continue;
        add_links(t, node, level, NULL, 0);
        is_poor = is_poor || n_lost * MAX_LOST >= n || n - n_lost < MIN_LINKS;
    }
    return !is_poor || tb__insert_node(t, node);
}

tb__inserter *tb__inserter_new(size_t part, size_t dim, const tb_distance_table *kernels,
                               pthread_mutex_t *locks)
{
    const size_t stride = tb__code_stride(dim);
    tb__inserter *t = tb_alloc(1, sizeof *t);
    if (!t) return NULL;
    t->values = tb_alloc_aligned(stride, sizeof *t->values);
    if (!t->values) {
        tb_free(t);
        return NULL;
    }
    t->locks = locks;
    t->metric.kernels = kernels;
    t->metric.n_parts = 1;
    t->metric.parts[0] =
        (tb__metric_part){.part = part, .stride = stride, .dim = dim, .vector_stride = (dim + 15) / 16 * 16};
    return t;
}

void tb__inserter_free(tb__inserter *t)
{
    if (!t) return;
    tb__scratch_free(&t->scratch);
    tb_free(t->values);
    tb_free(t);
}
