// SPDX-License-Identifier: MIT
/* The kernels of networks with AVX-512 (F, DQ, VL); compiled with these flags, called only where the
 * processor has them.  The narrowest panels are done with half vectors. */
#include "nn/kernels_tables.h"

#include <immintrin.h>
#include <math.h>
#include <string.h>

#define VECTOR __m256
#define LANES 8
#define LOAD(p) _mm256_loadu_ps(p)
#define STORE(p, v) _mm256_storeu_ps(p, v)
#define BROADCAST(p) _mm256_broadcast_ss(p)
#define ZERO _mm256_setzero_ps()
#define MULTIPLY(a, b) _mm256_mul_ps(a, b)
#define MULTIPLY_ADD(a, b, c) _mm256_fmadd_ps(a, b, c)
#define MAXIMUM(a, b) _mm256_max_ps(a, b)

#define SHAPE(name) name##_8
#define SHAPE_ROWS 8
#define SHAPE_VECTORS 1
#include "nn/kernels_body.h"

#undef VECTOR
#undef LANES
#undef LOAD
#undef STORE
#undef BROADCAST
#undef ZERO
#undef MULTIPLY
#undef MULTIPLY_ADD
#undef MAXIMUM
#define VECTOR __m512
#define LANES 16
#define LOAD(p) _mm512_loadu_ps(p)
#define STORE(p, v) _mm512_storeu_ps(p, v)
#define BROADCAST(p) _mm512_set1_ps(*(p))
#define ZERO _mm512_setzero_ps()
#define ADD(a, b) _mm512_add_ps(a, b)
#define SUBTRACT(a, b) _mm512_sub_ps(a, b)
#define MULTIPLY(a, b) _mm512_mul_ps(a, b)
#define MULTIPLY_ADD(a, b, c) _mm512_fmadd_ps(a, b, c)
#define MAXIMUM(a, b) _mm512_max_ps(a, b)
#define COMPARE_SELECT(z, a, b) \
    _mm512_mask_blend_ps(_mm512_cmp_ps_mask(z, _mm512_setzero_ps(), _CMP_GT_OQ), b, a)
#define SCALAR_MULTIPLY_ADD(a, b, c) fmaf(a, b, c)

#define SHAPE(name) name##_64
#define SHAPE_ROWS 6
#define SHAPE_VECTORS 4
#include "nn/kernels_body.h"

#define SHAPE(name) name##_32
#define SHAPE_ROWS 12
#define SHAPE_VECTORS 2
#include "nn/kernels_body.h"

#define SHAPE(name) name##_16
#define SHAPE_ROWS 12
#define SHAPE_VECTORS 1
#include "nn/kernels_body.h"

#include "nn/kernels_norm_body.h"

const tb__kernels tb__kernels_avx512 = {
    .name = "avx512",
    .n_shapes = 4,
    .shapes =
        {
            {64, 6, multiply_64, accumulate_64},
            {32, 12, multiply_32, accumulate_32},
            {16, 12, multiply_16, accumulate_16},
            {8, 8, multiply_8, accumulate_8},
        },
    .sum = norm_sum,
    .sum_squares = norm_sum_squares,
    .scale = norm_scale,
    .scale_sums = norm_scale_sums,
    .scale_back = norm_scale_back,
};
