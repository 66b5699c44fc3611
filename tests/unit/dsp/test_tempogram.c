// SPDX-License-Identifier: MIT
#include "unit/dsp/dsp_frames.h"

#include "dsp/tempogram.h"
#include "unit/dsp/dsp_golden.h"

#include <math.h>

static const double frame_rate_hz = (double)SIGNAL_RATE / HOP;

static tb_tempogram *make_tempogram(double prior_bpm, double prior_octaves)
{
    const tb_tempogram_config config = {
        .frame_rate_hz = frame_rate_hz, .prior_bpm = prior_bpm, .prior_octaves = prior_octaves};
    tb_error err = {0};
    tb_tempogram *tempogram = NULL;
    assert_ok(tb_tempogram_new(&config, &tempogram, &err));
    return tempogram;
}

static void columns_are_those_of_librosa(void **state)
{
    (void)state;
    golden curve = read_golden("drums", "onset"), reference = read_golden("drums", "tempogram_every_100");
    golden mean = read_golden("drums", "tempogram_mean");
    tb_tempogram *tempogram = make_tempogram(0.0, 0.0);
    float column[400];
    assert_int_equal(tb_tempogram_lags(tempogram), mean.n_columns);
    comparison c = begin_comparison(&reference, 1e-4);
    for (size_t t = 0; t < curve.n_rows; t += 100) {
        tb_tempogram_column(tempogram, curve.values, curve.n_rows, t, column);
        compare_row(&c, column);
    }
    end_comparison(&c, 0);
    tb_tempogram_mean(tempogram, curve.values, curve.n_rows, 1, column);
    c = begin_comparison(&mean, 1e-4);
    compare_row(&c, column);
    end_comparison(&c, 0);
    tb_tempogram_free(tempogram);
    free_golden(&curve);
    free_golden(&reference);
    free_golden(&mean);
}

static void tempo_is_that_of_librosa_and_finer(void **state)
{
    (void)state;
    golden curve = read_golden("drums", "onset");
    golden tempo_120 = read_golden("drums", "tempo"), tempo_60 = read_golden("drums", "tempo_prior_60");
    tb_tempogram *usual = make_tempogram(0.0, 0.0), *slow = make_tempogram(60.0, 0.5);
    tb_tempo tempo;
    tb_tempo_estimate(usual, curve.values, curve.n_rows, 1, &tempo);
    assert_true(tempo.known);
    assert_near(tempo.lag_bpm, tempo_120.values[0], 1e-3);
    assert_near(tempo.bpm, 128.0, 0.3);
    assert_true(tempo.confidence > 0.3);
    tb_tempo_estimate(slow, curve.values, curve.n_rows, 1, &tempo);
    assert_near(tempo.lag_bpm, tempo_60.values[0], 1e-3);
    assert_near(tempo.bpm, 64.0, 0.3);
    tb_tempogram_free(usual);
    tb_tempogram_free(slow);
    free_golden(&curve);
    free_golden(&tempo_120);
    free_golden(&tempo_60);
}

/* Clicks at a steady tempo, three frames wide as the onsets of a long transform are. */
static void fill_clicks(float *curve, size_t n, double bpm)
{
    for (size_t t = 0; t < n; t++) curve[t] = 0.0f;
    const double period = 60.0 * frame_rate_hz / bpm;
    for (double at = 3.0; at + 3.0 < (double)n; at += period)
        for (size_t t = (size_t)at - 2; t <= (size_t)at + 3; t++)
            curve[t] += (float)fmax(0.0, 1.0 - fabs((double)t - at) / 3.0);
}

static void tempo_of_clicks_is_right_within_a_fifth_of_a_percent(void **state)
{
    (void)state;
    enum { N = 1292 }; /* 30 s */
    static float curve[N];
    tb_tempogram *tempogram = make_tempogram(0.0, 0.0);
    for (double bpm = 85.0; bpm <= 165.0; bpm += 3.7) {
        tb_tempo tempo;
        fill_clicks(curve, N, bpm);
        for (size_t step = 1; step <= 8; step += 7) {
            tb_tempo_estimate(tempogram, curve, N, step, &tempo);
            assert_true(tempo.known);
            assert_near(tempo.bpm, bpm, 0.002 * bpm);
            assert_true(tempo.confidence > 0.5 && tempo.confidence <= 1.0);
            assert_true(tempo.n_alternates > 0);
            for (size_t i = 0; i < tempo.n_alternates; i++)
                assert_true(tempo.alternates[i].strength > 0.0 && tempo.alternates[i].strength <= 1.0);
        }
    }
    tb_tempogram_free(tempogram);
}

static void noise_is_less_sure_than_clicks(void **state)
{
    (void)state;
    enum { N = 1292 };
    static float curve[N];
    uint32_t seed = 4;
    tb_tempogram *tempogram = make_tempogram(0.0, 0.0);
    tb_tempo tempo;
    for (size_t t = 0; t < N; t++) curve[t] = (float)fmax(0.0, next_noise(&seed));
    tb_tempo_estimate(tempogram, curve, N, 1, &tempo);
    assert_true(tempo.confidence < 0.25);
    tb_tempogram_free(tempogram);
}

static void silence_has_no_tempo(void **state)
{
    (void)state;
    static const float silence[500] = {0};
    float column[400];
    tb_tempogram *tempogram = make_tempogram(0.0, 0.0);
    tb_tempo tempo;
    for (size_t n = 0; n <= 500; n += 250) {
        tb_tempo_estimate(tempogram, silence, n, 1, &tempo);
        assert_false(tempo.known);
        assert_near(tempo.bpm, 0.0, 0.0);
        assert_int_equal(tempo.n_alternates, 0);
    }
    tb_tempogram_column(tempogram, silence, 500, 250, column);
    for (size_t l = 0; l < tb_tempogram_lags(tempogram); l++) assert_near(column[l], 0.0, 0.0);
    tb_tempogram_free(tempogram);
}

static void short_curves_give_finite_numbers(void **state)
{
    (void)state;
    tb_tempogram *tempogram = make_tempogram(0.0, 0.0);
    float curve[30], column[400];
    uint32_t seed = 2;
    for (size_t t = 0; t < 30; t++) curve[t] = (float)fabs(next_noise(&seed));
    for (size_t n = 1; n <= 30; n++) {
        tb_tempo tempo;
        tb_tempo_estimate(tempogram, curve, n, 3, &tempo);
        assert_true(isfinite(tempo.bpm) && tempo.bpm >= 0.0 && isfinite(tempo.confidence));
        tb_tempogram_column(tempogram, curve, n, n - 1, column);
        assert_all_finite(column, tb_tempogram_lags(tempogram));
    }
    tb_tempogram_free(tempogram);
}

static void impossible_settings_are_refused(void **state)
{
    (void)state;
    static const tb_tempogram_config configs[] = {
        {.frame_rate_hz = 0.0},
        {.frame_rate_hz = NAN},
        {.frame_rate_hz = INFINITY},
        {.frame_rate_hz = 1e9},
        {.frame_rate_hz = 0.1},
        {.frame_rate_hz = 43.0, .window = 1},
        {.frame_rate_hz = 43.0, .window = 65537},
        {.frame_rate_hz = 43.0, .prior_bpm = -1.0},
        {.frame_rate_hz = 43.0, .prior_octaves = NAN},
        {.frame_rate_hz = 43.0, .max_bpm = -1.0},
    };
    tb_error err = {0};
    for (size_t i = 0; i < sizeof configs / sizeof *configs; i++) {
        tb_tempogram *tempogram = NULL;
        assert_status(tb_tempogram_new(&configs[i], &tempogram, &err), TB_INVALID);
        assert_null(tempogram);
    }
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    const tb_tempogram_config config = {.frame_rate_hz = 43.0, .window = 100};
    tb_tempogram *tempogram = NULL;
    assert_survives_no_memory(tempogram, tb_tempogram_new(&config, &tempogram, NULL), tb_tempogram_free);
    tb_tempogram_free(NULL);
}

TB_TESTS(tempogram, cmocka_unit_test(columns_are_those_of_librosa),
         cmocka_unit_test(tempo_is_that_of_librosa_and_finer),
         cmocka_unit_test(tempo_of_clicks_is_right_within_a_fifth_of_a_percent),
         cmocka_unit_test(noise_is_less_sure_than_clicks), cmocka_unit_test(silence_has_no_tempo),
         cmocka_unit_test(short_curves_give_finite_numbers),
         cmocka_unit_test(impossible_settings_are_refused), cmocka_unit_test(each_allocation_may_fail))
