// SPDX-License-Identifier: MIT
/* Kits of electronic drums.  Each sound is a tone whose pitch falls, noise through a filter, and a bundle of
 * squares out of tune (the metal of analogue drum machines), each dying away on its own; a kit draws them all
 * in one of three manners.  Keys are those of the General MIDI percussion map. */
#include "train/biquad_internal.h"
#include "train/patch_internal.h"

#include <string.h>

enum { N_METAL = 6, LOWEST_KEY = 27, HIGHEST_KEY = 87 };

typedef enum sound {
    KICK,
    STICK,
    SNARE,
    CLAP,
    CLOSED_HAT,
    OPEN_HAT,
    TOM,
    CRASH,
    RIDE,
    TAMBOURINE,
    COWBELL,
    CONGA,
    AGOGO,
    SHAKER,
    BLOCK,
    TRIANGLE,
    N_SOUNDS
} sound;

typedef struct hit {
    float tone, tone_hz, fall, fall_s, tone_decay_s; /* the pitch begins at tone_hz * (1 + fall) */
    float second, second_ratio;                      /* another tone, as a share and a ratio of the first */
    float noise, noise_decay_s, noise_hz, noise_q;
    tb__biquad_kind noise_filter;
    float metal, metal_hz, metal_decay_s;
    float click;
    int bursts; /* of noise, 10 ms apart: claps */
} hit;

typedef struct drums {
    hit sounds[N_SOUNDS];
    float metal_ratios[N_METAL];
    bool is_square; /* tones of chips */
    float hold;     /* samples that a number of the noise lasts: rough noise of chips */
    float drive;
    float accent; /* how much velocity matters */
    uint32_t noise_state;
} drums;

/* From LOWEST_KEY on, six a row: which sound, and its pitch in semitones. */
static const struct {
    uint8_t sound;
    int8_t semitones;
} keys[HIGHEST_KEY - LOWEST_KEY + 1] = {
    {BLOCK, 0},    {CLAP, 0},     {SHAKER, 2},    {SHAKER, -2},    {STICK, 0},   {BLOCK, 4},
    {BLOCK, 7},    {TRIANGLE, 0}, {KICK, -2},     {KICK, 0},       {STICK, 0},   {SNARE, 0},
    {CLAP, 0},     {SNARE, 2},    {TOM, -9},      {CLOSED_HAT, 0}, {TOM, -6},    {CLOSED_HAT, -1},
    {TOM, -3},     {OPEN_HAT, 0}, {TOM, 0},       {TOM, 3},        {CRASH, 0},   {TOM, 6},
    {RIDE, 0},     {CRASH, 3},    {RIDE, 5},      {TAMBOURINE, 0}, {CRASH, 5},   {COWBELL, 0},
    {CRASH, -2},   {SHAKER, -5},  {RIDE, -2},     {CONGA, 7},      {CONGA, 2},   {CONGA, 1},
    {CONGA, 0},    {CONGA, -5},   {TOM, 9},       {TOM, 4},        {AGOGO, 5},   {AGOGO, 0},
    {SHAKER, 0},   {SHAKER, 3},   {TRIANGLE, -5}, {TRIANGLE, -7},  {SHAKER, -3}, {SHAKER, -4},
    {BLOCK, 2},    {BLOCK, 3},    {BLOCK, -3},    {CONGA, 9},      {CONGA, -3},  {TRIANGLE, 1},
    {TRIANGLE, 0}, {SHAKER, 5},   {TRIANGLE, 7},  {TRIANGLE, 9},   {BLOCK, 5},   {KICK, 6},
    {KICK, -4},
};

static hit draw_noise(tb_rng *rng, double level, double low_s, double high_s, tb__biquad_kind filter,
                      double low_hz, double high_hz)
{
    return (hit){.noise = (float)level,
                 .noise_decay_s = tb__between_ratio(rng, low_s, high_s),
                 .noise_hz = tb__between_ratio(rng, low_hz, high_hz),
                 .noise_q = tb__between(rng, 0.6, 2.5),
                 .noise_filter = filter,
                 .bursts = 1};
}

static void put_tone(hit *h, tb_rng *rng, double level, double low_hz, double high_hz, double low_s,
                     double high_s, double fall)
{
    h->tone = (float)level;
    h->tone_hz = tb__between_ratio(rng, low_hz, high_hz);
    h->tone_decay_s = tb__between_ratio(rng, low_s, high_s);
    h->fall = (float)fall;
    h->fall_s = tb__between_ratio(rng, 0.008, 0.06);
}

static void put_metal(hit *h, tb_rng *rng, double level, double low_s, double high_s)
{
    h->metal = (float)level;
    h->metal_decay_s = tb__between_ratio(rng, low_s, high_s);
    h->metal_hz = tb__between_ratio(rng, 180, 700);
}

static void draw(const tb__patch_wish *wish, tb_rng *rng, void *patch)
{
    drums *d = patch;
    hit *s = d->sounds;
    (void)wish;
    memset(d, 0, sizeof *d);
    const bool is_chip = tb__happens(rng, 0.25);
    const double metal = is_chip ? 0 : tb__between(rng, 0, 1);
    for (size_t i = 0; i < N_METAL; i++) d->metal_ratios[i] = 1 + (float)i * tb__between(rng, 0.35, 0.75);
    d->is_square = is_chip && tb__happens(rng, 0.6);
    d->hold = is_chip ? tb__between(rng, 1, 4) : 1;
    d->drive = tb__happens(rng, 0.4) ? tb__between_ratio(rng, 1.5, 6) : 0;
    d->accent = tb__between(rng, 0.5, 1);
    d->noise_state = (uint32_t)tb_rng_next(rng);

    s[KICK] = draw_noise(rng, tb__between(rng, 0, 0.2), 0.005, 0.03, TB__BIQUAD_LOW_PASS, 800, 5000);
    put_tone(&s[KICK], rng, 1, 40, 70, 0.06, 0.5, tb__between(rng, 1, 7));
    s[KICK].click = tb__between(rng, 0, 0.5);
    /* one draw a statement: the order of arguments is the compiler's */
    const bool is_hissing = tb__happens(rng, 0.5);
    const double rattle = tb__between(rng, 0.4, 0.9), drop = tb__between(rng, 0, 1),
                 skin = tb__between(rng, 0.2, 0.9);
    s[SNARE] = draw_noise(rng, rattle, 0.05, 0.25, is_hissing ? TB__BIQUAD_HIGH_PASS : TB__BIQUAD_BAND_PASS,
                          900, 4500);
    put_tone(&s[SNARE], rng, skin, 140, 260, 0.03, 0.15, drop);
    s[SNARE].second = tb__between(rng, 0, 0.7);
    s[SNARE].second_ratio = tb__between(rng, 1.4, 2.1);
    s[STICK] = draw_noise(rng, 0.2, 0.01, 0.03, TB__BIQUAD_BAND_PASS, 1500, 5000);
    put_tone(&s[STICK], rng, 0.5, 700, 2200, 0.01, 0.04, 0);
    s[CLAP] = draw_noise(rng, 0.8, 0.05, 0.25, TB__BIQUAD_BAND_PASS, 800, 2500);
    s[CLAP].bursts = 3 + (int)tb_rng_below(rng, 2);
    s[CLOSED_HAT] = draw_noise(rng, 0.5 * (1 - 0.7 * metal), 0.015, 0.07, TB__BIQUAD_HIGH_PASS, 4500, 8500);
    put_metal(&s[CLOSED_HAT], rng, 0.5 * metal, 0.015, 0.07);
    s[OPEN_HAT] = s[CLOSED_HAT];
    s[OPEN_HAT].noise_decay_s *= tb__between(rng, 4, 10);
    s[OPEN_HAT].metal_decay_s *= tb__between(rng, 4, 10);
    s[TOM] = draw_noise(rng, tb__between(rng, 0, 0.25), 0.02, 0.08, TB__BIQUAD_BAND_PASS, 300, 2000);
    put_tone(&s[TOM], rng, 0.8, 90, 180, 0.08, 0.45, tb__between(rng, 0.1, 1.5));
    s[CRASH] = draw_noise(rng, 0.5 * (1 - 0.5 * metal), 0.3, 1.2, TB__BIQUAD_HIGH_PASS, 2500, 6000);
    put_metal(&s[CRASH], rng, 0.4 * metal, 0.3, 1);
    s[RIDE] = draw_noise(rng, 0.2, 0.1, 0.5, TB__BIQUAD_HIGH_PASS, 3500, 7500);
    put_metal(&s[RIDE], rng, 0.1 + 0.3 * metal, 0.15, 0.6);
    s[TAMBOURINE] = draw_noise(rng, 0.5, 0.04, 0.15, TB__BIQUAD_HIGH_PASS, 5000, 8500);
    s[COWBELL] = draw_noise(rng, 0, 0.05, 0.06, TB__BIQUAD_BAND_PASS, 1000, 1001);
    put_tone(&s[COWBELL], rng, 0.6, 500, 620, 0.06, 0.3, 0);
    s[COWBELL].second = 0.8f;
    s[COWBELL].second_ratio = 1.48f;
    s[CONGA] = draw_noise(rng, 0.1, 0.01, 0.03, TB__BIQUAD_BAND_PASS, 1000, 3000);
    put_tone(&s[CONGA], rng, 0.7, 180, 320, 0.05, 0.2, 0.1);
    s[AGOGO] = s[COWBELL];
    s[AGOGO].tone_hz *= tb__between(rng, 1.2, 2);
    s[SHAKER] = draw_noise(rng, 0.4, 0.02, 0.08, TB__BIQUAD_BAND_PASS, 4000, 8500);
    s[BLOCK] = draw_noise(rng, 0.05, 0.01, 0.02, TB__BIQUAD_BAND_PASS, 2000, 4000);
    put_tone(&s[BLOCK], rng, 0.7, 700, 1400, 0.02, 0.07, 0);
    s[TRIANGLE] = draw_noise(rng, 0, 0.01, 0.02, TB__BIQUAD_BAND_PASS, 5000, 6000);
    put_tone(&s[TRIANGLE], rng, 0.4, 3200, 4800, 0.1, 0.8, 0);
}

typedef struct ringing {
    float tone, noise, metal; /* levels */
    float phases[2], metal_phases[N_METAL];
    float held;
    double hold_left;
    tb__biquad noise_filter, metal_filter;
} ringing;

/* Six squares out of tune; their sum goes through a high-pass. */
static float step_metal(const drums *d, ringing *r, float step)
{
    float sum = 0;
    for (size_t k = 0; k < N_METAL; k++) {
        r->metal_phases[k] += step * d->metal_ratios[k];
        if (r->metal_phases[k] >= 1) r->metal_phases[k] -= 1;
        sum += r->metal_phases[k] < 0.5f ? 1.0f : -1.0f;
    }
    return (float)tb__biquad_step(&r->metal_filter, (double)sum) / 3;
}

static float step_noise(drums *d, ringing *r)
{
    if (--r->hold_left <= 0) {
        r->held = tb__noise(&d->noise_state);
        r->hold_left += (double)d->hold;
    }
    return (float)tb__biquad_step(&r->noise_filter, (double)r->held);
}

static void add_note(void *patch, const tb__performance *p, const tb__note *note, float *mono)
{
    drums *d = patch;
    const int key = (int)note->key;
    const size_t row = key < LOWEST_KEY || key > HIGHEST_KEY ? 75 - LOWEST_KEY : (size_t)(key - LOWEST_KEY);
    const hit *h = &d->sounds[keys[row].sound];
    const float rate_hz = (float)p->rate_hz, pitch = exp2f((float)keys[row].semitones / 12);
    const double start = fmax(note->start_s, 0) * p->rate_hz;
    if (!(start < (double)p->n_samples)) return;
    const size_t first = (size_t)start, room = p->n_samples - first;
    const float longest = fmaxf(h->tone > 0 ? h->tone_decay_s : 0,
                                fmaxf(h->noise > 0 ? h->noise_decay_s : 0,
                                      h->metal > 0 ? h->metal_decay_s : 0));
    const size_t wanted = (size_t)((7 * longest + 0.05f) * rate_hz), n = wanted < room ? wanted : room;
    const size_t burst = (size_t)(0.011f * rate_hz);
    const float loud = 0.5f * (1 - d->accent + d->accent * note->velocity * note->velocity);
    const float tone_fall = expf(-1 / (fmaxf(h->tone_decay_s, 1e-3f) * rate_hz)),
                noise_fall = expf(-1 / (h->noise_decay_s * rate_hz));
    const float metal_fall = expf(-1 / (fmaxf(h->metal_decay_s, 1e-3f) * rate_hz)),
                sweep_fall = h->fall_s > 0 ? expf(-1 / (h->fall_s * rate_hz)) : 0;
    const float base = fminf(h->tone_hz * pitch / rate_hz, 0.2f),
                metal_step = fminf(h->metal_hz * pitch / rate_hz, 0.08f);
    ringing r = {.tone = h->tone, .noise = h->noise, .metal = h->metal};
    float sweep = h->fall, click = h->click;
    tb__biquad_set(&r.noise_filter, h->noise_filter, (double)(h->noise_hz * pitch), (double)h->noise_q, 0,
                   p->rate_hz);
    tb__biquad_set(&r.metal_filter, TB__BIQUAD_HIGH_PASS, 5000, 1, 0, p->rate_hz);
    for (size_t i = 0; i < n; i++) {
        float x = 0;
        if (r.tone > 1e-4f) {
            const float step = base * (1 + sweep);
            const float a = d->is_square ? 0.6f * tb__pulse(r.phases[0], fminf(step, 0.45f), 0.5f)
                                         : tb__sine(r.phases[0]);
            x += r.tone * (a + h->second * tb__sine(r.phases[1]));
            r.phases[0] += step;
            r.phases[1] += step * h->second_ratio;
            if (r.phases[0] >= 1) r.phases[0] -= 1;
            if (r.phases[1] >= 1) r.phases[1] -= 1;
            r.tone *= tone_fall;
            sweep *= sweep_fall;
        }
        if (r.noise > 1e-4f) {
            if (h->bursts > 1 && i % burst == 0 && i < burst * (size_t)h->bursts) r.noise = h->noise;
            x += r.noise * step_noise(d, &r);
            r.noise *= h->bursts > 1 && i < burst * (size_t)(h->bursts - 1) ? noise_fall * 0.985f
                                                                            : noise_fall;
        }
        if (r.metal > 1e-4f) {
            x += r.metal * step_metal(d, &r, metal_step);
            r.metal *= metal_fall;
        }
        if (click > 1e-3f) x += (click *= 0.9f);
        mono[first + i] += loud * x;
    }
}

static void finish(void *patch, const tb__performance *p, float *mono)
{
    const drums *d = patch;
    for (size_t i = 0; d->drive > 0 && i < p->n_samples; i++) {
        const float x = d->drive * mono[i];
        mono[i] = 0.5f * x / sqrtf(1 + x * x);
    }
}

const tb__patch_kind tb__patch_drums = {"drum machine", sizeof(drums), draw, add_note, finish};
