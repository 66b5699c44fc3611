// SPDX-License-Identifier: MIT
/* Libraries as users see them: rows of the store with their patterns unpacked. */
#include "engine/engine_internal.h"
#include "engine/params.h"

#include "base/alloc.h"
#include "base/fs.h"
#include "base/text.h"

#include <string.h>

enum { MAX_EXCLUDE = 1000 };

void tb_library_clear(tb_library *library)
{
    tb_free(library->name);
    tb_free(library->root);
    for (size_t i = 0; i < library->n_exclude; i++) tb_free(library->exclude[i]);
    tb_free(library->exclude);
    *library = (tb_library){0};
}

static tb_status library_from_row(const tb_library_row *row, tb_library *library, tb_error *err)
{
    tb_status status = TB_OK;
    tb_library made = {.n_files = row->n_files, .n_failures = row->n_failed, .n_tracks = row->n_files - row->n_failed, .scanned_ms = row->scanned_ms};
    made.name = tb_strdup(row->name);
    made.root = tb_strdup(row->root);
    if (!made.name || !made.root) TB_FAIL(err, TB_NO_MEMORY, "no memory for a library");
    TB_TRY(tb__params_list(row->exclude, &made.exclude, &made.n_exclude, err));
    *library = made;
    made = (tb_library){0};
out:
    tb_library_clear(&made);
    return status;
}

static bool is_name(const char *name)
{
    const size_t size = strlen(name);
    return size >= 1 && size <= 64 && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == size && name[0] != '-' && name[0] != '_';
}

/* Another library must not hold the same files. */
static tb_status check_overlap(tb_engine *engine, const char *name, const char *root, tb_error *err)
{
    tb_status status = TB_OK;
    tb_library_row *rows = NULL;
    size_t n = 0;
    TB_TRY(tb_store_list_libraries(engine->store, &rows, &n, err));
    for (size_t i = 0; i < n; i++)
        if (strcmp(rows[i].name, name) != 0 && (tb_fs_is_within(rows[i].root, root) || tb_fs_is_within(root, rows[i].root)))
            TB_FAIL(err, TB_EXISTS, "library %s has the folder %.200s already", rows[i].name, rows[i].root);
out:
    tb_library_rows_free(rows, n);
    return status;
}

static tb_status pack_patterns(const char *const *exclude, size_t n, char **json, tb_error *err)
{
    if (n > MAX_EXCLUDE) return tb_error_set(err, TB_TOO_LARGE, "a library may exclude at most %d patterns", MAX_EXCLUDE);
    json_t *array = json_array();
    for (size_t i = 0; i < n; i++)
        if (json_array_append_new(array, json_string(exclude[i])) != 0) {
            json_decref(array);
            return tb_error_set(err, TB_INVALID, "pattern %zu to exclude is not UTF-8", i + 1);
        }
    return tb__params_dump(array, json, err);
}

tb_status tb_engine_put_library(tb_engine *engine, const char *name, const char *root, const char *const *exclude, size_t n_exclude, bool *created, tb_error *err)
{
    tb_status status = TB_OK;
    char *real = NULL, *patterns = NULL;
    tb_fs_info info;
    int64_t id;
    if (!is_name(name)) TB_FAIL(err, TB_INVALID, "a library's name is 1 to 64 of a-z, 0-9, '-' and '_', and begins with a letter or digit");
    if (root[0] != '/') TB_FAIL(err, TB_INVALID, "the root of a library must be an absolute path, not \"%.200s\"", root);
    TB_TRY(tb_fs_real_path(root, &real, err));
    TB_TRY(tb_fs_stat(real, &info, err));
    if (!info.is_directory) TB_FAIL(err, TB_INVALID, "%.200s is not a folder", root);
    if (strlen(real) < 2) TB_FAIL(err, TB_INVALID, "the whole disk cannot be a library; name a folder");
    if (tb_fs_is_within(engine->data_folder, real) || tb_fs_is_within(real, engine->data_folder))
        TB_FAIL(err, TB_INVALID, "a library and the data folder must not contain each other");
    TB_TRY(check_overlap(engine, name, real, err));
    TB_TRY(pack_patterns(exclude, n_exclude, &patterns, err));
    const tb_library_put put = {.name = name, .root = real, .exclude = patterns};
    TB_TRY(tb_store_put_library(engine->store, &put, &id, created, err));
out:
    tb_free(patterns);
    tb_free(real);
    return status;
}

tb_status tb_engine_get_library(tb_engine *engine, const char *name, tb_library *library, tb_error *err)
{
    tb_status status = TB_OK;
    tb_library_row row = {0};
    status = tb_store_get_library(engine->store, name, &row, err);
    if (status == TB_NOT_FOUND) TB_FAIL(err, TB_NOT_FOUND, "there is no library \"%.64s\"", name);
    TB_TRY(status);
    TB_TRY(library_from_row(&row, library, err));
out:
    tb_library_row_clear(&row);
    return status;
}

tb_status tb_engine_list_libraries(tb_engine *engine, tb_library **libraries, size_t *n, tb_error *err)
{
    tb_status status = TB_OK;
    tb_library_row *rows = NULL;
    tb_library *made = NULL;
    size_t n_rows = 0, n_made = 0;
    TB_TRY(tb_store_list_libraries(engine->store, &rows, &n_rows, err));
    made = tb_alloc(n_rows, sizeof *made);
    if (!made) TB_FAIL(err, TB_NO_MEMORY, "no memory for %zu libraries", n_rows);
    for (; n_made < n_rows; n_made++) TB_TRY(library_from_row(&rows[n_made], &made[n_made], err));
    *libraries = made;
    *n = n_made;
    made = NULL;
out:
    for (size_t i = 0; made && i < n_made; i++) tb_library_clear(&made[i]);
    tb_free(made);
    tb_library_rows_free(rows, n_rows);
    return status;
}

tb_status tb_engine_remove_library(tb_engine *engine, const char *name, tb_error *err)
{
    tb_status status = TB_OK;
    tb_library_row row = {0};
    int64_t *removed = NULL;
    size_t n = 0;
    tb__cancel_scans(engine, name);
    status = tb_store_get_library(engine->store, name, &row, err);
    if (status == TB_NOT_FOUND) TB_FAIL(err, TB_NOT_FOUND, "there is no library \"%.64s\"", name);
    TB_TRY(status);
    pthread_mutex_lock(&engine->commit);
    status = tb_store_delete_library(engine->store, row.id, &removed, &n, err);
    for (size_t i = 0; status == TB_OK && i < n; i++) tb__unindex_track(engine, removed[i]);
    pthread_mutex_unlock(&engine->commit);
out:
    tb_free(removed);
    tb_library_row_clear(&row);
    return status;
}

tb_status tb_engine_list_failures(tb_engine *engine, const char *library, size_t offset, size_t limit, tb_failure **failures, size_t *n, int64_t *total, tb_error *err)
{
    tb_status status = TB_OK;
    tb_library_row row = {0};
    tb_file_row *files = NULL;
    tb_failure *made = NULL;
    size_t n_files = 0, n_made = 0;
    status = tb_store_get_library(engine->store, library, &row, err);
    if (status == TB_NOT_FOUND) TB_FAIL(err, TB_NOT_FOUND, "there is no library \"%.64s\"", library);
    TB_TRY(status);
    TB_TRY(tb_store_list_failures(engine->store, row.id, offset, limit, &files, &n_files, total, err));
    made = tb_alloc(n_files, sizeof *made);
    if (!made) TB_FAIL(err, TB_NO_MEMORY, "no memory for %zu failures", n_files);
    for (; n_made < n_files; n_made++) {
        tb_failure *failure = &made[n_made];
        *failure = (tb_failure){.path = tb_utf8_clean(files[n_made].path, strlen(files[n_made].path)), .reason = tb_strdup(files[n_made].reason),
                                .at_ms = files[n_made].failed_ms, .attempts = files[n_made].attempts};
        if (!failure->path) TB_FAIL(err, TB_NO_MEMORY, "no memory for a path");
    }
    *failures = made;
    *n = n_made;
    made = NULL;
out:
    tb_failures_free(made, n_made);
    tb_file_rows_free(files, n_files);
    tb_library_row_clear(&row);
    return status;
}

void tb_failures_free(tb_failure *failures, size_t n)
{
    for (size_t i = 0; failures && i < n; i++) {
        tb_free(failures[i].path);
        tb_free(failures[i].reason);
    }
    tb_free(failures);
}

tb_status tb_engine_resolve_path(tb_engine *engine, const char *path, char **real, char **library, tb_error *err)
{
    tb_status status = TB_OK;
    tb_library_row *rows = NULL;
    size_t n = 0;
    char *resolved = NULL, *name = NULL;
    if (path[0] != '/') TB_FAIL(err, TB_INVALID, "the path must be absolute, not \"%.200s\"", path);
    TB_TRY(tb_store_list_libraries(engine->store, &rows, &n, err));
    /* One answer for all paths outside, there or not: nobody may find out what else is on this disk. */
    if (tb_fs_real_path(path, &resolved, NULL) == TB_OK)
        for (size_t i = 0; i < n && !name; i++)
            if (tb_fs_is_within(rows[i].root, resolved) && !(name = tb_strdup(rows[i].name))) TB_FAIL(err, TB_NO_MEMORY, "no memory for a name");
    if (!name) {
        for (size_t i = 0; i < n; i++)
            if (!strstr(path, "/../") && tb_fs_is_within(rows[i].root, path)) TB_FAIL(err, TB_NOT_FOUND, "there is no file %.300s", path);
        TB_FAIL(err, TB_FORBIDDEN, "%.300s does not lie in a library; make one with PUT /v1/libraries/NAME, or upload the file", path);
    }
    *real = resolved;
    *library = name;
    resolved = name = NULL;
out:
    tb_free(name);
    tb_free(resolved);
    tb_library_rows_free(rows, n);
    return status;
}
