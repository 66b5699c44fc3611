// SPDX-License-Identifier: MIT
/* The model "descriptors": hand-made descriptors (descriptor_window.h), standardised, cut at three deviations,
 * whitened by how much they vary within a track, reduced by principal components, and brought to unit length, for
 * each part by itself.  The numbers for it are statistics of a folder of music (descriptor_stats.h), not training.
 *
 * The file has for each part of raw size D and dimension d: <part>.mean [D], <part>.scale [D] (1 / deviation) and
 * <part>.projection [D, d]. */
#include "model/model_internal.h"

#include "base/alloc.h"
#include "model/descriptor_stats.h"
#include "model/descriptor_stream.h"

#include <stdio.h>
#include <string.h>

typedef struct descriptors {
    struct {
        const float *mean, *scale, *projection; /* [D], [D], [D, d] */
    } parts[TB_DESCRIPTOR_N_PARTS];
} descriptors;

typedef struct descriptors_stream {
    const descriptors *weights;
    tb_descriptor_stream *windows;
    tb__segment_emit *emit;
    void *context;
    float vector[TB_DESCRIPTOR_DIM];
} descriptors_stream;

static tb_status load(const tb_model_file *file, tb_model *model, tb_error *err)
{
    tb_status status = TB_OK;
    descriptors *made = tb_alloc(1, sizeof *made);
    if (made == NULL) TB_FAIL(err, TB_NO_MEMORY, "no memory for a model");
    const char *format = tb_model_file_metadata(file, "format");
    if (format == NULL || strcmp(format, TB_DESCRIPTOR_FORMAT) != 0)
        TB_FAIL(err, TB_UNSUPPORTED, "the model's format is \"%.20s\"; this version computes descriptors of format %s",
                format == NULL ? "" : format, TB_DESCRIPTOR_FORMAT);
    model->info.dim = TB_DESCRIPTOR_DIM;
    model->info.n_parts = TB_DESCRIPTOR_N_PARTS;
    model->info.unit_length = true;
    model->info.window_s = (double)((TB_DESCRIPTOR_FRAMES - 1) * TB_FRAMES_HOP + TB_FRAMES_SIZE) / TB_MODEL_RATE_HZ;
    model->info.hop_s = (double)(TB_DESCRIPTOR_HOP * TB_FRAMES_HOP) / TB_MODEL_RATE_HZ;
    for (size_t p = 0; p < TB_DESCRIPTOR_N_PARTS; p++) {
        const tb_descriptor_part_info *part = tb_descriptor_part_get_info((tb_descriptor_part)p);
        char name[64];
        model->info.parts[p] = (tb_model_part){part->name, part->offset, part->dim, 1};
        snprintf(name, sizeof name, "%s.mean", part->name);
        TB_TRY(tb_model_file_get(file, name, 1, (size_t[]){part->raw_dim}, &made->parts[p].mean, err));
        snprintf(name, sizeof name, "%s.scale", part->name);
        TB_TRY(tb_model_file_get(file, name, 1, (size_t[]){part->raw_dim}, &made->parts[p].scale, err));
        snprintf(name, sizeof name, "%s.projection", part->name);
        TB_TRY(tb_model_file_get(file, name, 2, (size_t[]){part->raw_dim, part->dim}, &made->parts[p].projection, err));
    }
    model->state = made;
    made = NULL;
out:
    tb_free(made);
    return status;
}

/* out [d] = clip((raw - mean) * scale) [D] times projection [D, d] */
static void project(const descriptors *weights, size_t p, const float *raw, float *out)
{
    const tb_descriptor_part_info *part = tb_descriptor_part_get_info((tb_descriptor_part)p);
    memset(out, 0, part->dim * sizeof *out);
    for (size_t i = 0; i < part->raw_dim; i++) {
        const float z = tb_descriptor_standardize(raw[i], weights->parts[p].mean[i], weights->parts[p].scale[i]);
        const float *row = weights->parts[p].projection + i * part->dim;
        for (size_t k = 0; k < part->dim; k++) out[k] += z * row[k];
    }
}

static tb_status emit_vector(void *context, double start_s, double duration_s, const float *raw, const float *presence, tb_error *err)
{
    descriptors_stream *stream = context;
    float heard[TB_DESCRIPTOR_N_PARTS];
    for (size_t p = 0; p < TB_DESCRIPTOR_N_PARTS; p++) {
        const tb_descriptor_part_info *part = tb_descriptor_part_get_info((tb_descriptor_part)p);
        float *vector = stream->vector + part->offset;
        memset(vector, 0, part->dim * sizeof *vector);
        heard[p] = presence[p];
        if (presence[p] <= 0) continue;
        project(stream->weights, p, raw + part->raw_offset, vector);
        if (!tb_normalize(vector, part->dim)) heard[p] = 0;
    }
    return stream->emit(stream->context, start_s, duration_s, stream->vector, heard, err);
}

static void stream_free(void *context)
{
    descriptors_stream *stream = context;
    if (stream == NULL) return;
    tb_descriptor_stream_free(stream->windows);
    tb_free(stream);
}

static tb_status stream_new(const tb_model *model, tb__segment_emit *emit, void *context, void **stream, tb_error *err)
{
    tb_status status = TB_OK;
    descriptors_stream *made = tb_alloc(1, sizeof *made);
    if (made == NULL) TB_FAIL(err, TB_NO_MEMORY, "no memory for descriptors");
    made->weights = model->state;
    made->emit = emit;
    made->context = context;
    TB_TRY(tb_descriptor_stream_new(emit_vector, made, &made->windows, err));
    *stream = made;
    made = NULL;
out:
    stream_free(made);
    return status;
}

static tb_status push_long(void *stream, const tb_long_frame *frame, tb_error *err)
{
    (void)err;
    tb_descriptor_stream_push_long(((descriptors_stream *)stream)->windows, frame);
    return TB_OK;
}

static tb_status push(void *stream, const tb_frame *frame, tb_error *err)
{
    return tb_descriptor_stream_push(((descriptors_stream *)stream)->windows, frame, err);
}

static tb_status finish(void *stream, size_t n_samples, tb_error *err)
{
    return tb_descriptor_stream_finish(((descriptors_stream *)stream)->windows, n_samples, err);
}

const tb__model_kind tb__descriptors_kind = {"descriptors", load, tb_free, stream_new, stream_free, push_long, push, finish};
