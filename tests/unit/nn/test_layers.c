// SPDX-License-Identifier: MIT
#include "support/testing.h"
#include "unit/nn/gradients.h"

static void conv_has_the_gradients_of_differences(void **state)
{
    (void)state;
    check_gradients("input 7 9 3\nconv 5 3x3 bias", 2);
    check_gradients("input 9 11 2\nconv 19 5x5 stride 2 pad 2", 3);
    check_gradients("input 8 6 1\nconv 8 5x5 stride 2 pad 2 bias", 2);
    check_gradients("input 5 6 1\nconv 41 5x5 pad 2", 2);
    check_gradients("input 10 7 3\nconv 4 4x3 stride 3x2 pad 2x1 bias", 2);
    check_gradients("input 9 8 2\nconv 3 2x2 stride 3", 2);
    check_gradients("input 1 1 5\nconv 33 1x1 bias", 4);
    check_gradients("input 2 4 6\nconv 17 5x5 stride 2 pad 2", 5);
}

static void conv_with_groups_has_the_gradients_of_differences(void **state)
{
    (void)state;
    check_gradients("input 6 7 4\nconv 6 3x3 pad 1 groups 2 bias", 2);
    check_gradients("input 6 5 5\nconv 5 3x3 stride 2 pad 1 groups 5", 2);
}

static void norm_has_the_gradients_of_differences(void **state)
{
    (void)state;
    check_gradients("input 3 5 1\nnorm", 4);
    check_gradients("input 2 3 21\nnorm\nleaky 0.9", 3);
    check_gradients("input 1 1 9\nnorm eps 0.01", 5);
    check_gradients("input 2 2 35\nnorm\nleaky 0.8", 3);
}

static void functions_of_values_have_the_gradients_of_differences(void **state)
{
    (void)state;
    check_gradients("input 3 4 5\nleaky 0.2", 2);
    check_gradients("input 3 4 5\nrelu", 2);
    check_gradients("input 3 4 5\ntanh", 2);
}

static void pooling_has_the_gradients_of_differences(void **state)
{
    (void)state;
    check_gradients("input 4 3 5\nmean time", 2);
    check_gradients("input 4 3 5\nmean all", 2);
    check_gradients("input 7 6 3\nmean 3x2 stride 2x1", 2);
    check_gradients("input 5 3 4\nmax time", 2);
    check_gradients("input 4 6 3\nmax 2", 2);
}

static void dense_has_the_gradients_of_differences(void **state)
{
    (void)state;
    check_gradients("input 1 1 13\ndense 35", 3);
    check_gradients("input 2 3 2\nflatten\ndense 5 nobias", 4);
}

static void layers_together_have_the_gradients_of_differences(void **state)
{
    (void)state;
    check_gradients(
        "input 8 8 1\nconv 4 5x5 stride 2 pad 2\nnorm\ntanh\nconv 6 3x3 stride 2 pad 1\nnorm\nmean time\n"
        "flatten\ndense 7",
        4);
}

static void results_do_not_depend_on_the_batch(void **state)
{
    (void)state;
    check_items_are_independent("input 16 20 1\nconv 9 5x5 stride 2 pad 2\nnorm\nleaky 0.2\n"
                                "conv 21 5x5 stride 2 pad 2\nnorm\nleaky 0.2\nmean time\nflatten\ndense 37",
                                7);
}

static void large_images_go_through_in_parts(void **state)
{
    (void)state;
    check_items_are_independent(
        "input 64 128 1\nconv 8 5x5 stride 2 pad 2\nleaky 0.2\nconv 5 3x3 stride 2\nnorm\n"
        "conv 3 3x3 stride 2\nmean time\nflatten\ndense 3",
        5);
    check_items_are_independent("input 64 128 1\nconv 4 5x5 stride 2 pad 2\nnorm\nleaky 0.2", 5);
}

TB_TESTS(layers, cmocka_unit_test(conv_has_the_gradients_of_differences),
         cmocka_unit_test(conv_with_groups_has_the_gradients_of_differences),
         cmocka_unit_test(norm_has_the_gradients_of_differences),
         cmocka_unit_test(functions_of_values_have_the_gradients_of_differences),
         cmocka_unit_test(pooling_has_the_gradients_of_differences),
         cmocka_unit_test(dense_has_the_gradients_of_differences),
         cmocka_unit_test(layers_together_have_the_gradients_of_differences),
         cmocka_unit_test(results_do_not_depend_on_the_batch),
         cmocka_unit_test(large_images_go_through_in_parts))
