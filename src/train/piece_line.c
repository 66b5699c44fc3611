// SPDX-License-Identifier: MIT
/* One lock for all: pieces take far longer than anything that is done under it.  A piece that is ready before its turn
 * waits in a window of some pieces for each thread, so that a long piece holds nobody up. */
#include "train/piece_line.h"

#include "base/alloc.h"
#include "base/pool.h"

#include <pthread.h>

enum { WAITING_PER_THREAD = 4 };
static char nothing; /* stands for a piece that has nothing to store */

typedef struct running {
    const tb_piece_line *line;
    pthread_mutex_t mutex; /* guards all below */
    pthread_cond_t turned; /* n_stored or status changed */
    size_t next, n_stored; /* n_stored: pieces before it are stored, kept, or had nothing to store */
    bool *kept;
    void **waiting; /* [window] pieces that are made and not stored, at their number modulo window; NULL = none */
    size_t window;
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

static void discard(const tb_piece_line *line, void *made)
{
    if (made && made != &nothing && line->discard) line->discard(made);
}

/* With the lock: stores the pieces whose turn it is. */
static void store_ready(running *r)
{
    const tb_piece_line *line = r->line;
    tb_error error = {0};
    for (;; r->n_stored++) {
        void **ready = &r->waiting[r->n_stored % r->window];
        if (r->status != TB_OK || r->n_stored == line->n_pieces) break;
        if (r->kept[r->n_stored]) continue;
        if (*ready == NULL) break;
        void *made = *ready;
        *ready = NULL;
        const tb_status status = made == &nothing ? TB_OK : line->store(line->context, r->n_stored, made, &error);
        discard(line, made);
        if (status != TB_OK) {
            fail(r, status, &error);
            break;
        }
        r->result.n_made++;
        show_progress(r);
    }
    pthread_cond_broadcast(&r->turned);
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
    for (;;) {
        while (r->next < line->n_pieces && line->is_kept && line->is_kept(line->context, r->next)) {
            r->kept[r->next++] = true;
            r->result.n_kept++;
            show_progress(r);
        }
        if (!line->store) break;
        store_ready(r); /* passes those that are kept */
        if (r->status != TB_OK || r->next == line->n_pieces || r->next - r->n_stored < r->window) break;
        pthread_cond_wait(&r->turned, &r->mutex); /* others may take pieces meanwhile: look again */
    }
    const bool is_one = r->status == TB_OK && r->next < line->n_pieces;
    if (is_one) *i = r->next++;
    pthread_mutex_unlock(&r->mutex);
    return is_one;
}

/* Takes over what was made. */
static void hand_in(running *r, size_t i, void *made)
{
    const tb_piece_line *line = r->line;
    pthread_mutex_lock(&r->mutex);
    if (line->store) {
        r->waiting[i % r->window] = made ? made : &nothing;
        store_ready(r);
    } else {
        discard(line, made);
        r->result.n_made++;
        show_progress(r);
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
        if (status == TB_OK) hand_in(r, i, made);
        else fail_unlocked(r, status, &error);
    }
    if (worker) line->worker_free(worker);
}

tb_status tb_piece_line_run(const tb_piece_line *line, tb_piece_line_result *result, tb_error *err)
{
    tb_status status = TB_OK;
    tb_pool *pool = NULL;
    running r = {.line = line, .mutex = PTHREAD_MUTEX_INITIALIZER, .turned = PTHREAD_COND_INITIALIZER};
    r.window = WAITING_PER_THREAD * line->n_threads;
    r.kept = tb_alloc(line->n_pieces, sizeof *r.kept);
    r.waiting = tb_alloc(r.window, sizeof *r.waiting);
    if (!r.kept || !r.waiting)
        TB_FAIL(err, TB_NO_MEMORY, "no memory for %zu pieces", line->n_pieces);
    TB_TRY(tb_pool_new("tb-pieces", line->n_threads, line->n_threads, &pool, err));
    for (size_t t = 0; t < line->n_threads; t++) tb_pool_submit(pool, work, &r);
    tb_pool_wait(pool);
    *result = r.result;
    if (r.status != TB_OK) TB_FAIL(err, r.status, "%s", r.error.message);
out:
    tb_pool_free(pool);
    for (size_t i = 0; r.waiting && i < r.window; i++) discard(line, r.waiting[i]);
    tb_free(r.waiting);
    tb_free(r.kept);
    pthread_mutex_destroy(&r.mutex);
    pthread_cond_destroy(&r.turned);
    return status;
}
