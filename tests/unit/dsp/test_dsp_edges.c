// SPDX-License-Identifier: MIT
/* What bad input gets: every feature of every odd signal is a finite number in its range. */
#include "unit/dsp/dsp_frames.h"

#include "dsp/chroma.h"
#include "dsp/decibel.h"
#include "dsp/fft.h"
#include "dsp/key.h"
#include "dsp/mel.h"
#include "dsp/mfcc.h"
#include "dsp/onset.h"
#include "dsp/spectral.h"
#include "dsp/tempogram.h"
#include "dsp/tonnetz.h"

#include <math.h>

typedef struct features {
    tb_mel *mel;
    tb_mfcc *mfcc;
    tb_chroma *chroma;
    tb_tuning *tuning;
    tb_spectral *spectral;
    tb_onset *onset;
    tb_tempogram *tempogram;
} features;

static features make_features(void)
{
    const tb_mel_config mel = {.sample_rate_hz = SIGNAL_RATE, .n_fft = N_FFT, .n_mels = 128};
    const tb_chroma_config chroma = {.sample_rate_hz = SIGNAL_RATE, .n_fft = N_FFT};
    const tb_spectral_config spectral = {.sample_rate_hz = SIGNAL_RATE, .n_fft = N_FFT};
    const tb_tempogram_config tempogram = {.frame_rate_hz = (double)SIGNAL_RATE / HOP};
    tb_error err = {0};
    features f = {0};
    assert_ok(tb_mel_new(&mel, &f.mel, &err));
    assert_ok(tb_mfcc_new(128, 20, &f.mfcc, &err));
    assert_ok(tb_chroma_new(&chroma, &f.chroma, &err));
    assert_ok(tb_tuning_new(SIGNAL_RATE, N_FFT, &f.tuning, &err));
    assert_ok(tb_spectral_new(&spectral, &f.spectral, &err));
    assert_ok(tb_onset_new(128, 1, 1, &f.onset, &err));
    assert_ok(tb_tempogram_new(&tempogram, &f.tempogram, &err));
    return f;
}

static void free_features(features *f)
{
    tb_mel_free(f->mel);
    tb_mfcc_free(f->mfcc);
    tb_chroma_free(f->chroma);
    tb_tuning_free(f->tuning);
    tb_spectral_free(f->spectral);
    tb_onset_free(f->onset);
    tb_tempogram_free(f->tempogram);
}

static void check_frame(features *f, const float *power, const float *samples, float *strength, float sum[12])
{
    float magnitude[N_BINS], db[128], mfcc[20], classes[12], tonnetz[TB_TONNETZ_SIZE], contrast[7];
    tb_spectral_shape shape;
    tb_power_magnitude(power, N_BINS, magnitude);
    tb_mel_compute(f->mel, power, db);
    assert_all_finite(db, 128);
    tb_power_to_db(db, 128, TB_DB_AMIN, db);
    assert_all_finite(db, 128);
    tb_mfcc_compute(f->mfcc, db, mfcc);
    assert_all_finite(mfcc, 20);
    tb_tuning_push(f->tuning, power);
    tb_chroma_compute(f->chroma, power, classes);
    tb_chroma_normalize(classes, 12);
    assert_all_finite(classes, 12);
    for (size_t c = 0; c < 12; c++) {
        assert_true(classes[c] >= 0.0f && classes[c] <= 1.0f);
        sum[c] += classes[c];
    }
    tb_tonnetz_compute(classes, tonnetz);
    for (size_t p = 0; p < TB_TONNETZ_SIZE; p++) assert_true(tonnetz[p] >= -1.001f && tonnetz[p] <= 1.001f);
    tb_spectral_shape_compute(f->spectral, power, magnitude, &shape);
    const float nyquist_hz = SIGNAL_RATE / 2.0f;
    assert_true(shape.centroid_hz >= 0.0f && shape.centroid_hz <= nyquist_hz);
    assert_true(shape.bandwidth_hz >= 0.0f && shape.bandwidth_hz <= nyquist_hz);
    assert_true(shape.rolloff_hz >= 0.0f && shape.rolloff_hz <= nyquist_hz);
    assert_true(shape.flatness >= 0.0f && shape.flatness <= 1.0f);
    tb_spectral_contrast(f->spectral, magnitude, contrast);
    assert_all_finite(contrast, 7);
    for (size_t k = 0; k < 7; k++) assert_true(contrast[k] >= -1e-3f);
    *strength = tb_onset_push(f->onset, db);
    assert_true(*strength >= 0.0f && isfinite(*strength));
    const float rms = tb_frame_rms(samples, N_FFT), crossings = tb_frame_zero_crossings(samples, N_FFT);
    assert_true(rms >= 0.0f && rms <= 1.001f * TB_SAMPLE_MAX && crossings >= 0.0f && crossings <= 1.0f);
}

static void check_features(const float *signal_samples, size_t n)
{
    const tb_stft_config config = {.n_fft = N_FFT, .hop = HOP, .window = TB_WINDOW_HANN, .pad = TB_PAD_ZERO};
    features f = make_features();
    size_t n_frames;
    float *samples, *power = make_spectrogram(&config, signal_samples, n, &n_frames, &samples);
    float *strength = tb_alloc(n_frames, sizeof *strength), sum[12] = {0};
    assert_non_null(strength);
    for (size_t t = 0; t < n_frames; t++)
        check_frame(&f, power + t * N_BINS, samples + t * N_FFT, &strength[t], sum);
    const double tuning = tb_tuning_result(f.tuning);
    assert_true(tuning >= -0.5 && tuning < 0.5);
    tb_key key;
    tb_key_estimate(sum, &key);
    assert_true(key.confidence >= 0.0 && key.confidence <= 1.0 && key.tonic >= 0 && key.tonic < 12);
    tb_tempo tempo;
    tb_tempo_estimate(f.tempogram, strength, n_frames, 4, &tempo);
    assert_true(isfinite(tempo.bpm) && tempo.bpm >= 0.0 && tempo.bpm < 400.0);
    assert_true(tempo.confidence >= 0.0 && tempo.confidence <= 1.0);
    tb_free(strength);
    tb_free(samples);
    tb_free(power);
    free_features(&f);
}

static void constant_signals_of_any_length(void **state)
{
    (void)state;
    static const float values[] = {0.0f, 1.0f, -1.0f, 1e-9f, 1e-20f, 1e30f, NAN, INFINITY};
    static const size_t lengths[] = {0, 1, 2, 511, 2047, 2048, 2049, 22050};
    for (size_t v = 0; v < sizeof values / sizeof *values; v++)
        for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
            float *constant = make_constant(lengths[l], values[v]);
            check_features(constant, lengths[l]);
            tb_free(constant);
        }
}

static void clipped_and_pure_tones(void **state)
{
    (void)state;
    static const double tones_hz[] = {1.0, 440.0, 11000.0};
    for (size_t k = 0; k < 3; k++) {
        float *sine = make_sine(22051, 10.0, tones_hz[k]);
        check_features(sine, 22051);
        for (size_t i = 0; i < 22051; i++) sine[i] = fmaxf(-1.0f, fminf(1.0f, sine[i]));
        check_features(sine, 22051);
        tb_free(sine);
    }
}

static void clicks_in_silence_and_broken_samples_in_music(void **state)
{
    (void)state;
    float *clicks = make_constant(30001, 0.0f);
    for (size_t i = 777; i < 30001; i += 9000) clicks[i] = 1.0f;
    check_features(clicks, 30001);
    clicks[1] = TB_SAMPLE_MAX;
    check_features(clicks, 30001);
    tb_free(clicks);
    test_signal s = make_signal("chords");
    for (size_t i = 5; i < s.n; i += 501) s.samples[i] = i % 2 ? NAN : -INFINITY;
    check_features(s.samples, s.n);
    tb_free(s.samples);
}

TB_TESTS(dsp_edges, cmocka_unit_test(constant_signals_of_any_length),
         cmocka_unit_test(clipped_and_pure_tones),
         cmocka_unit_test(clicks_in_silence_and_broken_samples_in_music))
