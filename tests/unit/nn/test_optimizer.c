// SPDX-License-Identifier: MIT
#include "nn/optimizer.h"

#include "base/alloc.h"
#include "support/testing.h"
#include "unit/nn/gradients.h"
#include "unit/nn/network_check.h"

#include <math.h>
#include <string.h>

static const char text[] = "input 6 6 2\nconv 3 3x3 bias\nnorm\nflatten\ndense 5\n";

static tb_error err;

static tb_optimizer *make_optimizer(const tb_network *net, tb_optimizer_kind kind)
{
    tb_optimizer_options options = tb_optimizer_defaults;
    tb_optimizer *optimizer = NULL;
    options.kind = kind;
    options.weight_decay = 0.1;
    assert_ok(tb_optimizer_new(net, &options, &optimizer, &err));
    return optimizer;
}

static void make_steps(tb_optimizer *optimizer, tb_network *net, size_t first, size_t n)
{
    const size_t n_params = tb_network_n_params(net);
    for (size_t i = 0; i < n; i++) {
        float *gradient = random_values(n_params, 100 + first + i);
        tb_optimizer_step(optimizer, 0.01 / (double)(1 + first + i), gradient, tb_network_params(net));
        tb_free(gradient);
    }
}

static void a_resumed_training_has_the_same_bits(void **state)
{
    (void)state;
    for (tb_optimizer_kind kind = TB_OPTIMIZER_SGD; kind <= TB_OPTIMIZER_ADAMW; kind++) {
        tb_network *net = make_network(text, 3), *resumed = make_network(text, 4);
        tb_optimizer *optimizer = make_optimizer(net, kind), *other = make_optimizer(resumed, kind);
        const size_t n_params = tb_network_n_params(net);
        make_steps(optimizer, net, 0, 5);

        assert_int_equal(tb_optimizer_state_values(optimizer), n_params * (kind == TB_OPTIMIZER_SGD ? 1 : 2));
        memcpy(tb_optimizer_state(other), tb_optimizer_state(optimizer),
               tb_optimizer_state_values(optimizer) * sizeof(float));
        tb_optimizer_set_steps(other, tb_optimizer_steps(optimizer));
        memcpy(tb_network_params(resumed), tb_network_params(net), n_params * sizeof(float));
        make_steps(optimizer, net, 5, 4);
        make_steps(other, resumed, 5, 4);

        assert_int_equal(tb_optimizer_steps(other), 9);
        assert_memory_equal(tb_network_params(resumed), tb_network_params(net), n_params * sizeof(float));
        tb_optimizer_free(optimizer);
        tb_optimizer_free(other);
        tb_network_free(net);
        tb_network_free(resumed);
    }
}

static void biases_and_norms_do_not_decay(void **state)
{
    (void)state;
    for (tb_optimizer_kind kind = TB_OPTIMIZER_SGD; kind <= TB_OPTIMIZER_ADAMW; kind++) {
        tb_network *net = make_network(text, 5);
        tb_optimizer *optimizer = make_optimizer(net, kind);
        const size_t n_params = tb_network_n_params(net);
        float *before = tb_alloc(n_params, sizeof *before), *gradient = tb_alloc(n_params, sizeof *gradient);
        memcpy(before, tb_network_params(net), n_params * sizeof *before);
        tb_optimizer_step(optimizer, 0.01, gradient, tb_network_params(net)); /* all zero: decay alone */
        size_t n_decayed = 0;
        for (size_t i = 0; i < tb_network_n_tensors(net); i++) {
            const tb_network_tensor *tensor = tb_network_tensor_at(net, i);
            if (!tensor->trained) continue;
            const bool is_weight = strstr(tensor->name, ".weight") != NULL;
            for (size_t k = tensor->at; k < tensor->at + tensor->n_values; k++) {
                const float after = tb_network_params(net)[k];
                assert_true((after != before[k]) == is_weight);
            }
            n_decayed += is_weight;
        }
        assert_int_equal(n_decayed, 2);
        tb_optimizer_free(optimizer);
        tb_network_free(net);
        tb_free(before);
        tb_free(gradient);
    }
}

static void the_first_step_of_adam_is_the_rate(void **state)
{
    (void)state;
    tb_network *net = make_network("input 1 1 3\ndense 1 nobias", 1);
    tb_optimizer_options options = tb_optimizer_defaults;
    tb_optimizer *optimizer = NULL;
    options.weight_decay = 0;
    assert_ok(tb_optimizer_new(net, &options, &optimizer, &err));
    const float gradient[] = {1e-3f, -50, 7};
    float params[] = {1, 2, 3};
    tb_optimizer_step(optimizer, 0.125, gradient, params);
    assert_near(params[0], 1 - 0.125, 1e-5);
    assert_near(params[1], 2 + 0.125, 1e-5);
    assert_near(params[2], 3 - 0.125, 1e-5);
    tb_optimizer_free(optimizer);
    tb_network_free(net);
}

static void options_out_of_range_are_refused(void **state)
{
    (void)state;
    tb_network *net = make_network(text, 1);
    tb_optimizer *optimizer = NULL;
    tb_optimizer_options bad[6];
    for (size_t i = 0; i < 6; i++) bad[i] = tb_optimizer_defaults;
    bad[0].weight_decay = -1;
    bad[1].beta1 = 1;
    bad[2].beta2 = (double)NAN;
    bad[3].epsilon = 0;
    bad[4].kind = TB_OPTIMIZER_SGD;
    bad[4].momentum = 1;
    bad[5].kind = (tb_optimizer_kind)99;
    for (size_t i = 0; i < 6; i++)
        assert_status(tb_optimizer_new(net, &bad[i], &optimizer, &err), TB_INVALID);
    assert_null(optimizer);
    tb_optimizer_kind kind = TB_OPTIMIZER_SGD;
    assert_ok(tb_optimizer_kind_parse("adam", &kind, &err));
    assert_int_equal(kind, TB_OPTIMIZER_ADAM);
    assert_status(tb_optimizer_kind_parse("lion", &kind, &err), TB_INVALID);
    assert_non_null(strstr(err.message, "adamw"));
    tb_network_free(net);
}

static void memory_that_is_missing_is_reported(void **state)
{
    (void)state;
    tb_network *net = make_network(text, 1);
    tb_optimizer *optimizer = NULL;
    size_t n = 1;
    for (;; n++) {
        (void)tb_alloc_fail_after(n);
        const tb_status status = tb_optimizer_new(net, &tb_optimizer_defaults, &optimizer, &err);
        (void)tb_alloc_fail_after(0);
        if (status == TB_OK) break;
        assert_status(status, TB_NO_MEMORY);
    }
    assert_int_equal(n, 4);
    tb_optimizer_free(optimizer);
    tb_network_free(net);
}

static void clipping_keeps_the_direction(void **state)
{
    (void)state;
    float gradient[] = {3, 0, -4}, small[] = {3, 0, -4}, bad[] = {1, INFINITY, NAN};
    assert_near(tb_clip_gradient(gradient, 3, 1), 5, 1e-12);
    assert_near(gradient[0], 0.6, 1e-7);
    assert_near(gradient[2], -0.8, 1e-7);
    assert_near(tb_clip_gradient(small, 3, 5), 5, 1e-12);
    assert_true(small[0] == 3 && small[2] == -4);
    assert_true(!isfinite(tb_clip_gradient(bad, 3, 1)));
    assert_true(bad[0] == 1);
}

static void averages_follow_the_values(void **state)
{
    (void)state;
    float average[] = {0, 8};
    const float values[] = {4, 8};
    tb_average(average, values, 2, 0.75);
    assert_near(average[0], 1, 1e-6);
    assert_near(average[1], 8, 1e-6);
    tb_average(average, values, 2, 0);
    assert_true(average[0] == 4);
}

TB_TESTS(optimizer, cmocka_unit_test(a_resumed_training_has_the_same_bits),
         cmocka_unit_test(biases_and_norms_do_not_decay),
         cmocka_unit_test(the_first_step_of_adam_is_the_rate),
         cmocka_unit_test(options_out_of_range_are_refused),
         cmocka_unit_test(memory_that_is_missing_is_reported), cmocka_unit_test(clipping_keeps_the_direction),
         cmocka_unit_test(averages_follow_the_values))
