// SPDX-License-Identifier: MIT
/* Opening, refusing to open, checking, backing up. */
#include "store_support.h"

#include "base/alloc.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/rng.h"
#include "store/migrate_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *database_path(const char *folder)
{
    char *path = tb_fs_join(folder, "timbre.db");
    if (!path) abort();
    return path;
}

static void write_file(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    if (!file) fail_msg("%s: %s", path, strerror(errno));
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

static int64_t count_tracks(tb_store *store)
{
    tb_error err = {0};
    tb_store_counts counts;
    assert_ok(tb_store_count(store, &counts, &err));
    return counts.tracks;
}

static void opens_a_new_folder_and_finds_it_again(void **state)
{
    (void)state;
    tb_error err = {0};
    char *folder = tb_fs_join(tb_test_folder(), "deep/down");
    tb_store *store = test_open(folder);
    test_add_number(store, 1);
    tb_store_close(store);
    store = test_open(folder);
    assert_int_equal(count_tracks(store), 1);
    tb_store_counts counts;
    assert_ok(tb_store_count(store, &counts, &err));
    assert_true(counts.size_bytes > 4096);
    assert_non_null(strstr(tb_store_path(store), "deep/down/timbre.db"));
    tb_store_close(store);
    tb_free(folder);
}

static int64_t pragma(tb__conn *conn, const char *sql)
{
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_prepare_v2(conn->db, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    const char *text = (const char *)sqlite3_column_text(statement, 0);
    const int64_t value = strcmp(text, "wal") == 0 ? -1 : sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return value;
}

static void database_is_set_up_for_durability(void **state)
{
    (void)state;
    tb_store *store = test_open_new();
    assert_int_equal(pragma(&store->writer, "PRAGMA journal_mode"), -1);
    assert_int_equal(pragma(&store->writer, "PRAGMA synchronous"),
                     2); /* FULL: the WAL is synced at each commit */
    assert_int_equal(pragma(&store->writer, "PRAGMA foreign_keys"), 1);
    assert_int_equal(pragma(&store->writer, "PRAGMA trusted_schema"), 0);
    assert_int_equal(pragma(&store->writer, "PRAGMA application_id"), TB_STORE_APPLICATION_ID);
    assert_true(pragma(&store->writer, "PRAGMA user_version") >= 1);
    int defensive = 0;
    sqlite3_db_config(store->readers[0].db, SQLITE_DBCONFIG_DEFENSIVE, -1, &defensive);
    assert_int_equal(defensive, 1);
    assert_int_equal(sqlite3_db_readonly(store->readers[0].db, "main"), 1);
    tb_store_close(store);
}

#define MIGRATION(name, sql) {name, (const unsigned char *)(sql), sizeof(sql) - 1}

static void migrations_run_once_in_order_and_whole(void **state)
{
    (void)state;
    static const tb_embedded_file migrations[] = {
        MIGRATION("0001_init.sql", "this one is done and is not run again"),
        MIGRATION("0002_moods.sql",
                  "ALTER TABLE tracks ADD COLUMN mood TEXT; UPDATE tracks SET mood = title"),
        MIGRATION("0003_wrong.sql",
                  "UPDATE tracks SET mood = 'lost'; CREATE TABLE half (x); SELECT nonsense FROM nowhere"),
        {NULL, NULL, 0},
    };
    tb_error err = {0};
    tb_store *store = test_open_new();
    const int64_t id = test_add_number(store, 1);
    tb__schema schema;
    tb_log_setup(stderr, TB_LOG_OFF, false);
    assert_ok(tb__schema_look(&store->writer, &schema, &err));
    assert_int_equal(schema.version, 1);
    assert_false(schema.is_new);
    assert_status(tb__schema_migrate(&store->writer, &schema, migrations, &err), TB_INTERNAL);
    tb_log_setup(stderr, TB_LOG_WARN, false);
    assert_non_null(strstr(err.message, "0003_wrong.sql"));
    assert_int_equal(pragma(&store->writer, "PRAGMA user_version"), 2);
    assert_int_equal(pragma(&store->writer, "SELECT count(*) FROM tracks WHERE mood = title"), 1);
    assert_int_equal(pragma(&store->writer, "SELECT count(*) FROM sqlite_schema WHERE name = 'half'"), 0);
    tb_track_row track; /* the rows are as they were */
    assert_ok(tb_store_get_track(store, id, 0, &track, &err));
    assert_string_equal(track.tags.title, "Track 1");
    tb_track_row_clear(&track);
    tb_store_close(store);
}

static void wrong_options_are_refused(void **state)
{
    (void)state;
    tb_error err;
    tb_store *store = NULL;
    const char *const bad_names[] = {"Tempo", "a b", "", "title", "x; DROP TABLE tracks"};
    tb_store_options options = {.folder = NULL};
    assert_status(tb_store_open(&options, &store, &err), TB_INVALID);
    options = test_options(tb_test_folder());
    options.n_readers = 1000;
    assert_status(tb_store_open(&options, &store, &err), TB_INVALID);
    options.n_readers = 0;
    options.busy_timeout_ms = -1;
    assert_status(tb_store_open(&options, &store, &err), TB_INVALID);
    options.busy_timeout_ms = 0;
    for (size_t i = 0; i < sizeof bad_names / sizeof *bad_names; i++) {
        options.features = &bad_names[i];
        options.n_features = 1;
        assert_status(tb_store_open(&options, &store, &err), TB_INVALID);
    }
    const char *const twice[] = {"tempo", "tempo"};
    options.features = twice;
    options.n_features = 2;
    assert_status(tb_store_open(&options, &store, &err), TB_INVALID);
    assert_null(store);
    tb_store_close(NULL);
}

static void folder_that_cannot_be_made_is_an_error(void **state)
{
    (void)state;
    tb_error err;
    tb_store *store = NULL;
    char *file = tb_fs_join(tb_test_folder(), "file");
    write_file(file, "x", 1);
    const tb_store_options options = test_options(file);
    assert_true(tb_store_open(&options, &store, &err) != TB_OK);
    assert_non_null(strstr(err.message, file));
    tb_free(file);
}

static void second_open_of_a_folder_names_the_process(void **state)
{
    (void)state;
    tb_error err = {0};
    const char *folder = tb_test_folder();
    tb_store *store = test_open(folder), *second = NULL;
    const tb_store_options options = test_options(folder);
    char pid[40];
    assert_status(tb_store_open(&options, &second, &err), TB_BUSY);
    snprintf(pid, sizeof pid, "process %ld", (long)getpid());
    assert_non_null(strstr(err.message, pid));
    assert_null(second);
    test_add_number(store, 1); /* the first is not disturbed */
    tb_store_close(store);
    store = test_open(folder);
    tb_store_close(store);
}

static void read_only_looks_beside_a_writer(void **state)
{
    (void)state;
    tb_error err = {0};
    const char *folder = tb_test_folder();
    tb_store *writer = test_open(folder), *reader = NULL;
    tb_store_options options = test_options(folder);
    options.read_only = true;
    assert_ok(tb_store_open(&options, &reader, &err));
    test_add_number(writer, 1);
    assert_int_equal(count_tracks(reader), 1);
    const tb_track_put put = test_put(2);
    tb_put_result result;
    assert_status(tb_store_put_track(reader, &put, &result, &err), TB_FORBIDDEN);
    assert_ok(tb_store_check(reader, &err));
    tb_store_close(reader);
    tb_store_close(writer);
}

static void read_only_copes_with_features_it_lacks(void **state)
{
    (void)state;
    tb_error err = {0};
    const char *folder = tb_test_folder();
    tb_store *store = test_open(folder);
    const int64_t id = test_add_number(store, 1);
    tb_store_close(store);
    const char *const features[] = {"tempo", "newest"};
    tb_store_options options = {.folder = folder, .read_only = true, .features = features, .n_features = 2};
    assert_ok(tb_store_open(&options, &store, &err));
    tb_track_row track;
    assert_ok(tb_store_get_track(store, id, TB_WITH_ALL, &track, &err));
    assert_int_equal(track.n_features, 0);
    tb_track_row_clear(&track);
    tb_filter *filter = NULL;
    int64_t *ids = NULL;
    size_t n = 0;
    assert_ok(tb_filter_parse(tb_store_fields(store), "newest:>1 OR -has:newest", &filter, &err));
    assert_ok(tb_store_filter_ids(store, filter, &ids, &n, &err));
    assert_int_equal(n, 1);
    tb_free(ids);
    tb_filter_free(filter);
    tb_store_close(store);
}

static void read_only_makes_nothing(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_store *store = NULL;
    const char *folder = tb_test_folder();
    tb_store_options options = test_options(folder);
    options.read_only = true;
    assert_status(tb_store_open(&options, &store, &err), TB_NOT_FOUND);
    char **names;
    size_t n;
    assert_ok(tb_fs_list(folder, &names, &n, &err));
    assert_int_equal(n, 0);
    tb_fs_list_free(names, n);
}

/* The database is refused with that status and a sentence with the word in it; not one byte changes. */
static void assert_refused_untouched(const char *folder, tb_status expected, const char *word)
{
    tb_error err = {0};
    tb_store *store = NULL;
    char *path = database_path(folder), *before, *after;
    size_t size_before, size_after;
    assert_ok(tb_fs_read(path, 1 << 24, &before, &size_before, &err));
    const tb_store_options options = test_options(folder);
    assert_status(tb_store_open(&options, &store, &err), expected);
    if (!strstr(err.message, word) || !strstr(err.message, "timbre.db"))
        fail_msg("unhelpful: %s", err.message);
    assert_ok(tb_fs_read(path, 1 << 24, &after, &size_after, &err));
    assert_int_equal(size_before, size_after);
    assert_memory_equal(before, after, size_before);
    tb_free(before);
    tb_free(after);
    tb_free(path);
}

static void newer_database_is_refused_and_untouched(void **state)
{
    (void)state;
    const char *folder = tb_test_folder();
    tb_store_close(test_open(folder));
    test_sql(folder, "PRAGMA user_version = 9999");
    assert_refused_untouched(folder, TB_NEWER, "newer version");
}

static void foreign_database_is_refused_and_untouched(void **state)
{
    (void)state;
    const char *folder = tb_test_folder();
    test_sql(folder, "CREATE TABLE shopping (item TEXT); INSERT INTO shopping VALUES ('milk')");
    assert_refused_untouched(folder, TB_INVALID, "not timbre's");
    const char *other = tb_test_folder();
    test_sql(other, "PRAGMA application_id = 77");
    assert_refused_untouched(other, TB_INVALID, "not timbre's");
}

static void file_that_is_no_database_is_refused_and_untouched(void **state)
{
    (void)state;
    const char *folder = tb_test_folder();
    char *path = database_path(folder), text[8192];
    memset(text, 'x', sizeof text);
    write_file(path, text, sizeof text);
    assert_refused_untouched(folder, TB_CORRUPT, "restore a backup");
    tb_free(path);
}

static void database_without_tables_is_corrupt(void **state)
{
    (void)state;
    const char *folder = tb_test_folder();
    test_sql(folder, "PRAGMA application_id = 1953066338; PRAGMA user_version = 1");
    assert_refused_untouched(folder, TB_CORRUPT, "lost its tables");
}

static void new_features_get_columns_and_old_ones_stay(void **state)
{
    (void)state;
    tb_error err = {0};
    const char *folder = tb_test_folder();
    const char *const first[] = {"tempo"}, *const second[] = {"energy", "tempo"};
    tb_store_options options = {.folder = folder, .features = first, .n_features = 1};
    tb_store *store = NULL;
    assert_ok(tb_store_open(&options, &store, &err));
    const tb_feature_value tempo = {"tempo", 120};
    tb_track_put put = test_put(1);
    put.features = &tempo;
    put.n_features = 1;
    const int64_t id = test_add(store, &put);
    tb_store_close(store);
    options.features = second;
    options.n_features = 2;
    assert_ok(tb_store_open(&options, &store, &err));
    tb_track_row track;
    assert_ok(tb_store_get_track(store, id, TB_WITH_FEATURES, &track, &err));
    assert_int_equal(track.n_features, 1);
    assert_string_equal(track.features[0].name, "tempo");
    assert_near(track.features[0].value, 120, 0);
    tb_track_row_clear(&track);
    tb_store_close(store);
}

static void version_grows_with_writes_alone(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_store *store = test_open_new();
    const uint64_t at_first = tb_store_version(store);
    const int64_t id = test_add_number(store, 1);
    const uint64_t after_put = tb_store_version(store);
    assert_true(after_put > at_first);
    tb_track_row track;
    assert_ok(tb_store_get_track(store, id, TB_WITH_ALL, &track, &err));
    tb_track_row_clear(&track);
    assert_status(tb_store_delete_track(store, 4711, &err), TB_NOT_FOUND); /* rolled back */
    assert_true(tb_store_version(store) == after_put);
    assert_ok(tb_store_delete_track(store, id, &err));
    assert_true(tb_store_version(store) > after_put);
    tb_store_close(store);
}

static void settings_are_kept(void **state)
{
    (void)state;
    tb_error err = {0};
    const char *folder = tb_test_folder();
    tb_store *store = test_open(folder);
    char *value = NULL;
    assert_status(tb_store_get_setting(store, "space", &value, &err), TB_NOT_FOUND);
    assert_ok(tb_store_set_setting(store, "space", "one", &err));
    assert_ok(tb_store_set_setting(store, "space", "two 'quoted'; --", &err));
    assert_ok(tb_store_set_setting(store, "empty", "", &err));
    tb_store_close(store);
    store = test_open(folder);
    assert_ok(tb_store_get_setting(store, "space", &value, &err));
    assert_string_equal(value, "two 'quoted'; --");
    tb_free(value);
    assert_ok(tb_store_get_setting(store, "empty", &value, &err));
    assert_string_equal(value, "");
    tb_free(value);
    assert_ok(tb_store_set_setting(store, "space", NULL, &err));
    assert_status(tb_store_get_setting(store, "space", &value, &err), TB_NOT_FOUND);
    assert_status(tb_store_set_setting(store, "", "x", &err), TB_INVALID);
    assert_status(tb_store_set_setting(store, "bytes", "\xff", &err), TB_INVALID);
    tb_store_close(store);
}

static void check_finds_a_sound_database(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_store *store = test_open_new();
    for (unsigned i = 0; i < 20; i++) test_add_number(store, i);
    assert_ok(tb_store_check(store, &err));
    tb_store_close(store);
}

static void check_finds_a_reference_to_nothing(void **state)
{
    (void)state;
    tb_error err = {0};
    const char *folder = tb_test_folder();
    tb_store *store = test_open(folder);
    test_add_number(store, 1);
    test_sql(folder, "PRAGMA foreign_keys = OFF; INSERT INTO external_ids VALUES ('a', 'b', 77)");
    assert_status(tb_store_check(store, &err), TB_CORRUPT);
    assert_non_null(strstr(err.message, "external_ids"));
    tb_store_close(store);
}

static void check_makes_words_anew_when_they_are_out_of_step(void **state)
{
    (void)state;
    tb_error err = {0};
    const char *folder = tb_test_folder();
    tb_store *store = test_open(folder);
    test_add_number(store, 1);
    test_sql(folder, "UPDATE tracks SET title = 'Nocturne'");
    int64_t n = 0;
    assert_ok(tb_store_count_tracks(store, NULL, "nocturne", &n, &err));
    assert_int_equal(n, 0);
    tb_log_setup(stderr, TB_LOG_OFF, false);
    assert_ok(tb_store_check(store, &err));
    tb_log_setup(stderr, TB_LOG_WARN, false);
    assert_ok(tb_store_count_tracks(store, NULL, "nocturne", &n, &err));
    assert_int_equal(n, 1);
    tb_store_close(store);
}

static void backup_is_a_whole_database(void **state)
{
    (void)state;
    tb_error err = {0};
    const char *copy_folder = tb_test_folder();
    char *copy = database_path(copy_folder);
    tb_store *store = test_open_new();
    for (unsigned i = 0; i < 50; i++) test_add_number(store, i);
    assert_ok(tb_store_backup(store, copy, &err));
    assert_status(tb_store_backup(store, copy, &err), TB_EXISTS);
    test_add_number(store, 50);
    tb_store *restored = test_open(copy_folder);
    assert_int_equal(count_tracks(restored), 50);
    assert_ok(tb_store_check(restored, &err));
    tb_store_close(restored);
    tb_store_close(store);
    tb_free(copy);
}

static void backup_that_fails_leaves_nothing(void **state)
{
    (void)state;
    tb_error err = {0};
    const char *folder = tb_test_folder();
    char *missing = tb_fs_join(folder, "no/such/folder/copy.db"), **names;
    size_t n;
    tb_store *store = test_open_new();
    assert_true(tb_store_backup(store, missing, &err) != TB_OK);
    assert_ok(tb_fs_list(folder, &names, &n, &err));
    assert_int_equal(n, 0);
    tb_fs_list_free(names, n);
    tb_store_close(store);
    tb_free(missing);
}

static void lock_of_another_process_gives_busy_after_the_timeout(void **state)
{
    (void)state;
    tb_error err = {0};
    const char *folder = tb_test_folder();
    tb_store *store = test_open(folder);
    test_add_number(store, 1);
    char *path = database_path(folder);
    sqlite3 *other;
    assert_int_equal(sqlite3_open(path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    const tb_track_put put = test_put(2);
    tb_put_result result;
    const int64_t start = tb_clock_system()->mono_ns(tb_clock_system());
    assert_status(tb_store_put_track(store, &put, &result, &err), TB_BUSY);
    assert_true(tb_clock_elapsed_s(tb_clock_system(), start) >= 0.15);
    assert_non_null(strstr(err.message, "locked by another process"));
    assert_int_equal(count_tracks(store), 1); /* readers go on */
    assert_int_equal(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(other);
    test_add(store, &put);
    assert_int_equal(count_tracks(store), 2);
    tb_store_close(store);
    tb_free(path);
}

static tb_status look_at_nothing(void *context, int64_t track_id, const tb_embedding_row *embedding)
{
    (void)track_id;
    size_t *n = context;
    *n += embedding->n_segments;
    return TB_OK;
}

static tb_status look_at_track(void *context, const tb_track_row *track)
{
    size_t *n = context;
    *n += track->n_files + track->n_features;
    return TB_OK;
}

static tb_status look_at_file(void *context, const tb_file_row *file)
{
    size_t *n = context;
    *n += strlen(file->path);
    return TB_OK;
}

/* Reads all there is; whatever status, nothing may crash. */
static void read_everything(tb_store *store)
{
    tb_error err;
    size_t n = 0, n_spaces = 0;
    tb_space_row *spaces = NULL;
    tb_track_page page = {0};
    const tb_track_page_options options = {.limit = 100, .with = TB_WITH_ALL, .sort = "-title"};
    (void)!tb_store_each_track(store, 0, TB_WITH_ALL, look_at_track, &n, &err);
    (void)!tb_store_each_file(store, 0, look_at_file, &n, &err);
    if (tb_store_list_spaces(store, &spaces, &n_spaces, &err) == TB_OK)
        for (size_t i = 0; i < n_spaces; i++)
            (void)!tb_store_each_embedding(store, spaces[i].id, 0, look_at_nothing, &n, NULL, &err);
    tb_space_rows_free(spaces, n_spaces);
    if (tb_store_list_tracks(store, &options, &page, &err) == TB_OK) tb_track_page_clear(&page);
    (void)!tb_store_count_tracks(store, NULL, "track", &(int64_t){0}, &err);
    (void)!tb_store_check(store, &err);
    const tb_track_put put = test_put(4711);
    tb_put_result result;
    (void)!tb_store_put_track(store, &put, &result, &err);
}

static void flipped_bytes_never_crash(void **state)
{
    (void)state;
    tb_error err = {0};
    const char *folder = tb_test_folder();
    tb_store *store = test_open(folder);
    const int64_t space = test_space(store, 1);
    for (unsigned i = 0; i < 40; i++) {
        const tb_embedding_row embedding = test_embedding(space, i, 30);
        const tb_feature_value tempo = {"tempo", 100 + i};
        const tb_external_id_value id = {"mbid", (char[]){(char)('a' + i % 26), (char)('a' + i / 26), 0}};
        char path[40];
        snprintf(path, sizeof path, "/music/%u.flac", i);
        const tb_file_put file = {.path = path, .size_bytes = 1000, .modified_ns = 1};
        tb_track_put put = test_put(i);
        put.embeddings = &embedding;
        put.features = &tempo;
        put.external_ids = &id;
        put.file = &file;
        put.payload = "{\"mood\": \"happy\"}";
        put.n_embeddings = put.n_features = put.n_external_ids = 1;
        test_add(store, &put);
    }
    tb_store_close(store);
    char *path = database_path(folder), *good;
    size_t size;
    assert_ok(tb_fs_read(path, 1 << 24, &good, &size, &err));
    char *bad = malloc(size);
    tb_rng rng;
    tb_rng_init(&rng, 20261122);
    size_t n_opened = 0;
    tb_log_setup(stderr, TB_LOG_OFF, false); /* one line per damaged row */
    for (int round = 0; round < 60; round++) {
        memcpy(bad, good, size);
        const size_t n_flips = 1 + tb_rng_below(&rng, 30);
        for (size_t i = 0; i < n_flips; i++)
            bad[100 + tb_rng_below(&rng, size - 100)] = (char)tb_rng_next(&rng);
        const char *other = tb_test_folder();
        char *other_path = database_path(other);
        write_file(other_path, bad, size);
        const tb_store_options options = test_options(other);
        tb_store *damaged = NULL;
        if (tb_store_open(&options, &damaged, &err) == TB_OK) {
            n_opened++;
            read_everything(damaged);
        }
        tb_store_close(damaged);
        tb_free(other_path);
    }
    tb_log_setup(stderr, TB_LOG_WARN, false);
    assert_true(n_opened > 0);
    free(bad);
    tb_free(good);
    tb_free(path);
}

static void truncated_database_is_corrupt(void **state)
{
    (void)state;
    tb_error err = {0};
    const char *folder = tb_test_folder();
    tb_store *store = test_open(folder);
    for (unsigned i = 0; i < 100; i++) test_add_number(store, i);
    tb_store_close(store);
    char *path = database_path(folder);
    tb_fs_info info;
    assert_ok(tb_fs_stat(path, &info, &err));
    assert_int_equal(truncate(path, info.size_bytes / 2), 0);
    const tb_store_options options = test_options(folder);
    store = NULL;
    tb_status status = tb_store_open(&options, &store, &err);
    if (status == TB_OK) status = tb_store_check(store, &err);
    assert_status(status, TB_CORRUPT);
    assert_non_null(strstr(err.message, path));
    tb_store_close(store);
    tb_free(path);
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    tb_error err = {0};
    const char *folder = tb_test_folder();
    tb_store_close(test_open(folder));
    const tb_store_options options = test_options(folder);
    size_t n_failed = 0;
    for (size_t n = 1;; n++) {
        tb_store *store = NULL;
        tb_alloc_fail_after(n);
        const tb_status status = tb_store_open(&options, &store, &err);
        tb_alloc_fail_after(0);
        tb_store_close(store);
        if (status == TB_OK) break;
        assert_status(status, TB_NO_MEMORY);
        assert_null(store);
        n_failed++;
    }
    assert_true(n_failed > 10);
}

TB_TESTS(store, cmocka_unit_test(opens_a_new_folder_and_finds_it_again),
         cmocka_unit_test(database_is_set_up_for_durability),
         cmocka_unit_test(migrations_run_once_in_order_and_whole),
         cmocka_unit_test(wrong_options_are_refused),
         cmocka_unit_test(folder_that_cannot_be_made_is_an_error),
         cmocka_unit_test(second_open_of_a_folder_names_the_process),
         cmocka_unit_test(read_only_looks_beside_a_writer),
         cmocka_unit_test(read_only_copes_with_features_it_lacks), cmocka_unit_test(read_only_makes_nothing),
         cmocka_unit_test(newer_database_is_refused_and_untouched),
         cmocka_unit_test(foreign_database_is_refused_and_untouched),
         cmocka_unit_test(file_that_is_no_database_is_refused_and_untouched),
         cmocka_unit_test(database_without_tables_is_corrupt),
         cmocka_unit_test(new_features_get_columns_and_old_ones_stay),
         cmocka_unit_test(version_grows_with_writes_alone), cmocka_unit_test(settings_are_kept),
         cmocka_unit_test(check_finds_a_sound_database), cmocka_unit_test(check_finds_a_reference_to_nothing),
         cmocka_unit_test(check_makes_words_anew_when_they_are_out_of_step),
         cmocka_unit_test(backup_is_a_whole_database), cmocka_unit_test(backup_that_fails_leaves_nothing),
         cmocka_unit_test(lock_of_another_process_gives_busy_after_the_timeout),
         cmocka_unit_test(flipped_bytes_never_crash), cmocka_unit_test(truncated_database_is_corrupt),
         cmocka_unit_test(each_allocation_may_fail))
