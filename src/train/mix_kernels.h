// SPDX-License-Identifier: MIT
/* Loops over the bands of a row that mixing is made of.  The plain C ones are the specification; the others are the same
 * lines compiled for more of a processor, without contraction, so that all give the same bits.
 *
 * Rows do not overlap.  Threads: any. */
#ifndef TIMBRE_TRAIN_MIX_KERNELS_H
#define TIMBRE_TRAIN_MIX_KERNELS_H

#include <stddef.h>
#include <stdint.h>

typedef struct tb__mix_kernels {
    const char *name; /* "plain", "avx2" */
    /* power[b] = square of half[b] (half_rows.h). */
    void (*read)(const uint16_t *half, size_t n, float *power);
    /* row[b] *= gain[b]; total[b] += row[b]. */
    void (*add)(const float *gain, size_t n, float *row, float *total);
    /* inverse[b] = 1 / (total[b] + 1e-20). */
    void (*invert)(const float *total, size_t n, float *inverse);
    /* sum[b] += a[b] * b[b]. */
    void (*multiply_add)(const float *a, const float *b, size_t n, float *sum);
    /* out[b] = before * row[b] + after * next[b]. */
    void (*between)(const float *row, const float *next, float before, float after, size_t n, float *out);
    /* out[b] = below[b] * in[from[b]] + above[b] * in[from[b] + 1]. */
    void (*move)(const uint16_t *from, const float *below, const float *above, const float *in, size_t n, float *out);
    /* row[b] = (row[b] * scale + noise[b] * level) * gain[b]. */
    void (*finish)(const float *noise, const float *gain, float scale, float level, size_t n, float *row);
    float (*sum)(const float *row, size_t n);
} tb__mix_kernels;

/* The best ones for this processor. */
const tb__mix_kernels *tb__mix_kernels_best(void);
/* All that this processor can run, plain first; NULL behind the last.  For tests. */
const tb__mix_kernels *tb__mix_kernels_at(size_t i);

#endif
