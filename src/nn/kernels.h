// SPDX-License-Identifier: MIT
/* The inner loops of networks: one table of functions per instruction set.
 *
 * Products are made tile by tile: some rows (positions of an image, items) times one panel, which is a number
 * of columns (channels) that lie side by side in memory for each k.  The plain table is the specification:
 * c[i][j] starts from 0, a bias or what is there; its products are added one after the other, in the order of
 * k.  Other tables do the same in the same order for each value by itself and differ only where a fused
 * multiply-add rounds once instead of twice. So a value depends on its own row and column alone, to the bit,
 * not on the tile in which it was computed, nor on its neighbours or on the size of the batch. */
#ifndef TIMBRE_NN_KERNELS_H
#define TIMBRE_NN_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TB_KERNELS_MAX_SHAPES = 4, TB_PANEL_MAX_WIDTH = 64, TB_PANEL_MAX_ROWS = 12, TB_PANEL_STEP = 8 };

/* n products that follow one another in both factors: a[at + i] * panel row [b + i]. */
typedef struct tb__segment {
    size_t a, b, n;
} tb__segment;

/* The rows of a product: items x rows x columns of places, in this order.  The row at (t, i, j) reads at
 * a + t * a_item + a_row[i] + a_column[j], and writes at c + t * c_item + c_row[i] + c_column[j]. */
typedef struct tb__places {
    size_t n_items, n_rows, n_columns;
    const float *a;
    float *c;
    size_t a_item, c_item;
    const uint32_t *a_row, *c_row, *a_column, *c_column;
} tb__places;

/* One panel times all places. */
typedef struct tb__product {
    const tb__segment *segments; /* none: the sum is empty */
    size_t n_segments;
    const float *panel; /* [K][width] */
    const float *start; /* [width], what sums start from; NULL: 0 */
    size_t n_valid;     /* columns that are written, 1..width */
    bool add;           /* sums start from what c has (then start is NULL) */
    float slope;        /* below 1: the result is max(sum, slope * sum) */
} tb__product;

/* A size of panels and the functions for it. */
typedef struct tb__panel_shape {
    size_t width, rows; /* width: a multiple of TB_PANEL_STEP; rows: at most TB_PANEL_MAX_ROWS */
    void (*multiply)(const tb__product *product, const tb__places *places);
    /* c[i][j] += sum over p < n of a[at[p] + i] * panel[p][j], for i < m <= rows, j < n_valid; c lies in rows
     * of c_stride.  The a of `rows` values may be read. */
    void (*accumulate)(size_t n, const float *a, const uint32_t *at, const float *panel, size_t m,
                       size_t n_valid, float *c, size_t c_stride);
} tb__panel_shape;

typedef struct tb__kernels {
    const char *name; /* "plain", "avx2", "avx512" */
    size_t n_shapes;
    tb__panel_shape shapes[TB_KERNELS_MAX_SHAPES]; /* widest first */

    /* The values of n positions of `channels` each, for batch norm (norm.c). */
    /* sum[c] += x, square[c] += (x - centre[c])^2 */
    void (*sum)(size_t n, size_t channels, const float *x, float *sum);
    void (*sum_squares)(size_t n, size_t channels, const float *x, const float *centre, float *sum);
    /* y = z > 0 ? z : slope * z, z = scale[c] * x + shift[c] */
    void (*scale)(size_t n, size_t channels, const float *x, const float *scale, const float *shift,
                  float slope, float *y);
    /* g = z > 0 ? dy : slope * dy with z as above; sum[c] += g, product[c] += g * (x - centre[c]) */
    void (*scale_sums)(size_t n, size_t channels, const float *x, const float *dy, const float *scale,
                       const float *shift, const float *centre, float slope, float *sum, float *product);
    /* dx = scale[c] * g + by_x[c] * x + constant[c] with g as above; dx may be dy */
    void (*scale_back)(size_t n, size_t channels, const float *x, const float *dy, const float *scale,
                       const float *shift, float slope, const float *by_x, const float *constant, float *dx);
} tb__kernels;

/* The table in use: the best that this processor can run, or the one named by the environment variable
 * TIMBRE_KERNELS; chosen at the first call.  Threads: any. */
const tb__kernels *tb__kernels_get(void);
/* All that this processor can run, best first, "plain" last; *n is their number. */
const tb__kernels *const *tb__kernels_usable(size_t *n);
/* Tests: makes tb__kernels_get give this table; NULL: the chosen one again.  No networks may exist meanwhile.
 * */
void tb__kernels_set(const tb__kernels *kernels);

#endif
