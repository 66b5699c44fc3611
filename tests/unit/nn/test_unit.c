// SPDX-License-Identifier: MIT
/* Unit length: gradients, lengths, and vectors without direction. */
#include "base/alloc.h"
#include "nn/network.h"
#include "support/testing.h"
#include "unit/nn/gradients.h"
#include "unit/nn/network_check.h"

#include <math.h>

static tb_error err;

static void gradients_agree_with_differences(void **state)
{
    (void)state;
    check_gradients("input 1 1 15\nunit 5", 3);
    check_gradients("input 2 3 7\nunit", 1);
    check_gradients("input 1 1 3\ndense 6\nunit 3", 2);
}

static void each_group_has_unit_length(void **state)
{
    (void)state;
    tb_network *net = make_network("input 2 1 15\nunit 5", 1);
    tb_pass *pass = NULL;
    assert_ok(tb_pass_new(net, 3, false, &pass, &err));
    float *x = random_values(90, 2);
    const float *y = tb_pass_forward(pass, x, 3);
    for (size_t g = 0; g < 18; g++) {
        double sum = 0;
        for (size_t i = 0; i < 5; i++) sum += (double)y[g * 5 + i] * (double)y[g * 5 + i];
        assert_near(sum, 1, 1e-6);
        assert_near(y[g * 5] * x[g * 5 + 1], y[g * 5 + 1] * x[g * 5], 1e-6); /* the direction stays */
    }
    tb_free(x);
    tb_pass_free(pass);
    tb_network_free(net);
}

static void a_vector_without_length_gives_zeros(void **state)
{
    (void)state;
    tb_network *net = make_network("input 1 1 4\nunit 2", 1);
    tb_pass *pass = NULL;
    assert_ok(tb_pass_new(net, 1, true, &pass, &err));
    float dx[4];
    const float *y = tb_pass_forward(pass, (const float[]){0, 0, 1e30f, 1e30f}, 1);
    assert_near(y[0], 0, 0);
    assert_near(y[1], 0, 0);
    assert_near(y[2], sqrt(0.5), 1e-6);
    tb_pass_backward(pass, (const float[]){1, 2, 3, 4}, dx);
    for (size_t i = 0; i < 4; i++) assert_true(isfinite(dx[i]));
    assert_near(dx[0], 0, 0);
    tb_pass_free(pass);
    tb_network_free(net);
}

static void items_do_not_see_each_other(void **state)
{
    (void)state;
    check_items_are_independent("input 3 1 14\nunit 7", 3);
}

static void bad_texts_are_refused(void **state)
{
    (void)state;
    check_refused("input 4 1 6\nunit 4", TB_INVALID, "groups of 4");
    check_refused("input 4 1 6\nunit 0", TB_SYNTAX, "size");
    check_refused("input 4 1 6\nunit 7", TB_SYNTAX, "size");
    check_refused("input 4 1 6\nunit 3 3", TB_SYNTAX, "3");
}

TB_TESTS(unit, cmocka_unit_test(gradients_agree_with_differences), cmocka_unit_test(each_group_has_unit_length),
         cmocka_unit_test(a_vector_without_length_gives_zeros), cmocka_unit_test(items_do_not_see_each_other),
         cmocka_unit_test(bad_texts_are_refused))
