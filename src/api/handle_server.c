// SPDX-License-Identifier: MIT
/* The server itself: spaces, probes, metrics (Prometheus' text format), the API's description, the page. */
#include "api/api_internal.h"

#include "api/show.h"
#include "base/embed.h"

#include <inttypes.h>
#include <string.h>

tb_status tb_handle_space_list(tb_call *call, tb_error *err)
{
    (void)err;
    tb_writer_open(&call->writer, NULL, '{');
    tb_writer_open(&call->writer, "results", '[');
    for (size_t i = 0; i < tb_engine_n_spaces(call->engine); i++) {
        tb_space_info space;
        tb_engine_space(call->engine, i, &space);
        tb_show_space(&call->writer, NULL, &space);
    }
    tb_writer_close(&call->writer, ']');
    tb_writer_null(&call->writer, "next_cursor");
    tb_writer_close(&call->writer, '}');
    return TB_OK;
}

/* --- probes -------------------------------------------------------------------------------------------- */

static tb_status show_status(tb_call *call, const char *status)
{
    tb_writer_open(&call->writer, NULL, '{');
    tb_writer_string(&call->writer, "status", status);
    tb_writer_string(&call->writer, "version", PACKAGE_VERSION);
    tb_writer_close(&call->writer, '}');
    return TB_OK;
}

tb_status tb_handle_health(tb_call *call, tb_error *err)
{
    (void)err;
    return show_status(call, "ok");
}

tb_status tb_handle_live(tb_call *call, tb_error *err)
{
    (void)err;
    return show_status(call, "ok");
}

tb_status tb_handle_ready(tb_call *call, tb_error *err)
{
    (void)err;
    tb_error reason = {.code = TB_OK};
    if (tb_engine_ready(call->engine, &reason) == TB_OK) return show_status(call, "ready");
    tb_reply_problem(call->reply, 503, tb_status_name(reason.code), reason.message);
    call->done = true;
    return TB_OK;
}

/* --- metrics ------------------------------------------------------------------------------------------- */

/* One metric with one value. */
static tb_status add_metric(tb_buffer *text, const char *name, const char *kind, const char *help,
                            int64_t value)
{
    return tb_buffer_printf(text, "# HELP %s %s\n# TYPE %s %s\n%s %" PRId64 "\n", name, help, name, kind,
                            name, value);
}

/* One metric with a value per space; the names of spaces and versions need no escapes. */
static tb_status add_space_metric(const tb_call *call, tb_buffer *text, const char *name, const char *help,
                                  size_t offset)
{
    tb_status status = TB_OK;
    TB_TRY(tb_buffer_printf(text, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name));
    for (size_t i = 0; i < tb_engine_n_spaces(call->engine); i++) {
        tb_space_info space;
        tb_engine_space(call->engine, i, &space);
        const size_t value = *(const size_t *)(const void *)((const char *)&space + offset);
        TB_TRY(tb_buffer_printf(text, "%s{space=\"%s\",model=\"%s\"} %zu\n", name, space.name,
                                space.model_version, value));
    }
out:
    return status;
}

tb_status tb_handle_metrics(tb_call *call, tb_error *err)
{
    tb_engine_stats stats;
    tb_buffer *text = &call->text;
    tb_status status = TB_OK;
    TB_TRY(tb_engine_get_stats(call->engine, &stats, err));
    TB_TRY(
        tb_buffer_printf(text,
                         "# HELP timbre_info Version and distance kernels in use.\n# TYPE timbre_info gauge\n"
                         "timbre_info{version=\"%s\",kernels=\"%s\"} 1\n",
                         PACKAGE_VERSION, stats.kernel ? stats.kernel : "none"));
    TB_TRY(add_metric(text, "timbre_tracks", "gauge", "Tracks in the store.", stats.n_tracks));
    TB_TRY(add_metric(text, "timbre_segments", "gauge", "Segments in all indexes.", stats.n_segments));
    TB_TRY(add_metric(text, "timbre_files", "gauge", "Audio files known.", stats.n_files));
    TB_TRY(add_metric(text, "timbre_failed_files", "gauge", "Files that could not be taken in.",
                      stats.n_failures));
    TB_TRY(add_metric(text, "timbre_database_bytes", "gauge", "Size of the database on disk.",
                      stats.database_bytes));
    TB_TRY(add_metric(text, "timbre_index_bytes", "gauge", "Memory held by all indexes.", stats.index_bytes));
    TB_TRY(
        add_metric(text, "timbre_searches_total", "counter", "Searches since the start.", stats.n_searches));
    TB_TRY(add_metric(text, "timbre_ingested_total", "counter", "Tracks taken in since the start.",
                      stats.n_ingested));
    TB_TRY(add_space_metric(call, text, "timbre_space_tracks", "Tracks with an embedding.",
                            offsetof(tb_space_info, n_tracks)));
    TB_TRY(add_space_metric(call, text, "timbre_space_segments", "Segments embedded.",
                            offsetof(tb_space_info, n_segments)));
    TB_TRY(add_space_metric(call, text, "timbre_space_index_bytes", "Memory of the index.",
                            offsetof(tb_space_info, index_bytes)));
    if (call->api->metrics) TB_TRY(call->api->metrics(call->api->metrics_context, text));
    TB_TRY(tb_reply_set_buffer(call->reply, 200, "text/plain; version=0.0.4; charset=utf-8", text));
    call->done = true;
out:
    if (status != TB_OK && err && err->code == TB_OK) tb_error_set(err, status, "no memory for the metrics");
    return status;
}

/* --- files built in ------------------------------------------------------------------------------------ */

static const struct {
    const char *path, *file, *content_type;
} files[] = {
    {"/", "index.html", "text/html; charset=utf-8"},
    {"/page.js", "page.js", "text/javascript; charset=utf-8"},
    {"/page.css", "page.css", "text/css; charset=utf-8"},
    {"/favicon.svg", "favicon.svg", "image/svg+xml"},
    {"/openapi.json", "openapi.json", "application/json"},
};

static const char content_policy[] =
    "default-src 'self'; media-src 'self' blob:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'";

tb_status tb_handle_file(tb_call *call, tb_error *err)
{
    tb_status status = TB_OK;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        if (strcmp(files[i].path, call->request->path) != 0) continue;
        for (const tb_embedded_file *file = tb_api_files; file->name; file++) {
            if (strcmp(file->name, files[i].file) != 0) continue;
            tb_reply_set_constant(call->reply, 200, files[i].content_type, file->bytes, file->size);
            TB_TRY(tb_call_add_header(call, "Cache-Control", "no-cache", err));
            TB_TRY(tb_call_add_header(call, "Content-Security-Policy", content_policy, err));
            call->done = true;
            return TB_OK;
        }
    }
    TB_FAIL(err, TB_NOT_FOUND, "%s is not built into this server", call->request->path);
out:
    return status;
}

tb_status tb_handle_no_icon(tb_call *call, tb_error *err)
{
    (void)err;
    call->status = 204;
    return TB_OK;
}
