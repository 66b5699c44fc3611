// SPDX-License-Identifier: MIT
/* Replies, and what a status means in HTTP (see reply.h). */
#include "api/reply.h"

#include "api/writer.h"
#include "base/alloc.h"

#include <string.h>
#include <unistd.h>

static const char problem_type[] = "application/problem+json";

static const struct {
    int status;
    const char *reason;
} reasons[] = {
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {411, "Length Required"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {507, "Insufficient Storage"},
};

/* http, and the seconds of Retry-After (0: none). */
static const struct {
    int http;
    int retry_after_s;
} meanings[TB_STATUS_COUNT] = {
    [TB_OK] = {200, 0},        [TB_NO_MEMORY] = {503, 5},   [TB_INVALID] = {422, 0},
    [TB_SYNTAX] = {400, 0},    [TB_NOT_FOUND] = {404, 0},   [TB_EXISTS] = {409, 0},
    [TB_FORBIDDEN] = {403, 0}, [TB_UNSUPPORTED] = {415, 0}, [TB_CORRUPT] = {422, 0},
    [TB_NEWER] = {500, 0},     [TB_TOO_LARGE] = {413, 0},   [TB_IO] = {500, 0},
    [TB_FULL] = {507, 60},     [TB_BUSY] = {503, 1},        [TB_TIMEOUT] = {503, 5},
    [TB_CANCELLED] = {503, 0}, [TB_INTERNAL] = {500, 0},
};

void tb_reply_init(tb_reply *reply)
{
    memset(reply, 0, sizeof *reply);
    reply->status = 200;
    reply->fd = -1;
}

static void clear_body(tb_reply *reply)
{
    if (!reply->borrowed) tb_free(reply->bytes);
    if (reply->fd >= 0) close(reply->fd);
    if (reply->close) reply->close(reply->context);
    reply->kind = TB_BODY_BYTES;
    reply->bytes = NULL;
    reply->size = 0;
    reply->borrowed = false;
    reply->fd = -1;
    reply->file_offset = reply->file_size = 0;
    reply->read = NULL;
    reply->close = NULL;
    reply->context = NULL;
    reply->content_type = NULL;
}

static void clear_headers(tb_reply *reply)
{
    for (size_t i = 0; i < reply->n_headers; i++) {
        tb_free(reply->headers[i].name);
        tb_free(reply->headers[i].value);
    }
    reply->n_headers = 0;
}

void tb_reply_clear(tb_reply *reply)
{
    clear_body(reply);
    clear_headers(reply);
    tb_reply_init(reply);
}

static bool has_control_character(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f) return true;
    return false;
}

tb_status tb_reply_add_header(tb_reply *reply, const char *name, const char *value)
{
    if (has_control_character(name) || has_control_character(value)) return TB_INVALID;
    if (reply->n_headers == TB_MAX_REPLY_HEADERS) return TB_TOO_LARGE;
    tb_parameter added = {tb_strdup(name), tb_strdup(value)};
    if (!added.name || !added.value) {
        tb_free(added.name);
        tb_free(added.value);
        return TB_NO_MEMORY;
    }
    reply->headers[reply->n_headers++] = added;
    return TB_OK;
}

tb_status tb_reply_set_buffer(tb_reply *reply, int http_status, const char *content_type, tb_buffer *buffer)
{
    const size_t size = buffer->size;
    char *bytes = tb_buffer_take(buffer);
    if (!bytes) return TB_NO_MEMORY;
    clear_body(reply);
    reply->status = http_status;
    reply->content_type = content_type;
    reply->bytes = bytes;
    reply->size = size;
    return TB_OK;
}

void tb_reply_set_constant(tb_reply *reply, int http_status, const char *content_type, const void *bytes,
                           size_t size)
{
    clear_body(reply);
    reply->status = http_status;
    reply->content_type = content_type;
    reply->bytes = (char *)(uintptr_t)bytes;
    reply->size = size;
    reply->borrowed = true;
}

int tb_reply_http_status(tb_status code)
{
    return (int)code >= 0 && code < TB_STATUS_COUNT ? meanings[code].http : 500;
}

const char *tb_reply_reason(int http_status)
{
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].status == http_status) return reasons[i].reason;
    return "Unknown";
}

void tb_reply_problem(tb_reply *reply, int http_status, const char *code, const char *detail)
{
    static const char without_memory[] =
        "{\"type\":\"about:blank\",\"title\":\"Service Unavailable\",\"status\":503,\"code\":\"no_memory\","
        "\"detail\":\"the server is out of memory; try again later\"}\n";
    tb_buffer text;
    tb_buffer_init(&text, 16384);
    tb_writer writer;
    tb_writer_init(&writer, &text);
    tb_writer_open(&writer, NULL, '{');
    tb_writer_string(&writer, "type", "about:blank");
    tb_writer_string(&writer, "title", tb_reply_reason(http_status));
    tb_writer_integer(&writer, "status", http_status);
    tb_writer_string(&writer, "code", code);
    tb_writer_string(&writer, "detail", detail);
    tb_writer_close(&writer, '}');
    clear_headers(reply);
    if (writer.status != TB_OK || tb_buffer_append(&text, "\n", 1) != TB_OK ||
        tb_reply_set_buffer(reply, http_status, problem_type, &text) != TB_OK)
        tb_reply_set_constant(reply, 503, problem_type, without_memory, sizeof without_memory - 1);
    tb_buffer_clear(&text);
}

void tb_reply_error(tb_reply *reply, const tb_error *err)
{
    const tb_status code = err->code;
    const bool known = (int)code > TB_OK && code < TB_STATUS_COUNT;
    tb_reply_problem(reply, known ? meanings[code].http : 500, tb_status_name(known ? code : TB_INTERNAL),
                     err->message[0] ? err->message : tb_status_text(known ? code : TB_INTERNAL));
    if (!known || meanings[code].retry_after_s == 0) return;
    const char seconds[3] = {(char)('0' + meanings[code].retry_after_s / 10 % 10),
                             (char)('0' + meanings[code].retry_after_s % 10), '\0'};
    /* Without memory for it the header is left out: it is advice only. */
    const tb_status status = tb_reply_add_header(reply, "Retry-After",
                                                 seconds[0] == '0' ? seconds + 1 : seconds);
    (void)status;
}
