// SPDX-License-Identifier: MIT
/* The distance kernels with AVX2 and FMA; compiled with these flags, called only where the processor has
 * both.  Two registers hold the 16 lanes of distance.h.  The block kernel runs four vectors side by side, so
 * that the query is loaded once for four and the chains of additions overlap. */
#include "index/distance_tables.h"

#include <immintrin.h>
#include <stdint.h>

/* First n lanes, n in 0..8. */
static inline __m256i first_lanes(size_t n)
{
    const __m256i positions = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), positions);
}

static inline __m256 add_square(__m256 sum, __m256 a, __m256 b)
{
    const __m256 difference = _mm256_sub_ps(a, b);
    return _mm256_fmadd_ps(difference, difference, sum);
}

/* Lanes 16 -> 4. */
static inline __m128 fold(__m256 low, __m256 high)
{
    const __m256 sum = _mm256_add_ps(low, high);
    return _mm_add_ps(_mm256_castps256_ps128(sum), _mm256_extractf128_ps(sum, 1));
}

/* dim <= TB_DISTANCE_RUN */
static float l2_run(const float *a, const float *b, size_t dim)
{
    __m256 low = _mm256_setzero_ps(), high = _mm256_setzero_ps();
    size_t i = 0;
    for (; i + 16 <= dim; i += 16) {
        low = add_square(low, _mm256_loadu_ps(a + i), _mm256_loadu_ps(b + i));
        high = add_square(high, _mm256_loadu_ps(a + i + 8), _mm256_loadu_ps(b + i + 8));
    }
    if (i + 8 <= dim) {
        low = add_square(low, _mm256_loadu_ps(a + i), _mm256_loadu_ps(b + i));
        i += 8;
        const __m256i mask = first_lanes(dim - i);
        high = add_square(high, _mm256_maskload_ps(a + i, mask), _mm256_maskload_ps(b + i, mask));
    } else if (i < dim) {
        const __m256i mask = first_lanes(dim - i);
        low = add_square(low, _mm256_maskload_ps(a + i, mask), _mm256_maskload_ps(b + i, mask));
    }
    const __m128 four = fold(low, high);
    const __m128 two = _mm_hadd_ps(four, four);
    return _mm_cvtss_f32(_mm_hadd_ps(two, two));
}

static float l2(const float *a, const float *b, size_t dim)
{
    float sum = 0;
    for (; dim > TB_DISTANCE_RUN; dim -= TB_DISTANCE_RUN) {
        sum += l2_run(a, b, TB_DISTANCE_RUN);
        a += TB_DISTANCE_RUN;
        b += TB_DISTANCE_RUN;
    }
    return sum + l2_run(a, b, dim);
}

static void l2_block(const float *query, const float *vectors, size_t stride, size_t dim, size_t n,
                     float *out)
{
    if (dim > TB_DISTANCE_RUN) {
        for (size_t i = 0; i < n; i++) out[i] = l2(query, vectors + i * stride, dim);
        return;
    }
    const size_t whole = dim & ~(size_t)15, tail = dim - whole;
    const __m256i mask_low = first_lanes(tail < 8 ? tail : 8);
    const __m256i mask_high = first_lanes(tail > 8 ? tail - 8 : 0);
    size_t at = 0;
    for (; at + 4 <= n; at += 4) {
        const float *v[4];
        __m256 low[4], high[4];
        for (size_t j = 0; j < 4; j++) {
            v[j] = vectors + (at + j) * stride;
            low[j] = high[j] = _mm256_setzero_ps();
        }
        for (size_t i = 0; i < whole; i += 16) {
            const __m256 q_low = _mm256_loadu_ps(query + i), q_high = _mm256_loadu_ps(query + i + 8);
            for (size_t j = 0; j < 4; j++) {
                low[j] = add_square(low[j], q_low, _mm256_loadu_ps(v[j] + i));
                high[j] = add_square(high[j], q_high, _mm256_loadu_ps(v[j] + i + 8));
            }
        }
        if (tail > 0) {
            const __m256 q_low = _mm256_maskload_ps(query + whole, mask_low);
            for (size_t j = 0; j < 4; j++)
                low[j] = add_square(low[j], q_low, _mm256_maskload_ps(v[j] + whole, mask_low));
        }
        if (tail > 8) {
            const __m256 q_high = _mm256_maskload_ps(query + whole + 8, mask_high);
            for (size_t j = 0; j < 4; j++)
                high[j] = add_square(high[j], q_high, _mm256_maskload_ps(v[j] + whole + 8, mask_high));
        }
        const __m128 first = _mm_hadd_ps(fold(low[0], high[0]), fold(low[1], high[1]));
        const __m128 second = _mm_hadd_ps(fold(low[2], high[2]), fold(low[3], high[3]));
        _mm_storeu_ps(out + at, _mm_hadd_ps(first, second));
    }
    for (; at < n; at++) out[at] = l2(query, vectors + at * stride, dim);
}

/* 16 codes times 16 of the query, added up in pairs. */
static inline __m256i add_products(__m256i sum, const int8_t *codes, __m256i query)
{
    const __m256i wide = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)codes));
    return _mm256_add_epi32(sum, _mm256_madd_epi16(wide, query));
}

static inline __m256i load_query(const int16_t *values)
{
    return _mm256_load_si256((const __m256i *)(const void *)values);
}

/* Products of the codes with eight vectors that follow one another. */
static inline __m256i multiply_eight(const int16_t *query, const int8_t *codes, size_t stride)
{
    __m256i sums[8];
    for (size_t j = 0; j < 8; j++) sums[j] = _mm256_setzero_si256();
    for (size_t i = 0; i < stride; i += 16) {
        const __m256i q = load_query(query + i);
        for (size_t j = 0; j < 8; j++) sums[j] = add_products(sums[j], codes + j * stride + i, q);
    }
    const __m256i first =
        _mm256_hadd_epi32(_mm256_hadd_epi32(sums[0], sums[1]), _mm256_hadd_epi32(sums[2], sums[3]));
    const __m256i last =
        _mm256_hadd_epi32(_mm256_hadd_epi32(sums[4], sums[5]), _mm256_hadd_epi32(sums[6], sums[7]));
    return _mm256_add_epi32(_mm256_permute2x128_si256(first, last, 0x20),
                            _mm256_permute2x128_si256(first, last, 0x31));
}

static int32_t multiply(const int16_t *query, const int8_t *codes, size_t stride)
{
    __m256i sum = _mm256_setzero_si256();
    for (size_t i = 0; i < stride; i += 16) sum = add_products(sum, codes + i, load_query(query + i));
    __m128i four = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
    four = _mm_hadd_epi32(four, four);
    return _mm_cvtsi128_si32(_mm_hadd_epi32(four, four));
}

/* tb__code_bound for eight, step by step. */
static inline __m256 bound_eight(const tb__query_code *query, const tb__code_terms *terms, __m256 errors,
                                 __m256 products)
{
    const __m256 zero = _mm256_setzero_ps();
    /* of pairs (scale, norm2), 01 23 45 67 -> scales and norms in the order 01 45 23 67 -> 01 23 45 67 */
    const __m256 low = _mm256_loadu_ps(&terms[0].scale), high = _mm256_loadu_ps(&terms[4].scale);
    const __m256d mixed_scales = _mm256_castps_pd(_mm256_shuffle_ps(low, high, 0x88));
    const __m256d mixed_norms = _mm256_castps_pd(_mm256_shuffle_ps(low, high, 0xdd));
    const __m256 scales = _mm256_castpd_ps(_mm256_permute4x64_pd(mixed_scales, 0xd8));
    const __m256 norms2 = _mm256_castpd_ps(_mm256_permute4x64_pd(mixed_norms, 0xd8));
    const __m256 sum = _mm256_add_ps(norms2, _mm256_set1_ps(query->norm2));
    const __m256 scale = _mm256_mul_ps(scales, _mm256_set1_ps(query->scale2));
    __m256 squared = _mm256_sub_ps(sum, _mm256_mul_ps(scale, products));
    squared = _mm256_sub_ps(squared, _mm256_mul_ps(sum, _mm256_set1_ps(0x1p-20f)));
    const __m256 root =
        _mm256_mul_ps(_mm256_sqrt_ps(_mm256_max_ps(squared, zero)), _mm256_set1_ps(1 - 0x1p-20f));
    const __m256 error = _mm256_add_ps(errors, _mm256_set1_ps(query->error));
    const __m256 distance = _mm256_max_ps(_mm256_sub_ps(root, error), zero);
    const __m256 bound = _mm256_mul_ps(_mm256_mul_ps(distance, distance), _mm256_set1_ps(1 - 0x1p-16f));
    return _mm256_max_ps(_mm256_sub_ps(bound, _mm256_set1_ps(1e-30f)), zero);
}

static void bound_block(const tb__query_code *query, const tb__codes *codes, size_t first, size_t n,
                        float *out)
{
    const size_t end = first + n;
    size_t i = first;
    for (; i + 8 <= end; i += 8) {
        const __m256i products =
            multiply_eight(query->values, codes->values + i * codes->stride, codes->stride);
        const __m256 bounds = bound_eight(query, codes->terms + i, _mm256_loadu_ps(codes->errors + i),
                                          _mm256_cvtepi32_ps(products));
        _mm256_storeu_ps(out + (i - first), bounds);
    }
    for (; i < end; i++) {
        const int32_t product = multiply(query->values, codes->values + i * codes->stride, codes->stride);
        out[i - first] = tb__code_bound(query, codes->terms[i], codes->errors[i], product);
    }
}

/* Products with four vectors that lie anywhere. */
static inline __m128i multiply_four(const int16_t *query, const int8_t *const *codes, size_t stride)
{
    __m256i sums[4];
    for (size_t j = 0; j < 4; j++) sums[j] = _mm256_setzero_si256();
    for (size_t i = 0; i < stride; i += 16) {
        const __m256i q = load_query(query + i);
        for (size_t j = 0; j < 4; j++) sums[j] = add_products(sums[j], codes[j] + i, q);
    }
    const __m256i all =
        _mm256_hadd_epi32(_mm256_hadd_epi32(sums[0], sums[1]), _mm256_hadd_epi32(sums[2], sums[3]));
    return _mm_add_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1));
}

static void code_products(const int16_t *values, const int8_t *const *codes, size_t stride, size_t n,
                          int32_t *out)
{
    size_t i = 0;
    for (; i + 4 <= n; i += 4)
        _mm_storeu_si128((__m128i *)(void *)(out + i), multiply_four(values, codes + i, stride));
    for (; i < n; i++) out[i] = multiply(values, codes[i], stride);
}

static int32_t code_product(const int8_t *a, const int8_t *b, size_t stride)
{
    __m256i sum = _mm256_setzero_si256();
    for (size_t i = 0; i < stride; i += 16) {
        const __m256i wide = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)(b + i)));
        sum = add_products(sum, a + i, wide);
    }
    __m128i four = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
    four = _mm_hadd_epi32(four, four);
    return _mm_cvtsi128_si32(_mm_hadd_epi32(four, four));
}

const tb_distance_table tb__distance_avx2 = {"avx2", l2, l2_block, bound_block, code_products, code_product};
