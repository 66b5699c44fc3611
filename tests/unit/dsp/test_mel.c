// SPDX-License-Identifier: MIT
#include "unit/dsp/dsp_frames.h"

#include "dsp/decibel.h"
#include "dsp/mel.h"
#include "unit/dsp/dsp_golden.h"

#include <math.h>

static const char *const signals[] = {"tone", "chirp", "white", "chords"};

static void compare_bands(const char *name, const tb_mel_config *config, int in_db)
{
    tb_error err = {0};
    tb_mel *mel = NULL;
    assert_ok(tb_mel_new(config, &mel, &err));
    assert_int_equal(tb_mel_count(mel), config->n_mels);
    for (size_t i = 0; i < 4; i++) {
        test_signal s = make_signal(signals[i]);
        size_t n_frames;
        float *power = make_default_power(s.samples, s.n, &n_frames);
        golden reference = read_golden(s.name, name);
        comparison c = begin_comparison(&reference, in_db ? 1e-4 : 1e-5);
        for (size_t t = 0; t < n_frames; t += 8) {
            float bands[128];
            tb_mel_compute(mel, power + t * N_BINS, bands);
            if (in_db) tb_power_to_db(bands, config->n_mels, TB_DB_AMIN, bands);
            compare_row(&c, bands);
        }
        end_comparison(&c, 0);
        free_golden(&reference);
        tb_free(power);
        tb_free(s.samples);
    }
    tb_mel_free(mel);
}

static void bands_are_those_of_librosa(void **state)
{
    (void)state;
    const tb_mel_config slaney = {.sample_rate_hz = SIGNAL_RATE, .n_fft = N_FFT, .n_mels = 128};
    const tb_mel_config htk = {.sample_rate_hz = SIGNAL_RATE,
                               .n_fft = N_FFT,
                               .n_mels = 40,
                               .fmin_hz = 50.0,
                               .fmax_hz = 8000.0,
                               .scale = TB_MEL_HTK,
                               .norm = TB_MEL_NORM_NONE};
    compare_bands("mel_every_8", &slaney, 0);
    compare_bands("mel_db_every_8", &slaney, 1);
    compare_bands("mel_htk_every_8", &htk, 0);
}

static void all_scales_go_there_and_back(void **state)
{
    (void)state;
    for (double hz = 0.0; hz < 20000.0; hz += 123.4) {
        assert_near(tb_mel_to_hz(tb_hz_to_mel(hz, TB_MEL_SLANEY), TB_MEL_SLANEY), hz, 1e-7);
        assert_near(tb_mel_to_hz(tb_hz_to_mel(hz, TB_MEL_HTK), TB_MEL_HTK), hz, 1e-7);
        assert_near(tb_mel_to_hz(tb_hz_to_mel(hz, TB_MEL_FINE), TB_MEL_FINE), hz, 1e-7);
        if (hz > 0) assert_near(tb_mel_to_hz(tb_hz_to_mel(hz, TB_MEL_LOG), TB_MEL_LOG), hz, 1e-7);
    }
    assert_near(tb_hz_to_mel(440.0, TB_MEL_LOG), 48, 1e-9);
    assert_near(tb_hz_to_mel(1200.0, TB_MEL_FINE) - tb_hz_to_mel(600.0, TB_MEL_FINE), 20, 1e-9);
    assert_near(tb_hz_to_mel(200.0, TB_MEL_FINE), 2 * tb_hz_to_mel(100.0, TB_MEL_FINE), 1e-9);
    assert_near(tb_hz_to_mel(1000.0, TB_MEL_SLANEY), 15.0, 1e-12);
    assert_near(tb_hz_to_mel(1000.0, TB_MEL_HTK), 999.9855, 1e-4);
}

static void a_flat_spectrum_gives_flat_bands(void **state)
{
    (void)state;
    enum { BINS = 4097 };
    tb_error err = {0};
    tb_mel *mel = NULL;
    const tb_mel_config config = {
        .sample_rate_hz = SIGNAL_RATE, .n_fft = 2 * (BINS - 1), .n_mels = 40, .norm = TB_MEL_NORM_SLANEY};
    assert_ok(tb_mel_new(&config, &mel, &err));
    float *flat = make_constant(BINS, 1.0f), bands[40];
    tb_mel_compute(mel, flat, bands);
    const double expected = 2.0 * (BINS - 1) / SIGNAL_RATE; /* bins per Hz */
    for (size_t i = 0; i < 40; i++) assert_near(bands[i], expected, 0.02 * expected);
    for (size_t i = 1; i < 40; i++) assert_true(tb_mel_center_hz(mel, i) > tb_mel_center_hz(mel, i - 1));
    tb_free(flat);
    tb_mel_free(mel);
}

static void tiny_transforms_and_many_bands_work(void **state)
{
    (void)state;
    tb_error err = {0};
    for (size_t n_fft = 2; n_fft <= 64; n_fft += 2)
        for (size_t n_mels = 1; n_mels <= 64; n_mels *= 4) {
            tb_mel *mel = NULL;
            const tb_mel_config config = {.sample_rate_hz = 8000.0, .n_fft = n_fft, .n_mels = n_mels};
            assert_ok(tb_mel_new(&config, &mel, &err));
            float *flat = make_constant(n_fft / 2 + 1, 1.0f), bands[64];
            tb_mel_compute(mel, flat, bands);
            assert_all_finite(bands, n_mels);
            for (size_t i = 0; i < n_mels; i++) assert_true(bands[i] >= 0.0f);
            tb_free(flat);
            tb_mel_free(mel);
        }
}

static void impossible_bands_are_refused(void **state)
{
    (void)state;
    static const tb_mel_config configs[] = {
        {.sample_rate_hz = 0.0, .n_fft = 512, .n_mels = 40},
        {.sample_rate_hz = NAN, .n_fft = 512, .n_mels = 40},
        {.sample_rate_hz = INFINITY, .n_fft = 512, .n_mels = 40},
        {.sample_rate_hz = 22050.0, .n_fft = 511, .n_mels = 40},
        {.sample_rate_hz = 22050.0, .n_fft = 512, .n_mels = 0},
        {.sample_rate_hz = 22050.0, .n_fft = 512, .n_mels = TB_MELS_MAX + 1},
        {.sample_rate_hz = 22050.0, .n_fft = 512, .n_mels = 40, .fmin_hz = -1.0},
        {.sample_rate_hz = 22050.0, .n_fft = 512, .n_mels = 40, .fmin_hz = 4000.0, .fmax_hz = 4000.0},
        {.sample_rate_hz = 22050.0, .n_fft = 512, .n_mels = 40, .fmax_hz = 11026.0},
        {.sample_rate_hz = 22050.0, .n_fft = 512, .n_mels = 40, .fmax_hz = NAN},
    };
    tb_error err = {0};
    for (size_t i = 0; i < sizeof configs / sizeof *configs; i++) {
        tb_mel *mel = NULL;
        assert_status(tb_mel_new(&configs[i], &mel, &err), TB_INVALID);
        assert_null(mel);
    }
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    const tb_mel_config config = {.sample_rate_hz = 22050.0, .n_fft = 512, .n_mels = 40};
    tb_mel *mel = NULL;
    assert_survives_no_memory(mel, tb_mel_new(&config, &mel, NULL), tb_mel_free);
    tb_mel_free(NULL);
}

TB_TESTS(mel, cmocka_unit_test(bands_are_those_of_librosa), cmocka_unit_test(all_scales_go_there_and_back),
         cmocka_unit_test(a_flat_spectrum_gives_flat_bands),
         cmocka_unit_test(tiny_transforms_and_many_bands_work),
         cmocka_unit_test(impossible_bands_are_refused), cmocka_unit_test(each_allocation_may_fail))
