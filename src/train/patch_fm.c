// SPDX-License-Identifier: MIT
/* Frequency modulation (Chowning 1973): two to four sines, of which some turn the phases of others. */
#include "train/patch_internal.h"

enum { MAX_OPERATORS = 4 };

typedef struct operator_ {
    float ratio, index, decay_s,
        floor;  /* index: cycles of phase, of a carrier its level; it falls to floor * index */
    int target; /* operator that it modulates (a smaller number), -1: is heard */
} operator_;

typedef struct fm {
    operator_ operators[MAX_OPERATORS];
    int n_operators;
    float feedback, brightness; /* of the last operator; how much velocity raises the indexes */
    tb__envelope level;
    tb__vibrato vibrato;
} fm;

static void draw(const tb__patch_wish *wish, tb_rng *rng, void *patch)
{
    static const float ratios[] = {0.5f, 1, 1, 1, 2, 2, 3, 4, 5, 7, 14};
    static const float odd_ratios[] = {1.41f, 2.76f, 3.5f, 5.4f, 1.73f};
    fm *f = patch;
    const bool is_bell = !wish->sustains && wish->stem == TB_STEM_OTHERS;
    f->n_operators = 2 + (int)tb_rng_below(rng, MAX_OPERATORS - 1);
    f->level = tb__envelope_draw(wish, rng);
    if (is_bell) f->level.decay_s *= 1.5f;
    f->vibrato = tb__vibrato_draw(wish, rng);
    f->feedback = tb__happens(rng, 0.3) ? tb__between(rng, 0.02, 0.12) : 0;
    f->brightness = tb__between(rng, 0.3, 1);
    for (int i = 0; i < f->n_operators; i++) {
        operator_ *o = &f->operators[i];
        /* two stacks, or one: the second operator turns the first, the fourth the third or the second */
        o->target = i == 0 ? -1 : i == 2 && tb__happens(rng, 0.6) ? -1 : (int)tb_rng_below(rng, (uint64_t)i);
        const bool is_carrier = o->target < 0;
        o->ratio = is_carrier                             ? (i == 0 ? 1 : ratios[tb_rng_below(rng, 6)])
                 : tb__happens(rng, is_bell ? 0.5 : 0.08) ? odd_ratios[tb_rng_below(rng, 5)]
                                                          : ratios[tb_rng_below(rng, 11)];
        o->ratio *= exp2f(tb__between(rng, -4, 4) / 1200);
        o->index = is_carrier ? (i == 0 ? 1 : tb__between(rng, 0.2, 0.8))
                              : tb__between_ratio(rng, 0.05, 0.7) / sqrtf(o->ratio);
        o->decay_s = tb__between_ratio(rng, 0.05, 1.5);
        o->floor = wish->sustains ? tb__between(rng, 0.2, 1) : tb__between(rng, 0, 0.4);
    }
}

static void add_note(void *patch, const tb__performance *p, const tb__note *note, float *mono)
{
    const fm *f = patch;
    size_t first = 0;
    const size_t n = tb__note_samples(p, note, &f->level, &first);
    const float rate_hz = (float)p->rate_hz, off_s = (float)(note->end_s - note->start_s);
    const float loud = 0.25f * (0.3f + 0.7f * note->velocity * note->velocity),
                bright = 1 - f->brightness + 1.3f * f->brightness * note->velocity;
    float phases[MAX_OPERATORS] = {0}, level = 0, back = 0;
    for (size_t at = 0; at < n; at += TB__PATCH_BLOCK) {
        const size_t count = n - at < TB__PATCH_BLOCK ? n - at : TB__PATCH_BLOCK;
        const float t = (float)at / rate_hz, step = tb__note_step(p, note, &f->vibrato, first + at, t);
        float steps[MAX_OPERATORS], depths[MAX_OPERATORS];
        for (int k = 0; k < f->n_operators; k++) {
            const operator_ *o = &f->operators[k];
            steps[k] = fminf(step * o->ratio, 0.48f);
            depths[k] = o->index * (o->floor + (1 - o->floor) * expf(-t / o->decay_s));
            /* side bands reach up to (index + 1) times the modulator: fade what would fold back */
            if (o->target >= 0)
                depths[k] *= bright *
                             fminf(1, fmaxf(0, (0.45f - step) / (steps[k] * (6.3f * depths[k] + 1))));
        }
        const float next = loud * tb__envelope_at(&f->level, t + TB__PATCH_BLOCK / rate_hz, off_s),
                    rise = (next - level) / TB__PATCH_BLOCK;
        float turns[MAX_OPERATORS][TB__PATCH_BLOCK] = {{0}}, heard[TB__PATCH_BLOCK] = {0};
        for (int k = f->n_operators - 1; k >= 0; k--) {
            const int target = f->operators[k].target;
            float *turned = turns[k], *to = target < 0 ? heard : turns[target];
            const float depth = depths[k], begin = phases[k], pace = steps[k];
            for (size_t i = 0; f->feedback > 0 && k == f->n_operators - 1 && i < TB__PATCH_BLOCK; i++) {
                turned[i] = f->feedback * back;
                back = depth * tb__sine(begin + pace * (float)i + turned[i]);
            }
            for (size_t i = 0; i < TB__PATCH_BLOCK; i++)
                to[i] += depth * tb__sine(begin + pace * (float)i + turned[i]);
            phases[k] += pace * TB__PATCH_BLOCK;
            phases[k] -= (float)(int)phases[k];
        }
        for (size_t i = 0; i < count; i++) mono[first + at + i] += heard[i] * (level += rise);
        level = next;
    }
}

const tb__patch_kind tb__patch_fm = {"FM", sizeof(fm), draw, add_note, NULL};
