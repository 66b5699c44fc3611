// SPDX-License-Identifier: MIT
/* Tempo: local autocorrelation of an onset strength curve, as librosa.feature.tempogram and feature.tempo.
 *
 * Lag l stands for 60 * frame_rate / l beats per minute.  The tempo of a clip is the lag that maximises
 * log(1 + 1e6 * mean tempogram) plus the log of a prior: log-normal around prior_bpm, one octave wide.
 * One per thread. */
#ifndef TIMBRE_DSP_TEMPOGRAM_H
#define TIMBRE_DSP_TEMPOGRAM_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct tb_tempogram_config {
    double frame_rate_hz; /* sample rate / hop of the onset strength curve, > 0 */
    size_t window;        /* lags, frames: 2 … 65536; 0 means 8 s as librosa.feature.tempo */
    double prior_bpm;     /* 0 means 120 */
    double prior_octaves; /* standard deviation; 0 means 1 */
    double max_bpm;       /* 0 means 320 */
} tb_tempogram_config;

typedef struct tb_tempogram tb_tempogram;

enum { TB_TEMPO_ALTERNATES = 3 };

typedef struct tb_tempo {
    bool known;        /* false: silence, or a curve without any rise; all else is then 0 */
    double bpm;        /* refined between lags by a parabola through the tempogram's peak */
    double lag_bpm;    /* the lag itself: librosa's number */
    double confidence; /* 0 … 1: how far the peak stands above the typical lag */
    size_t n_alternates;
    struct {
        double bpm;
        double strength;               /* relative to the best: 0 … 1 */
    } alternates[TB_TEMPO_ALTERNATES]; /* next best peaks, strongest first */
} tb_tempo;

/* TB_INVALID for values outside the ranges above; TB_NO_MEMORY. */
tb_status tb_tempogram_new(const tb_tempogram_config *config, tb_tempogram **tempogram,
                           tb_error *err) TB_MUST_CHECK;
/* Accepts NULL. */
void tb_tempogram_free(tb_tempogram *tempogram);
size_t tb_tempogram_lags(const tb_tempogram *tempogram);

/* Column t of the tempogram of a curve of n >= 1 frames: `window` values to out, the largest is 1 (or all 0).
 * Outside the curve its ends fall off linearly to 0 over half a window. */
void tb_tempogram_column(tb_tempogram *tempogram, const float *curve, size_t n, size_t t, float *out);
/* Mean of every step-th column, step >= 1 (1 gives librosa's mean; a larger one is quicker). */
void tb_tempogram_mean(tb_tempogram *tempogram, const float *curve, size_t n, size_t step, float *out);
/* Tempo of a curve of n frames, n may be 0. */
void tb_tempo_estimate(tb_tempogram *tempogram, const float *curve, size_t n, size_t step, tb_tempo *tempo);

#endif
