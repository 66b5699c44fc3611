// SPDX-License-Identifier: MIT
/* Local response normalisation: gradients, windows at the edges, and the paper's formula by hand. */
#include "nn/network.h"
#include "support/testing.h"
#include "unit/nn/gradients.h"
#include "unit/nn/network_check.h"

#include <math.h>

static tb_error err;

static void gradients_agree_with_differences(void **state)
{
    (void)state;
    check_gradients("input 2 3 7\nresponse 5 alpha 0.7 beta 0.75 k 2", 2);
    check_gradients("input 1 2 6\nresponse 4 alpha 1.5 beta 0.5 k 1", 3);
    check_gradients("input 1 1 3\nresponse 9 alpha 1", 1);
    check_gradients("input 2 1 1\nresponse 1 alpha 1 beta 2", 2);
}

static void a_channel_is_divided_by_its_neighbours(void **state)
{
    (void)state;
    tb_network *net = NULL;
    tb_pass *pass = NULL;
    assert_ok(tb_network_parse("input 1 1 4\nresponse 3 alpha 0.6 beta 0.5 k 2", &net, &err));
    assert_ok(tb_pass_new(net, 1, false, &pass, &err));
    const float *y = tb_pass_forward(pass, (const float[]){1, -2, 3, 4}, 1);
    assert_near(y[0], 1 / sqrt(2 + 0.2 * (1 + 4)), 1e-6);
    assert_near(y[1], -2 / sqrt(2 + 0.2 * (1 + 4 + 9)), 1e-6);
    assert_near(y[2], 3 / sqrt(2 + 0.2 * (4 + 9 + 16)), 1e-6);
    assert_near(y[3], 4 / sqrt(2 + 0.2 * (9 + 16)), 1e-6);
    tb_pass_free(pass);
    tb_network_free(net);
}

static void silence_stays_silence(void **state)
{
    (void)state;
    tb_network *net = NULL;
    tb_pass *pass = NULL;
    assert_ok(tb_network_parse("input 1 1 3\nresponse 5 k 0.000001 beta 3", &net, &err));
    assert_ok(tb_pass_new(net, 1, false, &pass, &err));
    const float *y = tb_pass_forward(pass, (const float[]){0, 0, 0}, 1);
    for (size_t i = 0; i < 3; i++) assert_near(y[i], 0, 0);
    tb_pass_free(pass);
    tb_network_free(net);
}

static void items_do_not_see_each_other(void **state)
{
    (void)state;
    check_items_are_independent("input 3 5 17\nresponse 5 alpha 1", 3);
}

static void bad_texts_are_refused(void **state)
{
    (void)state;
    check_refused("input 4 1 2\nresponse", TB_SYNTAX, "size");
    check_refused("input 4 1 2\nresponse 0", TB_SYNTAX, "size");
    check_refused("input 4 1 2\nresponse 5 k 0", TB_SYNTAX, "k");
    check_refused("input 4 1 2\nresponse 5 alpha -1", TB_SYNTAX, "alpha");
    check_refused("input 4 1 2\nresponse 5 gamma 1", TB_SYNTAX, "gamma");
}

static void memory_that_is_missing_is_reported(void **state)
{
    (void)state;
    check_without_memory("input 4 1 2\nresponse 3");
}

TB_TESTS(response, cmocka_unit_test(gradients_agree_with_differences),
         cmocka_unit_test(a_channel_is_divided_by_its_neighbours), cmocka_unit_test(silence_stays_silence),
         cmocka_unit_test(items_do_not_see_each_other), cmocka_unit_test(bad_texts_are_refused),
         cmocka_unit_test(memory_that_is_missing_is_reported))
