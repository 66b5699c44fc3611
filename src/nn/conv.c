// SPDX-License-Identifier: MIT
/* Convolution over time and bands, with strides, zero padding and groups:
 *
 *     y[t][b][o] = bias[o] + sum over i, j, c of x[t * stride + i - pad][b * stride + j - pad][c] * weight[i][j][c][o]
 *
 * weight is [height][width][channels in / groups][channels out]; group g reads its channels in alone.
 *
 * No matrix of patches is made: as channels run fastest, what one position reads of a row of the input is one stretch
 * of memory, and the kernels multiply such stretches (segments) in place (conv_plan.h).  The gradient for the input is a
 * convolution of the same kind with the weights turned over; that for the weights is a sum over positions of outer
 * products, in blocks of positions that stay in the cache. */
#include "nn/layer_kinds.h"

#include "base/alloc.h"
#include "nn/conv_plan.h"
#include "nn/panels.h"

#include <math.h>
#include <string.h>

enum {
    BLOCK_FLOATS = 65536,      /* what a block of items reads and writes, about */
    MAX_BLOCK_POSITIONS = 512, /* of the gradient for the weights */
    PACKED_FLOATS = 32768,
    MAX_STRIDE = 64,
};

typedef struct conv_layer {
    size_t groups;
    bool has_bias;
    tb__axis_shape rows, columns;
    tb__axis forward_y, forward_x, backward_y, backward_x;
    /* per group */
    size_t n_in, n_out;             /* channels */
    size_t n_forward, n_backward;   /* rows of the panels: taps * channels */
    size_t wide_in, wide_out;       /* channels, filled up to whole panels */
    size_t at_start, at_backward;   /* in `prepared`: biases, panels of the backward */
    size_t n_block;                 /* positions */
} conv_layer;

static void clear(tb_layer *layer)
{
    conv_layer *conv = layer->config;
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
        return tb_error_set(err, TB_INVALID, "line %zu of the network: %zu taps do not fit the %s of %zu with a padding of %zu",
                            words->line, axis->n_taps, name, axis->n_in, axis->pad);
    axis->n_out = (axis->n_in + 2 * axis->pad - axis->n_taps) / axis->stride + 1;
    return TB_OK;
}

static tb_status parse_words(tb_layer *layer, tb_words *words, conv_layer *conv, tb_error *err)
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
        TB_FAIL(err, TB_INVALID, "line %zu of the network: %zu groups do not divide %zu channels in and %zu out", words->line,
                conv->groups, layer->in.channels, channels);
    if (rows->pad >= rows->n_taps || columns->pad >= columns->n_taps)
        TB_FAIL(err, TB_INVALID, "line %zu of the network: the padding has to be smaller than the taps", words->line);
    TB_TRY(parse_axis(words, "height", rows, err));
    TB_TRY(parse_axis(words, "width", columns, err));
    layer->out = (tb_shape){rows->n_out, columns->n_out, channels};
    if (rows->n_out > TB_SHAPE_MAX_SIDE || columns->n_out > TB_SHAPE_MAX_SIDE ||
        rows->n_out * columns->n_out > TB_SHAPE_MAX_VALUES / channels)
        TB_FAIL(err, TB_TOO_LARGE, "line %zu of the network gives %zu x %zu x %zu values; at most %d are allowed", words->line,
                rows->n_out, columns->n_out, channels, TB_SHAPE_MAX_VALUES);
out:
    return status;
}

static tb_status plan(const tb_layer *layer, conv_layer *conv)
{
    tb_status status = TB_OK;
    const tb_shape in = layer->in, out = layer->out;
    TB_TRY(tb__axis_forward(&conv->rows, in.width * in.channels, out.width * out.channels, &conv->forward_y));
    TB_TRY(tb__axis_forward(&conv->columns, in.channels, out.channels, &conv->forward_x));
    TB_TRY(tb__axis_backward(&conv->rows, out.width * out.channels, in.width * in.channels, &conv->backward_y));
    TB_TRY(tb__axis_backward(&conv->columns, out.channels, in.channels, &conv->backward_x));
out:
    return status;
}

static tb_status parse(tb_layer *layer, tb_words *words, tb_error *err)
{
    tb_status status = TB_OK;
    conv_layer *conv = tb_alloc(1, sizeof *conv);
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
    if (conv->has_bias) TB_TRY(tb__layer_add_tensor(layer, "bias", TB_TENSOR_BIAS, 1, &layer->out.channels, err));
    if ((status = plan(layer, conv)) != TB_OK) TB_FAIL(err, status, "no memory for a layer");
    conv->at_start = conv->groups * conv->n_forward * conv->wide_out;
    conv->at_backward = conv->at_start + conv->groups * conv->wide_out;
    layer->n_prepared_forward = conv->at_backward;
    layer->n_prepared = conv->at_backward + conv->groups * conv->n_backward * conv->wide_in;
    conv->n_block = PACKED_FLOATS / conv->wide_out;
    if (conv->n_block < 64) conv->n_block = 64;
    if (conv->n_block > MAX_BLOCK_POSITIONS) conv->n_block = MAX_BLOCK_POSITIONS;
    /* the packed gradients, one tile of inputs, a row of sums */
    layer->n_scratch = conv->n_block * (conv->wide_out + TB_PANEL_MAX_WIDTH) + layer->out.channels;
out:
    return status;
}

static void init(const tb_layer *layer, float *params, float *statistics, tb_rng *rng)
{
    (void)statistics;
    const conv_layer *conv = layer->config;
    const double deviation = sqrt(2 / (double)conv->n_forward);
    for (size_t i = 0; i < layer->tensors[0].n_values; i++) params[i] = (float)(deviation * tb_rng_normal(rng));
}

static void prepare(const tb_layer *layer, const float *params, bool backward, float *prepared)
{
    const conv_layer *conv = layer->config;
    const size_t channels = layer->out.channels, n_x = conv->columns.n_taps;
    float *start = prepared + conv->at_start;
    memset(start, 0, conv->groups * conv->wide_out * sizeof *start);
    for (size_t g = 0; g < conv->groups; g++) {
        const float *weight = params + g * conv->n_out;
        tb__panels_pack(conv->n_forward, conv->n_out, weight, channels,
                        prepared + g * conv->n_forward * conv->wide_out);
        if (conv->has_bias)
            memcpy(start + g * conv->wide_out, params + layer->tensors[1].at + g * conv->n_out,
                   conv->n_out * sizeof *start);
        for (size_t i = 0; backward && i < conv->rows.n_taps * n_x; i++) {
            const size_t tap = conv->backward_y.order[i / n_x] * n_x + conv->backward_x.order[i % n_x];
            tb__panels_pack_transposed(conv->n_backward, i * conv->n_out, conv->n_out, conv->n_in,
                                       weight + tap * conv->n_in * channels, channels,
                                       prepared + conv->at_backward + g * conv->n_backward * conv->wide_in);
        }
    }
}

/* One side of the convolution: from images to images. */
typedef struct direction {
    const tb__axis *y, *x;
    size_t n_taps_x;
    tb_shape from, to;
    size_t n_from, n_to, n_panel; /* channels of a group; rows of its panels */
    size_t wide_to;
} direction;

static direction forward_direction(const tb_layer *layer)
{
    const conv_layer *conv = layer->config;
    return (direction){&conv->forward_y, &conv->forward_x, conv->columns.n_taps, layer->in,    layer->out,
                       conv->n_in,       conv->n_out,      conv->n_forward,      conv->wide_out};
}

static direction backward_direction(const tb_layer *layer)
{
    const conv_layer *conv = layer->config;
    return (direction){&conv->backward_y, &conv->backward_x, conv->columns.n_taps, layer->out,   layer->in,
                       conv->n_out,       conv->n_in,        conv->n_backward,     conv->wide_in};
}

static tb__places places_of(const direction *way, const tb__axis_class *rows, const tb__axis_class *columns)
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

static size_t segments_of(const direction *way, const tb__axis_class *rows, const tb__axis_class *columns,
                          tb__segment *segments)
{
    return tb__conv_segments(rows, columns, way->n_taps_x, way->from.width * way->from.channels, way->from.channels,
                             way->n_from, segments);
}

/* All images of the batch; from: what is read, to: overwritten. */
static void convolve(const direction *way, size_t groups, const float *panels, const float *start, float slope,
                     size_t batch, const float *from, float *to)
{
    const size_t values = tb_shape_values(way->from) + tb_shape_values(way->to);
    const size_t n_block = values < BLOCK_FLOATS ? BLOCK_FLOATS / values : 1;
    tb__segment segments[TB_CONV_MAX_SEGMENTS];
    for (size_t item = 0; item < batch; item += n_block)
        for (size_t r = 0; r < way->y->n_classes; r++)
            for (size_t c = 0; c < way->x->n_classes; c++) {
                const tb__axis_class *rows = &way->y->classes[r], *columns = &way->x->classes[c];
                const size_t n_segments = segments_of(way, rows, columns, segments);
                tb__places places = places_of(way, rows, columns);
                places.n_items = batch - item < n_block ? batch - item : n_block;
                for (size_t g = 0; g < groups; g++) {
                    places.a = from + item * places.a_item + g * way->n_from;
                    places.c = to + item * places.c_item + g * way->n_to;
                    tb__panels_multiply(way->n_panel, way->n_to, panels + g * way->n_panel * way->wide_to, segments,
                                        n_segments, start ? start + g * way->wide_to : NULL, false, slope, &places);
                }
            }
}

static void forward(const tb_layer *layer, const tb_layer_run *run)
{
    const conv_layer *conv = layer->config;
    const direction way = forward_direction(layer);
    convolve(&way, conv->groups, run->prepared, conv->has_bias ? run->prepared + conv->at_start : NULL, run->slope,
             run->batch, run->x, run->y);
}

/* Some positions of one class whose outer products are added to the gradient for the weights. */
typedef struct patch_list {
    size_t n;
    uint32_t at[MAX_BLOCK_POSITIONS]; /* what they read, from x on */
    const float *x;
    const float *packed; /* gradients for their results, in panels of n rows */
    float *tile;         /* room for n rows of a tile */
} patch_list;

/* n_rows rows of the gradient that lie side by side, of which segment `s` has those from k on. */
static void accumulate_tile(const patch_list *patches, const tb__panel *panel, const tb__segment *s, size_t k,
                            size_t n_rows, float *d, size_t d_stride)
{
    const tb__panel_shape *shape = panel->shape;
    const float *packed = patches->packed + patches->n * panel->column;
    const float *x = patches->x;
    const uint32_t *at = patches->at;
    uint32_t tile_at[MAX_BLOCK_POSITIONS];
    if (n_rows == shape->rows && k + n_rows <= s->n) {
        x += s->a + k;
    } else {
        memset(patches->tile, 0, patches->n * shape->rows * sizeof *patches->tile);
        for (size_t i = 0; i < n_rows; i++, k++) {
            if (k == s->n) {
                s++;
                k = 0;
            }
            const float *from = x + s->a + k;
            float *to = patches->tile + i;
            for (size_t p = 0; p < patches->n; p++) to[p * shape->rows] = from[at[p]];
        }
        for (size_t p = 0; p < patches->n; p++) tile_at[p] = (uint32_t)(p * shape->rows);
        x = patches->tile;
        at = tile_at;
    }
    shape->accumulate(patches->n, x, at, packed, n_rows, panel->n_valid, d, d_stride);
}

static void accumulate_patches(const conv_layer *conv, const patch_list *patches, const tb__segment *segments,
                               size_t n_segments, float *d_weight, size_t d_stride)
{
    tb__panel panel;
    for (size_t j = 0; tb__panel_at(conv->n_out, j, &panel); j += panel.n_valid)
        for (size_t s = 0, k = 0; s < n_segments;) {
            /* A tile goes on into the next segments as long as their weights follow on. */
            const size_t row = segments[s].b + k;
            size_t n_rows = 0, next = s, next_k = k;
            while (n_rows < panel.shape->rows && next < n_segments && segments[next].b + next_k == row + n_rows) {
                const size_t left = segments[next].n - next_k, room = panel.shape->rows - n_rows;
                n_rows += left < room ? left : room;
                next_k += left < room ? left : room;
                if (next_k == segments[next].n) {
                    next++;
                    next_k = 0;
                }
            }
            accumulate_tile(patches, &panel, &segments[s], k, n_rows, d_weight + row * d_stride + j, d_stride);
            s = next;
            k = next_k;
        }
}

/* Adds the gradient for the weights of one group from the positions in two classes. */
static void accumulate_class(const tb_layer *layer, const tb_layer_run *run, const direction *way,
                             const tb__axis_class *rows, const tb__axis_class *columns, size_t group)
{
    const conv_layer *conv = layer->config;
    const tb__places places = places_of(way, rows, columns);
    tb__segment segments[TB_CONV_MAX_SEGMENTS];
    const size_t n_segments = segments_of(way, rows, columns, segments);
    const size_t channels = layer->out.channels, n_places = places.n_rows * places.n_columns;
    const size_t n_all = n_places * run->batch;
    float *packed = run->scratch;
    const float *dy[MAX_BLOCK_POSITIONS];
    patch_list patches = {.packed = packed, .tile = packed + conv->n_block * conv->wide_out};
    if (n_segments == 0) return;
    for (size_t done = 0; done < n_all; done += patches.n) {
        patches.n = n_all - done < conv->n_block ? n_all - done : conv->n_block;
        const size_t first = done / n_places; /* item */
        patches.x = run->x + first * places.a_item + group * conv->n_in;
        for (size_t p = 0; p < patches.n; p++) {
            const size_t item = (done + p) / n_places, place = (done + p) % n_places;
            const size_t i = place / places.n_columns, j = place % places.n_columns;
            patches.at[p] = (uint32_t)((item - first) * places.a_item) + places.a_row[i] + places.a_column[j];
            dy[p] = run->dy + item * places.c_item + group * conv->n_out + places.c_row[i] + places.c_column[j];
        }
        tb__panel panel;
        for (size_t j = 0; tb__panel_at(conv->n_out, j, &panel); j += panel.n_valid) {
            float *to = packed + patches.n * j;
            for (size_t p = 0; p < patches.n; p++, to += panel.shape->width) {
                memcpy(to, dy[p] + j, panel.n_valid * sizeof *to);
                for (size_t i = panel.n_valid; i < panel.shape->width; i++) to[i] = 0;
            }
        }
        accumulate_patches(conv, &patches, segments, n_segments, run->d_params + group * conv->n_out, channels);
    }
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
    const conv_layer *conv = layer->config;
    const direction way = forward_direction(layer), back = backward_direction(layer);
    for (size_t r = 0; r < way.y->n_classes; r++)
        for (size_t c = 0; c < way.x->n_classes; c++)
            for (size_t g = 0; g < conv->groups; g++)
                accumulate_class(layer, run, &way, &way.y->classes[r], &way.x->classes[c], g);
    if (conv->has_bias) accumulate_bias(layer, run);
    if (run->dx)
        convolve(&back, conv->groups, run->prepared + conv->at_backward, NULL, 1, run->batch, run->dy, run->dx);
}

static double macs(const tb_layer *layer)
{
    const conv_layer *conv = layer->config;
    return (double)(layer->out.height * layer->out.width) * (double)layer->out.channels * (double)conv->n_forward;
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
