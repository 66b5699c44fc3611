// SPDX-License-Identifier: MIT
/* Shape of a spectrum.  Sums run over bins, in units of bins, and are brought to Hz at the end. */
#include "dsp/spectral.h"

#include "base/alloc.h"
#include "dsp/decibel.h"
#include "dsp/fft.h"
#include "dsp/vector_internal.h"

enum { BANDS_MAX = 16, BLOCK = 64 };

typedef struct band {
    size_t first_bin, n_bins;
    size_t n_extremes; /* bins that are its peak, and as many its valley */
} band;

struct tb_spectral {
    tb_spectral_config config;
    size_t n_bins;
    double hz_per_bin;
    float *numbers; /* 0, 1, 2, … n_bins - 1 */
    band bands[BANDS_MAX];
};

static tb_status check_config(const tb_spectral_config *config, tb_error *err)
{
    if (!(config->sample_rate_hz > 0.0) || !isfinite(config->sample_rate_hz))
        return tb_error_set(err, TB_INVALID, "the sample rate must be above 0");
    if (config->n_fft < 2 || config->n_fft > TB_FFT_SIZE_MAX || config->n_fft % 2)
        return tb_error_set(err, TB_INVALID, "n_fft must be even and lie in 2 to %d", TB_FFT_SIZE_MAX);
    if (!(config->rolloff > 0.0 && config->rolloff < 1.0))
        return tb_error_set(err, TB_INVALID, "the share of the roll-off must lie between 0 and 1");
    if (config->n_bands < 1 || config->n_bands >= BANDS_MAX)
        return tb_error_set(err, TB_INVALID, "the contrast has 1 to %d octaves", BANDS_MAX - 1);
    if (!(config->quantile > 0.0 && config->quantile <= 0.5))
        return tb_error_set(err, TB_INVALID, "the quantile of the contrast must lie between 0 and 0.5");
    const double last_octave_hz = ldexp(config->contrast_fmin_hz, (int)config->n_bands - 1);
    if (!(config->contrast_fmin_hz > 0.0) || !(last_octave_hz < config->sample_rate_hz / 2.0))
        return tb_error_set(err, TB_INVALID,
                            "%zu octaves above %g Hz do not fit below half the sample rate of %g Hz",
                            config->n_bands, config->contrast_fmin_hz, config->sample_rate_hz);
    return TB_OK;
}

/* librosa's cut into bands: band k takes the bins of its frequency range, edges included, and the bin
 * before them, without its last bin; the last band goes up to the end. */
static tb_status cut_bands(tb_spectral *spectral, tb_error *err)
{
    const tb_spectral_config *config = &spectral->config;
    for (size_t k = 0; k <= config->n_bands; k++) {
        const double low_hz = k == 0 ? 0.0 : ldexp(config->contrast_fmin_hz, (int)k - 1);
        const double high_hz = ldexp(config->contrast_fmin_hz, (int)k);
        size_t first = 0;
        while (first < spectral->n_bins && (double)first * spectral->hz_per_bin < low_hz) first++;
        size_t end = first;
        while (end < spectral->n_bins && (double)end * spectral->hz_per_bin <= high_hz) end++;
        if (end == first)
            return tb_error_set(err, TB_INVALID,
                                "no bin of an FFT of %zu lies between %g and %g Hz: take a larger one",
                                config->n_fft, low_hz, high_hz);
        if (k > 0) first--;
        if (k == config->n_bands) end = spectral->n_bins;
        const size_t n_counted = end - first; /* librosa counts the last bin, then leaves it out */
        const double n_wanted = nearbyint(config->quantile * (double)n_counted);
        band *b = &spectral->bands[k];
        b->first_bin = first;
        b->n_bins = k < config->n_bands ? n_counted - 1 : n_counted;
        b->n_extremes = n_wanted < 1.0 ? 1 : (size_t)n_wanted;
        if (b->n_bins == 0)
            return tb_error_set(err, TB_INVALID,
                                "no bin of an FFT of %zu lies between %g and %g Hz: take a larger one",
                                config->n_fft, low_hz, high_hz);
        if (b->n_extremes > b->n_bins) b->n_extremes = b->n_bins;
    }
    return TB_OK;
}

tb_status tb_spectral_new(const tb_spectral_config *config, tb_spectral **out, tb_error *err)
{
    tb_status status = TB_OK;
    tb_spectral *spectral = tb_alloc(1, sizeof *spectral);
    if (!spectral) TB_FAIL(err, TB_NO_MEMORY, "no memory for spectral features");
    spectral->config = *config;
    if (config->rolloff == 0.0) spectral->config.rolloff = 0.85;
    if (config->n_bands == 0) spectral->config.n_bands = 6;
    if (config->contrast_fmin_hz == 0.0) spectral->config.contrast_fmin_hz = 200.0;
    if (config->quantile == 0.0) spectral->config.quantile = 0.02;
    TB_TRY(check_config(&spectral->config, err));
    spectral->n_bins = config->n_fft / 2 + 1;
    spectral->hz_per_bin = config->sample_rate_hz / (double)config->n_fft;
    TB_TRY(cut_bands(spectral, err));
    spectral->numbers = tb_alloc_aligned(spectral->n_bins, sizeof *spectral->numbers);
    if (!spectral->numbers) TB_FAIL(err, TB_NO_MEMORY, "no memory for %zu bins", spectral->n_bins);
    for (size_t k = 0; k < spectral->n_bins; k++) spectral->numbers[k] = (float)k;
    *out = spectral;
    spectral = NULL;
out:
    tb_spectral_free(spectral);
    return status;
}

void tb_spectral_free(tb_spectral *spectral)
{
    if (!spectral) return;
    tb_free(spectral->numbers);
    tb_free(spectral);
}

/* Sum of m[k] * (k - center)^2. */
static float sum_squared_distance(const float *restrict m, const float *restrict numbers, size_t n,
                                  float center)
{
    float lanes[TB__LANES] = {0};
    const size_t n_whole = n - n % TB__LANES;
    for (size_t i = 0; i < n_whole; i += TB__LANES)
        for (size_t j = 0; j < TB__LANES; j++)
            lanes[j] += m[i + j] * ((numbers[i + j] - center) * (numbers[i + j] - center));
    float sum = tb__add_lanes(lanes);
    for (size_t i = n_whole; i < n; i++) sum += m[i] * ((numbers[i] - center) * (numbers[i] - center));
    return sum;
}

/* First bin up to which the sum of m reaches `wanted`: whole blocks first, then bin by bin. */
static size_t find_rolloff(const float *m, size_t n, double wanted)
{
    double sum = 0.0;
    size_t k = 0;
    for (; k + BLOCK <= n; k += BLOCK) {
        const double next = sum + (double)tb__sum(m + k, BLOCK);
        if (next >= wanted) break;
        sum = next;
    }
    for (; k < n; k++) {
        sum += (double)m[k];
        if (sum >= wanted) return k;
    }
    return n - 1;
}

static float flatness_of(const float *power, size_t n)
{
    enum { LOGS = 256 };
    const float amin = 1e-10f;
    float limited[LOGS], logs[LOGS];
    double sum = 0.0, sum_logs = 0.0;
    for (size_t first = 0; first < n; first += LOGS) {
        const size_t count = n - first < LOGS ? n - first : LOGS;
        for (size_t i = 0; i < count; i++) limited[i] = power[first + i] > amin ? power[first + i] : amin;
        tb_log2(limited, count, logs);
        sum += (double)tb__sum(limited, count);
        sum_logs += (double)tb__sum(logs, count);
    }
    const double flatness = exp2(sum_logs / (double)n) / (sum / (double)n);
    return (float)fmin(flatness, 1.0);
}

void tb_spectral_shape_compute(const tb_spectral *spectral, const float *power, const float *magnitude,
                               tb_spectral_shape *shape)
{
    const size_t n = spectral->n_bins;
    const double hz_per_bin = spectral->hz_per_bin;
    const float total = tb__sum(magnitude, n);
    shape->centroid_hz = shape->bandwidth_hz = shape->rolloff_hz = 0.0f;
    if (total > FLT_MIN) {
        const float center = tb__dot(magnitude, spectral->numbers, n) / total;
        const float variance = sum_squared_distance(magnitude, spectral->numbers, n, center) / total;
        shape->centroid_hz = (float)(hz_per_bin * (double)center);
        shape->bandwidth_hz = (float)(hz_per_bin * sqrt((double)variance));
        const size_t rolloff = find_rolloff(magnitude, n, spectral->config.rolloff * (double)total);
        shape->rolloff_hz = (float)(hz_per_bin * (double)rolloff);
    }
    shape->flatness = flatness_of(power, n);
}

/* Numbers >= 0 are in the order of their bits. */
static int32_t bits_of(float x)
{
    int32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static float from_bits(int32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* A threshold that n_wanted of the n values reach; where equal values make that impossible, the value that
 * more than n_wanted reach and fewer surpass.  low, high: bits of the smallest and of the largest value.
 * Bisection: each step is one pass of vector code, which a sort would not be. */
static float find_threshold(const float *values, size_t n, size_t n_wanted, int32_t low, int32_t high)
{
    while (low < high) {
        const int32_t middle = low + (high - low + 1) / 2;
        const float threshold = from_bits(middle);
        uint32_t n_reaching = 0;
        for (size_t i = 0; i < n; i++) n_reaching += values[i] >= threshold;
        if (n_reaching == n_wanted) return threshold;
        if (n_reaching > n_wanted)
            low = middle;
        else
            high = middle - 1;
    }
    return from_bits(low);
}

/* Means of the n_extremes smallest and of the n_extremes largest of n values. */
static void find_extremes(const float *values, size_t n, size_t n_extremes, float *valley, float *peak)
{
    int32_t low = INT32_MAX, high = 0;
    for (size_t i = 0; i < n; i++) {
        const int32_t bits = bits_of(values[i]);
        low = bits < low ? bits : low;
        high = bits > high ? bits : high;
    }
    if (n_extremes == 1) {
        *valley = from_bits(low);
        *peak = from_bits(high);
        return;
    }
    const float below = find_threshold(values, n, n - n_extremes, low, high);
    const float above = find_threshold(values, n, n_extremes, low, high);
    float low_sums[TB__LANES] = {0}, high_sums[TB__LANES] = {0};
    uint32_t n_low = 0, n_high = 0;
    for (size_t i = 0; i < n; i++) {
        n_low += values[i] < below;
        n_high += values[i] > above;
    }
    const size_t n_whole = n - n % TB__LANES;
    for (size_t i = 0; i < n_whole; i += TB__LANES)
        for (size_t j = 0; j < TB__LANES; j++) {
            low_sums[j] += values[i + j] < below ? values[i + j] : 0.0f;
            high_sums[j] += values[i + j] > above ? values[i + j] : 0.0f;
        }
    for (size_t i = n_whole; i < n; i++) {
        low_sums[0] += values[i] < below ? values[i] : 0.0f;
        high_sums[0] += values[i] > above ? values[i] : 0.0f;
    }
    *valley = (tb__add_lanes(low_sums) + (float)(n_extremes - n_low) * below) / (float)n_extremes;
    *peak = (tb__add_lanes(high_sums) + (float)(n_extremes - n_high) * above) / (float)n_extremes;
}

void tb_spectral_contrast(const tb_spectral *spectral, const float *magnitude, float *out)
{
    float valleys[BANDS_MAX] = {0}, peaks[BANDS_MAX] = {0};
    const size_t n = spectral->config.n_bands + 1;
    for (size_t k = 0; k < n; k++) {
        const band *b = &spectral->bands[k];
        find_extremes(magnitude + b->first_bin, b->n_bins, b->n_extremes, &valleys[k], &peaks[k]);
    }
    tb_power_to_db(valleys, n, TB_DB_AMIN, valleys);
    tb_power_to_db(peaks, n, TB_DB_AMIN, peaks);
    for (size_t k = 0; k < n; k++) out[k] = peaks[k] - valleys[k];
}

size_t tb_spectral_contrast_count(const tb_spectral *spectral)
{
    return spectral->config.n_bands + 1;
}

float tb_spectral_flux(const float *before, const float *now, size_t n_bins)
{
    return tb__mean_rise(before, now, n_bins);
}

float tb_frame_rms(const float *samples, size_t n)
{
    return sqrtf(tb__dot(samples, samples, n) / (float)n);
}

float tb_frame_zero_crossings(const float *samples, size_t n)
{
    int32_t n_crossings = 0;
    for (size_t i = 1; i < n; i++) n_crossings += (samples[i - 1] < -1e-10f) != (samples[i] < -1e-10f);
    return (float)n_crossings / (float)n;
}
