// SPDX-License-Identifier: MIT
/* The loops of mix_kernels.h, for each file mix_kernels_*.c to compile with its own flags. */
#ifndef TIMBRE_TRAIN_MIX_KERNELS_BODY_H
#define TIMBRE_TRAIN_MIX_KERNELS_BODY_H

#include "train/half_rows.h"
#include "train/mix_kernels.h"

static void read_row(const uint16_t *restrict half, size_t n, float *restrict power)
{
    for (size_t b = 0; b < n; b++) power[b] = tb_half_power(half[b]);
}

static void add_row(const float *restrict gain, size_t n, float *restrict row, float *restrict total)
{
    for (size_t b = 0; b < n; b++) {
        row[b] *= gain[b];
        total[b] += row[b];
    }
}

static void invert_row(const float *restrict total, size_t n, float *restrict inverse)
{
    for (size_t b = 0; b < n; b++) inverse[b] = 1 / (total[b] + 1e-20f);
}

static void multiply_add_row(const float *restrict x, const float *restrict y, size_t n, float *restrict sum)
{
    for (size_t b = 0; b < n; b++) sum[b] += x[b] * y[b];
}

static void between_rows(const float *restrict row, const float *restrict next, float before, float after, size_t n, float *restrict out)
{
    for (size_t b = 0; b < n; b++) out[b] = before * row[b] + after * next[b];
}

static void move_row(const uint16_t *restrict from, const float *restrict below, const float *restrict above, const float *restrict in, size_t n,
                     float *restrict out)
{
    for (size_t b = 0; b < n; b++) out[b] = below[b] * in[from[b]] + above[b] * in[from[b] + 1];
}

static void finish_row(const float *restrict noise, const float *restrict gain, float scale, float level, size_t n, float *restrict row)
{
    for (size_t b = 0; b < n; b++) row[b] = (row[b] * scale + noise[b] * level) * gain[b];
}

static float sum_row(const float *row, size_t n)
{
    float sum[8] = {0};
    size_t b = 0;
    for (; b + 8 <= n; b += 8)
        for (size_t k = 0; k < 8; k++) sum[k] += row[b + k];
    for (; b < n; b++) sum[0] += row[b];
    return ((sum[0] + sum[4]) + (sum[1] + sum[5])) + ((sum[2] + sum[6]) + (sum[3] + sum[7]));
}

#define TB__MIX_KERNELS(of) {of, read_row, add_row, invert_row, multiply_add_row, between_rows, move_row, finish_row, sum_row}

#endif
