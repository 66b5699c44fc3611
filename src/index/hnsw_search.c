// SPDX-License-Identifier: MIT
/* Searches of the graphs.
 *
 * One part: down the levels of its graph, then one walk of level 0.  Several parts: down the levels of each
 * graph for its own part, and from all these places one walk of level 0 that follows the links of all the
 * graphs and goes by the weighted distance.  What the walk finds is compared exactly.
 *
 * Costs, in ns.  A scan: slots * sum over parts of scan_ns, or with a filter of selectivity s
 * slots * (filter_ns + min(1, SCATTERED * s) * sum of scan_ns), shared by the threads.  A walk: it has to see
 * 1/s as many nodes until it has found enough, each with as many neighbours as there are graphs and as many
 * distances as parts.  s is that of a sample. */
#include "index/hnsw_search.h"

#include "base/alloc.h"
#include "base/clock.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    LEAST_EFFORT = 64,
    EFFORT_PER_HIT = 2,
    N_SAMPLES = 256,
    N_PROBES = 32,       /* walks that are timed, for each part */
    N_PROBE_CHUNKS = 64, /* chunks that are scanned for it */
    MIXED_EFFORT = 31,   /* so many times more effort where items have different parts ... */
    SCATTERED = 2,       /* slots that a filter leaves here and there cost so many times more each */
};

/* ... and at least this share of them others than most have: their distances are made of different terms, and
 * no graph leads from the near ones of one kind to those of another. */
#define MUCH_MIXED 0.2

/* --- costs ------------------------------------------------------------------- */

static bool may_be_approximate(const tb_index *index, const tb_index_query *query)
{
    if (query->approximate == TB_APPROXIMATE_AUTO) return tb_index_count(index) >= query->approximate_from;
    return query->approximate == TB_APPROXIMATE_ALLOW;
}

static tb__node sample_node(const tb__hnsw *graph, size_t i)
{
    const uint64_t n_nodes = (uint64_t)graph->n_places * TB__CHUNK_SLOTS;
    return (tb__node)((i * UINT64_C(0x9e3779b97f4a7c15) >> 32) * n_nodes >> 32);
}

/* What a sample of the graph's items says about a query. */
typedef struct sample {
    double selectivity; /* share of those that may answer, > 0 */
    double mixed;       /* of these, the share of those that lack other parts than most do */
} sample;

/* The parts whose presence in an item matters for its distance: bits as of tb__plan_present. */
static uint32_t parts_that_matter(const tb__plan *plan)
{
    uint32_t parts = 0;
    if (plan->query->missing == TB_MISSING_EXCLUDE || plan->n_parts == 1) return 0;
    for (size_t i = 0; i < plan->n_parts; i++)
        if (plan->parts[i].in_query || plan->query->missing == TB_MISSING_PENALIZE) parts |= UINT32_C(1) << i;
    return parts;
}

static int compare_parts(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Share of the values that differ from the most common one. */
static double share_of_others(uint32_t *values, size_t n)
{
    size_t most = 0, run = 0;
    qsort(values, n, sizeof *values, compare_parts);
    for (size_t i = 0; i < n; i++) {
        run = i > 0 && values[i] == values[i - 1] ? run + 1 : 1;
        if (run > most) most = run;
    }
    return n > 0 ? 1 - (double)most / (double)n : 0;
}

static sample take_sample(const tb__hnsw *graph, const tb__plan *plan, uint64_t sequence)
{
    const tb__admission admission = {.sequence = sequence, .covered = true, .plan = plan};
    const uint32_t parts = parts_that_matter(plan);
    uint32_t present[N_SAMPLES];
    size_t n_seen = 0, n_admitted = 0;
    if (!plan->query->filter && !(plan->query->min_presence > 0) && plan->n_parts == 1) return (sample){1, 0};
    for (size_t i = 0; i < N_SAMPLES; i++) {
        const tb__node node = sample_node(graph, i);
        if (!graph->places[tb__node_place(node)].is_covered) continue;
        n_seen++;
        if (!tb__admits(&admission, graph, NULL, node)) continue;
        present[n_admitted++] =
            tb__plan_present(plan, tb__hnsw_chunk(graph, node), tb__node_slot(node)) & parts;
    }
    if (n_seen == 0) return (sample){1, 0};
    return (sample){
        .selectivity = (n_admitted > 0 ? (double)n_admitted : 0.5) / (double)n_seen,
        .mixed = share_of_others(present, n_admitted),
    };
}

/* How many candidates are enough. */
static size_t choose_effort(const tb_index_query *query, double mixed)
{
    size_t effort = query->effort;
    if (effort == 0) {
        effort = LEAST_EFFORT > EFFORT_PER_HIT * query->k ? LEAST_EFFORT : EFFORT_PER_HIT * query->k;
        effort = (size_t)((double)effort * (1 + MIXED_EFFORT * fmin(1, mixed / MUCH_MIXED)));
    }
    return effort < query->k ? query->k : effort;
}

bool tb__hnsw_pays(const tb_index *index, const tb__hnsw *graph, const tb__plan *plan, const tb__view *view,
                   size_t n_threads, tb__hnsw_budget *budget)
{
    const tb_index_query *query = plan->query;
    if (!tb__hnsw_is_usable(graph) || !may_be_approximate(index, query)) return false;
    double scan_ns = 0, filter_ns = 0, visit_ns = 0, n_visits = 0;
    size_t n_in_query = 0;
    for (size_t i = 0; i < plan->n_parts; i++) {
        const tb__costs *costs = &index->costs[plan->parts[i].part];
        if (!plan->parts[i].in_query) continue;
        if (graph->entries[plan->parts[i].part] == TB__NODE_NONE) return false;
        n_in_query++;
        scan_ns += (double)atomic_load_explicit(&costs->scan_ns, memory_order_relaxed);
        filter_ns = (double)atomic_load_explicit(&costs->filter_ns, memory_order_relaxed);
        visit_ns += (double)atomic_load_explicit(&costs->visit_ns, memory_order_relaxed);
        n_visits += (double)atomic_load_explicit(&costs->n_visits, memory_order_relaxed);
    }
    if (n_in_query == 0) return false;
    const sample seen = take_sample(graph, plan, view->sequence);
    const size_t effort = choose_effort(query, seen.mixed);
    const double n_slots = (double)(graph->n_covered * TB__CHUNK_SLOTS);
    double scan_cost = n_slots * scan_ns;
    if (query->filter) scan_cost = n_slots * (filter_ns + fmin(1, SCATTERED * seen.selectivity) * scan_ns);
    scan_cost /= (double)n_threads;
    const double walk_cost = n_visits * (double)effort / seen.selectivity * visit_ns;
    *budget = (tb__hnsw_budget){.effort = effort, .most_visits = (size_t)fmin(scan_cost / visit_ns, 1e15)};
    return walk_cost < scan_cost;
}

/* --- searching ----------------------------------------------------------------- */

static tb__metric metric_of(const tb__hnsw *graph, const tb__scan *scan)
{
    const tb__plan *plan = scan->plan;
    tb__metric metric = {.graph = graph, .kernels = scan->kernels, .plan = plan->n_parts > 1 ? plan : NULL};
    for (size_t i = 0; i < plan->n_parts; i++) {
        const tb__plan_part *part = &plan->parts[i];
        if (!part->in_query) continue;
        metric.parts[metric.n_parts++] = (tb__metric_part){
            .part = part->part,
            .at = i,
            .stride = tb__code_stride(part->dim),
            .code = part->code,
            .vector = part->vector,
            .dim = part->dim,
            .vector_stride = (part->dim + 15) / 16 * 16,
        };
    }
    return metric;
}

/* Where each part's graph is nearest to the query; returns how many. */
static size_t find_entries(const tb__metric *metric, tb__node entries[TB_INDEX_MAX_PARTS])
{
    for (size_t p = 0; p < metric->n_parts; p++) {
        tb__metric alone = *metric;
        alone.plan = NULL;
        alone.n_parts = 1;
        alone.parts[0] = metric->parts[p];
        entries[p] = tb__walk_descend(&alone, 0);
    }
    return metric->n_parts;
}

/* What comparing and taking an item reads. */
static void prefetch_item(const tb__metric *metric, tb__node node)
{
    const tb__chunk *chunk = tb__hnsw_chunk(metric->graph, node);
    __builtin_prefetch(chunk->labels + tb__node_slot(node));
    __builtin_prefetch(chunk->groups + tb__node_slot(node));
    for (size_t p = 0; p < metric->n_parts; p++) {
        const tb__metric_part *part = &metric->parts[p];
        const tb__hnsw_spot *spot = &metric->graph->spots[part->part][tb__node_place(node)];
        const float *vector = spot->vectors + tb__node_slot(node) * part->vector_stride;
        for (size_t i = 0; i < part->dim; i += 16) __builtin_prefetch(vector + i);
    }
}

/* Whether a node of a part with codes is farther than the bound, which is a squared distance, for certain but
 * for roundings. */
static bool is_too_far(const tb__metric *metric, tb__near near, double bound)
{
    const tb__metric_part *part = &metric->parts[0];
    const float *errors = metric->graph->spots[part->part][tb__node_place(near.node)].errors;
    const double error = (double)errors[tb__node_slot(near.node)] + (double)part->code.error;
    return sqrt(fmax((double)near.distance2, 0)) - error > sqrt(bound) * (1 + 1e-6);
}

bool tb__hnsw_search(const tb__hnsw *graph, const tb__hnsw_budget *budget, tb__scratch *scratch,
                     tb__scan *scan)
{
    enum { AHEAD = 8 };
    const double weight = scan->plan->asked_weight;
    const tb_index_query *query = scan->plan->query;
    const tb__metric metric = metric_of(graph, scan);
    const tb__admission admission = {.sequence = scan->sequence, .covered = true, .plan = scan->plan};
    tb__node entries[TB_INDEX_MAX_PARTS];
    const size_t n_entries = find_entries(&metric, entries);
    const tb__walk walk = {
        .metric = &metric,
        .admission = &admission,
        .effort = budget->effort,
        .most_visits = budget->most_visits,
        .best_per_group = query->best_per_group,
    };
    if (!tb__walk_run(scratch, &walk, entries, n_entries) || scratch->n_found < query->k) return false;
    /* of several parts, one estimate says little about the bounds */
    const bool has_bounds = !metric.plan && metric.parts[0].code.values;
    for (size_t i = 0; i < AHEAD && i < query->k; i++) prefetch_item(&metric, scratch->found[i].node);
    for (size_t i = 0; i < scratch->n_found; i++) {
        if (i + AHEAD < query->k) prefetch_item(&metric, scratch->found[i + AHEAD].node);
        const tb__node node = scratch->found[i].node;
        if (has_bounds && i >= query->k &&
            is_too_far(&metric, scratch->found[i], tb__top_bound(&scan->top) / weight))
            continue;
        tb__scan_offer(scan, tb__hnsw_chunk(graph, node), tb__node_slot(node));
    }
    return true;
}

/* --- measuring ------------------------------------------------------------------- */

typedef struct probe {
    tb_index *index;
    const tb__hnsw *graph;
    tb__view view;
    size_t part;
    float *vector; /* dim of the index, zeros but for the part */
    float weights[TB_INDEX_MAX_PARTS];
    tb__scratch scratch;
} probe;

/* A plan for the vector of a sampled item; false if there is none there, or no memory. */
static bool aim(probe *p, size_t i, tb_index_query *query, tb__plan *plan)
{
    const tb__node node = sample_node(p->graph, i);
    const tb__chunk *chunk = tb__hnsw_chunk(p->graph, node);
    if (!chunk || !(chunk->presence[p->part][tb__node_slot(node)] > 0)) return false;
    memcpy(p->vector + p->index->part_offsets[p->part], tb__chunk_vector(chunk, p->part, tb__node_slot(node)),
           p->index->layout.part_dims[p->part] * sizeof *p->vector);
    tb_index_query_init(query);
    query->vector = p->vector;
    query->weights = p->weights;
    if (tb__plan_init(plan, p->index, query, NULL) != TB_OK) return false;
    if (tb__plan_encode(plan, NULL) == TB_OK) return true;
    tb__plan_clear(plan);
    return false;
}

static void measure_walks(probe *p)
{
    const tb_clock *clock = tb_clock_system();
    const tb__hnsw_budget budget = {.effort = LEAST_EFFORT, .most_visits = SIZE_MAX};
    double ns = 0, n_visits = 0, n = 0;
    for (size_t i = 0; i < N_PROBES; i++) {
        tb_index_query query;
        tb__plan plan = {0};
        tb__scan scan = {0};
        if (!aim(p, i, &query, &plan)) continue;
        if (tb__scan_init(&scan, &plan, p->index->kernels, p->view.sequence, query.k)) {
            const int64_t begin = clock->mono_ns(clock);
            if (tb__hnsw_search(p->graph, &budget, &p->scratch, &scan)) {
                ns += (double)(clock->mono_ns(clock) - begin);
                n_visits += (double)p->scratch.n_touched;
                n++;
            }
        }
        tb__scan_clear(&scan);
        tb__plan_clear(&plan);
    }
    if (n == 0) return;
    atomic_store(&p->index->costs[p->part].visit_ns, (float)(ns / n_visits));
    atomic_store(&p->index->costs[p->part].n_visits, (float)(n_visits / n / LEAST_EFFORT));
}

/* ns for each slot, of a scan of some chunks after a first that sets the bound. */
static double time_scan(probe *p, tb__scan *scan)
{
    const tb_clock *clock = tb_clock_system();
    int64_t begin = 0;
    size_t n = 0;
    for (size_t place = 0; place < p->graph->n_places && n <= N_PROBE_CHUNKS; place++) {
        if (!p->graph->places[place].is_covered) continue;
        tb__scan_chunk(scan, p->graph->places[place].chunk);
        if (n++ == 0) begin = clock->mono_ns(clock);
    }
    return n > 1 ? (double)(clock->mono_ns(clock) - begin) / (double)((n - 1) * TB__CHUNK_SLOTS) : 0;
}

static void measure_scan(probe *p)
{
    double ns[2] = {0};
    for (size_t filtered = 0; filtered < 2; filtered++) {
        const uint32_t nobody = UINT32_MAX;
        tb_index_query query;
        tb__plan plan = {0};
        tb__scan scan = {0};
        size_t i = 0;
        while (i < N_PROBES && !aim(p, i, &query, &plan)) i++;
        if (i == N_PROBES) return;
        tb__plan_clear(&plan);
        query.exclude = &nobody;
        query.n_exclude = filtered;
        if (tb__plan_init(&plan, p->index, &query, NULL) == TB_OK && tb__plan_encode(&plan, NULL) == TB_OK &&
            tb__scan_init(&scan, &plan, p->index->kernels, p->view.sequence, query.k)) {
            ns[filtered] = time_scan(p, &scan);
        }
        tb__scan_clear(&scan);
        tb__plan_clear(&plan);
    }
    if (!(ns[0] > 0) || !(ns[1] > 0)) return;
    atomic_store(&p->index->costs[p->part].scan_ns, (float)ns[0]);
    atomic_store(&p->index->costs[p->part].filter_ns, (float)fmax(ns[1] - ns[0], 0.1));
}

void tb__hnsw_measure(tb_index *index)
{
    for (size_t part = 0; part < index->layout.n_parts; part++) {
        probe p = {.index = index, .part = part, .vector = tb_alloc(index->dim, sizeof *p.vector)};
        if (!p.vector) return;
        p.weights[part] = 1;
        p.view = tb__index_enter(index);
        p.graph = atomic_load(&index->graph);
        if (tb__hnsw_is_usable(p.graph) && p.graph->entries[part] != TB__NODE_NONE) {
            measure_walks(&p);
            measure_scan(&p);
        }
        tb__index_leave(index, &p.view);
        tb__scratch_free(&p.scratch);
        tb_free(p.vector);
    }
}
