// SPDX-License-Identifier: MIT
/* Triangles on the mel scale, sparse.
 *
 * With the n_mels + 2 edges f[0 …] evenly spaced in mel, band i rises from f[i] to f[i + 1] and falls to
 * f[i + 2]; TB_MEL_NORM_SLANEY scales it by 2 / (f[i + 2] - f[i]).  Its run of bins is widened with zero
 * weights to a multiple of eight where the spectrum has room, so that the inner loop needs no remainder. */
#include "dsp/mel.h"

#include "base/alloc.h"
#include "dsp/fft.h"
#include "dsp/vector_internal.h"

typedef struct band {
    size_t first_bin, n_bins, offset; /* offset: of its weights */
} band;

struct tb_mel {
    tb_mel_config config;
    size_t n_bins;
    double *edges_hz; /* n_mels + 2 */
    band *bands;      /* n_mels */
    float *weights;
};

/* Slaney's scale: 15 mel at 1 kHz, 3 mel per 200 Hz below, 27 steps for a factor of 6.4 above. */
static const double slaney_hz_per_mel = 200.0 / 3.0;
static const double slaney_break_hz = 1000.0;
static const double slaney_break_mel = 15.0;
#define SLANEY_LOG_STEP (log(6.4) / 27.0)

/* The fine scale: 20 steps an octave above 300 Hz, the same slope below. */
static const double fine_break_hz = 300.0;
#define FINE_LOG_STEP (log(2.0) / 20.0)

static const double lowest_a_hz = 27.5;

double tb_hz_to_mel(double hz, tb_mel_scale scale)
{
    if (scale == TB_MEL_LOG) return 12.0 * log2(fmax(hz, 1e-3) / lowest_a_hz);
    if (scale == TB_MEL_FINE)
        return (hz < fine_break_hz ? hz / fine_break_hz : 1.0 + log(hz / fine_break_hz)) / FINE_LOG_STEP;
    if (scale == TB_MEL_HTK) return 2595.0 * log10(1.0 + hz / 700.0);
    if (hz < slaney_break_hz) return hz / slaney_hz_per_mel;
    return slaney_break_mel + log(hz / slaney_break_hz) / SLANEY_LOG_STEP;
}

double tb_mel_to_hz(double mel, tb_mel_scale scale)
{
    if (scale == TB_MEL_LOG) return lowest_a_hz * exp2(mel / 12.0);
    if (scale == TB_MEL_FINE) {
        const double x = mel * FINE_LOG_STEP;
        return fine_break_hz * (x < 1.0 ? x : exp(x - 1.0));
    }
    if (scale == TB_MEL_HTK) return 700.0 * (pow(10.0, mel / 2595.0) - 1.0);
    if (mel < slaney_break_mel) return mel * slaney_hz_per_mel;
    return slaney_break_hz * exp((mel - slaney_break_mel) * SLANEY_LOG_STEP);
}

static tb_status check_config(const tb_mel_config *config, tb_error *err)
{
    const double nyquist_hz = config->sample_rate_hz / 2.0;
    if (!(config->sample_rate_hz > 0.0) || !isfinite(config->sample_rate_hz))
        return tb_error_set(err, TB_INVALID, "the sample rate must be above 0");
    if (config->n_fft < 2 || config->n_fft > TB_FFT_SIZE_MAX || config->n_fft % 2)
        return tb_error_set(err, TB_INVALID, "n_fft must be even and lie in 2 to %d", TB_FFT_SIZE_MAX);
    if (config->n_mels < 1 || config->n_mels > TB_MELS_MAX)
        return tb_error_set(err, TB_INVALID, "the number of mel bands must lie in 1 to %d", TB_MELS_MAX);
    if (!(config->fmin_hz >= 0.0) || !(config->fmax_hz > config->fmin_hz) || !(config->fmax_hz <= nyquist_hz))
        return tb_error_set(err, TB_INVALID, "mel bands from %g to %g Hz do not lie in 0 to %g Hz",
                            config->fmin_hz, config->fmax_hz, nyquist_hz);
    return TB_OK;
}

static void fill_edges(tb_mel *mel)
{
    const tb_mel_config *config = &mel->config;
    const double low = tb_hz_to_mel(config->fmin_hz, config->scale),
                 high = tb_hz_to_mel(config->fmax_hz, config->scale);
    for (size_t i = 0; i < config->n_mels + 2; i++)
        mel->edges_hz[i] =
            tb_mel_to_hz(low + (high - low) * (double)i / (double)(config->n_mels + 1), config->scale);
}

/* Height of band i at bin k before the norm, not above 0 outside of the band. */
static double triangle(const tb_mel *mel, size_t i, size_t k)
{
    const double *f = mel->edges_hz + i;
    const double hz = (double)k * mel->config.sample_rate_hz / (double)mel->config.n_fft;
    return fmin((hz - f[0]) / (f[1] - f[0]), (f[2] - hz) / (f[2] - f[1]));
}

/* Finds the run of bins of band i. */
static void find_run(const tb_mel *mel, size_t i, band *run)
{
    const double bins_per_hz = (double)mel->config.n_fft / mel->config.sample_rate_hz;
    size_t first = (size_t)(mel->edges_hz[i] * bins_per_hz);
    while (first < mel->n_bins && triangle(mel, i, first) <= 0.0 &&
           (double)first <= mel->edges_hz[i + 2] * bins_per_hz)
        first++;
    size_t end = first;
    while (end < mel->n_bins && triangle(mel, i, end) > 0.0) end++;
    size_t n_bins = (end - first + TB__LANES - 1) / TB__LANES * TB__LANES;
    if (n_bins > mel->n_bins) n_bins = mel->n_bins;
    run->first_bin = first + n_bins > mel->n_bins ? mel->n_bins - n_bins : first;
    run->n_bins = n_bins;
}

static void fill_weights(tb_mel *mel)
{
    for (size_t i = 0; i < mel->config.n_mels; i++) {
        const band *run = &mel->bands[i];
        const double width_hz = mel->edges_hz[i + 2] - mel->edges_hz[i];
        const double norm = mel->config.norm == TB_MEL_NORM_SLANEY ? 2.0 / width_hz : 1.0;
        for (size_t j = 0; j < run->n_bins; j++)
            mel->weights[run->offset + j] = (float)(norm * fmax(0.0, triangle(mel, i, run->first_bin + j)));
    }
}

tb_status tb_mel_new(const tb_mel_config *config, tb_mel **out, tb_error *err)
{
    tb_status status = TB_OK;
    tb_mel *mel = tb_alloc(1, sizeof *mel);
    if (!mel) TB_FAIL(err, TB_NO_MEMORY, "no memory for mel bands");
    mel->config = *config;
    if (mel->config.fmax_hz == 0.0) mel->config.fmax_hz = config->sample_rate_hz / 2.0;
    TB_TRY(check_config(&mel->config, err));
    mel->n_bins = config->n_fft / 2 + 1;
    mel->edges_hz = tb_alloc(config->n_mels + 2, sizeof *mel->edges_hz);
    mel->bands = tb_alloc(config->n_mels, sizeof *mel->bands);
    if (!mel->edges_hz || !mel->bands)
        TB_FAIL(err, TB_NO_MEMORY, "no memory for %zu mel bands", config->n_mels);
    fill_edges(mel);
    size_t n_weights = 0;
    for (size_t i = 0; i < config->n_mels; i++) {
        find_run(mel, i, &mel->bands[i]);
        mel->bands[i].offset = n_weights;
        n_weights += mel->bands[i].n_bins;
    }
    mel->weights = tb_alloc_aligned(n_weights, sizeof *mel->weights);
    if (!mel->weights) TB_FAIL(err, TB_NO_MEMORY, "no memory for %zu mel bands", config->n_mels);
    fill_weights(mel);
    *out = mel;
    mel = NULL;
out:
    tb_mel_free(mel);
    return status;
}

void tb_mel_free(tb_mel *mel)
{
    if (!mel) return;
    tb_free(mel->edges_hz);
    tb_free(mel->bands);
    tb_free(mel->weights);
    tb_free(mel);
}

size_t tb_mel_count(const tb_mel *mel)
{
    return mel->config.n_mels;
}

void tb_mel_compute(const tb_mel *mel, const float *power, float *out)
{
    for (size_t i = 0; i < mel->config.n_mels; i++) {
        const band *run = &mel->bands[i];
        out[i] = tb__dot(mel->weights + run->offset, power + run->first_bin, run->n_bins);
    }
}

double tb_mel_center_hz(const tb_mel *mel, size_t i)
{
    return mel->edges_hz[i + 1];
}
