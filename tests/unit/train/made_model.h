// SPDX-License-Identifier: MIT
/* Model files of kind "instruments" whose behaviour is known, for pieces whose stem c sounds in the c-th fifth of the
 * bands alone. */
#ifndef TIMBRE_TESTS_TRAIN_MADE_MODEL_H
#define TIMBRE_TESTS_TRAIN_MADE_MODEL_H

#include <stddef.h>
#include <stdint.h>

typedef enum made_model_kind {
    MADE_MODEL_APART,  /* part c hears the c-th fifth of the bands alone: nothing leaks */
    MADE_MODEL_LEAKY,  /* every part hears all bands */
    MADE_MODEL_RANDOM, /* a small network of convolutions with first weights of training, from the seed */
} made_model_kind;

/* n_bands: a multiple of five for the first two. */
void write_model(const char *path, made_model_kind kind, size_t n_bands, uint64_t seed);

#endif
