// SPDX-License-Identifier: MIT
#include "unit/dsp/dsp_frames.h"

#include "dsp/mel.h"
#include "dsp/onset.h"
#include "unit/dsp/dsp_golden.h"

#include <math.h>
#include <string.h>

enum { N_MELS = 128, SHIFT = N_FFT / (2 * HOP) };

static const char *const signals[] = {"tone", "chirp", "white", "chords", "drums"};

/* With librosa's shift to the right: (n_frames); tb_free. */
static float *make_strength(const float *samples, size_t n, size_t lag, size_t max_size, size_t *n_frames)
{
    tb_error err = {0};
    tb_onset *onset = NULL;
    assert_ok(tb_onset_new(N_MELS, lag, max_size, &onset, &err));
    float *power = make_default_power(samples, n, n_frames), *db = make_mel_db(power, *n_frames);
    float *strength = tb_alloc(*n_frames + SHIFT, sizeof *strength);
    assert_non_null(strength);
    for (size_t t = 0; t < *n_frames; t++) strength[t + SHIFT] = tb_onset_push(onset, db + t * N_MELS);
    tb_free(db);
    tb_free(power);
    tb_onset_free(onset);
    return strength;
}

static void compare_strength(const char *signal_name, const char *array, size_t lag, size_t max_size)
{
    test_signal s = make_signal(signal_name);
    size_t n_frames;
    float *strength = make_strength(s.samples, s.n, lag, max_size, &n_frames);
    golden reference = read_golden(s.name, array);
    comparison c = begin_comparison(&reference, 1e-4);
    for (size_t t = 0; t < n_frames; t++) compare_row(&c, strength + t);
    end_comparison(&c, 0);
    free_golden(&reference);
    tb_free(strength);
    tb_free(s.samples);
}

static void strength_is_that_of_librosa(void **state)
{
    (void)state;
    for (size_t i = 0; i < 5; i++) compare_strength(signals[i], "onset", 1, 1);
    for (size_t i = 0; i < 4; i++) compare_strength(signals[i], "onset_lag_2_max_3", 2, 3);
}

static void onsets_are_those_of_librosa(void **state)
{
    (void)state;
    for (size_t i = 0; i < 5; i++) {
        golden strength = read_golden(signals[i], "onset"),
               reference = read_golden(signals[i], "onset_frames");
        size_t peaks[100];
        const size_t n =
            tb_onset_detect(strength.values, strength.n_rows, (double)SIGNAL_RATE / HOP, peaks, 100);
        assert_int_equal(n, reference.n_rows);
        for (size_t k = 0; k < n; k++) assert_int_equal(peaks[k], (size_t)reference.values[k]);
        free_golden(&strength);
        free_golden(&reference);
    }
}

static void chords_begin_where_they_were_put(void **state)
{
    (void)state;
    test_signal s = make_signal("chords");
    size_t n_frames, peaks[10];
    float *strength = make_strength(s.samples, s.n, 1, 1, &n_frames);
    const size_t n = tb_onset_detect(strength, n_frames, (double)SIGNAL_RATE / HOP, peaks, 10);
    assert_int_equal(n, 3);
    for (size_t k = 0; k < 3; k++) assert_near((double)peaks[k] * HOP, 16537.0 * (double)(k + 1), 2.0 * HOP);
    tb_free(strength);
    tb_free(s.samples);
}

static void reset_forgets_the_frames_before(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_onset *onset = NULL;
    const float soft[3] = {-50.0f, -50.0f, -50.0f}, loud[3] = {-20.0f, -80.0f, -50.0f};
    assert_ok(tb_onset_new(3, 1, 1, &onset, &err));
    assert_near(tb_onset_push(onset, soft), 0.0, 0.0);
    assert_near(tb_onset_push(onset, loud), 10.0, 1e-6);
    tb_onset_reset(onset);
    assert_near(tb_onset_push(onset, loud), 0.0, 0.0);
    assert_near(tb_onset_push(onset, loud), 0.0, 0.0);
    tb_onset_free(onset);
}

static void a_flat_curve_has_no_peaks(void **state)
{
    (void)state;
    const float flat[20] = {0};
    float level[20];
    for (size_t t = 0; t < 20; t++) level[t] = 3.0f;
    assert_int_equal(tb_onset_detect(flat, 20, 43.0, NULL, 0), 0);
    assert_int_equal(tb_onset_detect(level, 20, 43.0, NULL, 0), 0);
    assert_int_equal(tb_onset_detect(flat, 0, 43.0, NULL, 0), 0);
    assert_int_equal(tb_onset_detect(level, 1, 43.0, NULL, 0), 0);
}

static void times_of_librosa_become_frames(void **state)
{
    (void)state;
    const tb_peak_config usual = tb_peak_config_onsets((double)SIGNAL_RATE / HOP);
    assert_int_equal(usual.pre_max, 1); /* 30 ms, rounded down */
    assert_int_equal(usual.post_max, 1);
    assert_int_equal(usual.pre_avg, 4); /* 100 ms */
    assert_int_equal(usual.post_avg, 5);
    assert_int_equal(usual.wait, 1);
    const tb_peak_config coarse = tb_peak_config_onsets(5.0);
    assert_int_equal(coarse.pre_max + coarse.pre_avg + coarse.wait, 0);
    assert_int_equal(coarse.post_max, 1);
    assert_int_equal(coarse.post_avg, 1);
}

static void peaks_past_the_capacity_are_counted(void **state)
{
    (void)state;
    float curve[50] = {0};
    size_t peaks[2] = {99, 99};
    for (size_t t = 5; t < 50; t += 10) curve[t] = 1.0f;
    const tb_peak_config config = {
        .pre_max = 2, .post_max = 3, .pre_avg = 2, .post_avg = 3, .delta = 0.1f, .wait = 3};
    assert_int_equal(tb_peak_pick(curve, 50, &config, peaks, 1), 5);
    assert_int_equal(peaks[0], 5);
    assert_int_equal(peaks[1], 99);
    assert_int_equal(tb_peak_pick(curve, 50, &config, NULL, 0), 5);
    const tb_peak_config patient = {
        .pre_max = 2, .post_max = 3, .pre_avg = 2, .post_avg = 3, .delta = 0.1f, .wait = 10};
    assert_int_equal(tb_peak_pick(curve, 50, &patient, NULL, 0), 3);
}

static void impossible_settings_are_refused(void **state)
{
    (void)state;
    static const size_t settings[][3] = {
        {0, 1, 1},   {TB_MELS_MAX + 1, 1, 1}, {128, 0, 1}, {128, 65, 1}, {128, 1, 0}, {128, 1, 2},
        {128, 1, 65}};
    tb_error err = {0};
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        tb_onset *onset = NULL;
        assert_status(tb_onset_new(settings[i][0], settings[i][1], settings[i][2], &onset, &err), TB_INVALID);
        assert_null(onset);
    }
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    tb_onset *onset = NULL;
    assert_survives_no_memory(onset, tb_onset_new(40, 2, 3, &onset, NULL), tb_onset_free);
    tb_onset_free(NULL);
}

TB_TESTS(onset, cmocka_unit_test(strength_is_that_of_librosa), cmocka_unit_test(onsets_are_those_of_librosa),
         cmocka_unit_test(chords_begin_where_they_were_put),
         cmocka_unit_test(reset_forgets_the_frames_before), cmocka_unit_test(a_flat_curve_has_no_peaks),
         cmocka_unit_test(times_of_librosa_become_frames),
         cmocka_unit_test(peaks_past_the_capacity_are_counted),
         cmocka_unit_test(impossible_settings_are_refused), cmocka_unit_test(each_allocation_may_fail))
