// SPDX-License-Identifier: MIT
#include "train/mixer.h"

#include "base/alloc.h"
#include "model/instruments.h"
#include "train/mix_kernels.h"

#include <assert.h>
#include <string.h>

_Static_assert((int)TB_WINDOW_ROWS == (int)TB_INSTRUMENTS_ROWS, "a segment is the network's window");

struct tb_mixer {
    const tb_piece *const *pieces;
    const tb_augmenter *augmenter;
    const tb__mix_kernels *kernels;
    size_t n_bands;
    const tb_group_plan *plan;
    tb_voice_change *voices[TB_STEM_COUNT]; /* TB_GROUP_MAX_SEGMENTS each */
    tb_segment_change *segments;            /* TB_GROUP_MAX_SEGMENTS */
    tb_segment_change *solo;
    float *power;                           /* TB_STEM_COUNT x n_bands: of a row */
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
    made->kernels = tb__mix_kernels_best();
    made->n_bands = n_bands;
    made->segments = tb_alloc(TB_GROUP_MAX_SEGMENTS, sizeof *made->segments);
    made->solo = tb_alloc(1, sizeof *made->solo);
    made->power = tb_alloc_aligned(TB_STEM_COUNT * n_bands, sizeof *made->power);
    made->total = tb_alloc_aligned(n_values, sizeof *made->total);
    made->row = tb_alloc_aligned(n_bands + 1, sizeof *made->row);
    made->share = tb_alloc_aligned(TB_STEM_COUNT * n_bands, sizeof *made->share);
    bool fits = made->segments && made->solo && made->power && made->total && made->row && made->share;
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
    tb_free(mixer->power);
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

/* A stem that sounds in the segment at hand. */
typedef struct part {
    size_t stem;
    const uint16_t *rows; /* of the piece, from the segment's first */
    const tb_voice_change *change;
} part;

static size_t find_parts(const tb_mixer *mixer, size_t segment, unsigned mask, part *parts)
{
    size_t n = 0;
    for (size_t c = 0; c < TB_STEM_COUNT; c++) {
        const tb_source *source = &mixer->plan->source[segment][c];
        if (source->piece < 0 || !(mask >> c & 1)) continue;
        const uint16_t *rows = mixer->pieces[source->piece]->rows[c];
        parts[n++] = (part){c, rows + source->first_row * mixer->n_bands, &mixer->voices[c][source->voice]};
    }
    return n;
}

/* Row r of the part, changed; also added to the total. */
static void take_row(const tb_mixer *mixer, const part *p, size_t r, float *power, float *total)
{
    const size_t n_bands = mixer->n_bands;
    mixer->kernels->read(p->rows + r * n_bands, n_bands, p->change->steps ? mixer->row : power);
    if (p->change->steps) tb_augment_transpose(mixer->augmenter, p->change->steps, mixer->row, power);
    mixer->kernels->add(p->change->gain, n_bands, power, total);
}

/* All rows of the segment into total, and the shares of its parts: mean of power / total.  Row by row, so that the powers
 * of the parts stay where the processor finds them soon. */
static void take_parts(tb_mixer *mixer, const part *parts, size_t n_parts, float *share)
{
    const tb__mix_kernels *kernels = mixer->kernels;
    const size_t n_bands = mixer->n_bands;
    memset(mixer->total, 0, TB_WINDOW_ROWS_TAKEN * n_bands * sizeof *mixer->total);
    memset(mixer->share, 0, TB_STEM_COUNT * n_bands * sizeof *mixer->share);
    for (size_t r = 0; r < TB_WINDOW_ROWS_TAKEN; r++) {
        float *total = mixer->total + r * n_bands;
        mixer->row[n_bands] = 0; /* behind the bands, for moving them */
        for (size_t p = 0; p < n_parts; p++) take_row(mixer, &parts[p], r, mixer->power + p * n_bands, total);
        if (!share) continue;
        kernels->invert(total, n_bands, mixer->row);
        for (size_t p = 0; p < n_parts; p++)
            kernels->multiply_add(mixer->power + p * n_bands, mixer->row, n_bands, mixer->share + p * n_bands);
    }
    if (!share) return;
    for (size_t c = 0; c < TB_STEM_COUNT; c++) share[c] = 0;
    for (size_t p = 0; p < n_parts; p++)
        share[parts[p].stem] = kernels->sum(mixer->share + p * n_bands, n_bands) / (float)(n_bands * TB_WINDOW_ROWS_TAKEN);
}

/* Rows of the total at the segment's speed. */
static void move_in_time(const tb_mixer *mixer, const tb_segment_change *change, float *x)
{
    const size_t n_bands = mixer->n_bands;
    for (size_t r = 0; r < TB_WINDOW_ROWS; r++) {
        const float at = change->late + (float)r * change->speed;
        const size_t first = (size_t)at;
        assert(first + 1 < TB_WINDOW_ROWS_TAKEN);
        const float after = at - (float)first;
        const float *row = mixer->total + first * n_bands;
        mixer->kernels->between(row, row + n_bands, 1 - after, after, n_bands, x + r * n_bands);
    }
}

static void mix_segment(tb_mixer *mixer, size_t i, const tb_segment_change *change, unsigned mask, float *x, float *share)
{
    part parts[TB_STEM_COUNT];
    const size_t n_parts = find_parts(mixer, i, mask, parts);
    take_parts(mixer, parts, n_parts, share);
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
