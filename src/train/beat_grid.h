// SPDX-License-Identifier: MIT
/* Beats of a recording that nobody wrote down: tempo by autocorrelation (dsp/tempogram.h), then the even grid
 * that meets most onsets, in bars of four.  Good for music of one tempo; elsewhere the bars are only places
 * to begin at. */
#ifndef TIMBRE_TRAIN_BEAT_GRID_H
#define TIMBRE_TRAIN_BEAT_GRID_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct tb_beat_grid {
    bool known;               /* false: no tempo was found, the grid is one of 120 bpm */
    double tempo_bpm;         /* 20 to 1000 */
    double *beats_s, *bars_s; /* ascending, within the recording */
    size_t n_beats, n_bars;
} tb_beat_grid;

/* mono: n samples at TB_MODEL_RATE_HZ.  *grid: to be cleared.  TB_NO_MEMORY. */
tb_status tb_beat_grid_find(const float *mono, size_t n, tb_beat_grid *grid, tb_error *err) TB_MUST_CHECK;
/* Accepts a zeroed one. */
void tb_beat_grid_clear(tb_beat_grid *grid);

#endif
