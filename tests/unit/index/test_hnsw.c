// SPDX-License-Identifier: MIT
/* Approximate searches against exact ones of the same index: how many of the nearest they find, under
 * filters, weights, adds and deletes; and that they find nothing that is not there. */
#include "index/index_internal.h"

#include "base/alloc.h"
#include "base/rng.h"
#include "support/testing.h"

#include <math.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DIM = 96, N_CENTRES = 60, GROUP_SIZE = 5 };

static const tb_index_layout one_part = {.n_parts = 1, .part_dims = {40}};
static const tb_index_layout one_short_part = {.n_parts = 1, .part_dims = {9}};
static const tb_index_layout three_parts = {.n_parts = 3, .part_dims = {32, 12, 33}};

static tb_index *open_index(const tb_index_layout *layout)
{
    tb_error err;
    tb_index *index = NULL;
    assert_ok(tb_index_new(layout, 1, &index, &err));
    return index;
}

/* Around one of some centres, as music is; the same seed has the same centres. */
static void clustered_vector(tb_rng *rng, float *vector, size_t dim)
{
    tb_rng centre;
    tb_rng_init(&centre, 900 + tb_rng_below(rng, N_CENTRES));
    for (size_t i = 0; i < dim; i++) vector[i] = (float)(tb_rng_normal(&centre) + 0.7 * tb_rng_normal(rng));
}

static void put(tb_rng *rng, tb_index *index, uint64_t label, bool with_silence)
{
    tb_error err;
    float vector[MAX_DIM], presence[TB_INDEX_MAX_PARTS];
    clustered_vector(rng, vector, tb_index_dim(index));
    for (size_t c = 0; c < tb_index_get_layout(index)->n_parts; c++)
        presence[c] = with_silence && tb_rng_below(rng, 4) == 0 ? 0 : 1;
    assert_ok(
        tb_index_put(index, &(tb_index_item){label, (uint32_t)(label / GROUP_SIZE), vector, presence}, &err));
}

static void put_range(tb_rng *rng, tb_index *index, uint64_t first, uint64_t end, bool with_silence)
{
    for (uint64_t label = first; label < end; label++) put(rng, index, label, with_silence);
}

/* Whatever was measured: from now on the graphs are cheaper than a scan by far, or dearer. */
static void set_costs(tb_index *index, float scan_ns)
{
    for (size_t c = 0; c < index->layout.n_parts; c++) {
        atomic_store(&index->costs[c].scan_ns, scan_ns);
        atomic_store(&index->costs[c].filter_ns, scan_ns);
        atomic_store(&index->costs[c].visit_ns, 1);
        atomic_store(&index->costs[c].n_visits, 1);
    }
}

static void link_all(tb_index *index)
{
    tb_error err;
    assert_ok(tb_index_link(index, 1, NULL, &err));
    set_costs(index, 1e6f);
}

static size_t n_linked(const tb_index *index)
{
    tb_index_stats stats;
    tb_index_get_stats(index, &stats);
    return stats.n_linked;
}

/* Asks both ways.  Returns the share of the exact hits' distances that the approximate ones reach; fails if
 * there is anything else wrong with them.  *n_graph: how often the graphs answered. */
static double recall_of(const tb_index *index, tb_index_query query, tb_index_result *near, size_t *n_graph)
{
    tb_error err;
    tb_index_result exact = {0};
    query.approximate = TB_APPROXIMATE_NEVER;
    assert_ok(tb_index_search(index, &query, &exact, &err));
    assert_false(exact.is_approximate);
    query.approximate = TB_APPROXIMATE_ALLOW;
    assert_ok(tb_index_search(index, &query, near, &err));
    *n_graph += near->is_approximate;
    assert_int_equal(near->n_hits, exact.n_hits);
    size_t n_good = 0;
    for (size_t i = 0, j = 0; i < near->n_hits; i++) {
        const tb_index_hit *hit = &near->hits[i];
        if (i > 0) assert_true(hit[-1].distance2 <= hit->distance2);
        if (query.filter) assert_true(tb_bitmap_test(query.filter, hit->group));
        for (size_t l = 0; l < i; l++) assert_int_not_equal(near->hits[l].label, hit->label);
        assert_true(hit->distance2 >= exact.hits[i].distance2);
        while (j < exact.n_hits && exact.hits[j].distance2 < hit->distance2) j++;
        if (j < exact.n_hits && exact.hits[j].distance2 == hit->distance2) {
            n_good++;
            j++;
        }
    }
    const double recall = exact.n_hits ? (double)n_good / (double)exact.n_hits : 1;
    tb_index_result_clear(&exact);
    return recall;
}

/* Mean recall of n random queries, which differ from `like` in their vector. */
static double mean_recall(const tb_index *index, tb_rng *rng, const tb_index_query *like, size_t n,
                          size_t *n_graph)
{
    double sum = 0;
    *n_graph = 0;
    for (size_t i = 0; i < n; i++) {
        float vector[MAX_DIM];
        tb_index_query query = *like;
        tb_index_result near = {0};
        clustered_vector(rng, vector, tb_index_dim(index));
        query.vector = vector;
        sum += recall_of(index, query, &near, n_graph);
        tb_index_result_clear(&near);
    }
    return sum / (double)n;
}

static void check_recall(const tb_index *index, tb_rng *rng, const tb_index_query *like, size_t n)
{
    size_t n_graph;
    const double recall = mean_recall(index, rng, like, n, &n_graph);
    if (recall < 0.95 || n_graph != n)
        fail_msg("recall %.3f (at least 0.95 expected), the graphs answered %zu of %zu", recall, n_graph, n);
}

static tb_index_query default_query(void)
{
    tb_index_query query;
    tb_index_query_init(&query);
    return query;
}

static void the_graph_finds_nearly_all_of_the_nearest(void **state)
{
    (void)state;
    const tb_index_layout *layouts[] = {&one_part, &one_short_part};
    for (size_t l = 0; l < 2; l++) {
        tb_rng rng;
        tb_rng_init(&rng, 301);
        tb_index *index = open_index(layouts[l]);
        put_range(&rng, index, 0, 4300, false);
        link_all(index);
        assert_int_equal(n_linked(index), 4 * TB__CHUNK_SLOTS);
        tb_index_query query = default_query();
        check_recall(index, &rng, &query, 60);
        query.k = 1;
        check_recall(index, &rng, &query, 30);
        query.k = 100;
        check_recall(index, &rng, &query, 10);
        query.effort = 1000;
        size_t n_graph;
        assert_true(mean_recall(index, &rng, &query, 10, &n_graph) > 0.995);
        tb_index_free(index);
    }
}

static void what_is_not_linked_yet_is_found_too(void **state)
{
    (void)state;
    tb_rng rng;
    tb_rng_init(&rng, 302);
    tb_index *index = open_index(&one_part);
    put_range(&rng, index, 0, 3000, false);
    tb_index_query query = default_query();
    size_t n_graph;
    assert_true(mean_recall(index, &rng, &query, 5, &n_graph) == 1);
    assert_int_equal(n_graph, 0);
    link_all(index);
    put_range(&rng, index, 3000, 5200, false);
    check_recall(index, &rng, &query, 30);
    for (uint64_t label = 3000; label < 5200; label += 50) {
        tb_error err;
        float vector[MAX_DIM];
        assert_ok(tb_index_get(index, label, NULL, vector, NULL, &err));
        query.vector = vector;
        query.approximate = TB_APPROXIMATE_ALLOW;
        tb_index_result result = {0};
        assert_ok(tb_index_search(index, &query, &result, &err));
        assert_true(result.is_approximate);
        assert_int_equal(result.n_items, 5200);
        assert_int_equal(result.hits[0].label, label);
        tb_index_result_clear(&result);
    }
    tb_index_free(index);
}

static void weights_over_parts_find_nearly_all(void **state)
{
    (void)state;
    tb_rng rng;
    tb_rng_init(&rng, 303);
    tb_index *index = open_index(&three_parts);
    put_range(&rng, index, 0, 3100, true);
    link_all(index);
    const float weights[][3] = {{1, 1, 1}, {2, 0, 1}, {0.2f, 1, 3}, {0, 1, 0}, {3e38f, 1e38f, 2e38f}};
    for (size_t w = 0; w < 5; w++)
        for (int missing = 0; missing < 3; missing++) {
            tb_index_query query = default_query();
            query.weights = weights[w];
            query.missing = (tb_missing)missing;
            check_recall(index, &rng, &query, 12);
            query.presence = (const float[]){0.5f, 1, 0};
            check_recall(index, &rng, &query, 6);
        }
    tb_index_query query = default_query();
    size_t n_graph;
    query.weights = (const float[]){0, 0, 1};
    query.presence = (const float[]){1, 1, 0};
    assert_true(mean_recall(index, &rng, &query, 3, &n_graph) == 1); /* nothing can be compared */
    assert_int_equal(n_graph, 0);
    tb_index_free(index);
}

static void filters_keep_the_recall(void **state)
{
    (void)state;
    tb_rng rng;
    tb_rng_init(&rng, 304);
    tb_index *index = open_index(&one_part);
    put_range(&rng, index, 0, 5200, false);
    link_all(index);
    const unsigned percents[] = {1, 10, 50, 99};
    for (size_t p = 0; p < 4; p++) {
        tb_bitmap filter = TB_BITMAP_INIT;
        for (uint32_t group = 0; group < 5200 / GROUP_SIZE; group++)
            if (tb_rng_below(&rng, 100) < percents[p]) assert_status(tb_bitmap_set(&filter, group), TB_OK);
        tb_index_query query = default_query();
        query.filter = &filter;
        check_recall(index, &rng, &query, 20);
        query.best_per_group = true;
        query.k = 5;
        check_recall(index, &rng, &query, 20);
        tb_bitmap_clear(&filter);
    }
    tb_index_free(index);
}

static void a_filter_that_leaves_too_few_is_answered_exactly(void **state)
{
    (void)state;
    tb_rng rng;
    tb_rng_init(&rng, 305);
    tb_index *index = open_index(&one_part);
    put_range(&rng, index, 0, 2100, false);
    link_all(index);
    tb_bitmap filter = TB_BITMAP_INIT;
    assert_status(tb_bitmap_set(&filter, 7), TB_OK);
    tb_index_query query = default_query();
    query.filter = &filter;
    size_t n_graph;
    assert_true(mean_recall(index, &rng, &query, 5, &n_graph) == 1);
    assert_int_equal(n_graph, 0);
    query.filter = NULL;
    query.max_distance2 = 1e-3; /* as good as nothing is so near */
    assert_true(mean_recall(index, &rng, &query, 5, &n_graph) == 1);
    assert_int_equal(n_graph, 0);
    tb_bitmap_clear(&filter);
    tb_index_free(index);
}

static void each_group_comes_once_if_asked(void **state)
{
    (void)state;
    tb_rng rng;
    tb_rng_init(&rng, 306);
    tb_index *index = open_index(&three_parts);
    put_range(&rng, index, 0, 3100, false);
    link_all(index);
    tb_index_query query = default_query();
    query.best_per_group = true;
    check_recall(index, &rng, &query, 20);
    query.weights = (const float[]){1, 0, 0};
    query.exclude = (const uint32_t[]){3, 5, 600};
    query.n_exclude = 3;
    check_recall(index, &rng, &query, 20);
    tb_index_free(index);
}

static void the_caller_and_the_costs_choose(void **state)
{
    (void)state;
    tb_error err;
    tb_rng rng;
    tb_rng_init(&rng, 307);
    tb_index *index = open_index(&one_part);
    put_range(&rng, index, 0, 2100, false);
    link_all(index);
    float vector[MAX_DIM];
    clustered_vector(&rng, vector, 40);
    const struct {
        tb_approximate approximate;
        size_t from;
        float scan_ns;
        bool is_approximate;
    } cases[] = {
        {TB_APPROXIMATE_NEVER, 0, 1e6f, false},   {TB_APPROXIMATE_AUTO, 2100, 1e6f, true},
        {TB_APPROXIMATE_AUTO, 2101, 1e6f, false}, {TB_APPROXIMATE_ALLOW, 5000, 1e6f, true},
        {TB_APPROXIMATE_ALLOW, 0, 1e-6f, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tb_index_query query = default_query();
        query.vector = vector;
        query.approximate = cases[i].approximate;
        query.approximate_from = cases[i].from;
        set_costs(index, cases[i].scan_ns);
        tb_index_result result = {0};
        assert_ok(tb_index_search(index, &query, &result, &err));
        assert_int_equal(result.is_approximate, cases[i].is_approximate);
        assert_int_equal(result.n_hits, 10);
        tb_index_result_clear(&result);
    }
    tb_index_query query = default_query();
    assert_int_equal(query.approximate, TB_APPROXIMATE_NEVER);
    query.vector = vector;
    query.effort = TB_INDEX_MAX_EFFORT + 1;
    tb_index_result result = {0};
    assert_status(tb_index_search(index, &query, &result, &err), TB_INVALID);
    assert_status(tb_index_link(index, 0, NULL, &err), TB_INVALID);
    assert_status(tb_index_link(index, TB_INDEX_MAX_THREADS + 1, NULL, &err), TB_INVALID);
    tb_index_free(index);
}

/* A walk that goes on longer than a scan would take gives way to the scan. */
static void walks_that_take_too_long_are_given_up(void **state)
{
    (void)state;
    tb_rng rng;
    tb_rng_init(&rng, 308);
    tb_index *index = open_index(&one_part);
    put_range(&rng, index, 0, 2100, false);
    link_all(index);
    for (size_t c = 0; c < 1; c++) atomic_store(&index->costs[c].n_visits, 1e-3f);
    set_costs(index, 0.04f); /* 2048 * 0.04 = 82 visits, and 64 of them seem enough */
    tb_index_query query = default_query();
    size_t n_graph;
    assert_true(mean_recall(index, &rng, &query, 5, &n_graph) == 1);
    assert_int_equal(n_graph, 0);
    tb_index_free(index);
}

static void costs_are_measured(void **state)
{
    (void)state;
    tb_error err;
    tb_rng rng;
    tb_rng_init(&rng, 309);
    tb_index *index = open_index(&three_parts);
    put_range(&rng, index, 0, 2100, true);
    assert_ok(tb_index_link(index, 1, NULL, &err));
    for (size_t c = 0; c < 3; c++) {
        const tb__costs *costs = &index->costs[c];
        assert_true(atomic_load(&costs->scan_ns) > 0.01f);
        assert_true(atomic_load(&costs->filter_ns) > 0.01f);
        assert_true(atomic_load(&costs->visit_ns) > 0.1f);
        assert_true(atomic_load(&costs->n_visits) > 0.5f);
        assert_true(atomic_load(&costs->n_visits) < 100);
    }
    tb_index_free(index);
}

static void equal_vectors_do_not_cut_the_graph(void **state)
{
    (void)state;
    tb_rng rng;
    tb_rng_init(&rng, 310);
    tb_index *index = open_index(&one_part);
    tb_error err;
    float vector[MAX_DIM];
    clustered_vector(&rng, vector, 40);
    for (uint64_t label = 0; label < 2100; label++)
        assert_ok(tb_index_put(index, &(tb_index_item){label, (uint32_t)label, vector, NULL}, &err));
    link_all(index);
    tb_index_query query = default_query();
    query.k = 200;
    check_recall(index, &rng, &query, 5);
    /* the others are found beside them, and one of them among the others */
    put_range(&rng, index, 2100, 4200, false);
    link_all(index);
    query.k = 10;
    check_recall(index, &rng, &query, 40);
    tb_bitmap filter = TB_BITMAP_INIT;
    for (uint32_t group = 0; group < 2100; group += 40) assert_status(tb_bitmap_set(&filter, group), TB_OK);
    query.filter = &filter;
    check_recall(index, &rng, &query, 10);
    tb_bitmap_clear(&filter);
    tb_index_free(index);
}

static void all_zeros_can_be_linked(void **state)
{
    (void)state;
    tb_rng rng;
    tb_rng_init(&rng, 311);
    const float zeros[MAX_DIM] = {0};
    const tb_index_layout *layouts[] = {&one_part, &one_short_part};
    for (size_t l = 0; l < 2; l++) {
        tb_error err;
        tb_index *index = open_index(layouts[l]);
        for (uint64_t label = 0; label < 1500; label++)
            assert_ok(tb_index_put(index, &(tb_index_item){label, 1, zeros, NULL}, &err));
        link_all(index);
        tb_index_query query = default_query();
        check_recall(index, &rng, &query, 5);
        tb_index_free(index);
    }
}

static void deletes_and_moves_keep_the_recall(void **state)
{
    (void)state;
    tb_rng rng;
    tb_rng_init(&rng, 312);
    tb_index *index = open_index(&one_part);
    put_range(&rng, index, 0, 4300, false);
    link_all(index);
    tb_index_query query = default_query();
    size_t n_graph, n_answered = 0;
    for (uint64_t round = 0; round < 4; round++) {
        for (size_t i = 0; i < 800; i++) {
            tb_index_remove(index, tb_rng_below(&rng, 6000));
            if (i % 2) put(&rng, index, tb_rng_below(&rng, 6000), false);
            if (i % 30 == 0) tb_index_remove_group(index, (uint32_t)tb_rng_below(&rng, 1200));
        }
        /* whether the graphs are usable now or not: before linking and after it */
        assert_true(mean_recall(index, &rng, &query, 20, &n_graph) >= 0.95);
        n_answered += n_graph;
        link_all(index);
        check_recall(index, &rng, &query, 20);
    }
    assert_true(n_answered > 0);
    tb_index_free(index);
}

static void an_index_can_be_emptied_and_filled_again(void **state)
{
    (void)state;
    tb_rng rng;
    tb_rng_init(&rng, 313);
    tb_index *index = open_index(&three_parts);
    tb_error err;
    assert_ok(tb_index_link(index, 2, NULL, &err));
    tb_index_query query = default_query();
    size_t n_graph;
    for (size_t round = 0; round < 3; round++) {
        put_range(&rng, index, 0, 2100, true);
        link_all(index);
        check_recall(index, &rng, &query, 5);
        for (uint64_t label = 0; label < 2100; label++) assert_true(tb_index_remove(index, label));
        assert_true(mean_recall(index, &rng, &query, 2, &n_graph) == 1);
        if (round == 1) link_all(index);
        assert_true(mean_recall(index, &rng, &query, 2, &n_graph) == 1);
        assert_int_equal(n_graph, 0);
    }
    tb_index_free(index);
}

static void a_part_that_nobody_has_is_no_hindrance(void **state)
{
    (void)state;
    tb_rng rng;
    tb_rng_init(&rng, 314);
    tb_index *index = open_index(&three_parts);
    tb_error err;
    for (uint64_t label = 0; label < 2100; label++) {
        float vector[MAX_DIM];
        clustered_vector(&rng, vector, tb_index_dim(index));
        const float presence[] = {1, 0, 1};
        assert_ok(tb_index_put(index, &(tb_index_item){label, 1, vector, presence}, &err));
    }
    link_all(index);
    tb_index_query query = default_query();
    size_t n_graph;
    query.weights = (const float[]){0, 1, 0};
    assert_true(mean_recall(index, &rng, &query, 3, &n_graph) == 1);
    assert_int_equal(n_graph, 0);
    query.weights = (const float[]){1, 0, 1};
    check_recall(index, &rng, &query, 10);
    query.weights = NULL;
    assert_true(mean_recall(index, &rng, &query, 10, &n_graph) >= 0.95);
    tb_index_free(index);
}

static void the_same_items_give_the_same_graph_and_threads_as_good_a_one(void **state)
{
    (void)state;
    tb_error err;
    uint64_t labels[2][10];
    for (size_t round = 0; round < 3; round++) {
        tb_rng rng;
        tb_rng_init(&rng, 315);
        tb_index *index = open_index(&one_part);
        put_range(&rng, index, 0, 2100, false);
        assert_ok(tb_index_link(index, round < 2 ? 1 : 4, NULL, &err));
        set_costs(index, 1e6f);
        tb_index_query query = default_query();
        float vector[MAX_DIM];
        clustered_vector(&rng, vector, 40);
        query.vector = vector;
        query.effort = 10;
        query.approximate = TB_APPROXIMATE_ALLOW;
        tb_index_result result = {0};
        assert_ok(tb_index_search(index, &query, &result, &err));
        assert_true(result.is_approximate);
        for (size_t i = 0; round < 2 && i < 10; i++) labels[round][i] = result.hits[i].label;
        if (round == 1) assert_memory_equal(labels[0], labels[1], sizeof labels[0]);
        tb_index_result_clear(&result);
        query.effort = 0;
        if (round == 2) check_recall(index, &rng, &query, 20);
        tb_index_free(index);
    }
}

static void cancelled_linking_can_go_on_later(void **state)
{
    (void)state;
    tb_error err;
    tb_rng rng;
    tb_rng_init(&rng, 316);
    tb_index *index = open_index(&one_part);
    put_range(&rng, index, 0, 2100, false);
    atomic_bool cancel;
    atomic_init(&cancel, true);
    assert_status(tb_index_link(index, 1, &cancel, &err), TB_CANCELLED);
    assert_int_equal(n_linked(index), 0);
    tb_index_query query = default_query();
    size_t n_graph;
    assert_true(mean_recall(index, &rng, &query, 2, &n_graph) == 1);
    atomic_store(&cancel, false);
    assert_ok(tb_index_link(index, 2, &cancel, &err));
    assert_int_equal(n_linked(index), 2048);
    set_costs(index, 1e6f);
    check_recall(index, &rng, &query, 10);
    tb_index_free(index);
}

/* Puts, links, removes, links, searches; whether nothing failed. */
static bool try_all(const float *vectors)
{
    tb_index *index = NULL;
    bool ok = tb_index_new(&one_short_part, 1, &index, NULL) == TB_OK;
    for (uint64_t label = 0; ok && label < 2048; label++)
        ok = tb_index_put(index, &(tb_index_item){label, (uint32_t)label, vectors + label % 64 * 9, NULL},
                          NULL) == TB_OK;
    ok = ok && tb_index_link(index, 2, NULL, NULL) == TB_OK;
    if (ok) set_costs(index, 1e6f);
    for (int round = 0; ok && round < 2; round++) {
        tb_index_query query;
        tb_index_query_init(&query);
        query.vector = vectors;
        query.approximate = TB_APPROXIMATE_ALLOW;
        query.best_per_group = round;
        tb_index_result result = {0};
        const tb_status status = tb_index_search(index, &query, &result, NULL);
        assert_true(status == TB_OK || status == TB_NO_MEMORY);
        ok = status == TB_OK;
        if (ok) assert_int_equal(result.n_hits, 10);
        if (ok) assert_true(result.hits[9].distance2 == 0);
        tb_index_result_clear(&result);
        for (uint64_t label = 0; round == 0 && label < 1200; label++) tb_index_remove(index, label);
        ok = ok && tb_index_link(index, 1, NULL, NULL) == TB_OK;
        if (ok) set_costs(index, 1e6f);
    }
    tb_index_free(index);
    return ok;
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    tb_rng rng;
    tb_rng_init(&rng, 317);
    float vectors[64 * 9];
    for (size_t i = 0; i < 64; i++) clustered_vector(&rng, vectors + i * 9, 9);
    size_t n = 0;
    bool done = false;
    while (!done) {
        /* the first ones are those of puts, which others test */
        tb_alloc_fail_after(n += n < 40 ? 20 : 23);
        const bool ok = try_all(vectors);
        const size_t n_asked = tb_alloc_fail_after(0);
        done = ok && n_asked < n;
        assert_true(n < 2000);
    }
    assert_true(n > 60);
}

/* --- threads -------------------------------------------------------------------- */

enum { N_LABELS = 3000, N_SEARCHERS = 2, LEAST_SEARCHES = 40 };

typedef struct shared {
    tb_index *index;
    atomic_bool is_over, has_failed;
    atomic_uint n_searches;
} shared;

/* An item's vector is told by its label, so that a search can check what it gets. */
static void vector_of(uint64_t label, float vector[9])
{
    tb_rng rng;
    tb_rng_init(&rng, label);
    clustered_vector(&rng, vector, 9);
}

static void *search_on(void *context)
{
    shared *s = context;
    tb_rng rng;
    tb_rng_init(&rng, (uint64_t)(uintptr_t)&rng);
    while (!atomic_load(&s->is_over)) {
        float vector[9], found[9];
        tb_index_query query = default_query();
        clustered_vector(&rng, vector, 9);
        query.vector = vector;
        query.approximate = TB_APPROXIMATE_ALLOW;
        query.best_per_group = tb_rng_below(&rng, 2);
        tb_index_result result = {0};
        bool good = tb_index_search(s->index, &query, &result, NULL) == TB_OK && result.n_hits == 10;
        for (size_t i = 0; good && i < 10; i++) {
            float distance2 = 0;
            vector_of(result.hits[i].label, found);
            for (size_t j = 0; j < 9; j++) distance2 += (vector[j] - found[j]) * (vector[j] - found[j]);
            good = fabs(result.hits[i].distance2 - (double)distance2) <= 1e-4 * (double)distance2;
            for (size_t j = 0; j < i; j++) good = good && result.hits[j].label != result.hits[i].label;
        }
        if (!good) atomic_store(&s->has_failed, true);
        tb_index_result_clear(&result);
        atomic_fetch_add(&s->n_searches, 1);
    }
    return NULL;
}

static void *change_on(void *context)
{
    shared *s = context;
    tb_rng rng;
    tb_rng_init(&rng, 318);
    while (!atomic_load(&s->is_over)) {
        float vector[9];
        const uint64_t label = tb_rng_below(&rng, N_LABELS);
        vector_of(label, vector);
        if (label % 3 == 0) tb_index_remove(s->index, label);
        else if (tb_index_put(s->index, &(tb_index_item){label, (uint32_t)label, vector, NULL}, NULL) !=
                 TB_OK)
            atomic_store(&s->has_failed, true);
        if (tb_rng_below(&rng, 8) == 0) sched_yield();
    }
    return NULL;
}

/* Searches and changes go on while several threads link; under ThreadSanitizer also the test of the memory
 * order. */
static void searches_and_changes_go_on_under_linking(void **state)
{
    (void)state;
    tb_error err;
    shared s = {.index = open_index(&one_short_part)};
    for (uint64_t label = 0; label < N_LABELS; label++) {
        float vector[9];
        vector_of(label, vector);
        assert_ok(tb_index_put(s.index, &(tb_index_item){label, (uint32_t)label, vector, NULL}, &err));
    }
    link_all(s.index);
    pthread_t threads[N_SEARCHERS + 1];
    for (size_t i = 0; i < N_SEARCHERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, search_on, &s), 0);
    assert_int_equal(pthread_create(&threads[N_SEARCHERS], NULL, change_on, &s), 0);
    for (size_t i = 0; i < 4 || atomic_load(&s.n_searches) < LEAST_SEARCHES; i++) {
        assert_ok(tb_index_link(s.index, 2, NULL, &err));
        set_costs(s.index, 1e6f);
    }
    atomic_store(&s.is_over, true);
    for (size_t i = 0; i < N_SEARCHERS + 1; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_false(atomic_load(&s.has_failed));
    link_all(s.index);
    tb_rng rng;
    tb_rng_init(&rng, 319);
    tb_index_query query = default_query();
    size_t n_graph; /* whatever is linked by now */
    assert_true(mean_recall(s.index, &rng, &query, 20, &n_graph) >= 0.95);
    tb_index_free(s.index);
}

TB_TESTS(hnsw,
    cmocka_unit_test(the_graph_finds_nearly_all_of_the_nearest),
    cmocka_unit_test(what_is_not_linked_yet_is_found_too),
    cmocka_unit_test(weights_over_parts_find_nearly_all),
    cmocka_unit_test(filters_keep_the_recall),
    cmocka_unit_test(a_filter_that_leaves_too_few_is_answered_exactly),
    cmocka_unit_test(each_group_comes_once_if_asked),
    cmocka_unit_test(the_caller_and_the_costs_choose),
    cmocka_unit_test(walks_that_take_too_long_are_given_up),
    cmocka_unit_test(costs_are_measured),
    cmocka_unit_test(equal_vectors_do_not_cut_the_graph),
    cmocka_unit_test(all_zeros_can_be_linked),
    cmocka_unit_test(deletes_and_moves_keep_the_recall),
    cmocka_unit_test(an_index_can_be_emptied_and_filled_again),
    cmocka_unit_test(a_part_that_nobody_has_is_no_hindrance),
    cmocka_unit_test(the_same_items_give_the_same_graph_and_threads_as_good_a_one),
    cmocka_unit_test(cancelled_linking_can_go_on_later),
    cmocka_unit_test(searches_and_changes_go_on_under_linking),
    cmocka_unit_test(each_allocation_may_fail))
