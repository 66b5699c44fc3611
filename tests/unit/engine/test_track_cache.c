// SPDX-License-Identifier: MIT
#include "support/engine.h"

#include "engine/track_cache.h"

#include <pthread.h>

static tb_track make_track(int64_t number)
{
    tb_track track = {.number = number, .duration_s = 1.5};
    snprintf(track.id, sizeof track.id, "id%014lld", (long long)number);
    track.tags[TB_TAG_TITLE] = tb_strdup(track.id);
    track.path = tb_strdup("/music/a.wav");
    track.external_ids = tb_alloc(1, sizeof *track.external_ids);
    track.external_ids[0] = (tb_external_id){tb_strdup("mbid"), tb_strdup("x")};
    track.n_external_ids = 1;
    return track;
}

static void a_track_comes_back_whole_for_its_version_alone(void **state)
{
    tb__track_cache *cache = NULL;
    tb_error err;
    tb_track track = make_track(7), found = {0};
    int64_t number = 0;
    (void)state;
    assert_ok(tb__track_cache_new(64, &cache, &err));
    assert_false(tb__track_cache_get(cache, 7, 1, &found));
    tb__track_cache_put(cache, &track, 1);
    assert_true(tb__track_cache_get(cache, 7, 1, &found));
    assert_string_equal(found.tags[TB_TAG_TITLE], track.id);
    assert_ptr_not_equal(found.tags[TB_TAG_TITLE], track.tags[TB_TAG_TITLE]);
    assert_string_equal(found.external_ids[0].value, "x");
    assert_null(found.tags[TB_TAG_ARTIST]);
    tb_track_clear(&found);
    assert_true(tb__track_cache_find(cache, track.id, 1, &number));
    assert_int_equal(number, 7);
    assert_false(tb__track_cache_get(cache, 7, 2, &found));
    assert_false(tb__track_cache_find(cache, track.id, 2, &number));
    assert_false(tb__track_cache_find(cache, "id00000000000008", 1, &number));
    tb_track_clear(&track);
    tb__track_cache_free(cache);
}

static void tracks_of_one_slot_take_turns(void **state)
{
    tb__track_cache *cache = NULL;
    tb_error err;
    tb_track first = make_track(3), second = make_track(67), found = {0};
    int64_t number = 0;
    (void)state;
    assert_ok(tb__track_cache_new(64, &cache, &err));
    tb__track_cache_put(cache, &first, 1);
    tb__track_cache_put(cache, &second, 1);
    assert_false(tb__track_cache_get(cache, 3, 1, &found));
    assert_true(tb__track_cache_find(cache, second.id, 1, &number));
    assert_int_equal(number, 67);
    assert_true(tb__track_cache_get(cache, 67, 1, &found));
    tb_track_clear(&found);
    tb_track_clear(&first);
    tb_track_clear(&second);
    tb__track_cache_free(cache);
}

static void *read_and_write(void *context)
{
    for (int i = 0; i < 3000; i++) {
        const int64_t number = 1 + i % 200;
        tb_track found = {0}, track = make_track(number);
        if (tb__track_cache_get(context, number, 1, &found) && strcmp(found.tags[TB_TAG_TITLE], found.id) != 0) return context;
        tb__track_cache_put(context, &track, 1);
        tb_track_clear(&found);
        tb_track_clear(&track);
    }
    return NULL;
}

static void threads_see_whole_tracks(void **state)
{
    tb__track_cache *cache = NULL;
    tb_error err;
    pthread_t threads[4];
    (void)state;
    assert_ok(tb__track_cache_new(64, &cache, &err));
    for (int i = 0; i < 4; i++) assert_int_equal(pthread_create(&threads[i], NULL, read_and_write, cache), 0);
    for (int i = 0; i < 4; i++) {
        void *wrong = NULL;
        pthread_join(threads[i], &wrong);
        assert_null(wrong);
    }
    tb__track_cache_free(cache);
}

static void lack_of_memory_leaves_it_out(void **state)
{
    tb_track track = make_track(7);
    (void)state;
    for (size_t n = 1;; n++) {
        tb__track_cache *cache = NULL;
        tb_track found = {0};
        tb_alloc_fail_after(n);
        const tb_status status = tb__track_cache_new(64, &cache, NULL);
        bool got = false;
        if (status == TB_OK) {
            tb__track_cache_put(cache, &track, 1);
            got = tb__track_cache_get(cache, 7, 1, &found);
        }
        const size_t n_asked = tb_alloc_fail_after(0);
        tb_track_clear(&found);
        tb__track_cache_free(cache);
        if (n_asked < n) {
            assert_true(got);
            break;
        }
        assert_false(got);
    }
    tb_track_clear(&track);
}

static void a_read_after_a_write_sees_it(void **state)
{
    const char *folder = tb_test_folder();
    char id[TB_TRACK_ID_SIZE];
    char *data = tb_test_join(folder, "data");
    tb_engine *engine = open_engine(data);
    tb_error err = {0};
    tb_track track = {0};
    (void)state;
    free(add_piece(engine, folder, "a.wav", 1, 2, id));
    for (int i = 0; i < 3; i++) {
        char title[32];
        snprintf(title, sizeof title, "title %d", i);
        const tb_track_patch patch = {.set_tag[TB_TAG_TITLE] = true, .tags[TB_TAG_TITLE] = title};
        assert_ok(tb_engine_patch_track(engine, id, &patch, &track, &err));
        tb_track_clear(&track);
        for (int j = 0; j < 2; j++) { /* from the store, from the cache */
            assert_ok(tb_engine_get_track(engine, id, &track, &err));
            assert_string_equal(track.tags[TB_TAG_TITLE], title);
            tb_track_clear(&track);
        }
    }
    assert_ok(tb_engine_remove_track(engine, id, &err));
    assert_status(tb_engine_get_track(engine, id, &track, &err), TB_NOT_FOUND);
    tb_engine_close(engine);
    free(data);
}

TB_TESTS(track_cache, cmocka_unit_test(a_track_comes_back_whole_for_its_version_alone),
         cmocka_unit_test(tracks_of_one_slot_take_turns), cmocka_unit_test(threads_see_whole_tracks),
         cmocka_unit_test(lack_of_memory_leaves_it_out), cmocka_unit_test(a_read_after_a_write_sees_it))
