// SPDX-License-Identifier: MIT
/* Convolution over time and bands, with strides, zero padding and groups:
 *
 *     y[t][b][o] = bias[o] + sum over i, j, c of x[t stride + i - pad][b stride + j - pad][c] weight[i][j][c][o]
 *
 * weight is [height][width][channels in / groups][channels out]; group g reads its channels in alone.
 *
 * No matrix of patches is made: as channels run fastest, what one position reads of a row of the input is one
 * stretch of memory, and the kernels multiply such stretches (segments) in place (conv_plan.h).  The gradient
 * for the input is a convolution of the same kind with the weights turned over; that for the weights is in
 * conv_gradient.c. */
#include "nn/layer_kinds.h"

#include "base/alloc.h"
#include "nn/conv_internal.h"
#include "nn/panels.h"

#include <math.h>
#include <string.h>

enum {
    BLOCK_FLOATS = 65536, /* what a block of items reads and writes, about */
    MAX_STRIDE = 64,
};

static void clear(tb_layer *layer)
{
    tb__conv *conv = layer->config;
    if (conv == NULL) return;
    tb__axis_clear(&conv->forward_y);
    tb__axis_clear(&conv->forward_x);
    tb__axis_clear(&conv->backward_y);
    tb__axis_clear(&conv->backward_x);
    tb_free(conv);
}

static tb_status parse_axis(const tb_words *words, const char *name, tb__axis_shape *axis, tb_error *err)
{
    if (axis->n_in + 2 * axis->pad < axis->n_taps)
        return tb_error_set(
            err, TB_INVALID,
            "line %zu of the network: %zu taps do not fit the %s of %zu with a padding of %zu", words->line,
            axis->n_taps, name, axis->n_in, axis->pad);
    axis->n_out = (axis->n_in + 2 * axis->pad - axis->n_taps) / axis->stride + 1;
    return TB_OK;
}

static tb_status parse_words(tb_layer *layer, tb_words *words, tb__conv *conv, tb_error *err)
{
    tb_status status = TB_OK;
    tb__axis_shape *rows = &conv->rows, *columns = &conv->columns;
    size_t channels = 0;
    rows->n_in = layer->in.height;
    columns->n_in = layer->in.width;
    rows->stride = columns->stride = conv->groups = 1;
    conv->has_bias = tb__words_flag(words, "bias");
    TB_TRY(tb__words_option_pair(words, "stride", 1, MAX_STRIDE, &rows->stride, &columns->stride, err));
    TB_TRY(tb__words_option_pair(words, "pad", 0, TB_CONV_MAX_TAPS - 1, &rows->pad, &columns->pad, err));
    TB_TRY(tb__words_option_size(words, "groups", 1, TB_SHAPE_MAX_SIDE, &conv->groups, err));
    TB_TRY(tb__words_size(words, "channels", 1, TB_SHAPE_MAX_SIDE, &channels, err));
    TB_TRY(tb__words_pair(words, "taps", 1, TB_CONV_MAX_TAPS, &rows->n_taps, &columns->n_taps, err));
    if (layer->in.channels % conv->groups != 0 || channels % conv->groups != 0)
        TB_FAIL(err, TB_INVALID,
                "line %zu of the network: %zu groups do not divide %zu channels in and %zu out", words->line,
                conv->groups, layer->in.channels, channels);
    if (rows->pad >= rows->n_taps || columns->pad >= columns->n_taps)
        TB_FAIL(err, TB_INVALID, "line %zu of the network: the padding has to be smaller than the taps",
                words->line);
    TB_TRY(parse_axis(words, "height", rows, err));
    TB_TRY(parse_axis(words, "width", columns, err));
    layer->out = (tb_shape){rows->n_out, columns->n_out, channels};
    if (rows->n_out > TB_SHAPE_MAX_SIDE || columns->n_out > TB_SHAPE_MAX_SIDE ||
        rows->n_out * columns->n_out > TB_SHAPE_MAX_VALUES / channels)
        TB_FAIL(err, TB_TOO_LARGE,
                "line %zu of the network gives %zu x %zu x %zu values; at most %d are allowed", words->line,
                rows->n_out, columns->n_out, channels, TB_SHAPE_MAX_VALUES);
out:
    return status;
}

static tb_status plan(const tb_layer *layer, tb__conv *conv)
{
    tb_status status = TB_OK;
    const tb_shape in = layer->in, out = layer->out;
    TB_TRY(tb__axis_forward(&conv->rows, in.width * in.channels, out.width * out.channels, &conv->forward_y));
    TB_TRY(tb__axis_forward(&conv->columns, in.channels, out.channels, &conv->forward_x));
    TB_TRY(
        tb__axis_backward(&conv->rows, out.width * out.channels, in.width * in.channels, &conv->backward_y));
    TB_TRY(tb__axis_backward(&conv->columns, out.channels, in.channels, &conv->backward_x));
out:
    return status;
}

static tb_status parse(tb_layer *layer, tb_words *words, tb_error *err)
{
    tb_status status = TB_OK;
    tb__conv *conv = tb_alloc(1, sizeof *conv);
    if (conv == NULL) TB_FAIL(err, TB_NO_MEMORY, "no memory for a layer");
    layer->config = conv;
    TB_TRY(parse_words(layer, words, conv, err));
    const size_t n_taps = conv->rows.n_taps * conv->columns.n_taps;
    conv->n_in = layer->in.channels / conv->groups;
    conv->n_out = layer->out.channels / conv->groups;
    conv->n_forward = n_taps * conv->n_in;
    conv->n_backward = n_taps * conv->n_out;
    conv->wide_in = tb__panels_width(conv->n_in);
    conv->wide_out = tb__panels_width(conv->n_out);
    const size_t shape[] = {conv->rows.n_taps, conv->columns.n_taps, conv->n_in, layer->out.channels};
    TB_TRY(tb__layer_add_tensor(layer, "weight", TB_TENSOR_WEIGHT, 4, shape, err));
    if (conv->has_bias)
        TB_TRY(tb__layer_add_tensor(layer, "bias", TB_TENSOR_BIAS, 1, &layer->out.channels, err));
    if ((status = plan(layer, conv)) != TB_OK) TB_FAIL(err, status, "no memory for a layer");
    conv->at_start = conv->groups * conv->n_forward * conv->wide_out;
    conv->at_backward = conv->at_start + conv->groups * conv->wide_out;
    layer->n_prepared_forward = conv->at_backward;
    layer->n_prepared = conv->at_backward + conv->groups * conv->n_backward * conv->wide_in;
    layer->n_scratch = tb__conv_gradient_scratch(conv);
    if (layer->n_scratch < layer->out.channels)
        layer->n_scratch = layer->out.channels; /* for sums of the biases */
out:
    return status;
}

static void init(const tb_layer *layer, float *params, float *statistics, tb_rng *rng)
{
    (void)statistics;
    const tb__conv *conv = layer->config;
    const double deviation = sqrt(2 / (double)conv->n_forward);
    for (size_t i = 0; i < layer->tensors[0].n_values; i++)
        params[i] = (float)(deviation * tb_rng_normal(rng));
}

/* Weights that only ever meet padding (of small images) are not packed; nobody reads their places. */
static void prepare(const tb_layer *layer, const float *params, bool backward, float *prepared)
{
    const tb__conv *conv = layer->config;
    const size_t channels = layer->out.channels, n_x = conv->columns.n_taps, n_taps = conv->rows.n_taps * n_x;
    const size_t n_in = conv->n_in, n_out = conv->n_out;
    float *start = prepared + conv->at_start;
    memset(start, 0, conv->groups * conv->wide_out * sizeof *start);
    for (size_t g = 0; g < conv->groups; g++) {
        const float *weight = params + g * n_out;
        float *forwards = prepared + g * conv->n_forward * conv->wide_out;
        float *backwards = prepared + conv->at_backward + g * conv->n_backward * conv->wide_in;
        if (conv->has_bias)
            memcpy(start + g * conv->wide_out, params + layer->tensors[1].at + g * n_out,
                   n_out * sizeof *start);
        for (size_t i = 0; i < n_taps; i++)
            if (conv->forward_y.is_met[i / n_x] && conv->forward_x.is_met[i % n_x])
                tb__panels_pack(conv->n_forward, i * n_in, n_in, n_out, weight + i * n_in * channels,
                                channels, forwards);
        for (size_t i = 0; backward && i < n_taps; i++) {
            const size_t tap = conv->backward_y.order[i / n_x] * n_x + conv->backward_x.order[i % n_x];
            if (conv->backward_y.is_met[i / n_x] && conv->backward_x.is_met[i % n_x])
                tb__panels_pack_transposed(conv->n_backward, i * n_out, n_out, n_in,
                                           weight + tap * n_in * channels, channels, backwards);
        }
    }
}

tb__conv_way tb__conv_forward_way(const tb_layer *layer)
{
    const tb__conv *conv = layer->config;
    return (tb__conv_way){&conv->forward_y, &conv->forward_x, conv->columns.n_taps, layer->in,     layer->out,
                          conv->n_in,       conv->n_out,      conv->n_forward,      conv->wide_out};
}

static tb__conv_way backward_way(const tb_layer *layer)
{
    const tb__conv *conv = layer->config;
    return (tb__conv_way){&conv->backward_y, &conv->backward_x, conv->columns.n_taps, layer->out,   layer->in,
                          conv->n_out,       conv->n_in,        conv->n_backward,     conv->wide_in};
}

tb__places tb__conv_places(const tb__conv_way *way, const tb__axis_class *rows, const tb__axis_class *columns)
{
    return (tb__places){
        .n_rows = rows->count,
        .n_columns = columns->count,
        .a_item = tb_shape_values(way->from),
        .c_item = tb_shape_values(way->to),
        .a_row = way->y->from + rows->at,
        .c_row = way->y->to + rows->at,
        .a_column = way->x->from + columns->at,
        .c_column = way->x->to + columns->at,
    };
}

size_t tb__conv_way_segments(const tb__conv_way *way, const tb__axis_class *rows,
                             const tb__axis_class *columns, tb__segment *segments)
{
    return tb__conv_segments(rows, columns, way->n_taps_x, way->from.width * way->from.channels,
                             way->from.channels, way->n_from, segments);
}

/* All images of the batch; from: what is read, to: overwritten. */
static void convolve(const tb__conv_way *way, size_t groups, const float *panels, const float *start,
                     float slope, size_t batch, const float *from, float *to)
{
    const size_t values = tb_shape_values(way->from) + tb_shape_values(way->to);
    const size_t n_block = values < BLOCK_FLOATS ? BLOCK_FLOATS / values : 1;
    tb__segment segments[TB_CONV_MAX_SEGMENTS];
    for (size_t item = 0; item < batch; item += n_block)
        for (size_t r = 0; r < way->y->n_classes; r++)
            for (size_t c = 0; c < way->x->n_classes; c++) {
                const tb__axis_class *rows = &way->y->classes[r], *columns = &way->x->classes[c];
                const size_t n_segments = tb__conv_way_segments(way, rows, columns, segments);
                tb__places places = tb__conv_places(way, rows, columns);
                places.n_items = batch - item < n_block ? batch - item : n_block;
                for (size_t g = 0; g < groups; g++) {
                    places.a = from + item * places.a_item + g * way->n_from;
                    places.c = to + item * places.c_item + g * way->n_to;
                    tb__panels_multiply(way->n_panel, way->n_to, panels + g * way->n_panel * way->wide_to,
                                        segments, n_segments, start ? start + g * way->wide_to : NULL, false,
                                        slope, &places);
                }
            }
}

static void forward(const tb_layer *layer, const tb_layer_run *run)
{
    const tb__conv *conv = layer->config;
    const tb__conv_way way = tb__conv_forward_way(layer);
    convolve(&way, conv->groups, run->prepared, conv->has_bias ? run->prepared + conv->at_start : NULL,
             run->slope, run->batch, run->x, run->y);
}

static void accumulate_bias(const tb_layer *layer, const tb_layer_run *run)
{
    const size_t channels = layer->out.channels, n = layer->out.height * layer->out.width;
    float *sum = run->scratch, *d_bias = run->d_params + layer->tensors[1].at;
    for (size_t item = 0; item < run->batch; item++) {
        memset(sum, 0, channels * sizeof *sum);
        tb__kernels_get()->sum(n, channels, run->dy + item * n * channels, sum);
        for (size_t c = 0; c < channels; c++) d_bias[c] += sum[c];
    }
}

static void backward(const tb_layer *layer, const tb_layer_run *run)
{
    const tb__conv *conv = layer->config;
    const tb__conv_way back = backward_way(layer);
    tb__conv_gradient(layer, run);
    if (conv->has_bias) accumulate_bias(layer, run);
    if (run->dx)
        convolve(&back, conv->groups, run->prepared + conv->at_backward, NULL, 1, run->batch, run->dy,
                 run->dx);
}

static double macs(const tb_layer *layer)
{
    const tb__conv *conv = layer->config;
    return (double)(layer->out.height * layer->out.width) * (double)layer->out.channels *
           (double)conv->n_forward;
}

const tb_layer_kind tb__layer_conv = {
    .name = "conv",
    .usage = "conv CHANNELS HEIGHTxWIDTH [stride S] [pad P] [groups G] [bias]",
    .absorbs = TB_ABSORBS_IN_INFERENCE,
    .parse = parse,
    .clear = clear,
    .init = init,
    .prepare = prepare,
    .forward = forward,
    .backward = backward,
    .macs = macs,
};
