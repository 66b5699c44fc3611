// SPDX-License-Identifier: MIT
/* Calls through either transport, and what their replies mean. */
#include "cli/client_internal.h"

#include "base/alloc.h"
#include "base/text.h"

#include <string.h>

struct tb_client {
    tb_transport transport;
    bool local;
};

tb_status tb_client_open(const tb_cli_options *options, tb_client **client, tb_error *err)
{
    tb_status status = TB_OK;
    tb_client *made = tb_alloc(1, sizeof *made);
    if (!made) TB_FAIL(err, TB_NO_MEMORY, "no memory");
    made->local = !options->server;
    if (made->local) TB_TRY(tb_transport_open_local(options, &made->transport, err));
    else TB_TRY(tb_transport_open_http(options->server, &made->transport, err));
    *client = made;
    made = NULL;
out:
    tb_free(made);
    return status;
}

void tb_client_close(tb_client *client)
{
    if (!client) return;
    client->transport.close(client->transport.context);
    tb_free(client);
}

bool tb_client_is_local(const tb_client *client)
{
    return client->local;
}

static tb_status status_of_http(long http_status)
{
    switch (http_status) {
    case 400: return TB_SYNTAX;
    case 401:
    case 403: return TB_FORBIDDEN;
    case 404: return TB_NOT_FOUND;
    case 409: return TB_EXISTS;
    case 413: return TB_TOO_LARGE;
    case 415: return TB_UNSUPPORTED;
    case 422: return TB_INVALID;
    case 429:
    case 503: return TB_BUSY;
    case 507: return TB_FULL;
    default: return TB_IO;
    }
}

tb_status tb_client_call(tb_client *client, const tb_call *call, json_t **answer, tb_error *err)
{
    tb_status status = TB_OK;
    json_t *json = NULL;
    tb_raw_reply reply = {0};
    tb_buffer_init(&reply.bytes, (size_t)1 << 30);
    TB_TRY(client->transport.call(client->transport.context, call, &reply, err));
    if (reply.bytes.size) json = json_loadb(reply.bytes.bytes, reply.bytes.size, 0, NULL);
    if (reply.http_status < 200 || reply.http_status > 299) {
        const char *detail = json_string_value(json_object_get(json, "detail"));
        if (detail) TB_FAIL(err, status_of_http(reply.http_status), "%s", detail);
        TB_FAIL(err, status_of_http(reply.http_status), "the server answered %ld", reply.http_status);
    }
    if (reply.bytes.size && !json) TB_FAIL(err, TB_CORRUPT, "the answer is not JSON; is that a timbre server?");
    *answer = json;
    json = NULL;
out:
    json_decref(json);
    tb_buffer_clear(&reply.bytes);
    json_decref(call->body);
    return status;
}

/* --- targets ------------------------------------------------------------------------------------------------- */

static tb_status append_encoded(tb_buffer *target, const char *text)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    tb_status status = TB_OK;
    for (; *text; text++) {
        if (strchr(plain, *text)) TB_TRY(tb_buffer_append(target, text, 1));
        else TB_TRY(tb_buffer_printf(target, "%%%02X", (unsigned)(unsigned char)*text));
    }
out:
    return status;
}

tb_status tb_target_begin(tb_buffer *target, const char *path)
{
    tb_buffer_clear(target);
    return tb_buffer_append_text(target, path);
}

tb_status tb_target_segment(tb_buffer *target, const char *segment)
{
    const tb_status status = tb_buffer_append_text(target, "/");
    return status == TB_OK ? append_encoded(target, segment) : status;
}

tb_status tb_target_add(tb_buffer *target, const char *name, const char *value)
{
    tb_status status = TB_OK;
    if (!value || !*value) return TB_OK;
    TB_TRY(tb_buffer_append_text(target, strchr(target->bytes, '?') ? "&" : "?"));
    TB_TRY(tb_buffer_append_text(target, name));
    TB_TRY(tb_buffer_append_text(target, "="));
    TB_TRY(append_encoded(target, value));
out:
    return status;
}

tb_status tb_target_add_number(tb_buffer *target, const char *name, double value)
{
    char text[32];
    tb_format_double(value, text);
    return tb_target_add(target, name, text);
}
