// SPDX-License-Identifier: MIT
/* A voice that sings vowels: a pulse through four formants in parallel, with vibrato, breath and glides from
 * vowel to vowel (formants after Peterson and Barney, "Control methods used in a study of the vowels", 1952).
 */
#include "train/biquad_internal.h"
#include "train/patch_internal.h"

enum { N_FORMANTS = 4, N_VOWELS = 6, MAX_SUNG = 4, FORMANT_BLOCK = 4 * TB__PATCH_BLOCK };

typedef struct vowel {
    float hz[N_FORMANTS], db[N_FORMANTS];
} vowel;

static const vowel vowels[N_VOWELS] = {
    {{730, 1090, 2440, 3400}, {0, -6, -20, -26}},  /* a */
    {{530, 1840, 2480, 3500}, {0, -10, -16, -26}}, /* e */
    {{270, 2290, 3010, 3700}, {0, -20, -22, -30}}, /* i */
    {{570, 840, 2410, 3300}, {0, -7, -28, -32}},   /* o */
    {{300, 870, 2240, 3200}, {0, -14, -32, -38}},  /* u */
    {{660, 1720, 2410, 3500}, {0, -8, -18, -28}},  /* æ */
};

typedef struct voice {
    size_t sung[MAX_SUNG]; /* vowels, in turn */
    size_t n_sung;
    float tract;                          /* ratio of the formants: 0.9 man to 1.25 child */
    float breath, tilt_hz, q, width, hum; /* hum: share of the lowest harmonics past the formants */
    int n_voices;                         /* a choir has more */
    float spread;                         /* cents */
    tb__envelope level;
    tb__vibrato vibrato;
    uint32_t noise_state;
} voice;

static void draw(const tb__patch_wish *wish, tb_rng *rng, void *patch)
{
    voice *v = patch;
    *v = (voice){.n_sung = 1 + (size_t)tb_rng_below(rng, MAX_SUNG),
                 .tract = tb__between_ratio(rng, 0.88, 1.28),
                 .breath = tb__between_ratio(rng, 0.01, 0.25),
                 .tilt_hz = tb__between_ratio(rng, 2500, 9000),
                 .q = tb__between(rng, 4, 12),
                 .width = tb__between(rng, 0.1, 0.5),
                 .hum = tb__between(rng, 0, 0.3)};
    for (size_t i = 0; i < MAX_SUNG; i++) v->sung[i] = (size_t)tb_rng_below(rng, N_VOWELS);
    v->n_voices = tb__happens(rng, wish->is_slow ? 0.9 : 0.2) ? 3 : 1;
    v->spread = tb__between(rng, 8, 25);
    v->level = (tb__envelope){tb__between(rng, 0.02, wish->is_slow ? 0.4 : 0.12), 0.3f,
                              tb__between(rng, 0.7, 1), tb__between(rng, 0.04, 0.2)};
    v->vibrato = (tb__vibrato){.hz = tb__between(rng, 4.5, 6.8),
                               .cents = tb__between(rng, 15, 70),
                               .delay_s = tb__between(rng, 0.1, 0.5),
                               .glide_s = tb__between(rng, 0.03, 0.14)};
    v->noise_state = (uint32_t)tb_rng_next(rng);
}

static void set_formants(const voice *v, size_t from, size_t to, float share, float rate_hz,
                         tb__biquad *filters, float *gains)
{
    for (size_t k = 0; k < N_FORMANTS; k++) {
        const float hz = vowels[from].hz[k] + share * (vowels[to].hz[k] - vowels[from].hz[k]);
        const float db = vowels[from].db[k] + share * (vowels[to].db[k] - vowels[from].db[k]);
        tb__biquad_set(&filters[k], TB__BIQUAD_BAND_PASS, (double)(hz * v->tract),
                       (double)(v->q * (1 + 0.4f * (float)k)), 0, (double)rate_hz);
        gains[k] = powf(10, db / 20);
    }
}

static void add_note(void *patch, const tb__performance *p, const tb__note *note, float *mono)
{
    voice *v = patch;
    size_t first = 0;
    const size_t n = tb__note_samples(p, note, &v->level, &first);
    const size_t to = v->sung[note->index % v->n_sung],
                 from = note->index ? v->sung[(note->index - 1) % v->n_sung] : to;
    const float rate_hz = (float)p->rate_hz, off_s = (float)(note->end_s - note->start_s),
                loud = 1.2f * (0.4f + 0.6f * note->velocity);
    const float tilt = 1 - expf(-6.2831853f * v->tilt_hz / rate_hz);
    float phases[3] = {0, 0.4f, 0.7f}, gains[N_FORMANTS] = {0}, level = 0, dull = 0;
    tb__biquad filters[N_FORMANTS] = {{0}};
    for (size_t at = 0; at < n; at += TB__PATCH_BLOCK) {
        const size_t count = n - at < TB__PATCH_BLOCK ? n - at : TB__PATCH_BLOCK;
        const float t = (float)at / rate_hz, step = tb__note_step(p, note, &v->vibrato, first + at, t);
        if (at % FORMANT_BLOCK == 0) set_formants(v, from, to, fminf(t / 0.09f, 1), rate_hz, filters, gains);
        const float next = loud * tb__envelope_at(&v->level, t + TB__PATCH_BLOCK / rate_hz, off_s),
                    rise = (next - level) / TB__PATCH_BLOCK;
        float block[TB__PATCH_BLOCK] = {0};
        for (int k = 0; k < v->n_voices; k++) {
            const float tuned = fminf(step * exp2f((float)(k - v->n_voices / 2) * v->spread / 1200), 0.45f);
            for (size_t i = 0; i < count; i++) {
                block[i] += tb__pulse(phases[k], tuned, v->width);
                phases[k] += tuned;
                if (phases[k] >= 1) phases[k] -= 1;
            }
        }
        for (size_t i = 0; i < count; i++) {
            const float source = block[i] / (float)v->n_voices + v->breath * tb__noise(&v->noise_state);
            dull += tilt * (source - dull);
            double sum = (double)(v->hum * 0.1f * dull);
            for (size_t k = 0; k < N_FORMANTS; k++)
                sum += (double)gains[k] * tb__biquad_step(&filters[k], (double)dull);
            mono[first + at + i] += (float)sum * (level += rise);
        }
        level = next;
    }
}

const tb__patch_kind tb__patch_voice = {"voice", sizeof(voice), draw, add_note, NULL};
