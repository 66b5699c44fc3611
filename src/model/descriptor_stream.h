// SPDX-License-Identifier: MIT
/* Cuts a stream of frames into the windows of descriptor_window.h: full ones every TB_DESCRIPTOR_HOP frames, and at
 * the end one that is aligned to the last frame, if more than a second of it is new.  Audio shorter than a window gives
 * one window of what there is.  One per thread. */
#ifndef TIMBRE_MODEL_DESCRIPTOR_STREAM_H
#define TIMBRE_MODEL_DESCRIPTOR_STREAM_H

#include "model/descriptor_window.h"

typedef struct tb_descriptor_stream tb_descriptor_stream;

/* raw, presence: as tb_descriptor_window_compute gives them; borrowed during the call. */
typedef tb_status tb_descriptor_sink(void *context, double start_s, double duration_s, const float *raw, const float *presence,
                                     tb_error *err);

/* TB_NO_MEMORY. */
tb_status tb_descriptor_stream_new(tb_descriptor_sink *sink, void *context, tb_descriptor_stream **stream, tb_error *err) TB_MUST_CHECK;
/* Accepts NULL. */
void tb_descriptor_stream_free(tb_descriptor_stream *stream);
/* Ready for another stream. */
void tb_descriptor_stream_reset(tb_descriptor_stream *stream);
void tb_descriptor_stream_push_long(tb_descriptor_stream *stream, const tb_long_frame *frame);
/* Fails only as the sink does. */
tb_status tb_descriptor_stream_push(tb_descriptor_stream *stream, const tb_frame *frame, tb_error *err) TB_MUST_CHECK;
/* n_samples: length of the audio, for the duration of a short one. */
tb_status tb_descriptor_stream_finish(tb_descriptor_stream *stream, size_t n_samples, tb_error *err) TB_MUST_CHECK;

#endif
