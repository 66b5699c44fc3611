// SPDX-License-Identifier: MIT
/* Rows of a piece cache as powers: the square of a value stored as f16, written so that compilers vectorise it.
 * Values are finite and >= 0, as the cache checks.  Threads: any. */
#ifndef TIMBRE_TRAIN_HALF_ROWS_H
#define TIMBRE_TRAIN_HALF_ROWS_H

#include <stddef.h>
#include <stdint.h>

static inline float tb_half_power(uint16_t half)
{
    union {
        uint32_t bits;
        float value;
    } normal, small;
    const uint32_t shifted = (uint32_t)half << 13, is_small = half < 0x400u ? UINT32_MAX : 0;
    normal.bits = shifted + (112u << 23);
    small.bits = shifted + (113u << 23); /* 2^-14 + the value of a subnormal */
    small.value -= 0x1p-14f;
    normal.bits = (normal.bits & ~is_small) | (small.bits & is_small);
    return normal.value * normal.value;
}

/* Sum of the powers of a row. */
static inline float tb_half_row_power(const uint16_t *row, size_t n_bands)
{
    float sum[8] = {0};
    size_t b = 0;
    for (; b + 8 <= n_bands; b += 8)
        for (size_t k = 0; k < 8; k++) sum[k] += tb_half_power(row[b + k]);
    for (; b < n_bands; b++) sum[0] += tb_half_power(row[b]);
    return ((sum[0] + sum[4]) + (sum[1] + sum[5])) + ((sum[2] + sum[6]) + (sum[3] + sum[7]));
}

#endif
