// SPDX-License-Identifier: MIT
/* libebur128 behind values that are known or not known.
 *
 * Samples pass through a small buffer on the way in, where they are made harmless: one NaN would stay in the
 * filters for ever.  Pieces are a tenth of a second; the short-term loudness, whose 3 s libebur128 adds up anew
 * each time, is looked at once a second. */
#include "dsp/loudness.h"

#include "base/alloc.h"
#include "dsp/vector_internal.h"

#include <ebur128.h>

enum { RATE_MIN = 1000, RATE_MAX = 768000, CHANNELS_MAX = 64 };

struct tb_loudness {
    unsigned flags;
    unsigned n_channels;
    size_t piece;          /* frames in a tenth of a second */
    size_t in_piece;       /* frames of the current one that have come */
    unsigned n_pieces;     /* since the short-term loudness was looked at */
    uint64_t n_frames;     /* seen so far */
    size_t short_term;     /* frames in 3 s */
    double max_short_term; /* -HUGE_VAL before the first */
    float *cleaned;        /* piece * n_channels */
    ebur128_state *state;
};

static int mode_of(unsigned flags)
{
    int mode = EBUR128_MODE_I;
    if (flags & TB_LOUDNESS_RANGE) mode |= EBUR128_MODE_LRA;
    if (flags & TB_LOUDNESS_SAMPLE_PEAK) mode |= EBUR128_MODE_SAMPLE_PEAK;
    if (flags & TB_LOUDNESS_TRUE_PEAK) mode |= EBUR128_MODE_TRUE_PEAK;
    if (!(flags & TB_LOUDNESS_EXACT)) mode |= EBUR128_MODE_HISTOGRAM;
    return mode;
}

/* WAVE order: L R C LFE, back left and right, side left and right; libebur128 knows the first six. */
static void place_eight_channels(ebur128_state *state)
{
    ebur128_set_channel(state, 4, EBUR128_Mp135);
    ebur128_set_channel(state, 5, EBUR128_Mm135);
    ebur128_set_channel(state, 6, EBUR128_Mp090);
    ebur128_set_channel(state, 7, EBUR128_Mm090);
}

tb_status tb_loudness_new(unsigned sample_rate_hz, unsigned n_channels, unsigned flags, tb_loudness **out,
                          tb_error *err)
{
    if (sample_rate_hz < RATE_MIN || sample_rate_hz > RATE_MAX || n_channels < 1 || n_channels > CHANNELS_MAX)
        return tb_error_set(
            err, TB_INVALID,
            "loudness of %u channels at %u Hz cannot be measured: 1 to %d channels at %d to %d Hz can",
            n_channels, sample_rate_hz, CHANNELS_MAX, RATE_MIN, RATE_MAX);
    tb_status status = TB_OK;
    tb_loudness *loudness = tb_alloc(1, sizeof *loudness);
    if (!loudness) TB_FAIL(err, TB_NO_MEMORY, "no memory for a loudness meter");
    loudness->flags = flags;
    loudness->n_channels = n_channels;
    loudness->piece = (sample_rate_hz + 9) / 10;
    loudness->short_term = 3 * (size_t)sample_rate_hz;
    loudness->max_short_term = -HUGE_VAL;
    loudness->cleaned = tb_alloc(loudness->piece * n_channels, sizeof *loudness->cleaned);
    loudness->state = ebur128_init(n_channels, sample_rate_hz, mode_of(flags));
    if (!loudness->cleaned || !loudness->state) TB_FAIL(err, TB_NO_MEMORY, "no memory for a loudness meter");
    if (n_channels == 1 && (flags & TB_LOUDNESS_DUAL_MONO))
        ebur128_set_channel(loudness->state, 0, EBUR128_DUAL_MONO);
    if (n_channels == 8) place_eight_channels(loudness->state);
    *out = loudness;
    loudness = NULL;
out:
    tb_loudness_free(loudness);
    return status;
}

void tb_loudness_free(tb_loudness *loudness)
{
    if (!loudness) return;
    if (loudness->state) ebur128_destroy(&loudness->state);
    tb_free(loudness->cleaned);
    tb_free(loudness);
}

static void look_at_short_term(tb_loudness *loudness)
{
    double now;
    if (!(loudness->flags & TB_LOUDNESS_RANGE) || loudness->n_frames < loudness->short_term) return;
    if (ebur128_loudness_shortterm(loudness->state, &now) == EBUR128_SUCCESS)
        loudness->max_short_term = fmax(loudness->max_short_term, now);
}

tb_status tb_loudness_push(tb_loudness *loudness, const float *samples, size_t n_frames, tb_error *err)
{
    while (n_frames > 0) {
        const size_t left = loudness->piece - loudness->in_piece;
        const size_t n = n_frames < left ? n_frames : left;
        tb__clean_samples(samples, n * loudness->n_channels, loudness->cleaned);
        if (ebur128_add_frames_float(loudness->state, loudness->cleaned, n) != EBUR128_SUCCESS)
            return tb_error_set(err, TB_NO_MEMORY, "no memory for the loudness of more frames");
        samples += n * loudness->n_channels;
        n_frames -= n;
        loudness->n_frames += n;
        loudness->in_piece += n;
        if (loudness->in_piece == loudness->piece) {
            loudness->in_piece = 0;
            loudness->n_pieces = (loudness->n_pieces + 1) % 10;
            if (loudness->n_pieces == 0) look_at_short_term(loudness);
        }
    }
    return TB_OK;
}

/* Largest of all channels, in dB; false for digital silence. */
static bool find_peak(const tb_loudness *loudness, int (*peak_of)(ebur128_state *, unsigned, double *),
                      double *db)
{
    double max = 0.0, peak;
    for (unsigned c = 0; c < loudness->n_channels; c++)
        if (peak_of(loudness->state, c, &peak) == EBUR128_SUCCESS) max = fmax(max, peak);
    if (!(max > 0.0)) return false;
    *db = 20.0 * log10(max);
    return true;
}

tb_status tb_loudness_measure(tb_loudness *loudness, tb_loudness_result *out, tb_error *err)
{
    tb_loudness_result result = {0};
    double value;
    if (ebur128_loudness_global(loudness->state, &value) == EBUR128_SUCCESS && isfinite(value)) {
        result.has_integrated = true;
        result.integrated_lufs = value;
    }
    if ((loudness->flags & TB_LOUDNESS_RANGE) && isfinite(loudness->max_short_term)) {
        result.has_max_short_term = true;
        result.max_short_term_lufs = loudness->max_short_term;
    }
    if ((loudness->flags & TB_LOUDNESS_RANGE) && result.has_integrated &&
        loudness->n_frames >= loudness->short_term) {
        if (ebur128_loudness_range(loudness->state, &value) != EBUR128_SUCCESS)
            return tb_error_set(err, TB_NO_MEMORY, "no memory for the loudness range");
        result.has_range = true;
        result.range_lu = value;
    }
    if (loudness->flags & TB_LOUDNESS_SAMPLE_PEAK)
        result.has_sample_peak = find_peak(loudness, ebur128_sample_peak, &result.sample_peak_dbfs);
    if (loudness->flags & TB_LOUDNESS_TRUE_PEAK)
        result.has_true_peak = find_peak(loudness, ebur128_true_peak, &result.true_peak_dbtp);
    *out = result;
    return TB_OK;
}
