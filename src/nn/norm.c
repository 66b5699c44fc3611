// SPDX-License-Identifier: MIT
/* Batch norm (Ioffe and Szegedy, arXiv 1502.03167) of each channel over the batch and all positions:
 *
 *     y = scale (x - mean) / sqrt(variance + eps) + shift
 *
 * computed as y = a x + b.  In training, mean and variance are the batch's (of n values, not n - 1); in
 * inference the running ones, which follow those of the batches (the variance with n - 1) by `momentum`.  A
 * leaky ReLU after it is done in the same loop, forward and backward, as these loops wait for memory.
 *
 * Mean and variance are found in blocks of positions that stay in the cache: mean first, then squares about
 * it; blocks are joined in double (Chan, Golub and LeVeque 1979).  Backward, with g the gradient for y and x'
 * = (x - mean) / deviation:
 *
 *     d shift = sum g;  d scale = sum g x';  dx = a (g - d shift / n - x' d scale / n) */
#include "nn/layer_kinds.h"

#include "base/alloc.h"
#include "nn/kernels.h"

#include <math.h>
#include <string.h>

enum { BLOCK_FLOATS = 4096 };

typedef struct norm_layer {
    double eps, momentum;
} norm_layer;

/* What forward leaves for backward and update; each [channels]. */
typedef struct norm_state {
    float *mean, *deviation, *a, *b;
} norm_state;

static tb_status parse(tb_layer *layer, tb_words *words, tb_error *err)
{
    tb_status status = TB_OK;
    const size_t n = layer->in.channels;
    norm_layer *norm = tb_alloc(1, sizeof *norm);
    if (norm == NULL) TB_FAIL(err, TB_NO_MEMORY, "no memory for a layer");
    layer->config = norm;
    norm->eps = 1e-5;
    norm->momentum = 0.1;
    TB_TRY(tb__words_option_real(words, "eps", 1e-12, 1, &norm->eps, err));
    TB_TRY(tb__words_option_real(words, "momentum", 0, 1, &norm->momentum, err));
    TB_TRY(tb__layer_add_tensor(layer, "scale", TB_TENSOR_BIAS, 1, &n, err));
    TB_TRY(tb__layer_add_tensor(layer, "shift", TB_TENSOR_BIAS, 1, &n, err));
    TB_TRY(tb__layer_add_tensor(layer, "mean", TB_TENSOR_STATISTIC, 1, &n, err));
    TB_TRY(tb__layer_add_tensor(layer, "variance", TB_TENSOR_STATISTIC, 1, &n, err));
    layer->out = layer->in;
    layer->n_saved = 4 * n;
    layer->n_scratch = 7 * n;
out:
    return status;
}

static void init(const tb_layer *layer, float *params, float *statistics, tb_rng *rng)
{
    (void)rng;
    for (size_t c = 0; c < layer->in.channels; c++) {
        params[c] = 1;
        statistics[layer->in.channels + c] = 1;
    }
}

static norm_state state_at(const tb_layer *layer, float *memory)
{
    const size_t n = layer->in.channels;
    return (norm_state){memory, memory + n, memory + 2 * n, memory + 3 * n};
}

static size_t count_positions(const tb_layer *layer, size_t batch)
{
    return batch * layer->in.height * layer->in.width;
}

static size_t block_positions(size_t channels)
{
    return channels < BLOCK_FLOATS ? BLOCK_FLOATS / channels : 1;
}

/* Mean and deviation of the batch.  scratch: [7 * channels]; means and squares are doubles in it. */
static void measure(const tb_layer *layer, const tb_layer_run *run, const norm_state *state)
{
    const tb__kernels *kernels = tb__kernels_get();
    const norm_layer *norm = layer->config;
    const size_t channels = layer->in.channels, n = count_positions(layer, run->batch);
    const size_t n_block = block_positions(channels);
    double *means = (double *)(void *)run->scratch, *squares = means + channels;
    float *sum = run->scratch + 4 * channels, *mean = sum + channels, *square = mean + channels;
    memset(means, 0, 2 * channels * sizeof *means);
    for (size_t done = 0, next; done < n; done = next) {
        next = n - done < n_block ? n : done + n_block;
        const size_t count = next - done;
        const float *x = run->x + done * channels;
        memset(sum, 0, channels * sizeof *sum);
        memset(square, 0, channels * sizeof *square);
        kernels->sum(count, channels, x, sum);
        for (size_t c = 0; c < channels; c++) mean[c] = sum[c] / (float)count;
        kernels->sum_squares(count, channels, x, mean, square);
        const double share = (double)count / (double)next;
        for (size_t c = 0; c < channels; c++) {
            const double step = (double)mean[c] - means[c];
            means[c] += step * share;
            squares[c] += (double)square[c] + step * step * share * (double)done;
        }
    }
    for (size_t c = 0; c < channels; c++) {
        state->mean[c] = (float)means[c];
        state->deviation[c] = (float)sqrt(squares[c] / (double)n + norm->eps);
    }
}

/* y = a x + b */
static void set_coefficients(size_t channels, const float *params, const float *mean, const float *deviation,
                             float *a, float *b)
{
    const float *scale = params, *shift = params + channels;
    for (size_t c = 0; c < channels; c++) {
        a[c] = scale[c] / deviation[c];
        b[c] = shift[c] - mean[c] * a[c];
    }
}

void tb__norm_coefficients(const tb_layer *layer, const float *params, const float *statistics, float *a,
                           float *b)
{
    const norm_layer *norm = layer->config;
    const size_t channels = layer->in.channels;
    const float *variance = statistics + channels;
    for (size_t c = 0; c < channels; c++) b[c] = (float)sqrt(fmax((double)variance[c], 0) + norm->eps);
    set_coefficients(channels, params, statistics, b, a, b);
}

static void forward(const tb_layer *layer, const tb_layer_run *run)
{
    const size_t channels = layer->in.channels;
    float *a = run->scratch, *b = a + channels;
    if (run->training) {
        const norm_state state = state_at(layer, run->saved);
        measure(layer, run, &state);
        set_coefficients(channels, run->params, state.mean, state.deviation, state.a, state.b);
        a = state.a;
        b = state.b;
    } else {
        tb__norm_coefficients(layer, run->params, run->statistics, a, b);
    }
    tb__kernels_get()->scale(count_positions(layer, run->batch), channels, run->x, a, b, run->slope, run->y);
}

static void backward(const tb_layer *layer, const tb_layer_run *run)
{
    const tb__kernels *kernels = tb__kernels_get();
    const size_t channels = layer->in.channels, n = count_positions(layer, run->batch);
    const size_t n_block = block_positions(channels);
    const norm_state state = state_at(layer, run->saved);
    double *sums = (double *)(void *)run->scratch, *products = sums + channels;
    float *sum = run->scratch + 4 * channels, *product = sum + channels;
    memset(sums, 0, 2 * channels * sizeof *sums);
    for (size_t done = 0; done < n; done += n_block) {
        const size_t count = n - done < n_block ? n - done : n_block;
        memset(sum, 0, 2 * channels * sizeof *sum);
        kernels->scale_sums(count, channels, run->x + done * channels, run->dy + done * channels, state.a,
                            state.b, state.mean, run->slope, sum, product);
        for (size_t c = 0; c < channels; c++) {
            sums[c] += (double)sum[c];
            products[c] += (double)product[c];
        }
    }
    float *by_x = sum, *constant = product; /* dx = a g + by_x x + constant */
    for (size_t c = 0; c < channels; c++) {
        const double a = (double)state.a[c], deviation = (double)state.deviation[c],
                     mean = (double)state.mean[c];
        const double of_x = -a * products[c] / (deviation * deviation * (double)n);
        run->d_params[c] += (float)(products[c] / deviation);
        run->d_params[channels + c] += (float)sums[c];
        by_x[c] = (float)of_x;
        constant[c] = (float)(-a * sums[c] / (double)n - of_x * mean);
    }
    if (run->dx)
        kernels->scale_back(n, channels, run->x, run->dy, state.a, state.b, run->slope, by_x, constant,
                            run->dx);
}

static void update(const tb_layer *layer, size_t batch, const float *saved, float *statistics)
{
    const norm_layer *norm = layer->config;
    const size_t channels = layer->in.channels, n = count_positions(layer, batch);
    const double unbiased = n > 1 ? (double)n / (double)(n - 1) : 1;
    float *mean = statistics, *variance = statistics + channels;
    for (size_t c = 0; c < channels; c++) {
        const double deviation = (double)saved[channels + c];
        const double measured = fmax(deviation * deviation - norm->eps, 0) * unbiased;
        mean[c] += (float)(norm->momentum * ((double)saved[c] - (double)mean[c]));
        variance[c] += (float)(norm->momentum * (measured - (double)variance[c]));
    }
}

const tb_layer_kind tb__layer_norm = {
    .name = "norm",
    .usage = "norm [eps E] [momentum M]",
    .absorbs = TB_ABSORBS_ALWAYS,
    .in_place = true,
    .parse = parse,
    .init = init,
    .forward = forward,
    .backward = backward,
    .update = update,
};
