// SPDX-License-Identifier: MIT
/* What the synthesiser's kinds of patches share.
 *
 * A kind is one file with one const tb__patch_kind: draw its parameters from random numbers, and add one note
 * to a signal.  To add one: write the two functions, list the kind in patch_synth.c.  Notes are rendered in
 * blocks of TB__PATCH_BLOCK samples, in which pitch and level move in straight lines; everything is in float
 * but for what accumulates over a piece. */
#ifndef TIMBRE_TRAIN_PATCH_INTERNAL_H
#define TIMBRE_TRAIN_PATCH_INTERNAL_H

#include "base/rng.h"
#include "train/song.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TB__PATCH_BLOCK = 32, TB__PATCH_CONTROL = 64 /* samples between two values of a controller */ };

typedef struct tb__note {
    double start_s, end_s; /* end: of the key or the pedal */
    float key, velocity;   /* MIDI key; 0 to 1 */
    float from_key;        /* key of the note before, for glides; its own if there is none */
    size_t index;          /* of the note in its part */
} tb__note;

/* A part as notes and controllers. */
typedef struct tb__performance {
    int rate_hz;
    size_t n_samples;
    tb__note *notes; /* in order of start */
    size_t n_notes;
    float *bend; /* semitones, n_controls */
    float *gain; /* of volume and expression, 0 to 1, n_controls */
    size_t n_controls;
} tb__performance;

/* What a part asks of a patch. */
typedef struct tb__patch_wish {
    tb_stem stem;
    int program;
    bool sustains; /* tones that last while the key is down (organ, strings, leads); else they die away (keys,
                      plucks) */
    bool is_slow;  /* a pad: soft attack */
} tb__patch_wish;

typedef struct tb__patch_kind {
    const char *name;
    size_t size; /* bytes of its parameters */
    void (*draw)(const tb__patch_wish *wish, tb_rng *rng, void *patch);
    /* Adds one note to mono (performance->n_samples).  May keep state in the patch (it is the caller's own).
     */
    void (*add_note)(void *patch, const tb__performance *performance, const tb__note *note, float *mono);
    /* What all notes go through together; NULL: nothing. */
    void (*finish)(void *patch, const tb__performance *performance, float *mono);
} tb__patch_kind;

extern const tb__patch_kind tb__patch_subtractive, tb__patch_chip, tb__patch_fm, tb__patch_pluck,
    tb__patch_wavetable, tb__patch_organ, tb__patch_voice, tb__patch_drums;

/* --- envelopes ------------------------------------------------------------------------------------------ */

/* Attack in a straight line, decay and release exponentially (times to 1/e). */
typedef struct tb__envelope {
    float attack_s, decay_s, sustain, release_s;
} tb__envelope;

/* A usual one for the wish. */
tb__envelope tb__envelope_draw(const tb__patch_wish *wish, tb_rng *rng);
/* Level at t seconds after the start of a note that is let go at off_s. */
float tb__envelope_at(const tb__envelope *envelope, float t, float off_s);
/* Samples from the note's start until it is not heard any more, within the signal. */
size_t tb__note_samples(const tb__performance *performance, const tb__note *note,
                        const tb__envelope *envelope, size_t *first);

/* --- pitch ---------------------------------------------------------------------------------------------- */

typedef struct tb__vibrato {
    float hz, cents, delay_s;
    float glide_s; /* time to reach the key from the key before; 0 none */
} tb__vibrato;

tb__vibrato tb__vibrato_draw(const tb__patch_wish *wish, tb_rng *rng);
/* Cycles a sample at sample `at` of the signal, t seconds into the note; below 0.45. */
float tb__note_step(const tb__performance *performance, const tb__note *note, const tb__vibrato *vibrato,
                    size_t at, float t);

/* --- drawing -------------------------------------------------------------------------------------------- */

static inline float tb__between(tb_rng *rng, double low, double high)
{
    return (float)(low + (high - low) * tb_rng_uniform(rng));
}

/* Evenly on the scale of ratios. */
static inline float tb__between_ratio(tb_rng *rng, double low, double high)
{
    return (float)(low * pow(high / low, tb_rng_uniform(rng)));
}

static inline bool tb__happens(tb_rng *rng, double likelihood)
{
    return tb_rng_uniform(rng) < likelihood;
}

/* --- waves ---------------------------------------------------------------------------------------------- */

/* sin(2 pi x) for x in cycles, -1e6 to 1e6; within 0.2 %.  Without calls, so that loops over it become
 * vectors. */
static inline float tb__sine(float x)
{
    x -= (float)(int)x;
    const float t = (x < 0 ? -0.5f : 0.5f) - x, s = 8 * t * (1 - 2 * fabsf(t));
    return s * (0.775f + 0.225f * fabsf(s));
}

/* Evenly in -1..1; one multiplication a number (PCG without its last step: good enough to be heard). */
static inline float tb__noise(uint32_t *state)
{
    *state = *state * 747796405u + 2891336453u;
    return (float)(int32_t)*state * 0x1p-31f;
}

/* Saw of phase p (0..1) that rises by dt a sample, its step rounded off over two samples (polyBLEP: Välimäki
 * and Huovilainen, "Antialiasing oscillators in subtractive synthesis", IEEE Signal Processing Magazine
 * 2007). */
static inline float tb__saw(float p, float dt)
{
    float v = 2 * p - 1;
    if (p < dt) {
        const float t = p / dt;
        v -= 2 * t - t * t - 1;
    } else if (p > 1 - dt) {
        const float t = (p - 1) / dt;
        v -= t * t + 2 * t + 1;
    }
    return v;
}

static inline float tb__pulse(float p, float dt, float width)
{
    const float q = p + width;
    return tb__saw(p, dt) - tb__saw(q < 1 ? q : q - 1, dt);
}

static inline float tb__triangle(float p)
{
    return 4 * fabsf(p - 0.5f) - 1;
}

#endif
