// SPDX-License-Identifier: MIT
/* Changes to band powers that make rendered stems sound like music from anywhere.
 *
 * A voice is one stem of one piece within a group; its changes are shared by all of its segments, so that they make a
 * new virtual piece of it instead of noise in the labels:
 *     EQ          gain over the octaves as a sum of five cosines with random phases, `voice_eq_db` deviation
 *     level       N(0, `level_db`)
 *     transpose   up to `transpose` semitones up or down, with probability `transpose_share`
 *
 * A segment is changed as a whole, in this order:
 *     time        `slow` at most slower, begins up to a row later (both between rows by interpolation)
 *     detune      up to `detune` semitones
 *     compression rows are levelled by (power / mean)^-a, a to 0.5, with probability `compress_share`
 *     noise       white to pink, -60 to -25 dB of the mean, with probability `noise_share`
 *     EQ          `segment_eq_db`; low-pass at 4.5 to 11 kHz with probability `low_pass_share`
 *
 * Transposing moves powers along the bands' frequencies (linear below, logarithmic above; band_spectrum.h), with linear
 * interpolation, in steps of 1/20 semitone.
 *
 * A tb_augmenter is immutable and shared by any threads. */
#ifndef TIMBRE_TRAIN_AUGMENT_H
#define TIMBRE_TRAIN_AUGMENT_H

#include "base/rng.h"
#include "base/status.h"
#include "model/band_spectrum.h"

#include <stddef.h>
#include <stdint.h>

enum { TB_AUGMENT_STEPS_PER_SEMITONE = 20, TB_AUGMENT_MAX_SEMITONES = 12 };

typedef struct tb_augment_options {
    double voice_eq_db, level_db;                  /* >= 0 */
    double transpose_share, transpose;             /* 0 to 1; 0 to TB_AUGMENT_MAX_SEMITONES */
    double slow;                                   /* 0 to 0.05 */
    double detune;                                 /* 0 to TB_AUGMENT_MAX_SEMITONES */
    double compress_share, noise_share, low_pass_share; /* 0 to 1 */
    double segment_eq_db;                          /* >= 0 */
} tb_augment_options;

void tb_augment_options_default(tb_augment_options *options);
/* Everything off. */
void tb_augment_options_none(tb_augment_options *options);

typedef struct tb_voice_change {
    float gain[TB_BANDS_MAX]; /* of power, per band */
    int steps;                /* of transposition */
} tb_voice_change;

typedef struct tb_segment_change {
    float gain[TB_BANDS_MAX];  /* of power, per band */
    float noise[TB_BANDS_MAX]; /* power, 1 = the mean of the segment */
    int steps;                 /* of detuning */
    float speed, late;         /* row r of the result is row late + r * speed; 0.95 to 1; 0 to 1 */
    float levelling;           /* a above */
} tb_segment_change;

typedef struct tb_augmenter tb_augmenter;

/* bank: borrowed during the call.  TB_INVALID for options out of range, TB_NO_MEMORY. */
tb_status tb_augmenter_new(const tb_band_bank *bank, const tb_augment_options *options, tb_augmenter **augmenter,
                           tb_error *err) TB_MUST_CHECK;
/* Accepts NULL. */
void tb_augmenter_free(tb_augmenter *augmenter);

/* Draw the same amount of numbers whatever the options are. */
void tb_augment_draw_voice(const tb_augmenter *augmenter, tb_rng *rng, tb_voice_change *change);
void tb_augment_draw_segment(const tb_augmenter *augmenter, tb_rng *rng, tb_segment_change *change);

/* out = the row moved up by steps; in: n_bands values and one zero behind them.  out does not overlap in. */
void tb_augment_transpose(const tb_augmenter *augmenter, int steps, const float *in, float *out);
/* The segment's changes but for the time: rows x n_bands powers in place.  scratch: n_bands + 1. */
void tb_augment_segment(const tb_augmenter *augmenter, const tb_segment_change *change, size_t n_rows, float *rows,
                        float *scratch);

#endif
