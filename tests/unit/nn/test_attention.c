// SPDX-License-Identifier: MIT
/* Attention pooling: gradients, and what it must give in cases that can be seen at once. */
#include "base/alloc.h"
#include "nn/network.h"
#include "support/testing.h"
#include "unit/nn/gradients.h"
#include "unit/nn/network_check.h"

#include <string.h>

static tb_error err;

static void gradients_agree_with_differences(void **state)
{
    (void)state;
    check_gradients("input 5 3 2\nattention 7 time", 3);
    check_gradients("input 3 5 2\nattention 4 all", 2);
    check_gradients("input 1 1 1\nattention 1 time", 1);
    check_gradients("input 7 1 3\ntanh\nattention 3 time\ndense 2", 2);
}

static void without_scores_it_is_the_mean(void **state)
{
    (void)state;
    tb_network *net = NULL, *mean = NULL;
    tb_pass *pass = NULL, *mean_pass = NULL;
    assert_ok(tb_network_parse("input 7 3 2\nattention 4 time", &net, &err)); /* all parameters are 0 */
    assert_ok(tb_network_parse("input 7 3 2\nmean time", &mean, &err));
    assert_ok(tb_pass_new(net, 2, false, &pass, &err));
    assert_ok(tb_pass_new(mean, 2, false, &mean_pass, &err));
    float *x = random_values(2 * 7 * 3 * 2, 1);
    const float *got = tb_pass_forward(pass, x, 2), *expected = tb_pass_forward(mean_pass, x, 2);
    for (size_t i = 0; i < 2 * 3 * 2; i++) assert_near(got[i], expected[i], 1e-6);
    tb_free(x);
    tb_pass_free(mean_pass);
    tb_pass_free(pass);
    tb_network_free(mean);
    tb_network_free(net);
}

static void a_row_with_a_high_score_is_the_result(void **state)
{
    (void)state;
    tb_network *net = NULL;
    tb_pass *pass = NULL;
    assert_ok(tb_network_parse("input 4 1 2\nattention 1 time", &net, &err));
    const float params[4] = {10, 0, 0, 1e4f}; /* weight, bias, query: looks at the first channel */
    memcpy(tb_network_params(net), params, sizeof params);
    assert_ok(tb_pass_new(net, 1, false, &pass, &err));
    const float x[8] = {-1, 2, 1, 3, -2, 4, 0, 5};
    const float *y = tb_pass_forward(pass, x, 1);
    assert_near(y[0], 1, 0);
    assert_near(y[1], 3, 0);
    tb_pass_free(pass);
    tb_network_free(net);
}

static void items_do_not_see_each_other(void **state)
{
    (void)state;
    check_items_are_independent("input 5 3 2\nattention 7 time", 5);
    check_items_are_independent("input 6 3 33\nattention 17 all", 3);
}

static void bad_texts_are_refused(void **state)
{
    (void)state;
    check_refused("input 4 1 2\nattention", TB_SYNTAX, "size");
    check_refused("input 4 1 2\nattention 3", TB_SYNTAX, "\"time\" or \"all\"");
    check_refused("input 4 1 2\nattention 0 time", TB_SYNTAX, "size");
    check_refused("input 4 1 2\nattention 3 time x", TB_SYNTAX, "x");
    check_refused("input 2048 1 64\nattention 65536 time", TB_TOO_LARGE, "attention");
}

static void memory_that_is_missing_is_reported(void **state)
{
    (void)state;
    check_without_memory("input 4 1 2\nattention 3 time");
}

TB_TESTS(attention, cmocka_unit_test(gradients_agree_with_differences),
         cmocka_unit_test(without_scores_it_is_the_mean), cmocka_unit_test(a_row_with_a_high_score_is_the_result),
         cmocka_unit_test(items_do_not_see_each_other), cmocka_unit_test(bad_texts_are_refused),
         cmocka_unit_test(memory_that_is_missing_is_reported))
