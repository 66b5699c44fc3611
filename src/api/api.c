// SPDX-License-Identifier: MIT
/* The way of a request through the API (see api_internal.h): route, body, options, handler, reply. */
#include "api/api_internal.h"

#include "api/json_input.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/text.h"
#include "engine/library.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const int64_t default_upload_bytes = (int64_t)512 << 20;
static const int64_t default_json_bytes = (int64_t)4 << 20;
/* What a form may have beside its file: boundaries, headers, fields. */
static const int64_t form_overhead_bytes = (int64_t)2 << 20;

static const tb_option_table no_options = {NULL, 0, 1};

tb_status tb_api_new(tb_engine *engine, const tb_api_options *options, tb_api **api, tb_error *err)
{
    tb_api *made = tb_alloc(1, sizeof *made);
    if (!made) return tb_error_set(err, TB_NO_MEMORY, "no memory for the API");
    made->engine = engine;
    made->max_upload_bytes = options && options->max_upload_bytes > 0 ? options->max_upload_bytes
                                                                      : default_upload_bytes;
    made->max_json_bytes = options && options->max_json_bytes > 0 ? options->max_json_bytes
                                                                  : default_json_bytes;
    *api = made;
    return TB_OK;
}

void tb_api_free(tb_api *api)
{
    tb_free(api);
}

void tb_api_set_metrics(tb_api *api, tb_api_metrics *metrics, void *context)
{
    api->metrics = metrics;
    api->metrics_context = context;
}

/* --- routes -------------------------------------------------------------------------------------------- */

/* Whether the path fits the pattern; then *name and *name_size are what stands for its {…}. */
static bool match_pattern(const char *pattern, const char *path, const char **name, size_t *name_size)
{
    *name = "";
    *name_size = 0;
    for (;;) {
        if (*pattern == '{') {
            const size_t size = strcspn(path, "/");
            if (size == 0) return false;
            *name = path;
            *name_size = size;
            path += size;
            pattern += strcspn(pattern, "}") + 1;
        }
        if (*pattern != *path) return false;
        if (*pattern == '\0') return true;
        pattern++;
        path++;
    }
}

static bool method_fits(tb_method route, tb_method request)
{
    return route == request || (route == TB_GET && request == TB_HEAD);
}

/* The route of a request; NULL when there is none.  *known: some route has this path.  Fixed paths come
 * before patterns where both fit ("/v1/tracks/scroll" is no id). */
static const tb_route *find_route(tb_method method, const char *path, bool *known, const char **name,
                                  size_t *name_size)
{
    const tb_route *found = NULL;
    bool fixed = false;
    *known = false;
    *name = "";
    *name_size = 0;
    for (size_t i = 0; i < tb_n_routes; i++) {
        const char *at;
        size_t size;
        if (!match_pattern(tb_routes[i].pattern, path, &at, &size)) continue;
        *known = true;
        if (!method_fits(tb_routes[i].method, method) || (found && (fixed || size > 0))) continue;
        found = &tb_routes[i];
        fixed = size == 0;
        *name = at;
        *name_size = size;
    }
    return found;
}

void tb_api_route(const tb_api *api, tb_method method, const char *path, tb_route_info *info)
{
    bool known;
    const char *name;
    size_t size;
    const tb_route *route = find_route(method, path, &known, &name, &size);
    *info = (tb_route_info){.name = "other", .body = TB_BODY_NONE, .light = true};
    if (!route) {
        if (!known || method != TB_OPTIONS) info->refuse = known ? 405 : 404;
        return;
    }
    info->name = route->pattern;
    info->body = route->body;
    info->light = route->light;
    if (route->body != TB_BODY_NONE) info->json_limit = info->body_limit = api->max_json_bytes;
    if (route->body == TB_BODY_UPLOAD) info->body_limit = api->max_upload_bytes + form_overhead_bytes;
    if (info->body_limit < info->json_limit) info->body_limit = info->json_limit;
}

static bool starts_with_nocase(const char *text, const char *prefix)
{
    return strncasecmp(text, prefix, strlen(prefix)) == 0;
}

tb_body_form tb_api_body_form(tb_body_policy policy, const char *content_type)
{
    /* The last is what curl --data-binary says when it is told nothing. */
    static const char *const raw[] = {
        "audio/", "video/", "application/octet-stream", "application/ogg", "binary/octet-stream",
        "application/x-www-form-urlencoded",
    };
    if (policy == TB_BODY_NONE) return TB_FORM_REFUSED;
    if (!content_type || !*content_type) return policy == TB_BODY_JSON ? TB_FORM_JSON : TB_FORM_RAW;
    const size_t size = strcspn(content_type, "; \t");
    const bool json_suffix = size > 5 && strncasecmp(content_type + size - 5, "+json", 5) == 0;
    if (json_suffix || (size == 16 && starts_with_nocase(content_type, "application/json")))
        return TB_FORM_JSON;
    if (policy == TB_BODY_JSON) return TB_FORM_REFUSED;
    if (starts_with_nocase(content_type, "multipart/form-data")) return TB_FORM_MULTIPART;
    for (size_t i = 0; i < sizeof raw / sizeof *raw; i++)
        if (starts_with_nocase(content_type, raw[i])) return TB_FORM_RAW;
    return TB_FORM_REFUSED;
}

/* --- a call -------------------------------------------------------------------------------------------- */

/* Refuses a body that is too large or of the wrong kind; parses one that is JSON. */
static tb_status read_body(tb_call *call, tb_error *err)
{
    const tb_request *request = call->request;
    const tb_route *route = call->route;
    if (!request->has_body) return TB_OK;
    if (route->body == TB_BODY_NONE)
        return tb_error_set(err, TB_SYNTAX, "%s %s takes no body", tb_method_name(route->method),
                            route->pattern);
    const char *content_type = tb_request_header(request, "content-type");
    const tb_body_form form = tb_api_body_form(route->body, content_type);
    if (form == TB_FORM_REFUSED)
        return tb_error_set(err, TB_UNSUPPORTED, "a body of type \"%.64s\" is not taken here; send %s",
                            content_type,
                            route->body == TB_BODY_JSON
                                ? "application/json"
                                : "multipart/form-data with a part \"file\", audio/*, "
                                  "application/octet-stream or application/json");
    if (form != TB_FORM_JSON) return TB_OK;
    if (request->body.size > (size_t)call->api->max_json_bytes)
        return tb_error_set(err, TB_TOO_LARGE, "the JSON body is larger than %" PRId64 " bytes",
                            call->api->max_json_bytes);
    if (request->body.size == 0 && !route->whole_body) return TB_OK;
    return tb_json_parse(request->body.bytes, request->body.size, "the body", &call->body, err);
}

/* Fields of a form; the files among its parts are the handler's. */
static tb_status read_form(tb_call *call, tb_options *options, tb_error *err)
{
    tb_status status = TB_OK;
    for (size_t i = 0; i < call->request->n_uploads; i++) {
        const tb_upload *part = &call->request->uploads[i];
        if (!part->bytes) continue;
        if (call->route->form_options && strcmp(part->field, call->route->form_options) == 0) {
            if (call->body) TB_FAIL(err, TB_INVALID, "the form has two parts named \"%s\"", part->field);
            TB_TRY(tb_json_parse(part->bytes, (size_t)part->size, part->field, &call->body, err));
            TB_TRY(tb_options_set_object(options, call->body, err));
        } else if (strcmp(part->field, "file") == 0 || strcmp(part->field, "audiofile") == 0) {
            TB_FAIL(err, TB_INVALID, "the part \"%s\" is a text; send it as a file (curl: -F %s=@song.flac)",
                    part->field, part->field);
        } else {
            TB_TRY(tb_options_set_text(options, part->field, part->bytes, false, err));
        }
    }
out:
    return status;
}

static tb_status read_options(tb_call *call, tb_options *options, tb_error *err)
{
    const tb_request *request = call->request;
    const tb_option_table *table = call->route->options ? call->route->options : &no_options;
    tb_status status = TB_OK;
    TB_TRY(tb_options_init(options, table, call->engine, err));
    for (size_t i = 0; i < request->n_parameters; i++) {
        if (call->route->lenient && !tb_options_know(table, request->parameters[i].name)) continue;
        TB_TRY(tb_options_set_text(options, request->parameters[i].name, request->parameters[i].value, true,
                                   err));
    }
    if (call->body && !call->route->whole_body) TB_TRY(tb_options_set_object(options, call->body, err));
    TB_TRY(read_form(call, options, err));
    call->options = options->values;
out:
    return status;
}

/* "GET, HEAD, OPTIONS" for the path. */
static void list_methods(const char *path, char *out, size_t capacity)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < tb_n_routes; i++) {
        const char *name;
        size_t size;
        if (!match_pattern(tb_routes[i].pattern, path, &name, &size)) continue;
        const int added = snprintf(out + used, capacity - used, "%s%s, ", tb_method_name(tb_routes[i].method),
                                   tb_routes[i].method == TB_GET ? ", HEAD" : "");
        if (added > 0 && used + (size_t)added < capacity) used += (size_t)added;
    }
    snprintf(out + used, capacity - used, "OPTIONS");
}

/* Unknown paths, wrong methods, OPTIONS. */
static tb_status answer_without_route(tb_call *call, bool known, tb_error *err)
{
    const tb_request *request = call->request;
    char methods[160], detail[256];
    tb_status status = TB_OK;
    if (!known)
        TB_FAIL(err, TB_NOT_FOUND, "there is nothing at %.200s; /openapi.json lists what there is",
                request->path);
    list_methods(request->path, methods, sizeof methods);
    if (request->method == TB_OPTIONS) {
        call->status = 204;
    } else {
        snprintf(detail, sizeof detail, "this address answers to %s, not to %s", methods,
                 tb_method_name(request->method));
        tb_reply_problem(call->reply, 405, "method_not_allowed", detail);
        call->done = true;
    }
    TB_TRY(tb_call_add_header(call, "Allow", methods, err));
out:
    return status;
}

static tb_status run(tb_call *call, tb_error *err)
{
    tb_options options = {.table = NULL};
    tb_status status = TB_OK;
    bool known = false;
    const char *name = "";
    size_t name_size = 0;
    if (!call->request->path) TB_FAIL(err, TB_INTERNAL, "the request has no path");
    call->route = find_route(call->request->method, call->request->path, &known, &name, &name_size);
    if (!call->route) {
        status = answer_without_route(call, known, err);
        goto out;
    }
    if (!tb_request_decode_segment(name, name_size, call->name, sizeof call->name))
        TB_FAIL(err, TB_NOT_FOUND, "the name in the address is longer than %d bytes",
                TB_MAX_SEGMENT_BYTES - 1);
    TB_TRY(read_body(call, err));
    TB_TRY(read_options(call, &options, err));
    TB_TRY(call->route->handler(call, err));
out:
    tb_options_clear(&options);
    json_decref(call->body);
    return status;
}

/* What the handler wrote becomes the reply. */
static tb_status finish(tb_call *call, tb_error *err)
{
    tb_status status = TB_OK;
    if (call->done) return TB_OK;
    if (call->status == 204) {
        call->reply->status = 204;
        return TB_OK;
    }
    TB_TRY(call->writer.status);
    TB_TRY(tb_buffer_append(&call->text, "\n", 1));
    TB_TRY(tb_reply_set_buffer(call->reply, call->status, "application/json", &call->text));
out:
    if (status == TB_TOO_LARGE)
        tb_error_set(err, TB_INVALID, "the answer would be too large; ask for less at a time");
    else if (status != TB_OK) tb_error_set(err, status, "no memory for the answer");
    return status;
}

/* The engine names the file that it was given; the client knows an upload by another name than we do. */
static void hide_upload_paths(const tb_request *request, tb_error *err)
{
    for (size_t i = 0; i < request->n_uploads; i++) {
        const tb_upload *upload = &request->uploads[i];
        const char *at = upload->path ? strstr(err->message, upload->path) : NULL;
        if (!at) continue;
        const tb_error told = *err;
        const char *rest = told.message + (at - err->message) + strlen(upload->path);
        const int before = (int)(at - err->message);
        if (upload->file_name && *upload->file_name)
            tb_error_set(err, told.code, "%.*sthe file \"%.100s\"%s", before, told.message, upload->file_name,
                         rest);
        else tb_error_set(err, told.code, "%.*sthe upload%s", before, told.message, rest);
    }
}

/* Damage in our own data is not the client's mistake; damage in what it sent is. */
static void reply_failure(tb_call *call, tb_status status, tb_error *err)
{
    if (err->code != status) err->code = status;
    hide_upload_paths(call->request, err);
    if (status == TB_CORRUPT && (!call->route || call->route->body != TB_BODY_UPLOAD))
        tb_reply_problem(call->reply, 500, tb_status_name(status), err->message);
    else tb_reply_error(call->reply, err);
    if (call->reply->status >= 500 && call->reply->status != 503)
        tb_log(TB_LOG_ERROR, "api", "%s %s: %s: %s", tb_method_name(call->request->method),
               call->request->path ? call->request->path : "?", tb_status_name(status), err->message);
}

void tb_api_handle(tb_api *api, tb_request *request, tb_reply *reply)
{
    tb_error err;
    tb_call call = {.api = api, .engine = api->engine, .request = request, .reply = reply, .status = 200};
    const tb_clock *clock = tb_engine_clock(api->engine);
    tb_error_clear(&err);
    call.started_ns = clock->mono_ns(clock);
    tb_buffer_init(&call.text, TB_MAX_ANSWER_BYTES);
    tb_writer_init(&call.writer, &call.text);
    tb_status status = run(&call, &err);
    if (status == TB_OK) status = finish(&call, &err);
    if (status != TB_OK) reply_failure(&call, status, &err);
    tb_buffer_clear(&call.text);
}

/* --- helpers for handlers ------------------------------------------------------------------------------ */

tb_status tb_call_add_header(tb_call *call, const char *name, const char *value, tb_error *err)
{
    const tb_status status = tb_reply_add_header(call->reply, name, value);
    return status == TB_OK ? TB_OK : tb_error_set(err, status, "the header %s cannot be sent", name);
}

tb_status tb_call_add_location(tb_call *call, const char *prefix, const char *name, tb_error *err)
{
    static const char hex[] = "0123456789ABCDEF";
    char out[3 * TB_MAX_SEGMENT_BYTES + 64];
    size_t n = 0;
    for (const char *c = prefix; *c && n < 60; c++) out[n++] = *c;
    for (const unsigned char *c = (const unsigned char *)name; *c && n + 4 < sizeof out; c++) {
        const bool plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') ||
                           strchr("-._~:", *c);
        if (!plain) {
            out[n++] = '%';
            out[n++] = hex[*c >> 4];
        }
        out[n++] = plain ? (char)*c : hex[*c & 15];
    }
    out[n] = '\0';
    return tb_call_add_header(call, "Location", out, err);
}

double tb_call_elapsed_s(const tb_call *call)
{
    return tb_clock_elapsed_s(tb_engine_clock(call->engine), call->started_ns);
}

tb_status tb_call_check_space(const tb_call *call, const char *name, tb_error *err)
{
    if (!name) return TB_OK;
    char known[256] = "";
    size_t used = 0;
    for (size_t i = 0; i < tb_engine_n_spaces(call->engine); i++) {
        tb_space_info space;
        tb_engine_space(call->engine, i, &space);
        if (strcmp(space.name, name) == 0) return TB_OK;
        const int size = snprintf(known + used, sizeof known - used, "%s%s", i > 0 ? ", " : "", space.name);
        if (size > 0 && used + (size_t)size < sizeof known) used += (size_t)size;
    }
    return tb_error_set(err, TB_INVALID, "there is no space \"%.64s\"; there are %s", name, known);
}

tb_status tb_call_find_upload(tb_call *call, tb_upload **upload, tb_error *err)
{
    tb_upload *found = NULL;
    for (size_t i = 0; i < call->request->n_uploads; i++) {
        tb_upload *part = &call->request->uploads[i];
        if (!part->path) continue;
        if (part->field[0] && strcmp(part->field, "file") != 0 && strcmp(part->field, "audiofile") != 0)
            return tb_error_set(err, TB_INVALID,
                                "the form has a file named \"%.64s\"; its name must be \"file\"",
                                part->field);
        if (found) return tb_error_set(err, TB_INVALID, "the form has two files; send one a request");
        if (part->size == 0) return tb_error_set(err, TB_INVALID, "the file is empty");
        found = part;
    }
    *upload = found;
    return TB_OK;
}

tb_status tb_call_resolve_path(tb_call *call, const char *path, char **real, char **library, tb_error *err)
{
    tb_status status = tb_engine_resolve_path(call->engine, path, real, library, err);
    if (status == TB_OK || !call->request->local || (status != TB_FORBIDDEN && status != TB_NOT_FOUND))
        return status;
    status = tb_fs_real_path(path, real, err);
    if (status == TB_OK) *library = NULL;
    return status;
}

tb_status tb_call_blame_request(tb_status status, tb_error *err)
{
    if (status != TB_NOT_FOUND) return status;
    if (err) err->code = TB_INVALID;
    return TB_INVALID;
}

tb_status tb_read_cursor(const char *cursor, size_t *offset, tb_error *err)
{
    int64_t value = 0;
    if (cursor && tb_parse_int(cursor, 0, INT32_MAX, &value) != TB_OK)
        return tb_error_set(err, TB_INVALID,
                            "the cursor is not one that an answer gave; leave it out for the first page");
    *offset = (size_t)value;
    return TB_OK;
}

void tb_write_next_cursor(tb_writer *writer, size_t next, size_t total)
{
    char text[24];
    snprintf(text, sizeof text, "%zu", next);
    tb_writer_string(writer, "next_cursor", next < total ? text : NULL);
}
