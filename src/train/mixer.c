// SPDX-License-Identifier: MIT
#include "train/mixer.h"

#include "base/alloc.h"
#include "model/instruments.h"
#include "train/half_rows.h"

#include <assert.h>
#include <string.h>

_Static_assert((int)TB_WINDOW_ROWS == (int)TB_INSTRUMENTS_ROWS, "a segment is the network's window");

struct tb_mixer {
    const tb_piece *const *pieces;
    const tb_augmenter *augmenter;
    size_t n_bands;
    const tb_group_plan *plan;
    tb_voice_change *voices[TB_STEM_COUNT]; /* TB_GROUP_MAX_SEGMENTS each */
    tb_segment_change *segments;            /* TB_GROUP_MAX_SEGMENTS */
    tb_segment_change *solo;
    float *stems;                           /* TB_STEM_COUNT x TB_WINDOW_ROWS_TAKEN x n_bands: powers in the segment */
    float *total;                           /* TB_WINDOW_ROWS_TAKEN x n_bands */
    float *row, *share;                     /* n_bands + 1; TB_STEM_COUNT x n_bands */
};

tb_status tb_mixer_new(const tb_piece *const *pieces, size_t n_bands, const tb_augmenter *augmenter, tb_mixer **mixer, tb_error *err)
{
    tb_status status = TB_OK;
    tb_mixer *made = NULL;
    const size_t n_values = TB_WINDOW_ROWS_TAKEN * n_bands;
    if (n_bands < TB_BANDS_MIN || n_bands > TB_BANDS_MAX)
        TB_FAIL(err, TB_INVALID, "the pieces have %zu bands; %d to %d can be used", n_bands, TB_BANDS_MIN, TB_BANDS_MAX);
    if (!(made = tb_alloc(1, sizeof *made))) TB_FAIL(err, TB_NO_MEMORY, "no memory for a mixer");
    made->pieces = pieces;
    made->augmenter = augmenter;
    made->n_bands = n_bands;
    made->segments = tb_alloc(TB_GROUP_MAX_SEGMENTS, sizeof *made->segments);
    made->solo = tb_alloc(1, sizeof *made->solo);
    made->stems = tb_alloc_aligned(TB_STEM_COUNT * n_values, sizeof *made->stems);
    made->total = tb_alloc_aligned(n_values, sizeof *made->total);
    made->row = tb_alloc_aligned(n_bands + 1, sizeof *made->row);
    made->share = tb_alloc_aligned(TB_STEM_COUNT * n_bands, sizeof *made->share);
    bool fits = made->segments && made->solo && made->stems && made->total && made->row && made->share;
    for (int c = 0; c < TB_STEM_COUNT; c++)
        fits = (made->voices[c] = tb_alloc(TB_GROUP_MAX_SEGMENTS, sizeof *made->voices[c])) != NULL && fits;
    if (!fits) TB_FAIL(err, TB_NO_MEMORY, "no memory for a mixer");
    *mixer = made;
    made = NULL;
out:
    tb_mixer_free(made);
    return status;
}

void tb_mixer_free(tb_mixer *mixer)
{
    if (!mixer) return;
    for (int c = 0; c < TB_STEM_COUNT; c++) tb_free(mixer->voices[c]);
    tb_free(mixer->segments);
    tb_free(mixer->solo);
    tb_free(mixer->stems);
    tb_free(mixer->total);
    tb_free(mixer->row);
    tb_free(mixer->share);
    tb_free(mixer);
}

void tb_mixer_draw(tb_mixer *mixer, const tb_group_plan *plan, tb_rng *rng)
{
    mixer->plan = plan;
    for (int c = 0; c < TB_STEM_COUNT; c++)
        for (size_t v = 0; v < plan->n_voices[c]; v++) tb_augment_draw_voice(mixer->augmenter, rng, &mixer->voices[c][v]);
    for (size_t i = 0; i < plan->n; i++) tb_augment_draw_segment(mixer->augmenter, rng, &mixer->segments[i]);
}

static void read_row(const uint16_t *restrict half, size_t n_bands, float *restrict power)
{
    for (size_t b = 0; b < n_bands; b++) power[b] = tb_half_power(half[b]);
}

static void add_row(const float *restrict gain, size_t n_bands, float *restrict row, float *restrict total)
{
    for (size_t b = 0; b < n_bands; b++) {
        row[b] *= gain[b];
        total[b] += row[b];
    }
}

/* Powers of one stem, changed; also added to the total. */
static void take_stem(tb_mixer *mixer, tb_stem c, const tb_source *source, float *out)
{
    const size_t n_bands = mixer->n_bands;
    const tb_voice_change *change = &mixer->voices[c][source->voice];
    const uint16_t *rows = mixer->pieces[source->piece]->rows[c] + source->first_row * n_bands;
    mixer->row[n_bands] = 0;
    for (size_t r = 0; r < TB_WINDOW_ROWS_TAKEN; r++) {
        read_row(rows + r * n_bands, n_bands, change->steps ? mixer->row : out + r * n_bands);
        if (change->steps) tb_augment_transpose(mixer->augmenter, change->steps, mixer->row, out + r * n_bands);
        add_row(change->gain, n_bands, out + r * n_bands, mixer->total + r * n_bands);
    }
}

/* Mean of power / total for the stems that sound. */
static void measure_shares(tb_mixer *mixer, const bool *sounds, float *share)
{
    const size_t n_bands = mixer->n_bands;
    memset(mixer->share, 0, TB_STEM_COUNT * n_bands * sizeof *mixer->share);
    for (size_t r = 0; r < TB_WINDOW_ROWS_TAKEN; r++) {
        const float *restrict total = mixer->total + r * n_bands;
        float *restrict inverse = mixer->row;
        for (size_t b = 0; b < n_bands; b++) inverse[b] = 1 / (total[b] + 1e-20f);
        for (size_t c = 0; c < TB_STEM_COUNT; c++) {
            if (!sounds[c]) continue;
            const float *restrict power = mixer->stems + (c * TB_WINDOW_ROWS_TAKEN + r) * n_bands;
            float *restrict sum = mixer->share + c * n_bands;
            for (size_t b = 0; b < n_bands; b++) sum[b] += power[b] * inverse[b];
        }
    }
    for (size_t c = 0; c < TB_STEM_COUNT; c++) {
        float sum = 0;
        for (size_t b = 0; b < n_bands; b++) sum += mixer->share[c * n_bands + b];
        share[c] = sum / (float)(n_bands * TB_WINDOW_ROWS_TAKEN);
    }
}

/* Rows of the total at the segment's speed. */
static void move_in_time(const tb_mixer *mixer, const tb_segment_change *change, float *x)
{
    const size_t n_bands = mixer->n_bands;
    for (size_t r = 0; r < TB_WINDOW_ROWS; r++) {
        const float at = change->late + (float)r * change->speed;
        const size_t first = (size_t)at;
        assert(first + 1 < TB_WINDOW_ROWS_TAKEN);
        const float after = at - (float)first, before = 1 - after;
        const float *restrict row = mixer->total + first * n_bands, *restrict next = row + n_bands;
        float *restrict out = x + r * n_bands;
        for (size_t b = 0; b < n_bands; b++) out[b] = before * row[b] + after * next[b];
    }
}

static void mix_segment(tb_mixer *mixer, size_t i, const tb_segment_change *change, unsigned mask, float *x, float *share)
{
    const size_t n_values = TB_WINDOW_ROWS_TAKEN * mixer->n_bands;
    bool sounds[TB_STEM_COUNT] = {false};
    memset(mixer->total, 0, n_values * sizeof *mixer->total);
    for (size_t c = 0; c < TB_STEM_COUNT; c++) {
        const tb_source *source = &mixer->plan->source[i][c];
        if (source->piece < 0 || !(mask >> c & 1)) continue;
        sounds[c] = true;
        take_stem(mixer, (tb_stem)c, source, mixer->stems + c * n_values);
    }
    if (share) measure_shares(mixer, sounds, share);
    move_in_time(mixer, change, x);
    tb_augment_segment(mixer->augmenter, change, TB_WINDOW_ROWS, x, mixer->row);
}

void tb_mixer_mix(tb_mixer *mixer, unsigned mask, const float *mean, const float *deviation, float *x, float *share)
{
    const size_t n_values = TB_WINDOW_ROWS * mixer->n_bands;
    assert(mixer->plan);
    for (size_t i = 0; i < mixer->plan->n; i++) {
        mix_segment(mixer, i, &mixer->segments[i], mask, x + i * n_values, share ? share + i * TB_STEM_COUNT : NULL);
        (void)tb_instruments_input(x + i * n_values, mixer->n_bands, mean, deviation, x + i * n_values);
    }
}

void tb_mixer_solo(tb_mixer *mixer, size_t i, tb_stem stem, tb_rng *rng, const float *mean, const float *deviation, float *x)
{
    const tb_segment_change *of_mix = &mixer->segments[i];
    tb_segment_change *change = mixer->solo;
    assert(mixer->plan && mixer->plan->source[i][stem].piece >= 0);
    tb_augment_draw_segment(mixer->augmenter, rng, change);
    change->speed = of_mix->speed;
    change->late = of_mix->late;
    change->steps = of_mix->steps;
    mix_segment(mixer, i, change, 1u << stem, x, NULL);
    (void)tb_instruments_input(x, mixer->n_bands, mean, deviation, x);
}
