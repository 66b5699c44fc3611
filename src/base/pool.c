// SPDX-License-Identifier: MIT
/* The thread pool: a ring of waiting work, one lock, three conditions.
 *
 * A thread takes the oldest work under the lock and runs it without.  `n_running` counts work that was taken
 * and is not yet done, so that "idle" is n_queued == 0 && n_running == 0. */
#include "base/pool.h"

#include "base/alloc.h"
#include "base/text.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>

typedef struct piece {
    tb_pool_work *work;
    void *context;
} piece;

struct tb_pool {
    pthread_mutex_t lock; /* guards all below but threads, n_threads, limit and name, which stay */
    pthread_cond_t has_work, has_room, is_idle;
    piece *ring;
    size_t limit, first, n_queued, n_running;
    bool closing;
    pthread_t *threads;
    size_t n_threads; /* started */
    char name[16];
};

static void *run_thread(void *context)
{
    tb_pool *pool = context;
#ifdef __linux__
    pthread_setname_np(pthread_self(), pool->name);
#endif
    pthread_mutex_lock(&pool->lock);
    for (;;) {
        while (pool->n_queued == 0 && !pool->closing) pthread_cond_wait(&pool->has_work, &pool->lock);
        if (pool->n_queued == 0) break;
        const piece next = pool->ring[pool->first];
        pool->first = (pool->first + 1) % pool->limit;
        pool->n_queued--;
        pool->n_running++;
        pthread_cond_signal(&pool->has_room);
        pthread_mutex_unlock(&pool->lock);

        next.work(next.context);

        pthread_mutex_lock(&pool->lock);
        pool->n_running--;
        if (pool->n_queued == 0 && pool->n_running == 0) pthread_cond_broadcast(&pool->is_idle);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

/* The pool's threads leave the process's signals to the main thread. */
static void block_signals(sigset_t *before)
{
    sigset_t blocked;
    sigfillset(&blocked);
    const int ours[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP};
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) sigdelset(&blocked, ours[i]);
    pthread_sigmask(SIG_SETMASK, &blocked, before);
}

static tb_status start_threads(tb_pool *pool, size_t n_threads, tb_error *err)
{
    tb_status status = TB_OK;
    sigset_t before;
    block_signals(&before);
    for (size_t i = 0; i < n_threads; i++) {
        const int code = pthread_create(&pool->threads[i], NULL, run_thread, pool);
        if (code != 0) {
            status = tb_error_errno(err, code, "cannot start thread %zu of %zu", i + 1, n_threads);
            break;
        }
        pool->n_threads++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return status;
}

tb_status tb_pool_new(const char *name, size_t n_threads, size_t queue_limit, tb_pool **pool, tb_error *err)
{
    if (n_threads == 0 || queue_limit == 0)
        return tb_error_set(err, TB_INVALID, "a pool needs at least one thread and one place in its queue");
    tb_status status = TB_OK;
    tb_pool *made = tb_alloc(1, sizeof *made);
    if (!made) return tb_error_set(err, TB_NO_MEMORY, "no memory for a thread pool");
    pthread_mutex_init(&made->lock, NULL);
    pthread_cond_init(&made->has_work, NULL);
    pthread_cond_init(&made->has_room, NULL);
    pthread_cond_init(&made->is_idle, NULL);
    tb_text_copy(made->name, sizeof made->name, name);
    made->limit = queue_limit;
    made->ring = tb_alloc(queue_limit, sizeof *made->ring);
    made->threads = tb_alloc(n_threads, sizeof *made->threads);
    if (!made->ring || !made->threads)
        TB_FAIL(err, TB_NO_MEMORY, "no memory for %zu threads and %zu places", n_threads, queue_limit);
    TB_TRY(start_threads(made, n_threads, err));
    *pool = made;
    made = NULL;
out:
    tb_pool_free(made);
    return status;
}

void tb_pool_free(tb_pool *pool)
{
    if (!pool) return;
    pthread_mutex_lock(&pool->lock);
    pool->closing = true;
    pthread_cond_broadcast(&pool->has_work);
    pthread_mutex_unlock(&pool->lock);
    for (size_t i = 0; i < pool->n_threads; i++) pthread_join(pool->threads[i], NULL);
    pthread_cond_destroy(&pool->is_idle);
    pthread_cond_destroy(&pool->has_room);
    pthread_cond_destroy(&pool->has_work);
    pthread_mutex_destroy(&pool->lock);
    tb_free(pool->threads);
    tb_free(pool->ring);
    tb_free(pool);
}

/* The lock is held and there is room. */
static void enqueue(tb_pool *pool, tb_pool_work *work, void *context)
{
    assert(pool->n_queued < pool->limit && !pool->closing);
    pool->ring[(pool->first + pool->n_queued) % pool->limit] = (piece){work, context};
    pool->n_queued++;
    pthread_cond_signal(&pool->has_work);
}

tb_status tb_pool_try(tb_pool *pool, tb_pool_work *work, void *context)
{
    pthread_mutex_lock(&pool->lock);
    const bool has_room = pool->n_queued < pool->limit;
    if (has_room) enqueue(pool, work, context);
    pthread_mutex_unlock(&pool->lock);
    return has_room ? TB_OK : TB_BUSY;
}

void tb_pool_submit(tb_pool *pool, tb_pool_work *work, void *context)
{
    pthread_mutex_lock(&pool->lock);
    while (pool->n_queued == pool->limit) pthread_cond_wait(&pool->has_room, &pool->lock);
    enqueue(pool, work, context);
    pthread_mutex_unlock(&pool->lock);
}

void tb_pool_wait(tb_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    while (pool->n_queued > 0 || pool->n_running > 0) pthread_cond_wait(&pool->is_idle, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
}

size_t tb_pool_threads(const tb_pool *pool)
{
    return pool->n_threads;
}

size_t tb_pool_queued(tb_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    const size_t n = pool->n_queued;
    pthread_mutex_unlock(&pool->lock);
    return n;
}
