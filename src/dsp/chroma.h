// SPDX-License-Identifier: MIT
/* Energy per pitch class, as librosa.feature.chroma_stft (filters.chroma with its default octave weighting:
 * a Gaussian around octave 5, two octaves wide; norm 2; first class C), and the tuning of a recording.
 *
 * tb_chroma: immutable after new, shared by any threads.  tb_tuning: one per thread. */
#ifndef TIMBRE_DSP_CHROMA_H
#define TIMBRE_DSP_CHROMA_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct tb_chroma_config {
    double sample_rate_hz;
    size_t n_fft;
    size_t n_chroma; /* classes per octave, 12 … 120 and a multiple of 12; 0 means 12 */
    double tuning;   /* deviation from A = 440 Hz in classes (fractions of a semitone for 12), -0.5 … 0.5 */
} tb_chroma_config;

typedef struct tb_chroma tb_chroma;

/* TB_INVALID for values outside the ranges above; TB_NO_MEMORY. */
tb_status tb_chroma_new(const tb_chroma_config *config, tb_chroma **chroma, tb_error *err) TB_MUST_CHECK;
/* Accepts NULL. */
void tb_chroma_free(tb_chroma *chroma);
size_t tb_chroma_count(const tb_chroma *chroma);
/* power: n_fft / 2 + 1 values.  out: n_chroma energies, >= 0, not normalised. */
void tb_chroma_compute(const tb_chroma *chroma, const float *power, float *out);
/* Divides by the largest value, so that it is 1; zeros stay zeros.  librosa normalises each frame so. */
void tb_chroma_normalize(float *chroma, size_t n_chroma);

/* Tuning from spectral peaks, as librosa.estimate_tuning: interpolated peaks between 150 and 4000 Hz above a
 * tenth of their frame's maximum; of those at least as strong as the median peak, the fullest of 100 cells
 * of deviation wins.  Magnitudes are kept in classes of 0.1 dB, so that memory is constant. */
typedef struct tb_tuning tb_tuning;

/* n_fft: even, 4 … TB_FFT_SIZE_MAX; else TB_INVALID.  TB_NO_MEMORY. */
tb_status tb_tuning_new(double sample_rate_hz, size_t n_fft, tb_tuning **tuning, tb_error *err) TB_MUST_CHECK;
/* Accepts NULL. */
void tb_tuning_free(tb_tuning *tuning);
void tb_tuning_reset(tb_tuning *tuning);
/* power: n_fft / 2 + 1 values of one frame. */
void tb_tuning_push(tb_tuning *tuning, const float *power);
/* Deviation from A = 440 Hz in semitones, -0.5 … 0.49; 0 when there was no peak. */
double tb_tuning_result(const tb_tuning *tuning);

#endif
