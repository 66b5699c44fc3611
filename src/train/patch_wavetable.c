// SPDX-License-Identifier: MIT
/* Sums of harmonics, kept as single cycles: organs with drawbars, and tones whose spectrum moves from one
 * drawn set of harmonics to another.  A cycle is made for each octave of notes with the harmonics that fit
 * below half the rate. */
#include "train/patch_internal.h"

#include <string.h>

enum { CYCLE = 1024, N_OCTAVES = 11, MAX_HARMONICS = 64 };

typedef struct table {
    float harmonics[MAX_HARMONICS]; /* of the base frequency, from its first on */
    float phases[MAX_HARMONICS];    /* cycles */
    float cycles[N_OCTAVES][CYCLE + 1];
    bool is_made[N_OCTAVES];
} table;

typedef struct wavetable {
    table tables[2];
    float base;    /* of the cycle, as a ratio of the note's frequency: 0.5 for organs */
    float blend_s; /* time from the first table to the second; 0: the first alone */
    float detune, tremolo_hz, tremolo, click, softness;
    int n_voices; /* 1 to 3, detuned */
    tb__envelope level;
    tb__vibrato vibrato;
    uint32_t noise_state;
} wavetable;

static void draw_common(const tb__patch_wish *wish, tb_rng *rng, wavetable *w)
{
    memset(w, 0, sizeof *w);
    w->level = tb__envelope_draw(wish, rng);
    w->vibrato = tb__vibrato_draw(wish, rng);
    w->base = 1;
    w->tremolo_hz = tb__between(rng, 2, 8);
    w->tremolo = tb__happens(rng, 0.2) ? tb__between(rng, 0.1, 0.5) : 0;
    w->n_voices = wish->stem == TB_STEM_OTHERS && tb__happens(rng, 0.4) ? 2 + (int)tb_rng_below(rng, 2) : 1;
    w->detune = tb__between(rng, 4, 20);
    w->softness = tb__between(rng, 0.3, 0.9);
    w->noise_state = (uint32_t)tb_rng_next(rng);
}

/* Falling harmonics with a bump somewhere and gaps: no two alike. */
static void draw_spectrum(tb_rng *rng, float fall, table *t)
{
    const float bump_at = tb__between_ratio(rng, 2, 20),
                bump = tb__happens(rng, 0.6) ? tb__between(rng, 1, 5) : 0,
                width = tb__between(rng, 0.15, 0.5);
    const float even = tb__happens(rng, 0.3) ? tb__between(rng, 0, 0.4) : 1;
    for (size_t h = 0; h < MAX_HARMONICS; h++) {
        const float number = (float)(h + 1), away = log2f(number / bump_at) / width;
        t->harmonics[h] = powf(number, -fall) * (1 + bump * expf(-away * away)) * tb__between(rng, 0.4, 1) *
                          (h % 2 ? even : 1);
        t->phases[h] = tb__between(rng, 0, 1);
    }
}

static void draw(const tb__patch_wish *wish, tb_rng *rng, void *patch)
{
    wavetable *w = patch;
    draw_common(wish, rng, w);
    const float fall = tb__between(rng, wish->stem == TB_STEM_BASS ? 1.2 : 0.7, 2.5);
    draw_spectrum(rng, fall, &w->tables[0]);
    draw_spectrum(rng, fall + tb__between(rng, 0.2, 1.2), &w->tables[1]);
    w->blend_s = tb__happens(rng, 0.8) ? tb__between_ratio(rng, 0.05, 1.5) : 0;
    w->click = tb__happens(rng, wish->sustains ? 0.05 : 0.3) ? tb__between(rng, 0.05, 0.4) : 0;
}

static void draw_organ(const tb__patch_wish *wish, tb_rng *rng, void *patch)
{
    /* 16', 5 1/3', 8', 4', 2 2/3', 2', 1 3/5', 1 1/3', 1' */
    static const size_t drawbars[] = {1, 3, 2, 4, 6, 8, 10, 12, 16};
    wavetable *w = patch;
    draw_common(wish, rng, w);
    w->base = 0.5f;
    w->level = (tb__envelope){tb__between_ratio(rng, 0.002, 0.03), 0.5f, tb__between(rng, 0.8, 1),
                              tb__between_ratio(rng, 0.01, 0.08)};
    for (size_t i = 0; i < sizeof drawbars / sizeof *drawbars; i++)
        if (i == 2 || tb__happens(rng, 0.6))
            w->tables[0].harmonics[drawbars[i] - 1] = exp2f(-(float)tb_rng_below(rng, 8) / 2);
    for (size_t h = 0; h < MAX_HARMONICS; h++) w->tables[0].phases[h] = tb__between(rng, 0, 1);
    w->click = tb__between(rng, 0, 0.3);
    w->n_voices = 1;
    w->tremolo_hz = tb__happens(rng, 0.5) ? tb__between(rng, 5.5, 7)
                                          : tb__between(rng, 0.6, 1.2); /* rotating horn */
    w->tremolo = tb__happens(rng, 0.6) ? tb__between(rng, 0.1, 0.4) : 0;
    w->vibrato.cents = w->tremolo * 30;
    w->vibrato.hz = w->tremolo_hz;
    w->vibrato.glide_s = 0;
}

/* The cycle for notes whose base advances by up to 2^-octave / 2 a sample: harmonics below half the rate. */
static const float *get_cycle(table *t, float step, float *energy)
{
    size_t octave = 0;
    while (octave + 1 < N_OCTAVES && step * exp2f((float)octave + 1) <= 0.5f) octave++;
    const size_t n_harmonics = octave < 6 ? (size_t)1 << octave : MAX_HARMONICS;
    float *cycle = t->cycles[octave];
    *energy = 0;
    for (size_t h = 0; h < MAX_HARMONICS; h++) *energy += t->harmonics[h] * t->harmonics[h];
    if (t->is_made[octave]) return cycle;
    for (size_t h = 0; h < n_harmonics; h++)
        for (size_t i = 0; t->harmonics[h] > 1e-4f && i < CYCLE; i++)
            cycle[i] += t->harmonics[h] * tb__sine((float)((h + 1) * i % CYCLE) / CYCLE + t->phases[h]);
    cycle[CYCLE] = cycle[0];
    t->is_made[octave] = true;
    return cycle;
}

static inline float look_up(const float *cycle, float phase)
{
    const float at = phase * CYCLE;
    const int whole = (int)at;
    const float part = at - (float)whole;
    return cycle[whole] + part * (cycle[whole + 1] - cycle[whole]);
}

static void add_note(void *patch, const tb__performance *p, const tb__note *note, float *mono)
{
    wavetable *w = patch;
    size_t first = 0;
    const size_t n = tb__note_samples(p, note, &w->level, &first);
    const float rate_hz = (float)p->rate_hz, off_s = (float)(note->end_s - note->start_s);
    float energy[2] = {1, 1}, phases[3] = {0, 0.33f, 0.71f}, level = 0;
    const float *a = NULL, *b = NULL;
    for (size_t at = 0; at < n; at += TB__PATCH_BLOCK) {
        const size_t count = n - at < TB__PATCH_BLOCK ? n - at : TB__PATCH_BLOCK;
        const float t = (float)at / rate_hz,
                    step = fminf(tb__note_step(p, note, &w->vibrato, first + at, t) * w->base, 0.45f);
        if (at % (16 * TB__PATCH_BLOCK) == 0) { /* bends may have changed the octave */
            a = get_cycle(&w->tables[0], step * 1.06f, &energy[0]);
            b = w->blend_s > 0 ? get_cycle(&w->tables[1], step * 1.06f, &energy[1]) : a;
        }
        const float blend = w->blend_s > 0 ? 1 - expf(-t / w->blend_s) : 0;
        const float share_a = (1 - blend) / sqrtf(energy[0] + 1e-9f),
                    share_b = blend / sqrtf(energy[1] + 1e-9f);
        const float swell = 1 -
                            w->tremolo * 0.5f * (1 + tb__sine(w->tremolo_hz * (float)(first + at) / rate_hz));
        const float loud = 0.25f * swell * (1 - w->softness + w->softness * note->velocity * note->velocity) /
                           sqrtf((float)w->n_voices);
        const float next = loud * tb__envelope_at(&w->level, t + TB__PATCH_BLOCK / rate_hz, off_s),
                    rise = (next - level) / TB__PATCH_BLOCK;
        float block[TB__PATCH_BLOCK] = {0};
        for (int v = 0; v < w->n_voices; v++) {
            const float tuned = fminf(step * exp2f(((float)v - 0.5f * (float)(w->n_voices - 1)) * w->detune /
                                                   1200),
                                      0.45f);
            for (size_t i = 0; i < count; i++) {
                block[i] += share_a * look_up(a, phases[v]) + share_b * look_up(b, phases[v]);
                phases[v] += tuned;
                if (phases[v] >= 1) phases[v] -= 1;
            }
        }
        const float click = w->click * expf(-t / 0.004f);
        for (size_t i = 0; click > 1e-3f && i < count; i++) block[i] += click * tb__noise(&w->noise_state);
        for (size_t i = 0; i < count; i++) mono[first + at + i] += block[i] * (level += rise);
        level = next;
    }
}

const tb__patch_kind tb__patch_wavetable = {"harmonics", sizeof(wavetable), draw, add_note, NULL};
const tb__patch_kind tb__patch_organ = {"organ", sizeof(wavetable), draw_organ, add_note, NULL};
