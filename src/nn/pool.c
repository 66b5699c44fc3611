// SPDX-License-Identifier: MIT
/* Mean and maximum over windows of time x bands, of each channel by itself.
 *
 *     mean time            over all of time: the height becomes 1
 *     mean all             over time and bands
 *     mean 2x2 stride 2    over windows; the stride is the window's size unless given; a window never reaches
 *                          over the edge, so what does not fill one at the end is left out
 *
 * The maximum keeps which position of its window (0 is the first of its first row) was the largest, the first
 * among equals, as that one alone gets the gradient. */
#include "nn/layer_kinds.h"

#include "base/alloc.h"

#include <string.h>

typedef struct pool_layer {
    size_t height, width, stride_y, stride_x;
} pool_layer;

static tb_status parse(tb_layer *layer, tb_words *words, tb_error *err)
{
    tb_status status = TB_OK;
    const tb_shape in = layer->in;
    pool_layer *window = tb_alloc(1, sizeof *window);
    if (window == NULL) TB_FAIL(err, TB_NO_MEMORY, "no memory for a layer");
    layer->config = window;
    window->width = window->stride_x = 1;
    window->height = window->stride_y = in.height;
    if (tb__words_take(words, "all")) {
        window->width = window->stride_x = in.width;
    } else if (!tb__words_take(words, "time")) {
        TB_TRY(tb__words_pair(words, "window", 1, TB_SHAPE_MAX_SIDE, &window->height, &window->width, err));
        window->stride_y = window->height;
        window->stride_x = window->width;
        TB_TRY(tb__words_option_pair(words, "stride", 1, TB_SHAPE_MAX_SIDE, &window->stride_y,
                                     &window->stride_x, err));
    }
    if (window->height > in.height || window->width > in.width)
        TB_FAIL(err, TB_INVALID,
                "line %zu of the network: a window of %zu x %zu is larger than the %zu x %zu that come in",
                words->line, window->height, window->width, in.height, in.width);
    layer->out = (tb_shape){
        .height = (in.height - window->height) / window->stride_y + 1,
        .width = (in.width - window->width) / window->stride_x + 1,
        .channels = in.channels,
    };
out:
    return status;
}

/* As parse, with a place for where each maximum was. */
static tb_status parse_max(tb_layer *layer, tb_words *words, tb_error *err)
{
    const tb_status status = parse(layer, words, err);
    if (status == TB_OK) layer->n_saved_per_item = tb_shape_values(layer->out);
    return status;
}

/* Calls visit for each window: the value that comes in at its upper left, and its result's place. */
#define FOR_EACH_WINDOW(layer, run, in_at, out_at)                                                          \
    for (size_t item = 0, out_at = 0; item < (run)->batch; item++)                                          \
        for (size_t row = 0; row < (layer)->out.height; row++)                                              \
            for (size_t column = 0, in_at = place(layer, item, row); column < (layer)->out.width;           \
                 column++, in_at += window->stride_x * (layer)->in.channels, out_at += (layer)->in.channels)

static size_t place(const tb_layer *layer, size_t item, size_t row)
{
    const pool_layer *window = layer->config;
    return (item * layer->in.height + row * window->stride_y) * layer->in.width * layer->in.channels;
}

static void forward_mean(const tb_layer *layer, const tb_layer_run *run)
{
    const pool_layer *window = layer->config;
    const size_t n = layer->in.channels, line = layer->in.width * n;
    const float scale = 1 / (float)(window->height * window->width);
    FOR_EACH_WINDOW (layer, run, from, to) {
        float *y = run->y + to;
        memset(y, 0, n * sizeof *y);
        for (size_t i = 0; i < window->height; i++)
            for (size_t j = 0; j < window->width; j++) {
                const float *x = run->x + from + i * line + j * n;
                for (size_t c = 0; c < n; c++) y[c] += x[c];
            }
        for (size_t c = 0; c < n; c++) y[c] *= scale;
    }
}

static void backward_mean(const tb_layer *layer, const tb_layer_run *run)
{
    if (run->dx == NULL) return;
    const pool_layer *window = layer->config;
    const size_t n = layer->in.channels, line = layer->in.width * n;
    const float scale = 1 / (float)(window->height * window->width);
    memset(run->dx, 0, run->batch * tb_shape_values(layer->in) * sizeof *run->dx);
    FOR_EACH_WINDOW (layer, run, from, to) {
        const float *dy = run->dy + to;
        for (size_t i = 0; i < window->height; i++)
            for (size_t j = 0; j < window->width; j++) {
                float *dx = run->dx + from + i * line + j * n;
                for (size_t c = 0; c < n; c++) dx[c] += dy[c] * scale;
            }
    }
}

static void forward_max(const tb_layer *layer, const tb_layer_run *run)
{
    const pool_layer *window = layer->config;
    const size_t n = layer->in.channels, line = layer->in.width * n;
    FOR_EACH_WINDOW (layer, run, from, to) {
        float *y = run->y + to, *at = run->saved ? run->saved + to : NULL;
        memcpy(y, run->x + from, n * sizeof *y);
        if (at) memset(at, 0, n * sizeof *at);
        for (size_t k = 1; k < window->height * window->width; k++) {
            const float *x = run->x + from + k / window->width * line + k % window->width * n;
            for (size_t c = 0; c < n; c++)
                if (x[c] > y[c]) {
                    y[c] = x[c];
                    if (at) at[c] = (float)k;
                }
        }
    }
}

static void backward_max(const tb_layer *layer, const tb_layer_run *run)
{
    if (run->dx == NULL) return;
    const pool_layer *window = layer->config;
    const size_t n = layer->in.channels, line = layer->in.width * n;
    memset(run->dx, 0, run->batch * tb_shape_values(layer->in) * sizeof *run->dx);
    FOR_EACH_WINDOW (layer, run, from, to) {
        for (size_t c = 0; c < n; c++) {
            const size_t k = (size_t)run->saved[to + c];
            run->dx[from + k / window->width * line + k % window->width * n + c] += run->dy[to + c];
        }
    }
}

const tb_layer_kind tb__layer_mean = {
    .name = "mean",
    .usage = "mean time | mean all | mean HEIGHTxWIDTH [stride S]",
    .parse = parse,
    .forward = forward_mean,
    .backward = backward_mean,
};

const tb_layer_kind tb__layer_max = {
    .name = "max",
    .usage = "max time | max all | max HEIGHTxWIDTH [stride S]",
    .parse = parse_max,
    .forward = forward_max,
    .backward = backward_max,
};
