// SPDX-License-Identifier: MIT
/* Jobs: look at them, pause, resume, cancel. */
#include "api/api_internal.h"

#include "api/show.h"
#include "base/alloc.h"
#include "base/text.h"
#include "engine/job.h"

typedef struct list_call {
    int64_t limit;
} list_call;

static const tb_option list_options[] = {
    TB_OPTION(list_call, limit, "limit", INTEGER, .low = 1, .high = TB_MAX_LIMIT, .initial = 50),
};
const tb_option_table tb_job_list_options = {list_options, 1, sizeof(list_call)};

tb_status tb_handle_job_list(tb_call *call, tb_error *err)
{
    const list_call *options = call->options;
    tb_job *jobs = NULL;
    size_t n = 0;
    const tb_status status = tb_engine_list_jobs(call->engine, (size_t)options->limit, &jobs, &n, err);
    if (status != TB_OK) return status;
    tb_writer_open(&call->writer, NULL, '{');
    tb_writer_open(&call->writer, "results", '[');
    for (size_t i = 0; i < n; i++) {
        tb_show_job(&call->writer, NULL, &jobs[i]);
        tb_job_clear(&jobs[i]);
    }
    tb_free(jobs);
    tb_writer_close(&call->writer, ']');
    tb_writer_null(&call->writer, "next_cursor");
    tb_writer_close(&call->writer, '}');
    return TB_OK;
}

static tb_status read_id(const tb_call *call, int64_t *id, tb_error *err)
{
    if (tb_parse_int(call->name, 1, INT64_MAX, id) != TB_OK)
        return tb_error_set(err, TB_NOT_FOUND, "there is no job \"%.64s\"; the ids of jobs are whole numbers",
                            call->name);
    return TB_OK;
}

typedef tb_status job_change(tb_engine *engine, int64_t id, tb_error *err);

/* Changes the job (change: NULL for nothing) and shows it as it is then. */
static tb_status change_and_show(tb_call *call, job_change *change, tb_error *err)
{
    tb_job job = {.subject = NULL};
    int64_t id = 0;
    tb_status status = TB_OK;
    TB_TRY(read_id(call, &id, err));
    if (change) TB_TRY(change(call->engine, id, err));
    TB_TRY(tb_engine_get_job(call->engine, id, &job, err));
    tb_show_job(&call->writer, NULL, &job);
out:
    tb_job_clear(&job);
    return status;
}

tb_status tb_handle_job_get(tb_call *call, tb_error *err)
{
    return change_and_show(call, NULL, err);
}

tb_status tb_handle_job_cancel(tb_call *call, tb_error *err)
{
    return change_and_show(call, tb_engine_cancel_job, err);
}

tb_status tb_handle_job_pause(tb_call *call, tb_error *err)
{
    return change_and_show(call, tb_engine_pause_job, err);
}

tb_status tb_handle_job_resume(tb_call *call, tb_error *err)
{
    return change_and_show(call, tb_engine_resume_job, err);
}
