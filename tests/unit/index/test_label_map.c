// SPDX-License-Identifier: MIT
#include "index/label_map.h"

#include "base/alloc.h"
#include "base/rng.h"
#include "support/testing.h"

typedef struct fixture {
    tb__reclaim *reclaim;
    atomic_size_t n_bytes;
    tb__map map;
} fixture;

static void open_fixture(fixture *f)
{
    f->reclaim = tb__reclaim_new();
    assert_non_null(f->reclaim);
    atomic_init(&f->n_bytes, 0);
    tb__map_init(&f->map, f->reclaim, &f->n_bytes);
}

static void close_fixture(fixture *f)
{
    tb__map_clear(&f->map);
    tb__reclaim_free(f->reclaim);
    assert_int_equal(atomic_load(&f->n_bytes), 0);
}

static void an_empty_map_finds_nothing(void **state)
{
    (void)state;
    fixture f;
    open_fixture(&f);
    assert_int_equal(tb__map_get(&f.map, 0), TB__MAP_NONE);
    tb__map_remove(&f.map, 0);
    tb__map_trim(&f.map);
    close_fixture(&f);
}

static void keys_of_any_value_are_found(void **state)
{
    (void)state;
    fixture f;
    open_fixture(&f);
    const uint64_t keys[] = {0, 1, UINT64_MAX, UINT64_MAX - 1, UINT64_C(1) << 63};
    assert_true(tb__map_reserve(&f.map, 5));
    for (uint64_t i = 0; i < 5; i++) tb__map_put(&f.map, keys[i], i + 1);
    for (uint64_t i = 0; i < 5; i++) assert_int_equal(tb__map_get(&f.map, keys[i]), i + 1);
    tb__map_put(&f.map, UINT64_MAX, TB__MAP_MAX_VALUE);
    assert_true(tb__map_get(&f.map, UINT64_MAX) == TB__MAP_MAX_VALUE);
    close_fixture(&f);
}

enum { N_KEYS = 500 };

static void random_changes_agree_with_an_array(void **state)
{
    (void)state;
    fixture f;
    open_fixture(&f);
    uint64_t expected[N_KEYS] = {0};
    tb_rng rng;
    tb_rng_init(&rng, 21);
    for (int step = 0; step < 100000; step++) {
        const uint64_t key = tb_rng_below(&rng, N_KEYS) * 1000;
        /* long runs of mostly putting, then of mostly removing */
        const bool putting = tb_rng_below(&rng, 10) < (step / 5000 % 2 ? 1u : 8u);
        if (putting) {
            assert_true(tb__map_reserve(&f.map, 1));
            tb__map_put(&f.map, key, (uint64_t)step + 1);
            expected[key / 1000] = (uint64_t)step + 1;
        } else {
            tb__map_remove(&f.map, key);
            expected[key / 1000] = TB__MAP_NONE;
            tb__map_trim(&f.map);
        }
        tb__reclaim_collect(f.reclaim);
        const uint64_t other = tb_rng_below(&rng, N_KEYS);
        assert_int_equal(tb__map_get(&f.map, other * 1000), expected[other]);
    }
    size_t n_live = 0;
    for (uint64_t i = 0; i < N_KEYS; i++) n_live += expected[i] != TB__MAP_NONE;
    assert_int_equal(f.map.n_live, n_live);
    close_fixture(&f);
}

static void memory_does_not_grow_under_churn(void **state)
{
    (void)state;
    fixture f;
    open_fixture(&f);
    for (uint64_t key = 0; key < 200000; key++) {
        assert_true(tb__map_reserve(&f.map, 1));
        tb__map_put(&f.map, key, 1);
        if (key >= 100) tb__map_remove(&f.map, key - 100);
        tb__reclaim_collect(f.reclaim);
        assert_true(atomic_load(&f.n_bytes) < 20000);
    }
    close_fixture(&f);
}

static void reserving_without_memory_changes_nothing(void **state)
{
    (void)state;
    fixture f;
    open_fixture(&f);
    assert_true(tb__map_reserve(&f.map, 1));
    tb__map_put(&f.map, 5, 6);
    tb_alloc_fail_after(1);
    const bool reserved = tb__map_reserve(&f.map, 1000);
    tb_alloc_fail_after(0);
    assert_false(reserved);
    assert_false(tb__map_reserve(&f.map, SIZE_MAX / 4));
    assert_int_equal(tb__map_get(&f.map, 5), 6);
    close_fixture(&f);
}

TB_TESTS(label_map,
    cmocka_unit_test(an_empty_map_finds_nothing),
    cmocka_unit_test(keys_of_any_value_are_found),
    cmocka_unit_test(random_changes_agree_with_an_array),
    cmocka_unit_test(memory_does_not_grow_under_churn),
    cmocka_unit_test(reserving_without_memory_changes_nothing))
