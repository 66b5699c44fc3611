// SPDX-License-Identifier: MIT
/* Gated recurrent units: gradients through time, and steps that can be computed by hand. */
#include "base/alloc.h"
#include "nn/network.h"
#include "support/testing.h"
#include "unit/nn/gradients.h"
#include "unit/nn/network_check.h"

#include <math.h>
#include <string.h>

static tb_error err;

static void gradients_agree_with_differences(void **state)
{
    (void)state;
    check_gradients("input 5 3 2\ngru 3", 3);
    check_gradients("input 1 1 1\ngru 1", 1);
    check_gradients("input 7 1 1\ngru 5\nmean time\ndense 2", 2);
    check_gradients("input 3 2 2\ngru 4\ngru 3", 1);
}

/* One unit and one input: the gates as in the formulas of gru.c. */
static void two_steps_agree_with_the_formulas(void **state)
{
    (void)state;
    tb_network *net = NULL;
    tb_pass *pass = NULL;
    assert_ok(tb_network_parse("input 2 1 1\ngru 1", &net, &err));
    const double w[3] = {0.5, -0.3, 0.8}, u[3] = {0.2, 0.4, -0.6}, b[3] = {0.1, -0.2, 0.3}, c[3] = {-0.4, 0.5, 0.7};
    for (size_t i = 0; i < 3; i++) {
        tb_network_params(net)[i] = (float)w[i];
        tb_network_params(net)[3 + i] = (float)u[i];
        tb_network_params(net)[6 + i] = (float)b[i];
        tb_network_params(net)[9 + i] = (float)c[i];
    }
    assert_ok(tb_pass_new(net, 1, false, &pass, &err));
    const float x[2] = {1.5f, -2};
    const float *y = tb_pass_forward(pass, x, 1);
    double h = 0;
    for (size_t t = 0; t < 2; t++) {
        const double in = (double)x[t];
        const double r = 1 / (1 + exp(-(w[0] * in + b[0] + u[0] * h + c[0])));
        const double z = 1 / (1 + exp(-(w[1] * in + b[1] + u[1] * h + c[1])));
        h = (1 - z) * tanh(w[2] * in + b[2] + r * (u[2] * h + c[2])) + z * h;
        assert_near(y[t], h, 1e-6);
    }
    tb_pass_free(pass);
    tb_network_free(net);
}

static void a_later_row_does_not_change_earlier_ones(void **state)
{
    (void)state;
    tb_network *net = make_network("input 6 1 3\ngru 4", 1);
    tb_pass *pass = NULL;
    assert_ok(tb_pass_new(net, 1, false, &pass, &err));
    float *x = random_values(18, 2), before[24];
    memcpy(before, tb_pass_forward(pass, x, 1), sizeof before);
    x[4 * 3] += 1;
    const float *after = tb_pass_forward(pass, x, 1);
    assert_memory_equal(after, before, 4 * 4 * sizeof *before);
    for (size_t i = 4 * 4; i < 24; i++) assert_true(after[i] != before[i]);
    tb_free(x);
    tb_pass_free(pass);
    tb_network_free(net);
}

static void huge_inputs_saturate_the_gates(void **state)
{
    (void)state;
    tb_network *net = make_network("input 3 1 2\ngru 4", 1);
    tb_pass *pass = NULL;
    assert_ok(tb_pass_new(net, 1, false, &pass, &err));
    const float *y = tb_pass_forward(pass, (const float[]){1e20f, -1e20f, -1e20f, 1e20f, 1e20f, 1e20f}, 1);
    for (size_t i = 0; i < 12; i++) assert_true(fabsf(y[i]) <= 1);
    tb_pass_free(pass);
    tb_network_free(net);
}

static void items_do_not_see_each_other(void **state)
{
    (void)state;
    check_items_are_independent("input 5 3 2\ngru 7", 5);
    check_items_are_independent("input 9 1 33\ngru 40", 3);
}

static void bad_texts_are_refused(void **state)
{
    (void)state;
    check_refused("input 4 1 2\ngru", TB_SYNTAX, "size");
    check_refused("input 4 1 2\ngru 0", TB_SYNTAX, "size");
    check_refused("input 4 1 2\ngru 16383", TB_TOO_LARGE, "gru");
    check_refused("input 65536 1 1\ngru 100", TB_TOO_LARGE, "values");
}

static void memory_that_is_missing_is_reported(void **state)
{
    (void)state;
    check_without_memory("input 4 1 2\ngru 3");
}

TB_TESTS(gru, cmocka_unit_test(gradients_agree_with_differences), cmocka_unit_test(two_steps_agree_with_the_formulas),
         cmocka_unit_test(a_later_row_does_not_change_earlier_ones),
         cmocka_unit_test(huge_inputs_saturate_the_gates), cmocka_unit_test(items_do_not_see_each_other),
         cmocka_unit_test(bad_texts_are_refused), cmocka_unit_test(memory_that_is_missing_is_reported))
