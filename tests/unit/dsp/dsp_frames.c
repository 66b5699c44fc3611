// SPDX-License-Identifier: MIT
#include "unit/dsp/dsp_frames.h"

#include "dsp/decibel.h"
#include "dsp/mel.h"

#include <math.h>
#include <string.h>

float *make_spectrogram(const tb_stft_config *config, const float *signal, size_t n, size_t *n_frames,
                        float **samples)
{
    tb_error err = {0};
    tb_stft *stft = NULL;
    tb_stft_frame frame;
    assert_ok(tb_stft_new(config, &stft, &err));
    const size_t n_bins = tb_stft_bins(stft), expected = tb_stft_count(stft, n);
    float *power = tb_alloc(expected * n_bins, sizeof *power);
    float *frames = tb_alloc(expected * config->n_fft, sizeof *frames);
    assert_true(power && frames);
    size_t t = 0;
    for (int ended = 0; !ended;) {
        const size_t taken = n ? tb_stft_push(stft, signal, n) : 0;
        if (n) {
            signal += taken;
            n -= taken;
        } else {
            tb_stft_finish(stft);
            ended = 1;
        }
        while (tb_stft_next(stft, &frame)) {
            assert_true(t < expected);
            assert_int_equal(frame.index, t);
            memcpy(power + t * n_bins, frame.power, n_bins * sizeof *power);
            memcpy(frames + t * config->n_fft, frame.samples, config->n_fft * sizeof *frames);
            t++;
        }
    }
    assert_int_equal(t, expected);
    tb_stft_free(stft);
    *n_frames = t;
    if (samples)
        *samples = frames;
    else
        tb_free(frames);
    return power;
}

float *make_default_power(const float *signal, size_t n, size_t *n_frames)
{
    const tb_stft_config config = {.n_fft = N_FFT, .hop = HOP, .window = TB_WINDOW_HANN, .pad = TB_PAD_ZERO};
    return make_spectrogram(&config, signal, n, n_frames, NULL);
}

float *make_mel_db(const float *power, size_t n_frames)
{
    tb_error err = {0};
    tb_mel *mel = NULL;
    const tb_mel_config config = {.sample_rate_hz = SIGNAL_RATE, .n_fft = N_FFT, .n_mels = 128};
    assert_ok(tb_mel_new(&config, &mel, &err));
    float *db = tb_alloc(n_frames * 128, sizeof *db);
    assert_non_null(db);
    for (size_t t = 0; t < n_frames; t++) tb_mel_compute(mel, power + t * N_BINS, db + t * 128);
    tb_power_to_db(db, n_frames * 128, TB_DB_AMIN, db);
    tb_db_floor(db, n_frames * 128, tb_db_max(db, n_frames * 128) - 80.0f);
    tb_mel_free(mel);
    return db;
}

void assert_all_finite(const float *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(values[i])) fail_msg("value %zu of %zu is %g", i, n, (double)values[i]);
}
