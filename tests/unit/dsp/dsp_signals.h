// SPDX-License-Identifier: MIT
/* The signals of the layer's tests: mono, 22050 Hz, by the same formulas as in tests/golden/make_dsp.py. */
#ifndef TIMBRE_TESTS_DSP_SIGNALS_H
#define TIMBRE_TESTS_DSP_SIGNALS_H

#include <stddef.h>
#include <stdint.h>

enum { SIGNAL_RATE = 22050 };

typedef struct test_signal {
    const char *name; /* also of its golden file */
    size_t n;
    float *samples; /* freed with tb_free */
} test_signal;

/* Evenly in [-1, 1), by a linear congruential generator. */
double next_noise(uint32_t *state);
/* "tone", "chirp", "white", "chords" or "drums". */
test_signal make_signal(const char *name);
/* n samples of amplitude * sin(2 pi hz t); freed with tb_free. */
float *make_sine(size_t n, double amplitude, double hz);
/* n samples of one value; freed with tb_free. */
float *make_constant(size_t n, float value);

#endif
