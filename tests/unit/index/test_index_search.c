// SPDX-License-Identifier: MIT
/* Searches against the model in double precision, and what bad queries get. */
#include "index/index.h"

#include "index/index_internal.h"
#include "support/testing.h"
#include "unit/index/index_model.h"

#include <math.h>
#include <string.h>

static const tb_index_layout layouts[] = {
    {.n_parts = 1, .part_dims = {1}},
    {.n_parts = 1, .part_dims = {128}},
    {.n_parts = 2, .part_dims = {3, 17}},
    {.n_parts = 5, .part_dims = {8, 8, 8, 8, 8}},
    {.n_parts = 4, .part_dims = {33, 5, 16, 1}},
    {.n_parts = 3, .part_dims = {40, 65, 32}},
    {.n_parts = 16, .part_dims = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}},
};
enum { N_LAYOUTS = sizeof layouts / sizeof *layouts };

static tb_index *open_index(const tb_index_layout *layout, size_t n_threads)
{
    tb_error err;
    tb_index *index = NULL;
    assert_ok(tb_index_new(layout, n_threads, &index, &err));
    return index;
}

/* A query with everything at random.  Its arrays live until the next call. */
static void random_query(tb_rng *rng, const model *m, bool integers, uint32_t n_groups, tb_bitmap *filter,
                         tb_index_query *query)
{
    static float vector[MODEL_MAX_DIM], presence[TB_INDEX_MAX_PARTS];
    static float weights[TB_INDEX_MAX_PARTS], penalties[TB_INDEX_MAX_PARTS];
    static uint32_t exclude[20];
    const size_t n_parts = m->layout.n_parts;
    tb_index_query_init(query);
    random_vector(rng, vector, m->dim, integers);
    query->vector = vector;
    random_presence(rng, presence, n_parts);
    if (tb_rng_below(rng, 2)) query->presence = presence;
    /* one part, powers of two, or any weights; some of them 0, at least one not */
    const uint64_t kind = tb_rng_below(rng, 4);
    for (size_t c = 0; c < n_parts; c++) {
        penalties[c] = (float)tb_rng_below(rng, 10);
        if (kind == 0) weights[c] = 0;
        else if (tb_rng_below(rng, 3) == 0) weights[c] = 0;
        else if (kind == 1 || integers) weights[c] = ldexpf(1, (int)tb_rng_below(rng, 5) - 2);
        else weights[c] = (float)tb_rng_uniform(rng);
    }
    weights[tb_rng_below(rng, n_parts)] = 1;
    if (tb_rng_below(rng, 6)) query->weights = weights;
    query->missing = (tb_missing)tb_rng_below(rng, 3);
    if (tb_rng_below(rng, 2)) query->penalties = penalties;
    if (tb_rng_below(rng, 4) == 0) query->min_presence = 0.5f;
    if (tb_rng_below(rng, 3) == 0) {
        const uint64_t density = 1 + tb_rng_below(rng, 100);
        tb_bitmap_clear(filter);
        for (uint32_t group = 0; group < n_groups; group++)
            if (tb_rng_below(rng, 100) < density) assert_status(tb_bitmap_set(filter, group), TB_OK);
        if (tb_rng_below(rng, 4) == 0) assert_status(tb_bitmap_resize(filter, n_groups / 2), TB_OK);
        query->filter = filter;
    }
    if (tb_rng_below(rng, 3) == 0) {
        query->n_exclude = (size_t)tb_rng_below(rng, 20);
        for (size_t i = 0; i < query->n_exclude; i++) exclude[i] = (uint32_t)tb_rng_below(rng, n_groups + 5);
        query->exclude = exclude;
    }
    if (integers && tb_rng_below(rng, 3) == 0)
        query->max_distance2 = (double)tb_rng_below(rng, 3 * (uint64_t)m->dim);
    query->best_per_group = tb_rng_below(rng, 3) == 0;
    query->explain = tb_rng_below(rng, 2) == 0;
    query->k = tb_rng_below(rng, 10) == 0 ? 5000 : 1 + (size_t)tb_rng_below(rng, 50);
    query->n_threads = (size_t)tb_rng_below(rng, 4);
}

/* Grows, changes and shrinks a library and searches it on the way. */
static void compare_random(uint64_t seed, bool integers, size_t n_threads, int n_rounds)
{
    tb_rng rng;
    tb_rng_init(&rng, seed);
    for (size_t l = 0; l < N_LAYOUTS; l++) {
        tb_index *index = open_index(&layouts[l], n_threads);
        model m;
        model_open(&m, &layouts[l]);
        tb_bitmap filter = TB_BITMAP_INIT;
        for (int round = 0; round < n_rounds; round++) {
            const uint32_t n_groups = 1 + (uint32_t)tb_rng_below(&rng, 200);
            const uint64_t n_puts = round % 8 == 7 ? 1500 : tb_rng_below(&rng, 30);
            for (uint64_t i = 0; i < n_puts && m.n_items < 4000; i++)
                put_random(&rng, index, &m, tb_rng_below(&rng, 6000), (uint32_t)tb_rng_below(&rng, n_groups),
                           integers);
            const uint64_t n_removes = round % 16 == 15 ? 2500 : tb_rng_below(&rng, 30);
            for (uint64_t i = 0; i < n_removes; i++) {
                const uint64_t label = tb_rng_below(&rng, 6000);
                assert_int_equal(tb_index_remove(index, label), model_remove(&m, label));
            }
            for (int i = 0; i < 6; i++) {
                tb_index_query query;
                random_query(&rng, &m, integers, n_groups, &filter, &query);
                compare_search(index, &m, &query, integers);
            }
        }
        tb_bitmap_clear(&filter);
        model_close(&m);
        tb_index_free(index);
    }
}

static void searches_of_integers_equal_the_model_with_ties(void **state)
{
    (void)state;
    compare_random(51, true, 1, 20);
}

static void searches_of_integers_on_threads_equal_the_model(void **state)
{
    (void)state;
    compare_random(52, true, 3, 17);
}

static void searches_of_real_numbers_agree_with_double_precision(void **state)
{
    (void)state;
    compare_random(53, false, 2, 17);
}

static void every_kernel_gives_the_same_neighbours(void **state)
{
    (void)state;
    size_t n_tables;
    const tb_distance_table *const *tables = tb_distance_usable(&n_tables);
    for (size_t t = 0; t < n_tables; t++) {
        tb_rng rng;
        tb_rng_init(&rng, 54);
        tb_index *index = open_index(&layouts[4], 1);
        index->kernels = tables[t];
        model m;
        model_open(&m, &layouts[4]);
        for (uint64_t label = 0; label < 2100; label++)
            put_random(&rng, index, &m, label, (uint32_t)label % 50, true);
        tb_bitmap filter = TB_BITMAP_INIT;
        for (int i = 0; i < 60; i++) {
            tb_index_query query;
            random_query(&rng, &m, true, 50, &filter, &query);
            compare_search(index, &m, &query, true);
        }
        tb_bitmap_clear(&filter);
        model_close(&m);
        tb_index_free(index);
    }
}

static const tb_index_layout three_ones = {.n_parts = 3, .part_dims = {1, 1, 1}};

static void put3(tb_index *index, uint64_t label, float a, float b, float c, const float *presence)
{
    tb_error err;
    const float vector[3] = {a, b, c};
    assert_ok(tb_index_put(index, &(tb_index_item){label, (uint32_t)label, vector, presence}, &err));
}

/* The three rules on numbers that can be checked by hand. */
static void missing_parts_follow_their_rule(void **state)
{
    (void)state;
    tb_error err;
    tb_index *index = open_index(&three_ones, 1);
    put3(index, 1, 1, 2, 3, NULL);
    put3(index, 2, 1, 9, 9, (float[]){1, 0, 0});
    put3(index, 3, 9, 9, 3, (float[]){0, 0, 1});
    const float zeros[3] = {0}, weights[3] = {1, 2, 4}, presence[3] = {1, 1, 0}, penalties[3] = {10, 20, 30};
    tb_index_query query;
    tb_index_query_init(&query);
    query.vector = zeros;
    query.weights = weights;
    query.presence = presence;
    query.penalties = penalties;
    tb_index_result result = {0};

    query.missing = TB_MISSING_SKIP; /* item 1: (1*1 + 2*4) * 7/3; item 2: 1 * 7/1; item 3 shares nothing */
    assert_ok(tb_index_search(index, &query, &result, &err));
    assert_int_equal(result.n_hits, 2);
    assert_int_equal(result.dropped_missing, 1);
    assert_int_equal(result.hits[0].label, 2);
    assert_near(result.hits[0].distance2, 7, 1e-9);
    assert_near(result.hits[0].weight_used, 1, 0);
    assert_int_equal(result.hits[1].label, 1);
    assert_near(result.hits[1].distance2, 21, 1e-9);
    assert_near(result.hits[1].part_distance2[1], 4, 0);
    assert_near(result.hits[1].part_distance2[2], -1, 0);
    tb_index_result_clear(&result);

    query.missing = TB_MISSING_EXCLUDE; /* item 2 lacks part 1, which the query has */
    assert_ok(tb_index_search(index, &query, &result, &err));
    assert_int_equal(result.n_hits, 1);
    assert_int_equal(result.dropped_missing, 2);
    assert_int_equal(result.hits[0].label, 1);
    tb_index_result_clear(&result);

    query.missing = TB_MISSING_PENALIZE; /* item 1: 9 + 4*30; item 2: 1 + 2*20, and part 2 is in neither */
    assert_ok(tb_index_search(index, &query, &result, &err));
    assert_int_equal(result.n_hits, 2);
    assert_near(result.hits[0].distance2, 41, 1e-9);
    assert_near(result.hits[1].distance2, 129, 1e-9);
    tb_index_result_clear(&result);
    tb_index_free(index);
}

static void bad_queries_are_refused(void **state)
{
    (void)state;
    tb_error err;
    tb_index *index = open_index(&three_ones, 1);
    put3(index, 1, 0, 0, 0, NULL);
    const float zeros[3] = {0};
    tb_index_query good;
    tb_index_query_init(&good);
    good.vector = zeros;
    tb_index_result untouched, result;
    memset(&untouched, 0x5a, sizeof untouched);
    memcpy(&result, &untouched, sizeof result);
    const float bad_lists[][3] = {{0, NAN, 0}, {1, INFINITY, 1}, {1, -1, 1}};
    for (size_t i = 0; i < 3; i++) {
        tb_index_query query = good;
        query.weights = bad_lists[i];
        assert_status(tb_index_search(index, &query, &result, &err), TB_INVALID);
        assert_non_null(strstr(err.message, "weight of part 1"));
        query = good;
        query.penalties = bad_lists[i];
        assert_status(tb_index_search(index, &query, &result, &err), TB_INVALID);
        query = good;
        query.presence = bad_lists[i];
        assert_status(tb_index_search(index, &query, &result, &err), TB_INVALID);
    }
    tb_index_query query = good;
    query.weights = zeros;
    assert_status(tb_index_search(index, &query, &result, &err), TB_INVALID);
    assert_non_null(strstr(err.message, "all weights are 0"));
    query = good;
    query.k = 0;
    assert_status(tb_index_search(index, &query, &result, &err), TB_INVALID);
    query.k = TB_INDEX_MAX_HITS + 1;
    assert_status(tb_index_search(index, &query, &result, &err), TB_INVALID);
    query = good;
    query.max_distance2 = -1;
    assert_status(tb_index_search(index, &query, &result, &err), TB_INVALID);
    query.max_distance2 = NAN;
    assert_status(tb_index_search(index, &query, &result, &err), TB_INVALID);
    query = good;
    query.min_presence = NAN;
    assert_status(tb_index_search(index, &query, &result, &err), TB_INVALID);
    query.min_presence = 1.5f;
    assert_status(tb_index_search(index, &query, &result, &err), TB_INVALID);
    const float bad_vectors[][3] = {{NAN, 0, 0}, {0, INFINITY, 0}, {0, 0, 2e15f}};
    for (size_t i = 0; i < 3; i++) {
        query = good;
        query.vector = bad_vectors[i];
        assert_status(tb_index_search(index, &query, &result, &err), TB_INVALID);
    }
    assert_memory_equal(&result, &untouched, sizeof result);
    tb_index_free(index);
}

/* A part that the query says it lacks has no meaningful vector, so nobody looks at it. */
static void absent_parts_of_a_query_may_hold_anything(void **state)
{
    (void)state;
    tb_error err;
    tb_index *index = open_index(&three_ones, 1);
    put3(index, 1, 1, 1, 1, NULL);
    tb_index_query query;
    tb_index_query_init(&query);
    query.vector = (const float[]){0, NAN, 0};
    query.presence = (const float[]){1, 0, 1};
    query.explain = true;
    tb_index_result result = {0};
    assert_ok(tb_index_search(index, &query, &result, &err));
    assert_int_equal(result.n_hits, 1);
    assert_near(result.hits[0].distance2, 3, 1e-9);
    tb_index_result_clear(&result);
    tb_index_free(index);
}

static void search_for(const tb_index *index, tb_index_query query, size_t n_hits)
{
    tb_error err;
    const float zeros[3] = {0};
    query.vector = zeros;
    tb_index_result result = {0};
    assert_ok(tb_index_search(index, &query, &result, &err));
    assert_int_equal(result.n_hits, n_hits);
    tb_index_result_clear(&result);
}

static void empty_and_emptied_libraries_answer_nothing(void **state)
{
    (void)state;
    tb_index *index = open_index(&three_ones, 2);
    tb_index_query query;
    tb_index_query_init(&query);
    search_for(index, query, 0);
    query.n_threads = 2;
    search_for(index, query, 0);
    for (uint64_t label = 0; label < 3000; label++) put3(index, label, 1, 2, 3, NULL);
    query.k = TB_INDEX_MAX_HITS;
    search_for(index, query, 3000);
    for (uint64_t label = 0; label < 3000; label++) assert_true(tb_index_remove(index, label));
    search_for(index, query, 0);
    put3(index, 7, 1, 2, 3, NULL);
    search_for(index, query, 1);
    tb_index_free(index);
}

static void equal_vectors_come_in_the_order_of_labels(void **state)
{
    (void)state;
    tb_error err;
    tb_index *index = open_index(&layouts[1], 3);
    tb_rng rng;
    tb_rng_init(&rng, 55);
    float vector[128], zeros[128] = {0};
    random_vector(&rng, vector, 128, false);
    for (uint64_t i = 0; i < 5000; i++)
        assert_ok(tb_index_put(index, &(tb_index_item){i * 2137 % 5000, 0, vector, NULL}, &err));
    for (uint64_t label = 10; label < 5000; label += 3) tb_index_remove(index, label);
    tb_index_query query;
    tb_index_query_init(&query);
    query.vector = zeros;
    query.k = 12;
    const uint64_t expected[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12};
    for (size_t n_threads = 0; n_threads < 4; n_threads++) {
        query.n_threads = n_threads;
        tb_index_result result = {0};
        assert_ok(tb_index_search(index, &query, &result, &err));
        assert_int_equal(result.n_hits, 12);
        for (size_t i = 0; i < 12; i++) assert_int_equal(result.hits[i].label, expected[i]);
        tb_index_result_clear(&result);
    }
    tb_index_free(index);
}

static void a_part_that_nobody_has_gives_no_hits_and_says_so(void **state)
{
    (void)state;
    tb_error err;
    tb_index *index = open_index(&three_ones, 1);
    for (uint64_t label = 0; label < 10; label++) put3(index, label, 1, 2, 3, (float[]){1, 0, 1});
    const float zeros[3] = {0};
    tb_index_query query;
    tb_index_query_init(&query);
    query.vector = zeros;
    query.weights = (const float[]){0, 1, 0};
    for (int missing = 0; missing < 3; missing++) {
        query.missing = (tb_missing)missing;
        tb_index_result result = {0};
        assert_ok(tb_index_search(index, &query, &result, &err));
        assert_int_equal(result.n_hits, 0);
        assert_int_equal(result.n_items, 10);
        assert_int_equal(result.dropped_missing, 10);
        tb_index_result_clear(&result);
    }
    tb_index_free(index);
}

static void a_filter_of_any_size_will_do(void **state)
{
    (void)state;
    tb_index *index = open_index(&three_ones, 1);
    for (uint64_t label = 0; label < 100; label++) put3(index, label, 1, 2, 3, NULL);
    tb_bitmap filter = TB_BITMAP_INIT;
    tb_index_query query;
    tb_index_query_init(&query);
    query.k = 100;
    query.filter = &filter;
    search_for(index, query, 0);
    assert_status(tb_bitmap_resize(&filter, 30), TB_OK);
    tb_bitmap_not(&filter);
    search_for(index, query, 30);
    assert_status(tb_bitmap_resize(&filter, 100000), TB_OK);
    tb_bitmap_not(&filter);
    search_for(index, query, 70);
    query.exclude = (const uint32_t[]){99, 3, 50, UINT32_MAX};
    query.n_exclude = 4;
    search_for(index, query, 68);
    tb_bitmap_clear(&filter);
    tb_index_free(index);
}

/* Groups that lie together, as the segments of tracks do: whole chunks are passed over. */
static void a_filter_finds_the_few_groups_that_it_lets_through(void **state)
{
    (void)state;
    tb_rng rng;
    tb_rng_init(&rng, 57);
    tb_index *index = open_index(&layouts[2], 2);
    model m;
    model_open(&m, &layouts[2]);
    for (uint64_t label = 0; label < 5500; label++)
        put_random(&rng, index, &m, label, (uint32_t)(label / 100), true);
    for (uint64_t label = 0; label < 5500; label += 7)
        assert_int_equal(tb_index_remove(index, label), model_remove(&m, label));
    for (uint32_t group = 0; group < 57; group++) {
        tb_bitmap filter = TB_BITMAP_INIT;
        assert_status(tb_bitmap_set(&filter, group), TB_OK);
        if (group % 3 == 0) assert_status(tb_bitmap_set(&filter, tb_rng_below(&rng, 60)), TB_OK);
        tb_index_query query;
        tb_bitmap unused = TB_BITMAP_INIT;
        random_query(&rng, &m, true, 1, &unused, &query);
        tb_bitmap_clear(&unused);
        query.filter = &filter;
        query.n_exclude = 0;
        compare_search(index, &m, &query, true);
        tb_bitmap_clear(&filter);
    }
    model_close(&m);
    tb_index_free(index);
}

static void a_cancelled_search_says_so(void **state)
{
    (void)state;
    tb_error err;
    tb_index *index = open_index(&three_ones, 2);
    for (uint64_t label = 0; label < 3000; label++) put3(index, label, 1, 2, 3, NULL);
    const float zeros[3] = {0};
    atomic_bool cancel;
    atomic_init(&cancel, true);
    tb_index_query query;
    tb_index_query_init(&query);
    query.vector = zeros;
    query.cancel = &cancel;
    tb_index_result result = {0};
    for (query.n_threads = 1; query.n_threads < 3; query.n_threads++)
        assert_status(tb_index_search(index, &query, &result, &err), TB_CANCELLED);
    assert_null(result.hits);
    atomic_store(&cancel, false);
    assert_ok(tb_index_search(index, &query, &result, &err));
    tb_index_result_clear(&result);
    tb_index_free(index);
}

/* The largest values that pass the checks, with weights at both ends of f32. */
static void extreme_values_give_finite_distances(void **state)
{
    (void)state;
    tb_error err;
    tb_index *index = open_index(&three_ones, 1);
    put3(index, 1, 1e15f, 1e15f, 1e15f, NULL);
    put3(index, 2, 1e-44f, 0, 0, NULL);
    put3(index, 3, 1e15f, 0, 0, (float[]){1, 0, 0});
    const float minus[3] = {-1e15f, -1e15f, -1e15f};
    const float weights[][3] = {{3.4e38f, 3.4e38f, 3.4e38f}, {1e-45f, 3.4e38f, 1}, {1e-45f, 0, 0}};
    for (size_t i = 0; i < 3; i++)
        for (int missing = 0; missing < 3; missing++) {
            tb_index_query query;
            tb_index_query_init(&query);
            query.vector = minus;
            query.weights = weights[i];
            query.missing = (tb_missing)missing;
            tb_index_result result = {0};
            assert_ok(tb_index_search(index, &query, &result, &err));
            assert_true(result.n_hits >= 2);
            for (size_t h = 0; h < result.n_hits; h++) assert_true(isfinite(result.hits[h].distance2));
            tb_index_result_clear(&result);
        }
    tb_index_free(index);
}

/* Else the answers would still be right, and slow. */
static void most_items_are_ruled_out_by_their_codes(void **state)
{
    (void)state;
    tb_error err;
    tb_rng rng;
    tb_rng_init(&rng, 56);
    tb_index *index = open_index(&layouts[1], 1);
    model m;
    model_open(&m, &layouts[1]);
    for (uint64_t label = 0; label < 4000; label++)
        put_random(&rng, index, &m, label, (uint32_t)label, false);
    float vector[128];
    random_vector(&rng, vector, 128, false);
    tb_index_query query;
    tb_index_query_init(&query);
    query.vector = vector;
    tb_index_result result = {0};
    assert_ok(tb_index_search(index, &query, &result, &err));
    assert_true(result.n_exact >= result.n_hits);
    assert_true(result.n_exact < result.n_items / 10);
    tb_index_result_clear(&result);
    query.k = 3000; /* hardly anything could be ruled out */
    assert_ok(tb_index_search(index, &query, &result, &err));
    assert_int_equal(result.n_exact, result.n_items - result.dropped_missing);
    tb_index_result_clear(&result);
    model_close(&m);
    tb_index_free(index);
}

TB_TESTS(index_search,
    cmocka_unit_test(most_items_are_ruled_out_by_their_codes),
    cmocka_unit_test(searches_of_integers_equal_the_model_with_ties),
    cmocka_unit_test(searches_of_integers_on_threads_equal_the_model),
    cmocka_unit_test(searches_of_real_numbers_agree_with_double_precision),
    cmocka_unit_test(every_kernel_gives_the_same_neighbours),
    cmocka_unit_test(missing_parts_follow_their_rule),
    cmocka_unit_test(bad_queries_are_refused),
    cmocka_unit_test(absent_parts_of_a_query_may_hold_anything),
    cmocka_unit_test(empty_and_emptied_libraries_answer_nothing),
    cmocka_unit_test(equal_vectors_come_in_the_order_of_labels),
    cmocka_unit_test(a_part_that_nobody_has_gives_no_hits_and_says_so),
    cmocka_unit_test(a_filter_of_any_size_will_do),
    cmocka_unit_test(a_filter_finds_the_few_groups_that_it_lets_through),
    cmocka_unit_test(a_cancelled_search_says_so),
    cmocka_unit_test(extreme_values_give_finite_distances))
