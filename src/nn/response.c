// SPDX-License-Identifier: MIT
/* "response SIZE": local response normalisation across channels.  Krizhevsky, Sutskever and Hinton, "ImageNet
 * classification with deep convolutional neural networks" (2012), section 3.3.  At each position
 *
 *     s_c = k + alpha / SIZE * sum of x_j^2 over the SIZE channels around c,      y_c = x_c * s_c^-beta
 *
 * with channels c - SIZE/2 .. c + (SIZE-1)/2, those outside counting as 0.  alpha is divided by SIZE, as
 * Caffe and PyTorch do; the paper's alpha is ours / SIZE.
 *
 * Backward: dx_i = dy_i s_i^-beta - 2 alpha beta / SIZE * x_i * sum of dy_c y_c / s_c over all c that i is
 * around. */
#include "nn/layer_kinds.h"

#include "base/alloc.h"

#include <math.h>

typedef struct response {
    size_t size;
    float share, beta, k; /* share = alpha / size */
} response;

static tb_status parse_response(tb_layer *layer, tb_words *words, tb_error *err)
{
    tb_status status = TB_OK;
    double alpha = 1e-4, beta = 0.75, k = 1;
    response *self = tb_alloc(1, sizeof *self);
    layer->config = self;
    if (!self) TB_FAIL(err, TB_NO_MEMORY, "no memory for a layer");
    TB_TRY(tb__words_option_real(words, "alpha", 0, 1e6, &alpha, err));
    TB_TRY(tb__words_option_real(words, "beta", 0, 16, &beta, err));
    TB_TRY(tb__words_option_real(words, "k", 1e-6, 1e6, &k, err)); /* above 0: s is never 0 */
    TB_TRY(tb__words_size(words, "size", 1, TB_SHAPE_MAX_SIDE, &self->size, err));
    self->share = (float)(alpha / (double)self->size);
    self->beta = (float)beta;
    self->k = (float)k;
    layer->out = layer->in;
    layer->n_saved_per_item = tb_shape_values(layer->in); /* s */
    layer->n_scratch = layer->in.channels;
out:
    return status;
}

/* Channels [*first, *end) around c that are there. */
static void window(size_t c, size_t before, size_t after, size_t n, size_t *first, size_t *end)
{
    *first = c > before ? c - before : 0;
    *end = after < n - c ? c + after + 1 : n;
}

/* Sum of values[c] over the channels around c. */
static float sum_around(const float *values, size_t c, size_t before, size_t after, size_t n)
{
    size_t first, end;
    window(c, before, after, n, &first, &end);
    float sum = 0;
    for (size_t j = first; j < end; j++) sum += values[j];
    return sum;
}

static void forward(const tb_layer *layer, const tb_layer_run *run)
{
    const response *self = layer->config;
    const size_t n = layer->in.channels, n_positions = run->batch * layer->in.height * layer->in.width;
    float *squares = run->scratch; /* [n] */
    for (size_t at = 0; at < n_positions; at++) {
        const float *x = run->x + at * n;
        float *y = run->y + at * n;
        for (size_t c = 0; c < n; c++) squares[c] = x[c] * x[c];
        for (size_t c = 0; c < n; c++) {
            const float sum = sum_around(squares, c, self->size / 2, (self->size - 1) / 2, n);
            const float s = self->k + self->share * sum;
            y[c] = x[c] * powf(s, -self->beta);
            if (run->saved) run->saved[at * n + c] = s;
        }
    }
}

static void backward(const tb_layer *layer, const tb_layer_run *run)
{
    const response *self = layer->config;
    const size_t n = layer->in.channels, n_positions = run->batch * layer->in.height * layer->in.width;
    const float factor = 2 * self->share * self->beta;
    float *shares = run->scratch; /* [n] dy y / s */
    if (!run->dx) return;
    for (size_t at = 0; at < n_positions; at++) {
        const float *x = run->x + at * n, *y = run->y + at * n, *s = run->saved + at * n;
        const float *dy = run->dy + at * n;
        float *dx = run->dx + at * n;
        for (size_t c = 0; c < n; c++) shares[c] = dy[c] * y[c] / s[c];
        /* i is around c where c is around i with the sides exchanged */
        for (size_t i = 0; i < n; i++)
            dx[i] = dy[i] * powf(s[i], -self->beta) -
                    factor * x[i] * sum_around(shares, i, (self->size - 1) / 2, self->size / 2, n);
    }
}

const tb_layer_kind tb__layer_response = {
    .name = "response",
    .usage = "response SIZE [alpha A] [beta B] [k K]",
    .in_place = true,
    .parse = parse_response,
    .forward = forward,
    .backward = backward,
};
