// SPDX-License-Identifier: MIT
/* Signals of stems become a piece for the cache.  tb_made_piece: one thread at a time. */
#ifndef TIMBRE_TRAIN_PIECE_ROWS_H
#define TIMBRE_TRAIN_PIECE_ROWS_H

#include "base/status.h"
#include "model/band_spectrum.h"
#include "train/piece_cache.h"

/* A piece with the memory that it points to. */
typedef struct tb_made_piece {
    tb_piece piece;
    char name[64];
    uint16_t *rows[TB_STEM_COUNT];
    float *beats, *bars;
} tb_made_piece;

/* facts: all of a piece but name, rows, beats and bars.  stems: n samples each at TB_MODEL_RATE_HZ, NULL
 * where silent. beats_s, bars_s: ascending times in seconds; those behind the end are left out.  *made:
 * tb_made_piece_free. TB_INVALID when it is too short for a row, TB_NO_MEMORY. */
tb_status tb_made_piece_new(const tb_band_bank *bank, const tb_piece *facts, const char *name,
                            const float *const stems[TB_STEM_COUNT], size_t n, const double *beats_s,
                            size_t n_beats, const double *bars_s, size_t n_bars, tb_made_piece **made,
                            tb_error *err) TB_MUST_CHECK;
/* Accepts NULL. */
void tb_made_piece_free(tb_made_piece *made);

#endif
