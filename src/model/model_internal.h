// SPDX-License-Identifier: MIT
/* What a kind of model must do, for model.c and analyser.c.
 *
 * A kind turns the shared frames of one stream into segments.  To add one: write these seven functions in a file of
 * its own and list its tb__model_kind in model.c.  A network takes the power spectrum or the mel bands of each
 * tb_frame, gathers its windows and emits a segment when one is full. */
#ifndef TIMBRE_MODEL_MODEL_INTERNAL_H
#define TIMBRE_MODEL_MODEL_INTERNAL_H

#include "model/frames.h"
#include "model/model.h"
#include "nn/model_file.h"

#include <stdbool.h>

/* vector: dim values, presence: n_parts; borrowed during the call. */
typedef tb_status tb__segment_emit(void *context, double start_s, double duration_s, const float *vector, const float *presence,
                                   tb_error *err);

typedef struct tb__model_kind {
    const char *name; /* metadata "kind" of the file */
    /* Checks the file, fills model->info but for name and version, and model->state. */
    tb_status (*load)(const tb_model_file *file, tb_model *model, tb_error *err);
    void (*unload)(void *state);
    tb_status (*stream_new)(const tb_model *model, tb__segment_emit *emit, void *context, void **stream, tb_error *err);
    void (*stream_free)(void *stream);
    tb_status (*push_long)(void *stream, const tb_long_frame *frame, tb_error *err);
    tb_status (*push)(void *stream, const tb_frame *frame, tb_error *err);
    /* n_samples: of the whole stream; at least one segment was emitted when this returns and n_samples > 0. */
    tb_status (*finish)(void *stream, size_t n_samples, tb_error *err);
} tb__model_kind;

struct tb_model {
    tb_model_info info;
    const tb__model_kind *kind;
    tb_model_file *file; /* owns names and weights */
    void *state;
};

extern const tb__model_kind tb__descriptors_kind;
extern const tb__model_kind tb__instruments_kind;

#endif
