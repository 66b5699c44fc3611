// SPDX-License-Identifier: MIT
/* One pass over a file: decode, identity, mono, resample, and each consumer gets what it needs on the way.
 *
 *     decoder ─► blocks of native frames ─┬─► identity (hash)
 *                                         ├─► on_native   (loudness)
 *                                         └─► mean of channels ─► soxr ─► on_mono   (analysis)
 *
 * Memory is flat in the file's length: one block at a time.  The calls come on the caller's thread, from
 * within tb_audio_stream_run. */
#ifndef TIMBRE_AUDIO_STREAM_H
#define TIMBRE_AUDIO_STREAM_H

#include "audio/decode.h"
#include "audio/identity.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The consumers.  Each function may be NULL.  A status other than TB_OK ends the run, which returns it. */
typedef struct tb_audio_sink {
    void *context;
    /* Once, before everything else; info is borrowed during the call. */
    tb_status (*on_start)(void *context, const tb_decoder_info *info, tb_error *err);
    /* Frames as decoded, each sample finite; borrowed during the call. */
    tb_status (*on_native)(void *context, const float *interleaved, size_t n_frames, int n_channels,
        int rate_hz, tb_error *err);
    /* Mono at mono_rate_hz; n >= 1; borrowed during the call. */
    tb_status (*on_mono)(void *context, const float *mono, size_t n, tb_error *err);
} tb_audio_sink;

/* All zero is a good start: the whole file, mono at the file's own rate, with identity. */
typedef struct tb_audio_options {
    int mono_rate_hz;      /* 1,000..768,000; 0: the file's own */
    double start_s;        /* >= 0; where to begin; sought if the file allows it, else decoded and dropped */
    double duration_s;     /* > 0; how much at most; 0: to the end */
    double max_duration_s; /* > 0; a run that would give more is TB_TOO_LARGE; 0: no bound */
    bool skip_identity;    /* saves its time */
    /* Asked once per block (about 0.1 s of audio); true ends the run with TB_CANCELLED.  May be NULL.  Bounds
     * on the wall clock belong here too. */
    bool (*cancelled)(void *context);
    void *cancel_context;
} tb_audio_options;

typedef struct tb_audio_result {
    tb_decoder_info info;  /* as after the last block: truncated, n_bad_samples */
    int64_t n_frames;      /* that were given to on_native */
    double duration_s;     /* n_frames / rate */
    int64_t n_mono;        /* samples that were given to on_mono */
    bool has_identity;     /* false for a passage (start_s or duration_s set) and with skip_identity */
    tb_identity identity;
} tb_audio_result;

/* Runs the decoder, which was just opened, to its end or to the end of the passage.
 * TB_INVALID for options out of range, also for a passage that starts behind the end; TB_TOO_LARGE past
 * max_duration_s (at once when the header says so); TB_CANCELLED; what the decoder or a consumer returned.
 * On failure *result stays untouched; consumers may have seen part of the audio. */
tb_status tb_audio_stream_run(tb_decoder *decoder, const tb_audio_options *options,
    const tb_audio_sink *sink, tb_audio_result *result, tb_error *err) TB_MUST_CHECK;

#endif
