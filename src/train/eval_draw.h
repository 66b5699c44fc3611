// SPDX-License-Identifier: MIT
/* What the tables of an evaluation draw: pieces close in tempo, and bars to start from.  Plain functions on a
 * generator; threads: any. */
#ifndef TIMBRE_TRAIN_EVAL_DRAW_H
#define TIMBRE_TRAIN_EVAL_DRAW_H

#include "base/rng.h"
#include "train/eval_tables.h"

#include <stdbool.h>
#include <stddef.h>

/* Streams of a seed, one for each table. */
typedef enum tb_eval_stream { TB_EVAL_STREAM_MIXES = 1, TB_EVAL_STREAM_JUDGEMENT,
                             TB_EVAL_STREAM_DISENTANGLEMENT, TB_EVAL_STREAM_AUDIO } tb_eval_stream;

/* Generator number `number` of a stream. */
void tb_eval_rng(tb_rng *rng, uint64_t seed, tb_eval_stream stream, size_t number);

/* Random order. */
void tb_eval_shuffle(tb_rng *rng, size_t *items, size_t n);

/* Numbers of the pieces that hold any stem of the mask and last n_rows, without `except` (SIZE_MAX: none), in
 * the order in which they suit `like`: those of its tempo group and metre at random, then the others by
 * nearness of tempo. found: set->n_pieces entries of room.  Returns how many. */
size_t tb_eval_near(const tb_eval_set *set, tb_rng *rng, const tb_piece *like, unsigned mask, size_t n_rows,
                    size_t except, size_t *found);

/* n rows to start a segment of n_rows rows from, spread over the piece and in random order: bars where it has
 * any that leave room.  The piece has at least n_rows rows.  first_rows: n. */
void tb_eval_starts(const tb_piece *piece, tb_rng *rng, size_t n_rows, size_t n, size_t *first_rows);

#endif
