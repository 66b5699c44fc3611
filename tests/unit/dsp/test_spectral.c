// SPDX-License-Identifier: MIT
#include "unit/dsp/dsp_frames.h"

#include "dsp/fft.h"
#include "dsp/spectral.h"
#include "unit/dsp/dsp_golden.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const signals[] = {"tone", "chirp", "white", "chords"};
static const tb_spectral_config defaults = {.sample_rate_hz = SIGNAL_RATE, .n_fft = N_FFT};

static tb_spectral *make_spectral(void)
{
    tb_error err = {0};
    tb_spectral *spectral = NULL;
    assert_ok(tb_spectral_new(&defaults, &spectral, &err));
    return spectral;
}

static float *make_magnitude(const float *power, size_t n)
{
    float *magnitude = tb_alloc(n, sizeof *magnitude);
    assert_non_null(magnitude);
    tb_power_magnitude(power, n, magnitude);
    return magnitude;
}

static void shape_and_contrast_are_those_of_librosa(void **state)
{
    (void)state;
    tb_spectral *spectral = make_spectral();
    assert_int_equal(tb_spectral_contrast_count(spectral), 7);
    for (size_t i = 0; i < 4; i++) {
        test_signal s = make_signal(signals[i]);
        size_t n_frames;
        float *power = make_default_power(s.samples, s.n, &n_frames);
        float *magnitude = make_magnitude(power, n_frames * N_BINS);
        static const char *const names[] = {"centroid", "bandwidth", "rolloff", "flatness", "contrast"};
        golden references[5];
        comparison c[5];
        for (size_t k = 0; k < 5; k++) {
            references[k] = read_golden(s.name, names[k]);
            c[k] = begin_comparison(&references[k], 1e-4);
        }
        for (size_t t = 0; t < n_frames; t++) {
            tb_spectral_shape shape;
            float contrast[7];
            tb_spectral_shape_compute(spectral, power + t * N_BINS, magnitude + t * N_BINS, &shape);
            tb_spectral_contrast(spectral, magnitude + t * N_BINS, contrast);
            compare_row(&c[0], &shape.centroid_hz);
            compare_row(&c[1], &shape.bandwidth_hz);
            compare_row(&c[2], &shape.rolloff_hz);
            compare_row(&c[3], &shape.flatness);
            compare_row(&c[4], contrast);
        }
        for (size_t k = 0; k < 5; k++) {
            /* A valley may be one single bin near 0 beside a loud one: single precision itself is off. */
            const size_t n_allowed = k == 4 ? n_frames * 7 / 25 : 0;
            end_comparison(&c[k], n_allowed);
            free_golden(&references[k]);
        }
        tb_free(magnitude);
        tb_free(power);
        tb_free(s.samples);
    }
    tb_spectral_free(spectral);
}

static void compare_frames(const char *signal_name, const char *feature, tb_pad pad,
                           float (*compute)(const float *samples, size_t n))
{
    test_signal s = make_signal(signal_name);
    const tb_stft_config config = {.n_fft = N_FFT, .hop = HOP, .window = TB_WINDOW_HANN, .pad = pad};
    size_t n_frames;
    float *frames, *power = make_spectrogram(&config, s.samples, s.n, &n_frames, &frames);
    golden reference = read_golden(s.name, feature);
    comparison c = begin_comparison(&reference, 1e-4);
    for (size_t t = 0; t < n_frames; t++) {
        const float value = compute(frames + t * N_FFT, N_FFT);
        compare_row(&c, &value);
    }
    end_comparison(&c, 0);
    free_golden(&reference);
    tb_free(power);
    tb_free(frames);
    tb_free(s.samples);
}

static void rms_and_zero_crossings_are_those_of_librosa(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        compare_frames(signals[i], "rms", TB_PAD_ZERO, tb_frame_rms);
        compare_frames(signals[i], "zero_crossings", TB_PAD_EDGE, tb_frame_zero_crossings);
    }
}

static void silence_has_no_shape(void **state)
{
    (void)state;
    tb_spectral *spectral = make_spectral();
    float *zeros = make_constant(N_BINS, 0.0f), contrast[7];
    tb_spectral_shape shape;
    tb_spectral_shape_compute(spectral, zeros, zeros, &shape);
    assert_near(shape.centroid_hz, 0.0, 0.0);
    assert_near(shape.bandwidth_hz, 0.0, 0.0);
    assert_near(shape.rolloff_hz, 0.0, 0.0);
    assert_near(shape.flatness, 1.0, 1e-5);
    tb_spectral_contrast(spectral, zeros, contrast);
    for (size_t k = 0; k < 7; k++) assert_near(contrast[k], 0.0, 0.0);
    assert_near(tb_frame_rms(zeros, 7), 0.0, 0.0);
    assert_near(tb_frame_zero_crossings(zeros, 7), 0.0, 0.0);
    tb_free(zeros);
    tb_spectral_free(spectral);
}

static void one_line_and_a_plain_have_known_shapes(void **state)
{
    (void)state;
    tb_spectral *spectral = make_spectral();
    const double hz_per_bin = (double)SIGNAL_RATE / N_FFT;
    float *line = make_constant(N_BINS, 0.0f), *plain = make_constant(N_BINS, 4.0f);
    tb_spectral_shape shape;
    line[300] = 9.0f;
    tb_spectral_shape_compute(spectral, line, line, &shape);
    assert_near(shape.centroid_hz, 300.0 * hz_per_bin, 1e-2);
    assert_near(shape.bandwidth_hz, 0.0, 1e-2);
    assert_near(shape.rolloff_hz, 300.0 * hz_per_bin, 1e-2);
    assert_true(shape.flatness < 1e-6f);
    tb_spectral_shape_compute(spectral, plain, plain, &shape);
    assert_near(shape.centroid_hz, SIGNAL_RATE / 4.0, 1e-1);
    assert_near(shape.bandwidth_hz, SIGNAL_RATE / 2.0 / sqrt(12.0), 10.0);
    assert_near(shape.flatness, 1.0, 1e-5);
    tb_free(line);
    tb_free(plain);
    tb_spectral_free(spectral);
}

static void the_largest_magnitudes_stay_finite(void **state)
{
    (void)state;
    tb_spectral *spectral = make_spectral();
    const float magnitude = TB_SAMPLE_MAX * N_FFT; /* no harmless sample gives more */
    float *large = make_constant(N_BINS, magnitude), *power = make_constant(N_BINS, magnitude * magnitude);
    float values[11];
    tb_spectral_shape shape;
    tb_spectral_shape_compute(spectral, power, large, &shape);
    memcpy(values, (float[4]){shape.centroid_hz, shape.bandwidth_hz, shape.rolloff_hz, shape.flatness},
           4 * sizeof *values);
    tb_spectral_contrast(spectral, large, values + 4);
    assert_all_finite(values, 11);
    tb_free(large);
    tb_free(power);
    tb_spectral_free(spectral);
}

static void flux_counts_rises_alone(void **state)
{
    (void)state;
    for (size_t n = 1; n <= 37; n++) {
        float before[37], now[37];
        double expected = 0.0;
        uint32_t seed = (uint32_t)n;
        for (size_t i = 0; i < n; i++) {
            before[i] = (float)next_noise(&seed);
            now[i] = (float)next_noise(&seed);
            expected += fmax(0.0, (double)now[i] - (double)before[i]) / (double)n;
        }
        assert_near(tb_spectral_flux(before, now, n), expected, 1e-6);
        assert_near(tb_spectral_flux(now, now, n), 0.0, 0.0);
    }
}

static void crossings_of_tiny_samples_do_not_count(void **state)
{
    (void)state;
    const float samples[8] = {1.0f, -1.0f, 1.0f, -1e-11f, 1e-11f, -1.0f, -1.0f, 1.0f};
    assert_near(tb_frame_zero_crossings(samples, 8), 4.0 / 8.0, 1e-7);
    assert_near(tb_frame_zero_crossings(samples, 1), 0.0, 0.0);
    assert_near(tb_frame_rms(samples, 3), 1.0, 1e-7);
}

/* Contrast against a plain sort, with several values in each mean. */
static int compare_floats(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void contrast_is_that_of_sorted_bins(void **state)
{
    (void)state;
    enum { BINS = 513 };
    const tb_spectral_config config = {
        .sample_rate_hz = 16000.0, .n_fft = 1024, .n_bands = 1, .contrast_fmin_hz = 4000.0, .quantile = 0.25};
    tb_error err = {0};
    tb_spectral *spectral = NULL;
    assert_ok(tb_spectral_new(&config, &spectral, &err));
    float magnitude[BINS], sorted[BINS], contrast[2];
    uint32_t seed = 9;
    for (size_t i = 0; i < BINS; i++) magnitude[i] = (float)(1.0 + next_noise(&seed));
    tb_spectral_contrast(spectral, magnitude, contrast);
    /* Up to 4000 Hz are bins 0 to 256; the last is left out.  Of the 257 a quarter is 64. */
    memcpy(sorted, magnitude, 256 * sizeof *sorted);
    qsort(sorted, 256, sizeof *sorted, compare_floats);
    double valley = 0.0, peak = 0.0;
    for (size_t i = 0; i < 64; i++) {
        valley += (double)sorted[i] / 64.0;
        peak += (double)sorted[255 - i] / 64.0;
    }
    assert_near(contrast[0], 10.0 * log10(peak / valley), 1e-4);
    tb_spectral_free(spectral);
}

static void contrast_copes_with_equal_bins(void **state)
{
    (void)state;
    enum { BINS = 513 };
    const tb_spectral_config config = {
        .sample_rate_hz = 16000.0, .n_fft = 1024, .n_bands = 1, .contrast_fmin_hz = 4000.0, .quantile = 0.5};
    tb_error err = {0};
    tb_spectral *spectral = NULL;
    assert_ok(tb_spectral_new(&config, &spectral, &err));
    float magnitude[BINS], contrast[2];
    for (size_t i = 0; i < BINS; i++) magnitude[i] = 3.0f;
    tb_spectral_contrast(spectral, magnitude, contrast);
    assert_near(contrast[0], 0.0, 1e-5);
    /* Half of the 257 bins is 128: the valley takes 100 zeros and 28 threes, the peak threes alone. */
    for (size_t i = 0; i < 100; i++) magnitude[2 * i] = 0.0f;
    tb_spectral_contrast(spectral, magnitude, contrast);
    assert_near(contrast[0], 10.0 * log10(3.0 / (28.0 * 3.0 / 128.0)), 1e-4);
    tb_spectral_free(spectral);
}

static void impossible_settings_are_refused(void **state)
{
    (void)state;
    static const tb_spectral_config configs[] = {
        {.sample_rate_hz = 0.0, .n_fft = 2048},
        {.sample_rate_hz = NAN, .n_fft = 2048},
        {.sample_rate_hz = 22050.0, .n_fft = 2047},
        {.sample_rate_hz = 22050.0, .n_fft = 2048, .rolloff = 1.5},
        {.sample_rate_hz = 22050.0, .n_fft = 2048, .rolloff = NAN},
        {.sample_rate_hz = 22050.0, .n_fft = 2048, .n_bands = 7},
        {.sample_rate_hz = 22050.0, .n_fft = 2048, .n_bands = 99},
        {.sample_rate_hz = 22050.0, .n_fft = 2048, .contrast_fmin_hz = -5.0},
        {.sample_rate_hz = 22050.0, .n_fft = 2048, .quantile = 0.6},
        {.sample_rate_hz = 22050.0, .n_fft = 64},
    };
    tb_error err = {0};
    for (size_t i = 0; i < sizeof configs / sizeof *configs; i++) {
        tb_spectral *spectral = NULL;
        assert_status(tb_spectral_new(&configs[i], &spectral, &err), TB_INVALID);
        assert_null(spectral);
    }
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    tb_spectral *spectral = NULL;
    assert_survives_no_memory(spectral, tb_spectral_new(&defaults, &spectral, NULL), tb_spectral_free);
    tb_spectral_free(NULL);
}

TB_TESTS(spectral, cmocka_unit_test(shape_and_contrast_are_those_of_librosa),
         cmocka_unit_test(rms_and_zero_crossings_are_those_of_librosa),
         cmocka_unit_test(silence_has_no_shape), cmocka_unit_test(one_line_and_a_plain_have_known_shapes),
         cmocka_unit_test(the_largest_magnitudes_stay_finite), cmocka_unit_test(flux_counts_rises_alone),
         cmocka_unit_test(crossings_of_tiny_samples_do_not_count),
         cmocka_unit_test(contrast_is_that_of_sorted_bins), cmocka_unit_test(contrast_copes_with_equal_bins),
         cmocka_unit_test(impossible_settings_are_refused), cmocka_unit_test(each_allocation_may_fail))
