// SPDX-License-Identifier: MIT
/* Joins the shared frames with their consumers: one stream per model, and the meter of the track's features. */
#include "model/analyser.h"

#include "base/alloc.h"
#include "model/frames.h"
#include "model/model_internal.h"
#include "model/track_meter.h"

typedef struct model_stream {
    tb_analyser *analyser;
    const tb_model *model;
    size_t index;
    void *stream;
} model_stream;

struct tb_analyser {
    tb_segment_sink *sink;
    void *context;
    tb_frames *frames;
    tb_track_meter *meter;
    model_stream *streams;
    size_t n_models;
};

static tb_status emit_segment(void *context, double start_s, double duration_s, const float *vector, const float *presence, tb_error *err)
{
    const model_stream *stream = context;
    const tb_segment segment = {stream->index, start_s, duration_s, vector, presence};
    return stream->analyser->sink(stream->analyser->context, &segment, err);
}

static tb_status on_long_frame(void *context, const tb_long_frame *frame, tb_error *err)
{
    tb_status status = TB_OK;
    tb_analyser *analyser = context;
    tb_track_meter_push_long(analyser->meter, frame);
    for (size_t i = 0; i < analyser->n_models; i++)
        TB_TRY(analyser->streams[i].model->kind->push_long(analyser->streams[i].stream, frame, err));
out:
    return status;
}

static tb_status on_frame(void *context, const tb_frame *frame, tb_error *err)
{
    tb_status status = TB_OK;
    tb_analyser *analyser = context;
    tb_track_meter_push(analyser->meter, frame);
    for (size_t i = 0; i < analyser->n_models; i++)
        TB_TRY(analyser->streams[i].model->kind->push(analyser->streams[i].stream, frame, err));
out:
    return status;
}

tb_status tb_analyser_new(const tb_model *const *models, size_t n_models, tb_segment_sink *sink, void *context, tb_analyser **analyser, tb_error *err)
{
    tb_status status = TB_OK;
    tb_analyser *made = tb_alloc(1, sizeof *made);
    if (made == NULL) TB_FAIL(err, TB_NO_MEMORY, "no memory to analyse audio");
    made->sink = sink;
    made->context = context;
    made->streams = tb_alloc(n_models, sizeof *made->streams);
    if (made->streams == NULL) TB_FAIL(err, TB_NO_MEMORY, "no memory to analyse audio");
    TB_TRY(tb_frames_new(&(tb_frame_sink){on_long_frame, on_frame, made}, &made->frames, err));
    TB_TRY(tb_track_meter_new(&made->meter, err));
    for (size_t i = 0; i < n_models; i++) {
        made->streams[i] = (model_stream){made, models[i], i, NULL};
        TB_TRY(models[i]->kind->stream_new(models[i], emit_segment, &made->streams[i], &made->streams[i].stream, err));
        made->n_models = i + 1;
    }
    *analyser = made;
    made = NULL;
out:
    tb_analyser_free(made);
    return status;
}

void tb_analyser_free(tb_analyser *analyser)
{
    if (analyser == NULL) return;
    for (size_t i = 0; i < analyser->n_models; i++) analyser->streams[i].model->kind->stream_free(analyser->streams[i].stream);
    tb_frames_free(analyser->frames);
    tb_track_meter_free(analyser->meter);
    tb_free(analyser->streams);
    tb_free(analyser);
}

tb_status tb_analyser_push_native(tb_analyser *analyser, const float *interleaved, size_t n_frames, int n_channels, int rate_hz, tb_error *err)
{
    return tb_track_meter_push_native(analyser->meter, interleaved, n_frames, n_channels, rate_hz, err);
}

tb_status tb_analyser_push_mono(tb_analyser *analyser, const float *mono, size_t n, tb_error *err)
{
    return tb_frames_push(analyser->frames, mono, n, err);
}

tb_status tb_analyser_finish(tb_analyser *analyser, tb_track_features *features, tb_error *err)
{
    tb_status status = TB_OK;
    TB_TRY(tb_frames_finish(analyser->frames, err));
    for (size_t i = 0; i < analyser->n_models; i++)
        TB_TRY(analyser->streams[i].model->kind->finish(analyser->streams[i].stream, tb_frames_n_samples(analyser->frames), err));
    TB_TRY(tb_track_meter_measure(analyser->meter, features, err));
out:
    return status;
}
