// SPDX-License-Identifier: MIT
/* "statistics time" (or "all"): mean and standard deviation of each channel over time (or over time and
 * bands), the means before the deviations.  Snyder et al., "X-vectors: robust DNN embeddings for speaker
 * recognition" (2018), section 2.1, "statistics pooling".
 *
 *     [height][width][c] -> time: [1][width][2c], all: [1][1][2c]
 *     m = mean x,   d = sqrt(mean (x - m)^2 + 1e-5)
 *
 * Backward: dx = (dm + dd (x - m) / d) / n. */
#include "nn/layer_kinds.h"

#include <math.h>
#include <string.h>

static const float FLOOR = 1e-5f; /* of the variance: a constant channel has a gradient */

static tb_status parse_statistics(tb_layer *layer, tb_words *words, tb_error *err)
{
    if (tb__words_take(words, "time"))
        layer->out.width = layer->in.width;
    else if (tb__words_take(words, "all"))
        layer->out.width = 1;
    else
        return tb_error_set(err, TB_SYNTAX, "line %zu of the network: statistics are over \"time\" or \"all\"",
                            words->line);
    layer->out.height = 1;
    layer->out.channels = 2 * layer->in.channels;
    return TB_OK;
}

/* Rows are what is pooled; a row has one group of channels for each position of the output. */
typedef struct geometry {
    size_t n_rows, n_groups, channels;
} geometry;

static geometry geometry_of(const tb_layer *layer)
{
    const size_t n_groups = layer->out.width;
    return (geometry){layer->in.height * layer->in.width / n_groups, n_groups, layer->in.channels};
}

static void forward(const tb_layer *layer, const tb_layer_run *run)
{
    const geometry g = geometry_of(layer);
    const size_t row = g.n_groups * g.channels;
    const float share = 1 / (float)g.n_rows;
    memset(run->y, 0, run->batch * 2 * row * sizeof *run->y);
    for (size_t i = 0; i < run->batch * g.n_groups; i++) {
        const float *x = run->x + i / g.n_groups * g.n_rows * row + i % g.n_groups * g.channels;
        float *mean = run->y + i * 2 * g.channels, *deviation = mean + g.channels;
        for (size_t t = 0; t < g.n_rows; t++)
            for (size_t c = 0; c < g.channels; c++) mean[c] += x[t * row + c];
        for (size_t c = 0; c < g.channels; c++) mean[c] *= share;
        for (size_t t = 0; t < g.n_rows; t++)
            for (size_t c = 0; c < g.channels; c++) {
                const float off = x[t * row + c] - mean[c];
                deviation[c] += off * off;
            }
        for (size_t c = 0; c < g.channels; c++) deviation[c] = sqrtf(deviation[c] * share + FLOOR);
    }
}

static void backward(const tb_layer *layer, const tb_layer_run *run)
{
    const geometry g = geometry_of(layer);
    const size_t row = g.n_groups * g.channels;
    const float share = 1 / (float)g.n_rows;
    if (!run->dx) return;
    for (size_t i = 0; i < run->batch * g.n_groups; i++) {
        const size_t at = i / g.n_groups * g.n_rows * row + i % g.n_groups * g.channels;
        const float *x = run->x + at, *mean = run->y + i * 2 * g.channels, *deviation = mean + g.channels;
        const float *d_mean = run->dy + i * 2 * g.channels, *d_deviation = d_mean + g.channels;
        float *dx = run->dx + at;
        for (size_t t = 0; t < g.n_rows; t++)
            for (size_t c = 0; c < g.channels; c++) {
                const float off = x[t * row + c] - mean[c];
                dx[t * row + c] = share * (d_mean[c] + d_deviation[c] * off / deviation[c]);
            }
    }
}

const tb_layer_kind tb__layer_statistics = {
    .name = "statistics",
    .usage = "statistics time|all",
    .parse = parse_statistics,
    .forward = forward,
    .backward = backward,
};
