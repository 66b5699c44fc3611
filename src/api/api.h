// SPDX-License-Identifier: MIT
/* The REST API on an engine: a table of routes and a handler of three steps for each (parse the request, call
 * the engine, write the reply).  Knows nothing of sockets; api/openapi.yaml is its contract.
 * Threads: a tb_api is shared; requests are handled on the calling thread. */
#ifndef TIMBRE_API_API_H
#define TIMBRE_API_API_H

#include "api/reply.h"
#include "api/request.h"
#include "engine/engine.h"

typedef struct tb_api tb_api;

typedef struct tb_api_options {
    int64_t max_upload_bytes; /* audio files; 0 = 512 MiB */
    int64_t max_json_bytes;   /* 0 = 4 MiB */
} tb_api_options;

/* engine: outlives the api. */
tb_status tb_api_new(tb_engine *engine, const tb_api_options *options, tb_api **api,
                     tb_error *err) TB_MUST_CHECK;
void tb_api_free(tb_api *api);

typedef enum tb_body_policy {
    TB_BODY_NONE,   /* a body is refused */
    TB_BODY_JSON,   /* into request.body, up to json_limit */
    TB_BODY_UPLOAD, /* multipart or raw audio to files, up to body_limit; or JSON into request.body */
} tb_body_policy;

/* What to do with a body, by its Content-Type. */
typedef enum tb_body_form {
    TB_FORM_REFUSED,   /* 415: hand the request to tb_api_handle without its body and with has_body set */
    TB_FORM_JSON,      /* into request.body */
    TB_FORM_MULTIPART, /* one upload per part */
    TB_FORM_RAW,       /* one upload whose field is "" */
} tb_body_form;

/* What the server has to know before the body comes. */
typedef struct tb_route_info {
    const char *name; /* "/v1/tracks/{id}" for metrics */
    tb_body_policy body;
    int64_t body_limit; /* of the whole body; 0 for TB_BODY_NONE */
    int64_t json_limit; /* of one that goes into request.body; at most body_limit */
    bool light;         /* answers in microseconds, from memory: may be run on a network thread */
    int refuse;         /* 404, 405: tb_api_handle will answer so, no body need be read; or 0 */
} tb_route_info;

/* path: decoded, as in tb_request. */
void tb_api_route(const tb_api *api, tb_method method, const char *path, tb_route_info *info);
/* content_type: the header's value, NULL if there is none. */
tb_body_form tb_api_body_form(tb_body_policy policy, const char *content_type);
/* Always leaves a complete reply.  For TB_HEAD it is that of TB_GET: the server sends its headers alone. */
void tb_api_handle(tb_api *api, tb_request *request, tb_reply *reply);

/* Extra lines for /metrics that the server knows (connections, requests); appended to the engine's. */
typedef tb_status tb_api_metrics(void *context, tb_buffer *text);
void tb_api_set_metrics(tb_api *api, tb_api_metrics *metrics, void *context);

#endif
