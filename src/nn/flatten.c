// SPDX-License-Identifier: MIT
/* Flatten: time, bands and channels become one vector; values and their order stay. */
#include "nn/layer_kinds.h"

#include <string.h>

static tb_status parse(tb_layer *layer, tb_words *words, tb_error *err)
{
    (void)words;
    (void)err;
    layer->out = (tb_shape){1, 1, tb_shape_values(layer->in)};
    return TB_OK;
}

static void forward(const tb_layer *layer, const tb_layer_run *run)
{
    memcpy(run->y, run->x, run->batch * tb_shape_values(layer->in) * sizeof *run->y);
}

static void backward(const tb_layer *layer, const tb_layer_run *run)
{
    if (run->dx && run->dx != run->dy)
        memcpy(run->dx, run->dy, run->batch * tb_shape_values(layer->in) * sizeof *run->dx);
}

const tb_layer_kind tb__layer_flatten = {
    .name = "flatten",
    .usage = "flatten",
    .in_place = true,
    .parse = parse,
    .forward = forward,
    .backward = backward,
};
