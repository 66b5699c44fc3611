// SPDX-License-Identifier: MIT
#include "train/augment.h"

#include "base/alloc.h"
#include "train/mix_kernels.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

static const double pi = 3.14159265358979323846;
enum { N_COSINES = 5 };
static const double lowest_hz = 27.5, highest_hz = 11025; /* what EQ spans */
static const double low_pass_low_hz = 4500, low_pass_high_hz = 11000, low_pass_octave = 0.1;
static const double noise_low_db = -60, noise_high_db = -25;
static const double most_levelling = 0.5;

/* Band b of the result is below[b] of band from[b] and above[b] of the next. */
typedef struct warp {
    uint16_t *from;
    float *below, *above;
} warp;

struct tb_augmenter {
    tb_augment_options options;
    const tb__mix_kernels *kernels;
    size_t n_bands;
    int most_steps;
    warp *warps;   /* 2 * most_steps + 1; the middle one changes nothing */
    uint16_t *from; /* what the warps point into */
    float *weights;
    float *hz;      /* n_bands */
    float *waves;   /* N_COSINES x {cosines, sines} x n_bands, over the octaves */
};

void tb_augment_options_default(tb_augment_options *options)
{
    *options = (tb_augment_options){
        .voice_eq_db = 3.5, .level_db = 3, .transpose_share = 0.6, .transpose = 4, .slow = 0.05, .detune = 0.5,
        .compress_share = 0.3, .noise_share = 0.3, .low_pass_share = 0.2, .segment_eq_db = 1,
    };
}

void tb_augment_options_none(tb_augment_options *options)
{
    *options = (tb_augment_options){0};
}

static bool is_within(double value, double high)
{
    return value >= 0 && value <= high;
}

static tb_status check_options(const tb_augment_options *o, tb_error *err)
{
    tb_status status = TB_OK;
    if (!is_within(o->voice_eq_db, 30) || !is_within(o->level_db, 30) || !is_within(o->segment_eq_db, 30))
        TB_FAIL(err, TB_INVALID, "changes of level and EQ lie between 0 and 30 dB");
    if (!is_within(o->transpose, TB_AUGMENT_MAX_SEMITONES) || !is_within(o->detune, TB_AUGMENT_MAX_SEMITONES))
        TB_FAIL(err, TB_INVALID, "transposition lies between 0 and %d semitones", TB_AUGMENT_MAX_SEMITONES);
    if (!is_within(o->slow, 0.05)) TB_FAIL(err, TB_INVALID, "segments are slowed down by 0 to 0.05");
    if (!is_within(o->transpose_share, 1) || !is_within(o->compress_share, 1) || !is_within(o->noise_share, 1) ||
        !is_within(o->low_pass_share, 1))
        TB_FAIL(err, TB_INVALID, "probabilities lie between 0 and 1");
out:
    return status;
}

static void fill_warp(const tb_augmenter *augmenter, const tb_band_bank *bank, int steps, const warp *out)
{
    const double ratio = exp2((double)steps / (12.0 * TB_AUGMENT_STEPS_PER_SEMITONE));
    for (size_t b = 0; b < augmenter->n_bands; b++) {
        const double at = tb_band_bank_source(bank, b, ratio), below = floor(at);
        const float rest = (float)(at - below);
        out->from[b] = (uint16_t)below;
        out->below[b] = 1 - rest;
        out->above[b] = rest;
    }
}

static void fill_waves(tb_augmenter *augmenter)
{
    for (size_t k = 0; k < N_COSINES; k++)
        for (size_t b = 0; b < augmenter->n_bands; b++) {
            const double share = log2(fmax((double)augmenter->hz[b], lowest_hz) / lowest_hz) / log2(highest_hz / lowest_hz);
            augmenter->waves[2 * k * augmenter->n_bands + b] = (float)cos(pi * (double)(k + 1) * share);
            augmenter->waves[(2 * k + 1) * augmenter->n_bands + b] = (float)sin(pi * (double)(k + 1) * share);
        }
}

tb_status tb_augmenter_new(const tb_band_bank *bank, const tb_augment_options *options, tb_augmenter **augmenter, tb_error *err)
{
    tb_status status = TB_OK;
    tb_augmenter *made = NULL;
    TB_TRY(check_options(options, err));
    if (!(made = tb_alloc(1, sizeof *made))) TB_FAIL(err, TB_NO_MEMORY, "no memory for changes of sound");
    made->options = *options;
    made->kernels = tb__mix_kernels_best();
    made->n_bands = tb_band_bank_count(bank);
    made->most_steps = (int)ceil(fmax(options->transpose, options->detune) * TB_AUGMENT_STEPS_PER_SEMITONE);
    const size_t n_warps = 2 * (size_t)made->most_steps + 1, n = made->n_bands;
    made->warps = tb_alloc(n_warps, sizeof *made->warps);
    made->from = tb_alloc(n_warps * n, sizeof *made->from);
    made->weights = tb_alloc(2 * n_warps * n, sizeof *made->weights);
    made->hz = tb_alloc(n, sizeof *made->hz);
    made->waves = tb_alloc(2 * N_COSINES * n, sizeof *made->waves);
    if (!made->warps || !made->from || !made->weights || !made->hz || !made->waves) TB_FAIL(err, TB_NO_MEMORY, "no memory for changes of sound");
    for (size_t b = 0; b < n; b++) made->hz[b] = (float)tb_band_bank_center_hz(bank, b);
    fill_waves(made);
    for (size_t i = 0; i < n_warps; i++) {
        made->warps[i] = (warp){made->from + i * n, made->weights + 2 * i * n, made->weights + (2 * i + 1) * n};
        fill_warp(made, bank, (int)i - made->most_steps, &made->warps[i]);
    }
    *augmenter = made;
    made = NULL;
out:
    tb_augmenter_free(made);
    return status;
}

void tb_augmenter_free(tb_augmenter *augmenter)
{
    if (!augmenter) return;
    tb_free(augmenter->warps);
    tb_free(augmenter->from);
    tb_free(augmenter->weights);
    tb_free(augmenter->hz);
    tb_free(augmenter->waves);
    tb_free(augmenter);
}

/* --- drawing --------------------------------------------------------------------------------------------------------- */

/* In dB: sum of cosines over the octaves, deviation_db over random phases. */
static void draw_eq(const tb_augmenter *augmenter, tb_rng *rng, double deviation_db, float *db)
{
    const size_t n_bands = augmenter->n_bands;
    memset(db, 0, n_bands * sizeof *db);
    for (size_t k = 0; k < N_COSINES; k++) {
        const double size = tb_rng_normal(rng) * deviation_db * sqrt(2.0 / N_COSINES), phase = tb_rng_uniform(rng) * 2 * pi;
        const float along_cosine = (float)(size * cos(phase)), along_sine = (float)(-size * sin(phase));
        const float *restrict c = augmenter->waves + 2 * k * n_bands, *restrict s = c + n_bands; /* cos(a + b) of these */
        for (size_t b = 0; b < n_bands; b++) db[b] += along_cosine * c[b] + along_sine * s[b];
    }
}

static void db_to_power(float *db, size_t n)
{
    for (size_t i = 0; i < n; i++) db[i] = expf(db[i] * 0.230258509f);
}

static int draw_steps(tb_rng *rng, double semitones)
{
    const double most = semitones * TB_AUGMENT_STEPS_PER_SEMITONE;
    return (int)lround((2 * tb_rng_uniform(rng) - 1) * most);
}

void tb_augment_draw_voice(const tb_augmenter *augmenter, tb_rng *rng, tb_voice_change *change)
{
    const tb_augment_options *o = &augmenter->options;
    const float level_db = (float)(tb_rng_normal(rng) * o->level_db);
    const bool transposes = tb_rng_uniform(rng) < o->transpose_share;
    const int steps = draw_steps(rng, o->transpose);
    change->steps = transposes ? steps : 0;
    draw_eq(augmenter, rng, o->voice_eq_db, change->gain);
    for (size_t b = 0; b < augmenter->n_bands; b++) change->gain[b] += level_db;
    db_to_power(change->gain, augmenter->n_bands);
}

static void draw_noise(const tb_augmenter *augmenter, tb_rng *rng, bool is_on, float *noise)
{
    const double level = pow(10, (noise_low_db + (noise_high_db - noise_low_db) * tb_rng_uniform(rng)) / 10);
    const double tilt = tb_rng_uniform(rng);
    for (size_t b = 0; b < augmenter->n_bands; b++)
        noise[b] = is_on ? (float)level * expf((float)-tilt * logf(augmenter->hz[b] / 1000)) : 0;
}

static void add_low_pass(const tb_augmenter *augmenter, double cut_hz, float *db)
{
    for (size_t b = 0; b < augmenter->n_bands; b++) {
        const double octaves = log2((double)augmenter->hz[b] / cut_hz);
        if (octaves > 0) db[b] -= (float)fmin(60, 60 * octaves / low_pass_octave);
    }
}

void tb_augment_draw_segment(const tb_augmenter *augmenter, tb_rng *rng, tb_segment_change *change)
{
    const tb_augment_options *o = &augmenter->options;
    const double slow = tb_rng_uniform(rng) * o->slow, late = tb_rng_uniform(rng);
    change->speed = (float)(1 - slow);
    change->late = o->slow > 0 ? (float)late : 0;
    change->steps = draw_steps(rng, o->detune);
    const bool compresses = tb_rng_uniform(rng) < o->compress_share;
    change->levelling = (float)(tb_rng_uniform(rng) * most_levelling);
    if (!compresses) change->levelling = 0;
    const bool is_noisy = tb_rng_uniform(rng) < o->noise_share;
    draw_noise(augmenter, rng, is_noisy, change->noise);
    draw_eq(augmenter, rng, o->segment_eq_db, change->gain);
    const bool is_low_passed = tb_rng_uniform(rng) < o->low_pass_share;
    const double cut_hz = low_pass_low_hz * pow(low_pass_high_hz / low_pass_low_hz, tb_rng_uniform(rng));
    if (is_low_passed) add_low_pass(augmenter, cut_hz, change->gain);
    db_to_power(change->gain, augmenter->n_bands);
}

/* --- applying -------------------------------------------------------------------------------------------------------- */

void tb_augment_transpose(const tb_augmenter *augmenter, int steps, const float *in, float *out)
{
    assert(steps >= -augmenter->most_steps && steps <= augmenter->most_steps);
    const warp *w = &augmenter->warps[steps + augmenter->most_steps];
    augmenter->kernels->move(w->from, w->below, w->above, in, augmenter->n_bands, out);
}

void tb_augment_segment(const tb_augmenter *augmenter, const tb_segment_change *change, size_t n_rows, float *rows, float *scratch)
{
    const size_t n_bands = augmenter->n_bands;
    float total = 0;
    for (size_t r = 0; r < n_rows; r++) {
        float *row = rows + r * n_bands;
        if (change->steps != 0) {
            memcpy(scratch, row, n_bands * sizeof *row);
            scratch[n_bands] = 0;
            tb_augment_transpose(augmenter, change->steps, scratch, row);
        }
        total += augmenter->kernels->sum(row, n_bands);
    }
    const float mean_row = total / (float)n_rows, mean = mean_row / (float)n_bands;
    for (size_t r = 0; r < n_rows; r++) {
        float *row = rows + r * n_bands, scale = 1;
        if (change->levelling > 0 && mean_row > 0)
            scale = expf(-change->levelling * logf(augmenter->kernels->sum(row, n_bands) / mean_row + 1e-3f));
        augmenter->kernels->finish(change->noise, change->gain, scale, mean, n_bands, row);
    }
}
