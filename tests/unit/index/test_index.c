// SPDX-License-Identifier: MIT
/* Putting, replacing, removing, getting; bad input; memory. */
#include "index/index.h"

#include "base/alloc.h"
#include "support/testing.h"
#include "unit/index/index_model.h"

#include <math.h>
#include <string.h>

static const tb_index_layout two_parts = {.n_parts = 2, .part_dims = {2, 3}};

static tb_index *open_index(const tb_index_layout *layout)
{
    tb_error err;
    tb_index *index = NULL;
    assert_ok(tb_index_new(layout, 1, &index, &err));
    return index;
}

static void put(tb_index *index, uint64_t label, uint32_t group, float value)
{
    tb_error err;
    const float vector[5] = {value, value, value, value, value};
    assert_ok(tb_index_put(index, &(tb_index_item){label, group, vector, NULL}, &err));
}

static float first_value(const tb_index *index, uint64_t label)
{
    tb_error err;
    float vector[5];
    assert_ok(tb_index_get(index, label, NULL, vector, NULL, &err));
    return vector[0];
}

/* As a search finds them: what it takes and what has no part to compare. */
static size_t count_hits(const tb_index *index)
{
    tb_error err;
    const float zeros[5] = {0};
    tb_index_query query;
    tb_index_query_init(&query);
    query.vector = zeros;
    query.k = TB_INDEX_MAX_HITS;
    tb_index_result result = {0};
    assert_ok(tb_index_search(index, &query, &result, &err));
    const size_t n = result.n_hits + (size_t)result.dropped_missing;
    assert_int_equal(n, result.n_items);
    tb_index_result_clear(&result);
    return n;
}

static void layouts_out_of_range_are_refused(void **state)
{
    (void)state;
    tb_error err;
    tb_index *index = NULL;
    assert_status(tb_index_new(&(tb_index_layout){.n_parts = 0}, 1, &index, &err), TB_INVALID);
    assert_status(tb_index_new(&(tb_index_layout){.n_parts = 17}, 1, &index, &err), TB_INVALID);
    assert_status(tb_index_new(&(tb_index_layout){.n_parts = 2, .part_dims = {4, 0}}, 1, &index, &err),
                  TB_INVALID);
    assert_status(tb_index_new(&(tb_index_layout){.n_parts = 1, .part_dims = {65537}}, 1, &index, &err),
                  TB_INVALID);
    assert_status(tb_index_new(&(tb_index_layout){.n_parts = 2, .part_dims = {65536, 1}}, 1, &index, &err),
                  TB_INVALID);
    assert_status(tb_index_new(&(tb_index_layout){.n_parts = 2, .part_dims = {SIZE_MAX, 2}}, 1, &index, &err),
                  TB_INVALID);
    assert_status(tb_index_new(&two_parts, 0, &index, &err), TB_INVALID);
    assert_status(tb_index_new(&two_parts, 65, &index, &err), TB_INVALID);
    assert_null(index);
    tb_index_free(NULL);
}

static void what_was_put_is_got(void **state)
{
    (void)state;
    tb_error err;
    tb_index *index = open_index(&two_parts);
    const float vector[5] = {1, -2, 3e-40f, 1e15f, 0}, presence[2] = {0.5f, 0};
    assert_ok(tb_index_put(index, &(tb_index_item){UINT64_MAX, 7, vector, presence}, &err));
    uint32_t group = 0;
    float got[5], got_presence[2];
    assert_ok(tb_index_get(index, UINT64_MAX, &group, got, got_presence, &err));
    assert_int_equal(group, 7);
    assert_memory_equal(got, vector, sizeof got);
    assert_memory_equal(got_presence, presence, sizeof got_presence);
    assert_ok(tb_index_get(index, UINT64_MAX, NULL, NULL, NULL, &err));
    assert_status(tb_index_get(index, 0, &group, got, got_presence, &err), TB_NOT_FOUND);
    assert_int_equal(tb_index_count(index), 1);
    assert_int_equal(tb_index_dim(index), 5);
    assert_int_equal(tb_index_get_layout(index)->n_parts, 2);
    tb_index_free(index);
}

static void a_known_label_is_replaced(void **state)
{
    (void)state;
    tb_index *index = open_index(&two_parts);
    put(index, 5, 1, 1);
    put(index, 5, 2, 2);
    assert_int_equal(tb_index_count(index), 1);
    assert_int_equal(count_hits(index), 1);
    assert_true(first_value(index, 5) == 2.0f);
    assert_int_equal(tb_index_remove_group(index, 1), 0);
    assert_int_equal(tb_index_remove_group(index, 2), 1);
    assert_int_equal(tb_index_count(index), 0);
    tb_index_free(index);
}

static void of_one_label_twice_in_a_batch_the_later_counts(void **state)
{
    (void)state;
    tb_error err;
    tb_index *index = open_index(&two_parts);
    const float ones[5] = {1, 1, 1, 1, 1}, twos[5] = {2, 2, 2, 2, 2};
    const tb_index_item items[] = {{9, 1, ones, NULL}, {9, 1, twos, NULL}};
    assert_ok(tb_index_put_many(index, items, 2, &err));
    assert_int_equal(tb_index_count(index), 1);
    assert_true(first_value(index, 9) == 2.0f);
    assert_ok(tb_index_put_group(index, 1, items, 2, &err));
    assert_int_equal(tb_index_count(index), 1);
    assert_int_equal(count_hits(index), 1);
    assert_ok(tb_index_put_many(index, NULL, 0, &err));
    tb_index_free(index);
}

static void removing_takes_one_item_once(void **state)
{
    (void)state;
    tb_error err;
    tb_index *index = open_index(&two_parts);
    put(index, 1, 4, 1);
    put(index, 2, 4, 2);
    put(index, 3, 4, 3);
    assert_true(tb_index_remove(index, 2));
    assert_false(tb_index_remove(index, 2));
    assert_false(tb_index_remove(index, 99));
    assert_status(tb_index_get(index, 2, NULL, NULL, NULL, &err), TB_NOT_FOUND);
    assert_int_equal(tb_index_count(index), 2);
    assert_int_equal(tb_index_remove_group(index, 4), 2);
    assert_int_equal(tb_index_remove_group(index, 4), 0);
    assert_int_equal(count_hits(index), 0);
    tb_index_free(index);
}

static void a_group_is_replaced_as_a_whole(void **state)
{
    (void)state;
    tb_error err;
    tb_index *index = open_index(&two_parts);
    for (uint64_t label = 0; label < 5; label++) put(index, label, 1, 1);
    put(index, 50, 2, 1);
    const float twos[5] = {2, 2, 2, 2, 2};
    /* 3 stays in the group, 50 comes from another, 60 is new */
    const tb_index_item items[] = {{3, 1, twos, NULL}, {50, 1, twos, NULL}, {60, 1, twos, NULL}};
    assert_ok(tb_index_put_group(index, 1, items, 3, &err));
    assert_int_equal(tb_index_count(index), 3);
    assert_int_equal(count_hits(index), 3);
    assert_true(first_value(index, 3) == 2.0f);
    assert_true(first_value(index, 50) == 2.0f);
    assert_status(tb_index_get(index, 0, NULL, NULL, NULL, &err), TB_NOT_FOUND);
    assert_int_equal(tb_index_remove_group(index, 2), 0);
    assert_status(tb_index_put_group(index, 2, items, 3, &err), TB_INVALID);
    assert_ok(tb_index_put_group(index, 1, NULL, 0, &err));
    assert_int_equal(tb_index_count(index), 0);
    tb_index_free(index);
}

static void bad_items_are_refused_and_nothing_changes(void **state)
{
    (void)state;
    tb_error err;
    tb_index *index = open_index(&two_parts);
    put(index, 1, 1, 5);
    const float bad_values[] = {NAN, INFINITY, -INFINITY, 1.1e15f, -2e15f};
    for (size_t i = 0; i < sizeof bad_values / sizeof *bad_values; i++)
        for (size_t at = 0; at < 5; at++) {
            float vector[5] = {0};
            vector[at] = bad_values[i];
            const float absent[2] = {0, 0};
            assert_status(tb_index_put(index, &(tb_index_item){1, 1, vector, absent}, &err), TB_INVALID);
            assert_non_null(strstr(err.message, "component"));
        }
    const float good[5] = {0}, bad_presence[][2] = {{-0.1f, 1}, {0, 1.01f}, {NAN, 0}, {0, INFINITY}};
    for (size_t i = 0; i < 4; i++) {
        const tb_index_item items[] = {{2, 1, good, NULL}, {3, 1, good, bad_presence[i]}};
        assert_status(tb_index_put_many(index, items, 2, &err), TB_INVALID);
        assert_non_null(strstr(err.message, "item 2 of 2"));
        assert_status(tb_index_put_group(index, 1, items, 2, NULL), TB_INVALID);
    }
    assert_int_equal(tb_index_count(index), 1);
    assert_true(first_value(index, 1) == 5.0f);
    tb_index_free(index);
}

enum { N_LABELS = 4000, N_GROUPS = 300 };

/* The whole of the bookkeeping against the model: chunks fill, empty and are compacted on the way. */
static void random_changes_agree_with_the_model(void **state)
{
    (void)state;
    tb_error err;
    tb_rng rng;
    tb_rng_init(&rng, 41);
    tb_index *index = open_index(&two_parts);
    model m;
    model_open(&m, &two_parts);
    for (int step = 0; step < 30000; step++) {
        const bool growing = step / 6000 % 2 == 0;
        const uint64_t label = tb_rng_below(&rng, N_LABELS);
        const uint32_t group = (uint32_t)tb_rng_below(&rng, N_GROUPS);
        const uint64_t dice = tb_rng_below(&rng, 100);
        if (dice < (growing ? 80u : 30u)) {
            put_random(&rng, index, &m, label, group, true);
        } else if (dice < 98) {
            assert_int_equal(tb_index_remove(index, label), model_remove(&m, label));
        } else {
            assert_int_equal(tb_index_remove_group(index, group), model_remove_group(&m, group));
        }
        assert_int_equal(tb_index_count(index), m.n_items);
        float vector[5], presence[2];
        uint32_t got_group;
        const uint64_t other = tb_rng_below(&rng, N_LABELS);
        const model_item *expected = model_find(&m, other);
        const tb_status status = tb_index_get(index, other, &got_group, vector, presence, &err);
        assert_status(status, expected ? TB_OK : TB_NOT_FOUND);
        if (!expected) continue;
        assert_int_equal(got_group, expected->group);
        assert_memory_equal(vector, expected->vector, sizeof vector);
        assert_memory_equal(presence, expected->presence, sizeof presence);
    }
    assert_int_equal(count_hits(index), m.n_items);
    for (uint32_t group = 0; group < N_GROUPS; group++)
        assert_int_equal(tb_index_remove_group(index, group), model_remove_group(&m, group));
    assert_int_equal(tb_index_count(index), 0);
    model_close(&m);
    tb_index_free(index);
}

static void memory_does_not_grow_under_churn(void **state)
{
    (void)state;
    const tb_index_layout wide = {.n_parts = 1, .part_dims = {5}};
    tb_index *index = open_index(&wide);
    tb_index_stats stats;
    for (uint64_t i = 0; i < 100000; i++) {
        put(index, i % 100, (uint32_t)(i % 7), (float)i);
        if (i % 3 == 0) tb_index_remove(index, (i + 50) % 100);
        tb_index_get_stats(index, &stats);
        assert_true(stats.n_slots <= 3 * 1024);
        assert_true(stats.n_bytes <= 3 * 1024 * (64 + 64) + 100000);
    }
    for (uint64_t i = 0; i < 100000; i++) put(index, i, (uint32_t)(i / 10), 1);
    tb_index_get_stats(index, &stats);
    const size_t full_bytes = stats.n_bytes;
    for (uint32_t group = 0; group < 10000; group++)
        assert_int_equal(tb_index_remove_group(index, group), 10);
    tb_index_get_stats(index, &stats);
    assert_int_equal(stats.n_items, 0);
    assert_true(stats.n_slots <= 1024);
    assert_true(stats.n_bytes < full_bytes / 50);
    tb_index_free(index);
}

static void half_of_the_items_keep_at_most_twice_their_memory(void **state)
{
    (void)state;
    tb_index *index = open_index(&two_parts);
    for (uint64_t i = 0; i < 50 * 1024; i++) put(index, i, (uint32_t)i, 1);
    for (uint64_t i = 0; i < 50 * 1024; i++)
        if (i * 2654435761u % 10 < 9) tb_index_remove(index, i);
    tb_index_stats stats;
    tb_index_get_stats(index, &stats);
    assert_int_equal(stats.n_items, tb_index_count(index));
    assert_true(stats.n_slots <= 2 * stats.n_items + 2 * 1024);
    assert_int_equal(count_hits(index), stats.n_items);
    tb_index_free(index);
}

/* One way through the module; true if it got to the end.  Whatever failed, the index must be whole. */
static bool try_all(size_t n_threads)
{
    static float vectors[3000][5];
    static tb_index_item items[3000];
    for (uint64_t i = 0; i < 3000; i++) {
        vectors[i][0] = (float)i;
        items[i] = (tb_index_item){i, (uint32_t)(i / 3), vectors[i], NULL};
    }
    tb_error err;
    tb_index *index = NULL;
    tb_status status = tb_index_new(&two_parts, n_threads, &index, &err);
    if (status != TB_OK) {
        assert_status(status, TB_NO_MEMORY);
        assert_null(index);
        return false;
    }
    bool ok = true;
    size_t count = 0;
    const size_t steps[][2] = {{0, 1}, {1, 500}, {500, 3000}};
    for (size_t i = 0; i < 3; i++) {
        status = tb_index_put_many(index, items + steps[i][0], steps[i][1] - steps[i][0], &err);
        if (status == TB_OK) count += steps[i][1] - steps[i][0];
        else assert_status(status, TB_NO_MEMORY);
        assert_int_equal(tb_index_count(index), count);
        ok = ok && status == TB_OK;
    }
    if (ok) {
        status = tb_index_put_group(index, 5, items + 15, 1, &err);
        assert_int_equal(tb_index_count(index), status == TB_OK ? 2998 : 3000);
        ok = status == TB_OK;
        /* compaction needs memory and must bear its absence */
        for (uint64_t i = 100; i < 1800; i++) tb_index_remove(index, i);
    }
    const float zeros[5] = {0};
    const uint32_t exclude[] = {3, 1};
    tb_index_query query;
    tb_index_query_init(&query);
    query.vector = zeros;
    query.best_per_group = true;
    query.exclude = exclude;
    query.n_exclude = 2;
    query.n_threads = n_threads;
    tb_index_result result = {0};
    status = tb_index_search(index, &query, &result, &err);
    if (status != TB_OK) assert_status(status, TB_NO_MEMORY);
    if (status == TB_OK && count > 100) assert_int_equal(result.n_hits, 10);
    tb_index_result_clear(&result);
    tb_index_free(index);
    return ok && status == TB_OK;
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    for (size_t n_threads = 1; n_threads <= 3; n_threads += 2) {
        size_t n = 0;
        bool done = false;
        while (!done) {
            tb_alloc_fail_after(++n);
            const bool ok = try_all(n_threads);
            const size_t n_asked = tb_alloc_fail_after(0);
            done = ok && n_asked < n;
            assert_true(n < 1000);
        }
        assert_true(n > 20);
    }
}

TB_TESTS(index,
    cmocka_unit_test(layouts_out_of_range_are_refused),
    cmocka_unit_test(what_was_put_is_got),
    cmocka_unit_test(a_known_label_is_replaced),
    cmocka_unit_test(of_one_label_twice_in_a_batch_the_later_counts),
    cmocka_unit_test(removing_takes_one_item_once),
    cmocka_unit_test(a_group_is_replaced_as_a_whole),
    cmocka_unit_test(bad_items_are_refused_and_nothing_changes),
    cmocka_unit_test(random_changes_agree_with_the_model),
    cmocka_unit_test(memory_does_not_grow_under_churn),
    cmocka_unit_test(half_of_the_items_keep_at_most_twice_their_memory),
    cmocka_unit_test(each_allocation_may_fail))
