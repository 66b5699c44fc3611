// SPDX-License-Identifier: MIT
/* What a kind of layer is: one file with one `const tb_layer_kind`, named in the table of layer_kinds.c.
 *
 * A network's text has one layer per line; the first word names the kind, the others are its to parse (words
 * of layer_text.h).  parse() gets the shape that comes in, fills the shape that goes out, the tensors and the
 * memory that the layer needs; after it the layer is immutable and shared by all threads.  Everything that
 * changes lies in the tb_layer_run that a pass hands over: forward and backward are functions of it alone,
 * allocate nothing and cannot fail.
 *
 * Values are [batch][height][width][channels] (tensor.h).  The results for an item must not depend on the
 * other items of the batch, nor on their number, except in training of kinds that are about the batch (norm).
 * Sums over items (gradients) are made in the order of the items. */
#ifndef TIMBRE_NN_LAYER_INTERNAL_H
#define TIMBRE_NN_LAYER_INTERNAL_H

#include "base/rng.h"
#include "base/status.h"
#include "nn/layer_text.h"
#include "nn/tensor.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TB_LAYER_MAX_TENSORS = 8, TB_TENSOR_MAX_DIMS = 4 };

/* TB_TENSOR_WEIGHT: trained, with weight decay, may be stored as f16.  TB_TENSOR_BIAS: trained, without
 * decay. TB_TENSOR_STATISTIC: measured in training (update()), not trained. */
typedef enum tb_tensor_role { TB_TENSOR_WEIGHT, TB_TENSOR_BIAS, TB_TENSOR_STATISTIC } tb_tensor_role;

typedef struct tb_layer_tensor {
    const char *what; /* static: "weight", "scale" */
    tb_tensor_role role;
    size_t n_dims, shape[TB_TENSOR_MAX_DIMS];
    size_t n_values; /* product of shape */
    size_t at;       /* where it begins in the layer's params, or in its statistics */
} tb_layer_tensor;

typedef struct tb_layer_kind tb_layer_kind;

typedef struct tb_layer {
    const tb_layer_kind *kind;
    size_t number; /* of its line in the text: the input is 0, the first layer 1 */
    tb_shape in, out;
    void *config; /* the kind's own, from parse(); NULL if it needs none */
    tb_layer_tensor tensors[TB_LAYER_MAX_TENSORS];
    size_t n_tensors;
    size_t n_params, n_statistics; /* floats: sums over the tensors (tb__layer_add_tensor) */
    /* Floats of memory, all of which start on 64-byte lines: `saved` is kept from forward to backward,
     * `scratch` is free to use within one call (and holds anything at its start), `prepared` is made of the
     * params alone. */
    size_t n_saved, n_saved_per_item;     /* training only: n_saved + batch * n_saved_per_item */
    size_t n_scratch, n_scratch_per_item; /* as above */
    size_t n_prepared;                    /* in training; in inference the first n_prepared_forward */
    size_t n_prepared_forward;
} tb_layer;

/* One call of one layer. */
typedef struct tb_layer_run {
    size_t batch;
    bool training;
    float slope;             /* below 1: leaky ReLU of this slope is applied to the result (see `absorbs`) */
    uint64_t seed;           /* for dropout: another one for each forward; the same in its backward */
    const float *params;     /* n_params */
    const float *statistics; /* n_statistics: the running ones */
    const float *prepared;   /* as prepare() left it */
    const float *x;          /* [batch][in] */
    float *y;                /* [batch][out]; written by forward, still there in backward */
    float *saved;            /* NULL unless training */
    float *scratch;
    /* backward only */
    const float *dy;  /* [batch][out] */
    float *dx;        /* [batch][in], overwritten; NULL: not asked for; maybe == dy with kind->in_place */
    float *d_params;  /* n_params; added to */
} tb_layer_run;

typedef enum tb_absorbs { TB_ABSORBS_NOTHING, TB_ABSORBS_IN_INFERENCE, TB_ABSORBS_ALWAYS } tb_absorbs;

struct tb_layer_kind {
    const char *name;
    const char *usage; /* for messages: "conv CHANNELS HxW [stride S] [pad P] [groups G] [bias]" */
    /* Whether a leaky or relu that follows is computed by this kind (run->slope), its own layer being
     * skipped. */
    tb_absorbs absorbs;
    /* backward may write dx over dy (then the shapes are equal). */
    bool in_place;
    /* layer->number and ->in are set, all else is 0.  Words are those after the kind's name; what is left
     * over afterwards is an error that the caller reports.  On failure layer->config is freed by clear(). */
    tb_status (*parse)(tb_layer *layer, tb_words *words, tb_error *err);
    void (*clear)(tb_layer *layer); /* frees layer->config, which may be NULL or half made; NULL: tb_free */
    /* First values of the layer; all are 0 before.  NULL: they stay so. */
    void (*init)(const tb_layer *layer, float *params, float *statistics, tb_rng *rng);
    /* Brings params into the order in which forward (and, if `backward`, backward) reads them.  Called before
     * forward whenever params changed.  NULL: nothing to do. */
    void (*prepare)(const tb_layer *layer, const float *params, bool backward, float *prepared);
    void (*forward)(const tb_layer *layer, const tb_layer_run *run);
    void (*backward)(const tb_layer *layer, const tb_layer_run *run);
    /* Folds what a training forward of `batch` items left in `saved` into the running statistics.  NULL
     * without. */
    void (*update)(const tb_layer *layer, size_t batch, const float *saved, float *statistics);
    /* Multiplications of one item's forward; NULL: too few to count. */
    double (*macs)(const tb_layer *layer);
    /* Slope in [0, 1] if the layer is a leaky ReLU or a ReLU; NULL: it is not. */
    float (*slope)(const tb_layer *layer);
};

/* For parse(): appends a tensor and adds to n_params or n_statistics.  Sizes are checked (TB_TOO_LARGE). */
tb_status tb__layer_add_tensor(tb_layer *layer, const char *what, tb_tensor_role role, size_t n_dims,
                               const size_t *shape, tb_error *err) TB_MUST_CHECK;
/* NULL when there is no such kind. */
const tb_layer_kind *tb__layer_kind_find(const char *name);
/* Names of all kinds, ", " between, for messages. */
void tb__layer_kind_names(char *out, size_t capacity);

/* The layer's tensor of that name; NULL if it has none. */
const tb_layer_tensor *tb__layer_tensor_find(const tb_layer *layer, const char *what);

#endif
