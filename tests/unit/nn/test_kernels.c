// SPDX-License-Identifier: MIT
/* Every table of kernels against the plain one, at sizes around those of vectors and tiles. */
#include "base/alloc.h"
#include "nn/kernels.h"
#include "nn/panels.h"
#include "support/testing.h"
#include "unit/nn/gradients.h"
#include "unit/nn/network_check.h"

#include <math.h>
#include <string.h>

enum { N_SIZES = 15, MAX_SIZE = 130 };

static const size_t sizes[N_SIZES] = {1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 31, 33, 64, 65, MAX_SIZE};

static const tb__kernels *const *tables(size_t *n)
{
    return tb__kernels_usable(n);
}

static void the_plain_table_is_always_there(void **state)
{
    (void)state;
    size_t n = 0;
    const tb__kernels *const *usable = tables(&n);
    assert_true(n >= 1);
    assert_string_equal(usable[n - 1]->name, "plain");
    for (size_t i = 0; i < n; i++) {
        assert_true(usable[i]->n_shapes >= 1 && usable[i]->n_shapes <= TB_KERNELS_MAX_SHAPES);
        for (size_t s = 0; s < usable[i]->n_shapes; s++) {
            assert_int_equal(usable[i]->shapes[s].width % TB_PANEL_STEP, 0);
            assert_true(usable[i]->shapes[s].width <= TB_PANEL_MAX_WIDTH);
            if (s > 0) assert_true(usable[i]->shapes[s].width < usable[i]->shapes[s - 1].width);
        }
    }
}

/* a [m][k] times b [k][n] in panels, into c [m][n]. */
static void multiply(size_t m, size_t n, size_t k, const float *a, const float *b, const float *bias,
                     bool add, float slope, float *c)
{
    const size_t width = tb__panels_width(n);
    float *panels = tb_alloc(k * width, sizeof *panels), *start = tb_alloc(width, sizeof *start);
    tb__panels_pack(k, 0, k, n, b, n, panels);
    if (bias) memcpy(start, bias, n * sizeof *bias);
    tb__panels_gemm(m, n, k, a, k, panels, bias ? start : NULL, add, slope, c, n);
    tb_free(panels);
    tb_free(start);
}

static void check_product(size_t m, size_t n, size_t k)
{
    size_t n_tables = 0;
    const tb__kernels *const *usable = tables(&n_tables);
    float *a = random_values(m * k, 1), *b = random_values(k * n, 2), *bias = random_values(n, 3);
    float *before = random_values(m * n, 4), *c = tb_alloc(m * n, sizeof *c);
    for (size_t t = 0; t < n_tables; t++) {
        tb__kernels_set(usable[t]);
        for (int way = 0; way < 3; way++) { /* from zero, from a bias with a slope, added to what is there */
            memcpy(c, before, m * n * sizeof *c);
            const float slope = way == 1 ? 0.25f : 1;
            multiply(m, n, k, a, b, way == 1 ? bias : NULL, way == 2, slope, c);
            for (size_t i = 0; i < m; i++)
                for (size_t j = 0; j < n; j++) {
                    double sum = way == 1 ? (double)bias[j] : way == 2 ? (double)before[i * n + j] : 0;
                    for (size_t l = 0; l < k; l++) sum += (double)a[i * k + l] * (double)b[l * n + j];
                    if (way == 1 && sum < 0) sum *= 0.25;
                    assert_near(c[i * n + j], sum, 1e-6 * (double)(k + 1) * 4);
                }
        }
    }
    tb__kernels_set(NULL);
    tb_free(a);
    tb_free(b);
    tb_free(bias);
    tb_free(before);
    tb_free(c);
}

static void products_are_those_of_the_formula(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_SIZES; i++) {
        check_product(sizes[i], 9, 11);
        check_product(7, sizes[i], 5);
        check_product(5, 17, sizes[i]);
    }
    check_product(13, MAX_SIZE - 1, 3);
}

static void a_row_does_not_depend_on_the_others(void **state)
{
    (void)state;
    enum { M = 29, N = 45, K = 37 };
    size_t n_tables = 0;
    const tb__kernels *const *usable = tables(&n_tables);
    float *a = random_values(M * K, 5), *b = random_values(K * N, 6);
    float together[M * N], alone[N];
    for (size_t t = 0; t < n_tables; t++) {
        tb__kernels_set(usable[t]);
        multiply(M, N, K, a, b, NULL, false, 1, together);
        for (size_t i = 0; i < M; i++) {
            multiply(1, N, K, a + i * K, b, NULL, false, 1, alone);
            assert_memory_equal(alone, together + i * N, sizeof alone);
        }
    }
    tb__kernels_set(NULL);
    tb_free(a);
    tb_free(b);
}

static void a_sum_may_be_made_in_parts(void **state)
{
    (void)state;
    enum { M = 8, N = 20, K = 24, PART = 10 };
    size_t n_tables = 0;
    const tb__kernels *const *usable = tables(&n_tables);
    float *a = random_values(M * K, 7), *b = random_values(K * N, 8);
    float first[M * PART], rest[M * (K - PART)], whole[M * N], parts[M * N];
    for (size_t i = 0; i < M; i++) {
        memcpy(first + i * PART, a + i * K, PART * sizeof *a);
        memcpy(rest + i * (K - PART), a + i * K + PART, (K - PART) * sizeof *a);
    }
    for (size_t t = 0; t < n_tables; t++) {
        tb__kernels_set(usable[t]);
        multiply(M, N, K, a, b, NULL, false, 1, whole);
        multiply(M, N, PART, first, b, NULL, false, 1, parts);
        multiply(M, N, K - PART, rest, b + PART * N, NULL, true, 1, parts);
        assert_memory_equal(parts, whole, sizeof whole);
    }
    tb__kernels_set(NULL);
    tb_free(a);
    tb_free(b);
}

static void packing_the_transposed_gives_the_same_panels(void **state)
{
    (void)state;
    size_t n_tables = 0;
    const tb__kernels *const *usable = tables(&n_tables);
    for (size_t t = 0; t < n_tables; t++) {
        tb__kernels_set(usable[t]);
        for (size_t s = 0; s < N_SIZES; s++) {
            const size_t k = sizes[s], n = sizes[N_SIZES - 1 - s], width = tb__panels_width(n);
            float *from = random_values(k * n, 9), *turned = tb_alloc(k * n, sizeof *turned);
            float *panels = tb_alloc(k * width, sizeof *panels),
                  *others = tb_alloc(k * width, sizeof *others);
            for (size_t i = 0; i < k; i++)
                for (size_t j = 0; j < n; j++) turned[j * k + i] = from[i * n + j];
            tb__panels_pack(k, 0, k, n, from, n, panels);
            const size_t half = k / 2; /* in two parts, as convolutions do */
            tb__panels_pack_transposed(k, 0, half, n, turned, k, others);
            tb__panels_pack_transposed(k, half, k - half, n, turned + half, k, others);
            assert_memory_equal(panels, others, k * width * sizeof *panels);
            tb_free(from);
            tb_free(turned);
            tb_free(panels);
            tb_free(others);
        }
    }
    tb__kernels_set(NULL);
}

static void outer_products_add_up(void **state)
{
    (void)state;
    enum { ROW = 40, STRIDE = TB_PANEL_MAX_WIDTH + 3 };
    size_t n_tables = 0;
    const tb__kernels *const *usable = tables(&n_tables);
    for (size_t t = 0; t < n_tables; t++)
        for (size_t s = 0; s < usable[t]->n_shapes; s++) {
            const tb__panel_shape *shape = &usable[t]->shapes[s];
            for (size_t i = 0; i < N_SIZES; i++) {
                const size_t n = sizes[i];
                float *a = random_values(n * ROW, 10), *panel = random_values(n * shape->width, 11);
                float *c = random_values(shape->rows * STRIDE, 12),
                      *before = random_values(shape->rows * STRIDE, 12);
                uint32_t at[MAX_SIZE];
                for (size_t p = 0; p < n; p++) at[p] = (uint32_t)(((p * 7) % n) * ROW + p % 3);
                const size_t m = i % 3 ? shape->rows : 1 + i % shape->rows;
                const size_t n_valid = i % 2 ? shape->width : 1 + i % shape->width;
                shape->accumulate(n, a, at, panel, m, n_valid, c, STRIDE);
                for (size_t k = 0; k < shape->rows * STRIDE; k++) {
                    const size_t row = k / STRIDE, column = k % STRIDE;
                    double sum = (double)before[k];
                    for (size_t p = 0; row < m && column < n_valid && p < n; p++)
                        sum += (double)a[at[p] + row] * (double)panel[p * shape->width + column];
                    assert_near(c[k], sum, row < m && column < n_valid ? 4e-6 * (double)(n + 1) : 0);
                }
                tb_free(a);
                tb_free(panel);
                tb_free(c);
                tb_free(before);
            }
        }
}

/* What the five kernels of norm give for n positions: sums, squares, y, sums, products, dx. */
typedef struct norm_results {
    float sum[MAX_SIZE], squares[MAX_SIZE], back_sum[MAX_SIZE], product[MAX_SIZE];
    float *y, *dx;
} norm_results;

static void run_norm(const tb__kernels *kernels, size_t n, size_t channels, const float *x, const float *dy,
                     const float *row, norm_results *results)
{
    const float *a = row, *b = row + channels, *centre = row + 2 * channels;
    const float *by_x = row + 3 * channels, *constant = row + 4 * channels;
    memset(results, 0, offsetof(norm_results, y));
    kernels->sum(n, channels, x, results->sum);
    kernels->sum_squares(n, channels, x, centre, results->squares);
    kernels->scale(n, channels, x, a, b, 0.2f, results->y);
    kernels->scale_sums(n, channels, x, dy, a, b, centre, 0.2f, results->back_sum, results->product);
    memcpy(results->dx, dy, n * channels * sizeof *dy); /* in place */
    kernels->scale_back(n, channels, x, results->dx, a, b, 0.2f, by_x, constant, results->dx);
}

static void norms_agree_with_plain_c(void **state)
{
    (void)state;
    enum { N = 21 };
    size_t n_tables = 0;
    const tb__kernels *const *usable = tables(&n_tables);
    for (size_t s = 0; s < N_SIZES; s++) {
        const size_t channels = sizes[s], n_values = N * channels;
        float *x = random_values(n_values, 13), *dy = random_values(n_values, 14);
        float *row = random_values(5 * channels, 15);
        norm_results expected, got;
        expected.y = tb_alloc(n_values, sizeof(float));
        expected.dx = tb_alloc(n_values, sizeof(float));
        got.y = tb_alloc(n_values, sizeof(float));
        got.dx = tb_alloc(n_values, sizeof(float));
        run_norm(usable[n_tables - 1], N, channels, x, dy, row, &expected);
        for (size_t t = 0; t + 1 < n_tables; t++) {
            run_norm(usable[t], N, channels, x, dy, row, &got);
            for (size_t c = 0; c < channels; c++) {
                assert_near(got.sum[c], expected.sum[c], 1e-5);
                assert_near(got.squares[c], expected.squares[c], 1e-4);
                assert_near(got.back_sum[c], expected.back_sum[c], 1e-5);
                assert_near(got.product[c], expected.product[c], 1e-4);
            }
            for (size_t i = 0; i < n_values; i++) {
                assert_near(got.y[i], expected.y[i], 1e-5);
                assert_near(got.dx[i], expected.dx[i], 1e-5);
            }
        }
        tb_free(x);
        tb_free(dy);
        tb_free(row);
        tb_free(expected.y);
        tb_free(expected.dx);
        tb_free(got.y);
        tb_free(got.dx);
    }
}

TB_TESTS(kernels, cmocka_unit_test(the_plain_table_is_always_there),
         cmocka_unit_test(products_are_those_of_the_formula),
         cmocka_unit_test(a_row_does_not_depend_on_the_others), cmocka_unit_test(a_sum_may_be_made_in_parts),
         cmocka_unit_test(packing_the_transposed_gives_the_same_panels),
         cmocka_unit_test(outer_products_add_up), cmocka_unit_test(norms_agree_with_plain_c))
