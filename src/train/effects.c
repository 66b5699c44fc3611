// SPDX-License-Identifier: MIT
/* Each effect is a pass over the samples that is skipped when it is off.  Drive and compressor keep the power
 * that came in, so that levels are the renderer's alone. */
#include "train/effects.h"

#include "base/alloc.h"
#include "train/biquad_internal.h"
#include "train/room.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define TWO_PI 6.28318530717958647692

/* How likely each effect is, in the order of tb_stem. */
static const struct {
    double drive, max_drive, compressor, chorus, echo, room;
} likely[TB_STEM_COUNT] = {
    [TB_STEM_DRUMS] = {0.25, 6, 0.45, 0.02, 0.06, 0.60},
    [TB_STEM_BASS] = {0.30, 10, 0.45, 0.10, 0.02, 0.25},
    [TB_STEM_PIANO] = {0.10, 4, 0.25, 0.20, 0.15, 0.65},
    [TB_STEM_GUITAR] = {0.35, 25, 0.30, 0.25, 0.25, 0.60},
    [TB_STEM_OTHERS] = {0.15, 8, 0.20, 0.25, 0.25, 0.70},
};

/* --- drawing -------------------------------------------------------------------------------------------- */

static bool happens(tb_rng *rng, double likelihood)
{
    return tb_rng_uniform(rng) < likelihood;
}

static double between(tb_rng *rng, double low, double high)
{
    return low + (high - low) * tb_rng_uniform(rng);
}

/* Evenly on the scale of ratios. */
static double between_ratio(tb_rng *rng, double low, double high)
{
    return low * pow(high / low, tb_rng_uniform(rng));
}

void tb_effects_draw(tb_stem stem, double beat_s, tb_rng *rng, tb_effects *effects)
{
    static const double echo_beats[] = {0.25, 0.333, 0.5, 0.75, 1};
    tb_effects e = {.ratio = 1};
    for (size_t i = 0; i < TB_EFFECTS_MAX_BELLS; i++) {
        const double deviation = tb_rng_normal(rng);
        e.bells[i].hz = between_ratio(rng, 70, 9000);
        e.bells[i].gain_db = 3.5 * fmin(fmax(deviation, -2.5), 2.5);
        e.bells[i].q = between_ratio(rng, 0.4, 2);
    }
    if (stem != TB_STEM_BASS && stem != TB_STEM_DRUMS && happens(rng, 0.4))
        e.low_cut_hz = between_ratio(rng, 60, 250);
    if (happens(rng, 0.25)) e.high_cut_hz = between_ratio(rng, stem == TB_STEM_BASS ? 900 : 3000, 10000);
    if (happens(rng, likely[stem].drive)) {
        e.drive = between_ratio(rng, 1.5, likely[stem].max_drive);
        e.drive_bias = between(rng, 0, 0.3);
    }
    if (happens(rng, likely[stem].compressor)) {
        e.ratio = between(rng, 1.5, 8);
        e.threshold_db = between(rng, -12, 3);
    }
    if (happens(rng, likely[stem].chorus)) {
        e.chorus_wet = between(rng, 0.2, 0.5);
        e.chorus_hz = between_ratio(rng, 0.2, 5);
        e.chorus_ms = between(rng, 0.5, 4);
    }
    if (happens(rng, likely[stem].echo)) {
        e.echo_wet = between(rng, 0.1, 0.4);
        e.echo_s = happens(rng, 0.7)
                     ? beat_s * echo_beats[tb_rng_below(rng, sizeof echo_beats / sizeof *echo_beats)]
                     : between(rng, 0.06, 0.5);
        e.echo_s = fmin(fmax(e.echo_s, 0.05), 0.8);
        e.echo_feedback = between(rng, 0, 0.6);
    }
    if (happens(rng, likely[stem].room)) {
        e.room_wet = between(rng, 0.08, stem == TB_STEM_OTHERS ? 0.5 : 0.4);
        e.room_s = between_ratio(rng, 0.2, 2.5);
        e.room_damp_hz = between_ratio(rng, 1500, 10000);
    }
    e.room_seed = tb_rng_next(rng);
    *effects = e;
}

void tb_effects_describe(const tb_effects *effects, char *out, size_t capacity)
{
    snprintf(out, capacity, "%s%s%s%s%s", effects->drive > 0 ? "drive " : "",
             effects->ratio > 1 ? "compressor " : "", effects->chorus_wet > 0 ? "chorus " : "",
             effects->echo_wet > 0 ? "echo " : "", effects->room_wet > 0 ? "room " : "");
    const size_t size = strlen(out);
    if (size > 0) out[size - 1] = '\0';
}

/* --- passes --------------------------------------------------------------------------------------------- */

static void equalise(const tb_effects *e, double rate_hz, float *x, size_t n)
{
    tb__biquad filter = {0};
    for (size_t i = 0; i < TB_EFFECTS_MAX_BELLS; i++) {
        if (fabs(e->bells[i].gain_db) < 0.01 || e->bells[i].hz > 0.45 * rate_hz) continue;
        filter = (tb__biquad){0};
        tb__biquad_set(&filter, TB__BIQUAD_BELL, e->bells[i].hz, e->bells[i].q, e->bells[i].gain_db, rate_hz);
        tb__biquad_run(&filter, x, n);
    }
    if (e->low_cut_hz > 0) {
        filter = (tb__biquad){0};
        tb__biquad_set(&filter, TB__BIQUAD_HIGH_PASS, e->low_cut_hz, 0.7, 0, rate_hz);
        tb__biquad_run(&filter, x, n);
    }
    if (e->high_cut_hz > 0 && e->high_cut_hz < 0.45 * rate_hz) {
        filter = (tb__biquad){0};
        tb__biquad_set(&filter, TB__BIQUAD_LOW_PASS, e->high_cut_hz, 0.7, 0, rate_hz);
        tb__biquad_run(&filter, x, n);
    }
}

static double power_of(const float *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += (double)x[i] * (double)x[i];
    return sum;
}

static void restore_power(float *x, size_t n, double before)
{
    const double after = power_of(x, n);
    const float gain = after > 0 && before > 0 ? (float)sqrt(before / after) : 1;
    for (size_t i = 0; i < n; i++) x[i] *= gain;
}

/* x / sqrt(1 + x^2), as the difference of its antiderivative over each step (antiderivative anti-aliasing:
 * Parker et al., "Reducing the aliasing of nonlinear waveshaping using continuous-time convolution", DAFx
 * 2016). */
static void drive(const tb_effects *e, float *x, size_t n)
{
    const double before = power_of(x, n), gain = 4 * e->drive;
    double last = e->drive_bias, last_area = sqrt(1 + last * last), mean = 0;
    for (size_t i = 0; i < n; i++) {
        const double now = gain * (double)x[i] + e->drive_bias, area = sqrt(1 + now * now), step = now - last;
        const double middle = 0.5 * (now + last);
        const double y = fabs(step) > 1e-4 ? (area - last_area) / step : middle / sqrt(1 + middle * middle);
        mean += 0.002 * (y - mean); /* what the bias adds at 0 Hz */
        x[i] = (float)(y - mean);
        last = now;
        last_area = area;
    }
    restore_power(x, n, before);
}

/* Feed-forward, on the power within blocks: gain falls within some 8 ms and comes back in 150 ms. */
static void compress(const tb_effects *e, double rate_hz, float *x, size_t n)
{
    enum { BLOCK = 32 };
    const double before = power_of(x, n), attack = 1 - exp(-BLOCK / (0.008 * rate_hz)),
                 release = 1 - exp(-BLOCK / (0.15 * rate_hz));
    const double threshold = 0.01 * pow(10, e->threshold_db / 10), slope = 0.5 * (1 / e->ratio - 1);
    double envelope = 0, gain = 1;
    for (size_t at = 0; at < n; at += BLOCK) {
        const size_t count = n - at < BLOCK ? n - at : BLOCK;
        const double power = power_of(x + at, count) / (double)count;
        envelope += (power > envelope ? attack : release) * (power - envelope);
        const double next = envelope > threshold ? pow(envelope / threshold, slope) : 1,
                     step = (next - gain) / BLOCK;
        for (size_t i = 0; i < count; i++) x[at + i] *= (float)(gain += step);
        gain = next;
    }
    restore_power(x, n, before);
}

/* A line that is read at a distance that swings. */
static tb_status chorus(const tb_effects *e, double rate_hz, float *x, size_t n, tb_error *err)
{
    const double depth = e->chorus_ms * 0.001 * rate_hz, middle = 0.008 * rate_hz + depth,
                 turn = TWO_PI * e->chorus_hz / rate_hz;
    size_t size = 64;
    while ((double)size < middle + depth + 4) size *= 2;
    float *line = tb_alloc(size, sizeof *line);
    if (!line) return tb_error_set(err, TB_NO_MEMORY, "no memory for a chorus");
    const float wet = (float)e->chorus_wet;
    double distance = middle, step = 0;
    for (size_t i = 0; i < n; i++) {
        if (i % 32 == 0) step = (middle + depth * sin(turn * (double)(i + 32)) - distance) / 32;
        distance += step;
        line[i % size] = x[i];
        const size_t whole = (size_t)distance;
        const float part = (float)(distance - (double)whole);
        const float a = line[(i - whole) % size], b = line[(i - whole - 1) % size];
        x[i] += wet * (a + part * (b - a));
    }
    tb_free(line);
    return TB_OK;
}

static tb_status echo(const tb_effects *e, double rate_hz, float *x, size_t n, tb_error *err)
{
    const size_t distance = (size_t)(e->echo_s * rate_hz) + 1;
    float *line = tb_alloc(distance, sizeof *line);
    if (!line) return tb_error_set(err, TB_NO_MEMORY, "no memory for an echo");
    const float wet = (float)e->echo_wet, feedback = (float)e->echo_feedback;
    float dull = 0;
    for (size_t i = 0, at = 0; i < n; i++) {
        dull += 0.6f * (line[at] - dull);           /* each round loses some treble */
        line[at] = x[i] + feedback * dull + 1e-20f; /* never denormal */
        x[i] += wet * dull;
        if (++at == distance) at = 0;
    }
    tb_free(line);
    return TB_OK;
}

tb_status tb_effects_apply(const tb_effects *effects, int rate_hz, float *mono, size_t n, tb_error *err)
{
    tb_status status = TB_OK;
    equalise(effects, rate_hz, mono, n);
    if (effects->drive > 0) drive(effects, mono, n);
    if (effects->ratio > 1) compress(effects, rate_hz, mono, n);
    if (effects->chorus_wet > 0) TB_TRY(chorus(effects, rate_hz, mono, n, err));
    if (effects->echo_wet > 0) TB_TRY(echo(effects, rate_hz, mono, n, err));
    if (effects->room_wet > 0)
        TB_TRY(tb_room_apply(effects->room_wet, effects->room_s, effects->room_damp_hz, effects->room_seed,
                             rate_hz, mono, n, err));
out:
    return status;
}
