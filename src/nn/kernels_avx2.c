// SPDX-License-Identifier: MIT
/* The kernels of networks with AVX2 and FMA; compiled with these flags, called only where the processor has
 * both. */
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
#define ADD(a, b) _mm256_add_ps(a, b)
#define SUBTRACT(a, b) _mm256_sub_ps(a, b)
#define MULTIPLY(a, b) _mm256_mul_ps(a, b)
#define MULTIPLY_ADD(a, b, c) _mm256_fmadd_ps(a, b, c)
#define MAXIMUM(a, b) _mm256_max_ps(a, b)
#define COMPARE_SELECT(z, a, b) _mm256_blendv_ps(b, a, _mm256_cmp_ps(z, _mm256_setzero_ps(), _CMP_GT_OQ))
#define SCALAR_MULTIPLY_ADD(a, b, c) fmaf(a, b, c)

#define SHAPE(name) name##_16
#define SHAPE_ROWS 6
#define SHAPE_VECTORS 2
#include "nn/kernels_body.h"

#define SHAPE(name) name##_8
#define SHAPE_ROWS 8
#define SHAPE_VECTORS 1
#include "nn/kernels_body.h"

#include "nn/kernels_norm_body.h"

const tb__kernels tb__kernels_avx2 = {
    .name = "avx2",
    .n_shapes = 2,
    .shapes = {{16, 6, multiply_16, accumulate_16}, {8, 8, multiply_8, accumulate_8}},
    .sum = norm_sum,
    .sum_squares = norm_sum_squares,
    .scale = norm_scale,
    .scale_sums = norm_scale_sums,
    .scale_back = norm_scale_back,
};
