// SPDX-License-Identifier: MIT
/* The kernels of networks in plain C: what they compute, said as simply as the layout allows (kernels.h). */
#include "nn/kernels_tables.h"

#include <string.h>

enum { WIDTH = 8, ROWS = 6 };

static void multiply_row(const tb__product *product, const float *a, float *c)
{
    float sums[WIDTH] = {0};
    if (product->start) memcpy(sums, product->start, sizeof sums);
    if (product->add) memcpy(sums, c, product->n_valid * sizeof *sums);
    for (size_t s = 0; s < product->n_segments; s++) {
        const tb__segment segment = product->segments[s];
        for (size_t k = 0; k < segment.n; k++)
            for (size_t j = 0; j < WIDTH; j++)
                sums[j] += a[segment.a + k] * product->panel[(segment.b + k) * WIDTH + j];
    }
    for (size_t j = 0; j < product->n_valid; j++)
        c[j] = sums[j] > product->slope * sums[j] ? sums[j] : product->slope * sums[j];
}

static void multiply(const tb__product *product, const tb__places *places)
{
    for (size_t t = 0; t < places->n_items; t++)
        for (size_t i = 0; i < places->n_rows; i++)
            for (size_t j = 0; j < places->n_columns; j++)
                multiply_row(product, places->a + t * places->a_item + places->a_row[i] + places->a_column[j],
                             places->c + t * places->c_item + places->c_row[i] + places->c_column[j]);
}

static void accumulate(size_t n, const float *a, const uint32_t *at, const float *panel, size_t m,
                       size_t n_valid, float *c, size_t c_stride)
{
    float sums[ROWS][WIDTH];
    for (size_t i = 0; i < m; i++) memcpy(sums[i], c + i * c_stride, n_valid * sizeof **sums);
    for (size_t p = 0; p < n; p++)
        for (size_t i = 0; i < m; i++)
            for (size_t j = 0; j < n_valid; j++) sums[i][j] += a[at[p] + i] * panel[p * WIDTH + j];
    for (size_t i = 0; i < m; i++) memcpy(c + i * c_stride, sums[i], n_valid * sizeof **sums);
}

static void sum(size_t n, size_t channels, const float *x, float *sums)
{
    for (size_t p = 0; p < n; p++)
        for (size_t c = 0; c < channels; c++) sums[c] += x[p * channels + c];
}

static void sum_squares(size_t n, size_t channels, const float *x, const float *centre, float *sums)
{
    for (size_t p = 0; p < n; p++)
        for (size_t c = 0; c < channels; c++) {
            const float d = x[p * channels + c] - centre[c];
            sums[c] += d * d;
        }
}

static void scale(size_t n, size_t channels, const float *x, const float *scales, const float *shift,
                  float slope, float *y)
{
    for (size_t p = 0; p < n; p++)
        for (size_t c = 0; c < channels; c++) {
            const float z = scales[c] * x[p * channels + c] + shift[c];
            y[p * channels + c] = z > 0 ? z : slope * z;
        }
}

/* The gradient for z = scale * x + shift, given that for leaky(z). */
static float back(float scale_by, float x, float shift, float slope, float dy)
{
    return scale_by * x + shift > 0 ? dy : slope * dy;
}

static void scale_sums(size_t n, size_t channels, const float *x, const float *dy, const float *scales,
                       const float *shift, const float *centre, float slope, float *sums, float *product)
{
    for (size_t p = 0; p < n; p++)
        for (size_t c = 0; c < channels; c++) {
            const size_t i = p * channels + c;
            const float g = back(scales[c], x[i], shift[c], slope, dy[i]);
            sums[c] += g;
            product[c] += g * (x[i] - centre[c]);
        }
}

static void scale_back(size_t n, size_t channels, const float *x, const float *dy, const float *scales,
                       const float *shift, float slope, const float *by_x, const float *constant, float *dx)
{
    for (size_t p = 0; p < n; p++)
        for (size_t c = 0; c < channels; c++) {
            const size_t i = p * channels + c;
            const float g = back(scales[c], x[i], shift[c], slope, dy[i]);
            dx[i] = scales[c] * g + (by_x[c] * x[i] + constant[c]);
        }
}

const tb__kernels tb__kernels_plain = {
    .name = "plain",
    .n_shapes = 1,
    .shapes = {{WIDTH, ROWS, multiply, accumulate}},
    .sum = sum,
    .sum_squares = sum_squares,
    .scale = scale,
    .scale_sums = scale_sums,
    .scale_back = scale_back,
};
