// SPDX-License-Identifier: MIT
/* Random numbers: the published sequence, even, repeatable. */
#include "support/testing.h"

#include "base/rng.h"

#include <math.h>

static void numbers_are_those_of_xoshiro256starstar(void **state)
{
    (void)state;
    /* the first numbers of the reference code from the state 1 2 3 4 */
    tb_rng rng = {.state = {1, 2, 3, 4}};
    static const uint64_t expected[] = {11520u, 0u, 1509978240u, 1215971899390074240u};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        assert_true(tb_rng_next(&rng) == expected[i]);
}

static void seeds_go_through_splitmix(void **state)
{
    (void)state;
    /* the well-known first outputs of SplitMix64 for the seed 0 */
    tb_rng rng;
    tb_rng_init(&rng, 0);
    assert_true(rng.state[0] == 0xe220a8397b1dcdafu);
    assert_true(rng.state[1] == 0x6e789e6aa1b965f4u);
    assert_true(rng.state[2] == 0x06c45d188009454fu);
    assert_true(rng.state[3] == 0xf88bb8a8724c81ecu);
}

static void the_same_seed_gives_the_same_numbers(void **state)
{
    (void)state;
    tb_rng a, b, c;
    tb_rng_init(&a, 7);
    tb_rng_init(&b, 7);
    tb_rng_init(&c, 8);
    int n_same = 0;
    for (int i = 0; i < 1000; i++) {
        const uint64_t x = tb_rng_next(&a);
        assert_true(x == tb_rng_next(&b));
        n_same += x == tb_rng_next(&c);
    }
    assert_int_equal(n_same, 0);
}

static void small_ranges_come_out_even(void **state)
{
    (void)state;
    enum { N = 7, DRAWS = 70000 };
    int counts[N] = {0};
    tb_rng rng;
    tb_rng_init(&rng, 1);
    for (int i = 0; i < DRAWS; i++) {
        const uint64_t value = tb_rng_below(&rng, N);
        assert_true(value < N);
        counts[value]++;
    }
    for (int i = 0; i < N; i++) assert_near(counts[i], DRAWS / N, 400); /* 4.3 deviations */
    assert_int_equal(tb_rng_below(&rng, 0), 0);
    assert_int_equal(tb_rng_below(&rng, 1), 0);
    for (int i = 0; i < 100; i++) assert_true(tb_rng_below(&rng, (UINT64_C(1) << 63) + 1) <= UINT64_C(1) << 63);
}

static void moments_are_as_they_should(void **state)
{
    (void)state;
    enum { N = 200000 };
    double sum_u = 0, sum_n = 0, sum_n2 = 0, sum_n4 = 0;
    tb_rng rng;
    tb_rng_init(&rng, 2);
    for (int i = 0; i < N; i++) {
        const double u = tb_rng_uniform(&rng), n = tb_rng_normal(&rng);
        assert_true(u >= 0 && u < 1);
        assert_true(isfinite(n));
        sum_u += u;
        sum_n += n;
        sum_n2 += n * n;
        sum_n4 += n * n * n * n;
    }
    assert_near(sum_u / N, 0.5, 0.004);
    assert_near(sum_n / N, 0, 0.012);
    assert_near(sum_n2 / N, 1, 0.02);
    assert_near(sum_n4 / N, 3, 0.15);
}

TB_TESTS(rng, cmocka_unit_test(numbers_are_those_of_xoshiro256starstar), cmocka_unit_test(seeds_go_through_splitmix),
         cmocka_unit_test(the_same_seed_gives_the_same_numbers), cmocka_unit_test(small_ranges_come_out_even),
         cmocka_unit_test(moments_are_as_they_should))
