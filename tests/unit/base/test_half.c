// SPDX-License-Identifier: MIT
/* Half precision: every half there and back, rounding against a reference that searches. */
#include "support/testing.h"

#include "base/half.h"
#include "base/rng.h"

#include <math.h>

/* The value by its definition (IEEE 754, 3.4): slow, obvious. */
static double define_half(uint16_t half)
{
    const int exponent = (half >> 10) & 31, fraction = half & 1023;
    const double sign = half & 0x8000 ? -1 : 1;
    if (exponent == 31) return fraction ? (double)NAN : sign * (double)INFINITY;
    return exponent == 0 ? sign * ldexp(fraction, -24) : sign * ldexp(1024 + fraction, exponent - 25);
}

/* Nearest half of a magnitude by binary search, ties to the even one. */
static uint16_t round_slowly(double magnitude)
{
    uint16_t low = 0, high = 0x7c00; /* 65536 stands in for infinity, as the standard's rounding does */
    while (high - low > 1) {
        const uint16_t middle = (uint16_t)((low + high) / 2);
        if (define_half(middle) <= magnitude)
            low = middle;
        else
            high = middle;
    }
    const double above = high == 0x7c00 ? 65536.0 : define_half(high);
    const double to_low = magnitude - define_half(low), to_high = above - magnitude;
    if (to_low == to_high) return low & 1 ? high : low;
    return to_low < to_high ? low : high;
}

static void check_rounding(float value)
{
    const uint16_t expected = (uint16_t)(round_slowly(fabs((double)value)) | (signbit(value) ? 0x8000 : 0));
    const uint16_t got = tb_half_from_float(value);
    if (got != expected) fail_msg("%.9g rounds to %04x, not %04x", (double)value, got, expected);
}

static void every_half_has_its_value_and_comes_back(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 65536; i++) {
        const uint16_t half = (uint16_t)i;
        const double expected = define_half(half);
        const float value = tb_half_to_float(half);
        if (isnan(expected)) {
            assert_true(isnan(value));
            assert_int_equal(tb_half_from_float(value) & 0x7e00, 0x7e00); /* quiet */
            continue;
        }
        if ((double)value != expected || !signbit(value) != !(half & 0x8000))
            fail_msg("%04x is %.9g, not %.9g", half, (double)value, expected);
        assert_int_equal(tb_half_from_float(value), half);
    }
}

static void values_between_halves_round_to_the_nearest_even(void **state)
{
    (void)state;
    for (uint16_t half = 0; half < 0x7bff; half++) {
        const float low = tb_half_to_float(half), high = tb_half_to_float((uint16_t)(half + 1));
        const float middle = (low + high) / 2; /* exact: a half has 11 bits, a float 24 */
        check_rounding(middle);
        check_rounding(nextafterf(middle, low));
        check_rounding(nextafterf(middle, high));
        check_rounding(-middle);
    }
}

static void values_past_the_largest_round_to_infinity(void **state)
{
    (void)state;
    assert_int_equal(tb_half_from_float(65504.0f), 0x7bff);
    assert_int_equal(tb_half_from_float(nextafterf(65520.0f, 0)), 0x7bff);
    assert_int_equal(tb_half_from_float(65520.0f), 0x7c00);
    assert_int_equal(tb_half_from_float(-3e38f), 0xfc00);
    assert_int_equal(tb_half_from_float(INFINITY), 0x7c00);
    assert_int_equal(tb_half_from_float(0x1p-25f), 0x0000); /* half of the smallest: even is zero */
    assert_int_equal(tb_half_from_float(-0x1p-25f), 0x8000);
    assert_int_equal(tb_half_from_float(0x1.8p-24f), 0x0002);
    assert_int_equal(tb_half_from_float(0x1p-149f), 0x0000);
}

static void random_values_round_as_the_reference(void **state)
{
    (void)state;
    tb_rng rng;
    tb_rng_init(&rng, 16);
    for (int i = 0; i < 200000; i++) {
        const double exponent = -30 + 47 * tb_rng_uniform(&rng);
        check_rounding((float)(exp2(exponent) * (tb_rng_below(&rng, 2) ? 1 : -1)));
    }
}

TB_TESTS(half, cmocka_unit_test(every_half_has_its_value_and_comes_back),
         cmocka_unit_test(values_between_halves_round_to_the_nearest_even),
         cmocka_unit_test(values_past_the_largest_round_to_infinity),
         cmocka_unit_test(random_values_round_as_the_reference))
