// SPDX-License-Identifier: MIT
/* Every table that this processor can run, against double precision and against one another. */
#include "index/distance.h"

#include "base/rng.h"
#include "support/testing.h"

#include <math.h>
#include <string.h>

enum { MAX_DIM = 2100, MAX_BLOCK = 11 };

static const size_t odd_dims[] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,   11,  12,  13,  15,  16,  17,  23,
                                  24, 25, 31, 32, 33, 47, 63, 64, 65, 100, 127, 128, 129, 255, 257, 640, 643,
                                  1023, 1024, 1025, 2055};
enum { N_DIMS = sizeof odd_dims / sizeof *odd_dims };

static double true_l2(const float *a, const float *b, size_t dim)
{
    double sum = 0;
    for (size_t i = 0; i < dim; i++) sum += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
    return sum;
}

static void fill(tb_rng *rng, float *values, size_t n, double scale)
{
    for (size_t i = 0; i < n; i++) values[i] = (float)(scale * tb_rng_normal(rng));
}

/* As the promise of the index: 1e-5 of the value, plus 1e-30 where squares leave the range of f32. */
static void assert_close(const char *name, size_t dim, double got, double expected)
{
    if (!(fabs(got - expected) <= 1e-5 * expected + 1e-30))
        fail_msg("%s, %zu dimensions: got %.9g, expected %.9g", name, dim, got, expected);
}

static void plain_is_always_usable(void **state)
{
    (void)state;
    size_t n;
    const tb_distance_table *const *tables = tb_distance_usable(&n);
    assert_true(n >= 1);
    assert_string_equal(tables[n - 1]->name, "plain");
    assert_non_null(tb_distance_kernels());
}

static void every_table_agrees_with_double_precision(void **state)
{
    (void)state;
    const double scales[] = {1, 1e-3, 1e-12, 1e-25, 1e-40, 1e6, 1e14};
    static float a[MAX_DIM + 1], b[MAX_DIM + 1];
    tb_rng rng;
    tb_rng_init(&rng, 11);
    size_t n;
    const tb_distance_table *const *tables = tb_distance_usable(&n);
    for (size_t t = 0; t < n; t++)
        for (size_t s = 0; s < sizeof scales / sizeof *scales; s++)
            for (size_t d = 0; d < N_DIMS; d++) {
                const size_t dim = odd_dims[d], shift = d % 2; /* off any alignment half of the time */
                fill(&rng, a, MAX_DIM + 1, scales[s]);
                fill(&rng, b, MAX_DIM + 1, scales[s]);
                const float got = tables[t]->l2(a + shift, b + shift, dim);
                assert_close(tables[t]->name, dim, (double)got, true_l2(a + shift, b + shift, dim));
            }
}

static void the_largest_components_do_not_overflow(void **state)
{
    (void)state;
    static float a[65536], b[65536];
    for (size_t i = 0; i < 65536; i++) {
        a[i] = 1e15f;
        b[i] = -1e15f;
    }
    size_t n;
    const tb_distance_table *const *tables = tb_distance_usable(&n);
    for (size_t t = 0; t < n; t++) {
        assert_close(tables[t]->name, 65536, (double)tables[t]->l2(a, b, 65536), true_l2(a, b, 65536));
        float out;
        tables[t]->l2_block(a, b, 65536, 65536, 1, &out);
        assert_true(isfinite(out));
    }
}

static void a_block_gives_the_bits_of_a_pair(void **state)
{
    (void)state;
    static float query[MAX_DIM], vectors[MAX_BLOCK * (MAX_DIM + 20)];
    tb_rng rng;
    tb_rng_init(&rng, 12);
    size_t n_tables;
    const tb_distance_table *const *tables = tb_distance_usable(&n_tables);
    for (size_t t = 0; t < n_tables; t++)
        for (size_t d = 0; d < N_DIMS; d++)
            for (size_t n = 0; n <= MAX_BLOCK; n++) {
                const size_t dim = odd_dims[d], stride = dim + n;
                fill(&rng, query, dim, 1);
                fill(&rng, vectors, n * stride, 1);
                float out[MAX_BLOCK + 1];
                for (size_t i = 0; i <= MAX_BLOCK; i++) out[i] = -7.0f;
                tables[t]->l2_block(query, vectors, stride, dim, n, out);
                for (size_t i = 0; i < n; i++) {
                    const float pair = tables[t]->l2(query, vectors + i * stride, dim);
                    const float swapped = tables[t]->l2(vectors + i * stride, query, dim);
                    assert_memory_equal(&out[i], &pair, sizeof pair);
                    assert_memory_equal(&swapped, &pair, sizeof pair);
                }
                assert_true(out[n] == -7.0f);
            }
}

/* Sums of small integers are exact in any order: here all tables must agree to the bit. */
static void tables_agree_to_the_bit_on_integers(void **state)
{
    (void)state;
    static float a[MAX_DIM], b[MAX_DIM];
    tb_rng rng;
    tb_rng_init(&rng, 13);
    size_t n;
    const tb_distance_table *const *tables = tb_distance_usable(&n);
    for (size_t d = 0; d < N_DIMS; d++) {
        for (size_t i = 0; i < odd_dims[d]; i++) {
            a[i] = (float)tb_rng_below(&rng, 21) - 10.0f;
            b[i] = (float)tb_rng_below(&rng, 21) - 10.0f;
        }
        for (size_t t = 0; t < n; t++)
            assert_true((double)tables[t]->l2(a, b, odd_dims[d]) == true_l2(a, b, odd_dims[d]));
    }
}

/* Masked loads at the end of the vectors must not touch what lies behind: NaN there would show. */
static void values_behind_the_end_do_not_count(void **state)
{
    (void)state;
    static float a[MAX_DIM], b[MAX_DIM];
    size_t n;
    const tb_distance_table *const *tables = tb_distance_usable(&n);
    for (size_t t = 0; t < n; t++)
        for (size_t d = 0; d < N_DIMS; d++) {
            for (size_t i = 0; i < MAX_DIM; i++) a[i] = b[i] = NAN;
            for (size_t i = 0; i < odd_dims[d]; i++) {
                a[i] = 1.0f;
                b[i] = 3.0f;
            }
            assert_true(tables[t]->l2(a, b, odd_dims[d]) == 4.0f * (float)odd_dims[d]);
            float out;
            tables[t]->l2_block(a, b, MAX_DIM, odd_dims[d], 1, &out);
            assert_true(out == 4.0f * (float)odd_dims[d]);
        }
}

TB_TESTS(distance,
    cmocka_unit_test(plain_is_always_usable),
    cmocka_unit_test(every_table_agrees_with_double_precision),
    cmocka_unit_test(the_largest_components_do_not_overflow),
    cmocka_unit_test(a_block_gives_the_bits_of_a_pair),
    cmocka_unit_test(tables_agree_to_the_bit_on_integers),
    cmocka_unit_test(values_behind_the_end_do_not_count))
