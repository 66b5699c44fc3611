// SPDX-License-Identifier: MIT
#include "nn/panels.h"


bool tb__panel_at(size_t n, size_t column, tb__panel *panel)
{
    if (column >= n) return false;
    const tb__kernels *kernels = tb__kernels_get();
    size_t i = 0;
    while (i + 1 < kernels->n_shapes && kernels->shapes[i].width > n - column) i++;
    panel->shape = &kernels->shapes[i];
    panel->column = column;
    panel->n_valid = n - column < panel->shape->width ? n - column : panel->shape->width;
    return true;
}

size_t tb__panels_width(size_t n)
{
    size_t width = 0;
    tb__panel panel;
    for (size_t j = 0; tb__panel_at(n, j, &panel); j += panel.n_valid) width = j + panel.shape->width;
    return width;
}

void tb__panels_pack(size_t k, size_t n, const float *from, size_t from_stride, float *to)
{
    tb__panel panel;
    for (size_t j = 0; tb__panel_at(n, j, &panel); j += panel.n_valid) {
        float *row = to + k * j;
        for (size_t i = 0; i < k; i++, row += panel.shape->width) tb__panel_row(&panel, from + i * from_stride + j, row);
    }
}

void tb__panels_pack_transposed(size_t k_all, size_t first, size_t k, size_t n, const float *from, size_t from_stride,
                                float *to)
{
    tb__panel panel;
    for (size_t j = 0; tb__panel_at(n, j, &panel); j += panel.n_valid) {
        const size_t width = panel.shape->width;
        float *row = to + k_all * j + first * width;
        for (size_t i = 0; i < k; i++, row += width) {
            for (size_t c = 0; c < panel.n_valid; c++) row[c] = from[(j + c) * from_stride + i];
            for (size_t c = panel.n_valid; c < width; c++) row[c] = 0;
        }
    }
}

void tb__panels_multiply(size_t k, size_t n, const float *panels, const tb__segment *segments, size_t n_segments,
                         const float *start, bool add, float slope, const tb__places *places)
{
    tb__panel panel;
    for (size_t j = 0; tb__panel_at(n, j, &panel); j += panel.n_valid) {
        const tb__product product = {
            .segments = segments,
            .n_segments = n_segments,
            .panel = panels + k * j,
            .start = start ? start + j : NULL,
            .n_valid = panel.n_valid,
            .add = add,
            .slope = slope,
        };
        tb__places here = *places;
        here.c += j;
        panel.shape->multiply(&product, &here);
    }
}

void tb__panels_gemm(size_t m, size_t n, size_t k, const float *a, size_t a_stride, const float *panels,
                     const float *start, bool add, float slope, float *c, size_t c_stride)
{
    static const uint32_t zero;
    const tb__segment segment = {0, 0, k};
    const tb__places places = {
        .n_items = m,
        .n_rows = 1,
        .n_columns = 1,
        .a = a,
        .c = c,
        .a_item = a_stride,
        .c_item = c_stride,
        .a_row = &zero,
        .c_row = &zero,
        .a_column = &zero,
        .c_column = &zero,
    };
    tb__panels_multiply(k, n, panels, &segment, 1, start, add, slope, &places);
}
