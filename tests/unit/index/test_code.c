// SPDX-License-Identifier: MIT
/* The promise of the codes: no bound is greater than the distance that any kernel computes, whatever the
 * values. */
#include "index/code.h"

#include "base/alloc.h"
#include "base/rng.h"
#include "index/distance.h"
#include "support/testing.h"

#include <math.h>
#include <string.h>

enum { N = 37 };

typedef struct coded {
    size_t dim;
    float *vectors; /* [N][dim] */
    tb__codes codes;
    tb__query_code query;
} coded;

static void open_coded(coded *c, size_t dim)
{
    *c = (coded){.dim = dim};
    c->vectors = tb_alloc(N * dim, sizeof(float));
    c->codes.stride = tb__code_stride(dim);
    c->codes.values = tb_alloc_aligned(N, c->codes.stride);
    c->codes.terms = tb_alloc(N, sizeof *c->codes.terms);
    c->codes.errors = tb_alloc(N, sizeof(float));
    c->query.values = tb_alloc_aligned(c->codes.stride, sizeof(int16_t));
    assert_true(c->vectors && c->codes.values && c->codes.terms && c->codes.errors &&
                c->query.values);
}

static void close_coded(coded *c)
{
    tb_free(c->vectors);
    tb_free(c->codes.values);
    tb_free(c->codes.terms);
    tb_free(c->codes.errors);
    tb_free(c->query.values);
}

/* Encodes all, and checks every table's bounds against every table's distances.  Returns the least
 * bound / distance. */
static double check_bounds(coded *c, const float *query)
{
    double least = 1;
    float bounds[N];
    size_t n_tables;
    const tb_distance_table *const *tables = tb_distance_usable(&n_tables);
    for (size_t i = 0; i < N; i++) tb__code_encode(&c->codes, i, c->vectors + i * c->dim, c->dim);
    tb__code_encode_query(&c->query, query, c->dim);
    for (size_t t = 0; t < n_tables; t++) {
        tables[t]->bound_block(&c->query, &c->codes, 0, N, bounds);
        for (size_t i = 0; i < N; i++)
            for (size_t u = 0; u < n_tables; u++) {
                const float distance2 = tables[u]->l2(query, c->vectors + i * c->dim, c->dim);
                if (!(bounds[i] >= 0 && bounds[i] <= distance2))
                    fail_msg("%zu dimensions: bound %.9g of %s, distance %.9g of %s", c->dim,
                             (double)bounds[i], tables[t]->name, (double)distance2, tables[u]->name);
                if (distance2 > 0 && (double)bounds[i] / (double)distance2 < least)
                    least = (double)bounds[i] / (double)distance2;
            }
    }
    return least;
}

typedef enum value_kind {
    NORMAL, INTEGERS, SPIKES, OFFSET, NEAR, EQUAL, MAGNITUDES, EXTREME, ZEROS, N_KINDS
} value_kind;

static float random_value(tb_rng *rng, value_kind kind)
{
    switch (kind) {
    case INTEGERS: return (float)tb_rng_below(rng, 255) - 127.0f;
    case SPIKES: return tb_rng_below(rng, 20) ? 0.0f : (float)(100 * tb_rng_normal(rng));
    case OFFSET: return 1000.0f + (float)tb_rng_normal(rng);
    case MAGNITUDES: return (float)(tb_rng_normal(rng) * pow(10, 40 * tb_rng_uniform(rng) - 30));
    case EXTREME: return tb_rng_below(rng, 2) ? 1e15f : -1e15f;
    case ZEROS: return tb_rng_below(rng, 2) ? 0.0f : -0.0f;
    default: return (float)tb_rng_normal(rng);
    }
}

static void fill(tb_rng *rng, value_kind kind, double scale, coded *c, float *query)
{
    for (size_t j = 0; j < c->dim; j++) query[j] = (float)scale * random_value(rng, kind);
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < c->dim; j++) {
            float *value = &c->vectors[i * c->dim + j];
            if (kind == EQUAL) *value = query[j];
            else if (kind == NEAR) *value = query[j] * (1 + 1e-4f * (float)tb_rng_normal(rng));
            else *value = (float)scale * random_value(rng, kind);
        }
}

static void no_bound_is_greater_than_a_distance(void **state)
{
    (void)state;
    const size_t dims[] = {1, 2, 15, 16, 17, 31, 32, 33, 40, 64, 100, 127, 128, 129, 256, 640, 1030};
    const double scales[] = {1, 1e-3, 1e-15, 1e-29, 1e-31, 1e-38, 1e-44};
    tb_rng rng;
    tb_rng_init(&rng, 71);
    for (size_t d = 0; d < sizeof dims / sizeof *dims; d++) {
        coded c;
        open_coded(&c, dims[d]);
        float *query = tb_alloc(dims[d], sizeof *query);
        assert_non_null(query);
        for (int k = 0; k < N_KINDS; k++)
            for (size_t s = 0; s < sizeof scales / sizeof *scales; s++)
                for (int round = 0; round < 3; round++) {
                    fill(&rng, (value_kind)k, scales[s], &c, query);
                    check_bounds(&c, query);
                }
        tb_free(query);
        close_coded(&c);
    }
}

/* Vectors of very different lengths, as when one is silent: scales far apart in one product. */
static void unequal_lengths_keep_the_bound(void **state)
{
    (void)state;
    tb_rng rng;
    tb_rng_init(&rng, 72);
    coded c;
    float query[128];
    open_coded(&c, 128);
    for (int round = 0; round < 300; round++) {
        const double query_scale = pow(10, 30 * tb_rng_uniform(&rng) - 16);
        for (size_t j = 0; j < 128; j++) query[j] = (float)(query_scale * tb_rng_normal(&rng));
        for (size_t i = 0; i < N; i++) {
            const double scale = pow(10, 50 * tb_rng_uniform(&rng) - 36);
            for (size_t j = 0; j < 128; j++) c.vectors[i * 128 + j] = (float)(scale * tb_rng_normal(&rng));
        }
        check_bounds(&c, query);
    }
    close_coded(&c);
}

/* A bound that is always 0 would be right and useless. */
static void bounds_are_close_to_the_distances(void **state)
{
    (void)state;
    tb_rng rng;
    tb_rng_init(&rng, 73);
    coded c;
    float query[128];
    open_coded(&c, 128);
    for (int round = 0; round < 50; round++) {
        fill(&rng, NORMAL, 1, &c, query);
        assert_true(check_bounds(&c, query) > 0.96);
    }
    close_coded(&c);
}

static void products_of_codes_do_not_overflow(void **state)
{
    (void)state;
    static float query[65536];
    coded c;
    open_coded(&c, 65536);
    for (size_t j = 0; j < 65536; j++) query[j] = 1;
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < 65536; j++) c.vectors[i * 65536 + j] = i % 2 ? -1.0f : 3.0f;
    assert_true(check_bounds(&c, query) > 0.98);
    close_coded(&c);
}

static void blocks_agree_wherever_they_begin_and_end(void **state)
{
    (void)state;
    tb_rng rng;
    tb_rng_init(&rng, 74);
    coded c;
    float query[47], all[N], some[N + 1];
    open_coded(&c, 47);
    fill(&rng, NORMAL, 1, &c, query);
    check_bounds(&c, query);
    size_t n_tables;
    const tb_distance_table *const *tables = tb_distance_usable(&n_tables);
    for (size_t t = 0; t < n_tables; t++) {
        tables[n_tables - 1]->bound_block(&c.query, &c.codes, 0, N, all);
        for (size_t first = 0; first < N; first++)
            for (size_t n = 0; first + n <= N; n++) {
                some[n] = -7;
                tables[t]->bound_block(&c.query, &c.codes, first, n, some);
                assert_memory_equal(some, all + first, n * sizeof *some);
                assert_true(some[n] == -7.0f);
            }
    }
    close_coded(&c);
}

/* Products of scattered vectors: those of a plain loop, whatever the number of them and the length. */
static void products_are_those_of_a_loop(void **state)
{
    (void)state;
    enum { MOST = 9, MAX_STRIDE = 272 };
    static _Alignas(64) int8_t codes[MOST][MAX_STRIDE];
    static _Alignas(64) int16_t values[MAX_STRIDE];
    tb_rng rng;
    tb_rng_init(&rng, 75);
    const int8_t *pointers[MOST];
    for (size_t i = 0; i < MOST; i++) {
        pointers[i] = codes[i * 5 % MOST];
        for (size_t j = 0; j < MAX_STRIDE; j++) codes[i][j] = (int8_t)(tb_rng_below(&rng, 255) - 127);
    }
    memset(codes[3], -127, sizeof codes[3]);
    memset(codes[4], 127, sizeof codes[4]);
    for (size_t j = 0; j < MAX_STRIDE; j++) values[j] = (int16_t)(tb_rng_below(&rng, 60001) - 30000);
    size_t n_tables;
    const tb_distance_table *const *tables = tb_distance_usable(&n_tables);
    for (size_t t = 0; t < n_tables; t++)
        for (size_t stride = 16; stride <= MAX_STRIDE; stride += 16)
            for (size_t n = 0; n <= MOST; n++) {
                int32_t out[MOST + 1];
                out[n] = -7;
                tables[t]->code_products(values, pointers, stride, n, out);
                assert_int_equal(out[n], -7);
                for (size_t i = 0; i < n; i++) {
                    int32_t product = 0, pair = 0;
                    for (size_t j = 0; j < stride; j++) {
                        product += (int32_t)pointers[i][j] * values[j];
                        pair += (int32_t)pointers[i][j] * codes[n % MOST][j];
                    }
                    assert_int_equal(out[i], product);
                    assert_int_equal(tables[t]->code_product(pointers[i], codes[n % MOST], stride), pair);
                }
            }
}

TB_TESTS(code,
    cmocka_unit_test(products_are_those_of_a_loop),
    cmocka_unit_test(no_bound_is_greater_than_a_distance),
    cmocka_unit_test(unequal_lengths_keep_the_bound),
    cmocka_unit_test(bounds_are_close_to_the_distances),
    cmocka_unit_test(products_of_codes_do_not_overflow),
    cmocka_unit_test(blocks_agree_wherever_they_begin_and_end))
