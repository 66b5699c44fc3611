// SPDX-License-Identifier: MIT
/* Writers under searches: every search must see each group at one of its versions, whole.
 *
 * A group's items all carry the group's version in part 0, and are put together.  Readers take all items and
 * check; run under ThreadSanitizer this is also the test of the memory order. */
#include "index/index.h"

#include "base/alloc.h"
#include "base/rng.h"
#include "support/testing.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { N_GROUPS = 90, GROUP_SIZE = 12, N_WRITERS = 3, N_READERS = 2, DIM = 3 };
enum { N_CHANGES = 1500, MIN_SEARCHES = 20 };

static const tb_index_layout layout = {.n_parts = 2, .part_dims = {1, 2}};

typedef struct shared {
    tb_index *index;
    atomic_int n_writing;
    atomic_bool failed; /* cmocka's asserts are for the main thread alone */
    atomic_uint n_searches;
} shared;

typedef struct writer {
    shared *shared;
    uint64_t seed;
    uint32_t first_group, end_group; /* its own, so that it knows their state */
} writer;

/* The group has `n` items of this version, labels from group * GROUP_SIZE on, or from a second range: so that
 * labels come and go, too. */
static tb_status put_version(tb_index *index, uint32_t group, float version, size_t n, bool shifted)
{
    float vectors[GROUP_SIZE][DIM];
    tb_index_item items[GROUP_SIZE];
    for (size_t i = 0; i < n; i++) {
        vectors[i][0] = version;
        vectors[i][1] = (float)n;
        vectors[i][2] = (float)i;
        const uint64_t label = (uint64_t)group * GROUP_SIZE + i + (shifted ? 1000000 : 0);
        items[i] = (tb_index_item){label, group, vectors[i], NULL};
    }
    return tb_index_put_group(index, group, items, n, NULL);
}

static void *write_groups(void *context)
{
    writer *w = context;
    tb_rng rng;
    tb_rng_init(&rng, w->seed);
    const uint64_t n_groups = w->end_group - w->first_group;
    /* on a busy machine the readers may come late */
    for (int i = 0; i < N_CHANGES || atomic_load(&w->shared->n_searches) < MIN_SEARCHES; i++) {
        const uint32_t group = w->first_group + (uint32_t)tb_rng_below(&rng, n_groups);
        const uint64_t dice = tb_rng_below(&rng, 20);
        if (dice == 0) {
            tb_index_remove_group(w->shared->index, group);
        } else {
            const size_t n = dice < 4 ? 1 + (size_t)tb_rng_below(&rng, GROUP_SIZE) : GROUP_SIZE;
            if (put_version(w->shared->index, group, (float)(1 + i), n, dice % 2) != TB_OK)
                atomic_store(&w->shared->failed, true);
        }
    }
    atomic_fetch_sub(&w->shared->n_writing, 1);
    return NULL;
}

/* Whether every group in the result is whole: as many hits as its items say, of one version, all different.
 * */
static bool is_consistent(const tb_index_result *result)
{
    float versions[N_GROUPS] = {0}, sizes[N_GROUPS] = {0};
    uint32_t seen[N_GROUPS] = {0}, counts[N_GROUPS] = {0};
    for (size_t i = 0; i < result->n_hits; i++) {
        const tb_index_hit *hit = &result->hits[i];
        if (hit->group >= N_GROUPS) return false;
        const float version = sqrtf(hit->part_distance2[0]);
        const uint32_t number = (uint32_t)(hit->label % GROUP_SIZE); /* 1000000 % 12 == 4: still one to one */
        if (counts[hit->group]++ == 0) versions[hit->group] = version;
        if (version != versions[hit->group]) return false;
        if (seen[hit->group] >> number & 1u) return false;
        seen[hit->group] |= UINT32_C(1) << number;
        /* part 1 is (n, i): the largest i gives n^2 + (n - 1)^2 */
        if (hit->part_distance2[1] > sizes[hit->group]) sizes[hit->group] = hit->part_distance2[1];
    }
    for (size_t group = 0; group < N_GROUPS; group++) {
        const float n = (float)counts[group];
        if (counts[group] > 0 && sizes[group] != n * n + (n - 1) * (n - 1)) return false;
    }
    return result->n_hits == result->n_items;
}

static void *search_all(void *context)
{
    shared *s = context;
    const float zeros[DIM] = {0};
    tb_rng rng;
    tb_rng_init(&rng, (uint64_t)(uintptr_t)&zeros);
    tb_index_query query;
    tb_index_query_init(&query);
    query.vector = zeros;
    query.k = 20000;
    while (atomic_load(&s->n_writing) > 0) {
        query.n_threads = (size_t)tb_rng_below(&rng, 3);
        tb_index_result result = {0};
        if (tb_index_search(s->index, &query, &result, NULL) != TB_OK || !is_consistent(&result))
            atomic_store(&s->failed, true);
        tb_index_result_clear(&result);
        float vector[DIM];
        uint32_t group;
        const uint64_t label = tb_rng_below(&rng, N_GROUPS * GROUP_SIZE);
        if (tb_index_get(s->index, label, &group, vector, NULL, NULL) == TB_OK &&
            (group != label / GROUP_SIZE || vector[2] != (float)(label % GROUP_SIZE))) {
            atomic_store(&s->failed, true);
        }
        atomic_fetch_add(&s->n_searches, 1);
    }
    return NULL;
}

static void searches_see_each_change_whole_or_not_at_all(void **state)
{
    (void)state;
    tb_error err;
    shared s = {0};
    assert_ok(tb_index_new(&layout, 3, &s.index, &err));
    atomic_init(&s.n_writing, N_WRITERS);
    for (uint32_t group = 0; group < N_GROUPS; group++)
        assert_status(put_version(s.index, group, 1, GROUP_SIZE, false), TB_OK);
    pthread_t threads[N_WRITERS + N_READERS];
    writer writers[N_WRITERS];
    for (uint32_t i = 0; i < N_WRITERS; i++) {
        writers[i] = (writer){&s, 60 + i, i * N_GROUPS / N_WRITERS, (i + 1) * N_GROUPS / N_WRITERS};
        assert_int_equal(pthread_create(&threads[i], NULL, write_groups, &writers[i]), 0);
    }
    for (size_t i = 0; i < N_READERS; i++)
        assert_int_equal(pthread_create(&threads[N_WRITERS + i], NULL, search_all, &s), 0);
    for (size_t i = 0; i < N_WRITERS + N_READERS; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_false(atomic_load(&s.failed));
    tb_index_stats stats;
    tb_index_get_stats(s.index, &stats);
    assert_true(stats.n_slots <= 2 * N_GROUPS * GROUP_SIZE + 4 * 1024);
    tb_index_free(s.index);
}

/* One item is replaced without end: a search must find it once each time, with a value that never goes back.
 * */
static void *replace_one(void *context)
{
    shared *s = context;
    for (int i = 1; i <= 6000; i++) {
        const float vector[DIM] = {(float)i, 0, 0};
        if (tb_index_put(s->index, &(tb_index_item){42, 1, vector, NULL}, NULL) != TB_OK)
            atomic_store(&s->failed, true);
    }
    atomic_fetch_sub(&s->n_writing, 1);
    return NULL;
}

static void a_replaced_item_is_found_exactly_once(void **state)
{
    (void)state;
    tb_error err;
    shared s = {0};
    assert_ok(tb_index_new(&layout, 1, &s.index, &err));
    const float zeros[DIM] = {0};
    assert_ok(tb_index_put(s.index, &(tb_index_item){42, 1, zeros, NULL}, &err));
    atomic_init(&s.n_writing, 1);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, replace_one, &s), 0);
    float last = 0;
    bool good = true;
    while (atomic_load(&s.n_writing) > 0 && good) {
        tb_index_query query;
        tb_index_query_init(&query);
        query.vector = zeros;
        tb_index_result result = {0};
        good = tb_index_search(s.index, &query, &result, &err) == TB_OK && result.n_hits == 1;
        good = good && result.n_items == 1;
        good = good && result.hits[0].part_distance2[0] >= last;
        if (good) last = result.hits[0].part_distance2[0];
        tb_index_result_clear(&result);
        good = good && tb_index_get(s.index, 42, NULL, NULL, NULL, NULL) == TB_OK;
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(good);
    assert_false(atomic_load(&s.failed));
    tb_index_free(s.index);
}

enum { LARGE_GROUP = 1500 };

/* Each change of a group larger than a chunk replaces the list of chunks, too. */
static void *replace_large_group(void *context)
{
    static float vectors[LARGE_GROUP][DIM];
    static tb_index_item items[LARGE_GROUP];
    shared *s = context;
    for (int i = 0; i < 120; i++) {
        for (size_t j = 0; j < LARGE_GROUP; j++)
            items[j] = (tb_index_item){j + (i % 2 ? 5000 : 0), 1, vectors[j], NULL};
        if (tb_index_put_group(s->index, 1, items, LARGE_GROUP, NULL) != TB_OK)
            atomic_store(&s->failed, true);
    }
    atomic_fetch_sub(&s->n_writing, 1);
    return NULL;
}

static void changes_that_replace_chunks_are_seen_whole(void **state)
{
    (void)state;
    tb_error err;
    shared s = {0};
    assert_ok(tb_index_new(&layout, 1, &s.index, &err));
    atomic_init(&s.n_writing, 1);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, replace_large_group, &s), 0);
    const float zeros[DIM] = {0};
    bool good = true, begun = false;
    while (atomic_load(&s.n_writing) > 0 && good) {
        tb_index_query query;
        tb_index_query_init(&query);
        query.vector = zeros;
        query.exclude = &(uint32_t){1}; /* only the count matters */
        query.n_exclude = 1;
        tb_index_result result = {0};
        good = tb_index_search(s.index, &query, &result, &err) == TB_OK;
        good = good && (result.n_items == LARGE_GROUP || (!begun && result.n_items == 0));
        begun = begun || result.n_items > 0;
        tb_index_result_clear(&result);
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(good);
    assert_false(atomic_load(&s.failed));
    tb_index_free(s.index);
}

TB_TESTS(index_threads,
    cmocka_unit_test(changes_that_replace_chunks_are_seen_whole),
    cmocka_unit_test(searches_see_each_change_whole_or_not_at_all),
    cmocka_unit_test(a_replaced_item_is_found_exactly_once))
