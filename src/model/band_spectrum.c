// SPDX-License-Identifier: MIT
#include "model/band_spectrum.h"

#include "base/alloc.h"
#include "dsp/mel.h"
#include "dsp/stft.h"
#include "model/frames.h"
#include "model/model.h"

#include <string.h>

static const double lowest_hz = 30;
static const double highest_hz = TB_MODEL_RATE_HZ / 2.0;

struct tb_band_bank {
    tb_mel *bands;
    size_t n_bands;
};

struct tb_band_rows {
    const tb_band_bank *bank;
    size_t n_frames; /* in the row so far */
    float *frame, *row;
};

tb_status tb_band_bank_new(size_t n_bands, tb_band_bank **bank, tb_error *err)
{
    tb_status status = TB_OK;
    tb_band_bank *made = NULL;
    if (n_bands < TB_BANDS_MIN || n_bands > TB_BANDS_MAX)
        TB_FAIL(err, TB_INVALID, "the number of bands must lie in %d to %d", TB_BANDS_MIN, TB_BANDS_MAX);
    made = tb_alloc(1, sizeof *made);
    if (made == NULL) TB_FAIL(err, TB_NO_MEMORY, "no memory for %zu bands", n_bands);
    made->n_bands = n_bands;
    TB_TRY(tb_mel_new(&(tb_mel_config){.sample_rate_hz = TB_MODEL_RATE_HZ, .n_fft = TB_FRAMES_SIZE, .n_mels = n_bands,
                                       .fmin_hz = lowest_hz, .fmax_hz = highest_hz, .scale = TB_MEL_FINE,
                                       .norm = TB_MEL_NORM_SLANEY},
                      &made->bands, err));
    *bank = made;
    made = NULL;
out:
    tb_band_bank_free(made);
    return status;
}

void tb_band_bank_free(tb_band_bank *bank)
{
    if (bank == NULL) return;
    tb_mel_free(bank->bands);
    tb_free(bank);
}

size_t tb_band_bank_count(const tb_band_bank *bank)
{
    return bank->n_bands;
}

double tb_band_bank_center_hz(const tb_band_bank *bank, size_t band)
{
    return tb_mel_center_hz(bank->bands, band);
}

double tb_band_bank_position(const tb_band_bank *bank, double hz)
{
    const double low = tb_hz_to_mel(lowest_hz, TB_MEL_FINE), high = tb_hz_to_mel(highest_hz, TB_MEL_FINE);
    return (tb_hz_to_mel(hz, TB_MEL_FINE) - low) / (high - low) * (double)(bank->n_bands + 1) - 1;
}

tb_status tb_band_rows_new(const tb_band_bank *bank, tb_band_rows **rows, tb_error *err)
{
    tb_status status = TB_OK;
    tb_band_rows *made = tb_alloc(1, sizeof *made);
    if (made == NULL) TB_FAIL(err, TB_NO_MEMORY, "no memory for rows of bands");
    made->bank = bank;
    made->frame = tb_alloc(bank->n_bands, sizeof *made->frame);
    made->row = tb_alloc(bank->n_bands, sizeof *made->row);
    if (made->frame == NULL || made->row == NULL) TB_FAIL(err, TB_NO_MEMORY, "no memory for rows of bands");
    *rows = made;
    made = NULL;
out:
    tb_band_rows_free(made);
    return status;
}

void tb_band_rows_free(tb_band_rows *rows)
{
    if (rows == NULL) return;
    tb_free(rows->frame);
    tb_free(rows->row);
    tb_free(rows);
}

void tb_band_rows_reset(tb_band_rows *rows)
{
    rows->n_frames = 0;
}

const float *tb_band_rows_push(tb_band_rows *rows, const float *power)
{
    const size_t n_bands = rows->bank->n_bands;
    if (rows->n_frames == TB_BAND_POOL) rows->n_frames = 0;
    if (rows->n_frames == 0) memset(rows->row, 0, n_bands * sizeof *rows->row);
    tb_mel_compute(rows->bank->bands, power, rows->frame);
    for (size_t b = 0; b < n_bands; b++) rows->row[b] += rows->frame[b] / TB_BAND_POOL;
    return ++rows->n_frames == TB_BAND_POOL ? rows->row : NULL;
}

tb_status tb_band_rows_read(const tb_band_bank *bank, const float *mono, size_t n, float **values, size_t *n_rows,
                            tb_error *err)
{
    tb_status status = TB_OK;
    tb_stft *stft = NULL;
    tb_band_rows *rows = NULL;
    float *made = NULL;
    size_t count = 0;
    TB_TRY(tb_stft_new(&(tb_stft_config){.n_fft = TB_FRAMES_SIZE, .hop = TB_FRAMES_HOP, .window = TB_WINDOW_HANN, .pad = TB_PAD_NONE},
                       &stft, err));
    TB_TRY(tb_band_rows_new(bank, &rows, err));
    const size_t total = tb_stft_count(stft, n) / TB_BAND_POOL;
    if (total > 0) {
        made = tb_alloc(total * bank->n_bands, sizeof *made);
        if (made == NULL) TB_FAIL(err, TB_NO_MEMORY, "no memory for %zu rows of bands", total);
    }
    while (n > 0) {
        const size_t taken = tb_stft_push(stft, mono, n);
        mono += taken;
        n -= taken;
        for (tb_stft_frame frame; tb_stft_next(stft, &frame);) {
            const float *row = tb_band_rows_push(rows, frame.power);
            if (row != NULL) memcpy(made + count++ * bank->n_bands, row, bank->n_bands * sizeof *row);
        }
    }
    *values = made;
    *n_rows = count;
    made = NULL;
out:
    tb_free(made);
    tb_band_rows_free(rows);
    tb_stft_free(stft);
    return status;
}
