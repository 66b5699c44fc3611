// SPDX-License-Identifier: MIT
/* Adding and removing through the whole engine. */
#include "support/engine.h"

#include "timbre/timbre.h"

#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

static void the_same_audio_is_one_track(void **state)
{
    (void)state;
    tb_error err = {0};
    const char *folder = tb_test_folder();
    char *data = tb_test_join(folder, "data");
    tb_engine *engine = open_engine(data);
    char a[TB_TRACK_ID_SIZE], b[TB_TRACK_ID_SIZE];
    char *one = add_piece(engine, folder, "one.wav", 7, 5, a), *two = add_piece(engine, folder, "two.wav", 7, 5, b);
    assert_string_equal(a, b);
    tb_add_result again;
    assert_ok(tb_engine_add_file(engine, one, &(tb_add_options){0}, &again, &err));
    assert_false(again.created);
    tb_engine_stats stats;
    assert_ok(tb_engine_get_stats(engine, &stats, &err));
    assert_int_equal(stats.n_tracks, 1);
    tb_engine_close(engine);
    free(one);
    free(two);
    free(data);
}

/* Puts a piece into the incoming folder, as the server does. */
static char *upload(tb_engine *engine, const char *name, uint64_t seed)
{
    char *path = tb_test_join(tb_engine_incoming_folder(engine), name);
    tb_test_write_piece(path, seed, 4, 22050);
    return path;
}

static void an_upload_is_kept_below_the_data_folder_until_it_is_removed(void **state)
{
    (void)state;
    tb_error err = {0};
    char *data = tb_test_join(tb_test_folder(), "data");
    tb_engine *engine = open_engine(data);
    char *path = upload(engine, "x", 3);
    tb_add_result result;
    const tb_add_options options = {.move_upload = true, .file_name = "My Song.WAV"};
    assert_ok(tb_engine_add_file(engine, path, &options, &result, &err));
    assert_true(result.created);
    assert_int_equal(access(path, F_OK), -1);

    tb_track track;
    assert_ok(tb_engine_get_track(engine, result.id, &track, &err));
    assert_string_equal(track.tags[TB_TAG_TITLE], "My Song");
    assert_true(tb_fs_is_within(data, track.path));
    assert_int_equal(access(track.path, R_OK), 0);

    int fd;
    int64_t size;
    const char *type;
    assert_ok(tb_engine_open_audio(engine, result.id, &fd, &size, &type, &err));
    assert_string_equal(type, "audio/wav");
    assert_true(size > 44);
    close(fd);

    /* the same upload again is the same track, and leaves nothing behind */
    char *again = upload(engine, "y", 3);
    tb_add_result second;
    assert_ok(tb_engine_add_file(engine, again, &options, &second, &err));
    assert_false(second.created);
    assert_string_equal(second.id, result.id);
    assert_int_equal(access(again, F_OK), -1);

    assert_ok(tb_engine_remove_track(engine, result.id, &err));
    assert_int_equal(access(track.path, F_OK), -1);
    assert_status(tb_engine_open_audio(engine, result.id, &fd, &size, &type, &err), TB_NOT_FOUND);
    tb_track_clear(&track);
    tb_engine_close(engine);
    free(again);
    free(path);
    free(data);
}

static void uploads_are_found_again_when_the_data_folder_was_moved(void **state)
{
    (void)state;
    tb_error err = {0};
    const char *folder = tb_test_folder();
    char *data = tb_test_join(folder, "data"), *moved = tb_test_join(folder, "moved");
    tb_engine *engine = open_engine(data);
    char ids[2][TB_TRACK_ID_SIZE];
    for (int i = 0; i < 2; i++) {
        tb_add_result result;
        char *path = upload(engine, "x", 3 + (uint64_t)i);
        assert_ok(tb_engine_add_file(engine, path, &(tb_add_options){.move_upload = true, .file_name = "a.wav"}, &result, &err));
        memcpy(ids[i], result.id, sizeof ids[i]);
        free(path);
    }
    tb_engine_close(engine);
    assert_int_equal(rename(data, moved), 0);
    engine = open_engine(moved);
    for (int i = 0; i < 2; i++) {
        int fd;
        int64_t size;
        const char *type;
        assert_ok(tb_engine_open_audio(engine, ids[i], &fd, &size, &type, &err));
        close(fd);
        tb_track track;
        assert_ok(tb_engine_get_track(engine, ids[i], &track, &err));
        assert_true(tb_fs_is_within(moved, track.path));
        tb_track_clear(&track);
    }
    tb_engine_close(engine);
    free(data);
    free(moved);
}

static void an_upload_without_a_row_is_swept_at_start(void **state)
{
    (void)state;
    char *data = tb_test_join(tb_test_folder(), "data");
    tb_engine_close(open_engine(data));
    char *audio = tb_test_join(data, "audio"), *folder = tb_test_join(audio, "ab"), *orphan = tb_test_join(folder, "abandoned.wav");
    mkdir(folder, 0700);
    tb_test_write_piece(orphan, 1, 1, 22050);
    tb_engine_close(open_engine(data));
    assert_int_equal(access(orphan, F_OK), -1);
    free(orphan);
    free(folder);
    free(audio);
    free(data);
}

static void tags_and_ids_given_with_a_file_win(void **state)
{
    (void)state;
    tb_error err = {0};
    const char *folder = tb_test_folder();
    char *data = tb_test_join(folder, "data"), *path = tb_test_join(folder, "p.wav");
    tb_engine *engine = open_engine(data);
    tb_test_write_piece(path, 2, 3, 22050);
    tb_external_id external = {(char *)(uintptr_t) "mbid", (char *)(uintptr_t) "abc-1"};
    tb_track_patch metadata = {.external_ids = &external, .n_external_ids = 1, .set_payload = true, .payload = "{\"mood\":\"calm\"}"};
    metadata.set_tag[TB_TAG_TITLE] = metadata.set_tag[TB_TAG_YEAR] = true;
    metadata.tags[TB_TAG_TITLE] = "Given";
    metadata.tags[TB_TAG_YEAR] = "1999";
    tb_add_result result;
    assert_ok(tb_engine_add_file(engine, path, &(tb_add_options){.metadata = &metadata}, &result, &err));
    tb_track track;
    assert_ok(tb_engine_get_track(engine, "mbid:abc-1", &track, &err));
    assert_string_equal(track.id, result.id);
    assert_string_equal(track.tags[TB_TAG_TITLE], "Given");
    assert_string_equal(track.tags[TB_TAG_YEAR], "1999");
    assert_non_null(strstr(track.payload, "calm"));
    tb_track_clear(&track);
    metadata.tags[TB_TAG_YEAR] = "soon";
    assert_status(tb_engine_patch_track(engine, result.id, &metadata, &track, &err), TB_INVALID);
    tb_engine_close(engine);
    free(path);
    free(data);
}

static void what_is_no_audio_is_refused_and_leaves_nothing(void **state)
{
    (void)state;
    tb_error err = {0};
    const char *folder = tb_test_folder();
    char *data = tb_test_join(folder, "data"), *path = tb_test_join(folder, "song.mp3");
    tb_engine *engine = open_engine(data);
    FILE *file = fopen(path, "w");
    fputs("<!DOCTYPE html><p>not found", file);
    fclose(file);
    tb_add_result result;
    assert_status(tb_engine_add_file(engine, path, &(tb_add_options){0}, &result, &err), TB_UNSUPPORTED);
    file = fopen(path, "w");
    fclose(file);
    assert_true(tb_engine_add_file(engine, path, &(tb_add_options){0}, &result, &err) != TB_OK);
    assert_status(tb_engine_add_file(engine, "/no/such/file.ogg", &(tb_add_options){0}, &result, &err), TB_NOT_FOUND);
    tb_engine_stats stats;
    assert_ok(tb_engine_get_stats(engine, &stats, &err));
    assert_int_equal(stats.n_tracks, 0);
    tb_engine_close(engine);
    free(path);
    free(data);
}

static void one_sample_is_a_track(void **state)
{
    (void)state;
    tb_error err = {0};
    const char *folder = tb_test_folder();
    char *data = tb_test_join(folder, "data"), *path = tb_test_join(folder, "click.wav");
    tb_engine *engine = open_engine(data);
    const float sample = 0.5f;
    tb_test_write_wav(path, &sample, 1, 1, 44100);
    tb_add_result result;
    assert_ok(tb_engine_add_file(engine, path, &(tb_add_options){0}, &result, &err));
    tb_track_embedding e;
    assert_ok(tb_engine_get_embedding(engine, result.id, NULL, &e, &err));
    for (size_t i = 0; i < e.space.dim; i++) assert_true(isfinite(e.vector[i]));
    tb_track_embedding_clear(&e);
    tb_engine_close(engine);
    free(path);
    free(data);
}

static void a_second_engine_on_the_same_folder_is_refused(void **state)
{
    (void)state;
    tb_error err = {0};
    char *data = tb_test_join(tb_test_folder(), "data"), *models = tb_test_source_path("models");
    tb_engine *engine = open_engine(data), *second = NULL;
    const tb_engine_options options = {.data_folder = data, .models_folder = models};
    assert_status(tb_engine_open(&options, &second, &err), TB_BUSY);
    char pid[32];
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    assert_non_null(strstr(err.message, pid));
    tb_engine_close(engine);
    free(models);
    free(data);
}

static void a_folder_without_models_says_what_is_missing(void **state)
{
    (void)state;
    tb_error err = {0};
    const char *folder = tb_test_folder();
    char *data = tb_test_join(folder, "data");
    tb_engine *engine = NULL;
    const tb_engine_options options = {.data_folder = data, .models_folder = folder};
    assert_status(tb_engine_open(&options, &engine, &err), TB_NOT_FOUND);
    assert_non_null(strstr(err.message, "--models"));
    free(data);
}

/* Every allocation of adding a file and of a search fails in turn: an error or a right answer, nothing else. */
static void no_allocation_is_taken_for_granted(void **state)
{
    (void)state;
    const char *folder = tb_test_folder();
    char *data = tb_test_join(folder, "data"), *path = tb_test_join(folder, "p.wav");
    tb_engine *engine = open_engine(data);
    char id[TB_TRACK_ID_SIZE];
    char *other = add_piece(engine, folder, "other.wav", 9, 2, id);
    tb_test_write_piece(path, 8, 1, 22050);
    bool done = false;
    for (size_t n = 1; !done; n += n < 400 ? 7 : 61) {
        tb_error err = {0};
        tb_add_result added = {0};
        tb_alloc_fail_after(n);
        const tb_status status = tb_engine_add_file(engine, path, &(tb_add_options){.force = true}, &added, &err);
        const size_t n_asked = tb_alloc_fail_after(0);
        done = n_asked < n;
        if (done) assert_int_equal(status, TB_OK);
        else assert_true(status == TB_OK || err.message[0] != '\0');
    }
    done = false;
    for (size_t n = 1; !done; n += n < 100 ? 1 : 13) {
        tb_error err = {0};
        tb_search_result result = {0};
        tb_alloc_fail_after(n);
        const tb_status status = tb_engine_search(engine, &(tb_query){.path = path}, &(tb_search_options){.limit = 5, .highlights = true, .max_per_artist = 1}, &result, &err);
        const size_t n_asked = tb_alloc_fail_after(0);
        done = n_asked < n;
        if (status == TB_OK) assert_int_equal(result.n_hits, 2);
        tb_search_result_clear(&result);
    }
    tb_engine_close(engine);
    free(other);
    free(path);
    free(data);
}

static void the_c_library_adds_and_searches(void **state)
{
    (void)state;
    const char *folder = tb_test_folder();
    char *data = tb_test_join(folder, "data"), *models = tb_test_source_path("models"), *path = tb_test_join(folder, "p.wav");
    timbre *t = NULL;
    timbre_error err = {0};
    assert_int_equal(timbre_open(data, models, &t, &err), 0);
    char ids[3][TIMBRE_ID_SIZE];
    for (int i = 0; i < 3; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d.wav", i);
        char *piece = tb_test_join(folder, name);
        tb_test_write_piece(piece, 20 + (uint64_t)i, 3, 22050);
        assert_int_equal(timbre_add_file(t, piece, ids[i], &err), 0);
        assert_int_equal(timbre_add_file(t, piece, ids[i], &err), 1);
        free(piece);
    }
    assert_int_equal(timbre_count(t), 3);
    timbre_hit hits[5];
    size_t n = 0;
    const timbre_weight weight = {"rhythm", 1};
    assert_int_equal(timbre_similar(t, ids[0], &weight, 1, 5, hits, &n, &err), 0);
    assert_int_equal(n, 2);
    tb_test_write_piece(path, 21, 3, 22050);
    assert_int_equal(timbre_search_file(t, path, NULL, 0, 5, hits, &n, &err), 0);
    assert_string_equal(hits[0].id, ids[1]);
    assert_int_equal(timbre_similar(t, "nothing", NULL, 0, 5, hits, &n, &err), TIMBRE_NOT_FOUND);
    float *vector = calloc(timbre_dim(t), sizeof *vector);
    assert_int_equal(timbre_embed_file(t, path, vector, &err), 0);
    double square = 0;
    for (size_t i = 0; i < timbre_dim(t); i++) square += (double)vector[i] * (double)vector[i];
    assert_true(square > 0.5);
    assert_int_equal(timbre_remove(t, ids[0], &err), 0);
    assert_int_equal(timbre_count(t), 2);
    free(vector);
    timbre_close(t);
    free(path);
    free(models);
    free(data);
}

TB_TESTS(ingest, cmocka_unit_test(the_same_audio_is_one_track), cmocka_unit_test(an_upload_is_kept_below_the_data_folder_until_it_is_removed),
         cmocka_unit_test(an_upload_without_a_row_is_swept_at_start),
         cmocka_unit_test(uploads_are_found_again_when_the_data_folder_was_moved), cmocka_unit_test(tags_and_ids_given_with_a_file_win),
         cmocka_unit_test(what_is_no_audio_is_refused_and_leaves_nothing), cmocka_unit_test(one_sample_is_a_track),
         cmocka_unit_test(a_second_engine_on_the_same_folder_is_refused), cmocka_unit_test(a_folder_without_models_says_what_is_missing),
         cmocka_unit_test(no_allocation_is_taken_for_granted), cmocka_unit_test(the_c_library_adds_and_searches))
