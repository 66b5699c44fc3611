// SPDX-License-Identifier: MIT
/* Pieces made by several threads and stored in order, so that a data set is the same file however many there
 * are.
 *
 * Each thread has a worker, takes the next piece, makes it and hands it in; a few pieces a thread may wait for
 * their turn to be stored.  The first failure ends the work; so does `cancel`, between two pieces. */
#ifndef TIMBRE_TRAIN_PIECE_LINE_H
#define TIMBRE_TRAIN_PIECE_LINE_H

#include "base/status.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct tb_piece_line {
    size_t n_pieces;
    size_t n_threads; /* 1 to 256 */
    void *context;    /* of the functions; those that any thread calls at any time only read it */
    /* Any thread; NULL: no workers. */
    tb_status (*worker_new)(void *context, void **worker, tb_error *err);
    void (*worker_free)(void *worker);
    /* Whether piece i is there already; one thread at a time.  NULL: none is. */
    bool (*is_kept)(void *context, size_t i);
    /* Any thread, in any order.  *made: NULL when there is nothing to store. */
    tb_status (*make)(void *context, void *worker, size_t i, void **made, tb_error *err);
    /* In order of i, one thread at a time; made is not NULL and still the line's.  NULL: nothing is ever
     * stored. */
    tb_status (*store)(void *context, size_t i, void *made, tb_error *err);
    /* Frees what make made; any thread. */
    void (*discard)(void *made);
    void (*progress)(void *context, size_t done,
                     size_t total); /* may be NULL; from any thread, one at a time */
    void *progress_context;
    const atomic_bool *cancel; /* NULL = never */
} tb_piece_line;

typedef struct tb_piece_line_result {
    size_t n_made, n_kept; /* pieces that make returned TB_OK for; pieces that were there */
} tb_piece_line_result;

/* TB_CANCELLED, TB_NO_MEMORY, or the first failure of a piece.  *result is also set on failure. */
tb_status tb_piece_line_run(const tb_piece_line *line, tb_piece_line_result *result,
                            tb_error *err) TB_MUST_CHECK;

#endif
