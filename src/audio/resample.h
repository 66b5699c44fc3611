// SPDX-License-Identifier: MIT
/* Interleaved audio at any rate becomes mono at one rate, as a stream: mean of the channels, then soxr.
 *
 * One resampler per thread and per stream. */
#ifndef TIMBRE_AUDIO_RESAMPLE_H
#define TIMBRE_AUDIO_RESAMPLE_H

#include "base/status.h"

#include <stddef.h>

typedef struct tb_resampler tb_resampler;

/* rate_in_hz, rate_out_hz: 1,000..768,000; equal rates pass the mono mix through unchanged.
 * n_channels: 1..64.  max_frames: the most frames of one call of tb_resampler_process, 1..1,000,000. */
tb_status tb_resampler_new(int rate_in_hz, int rate_out_hz, int n_channels, size_t max_frames,
    tb_resampler **resampler, tb_error *err) TB_MUST_CHECK;
/* Accepts NULL. */
void tb_resampler_free(tb_resampler *resampler);
/* The next frame is the first of another stream. */
tb_status tb_resampler_reset(tb_resampler *resampler, tb_error *err) TB_MUST_CHECK;

/* interleaved: n_frames * n_channels finite samples, borrowed; n_frames <= max_frames.
 * *mono: what came out (*n_mono samples, may be none), borrowed until the next call on this resampler.
 * The filter's delay is taken out: sample i stands at i / rate_out_hz seconds. */
tb_status tb_resampler_process(tb_resampler *resampler, const float *interleaved, size_t n_frames,
    const float **mono, size_t *n_mono, tb_error *err) TB_MUST_CHECK;
/* What is still inside, to be called until *n_mono is 0.  About n_in * rate_out / rate_in samples come in
 * all. */
tb_status tb_resampler_finish(tb_resampler *resampler, const float **mono, size_t *n_mono,
    tb_error *err) TB_MUST_CHECK;

/* out[i] = mean of the channels of frame i. */
void tb_mix_to_mono(const float *interleaved, size_t n_frames, int n_channels, float *out);

#endif
