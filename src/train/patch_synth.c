// SPDX-License-Identifier: MIT
/* Events become notes and curves of controllers; a kind of patch is drawn and adds note by note. */
#include "train/patch_synth.h"
#include "train/patch_internal.h"

#include "base/alloc.h"

#include <stdio.h>
#include <string.h>

enum { N_KEYS = 128, MAX_CHOICES = 6 };
static const float max_sample = 8;

/* --- which kind ----------------------------------------------------------------------------------------- */

typedef struct choice {
    const tb__patch_kind *kind;
    int parts; /* how often, of the sum */
} choice;

typedef struct role {
    bool sustains, is_slow;
    choice choices[MAX_CHOICES];
} role;

static const role drum_role = {false, false, {{&tb__patch_drums, 1}}};
static const role bass_role = {true,
                               false,
                               {{&tb__patch_subtractive, 9},
                                {&tb__patch_fm, 4},
                                {&tb__patch_pluck, 3},
                                {&tb__patch_wavetable, 2},
                                {&tb__patch_chip, 2}}};
static const role piano_role = {false,
                                false,
                                {{&tb__patch_fm, 8},
                                 {&tb__patch_wavetable, 5},
                                 {&tb__patch_subtractive, 2},
                                 {&tb__patch_pluck, 2},
                                 {&tb__patch_chip, 1}}};
static const role guitar_role = {
    false,
    false,
    {{&tb__patch_pluck, 13}, {&tb__patch_wavetable, 2}, {&tb__patch_subtractive, 2}, {&tb__patch_fm, 1}}};
static const role voice_role = {
    true, false, {{&tb__patch_voice, 8}, {&tb__patch_subtractive, 1}, {&tb__patch_wavetable, 1}}};
static const role organ_role = {
    true, false, {{&tb__patch_organ, 7}, {&tb__patch_wavetable, 1}, {&tb__patch_subtractive, 1}}};
static const role mallet_role = {
    false,
    false,
    {{&tb__patch_fm, 5}, {&tb__patch_wavetable, 3}, {&tb__patch_pluck, 2}, {&tb__patch_chip, 1}}};
static const role pad_role = {
    true,
    true,
    {{&tb__patch_subtractive, 6}, {&tb__patch_wavetable, 4}, {&tb__patch_fm, 1}, {&tb__patch_voice, 1}}};
static const role lead_role = {true,
                               false,
                               {{&tb__patch_subtractive, 6},
                                {&tb__patch_chip, 4},
                                {&tb__patch_fm, 3},
                                {&tb__patch_wavetable, 3},
                                {&tb__patch_voice, 1},
                                {&tb__patch_organ, 1}}};

static const role *find_role(const tb_part *part)
{
    if (part->is_drums) return &drum_role;
    if (part->is_voice) return &voice_role;
    switch (part->stem) {
    case TB_STEM_DRUMS: return &mallet_role; /* drums that are no kit: a melodic drum's program */
    case TB_STEM_BASS: return &bass_role;
    case TB_STEM_PIANO: return &piano_role;
    case TB_STEM_GUITAR: return &guitar_role;
    case TB_STEM_OTHERS:
    case TB_STEM_COUNT: break;
    }
    if (part->program >= 16 && part->program < 24) return &organ_role;
    if (part->program >= 8 && part->program < 16) return &mallet_role;
    if ((part->program >= 40 && part->program < 56 && part->program != 45 && part->program != 47) ||
        (part->program >= 88 && part->program < 96))
        return &pad_role;
    return &lead_role;
}

static const tb__patch_kind *draw_kind(const role *r, tb_rng *rng)
{
    int sum = 0;
    for (size_t i = 0; i < MAX_CHOICES; i++) sum += r->choices[i].parts;
    int left = (int)tb_rng_below(rng, (uint64_t)sum);
    size_t i = 0;
    while ((left -= r->choices[i].parts) >= 0) i++;
    return r->choices[i].kind;
}

/* --- notes ---------------------------------------------------------------------------------------------- */

/* A key that is down or held by the pedal: its note's place, plus one. */
typedef struct keyboard {
    size_t down[N_KEYS], held[N_KEYS];
    bool pedal;
    double now_s;
} keyboard;

static void end_note(tb__performance *p, size_t *slot, double time_s)
{
    if (*slot) p->notes[*slot - 1].end_s = time_s;
    *slot = 0;
}

static void let_go(tb__performance *p, keyboard *k, size_t key)
{
    if (k->pedal && k->down[key]) {
        end_note(p, &k->held[key], k->now_s);
        k->held[key] = k->down[key];
        k->down[key] = 0;
    } else {
        end_note(p, &k->down[key], k->now_s);
    }
}

static void begin_note(tb__performance *p, keyboard *k, const tb_event *e)
{
    end_note(p, &k->down[e->a], k->now_s);
    end_note(p, &k->held[e->a], k->now_s);
    const float from = p->n_notes ? p->notes[p->n_notes - 1].key : (float)e->a;
    p->notes[p->n_notes] = (tb__note){.start_s = k->now_s,
                                      .end_s = (double)p->n_samples / p->rate_hz,
                                      .key = (float)e->a,
                                      .from_key = from,
                                      .velocity = (float)e->b / 127,
                                      .index = p->n_notes};
    k->down[e->a] = ++p->n_notes;
}

static void press_pedal(tb__performance *p, keyboard *k, bool down)
{
    for (size_t key = 0; !down && key < N_KEYS; key++) end_note(p, &k->held[key], k->now_s);
    k->pedal = down;
}

/* Volume, expression and bend as curves; the pedal lengthens notes. */
static void read_events(const tb_part *part, tb__performance *p)
{
    enum { BANK_VOLUME = 7, EXPRESSION = 11, PEDAL = 64 };
    keyboard k = {0};
    float volume = 100.0f / 127, expression = 1, bend = 0;
    size_t filled = 0;
    for (size_t i = 0; i <= part->n_events; i++) {
        const tb_event *e = i < part->n_events ? &part->events[i] : NULL;
        const double at = e ? e->time_s * p->rate_hz / TB__PATCH_CONTROL : (double)p->n_controls;
        for (; filled < p->n_controls && (double)filled < at; filled++) {
            p->bend[filled] = bend;
            p->gain[filled] = volume * volume * expression * expression;
        }
        if (!e) break;
        k.now_s = e->time_s;
        const size_t key = e->a & 127u;
        switch ((tb_event_kind)e->kind) {
        case TB_EVENT_NOTE_OFF: let_go(p, &k, key); break;
        case TB_EVENT_NOTE_ON: begin_note(p, &k, e); break;
        case TB_EVENT_BEND: bend = (float)e->b / 8192 * (float)part->bend_semitones; break;
        case TB_EVENT_CONTROL:
            if (e->a == BANK_VOLUME) volume = (float)e->b / 127;
            else if (e->a == EXPRESSION) expression = (float)e->b / 127;
            else if (e->a == PEDAL) press_pedal(p, &k, e->b >= 64);
            break;
        case TB_EVENT_PROGRAM:
        case TB_EVENT_KIND_COUNT: break;
        }
    }
}

static void clear_performance(tb__performance *p)
{
    tb_free(p->notes);
    tb_free(p->bend);
    tb_free(p->gain);
}

static tb_status make_performance(const tb_part *part, int rate_hz, size_t n, tb__performance *p,
                                  tb_error *err)
{
    size_t n_notes = 0;
    for (size_t i = 0; i < part->n_events; i++) n_notes += part->events[i].kind == TB_EVENT_NOTE_ON;
    *p = (tb__performance){.rate_hz = rate_hz, .n_samples = n, .n_controls = n / TB__PATCH_CONTROL + 1};
    p->notes = tb_alloc(n_notes, sizeof *p->notes);
    p->bend = tb_alloc(p->n_controls, sizeof *p->bend);
    p->gain = tb_alloc(p->n_controls, sizeof *p->gain);
    if (!p->notes || !p->bend || !p->gain)
        return tb_error_set(err, TB_NO_MEMORY, "no memory for %zu notes", n_notes);
    read_events(part, p);
    return TB_OK;
}

/* --- playing -------------------------------------------------------------------------------------------- */

/* Volume and expression, in straight lines from control to control. */
static void apply_gain(const tb__performance *p, float *mono)
{
    float gain = p->gain[0];
    for (size_t c = 0; c < p->n_controls; c++) {
        const size_t first = c * TB__PATCH_CONTROL, left = p->n_samples - first;
        const size_t count = left < TB__PATCH_CONTROL ? left : TB__PATCH_CONTROL;
        const float step = (p->gain[c] - gain) / TB__PATCH_CONTROL;
        for (size_t i = first; i < first + count; i++) mono[i] *= gain += step;
    }
}

static void bound(float *mono, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const float x = mono[i];
        mono[i] = x >= -max_sample && x <= max_sample ? x : x > 0 ? max_sample : x < 0 ? -max_sample : 0;
    }
}

tb_status tb_patch_synth_play(const tb_part *part, uint64_t seed, int rate_hz, float *mono, size_t n,
                              char name[TB_PATCH_NAME_SIZE], tb_error *err)
{
    tb_status status = TB_OK;
    tb__performance performance = {0};
    tb_rng rng;
    tb_rng_init(&rng, seed);
    const role *r = find_role(part);
    const tb__patch_kind *kind = draw_kind(r, &rng);
    const tb__patch_wish wish = {.stem = part->stem,
                                 .program = part->program,
                                 .sustains = r->sustains,
                                 .is_slow = r->is_slow};
    void *patch = tb_alloc_aligned(kind->size, 1);
    if (!patch) TB_FAIL(err, TB_NO_MEMORY, "no memory for a patch");
    TB_TRY(make_performance(part, rate_hz, n, &performance, err));
    kind->draw(&wish, &rng, patch);
    memset(mono, 0, n * sizeof *mono);
    for (size_t i = 0; i < performance.n_notes; i++)
        kind->add_note(patch, &performance, &performance.notes[i], mono);
    if (kind->finish) kind->finish(patch, &performance, mono);
    apply_gain(&performance, mono);
    bound(mono, n);
    snprintf(name, TB_PATCH_NAME_SIZE, "patch: %s", kind->name);
out:
    clear_performance(&performance);
    tb_free(patch);
    return status;
}

/* --- what the kinds share ------------------------------------------------------------------------------- */

tb__envelope tb__envelope_draw(const tb__patch_wish *wish, tb_rng *rng)
{
    if (wish->is_slow)
        return (tb__envelope){tb__between(rng, 0.05, 0.6), tb__between(rng, 0.3, 2), tb__between(rng, 0.6, 1),
                              tb__between_ratio(rng, 0.1, 0.8)};
    if (wish->sustains)
        return (tb__envelope){tb__between_ratio(rng, 0.002, 0.05), tb__between_ratio(rng, 0.05, 0.8),
                              tb__between(rng, 0.35, 1), tb__between_ratio(rng, 0.01, 0.15)};
    return (tb__envelope){tb__between_ratio(rng, 0.001, 0.01), tb__between_ratio(rng, 0.12, 1.5),
                          tb__happens(rng, 0.2) ? tb__between(rng, 0.1, 0.4) : 0,
                          tb__between_ratio(rng, 0.02, 0.3)};
}

static float held_level(const tb__envelope *e, float t)
{
    return t < e->attack_s ? t / e->attack_s
                           : e->sustain + (1 - e->sustain) * expf((e->attack_s - t) / e->decay_s);
}

float tb__envelope_at(const tb__envelope *e, float t, float off_s)
{
    return t < off_s ? held_level(e, t) : held_level(e, off_s) * expf((off_s - t) / e->release_s);
}

size_t tb__note_samples(const tb__performance *p, const tb__note *note, const tb__envelope *e, size_t *first)
{
    const double rate_hz = p->rate_hz, start = fmax(note->start_s, 0) * rate_hz;
    if (!(start < (double)p->n_samples)) return 0;
    *first = (size_t)start;
    double lasts = fmax(note->end_s - note->start_s, 0) + 7.0 * (double)e->release_s;
    if (e->sustain <= 0) lasts = fmin(lasts, (double)e->attack_s + 9.0 * (double)e->decay_s);
    const size_t room = p->n_samples - *first;
    const double wanted = lasts * rate_hz;
    return wanted < (double)room ? (size_t)wanted : room;
}

tb__vibrato tb__vibrato_draw(const tb__patch_wish *wish, tb_rng *rng)
{
    tb__vibrato v = {.hz = tb__between(rng, 3.5, 7),
                     .cents = tb__between(rng, 4, 30),
                     .delay_s = tb__between(rng, 0.1, 0.5),
                     .glide_s = tb__between(rng, 0.02, 0.12)};
    if (!tb__happens(rng, wish->sustains ? 0.5 : 0.1)) v.cents = 0;
    if (!tb__happens(rng, wish->sustains && !wish->is_slow ? 0.25 : 0)) v.glide_s = 0;
    return v;
}

float tb__note_step(const tb__performance *p, const tb__note *note, const tb__vibrato *v, size_t at, float t)
{
    float key = note->key + p->bend[at / TB__PATCH_CONTROL];
    if (v->glide_s > 0 && t < v->glide_s) key += (note->from_key - note->key) * (1 - t / v->glide_s);
    if (v->cents > 0 && t > v->delay_s) {
        const float grown = fminf((t - v->delay_s) * 4, 1);
        key += grown * v->cents * 0.01f * tb__sine(v->hz * t);
    }
    const float step = 440 * exp2f((key - 69) / 12) / (float)p->rate_hz;
    return step < 0.45f ? step : 0.45f;
}
