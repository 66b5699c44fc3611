// SPDX-License-Identifier: MIT
/* Effects: bounded, repeatable, and each does what its name says. */
#include "support/testing.h"

#include "base/alloc.h"
#include "train/effects.h"

#include <math.h>
#include <string.h>

enum { RATE_HZ = 22050, N = 2 * RATE_HZ };
#define TWO_PI 6.283185307179586

static const tb_effects off = {.ratio = 1};

static double power_of(const float *x, size_t from, size_t to)
{
    double sum = 0;
    for (size_t i = from; i < to; i++) {
        if (!isfinite(x[i])) fail_msg("sample %zu is no number", i);
        sum += (double)x[i] * (double)x[i];
    }
    return sum / (double)(to - from);
}

/* Power of the sine of hz in x. */
static double power_at(const float *x, double hz)
{
    double re = 0, im = 0;
    for (size_t i = 0; i < N; i++) {
        re += (double)x[i] * cos(TWO_PI * hz * (double)i / RATE_HZ);
        im += (double)x[i] * sin(TWO_PI * hz * (double)i / RATE_HZ);
    }
    return 2 * (re * re + im * im) / ((double)N * (double)N);
}

static float *new_sine(double hz, double level)
{
    float *x = tb_alloc(N, sizeof *x);
    for (size_t i = 0; i < N; i++) x[i] = (float)(level * sin(TWO_PI * hz * (double)i / RATE_HZ));
    return x;
}

static void without_effects_the_sound_stays_as_it_is(void **state)
{
    (void)state;
    tb_error err = {0};
    float *x = new_sine(440, 0.1), *y = new_sine(440, 0.1);
    assert_ok(tb_effects_apply(&off, RATE_HZ, x, N, &err));
    assert_memory_equal(x, y, N * sizeof *x);
    char text[8] = "x";
    tb_effects_describe(&off, text, sizeof text);
    assert_string_equal(text, "");
    tb_free(x);
    tb_free(y);
}

static void bells_and_cuts_change_their_bands(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_effects e = off;
    float *x = new_sine(1000, 0.1);
    e.bells[0].hz = 1000, e.bells[0].gain_db = 6, e.bells[0].q = 1;
    assert_ok(tb_effects_apply(&e, RATE_HZ, x, N, &err));
    assert_near(10 * log10(power_at(x, 1000) / 0.005), 6, 0.1);
    tb_free(x);
    e = off;
    e.low_cut_hz = 400;
    x = new_sine(50, 0.1);
    assert_ok(tb_effects_apply(&e, RATE_HZ, x, N, &err));
    assert_true(10 * log10(power_at(x, 50) / 0.005) < -30);
    tb_free(x);
}

static void drive_adds_overtones_and_keeps_the_level(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_effects e = off;
    e.drive = 10;
    float *x = new_sine(300, 0.14);
    const double before = power_of(x, 0, N);
    assert_true(power_at(x, 900) / before < 1e-6);
    assert_ok(tb_effects_apply(&e, RATE_HZ, x, N, &err));
    assert_near(power_of(x, 0, N) / before, 1, 0.01);
    assert_true(power_at(x, 900) / before > 0.02);
    tb_free(x);
}

static void the_compressor_brings_loud_and_soft_together(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_effects e = off;
    e.ratio = 4, e.threshold_db = -12;
    float *x = new_sine(300, 0.3);
    for (size_t i = N / 2; i < N; i++) x[i] *= 0.25f;
    const double before = power_of(x, N / 4, N / 2) / power_of(x, 3 * N / 4, N);
    assert_ok(tb_effects_apply(&e, RATE_HZ, x, N, &err));
    const double after = power_of(x, N / 4, N / 2) / power_of(x, 3 * N / 4, N);
    assert_near(10 * log10(before), 12.04, 0.1);
    assert_true(10 * log10(after) < 6);
    tb_free(x);
}

static void echo_and_room_sound_on(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_effects e = off;
    float *x = new_sine(300, 0.1);
    memset(x + N / 8, 0, (N - N / 8) * sizeof *x);
    e.echo_wet = 0.4, e.echo_s = 0.5, e.echo_feedback = 0;
    assert_ok(tb_effects_apply(&e, RATE_HZ, x, N, &err));
    assert_true(power_of(x, (size_t)(0.30 * RATE_HZ), (size_t)(0.49 * RATE_HZ)) < 1e-12);
    assert_true(power_of(x, (size_t)(0.52 * RATE_HZ), (size_t)(0.60 * RATE_HZ)) > 1e-4);
    e = off;
    e.room_wet = 0.3, e.room_s = 1, e.room_damp_hz = 5000, e.room_seed = 3;
    memset(x + N / 8, 0, (N - N / 8) * sizeof *x);
    assert_ok(tb_effects_apply(&e, RATE_HZ, x, N, &err));
    const double early = power_of(x, (size_t)(0.3 * RATE_HZ), (size_t)(0.5 * RATE_HZ)),
                 late = power_of(x, (size_t)(0.7 * RATE_HZ), (size_t)(0.9 * RATE_HZ));
    assert_true(early > 1e-7);
    assert_near(10 * log10(early / late), 24, 6); /* 60 dB a second */
    tb_free(x);
}

static void whatever_is_drawn_stays_finite_and_repeats_itself(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_rng rng;
    float *x = tb_alloc(N, sizeof *x), *y = tb_alloc(N, sizeof *y);
    tb_rng_init(&rng, 9);
    for (int k = 0; k < 60; k++) {
        tb_effects e;
        char text[96];
        tb_effects_draw((tb_stem)(k % TB_STEM_COUNT), 0.5, &rng, &e);
        tb_effects_describe(&e, text, sizeof text);
        for (size_t i = 0; i < N; i++) x[i] = y[i] = i < N / 2 ? (float)(0.2 * tb_rng_normal(&rng)) : 0;
        if (k == 0) memset(x, 0, N * sizeof *x), memset(y, 0, N * sizeof *y);
        assert_ok(tb_effects_apply(&e, RATE_HZ, x, N, &err));
        assert_ok(tb_effects_apply(&e, RATE_HZ, y, N, &err));
        assert_memory_equal(x, y, N * sizeof *x);
        const double power = power_of(x, 0, N);
        if (k > 0 && !(power > 1e-4 && power < 1)) fail_msg("effects %d (%s): power %g", k, text, power);
    }
    tb_free(x);
    tb_free(y);
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_effects e = off;
    float x[256] = {1};
    e.chorus_wet = 0.3, e.chorus_hz = 1, e.chorus_ms = 2, e.echo_wet = 0.3, e.echo_s = 0.2, e.room_wet = 0.3,
    e.room_s = 0.2, e.room_damp_hz = 4000;
    for (size_t n = 1;; n++) {
        (void)tb_alloc_fail_after(n);
        const tb_status status = tb_effects_apply(&e, RATE_HZ, x, 256, &err);
        (void)tb_alloc_fail_after(0);
        if (status == TB_OK) break;
        assert_int_equal(status, TB_NO_MEMORY);
    }
}

TB_TESTS(effects, cmocka_unit_test(without_effects_the_sound_stays_as_it_is),
         cmocka_unit_test(bells_and_cuts_change_their_bands),
         cmocka_unit_test(drive_adds_overtones_and_keeps_the_level),
         cmocka_unit_test(the_compressor_brings_loud_and_soft_together),
         cmocka_unit_test(echo_and_room_sound_on),
         cmocka_unit_test(whatever_is_drawn_stays_finite_and_repeats_itself),
         cmocka_unit_test(each_allocation_may_fail))
