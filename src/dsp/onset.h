// SPDX-License-Identifier: MIT
/* Onset strength: how much louder the mel bands have become, as librosa.onset.onset_strength, and its peaks.
 *
 * librosa gives the mean over the bands of max(0, S[t] - R[t - lag]), S in dB, R being S or its maximum
 * over neighbouring bands ("SuperFlux", Böck and Widmer 2013), and then shifts the curve by
 * n_fft / (2 * hop) frames to the right when frames are centred (2 frames for 2048 and 512).  Here the value
 * comes with its own frame; who wants librosa's times adds the shift.
 * librosa cuts the dB values at 80 below the maximum of the clip first (tb_db_floor); a stream, which does
 * not know its maximum yet, cuts at a fixed floor.  One tb_onset per thread. */
#ifndef TIMBRE_DSP_ONSET_H
#define TIMBRE_DSP_ONSET_H

#include "base/status.h"

#include <stddef.h>

typedef struct tb_onset tb_onset;

/* n_mels: 1 … TB_MELS_MAX (dsp/mel.h); lag: frames, 1 … 64; max_size: bands in the maximum of R, odd,
 * 1 … 63 (1: R is S); else TB_INVALID.  TB_NO_MEMORY. */
tb_status tb_onset_new(size_t n_mels, size_t lag, size_t max_size, tb_onset **onset,
                       tb_error *err) TB_MUST_CHECK;
/* Accepts NULL. */
void tb_onset_free(tb_onset *onset);
/* Forgets the frames before. */
void tb_onset_reset(tb_onset *onset);
/* Strength of the next frame in dB, >= 0; 0 for the first `lag` frames.  mel_db: n_mels values.
 * Allocates nothing. */
float tb_onset_push(tb_onset *onset, const float *mel_db);

/* Peak picking as librosa.util.peak_pick: a frame is a peak if it is the largest in
 * [t - pre_max, t + post_max), at least delta above the mean of [t - pre_avg, t + post_avg), and more than
 * `wait` frames after the last one. */
typedef struct tb_peak_config {
    size_t pre_max, post_max, pre_avg, post_avg; /* frames; the two post_ at least 1 */
    float delta;
    size_t wait;
} tb_peak_config;

/* What librosa.onset.onset_detect uses: 30 ms before, 100 ms around for the mean, delta 0.07. */
tb_peak_config tb_peak_config_onsets(double frame_rate_hz);
/* Frames of the peaks, in order; at most `capacity` are written, the number of all is returned.
 * peaks may be NULL when capacity is 0. */
size_t tb_peak_pick(const float *curve, size_t n, const tb_peak_config *config, size_t *peaks,
                    size_t capacity);
/* Onsets in a strength curve, as onset_detect: the curve is scaled to 0 … 1 first (a flat one has none). */
size_t tb_onset_detect(const float *strength, size_t n, double frame_rate_hz, size_t *peaks, size_t capacity);

#endif
