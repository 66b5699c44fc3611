// SPDX-License-Identifier: MIT
/* Matrices packed into panels, as the kernels read them.
 *
 * A [k][n] matrix becomes panels of columns, widest shape first; what is left at the end takes a narrow panel
 * filled up with zeros.  The panel that begins at column j lies at k * j floats, [k][width of the panel].
 * Threads: any. */
#ifndef TIMBRE_NN_PANELS_H
#define TIMBRE_NN_PANELS_H

#include "nn/kernels.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

typedef struct tb__panel {
    const tb__panel_shape *shape;
    size_t column, n_valid;
} tb__panel;

/* The panel of an n-column matrix that begins at this column; false at the end.  For a loop:
 * for (size_t j = 0; tb__panel_at(n, j, &panel); j += panel.n_valid) */
bool tb__panel_at(size_t n, size_t column, tb__panel *panel);
/* One row of a panel: its columns of the values from `from` on, and zeros. */
static inline void tb__panel_row(const tb__panel *panel, const float *from, float *to)
{
    const size_t width = panel->shape->width;
    if (panel->n_valid == width) { /* the usual case, without a call */
        for (size_t i = 0; i < width; i += TB_PANEL_STEP)
            memcpy(to + i, from + i, TB_PANEL_STEP * sizeof *to);
        return;
    }
    memcpy(to, from, panel->n_valid * sizeof *to);
    memset(to + panel->n_valid, 0, (width - panel->n_valid) * sizeof *to);
}

/* n with what the last panel is filled up. */
size_t tb__panels_width(size_t n);
/* Packs rows first .. first + k of panels that have k_all rows.  from: [k] rows of n values, from_stride
 * apart.  to: k_all * tb__panels_width(n) floats. */
void tb__panels_pack(size_t k_all, size_t first, size_t k, size_t n, const float *from, size_t from_stride,
                     float *to);
/* The same of the transposed: from is [n] rows of k values. */
void tb__panels_pack_transposed(size_t k_all, size_t first, size_t k, size_t n, const float *from,
                                size_t from_stride, float *to);
/* All panels of n columns, of k rows in all, times all places.  start: [tb__panels_width(n)] or NULL. */
void tb__panels_multiply(size_t k, size_t n, const float *panels, const tb__segment *segments,
                         size_t n_segments, const float *start, bool add, float slope,
                         const tb__places *places);

/* C (+)= A op(B) as tb__gemm (blas.h), but each row of the result is the same to the bit however many rows
 * there are: C [m][n], A [m][k] in rows of a_stride, panels of [k][n]. */
void tb__panels_gemm(size_t m, size_t n, size_t k, const float *a, size_t a_stride, const float *panels,
                     const float *start, bool add, float slope, float *c, size_t c_stride);

#endif
