// SPDX-License-Identifier: MIT
/* Jobs: long work that reports progress and survives a restart.
 *
 * A job is a row of the store.  One runner thread takes the oldest that is queued; the work inside a job is
 * spread over the engine's pool.  A job that was running when the process ended is queued again at the next
 * start: every kind may be repeated without harm. */
#ifndef TIMBRE_ENGINE_JOB_H
#define TIMBRE_ENGINE_JOB_H

#include "engine/engine.h"

#define TB_JOB_STATES(X) X(QUEUED, "queued") X(RUNNING, "running") X(PAUSED, "paused") X(DONE, "done") \
    X(FAILED, "failed") X(CANCELLED, "cancelled")

typedef enum tb_job_state {
#define TB_JOB_STATE_ENUM(code, name) TB_JOB_##code,
    TB_JOB_STATES(TB_JOB_STATE_ENUM)
#undef TB_JOB_STATE_ENUM
} tb_job_state;

typedef struct tb_job {
    int64_t id;
    char kind[16]; /* "scan", "add" */
    tb_job_state state;
    char *subject;  /* library name or file name; owned */
    int64_t done, total, failed; /* total 0 = not known yet */
    double rate;    /* items a second, lately; 0 = not known */
    double eta_s;   /* -1 = not known */
    char *message;  /* what it does or why it failed; owned, may be NULL */
    char *result_id; /* track that an "add" made; owned, may be NULL */
    int64_t created_ms, started_ms, ended_ms; /* 0 = not yet */
} tb_job;

const char *tb_job_state_name(tb_job_state state);
void tb_job_clear(tb_job *job);

/* Newest first, at most limit; *jobs: array of *n, each cleared by the caller and the array freed. */
tb_status tb_engine_list_jobs(tb_engine *engine, size_t limit, tb_job **jobs, size_t *n, tb_error *err) TB_MUST_CHECK;
tb_status tb_engine_get_job(tb_engine *engine, int64_t id, tb_job *job, tb_error *err) TB_MUST_CHECK;
/* Each is TB_NOT_FOUND for an unknown id and TB_EXISTS when the job's state does not allow it. */
tb_status tb_engine_cancel_job(tb_engine *engine, int64_t id, tb_error *err) TB_MUST_CHECK;
tb_status tb_engine_pause_job(tb_engine *engine, int64_t id, tb_error *err) TB_MUST_CHECK;
tb_status tb_engine_resume_job(tb_engine *engine, int64_t id, tb_error *err) TB_MUST_CHECK;
/* Waits until the job has ended or timeout_s is over (TB_TIMEOUT). */
tb_status tb_engine_wait_job(tb_engine *engine, int64_t id, double timeout_s, tb_job *job, tb_error *err) TB_MUST_CHECK;

/* Queues the ingest of an upload that lies in the incoming folder (which moves to the job).
 * options as in tb_engine_add_file; strings are copied. */
struct tb_add_options;
tb_status tb_engine_queue_add(tb_engine *engine, const char *path, const struct tb_add_options *options, int64_t *job_id, tb_error *err) TB_MUST_CHECK;

#endif
