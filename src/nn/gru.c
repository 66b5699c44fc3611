// SPDX-License-Identifier: MIT
/* "gru SIZE": gated recurrent units along time.  Cho et al., "Learning phrase representations using RNN
 * encoder-decoder for statistical machine translation" (2014), section 2.3, in the form of cuDNN and PyTorch,
 * where the reset gate acts on the product and not on the state:
 *
 *     rows x_t, t = 0 .. T-1, of n values: T = height, n = width * channels;   h_-1 = 0
 *     r = sigmoid(W_r x_t + b_r + U_r h_t-1 + c_r)
 *     z = sigmoid(W_z x_t + b_z + U_z h_t-1 + c_z)
 *     u = U_n h_t-1 + c_n,   m = tanh(W_n x_t + b_n + r u)
 *     h_t = (1 - z) m + z h_t-1                                    the output, [T][1][SIZE]
 *
 * "input_weight" W [3 SIZE][n], "hidden_weight" U [3 SIZE][SIZE], "input_bias" b and "hidden_bias" c [3
 * SIZE]; thirds in the order r, z, n.
 *
 * Backward goes through time from the end.  With dh = dy_t + what step t+1 passed on:
 * dm = dh (1 - z) (1 - m^2);  dz = dh (h_t-1 - m) z (1 - z);  dr = dm u r (1 - r);  products with x have the
 * gradient (dr, dz, dm), those with h_t-1 (dr, dz, dm r).
 *
 * Items go one by one, so that the result for one does not depend on how many there are. */
#include "nn/blas.h"
#include "nn/layer_kinds.h"

#include "base/alloc.h"

#include <math.h>
#include <string.h>

typedef struct gru {
    size_t size, n_rows, row; /* SIZE, T, n */
} gru;

enum { INPUT_WEIGHT, HIDDEN_WEIGHT, INPUT_BIAS, HIDDEN_BIAS };

static tb_status parse_gru(tb_layer *layer, tb_words *words, tb_error *err)
{
    tb_status status = TB_OK;
    gru *self = tb_alloc(1, sizeof *self);
    layer->config = self;
    if (!self) TB_FAIL(err, TB_NO_MEMORY, "no memory for a layer");
    TB_TRY(tb__words_size(words, "size", 1, TB_SHAPE_MAX_SIDE / 4, &self->size, err));
    const size_t size = self->size, T = layer->in.height, n = layer->in.width * layer->in.channels;
    self->n_rows = T;
    self->row = n;
    layer->out = (tb_shape){T, 1, size};
    const size_t input_shape[] = {3 * size, n}, hidden_shape[] = {3 * size, size};
    TB_TRY(tb__layer_add_tensor(layer, "input_weight", TB_TENSOR_WEIGHT, 2, input_shape, err));
    TB_TRY(tb__layer_add_tensor(layer, "hidden_weight", TB_TENSOR_WEIGHT, 2, hidden_shape, err));
    TB_TRY(tb__layer_add_tensor(layer, "input_bias", TB_TENSOR_BIAS, 1, input_shape, err));
    TB_TRY(tb__layer_add_tensor(layer, "hidden_bias", TB_TENSOR_BIAS, 1, hidden_shape, err));
    layer->n_saved_per_item = T * 4 * size;   /* r, z, m, u of each step */
    layer->n_scratch = (6 * T + 7) * size;    /* as forward and backward cut it */
out:
    return status;
}

static void init(const tb_layer *layer, float *params, float *statistics, tb_rng *rng)
{
    (void)statistics;
    const gru *self = layer->config;
    const double bound = 1 / sqrt((double)self->size);
    for (size_t i = 0; i < layer->n_params; i++) params[i] = (float)(bound * (2 * tb_rng_uniform(rng) - 1));
}

static float sigmoid(float x)
{
    return 1 / (1 + expf(-x));
}

/* One step: from the products with x and with h [3 size] and the state before it (NULL: 0) to the gates r, z,
 * m, u [4 size] and the new state. */
static void step(size_t size, const float *by_input, const float *by_hidden, const float *before,
                 float *gates, float *h)
{
    float *r = gates, *z = gates + size, *m = gates + 2 * size, *u = gates + 3 * size;
    for (size_t j = 0; j < size; j++) {
        r[j] = sigmoid(by_input[j] + by_hidden[j]);
        z[j] = sigmoid(by_input[size + j] + by_hidden[size + j]);
        u[j] = by_hidden[2 * size + j];
        m[j] = tanhf(by_input[2 * size + j] + r[j] * u[j]);
        h[j] = (1 - z[j]) * m[j] + z[j] * (before ? before[j] : 0);
    }
}

static void forward(const tb_layer *layer, const tb_layer_run *run)
{
    const gru *self = layer->config;
    const size_t T = self->n_rows, n = self->row, size = self->size, wide = 3 * size;
    const float *input_weight = run->params + layer->tensors[INPUT_WEIGHT].at;
    const float *hidden_weight = run->params + layer->tensors[HIDDEN_WEIGHT].at;
    const float *input_bias = run->params + layer->tensors[INPUT_BIAS].at;
    const float *hidden_bias = run->params + layer->tensors[HIDDEN_BIAS].at;
    float *by_input = run->scratch;           /* [T][3 size] */
    float *by_hidden = by_input + T * wide;   /* [3 size] */
    float *spare = by_hidden + wide;          /* [4 size] */
    for (size_t i = 0; i < run->batch; i++) {
        float *h = run->y + i * T * size; /* [T][size] */
        for (size_t t = 0; t < T; t++) memcpy(by_input + t * wide, input_bias, wide * sizeof *by_input);
        tb__gemm(false, true, T, wide, n, run->x + i * T * n, n, input_weight, n, by_input, wide, true);
        for (size_t t = 0; t < T; t++) {
            const float *before = t > 0 ? h + (t - 1) * size : NULL;
            memcpy(by_hidden, hidden_bias, wide * sizeof *by_hidden);
            if (before)
                tb__gemm(false, true, 1, wide, size, before, size, hidden_weight, size, by_hidden, wide,
                         true);
            step(size, by_input + t * wide, by_hidden, before,
                 run->saved ? run->saved + (i * T + t) * 4 * size : spare, h + t * size);
        }
    }
}

/* One step back: dh comes in whole and leaves without what flows through the products with h_t-1. */
static void step_back(size_t size, const float *gates, const float *before, float *dh, float *d_input,
                      float *d_hidden)
{
    const float *r = gates, *z = gates + size, *m = gates + 2 * size, *u = gates + 3 * size;
    for (size_t j = 0; j < size; j++) {
        const float dm = dh[j] * (1 - z[j]) * (1 - m[j] * m[j]);
        const float dz = dh[j] * ((before ? before[j] : 0) - m[j]) * z[j] * (1 - z[j]);
        const float dr = dm * u[j] * r[j] * (1 - r[j]);
        d_input[j] = d_hidden[j] = dr;
        d_input[size + j] = d_hidden[size + j] = dz;
        d_input[2 * size + j] = dm;
        d_hidden[2 * size + j] = dm * r[j];
        dh[j] *= z[j];
    }
}

static void backward(const tb_layer *layer, const tb_layer_run *run)
{
    const gru *self = layer->config;
    const size_t T = self->n_rows, n = self->row, size = self->size, wide = 3 * size;
    const float *input_weight = run->params + layer->tensors[INPUT_WEIGHT].at;
    const float *hidden_weight = run->params + layer->tensors[HIDDEN_WEIGHT].at;
    float *d_input_weight = run->d_params + layer->tensors[INPUT_WEIGHT].at;
    float *d_hidden_weight = run->d_params + layer->tensors[HIDDEN_WEIGHT].at;
    float *d_input_bias = run->d_params + layer->tensors[INPUT_BIAS].at;
    float *d_hidden_bias = run->d_params + layer->tensors[HIDDEN_BIAS].at;
    float *d_input = run->scratch;           /* [T][3 size] */
    float *d_hidden = d_input + T * wide;    /* [T][3 size] */
    float *dh = d_hidden + T * wide;         /* [size] */
    for (size_t i = 0; i < run->batch; i++) {
        const float *x = run->x + i * T * n, *h = run->y + i * T * size, *dy = run->dy + i * T * size;
        memset(dh, 0, size * sizeof *dh);
        for (size_t t = T; t-- > 0;) {
            const float *before = t > 0 ? h + (t - 1) * size : NULL;
            for (size_t j = 0; j < size; j++) dh[j] += dy[t * size + j];
            const float *gates = run->saved + (i * T + t) * 4 * size;
            step_back(size, gates, before, dh, d_input + t * wide, d_hidden + t * wide);
            tb__gemm(false, false, 1, size, wide, d_hidden + t * wide, wide, hidden_weight, size, dh, size,
                     true);
        }
        for (size_t t = 0; t < T; t++)
            for (size_t j = 0; j < wide; j++) {
                d_input_bias[j] += d_input[t * wide + j];
                d_hidden_bias[j] += d_hidden[t * wide + j];
            }
        tb__gemm(true, false, wide, n, T, d_input, wide, x, n, d_input_weight, n, true);
        if (T > 1) /* d_hidden of step t goes with h of step t-1 */
            tb__gemm(true, false, wide, size, T - 1, d_hidden + wide, wide, h, size, d_hidden_weight, size,
                     true);
        if (run->dx)
            tb__gemm(false, false, T, n, wide, d_input, wide, input_weight, n, run->dx + i * T * n, n, false);
    }
}

static double macs(const tb_layer *layer)
{
    const gru *self = layer->config;
    return 3.0 * (double)self->n_rows * (double)self->size * (double)(self->row + self->size);
}

const tb_layer_kind tb__layer_gru = {
    .name = "gru",
    .usage = "gru SIZE",
    .parse = parse_gru,
    .init = init,
    .forward = forward,
    .backward = backward,
    .macs = macs,
};
