// SPDX-License-Identifier: MIT
/* What the tables of this layer share: the store's inside, connections, statements.
 *
 * A write:                                        A read:
 *     TB_TRY(tb__write_begin(store, &conn, err));     TB_TRY(tb__read_begin(store, &conn, err));
 *     TB_TRY(tb__query_open(&q, conn, sql, err));     …
 *     tb__query_int(&q, 1, id);                   out:
 *     TB_TRY(tb__query_run(&q, err));                 tb__query_close(&q);
 * out:                                                tb__read_end(store, conn);
 *     tb__query_close(&q);
 *     status = tb__write_end(store, conn, status, err);
 *
 * Lock order: a thread holds the writer or one reader, never both, and calls nothing of a caller while it
 * does. */
#ifndef TIMBRE_STORE_SQL_INTERNAL_H
#define TIMBRE_STORE_SQL_INTERNAL_H

#include "base/buffer.h"
#include "store/store.h"

#include <pthread.h>
#include <sqlite3.h>

enum { TB__CACHED_STATEMENTS = 128 };

typedef struct tb__conn {
    sqlite3 *db;
    const tb_store *store;
    struct {
        const char *sql; /* compared by address */
        sqlite3_stmt *statement;
    } cache[TB__CACHED_STATEMENTS];
    size_t n_cached;
    bool taken; /* a reader in use */
} tb__conn;

struct tb_store {
    char *folder, *path;
    int lock_file; /* -1 when read_only */
    bool read_only;
    int busy_timeout_ms;
    const tb_clock *clock;
    tb_fields *fields;
    char *sql_get_features; /* SELECT of one track's features, in the order of the fields */
    char *sql_put_features; /* sets all of them: track, then values from ?2 on */

    _Atomic uint64_t version; /* of the content: one more with each commit */
    pthread_mutex_t write_lock;
    tb__conn writer; /* guarded by write_lock */
    int wal_limit;   /* pages of WAL from which readers are waited for; guarded by write_lock */
    pthread_mutex_t read_lock; /* guards taken of the readers */
    pthread_cond_t reader_free;
    tb__conn *readers;
    size_t n_readers;
};

/* BEGIN IMMEDIATE on the only writing connection.  TB_FORBIDDEN when the store is read_only. */
tb_status tb__write_begin(tb_store *store, tb__conn **conn, tb_error *err) TB_MUST_CHECK;
/* Commits when status is TB_OK, else rolls back; gives the connection back.  Returns status, or why the
 * commit failed.  Accepts a NULL conn (then only returns status). */
tb_status tb__write_end(tb_store *store, tb__conn *conn, tb_status status, tb_error *err) TB_MUST_CHECK;
/* A connection that sees the database as it is now, until tb__read_end. */
tb_status tb__read_begin(tb_store *store, tb__conn **conn, tb_error *err) TB_MUST_CHECK;
/* Accepts a NULL conn. */
void tb__read_end(tb_store *store, tb__conn *conn);

int64_t tb__now_ms(const tb_store *store);

/* Fills err for what SQLite returned on this connection (conn may be NULL). */
tb_status tb__sql_error(const tb__conn *conn, int code, tb_error *err);
/* Runs statements that are used once (DDL, PRAGMA); rows are passed over. */
tb_status tb__sql_run(tb__conn *conn, const char *sql, tb_error *err) TB_MUST_CHECK;
void tb__conn_close(tb__conn *conn);

/* --- statements --------------------------------------------------------------------------------------- */

/* All zero: not open. */
typedef struct tb__query {
    tb__conn *conn;
    sqlite3_stmt *statement;
    int bind_code; /* the first binding that failed, or SQLITE_OK */
    bool once;     /* not from the cache */
} tb__query;

/* sql: a constant, or a string that lives as long as the store; prepared once per connection. */
tb_status tb__query_open(tb__query *q, tb__conn *conn, const char *sql, tb_error *err) TB_MUST_CHECK;
/* sql: any text, prepared for this use. */
tb_status tb__query_open_once(tb__query *q, tb__conn *conn, const char *sql, tb_error *err) TB_MUST_CHECK;
/* Parameters from 1 on; borrowed until the query is closed or run.  A failure shows in the next step. */
void tb__query_int(tb__query *q, int at, int64_t value);
void tb__query_double(tb__query *q, int at, double value);
void tb__query_null(tb__query *q, int at);
/* NULL binds NULL. */
void tb__query_text(tb__query *q, int at, const char *text);
void tb__query_blob(tb__query *q, int at, const void *bytes, size_t size);
/* *row: whether there is one (more). */
tb_status tb__query_next(tb__query *q, bool *row, tb_error *err) TB_MUST_CHECK;
/* Runs to the end and makes it ready for new parameters. */
tb_status tb__query_run(tb__query *q, tb_error *err) TB_MUST_CHECK;
/* Makes it ready for new parameters. */
void tb__query_reset(tb__query *q);
/* Accepts one that is not open. */
void tb__query_close(tb__query *q);

/* Columns from 0 on, of the row that tb__query_next found. */
int64_t tb__column_int(const tb__query *q, int at);
double tb__column_double(const tb__query *q, int at);
bool tb__column_is_null(const tb__query *q, int at);
/* Copy of a text or blob as a string, NULL for NULL (*text is tb_free'd by the caller). */
tb_status tb__column_copy(const tb__query *q, int at, char **text, tb_error *err) TB_MUST_CHECK;
/* At most capacity bytes are copied; *size tells how many. */
void tb__column_bytes(const tb__query *q, int at, uint8_t *out, size_t capacity, size_t *size);

/* One number from a statement with one integer parameter; TB_NOT_FOUND without a row (err is not filled
 * then). */
tb_status tb__sql_lookup(tb__conn *conn, const char *sql, int64_t parameter, int64_t *value,
                         tb_error *err) TB_MUST_CHECK;
/* Rows that the last statement wrote. */
int64_t tb__sql_changed(const tb__conn *conn);
int64_t tb__sql_last_id(const tb__conn *conn);

/* --- checks of what comes in -------------------------------------------------------------------------- */

/* text is a JSON value of that type ("object", "array") or, with NULL for type, any; at most limit bytes.
 * NULL text is fine.  what: for the sentence. */
tb_status tb__check_json(tb__conn *conn, const char *what, const char *text, const char *type, size_t limit,
                         tb_error *err) TB_MUST_CHECK;
/* text is there, well-formed UTF-8 without control characters, 1 to limit bytes. */
tb_status tb__check_name(const char *what, const char *text, size_t limit, tb_error *err) TB_MUST_CHECK;
/* bytes are there, 16 to 64 of them. */
tb_status tb__check_hash(const char *what, const uint8_t *bytes, size_t size, tb_error *err) TB_MUST_CHECK;

/* --- growing arrays of numbers ------------------------------------------------------------------------ */

typedef struct tb__ids {
    int64_t *values;
    size_t n, capacity;
} tb__ids;
tb_status tb__ids_add(tb__ids *ids, int64_t value, tb_error *err) TB_MUST_CHECK;

#endif
