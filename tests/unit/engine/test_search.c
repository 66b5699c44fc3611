// SPDX-License-Identifier: MIT
/* Searches through the whole engine, on small pieces. */
#include "support/engine.h"
#include "support/instruments_model.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>

enum { N_PIECES = 6 };

typedef struct fixture {
    tb_engine *engine;
    char *data, *paths[N_PIECES];
    char ids[N_PIECES][TB_TRACK_ID_SIZE];
} fixture;

static void set_tag(fixture *f, int piece, tb_tag tag, const char *value)
{
    tb_error err = {0};
    tb_track_patch patch = {0};
    tb_track track;
    patch.set_tag[tag] = true;
    patch.tags[tag] = value;
    assert_ok(tb_engine_patch_track(f->engine, f->ids[piece], &patch, &track, &err));
    tb_track_clear(&track);
}

/* Pieces 0 to 5; 0, 1, 2 are by "Ann", 3 and 4 by "Bob", 5 by nobody; album "First" has 0 and 1. */
static fixture *make(void)
{
    fixture *f = calloc(1, sizeof *f);
    const char *folder = tb_test_folder();
    f->data = tb_test_join(folder, "data");
    f->engine = open_engine(f->data);
    for (int i = 0; i < N_PIECES; i++) {
        char name[16];
        snprintf(name, sizeof name, "p%d.wav", i);
        f->paths[i] = add_piece(f->engine, folder, name, (uint64_t)i + 1, 12, f->ids[i]);
        if (i < 5) set_tag(f, i, TB_TAG_ARTIST, i < 3 ? "Ann" : "Bob");
        if (i < 2) set_tag(f, i, TB_TAG_ALBUM, "First");
    }
    return f;
}

static void discard(fixture *f)
{
    tb_engine_close(f->engine);
    for (int i = 0; i < N_PIECES; i++) free(f->paths[i]);
    free(f->data);
    free(f);
}

/* One for all tests that change nothing; closed when the program ends. */
static fixture *shared_fixture;

static void discard_shared(void)
{
    discard(shared_fixture);
}

static fixture *shared(void)
{
    if (!shared_fixture) {
        shared_fixture = make();
        atexit(discard_shared);
    }
    return shared_fixture;
}

static bool has(const tb_search_result *result, const char *id)
{
    for (size_t i = 0; i < result->n_hits; i++)
        if (strcmp(result->hits[i].track.id, id) == 0) return true;
    return false;
}

static void a_track_does_not_find_itself_but_all_others(void **state)
{
    (void)state;
    fixture *f = shared();
    tb_search_result r = search(f->engine, &(tb_query){.id = f->ids[0]}, &(tb_search_options){0});
    assert_int_equal(r.n_hits, N_PIECES - 1);
    assert_false(has(&r, f->ids[0]));
    for (size_t i = 1; i < r.n_hits; i++) assert_true(r.hits[i - 1].distance <= r.hits[i].distance);
    for (size_t i = 0; i < r.n_hits; i++) assert_true(r.hits[i].score >= 0 && r.hits[i].score <= 1);
    tb_search_result_clear(&r);
}

static void an_upload_of_a_stored_file_finds_it_at_distance_0(void **state)
{
    (void)state;
    fixture *f = shared();
    tb_search_result r = search(f->engine, &(tb_query){.path = f->paths[3]}, &(tb_search_options){0});
    assert_string_equal(r.hits[0].track.id, f->ids[3]);
    assert_near(r.hits[0].distance, 0, 1e-6);
    assert_near(r.hits[0].score, 1, 1e-6);
    assert_true(r.n_hits == N_PIECES);
    tb_search_result_clear(&r);
}

static void answers_are_the_same_after_a_restart(void **state)
{
    (void)state;
    fixture *f = make();
    tb_search_result before = search(f->engine, &(tb_query){.id = f->ids[1]}, &(tb_search_options){0});
    tb_engine_close(f->engine);
    f->engine = open_engine(f->data);
    tb_search_result after = search(f->engine, &(tb_query){.id = f->ids[1]}, &(tb_search_options){0});
    assert_int_equal(before.n_hits, after.n_hits);
    for (size_t i = 0; i < before.n_hits; i++) {
        assert_string_equal(before.hits[i].track.id, after.hits[i].track.id);
        assert_true(before.hits[i].distance == after.hits[i].distance);
        assert_string_equal(before.hits[i].track.tags[TB_TAG_TITLE], after.hits[i].track.tags[TB_TAG_TITLE]);
    }
    tb_search_result_clear(&before);
    tb_search_result_clear(&after);
    discard(f);
}

static void one_part_orders_by_that_part_alone(void **state)
{
    (void)state;
    fixture *f = shared();
    const tb_part_weight rhythm = {"rhythm", 1};
    tb_search_result r = search(f->engine, &(tb_query){.id = f->ids[0]}, &(tb_search_options){.using = &rhythm, .n_using = 1});
    for (size_t i = 0; i < r.n_hits; i++)
        for (size_t p = 0; p < r.space.n_parts; p++)
            if (strcmp(r.space.part_names[p], "rhythm") == 0) assert_near(r.hits[i].distance, r.hits[i].parts[p].distance, 1e-6);
            else assert_false(r.hits[i].parts[p].used);
    tb_search_result_clear(&r);
}

static void bad_weights_are_refused_with_the_reason(void **state)
{
    (void)state;
    fixture *f = shared();
    const struct {
        tb_part_weight weight;
        const char *says;
    } bad[] = {{{"drums?", 1}, "has no part"}, {{"rhythm", -1}, "from 0 to"}, {{"rhythm", NAN}, "from 0 to"}, {{"rhythm", INFINITY}, "from 0 to"}, {{"rhythm", 0}, "every weight is 0"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        tb_error err = {0};
        tb_search_result r;
        const tb_search_options options = {.using = &bad[i].weight, .n_using = 1, .limit = 5};
        assert_status(tb_engine_search(f->engine, &(tb_query){.id = f->ids[0]}, &options, &r, &err), TB_INVALID);
        assert_non_null(strstr(err.message, bad[i].says));
    }
}

static void limits_are_checked(void **state)
{
    (void)state;
    fixture *f = shared();
    const size_t bad[] = {0, TB_MAX_LIMIT + 1, 1000000000};
    for (size_t i = 0; i < 3; i++) {
        tb_error err = {0};
        tb_search_result r;
        assert_status(tb_engine_search(f->engine, &(tb_query){.id = f->ids[0]}, &(tb_search_options){.limit = bad[i]}, &r, &err), TB_INVALID);
    }
}

static void an_unknown_track_or_space_is_named(void **state)
{
    (void)state;
    fixture *f = shared();
    tb_error err = {0};
    tb_search_result r;
    assert_status(tb_engine_search(f->engine, &(tb_query){.id = "nosuchtrack"}, &(tb_search_options){.limit = 1}, &r, &err), TB_NOT_FOUND);
    assert_non_null(strstr(err.message, "nosuchtrack"));
    assert_status(tb_engine_search(f->engine, &(tb_query){.id = f->ids[0]}, &(tb_search_options){.limit = 1, .space = "nospace"}, &r, &err), TB_NOT_FOUND);
    assert_non_null(strstr(err.message, "nospace"));
    assert_non_null(strstr(err.message, "descriptors"));
}

static void a_filter_counts_before_the_limit(void **state)
{
    (void)state;
    fixture *f = shared();
    tb_error err = {0};
    tb_filter *filter = NULL;
    assert_ok(tb_engine_parse_filter(f->engine, "artist:bob", &filter, &err));
    tb_search_result r = search(f->engine, &(tb_query){.id = f->ids[0]}, &(tb_search_options){.filter = filter, .limit = 2});
    assert_int_equal(r.n_hits, 2);
    assert_true(has(&r, f->ids[3]) && has(&r, f->ids[4]));
    assert_int_equal(r.dropped.filter, 4); /* 0, 1, 2 and 5: the query itself does not pass it either */
    tb_search_result_clear(&r);
    tb_filter_free(filter);
}

static void caps_are_filled_up_from_further_away(void **state)
{
    (void)state;
    fixture *f = shared();
    tb_search_result r = search(f->engine, &(tb_query){.id = f->ids[0]}, &(tb_search_options){.max_per_artist = 1});
    assert_int_equal(r.n_hits, 3); /* one of Ann, one of Bob, and 5, whose artist nobody knows */
    assert_true(has(&r, f->ids[5]));
    assert_int_equal(r.dropped.artist_cap, 2);
    tb_search_result_clear(&r);
}

static void the_querys_album_can_be_left_out(void **state)
{
    (void)state;
    fixture *f = shared();
    tb_search_result r = search(f->engine, &(tb_query){.id = f->ids[0]}, &(tb_search_options){.exclude_same_album = true});
    assert_int_equal(r.n_hits, 4);
    assert_false(has(&r, f->ids[1]));
    assert_int_equal(r.dropped.same_album, 1);
    tb_search_result_clear(&r);
}

static void previous_tracks_do_not_come_back(void **state)
{
    (void)state;
    fixture *f = shared();
    const char *previous[] = {f->ids[1], f->ids[2], "unknown"};
    tb_search_result r = search(f->engine, &(tb_query){.id = f->ids[0]}, &(tb_search_options){.previous = previous, .n_previous = 3});
    assert_int_equal(r.n_hits, 3);
    assert_false(has(&r, f->ids[1]) || has(&r, f->ids[2]));
    assert_int_equal(r.dropped.previous, 2); /* the query itself is not counted */
    tb_search_result_clear(&r);
}

static void segments_have_times_and_one_hit_a_track_when_grouped(void **state)
{
    (void)state;
    fixture *f = shared();
    tb_search_result r = search(f->engine, &(tb_query){.path = f->paths[2]}, &(tb_search_options){.level = TB_LEVEL_SEGMENT, .group_by = TB_GROUP_TRACK});
    assert_int_equal(r.n_hits, N_PIECES);
    assert_string_equal(r.hits[0].track.id, f->ids[2]);
    for (size_t i = 0; i < r.n_hits; i++) {
        assert_true(r.hits[i].has_highlight);
        assert_true(r.hits[i].highlight.start_s >= 0 && r.hits[i].highlight.end_s <= 12.5);
        assert_true(r.hits[i].highlight.start_s < r.hits[i].highlight.end_s);
    }
    tb_search_result_clear(&r);
}

static void a_threshold_cuts_and_says_so(void **state)
{
    (void)state;
    fixture *f = shared();
    tb_search_result all = search(f->engine, &(tb_query){.id = f->ids[0]}, &(tb_search_options){0});
    const double between = (all.hits[0].score + all.hits[1].score) / 2;
    tb_search_result r = search(f->engine, &(tb_query){.id = f->ids[0]}, &(tb_search_options){.has_score_threshold = true, .score_threshold = between});
    assert_int_equal(r.n_hits, 1);
    assert_int_equal(r.dropped.threshold, N_PIECES - 2);
    tb_search_result_clear(&r);
    tb_search_result_clear(&all);
}

static void examples_take_parts_from_different_tracks(void **state)
{
    (void)state;
    fixture *f = shared();
    const tb_example rhythm_of_1[] = {{.id = f->ids[1], .part = "rhythm", .weight = 1}, {.id = f->ids[2], .part = "harmony", .weight = 1}};
    const tb_part_weight weights[] = {{"rhythm", 1}, {"harmony", 1}};
    tb_search_result r = search(f->engine, &(tb_query){.positive = rhythm_of_1, .n_positive = 2}, &(tb_search_options){.using = weights, .n_using = 2});
    assert_int_equal(r.n_hits, N_PIECES - 2); /* the examples are not hits */
    assert_false(has(&r, f->ids[1]) || has(&r, f->ids[2]));
    tb_search_result_clear(&r);

    const tb_example only = {.id = f->ids[1], .weight = 1};
    tb_search_result by_example = search(f->engine, &(tb_query){.positive = &only, .n_positive = 1}, &(tb_search_options){0});
    tb_search_result by_id = search(f->engine, &(tb_query){.id = f->ids[1]}, &(tb_search_options){0});
    for (size_t i = 0; i < by_id.n_hits; i++) assert_string_equal(by_id.hits[i].track.id, by_example.hits[i].track.id);
    tb_search_result_clear(&by_id);
    tb_search_result_clear(&by_example);
}

static void vectors_must_fit_the_space(void **state)
{
    (void)state;
    fixture *f = shared();
    tb_error err = {0};
    tb_search_result r;
    float *vector = calloc(5000, sizeof *vector);
    assert_status(tb_engine_search(f->engine, &(tb_query){.vector = vector, .n_vector = 3}, &(tb_search_options){.limit = 1}, &r, &err), TB_INVALID);
    tb_space_info info;
    tb_engine_space(f->engine, 0, &info);
    vector[0] = NAN;
    assert_status(tb_engine_search(f->engine, &(tb_query){.vector = vector, .n_vector = info.dim}, &(tb_search_options){.limit = 1}, &r, &err), TB_INVALID);
    vector[0] = 0;
    tb_search_result silent = search(f->engine, &(tb_query){.vector = vector, .n_vector = info.dim}, &(tb_search_options){0});
    assert_true(silent.query_silent);
    assert_int_equal(silent.n_hits, 0);
    free(vector);
}

static void named_parts_choose_the_space_that_has_them(void **state)
{
    (void)state;
    tb_error err = {0};
    char *folder = tb_test_join(tb_test_folder(), "two-spaces"), *models = tb_test_join(folder, "models");
    char *alone = descriptors_folder(), *shipped = tb_test_join(alone, "descriptors.safetensors");
    char *copy = tb_test_join(models, "descriptors.safetensors"), *instruments = tb_test_join(models, "instruments.safetensors");
    char *data = tb_test_join(folder, "data"), id[2][TB_TRACK_ID_SIZE];
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_int_equal(mkdir(models, 0700), 0);
    assert_int_equal(symlink(shipped, copy), 0);
    write_random_instruments(instruments, 24, 0, 1);
    const tb_engine_options options = {.data_folder = data, .models_folder = models, .n_threads = 1};
    tb_engine *engine = NULL;
    assert_ok(tb_engine_open(&options, &engine, &err));
    free(add_piece(engine, folder, "a.wav", 1, 8, id[0]));
    free(add_piece(engine, folder, "b.wav", 2, 8, id[1]));

    static const struct {
        const char *part, *space;
    } cases[] = {{NULL, "instruments"}, {"drums", "instruments"}, {"rhythm", "descriptors"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const tb_part_weight weight = {cases[i].part, 1};
        tb_search_result r = search(engine, &(tb_query){.id = id[0]}, &(tb_search_options){.using = &weight, .n_using = cases[i].part != NULL});
        assert_string_equal(r.space.name, cases[i].space);
        assert_int_equal(r.n_hits, 1);
        tb_search_result_clear(&r);
    }
    const tb_part_weight mixed[] = {{"drums", 1}, {"rhythm", 1}}, rhythm = {"rhythm", 1};
    tb_search_result r;
    assert_status(tb_engine_search(engine, &(tb_query){.id = id[0]}, &(tb_search_options){.limit = 1, .using = mixed, .n_using = 2}, &r, &err), TB_INVALID);
    assert_status(tb_engine_search(engine, &(tb_query){.id = id[0]}, &(tb_search_options){.limit = 1, .using = &rhythm, .n_using = 1, .space = "instruments"}, &r, &err),
                  TB_INVALID);
    tb_engine_close(engine);
    free(data), free(instruments), free(copy), free(shipped), free(alone), free(models), free(folder);
}

static void silence_is_stored_and_says_that_nothing_sounds(void **state)
{
    (void)state;
    fixture *f = make();
    tb_error err = {0};
    float *samples = calloc(22050 * 3, sizeof *samples);
    char *path = tb_test_join(tb_test_folder(), "silence.wav");
    tb_test_write_wav(path, samples, 22050 * 3, 1, 22050);
    tb_add_result added;
    assert_ok(tb_engine_add_file(f->engine, path, &(tb_add_options){0}, &added, &err));
    tb_track_embedding e;
    assert_ok(tb_engine_get_embedding(f->engine, added.id, NULL, &e, &err));
    for (size_t p = 0; p < e.space.n_parts; p++) assert_true(e.presence[p] == 0);
    for (size_t i = 0; i < e.space.dim; i++) assert_true(e.vector[i] == 0);
    tb_track_embedding_clear(&e);
    tb_search_result r = search(f->engine, &(tb_query){.id = added.id}, &(tb_search_options){0});
    assert_true(r.query_silent);
    assert_int_equal(r.n_hits, 0);
    tb_search_result others = search(f->engine, &(tb_query){.id = f->ids[0]}, &(tb_search_options){0});
    assert_int_equal(others.n_hits, N_PIECES - 1);
    assert_int_equal(others.dropped.missing, 1);
    tb_search_result_clear(&others);
    tb_search_result_clear(&r);
    free(path);
    free(samples);
    discard(f);
}

static void a_passage_is_searched_for_by_its_segments(void **state)
{
    (void)state;
    fixture *f = shared();
    tb_error err = {0};
    tb_search_result r = search(f->engine, &(tb_query){.id = f->ids[0], .start_s = 0, .duration_s = 10}, &(tb_search_options){.highlights = true});
    assert_true(r.n_hits > 0 && r.hits[0].has_highlight);
    tb_search_result_clear(&r);
    assert_status(tb_engine_search(f->engine, &(tb_query){.id = f->ids[0], .start_s = 500, .duration_s = 10}, &(tb_search_options){.limit = 1}, &r, &err), TB_INVALID);
}

/* --- removed while it is searched ----------------------------------------------------------------------------- */

typedef struct racing {
    fixture *f;
    atomic_bool stop;
    atomic_int n_searches;
} racing;

static void *search_all_the_time(void *context)
{
    racing *r = context;
    while (!atomic_load(&r->stop)) {
        tb_search_result result = {0};
        tb_error err = {0};
        const tb_status status = tb_engine_search(r->f->engine, &(tb_query){.id = r->f->ids[0]}, &(tb_search_options){.limit = 10}, &result, &err);
        if (status != TB_OK) return "a search failed";
        for (size_t i = 0; i < result.n_hits; i++)
            if (!*result.hits[i].track.id) return "a hit has no track";
        tb_search_result_clear(&result);
        atomic_fetch_add(&r->n_searches, 1);
    }
    return NULL;
}

static bool cancelled_at(void *context)
{
    int *left = context;
    return (*left)-- <= 0;
}

static void a_search_can_be_cancelled_at_any_moment(void **state)
{
    (void)state;
    fixture *f = shared();
    tb_error err = {0};
    tb_status status = TB_CANCELLED;
    int n_cancelled = 0;
    for (int moment = 0; status == TB_CANCELLED && moment < 1000; moment++) {
        int left = moment;
        tb_search_result result;
        const tb_search_options options = {.limit = 10, .highlights = true, .cancelled = cancelled_at, .context = &left};
        status = tb_engine_search(f->engine, &(tb_query){.id = f->ids[0]}, &options, &result, &err);
        if (status == TB_OK) {
            assert_int_equal(result.n_hits, N_PIECES - 1);
            tb_search_result_clear(&result);
        }
        n_cancelled += status == TB_CANCELLED;
    }
    assert_int_equal(status, TB_OK);
    assert_true(n_cancelled > N_PIECES); /* it was asked within the highlights, too */
}

static void a_track_may_be_removed_while_it_is_searched(void **state)
{
    (void)state;
    fixture *f = make();
    racing r = {.f = f};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, search_all_the_time, &r);
    for (int round = 0; round < 10; round++) {
        tb_error err = {0};
        tb_add_result added;
        assert_ok(tb_engine_remove_track(f->engine, f->ids[4], &err));
        assert_status(tb_engine_remove_track(f->engine, f->ids[4], &err), TB_NOT_FOUND);
        assert_ok(tb_engine_add_file(f->engine, f->paths[4], &(tb_add_options){0}, &added, &err));
        assert_true(added.created);
        assert_string_equal(added.id, f->ids[4]); /* the same audio has the same ID again */
    }
    atomic_store(&r.stop, true);
    for (int i = 0; i < 2; i++) {
        void *problem;
        pthread_join(threads[i], &problem);
        if (problem) fail_msg("%s", (const char *)problem);
    }
    assert_true(atomic_load(&r.n_searches) > 0);
    discard(f);
}

TB_TESTS(search, cmocka_unit_test(a_track_does_not_find_itself_but_all_others), cmocka_unit_test(an_upload_of_a_stored_file_finds_it_at_distance_0),
         cmocka_unit_test(answers_are_the_same_after_a_restart), cmocka_unit_test(one_part_orders_by_that_part_alone),
         cmocka_unit_test(bad_weights_are_refused_with_the_reason), cmocka_unit_test(limits_are_checked),
         cmocka_unit_test(an_unknown_track_or_space_is_named), cmocka_unit_test(a_filter_counts_before_the_limit),
         cmocka_unit_test(caps_are_filled_up_from_further_away), cmocka_unit_test(the_querys_album_can_be_left_out),
         cmocka_unit_test(previous_tracks_do_not_come_back), cmocka_unit_test(segments_have_times_and_one_hit_a_track_when_grouped),
         cmocka_unit_test(a_threshold_cuts_and_says_so), cmocka_unit_test(examples_take_parts_from_different_tracks),
         cmocka_unit_test(vectors_must_fit_the_space), cmocka_unit_test(named_parts_choose_the_space_that_has_them), cmocka_unit_test(silence_is_stored_and_says_that_nothing_sounds),
         cmocka_unit_test(a_passage_is_searched_for_by_its_segments), cmocka_unit_test(a_track_may_be_removed_while_it_is_searched),
         cmocka_unit_test(a_search_can_be_cancelled_at_any_moment))
