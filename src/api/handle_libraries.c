// SPDX-License-Identifier: MIT
/* Libraries: folders on the server's disk, and their scans. */
#include "api/api_internal.h"

#include "api/show.h"
#include "base/alloc.h"
#include "engine/job.h"
#include "engine/library.h"

#include <inttypes.h>
#include <stdio.h>

typedef struct put_call {
    const char *root;
    tb_texts exclude;
} put_call;

static const tb_option put_options[] = {
    TB_OPTION(put_call, root, "root", TEXT, .body_only = true),
    TB_OPTION(put_call, exclude, "exclude", TEXTS, .body_only = true),
};
const tb_option_table tb_library_put_options = {put_options, sizeof put_options / sizeof *put_options,
                                                sizeof(put_call)};

typedef struct scan_call {
    const char *path;
    bool force;
} scan_call;

static const tb_option scan_options[] = {
    TB_OPTION(scan_call, path, "path", TEXT),
    TB_OPTION(scan_call, force, "force", BOOL),
};
const tb_option_table tb_library_scan_options = {scan_options, sizeof scan_options / sizeof *scan_options,
                                                 sizeof(scan_call)};

typedef struct page_call {
    int64_t limit;
    const char *cursor;
} page_call;

static const tb_option page_options[] = {
    TB_OPTION(page_call, limit, "limit", INTEGER, .low = 1, .high = TB_MAX_LIMIT, .initial = 100),
    TB_OPTION(page_call, cursor, "cursor", TEXT),
};
const tb_option_table tb_page_options = {page_options, sizeof page_options / sizeof *page_options,
                                         sizeof(page_call)};

tb_status tb_handle_library_list(tb_call *call, tb_error *err)
{
    tb_library *libraries = NULL;
    size_t n = 0;
    const tb_status status = tb_engine_list_libraries(call->engine, &libraries, &n, err);
    if (status != TB_OK) return status;
    tb_writer_open(&call->writer, NULL, '{');
    tb_writer_open(&call->writer, "results", '[');
    for (size_t i = 0; i < n; i++) {
        tb_show_library(&call->writer, NULL, &libraries[i]);
        tb_library_clear(&libraries[i]);
    }
    tb_free(libraries);
    tb_writer_close(&call->writer, ']');
    tb_writer_null(&call->writer, "next_cursor");
    tb_writer_close(&call->writer, '}');
    return TB_OK;
}

tb_status tb_handle_library_get(tb_call *call, tb_error *err)
{
    tb_library library = {.name = NULL};
    const tb_status status = tb_engine_get_library(call->engine, call->name, &library, err);
    if (status != TB_OK) return status;
    tb_show_library(&call->writer, NULL, &library);
    tb_library_clear(&library);
    return TB_OK;
}

tb_status tb_handle_library_put(tb_call *call, tb_error *err)
{
    const put_call *options = call->options;
    bool created = false;
    tb_status status = TB_OK;
    if (!options->root || !*options->root)
        TB_FAIL(err, TB_INVALID, "the body needs a \"root\": the folder on the server, as an absolute path");
    if (options->root[0] != '/')
        TB_FAIL(err, TB_INVALID, "root must be an absolute path; it has to start with '/'");
    TB_TRY(tb_call_blame_request(tb_engine_put_library(call->engine, call->name, options->root,
                                                       options->exclude.items, options->exclude.n, &created,
                                                       err),
                                 err));
    call->status = created ? 201 : 200;
    if (created) TB_TRY(tb_call_add_location(call, "/v1/libraries/", call->name, err));
    TB_TRY(tb_handle_library_get(call, err));
out:
    return status;
}

tb_status tb_handle_library_delete(tb_call *call, tb_error *err)
{
    call->status = 204;
    return tb_engine_remove_library(call->engine, call->name, err);
}

tb_status tb_handle_library_scan(tb_call *call, tb_error *err)
{
    const scan_call *options = call->options;
    tb_job job = {.subject = NULL};
    int64_t id = 0;
    char number[24];
    tb_status status = TB_OK;
    TB_TRY(tb_engine_queue_scan(call->engine, call->name, options->path, options->force, &id, err));
    TB_TRY(tb_engine_get_job(call->engine, id, &job, err));
    snprintf(number, sizeof number, "%" PRId64, id);
    TB_TRY(tb_call_add_location(call, "/v1/jobs/", number, err));
    call->status = 202;
    tb_show_job(&call->writer, NULL, &job);
out:
    tb_job_clear(&job);
    return status;
}

tb_status tb_handle_library_failures(tb_call *call, tb_error *err)
{
    const page_call *options = call->options;
    tb_library library = {.name = NULL};
    tb_failure *failures = NULL;
    size_t n = 0, first = 0;
    int64_t total = 0;
    tb_status status = TB_OK;
    TB_TRY(tb_read_cursor(options->cursor, &first, err));
    TB_TRY(tb_engine_get_library(call->engine, call->name, &library, err)); /* an unknown one is 404 */
    TB_TRY(tb_engine_list_failures(call->engine, call->name, first, (size_t)options->limit, &failures, &n,
                                   &total, err));
    tb_writer_open(&call->writer, NULL, '{');
    tb_writer_open(&call->writer, "results", '[');
    for (size_t i = 0; i < n; i++) tb_show_failure(&call->writer, &failures[i]);
    tb_writer_close(&call->writer, ']');
    tb_write_next_cursor(&call->writer, first + n, (size_t)total);
    tb_writer_integer(&call->writer, "total", total);
    tb_writer_close(&call->writer, '}');
out:
    tb_failures_free(failures, n);
    tb_library_clear(&library);
    return status;
}
