// SPDX-License-Identifier: MIT
/* Chroma filters: bin k, at class p = n_chroma * log2(f / (A440 / 16)), gives to class c the weight
 * exp(-1/2 (2 d / w)^2), d being the distance of p and c on the circle and w the distance of bin k + 1
 * (at least 1); each bin's weights have the L2 norm 1 and are then scaled by
 * exp(-1/2 ((octave - 5) / 2)^2).  Bin 0 is put one and a half octaves below bin 1. */
#include "dsp/chroma.h"

#include "base/alloc.h"
#include "dsp/fft.h"
#include "dsp/vector_internal.h"

enum { CHROMA_MAX = 120 };

struct tb_chroma {
    tb_chroma_config config;
    size_t n_bins;
    float *weights; /* (n_chroma, n_bins) */
};

static tb_status check_rate_and_size(double sample_rate_hz, size_t n_fft, tb_error *err)
{
    if (!(sample_rate_hz > 0.0) || !isfinite(sample_rate_hz))
        return tb_error_set(err, TB_INVALID, "the sample rate must be above 0");
    if (n_fft < 4 || n_fft > TB_FFT_SIZE_MAX || n_fft % 2)
        return tb_error_set(err, TB_INVALID, "n_fft must be even and lie in 4 to %d", TB_FFT_SIZE_MAX);
    return TB_OK;
}

/* Class of bin k, counted from A0 (27.5 Hz), not wrapped. */
static double class_of_bin(const tb_chroma_config *config, size_t k)
{
    const double n_chroma = (double)config->n_chroma;
    if (k == 0) return class_of_bin(config, 1) - 1.5 * n_chroma;
    const double a0_hz = 27.5 * exp2(config->tuning / n_chroma);
    return n_chroma * log2((double)k * config->sample_rate_hz / (double)config->n_fft / a0_hz);
}

static void fill_bin(tb_chroma *chroma, size_t k)
{
    const size_t n_chroma = chroma->config.n_chroma;
    const double place = class_of_bin(&chroma->config, k);
    const double width = fmax(class_of_bin(&chroma->config, k + 1) - place, 1.0);
    double weights[CHROMA_MAX], square = 0.0;
    for (size_t c = 0; c < n_chroma; c++) {
        const double distance = remainder(place - (double)c, (double)n_chroma);
        weights[c] = exp(-2.0 * (distance / width) * (distance / width));
        square += weights[c] * weights[c];
    }
    const double from_center = (place / (double)n_chroma - 5.0) / 2.0;
    const double scale = exp(-0.5 * from_center * from_center) / sqrt(square);
    const size_t c_above_a = n_chroma / 4; /* three semitones */
    for (size_t c = 0; c < n_chroma; c++)
        chroma->weights[c * chroma->n_bins + k] = (float)(scale * weights[(c + c_above_a) % n_chroma]);
}

tb_status tb_chroma_new(const tb_chroma_config *config, tb_chroma **out, tb_error *err)
{
    tb_status status = TB_OK;
    tb_chroma *chroma = tb_alloc(1, sizeof *chroma);
    if (!chroma) TB_FAIL(err, TB_NO_MEMORY, "no memory for chroma filters");
    chroma->config = *config;
    if (config->n_chroma == 0) chroma->config.n_chroma = 12;
    const size_t n_chroma = chroma->config.n_chroma;
    TB_TRY(check_rate_and_size(config->sample_rate_hz, config->n_fft, err));
    if (n_chroma > CHROMA_MAX || n_chroma % 12)
        TB_FAIL(err, TB_INVALID, "the number of pitch classes must be a multiple of 12, at most %d",
                CHROMA_MAX);
    if (!(fabs(config->tuning) <= 0.5))
        TB_FAIL(err, TB_INVALID, "the tuning must lie in -0.5 to 0.5 classes");
    chroma->n_bins = config->n_fft / 2 + 1;
    chroma->weights = tb_alloc_aligned(n_chroma * chroma->n_bins, sizeof *chroma->weights);
    if (!chroma->weights) TB_FAIL(err, TB_NO_MEMORY, "no memory for %zu chroma filters", n_chroma);
    for (size_t k = 0; k < chroma->n_bins; k++) fill_bin(chroma, k);
    *out = chroma;
    chroma = NULL;
out:
    tb_chroma_free(chroma);
    return status;
}

void tb_chroma_free(tb_chroma *chroma)
{
    if (!chroma) return;
    tb_free(chroma->weights);
    tb_free(chroma);
}

size_t tb_chroma_count(const tb_chroma *chroma)
{
    return chroma->config.n_chroma;
}

void tb_chroma_compute(const tb_chroma *chroma, const float *power, float *out)
{
    for (size_t c = 0; c < chroma->config.n_chroma; c++)
        out[c] = tb__dot(chroma->weights + c * chroma->n_bins, power, chroma->n_bins);
}

void tb_chroma_normalize(float *chroma, size_t n_chroma)
{
    float max = 0.0f;
    for (size_t c = 0; c < n_chroma; c++) max = chroma[c] > max ? chroma[c] : max;
    if (max <= FLT_MIN) return;
    for (size_t c = 0; c < n_chroma; c++) chroma[c] /= max;
}

/* --- tuning ------------------------------------------------------------------------------------------ */

enum { CELLS = 100, STRENGTHS_PER_DB = 4, STRENGTH_MIN_DB = -120, STRENGTH_MAX_DB = 200 };
enum { STRENGTHS = (STRENGTH_MAX_DB - STRENGTH_MIN_DB) * STRENGTHS_PER_DB };

struct tb_tuning {
    double hz_per_bin;
    size_t n_bins;
    size_t first_bin, end_bin; /* bins from 150 Hz to below 4000 Hz, and with both neighbours */
    uint64_t n_peaks;
    uint32_t (*counts)[CELLS]; /* (STRENGTHS, CELLS) */
};

tb_status tb_tuning_new(double sample_rate_hz, size_t n_fft, tb_tuning **out, tb_error *err)
{
    tb_status status = TB_OK;
    tb_tuning *tuning = NULL;
    TB_TRY(check_rate_and_size(sample_rate_hz, n_fft, err));
    tuning = tb_alloc(1, sizeof *tuning);
    if (!tuning) TB_FAIL(err, TB_NO_MEMORY, "no memory for a tuning estimate");
    tuning->counts = tb_alloc(STRENGTHS, sizeof *tuning->counts);
    if (!tuning->counts) TB_FAIL(err, TB_NO_MEMORY, "no memory for a tuning estimate");
    tuning->hz_per_bin = sample_rate_hz / (double)n_fft;
    tuning->n_bins = n_fft / 2 + 1;
    const double end_hz = fmin(4000.0, sample_rate_hz / 2.0);
    size_t k = 1;
    while (k < n_fft / 2 && (double)k * tuning->hz_per_bin < 150.0) k++;
    tuning->first_bin = k;
    while (k < n_fft / 2 && (double)k * tuning->hz_per_bin < end_hz) k++;
    tuning->end_bin = k;
    *out = tuning;
    tuning = NULL;
out:
    tb_tuning_free(tuning);
    return status;
}

void tb_tuning_free(tb_tuning *tuning)
{
    if (!tuning) return;
    tb_free(tuning->counts);
    tb_free(tuning);
}

void tb_tuning_reset(tb_tuning *tuning)
{
    tuning->n_peaks = 0;
    memset(tuning->counts, 0, STRENGTHS * sizeof *tuning->counts);
}

static void count_peak(tb_tuning *tuning, double hz, double strength)
{
    const double semitones = 12.0 * log2(hz / 27.5);
    const double deviation = semitones - floor(semitones + 0.5); /* [-0.5, 0.5) */
    int cell = (int)((deviation + 0.5) * CELLS);
    if (cell >= CELLS) cell = CELLS - 1;
    const double db = 10.0 * log10(fmax(strength, 1e-30));
    int class = (int)floor((db - STRENGTH_MIN_DB) * STRENGTHS_PER_DB);
    class = class < 0 ? 0 : class >= STRENGTHS ? STRENGTHS - 1 : class;
    tuning->counts[class][cell]++;
    tuning->n_peaks++;
}

void tb_tuning_push(tb_tuning *tuning, const float *power)
{
    const size_t n_bins = tuning->n_bins;
    float max = 0.0f;
    for (size_t k = 0; k < n_bins; k++) max = power[k] > max ? power[k] : max;
    const float least = 0.1f * max;
    for (size_t k = tuning->first_bin; k < tuning->end_bin; k++) {
        const double before = (double)power[k - 1], here = (double)power[k], after = (double)power[k + 1];
        if (!(power[k] > least && here > before && here >= after)) continue;
        const double curve = before + after - 2.0 * here, slope = (after - before) / 2.0;
        const double shift = fabs(slope) >= fabs(curve) ? 0.0 : -slope / curve;
        count_peak(tuning, ((double)k + shift) * tuning->hz_per_bin, here + 0.5 * slope * shift);
    }
}

double tb_tuning_result(const tb_tuning *tuning)
{
    if (tuning->n_peaks == 0) return 0.0;
    /* From the strongest class down to the one that holds the median. */
    uint64_t sums[CELLS] = {0}, n_taken = 0;
    for (size_t i = 1; i <= STRENGTHS && 2 * n_taken < tuning->n_peaks; i++) {
        const uint32_t *counts = tuning->counts[STRENGTHS - i];
        for (size_t cell = 0; cell < CELLS; cell++) {
            sums[cell] += counts[cell];
            n_taken += counts[cell];
        }
    }
    size_t best = 0;
    for (size_t cell = 1; cell < CELLS; cell++)
        if (sums[cell] > sums[best]) best = cell;
    return (double)best / CELLS - 0.5;
}
