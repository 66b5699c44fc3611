// SPDX-License-Identifier: MIT
/* Two oscillators and noise through a resonant low-pass whose cutoff follows an envelope: analogue
 * synthesisers. */
#include "train/patch_internal.h"

typedef enum wave { SAW, PULSE, TRIANGLE, SINE, N_WAVES } wave;

typedef struct subtractive {
    wave waves[2];
    float width[2], ratio[2], share[2], noise; /* ratio: of the note's frequency */
    tb__envelope level, filter;
    tb__vibrato vibrato;
    float cutoff, sweep, tracking,
        damping;    /* cutoff in octaves above 100 Hz for middle C; sweep in octaves */
    float softness; /* how much velocity changes the level, 0 to 1 */
    uint32_t noise_state;
} subtractive;

static void draw(const tb__patch_wish *wish, tb_rng *rng, void *patch)
{
    static const float octaves[] = {0.5f, 1, 1, 1, 2};
    subtractive *s = patch;
    const bool is_bass = wish->stem == TB_STEM_BASS;
    for (size_t i = 0; i < 2; i++) {
        s->waves[i] = (wave)tb_rng_below(rng, i == 0 ? PULSE + 1 : N_WAVES);
        s->width[i] = tb__between(rng, 0.1, 0.5);
        const float octave = i == 0 ? 1 : octaves[tb_rng_below(rng, 5)];
        s->ratio[i] = octave * exp2f(tb__between(rng, -15, 15) / 1200);
        s->share[i] = i == 0 ? 1 : tb__happens(rng, 0.8) ? tb__between(rng, 0.3, 1) : 0;
    }
    s->noise = tb__happens(rng, 0.2) ? tb__between(rng, 0.02, 0.2) : 0;
    s->level = tb__envelope_draw(wish, rng);
    s->vibrato = tb__vibrato_draw(wish, rng);
    s->filter = (tb__envelope){tb__between_ratio(rng, 0.001, wish->is_slow ? 1 : 0.05),
                               tb__between_ratio(rng, 0.05, 1.2), tb__between(rng, 0, 0.7), 0.2f};
    s->cutoff = tb__between(rng, is_bass ? 0.5 : 1.5, is_bass ? 4 : 5.5);
    s->sweep = tb__happens(rng, 0.7) ? tb__between(rng, 0.5, 3.5) : 0;
    s->tracking = tb__between(rng, 0.2, 1);
    s->damping = tb__between_ratio(rng, 0.15, 1.6);
    s->softness = tb__between(rng, 0.3, 0.9);
    s->noise_state = (uint32_t)tb_rng_next(rng);
}

static void add_wave(const subtractive *s, size_t which, float *phase, float step, float *out, size_t n)
{
    const float share = s->share[which], width = s->width[which];
    float p = *phase;
    if (share <= 0) return;
    for (size_t i = 0; i < n; i++) {
        switch (s->waves[which]) {
        case SAW: out[i] += share * tb__saw(p, step); break;
        case PULSE: out[i] += share * tb__pulse(p, step, width); break;
        case TRIANGLE: out[i] += share * tb__triangle(p); break;
        case SINE:
        case N_WAVES: out[i] += share * tb__sine(p); break;
        }
        p += step;
        if (p >= 1) p -= 1;
    }
    *phase = p;
}

/* State variable filter with trapezoidal integrators: stable however the cutoff moves (Zavalishin, "The Art
 * of VA Filter Design", section 4). */
typedef struct state_filter {
    float s1, s2;
} state_filter;

static void filter(state_filter *f, float g, float damping, float *x, size_t n)
{
    const float a = 1 / (1 + g * (g + damping));
    for (size_t i = 0; i < n; i++) {
        const float band = a * (f->s1 + g * (x[i] - f->s2)), low = f->s2 + g * band;
        f->s1 = 2 * band - f->s1;
        f->s2 = 2 * low - f->s2;
        x[i] = low;
    }
}

static void add_note(void *patch, const tb__performance *p, const tb__note *note, float *mono)
{
    subtractive *s = patch;
    size_t first = 0;
    const size_t n = tb__note_samples(p, note, &s->level, &first);
    const float rate_hz = (float)p->rate_hz, off_s = (float)(note->end_s - note->start_s);
    const float loud = 0.25f * (1 - s->softness + s->softness * note->velocity * note->velocity);
    const float octave = s->cutoff + s->tracking * (note->key - 60) / 12 + note->velocity;
    float phases[2] = {0.37f * (float)(note->index % 7) / 7, 0}, level = 0;
    state_filter state = {0};
    for (size_t at = 0; at < n; at += TB__PATCH_BLOCK) {
        float block[TB__PATCH_BLOCK] = {0};
        const size_t count = n - at < TB__PATCH_BLOCK ? n - at : TB__PATCH_BLOCK;
        const float t = (float)at / rate_hz, step = tb__note_step(p, note, &s->vibrato, first + at, t);
        for (size_t w = 0; w < 2; w++)
            add_wave(s, w, &phases[w], fminf(step * s->ratio[w], 0.45f), block, count);
        for (size_t i = 0; s->noise > 0 && i < count; i++) block[i] += s->noise * tb__noise(&s->noise_state);
        const float hz = 100 * exp2f(octave + s->sweep * tb__envelope_at(&s->filter, t, off_s));
        filter(&state, tanf(3.14159265f * fminf(hz / rate_hz, 0.45f)), s->damping, block, count);
        const float next = loud * tb__envelope_at(&s->level, t + TB__PATCH_BLOCK / rate_hz, off_s),
                    rise = (next - level) / TB__PATCH_BLOCK;
        for (size_t i = 0; i < count; i++) mono[first + at + i] += block[i] * (level += rise);
        level = next;
    }
}

const tb__patch_kind tb__patch_subtractive = {"subtractive", sizeof(subtractive), draw, add_note, NULL};
