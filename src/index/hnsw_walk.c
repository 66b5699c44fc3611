// SPDX-License-Identifier: MIT
/* Walks over the graphs. */
#include "index/hnsw_walk.h"

#include "base/alloc.h"

#include <math.h>

enum { BATCH = 64 }; /* nodes whose distances are computed together; at least the links of a list */

/* --- scratch --------------------------------------------------------------- */

void tb__scratch_free(tb__scratch *scratch)
{
    tb_free(scratch->visited);
    tb_free(scratch->queue);
    tb_free(scratch->found);
    tb_free(scratch->touched);
    tb__top_clear(&scratch->best);
    *scratch = (tb__scratch){0};
}

size_t tb__scratch_bytes(const tb__scratch *scratch)
{
    const tb__top *best = &scratch->best;
    return scratch->n_words * sizeof *scratch->visited +
           (scratch->queue_room + scratch->found_room) * sizeof(tb__near) +
           scratch->touched_room * sizeof *scratch->touched +
           best->k * (sizeof *best->candidates + sizeof *best->heap + sizeof *best->heap_at) +
           (best->groups ? (best->groups_mask + 1) * sizeof *best->groups : 0);
}

/* Room for n; false without memory. */
static bool make_room(void **memory, size_t *room, size_t n, size_t size)
{
    if (n <= *room) return true;
    size_t wanted = *room ? *room * 2 : 256;
    while (wanted < n) wanted *= 2;
    void *grown = tb_realloc(*memory, wanted, size);
    if (!grown) return false;
    *memory = grown;
    *room = wanted;
    return true;
}

static bool prepare(tb__scratch *scratch, const tb__walk *walk)
{
    const size_t n_words = walk->metric->graph->n_places * TB__CHUNK_WORDS;
    if (scratch->n_words < n_words) {
        uint64_t *visited = tb_alloc(n_words, sizeof *visited);
        if (!visited) return false;
        tb_free(scratch->visited);
        scratch->visited = visited;
        scratch->n_words = n_words;
        scratch->n_touched = 0;
    }
    for (size_t i = 0; i < scratch->n_touched; i++) scratch->visited[scratch->touched[i] / 64] = 0;
    scratch->n_touched = scratch->n_queue = scratch->n_found = 0;
    tb__top_clear(&scratch->best);
    if (walk->best_per_group && !tb__top_init(&scratch->best, walk->effort, true)) return false;
    return make_room((void **)&scratch->found, &scratch->found_room, walk->effort + 1, sizeof(tb__near)) &&
           make_room((void **)&scratch->queue, &scratch->queue_room, 256, sizeof(tb__near)) &&
           make_room((void **)&scratch->touched, &scratch->touched_room, 256, sizeof(tb__node));
}

/* --- heaps ----------------------------------------------------------------- */

/* Order of equal distances: by a hash of the node, so that among many equal ones no few are always preferred.
 */
static inline uint32_t mix(tb__node node)
{
    return node * UINT32_C(0x9e3779b1);
}

static inline bool is_nearer(tb__near a, tb__near b)
{
    return a.distance2 < b.distance2 || (a.distance2 == b.distance2 && mix(a.node) < mix(b.node));
}

static inline void push_queue(tb__near *heap, size_t n, tb__near what)
{
    size_t at = n;
    while (at > 0 && what.distance2 < heap[(at - 1) / 2].distance2) {
        heap[at] = heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap[at] = what;
}

/* Takes the top out; n before it. */
static inline tb__near pop_queue(tb__near *heap, size_t n)
{
    const tb__near top = heap[0], last = heap[n - 1];
    size_t at = 0;
    n--;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= n) break;
        if (child + 1 < n && heap[child + 1].distance2 < heap[child].distance2) child++;
        if (!(heap[child].distance2 < last.distance2)) break;
        heap[at] = heap[child];
        at = child;
    }
    if (n > 0) heap[at] = last;
    return top;
}

static inline void push_found(tb__near *heap, size_t n, tb__near what)
{
    size_t at = n;
    while (at > 0 && is_nearer(heap[(at - 1) / 2], what)) {
        heap[at] = heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap[at] = what;
}

/* `what` goes into the heap of n, its top out. */
static inline void replace_found(tb__near *heap, size_t n, tb__near what)
{
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= n) break;
        if (child + 1 < n && is_nearer(heap[child], heap[child + 1])) child++;
        if (!is_nearer(what, heap[child])) break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = what;
}

/* Heap sort: the nearest first. */
static void sort_found(tb__scratch *scratch)
{
    for (size_t n = scratch->n_found; n > 1; n--) {
        const tb__near last = scratch->found[n - 1];
        scratch->found[n - 1] = scratch->found[0];
        replace_found(scratch->found, n - 1, last);
    }
}

/* --- distances ------------------------------------------------------------- */

static void part_distances(const tb__metric *metric, const tb__metric_part *part, const tb__node *nodes,
                           size_t n, float *out)
{
    const tb__hnsw_spot *spots = metric->graph->spots[part->part];
    if (!part->code.values) {
        for (size_t i = 0; i < n; i++) {
            const float *vectors = spots[tb__node_place(nodes[i])].vectors;
            out[i] = metric->kernels->l2(part->vector,
                                         vectors + tb__node_slot(nodes[i]) * part->vector_stride, part->dim);
        }
        return;
    }
    const int8_t *codes[BATCH] = {0};
    int32_t products[BATCH];
    for (size_t i = 0; i < n; i++)
        codes[i] = spots[tb__node_place(nodes[i])].codes + tb__node_slot(nodes[i]) * part->stride;
    metric->kernels->code_products(part->code.values, codes, part->stride, n, products);
    for (size_t i = 0; i < n; i++) {
        const tb__hnsw_spot *spot = &spots[tb__node_place(nodes[i])];
        const uint32_t slot = tb__node_slot(nodes[i]);
        const tb__code_terms terms = spot->terms[slot];
        out[i] = terms.norm2 + part->code.norm2 - terms.scale * part->code.scale2 * (float)products[i];
    }
}

/* Estimated distances of n <= BATCH nodes whose chunks are there. */
static void estimate_distances(const tb__metric *metric, const tb__node *nodes, size_t n, float *out)
{
    if (!metric->plan) {
        part_distances(metric, &metric->parts[0], nodes, n, out);
        return;
    }
    float parts[TB_INDEX_MAX_PARTS * BATCH];
    for (size_t p = 0; p < metric->n_parts; p++)
        part_distances(metric, &metric->parts[p], nodes, n, parts + metric->parts[p].at * BATCH);
    const double scale =
        1 / metric->plan->asked_weight; /* weights may be larger than f32 bears in a product */
    for (size_t i = 0; i < n; i++) {
        const uint32_t item_has =
            tb__plan_present(metric->plan, tb__hnsw_chunk(metric->graph, nodes[i]), tb__node_slot(nodes[i]));
        double used;
        /* what shares no part with the target is only a way on, and a poor one */
        out[i] = INFINITY;
        if (tb__plan_compares(metric->plan, item_has))
            out[i] = (float)(tb__plan_distance(metric->plan, item_has, parts + i, BATCH, &used) * scale);
    }
}

/* --- walking --------------------------------------------------------------- */

/* The chunk is full.  Nothing of the slot is read where the chunk tells enough: that saves most misses. */
static inline bool is_alive(const tb__chunk *chunk, uint32_t slot, uint64_t sequence)
{
    const _Atomic uint64_t *births = chunk->births;
    if (atomic_load_explicit(&chunk->n_dead, memory_order_relaxed) > 0 &&
        atomic_load_explicit(&chunk->deaths[slot], memory_order_relaxed) <= sequence) {
        return false;
    }
    return atomic_load_explicit(&births[TB__CHUNK_SLOTS - 1], memory_order_relaxed) <= sequence ||
           atomic_load_explicit(&births[slot], memory_order_relaxed) <= sequence;
}

bool tb__admits(const tb__admission *admission, const tb__hnsw *graph, const tb__metric *metric,
                tb__node node)
{
    const tb__hnsw_place *place = &graph->places[tb__node_place(node)];
    const tb__chunk *chunk = place->chunk;
    const tb__plan *plan = admission->plan;
    const uint32_t slot = tb__node_slot(node);
    if (admission->covered && !place->is_covered) return false;
    if (!is_alive(chunk, slot, admission->sequence)) return false;
    if (!plan) return chunk->presence[metric->parts[0].part][slot] > 0;
    if ((plan->query->filter || plan->n_exclude > 0) && !tb__plan_allows(plan, chunk->groups[slot]))
        return false;
    return tb__plan_compares(plan, tb__plan_present(plan, chunk, slot));
}

/* Marks the node; false if it was marked. */
static inline bool visit(tb__scratch *scratch, tb__node node)
{
    uint64_t *word = &scratch->visited[node / 64];
    const uint64_t bit = UINT64_C(1) << (node % 64);
    if (*word & bit) return false;
    *word |= bit;
    scratch->touched[scratch->n_touched++] = node;
    return true;
}

static inline void prefetch_codes(const tb__metric_part *part, const tb__hnsw *graph, tb__node node)
{
    const tb__hnsw_spot *spot = &graph->spots[part->part][tb__node_place(node)];
    const uint32_t slot = tb__node_slot(node);
    if (part->code.values) {
        const int8_t *codes = spot->codes + slot * part->stride;
        for (size_t i = 0; i < part->stride; i += 64) __builtin_prefetch(codes + i);
        __builtin_prefetch(spot->terms + slot);
    } else {
        __builtin_prefetch(spot->vectors + slot * part->vector_stride);
    }
}

static inline void prefetch_list(const tb__walk *walk, tb__node node)
{
    const _Atomic tb__node *list =
        tb__hnsw_list(walk->metric->graph, walk->metric->parts[0].part, node, walk->level);
    for (size_t i = 0; i < tb__hnsw_degree(walk->level); i += 16)
        __builtin_prefetch((const void *)(list + i));
}

/* The node's neighbours that were not seen before, in all parts of the metric. */
static size_t gather(tb__scratch *scratch, const tb__walk *walk, size_t p, tb__node node, tb__node *out)
{
    const tb__metric *metric = walk->metric;
    const size_t part = metric->parts[p].part;
    const _Atomic tb__node *list = tb__hnsw_list(metric->graph, part, node, walk->level);
    const size_t degree = tb__hnsw_degree(walk->level);
    size_t n = 0;
    for (size_t i = 0; i < degree; i++) {
        const tb__node next = atomic_load_explicit(&list[i], memory_order_acquire);
        if (next == TB__NODE_NONE) break;
        if (!tb__hnsw_is_there(metric->graph, part, next, walk->level)) continue;
        if (!visit(scratch, next)) continue;
        for (size_t q = 0; q < metric->n_parts; q++) prefetch_codes(&metric->parts[q], metric->graph, next);
        out[n++] = next;
    }
    return n;
}

static inline float farthest_found(const tb__scratch *scratch, const tb__walk *walk)
{
    if (walk->best_per_group) return (float)tb__top_bound(&scratch->best);
    return scratch->n_found < walk->effort ? INFINITY : scratch->found[0].distance2;
}

static void find(tb__scratch *scratch, const tb__walk *walk, tb__near near)
{
    if (walk->best_per_group) {
        const tb__chunk *chunk = tb__hnsw_chunk(walk->metric->graph, near.node);
        tb__top_offer(&scratch->best, &(tb__candidate){
                                          .distance2 = (double)near.distance2,
                                          .label = near.node,
                                          .group = chunk->groups[tb__node_slot(near.node)],
                                      });
    } else if (scratch->n_found < walk->effort) {
        push_found(scratch->found, scratch->n_found++, near);
    } else {
        replace_found(scratch->found, scratch->n_found, near);
    }
}

/* New nodes: to go on from, and found if they are admitted. */
static bool take_in(tb__scratch *scratch, const tb__walk *walk, const tb__node *nodes, size_t n)
{
    float distances[BATCH];
    if (n == 0) return true;
    if (!make_room((void **)&scratch->queue, &scratch->queue_room, scratch->n_queue + n, sizeof(tb__near)))
        return false;
    estimate_distances(walk->metric, nodes, n, distances);
    float farthest = farthest_found(scratch, walk);
    for (size_t i = 0; i < n; i++) {
        if (!(distances[i] < farthest) && farthest < INFINITY) continue;
        const tb__near near = {distances[i], nodes[i]};
        push_queue(scratch->queue, scratch->n_queue++, near);
        prefetch_list(walk, nodes[i]);
        if (!tb__admits(walk->admission, walk->metric->graph, walk->metric, nodes[i])) continue;
        find(scratch, walk, near);
        farthest = farthest_found(scratch, walk);
    }
    return true;
}

/* What was found one per group, as the other walks have it. */
static void take_best(tb__scratch *scratch)
{
    tb__top_sort(&scratch->best);
    for (size_t i = 0; i < scratch->best.n; i++) {
        const tb__candidate *candidate = &scratch->best.candidates[i];
        scratch->found[i] = (tb__near){(float)candidate->distance2, (tb__node)candidate->label};
    }
    scratch->n_found = scratch->best.n;
}

static bool room_for_visits(tb__scratch *scratch)
{
    return make_room((void **)&scratch->touched, &scratch->touched_room, scratch->n_touched + BATCH,
                     sizeof(tb__node));
}

bool tb__walk_run(tb__scratch *scratch, const tb__walk *walk, const tb__node *entries, size_t n_entries)
{
    const tb__metric *metric = walk->metric;
    tb__node nodes[BATCH];
    if (!prepare(scratch, walk)) return false;
    size_t n = 0;
    for (size_t i = 0; i < n_entries && n < BATCH; i++)
        if (visit(scratch, entries[i])) nodes[n++] = entries[i];
    if (!take_in(scratch, walk, nodes, n)) return false;
    bool is_whole = true;
    while (is_whole && scratch->n_queue > 0) {
        const tb__near next = pop_queue(scratch->queue, scratch->n_queue--);
        if (next.distance2 > farthest_found(scratch, walk)) break;
        for (size_t p = 0; p < metric->n_parts && is_whole; p++) {
            if (!room_for_visits(scratch)) return false;
            n = gather(scratch, walk, p, next.node, nodes);
            if (!take_in(scratch, walk, nodes, n)) return false;
        }
        is_whole = scratch->n_touched <= walk->most_visits;
    }
    if (walk->best_per_group) take_best(scratch);
    else sort_found(scratch);
    return is_whole;
}

tb__node tb__walk_descend(const tb__metric *metric, unsigned level)
{
    const tb__hnsw *graph = metric->graph;
    const size_t part = metric->parts[0].part;
    tb__node at = graph->entries[part], nodes[TB__HNSW_DEGREE];
    float nearest, distances[TB__HNSW_DEGREE];
    if (at == TB__NODE_NONE) return at;
    estimate_distances(metric, &at, 1, &nearest);
    for (unsigned l = tb__hnsw_level(graph, part, at); l > level; l--) {
        for (bool has_moved = true; has_moved;) {
            const _Atomic tb__node *list = tb__hnsw_list(graph, part, at, l);
            size_t n = 0;
            for (size_t i = 0; i < TB__HNSW_DEGREE; i++) {
                const tb__node next = atomic_load_explicit(&list[i], memory_order_acquire);
                if (next == TB__NODE_NONE) break;
                if (!tb__hnsw_is_there(graph, part, next, l)) continue;
                prefetch_codes(&metric->parts[0], graph, next);
                nodes[n++] = next;
            }
            estimate_distances(metric, nodes, n, distances);
            has_moved = false;
            for (size_t i = 0; i < n; i++) {
                if (!(distances[i] < nearest)) continue;
                nearest = distances[i];
                at = nodes[i];
                has_moved = true;
            }
        }
    }
    return at;
}
