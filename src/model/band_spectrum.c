// SPDX-License-Identifier: MIT
/* The long window is 1024 samples of an eighth of the rate, with as many zeros behind them, so that even the lowest
 * band, 3 Hz wide, holds bins.  A tone has the same power in a low band as in a fine one of the same width: the low
 * spectrum has half as many samples (a quarter of the power) and, for its zeros, twice the bins. */
#include "model/band_spectrum.h"

#include "base/alloc.h"
#include "dsp/decimate.h"
#include "dsp/fft.h"
#include "dsp/mel.h"
#include "dsp/stft.h"
#include "dsp/window.h"
#include "model/frames.h"
#include "model/model.h"

#include <math.h>
#include <string.h>

enum {
    FACTOR = 8,
    LOW_WINDOW = 1024,
    LOW_FFT = 2 * LOW_WINDOW,
    LOW_BINS = LOW_FFT / 2 + 1,
    NEW_SAMPLES = TB_FRAMES_HOP / FACTOR,    /* of the low rate, a frame */
    FIRST_SAMPLES = TB_FRAMES_SIZE / FACTOR, /* with the first frame */
};
static const double fine_lowest_hz = 30, fine_highest_hz = TB_MODEL_RATE_HZ / 2.0;
static const double low_lowest_hz = 27.5, low_octaves = 4;
static const float low_scale = 2;

struct tb_band_bank {
    tb_mel *low, *fine;
    size_t n_low, n_fine;
    tb_fft *fft;   /* LOW_FFT */
    float *window; /* LOW_WINDOW */
};

struct tb_band_rows {
    const tb_band_bank *bank;
    tb_decimator *decimator;
    size_t n_frames; /* in the row so far */
    bool begun;
    float *frame, *row;
    float *recent;             /* LOW_WINDOW: the last samples of the low rate */
    float *windowed;           /* LOW_FFT, the second half zeros */
    float *spectrum, *power;   /* LOW_BINS pairs, and their powers */
};

/* Edges of the low bands: one step below the lowest centre and one above the highest. */
static double low_step(const tb_band_bank *bank)
{
    return 12 * low_octaves / (double)bank->n_low; /* semitones */
}

tb_status tb_band_bank_new(size_t n_bands, tb_band_bank **bank, tb_error *err)
{
    tb_status status = TB_OK;
    tb_band_bank *made = NULL;
    if (n_bands < TB_BANDS_MIN || n_bands > TB_BANDS_MAX)
        TB_FAIL(err, TB_INVALID, "the number of bands must lie in %d to %d", TB_BANDS_MIN, TB_BANDS_MAX);
    made = tb_alloc(1, sizeof *made);
    if (made == NULL) TB_FAIL(err, TB_NO_MEMORY, "no memory for %zu bands", n_bands);
    made->n_low = n_bands * 3 / 11;
    made->n_fine = n_bands - made->n_low;
    TB_TRY(tb_mel_new(&(tb_mel_config){.sample_rate_hz = (double)TB_MODEL_RATE_HZ / FACTOR, .n_fft = LOW_FFT, .n_mels = made->n_low,
                                       .fmin_hz = low_lowest_hz * exp2(-low_step(made) / 12),
                                       .fmax_hz = low_lowest_hz * exp2(low_octaves), .scale = TB_MEL_LOG, .norm = TB_MEL_NORM_SLANEY},
                      &made->low, err));
    TB_TRY(tb_mel_new(&(tb_mel_config){.sample_rate_hz = TB_MODEL_RATE_HZ, .n_fft = TB_FRAMES_SIZE, .n_mels = made->n_fine,
                                       .fmin_hz = fine_lowest_hz, .fmax_hz = fine_highest_hz, .scale = TB_MEL_FINE,
                                       .norm = TB_MEL_NORM_SLANEY},
                      &made->fine, err));
    TB_TRY(tb_fft_new(LOW_FFT, &made->fft, err));
    made->window = tb_alloc(LOW_WINDOW, sizeof *made->window);
    if (made->window == NULL) TB_FAIL(err, TB_NO_MEMORY, "no memory for %zu bands", n_bands);
    tb_window_fill(TB_WINDOW_HANN, LOW_WINDOW, made->window);
    *bank = made;
    made = NULL;
out:
    tb_band_bank_free(made);
    return status;
}

void tb_band_bank_free(tb_band_bank *bank)
{
    if (bank == NULL) return;
    tb_mel_free(bank->low);
    tb_mel_free(bank->fine);
    tb_fft_free(bank->fft);
    tb_free(bank->window);
    tb_free(bank);
}

size_t tb_band_bank_count(const tb_band_bank *bank)
{
    return bank->n_low + bank->n_fine;
}

size_t tb_band_bank_low_count(const tb_band_bank *bank)
{
    return bank->n_low;
}

double tb_band_bank_center_hz(const tb_band_bank *bank, size_t band)
{
    return band < bank->n_low ? tb_mel_center_hz(bank->low, band) : tb_mel_center_hz(bank->fine, band - bank->n_low);
}

double tb_band_bank_source(const tb_band_bank *bank, size_t band, double ratio)
{
    const bool is_low = band < bank->n_low;
    const size_t first = is_low ? 0 : bank->n_low, n = is_low ? bank->n_low : bank->n_fine;
    const tb_mel_scale scale = is_low ? TB_MEL_LOG : TB_MEL_FINE;
    const double low = tb_hz_to_mel(tb_band_bank_center_hz(bank, first), scale),
                 high = tb_hz_to_mel(tb_band_bank_center_hz(bank, first + n - 1), scale);
    const double at = tb_hz_to_mel(tb_band_bank_center_hz(bank, band) / ratio, scale);
    const double share = n > 1 ? (at - low) / (high - low) : 0;
    return (double)first + fmin(fmax(share, 0), 1) * (double)(n - 1);
}

tb_status tb_band_rows_new(const tb_band_bank *bank, tb_band_rows **rows, tb_error *err)
{
    tb_status status = TB_OK;
    tb_band_rows *made = tb_alloc(1, sizeof *made);
    if (made == NULL) TB_FAIL(err, TB_NO_MEMORY, "no memory for rows of bands");
    made->bank = bank;
    made->frame = tb_alloc(bank->n_fine, sizeof *made->frame);
    made->row = tb_alloc(tb_band_bank_count(bank), sizeof *made->row);
    made->recent = tb_alloc(LOW_WINDOW, sizeof *made->recent);
    made->windowed = tb_alloc_aligned(LOW_FFT, sizeof *made->windowed);
    made->spectrum = tb_alloc_aligned(2 * LOW_BINS, sizeof *made->spectrum);
    made->power = tb_alloc(LOW_BINS, sizeof *made->power);
    if (!made->frame || !made->row || !made->recent || !made->windowed || !made->spectrum || !made->power)
        TB_FAIL(err, TB_NO_MEMORY, "no memory for rows of bands");
    memset(made->windowed, 0, LOW_FFT * sizeof *made->windowed);
    TB_TRY(tb_decimator_new(FACTOR, &made->decimator, err));
    *rows = made;
    made = NULL;
out:
    tb_band_rows_free(made);
    return status;
}

void tb_band_rows_free(tb_band_rows *rows)
{
    if (rows == NULL) return;
    tb_decimator_free(rows->decimator);
    tb_free(rows->frame);
    tb_free(rows->row);
    tb_free(rows->recent);
    tb_free(rows->windowed);
    tb_free(rows->spectrum);
    tb_free(rows->power);
    tb_free(rows);
}

/* Frames overlap: only the samples behind the last frame are new. */
static void take_samples(tb_band_rows *rows, const float *samples)
{
    const size_t n = rows->begun ? NEW_SAMPLES : FIRST_SAMPLES;
    memmove(rows->recent, rows->recent + n, (LOW_WINDOW - n) * sizeof *rows->recent);
    tb_decimator_push(rows->decimator, samples + TB_FRAMES_SIZE - n * FACTOR, n * FACTOR, rows->recent + LOW_WINDOW - n);
    rows->begun = true;
}

static void fill_low_bands(tb_band_rows *rows)
{
    const tb_band_bank *bank = rows->bank;
    for (size_t i = 0; i < LOW_WINDOW; i++) rows->windowed[i] = rows->recent[i] * bank->window[i];
    tb_fft_forward(bank->fft, rows->windowed, rows->spectrum);
    tb_spectrum_power(rows->spectrum, LOW_BINS, rows->power);
    tb_mel_compute(bank->low, rows->power, rows->row);
    for (size_t b = 0; b < bank->n_low; b++) rows->row[b] *= low_scale;
}

const float *tb_band_rows_push(tb_band_rows *rows, const float *samples, const float *power)
{
    const size_t n_low = rows->bank->n_low, n_fine = rows->bank->n_fine;
    float *fine = rows->row + n_low;
    if (rows->n_frames == TB_BAND_POOL) rows->n_frames = 0;
    if (rows->n_frames == 0) memset(fine, 0, n_fine * sizeof *fine);
    take_samples(rows, samples);
    tb_mel_compute(rows->bank->fine, power, rows->frame);
    for (size_t b = 0; b < n_fine; b++) fine[b] += rows->frame[b] / TB_BAND_POOL;
    if (++rows->n_frames < TB_BAND_POOL) return NULL;
    fill_low_bands(rows);
    return rows->row;
}

tb_status tb_band_rows_read(const tb_band_bank *bank, const float *mono, size_t n, float **values, size_t *n_rows,
                            tb_error *err)
{
    tb_status status = TB_OK;
    const size_t n_bands = tb_band_bank_count(bank);
    tb_stft *stft = NULL;
    tb_band_rows *rows = NULL;
    float *made = NULL;
    size_t count = 0;
    TB_TRY(tb_stft_new(&(tb_stft_config){.n_fft = TB_FRAMES_SIZE, .hop = TB_FRAMES_HOP, .window = TB_WINDOW_HANN, .pad = TB_PAD_NONE},
                       &stft, err));
    TB_TRY(tb_band_rows_new(bank, &rows, err));
    const size_t total = tb_stft_count(stft, n) / TB_BAND_POOL;
    if (total > 0) {
        made = tb_alloc(total * n_bands, sizeof *made);
        if (made == NULL) TB_FAIL(err, TB_NO_MEMORY, "no memory for %zu rows of bands", total);
    }
    while (n > 0) {
        const size_t taken = tb_stft_push(stft, mono, n);
        mono += taken;
        n -= taken;
        for (tb_stft_frame frame; tb_stft_next(stft, &frame);) {
            const float *row = tb_band_rows_push(rows, frame.samples, frame.power);
            if (row != NULL) memcpy(made + count++ * n_bands, row, n_bands * sizeof *row);
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
