// SPDX-License-Identifier: MIT
/* Optimisers against PyTorch: tests/golden/nn/NAME.safetensors (made by make_fixtures.py) holds where eleven
 * parameters start, the gradients of some steps, and where the parameters are after each. */
#include "nn/optimizer.h"
#include "support/testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 11 };

static tb_error err;

static const tb_tensor_info *find(const tb_model_file *file, const char *name)
{
    const tb_tensor_info *tensor = tb_model_file_find(file, name);
    assert_non_null(tensor);
    return tensor;
}

static void check(const char *name, const tb_optimizer_options *options, double rate)
{
    char relative[96];
    snprintf(relative, sizeof relative, "tests/golden/nn/%s.safetensors", name);
    char *path = tb_test_source_path(relative);
    tb_model_file *file = NULL;
    tb_network *net = NULL;
    tb_optimizer *optimizer = NULL;
    assert_ok(tb_model_file_open(path, &file, &err));
    assert_ok(tb_network_parse("input 1 1 11\ndense 1 nobias", &net, &err)); /* all of it decays */
    assert_int_equal(tb_network_n_params(net), N);
    assert_ok(tb_optimizer_new(net, options, &optimizer, &err));
    float params[N];
    memcpy(params, find(file, "start")->values, sizeof params);
    const tb_tensor_info *gradients = find(file, "gradients"), *after = find(file, "after");
    for (size_t step = 0; step < gradients->shape[0]; step++) {
        tb_optimizer_step(optimizer, rate, gradients->values + step * N, params);
        for (size_t i = 0; i < N; i++) assert_near(params[i], after->values[step * N + i], 2e-6);
    }
    tb_optimizer_free(optimizer);
    tb_network_free(net);
    tb_model_file_close(file);
    free(path);
}

static void plain_descent_agrees(void **state)
{
    (void)state;
    tb_optimizer_options options = tb_optimizer_defaults;
    options.kind = TB_OPTIMIZER_SGD;
    options.momentum = 0;
    options.weight_decay = 0;
    check("sgd", &options, 0.05);
}

static void momentum_with_decay_agrees(void **state)
{
    (void)state;
    tb_optimizer_options options = tb_optimizer_defaults;
    options.kind = TB_OPTIMIZER_SGD;
    options.momentum = 0.9;
    options.weight_decay = 0.01;
    check("sgd_momentum", &options, 0.05);
}

static void adam_agrees(void **state)
{
    (void)state;
    tb_optimizer_options options = tb_optimizer_defaults;
    options.kind = TB_OPTIMIZER_ADAM;
    options.weight_decay = 0;
    check("adam", &options, 0.01);
}

/* An epsilon that is not small beside the gradients shows where it is added. */
static void adam_with_decay_agrees(void **state)
{
    (void)state;
    tb_optimizer_options options = tb_optimizer_defaults;
    options.kind = TB_OPTIMIZER_ADAM;
    options.epsilon = 0.1;
    options.weight_decay = 0.05;
    check("adam_decay", &options, 0.01);
}

static void adam_with_decoupled_decay_agrees(void **state)
{
    (void)state;
    tb_optimizer_options options = tb_optimizer_defaults;
    options.kind = TB_OPTIMIZER_ADAMW;
    options.beta2 = 0.99;
    options.weight_decay = 0.1;
    check("adamw", &options, 0.01);
}

TB_TESTS(golden_optimizers, cmocka_unit_test(plain_descent_agrees), cmocka_unit_test(momentum_with_decay_agrees),
         cmocka_unit_test(adam_agrees), cmocka_unit_test(adam_with_decay_agrees),
         cmocka_unit_test(adam_with_decoupled_decay_agrees))
