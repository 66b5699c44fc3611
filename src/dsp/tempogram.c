// SPDX-License-Identifier: MIT
/* Autocorrelation of a windowed piece of the curve, by FFT: r = inverse(|forward(x)|^2) with zeros behind x,
 * so that nothing wraps around.
 *
 * The window (Hann) makes even a perfectly periodic curve fall off with the lag; `taper` is the window's own
 * autocorrelation, by which the confidence is measured. */
#include "dsp/tempogram.h"

#include "base/alloc.h"
#include "dsp/fft.h"
#include "dsp/vector_internal.h"
#include "dsp/window.h"

enum { WINDOW_MAX = 65536 };

struct tb_tempogram {
    tb_tempogram_config config;
    size_t first_lag; /* of those below max_bpm; window when there is none */
    size_t n_fft;
    tb_fft *fft;
    float *window;   /* (window) */
    float *taper;    /* (window), 1 at lag 0 */
    float *samples;  /* (n_fft) */
    float *spectrum; /* (n_fft + 2) */
    float *column;   /* (window) */
    float *mean;     /* (window) */
    double *scores;  /* (window) */
};

static tb_status check_config(const tb_tempogram_config *config, tb_error *err)
{
    if (!(config->frame_rate_hz > 0.0) || !isfinite(config->frame_rate_hz))
        return tb_error_set(err, TB_INVALID, "the frame rate must be above 0");
    if (config->window < 2 || config->window > WINDOW_MAX)
        return tb_error_set(err, TB_INVALID, "the tempogram's window must be 2 to %d frames", WINDOW_MAX);
    if (!(config->prior_bpm > 0.0) || !(config->prior_octaves > 0.0) || !(config->max_bpm > 0.0))
        return tb_error_set(err, TB_INVALID, "the tempo's prior, its width and the maximum must be above 0");
    return TB_OK;
}

/* Autocorrelation of what is in samples[0 … window), divided by its value at lag 0, to out. */
static void correlate(tb_tempogram *tempogram, float *out)
{
    const size_t window = tempogram->config.window, n_fft = tempogram->n_fft;
    memset(tempogram->samples + window, 0, (n_fft - window) * sizeof *tempogram->samples);
    tb_fft_forward(tempogram->fft, tempogram->samples, tempogram->spectrum);
    for (size_t k = 0; k <= n_fft / 2; k++) {
        float *re = tempogram->spectrum + 2 * k, *im = re + 1;
        *re = *re * *re + *im * *im;
        *im = 0.0f;
    }
    tb_fft_inverse(tempogram->fft, tempogram->spectrum, tempogram->samples);
    float max = 0.0f;
    for (size_t l = 0; l < window; l++) max = fmaxf(max, fabsf(tempogram->samples[l]));
    const float scale = max > FLT_MIN ? 1.0f / max : 0.0f;
    for (size_t l = 0; l < window; l++) out[l] = tempogram->samples[l] * scale;
}

tb_status tb_tempogram_new(const tb_tempogram_config *config, tb_tempogram **out, tb_error *err)
{
    tb_status status = TB_OK;
    tb_tempogram *tempogram = tb_alloc(1, sizeof *tempogram);
    if (!tempogram) TB_FAIL(err, TB_NO_MEMORY, "no memory for a tempogram");
    tempogram->config = *config;
    if (config->window == 0 && config->frame_rate_hz < WINDOW_MAX / 8.0)
        tempogram->config.window = (size_t)floor(8.0 * fmax(config->frame_rate_hz, 0.0));
    if (config->prior_bpm == 0.0) tempogram->config.prior_bpm = 120.0;
    if (config->prior_octaves == 0.0) tempogram->config.prior_octaves = 1.0;
    if (config->max_bpm == 0.0) tempogram->config.max_bpm = 320.0;
    TB_TRY(check_config(&tempogram->config, err));

    const size_t window = tempogram->config.window;
    tempogram->n_fft = 4;
    while (tempogram->n_fft < 2 * window) tempogram->n_fft *= 2;
    TB_TRY(tb_fft_new(tempogram->n_fft, &tempogram->fft, err));
    tempogram->window = tb_alloc_aligned(window, sizeof *tempogram->window);
    tempogram->taper = tb_alloc_aligned(window, sizeof *tempogram->taper);
    tempogram->samples = tb_alloc_aligned(tempogram->n_fft, sizeof *tempogram->samples);
    tempogram->spectrum = tb_alloc_aligned(tempogram->n_fft + 2, sizeof *tempogram->spectrum);
    tempogram->column = tb_alloc_aligned(window, sizeof *tempogram->column);
    tempogram->mean = tb_alloc_aligned(window, sizeof *tempogram->mean);
    tempogram->scores = tb_alloc(window, sizeof *tempogram->scores);
    if (!tempogram->window || !tempogram->taper || !tempogram->samples || !tempogram->spectrum ||
        !tempogram->column || !tempogram->mean || !tempogram->scores)
        TB_FAIL(err, TB_NO_MEMORY, "no memory for a tempogram of %zu lags", window);

    tb_window_fill(TB_WINDOW_HANN, window, tempogram->window);
    memcpy(tempogram->samples, tempogram->window, window * sizeof *tempogram->window);
    correlate(tempogram, tempogram->taper);
    size_t lag = 1;
    while (lag < window && 60.0 * config->frame_rate_hz / (double)lag >= tempogram->config.max_bpm) lag++;
    tempogram->first_lag = lag;
    *out = tempogram;
    tempogram = NULL;
out:
    tb_tempogram_free(tempogram);
    return status;
}

void tb_tempogram_free(tb_tempogram *tempogram)
{
    if (!tempogram) return;
    tb_fft_free(tempogram->fft);
    tb_free(tempogram->window);
    tb_free(tempogram->taper);
    tb_free(tempogram->samples);
    tb_free(tempogram->spectrum);
    tb_free(tempogram->column);
    tb_free(tempogram->mean);
    tb_free(tempogram->scores);
    tb_free(tempogram);
}

size_t tb_tempogram_lags(const tb_tempogram *tempogram)
{
    return tempogram->config.window;
}

/* The curve at frame i, which may lie outside: there its ends fall off to 0 over `reach` frames. */
static float curve_at(const float *curve, size_t n, ptrdiff_t i, size_t reach)
{
    if (i >= 0 && i < (ptrdiff_t)n) return curve[i];
    const ptrdiff_t distance = i < 0 ? -i : i - (ptrdiff_t)n + 1;
    if (distance >= (ptrdiff_t)reach) return 0.0f;
    return curve[i < 0 ? 0 : n - 1] * (float)((ptrdiff_t)reach - distance) / (float)reach;
}

void tb_tempogram_column(tb_tempogram *tempogram, const float *curve, size_t n, size_t t, float *out)
{
    const size_t window = tempogram->config.window, half = window / 2;
    const ptrdiff_t first = (ptrdiff_t)t - (ptrdiff_t)half;
    if (first >= 0 && (size_t)first + window <= n)
        for (size_t i = 0; i < window; i++)
            tempogram->samples[i] = tempogram->window[i] * curve[(size_t)first + i];
    else
        for (size_t i = 0; i < window; i++)
            tempogram->samples[i] = tempogram->window[i] * curve_at(curve, n, first + (ptrdiff_t)i, half);
    correlate(tempogram, out);
}

void tb_tempogram_mean(tb_tempogram *tempogram, const float *curve, size_t n, size_t step, float *out)
{
    const size_t window = tempogram->config.window;
    size_t n_columns = 0;
    float *sum = tempogram->mean;
    memset(sum, 0, window * sizeof *sum);
    for (size_t t = 0; t < n; t += step, n_columns++) {
        tb_tempogram_column(tempogram, curve, n, t, tempogram->column);
        for (size_t l = 0; l < window; l++) sum[l] += tempogram->column[l];
    }
    for (size_t l = 0; l < window; l++) out[l] = n_columns ? sum[l] / (float)n_columns : 0.0f;
}

/* --- tempo -------------------------------------------------------------------------------------------- */

static double bpm_of_lag(const tb_tempogram *tempogram, double lag)
{
    return 60.0 * tempogram->config.frame_rate_hz / lag;
}

static void fill_scores(tb_tempogram *tempogram)
{
    for (size_t l = tempogram->first_lag; l < tempogram->config.window; l++) {
        const double octaves = log2(bpm_of_lag(tempogram, (double)l) / tempogram->config.prior_bpm);
        const double widths = octaves / tempogram->config.prior_octaves;
        tempogram->scores[l] = log1p(1e6 * fmax(0.0, (double)tempogram->mean[l])) - 0.5 * widths * widths;
    }
}

static bool is_peak(const tb_tempogram *tempogram, size_t lag)
{
    if (lag < 1 || lag + 1 >= tempogram->config.window) return false;
    const float *mean = tempogram->mean;
    return mean[lag] > mean[lag - 1] && mean[lag] >= mean[lag + 1];
}

/* Top of the parabola through the tempogram at a peak and its neighbours; the taper, which pulls a peak
 * towards the shorter lags, is taken out where the peak survives that. */
static double peak_position(const tb_tempogram *tempogram, size_t lag)
{
    if (!is_peak(tempogram, lag)) return (double)lag;
    double y[3], corrected[3];
    for (size_t i = 0; i < 3; i++) {
        y[i] = (double)tempogram->mean[lag - 1 + i];
        corrected[i] = y[i] / fmax((double)tempogram->taper[lag - 1 + i], 1e-3);
    }
    if (corrected[1] > corrected[0] && corrected[1] > corrected[2]) memcpy(y, corrected, sizeof y);
    return (double)lag + 0.5 * (y[0] - y[2]) / (y[0] - 2.0 * y[1] + y[2]);
}

/* A lag known to half a frame becomes finer by its multiples: the peak at 2 and 4 times the lag is as
 * sharp, and divides its error. */
static double refine_lag(const tb_tempogram *tempogram, size_t lag)
{
    double refined = peak_position(tempogram, lag);
    for (size_t times = 2; times <= 4; times *= 2) {
        const double expected = refined * (double)times;
        if (expected > 0.6 * (double)tempogram->config.window) break;
        size_t at = (size_t)lround(expected);
        if (tempogram->mean[at + 1] > tempogram->mean[at])
            at++;
        else if (tempogram->mean[at - 1] > tempogram->mean[at])
            at--;
        if (!is_peak(tempogram, at) || tempogram->mean[at] < 0.3f * tempogram->mean[lag]) break;
        refined = peak_position(tempogram, at) / (double)times;
    }
    return refined;
}

/* How far the peak stands above the mean of all lags, both relative to a perfectly periodic curve. */
static double confidence_of(const tb_tempogram *tempogram, size_t best)
{
    const size_t window = tempogram->config.window;
    double floor_sum = 0.0, taper_sum = 0.0;
    for (size_t l = tempogram->first_lag; l < window; l++) {
        floor_sum += (double)tempogram->mean[l];
        taper_sum += (double)tempogram->taper[l];
    }
    const double typical = taper_sum > 0.0 ? floor_sum / taper_sum : 0.0;
    const double peak = (double)tempogram->mean[best] / fmax((double)tempogram->taper[best], 1e-6);
    if (!(typical < 1.0)) return 0.0;
    return fmin(fmax((peak - typical) / (1.0 - typical), 0.0), 1.0);
}

/* The strongest peak that is not within 4 % of the tempo or an alternate found before; 0 for none. */
static size_t find_alternate(const tb_tempogram *tempogram, const tb_tempo *tempo)
{
    size_t best = 0;
    for (size_t l = tempogram->first_lag; l < tempogram->config.window; l++) {
        if (!is_peak(tempogram, l) || (best && tempogram->scores[l] <= tempogram->scores[best])) continue;
        const double bpm = bpm_of_lag(tempogram, (double)l);
        bool is_new = fabs(bpm / tempo->lag_bpm - 1.0) > 0.04;
        for (size_t i = 0; i < tempo->n_alternates; i++)
            is_new = is_new && fabs(bpm / tempo->alternates[i].bpm - 1.0) > 0.04;
        if (is_new) best = l;
    }
    return best;
}

void tb_tempo_estimate(tb_tempogram *tempogram, const float *curve, size_t n, size_t step, tb_tempo *tempo)
{
    *tempo = (tb_tempo){0};
    const size_t first = tempogram->first_lag, window = tempogram->config.window;
    if (n == 0 || first >= window) return;
    tb_tempogram_mean(tempogram, curve, n, step, tempogram->mean);
    fill_scores(tempogram);
    size_t best = first;
    for (size_t l = first + 1; l < window; l++)
        if (tempogram->scores[l] > tempogram->scores[best]) best = l;
    if (!(tempogram->mean[best] > 1e-4f)) return;

    tempo->known = true;
    tempo->lag_bpm = bpm_of_lag(tempogram, (double)best);
    tempo->bpm = bpm_of_lag(tempogram, refine_lag(tempogram, best));
    tempo->confidence = confidence_of(tempogram, best);
    while (tempo->n_alternates < TB_TEMPO_ALTERNATES) {
        const size_t lag = find_alternate(tempogram, tempo);
        if (lag == 0) break;
        const double strength = exp(tempogram->scores[lag] - tempogram->scores[best]);
        tempo->alternates[tempo->n_alternates].bpm = bpm_of_lag(tempogram, refine_lag(tempogram, lag));
        tempo->alternates[tempo->n_alternates].strength = fmin(strength, 1.0);
        tempo->n_alternates++;
    }
}
