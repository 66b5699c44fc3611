// SPDX-License-Identifier: MIT
/* The searching half of the index: plan, scan on one or several threads, hits.  Where the graphs may answer
 * and are estimated to cost less, they do, with a scan of what they do not cover (hnsw_search.h).
 *
 * Threads share the chunks by a counter: whoever is free takes the next.  The caller's thread works too, so
 * that a search ends even if no helper ever comes; a helper that comes late finds the job closed and goes.
 * The job is counted by its users, since such a helper may still hold it when the search has returned. */
#include "base/alloc.h"
#include "index/hnsw_search.h"
#include "index/index_internal.h"
#include "index/plan.h"
#include "index/scan.h"

/* Codes pay where few of the items can be among the k best. */
#define ITEMS_PER_HIT 16

/* A helper is woken for this many floats to read: some tenths of a millisecond of work. */
#define FLOATS_PER_THREAD ((size_t)2 << 20)

typedef struct search_job {
    /* Set before anyone helps; lives at least until the job is closed and nobody helps. */
    const tb_index *index;
    const tb__plan *plan;
    tb__view view;
    const tb__hnsw *graph; /* the chunks that it covers are left out; NULL: none */
    size_t k;              /* room for hits that a scan needs */
    atomic_size_t next_chunk;
    atomic_bool cancelled;

    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t idle;  /* n_helping fell to 0 */
    bool closed;          /* the caller takes no more help */
    size_t n_helping;     /* helpers that scan */
    size_t n_users;       /* who holds the job: the caller, and helpers queued or at work */
    size_t n_scans;
    tb__scan scans[TB_INDEX_MAX_THREADS]; /* of helpers that came, whether done or not */
} search_job;

/* False: cancelled. */
static bool scan_chunk(const tb__view *view, const tb__hnsw *graph, size_t i, tb__scan *scan)
{
    const atomic_bool *cancel = scan->plan->query->cancel;
    const tb__chunk *chunk = view->root->chunks[i];
    if (cancel && atomic_load_explicit(cancel, memory_order_relaxed)) return false;
    if (!graph || !tb__hnsw_covers(graph, chunk)) tb__scan_chunk(scan, chunk);
    return true;
}

static void scan_chunks(search_job *job, tb__scan *scan)
{
    for (;;) {
        const size_t i = atomic_fetch_add_explicit(&job->next_chunk, 1, memory_order_relaxed);
        if (i >= job->view.root->n_chunks) return;
        if (scan_chunk(&job->view, job->graph, i, scan)) continue;
        atomic_store(&job->cancelled, true);
        return;
    }
}

/* Lock held; gives it back. */
static void leave_job(search_job *job)
{
    const bool is_last = --job->n_users == 0;
    pthread_mutex_unlock(&job->lock);
    if (!is_last) return;
    pthread_mutex_destroy(&job->lock);
    pthread_cond_destroy(&job->idle);
    tb_free(job);
}

/* Work of a helper.  Without memory for a scan it leaves the work to the others. */
static void help(void *context)
{
    search_job *job = context;
    pthread_mutex_lock(&job->lock);
    if (!job->closed) {
        tb__scan *scan = &job->scans[job->n_scans++];
        job->n_helping++;
        pthread_mutex_unlock(&job->lock);
        if (tb__scan_init(scan, job->plan, job->index->kernels, job->view.sequence, job->k))
            scan_chunks(job, scan);
        pthread_mutex_lock(&job->lock);
        if (--job->n_helping == 0) pthread_cond_signal(&job->idle);
    }
    leave_job(job);
}

/* Asks for helpers, as many as the pool has a place for. */
static void call_helpers(search_job *job, size_t n_helpers)
{
    for (size_t i = 0; i < n_helpers; i++) {
        pthread_mutex_lock(&job->lock);
        job->n_users++;
        pthread_mutex_unlock(&job->lock);
        if (tb_pool_try(job->index->pool, help, job) == TB_OK) continue;
        pthread_mutex_lock(&job->lock);
        leave_job(job);
        break;
    }
}

static tb_status scan_alone(const tb__view *view, const tb__hnsw *graph, tb__scan *scan, tb_error *err)
{
    for (size_t i = 0; i < view->root->n_chunks; i++)
        if (!scan_chunk(view, graph, i, scan))
            return tb_error_set(err, TB_CANCELLED, "the search was cancelled");
    return TB_OK;
}

/* Scans the chunks of the view that the graph, if any, does not cover, beside what the scan has found by
 * then. Without memory for helpers' scans the caller's thread does it alone. */
static tb_status run_scan(const tb_index *index, const tb__plan *plan, const tb__view *view,
                          const tb__hnsw *graph, size_t n_threads, tb__scan *scan, tb_error *err)
{
    tb_status status = TB_OK;
    if (n_threads <= 1) return scan_alone(view, graph, scan, err);
    search_job *job = tb_alloc(1, sizeof *job);
    if (!job) return tb_error_set(err, TB_NO_MEMORY, "no memory for a search with %zu hits", plan->query->k);
    *job = (search_job){
        .index = index, .plan = plan, .view = *view, .graph = graph, .k = scan->top.k, .n_users = 1};
    pthread_mutex_init(&job->lock, NULL);
    pthread_cond_init(&job->idle, NULL);
    if (n_threads > 1) call_helpers(job, n_threads - 1);
    scan_chunks(job, scan);
    pthread_mutex_lock(&job->lock);
    job->closed = true;
    while (job->n_helping > 0) pthread_cond_wait(&job->idle, &job->lock);
    for (size_t i = 0; i < job->n_scans; i++) {
        if (!job->scans[i].plan) continue; /* it had no memory */
        tb__scan_merge(scan, &job->scans[i]);
        tb__scan_clear(&job->scans[i]);
    }
    if (atomic_load(&job->cancelled)) status = tb_error_set(err, TB_CANCELLED, "the search was cancelled");
    leave_job(job);
    return status;
}

static size_t choose_threads(const tb_index *index, const tb__plan *plan, const tb__view *view)
{
    size_t n = index->n_threads;
    if (plan->query->n_threads > 0) {
        if (n > plan->query->n_threads) n = plan->query->n_threads;
    } else {
        size_t floats = 0;
        for (size_t i = 0; i < plan->n_parts; i++) floats += plan->parts[i].dim;
        floats *= view->root->n_chunks * TB__CHUNK_SLOTS;
        if (n > floats / FLOATS_PER_THREAD + 1) n = floats / FLOATS_PER_THREAD + 1;
    }
    return n < view->root->n_chunks ? n : view->root->n_chunks;
}

/* --- hits ----------------------------------------------------------------- */

static void fill_hit(const tb_index *index, const tb__plan *plan, const tb__candidate *candidate,
                     tb_index_hit *hit)
{
    const tb__chunk *chunk = candidate->chunk;
    const uint32_t slot = candidate->slot;
    hit->label = candidate->label;
    hit->group = candidate->group;
    hit->distance2 = candidate->distance2;
    hit->weight_used = 0;
    tb__chunk_read(chunk, &index->layout, slot, NULL, hit->presence);
    for (size_t c = 0; c < index->layout.n_parts; c++) hit->part_distance2[c] = -1.0f;
    for (size_t c = 0; plan->query->explain && c < index->layout.n_parts; c++)
        if (plan->query_has[c] && hit->presence[c] > plan->query->min_presence) {
            const float *vector = plan->query->vector + index->part_offsets[c];
            hit->part_distance2[c] =
                index->kernels->l2(vector, tb__chunk_vector(chunk, c, slot), index->layout.part_dims[c]);
        }
    for (size_t i = 0; i < plan->n_parts; i++) {
        const tb__plan_part *part = &plan->parts[i];
        if (!part->in_query || !(hit->presence[part->part] > plan->query->min_presence)) continue;
        hit->weight_used += part->weight;
        hit->part_distance2[part->part] =
            index->kernels->l2(part->vector, tb__chunk_vector(chunk, part->part, slot), part->dim);
    }
}

static tb_status fill_result(const tb_index *index, const tb__plan *plan, tb__scan *scan, bool is_approximate,
                             tb_index_result *result, tb_error *err)
{
    const size_t n_parts = index->layout.n_parts;
    tb_index_result made = {
        .n_hits = scan->top.n,
        .n_items = is_approximate ? tb_index_count(index) : scan->n_items,
        .is_approximate = is_approximate,
        .dropped_filter = scan->dropped_filter,
        .dropped_missing = scan->dropped_missing,
        .dropped_threshold = scan->top.n < plan->query->k ? scan->dropped_threshold : 0,
        .n_exact = scan->n_exact,
    };
    made.hits = tb_alloc(made.n_hits, sizeof *made.hits);
    made.part_values = tb_alloc(made.n_hits * 2 * n_parts, sizeof *made.part_values);
    if (!made.hits || !made.part_values) {
        tb_index_result_clear(&made);
        return tb_error_set(err, TB_NO_MEMORY, "no memory for %zu hits", scan->top.n);
    }
    tb__top_sort(&scan->top);
    for (size_t i = 0; i < made.n_hits; i++) {
        made.hits[i].part_distance2 = made.part_values + i * 2 * n_parts;
        made.hits[i].presence = made.hits[i].part_distance2 + n_parts;
        fill_hit(index, plan, &scan->top.candidates[i], &made.hits[i]);
    }
    *result = made;
    return TB_OK;
}

/* --- the call --------------------------------------------------------------- */

static tb_status init_scan(const tb_index *index, const tb__plan *plan, const tb__view *view, tb__scan *scan,
                           tb_error *err)
{
    size_t k = view->root->n_chunks * TB__CHUNK_SLOTS;
    if (k > plan->query->k) k = plan->query->k;
    if (k == 0) k = 1;
    tb__scan_clear(scan);
    if (tb__scan_init(scan, plan, index->kernels, view->sequence, k)) return TB_OK;
    return tb_error_set(err, TB_NO_MEMORY, "no memory for a search with %zu hits", plan->query->k);
}

/* The answer of the graphs and of a scan beside them.  *is_answered false: fewer than k were found, or it
 * took too long; then the scan holds nothing of use. */
static tb_status search_graphs(const tb_index *index, tb__plan *plan, const tb__view *view, size_t n_threads,
                               tb__scan *scan, bool *is_answered, tb_error *err)
{
    tb_status status = TB_OK;
    const tb__hnsw *graph = atomic_load(&index->graph);
    tb__hnsw_budget budget;
    *is_answered = false;
    if (!tb__hnsw_pays(index, graph, plan, view, n_threads, &budget)) goto out;
    if (!plan->code_values) TB_TRY(tb__plan_encode(plan, err));
    TB_TRY(init_scan(index, plan, view, scan, err));
    tb__scratch *scratch = &index->scratches[view->reader];
    const size_t n_bytes = tb__scratch_bytes(scratch);
    const bool has_found = tb__hnsw_search(graph, &budget, scratch, scan);
    atomic_fetch_add(index->n_bytes,
                     tb__scratch_bytes(scratch) - n_bytes); /* modulo 2^64, if it is less now */
    if (!has_found) goto out;
    TB_TRY(run_scan(index, plan, view, graph, n_threads, scan, err));
    *is_answered = scan->top.n == plan->query->k;
out:
    return status;
}

static tb_status search_exactly(const tb_index *index, tb__plan *plan, const tb__view *view, size_t n_threads,
                                tb__scan *scan, tb_error *err)
{
    tb_status status = TB_OK;
    const bool pays_coding = plan->query->k <= view->root->n_chunks * TB__CHUNK_SLOTS / ITEMS_PER_HIT;
    if (pays_coding && !plan->code_values) TB_TRY(tb__plan_encode(plan, err));
    TB_TRY(init_scan(index, plan, view, scan, err));
    TB_TRY(run_scan(index, plan, view, NULL, n_threads, scan, err));
out:
    return status;
}

tb_status tb_index_search(const tb_index *index, const tb_index_query *query, tb_index_result *result,
                          tb_error *err)
{
    tb_status status = TB_OK;
    tb__plan plan = {0};
    tb__scan scan = {0};
    bool is_approximate = false;
    TB_TRY(tb__plan_init(&plan, index, query, err));
    const tb__view view = tb__index_enter(index);
    const size_t n_threads = choose_threads(index, &plan, &view);
    if (query->approximate != TB_APPROXIMATE_NEVER)
        status = search_graphs(index, &plan, &view, n_threads, &scan, &is_approximate, err);
    if (status == TB_OK && !is_approximate)
        status = search_exactly(index, &plan, &view, n_threads, &scan, err);
    if (status == TB_OK) status = fill_result(index, &plan, &scan, is_approximate, result, err);
    tb__index_leave(index, &view);
out:
    tb__scan_clear(&scan);
    tb__plan_clear(&plan);
    return status;
}

void tb_index_result_clear(tb_index_result *result)
{
    tb_free(result->hits);
    tb_free(result->part_values);
    *result = (tb_index_result){0};
}
