// SPDX-License-Identifier: MIT
/* The jobs' runner.
 *
 * Two lanes, each a thread with a queue of job numbers: scans in one, single uploads in the other, so that an upload
 * does not wait for the end of a long scan.  The rows of the store say what a job is and how it stands; while it
 * runs, its progress lives here and is written down once a second.
 *
 * One mutex guards lanes and runs; `changed` is signalled whenever a job starts, ends, is queued, paused, resumed or
 * cancelled. */
#include "engine/engine_internal.h"
#include "engine/params.h"

#include "base/alloc.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/text.h"
#include "store/job_table.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { N_LANES = 2, LANE_SCAN = 0, LANE_ADD = 1, MAX_QUEUED = 10000, KEPT_JOBS = 1000 };

struct tb__job_run {
    tb__jobs *jobs;
    int64_t id;
    bool cancelled, paused;
    int64_t done, total, failed;
    int64_t begin_ns, saved_ns;
    char subject[256];
};

typedef struct lane {
    tb__jobs *jobs;
    const char *name;
    pthread_t thread;
    bool started;
    int64_t *queue; /* MAX_QUEUED job numbers, from head on, in a ring */
    size_t head, n_queued;
    tb__job_run run;
    bool running;
} lane;

struct tb__jobs {
    tb_engine *engine;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool stopping;
    char *pending_folder; /* uploads that wait for their job */
    lane lanes[N_LANES];
};

/* --- rows and jobs --------------------------------------------------------------------------------------- */

static const char *const state_names[] = {
#define STATE_NAME(code, name) [TB_JOB_##code] = name,
    TB_JOB_STATES(STATE_NAME)
#undef STATE_NAME
};

const char *tb_job_state_name(tb_job_state state)
{
    return state_names[state];
}

void tb_job_clear(tb_job *job)
{
    tb_free(job->subject);
    tb_free(job->message);
    tb_free(job->result_id);
    *job = (tb_job){0};
}

static tb_job_state state_of_row(tb_job_row_state state)
{
    switch (state) {
    case TB_JOB_ROW_QUEUED: return TB_JOB_QUEUED;
    case TB_JOB_ROW_RUNNING: return TB_JOB_RUNNING;
    case TB_JOB_ROW_PAUSED: return TB_JOB_PAUSED;
    case TB_JOB_ROW_DONE: return TB_JOB_DONE;
    case TB_JOB_ROW_FAILED: return TB_JOB_FAILED;
    case TB_JOB_ROW_CANCELLED: return TB_JOB_CANCELLED;
    }
    return TB_JOB_FAILED;
}

static lane *lane_of_kind(tb__jobs *jobs, const char *kind)
{
    return &jobs->lanes[strcmp(kind, "add") == 0 ? LANE_ADD : LANE_SCAN];
}

/* The run of that job, if it runs.  Called with the mutex held. */
static tb__job_run *find_run(tb__jobs *jobs, int64_t id)
{
    for (size_t i = 0; i < N_LANES; i++)
        if (jobs->lanes[i].running && jobs->lanes[i].run.id == id) return &jobs->lanes[i].run;
    return NULL;
}

/* The row, with the live progress where the job runs. */
static tb_status job_from_row(tb_engine *engine, const tb_job_row *row, tb_job *job, tb_error *err)
{
    tb_job made = {
        .id = row->id,
        .state = state_of_row(row->state),
        .done = row->done,
        .total = row->total,
        .failed = row->failed,
        .eta_s = -1,
        .created_ms = row->created_ms,
        .started_ms = row->started_ms,
        .ended_ms = row->ended_ms,
    };
    tb_text_copy(made.kind, sizeof made.kind, row->kind);
    made.subject = tb__params_member(row->params, strcmp(row->kind, "add") == 0 ? "file_name" : "library");
    made.result_id = tb__params_member(row->result, "id");
    if (row->message && !(made.message = tb_strdup(row->message))) {
        tb_job_clear(&made);
        return tb_error_set(err, TB_NO_MEMORY, "no memory for a job");
    }
    tb__jobs *jobs = engine->jobs;
    pthread_mutex_lock(&jobs->mutex);
    const tb__job_run *run = find_run(jobs, row->id);
    if (run && (made.state == TB_JOB_RUNNING || made.state == TB_JOB_PAUSED)) {
        made.done = run->done;
        made.total = run->total;
        made.failed = run->failed;
        const double elapsed = tb_clock_elapsed_s(engine->clock, run->begin_ns);
        if (elapsed > 0 && run->done > 0) {
            made.rate = (double)run->done / elapsed;
            if (run->total > 0) made.eta_s = (double)(run->total - run->done) / made.rate;
        }
    }
    pthread_mutex_unlock(&jobs->mutex);
    *job = made;
    return TB_OK;
}

tb_status tb_engine_get_job(tb_engine *engine, int64_t id, tb_job *job, tb_error *err)
{
    tb_status status = TB_OK;
    tb_job_row row = {0};
    status = tb_store_get_job(engine->store, id, &row, err);
    if (status == TB_NOT_FOUND) return tb_error_set(err, TB_NOT_FOUND, "there is no job %lld", (long long)id);
    TB_TRY(status);
    TB_TRY(job_from_row(engine, &row, job, err));
out:
    tb_job_row_clear(&row);
    return status;
}

tb_status tb_engine_list_jobs(tb_engine *engine, size_t limit, tb_job **jobs, size_t *n, tb_error *err)
{
    tb_status status = TB_OK;
    tb_job_row *rows = NULL;
    size_t n_rows = 0, n_made = 0;
    tb_job *made = NULL;
    if (limit < 1 || limit > 1000) TB_FAIL(err, TB_INVALID, "limit must be from 1 to 1000");
    TB_TRY(tb_store_list_jobs(engine->store, -1, 0, limit, &rows, &n_rows, err));
    made = tb_alloc(n_rows, sizeof *made);
    if (!made) TB_FAIL(err, TB_NO_MEMORY, "no memory for %zu jobs", n_rows);
    for (; n_made < n_rows; n_made++) TB_TRY(job_from_row(engine, &rows[n_made], &made[n_made], err));
    *jobs = made;
    *n = n_made;
    made = NULL;
out:
    for (size_t i = 0; made && i < n_made; i++) tb_job_clear(&made[i]);
    tb_free(made);
    tb_job_rows_free(rows, n_rows);
    return status;
}

/* --- queueing ---------------------------------------------------------------------------------------------- */

/* Called with the mutex held. */
static tb_status push(lane *l, int64_t id, tb_error *err)
{
    if (l->n_queued == MAX_QUEUED) return tb_error_set(err, TB_BUSY, "%d jobs are waiting already; try again later", MAX_QUEUED);
    l->queue[(l->head + l->n_queued++) % MAX_QUEUED] = id;
    pthread_cond_broadcast(&l->jobs->changed);
    return TB_OK;
}

/* Writes the row and lines it up. */
static tb_status queue_job(tb_engine *engine, const char *kind, const char *params, int64_t *id, tb_error *err)
{
    tb_status status = TB_OK;
    TB_TRY(tb_store_add_job(engine->store, kind, params, id, err));
    pthread_mutex_lock(&engine->jobs->mutex);
    status = push(lane_of_kind(engine->jobs, kind), *id, err);
    pthread_mutex_unlock(&engine->jobs->mutex);
    if (status != TB_OK && tb_store_set_job_state(engine->store, *id, TB_JOB_ROW_FAILED, "too many jobs were waiting", NULL, NULL) != TB_OK)
        tb_log(TB_LOG_WARN, "engine", "job %lld stays queued until the next start", (long long)*id);
out:
    return status;
}

tb_status tb_engine_queue_scan(tb_engine *engine, const char *name, const char *sub, bool force, int64_t *job_id, tb_error *err)
{
    tb_status status = TB_OK;
    tb_library_row library = {0};
    tb_job_row *rows = NULL;
    size_t n_rows = 0;
    char *params = NULL;
    status = tb_store_get_library(engine->store, name, &library, err);
    if (status == TB_NOT_FOUND) TB_FAIL(err, TB_NOT_FOUND, "there is no library \"%.64s\"; make it with PUT /v1/libraries/NAME", name);
    TB_TRY(status);
    TB_TRY(tb__params_dump(json_pack("{s:s, s:s?, s:b}", "library", name, "sub", sub, "force", force), &params, err));
    TB_TRY(tb_store_list_jobs(engine->store, TB_JOB_ROW_QUEUED, 0, 1000, &rows, &n_rows, err));
    for (size_t i = 0; i < n_rows; i++)
        if (strcmp(rows[i].kind, "scan") == 0 && strcmp(rows[i].params, params) == 0) {
            *job_id = rows[i].id;
            goto out;
        }
    TB_TRY(queue_job(engine, "scan", params, job_id, err));
out:
    tb_free(params);
    tb_job_rows_free(rows, n_rows);
    tb_library_row_clear(&library);
    return status;
}

/* --- the "add" job: its parameters carry what tb_add_options holds ------------------------------------------- */

static json_t *metadata_to_json(const tb_track_patch *patch)
{
    json_t *object = json_object(), *tags = json_object(), *ids = json_object();
    for (tb_tag tag = 0; patch && tag < TB_TAG_COUNT; tag++)
        if (patch->set_tag[tag]) json_object_set_new(tags, tb_tag_name(tag), patch->tags[tag] ? json_string(patch->tags[tag]) : json_null());
    for (size_t i = 0; patch && i < patch->n_external_ids; i++)
        json_object_set_new(ids, patch->external_ids[i].scheme, json_string(patch->external_ids[i].value));
    json_object_set_new(object, "tags", tags);
    json_object_set_new(object, "external_ids", ids);
    if (patch && patch->set_payload) json_object_set_new(object, "payload", json_string(patch->payload));
    return object;
}

/* The patch borrows from the object; *ids: tb_free. */
static tb_status metadata_from_json(json_t *object, tb_track_patch *patch, tb_external_id **ids, tb_error *err)
{
    json_t *tags = json_object_get(object, "tags"), *external = json_object_get(object, "external_ids");
    for (tb_tag tag = 0; tag < TB_TAG_COUNT; tag++) {
        json_t *value = json_object_get(tags, tb_tag_name(tag));
        patch->set_tag[tag] = value != NULL;
        patch->tags[tag] = json_string_value(value);
    }
    patch->payload = json_string_value(json_object_get(object, "payload"));
    patch->set_payload = patch->payload != NULL;
    *ids = tb_alloc(json_object_size(external), sizeof **ids);
    if (!*ids) return tb_error_set(err, TB_NO_MEMORY, "no memory for external IDs");
    const char *scheme;
    json_t *value;
    json_object_foreach(external, scheme, value)
        (*ids)[patch->n_external_ids++] = (tb_external_id){(char *)(uintptr_t)scheme, (char *)(uintptr_t)json_string_value(value)};
    patch->external_ids = *ids;
    return TB_OK;
}

tb_status tb_engine_queue_add(tb_engine *engine, const char *path, const tb_add_options *options, int64_t *job_id, tb_error *err)
{
    tb_status status = TB_OK;
    char *params = NULL, *waiting = NULL;
    waiting = options->move_upload ? tb_fs_join(engine->jobs->pending_folder, tb_fs_name(path)) : tb_strdup(path);
    if (!waiting) TB_FAIL(err, TB_NO_MEMORY, "no memory for a path");
    if (options->move_upload) TB_TRY(tb__sync_file(path, err));
    if (options->move_upload && rename(path, waiting) != 0) TB_TRY(tb_error_errno(err, errno, "cannot keep the upload"));
    if (options->move_upload) TB_TRY(tb_fs_sync_directory(engine->jobs->pending_folder, err));
    json_t *object = json_pack("{s:s, s:s?, s:s?, s:b, s:b, s:o}", "path", waiting, "library", options->library, "file_name", options->file_name,
                               "upload", options->move_upload, "force", options->force, "metadata", metadata_to_json(options->metadata));
    TB_TRY(tb__params_dump(object, &params, err));
    TB_TRY(queue_job(engine, "add", params, job_id, err));
out:
    if (status != TB_OK && options->move_upload && waiting) unlink(waiting);
    tb_free(params);
    tb_free(waiting);
    return status;
}

static bool add_should_stop(void *context)
{
    return tb__job_should_stop(context);
}

static tb_status run_add(tb_engine *engine, tb__job_run *run, const char *params, char **result_id, tb_error *err)
{
    tb_status status = TB_OK;
    tb_external_id *ids = NULL;
    tb_track_patch metadata = {0};
    json_t *object = json_loads(params, 0, NULL);
    const char *path = json_string_value(json_object_get(object, "path"));
    const bool upload = json_is_true(json_object_get(object, "upload"));
    if (!path) TB_FAIL(err, TB_CORRUPT, "the job's parameters are damaged");
    TB_TRY(metadata_from_json(json_object_get(object, "metadata"), &metadata, &ids, err));
    tb__job_progress(run, 0, 1, 0);
    const tb_add_options options = {
        .library = json_string_value(json_object_get(object, "library")),
        .file_name = json_string_value(json_object_get(object, "file_name")),
        .move_upload = upload,
        .force = json_is_true(json_object_get(object, "force")),
        .metadata = &metadata,
        .cancelled = add_should_stop,
        .context = run,
    };
    tb_add_result result;
    status = tb_engine_add_file(engine, path, &options, &result, err);
    tb__job_progress(run, status == TB_OK, 1, status != TB_OK);
    if (status == TB_OK && !(*result_id = tb_strdup(result.id))) TB_FAIL(err, TB_NO_MEMORY, "no memory for an ID");
    if (upload && status != TB_OK && !atomic_load(&engine->closing)) unlink(path);
out:
    tb_free(ids);
    json_decref(object);
    return status;
}

/* --- running -------------------------------------------------------------------------------------------------- */

bool tb__job_should_stop(tb__job_run *run)
{
    tb__jobs *jobs = run->jobs;
    pthread_mutex_lock(&jobs->mutex);
    while (run->paused && !run->cancelled && !jobs->stopping) pthread_cond_wait(&jobs->changed, &jobs->mutex);
    const bool stop = run->cancelled || jobs->stopping;
    pthread_mutex_unlock(&jobs->mutex);
    return stop;
}

void tb__job_progress(tb__job_run *run, int64_t done, int64_t total, int64_t failed)
{
    tb__jobs *jobs = run->jobs;
    const tb_clock *clock = jobs->engine->clock;
    pthread_mutex_lock(&jobs->mutex);
    if (done > run->done) run->done = done; /* threads may come here in another order than they counted */
    if (failed > run->failed) run->failed = failed;
    run->total = total;
    const bool save = tb_clock_elapsed_s(clock, run->saved_ns) >= 1;
    if (save) run->saved_ns = clock->mono_ns(clock);
    pthread_mutex_unlock(&jobs->mutex);
    tb_error why = {0};
    if (save && tb_store_set_job_progress(jobs->engine->store, run->id, done, total, failed, NULL, &why) != TB_OK)
        tb_log(TB_LOG_WARN, "engine", "progress of job %lld is not written: %s", (long long)run->id, why.message);
}

/* Writes down how a run ended.  A job that stops because the engine closes stays "running" or "paused": the one is
 * queued again at the next start, the other waits for being resumed.  Called with the mutex held. */
static void end_run(tb__jobs *jobs, const tb__job_run *run, tb_status status, const char *message, const char *result_id, const tb_error *why)
{
    const bool cancelled = run->cancelled, stopping = jobs->stopping;
    tb_error err = {0};
    char result[64] = "";
    if (result_id) snprintf(result, sizeof result, "{\"id\":\"%s\"}", result_id);
    const bool unfinished = status == TB_CANCELLED && stopping && !cancelled;
    if (tb_store_set_job_progress(jobs->engine->store, run->id, run->done, run->total, run->failed, NULL, &err) != TB_OK)
        tb_log(TB_LOG_WARN, "engine", "progress of job %lld is not written: %s", (long long)run->id, err.message);
    if (unfinished) return;
    const tb_job_row_state state = cancelled ? TB_JOB_ROW_CANCELLED : status == TB_OK ? TB_JOB_ROW_DONE : TB_JOB_ROW_FAILED;
    if (tb_store_set_job_state(jobs->engine->store, run->id, state, status == TB_OK ? message : why->message, *result ? result : NULL, &err) != TB_OK)
        tb_log(TB_LOG_ERROR, "engine", "the end of job %lld is not written: %s", (long long)run->id, err.message);
    tb_log(status == TB_OK ? TB_LOG_INFO : TB_LOG_WARN, "engine", "job %lld %s: %s", (long long)run->id, tb_job_row_state_name(state),
           status == TB_OK ? (message ? message : "") : why->message);
}

/* The job becomes the lane's run, unless it was paused or cancelled while it was queued.  Called with the mutex held,
 * as `steer` is: what a row says and what runs change together. */
static tb_status begin_run(lane *l, int64_t id, tb_job_row *row, tb_error *err)
{
    tb_status status = TB_OK;
    tb_engine *engine = l->jobs->engine;
    TB_TRY(tb_store_get_job(engine->store, id, row, err));
    if (row->state != TB_JOB_ROW_QUEUED) goto out;
    TB_TRY(tb_store_set_job_state(engine->store, id, TB_JOB_ROW_RUNNING, NULL, NULL, err));
    l->run = (tb__job_run){.jobs = l->jobs, .id = id, .begin_ns = engine->clock->mono_ns(engine->clock)};
    char *subject = tb__params_member(row->params, "library");
    if (subject) tb_text_copy(l->run.subject, sizeof l->run.subject, subject);
    tb_free(subject);
    l->running = true;
out:
    return status;
}

/* Waits for a change, or until the time is over.  Called with the mutex held. */
static void wait_for_change(tb__jobs *jobs, int64_t ms)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_cond_timedwait(&jobs->changed, &jobs->mutex, &until);
}

/* Called with the mutex held; lets go of it while the job does its work. */
static void run_job(lane *l, int64_t id)
{
    tb__jobs *jobs = l->jobs;
    tb_engine *engine = jobs->engine;
    tb_error err = {0};
    tb_job_row row = {0};
    char *message = NULL, *result_id = NULL;
    tb_status status = begin_run(l, id, &row, &err);
    if (status != TB_OK) tb_log(TB_LOG_ERROR, "engine", "job %lld cannot be run: %s", (long long)id, err.message);
    if (status == TB_BUSY || status == TB_FULL || status == TB_IO) { /* that may pass: the job is not lost */
        (void)!push(l, id, NULL);
        wait_for_change(jobs, 2000);
    }
    if (l->running) {
        pthread_mutex_unlock(&jobs->mutex);
        status = strcmp(row.kind, "add") == 0 ? run_add(engine, &l->run, row.params, &result_id, &err)
                                              : tb__run_scan(engine, &l->run, row.params, &message, &err);
        pthread_mutex_lock(&jobs->mutex);
        end_run(jobs, &l->run, status, message, result_id, &err);
        l->running = false;
        pthread_cond_broadcast(&jobs->changed);
    }
    tb_job_row_clear(&row);
    tb_free(message);
    tb_free(result_id);
}

static void *run_lane(void *context)
{
    lane *l = context;
    tb__jobs *jobs = l->jobs;
    pthread_mutex_lock(&jobs->mutex);
    while (!jobs->stopping) {
        if (l->n_queued == 0) {
            pthread_cond_wait(&jobs->changed, &jobs->mutex);
            continue;
        }
        const int64_t id = l->queue[l->head];
        l->head = (l->head + 1) % MAX_QUEUED;
        l->n_queued--;
        run_job(l, id);
    }
    pthread_mutex_unlock(&jobs->mutex);
    return NULL;
}

/* --- steering ---------------------------------------------------------------------------------------------------- */

typedef enum steering { CANCEL, PAUSE, RESUME } steering;

/* An upload that waits for a job which will never run. */
static void drop_pending(const tb__jobs *jobs, const tb_job_row *row)
{
    char *path = strcmp(row->kind, "add") == 0 ? tb__params_member(row->params, "path") : NULL;
    if (path && tb_fs_is_within(jobs->pending_folder, path)) unlink(path);
    tb_free(path);
}

static tb_status steer(tb_engine *engine, int64_t id, steering what, tb_error *err)
{
    tb_status status = TB_OK;
    tb__jobs *jobs = engine->jobs;
    tb_job_row row = {0};
    pthread_mutex_lock(&jobs->mutex);
    status = tb_store_get_job(engine->store, id, &row, err);
    if (status == TB_NOT_FOUND) TB_FAIL(err, TB_NOT_FOUND, "there is no job %lld", (long long)id);
    TB_TRY(status);
    if (tb_job_row_state_ended(row.state))
        TB_FAIL(err, TB_EXISTS, "job %lld has ended already (%s)", (long long)id, tb_job_row_state_name(row.state));
    if (what == RESUME && row.state != TB_JOB_ROW_PAUSED) TB_FAIL(err, TB_EXISTS, "job %lld is not paused", (long long)id);

    tb__job_run *run = find_run(jobs, id);
    if (run && what == CANCEL) {
        run->cancelled = true; /* the run writes its end itself */
        goto out;
    }
    if (!run && what == RESUME) TB_TRY(push(lane_of_kind(jobs, row.kind), id, err));
    const tb_job_row_state state = what == CANCEL ? TB_JOB_ROW_CANCELLED : what == PAUSE ? TB_JOB_ROW_PAUSED : run ? TB_JOB_ROW_RUNNING : TB_JOB_ROW_QUEUED;
    TB_TRY(tb_store_set_job_state(engine->store, id, state, NULL, NULL, err));
    if (run) run->paused = what == PAUSE;
    else if (what == CANCEL) drop_pending(jobs, &row);
out:
    pthread_cond_broadcast(&jobs->changed);
    pthread_mutex_unlock(&jobs->mutex);
    tb_job_row_clear(&row);
    return status;
}

tb_status tb_engine_cancel_job(tb_engine *engine, int64_t id, tb_error *err)
{
    return steer(engine, id, CANCEL, err);
}

tb_status tb_engine_pause_job(tb_engine *engine, int64_t id, tb_error *err)
{
    return steer(engine, id, PAUSE, err);
}

tb_status tb_engine_resume_job(tb_engine *engine, int64_t id, tb_error *err)
{
    return steer(engine, id, RESUME, err);
}

void tb__cancel_scans(tb_engine *engine, const char *library)
{
    tb__jobs *jobs = engine->jobs;
    lane *l = &jobs->lanes[LANE_SCAN];
    pthread_mutex_lock(&jobs->mutex);
    while (l->running && strcmp(l->run.subject, library) == 0) {
        l->run.cancelled = true;
        pthread_cond_broadcast(&jobs->changed);
        pthread_cond_wait(&jobs->changed, &jobs->mutex);
    }
    pthread_mutex_unlock(&jobs->mutex);
}

tb_status tb_engine_wait_job(tb_engine *engine, int64_t id, double timeout_s, tb_job *job, tb_error *err)
{
    const int64_t begin = engine->clock->mono_ns(engine->clock);
    for (;;) {
        const tb_status status = tb_engine_get_job(engine, id, job, err);
        if (status != TB_OK || job->state == TB_JOB_DONE || job->state == TB_JOB_FAILED || job->state == TB_JOB_CANCELLED) return status;
        if (tb_clock_elapsed_s(engine->clock, begin) >= timeout_s) {
            tb_job_clear(job);
            return tb_error_set(err, TB_TIMEOUT, "job %lld has not ended after %g s", (long long)id, timeout_s);
        }
        tb_job_clear(job);
        pthread_mutex_lock(&engine->jobs->mutex);
        wait_for_change(engine->jobs, 50);
        pthread_mutex_unlock(&engine->jobs->mutex);
    }
}

/* --- start and stop ------------------------------------------------------------------------------------------------- */

/* Every queued job, oldest first. */
static tb_status load_queue(tb__jobs *jobs, tb_error *err)
{
    tb_status status = TB_OK;
    tb_job_row *rows = NULL;
    size_t n = 0;
    int64_t *ids = tb_alloc(MAX_QUEUED, sizeof *ids);
    char *kinds = tb_alloc(MAX_QUEUED, 1);
    size_t n_ids = 0;
    if (!ids || !kinds) TB_FAIL(err, TB_NO_MEMORY, "no memory for the jobs");
    int64_t before = 0;
    do {
        tb_job_rows_free(rows, n);
        rows = NULL;
        TB_TRY(tb_store_list_jobs(jobs->engine->store, TB_JOB_ROW_QUEUED, before, 1000, &rows, &n, err));
        for (size_t i = 0; i < n && n_ids < MAX_QUEUED; i++) {
            kinds[n_ids] = strcmp(rows[i].kind, "add") == 0;
            ids[n_ids++] = before = rows[i].id;
        }
    } while (n == 1000 && n_ids < MAX_QUEUED);
    while (n_ids > 0) {
        n_ids--;
        TB_TRY(push(&jobs->lanes[kinds[n_ids] ? LANE_ADD : LANE_SCAN], ids[n_ids], err));
    }
out:
    tb_job_rows_free(rows, n);
    tb_free(kinds);
    tb_free(ids);
    return status;
}

tb_status tb__jobs_start(tb_engine *engine, bool run, tb_error *err)
{
    static const char *const names[N_LANES] = {"tb-scan", "tb-add"};
    tb_status status = TB_OK;
    tb__jobs *jobs = tb_alloc(1, sizeof *jobs);
    if (!jobs) TB_FAIL(err, TB_NO_MEMORY, "no memory for the jobs");
    jobs->engine = engine;
    pthread_mutex_init(&jobs->mutex, NULL);
    pthread_cond_init(&jobs->changed, NULL);
    engine->jobs = jobs;
    for (size_t i = 0; i < N_LANES; i++) {
        jobs->lanes[i].jobs = jobs;
        jobs->lanes[i].name = names[i];
        jobs->lanes[i].queue = tb_alloc(MAX_QUEUED, sizeof *jobs->lanes[i].queue);
        if (!jobs->lanes[i].queue) TB_FAIL(err, TB_NO_MEMORY, "no memory for the jobs");
    }
    if (!(jobs->pending_folder = tb_fs_join(engine->data_folder, "pending"))) TB_FAIL(err, TB_NO_MEMORY, "no memory for a path");
    TB_TRY(tb_fs_make_directories(jobs->pending_folder, err));
    if (!run) goto out;
    size_t n_again = 0;
    TB_TRY(tb_store_requeue_jobs(engine->store, &n_again, err));
    if (n_again) tb_log(TB_LOG_INFO, "engine", "%zu jobs go on that were running when the server stopped", n_again);
    TB_TRY(tb_store_prune_jobs(engine->store, KEPT_JOBS, err));
    TB_TRY(load_queue(jobs, err));
    for (size_t i = 0; i < N_LANES; i++) {
        if (pthread_create(&jobs->lanes[i].thread, NULL, run_lane, &jobs->lanes[i]) != 0)
            TB_FAIL(err, TB_NO_MEMORY, "no thread for the jobs");
        jobs->lanes[i].started = true;
    }
out:
    return status;
}

void tb__jobs_stop(tb_engine *engine)
{
    tb__jobs *jobs = engine->jobs;
    if (!jobs) return;
    pthread_mutex_lock(&jobs->mutex);
    jobs->stopping = true;
    pthread_cond_broadcast(&jobs->changed);
    pthread_mutex_unlock(&jobs->mutex);
    for (size_t i = 0; i < N_LANES; i++) {
        if (jobs->lanes[i].started) pthread_join(jobs->lanes[i].thread, NULL);
        tb_free(jobs->lanes[i].queue);
    }
    pthread_cond_destroy(&jobs->changed);
    pthread_mutex_destroy(&jobs->mutex);
    tb_free(jobs->pending_folder);
    tb_free(jobs);
    engine->jobs = NULL;
}
