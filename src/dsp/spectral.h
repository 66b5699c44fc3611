// SPDX-License-Identifier: MIT
/* The shape of one frame: centroid, bandwidth, roll-off, flatness, contrast, flux, zero crossings, RMS; as
 * librosa's features of these names.  tb_spectral: immutable after new, shared by any threads; no call
 * allocates.  Silence gives zeros (flatness 1), never NaN. */
#ifndef TIMBRE_DSP_SPECTRAL_H
#define TIMBRE_DSP_SPECTRAL_H

#include "base/status.h"

#include <stddef.h>

typedef struct tb_spectral_config {
    double sample_rate_hz;
    size_t n_fft;
    double rolloff;          /* share of the magnitude below the roll-off, 0 … 1; 0 means 0.85 */
    size_t n_bands;          /* octaves of the contrast above its first band, 1 … 15; 0 means 6 */
    double contrast_fmin_hz; /* upper edge of the first band; 0 means 200; the lower edge of the last octave
                                must lie below half the sample rate */
    double quantile;         /* share of a band's bins that are peak and valley, 0 … 0.5; 0 means 0.02 */
} tb_spectral_config;

typedef struct tb_spectral tb_spectral;

typedef struct tb_spectral_shape {
    float centroid_hz;  /* mean frequency, weighted by magnitude */
    float bandwidth_hz; /* deviation around the centroid, weighted by magnitude */
    float rolloff_hz;   /* frequency below which `rolloff` of the magnitude lies */
    float flatness;     /* geometric mean / mean of the power, 0 … 1; powers below 1e-10 count as 1e-10 */
} tb_spectral_shape;

/* TB_INVALID for values outside the ranges above; TB_NO_MEMORY. */
tb_status tb_spectral_new(const tb_spectral_config *config, tb_spectral **spectral,
                          tb_error *err) TB_MUST_CHECK;
/* Accepts NULL. */
void tb_spectral_free(tb_spectral *spectral);

/* power, magnitude: n_fft / 2 + 1 values of the same frame (tb_power_magnitude). */
void tb_spectral_shape_compute(const tb_spectral *spectral, const float *power, const float *magnitude,
                               tb_spectral_shape *shape);
/* n_bands + 1 values to out: loudest minus quietest share of each band, in dB (magnitudes through
 * 10 log10 as librosa does; each cut at -100 dB, not at 80 below the clip's maximum). */
void tb_spectral_contrast(const tb_spectral *spectral, const float *magnitude, float *out);
/* n_bands + 1 */
size_t tb_spectral_contrast_count(const tb_spectral *spectral);

/* Mean over the bins of max(0, now - before). */
float tb_spectral_flux(const float *before, const float *now, size_t n_bins);
/* Square root of the mean square of n >= 1 samples. */
float tb_frame_rms(const float *samples, size_t n);
/* Share of the n >= 1 samples whose sign differs from the one before; |x| <= 1e-10 counts as +0. */
float tb_frame_zero_crossings(const float *samples, size_t n);

#endif
