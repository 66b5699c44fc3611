// SPDX-License-Identifier: MIT
/* Spaces and embeddings. */
#include "store_support.h"

#include "base/alloc.h"
#include "base/log.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void space_is_a_name_and_a_model(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_store *store = test_open_new();
    const int64_t old = test_space(store, 1), fresh = test_space(store, 2);
    assert_true(old != fresh);
    assert_int_equal(test_space(store, 1), old);
    tb_space_row *spaces;
    size_t n;
    assert_ok(tb_store_list_spaces(store, &spaces, &n, &err));
    assert_int_equal(n, 2);
    assert_string_equal(spaces[0].name, "test");
    assert_string_equal(spaces[0].parts, "[\"low\", \"high\"]");
    assert_int_equal(spaces[0].dim, TEST_DIM);
    assert_int_equal(spaces[0].n_parts, TEST_PARTS);
    assert_memory_equal(spaces[0].model_hash, test_hash(1000001), 32);
    assert_true(spaces[0].active);
    assert_false(spaces[1].active);
    tb_space_rows_free(spaces, n);
    assert_ok(tb_store_activate_space(store, fresh, &err));
    assert_ok(tb_store_list_spaces(store, &spaces, &n, &err));
    assert_false(spaces[0].active);
    assert_true(spaces[1].active);
    tb_space_rows_free(spaces, n);
    assert_status(tb_store_activate_space(store, 99, &err), TB_NOT_FOUND);
    tb_store_close(store);
}

static void wrong_spaces_are_refused(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_store *store = test_open_new();
    int64_t id;
#define CASE(change, expected)                                                                     \
    do {                                                                                           \
        tb_space_put put = {.name = "test", .model_hash = test_hash(1), .model_hash_size = 32,     \
                            .dim = 4,       .n_parts = 1,               .parts = "[]"};            \
        change;                                                                                    \
        assert_status(tb_store_put_space(store, &put, &id, &err), expected);                       \
    } while (0)
    CASE(put.name = "Test", TB_INVALID);
    CASE(put.name = NULL, TB_INVALID);
    CASE(put.model_hash_size = 3, TB_INVALID);
    CASE(put.dim = 0, TB_INVALID);
    CASE(put.dim = 1000000, TB_INVALID);
    CASE(put.n_parts = 0, TB_INVALID);
    CASE(put.parts = "nonsense", TB_INVALID);
    CASE(put.parts = NULL, TB_INVALID);
    CASE((void)0, TB_OK);
    CASE(put.dim = 5, TB_EXISTS);
#undef CASE
    tb_store_close(store);
}

static void embedding_comes_back_as_it_was_put(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 2, 3, 17, 1000, 20000};
    tb_error err = {0};
    tb_store *store = test_open_new();
    const int64_t space = test_space(store, 1), track = test_add_number(store, 1);
    tb_embedding_row read;
    void *memory = NULL;
    assert_status(tb_store_get_embedding(store, track, space, &read, &memory, &err), TB_NOT_FOUND);
    assert_status(tb_store_get_embedding(store, track, space + 1, &read, &memory, &err), TB_NOT_FOUND);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const tb_embedding_row put = test_embedding(space, (unsigned)i, sizes[i]);
        assert_ok(tb_store_put_embedding(store, track, &put, &err));
        assert_ok(tb_store_get_embedding(store, track, space, &read, &memory, &err));
        assert_true(test_embeddings_equal(&put, &read));
        tb_free(memory);
        tb_space_row *spaces;
        size_t n;
        assert_ok(tb_store_list_spaces(store, &spaces, &n, &err));
        assert_int_equal(spaces[0].n_tracks, 1);
        assert_int_equal(spaces[0].n_segments, sizes[i]);
        tb_space_rows_free(spaces, n);
    }
    tb_store_close(store);
}

static void wrong_embeddings_are_refused(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_store *store = test_open_new();
    const int64_t space = test_space(store, 1), track = test_add_number(store, 1);
    static const uint16_t nan_halves[TEST_DIM * 2] = {[5] = 0x7e01},
                                                inf_halves[TEST_PARTS * 2] = {[1] = 0xfc00};
    static const float bad_times[][2] = {{0, NAN}, {-1, 0}, {INFINITY, 0}};
#define CASE(change, expected)                                                                     \
    do {                                                                                           \
        tb_embedding_row put = test_embedding(space, 1, 2);                                        \
        change;                                                                                    \
        assert_status(tb_store_put_embedding(store, track, &put, &err), expected);                 \
    } while (0)
    CASE(put.track_vector = nan_halves, TB_INVALID);
    CASE(put.track_presence = inf_halves, TB_INVALID);
    CASE(put.segment_vectors = nan_halves, TB_INVALID);
    CASE(put.segment_presence = inf_halves, TB_INVALID);
    for (size_t i = 0; i < 3; i++) {
        CASE(put.starts_s = bad_times[i], TB_INVALID);
        CASE(put.durations_s = bad_times[i], TB_INVALID);
    }
    CASE(put.track_vector = NULL, TB_INVALID);
    CASE(put.segment_vectors = NULL, TB_INVALID);
    CASE(put.dim = TEST_DIM - 1, TB_INVALID);
    CASE(put.dim = 0, TB_INVALID);
    CASE(put.n_parts = TEST_PARTS - 1, TB_INVALID);
    CASE(put.n_segments = (size_t)-1, TB_TOO_LARGE);
    CASE(put.space_id = 77, TB_NOT_FOUND);
#undef CASE
    const tb_embedding_row good = test_embedding(space, 1, 2);
    assert_status(tb_store_put_embedding(store, 4711, &good, &err), TB_NOT_FOUND);
    tb_store_close(store);
}

typedef struct walk {
    tb_store *store;
    int64_t space, last;
    size_t n, stop_at;
} walk;

static tb_status step(void *context, int64_t track_id, const tb_embedding_row *embedding)
{
    walk *w = context;
    assert_true(track_id > w->last);
    w->last = track_id;
    const tb_embedding_row expected = test_embedding(w->space, (unsigned)track_id, (size_t)track_id % 5);
    assert_true(test_embeddings_equal(&expected, embedding));
    return ++w->n == w->stop_at ? TB_CANCELLED : TB_OK;
}

static void fill(tb_store *store, int64_t space, int64_t first, int64_t last)
{
    tb_error err = {0};
    for (int64_t id = first; id <= last; id++) {
        const tb_embedding_row put = test_embedding(space, (unsigned)id, (size_t)id % 5);
        assert_ok(tb_store_put_embedding(store, id, &put, &err));
    }
}

static void walk_shows_each_track_of_a_space_once(void **state)
{
    (void)state;
    tb_error err = {0};
    const char *folder = tb_test_folder();
    walk w = {.store = test_open(folder)};
    test_fill(folder, 600);
    w.space = test_space(w.store, 1);
    fill(w.store, w.space, 1, 600);
    const int64_t other = test_space(w.store, 2);
    fill(w.store, other, 5, 10);
    size_t n_bad = 77;
    assert_ok(tb_store_each_embedding(w.store, w.space, 0, step, &w, &n_bad, &err));
    assert_int_equal(w.n, 600);
    assert_int_equal(n_bad, 0);
    w = (walk){.store = w.store, .space = w.space, .stop_at = 300};
    assert_status(tb_store_each_embedding(w.store, w.space, 0, step, &w, NULL, &err), TB_CANCELLED);
    w.stop_at = 0;
    assert_ok(tb_store_each_embedding(w.store, w.space, w.last, step, &w, NULL, &err));
    assert_int_equal(w.n, 600);
    w = (walk){.store = w.store, .space = other};
    assert_ok(tb_store_each_embedding(w.store, other, 0, step, &w, NULL, &err));
    assert_int_equal(w.n, 6);
    assert_status(tb_store_each_embedding(w.store, 99, 0, step, &w, NULL, &err), TB_NOT_FOUND);
    tb_store_close(w.store);
}

static void damaged_rows_are_left_out(void **state)
{
    (void)state;
    tb_error err = {0};
    const char *folder = tb_test_folder();
    walk w = {.store = test_open(folder)};
    w.space = test_space(w.store, 1);
    for (unsigned i = 0; i < 10; i++) test_add_number(w.store, i);
    fill(w.store, w.space, 1, 10);
    test_sql(
        folder,
        "UPDATE embeddings SET track_vector = zeroblob(16) WHERE track_id = 3; "
                     "UPDATE embeddings SET starts = x'' WHERE track_id = 4; "
                     "UPDATE embeddings SET n_segments = -5 WHERE track_id = 6; "
                     "UPDATE embeddings SET n_segments = 100000000000 WHERE track_id = 7; "
                     "UPDATE embeddings SET segment_vectors = 'text' WHERE track_id = 8; "
                     "UPDATE embeddings SET checksum = 5 WHERE track_id = 9");
    tb_log_setup(stderr, TB_LOG_OFF, false);
    size_t n_bad = 0;
    assert_ok(tb_store_each_embedding(w.store, w.space, 0, step, &w, &n_bad, &err));
    tb_log_setup(stderr, TB_LOG_WARN, false);
    assert_int_equal(w.n, 4);
    assert_int_equal(n_bad, 6);
    tb_embedding_row read;
    void *memory;
    assert_status(tb_store_get_embedding(w.store, 9, w.space, &read, &memory, &err), TB_CORRUPT);
    assert_non_null(strstr(err.message, "again"));
    fill(w.store, w.space, 9, 9); /* writing it again heals it */
    assert_ok(tb_store_get_embedding(w.store, 9, w.space, &read, &memory, &err));
    tb_free(memory);
    tb_store_close(w.store);
}

static void unembedded_tracks_are_found(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_store *store = test_open_new();
    const int64_t old = test_space(store, 1), fresh = test_space(store, 2);
    for (unsigned i = 0; i < 10; i++) test_add_number(store, i);
    fill(store, old, 1, 10);
    fill(store, fresh, 3, 4);
    int64_t *ids;
    size_t n;
    assert_ok(tb_store_list_unembedded(store, fresh, 1, 4, &ids, &n, &err));
    assert_int_equal(n, 4);
    assert_int_equal(ids[0], 2);
    assert_int_equal(ids[1], 5);
    assert_int_equal(ids[3], 7);
    tb_free(ids);
    assert_ok(tb_store_list_unembedded(store, old, 0, 4, &ids, &n, &err));
    assert_int_equal(n, 0);
    assert_null(ids);
    assert_status(tb_store_list_unembedded(store, old, 0, 0, &ids, &n, &err), TB_INVALID);
    tb_store_close(store);
}

static void only_an_inactive_space_is_deleted(void **state)
{
    (void)state;
    tb_error err = {0};
    const char *folder = tb_test_folder();
    tb_store *store = test_open(folder);
    test_fill(folder, 520);
    const int64_t old = test_space(store, 1), fresh = test_space(store, 2);
    fill(store, old, 1, 520);
    fill(store, fresh, 1, 2);
    assert_status(tb_store_delete_space(store, old, &err), TB_FORBIDDEN);
    assert_ok(tb_store_activate_space(store, fresh, &err));
    assert_ok(tb_store_delete_space(store, old, &err));
    assert_status(tb_store_delete_space(store, old, &err), TB_NOT_FOUND);
    tb_space_row *spaces;
    size_t n;
    assert_ok(tb_store_list_spaces(store, &spaces, &n, &err));
    assert_int_equal(n, 1);
    assert_int_equal(spaces[0].n_tracks, 2);
    tb_space_rows_free(spaces, n);
    tb_store_close(store);
}

static void embedding_is_noted_as_a_change(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_store *store = test_open_new();
    const int64_t space = test_space(store, 1), track = test_add_number(store, 1);
    int64_t before, after;
    assert_ok(tb_store_last_change(store, &before, &err));
    fill(store, space, track, track);
    assert_ok(tb_store_last_change(store, &after, &err));
    assert_true(after > before);
    tb_store_close(store);
}

static void reading_survives_each_allocation_failing(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_store *store = test_open_new();
    const int64_t space = test_space(store, 1), track = test_add_number(store, 1);
    fill(store, space, track, track);
    for (size_t n = 1;; n++) {
        walk w = {.store = store, .space = space};
        tb_space_row *spaces = NULL;
        size_t n_spaces = 0;
        tb_alloc_fail_after(n);
        tb_status status = tb_store_each_embedding(store, space, 0, step, &w, NULL, &err);
        if (status == TB_OK) status = tb_store_list_spaces(store, &spaces, &n_spaces, &err);
        tb_alloc_fail_after(0);
        tb_space_rows_free(spaces, n_spaces);
        if (status == TB_OK) break;
        assert_status(status, TB_NO_MEMORY);
    }
    tb_store_close(store);
}

TB_TESTS(embedding_table, cmocka_unit_test(space_is_a_name_and_a_model),
         cmocka_unit_test(wrong_spaces_are_refused), cmocka_unit_test(embedding_comes_back_as_it_was_put),
         cmocka_unit_test(wrong_embeddings_are_refused),
         cmocka_unit_test(walk_shows_each_track_of_a_space_once), cmocka_unit_test(damaged_rows_are_left_out),
         cmocka_unit_test(unembedded_tracks_are_found), cmocka_unit_test(only_an_inactive_space_is_deleted),
         cmocka_unit_test(embedding_is_noted_as_a_change),
         cmocka_unit_test(reading_survives_each_allocation_failing))
