// SPDX-License-Identifier: MIT
/* Dense: y[o] = bias[o] + sum over i of x[i] * weight[i][o], of each vector (what comes in is flat: 1 x 1 x
 * n). */
#include "nn/layer_kinds.h"

#include "base/alloc.h"
#include "nn/blas.h"
#include "nn/panels.h"

#include <math.h>
#include <string.h>

static tb_status parse(tb_layer *layer, tb_words *words, tb_error *err)
{
    tb_status status = TB_OK;
    const tb_shape in = layer->in;
    size_t n_out = 0;
    const bool has_bias = !tb__words_flag(words, "nobias");
    TB_TRY(tb__words_size(words, "outputs", 1, TB_SHAPE_MAX_SIDE, &n_out, err));
    if (in.height != 1 || in.width != 1)
        TB_FAIL(err, TB_INVALID,
                "line %zu of the network: dense takes vectors, not %zu x %zu x %zu; put flatten before it",
                words->line, in.height, in.width, in.channels);
    const size_t shape[] = {in.channels, n_out};
    TB_TRY(tb__layer_add_tensor(layer, "weight", TB_TENSOR_WEIGHT, 2, shape, err));
    if (has_bias) TB_TRY(tb__layer_add_tensor(layer, "bias", TB_TENSOR_BIAS, 1, &n_out, err));
    layer->out = (tb_shape){1, 1, n_out};
    layer->n_prepared_forward = layer->n_prepared = (in.channels + 1) * tb__panels_width(n_out);
out:
    return status;
}

static void init(const tb_layer *layer, float *params, float *statistics, tb_rng *rng)
{
    (void)statistics;
    const double deviation = sqrt(2 / (double)layer->in.channels);
    for (size_t i = 0; i < layer->tensors[0].n_values; i++)
        params[i] = (float)(deviation * tb_rng_normal(rng));
}

/* prepared: the panels, then the bias (or zeros), as wide as they are. */
static float *start_of(const tb_layer *layer, float *prepared)
{
    return prepared + layer->in.channels * tb__panels_width(layer->out.channels);
}

static void prepare(const tb_layer *layer, const float *params, bool backward, float *prepared)
{
    (void)backward;
    const size_t n_in = layer->in.channels, n_out = layer->out.channels;
    float *start = start_of(layer, prepared);
    tb__panels_pack(n_in, 0, n_in, n_out, params, n_out, prepared);
    memset(start, 0, tb__panels_width(n_out) * sizeof *start);
    if (layer->n_tensors == 2) memcpy(start, params + layer->tensors[1].at, n_out * sizeof *start);
}

static void forward(const tb_layer *layer, const tb_layer_run *run)
{
    const size_t n_in = layer->in.channels, n_out = layer->out.channels;
    tb__panels_gemm(run->batch, n_out, n_in, run->x, n_in, run->prepared,
                    start_of(layer, (float *)run->prepared), false, run->slope, run->y, n_out);
}

static void backward(const tb_layer *layer, const tb_layer_run *run)
{
    const size_t n_in = layer->in.channels, n_out = layer->out.channels;
    tb__gemm(true, false, n_in, n_out, run->batch, run->x, n_in, run->dy, n_out, run->d_params, n_out, true);
    if (layer->n_tensors == 2)
        tb__kernels_get()->sum(run->batch, n_out, run->dy, run->d_params + layer->tensors[1].at);
    if (run->dx)
        tb__gemm(false, true, run->batch, n_in, n_out, run->dy, n_out, run->params, n_out, run->dx, n_in,
                 false);
}

static double macs(const tb_layer *layer)
{
    return (double)layer->in.channels * (double)layer->out.channels;
}

const tb_layer_kind tb__layer_dense = {
    .name = "dense",
    .usage = "dense OUTPUTS [nobias]",
    .absorbs = TB_ABSORBS_IN_INFERENCE,
    .parse = parse,
    .init = init,
    .prepare = prepare,
    .forward = forward,
    .backward = backward,
    .macs = macs,
};
