// SPDX-License-Identifier: MIT
#include "index/top.h"

#include "base/alloc.h"
#include "base/rng.h"
#include "support/testing.h"

#include <stdlib.h>

static int compare(const void *a, const void *b)
{
    const tb__candidate *x = a, *y = b;
    if (x->distance2 != y->distance2) return x->distance2 < y->distance2 ? -1 : 1;
    return (x->label > y->label) - (x->label < y->label);
}

enum { MAX_ITEMS = 300 };

/* Sorting all, and of each group keeping the first, is the specification. */
static void check_round(tb_rng *rng, bool best_per_group)
{
    static tb__candidate all[MAX_ITEMS], best[MAX_ITEMS];
    const size_t n = (size_t)tb_rng_below(rng, MAX_ITEMS + 1), k = 1 + (size_t)tb_rng_below(rng, 40);
    const uint64_t n_groups = 1 + tb_rng_below(rng, 60), n_distances = 1 + tb_rng_below(rng, 50);
    for (size_t i = 0; i < n; i++)
        all[i] = (tb__candidate){
            .distance2 = (double)tb_rng_below(rng, n_distances),
            .label = i * 7919 % 1009,
            .group = (uint32_t)tb_rng_below(rng, n_groups) * 64,
        };
    tb__top top;
    assert_true(tb__top_init(&top, k, best_per_group));
    for (size_t i = 0; i < n; i++) tb__top_offer(&top, &all[i]);
    tb__top_sort(&top);

    qsort(all, n, sizeof *all, compare);
    size_t n_best = 0;
    for (size_t i = 0; i < n && n_best < k; i++) {
        bool seen = false;
        for (size_t j = 0; best_per_group && j < n_best; j++) seen = seen || best[j].group == all[i].group;
        if (!seen) best[n_best++] = all[i];
    }
    assert_int_equal(top.n, n_best);
    for (size_t i = 0; i < n_best; i++) {
        assert_int_equal(top.candidates[i].label, best[i].label);
        assert_true(top.candidates[i].distance2 == best[i].distance2);
    }
    tb__top_clear(&top);
}

static void the_best_are_those_of_sorting_all(void **state)
{
    (void)state;
    tb_rng rng;
    tb_rng_init(&rng, 31);
    for (int round = 0; round < 1000; round++) check_round(&rng, false);
}

static void the_best_of_each_group_are_those_of_sorting_all(void **state)
{
    (void)state;
    tb_rng rng;
    tb_rng_init(&rng, 32);
    for (int round = 0; round < 3000; round++) check_round(&rng, true);
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    for (size_t n = 1; n <= 5; n++) {
        tb__top top;
        tb_alloc_fail_after(n);
        const bool made = tb__top_init(&top, 10, true);
        tb_alloc_fail_after(0);
        assert_int_equal(made, n == 5);
        tb__top_clear(&top);
    }
}

TB_TESTS(top,
    cmocka_unit_test(the_best_are_those_of_sorting_all),
    cmocka_unit_test(the_best_of_each_group_are_those_of_sorting_all),
    cmocka_unit_test(each_allocation_may_fail))
