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

void tb__panels_pack(size_t k_all, size_t first, size_t k, size_t n, const float *from, size_t from_stride,
                     float *to)
{
    /* A few rows at a time go to all panels, so that `from` is read as it lies. */
    enum { ROWS = 8 };
    tb__panel panel;
    for (size_t begin = 0; begin < k; begin += ROWS) {
        const size_t end = k - begin < ROWS ? k : begin + ROWS;
        for (size_t j = 0; tb__panel_at(n, j, &panel); j += panel.n_valid)
            for (size_t i = begin; i < end; i++)
                tb__panel_row(&panel, from + i * from_stride + j,
                              to + k_all * j + (first + i) * panel.shape->width);
    }
}

void tb__panels_pack_transposed(size_t k_all, size_t first, size_t k, size_t n, const float *from,
                                size_t from_stride, float *to)
{
    /* Square by square through a copy that stays in registers or the cache, as rows of `from` may lie so far
     * apart that they drive each other out of it. */
    enum { SIDE = 16 };
    float square[TB_PANEL_MAX_WIDTH][SIDE] = {{0}};
    tb__panel panel;
    for (size_t j = 0; tb__panel_at(n, j, &panel); j += panel.n_valid) {
        const size_t width = panel.shape->width;
        float *row = to + k_all * j + first * width;
        for (size_t c = panel.n_valid; c < width; c++) memset(square[c], 0, sizeof square[c]);
        for (size_t i = 0; i < k; i += SIDE) {
            const size_t n_rows = k - i < SIDE ? k - i : SIDE;
            for (size_t c = 0; c < panel.n_valid; c++) {
                const float *line = from + (j + c) * from_stride + i;
                if (n_rows == SIDE)
                    memcpy(square[c], line, sizeof square[c]);
                else
                    memcpy(square[c], line, n_rows * sizeof *line);
            }
            for (size_t r = 0; r < n_rows; r++, row += width)
                for (size_t c = 0; c < width; c++) row[c] = square[c][r];
        }
    }
}

void tb__panels_multiply(size_t k, size_t n, const float *panels, const tb__segment *segments,
                         size_t n_segments, const float *start, bool add, float slope,
                         const tb__places *places)
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
