// SPDX-License-Identifier: MIT
/* Mel bands: triangles over the power spectrum, as librosa.filters.mel.
 *
 * Each triangle is stored as its run of bins that are not zero.  Immutable after new; shared by any
 * threads. */
#ifndef TIMBRE_DSP_MEL_H
#define TIMBRE_DSP_MEL_H

#include "base/status.h"

#include <stddef.h>

typedef enum tb_mel_scale {
    TB_MEL_SLANEY, /* linear below 1 kHz, logarithmic above (Auditory Toolbox; librosa's default) */
    TB_MEL_HTK,    /* 2595 log10(1 + f / 700) */
    TB_MEL_LOG,    /* semitones above 27.5 Hz, the A of the lowest octave of a piano */
    TB_MEL_FINE,   /* linear below 300 Hz, 20 an octave above */
} tb_mel_scale;

typedef enum tb_mel_norm {
    TB_MEL_NORM_SLANEY, /* each triangle has the area 2 / width in Hz: flat noise gives flat bands */
    TB_MEL_NORM_NONE,   /* each triangle peaks at 1 */
} tb_mel_norm;

enum { TB_MELS_MAX = 1024 };

typedef struct tb_mel_config {
    double sample_rate_hz;
    size_t n_fft;
    size_t n_mels;  /* 1 … TB_MELS_MAX */
    double fmin_hz; /* >= 0 */
    double fmax_hz; /* above fmin_hz, at most half the sample rate; 0 means half the sample rate */
    tb_mel_scale scale;
    tb_mel_norm norm;
} tb_mel_config;

typedef struct tb_mel tb_mel;

/* TB_INVALID for values outside the ranges above; TB_NO_MEMORY.  A band narrower than the distance of two
 * bins may be empty: its output is always 0. */
tb_status tb_mel_new(const tb_mel_config *config, tb_mel **mel, tb_error *err) TB_MUST_CHECK;
/* Accepts NULL. */
void tb_mel_free(tb_mel *mel);
size_t tb_mel_count(const tb_mel *mel);
/* Mel spectrum of one frame.  power: n_fft / 2 + 1 values (magnitudes work as well).  out: n_mels values.
 * Never fails; allocates nothing. */
void tb_mel_compute(const tb_mel *mel, const float *power, float *out);
/* Frequency of the middle of band `band`, in Hz. */
double tb_mel_center_hz(const tb_mel *mel, size_t band);

double tb_hz_to_mel(double hz, tb_mel_scale scale);
double tb_mel_to_hz(double mel, tb_mel_scale scale);

#endif
