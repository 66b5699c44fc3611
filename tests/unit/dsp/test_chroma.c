// SPDX-License-Identifier: MIT
#include "unit/dsp/dsp_frames.h"

#include "dsp/chroma.h"
#include "unit/dsp/dsp_golden.h"

#include <math.h>

static const char *const signals[] = {"tone", "chirp", "white", "chords"};

static double tuning_of(const float *power, size_t n_frames)
{
    tb_error err = {0};
    tb_tuning *tuning = NULL;
    assert_ok(tb_tuning_new(SIGNAL_RATE, N_FFT, &tuning, &err));
    for (size_t t = 0; t < n_frames; t++) tb_tuning_push(tuning, power + t * N_BINS);
    const double result = tb_tuning_result(tuning);
    tb_tuning_reset(tuning);
    assert_near(tb_tuning_result(tuning), 0.0, 0.0);
    tb_tuning_free(tuning);
    return result;
}

static void compare_classes(const char *signal_name, const char *array, const float *power, size_t n_frames,
                            size_t step, size_t n_chroma, double tuning)
{
    const tb_chroma_config config = {
        .sample_rate_hz = SIGNAL_RATE, .n_fft = N_FFT, .n_chroma = n_chroma, .tuning = tuning};
    tb_error err = {0};
    tb_chroma *chroma = NULL;
    assert_ok(tb_chroma_new(&config, &chroma, &err));
    assert_int_equal(tb_chroma_count(chroma), n_chroma ? n_chroma : 12);
    golden reference = read_golden(signal_name, array);
    comparison c = begin_comparison(&reference, 1e-4);
    for (size_t t = 0; t < n_frames; t += step) {
        float classes[24];
        tb_chroma_compute(chroma, power + t * N_BINS, classes);
        tb_chroma_normalize(classes, tb_chroma_count(chroma));
        compare_row(&c, classes);
    }
    end_comparison(&c, 0);
    free_golden(&reference);
    tb_chroma_free(chroma);
}

static void chroma_and_tuning_are_those_of_librosa(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        test_signal s = make_signal(signals[i]);
        size_t n_frames;
        float *power = make_default_power(s.samples, s.n, &n_frames);
        golden tuning = read_golden(s.name, "tuning");
        assert_near(tuning_of(power, n_frames), tuning.values[0], 1e-6);
        compare_classes(s.name, "chroma", power, n_frames, 1, 0, 0.0);
        compare_classes(s.name, "chroma_24_every_8", power, n_frames, 8, 24, 0.3);
        compare_classes(s.name, "chroma_tuned_every_4", power, n_frames, 4, 12, (double)tuning.values[0]);
        free_golden(&tuning);
        tb_free(power);
        tb_free(s.samples);
    }
}

static void each_note_stands_in_its_class(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_chroma *chroma = NULL;
    const tb_chroma_config config = {.sample_rate_hz = SIGNAL_RATE, .n_fft = 4096};
    const tb_stft_config frames = {.n_fft = 4096, .hop = 4096, .window = TB_WINDOW_HANN, .pad = TB_PAD_NONE};
    assert_ok(tb_chroma_new(&config, &chroma, &err));
    for (int note = 0; note < 24; note++) {
        float *sine = make_sine(4096, 0.5, 261.6256 * exp2(note / 12.0)), classes[12]; /* from C4 */
        size_t n_frames, best = 0;
        float *power = make_spectrogram(&frames, sine, 4096, &n_frames, NULL);
        tb_chroma_compute(chroma, power, classes);
        for (size_t c = 1; c < 12; c++)
            if (classes[c] > classes[best]) best = c;
        assert_int_equal(best, note % 12);
        tb_free(power);
        tb_free(sine);
    }
    tb_chroma_free(chroma);
}

static void silence_stays_zero(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_chroma *chroma = NULL;
    const tb_chroma_config config = {.sample_rate_hz = SIGNAL_RATE, .n_fft = N_FFT};
    assert_ok(tb_chroma_new(&config, &chroma, &err));
    float *zeros = make_constant(N_BINS, 0.0f), classes[12];
    tb_chroma_compute(chroma, zeros, classes);
    tb_chroma_normalize(classes, 12);
    for (size_t c = 0; c < 12; c++) assert_near(classes[c], 0.0, 0.0);
    assert_near(tuning_of(zeros, 1), 0.0, 0.0);
    tb_free(zeros);
    tb_chroma_free(chroma);
}

static void tuning_finds_how_far_a_tone_is_off(void **state)
{
    (void)state;
    for (int cents = -45; cents <= 45; cents += 15) {
        float *sine = make_sine(22050, 0.5, 1760.0 * exp2(cents / 1200.0));
        size_t n_frames;
        float *power = make_default_power(sine, 22050, &n_frames);
        assert_near(tuning_of(power, n_frames), cents / 100.0, 0.03);
        tb_free(power);
        tb_free(sine);
    }
}

static void small_transforms_and_low_rates_work(void **state)
{
    (void)state;
    tb_error err = {0};
    for (size_t n_fft = 4; n_fft <= 64; n_fft += 2) {
        tb_chroma *chroma = NULL;
        tb_tuning *tuning = NULL;
        const tb_chroma_config config = {.sample_rate_hz = 100.0, .n_fft = n_fft, .tuning = -0.5};
        float *ramp = make_constant(n_fft / 2 + 1, 1.0f), classes[12];
        for (size_t k = 0; k <= n_fft / 2; k += 2) ramp[k] = 2.0f;
        assert_ok(tb_chroma_new(&config, &chroma, &err));
        assert_ok(tb_tuning_new(100.0, n_fft, &tuning, &err));
        tb_chroma_compute(chroma, ramp, classes);
        assert_all_finite(classes, 12);
        tb_tuning_push(tuning, ramp);
        assert_true(isfinite(tb_tuning_result(tuning)));
        tb_free(ramp);
        tb_chroma_free(chroma);
        tb_tuning_free(tuning);
    }
}

static void impossible_settings_are_refused(void **state)
{
    (void)state;
    static const tb_chroma_config configs[] = {
        {.sample_rate_hz = -1.0, .n_fft = 2048},
        {.sample_rate_hz = 22050.0, .n_fft = 2},
        {.sample_rate_hz = 22050.0, .n_fft = 2049},
        {.sample_rate_hz = 22050.0, .n_fft = 2048, .n_chroma = 13},
        {.sample_rate_hz = 22050.0, .n_fft = 2048, .n_chroma = 132},
        {.sample_rate_hz = 22050.0, .n_fft = 2048, .tuning = 0.6},
        {.sample_rate_hz = 22050.0, .n_fft = 2048, .tuning = NAN},
    };
    tb_error err = {0};
    tb_tuning *tuning = NULL;
    for (size_t i = 0; i < sizeof configs / sizeof *configs; i++) {
        tb_chroma *chroma = NULL;
        assert_status(tb_chroma_new(&configs[i], &chroma, &err), TB_INVALID);
        assert_null(chroma);
    }
    assert_status(tb_tuning_new(NAN, 2048, &tuning, &err), TB_INVALID);
    assert_status(tb_tuning_new(22050.0, 0, &tuning, &err), TB_INVALID);
    assert_null(tuning);
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    const tb_chroma_config config = {.sample_rate_hz = SIGNAL_RATE, .n_fft = 512};
    tb_chroma *chroma = NULL;
    tb_tuning *tuning = NULL;
    assert_survives_no_memory(chroma, tb_chroma_new(&config, &chroma, NULL), tb_chroma_free);
    assert_survives_no_memory(tuning, tb_tuning_new(22050.0, 512, &tuning, NULL), tb_tuning_free);
    tb_chroma_free(NULL);
    tb_tuning_free(NULL);
}

TB_TESTS(chroma, cmocka_unit_test(chroma_and_tuning_are_those_of_librosa),
         cmocka_unit_test(each_note_stands_in_its_class), cmocka_unit_test(silence_stays_zero),
         cmocka_unit_test(tuning_finds_how_far_a_tone_is_off),
         cmocka_unit_test(small_transforms_and_low_rates_work),
         cmocka_unit_test(impossible_settings_are_refused), cmocka_unit_test(each_allocation_may_fail))
