// SPDX-License-Identifier: MIT
/* Statistics pooling: gradients, means and deviations by hand. */
#include "nn/network.h"
#include "support/testing.h"
#include "unit/nn/gradients.h"
#include "unit/nn/network_check.h"

#include <math.h>

static tb_error err;

static void gradients_agree_with_differences(void **state)
{
    (void)state;
    check_gradients("input 7 3 2\nstatistics time", 3);
    check_gradients("input 3 5 3\nstatistics all", 2);
    check_gradients("input 5 1 1\nstatistics time\ndense 3", 1);
}

static void means_come_before_deviations(void **state)
{
    (void)state;
    tb_network *net = NULL;
    tb_pass *pass = NULL;
    assert_ok(tb_network_parse("input 2 2 2\nstatistics time", &net, &err));
    assert_int_equal(tb_network_output(net).height, 1);
    assert_int_equal(tb_network_output(net).width, 2);
    assert_int_equal(tb_network_output(net).channels, 4);
    assert_ok(tb_pass_new(net, 1, false, &pass, &err));
    const float *y = tb_pass_forward(pass, (const float[]){1, 2, 3, 4, 5, -8, 3, 10}, 1);
    const double expected[8] = {3, -3, 2, 5, 3, 7, 0, 3}; /* [width][means, deviations] */
    for (size_t i = 0; i < 8; i++) {
        const double deviation_floor = i % 4 >= 2 ? 1e-5 : 0;
        assert_near(y[i], i % 4 < 2 ? expected[i] : sqrt(expected[i] * expected[i] + deviation_floor), 1e-6);
    }
    tb_pass_free(pass);
    tb_network_free(net);
}

static void bands_count_as_time_in_all(void **state)
{
    (void)state;
    tb_network *net = NULL;
    tb_pass *pass = NULL;
    assert_ok(tb_network_parse("input 2 2 1\nstatistics all", &net, &err));
    assert_ok(tb_pass_new(net, 1, false, &pass, &err));
    const float *y = tb_pass_forward(pass, (const float[]){1, 3, 5, 7}, 1);
    assert_near(y[0], 4, 1e-6);
    assert_near(y[1], sqrt(5 + 1e-5), 1e-6);
    tb_pass_free(pass);
    tb_network_free(net);
}

/* The sum of squares is that of what is left without the mean, so a large constant does not drown it. */
static void a_constant_does_not_change_the_deviation(void **state)
{
    (void)state;
    tb_network *net = NULL;
    tb_pass *pass = NULL;
    assert_ok(tb_network_parse("input 4 1 1\nstatistics time", &net, &err));
    assert_ok(tb_pass_new(net, 1, false, &pass, &err));
    const float *y = tb_pass_forward(pass, (const float[]){4096 - 1, 4096 + 1, 4096 - 1, 4096 + 1}, 1);
    assert_near(y[0], 4096, 0);
    assert_near(y[1], sqrt(1 + 1e-5), 1e-6);
    tb_pass_free(pass);
    tb_network_free(net);
}

static void items_do_not_see_each_other(void **state)
{
    (void)state;
    check_items_are_independent("input 5 3 17\nstatistics time", 3);
}

static void bad_texts_are_refused(void **state)
{
    (void)state;
    check_refused("input 4 1 2\nstatistics", TB_SYNTAX, "\"time\" or \"all\"");
    check_refused("input 4 1 2\nstatistics bands", TB_SYNTAX, "\"time\" or \"all\"");
    check_refused("input 4 1 2\nstatistics time 3", TB_SYNTAX, "3");
}

TB_TESTS(statistics, cmocka_unit_test(gradients_agree_with_differences),
         cmocka_unit_test(means_come_before_deviations), cmocka_unit_test(bands_count_as_time_in_all),
         cmocka_unit_test(a_constant_does_not_change_the_deviation), cmocka_unit_test(items_do_not_see_each_other),
         cmocka_unit_test(bad_texts_are_refused))
