// SPDX-License-Identifier: MIT
/* Pieces come out in order whoever makes them, and a failure ends the work once. */
#include "support/testing.h"

#include "base/alloc.h"
#include "train/piece_line.h"

#include <sched.h>
#include <stdio.h>

enum { N = 60, NOTHING = 7, KEPT = 3 };

typedef struct work {
    size_t stored[N], n_stored;
    size_t fails_at; /* piece whose making fails; SIZE_MAX: none */
    size_t store_fails_at;
    atomic_size_t n_made, n_workers;
    atomic_bool cancel;
    size_t cancels_at;
    size_t last_done;
} work;

static tb_status worker_new(void *context, void **worker, tb_error *err)
{
    (void)err;
    atomic_fetch_add(&((work *)context)->n_workers, 1);
    *worker = context;
    return TB_OK;
}

static void worker_free(void *worker)
{
    atomic_fetch_sub(&((work *)worker)->n_workers, 1);
}

static bool is_kept(void *context, size_t i)
{
    (void)context;
    return i % KEPT == 0;
}

/* Pieces that can be divided by NOTHING have nothing to store.  Some take longer than others. */
static tb_status make(void *context, void *worker, size_t i, void **made, tb_error *err)
{
    work *w = context;
    assert_ptr_equal(worker, context);
    for (size_t k = 0; k < (i * 7919) % 50; k++) sched_yield();
    if (i == w->fails_at) return tb_error_set(err, TB_CORRUPT, "piece %zu is bad", i);
    if (i % NOTHING != 0) {
        size_t *number = tb_alloc(1, sizeof *number);
        if (!number) return tb_error_set(err, TB_NO_MEMORY, "no memory");
        *number = i;
        *made = number;
    }
    atomic_fetch_add(&w->n_made, 1);
    return TB_OK;
}

static tb_status store(void *context, size_t i, void *made, tb_error *err)
{
    work *w = context;
    assert_int_equal(*(size_t *)made, i);
    if (i == w->store_fails_at) return tb_error_set(err, TB_FULL, "no room for piece %zu", i);
    w->stored[w->n_stored++] = i;
    return TB_OK;
}

static void discard(void *made)
{
    tb_free(made);
}

static void show(void *context, size_t done, size_t total)
{
    work *w = context;
    assert_int_equal(total, N);
    assert_int_equal(done, w->last_done + 1);
    w->last_done = done;
    if (done == w->cancels_at) atomic_store(&w->cancel, true);
}

static tb_piece_line line_for(work *w, size_t n_threads)
{
    *w = (work){.fails_at = SIZE_MAX, .store_fails_at = SIZE_MAX};
    return (tb_piece_line){.n_pieces = N,
                           .n_threads = n_threads,
                           .context = w,
                           .worker_new = worker_new,
                           .worker_free = worker_free,
                           .is_kept = is_kept,
                           .make = make,
                           .store = store,
                           .discard = discard,
                           .progress = show,
                           .progress_context = w,
                           .cancel = &w->cancel};
}

/* Everything before `end` that is neither kept nor empty, in order. */
static void assert_stored_before(const work *w, size_t end)
{
    size_t n = 0;
    for (size_t i = 0; i < end; i++)
        if (i % KEPT != 0 && i % NOTHING != 0) assert_int_equal(w->stored[n++], i);
    assert_int_equal(w->n_stored, n);
}

static void pieces_are_stored_in_order_by_any_number_of_threads(void **state)
{
    (void)state;
    for (size_t n_threads = 1; n_threads <= 8; n_threads += 3) {
        tb_error err = {0};
        work w;
        tb_piece_line_result result = {0};
        const tb_piece_line line = line_for(&w, n_threads);
        assert_ok(tb_piece_line_run(&line, &result, &err));
        assert_stored_before(&w, N);
        assert_int_equal(result.n_kept, N / KEPT);
        assert_int_equal(result.n_made, N - N / KEPT);
        assert_int_equal(w.last_done, N);
        assert_int_equal(w.n_workers, 0);
    }
}

static void the_first_failure_ends_the_work(void **state)
{
    (void)state;
    for (size_t n_threads = 1; n_threads <= 4; n_threads += 3) {
        tb_error err = {0};
        work w;
        tb_piece_line_result result = {0};
        tb_piece_line line = line_for(&w, n_threads);
        w.fails_at = 31;
        assert_status(tb_piece_line_run(&line, &result, &err), TB_CORRUPT);
        assert_string_equal(err.message, "piece 31 is bad");
        assert_true(w.n_stored <= 31 && w.n_made < N);
        line = line_for(&w, n_threads);
        w.store_fails_at = 20;
        assert_status(tb_piece_line_run(&line, &result, &err), TB_FULL);
        assert_stored_before(&w, 20);
        assert_int_equal(w.n_workers, 0);
    }
}

static void cancelled_work_keeps_what_is_stored(void **state)
{
    (void)state;
    tb_error err = {0};
    work w;
    tb_piece_line_result result = {0};
    const tb_piece_line line = line_for(&w, 1);
    w.cancels_at = 10;
    assert_status(tb_piece_line_run(&line, &result, &err), TB_CANCELLED);
    assert_int_equal(result.n_made + result.n_kept, w.last_done);
    assert_true(w.last_done >= 10 && w.last_done < 20);
    assert_stored_before(&w, w.last_done);
}

TB_TESTS(piece_line, cmocka_unit_test(pieces_are_stored_in_order_by_any_number_of_threads),
         cmocka_unit_test(the_first_failure_ends_the_work),
         cmocka_unit_test(cancelled_work_keeps_what_is_stored))
