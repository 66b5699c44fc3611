// SPDX-License-Identifier: MIT
/* "attention SIZE time" (or "all"): a mean of rows over time in which each row counts as much as a small
 * network says.  Okabe, Koshinaka and Shinoda, "Attentive statistics pooling for deep speaker embedding"
 * (2018), Eq. 3 to 5, with tanh and without the constant k, which the softmax takes off again.
 *
 *     rows x_t, t = 0 .. T-1, of n values
 *         time: T = height, n = width * channels, y is [1][width][channels]
 *         all:  T = height * width, n = channels, y is [1][1][channels]
 *     h_t = tanh(W x_t + b),   e_t = q . h_t,   a = softmax over t of e,   y = sum a_t x_t
 *
 * "weight" W [SIZE][n], "bias" b [SIZE], "query" q [SIZE].
 *
 * Backward, with D_t = dy . x_t:  de_t = a_t (D_t - sum_u a_u D_u); dq = sum de_t h_t; dz_t = de_t q (1 -
 * h_t^2); dW = sum dz_t x_t^T; db = sum dz_t; dx_t = a_t dy + W^T dz_t. */
#include "nn/blas.h"
#include "nn/layer_kinds.h"

#include "base/alloc.h"

#include <math.h>
#include <string.h>

typedef struct attention {
    size_t size, n_rows, row; /* SIZE, T, n */
} attention;

enum { WEIGHT, BIAS, QUERY };

static tb_status parse_attention(tb_layer *layer, tb_words *words, tb_error *err)
{
    tb_status status = TB_OK;
    attention *self = tb_alloc(1, sizeof *self);
    layer->config = self;
    if (!self) TB_FAIL(err, TB_NO_MEMORY, "no memory for a layer");
    TB_TRY(tb__words_size(words, "size", 1, TB_SHAPE_MAX_SIDE, &self->size, err));
    if (tb__words_take(words, "time"))
        layer->out.width = layer->in.width;
    else if (tb__words_take(words, "all"))
        layer->out.width = 1;
    else
        TB_FAIL(err, TB_SYNTAX, "line %zu of the network: attention is over \"time\" or \"all\"", words->line);
    layer->out.height = 1;
    layer->out.channels = layer->in.channels;
    self->row = tb_shape_values(layer->out);
    self->n_rows = tb_shape_values(layer->in) / self->row;
    if (self->n_rows > TB_SHAPE_MAX_VALUES / self->size)
        TB_FAIL(err, TB_TOO_LARGE, "line %zu of the network: attention of %zu for %zu rows is too large", words->line,
                self->size, self->n_rows);
    const size_t shape[] = {self->size, self->row};
    TB_TRY(tb__layer_add_tensor(layer, "weight", TB_TENSOR_WEIGHT, 2, shape, err));
    TB_TRY(tb__layer_add_tensor(layer, "bias", TB_TENSOR_BIAS, 1, shape, err));
    TB_TRY(tb__layer_add_tensor(layer, "query", TB_TENSOR_WEIGHT, 1, shape, err));
    layer->n_saved_per_item = self->n_rows * (self->size + 1); /* h, a */
    layer->n_scratch = self->n_rows * (self->size + 1);        /* the same of one item, or de and dz */
out:
    return status;
}

static void init(const tb_layer *layer, float *params, float *statistics, tb_rng *rng)
{
    (void)statistics;
    const attention *self = layer->config;
    float *weight = params + layer->tensors[WEIGHT].at, *query = params + layer->tensors[QUERY].at;
    const double spread = 1 / sqrt((double)self->row), query_spread = 1 / sqrt((double)self->size);
    for (size_t i = 0; i < self->size * self->row; i++) weight[i] = (float)(spread * tb_rng_normal(rng));
    for (size_t i = 0; i < self->size; i++) query[i] = (float)(query_spread * tb_rng_normal(rng));
}

static void softmax(float *values, size_t n)
{
    float most = values[0], sum = 0;
    for (size_t i = 1; i < n; i++)
        if (values[i] > most) most = values[i];
    for (size_t i = 0; i < n; i++) sum += values[i] = expf(values[i] - most);
    for (size_t i = 0; i < n; i++) values[i] /= sum;
}

static float dot(const float *a, const float *b, size_t n)
{
    float sum = 0;
    for (size_t i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

static void forward(const tb_layer *layer, const tb_layer_run *run)
{
    const attention *self = layer->config;
    const size_t T = self->n_rows, n = self->row, size = self->size;
    const float *weight = run->params + layer->tensors[WEIGHT].at;
    const float *bias = run->params + layer->tensors[BIAS].at;
    const float *query = run->params + layer->tensors[QUERY].at;
    for (size_t i = 0; i < run->batch; i++) {
        const float *x = run->x + i * T * n; /* [T][n] */
        float *h = run->saved ? run->saved + i * layer->n_saved_per_item : run->scratch;
        float *a = h + T * size; /* [T]; h is [T][size] */
        float *y = run->y + i * n;
        for (size_t t = 0; t < T; t++) memcpy(h + t * size, bias, size * sizeof *h);
        tb__gemm(false, true, T, size, n, x, n, weight, n, h, size, true);
        for (size_t j = 0; j < T * size; j++) h[j] = tanhf(h[j]);
        for (size_t t = 0; t < T; t++) a[t] = dot(h + t * size, query, size);
        softmax(a, T);
        memset(y, 0, n * sizeof *y);
        for (size_t t = 0; t < T; t++)
            for (size_t j = 0; j < n; j++) y[j] += a[t] * x[t * n + j];
    }
}

static void backward(const tb_layer *layer, const tb_layer_run *run)
{
    const attention *self = layer->config;
    const size_t T = self->n_rows, n = self->row, size = self->size;
    const float *weight = run->params + layer->tensors[WEIGHT].at;
    const float *query = run->params + layer->tensors[QUERY].at;
    float *d_weight = run->d_params + layer->tensors[WEIGHT].at;
    float *d_bias = run->d_params + layer->tensors[BIAS].at;
    float *d_query = run->d_params + layer->tensors[QUERY].at;
    float *dz = run->scratch, *de = dz + T * size; /* [T][size], [T] */
    for (size_t i = 0; i < run->batch; i++) {
        const float *x = run->x + i * T * n, *dy = run->dy + i * n;
        const float *h = run->saved + i * layer->n_saved_per_item, *a = h + T * size;
        float mean = 0;
        for (size_t t = 0; t < T; t++) {
            de[t] = dot(dy, x + t * n, n);
            mean += a[t] * de[t];
        }
        for (size_t t = 0; t < T; t++) {
            de[t] = a[t] * (de[t] - mean);
            for (size_t j = 0; j < size; j++) {
                const float h_j = h[t * size + j];
                d_query[j] += de[t] * h_j;
                dz[t * size + j] = de[t] * query[j] * (1 - h_j * h_j);
                d_bias[j] += dz[t * size + j];
            }
        }
        tb__gemm(true, false, size, n, T, dz, size, x, n, d_weight, n, true);
        if (!run->dx) continue;
        float *dx = run->dx + i * T * n;
        for (size_t t = 0; t < T; t++)
            for (size_t j = 0; j < n; j++) dx[t * n + j] = a[t] * dy[j];
        tb__gemm(false, false, T, n, size, dz, size, weight, n, dx, n, true);
    }
}

static double macs(const tb_layer *layer)
{
    const attention *self = layer->config;
    return (double)self->n_rows * (double)self->row * (double)(self->size + 1);
}

const tb_layer_kind tb__layer_attention = {
    .name = "attention",
    .usage = "attention SIZE time|all",
    .parse = parse_attention,
    .init = init,
    .forward = forward,
    .backward = backward,
    .macs = macs,
};
