// SPDX-License-Identifier: MIT
#include "support/testing.h"

#include "dsp/decibel.h"

#include <float.h>
#include <math.h>

/* Runs over numbers of all magnitudes, and closely around 1, where the logarithm is small. */
static void check_sweep(void (*check)(const float *x, size_t n))
{
    float x[1000];
    double value = 1.2e-38;
    while (value < 3e38) {
        size_t n = 0;
        for (; n < 1000 && value < 3e38; n++, value *= 1.00137) x[n] = (float)value;
        check(x, n);
    }
    for (size_t i = 0; i < 1000; i++) x[i] = (float)(0.9 + 0.0002 * (double)i);
    check(x, 1000);
}

static void check_log2(const float *x, size_t n)
{
    float out[1000];
    tb_log2(x, n, out);
    for (size_t i = 0; i < n; i++) {
        const double exact = log2((double)x[i]);
        assert_near(out[i], exact, 4e-7 * fmax(1.0, fabs(exact)));
    }
}

static void log2_keeps_its_promise(void **state)
{
    (void)state;
    check_sweep(check_log2);
    const float edges[6] = {0.0f, -1.0f, 1e-45f, FLT_MIN, FLT_MAX, 1.0f};
    float out[6];
    tb_log2(edges, 6, out);
    for (size_t i = 0; i < 4; i++) assert_near(out[i], -126.0, 1e-4);
    assert_near(out[4], 128.0, 1e-4);
    assert_near(out[5], 0.0, 0.0);
}

static void check_db(const float *x, size_t n)
{
    float out[1000];
    tb_power_to_db(x, n, TB_DB_AMIN, out);
    for (size_t i = 0; i < n; i++)
        if (x[i] < 1e15f) assert_near(out[i], 10.0 * log10(fmax((double)TB_DB_AMIN, (double)x[i])), 2e-5);
}

static void decibels_keep_their_promise(void **state)
{
    (void)state;
    check_sweep(check_db);
    const float edges[3] = {0.0f, 1e-30f, 1e-10f};
    float out[3];
    tb_power_to_db(edges, 3, TB_DB_AMIN, out);
    for (size_t i = 0; i < 3; i++) assert_near(out[i], -100.0, 2e-5);
}

static void the_floor_cuts_from_below(void **state)
{
    (void)state;
    float db[5] = {-90.0f, -10.0f, -79.0f, 0.0f, -80.0f};
    assert_near(tb_db_max(db, 5), 0.0, 0.0);
    assert_near(tb_db_max(db, 1), -90.0, 0.0);
    tb_db_floor(db, 5, -80.0f);
    const float expected[5] = {-80.0f, -10.0f, -79.0f, 0.0f, -80.0f};
    for (size_t i = 0; i < 5; i++) assert_near(db[i], expected[i], 0.0);
}

static void compression_is_the_logarithm_of_1_plus(void **state)
{
    (void)state;
    const float x[7] = {0.0f, 1e-6f, 1e-3f, 0.5f, 1.0f, 1e6f, 1e30f};
    float out[7];
    tb_log_compress(x, 7, 10000.0f, out);
    for (size_t i = 0; i < 7; i++) assert_near(out[i], log1p(10000.0 * (double)x[i]), 3e-5);
    tb_log_compress(x + 6, 1, 1e20f, out);
    assert_true(isfinite(out[0]));
}

TB_TESTS(decibel, cmocka_unit_test(log2_keeps_its_promise), cmocka_unit_test(decibels_keep_their_promise),
         cmocka_unit_test(the_floor_cuts_from_below),
         cmocka_unit_test(compression_is_the_logarithm_of_1_plus))
