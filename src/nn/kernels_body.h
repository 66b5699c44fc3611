// SPDX-License-Identifier: MIT
/* The kernels of one panel shape, written once for all instruction sets: included by kernels_<set>.c with
 *
 *     VECTOR, LANES, LOAD, STORE, BROADCAST, ZERO, MULTIPLY_ADD(a, b, c) = a * b + c, MULTIPLY, MAXIMUM
 *     SHAPE(name)      the name of a function of this shape
 *     SHAPE_ROWS, SHAPE_VECTORS   tile: rows x (vectors * LANES) columns
 *
 * All are undefined again but those of the instruction set.  Without them the header is empty. */
#ifdef SHAPE

/* Loops over a tile's rows and vectors must be unrolled whole for the sums to stay in registers. */
#ifndef UNROLL
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 32")
#endif
#endif

#define SHAPE_WIDTH (SHAPE_VECTORS * LANES)

_Static_assert(SHAPE_ROWS <= TB_PANEL_MAX_ROWS && SHAPE_WIDTH <= TB_PANEL_MAX_WIDTH, "sizes of panels in kernels.h");

/* One tile: n_rows of its rows are wanted, the others repeat the last and are not stored. */
static inline void SHAPE(tile)(const tb__product *product, const float *const *a, float *const *c, size_t n_rows)
{
    VECTOR sums[SHAPE_ROWS][SHAPE_VECTORS];
    float line[SHAPE_WIDTH];
    if (product->add) {
        for (size_t i = 0; i < SHAPE_ROWS; i++) {
            memset(line, 0, sizeof line);
            memcpy(line, c[i], product->n_valid * sizeof *line);
            UNROLL for (size_t v = 0; v < SHAPE_VECTORS; v++) sums[i][v] = LOAD(line + v * LANES);
        }
    } else {
        UNROLL for (size_t v = 0; v < SHAPE_VECTORS; v++)
        {
            const VECTOR start = product->start ? LOAD(product->start + v * LANES) : ZERO;
            UNROLL for (size_t i = 0; i < SHAPE_ROWS; i++) sums[i][v] = start;
        }
    }
    const float *row[SHAPE_ROWS];
    UNROLL for (size_t i = 0; i < SHAPE_ROWS; i++) row[i] = a[i];
    for (size_t s = 0; s < product->n_segments; s++) {
        const tb__segment segment = product->segments[s];
        const float *b = product->panel + segment.b * SHAPE_WIDTH;
        for (size_t k = segment.a; k < segment.a + segment.n; k++, b += SHAPE_WIDTH) {
            VECTOR factor[SHAPE_VECTORS];
            UNROLL for (size_t v = 0; v < SHAPE_VECTORS; v++) factor[v] = LOAD(b + v * LANES);
            UNROLL for (size_t i = 0; i < SHAPE_ROWS; i++)
            {
                const VECTOR value = BROADCAST(row[i] + k);
                UNROLL for (size_t v = 0; v < SHAPE_VECTORS; v++)
                    sums[i][v] = MULTIPLY_ADD(value, factor[v], sums[i][v]);
            }
        }
    }
    if (product->slope < 1) {
        const VECTOR slope = BROADCAST(&product->slope);
        UNROLL for (size_t i = 0; i < SHAPE_ROWS; i++)
            UNROLL for (size_t v = 0; v < SHAPE_VECTORS; v++)
                sums[i][v] = MAXIMUM(sums[i][v], MULTIPLY(slope, sums[i][v]));
    }
    if (product->n_valid == SHAPE_WIDTH && n_rows == SHAPE_ROWS) {
        UNROLL for (size_t i = 0; i < SHAPE_ROWS; i++)
            UNROLL for (size_t v = 0; v < SHAPE_VECTORS; v++) STORE(c[i] + v * LANES, sums[i][v]);
        return;
    }
    VECTOR kept[SHAPE_ROWS][SHAPE_VECTORS];
    UNROLL for (size_t i = 0; i < SHAPE_ROWS; i++)
        UNROLL for (size_t v = 0; v < SHAPE_VECTORS; v++) kept[i][v] = sums[i][v];
    for (size_t i = 0; i < n_rows; i++) memcpy(c[i], kept[i], product->n_valid * sizeof *line);
}

static void SHAPE(multiply)(const tb__product *product, const tb__places *places)
{
    const float *a[SHAPE_ROWS];
    float *c[SHAPE_ROWS];
    size_t n = 0;
    for (size_t t = 0; t < places->n_items; t++)
        for (size_t i = 0; i < places->n_rows; i++) {
            const float *a_row = places->a + t * places->a_item + places->a_row[i];
            float *c_row = places->c + t * places->c_item + places->c_row[i];
            for (size_t j = 0; j < places->n_columns; j++) {
                a[n] = a_row + places->a_column[j];
                c[n++] = c_row + places->c_column[j];
                if (n == SHAPE_ROWS) {
                    SHAPE(tile)(product, a, c, n);
                    n = 0;
                }
            }
        }
    if (n == 0) return;
    for (size_t i = n; i < SHAPE_ROWS; i++) {
        a[i] = a[n - 1];
        c[i] = c[n - 1];
    }
    SHAPE(tile)(product, a, c, n);
}

static void SHAPE(accumulate)(size_t n, const float *a, const uint32_t *at, const float *panel, size_t m,
                              size_t n_valid, float *c, size_t c_stride)
{
    VECTOR sums[SHAPE_ROWS][SHAPE_VECTORS];
    const bool whole = m == SHAPE_ROWS && n_valid == SHAPE_WIDTH;
    UNROLL for (size_t i = 0; i < SHAPE_ROWS; i++)
        UNROLL for (size_t v = 0; v < SHAPE_VECTORS; v++)
            sums[i][v] = whole ? LOAD(c + i * c_stride + v * LANES) : ZERO;
    for (size_t p = 0; p < n; p++, panel += SHAPE_WIDTH) {
        const float *row = a + at[p];
        VECTOR factor[SHAPE_VECTORS];
        UNROLL for (size_t v = 0; v < SHAPE_VECTORS; v++) factor[v] = LOAD(panel + v * LANES);
        UNROLL for (size_t i = 0; i < SHAPE_ROWS; i++)
        {
            const VECTOR value = BROADCAST(row + i);
            UNROLL for (size_t v = 0; v < SHAPE_VECTORS; v++)
                sums[i][v] = MULTIPLY_ADD(value, factor[v], sums[i][v]);
        }
    }
    if (whole) {
        UNROLL for (size_t i = 0; i < SHAPE_ROWS; i++)
            UNROLL for (size_t v = 0; v < SHAPE_VECTORS; v++) STORE(c + i * c_stride + v * LANES, sums[i][v]);
        return;
    }
    float kept[SHAPE_ROWS][SHAPE_WIDTH];
    UNROLL for (size_t i = 0; i < SHAPE_ROWS; i++)
        UNROLL for (size_t v = 0; v < SHAPE_VECTORS; v++) STORE(kept[i] + v * LANES, sums[i][v]);
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n_valid; j++) c[i * c_stride + j] += kept[i][j];
}

#undef SHAPE
#undef SHAPE_ROWS
#undef SHAPE_VECTORS
#undef SHAPE_WIDTH
#endif
