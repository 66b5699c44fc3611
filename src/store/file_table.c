// SPDX-License-Identifier: MIT
/* Files: which track each is, or why it failed. */
#include "store/file_table.h"

#include "base/alloc.h"
#include "base/fs.h"
#include "base/text.h"
#include "store/track_internal.h"

#include <stdlib.h>
#include <string.h>

tb_status tb__file_check(const tb_file_put *file, tb_error *err)
{
    const size_t size = file->path ? strlen(file->path) : 0;
    if (size == 0 || file->path[0] != '/')
        return tb_error_set(err, TB_INVALID, "the path of a file must be absolute, not \"%.200s\"",
                            file->path ? file->path : "");
    if (size > TB_STORE_PATH_MAX)
        return tb_error_set(err, TB_TOO_LARGE, "a path has %zu bytes; %d is the most", size,
                            TB_STORE_PATH_MAX);
    if (file->size_bytes < 0 || file->library_id < 0)
        return tb_error_set(err, TB_INVALID, "a file of %lld bytes in library %lld cannot be",
                            (long long)file->size_bytes, (long long)file->library_id);
    return file->file_hash
               ? tb__check_hash("the hash of the file", file->file_hash, file->file_hash_size, err)
               : TB_OK;
}

/* What is known of the file at a path; id 0: nothing. */
typedef struct known_file {
    int64_t id, track_id, library_id, size_bytes, modified_ns;
    uint8_t hash[64];
    size_t hash_size;
    bool failed;
} known_file;

static tb_status look_up(tb__conn *conn, const char *path, known_file *known, tb_error *err)
{
    static const char sql[] =
        "SELECT id, track_id, library_id, size_bytes, modified_ns, file_hash, reason IS NOT NULL "
        "FROM files WHERE path = ?1";
    tb_status status = TB_OK;
    tb__query q = {0};
    bool row = false;
    TB_TRY(tb__query_open(&q, conn, sql, err));
    tb__query_blob(&q, 1, path, strlen(path));
    TB_TRY(tb__query_next(&q, &row, err));
    if (!row) goto out;
    *known = (known_file){.id = tb__column_int(&q, 0), .track_id = tb__column_int(&q, 1),
                          .library_id = tb__column_int(&q, 2), .size_bytes = tb__column_int(&q, 3),
                          .modified_ns = tb__column_int(&q, 4), .failed = tb__column_int(&q, 6) != 0};
    tb__column_bytes(&q, 5, known->hash, sizeof known->hash, &known->hash_size);
out:
    tb__query_close(&q);
    return status;
}

static void bind_id_or_null(tb__query *q, int at, int64_t id)
{
    if (id != 0)
        tb__query_int(q, at, id);
    else
        tb__query_null(q, at);
}

tb_status tb__file_attach(tb__conn *conn, const tb_file_put *file, int64_t track_id, int64_t *old_track_id,
                          bool *changed, tb_error *err)
{
    static const char sql[] =
        "INSERT INTO files (path, library_id, track_id, size_bytes, modified_ns, file_hash) VALUES (?1, "
        "?2, ?3, ?4, ?5, ?6) ON CONFLICT (path) DO UPDATE SET library_id = ?2, track_id = ?3, size_bytes = "
        "?4, modified_ns = ?5, file_hash = ?6, code = 0, reason = NULL, failed_ms = 0, attempts = 0";
    tb_status status = TB_OK;
    tb__query q = {0};
    known_file known = {0};
    TB_TRY(look_up(conn, file->path, &known, err));
    const size_t hash_size = file->file_hash ? file->file_hash_size : 0;
    const bool same_track = known.id && known.track_id == track_id && known.library_id == file->library_id;
    if (same_track && !known.failed && known.size_bytes == file->size_bytes &&
        known.modified_ns == file->modified_ns && known.hash_size == hash_size &&
        (hash_size == 0 || memcmp(known.hash, file->file_hash, hash_size) == 0))
        goto out;
    TB_TRY(tb__query_open(&q, conn, sql, err));
    tb__query_blob(&q, 1, file->path, strlen(file->path));
    bind_id_or_null(&q, 2, file->library_id);
    tb__query_int(&q, 3, track_id);
    tb__query_int(&q, 4, file->size_bytes);
    tb__query_int(&q, 5, file->modified_ns);
    tb__query_blob(&q, 6, file->file_hash, hash_size);
    if (!file->file_hash) tb__query_null(&q, 6);
    TB_TRY(tb__query_run(&q, err));
    if (!same_track) *changed = true;
    if (known.track_id != track_id) *old_track_id = known.track_id;
out:
    tb__query_close(&q);
    return status;
}

/* --- reading ------------------------------------------------------------------------------------------ */

#define FILE_COLUMNS                                                                               \
    "id, track_id, library_id, path, size_bytes, modified_ns, file_hash, reason, code, failed_ms, attempts"

void tb_file_row_clear(tb_file_row *file)
{
    tb_free(file->path);
    tb_free(file->reason);
    *file = (tb_file_row){0};
}

void tb_file_rows_free(tb_file_row *files, size_t n)
{
    if (!files) return;
    for (size_t i = 0; i < n; i++) tb_file_row_clear(&files[i]);
    tb_free(files);
}

/* Cleared by the caller in any case. */
static tb_status read_row(const tb__query *q, tb_file_row *file, tb_error *err)
{
    tb_status status = TB_OK;
    *file = (tb_file_row){.id = tb__column_int(q, 0),
                          .track_id = tb__column_int(q, 1),
                          .library_id = tb__column_int(q, 2),
                          .size_bytes = tb__column_int(q, 4),
                          .modified_ns = tb__column_int(q, 5),
                          .failed_ms = tb__column_int(q, 9),
                          .attempts = (int)tb__column_int(q, 10)};
    TB_TRY(tb__column_copy(q, 3, &file->path, err));
    tb__column_bytes(q, 6, file->file_hash, sizeof file->file_hash, &file->file_hash_size);
    TB_TRY(tb__column_copy(q, 7, &file->reason, err));
    const int64_t code = tb__column_int(q, 8);
    file->code = code >= 0 && code < TB_STATUS_COUNT ? (tb_status)code : TB_INTERNAL;
    if (!file->path)
        TB_FAIL(err, TB_CORRUPT, "the database %s has a file without a path", q->conn->store->path);
out:
    return status;
}

tb_status tb_store_get_file(tb_store *store, const char *path, tb_file_row *file, tb_error *err)
{
    static const char sql[] = "SELECT " FILE_COLUMNS " FROM files WHERE path = ?1";
    tb_status status = TB_OK;
    tb__conn *conn = NULL;
    tb__query q = {0};
    tb_file_row read = {0};
    bool row = false;
    TB_TRY(tb__read_begin(store, &conn, err));
    TB_TRY(tb__query_open(&q, conn, sql, err));
    tb__query_blob(&q, 1, path, strlen(path));
    TB_TRY(tb__query_next(&q, &row, err));
    if (!row) TB_FAIL(err, TB_NOT_FOUND, "the file %.300s is not known", path);
    TB_TRY(read_row(&q, &read, err));
    *file = read;
    read = (tb_file_row){0};
out:
    tb__query_close(&q);
    tb__read_end(store, conn);
    tb_file_row_clear(&read);
    return status;
}

/* Chunks are read with a lock and shown without one. */
tb_status tb_store_each_file(tb_store *store, int64_t library_id, tb_file_visit *visit, void *context,
                             tb_error *err)
{
    enum { CHUNK = 500 };
    static const char sql[] = "SELECT " FILE_COLUMNS
                              " FROM files WHERE library_id IS ?1 AND id > ?2 ORDER BY id LIMIT ?3";
    tb_status status = TB_OK;
    tb__conn *conn = NULL;
    tb__query q = {0};
    int64_t after_id = 0;
    size_t n = 0;
    tb_file_row *chunk = tb_alloc(CHUNK, sizeof *chunk);
    if (!chunk) TB_FAIL(err, TB_NO_MEMORY, "no memory to read files");
    do {
        bool row = true;
        n = 0;
        TB_TRY(tb__read_begin(store, &conn, err));
        TB_TRY(tb__query_open(&q, conn, sql, err));
        bind_id_or_null(&q, 1, library_id);
        tb__query_int(&q, 2, after_id);
        tb__query_int(&q, 3, CHUNK);
        while (n < CHUNK) {
            TB_TRY(tb__query_next(&q, &row, err));
            if (!row) break;
            TB_TRY(read_row(&q, &chunk[n++], err));
        }
        tb__query_close(&q);
        tb__read_end(store, conn);
        conn = NULL;
        for (size_t i = 0; i < n; i++) {
            after_id = chunk[i].id;
            TB_TRY(visit(context, &chunk[i]));
            tb_file_row_clear(&chunk[i]);
        }
    } while (n == CHUNK);
out:
    tb__query_close(&q);
    tb__read_end(store, conn);
    tb_file_rows_free(chunk, chunk ? CHUNK : 0);
    return status;
}

tb_status tb_store_list_failures(tb_store *store, int64_t library_id, size_t offset, size_t limit,
                                 tb_file_row **files, size_t *n, int64_t *total, tb_error *err)
{
    enum { MOST = 10000 };
    static const char of_one[] = "SELECT " FILE_COLUMNS
                                 " FROM files WHERE reason IS NOT NULL AND library_id = ?1 "
                                 "ORDER BY path LIMIT ?2 OFFSET ?3";
    static const char of_all[] = "SELECT " FILE_COLUMNS " FROM files WHERE reason IS NOT NULL AND ?1 = 0 "
                                 "ORDER BY path LIMIT ?2 OFFSET ?3";
    static const char count_one[] = "SELECT count(*) FROM files WHERE reason IS NOT NULL AND library_id = ?1";
    static const char count_all[] = "SELECT count(*) FROM files WHERE reason IS NOT NULL AND ?1 = 0";
    tb_status status = TB_OK;
    tb__conn *conn = NULL;
    tb__query q = {0};
    tb_file_row *read = NULL;
    size_t n_read = 0;
    int64_t n_all = 0;
    bool row = true;
    if (limit < 1 || limit > MOST)
        TB_FAIL(err, TB_INVALID, "limit is %zu; it must be between 1 and %d", limit, MOST);
    if (offset > INT64_MAX) TB_FAIL(err, TB_INVALID, "the offset is too large");
    read = tb_alloc(limit, sizeof *read);
    if (!read) TB_FAIL(err, TB_NO_MEMORY, "no memory for %zu files", limit);
    TB_TRY(tb__read_begin(store, &conn, err));
    TB_TRY(tb__query_open(&q, conn, library_id ? of_one : of_all, err));
    tb__query_int(&q, 1, library_id);
    tb__query_int(&q, 2, (int64_t)limit);
    tb__query_int(&q, 3, (int64_t)offset);
    while (n_read < limit) {
        TB_TRY(tb__query_next(&q, &row, err));
        if (!row) break;
        TB_TRY(read_row(&q, &read[n_read++], err));
    }
    tb__query_close(&q);
    if (total) {
        TB_TRY(tb__sql_lookup(conn, library_id ? count_one : count_all, library_id, &n_all, err));
        *total = n_all;
    }
    *files = read;
    *n = n_read;
    read = NULL;
out:
    tb__query_close(&q);
    tb__read_end(store, conn);
    tb_file_rows_free(read, read ? limit : 0);
    return status;
}

/* --- writing ------------------------------------------------------------------------------------------ */

tb_status tb_store_put_failure(tb_store *store, const tb_file_put *file, tb_status code, const char *reason,
                               int64_t *removed_track_id, tb_error *err)
{
    static const char sql[] =
        "INSERT INTO files (path, library_id, track_id, size_bytes, modified_ns, code, reason, failed_ms, "
        "attempts) VALUES (?1, ?2, NULL, ?3, ?4, ?5, ?6, ?7, 1) ON CONFLICT (path) DO UPDATE SET "
        "library_id = ?2, track_id = ?8, size_bytes = ?3, modified_ns = ?4, code = ?5, reason = ?6, "
        "failed_ms = ?7, attempts = attempts + 1";
    tb_status status = TB_OK;
    tb__conn *conn = NULL;
    tb__query q = {0};
    known_file known = {0};
    bool deleted = false;
    char cut[TB_STORE_REASON_MAX + 1];
    char *clean = reason ? tb_utf8_clean(reason, strnlen(reason, 4 * TB_STORE_REASON_MAX)) : tb_strdup("");
    if (!clean) TB_FAIL(err, TB_NO_MEMORY, "no memory for the reason of a failure");
    tb_text_copy(cut, sizeof cut, *clean ? clean : tb_status_text(code));
    TB_TRY(tb__file_check(file, err));
    TB_TRY(tb__write_begin(store, &conn, err));
    TB_TRY(look_up(conn, file->path, &known, err));
    const bool same = known.size_bytes == file->size_bytes && known.modified_ns == file->modified_ns;
    TB_TRY(tb__query_open(&q, conn, sql, err));
    tb__query_blob(&q, 1, file->path, strlen(file->path));
    bind_id_or_null(&q, 2, file->library_id);
    tb__query_int(&q, 3, file->size_bytes);
    tb__query_int(&q, 4, file->modified_ns);
    tb__query_int(&q, 5, code);
    tb__query_text(&q, 6, cut);
    tb__query_int(&q, 7, tb__now_ms(store));
    bind_id_or_null(&q, 8, same ? known.track_id : 0);
    TB_TRY(tb__query_run(&q, err));
    if (known.track_id && !same) TB_TRY(tb__track_delete_orphan(conn, known.track_id, &deleted, err));
out:
    tb__query_close(&q);
    tb_free(clean);
    status = tb__write_end(store, conn, status, err);
    if (status == TB_OK && removed_track_id) *removed_track_id = deleted ? known.track_id : 0;
    return status;
}

tb_status tb_store_touch_file(tb_store *store, int64_t file_id, int64_t size_bytes, int64_t modified_ns,
                              tb_error *err)
{
    static const char sql[] = "UPDATE files SET size_bytes = ?2, modified_ns = ?3 WHERE id = ?1";
    tb_status status = TB_OK;
    tb__conn *conn = NULL;
    tb__query q = {0};
    TB_TRY(tb__write_begin(store, &conn, err));
    TB_TRY(tb__query_open(&q, conn, sql, err));
    tb__query_int(&q, 1, file_id);
    tb__query_int(&q, 2, size_bytes);
    tb__query_int(&q, 3, modified_ns);
    TB_TRY(tb__query_run(&q, err));
    if (tb__sql_changed(conn) == 0) TB_FAIL(err, TB_NOT_FOUND, "there is no file %lld", (long long)file_id);
out:
    tb__query_close(&q);
    return tb__write_end(store, conn, status, err);
}

static int compare_ids(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static tb_status remove_file(tb__conn *conn, int64_t file_id, tb__ids *removed, tb_error *err)
{
    static const char look[] = "SELECT coalesce(track_id, 0) FROM files WHERE id = ?1";
    static const char sql[] = "DELETE FROM files WHERE id = ?1";
    tb_status status = TB_OK;
    tb__query q = {0};
    int64_t track_id = 0;
    bool deleted = false;
    status = tb__sql_lookup(conn, look, file_id, &track_id, err);
    if (status == TB_NOT_FOUND) return TB_OK;
    if (status != TB_OK) return status;
    TB_TRY(tb__query_open(&q, conn, sql, err));
    tb__query_int(&q, 1, file_id);
    TB_TRY(tb__query_run(&q, err));
    if (track_id) TB_TRY(tb__track_delete_orphan(conn, track_id, &deleted, err));
    if (deleted) TB_TRY(tb__ids_add(removed, track_id, err));
out:
    tb__query_close(&q);
    return status;
}

static void give_ids(tb__ids *ids, int64_t **values, size_t *n)
{
    if (ids->n > 0) qsort(ids->values, ids->n, sizeof *ids->values, compare_ids);
    if (ids->n == 0) {
        tb_free(ids->values);
        ids->values = NULL;
    }
    *values = ids->values;
    *n = ids->n;
    *ids = (tb__ids){0};
}

tb_status tb_store_remove_files(tb_store *store, const int64_t *file_ids, size_t n, int64_t **removed,
                                size_t *n_removed, tb_error *err)
{
    tb_status status = TB_OK;
    tb__conn *conn = NULL;
    tb__ids ids = {0};
    TB_TRY(tb__write_begin(store, &conn, err));
    for (size_t i = 0; i < n; i++) TB_TRY(remove_file(conn, file_ids[i], &ids, err));
out:
    status = tb__write_end(store, conn, status, err);
    if (status == TB_OK) give_ids(&ids, removed, n_removed);
    tb_free(ids.values);
    return status;
}

/* --- libraries ---------------------------------------------------------------------------------------- */

static bool is_library_name(const char *name)
{
    size_t n = 0;
    if (!name) return false;
    for (; name[n]; n++) {
        const char c = name[n];
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!plain && (n == 0 || (c != '_' && c != '.' && c != '-'))) return false;
    }
    return n >= 1 && n <= TB_STORE_LIBRARY_NAME_MAX;
}

/* Files keep their rows under a root that was moved; library 0: those of none.  Paths are bytes; in an UTF-8
 * database CAST changes none. */
static tb_status move_files(tb__conn *conn, int64_t library_id, const char *old_root, const char *new_root,
                            tb_error *err)
{
    static const char sql[] =
        "UPDATE OR IGNORE files SET path = CAST(CAST(?3 AS TEXT) || CAST(substr(path, ?4 + 1) AS TEXT) AS "
        "BLOB) WHERE library_id IS ?1 AND substr(path, 1, ?4) = ?2";
    tb_status status = TB_OK;
    tb__query q = {0};
    char *old_prefix = tb_fs_join(old_root, ""), *new_prefix = tb_fs_join(new_root, "");
    if (!old_prefix || !new_prefix) TB_FAIL(err, TB_NO_MEMORY, "no memory to move a library");
    TB_TRY(tb__query_open(&q, conn, sql, err));
    bind_id_or_null(&q, 1, library_id);
    tb__query_blob(&q, 2, old_prefix, strlen(old_prefix));
    tb__query_blob(&q, 3, new_prefix, strlen(new_prefix));
    tb__query_int(&q, 4, (int64_t)strlen(old_prefix));
    TB_TRY(tb__query_run(&q, err));
out:
    tb__query_close(&q);
    tb_free(old_prefix);
    tb_free(new_prefix);
    return status;
}

tb_status tb_store_move_uploads(tb_store *store, const char *old_root, const char *new_root, tb_error *err)
{
    tb_status status = TB_OK;
    tb__conn *conn = NULL;
    TB_TRY(tb__write_begin(store, &conn, err));
    TB_TRY(move_files(conn, 0, old_root, new_root, err));
out:
    return tb__write_end(store, conn, status, err);
}

static tb_status check_root_is_free(tb__conn *conn, const char *name, const char *root, tb_error *err)
{
    static const char sql[] = "SELECT name FROM libraries WHERE root = ?1 AND name <> ?2";
    tb_status status = TB_OK;
    tb__query q = {0};
    bool row = false;
    TB_TRY(tb__query_open(&q, conn, sql, err));
    tb__query_blob(&q, 1, root, strlen(root));
    tb__query_text(&q, 2, name);
    TB_TRY(tb__query_next(&q, &row, err));
    if (row)
        TB_FAIL(err, TB_EXISTS, "the library \"%s\" has that folder already",
                (const char *)sqlite3_column_text(q.statement, 0));
out:
    tb__query_close(&q);
    return status;
}

tb_status tb_store_put_library(tb_store *store, const tb_library_put *put, int64_t *library_id,
                               bool *created,
                               tb_error *err)
{
    static const char look[] = "SELECT id, root FROM libraries WHERE name = ?1";
    static const char sql[] =
        "INSERT INTO libraries (name, root, watch, exclude, created_ms) VALUES (?1, ?2, ?3, ?4, ?5) "
        "ON CONFLICT (name) DO UPDATE SET root = ?2, watch = ?3, exclude = ?4";
    tb_status status = TB_OK;
    tb__conn *conn = NULL;
    tb__query q = {0};
    bool known = false;
    char *old_root = NULL;
    int64_t id = 0;
    if (!is_library_name(put->name))
        TB_FAIL(err, TB_INVALID,
                "\"%.100s\" is no name for a library: letters, digits, _, . and -, %d characters at most",
                put->name ? put->name : "", TB_STORE_LIBRARY_NAME_MAX);
    const tb_file_put as_file = {.path = put->root};
    TB_TRY(tb__file_check(&as_file, err));
    TB_TRY(tb__write_begin(store, &conn, err));
    TB_TRY(tb__check_json(conn, "the list of what to leave out", put->exclude, "array",
           TB_STORE_EXCLUDE_MAX,
                          err));
    TB_TRY(check_root_is_free(conn, put->name, put->root, err));
    TB_TRY(tb__query_open(&q, conn, look, err));
    tb__query_text(&q, 1, put->name);
    TB_TRY(tb__query_next(&q, &known, err));
    if (known) {
        id = tb__column_int(&q, 0);
        TB_TRY(tb__column_copy(&q, 1, &old_root, err));
    }
    tb__query_close(&q);
    TB_TRY(tb__query_open(&q, conn, sql, err));
    tb__query_text(&q, 1, put->name);
    tb__query_blob(&q, 2, put->root, strlen(put->root));
    tb__query_int(&q, 3, put->watch);
    tb__query_text(&q, 4, put->exclude);
    tb__query_int(&q, 5, tb__now_ms(store));
    TB_TRY(tb__query_run(&q, err));
    tb__query_close(&q);
    if (!known) id = tb__sql_last_id(conn);
    if (old_root && strcmp(old_root, put->root) != 0) TB_TRY(move_files(conn, id, old_root, put->root,
        err));
out:
    tb__query_close(&q);
    tb_free(old_root);
    status = tb__write_end(store, conn, status, err);
    if (status != TB_OK) return status;
    *library_id = id;
    if (created) *created = !known;
    return TB_OK;
}

void tb_library_row_clear(tb_library_row *library)
{
    tb_free(library->name);
    tb_free(library->root);
    tb_free(library->exclude);
    *library = (tb_library_row){0};
}

void tb_library_rows_free(tb_library_row *libraries, size_t n)
{
    if (!libraries) return;
    for (size_t i = 0; i < n; i++) tb_library_row_clear(&libraries[i]);
    tb_free(libraries);
}

#define LIBRARY_COLUMNS                                                                            \
    "id, name, root, watch, exclude, created_ms, scanned_ms, "                                     \
    "(SELECT count(*) FROM files WHERE library_id = libraries.id), "                               \
    "(SELECT count(*) FROM files WHERE library_id = libraries.id AND reason IS NOT NULL)"

/* Cleared by the caller in any case. */
static tb_status read_library(const tb__query *q, tb_library_row *library, tb_error *err)
{
    tb_status status = TB_OK;
    *library = (tb_library_row){.id = tb__column_int(q, 0), .watch = tb__column_int(q, 3) != 0,
                                .created_ms = tb__column_int(q, 5), .scanned_ms = tb__column_int(q, 6),
                                .n_files = tb__column_int(q, 7), .n_failed = tb__column_int(q, 8)};
    TB_TRY(tb__column_copy(q, 1, &library->name, err));
    TB_TRY(tb__column_copy(q, 2, &library->root, err));
    TB_TRY(tb__column_copy(q, 4, &library->exclude, err));
    if (!library->name || !library->root)
        TB_FAIL(err, TB_CORRUPT, "the database %s has a library without a name", q->conn->store->path);
out:
    return status;
}

tb_status tb_store_get_library(tb_store *store, const char *name, tb_library_row *library, tb_error *err)
{
    static const char sql[] = "SELECT " LIBRARY_COLUMNS " FROM libraries WHERE name = ?1";
    tb_status status = TB_OK;
    tb__conn *conn = NULL;
    tb__query q = {0};
    tb_library_row read = {0};
    bool row = false;
    TB_TRY(tb__read_begin(store, &conn, err));
    TB_TRY(tb__query_open(&q, conn, sql, err));
    tb__query_text(&q, 1, name);
    TB_TRY(tb__query_next(&q, &row, err));
    if (!row) TB_FAIL(err, TB_NOT_FOUND, "there is no library \"%.100s\"", name);
    TB_TRY(read_library(&q, &read, err));
    *library = read;
    read = (tb_library_row){0};
out:
    tb__query_close(&q);
    tb__read_end(store, conn);
    tb_library_row_clear(&read);
    return status;
}

tb_status tb_store_list_libraries(tb_store *store, tb_library_row **libraries, size_t *n, tb_error *err)
{
    static const char sql[] = "SELECT " LIBRARY_COLUMNS " FROM libraries ORDER BY name";
    tb_status status = TB_OK;
    tb__conn *conn = NULL;
    tb__query q = {0};
    tb_library_row *read = NULL;
    size_t n_read = 0;
    bool row = true;
    TB_TRY(tb__read_begin(store, &conn, err));
    TB_TRY(tb__query_open(&q, conn, sql, err));
    for (;;) {
        TB_TRY(tb__query_next(&q, &row, err));
        if (!row) break;
        tb_library_row *more = tb_realloc(read, n_read + 1, sizeof *read);
        if (!more) TB_FAIL(err, TB_NO_MEMORY, "no memory for %zu libraries", n_read + 1);
        read = more;
        read[n_read] = (tb_library_row){0};
        TB_TRY(read_library(&q, &read[n_read++], err));
    }
    *libraries = read;
    *n = n_read;
    read = NULL;
out:
    tb__query_close(&q);
    tb__read_end(store, conn);
    tb_library_rows_free(read, n_read);
    return status;
}

tb_status tb_store_library_scanned(tb_store *store, int64_t library_id, tb_error *err)
{
    static const char sql[] = "UPDATE libraries SET scanned_ms = ?2 WHERE id = ?1";
    tb_status status = TB_OK;
    tb__conn *conn = NULL;
    tb__query q = {0};
    TB_TRY(tb__write_begin(store, &conn, err));
    TB_TRY(tb__query_open(&q, conn, sql, err));
    tb__query_int(&q, 1, library_id);
    tb__query_int(&q, 2, tb__now_ms(store));
    TB_TRY(tb__query_run(&q, err));
    if (tb__sql_changed(conn) == 0)
        TB_FAIL(err, TB_NOT_FOUND, "there is no library %lld", (long long)library_id);
out:
    tb__query_close(&q);
    return tb__write_end(store, conn, status, err);
}

tb_status tb_store_delete_library(tb_store *store, int64_t library_id, int64_t **removed, size_t *n_removed,
                                  tb_error *err)
{
    static const char list[] =
        "SELECT DISTINCT track_id FROM files WHERE library_id = ?1 AND track_id IS NOT NULL";
    static const char sql[] = "DELETE FROM libraries WHERE id = ?1";
    tb_status status = TB_OK;
    tb__conn *conn = NULL;
    tb__query q = {0};
    tb__ids tracks = {0}, gone = {0};
    bool row = true;
    TB_TRY(tb__write_begin(store, &conn, err));
    TB_TRY(tb__query_open(&q, conn, list, err));
    tb__query_int(&q, 1, library_id);
    for (;;) {
        TB_TRY(tb__query_next(&q, &row, err));
        if (!row) break;
        TB_TRY(tb__ids_add(&tracks, tb__column_int(&q, 0), err));
    }
    tb__query_close(&q);
    TB_TRY(tb__query_open(&q, conn, sql, err));
    tb__query_int(&q, 1, library_id);
    TB_TRY(tb__query_run(&q, err));
    if (tb__sql_changed(conn) == 0)
        TB_FAIL(err, TB_NOT_FOUND, "there is no library %lld", (long long)library_id);
    for (size_t i = 0; i < tracks.n; i++) {
        bool deleted = false;
        TB_TRY(tb__track_delete_orphan(conn, tracks.values[i], &deleted, err));
        if (deleted) TB_TRY(tb__ids_add(&gone, tracks.values[i], err));
    }
out:
    tb__query_close(&q);
    status = tb__write_end(store, conn, status, err);
    if (status == TB_OK) give_ids(&gone, removed, n_removed);
    tb_free(tracks.values);
    tb_free(gone.values);
    return status;
}
