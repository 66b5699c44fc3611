// SPDX-License-Identifier: MIT
/* Connections and statements: the thin layer over SQLite that the tables use.  Every statement that is not
 * built for a filter is a constant, prepared once per connection and found again by its address. */
#include "store/sql_internal.h"

#include "base/alloc.h"
#include "base/text.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* --- errors ------------------------------------------------------------------------------------------- */

tb_status tb__sql_error(const tb__conn *conn, int code, tb_error *err)
{
    sqlite3 *db = conn ? conn->db : NULL;
    const char *path = conn && conn->store ? conn->store->path : "timbre.db";
    const int extended = db ? sqlite3_extended_errcode(db) : code;
    const int system_error = db ? sqlite3_system_errno(db) : 0;
    const int os_error = system_error ? system_error : errno; /* a failing commit does not set the first */
    const char *detail = db && (extended & 0xff) == (code & 0xff) ? sqlite3_errmsg(db) : sqlite3_errstr(code);
    switch (code & 0xff) {
    case SQLITE_OK:
        return TB_OK;
    case SQLITE_NOMEM:
        return tb_error_set(err, TB_NO_MEMORY, "memory is used up in the database %s", path);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return tb_error_set(
            err, TB_BUSY,
            "the database %s is locked by another process (waited %d ms); close that program, "
            "or try again later",
            path, conn && conn->store ? conn->store->busy_timeout_ms : 0);
    case SQLITE_IOERR:
        if (os_error == ENOSPC || os_error == EDQUOT || os_error == EFBIG) goto full;
        if (extended == SQLITE_IOERR_NOMEM)
            return tb_error_set(err, TB_NO_MEMORY, "memory is used up in the database %s", path);
        return tb_error_set(err, TB_IO, "reading or writing the database %s failed: %s%s%s; check the disk",
                            path, detail, os_error ? ": " : "", os_error ? strerror(os_error) : "");
    case SQLITE_FULL:
    full:
        return tb_error_set(err, TB_FULL,
                            "the disk that holds %s is full; nothing was changed: free some space "
                            "and try again",
                            path);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return tb_error_set(err, TB_CORRUPT,
                            "the database %s is damaged (%s); restore a backup in its place, or move it "
                            "away and scan again",
                            path, detail);
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_CANTOPEN:
        if (os_error)
            return tb_error_errno(err, os_error, "the database %s cannot be opened or written", path);
        return tb_error_set(err, TB_FORBIDDEN, "the database %s cannot be opened or written: %s", path,
                            detail);
    case SQLITE_TOOBIG:
        return tb_error_set(err, TB_TOO_LARGE, "a value is too large for the database %s", path);
    case SQLITE_CONSTRAINT:
        if (extended == SQLITE_CONSTRAINT_UNIQUE || extended == SQLITE_CONSTRAINT_PRIMARYKEY)
            return tb_error_set(err, TB_EXISTS, "it is there already: %s", detail);
        if (extended == SQLITE_CONSTRAINT_FOREIGNKEY)
            return tb_error_set(err, TB_NOT_FOUND, "something that is referred to is not in the database");
        return tb_error_set(err, TB_INVALID, "the database refused a value: %s", detail);
    case SQLITE_INTERRUPT:
        return tb_error_set(err, TB_CANCELLED, "the query was interrupted");
    default:
        return tb_error_set(err, TB_INTERNAL, "the database %s: %s", path, detail);
    }
}

tb_status tb__sql_run(tb__conn *conn, const char *sql, tb_error *err)
{
    errno = 0;
    const int code = sqlite3_exec(conn->db, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? TB_OK : tb__sql_error(conn, code, err);
}

/* --- statements --------------------------------------------------------------------------------------- */

static tb_status prepare(tb__conn *conn, const char *sql, unsigned flags, sqlite3_stmt **statement,
                         tb_error *err)
{
    const int code = sqlite3_prepare_v3(conn->db, sql, -1, flags, statement, NULL);
    return code == SQLITE_OK ? TB_OK : tb__sql_error(conn, code, err);
}

tb_status tb__query_open(tb__query *q, tb__conn *conn, const char *sql, tb_error *err)
{
    assert(!q->statement);
    sqlite3_stmt *statement = NULL;
    for (size_t i = 0; i < conn->n_cached && !statement; i++)
        if (conn->cache[i].sql == sql) statement = conn->cache[i].statement;
    if (!statement) {
        if (conn->n_cached == TB__CACHED_STATEMENTS) return tb__query_open_once(q, conn, sql, err);
        const tb_status status = prepare(conn, sql, SQLITE_PREPARE_PERSISTENT, &statement, err);
        if (status != TB_OK) return status;
        conn->cache[conn->n_cached].sql = sql;
        conn->cache[conn->n_cached++].statement = statement;
    }
    assert(!sqlite3_stmt_busy(statement));
    *q = (tb__query){.conn = conn, .statement = statement};
    return TB_OK;
}

tb_status tb__query_open_once(tb__query *q, tb__conn *conn, const char *sql, tb_error *err)
{
    assert(!q->statement);
    sqlite3_stmt *statement = NULL;
    const tb_status status = prepare(conn, sql, 0, &statement, err);
    if (status == TB_OK) *q = (tb__query){.conn = conn, .statement = statement, .once = true};
    return status;
}

static void note_binding(tb__query *q, int code)
{
    if (q->bind_code == SQLITE_OK) q->bind_code = code;
}

void tb__query_int(tb__query *q, int at, int64_t value)
{
    note_binding(q, sqlite3_bind_int64(q->statement, at, value));
}

void tb__query_double(tb__query *q, int at, double value)
{
    note_binding(q, sqlite3_bind_double(q->statement, at, value));
}

void tb__query_null(tb__query *q, int at)
{
    note_binding(q, sqlite3_bind_null(q->statement, at));
}

void tb__query_text(tb__query *q, int at, const char *text)
{
    note_binding(q,
                 text ? sqlite3_bind_text64(q->statement, at, text, strlen(text), SQLITE_STATIC,
                                            SQLITE_UTF8)
                      : sqlite3_bind_null(q->statement, at));
}

void tb__query_blob(tb__query *q, int at, const void *bytes, size_t size)
{
    static const char none[1] = "";
    note_binding(q, bytes || size == 0
                        ? sqlite3_bind_blob64(q->statement, at, bytes ? bytes : none, size, SQLITE_STATIC)
                        : sqlite3_bind_null(q->statement, at));
}

tb_status tb__query_next(tb__query *q, bool *row, tb_error *err)
{
    int code = q->bind_code;
    errno = 0; /* so that tb__sql_error finds this call's, if any */
    if (code == SQLITE_OK) code = sqlite3_step(q->statement);
    if (code == SQLITE_ROW || code == SQLITE_DONE) {
        *row = code == SQLITE_ROW;
        return TB_OK;
    }
    return tb__sql_error(q->conn, code, err);
}

tb_status tb__query_run(tb__query *q, tb_error *err)
{
    bool row = true;
    tb_status status = TB_OK;
    while (status == TB_OK && row) status = tb__query_next(q, &row, err);
    tb__query_reset(q);
    return status;
}

void tb__query_reset(tb__query *q)
{
    sqlite3_reset(q->statement);
    sqlite3_clear_bindings(q->statement);
    q->bind_code = SQLITE_OK;
}

void tb__query_close(tb__query *q)
{
    if (!q->statement) return;
    if (q->once)
        sqlite3_finalize(q->statement);
    else
        tb__query_reset(q);
    *q = (tb__query){0};
}

int64_t tb__column_int(const tb__query *q, int at)
{
    return sqlite3_column_int64(q->statement, at);
}

double tb__column_double(const tb__query *q, int at)
{
    return sqlite3_column_double(q->statement, at);
}

bool tb__column_is_null(const tb__query *q, int at)
{
    return sqlite3_column_type(q->statement, at) == SQLITE_NULL;
}

tb_status tb__column_copy(const tb__query *q, int at, char **text, tb_error *err)
{
    char *copy = NULL;
    if (!tb__column_is_null(q, at)) {
        const void *bytes = sqlite3_column_blob(q->statement, at);
        const size_t size = (size_t)sqlite3_column_bytes(q->statement, at);
        copy = bytes || size == 0 ? tb_alloc(size + 1, 1) : NULL;
        if (!copy) return tb_error_set(err, TB_NO_MEMORY, "no memory for a row of the database");
        if (size > 0) memcpy(copy, bytes, size);
    }
    *text = copy;
    return TB_OK;
}

void tb__column_bytes(const tb__query *q, int at, uint8_t *out, size_t capacity, size_t *size)
{
    const void *bytes = sqlite3_column_blob(q->statement, at);
    size_t n = bytes ? (size_t)sqlite3_column_bytes(q->statement, at) : 0;
    if (n > capacity) n = capacity;
    if (n > 0) memcpy(out, bytes, n);
    *size = n;
}

tb_status tb__sql_lookup(tb__conn *conn, const char *sql, int64_t parameter, int64_t *value, tb_error *err)
{
    tb__query q = {0};
    bool row = false;
    tb_status status = TB_OK;
    TB_TRY(tb__query_open(&q, conn, sql, err));
    tb__query_int(&q, 1, parameter);
    TB_TRY(tb__query_next(&q, &row, err));
    if (row)
        *value = tb__column_int(&q, 0);
    else
        status = TB_NOT_FOUND;
out:
    tb__query_close(&q);
    return status;
}

int64_t tb__sql_changed(const tb__conn *conn)
{
    return sqlite3_changes(conn->db);
}

int64_t tb__sql_last_id(const tb__conn *conn)
{
    return sqlite3_last_insert_rowid(conn->db);
}

void tb__conn_close(tb__conn *conn)
{
    for (size_t i = 0; i < conn->n_cached; i++) sqlite3_finalize(conn->cache[i].statement);
    conn->n_cached = 0;
    sqlite3_close(conn->db); /* accepts NULL */
    conn->db = NULL;
}

/* --- transactions ------------------------------------------------------------------------------------- */

static tb_status run_cached(tb__conn *conn, const char *sql, tb_error *err)
{
    tb__query q = {0};
    tb_status status = tb__query_open(&q, conn, sql, err);
    if (status == TB_OK) status = tb__query_run(&q, err);
    tb__query_close(&q);
    return status;
}

static void roll_back(tb__conn *conn)
{
    /* SQLite has rolled back by itself after some errors (disk full, no memory) */
    if (!sqlite3_get_autocommit(conn->db)) sqlite3_exec(conn->db, "ROLLBACK", NULL, NULL, NULL);
}

tb_status tb__write_begin(tb_store *store, tb__conn **conn, tb_error *err)
{
    static const char begin[] = "BEGIN IMMEDIATE";
    if (store->read_only)
        return tb_error_set(err, TB_FORBIDDEN, "the database %s was opened for reading only", store->path);
    pthread_mutex_lock(&store->write_lock);
    const tb_status status = run_cached(&store->writer, begin, err);
    if (status != TB_OK) {
        pthread_mutex_unlock(&store->write_lock);
        return status;
    }
    *conn = &store->writer;
    return TB_OK;
}

tb_status tb__write_end(tb_store *store, tb__conn *conn, tb_status status, tb_error *err)
{
    static const char commit[] = "COMMIT";
    if (!conn) return status;
    if (status == TB_OK) status = run_cached(conn, commit, err);
    if (status == TB_OK)
        store->version++;
    else
        roll_back(conn);
    pthread_mutex_unlock(&store->write_lock);
    return status;
}

tb_status tb__read_begin(tb_store *store, tb__conn **conn, tb_error *err)
{
    static const char begin[] = "BEGIN";
    tb__conn *reader = NULL;
    pthread_mutex_lock(&store->read_lock);
    while (!reader) {
        for (size_t i = 0; i < store->n_readers && !reader; i++)
            if (!store->readers[i].taken) reader = &store->readers[i];
        if (!reader) pthread_cond_wait(&store->reader_free, &store->read_lock);
    }
    reader->taken = true;
    pthread_mutex_unlock(&store->read_lock);
    const tb_status status = run_cached(reader, begin, err);
    if (status != TB_OK)
        tb__read_end(store, reader);
    else
        *conn = reader;
    return status;
}

void tb__read_end(tb_store *store, tb__conn *conn)
{
    if (!conn) return;
    roll_back(conn);
    pthread_mutex_lock(&store->read_lock);
    conn->taken = false;
    pthread_cond_signal(&store->reader_free);
    pthread_mutex_unlock(&store->read_lock);
}

int64_t tb__now_ms(const tb_store *store)
{
    return store->clock->wall_ms(store->clock);
}

/* --- checks ------------------------------------------------------------------------------------------- */

tb_status tb__check_json(tb__conn *conn, const char *what, const char *text, const char *type, size_t limit,
                         tb_error *err)
{
    static const char sql[] = "SELECT CASE WHEN json_valid(?1) THEN json_type(?1) END";
    tb_status status = TB_OK;
    tb__query q = {0};
    bool row = false, fits = false;
    if (!text) return TB_OK;
    const size_t size = strlen(text);
    if (size > limit) TB_FAIL(err, TB_TOO_LARGE, "%s has %zu bytes; %zu is the most", what, size, limit);
    if (!tb_utf8_valid(text, size)) TB_FAIL(err, TB_INVALID, "%s is not UTF-8", what);
    TB_TRY(tb__query_open(&q, conn, sql, err));
    tb__query_text(&q, 1, text);
    TB_TRY(tb__query_next(&q, &row, err));
    if (row && !tb__column_is_null(&q, 0)) {
        const char *found = (const char *)sqlite3_column_text(q.statement, 0);
        fits = !type || (found && strcmp(found, type) == 0);
    }
    if (!fits) TB_FAIL(err, TB_INVALID, "%s is not a JSON %s", what, type ? type : "value");
out:
    tb__query_close(&q);
    return status;
}

tb_status tb__check_name(const char *what, const char *text, size_t limit, tb_error *err)
{
    if (!text || !*text) return tb_error_set(err, TB_INVALID, "%s is empty", what);
    const size_t size = strlen(text);
    if (size > limit)
        return tb_error_set(err, TB_TOO_LARGE, "%s has %zu bytes; %zu is the most", what, size, limit);
    if (!tb_utf8_valid(text, size)) return tb_error_set(err, TB_INVALID, "%s is not UTF-8", what);
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return tb_error_set(err, TB_INVALID, "%s has a control character in it", what);
    return TB_OK;
}

tb_status tb__check_hash(const char *what, const uint8_t *bytes, size_t size, tb_error *err)
{
    if (!bytes || size < 16 || size > 64)
        return tb_error_set(err, TB_INVALID, "%s must have 16 to 64 bytes, not %zu", what,
                            bytes ? size : 0);
    return TB_OK;
}

tb_status tb__ids_add(tb__ids *ids, int64_t value, tb_error *err)
{
    if (ids->n == ids->capacity) {
        const size_t capacity = ids->capacity ? 2 * ids->capacity : 64;
        int64_t *values = tb_realloc(ids->values, capacity, sizeof *values);
        if (!values) return tb_error_set(err, TB_NO_MEMORY, "no memory for a list of %zu numbers",
            capacity);
        ids->values = values;
        ids->capacity = capacity;
    }
    ids->values[ids->n++] = value;
    return TB_OK;
}
