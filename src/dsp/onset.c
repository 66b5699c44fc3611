// SPDX-License-Identifier: MIT
/* Onset strength keeps the last `lag` frames in a ring, already maximum-filtered over the bands. */
#include "dsp/onset.h"

#include "base/alloc.h"
#include "dsp/mel.h"
#include "dsp/vector_internal.h"

#include <stdbool.h>

enum { LAG_MAX = 64, MAX_SIZE_MAX = 63 };

struct tb_onset {
    size_t n_mels, lag, reach; /* reach: bands on either side in the maximum */
    size_t n_frames;           /* seen, at most lag */
    size_t next;               /* row of the ring to be read, then overwritten */
    float *ring;               /* (lag, n_mels) */
};

tb_status tb_onset_new(size_t n_mels, size_t lag, size_t max_size, tb_onset **out, tb_error *err)
{
    if (n_mels < 1 || n_mels > TB_MELS_MAX || lag < 1 || lag > LAG_MAX)
        return tb_error_set(err, TB_INVALID, "onset strength takes 1 to %d bands and a lag of 1 to %d frames",
                            TB_MELS_MAX, LAG_MAX);
    if (max_size < 1 || max_size > MAX_SIZE_MAX || max_size % 2 == 0)
        return tb_error_set(err, TB_INVALID, "the maximum over bands takes an odd number of them, 1 to %d",
                            MAX_SIZE_MAX);
    tb_status status = TB_OK;
    tb_onset *onset = tb_alloc(1, sizeof *onset);
    if (!onset) TB_FAIL(err, TB_NO_MEMORY, "no memory for onset strength");
    onset->n_mels = n_mels;
    onset->lag = lag;
    onset->reach = max_size / 2;
    onset->ring = tb_alloc_aligned(lag * n_mels, sizeof *onset->ring);
    if (!onset->ring) TB_FAIL(err, TB_NO_MEMORY, "no memory for onset strength");
    *out = onset;
    onset = NULL;
out:
    tb_onset_free(onset);
    return status;
}

void tb_onset_free(tb_onset *onset)
{
    if (!onset) return;
    tb_free(onset->ring);
    tb_free(onset);
}

void tb_onset_reset(tb_onset *onset)
{
    onset->n_frames = onset->next = 0;
}

static void filter_maximum(const float *from, size_t n, size_t reach, float *to)
{
    for (size_t i = 0; i < n; i++) {
        const size_t first = i > reach ? i - reach : 0;
        const size_t last = i + reach < n ? i + reach : n - 1;
        float max = from[first];
        for (size_t j = first + 1; j <= last; j++) max = from[j] > max ? from[j] : max;
        to[i] = max;
    }
}

float tb_onset_push(tb_onset *onset, const float *mel_db)
{
    float *row = onset->ring + onset->next * onset->n_mels;
    float strength = 0.0f;
    if (onset->n_frames == onset->lag)
        strength = tb__mean_rise(row, mel_db, onset->n_mels);
    else
        onset->n_frames++;
    if (onset->reach == 0)
        memcpy(row, mel_db, onset->n_mels * sizeof *row);
    else
        filter_maximum(mel_db, onset->n_mels, onset->reach, row);
    onset->next = (onset->next + 1) % onset->lag;
    return strength;
}

/* --- peaks -------------------------------------------------------------------------------------------- */

tb_peak_config tb_peak_config_onsets(double frame_rate_hz)
{
    const size_t near = (size_t)floor(0.03 * frame_rate_hz), wide = (size_t)floor(0.10 * frame_rate_hz);
    return (tb_peak_config){
        .pre_max = near, .post_max = 1, .pre_avg = wide, .post_avg = wide + 1, .delta = 0.07f, .wait = near};
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static bool is_maximum(const float *curve, size_t n, size_t t, const tb_peak_config *config)
{
    const size_t first = t > config->pre_max ? t - config->pre_max : 0, end = least(t + config->post_max, n);
    for (size_t i = first; i < end; i++)
        if (curve[i] > curve[t]) return false;
    return true;
}

static bool is_above_mean(const float *curve, size_t n, size_t t, const tb_peak_config *config)
{
    const size_t first = t > config->pre_avg ? t - config->pre_avg : 0, end = least(t + config->post_avg, n);
    double sum = 0.0;
    for (size_t i = first; i < end; i++) sum += (double)curve[i];
    return (double)curve[t] >= sum / (double)(end - first) + (double)config->delta;
}

size_t tb_peak_pick(const float *curve, size_t n, const tb_peak_config *config, size_t *peaks,
                    size_t capacity)
{
    size_t n_peaks = 0;
    for (size_t t = 0; t < n; t++) {
        if (!is_maximum(curve, n, t, config) || !is_above_mean(curve, n, t, config)) continue;
        if (n_peaks < capacity) peaks[n_peaks] = t;
        n_peaks++;
        t += config->wait;
    }
    return n_peaks;
}

size_t tb_onset_detect(const float *strength, size_t n, double frame_rate_hz, size_t *peaks, size_t capacity)
{
    if (n == 0) return 0;
    float low = strength[0], high = strength[0];
    for (size_t t = 1; t < n; t++) {
        low = strength[t] < low ? strength[t] : low;
        high = strength[t] > high ? strength[t] : high;
    }
    if (!(high > low)) return 0;
    tb_peak_config config = tb_peak_config_onsets(frame_rate_hz);
    config.delta *= high - low; /* the same as scaling the curve to 0 … 1 */
    return tb_peak_pick(strength, n, &config, peaks, capacity);
}
