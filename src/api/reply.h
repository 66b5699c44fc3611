// SPDX-License-Identifier: MIT
/* A reply as the API makes it: status, headers, and a body of one of three kinds.
 *
 * Only this file maps a tb_status to an HTTP code; errors are RFC 9457 problem details:
 *     {"type": "about:blank", "title": "Not Found", "status": 404, "code": "not_found",
 *      "detail": "there is no track \"abc\""}
 * One thread at a time. */
#ifndef TIMBRE_API_REPLY_H
#define TIMBRE_API_REPLY_H

#include "api/request.h"

enum { TB_MAX_REPLY_HEADERS = 16 };

typedef enum tb_body_kind { TB_BODY_BYTES, TB_BODY_FILE, TB_BODY_STREAM } tb_body_kind;

typedef struct tb_reply {
    int status;               /* HTTP code */
    const char *content_type; /* constant */
    tb_parameter headers[TB_MAX_REPLY_HEADERS];
    size_t n_headers;
    tb_body_kind kind;
    char *bytes; /* TB_BODY_BYTES; owned unless borrowed */
    size_t size;
    bool borrowed;                  /* bytes is constant data (the page, openapi.json) */
    int fd;                         /* TB_BODY_FILE; owned, closed by clear or moved to the server (-1) */
    int64_t file_offset, file_size; /* the part of the file that is sent */
    /* TB_BODY_STREAM: up to capacity bytes into out; *n 0 = end.  Called on any one thread at a time. */
    tb_status (*read)(void *context, char *out, size_t capacity, size_t *n, tb_error *err);
    void (*close)(void *context);
    void *context;
} tb_reply;

void tb_reply_init(tb_reply *reply);
void tb_reply_clear(tb_reply *reply);
/* Copies both; TB_INVALID for control characters in them, TB_TOO_LARGE past the room, TB_NO_MEMORY. */
tb_status tb_reply_add_header(tb_reply *reply, const char *name, const char *value) TB_MUST_CHECK;
/* The content of the buffer becomes the body; the buffer is empty after it. */
tb_status tb_reply_set_buffer(tb_reply *reply, int http_status, const char *content_type,
                              tb_buffer *buffer) TB_MUST_CHECK;
/* Constant data becomes the body. */
void tb_reply_set_constant(tb_reply *reply, int http_status, const char *content_type, const void *bytes,
                           size_t size);
/* Problem details from an error, in place of whatever the reply was; adds Retry-After for TB_BUSY,
 * TB_TIMEOUT, TB_NO_MEMORY and TB_FULL.  Cannot fail: without memory the reply is a constant one. */
void tb_reply_error(tb_reply *reply, const tb_error *err);
/* The same under another HTTP code (405, 429 …); code: its name in JSON, constant. */
void tb_reply_problem(tb_reply *reply, int http_status, const char *code, const char *detail);
/* HTTP code of a status: 404 for TB_NOT_FOUND, 422 for TB_CORRUPT and so on. */
int tb_reply_http_status(tb_status code);
/* "Not Found" */
const char *tb_reply_reason(int http_status);

#endif
