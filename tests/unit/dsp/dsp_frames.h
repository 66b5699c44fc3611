// SPDX-License-Identifier: MIT
/* What several tests of the layer need: a whole spectrogram at once, and a `new` whose allocations fail. */
#ifndef TIMBRE_TESTS_DSP_FRAMES_H
#define TIMBRE_TESTS_DSP_FRAMES_H

#include "support/testing.h"

#include "base/alloc.h"
#include "dsp/stft.h"
#include "unit/dsp/dsp_signals.h"

enum { N_FFT = 2048, HOP = 512, N_BINS = N_FFT / 2 + 1 };

/* Power (n_frames, n_bins) of all frames, and the frames themselves if `samples` is not NULL
 * (n_frames, n_fft); both freed with tb_free. */
float *make_spectrogram(const tb_stft_config *config, const float *signal, size_t n, size_t *n_frames,
                        float **samples);
/* With 2048 samples every 512, Hann, centred with zeros: librosa's defaults. */
float *make_default_power(const float *signal, size_t n, size_t *n_frames);
/* Power (n_frames, N_BINS) to mel bands in dB (n_frames, 128), cut at 80 below the maximum; tb_free. */
float *make_mel_db(const float *power, size_t n_frames);

void assert_all_finite(const float *values, size_t n);

/* Calls `call`, which makes `object`, with its first, second, … allocation failing until none does: each time
 * it must say TB_NO_MEMORY and leave `object` NULL. */
#define assert_survives_no_memory(object, call, release)                                                     \
    do {                                                                                                     \
        size_t n_failing = 1;                                                                                \
        for (;; n_failing++) {                                                                               \
            tb_alloc_fail_after(n_failing);                                                                  \
            const tb_status outcome = (call);                                                                \
            tb_alloc_fail_after(0);                                                                          \
            if (outcome == TB_OK) break;                                                                     \
            assert_status(outcome, TB_NO_MEMORY);                                                            \
            assert_null(object);                                                                             \
        }                                                                                                    \
        assert_true(n_failing > 1);                                                                          \
        release(object);                                                                                     \
    } while (0)

#endif
