// SPDX-License-Identifier: MIT
/* One lock for all: pieces take far longer than anything that is done under it. */
#include "train/piece_line.h"

#include "base/alloc.h"
#include "base/pool.h"

#include <pthread.h>

typedef struct running {
    const tb_piece_line *line;
    pthread_mutex_t mutex; /* guards all below */
    pthread_cond_t turned; /* n_stored or status changed */
    size_t next, n_stored; /* n_stored: pieces before it are stored, kept, or had nothing to store */
    bool *kept;
    tb_piece_line_result result;
    tb_status status;
    tb_error error;
} running;

static void show_progress(const running *r)
{
    if (r->line->progress)
        r->line->progress(r->line->progress_context, r->result.n_made + r->result.n_kept, r->line->n_pieces);
}

/* With the lock. */
static void fail(running *r, tb_status status, const tb_error *error)
{
    if (r->status == TB_OK) {
        r->status = status;
        r->error = *error;
    }
    pthread_cond_broadcast(&r->turned);
}

/* With the lock: over the pieces that are there already. */
static void pass_kept(running *r)
{
    while (r->n_stored < r->line->n_pieces && r->kept[r->n_stored]) r->n_stored++;
}

/* False when there is none left. */
static bool take_next(running *r, size_t *i)
{
    const tb_piece_line *line = r->line;
    pthread_mutex_lock(&r->mutex);
    if (line->cancel && atomic_load(line->cancel)) {
        tb_error error;
        fail(r,
             tb_error_set(&error, TB_CANCELLED,
                          "cancelled; what is complete stays, and the same command goes on with it"),
             &error);
    }
    while (r->next < line->n_pieces && line->is_kept && line->is_kept(line->context, r->next)) {
        r->kept[r->next++] = true;
        r->result.n_kept++;
        show_progress(r);
    }
    const bool is_one = r->status == TB_OK && r->next < line->n_pieces;
    if (is_one) *i = r->next++;
    pthread_mutex_unlock(&r->mutex);
    return is_one;
}

/* Stores when all before are; then the next one may. */
static void store_in_turn(running *r, size_t i, void *made)
{
    const tb_piece_line *line = r->line;
    tb_error error = {0};
    tb_status status = TB_OK;
    pthread_mutex_lock(&r->mutex);
    pass_kept(r);
    while (line->store && r->n_stored != i && r->status == TB_OK) {
        pthread_cond_wait(&r->turned, &r->mutex);
        pass_kept(r);
    }
    if (r->status == TB_OK && line->store && made) status = line->store(line->context, i, made, &error);
    if (status != TB_OK) fail(r, status, &error);
    if (r->status == TB_OK) {
        r->n_stored++;
        r->result.n_made++;
        show_progress(r);
        pthread_cond_broadcast(&r->turned);
    }
    pthread_mutex_unlock(&r->mutex);
}

static void fail_unlocked(running *r, tb_status status, const tb_error *error)
{
    pthread_mutex_lock(&r->mutex);
    fail(r, status, error);
    pthread_mutex_unlock(&r->mutex);
}

static void work(void *context)
{
    running *r = context;
    const tb_piece_line *line = r->line;
    tb_error error = {0};
    void *worker = NULL;
    size_t i = 0;
    const tb_status began = line->worker_new ? line->worker_new(line->context, &worker, &error) : TB_OK;
    if (began != TB_OK) fail_unlocked(r, began, &error);
    while (began == TB_OK && take_next(r, &i)) {
        void *made = NULL;
        const tb_status status = line->make(line->context, worker, i, &made, &error);
        if (status == TB_OK) store_in_turn(r, i, made);
        else fail_unlocked(r, status, &error);
        if (line->discard) line->discard(made);
    }
    if (worker) line->worker_free(worker);
}

tb_status tb_piece_line_run(const tb_piece_line *line, tb_piece_line_result *result, tb_error *err)
{
    tb_status status = TB_OK;
    tb_pool *pool = NULL;
    running r = {.line = line, .mutex = PTHREAD_MUTEX_INITIALIZER, .turned = PTHREAD_COND_INITIALIZER};
    if (!(r.kept = tb_alloc(line->n_pieces, sizeof *r.kept)))
        TB_FAIL(err, TB_NO_MEMORY, "no memory for %zu pieces", line->n_pieces);
    TB_TRY(tb_pool_new("tb-pieces", line->n_threads, line->n_threads, &pool, err));
    for (size_t t = 0; t < line->n_threads; t++) tb_pool_submit(pool, work, &r);
    tb_pool_wait(pool);
    *result = r.result;
    if (r.status != TB_OK) TB_FAIL(err, r.status, "%s", r.error.message);
out:
    tb_pool_free(pool);
    tb_free(r.kept);
    pthread_mutex_destroy(&r.mutex);
    pthread_cond_destroy(&r.turned);
    return status;
}
