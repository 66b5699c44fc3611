// SPDX-License-Identifier: MIT
#include "unit/nn/gradients.h"

#include "base/alloc.h"
#include "base/rng.h"
#include "nn/kernels.h"
#include "support/testing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double step = 1.0 / 256; /* of the differences */

void fill_values(float *values, size_t n, uint64_t seed)
{
    tb_rng rng;
    tb_rng_init(&rng, seed);
    for (size_t i = 0; i < n; i++) {
        const double value = tb_rng_normal(&rng);
        values[i] = (float)(value + (value < 0 ? -0.05 : 0.05));
    }
}

tb_network *make_network(const char *text, uint64_t seed)
{
    tb_error err = {0};
    tb_network *net = NULL;
    tb_rng rng;
    assert_ok(tb_network_parse(text, &net, &err));
    tb_rng_init(&rng, seed);
    tb_network_init(net, &rng);
    float *params = tb_network_params(net), *statistics = tb_network_statistics(net);
    for (size_t i = 0; i < tb_network_n_params(net); i++) params[i] += 0.3f * (float)tb_rng_normal(&rng);
    for (size_t i = 0; i < tb_network_n_statistics(net); i++)
        statistics[i] = 0.5f + (float)tb_rng_uniform(&rng);
    return net;
}

/* sum of weights[i] * y[i] */
static double loss(tb_pass *pass, const float *x, size_t batch, const float *weights, size_t n_out)
{
    const float *y = tb_pass_forward(pass, x, batch);
    double sum = 0;
    for (size_t i = 0; i < batch * n_out; i++) sum += (double)y[i] * (double)weights[i];
    return sum;
}

/* Gradient by central differences for one value that loss() depends on. */
static double difference(tb_pass *pass, const float *x, size_t batch, const float *weights, size_t n_out,
                         float *value)
{
    const float before = *value;
    *value = before + (float)step;
    const double up = (double)*value, high = loss(pass, x, batch, weights, n_out);
    *value = before - (float)step;
    const double down = (double)*value, low = loss(pass, x, batch, weights, n_out);
    *value = before;
    return (high - low) / (up - down);
}

static void check_values(const char *text, const char *what, tb_pass *pass, float *x, size_t batch,
                         const float *weights, size_t n_out, float *values, const float *gradient, size_t n)
{
    double largest = 0;
    for (size_t i = 0; i < n; i++) largest = fmax(largest, fabs((double)gradient[i]));
    for (size_t i = 0; i < n; i++) {
        const double expected = difference(pass, x, batch, weights, n_out, values + i);
        if (!(fabs(expected - (double)gradient[i]) <= 4e-3 * largest + 2e-3))
            fail_msg("%s\n%s kernels: gradient of %s %zu is %g, by differences %g", text,
                     tb_nn_kernels_name(), what, i, (double)gradient[i], expected);
    }
}

static void check_with_kernels(const char *text, size_t batch)
{
    tb_error err = {0};
    tb_pass *pass = NULL;
    tb_network *net = make_network(text, 7);
    const size_t n_in = batch * tb_shape_values(tb_network_input(net)),
                 n_out = tb_shape_values(tb_network_output(net));
    const size_t n_params = tb_network_n_params(net);
    float *x = tb_alloc(n_in, sizeof *x), *dx = tb_alloc(n_in, sizeof *dx);
    float *weights = tb_alloc(batch * n_out, sizeof *weights),
          *gradient = tb_alloc(n_params, sizeof *gradient);
    fill_values(x, n_in, 8);
    fill_values(weights, batch * n_out, 9);
    assert_ok(tb_pass_new(net, batch + 1, true, &pass, &err));

    (void)tb_pass_forward(pass, x, batch);
    tb_pass_backward(pass, weights, dx);
    if (n_params > 0) memcpy(gradient, tb_pass_gradient(pass), n_params * sizeof *gradient);
    check_values(text, "parameter", pass, x, batch, weights, n_out, tb_network_params(net), gradient,
                 n_params);
    check_values(text, "input", pass, x, batch, weights, n_out, x, dx, n_in);

    (void)tb_pass_forward(pass, x, batch);
    tb_pass_backward(pass, weights, NULL);
    for (size_t i = 0; i < n_params; i++)
        assert_near(tb_pass_gradient(pass)[i], 2 * gradient[i], 1e-4 * (1 + fabs((double)gradient[i])));

    tb_pass_free(pass);
    tb_network_free(net);
    tb_free(x);
    tb_free(dx);
    tb_free(weights);
    tb_free(gradient);
}

static void for_all_kernels(const char *text, size_t batch, void (*check)(const char *text, size_t batch))
{
    size_t n = 0;
    const tb__kernels *const *usable = tb__kernels_usable(&n);
    for (size_t i = 0; i < n; i++) {
        tb__kernels_set(usable[i]);
        check(text, batch);
    }
    tb__kernels_set(NULL);
}

void check_gradients(const char *text, size_t batch)
{
    for_all_kernels(text, batch, check_with_kernels);
}

static void check_items(const char *text, size_t batch)
{
    tb_error err = {0};
    tb_pass *pass = NULL;
    tb_network *net = make_network(text, 17);
    const size_t n_in = tb_shape_values(tb_network_input(net)),
                 n_out = tb_shape_values(tb_network_output(net));
    float *x = tb_alloc(batch * n_in, sizeof *x), *together = tb_alloc(batch * n_out, sizeof *together);
    fill_values(x, batch * n_in, 18);
    assert_ok(tb_pass_new(net, batch, false, &pass, &err));
    memcpy(together, tb_pass_forward(pass, x, batch), batch * n_out * sizeof *together);
    for (size_t i = 0; i < batch; i++)
        assert_memory_equal(tb_pass_forward(pass, x + i * n_in, 1), together + i * n_out,
                            n_out * sizeof *together);
    tb_pass_free(pass);
    tb_network_free(net);
    tb_free(x);
    tb_free(together);
}

void check_items_are_independent(const char *text, size_t batch)
{
    for_all_kernels(text, batch, check_items);
}
