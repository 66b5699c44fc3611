// SPDX-License-Identifier: MIT
/* Linking: full chunks come into the graphs (hnsw_insert.h), and lists that lost links are
 * repaired.
 *
 * In batches of chunks: places for them (under the writer's lock), then part by part all their nodes, on
 * several threads, then they are covered (under the writer's lock).  The first node of a batch is its
 * highest, if it is higher than the graph's entry, and then becomes the entry.
 *
 * Threads that link enter the epoch anew for each node, so that memory is reclaimed meanwhile.  A chunk that
 * the writer takes away meanwhile is gone from the next directory on. */
#include "base/alloc.h"
#include "base/pool.h"
#include "index/hnsw_insert.h"
#include "index/hnsw_search.h"
#include "index/index_internal.h"

enum {
    BATCH_CHUNKS = 32,
    RUN_SLOTS = 64, /* a thread takes so many at a time: what is alike is mostly neighbours, and better linked
                     * one after the other */
};

typedef enum job_kind { JOB_LINK, JOB_REPAIR } job_kind;

typedef struct link_job {
    tb_index *index;
    job_kind kind;
    size_t part;
    const uint32_t *places;
    size_t n_places;
    const atomic_bool *cancel;
    atomic_size_t next_run;
    atomic_bool has_failed; /* no memory */
    atomic_bool was_cancelled;
    atomic_bool has_lost_entry; /* its chunk went, and nothing else was there */
} link_job;

/* One node of the job, whatever became of its chunk meanwhile. */
static bool work_on(link_job *job, tb__inserter *t, tb__node node)
{
    tb_index *index = job->index;
    const size_t reader = tb__reclaim_enter(index->reclaim);
    t->graph = atomic_load(&index->graph);
    const tb__chunk *chunk = tb__hnsw_chunk(t->graph, node);
    const uint32_t slot = tb__node_slot(node);
    bool is_well = true;
    if (t->graph->entries[job->part] == TB__NODE_NONE) {
        atomic_store(&job->has_lost_entry, true);
    } else if (chunk && chunk->presence[job->part][slot] > 0) {
        /* the dead are still signposts, but need not become ones */
        if (job->kind == JOB_REPAIR) is_well = tb__repair_node(t, node);
        else if (!tb__chunk_is_dead(chunk, slot)) is_well = tb__insert_node(t, node);
    }
    tb__reclaim_leave(index->reclaim, reader);
    return is_well;
}

/* --- threads ------------------------------------------------------------------ */

static tb__inserter *new_inserter(const link_job *job)
{
    const tb_index *index = job->index;
    return tb__inserter_new(job->part, index->layout.part_dims[job->part], index->kernels, index->lists);
}

static void run_thread(void *context)
{
    link_job *job = context;
    tb__inserter *t = new_inserter(job);
    if (!t) atomic_store(&job->has_failed, true);
    while (t && !atomic_load_explicit(&job->has_failed, memory_order_relaxed) &&
           !atomic_load_explicit(&job->has_lost_entry, memory_order_relaxed)) {
        const size_t run = atomic_fetch_add_explicit(&job->next_run, 1, memory_order_relaxed);
        const size_t place = run / (TB__CHUNK_SLOTS / RUN_SLOTS);
        const uint32_t first = (uint32_t)(run % (TB__CHUNK_SLOTS / RUN_SLOTS)) * RUN_SLOTS;
        if (place >= job->n_places) break;
        if (job->cancel && atomic_load_explicit(job->cancel, memory_order_relaxed)) {
            atomic_store(&job->was_cancelled, true);
            break;
        }
        for (uint32_t slot = first; slot < first + RUN_SLOTS; slot++)
            if (!work_on(job, t, tb__node_of(job->places[place], slot))) {
                atomic_store(&job->has_failed, true);
                break;
            }
    }
    tb__inserter_free(t);
}

/* Runs the job on the pool's threads and this one. */
static tb_status run_job(link_job *job, tb_pool *pool, tb_error *err)
{
    atomic_store(&job->next_run, 0);
    for (size_t i = 0; pool && i < tb_pool_threads(pool); i++) tb_pool_submit(pool, run_thread, job);
    run_thread(job);
    if (pool) tb_pool_wait(pool);
    if (atomic_load(&job->has_failed)) return tb_error_set(err, TB_NO_MEMORY, "no memory to link vectors");
    if (atomic_load(&job->was_cancelled)) return tb_error_set(err, TB_CANCELLED, "linking was cancelled");
    return TB_OK;
}

/* --- directories ---------------------------------------------------------------- */

/* The current one; writer's lock held. */
static tb__hnsw *graph_of(const tb_index *index)
{
    return atomic_load_explicit(&index->graph, memory_order_relaxed);
}

/* Writer's lock held. */
static void replace_graph(tb_index *index, tb__hnsw *graph)
{
    tb__hnsw *old = graph_of(index);
    atomic_store(&index->graph, graph);
    if (old) tb__reclaim_retire(index->reclaim, &old->retired);
}

bool tb__index_unlink_chunk(tb_index *index, const tb__chunk *chunk)
{
    const uint32_t place = atomic_load_explicit(&chunk->place, memory_order_relaxed);
    if (place == TB__NO_PLACE) return true;
    const tb__hnsw *old = graph_of(index);
    tb__hnsw *graph = tb__hnsw_new(old, index->layout.n_parts, old->n_places, index->n_bytes);
    if (!graph) return false;
    tb__hnsw_clear_place(graph, place);
    replace_graph(index, graph);
    return true;
}

void tb__index_free_graph(tb_index *index)
{
    tb__hnsw_free(graph_of(index));
    for (size_t i = 0; index->scratches && i < TB__RECLAIM_READERS; i++)
        tb__scratch_free(&index->scratches[i]);
    for (size_t i = 0; index->lists && i < TB__LINK_LOCKS; i++) pthread_mutex_destroy(&index->lists[i]);
    tb_free(index->scratches);
    tb_free(index->lists);
}

/* A copy of the directory as it is now, for the writer's lock's holder to change. */
static tb__hnsw *copy_graph(const tb_index *index, size_t n_more)
{
    const tb__hnsw *old = graph_of(index);
    return tb__hnsw_new(old, index->layout.n_parts, (old ? old->n_places : 0) + n_more, index->n_bytes);
}

static bool can_be_linked(const tb__chunk *chunk)
{
    return atomic_load_explicit(&chunk->place, memory_order_relaxed) == TB__NO_PLACE &&
           atomic_load_explicit(&chunk->n_used, memory_order_relaxed) == TB__CHUNK_SLOTS &&
           !tb__index_is_worth_compacting(chunk);
}

/* Places for the next chunks, and those of an earlier call that was not finished; at most BATCH_CHUNKS.
 * TB_NO_MEMORY: some may have places all the same. */
static tb_status take_batch(tb_index *index, uint32_t *places, size_t *n_places, tb_error *err)
{
    tb_status status = TB_OK;
    size_t n = 0;
    pthread_mutex_lock(&index->writer);
    const tb__root *root = atomic_load_explicit(&index->root, memory_order_relaxed);
    const size_t n_old = graph_of(index) ? graph_of(index)->n_places : 0;
    tb__hnsw *graph = copy_graph(index, BATCH_CHUNKS);
    if (!graph) TB_FAIL(err, TB_NO_MEMORY, "no memory to link vectors");
    for (uint32_t place = 0; place < graph->n_places && n < BATCH_CHUNKS; place++)
        if (graph->places[place].chunk && !graph->places[place].is_covered) places[n++] = place;
    uint32_t place = 0;
    for (size_t i = 0; i < root->n_chunks && n < BATCH_CHUNKS; i++) {
        tb__chunk *chunk = root->chunks[i];
        if (!can_be_linked(chunk)) continue;
        while (graph->places[place].chunk || graph->places[place].is_lost) place++;
        if (place >= TB__HNSW_MAX_PLACES) break;
        if (!tb__hnsw_blocks_new(chunk)) {
            if (n > 0) break;
            tb__hnsw_free(graph);
            TB_FAIL(err, TB_NO_MEMORY, "no memory to link vectors");
        }
        atomic_store_explicit(&chunk->place, place, memory_order_relaxed);
        tb__hnsw_set_place(graph, place, chunk);
        places[n++] = place;
    }
    *n_places = n;
    while (graph->n_places > n_old && !graph->places[graph->n_places - 1].chunk) graph->n_places--;
    replace_graph(index, graph);
    tb__reclaim_collect(index->reclaim);
out:
    pthread_mutex_unlock(&index->writer);
    return status;
}

/* The highest living node of the batch in a part; TB__NODE_NONE if it has none. */
static tb__node highest_of(const tb__hnsw *graph, const uint32_t *places, size_t n_places, size_t part)
{
    tb__node best = TB__NODE_NONE;
    for (size_t i = 0; i < n_places; i++) {
        if (!graph->places[places[i]].chunk) continue;
        tb__node node = tb__hnsw_highest(graph->places[places[i]].chunk, part);
        if (node == TB__NODE_NONE) continue;
        node = tb__node_of(places[i], node);
        if (best == TB__NODE_NONE || tb__hnsw_level(graph, part, node) > tb__hnsw_level(graph, part, best))
            best = node;
    }
    return best;
}

/* The graph's entry becomes a node of the batch if that is higher.  *is_empty: there is none, as no item of
 * the batch or before it has this part. */
static tb_status set_entry(link_job *job, bool *is_empty, tb_error *err)
{
    tb_status status = TB_OK;
    tb_index *index = job->index;
    pthread_mutex_lock(&index->writer);
    const tb__hnsw *graph = graph_of(index);
    const tb__node old = graph->entries[job->part];
    const tb__node node = highest_of(graph, job->places, job->n_places, job->part);
    *is_empty = old == TB__NODE_NONE && node == TB__NODE_NONE;
    if (node == TB__NODE_NONE || (old != TB__NODE_NONE && tb__hnsw_level(graph, job->part, node) <=
                                                              tb__hnsw_level(graph, job->part, old))) {
        goto out;
    }
    if (old != TB__NODE_NONE) {
        tb__inserter *t = new_inserter(job);
        const bool is_well = t && work_on(job, t, node);
        tb__inserter_free(t);
        if (!is_well) TB_FAIL(err, TB_NO_MEMORY, "no memory to link vectors");
    }
    tb__hnsw *made = copy_graph(index, 0);
    if (!made) TB_FAIL(err, TB_NO_MEMORY, "no memory to link vectors");
    made->entries[job->part] = node;
    replace_graph(index, made);
out:
    pthread_mutex_unlock(&index->writer);
    return status;
}

/* What is left of the batch is covered from now on. */
static tb_status cover(tb_index *index, const uint32_t *places, size_t n_places, tb_error *err)
{
    tb_status status = TB_OK;
    pthread_mutex_lock(&index->writer);
    tb__hnsw *graph = copy_graph(index, 0);
    if (!graph) TB_FAIL(err, TB_NO_MEMORY, "no memory to link vectors");
    for (size_t i = 0; i < n_places; i++) {
        if (!graph->places[places[i]].chunk) continue;
        graph->places[places[i]].is_covered = true;
        graph->n_covered++;
    }
    replace_graph(index, graph);
    tb__reclaim_collect(index->reclaim);
out:
    pthread_mutex_unlock(&index->writer);
    return status;
}

/* --- calls ------------------------------------------------------------------------ */

static tb_status link_batch(tb_index *index, tb_pool *pool, const atomic_bool *cancel, const uint32_t *places,
                            size_t n_places, tb_error *err)
{
    tb_status status = TB_OK;
    for (size_t part = 0; part < index->layout.n_parts; part++) {
        link_job job = {.index = index,
                        .kind = JOB_LINK,
                        .part = part,
                        .places = places,
                        .n_places = n_places,
                        .cancel = cancel};
        do {
            atomic_store(&job.has_lost_entry, false);
            bool is_empty;
            TB_TRY(set_entry(&job, &is_empty, err));
            if (is_empty) break;
            TB_TRY(run_job(&job, pool, err));
        } while (atomic_load(&job.has_lost_entry));
    }
    TB_TRY(cover(index, places, n_places, err));
out:
    return status;
}

/* After chunks went: no list leads to their places any more. */
static tb_status repair(tb_index *index, tb_pool *pool, const atomic_bool *cancel, tb_error *err)
{
    tb_status status = TB_OK;
    uint32_t *places = NULL;
    size_t n_places = 0;
    pthread_mutex_lock(&index->writer);
    const tb__hnsw *graph = graph_of(index);
    const size_t n_all = graph ? graph->n_places : 0;
    const bool has_lost = graph && graph->n_lost > 0;
    bool *was_lost = NULL;
    if (has_lost) {
        places = tb_alloc(n_all, sizeof *places);
        was_lost = tb_alloc(n_all, sizeof *was_lost);
    }
    for (uint32_t i = 0; places && was_lost && i < n_all; i++) {
        was_lost[i] = graph->places[i].is_lost;
        if (graph->places[i].chunk) places[n_places++] = i;
    }
    tb__hnsw *entered = places && was_lost ? copy_graph(index, 0) : NULL;
    if (entered) {
        for (size_t c = 0; c < entered->n_parts; c++) entered->entries[c] = tb__hnsw_choose_entry(entered, c);
        replace_graph(index, entered);
    }
    pthread_mutex_unlock(&index->writer);
    if (!has_lost) return TB_OK;
    if (!entered) TB_FAIL(err, TB_NO_MEMORY, "no memory to repair the graphs");
    for (size_t part = 0; part < index->layout.n_parts; part++) {
        link_job job = {.index = index,
                        .kind = JOB_REPAIR,
                        .part = part,
                        .places = places,
                        .n_places = n_places,
                        .cancel = cancel};
        TB_TRY(run_job(&job, pool, err));
    }
    pthread_mutex_lock(&index->writer);
    tb__hnsw *made = copy_graph(index, 0);
    for (uint32_t i = 0; made && i < n_all; i++)
        if (was_lost[i]) {
            made->places[i].is_lost = false;
            made->n_lost--;
        }
    if (made) replace_graph(index, made);
    pthread_mutex_unlock(&index->writer);
    if (!made) TB_FAIL(err, TB_NO_MEMORY, "no memory to repair the graphs");
out:
    tb_free(places);
    tb_free(was_lost);
    return status;
}

/* What the first call needs beside; the linker's lock held. */
static tb_status prepare(tb_index *index, tb_error *err)
{
    if (index->lists) return TB_OK;
    tb__scratch *scratches = tb_alloc(TB__RECLAIM_READERS, sizeof *scratches);
    pthread_mutex_t *lists = tb_alloc(TB__LINK_LOCKS, sizeof *lists);
    if (!scratches || !lists) {
        tb_free(scratches);
        tb_free(lists);
        return tb_error_set(err, TB_NO_MEMORY, "no memory to link vectors");
    }
    for (size_t i = 0; i < TB__LINK_LOCKS; i++) pthread_mutex_init(&lists[i], NULL);
    index->scratches = scratches;
    index->lists = lists;
    atomic_fetch_add(index->n_bytes,
                     TB__RECLAIM_READERS * sizeof *scratches + TB__LINK_LOCKS * sizeof *lists);
    return TB_OK;
}

tb_status tb_index_link(tb_index *index, size_t n_threads, const atomic_bool *cancel, tb_error *err)
{
    tb_status status = TB_OK;
    tb_pool *pool = NULL;
    if (n_threads < 1 || n_threads > TB_INDEX_MAX_THREADS)
        return tb_error_set(err, TB_INVALID, "linking uses 1 to %d threads, not %zu", TB_INDEX_MAX_THREADS,
                            n_threads);
    pthread_mutex_lock(&index->linker);
    TB_TRY(prepare(index, err));
    if (n_threads > 1) TB_TRY(tb_pool_new("link", n_threads - 1, n_threads, &pool, err));
    TB_TRY(repair(index, pool, cancel, err));
    for (;;) {
        uint32_t places[BATCH_CHUNKS];
        size_t n_places = 0;
        TB_TRY(take_batch(index, places, &n_places, err));
        if (n_places == 0) break;
        TB_TRY(link_batch(index, pool, cancel, places, n_places, err));
        tb__hnsw_measure(index);
    }
out:
    tb_pool_free(pool);
    pthread_mutex_unlock(&index->linker);
    return status;
}
