// SPDX-License-Identifier: MIT
/* A model: front end, how a window becomes a vector, and the parts of that vector.
 *
 * Immutable after load and shared by all threads; what changes while audio passes is in the tb_analyser
 * (analyser.h).  A model lives in one file, models/<name>.safetensors, whose metadata name its kind. */
#ifndef TIMBRE_MODEL_MODEL_H
#define TIMBRE_MODEL_MODEL_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct tb_model tb_model;

enum { TB_MODEL_MAX_PARTS = 16, TB_MODEL_RATE_HZ = 22050 };

typedef struct tb_model_part {
    const char *name;
    size_t offset, dim;     /* range of the vector */
    double default_weight;  /* when a search names no parts */
} tb_model_part;

typedef struct tb_model_info {
    const char *name;    /* "descriptors" */
    const char *version; /* changes whenever vectors would: hexadecimal digest of the file */
    size_t dim, n_parts;
    tb_model_part parts[TB_MODEL_MAX_PARTS];
    bool unit_length;    /* each part's vector has length 1 where the part is present, else 0 */
    double window_s, hop_s; /* of segments */
} tb_model_info;

/* TB_NOT_FOUND, TB_UNSUPPORTED (a kind that this version does not know), TB_CORRUPT (with what is wrong). */
tb_status tb_model_open(const char *path, tb_model **model, tb_error *err) TB_MUST_CHECK;
void tb_model_close(tb_model *model);
/* Borrowed, as long as the model. */
const tb_model_info *tb_model_get_info(const tb_model *model);

/* Brings x to length 1; false (and zeros) when it has none. */
bool tb_normalize(float *x, size_t n);

/* Vector of a whole: the mean of its segments' vectors per part, weighted by presence, brought back to unit length
 * where the model has it.  presence of the whole: mean of the segments'.
 * vectors: n x dim, presence: n x n_parts; out_vector: dim, out_presence: n_parts. n == 0 gives zeros. */
void tb_model_pool(const tb_model *model, const float *vectors, const float *presence, size_t n, float *out_vector, float *out_presence);

/* The masked distance: mean squared distance of two vectors over the parts that have a weight above 0 and are present in
 * both, weighted; so the weights of missing parts are shared out.  INFINITY where no part is left.
 * weights, a_presence, b_presence: n_parts; a, b: dim. */
double tb_model_distance2(const tb_model_info *info, const float *weights, const float *a, const float *a_presence, const float *b,
                          const float *b_presence);

#endif
