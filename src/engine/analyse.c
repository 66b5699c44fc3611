// SPDX-License-Identifier: MIT
/* Analysis of one file: one decoding pass feeds the loudness (native frames) and the analyser (mono), and what
 * comes out is gathered per space.  Ingest and upload queries both come through here. */
#include "engine/engine_internal.h"

#include "audio/stream.h"
#include "base/alloc.h"
#include "base/half.h"
#include "base/text.h"
#include "model/analyser.h"

#include <math.h>
#include <string.h>

/* Segments gathered so far, in one space; capacity counts segments. */
typedef struct gathered {
    tb_space_embedding *embedding;
    const tb_model_info *model;
    size_t capacity;
} gathered;

typedef struct gathering {
    tb_engine *engine;
    tb_analyser *analyser;
    gathered spaces[TB__MAX_SPACES];
    double start_s; /* of the passage in the file */
    int64_t embed_ns;
} gathering;

static tb_status grow(float **values, size_t capacity, size_t width, tb_error *err)
{
    size_t n;
    float *bigger = tb_mul_size(capacity, width, &n) ? tb_realloc(*values, n, sizeof **values) : NULL;
    if (!bigger) return tb_error_set(err, TB_NO_MEMORY, "no memory for %zu segments", capacity);
    *values = bigger;
    return TB_OK;
}

/* Copies values as they will be stored, so that searches answer alike before and after a restart, and an upload of a
 * stored file lies at distance 0 from it.  What half precision cannot hold becomes what it can: the index takes no
 * infinity, and a stored one would keep the engine from opening. */
static void copy_as_stored(float *out, const float *values, size_t n)
{
    static const float most = 65504;
    for (size_t i = 0; i < n; i++) {
        const float value = isnan(values[i]) ? 0 : fminf(fmaxf(values[i], -most), most);
        out[i] = tb_half_to_float(tb_half_from_float(value));
    }
}

static tb_status gather_segment(void *context, const tb_segment *segment, tb_error *err)
{
    tb_status status = TB_OK;
    gathering *g = context;
    gathered *space = &g->spaces[segment->model];
    tb_space_embedding *e = space->embedding;
    const size_t dim = space->model->dim, n_parts = space->model->n_parts, i = e->n_segments;
    if (i == space->capacity) {
        const size_t capacity = space->capacity ? 2 * space->capacity : 16;
        if (capacity > TB__MAX_SEGMENTS)
            TB_FAIL(err, TB_TOO_LARGE, "the audio has more than %d segments; cut it into several files", TB__MAX_SEGMENTS);
        TB_TRY(grow(&e->vectors, capacity, dim, err));
        TB_TRY(grow(&e->presence, capacity, n_parts, err));
        TB_TRY(grow(&e->start_s, capacity, 1, err));
        TB_TRY(grow(&e->duration_s, capacity, 1, err));
        space->capacity = capacity;
    }
    copy_as_stored(e->vectors + i * dim, segment->vector, dim);
    copy_as_stored(e->presence + i * n_parts, segment->presence, n_parts);
    e->start_s[i] = (float)(g->start_s + segment->start_s);
    e->duration_s[i] = (float)segment->duration_s;
    e->n_segments = i + 1;
out:
    return status;
}

static tb_status push_native(void *context, const float *interleaved, size_t n_frames, int n_channels, int rate_hz, tb_error *err)
{
    gathering *g = context;
    return tb_analyser_push_native(g->analyser, interleaved, n_frames, n_channels, rate_hz, err);
}

static tb_status push_mono(void *context, const float *mono, size_t n, tb_error *err)
{
    gathering *g = context;
    const tb_clock *clock = g->engine->clock;
    const int64_t before = clock->mono_ns(clock);
    const tb_status status = tb_analyser_push_mono(g->analyser, mono, n, err);
    g->embed_ns += clock->mono_ns(clock) - before;
    return status;
}

/* Mean of the segments, for each space. */
static tb_status pool_segments(gathering *g, tb_analysis *analysis, tb_error *err)
{
    for (size_t i = 0; i < analysis->n_embeddings; i++) {
        tb_space_embedding *e = &analysis->embeddings[i];
        const tb__space *space = &g->engine->spaces[e->space];
        const tb_model_info *model = g->spaces[i].model;
        e->track_vector = tb_alloc(model->dim, sizeof *e->track_vector);
        e->track_presence = tb_alloc(model->n_parts, sizeof *e->track_presence);
        if (!e->track_vector || !e->track_presence) return tb_error_set(err, TB_NO_MEMORY, "no memory for a vector");
        tb_model_pool(space->model, e->vectors, e->presence, e->n_segments, e->track_vector, e->track_presence);
        copy_as_stored(e->track_vector, e->track_vector, model->dim);
        copy_as_stored(e->track_presence, e->track_presence, model->n_parts);
    }
    return TB_OK;
}

tb_status tb_engine_analyse(tb_engine *engine, const char *path, const tb_analysis_options *options, tb_analysis *analysis, tb_error *err)
{
    tb_status status = TB_OK;
    tb_decoder *decoder = NULL;
    gathering g = {.engine = engine, .start_s = options->start_s > 0 ? options->start_s : 0};
    tb_analysis made = {0};
    const int64_t begin = engine->clock->mono_ns(engine->clock);

    const tb_model *models[TB__MAX_SPACES];
    const size_t first = options->only_space < 0 ? 0 : (size_t)options->only_space;
    const size_t n_models = options->only_space < 0 ? engine->n_spaces : 1;
    made.embeddings = tb_alloc(n_models, sizeof *made.embeddings);
    if (!made.embeddings) TB_FAIL(err, TB_NO_MEMORY, "no memory for an analysis");
    made.n_embeddings = n_models;
    for (size_t i = 0; i < n_models; i++) {
        models[i] = engine->spaces[first + i].model;
        made.embeddings[i].space = (int)(first + i);
        g.spaces[i] = (gathered){.embedding = &made.embeddings[i], .model = tb_model_get_info(models[i])};
    }

    TB_TRY(tb_decoder_open_path(path, &decoder, err));
    TB_TRY(tb_analyser_new(models, n_models, gather_segment, &g, &g.analyser, err));
    const bool passage = g.start_s > 0 || options->duration_s > 0;
    const tb_audio_options stream = {
        .mono_rate_hz = TB_MODEL_RATE_HZ,
        .start_s = g.start_s,
        .duration_s = options->duration_s > 0 ? options->duration_s : 0,
        .max_duration_s = engine->max_duration_s,
        .skip_identity = passage || options->skip_identity,
        .cancelled = options->cancelled,
        .cancel_context = options->context,
    };
    const tb_audio_sink sink = {.context = &g, .on_native = push_native, .on_mono = push_mono};
    tb_audio_result heard;
    TB_TRY(tb_audio_stream_run(decoder, &stream, &sink, &heard, err));
    if (heard.n_frames == 0) TB_FAIL(err, TB_CORRUPT, "the file holds no audio (0 samples)");
    TB_TRY(tb_analyser_finish(g.analyser, &made.features, err));
    TB_TRY(pool_segments(&g, &made, err));

    made.duration_s = heard.duration_s;
    made.rate_hz = heard.info.rate_hz;
    made.channels = heard.info.n_channels;
    tb_text_copy(made.format, sizeof made.format, heard.info.format);
    made.has_identity = heard.has_identity;
    if (heard.has_identity) memcpy(made.audio_hash, heard.identity.bytes, sizeof made.audio_hash);
    made.truncated = heard.info.truncated;
    made.n_bad_samples = heard.info.n_bad_samples;
    made.embed_s = 1e-9 * (double)g.embed_ns;
    made.decode_s = tb_clock_elapsed_s(engine->clock, begin) - made.embed_s;
    *analysis = made;
    made = (tb_analysis){0};
out:
    tb_analysis_clear(&made);
    tb_analyser_free(g.analyser);
    tb_decoder_close(decoder);
    return status;
}

void tb_analysis_clear(tb_analysis *analysis)
{
    for (size_t i = 0; i < analysis->n_embeddings; i++) {
        tb_space_embedding *e = &analysis->embeddings[i];
        tb_free(e->vectors);
        tb_free(e->presence);
        tb_free(e->start_s);
        tb_free(e->duration_s);
        tb_free(e->track_vector);
        tb_free(e->track_presence);
    }
    tb_free(analysis->embeddings);
    *analysis = (tb_analysis){0};
}
