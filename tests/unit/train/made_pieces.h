// SPDX-License-Identifier: MIT
/* Pieces in memory, each stem of each piece with a timbre and a rhythm of its own, for tests of training. */
#ifndef TIMBRE_TESTS_TRAIN_MADE_PIECES_H
#define TIMBRE_TESTS_TRAIN_MADE_PIECES_H

#include "train/piece_cache.h"

typedef struct made_pieces {
    size_t n, n_bands;
    tb_piece *pieces;
    const tb_piece **list; /* of all, as the sampler takes them */
} made_pieces;

/* Piece i is in tempo group i % n_groups and holds the stems of mask (all five: 31), of n_rows rows. */
void make_pieces(made_pieces *made, size_t n, size_t n_groups, size_t n_rows, size_t n_bands, unsigned mask);
void clear_pieces(made_pieces *made);
/* Writes them as a cache. */
void write_pieces(const made_pieces *made, const char *path);

#endif
