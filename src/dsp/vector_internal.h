// SPDX-License-Identifier: MIT
/* Inner loops of the layer, written so that compilers turn them into vector code without being allowed to
 * reorder sums: eight partial sums, added in a fixed order. */
#ifndef TIMBRE_DSP_VECTOR_INTERNAL_H
#define TIMBRE_DSP_VECTOR_INTERNAL_H

#include "dsp/framer.h"

#include <float.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { TB__LANES = 8 };

static inline float tb__add_lanes(const float lanes[TB__LANES])
{
    return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
}

/* Sum of a[i] * b[i]. */
static inline float tb__dot(const float *restrict a, const float *restrict b, size_t n)
{
    float lanes[TB__LANES] = {0};
    const size_t n_whole = n - n % TB__LANES;
    for (size_t i = 0; i < n_whole; i += TB__LANES)
        for (size_t j = 0; j < TB__LANES; j++) lanes[j] += a[i + j] * b[i + j];
    float sum = tb__add_lanes(lanes);
    for (size_t i = n_whole; i < n; i++) sum += a[i] * b[i];
    return sum;
}

/* Sum of a[i]. */
static inline float tb__sum(const float *restrict a, size_t n)
{
    float lanes[TB__LANES] = {0};
    const size_t n_whole = n - n % TB__LANES;
    for (size_t i = 0; i < n_whole; i += TB__LANES)
        for (size_t j = 0; j < TB__LANES; j++) lanes[j] += a[i + j];
    float sum = tb__add_lanes(lanes);
    for (size_t i = n_whole; i < n; i++) sum += a[i];
    return sum;
}

/* Mean of max(0, now[i] - before[i]), n >= 1. */
static inline float tb__mean_rise(const float *restrict before, const float *restrict now, size_t n)
{
    float lanes[TB__LANES] = {0};
    const size_t n_whole = n - n % TB__LANES;
    for (size_t i = 0; i < n_whole; i += TB__LANES)
        for (size_t j = 0; j < TB__LANES; j++) {
            const float rise = now[i + j] - before[i + j];
            lanes[j] += rise > 0.0f ? rise : 0.0f;
        }
    float sum = tb__add_lanes(lanes);
    for (size_t i = n_whole; i < n; i++) sum += now[i] > before[i] ? now[i] - before[i] : 0.0f;
    return sum / (float)n;
}

/* log2 of a normal number > 0.  x = 2^e * m with m in [sqrt(1/2), sqrt(2)), s = (m - 1) / (m + 1), and
 * ln m = 2 atanh s = 2 (s + s^3/3 + s^5/5 + s^7/7 + s^9/9 + …); |s| <= 0.1716, so what is left out stays
 * below 1e-9 of the sum. */
static inline float tb__log2(float x)
{
    enum { SQRT_HALF_BITS = 0x3f3504f3 };
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    bits -= SQRT_HALF_BITS;
    const float e = (float)((int32_t)bits >> 23);
    bits = (bits & 0x007fffffu) + SQRT_HALF_BITS;
    float m;
    memcpy(&m, &bits, sizeof m);
    const float s = (m - 1.0f) / (m + 1.0f), z = s * s;
    const float series = 1.0f + z * (1.0f / 3 + z * (1.0f / 5 + z * (1.0f / 7 + z * (1.0f / 9))));
    return e + 2.885390081777927f * s * series; /* 2 / ln 2 */
}

/* A sample from outside made harmless, as dsp/framer.h promises. */
static inline float tb__clean_sample(float x)
{
    const float magnitude = fabsf(x);
    const float cut = x > TB_SAMPLE_MAX ? TB_SAMPLE_MAX : x < -TB_SAMPLE_MAX ? -TB_SAMPLE_MAX : x;
    return magnitude >= 1e-15f && magnitude <= FLT_MAX ? cut : 0.0f;
}

static inline void tb__clean_samples(const float *restrict from, size_t n, float *restrict to)
{
    for (size_t i = 0; i < n; i++) to[i] = tb__clean_sample(from[i]);
}

#endif
