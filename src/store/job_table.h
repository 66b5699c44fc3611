// SPDX-License-Identifier: MIT
/* Jobs, so that long work survives a restart, and API keys.  See store.h for threads and errors that all
 * share. */
#ifndef TIMBRE_STORE_JOB_TABLE_H
#define TIMBRE_STORE_JOB_TABLE_H

#include "store/store.h"

enum { TB_STORE_JOB_PARAMS_MAX = 1024 * 1024, TB_STORE_JOB_MESSAGE_MAX = 1000 };

typedef enum tb_job_row_state {
    TB_JOB_ROW_QUEUED,
    TB_JOB_ROW_RUNNING,
    TB_JOB_ROW_PAUSED,
    TB_JOB_ROW_DONE,
    TB_JOB_ROW_FAILED,
    TB_JOB_ROW_CANCELLED
} tb_job_row_state;
/* "queued", …; "unknown" for anything else. */
const char *tb_job_row_state_name(tb_job_row_state state);
/* TB_NOT_FOUND. */
tb_status tb_job_row_state_parse(const char *name, tb_job_row_state *state) TB_MUST_CHECK;
/* done, failed and cancelled */
bool tb_job_row_state_ended(tb_job_row_state state);

typedef struct tb_job_row {
    int64_t id;
    char *kind;   /* "scan", "reembed", "add" */
    tb_job_row_state state;
    char *params; /* JSON text */
    char *result; /* JSON text, or NULL */
    int64_t done, total, failed; /* total 0: not known yet */
    char *message; /* what it does now, or why it failed; NULL: nothing */
    int64_t created_ms, started_ms, ended_ms; /* 0: not yet */
} tb_job_row;
void tb_job_row_clear(tb_job_row *job);
void tb_job_rows_free(tb_job_row *jobs, size_t n);

/* A new job, queued.  kind: 1 to 64 bytes; params: JSON text, NULL for {}. */
tb_status tb_store_add_job(tb_store *store, const char *kind, const char *params, int64_t *job_id,
                           tb_error *err) TB_MUST_CHECK;
tb_status tb_store_get_job(tb_store *store, int64_t job_id, tb_job_row *job, tb_error *err) TB_MUST_CHECK;
/* Newest first, below before_id (0: from the newest), at most limit (1 to 1000).  state: -1 for all. */
tb_status tb_store_list_jobs(tb_store *store, int state, int64_t before_id, size_t limit, tb_job_row **jobs,
                             size_t *n,
                             tb_error *err) TB_MUST_CHECK;

/* Moves a job on: queued ⇄ running ⇄ paused, and from any of them to an end; started and ended times are
 * set. message and result: NULL leaves them.  Errors: TB_NOT_FOUND; TB_EXISTS when it has ended already
 * (the sentence says how). */
tb_status tb_store_set_job_state(tb_store *store, int64_t job_id, tb_job_row_state state,
                                 const char *message,
                                 const char *result, tb_error *err) TB_MUST_CHECK;
/* Progress of a job that has not ended.  Each call waits for the disk: once a second is enough.  message:
 * NULL leaves it. */
tb_status tb_store_set_job_progress(tb_store *store, int64_t job_id, int64_t done, int64_t total,
                                    int64_t failed,
                                    const char *message, tb_error *err) TB_MUST_CHECK;
/* After a start: jobs that were running when the process ended are queued again.  *n (may be NULL): how
 * many. */
tb_status tb_store_requeue_jobs(tb_store *store, size_t *n, tb_error *err) TB_MUST_CHECK;
/* Keeps the newest n_keep of the jobs that have ended. */
tb_status tb_store_prune_jobs(tb_store *store, size_t n_keep, tb_error *err) TB_MUST_CHECK;

/* --- API keys: only their hashes are kept ------------------------------------------------------------- */

typedef struct tb_key_row {
    int64_t id;
    char *name;
    char *role; /* "read", "write", "admin" */
    int64_t created_ms;
} tb_key_row;
void tb_key_rows_free(tb_key_row *keys, size_t n);

/* hash: 16 to 64 bytes, unique; name: 1 to 200 bytes, unique; role: one of the three.  TB_EXISTS. */
tb_status tb_store_add_key(tb_store *store, const char *name, const char *role, const uint8_t *hash,
                           size_t hash_size,
                           int64_t *key_id, tb_error *err) TB_MUST_CHECK;
/* *role: tb_free.  TB_NOT_FOUND. */
tb_status tb_store_find_key(tb_store *store, const uint8_t *hash, size_t hash_size, char **role,
                            tb_error *err) TB_MUST_CHECK;
tb_status tb_store_list_keys(tb_store *store, tb_key_row **keys, size_t *n, tb_error *err) TB_MUST_CHECK;
/* TB_NOT_FOUND. */
tb_status tb_store_delete_key(tb_store *store, int64_t key_id, tb_error *err) TB_MUST_CHECK;

#endif
