// SPDX-License-Identifier: MIT
/* Sounds to test with, and one way to run an analyser over them.  Buffers: tb_free. */
#ifndef TIMBRE_TESTS_UNIT_MODEL_SOUNDS_H
#define TIMBRE_TESTS_UNIT_MODEL_SOUNDS_H

#include "model/analyser.h"

#include <stddef.h>
#include <stdint.h>

enum { SOUND_RATE = TB_MODEL_RATE_HZ, SOUND_MAX_SEGMENTS = 64 };

/* Chords, a pulse and some noise; seeds differ in key, tempo and brightness. */
float *make_music(uint64_t seed, size_t n);
float *make_sine(double hz, float amplitude, size_t n);
float *make_noise(uint64_t seed, float amplitude, size_t n);
float *make_constant(float value, size_t n);

/* A model from statistics of made-up music, made once for the whole program. */
const tb_model *test_model(void);

typedef struct heard {
    const tb_model_info *info;
    size_t n, dim, n_parts;
    double start_s[SOUND_MAX_SEGMENTS], duration_s[SOUND_MAX_SEGMENTS];
    float *vectors;  /* SOUND_MAX_SEGMENTS x dim */
    float *presence; /* SOUND_MAX_SEGMENTS x n_parts */
    tb_track_features features;
} heard;

/* Analyses n samples in blocks of `block` (0: all at once); fails the test on an error.  Cleared by heard_clear. */
void hear(const float *samples, size_t n, size_t block, heard *out);
/* The same with another model than test_model(). */
void hear_by(const tb_model *by, const float *samples, size_t n, size_t block, heard *out);
void heard_clear(heard *out);
/* Fails the test unless all numbers are finite, presence lies in 0 … 1, and parts have length 1 or 0 with presence 0. */
void assert_sane(const heard *out);

#endif
