// SPDX-License-Identifier: MIT
/* The thread pool: bounds, order, waiting, draining. */
#include "support/testing.h"

#include "base/alloc.h"
#include "base/pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

/* Work stands at the gate until it is opened. */
typedef struct gate {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool open;
    int n_waiting;
} gate;

static void init_gate(gate *g)
{
    memset(g, 0, sizeof *g);
    pthread_mutex_init(&g->lock, NULL);
    pthread_cond_init(&g->changed, NULL);
}

static void pass_gate(void *context)
{
    gate *g = context;
    pthread_mutex_lock(&g->lock);
    g->n_waiting++;
    pthread_cond_broadcast(&g->changed);
    while (!g->open) pthread_cond_wait(&g->changed, &g->lock);
    pthread_mutex_unlock(&g->lock);
}

static void await_waiting(gate *g, int n)
{
    pthread_mutex_lock(&g->lock);
    while (g->n_waiting < n) pthread_cond_wait(&g->changed, &g->lock);
    pthread_mutex_unlock(&g->lock);
}

static void open_gate(gate *g)
{
    pthread_mutex_lock(&g->lock);
    g->open = true;
    pthread_cond_broadcast(&g->changed);
    pthread_mutex_unlock(&g->lock);
}

static void count_up(void *context)
{
    atomic_fetch_add((atomic_int *)context, 1);
}

static tb_pool *new_pool(size_t n_threads, size_t limit)
{
    tb_error err = {TB_OK, ""};
    tb_pool *pool = NULL;
    assert_ok(tb_pool_new("test", n_threads, limit, &pool, &err));
    return pool;
}

static void a_full_queue_is_busy_and_drains_on_free(void **state)
{
    (void)state;
    gate g;
    init_gate(&g);
    atomic_int count = 0;
    tb_pool *pool = new_pool(2, 3);
    assert_status(tb_pool_try(pool, pass_gate, &g), TB_OK);
    assert_status(tb_pool_try(pool, pass_gate, &g), TB_OK);
    await_waiting(&g, 2); /* both threads are taken */
    for (int i = 0; i < 3; i++) assert_status(tb_pool_try(pool, count_up, &count), TB_OK);
    assert_status(tb_pool_try(pool, count_up, &count), TB_BUSY);
    assert_int_equal(tb_pool_queued(pool), 3);
    assert_int_equal(tb_pool_threads(pool), 2);
    assert_int_equal(atomic_load(&count), 0);
    open_gate(&g);
    tb_pool_free(pool);
    assert_int_equal(atomic_load(&count), 3);
}

static void waiting_ends_when_all_is_done(void **state)
{
    (void)state;
    atomic_int count = 0;
    tb_pool *pool = new_pool(3, 2);
    tb_pool_wait(pool); /* nothing to wait for */
    for (int i = 0; i < 1000; i++) tb_pool_submit(pool, count_up, &count);
    tb_pool_wait(pool);
    assert_int_equal(atomic_load(&count), 1000);
    assert_int_equal(tb_pool_queued(pool), 0);
    assert_status(tb_pool_try(pool, count_up, &count), TB_OK);
    tb_pool_wait(pool);
    assert_int_equal(atomic_load(&count), 1001);
    tb_pool_free(pool);
}

typedef struct order {
    int seen[100];
    int n;
} order;
typedef struct numbered {
    order *into;
    int number;
} numbered;

static void note_number(void *context)
{
    const numbered *n = context;
    n->into->seen[n->into->n++] = n->number;
}

static void work_is_done_in_the_order_of_the_queue(void **state)
{
    (void)state;
    order o = {.n = 0};
    numbered work[100];
    tb_pool *pool = new_pool(1, 7);
    for (int i = 0; i < 100; i++) {
        work[i] = (numbered){&o, i};
        tb_pool_submit(pool, note_number, &work[i]);
    }
    tb_pool_free(pool);
    assert_int_equal(o.n, 100);
    for (int i = 0; i < 100; i++) assert_int_equal(o.seen[i], i);
}

typedef struct producer {
    tb_pool *pool;
    atomic_int *count;
    atomic_int *refused;
} producer;

static void *produce(void *context)
{
    const producer *p = context;
    for (int i = 0; i < 2000; i++) {
        if (i % 2)
            tb_pool_submit(p->pool, count_up, p->count);
        else if (tb_pool_try(p->pool, count_up, p->count) == TB_BUSY)
            atomic_fetch_add(p->refused, 1);
    }
    return NULL;
}

static void many_threads_submit_and_nothing_is_lost(void **state)
{
    (void)state;
    enum { PRODUCERS = 8 };
    atomic_int count = 0, refused = 0;
    tb_pool *pool = new_pool(4, 5);
    producer p = {pool, &count, &refused};
    pthread_t threads[PRODUCERS];
    for (int i = 0; i < PRODUCERS; i++) assert_int_equal(pthread_create(&threads[i], NULL, produce, &p), 0);
    for (int i = 0; i < PRODUCERS; i++) pthread_join(threads[i], NULL);
    tb_pool_wait(pool);
    assert_int_equal(atomic_load(&count) + atomic_load(&refused), PRODUCERS * 2000);
    tb_pool_free(pool);
}

static void note_signals(void *context)
{
    pthread_sigmask(SIG_SETMASK, NULL, context);
}

static void threads_leave_signals_to_the_process(void **state)
{
    (void)state;
    sigset_t in_pool, here;
    sigemptyset(&in_pool);
    tb_pool *pool = new_pool(1, 1);
    tb_pool_submit(pool, note_signals, &in_pool);
    tb_pool_free(pool);
    pthread_sigmask(SIG_SETMASK, NULL, &here);
    assert_true(sigismember(&in_pool, SIGTERM) == 1);
    assert_true(sigismember(&in_pool, SIGSEGV) == 0);
    assert_true(sigismember(&here, SIGTERM) == 0);
}

static void wrong_sizes_and_missing_memory_are_told(void **state)
{
    (void)state;
    tb_error err;
    tb_pool *pool = NULL;
    assert_status(tb_pool_new("p", 0, 1, &pool, &err), TB_INVALID);
    assert_status(tb_pool_new("p", 1, 0, &pool, &err), TB_INVALID);
    assert_status(tb_pool_new("p", 1, SIZE_MAX / 2, &pool, &err), TB_NO_MEMORY);
    for (size_t n = 1;; n++) {
        tb_alloc_fail_after(n);
        const tb_status status = tb_pool_new("a name that is longer than the kernel's", 2, 2, &pool, &err);
        const size_t asked = tb_alloc_fail_after(0);
        if (status == TB_OK) {
            assert_true(asked < n);
            break;
        }
        assert_status(status, TB_NO_MEMORY);
        assert_null(pool);
    }
    tb_pool_free(pool);
    tb_pool_free(NULL);
}

TB_TESTS(pool, cmocka_unit_test(a_full_queue_is_busy_and_drains_on_free),
         cmocka_unit_test(waiting_ends_when_all_is_done), cmocka_unit_test(work_is_done_in_the_order_of_the_queue),
         cmocka_unit_test(many_threads_submit_and_nothing_is_lost),
         cmocka_unit_test(threads_leave_signals_to_the_process),
         cmocka_unit_test(wrong_sizes_and_missing_memory_are_told))
