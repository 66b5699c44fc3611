// SPDX-License-Identifier: MIT
#include "support/testing.h"

#include "base/alloc.h"
#include "dsp/decimate.h"

#include <math.h>
#include <string.h>

enum { FACTOR = 8, N = 16384, N_OUT = N / FACTOR };
static const double pi = 3.14159265358979323846;

/* Mean square of the second half of what a sine of amplitude 1 becomes; frequency as a share of the new rate. */
static double power_through(double frequency)
{
    tb_error err = {0};
    tb_decimator *decimator = NULL;
    static float in[N], out[N_OUT];
    for (size_t i = 0; i < N; i++) in[i] = (float)sin(2 * pi * frequency / FACTOR * (double)i);
    assert_ok(tb_decimator_new(FACTOR, &decimator, &err));
    tb_decimator_push(decimator, in, N, out);
    tb_decimator_free(decimator);
    double power = 0;
    for (size_t i = N_OUT / 2; i < N_OUT; i++) power += 2 * pow((double)out[i], 2) / (N_OUT / 2.0);
    return 10 * log10(power + 1e-30);
}

static void low_frequencies_come_through(void **state)
{
    (void)state;
    const double frequencies[] = {0.01, 0.05, 0.1, 0.16, 0.2, 0.24};
    for (size_t i = 0; i < 6; i++) assert_near(power_through(frequencies[i]), 0, 0.15);
}

static void what_would_fold_onto_them_does_not(void **state)
{
    (void)state;
    const double frequencies[] = {0.77, 0.84, 0.95, 1.0, 1.1, 1.2, 1.9, 2.05, 3.03, 3.9};
    for (size_t i = 0; i < 10; i++)
        if (!(power_through(frequencies[i]) < -80)) fail_msg("%g of the new rate: %g dB", frequencies[i], power_through(frequencies[i]));
}

static void blocks_make_no_difference(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_decimator *decimator = NULL;
    float in[960], whole[120], cut[120];
    for (size_t i = 0; i < 960; i++) in[i] = (float)((i * 7919) % 101) - 50;
    assert_ok(tb_decimator_new(FACTOR, &decimator, &err));
    tb_decimator_push(decimator, in, 960, whole);
    tb_decimator_reset(decimator);
    for (size_t i = 0, step = FACTOR; i < 960; i += step, step = 960 - i < 3 * FACTOR ? 960 - i : step + FACTOR) {
        if (step > 960 - i) step = 960 - i;
        tb_decimator_push(decimator, in + i, step, cut + i / FACTOR);
    }
    assert_memory_equal(whole, cut, sizeof whole);
    tb_decimator_free(decimator);
}

static void odd_factors_are_refused(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_decimator *decimator = NULL;
    assert_status(tb_decimator_new(1, &decimator, &err), TB_INVALID);
    assert_status(tb_decimator_new(TB_DECIMATE_MAX_FACTOR + 1, &decimator, &err), TB_INVALID);
    assert_null(decimator);
    tb_decimator_free(NULL);
}

TB_TESTS(decimate, cmocka_unit_test(low_frequencies_come_through), cmocka_unit_test(what_would_fold_onto_them_does_not),
         cmocka_unit_test(blocks_make_no_difference), cmocka_unit_test(odd_factors_are_refused))
