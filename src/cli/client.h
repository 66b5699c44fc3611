// SPDX-License-Identifier: MIT
/* One way to ask, two ways to be answered: by a server over HTTP, or by the same API on a data folder in this process.
 * Commands are written once and work on both.  One thread. */
#ifndef TIMBRE_CLI_CLIENT_H
#define TIMBRE_CLI_CLIENT_H

#include "api/request.h"
#include "base/status.h"
#include "cli/options.h"

#include <jansson.h>
#include <stdbool.h>

typedef struct tb_client tb_client;

/* Names a server (options.server), or opens a data folder: options.data, else $XDG_DATA_HOME/timbre or
 * ~/.local/share/timbre.  TB_BUSY when a server has the folder (the sentence says what to do). */
tb_status tb_client_open(const tb_cli_options *options, tb_client **client, tb_error *err) TB_MUST_CHECK;
void tb_client_close(tb_client *client);
bool tb_client_is_local(const tb_client *client);

/* What to send: one of body (JSON; the reference is taken) and upload (path of a file), or neither. */
typedef struct tb_call {
    tb_method method;
    const char *target; /* "/v1/tracks?limit=10" */
    json_t *body;
    const char *upload;
} tb_call;

/* answer: JSON of a 2xx reply (json_decref), NULL for an empty one.  Any other reply is an error: its status by the
 * HTTP code, its sentence the problem's detail. */
tb_status tb_client_call(tb_client *client, const tb_call *call, json_t **answer, tb_error *err) TB_MUST_CHECK;

/* Targets: "path?name=value&…", values percent-encoded; NULL and "" are left out. */
tb_status tb_target_begin(tb_buffer *target, const char *path) TB_MUST_CHECK;
/* A path segment, percent-encoded. */
tb_status tb_target_segment(tb_buffer *target, const char *segment) TB_MUST_CHECK;
tb_status tb_target_add(tb_buffer *target, const char *name, const char *value) TB_MUST_CHECK;
tb_status tb_target_add_number(tb_buffer *target, const char *name, double value) TB_MUST_CHECK;

#endif
