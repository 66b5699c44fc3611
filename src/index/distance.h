// SPDX-License-Identifier: MIT
/* Squared Euclidean distance in f32: one table of functions per instruction set.
 *
 * The plain table is the specification: in runs of TB_DISTANCE_RUN components, component i is added to
 * lane i % 16, in order; the lanes are then added as 16 -> 8 (j + j+8) -> 4 (j + j+4) -> (0 + 1) + (2 + 3),
 * and the runs one after the other.  Other tables do the same in the same order and differ only where a fused
 * multiply-add rounds once instead of twice.  Within one table, equal inputs give equal bits, whichever
 * function computes them and wherever they lie: ties stay ties.
 *
 * Error: all terms are >= 0, so it is at most (number of roundings on the way of a term) * 2^-24 of the sum:
 * 4 for difference and square, 64 in the lane, 4 across lanes, 64 runs up to 65536 components: 8.1e-6. */
#ifndef TIMBRE_INDEX_DISTANCE_H
#define TIMBRE_INDEX_DISTANCE_H

#include "base/status.h"
#include "index/code.h"

#include <stddef.h>

enum { TB_DISTANCE_RUN = 1024 };

typedef struct tb_distance_table {
    const char *name; /* "plain", "avx2" */
    /* |a - b|^2 of dim >= 0 values; any alignment. */
    float (*l2)(const float *a, const float *b, size_t dim);
    /* out[i] = |query - vectors[i * stride ...]|^2 for i < n; stride >= dim; any alignment. */
    void (*l2_block)(const float *query, const float *vectors, size_t stride, size_t dim, size_t n,
                     float *out);
    /* out[i] = lower bound (code.h) of vector first + i, for i < n. */
    void (*bound_block)(const tb__query_code *query, const tb__codes *codes, size_t first, size_t n,
                        float *out);
    /* out[i] = product of the codes of a query with those at codes[i], for i < n; stride a multiple of
     * TB__CODE_ALIGN, values 32-byte and codes 16-byte aligned. */
    void (*code_products)(const int16_t *values, const int8_t *const *codes, size_t stride, size_t n,
                          int32_t *out);
    /* Product of two vectors' codes; as above. */
    int32_t (*code_product)(const int8_t *a, const int8_t *b, size_t stride);
} tb_distance_table;

/* The table in use: the best that this processor can run, or the one named by the environment variable
 * TIMBRE_KERNELS; chosen at the first call.  Threads: any. */
const tb_distance_table *tb_distance_kernels(void);
/* All that this processor can run, best first, "plain" last; *n is their number.  Threads: any. */
const tb_distance_table *const *tb_distance_usable(size_t *n);

#endif
