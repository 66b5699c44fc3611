// SPDX-License-Identifier: MIT
/* Functions of single values: leaky ReLU (max(x, slope x)), ReLU (slope 0), tanh.  Their backward needs the
 * result alone: with a slope >= 0 it has the sign of what went in, and tanh' = 1 - tanh^2. */
#include "nn/layer_kinds.h"

#include "base/alloc.h"

#include <math.h>

enum { DEFAULT_SLOPE_PERCENT = 1 };

static tb_status parse_plain(tb_layer *layer, tb_words *words, tb_error *err)
{
    (void)words;
    (void)err;
    layer->out = layer->in;
    return TB_OK;
}

static tb_status parse_leaky(tb_layer *layer, tb_words *words, tb_error *err)
{
    tb_status status = TB_OK;
    double slope = DEFAULT_SLOPE_PERCENT / 100.0;
    if (words->n > 0) TB_TRY(tb__words_real(words, "slope", 0, 1, &slope, err));
    float *config = tb_alloc(1, sizeof *config);
    if (config == NULL) TB_FAIL(err, TB_NO_MEMORY, "no memory for a layer");
    *config = (float)slope;
    layer->config = config;
    layer->out = layer->in;
out:
    return status;
}

static float slope_leaky(const tb_layer *layer)
{
    return *(const float *)layer->config;
}

static float slope_relu(const tb_layer *layer)
{
    (void)layer;
    return 0;
}

static size_t count(const tb_layer *layer, const tb_layer_run *run)
{
    return run->batch * tb_shape_values(layer->in);
}

static void forward_slope(const tb_layer *layer, const tb_layer_run *run)
{
    const size_t n = count(layer, run);
    const float slope = layer->kind->slope(layer), *x = run->x;
    float *y = run->y;
    for (size_t i = 0; i < n; i++) y[i] = x[i] > 0 ? x[i] : slope * x[i];
}

static void backward_slope(const tb_layer *layer, const tb_layer_run *run)
{
    if (run->dx == NULL) return;
    const size_t n = count(layer, run);
    const float slope = layer->kind->slope(layer), *y = run->y, *dy = run->dy;
    float *dx = run->dx;
    for (size_t i = 0; i < n; i++) dx[i] = y[i] > 0 ? dy[i] : slope * dy[i];
}

static void forward_tanh(const tb_layer *layer, const tb_layer_run *run)
{
    const size_t n = count(layer, run);
    for (size_t i = 0; i < n; i++) run->y[i] = tanhf(run->x[i]);
}

static void backward_tanh(const tb_layer *layer, const tb_layer_run *run)
{
    if (run->dx == NULL) return;
    const size_t n = count(layer, run);
    for (size_t i = 0; i < n; i++) run->dx[i] = run->dy[i] * (1 - run->y[i] * run->y[i]);
}

const tb_layer_kind tb__layer_leaky = {
    .name = "leaky",
    .usage = "leaky [SLOPE]",
    .in_place = true,
    .parse = parse_leaky,
    .forward = forward_slope,
    .backward = backward_slope,
    .slope = slope_leaky,
};

const tb_layer_kind tb__layer_relu = {
    .name = "relu",
    .usage = "relu",
    .in_place = true,
    .parse = parse_plain,
    .forward = forward_slope,
    .backward = backward_slope,
    .slope = slope_relu,
};

const tb_layer_kind tb__layer_tanh = {
    .name = "tanh",
    .usage = "tanh",
    .in_place = true,
    .parse = parse_plain,
    .forward = forward_tanh,
    .backward = backward_tanh,
};
