// SPDX-License-Identifier: MIT
/* "dropout SHARE": in training each value becomes 0 with this probability and the others are divided by 1 -
 * SHARE, so that the mean stays; in inference nothing happens.  Srivastava et al., "Dropout: a simple way to
 * prevent neural networks from overfitting" (2014), section 10 (scaled in training rather than after it).
 *
 * Which values fall is drawn from the run's seed alone, so backward draws them again
 * and nothing is kept. */
#include "nn/layer_kinds.h"

#include "base/alloc.h"

#include <string.h>

enum { DRAW_BITS = 24 };

typedef struct dropout {
    uint64_t below; /* a draw of DRAW_BITS bits below it falls */
    float scale;    /* of those that stay */
} dropout;

static tb_status parse_dropout(tb_layer *layer, tb_words *words, tb_error *err)
{
    tb_status status = TB_OK;
    double share = 0;
    dropout *self = tb_alloc(1, sizeof *self);
    layer->config = self;
    if (!self) TB_FAIL(err, TB_NO_MEMORY, "no memory for a layer");
    TB_TRY(tb__words_real(words, "share", 0, 0.99, &share, err));
    self->below = (uint64_t)(share * (1 << DRAW_BITS) + 0.5);
    self->scale = (float)(1 / (1 - share));
    layer->out = layer->in;
out:
    return status;
}

/* out may be in. */
static void drop(const tb_layer *layer, const tb_layer_run *run, const float *in, float *out)
{
    const dropout *self = layer->config;
    const size_t n = run->batch * tb_shape_values(layer->in);
    tb_rng rng;
    tb_rng_init(&rng, run->seed);
    for (size_t i = 0; i < n; i++) {
        const bool falls = tb_rng_next(&rng) >> (64 - DRAW_BITS) < self->below;
        out[i] = falls ? 0 : in[i] * self->scale;
    }
}

static void forward(const tb_layer *layer, const tb_layer_run *run)
{
    if (run->training)
        drop(layer, run, run->x, run->y);
    else
        memcpy(run->y, run->x, run->batch * tb_shape_values(layer->in) * sizeof *run->y);
}

static void backward(const tb_layer *layer, const tb_layer_run *run)
{
    if (run->dx) drop(layer, run, run->dy, run->dx);
}

const tb_layer_kind tb__layer_dropout = {
    .name = "dropout",
    .usage = "dropout SHARE",
    .in_place = true,
    .parse = parse_dropout,
    .forward = forward,
    .backward = backward,
};
