// SPDX-License-Identifier: MIT
/* A plucked string: noise in a loop that loses treble (Karplus and Strong, "Digital synthesis of
 * plucked-string and drum timbres", 1983; tuning and pluck position after Jaffe and Smith, "Extensions of the
 * Karplus-Strong algorithm"). */
#include "train/biquad_internal.h"
#include "train/patch_internal.h"

#include <string.h>

enum { MAX_LINE = 8192 };

typedef struct pluck {
    float line[MAX_LINE];
    float dullness; /* 0 to 1: of the loop's low-pass */
    float ring_s;   /* time to -60 dB of middle C */
    float position; /* of the pluck along the string, 0.05 to 0.5 */
    float softness; /* of the pick: low-pass of the noise */
    float body_hz, body_gain, drive;
    float sympathy; /* share of a second, detuned string (0: none); twelve-string guitars, harpsichords */
    float detune;
    bool rings_on; /* after the key is let go */
    uint32_t noise_state;
} pluck;

static void draw(const tb__patch_wish *wish, tb_rng *rng, void *patch)
{
    pluck *s = patch;
    memset(s, 0, sizeof *s);
    s->dullness = tb__between(rng, 0.05, wish->stem == TB_STEM_BASS ? 0.7 : 0.5);
    s->ring_s = tb__between_ratio(rng, 0.8, 7);
    s->position = tb__between(rng, 0.06, 0.5);
    s->softness = tb__between(rng, 0.05, wish->stem == TB_STEM_BASS ? 0.95 : 0.8);
    s->body_hz = tb__between_ratio(rng, 90, 450);
    s->body_gain = tb__happens(rng, 0.5) ? tb__between(rng, 0.2, 1.5) : 0;
    const bool is_overdriven = wish->stem == TB_STEM_GUITAR && (wish->program == 29 || wish->program == 30);
    s->drive = tb__happens(rng, is_overdriven                  ? 0.95
                                : wish->stem == TB_STEM_GUITAR ? 0.25
                                                               : 0.1)
                 ? tb__between_ratio(rng, 2, is_overdriven ? 30 : 8)
                 : 0;
    s->sympathy = tb__happens(rng, 0.25) ? tb__between(rng, 0.3, 1) : 0;
    s->detune = tb__happens(rng, 0.3) ? 2 : exp2f(tb__between(rng, 2, 12) / 1200);
    s->rings_on = tb__happens(rng, 0.2);
    s->noise_state = (uint32_t)tb_rng_next(rng);
}

/* One period of noise, low-passed by the pick and combed by its position. */
static void excite(pluck *s, size_t size, float velocity)
{
    const float keep = s->softness * (1.2f - velocity);
    const size_t away = (size_t)(s->position * (float)size);
    float soft = 0, mean = 0, sum = 0;
    for (size_t i = 0; i < size; i++) {
        soft += (1 - fminf(keep, 0.97f)) * (tb__noise(&s->noise_state) - soft);
        s->line[i] = soft;
        mean += soft / (float)size;
    }
    for (size_t i = size; away > 0 && i-- > away;) s->line[i] -= s->line[i - away];
    for (size_t i = 0; i < size; i++) {
        if (away == 0) s->line[i] -= mean;
        sum += s->line[i] * s->line[i];
    }
    const float gain = sum > 0 ? sqrtf((float)size / sum) : 0;
    for (size_t i = 0; i < size; i++) s->line[i] *= gain;
}

static void add_string(pluck *s, const tb__performance *p, const tb__note *note, float ratio, float loud,
                       float *mono)
{
    const tb__vibrato still = {0};
    const double start = fmax(note->start_s, 0) * p->rate_hz;
    if (!(start < (double)p->n_samples)) return;
    const size_t first = (size_t)start;
    const float step = fminf(tb__note_step(p, note, &still, first, 0) * ratio, 0.2f);
    /* the loop: delay of `size`, low-pass (delay about 1/2 of dullness), fractional delay by interpolation */
    const float period = 1 / step - 0.5f * s->dullness, whole = floorf(period);
    const size_t size = whole < 2 ? 2 : whole > MAX_LINE - 2 ? MAX_LINE - 2 : (size_t)whole;
    const float part = fminf(fmaxf(period - (float)size, 0), 1), rate_hz = (float)p->rate_hz;
    const float ring_s = s->ring_s * exp2f((60 - note->key) / 18),
                keep = powf(0.001f, period / (ring_s * rate_hz));
    const float damped = s->rings_on ? keep : powf(0.001f, period / (0.12f * rate_hz));
    const size_t off = (size_t)fmin(fmax(note->end_s - note->start_s, 0) * p->rate_hz,
                                    (double)(p->n_samples - first));
    const size_t wanted = off + (size_t)((s->rings_on ? ring_s : 0.15f) * rate_hz),
                 longest = (size_t)(1.2f * ring_s * rate_hz);
    const size_t room = p->n_samples - first, asked = wanted < longest ? wanted : longest,
                 n = asked < room ? asked : room;
    excite(s, size, note->velocity);
    const float fresh = 1 - 0.5f * s->dullness, old = 0.5f * s->dullness;
    float last = 0, before = 0;
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        const float x = s->line[at];
        const float filtered = fresh * x + old * last;
        const float moved = (1 - part) * filtered + part * before;
        last = x;
        before = filtered;
        s->line[at] = (i < off ? keep : damped) * moved + 1e-18f;
        if (++at == size) at = 0;
        mono[first + i] += loud * x;
    }
}

static void add_note(void *patch, const tb__performance *p, const tb__note *note, float *mono)
{
    pluck *s = patch;
    const float loud = 0.15f * (0.25f + 0.75f * note->velocity * note->velocity);
    add_string(s, p, note, 1, loud, mono);
    if (s->sympathy > 0) add_string(s, p, note, s->detune, loud * s->sympathy, mono);
}

/* Resonance of the body, then an amplifier that is driven by all strings at once. */
static void finish(void *patch, const tb__performance *p, float *mono)
{
    const pluck *s = patch;
    tb__biquad body = {0}, cabinet = {0};
    tb__biquad_set(&body, TB__BIQUAD_BAND_PASS, (double)s->body_hz, 2, 0, p->rate_hz);
    for (size_t i = 0; s->body_gain > 0 && i < p->n_samples; i++)
        mono[i] += s->body_gain * (float)tb__biquad_step(&body, (double)mono[i]);
    if (s->drive <= 0) return;
    for (size_t i = 0; i < p->n_samples; i++) {
        const float x = s->drive * mono[i];
        mono[i] = 0.3f * x / sqrtf(1 + x * x);
    }
    tb__biquad_set(&cabinet, TB__BIQUAD_LOW_PASS, 4500, 0.7, 0, p->rate_hz);
    tb__biquad_run(&cabinet, mono, p->n_samples);
}

const tb__patch_kind tb__patch_pluck = {"plucked string", sizeof(pluck), draw, add_note, finish};
