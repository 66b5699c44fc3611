// SPDX-License-Identifier: MIT
/* "unit [SIZE]": brings each SIZE channels in a row (default: all) to unit length, y = x / |x|.  Such groups
 * are the parts of an embedding, each a vector of its own.
 *
 * Backward: dx = (dy - y (y . dy)) / |x|.  A group shorter than 1e-12 has no direction: y and dx are 0. */
#include "nn/layer_kinds.h"

#include "base/alloc.h"

#include <math.h>

static const double SHORTEST = 1e-12;

typedef struct unit {
    size_t size;
} unit;

static tb_status parse_unit(tb_layer *layer, tb_words *words, tb_error *err)
{
    tb_status status = TB_OK;
    unit *self = tb_alloc(1, sizeof *self);
    layer->config = self;
    if (!self) TB_FAIL(err, TB_NO_MEMORY, "no memory for a layer");
    self->size = layer->in.channels;
    if (words->n > 0) TB_TRY(tb__words_size(words, "size", 1, layer->in.channels, &self->size, err));
    if (layer->in.channels % self->size != 0)
        TB_FAIL(err, TB_INVALID, "line %zu of the network: %zu channels do not divide into groups of %zu",
                words->line, layer->in.channels, self->size);
    layer->out = layer->in;
out:
    return status;
}

static double dot(const float *a, const float *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += (double)a[i] * (double)b[i];
    return sum;
}

static void forward(const tb_layer *layer, const tb_layer_run *run)
{
    const unit *self = layer->config;
    const size_t n = self->size, n_groups = run->batch * tb_shape_values(layer->in) / n;
    for (size_t g = 0; g < n_groups; g++) {
        const float *x = run->x + g * n;
        float *y = run->y + g * n;
        const double length = sqrt(dot(x, x, n)), factor = length < SHORTEST ? 0 : 1 / length;
        for (size_t i = 0; i < n; i++) y[i] = (float)(factor * (double)x[i]);
    }
}

static void backward(const tb_layer *layer, const tb_layer_run *run)
{
    const unit *self = layer->config;
    const size_t n = self->size, n_groups = run->batch * tb_shape_values(layer->in) / n;
    if (!run->dx) return;
    for (size_t g = 0; g < n_groups; g++) {
        const float *x = run->x + g * n, *y = run->y + g * n, *dy = run->dy + g * n;
        float *dx = run->dx + g * n;
        const double length = sqrt(dot(x, x, n)), factor = length < SHORTEST ? 0 : 1 / length;
        const double along = dot(y, dy, n);
        for (size_t i = 0; i < n; i++) dx[i] = (float)(factor * ((double)dy[i] - along * (double)y[i]));
    }
}

const tb_layer_kind tb__layer_unit = {
    .name = "unit",
    .usage = "unit [SIZE]",
    .in_place = true,
    .parse = parse_unit,
    .forward = forward,
    .backward = backward,
};
