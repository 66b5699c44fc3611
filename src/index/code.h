// SPDX-License-Identifier: MIT
/* Vectors of a part as 8-bit codes, with which a scan finds a proven lower bound of each distance while it
 * reads a quarter of the bytes.  Whatever the bound does not rule out is compared exactly, so the answer
 * stays that of the plain loop.
 *
 * A vector x becomes x' = scale * code, code in -127..127, and error >= |x - x'|; a query y likewise with 16
 * bits.
 *
 * Bound.  |x - y| >= |x' - y'| - error_x - error_y (triangle inequality), and
 *     |x' - y'|^2 = |x'|^2 + |y'|^2 - 2 scale_x scale_y <code_x, code_y>
 * where the product of the codes is exact in 32 bits.  In f32 the three terms suffer at most 7 roundings of
 * at most 2^-24 (|x'|^2 + |y'|^2) each (2 |<x', y'>| <= |x'|^2 + |y'|^2): less than the slack of 2^-20 that
 * is taken off.  Root and errors are rounded to the safe side by 2^-20 and 1e-6.  The distance that the
 * kernels compute is at least (1 - 8.2e-6) of the true one (distance.h), less what underflows: hence the last
 * factor 1 - 2^-16 and the last 1e-30.  So bound <= computed distance holds for the f32 values themselves;
 * sums with weights keep it, as rounding is monotone.
 *
 * tb__code_bound is the specification; tables of kernels have it for blocks.  Tests: test_code.c. */
#ifndef TIMBRE_INDEX_CODE_H
#define TIMBRE_INDEX_CODE_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TB__CODE_ALIGN = 16,  /* codes are padded with zeros to a multiple of this */
    TB__CODE_MIN_DIM = 32, /* below it codes save too little */
};

/* What an estimate of a distance needs beside the product; together, as walks jump from vector to vector. */
typedef struct tb__code_terms {
    float scale;
    float norm2; /* |x'|^2 */
} tb__code_terms;

/* The codes of n vectors of one part. */
typedef struct tb__codes {
    int8_t *values; /* [n][stride] on 64-byte lines; NULL: this part has no codes */
    size_t stride;  /* dim up to a multiple of TB__CODE_ALIGN */
    tb__code_terms *terms; /* [n] on 64-byte lines */
    float *errors;  /* [n] */
} tb__codes;

typedef struct tb__query_code {
    int16_t *values; /* as long as a stride, 32-byte aligned */
    float scale2;    /* 2 * scale */
    float norm2, error;
} tb__query_code;

static inline size_t tb__code_stride(size_t dim)
{
    return (dim + TB__CODE_ALIGN - 1) / TB__CODE_ALIGN * TB__CODE_ALIGN;
}

/* Writes place i of the codes; vector: dim finite values, |x| <= TB_INDEX_MAX_COMPONENT. */
void tb__code_encode(tb__codes *codes, size_t i, const float *vector, size_t dim);
/* Place `to` becomes a copy of a place of other codes of the same stride. */
void tb__code_copy(tb__codes *codes, size_t to, const tb__codes *other, size_t from);
/* code->values has room for the stride, zeroed. */
void tb__code_encode_query(tb__query_code *code, const float *vector, size_t dim);

/* The lower bound of the squared distance, from the product of the codes. */
static inline float tb__code_bound(const tb__query_code *query, tb__code_terms terms, float error,
                                   int32_t product)
{
    const float sum = terms.norm2 + query->norm2;
    float squared = sum - terms.scale * query->scale2 * (float)product;
    squared -= sum * 0x1p-20f;
    const float root = squared > 0 ? sqrtf(squared) * (1 - 0x1p-20f) : 0;
    const float distance = root - (error + query->error);
    if (!(distance > 0)) return 0;
    const float bound = distance * distance * (1 - 0x1p-16f) - 1e-30f;
    return bound > 0 ? bound : 0;
}

#endif
