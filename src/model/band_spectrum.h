// SPDX-License-Identifier: MIT
/* What the networks hear: rows of band powers, from the shared frames (frames.h).
 *
 *     samples of a frame ─► every 8th ─► spectrum of the last 8192 samples ─► low bands: 27.5 Hz to 440 Hz
 *     power of a frame ─► fine bands (TB_MEL_FINE of dsp/mel.h): 30 Hz to 11025 Hz ─► mean of TB_BAND_POOL frames
 *                      ─► one row: low bands, then fine bands; 21.5 rows a second
 *
 * The long window tells the notes of a bass apart (bins 2.7 Hz apart), the short one when things begin; the low bands of
 * a row end with it.  3 of 11 bands are low: 48 and 128 by default, 12 and 20 an octave.
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
    TB_BAND_POOL = 2, /* frames in a row */
    TB_BANDS_DEFAULT = 176,
    TB_BANDS_MIN = 8,
    TB_BANDS_MAX = 512,
};
/* Rows a second: TB_MODEL_RATE_HZ / (TB_FRAMES_HOP * TB_BAND_POOL). */
#define TB_BAND_ROWS_PER_S (22050.0 / 1024.0)

typedef struct tb_band_bank tb_band_bank;

/* n_bands: TB_BANDS_MIN to TB_BANDS_MAX, low and fine ones together, else TB_INVALID; TB_NO_MEMORY. */
tb_status tb_band_bank_new(size_t n_bands, tb_band_bank **bank, tb_error *err) TB_MUST_CHECK;
/* Accepts NULL. */
void tb_band_bank_free(tb_band_bank *bank);
size_t tb_band_bank_count(const tb_band_bank *bank);
/* How many of them, the first ones, are low. */
size_t tb_band_bank_low_count(const tb_band_bank *bank);
/* Middle of a band; it rises with the band among the low and among the fine ones. */
double tb_band_bank_center_hz(const tb_band_bank *bank, size_t band);
/* Where the power of a band comes from when all frequencies are multiplied by ratio > 0: a position among the bands of
 * its own resolution, with fractions, from the first to the last of them. */
double tb_band_bank_source(const tb_band_bank *bank, size_t band, double ratio);

typedef struct tb_band_rows tb_band_rows;

/* bank: borrowed as long as the stream. */
tb_status tb_band_rows_new(const tb_band_bank *bank, tb_band_rows **rows, tb_error *err) TB_MUST_CHECK;
/* Accepts NULL. */
void tb_band_rows_free(tb_band_rows *rows);
/* samples: TB_FRAMES_SIZE of the next frame; power: its TB_FRAMES_BINS powers.  The row that it completes (n_bands
 * values, >= 0), or NULL when the row wants more frames; borrowed until the next call. */
const float *tb_band_rows_push(tb_band_rows *rows, const float *samples, const float *power);

/* All rows of a signal at once.  mono: n samples at TB_MODEL_RATE_HZ.  *values: *n_rows x n_bands, tb_free; whole rows
 * only, and NULL with 0 rows when the signal is too short for one. */
tb_status tb_band_rows_read(const tb_band_bank *bank, const float *mono, size_t n, float **values, size_t *n_rows,
                            tb_error *err) TB_MUST_CHECK;

#endif
