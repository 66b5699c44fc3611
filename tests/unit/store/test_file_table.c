// SPDX-License-Identifier: MIT
/* Libraries, files, failures. */
#include "store_support.h"

#include "base/alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int64_t add_library(tb_store *store, const char *name, const char *root)
{
    tb_error err = {0};
    int64_t id = 0;
    const tb_library_put put = {.name = name, .root = root};
    assert_ok(tb_store_put_library(store, &put, &id, NULL, &err));
    return id;
}

/* A track whose file lies at that path. */
static int64_t add_file(tb_store *store, unsigned number, const char *path, int64_t library_id)
{
    const tb_file_put file = {.path = path, .library_id = library_id, .size_bytes = 1000, .modified_ns = 5};
    tb_track_put put = test_put(number);
    put.file = &file;
    return test_add(store, &put);
}

static bool has_file(tb_store *store, const char *path)
{
    tb_error err;
    tb_file_row file;
    const tb_status status = tb_store_get_file(store, path, &file, &err);
    if (status == TB_OK) tb_file_row_clear(&file);
    return status == TB_OK;
}

static void library_is_made_changed_and_read(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_store *store = test_open_new();
    int64_t id = 0, again = 0;
    bool created = false;
    tb_library_put put = {.name = "main",
                          .root = "/music",
                          .watch = true,
                          .exclude = "[\"**/audiobooks/**\"]"};
    assert_ok(tb_store_put_library(store, &put, &id, &created, &err));
    assert_true(created);
    put.watch = false;
    put.exclude = NULL;
    assert_ok(tb_store_put_library(store, &put, &again, &created, &err));
    assert_false(created);
    assert_int_equal(again, id);
    add_library(store, "Another.one_2", "/other");
    add_file(store, 1, "/music/a", id);
    assert_ok(tb_store_library_scanned(store, id, &err));
    tb_library_row library;
    assert_ok(tb_store_get_library(store, "main", &library, &err));
    assert_int_equal(library.id, id);
    assert_string_equal(library.root, "/music");
    assert_false(library.watch);
    assert_null(library.exclude);
    assert_int_equal(library.n_files, 1);
    assert_true(library.scanned_ms > 0);
    tb_library_row_clear(&library);
    assert_status(tb_store_get_library(store, "none", &library, &err), TB_NOT_FOUND);
    assert_status(tb_store_library_scanned(store, 99, &err), TB_NOT_FOUND);
    tb_library_row *libraries;
    size_t n;
    assert_ok(tb_store_list_libraries(store, &libraries, &n, &err));
    assert_int_equal(n, 2);
    assert_string_equal(libraries[0].name, "Another.one_2");
    tb_library_rows_free(libraries, n);
    tb_store_close(store);
}

static void wrong_libraries_are_refused(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_store *store = test_open_new();
    int64_t id;
    add_library(store, "main", "/music");
    static char long_name[100];
    memset(long_name, 'a', sizeof long_name - 1);
    const struct {
        tb_library_put put;
        tb_status expected;
    } cases[] = {
        {{.name = "", .root = "/a"}, TB_INVALID},
        {{.name = NULL, .root = "/a"}, TB_INVALID},
        {{.name = "a b", .root = "/a"}, TB_INVALID},
        {{.name = "../up", .root = "/a"}, TB_INVALID},
        {{.name = long_name, .root = "/a"}, TB_INVALID},
        {{.name = "ok", .root = "relative"}, TB_INVALID},
        {{.name = "ok", .root = NULL}, TB_INVALID},
        {{.name = "ok", .root = "/music"}, TB_EXISTS},
        {{.name = "ok", .root = "/a", .exclude = "{}"}, TB_INVALID},
        {{.name = "ok", .root = "/a", .exclude = "nonsense"}, TB_INVALID},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_status(tb_store_put_library(store, &cases[i].put, &id, NULL, &err), cases[i].expected);
    tb_store_close(store);
}

static void moved_library_keeps_its_files(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_store *store = test_open_new();
    const int64_t id = add_library(store, "main", "/old/\xff"), other = add_library(store, "other", "/new");
    const int64_t track = add_file(store, 1, "/old/\xff/sub/\xfe\xc3.flac", id);
    add_file(store, 2, "/old/\xff" "x/b", id); /* not below the root */
    add_file(store, 3, "/new/b", other);
    add_library(store, "main", "/moved/\xfd");
    tb_file_row file;
    assert_ok(tb_store_get_file(store, "/moved/\xfd/sub/\xfe\xc3.flac", &file, &err));
    assert_int_equal(file.track_id, track);
    assert_int_equal(file.library_id, id);
    tb_file_row_clear(&file);
    assert_false(has_file(store, "/old/\xff/sub/\xfe\xc3.flac"));
    assert_true(has_file(store, "/old/\xff" "x/b"));
    assert_true(has_file(store, "/new/b"));
    tb_store_close(store);
}

static void moved_data_folder_keeps_its_uploads(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_store *store = test_open_new();
    const int64_t id = add_library(store, "main", "/data/audio/library");
    const int64_t track = add_file(store, 1, "/data/audio/\xff.ogg", 0);
    add_file(store, 2, "/data/audio/library/b", id); /* of a library: stays */
    add_file(store, 3, "/data/audio2/c", 0);         /* elsewhere: stays */
    assert_ok(tb_store_move_uploads(store, "/data/audio", "/other/audio", &err));
    tb_file_row file;
    assert_ok(tb_store_get_file(store, "/other/audio/\xff.ogg", &file, &err));
    assert_int_equal(file.track_id, track);
    tb_file_row_clear(&file);
    assert_true(has_file(store, "/data/audio/library/b"));
    assert_true(has_file(store, "/data/audio2/c"));
    tb_store_close(store);
}

static void deleted_library_takes_tracks_without_another_file(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_store *store = test_open_new();
    const int64_t id = add_library(store, "main", "/music");
    const int64_t gone_2 = add_file(store, 2, "/music/2", id), gone_1 = add_file(store, 1, "/music/1", id);
    const int64_t kept = add_file(store, 3, "/music/3", id);
    add_file(store, 3, "/upload/3", 0);
    int64_t *removed = NULL;
    size_t n = 0;
    assert_ok(tb_store_delete_library(store, id, &removed, &n, &err));
    assert_int_equal(n, 2);
    assert_int_equal(removed[0], gone_2 < gone_1 ? gone_2 : gone_1);
    assert_int_equal(removed[1], gone_2 < gone_1 ? gone_1 : gone_2);
    tb_free(removed);
    tb_track_row track;
    assert_ok(tb_store_get_track(store, kept, TB_WITH_FILES, &track, &err));
    assert_int_equal(track.n_files, 1);
    tb_track_row_clear(&track);
    assert_status(tb_store_delete_library(store, id, &removed, &n, &err), TB_NOT_FOUND);
    assert_ok(tb_store_check(store, &err));
    tb_store_close(store);
}

static void failure_is_kept_with_its_reason(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_store *store = test_open_new();
    const int64_t id = add_library(store, "main", "/music");
    const tb_file_put put = {.path = "/music/\xff.mp3", .library_id = id, .size_bytes = 10, .modified_ns = 3};
    int64_t removed = -1;
    assert_ok(tb_store_put_failure(store, &put, TB_UNSUPPORTED, "no codec for \xfe", &removed, &err));
    assert_int_equal(removed, 0);
    assert_ok(tb_store_put_failure(store, &put, TB_CORRUPT, "", NULL, &err));
    assert_ok(tb_store_put_failure(store, &put, TB_CORRUPT, "cut short", NULL, &err));
    tb_file_row file;
    assert_ok(tb_store_get_file(store, put.path, &file, &err));
    assert_int_equal(file.track_id, 0);
    assert_int_equal(file.attempts, 3);
    assert_int_equal(file.code, TB_CORRUPT);
    assert_string_equal(file.reason, "cut short");
    assert_true(file.failed_ms > 0);
    tb_file_row_clear(&file);
    tb_file_row *files;
    size_t n;
    int64_t total;
    assert_ok(tb_store_list_failures(store, id, 0, 10, &files, &n, &total, &err));
    assert_int_equal(n, 1);
    assert_int_equal(total, 1);
    tb_file_rows_free(files, n);
    const int64_t track = add_file(store, 1, put.path, id); /* it works now */
    assert_ok(tb_store_get_file(store, put.path, &file, &err));
    assert_int_equal(file.track_id, track);
    assert_null(file.reason);
    assert_int_equal(file.attempts, 0);
    tb_file_row_clear(&file);
    assert_ok(tb_store_list_failures(store, 0, 0, 10, &files, &n, NULL, &err));
    assert_int_equal(n, 0);
    tb_file_rows_free(files, n);
    tb_store_close(store);
}

static void failure_of_a_known_file_depends_on_whether_it_changed(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_store *store = test_open_new();
    const int64_t track = add_file(store, 1, "/a", 0);
    int64_t removed = -1;
    tb_file_put put = {.path = "/a",
                       .size_bytes = 1000,
                       .modified_ns = 5}; /* as it was: only unreadable now */
    assert_ok(tb_store_put_failure(store, &put, TB_IO, "read error", &removed, &err));
    assert_int_equal(removed, 0);
    tb_file_row file;
    assert_ok(tb_store_get_file(store, "/a", &file, &err));
    assert_int_equal(file.track_id, track);
    assert_string_equal(file.reason, "read error");
    tb_file_row_clear(&file);
    put.modified_ns = 6;
    assert_ok(tb_store_put_failure(store, &put, TB_CORRUPT, "no audio", &removed, &err));
    assert_int_equal(removed, track);
    tb_track_row row;
    assert_status(tb_store_get_track(store, track, 0, &row, &err), TB_NOT_FOUND);
    assert_true(has_file(store, "/a"));
    tb_store_close(store);
}

static void failures_are_listed_by_path_in_pages(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_store *store = test_open_new();
    const int64_t id = add_library(store, "main", "/music");
    for (int i = 0; i < 7; i++) {
        char path[40];
        snprintf(path, sizeof path, "/music/%d", 7 - i);
        const tb_file_put put = {.path = path, .library_id = i % 2 ? id : 0};
        assert_ok(tb_store_put_failure(store, &put, TB_CORRUPT, "x", NULL, &err));
    }
    tb_file_row *files;
    size_t n;
    int64_t total;
    assert_ok(tb_store_list_failures(store, 0, 2, 3, &files, &n, &total, &err));
    assert_int_equal(n, 3);
    assert_int_equal(total, 7);
    assert_string_equal(files[0].path, "/music/3");
    assert_string_equal(files[2].path, "/music/5");
    tb_file_rows_free(files, n);
    assert_ok(tb_store_list_failures(store, id, 0, 10, &files, &n, &total, &err));
    assert_int_equal(n, 3);
    assert_int_equal(total, 3);
    assert_string_equal(files[0].path, "/music/2");
    tb_file_rows_free(files, n);
    assert_status(tb_store_list_failures(store, 0, 0, 0, &files, &n, &total, &err), TB_INVALID);
    assert_status(tb_store_list_failures(store, 0, 0, 1000000, &files, &n, &total, &err), TB_INVALID);
    tb_store_counts counts;
    assert_ok(tb_store_count(store, &counts, &err));
    assert_int_equal(counts.failed_files, 7);
    tb_store_close(store);
}

static void files_that_are_gone_take_their_tracks(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_store *store = test_open_new();
    const int64_t a = add_file(store, 1, "/a", 0);
    add_file(store, 2, "/b", 0);
    add_file(store, 2, "/c", 0);
    tb_file_row file_a, file_b;
    assert_ok(tb_store_get_file(store, "/a", &file_a, &err));
    assert_ok(tb_store_get_file(store, "/b", &file_b, &err));
    const int64_t ids[] = {file_b.id, 4711, file_a.id, file_a.id};
    int64_t *removed = NULL;
    size_t n = 0;
    assert_ok(tb_store_remove_files(store, ids, 4, &removed, &n, &err));
    assert_int_equal(n, 1);
    assert_int_equal(removed[0], a);
    tb_free(removed);
    assert_ok(tb_store_remove_files(store, ids, 0, &removed, &n, &err));
    assert_int_equal(n, 0);
    assert_null(removed);
    assert_false(has_file(store, "/b"));
    assert_true(has_file(store, "/c"));
    tb_file_row_clear(&file_a);
    tb_file_row_clear(&file_b);
    tb_store_close(store);
}

static void touched_file_keeps_its_track(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_store *store = test_open_new();
    const int64_t track = add_file(store, 1, "/a", 0);
    tb_file_row file;
    assert_ok(tb_store_get_file(store, "/a", &file, &err));
    assert_ok(tb_store_touch_file(store, file.id, 2000, 77, &err));
    assert_status(tb_store_touch_file(store, 4711, 2000, 77, &err), TB_NOT_FOUND);
    tb_file_row_clear(&file);
    assert_ok(tb_store_get_file(store, "/a", &file, &err));
    assert_int_equal(file.size_bytes, 2000);
    assert_int_equal(file.modified_ns, 77);
    assert_int_equal(file.track_id, track);
    tb_file_row_clear(&file);
    tb_store_close(store);
}

typedef struct walk {
    tb_store *store;
    size_t n, stop_at;
    int64_t last;
} walk;

static tb_status step(void *context, const tb_file_row *file)
{
    walk *w = context;
    tb_error err;
    assert_true(file->id > w->last);
    w->last = file->id;
    assert_ok(tb_store_touch_file(w->store, file->id, 1, 1, &err)); /* a callback may write */
    return ++w->n == w->stop_at ? TB_CANCELLED : TB_OK;
}

static void walk_shows_the_files_of_one_library(void **state)
{
    (void)state;
    tb_error err = {0};
    const char *folder = tb_test_folder();
    walk w = {.store = test_open(folder)};
    const int64_t id = add_library(w.store, "main", "/music");
    test_sql(
        folder,
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1101) "
                     "INSERT INTO files (path, library_id, size_bytes, modified_ns) "
                     "SELECT CAST('/music/' || i AS BLOB), CASE WHEN i % 2 THEN 1 END, 1, 1 FROM n");
    assert_int_equal(id, 1);
    assert_ok(tb_store_each_file(w.store, id, step, &w, &err));
    assert_int_equal(w.n, 551);
    w.n = 0;
    w.last = 0;
    assert_ok(tb_store_each_file(w.store, 0, step, &w, &err));
    assert_int_equal(w.n, 550);
    w.n = 0;
    w.last = 0;
    w.stop_at = 3;
    assert_status(tb_store_each_file(w.store, 0, step, &w, &err), TB_CANCELLED);
    tb_store_close(w.store);
}

static void paths_are_bytes_with_a_limit(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_store *store = test_open_new();
    char *path = malloc(TB_STORE_PATH_MAX + 2);
    memset(path, '\xfe', TB_STORE_PATH_MAX + 1);
    path[0] = '/';
    path[TB_STORE_PATH_MAX + 1] = 0;
    const tb_file_put put = {.path = path};
    assert_status(tb_store_put_failure(store, &put, TB_IO, "x", NULL, &err), TB_TOO_LARGE);
    path[TB_STORE_PATH_MAX] = 0;
    assert_ok(tb_store_put_failure(store, &put, TB_IO, "x", NULL, &err));
    assert_true(has_file(store, path));
    tb_file_row file;
    assert_status(tb_store_get_file(store, "/nothing", &file, &err), TB_NOT_FOUND);
    free(path);
    tb_store_close(store);
}

static void reading_files_survives_each_allocation_failing(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_store *store = test_open_new();
    add_library(store, "main", "/music");
    const tb_file_put put = {.path = "/a"};
    assert_ok(tb_store_put_failure(store, &put, TB_IO, "x", NULL, &err));
    for (size_t n = 1;; n++) {
        tb_file_row *files = NULL;
        tb_library_row *libraries = NULL;
        size_t n_files = 0, n_libraries = 0;
        tb_alloc_fail_after(n);
        tb_status status = tb_store_list_failures(store, 0, 0, 5, &files, &n_files, NULL, &err);
        if (status == TB_OK) status = tb_store_list_libraries(store, &libraries, &n_libraries, &err);
        tb_alloc_fail_after(0);
        tb_file_rows_free(files, n_files);
        tb_library_rows_free(libraries, n_libraries);
        if (status == TB_OK) break;
        assert_status(status, TB_NO_MEMORY);
    }
    tb_store_close(store);
}

TB_TESTS(file_table, cmocka_unit_test(library_is_made_changed_and_read),
         cmocka_unit_test(wrong_libraries_are_refused), cmocka_unit_test(moved_library_keeps_its_files),
         cmocka_unit_test(moved_data_folder_keeps_its_uploads),
         cmocka_unit_test(deleted_library_takes_tracks_without_another_file),
         cmocka_unit_test(failure_is_kept_with_its_reason),
         cmocka_unit_test(failure_of_a_known_file_depends_on_whether_it_changed),
         cmocka_unit_test(failures_are_listed_by_path_in_pages),
         cmocka_unit_test(files_that_are_gone_take_their_tracks),
         cmocka_unit_test(touched_file_keeps_its_track),
         cmocka_unit_test(walk_shows_the_files_of_one_library),
         cmocka_unit_test(paths_are_bytes_with_a_limit),
         cmocka_unit_test(reading_files_survives_each_allocation_failing))
