// SPDX-License-Identifier: MIT
/* What the networks hear: rows of band powers, from the shared frames (frames.h).
 *
 *     power of a frame ─► bands, triangles on the fine scale (dsp/mel.h), 30 Hz to 11025 Hz
 *                      ─► mean of TB_BAND_POOL frames ─► one row, 21.5 a second
 *
 * Powers of signals that are added add up (but for the phases, which cancel on average), so the row of a mix is the
 * sum of the rows of its stems: training mixes rows, not waveforms.
 *
 * tb_band_bank: immutable, shared by any threads.  tb_band_rows: one stream, one per thread. */
#ifndef TIMBRE_MODEL_BAND_SPECTRUM_H
#define TIMBRE_MODEL_BAND_SPECTRUM_H

#include "base/status.h"

#include <stddef.h>

enum {
    TB_BAND_POOL = 2,      /* frames in a row */
    TB_BANDS_DEFAULT = 128,
    TB_BANDS_MIN = 8,
    TB_BANDS_MAX = 512,
};
/* Rows a second: TB_MODEL_RATE_HZ / (TB_FRAMES_HOP * TB_BAND_POOL). */
#define TB_BAND_ROWS_PER_S (22050.0 / 1024.0)

typedef struct tb_band_bank tb_band_bank;

/* n_bands: TB_BANDS_MIN to TB_BANDS_MAX, else TB_INVALID; TB_NO_MEMORY. */
tb_status tb_band_bank_new(size_t n_bands, tb_band_bank **bank, tb_error *err) TB_MUST_CHECK;
/* Accepts NULL. */
void tb_band_bank_free(tb_band_bank *bank);
size_t tb_band_bank_count(const tb_band_bank *bank);
/* Middle of a band; it rises with the band. */
double tb_band_bank_center_hz(const tb_band_bank *bank, size_t band);
/* The other way: position on the axis of bands, 0 = the middle of band 0, with fractions; any hz >= 0. */
double tb_band_bank_position(const tb_band_bank *bank, double hz);

typedef struct tb_band_rows tb_band_rows;

/* bank: borrowed as long as the stream. */
tb_status tb_band_rows_new(const tb_band_bank *bank, tb_band_rows **rows, tb_error *err) TB_MUST_CHECK;
/* Accepts NULL. */
void tb_band_rows_free(tb_band_rows *rows);
/* Ready for another stream. */
void tb_band_rows_reset(tb_band_rows *rows);
/* power: TB_FRAMES_BINS powers of the next frame.  The row that it completes (n_bands values, >= 0), or NULL when
 * the row wants more frames; borrowed until the next call. */
const float *tb_band_rows_push(tb_band_rows *rows, const float *power);

/* All rows of a signal at once.  mono: n samples at TB_MODEL_RATE_HZ.  *values: *n_rows x n_bands, tb_free; whole rows
 * only, and NULL with 0 rows when the signal is too short for one. */
tb_status tb_band_rows_read(const tb_band_bank *bank, const float *mono, size_t n, float **values, size_t *n_rows,
                            tb_error *err) TB_MUST_CHECK;

#endif
