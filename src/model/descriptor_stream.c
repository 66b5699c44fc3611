// SPDX-License-Identifier: MIT
/* The last frames stand in two rings, one for each sort; a window is copied out of them when it is full. */
#include "model/descriptor_stream.h"

#include "base/alloc.h"
#include "model/model.h"

#include <stdbool.h>
#include <string.h>

enum {
    N = TB_DESCRIPTOR_FRAMES,
    N_LONG = 64, /* more than a window holds */
    REST = 43,   /* frames: a second */
};

struct tb_descriptor_stream {
    tb_descriptor_sink *sink;
    void *context;
    tb_descriptor_window *window;
    float mel[N][TB_FRAMES_MELS], mel_db[N][TB_FRAMES_MELS], level[N];
    tb_pitch_profile pitch[N_LONG];
    size_t n_frames, n_long_frames; /* so far */
    size_t end;                     /* frame behind the last window */
    float raw[TB_DESCRIPTOR_RAW_DIM], presence[TB_DESCRIPTOR_N_PARTS];
};

tb_status tb_descriptor_stream_new(tb_descriptor_sink *sink, void *context, tb_descriptor_stream **stream, tb_error *err)
{
    tb_status status = TB_OK;
    tb_descriptor_stream *made = tb_alloc(1, sizeof *made);
    if (made == NULL) TB_FAIL(err, TB_NO_MEMORY, "no memory for descriptors");
    made->sink = sink;
    made->context = context;
    TB_TRY(tb_descriptor_window_new(&made->window, err));
    *stream = made;
    made = NULL;
out:
    tb_descriptor_stream_free(made);
    return status;
}

void tb_descriptor_stream_free(tb_descriptor_stream *stream)
{
    if (stream == NULL) return;
    tb_descriptor_window_free(stream->window);
    tb_free(stream);
}

void tb_descriptor_stream_reset(tb_descriptor_stream *stream)
{
    stream->n_frames = stream->n_long_frames = stream->end = 0;
}

/* The long frames that lie within the samples of the window, or the last one before its end when there is none. */
static size_t fill_long_frames(tb_descriptor_stream *stream, size_t first_sample, size_t end_sample)
{
    size_t first = (first_sample + TB_FRAMES_LONG_HOP - 1) / TB_FRAMES_LONG_HOP, end = 0;
    if (end_sample >= TB_FRAMES_LONG_SIZE) end = (end_sample - TB_FRAMES_LONG_SIZE) / TB_FRAMES_LONG_HOP + 1;
    if (end > stream->n_long_frames) end = stream->n_long_frames;
    if (end == 0) end = 1;
    if (first >= end) first = end - 1;
    if (end - first > TB_DESCRIPTOR_LONG_FRAMES) first = end - TB_DESCRIPTOR_LONG_FRAMES;
    for (size_t j = first; j < end; j++) tb_descriptor_window_set_long_frame(stream->window, j - first, &stream->pitch[j % N_LONG]);
    return end - first;
}

static tb_status emit(tb_descriptor_stream *stream, size_t start, size_t n, size_t n_samples, tb_error *err)
{
    const size_t first_sample = start * TB_FRAMES_HOP, end_sample = first_sample + (n - 1) * TB_FRAMES_HOP + TB_FRAMES_SIZE;
    for (size_t t = 0; t < n; t++) {
        const size_t at = (start + t) % N;
        tb_descriptor_window_set_frame(stream->window, t, stream->mel[at], stream->mel_db[at], stream->level[at]);
    }
    const size_t n_long = fill_long_frames(stream, first_sample, end_sample);
    tb_descriptor_window_compute(stream->window, n, n_long, stream->raw, stream->presence);
    stream->end = start + n;
    const size_t duration = n_samples > 0 ? n_samples : end_sample - first_sample;
    return stream->sink(stream->context, (double)first_sample / TB_MODEL_RATE_HZ, (double)duration / TB_MODEL_RATE_HZ, stream->raw,
                        stream->presence, err);
}

void tb_descriptor_stream_push_long(tb_descriptor_stream *stream, const tb_long_frame *frame)
{
    stream->pitch[stream->n_long_frames++ % N_LONG] = *frame->pitch;
}

tb_status tb_descriptor_stream_push(tb_descriptor_stream *stream, const tb_frame *frame, tb_error *err)
{
    const size_t at = stream->n_frames++ % N;
    memcpy(stream->mel[at], frame->mel, sizeof stream->mel[at]);
    memcpy(stream->mel_db[at], frame->mel_db, sizeof stream->mel_db[at]);
    stream->level[at] = frame->level;
    if (stream->n_frames < N || (stream->n_frames - N) % TB_DESCRIPTOR_HOP != 0) return TB_OK;
    return emit(stream, stream->n_frames - N, N, 0, err);
}

tb_status tb_descriptor_stream_finish(tb_descriptor_stream *stream, size_t n_samples, tb_error *err)
{
    if (stream->n_frames == 0) return TB_OK;
    if (stream->n_frames < N) return emit(stream, 0, stream->n_frames, n_samples, err);
    if (stream->n_frames - stream->end > REST) return emit(stream, stream->n_frames - N, N, 0, err);
    return TB_OK;
}
