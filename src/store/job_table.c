// SPDX-License-Identifier: MIT
/* Jobs and API keys. */
#include "store/job_table.h"

#include "base/alloc.h"
#include "base/text.h"
#include "store/sql_internal.h"

#include <string.h>

enum { KIND_MAX = 64, KEY_NAME_MAX = 200 };

static const char *const state_names[] = {
    [TB_JOB_ROW_QUEUED] = "queued", [TB_JOB_ROW_RUNNING] = "running", [TB_JOB_ROW_PAUSED] = "paused",
    [TB_JOB_ROW_DONE] = "done",     [TB_JOB_ROW_FAILED] = "failed",   [TB_JOB_ROW_CANCELLED] = "cancelled",
};
enum { N_STATES = sizeof state_names / sizeof *state_names };

const char *tb_job_row_state_name(tb_job_row_state state)
{
    return (unsigned)state < N_STATES ? state_names[state] : "unknown";
}

tb_status tb_job_row_state_parse(const char *name, tb_job_row_state *state)
{
    for (unsigned i = 0; i < N_STATES; i++)
        if (strcmp(state_names[i], name) == 0) {
            *state = (tb_job_row_state)i;
            return TB_OK;
        }
    return TB_NOT_FOUND;
}

bool tb_job_row_state_ended(tb_job_row_state state)
{
    return state == TB_JOB_ROW_DONE || state == TB_JOB_ROW_FAILED || state == TB_JOB_ROW_CANCELLED;
}

/* --- reading ------------------------------------------------------------------------------------------ */

#define JOB_COLUMNS                                                                                \
    "id, kind, state, params, result, done, total, failed, message, created_ms, started_ms, ended_ms"

void tb_job_row_clear(tb_job_row *job)
{
    tb_free(job->kind);
    tb_free(job->params);
    tb_free(job->result);
    tb_free(job->message);
    *job = (tb_job_row){0};
}

void tb_job_rows_free(tb_job_row *jobs, size_t n)
{
    if (!jobs) return;
    for (size_t i = 0; i < n; i++) tb_job_row_clear(&jobs[i]);
    tb_free(jobs);
}

static tb_job_row_state to_state(int64_t number)
{
    return number >= 0 && number < N_STATES ? (tb_job_row_state)number : TB_JOB_ROW_FAILED;
}

/* Cleared by the caller in any case. */
static tb_status read_job(const tb__query *q, tb_job_row *job, tb_error *err)
{
    tb_status status = TB_OK;
    *job = (tb_job_row){.id = tb__column_int(q, 0),
                        .state = to_state(tb__column_int(q, 2)),
                        .done = tb__column_int(q, 5),
                        .total = tb__column_int(q, 6),
                        .failed = tb__column_int(q, 7),
                        .created_ms = tb__column_int(q, 9),
                        .started_ms = tb__column_int(q, 10),
                        .ended_ms = tb__column_int(q, 11)};
    TB_TRY(tb__column_copy(q, 1, &job->kind, err));
    TB_TRY(tb__column_copy(q, 3, &job->params, err));
    TB_TRY(tb__column_copy(q, 4, &job->result, err));
    TB_TRY(tb__column_copy(q, 8, &job->message, err));
    if (!job->kind || !job->params)
        TB_FAIL(err, TB_CORRUPT, "the database %s has a job of no kind", q->conn->store->path);
out:
    return status;
}

tb_status tb_store_get_job(tb_store *store, int64_t job_id, tb_job_row *job, tb_error *err)
{
    static const char sql[] = "SELECT " JOB_COLUMNS " FROM jobs WHERE id = ?1";
    tb_status status = TB_OK;
    tb__conn *conn = NULL;
    tb__query q = {0};
    tb_job_row read = {0};
    bool row = false;
    TB_TRY(tb__read_begin(store, &conn, err));
    TB_TRY(tb__query_open(&q, conn, sql, err));
    tb__query_int(&q, 1, job_id);
    TB_TRY(tb__query_next(&q, &row, err));
    if (!row) TB_FAIL(err, TB_NOT_FOUND, "there is no job %lld", (long long)job_id);
    TB_TRY(read_job(&q, &read, err));
    *job = read;
    read = (tb_job_row){0};
out:
    tb__query_close(&q);
    tb__read_end(store, conn);
    tb_job_row_clear(&read);
    return status;
}

tb_status tb_store_list_jobs(tb_store *store, int state, int64_t before_id, size_t limit, tb_job_row **jobs,
                             size_t *n, tb_error *err)
{
    enum { MOST = 1000 };
    static const char sql[] = "SELECT " JOB_COLUMNS
                              " FROM jobs WHERE (?1 = -1 OR state = ?1) AND (?2 = 0 OR id < ?2) "
                              "ORDER BY id DESC LIMIT ?3";
    tb_status status = TB_OK;
    tb__conn *conn = NULL;
    tb__query q = {0};
    tb_job_row *read = NULL;
    size_t n_read = 0;
    bool row = true;
    if (limit < 1 || limit > MOST)
        TB_FAIL(err, TB_INVALID, "limit is %zu; it must be between 1 and %d", limit, MOST);
    read = tb_alloc(limit, sizeof *read);
    if (!read) TB_FAIL(err, TB_NO_MEMORY, "no memory for %zu jobs", limit);
    TB_TRY(tb__read_begin(store, &conn, err));
    TB_TRY(tb__query_open(&q, conn, sql, err));
    tb__query_int(&q, 1, state);
    tb__query_int(&q, 2, before_id);
    tb__query_int(&q, 3, (int64_t)limit);
    while (n_read < limit) {
        TB_TRY(tb__query_next(&q, &row, err));
        if (!row) break;
        TB_TRY(read_job(&q, &read[n_read++], err));
    }
    *jobs = read;
    *n = n_read;
    read = NULL;
out:
    tb__query_close(&q);
    tb__read_end(store, conn);
    tb_job_rows_free(read, read ? limit : 0);
    return status;
}

/* --- writing ------------------------------------------------------------------------------------------ */

tb_status tb_store_add_job(tb_store *store, const char *kind, const char *params, int64_t *job_id,
                           tb_error *err)
{
    static const char sql[] = "INSERT INTO jobs (kind, state, params, created_ms) VALUES (?1, ?2, ?3, ?4)";
    tb_status status = TB_OK;
    tb__conn *conn = NULL;
    tb__query q = {0};
    int64_t id = 0;
    TB_TRY(tb__check_name("the kind of a job", kind, KIND_MAX, err));
    TB_TRY(tb__write_begin(store, &conn, err));
    TB_TRY(tb__check_json(conn, "the parameters of a job", params, NULL, TB_STORE_JOB_PARAMS_MAX, err));
    TB_TRY(tb__query_open(&q, conn, sql, err));
    tb__query_text(&q, 1, kind);
    tb__query_int(&q, 2, TB_JOB_ROW_QUEUED);
    tb__query_text(&q, 3, params ? params : "{}");
    tb__query_int(&q, 4, tb__now_ms(store));
    TB_TRY(tb__query_run(&q, err));
    id = tb__sql_last_id(conn);
out:
    tb__query_close(&q);
    status = tb__write_end(store, conn, status, err);
    if (status == TB_OK) *job_id = id;
    return status;
}

/* TB_NOT_FOUND; TB_EXISTS when it has ended. */
static tb_status check_running(tb__conn *conn, int64_t job_id, tb_error *err)
{
    static const char sql[] = "SELECT state FROM jobs WHERE id = ?1";
    int64_t state = 0;
    const tb_status status = tb__sql_lookup(conn, sql, job_id, &state, err);
    if (status == TB_NOT_FOUND)
        return tb_error_set(err, TB_NOT_FOUND, "there is no job %lld", (long long)job_id);
    if (status == TB_OK && tb_job_row_state_ended(to_state(state)))
        return tb_error_set(err, TB_EXISTS, "job %lld has ended already: %s", (long long)job_id,
                            tb_job_row_state_name(to_state(state)));
    return status;
}

/* A message as it may be stored: UTF-8, cut to its limit; NULL stays NULL. */
static tb_status clean_message(const char *message, char **clean, tb_error *err)
{
    *clean = NULL;
    if (!message) return TB_OK;
    char cut[TB_STORE_JOB_MESSAGE_MAX + 1];
    char *copy = tb_utf8_clean(message, strnlen(message, 4 * TB_STORE_JOB_MESSAGE_MAX));
    if (!copy) return tb_error_set(err, TB_NO_MEMORY, "no memory for a message");
    if (!tb_text_copy(cut, sizeof cut, copy)) memcpy(copy, cut, strlen(cut) + 1);
    *clean = copy;
    return TB_OK;
}

tb_status tb_store_set_job_state(tb_store *store, int64_t job_id, tb_job_row_state state,
                                 const char *message,
                                 const char *result, tb_error *err)
{
    static const char sql[] =
        "UPDATE jobs SET state = ?2, message = coalesce(?3, message), result = coalesce(?4, result), "
        "started_ms = CASE WHEN ?5 AND started_ms = 0 THEN ?7 ELSE started_ms END, "
        "ended_ms = CASE WHEN ?6 THEN ?7 ELSE 0 END WHERE id = ?1";
    tb_status status = TB_OK;
    tb__conn *conn = NULL;
    tb__query q = {0};
    char *clean = NULL;
    if ((unsigned)state >= N_STATES) TB_FAIL(err, TB_INVALID, "%d is no state of a job", (int)state);
    TB_TRY(clean_message(message, &clean, err));
    TB_TRY(tb__write_begin(store, &conn, err));
    TB_TRY(check_running(conn, job_id, err));
    TB_TRY(tb__check_json(conn, "the result of a job", result, NULL, TB_STORE_JOB_PARAMS_MAX, err));
    TB_TRY(tb__query_open(&q, conn, sql, err));
    tb__query_int(&q, 1, job_id);
    tb__query_int(&q, 2, state);
    tb__query_text(&q, 3, clean);
    tb__query_text(&q, 4, result);
    tb__query_int(&q, 5, state == TB_JOB_ROW_RUNNING);
    tb__query_int(&q, 6, tb_job_row_state_ended(state));
    tb__query_int(&q, 7, tb__now_ms(store));
    TB_TRY(tb__query_run(&q, err));
out:
    tb__query_close(&q);
    tb_free(clean);
    return tb__write_end(store, conn, status, err);
}

tb_status tb_store_set_job_progress(tb_store *store, int64_t job_id, int64_t done, int64_t total,
                                    int64_t failed, const char *message, tb_error *err)
{
    static const char sql[] =
        "UPDATE jobs SET done = ?2, total = ?3, failed = ?4, message = coalesce(?5, message) WHERE id = ?1";
    tb_status status = TB_OK;
    tb__conn *conn = NULL;
    tb__query q = {0};
    char *clean = NULL;
    TB_TRY(clean_message(message, &clean, err));
    TB_TRY(tb__write_begin(store, &conn, err));
    TB_TRY(check_running(conn, job_id, err));
    TB_TRY(tb__query_open(&q, conn, sql, err));
    tb__query_int(&q, 1, job_id);
    tb__query_int(&q, 2, done);
    tb__query_int(&q, 3, total);
    tb__query_int(&q, 4, failed);
    tb__query_text(&q, 5, clean);
    TB_TRY(tb__query_run(&q, err));
out:
    tb__query_close(&q);
    tb_free(clean);
    return tb__write_end(store, conn, status, err);
}

tb_status tb_store_requeue_jobs(tb_store *store, size_t *n, tb_error *err)
{
    static const char sql[] = "UPDATE jobs SET state = ?1 WHERE state = ?2";
    tb_status status = TB_OK;
    tb__conn *conn = NULL;
    tb__query q = {0};
    int64_t changed = 0;
    TB_TRY(tb__write_begin(store, &conn, err));
    TB_TRY(tb__query_open(&q, conn, sql, err));
    tb__query_int(&q, 1, TB_JOB_ROW_QUEUED);
    tb__query_int(&q, 2, TB_JOB_ROW_RUNNING);
    TB_TRY(tb__query_run(&q, err));
    changed = tb__sql_changed(conn);
out:
    tb__query_close(&q);
    status = tb__write_end(store, conn, status, err);
    if (status == TB_OK && n) *n = (size_t)changed;
    return status;
}

tb_status tb_store_prune_jobs(tb_store *store, size_t n_keep, tb_error *err)
{
    static const char sql[] = "DELETE FROM jobs WHERE state >= ?1 AND id NOT IN "
                              "(SELECT id FROM jobs WHERE state >= ?1 ORDER BY id DESC LIMIT ?2)";
    _Static_assert(TB_JOB_ROW_DONE < TB_JOB_ROW_FAILED && TB_JOB_ROW_FAILED < TB_JOB_ROW_CANCELLED &&
                       TB_JOB_ROW_CANCELLED + 1 == N_STATES,
                   "states that have ended are the last");
    tb_status status = TB_OK;
    tb__conn *conn = NULL;
    tb__query q = {0};
    TB_TRY(tb__write_begin(store, &conn, err));
    TB_TRY(tb__query_open(&q, conn, sql, err));
    tb__query_int(&q, 1, TB_JOB_ROW_DONE);
    tb__query_int(&q, 2, n_keep > INT64_MAX ? INT64_MAX : (int64_t)n_keep);
    TB_TRY(tb__query_run(&q, err));
out:
    tb__query_close(&q);
    return tb__write_end(store, conn, status, err);
}

/* --- API keys ----------------------------------------------------------------------------------------- */

void tb_key_rows_free(tb_key_row *keys, size_t n)
{
    if (!keys) return;
    for (size_t i = 0; i < n; i++) {
        tb_free(keys[i].name);
        tb_free(keys[i].role);
    }
    tb_free(keys);
}

tb_status tb_store_add_key(tb_store *store, const char *name, const char *role, const uint8_t *hash,
                           size_t hash_size, int64_t *key_id, tb_error *err)
{
    static const char look[] = "SELECT 1 FROM api_keys WHERE name = ?1 OR hash = ?2";
    static const char sql[] = "INSERT INTO api_keys (name, role, hash, created_ms) VALUES (?1, ?2, ?3, ?4)";
    tb_status status = TB_OK;
    tb__conn *conn = NULL;
    tb__query q = {0};
    bool row = false;
    int64_t id = 0;
    TB_TRY(tb__check_name("the name of a key", name, KEY_NAME_MAX, err));
    if (!role || (strcmp(role, "read") != 0 && strcmp(role, "write") != 0 && strcmp(role, "admin") != 0))
        TB_FAIL(err, TB_INVALID, "the role of a key must be read, write or admin, not \"%.50s\"",
                role ? role : "");
    TB_TRY(tb__check_hash("the hash of a key", hash, hash_size, err));
    TB_TRY(tb__write_begin(store, &conn, err));
    TB_TRY(tb__query_open(&q, conn, look, err));
    tb__query_text(&q, 1, name);
    tb__query_blob(&q, 2, hash, hash_size);
    TB_TRY(tb__query_next(&q, &row, err));
    if (row) TB_FAIL(err, TB_EXISTS, "there is a key \"%s\" already", name);
    tb__query_close(&q);
    TB_TRY(tb__query_open(&q, conn, sql, err));
    tb__query_text(&q, 1, name);
    tb__query_text(&q, 2, role);
    tb__query_blob(&q, 3, hash, hash_size);
    tb__query_int(&q, 4, tb__now_ms(store));
    TB_TRY(tb__query_run(&q, err));
    id = tb__sql_last_id(conn);
out:
    tb__query_close(&q);
    status = tb__write_end(store, conn, status, err);
    if (status == TB_OK) *key_id = id;
    return status;
}

tb_status tb_store_find_key(tb_store *store, const uint8_t *hash, size_t hash_size, char **role,
                            tb_error *err)
{
    static const char sql[] = "SELECT role FROM api_keys WHERE hash = ?1";
    tb_status status = TB_OK;
    tb__conn *conn = NULL;
    tb__query q = {0};
    bool row = false;
    TB_TRY(tb__check_hash("the hash of a key", hash, hash_size, err));
    TB_TRY(tb__read_begin(store, &conn, err));
    TB_TRY(tb__query_open(&q, conn, sql, err));
    tb__query_blob(&q, 1, hash, hash_size);
    TB_TRY(tb__query_next(&q, &row, err));
    if (!row) TB_FAIL(err, TB_NOT_FOUND, "there is no such key");
    TB_TRY(tb__column_copy(&q, 0, role, err));
out:
    tb__query_close(&q);
    tb__read_end(store, conn);
    return status;
}

tb_status tb_store_list_keys(tb_store *store, tb_key_row **keys, size_t *n, tb_error *err)
{
    static const char sql[] = "SELECT id, name, role, created_ms FROM api_keys ORDER BY id";
    tb_status status = TB_OK;
    tb__conn *conn = NULL;
    tb__query q = {0};
    tb_key_row *read = NULL;
    size_t n_read = 0;
    bool row = true;
    TB_TRY(tb__read_begin(store, &conn, err));
    TB_TRY(tb__query_open(&q, conn, sql, err));
    for (;;) {
        TB_TRY(tb__query_next(&q, &row, err));
        if (!row) break;
        tb_key_row *more = tb_realloc(read, n_read + 1, sizeof *read);
        if (!more) TB_FAIL(err, TB_NO_MEMORY, "no memory for %zu keys", n_read + 1);
        read = more;
        tb_key_row *key = &read[n_read++];
        *key = (tb_key_row){.id = tb__column_int(&q, 0), .created_ms = tb__column_int(&q, 3)};
        TB_TRY(tb__column_copy(&q, 1, &key->name, err));
        TB_TRY(tb__column_copy(&q, 2, &key->role, err));
        if (!key->name || !key->role)
            TB_FAIL(err, TB_CORRUPT, "the database %s has a key without a name", store->path);
    }
    *keys = read;
    *n = n_read;
    read = NULL;
out:
    tb__query_close(&q);
    tb__read_end(store, conn);
    tb_key_rows_free(read, n_read);
    return status;
}

tb_status tb_store_delete_key(tb_store *store, int64_t key_id, tb_error *err)
{
    static const char sql[] = "DELETE FROM api_keys WHERE id = ?1";
    tb_status status = TB_OK;
    tb__conn *conn = NULL;
    tb__query q = {0};
    TB_TRY(tb__write_begin(store, &conn, err));
    TB_TRY(tb__query_open(&q, conn, sql, err));
    tb__query_int(&q, 1, key_id);
    TB_TRY(tb__query_run(&q, err));
    if (tb__sql_changed(conn) == 0) TB_FAIL(err, TB_NOT_FOUND, "there is no key %lld", (long long)key_id);
out:
    tb__query_close(&q);
    return tb__write_end(store, conn, status, err);
}
