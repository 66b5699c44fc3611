// SPDX-License-Identifier: MIT
/* A request as the API sees it: no socket, no HTTP library.
 *
 * The server (src/http) fills it from a connection, the command line (src/cli) fills it by hand; both get the
 * same answer from tb_api_handle.  Bodies come in one of two ways: in memory (JSON, small), or as files that
 * lie in the engine's incoming folder (uploads).
 *
 * Life: init, set, handle, clear.  One thread at a time. */
#ifndef TIMBRE_API_REQUEST_H
#define TIMBRE_API_REQUEST_H

#include "base/buffer.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum tb_method {
    TB_GET,
    TB_HEAD,
    TB_POST,
    TB_PUT,
    TB_PATCH,
    TB_DELETE,
    TB_OPTIONS,
    TB_METHOD_OTHER
} tb_method;

enum {
    TB_MAX_PARAMETERS = 64, /* of the query string, and of the headers that are kept */
    TB_MAX_FILES = 4,       /* parts of a multipart body, files and fields */
    TB_MAX_FIELD_BYTES = 1024 * 1024,
    TB_MAX_TARGET_BYTES = 8192, /* path and query string */
};

typedef struct tb_parameter {
    char *name, *value; /* decoded, UTF-8; owned */
} tb_parameter;

/* One file of an upload: a part of a multipart body, or the whole raw body (field ""). */
typedef struct tb_upload {
    char *field;        /* "file", "metadata", … */
    char *file_name;    /* as the sender says, UTF-8, never used as a path; NULL if none */
    char *content_type; /* NULL if none */
    char *path;         /* in the incoming folder; removed by clear unless it was moved on (then NULL) */
    char *bytes; /* form fields and JSON parts (at most TB_MAX_FIELD_BYTES) are in memory, with a closing
                  * zero; NULL for a file */
    int64_t size;
} tb_upload;

typedef struct tb_request {
    tb_method method;
    char *path; /* decoded, starts with '/'; an encoded slash stays "%2F", an encoded percent sign "%25" */
    tb_parameter parameters[TB_MAX_PARAMETERS];
    size_t n_parameters;
    /* Names in lower case.  The API reads content-type, prefer, range and if-range alone. */
    tb_parameter headers[TB_MAX_PARAMETERS];
    size_t n_headers;
    tb_buffer body; /* JSON bodies; limit set by the route */
    bool has_body;
    tb_upload uploads[TB_MAX_FILES];
    size_t n_uploads;
    bool local;                       /* from this machine's command line: any path may be added */
    char id[24];                      /* request ID for logs and the X-Request-Id header */
    bool (*cancelled)(void *context); /* the client went away or time is up; NULL = never */
    void *context;
} tb_request;

void tb_request_init(tb_request *request);
/* Frees, and removes upload files that nobody moved on. */
void tb_request_clear(tb_request *request);

/* Splits and decodes "path?query".  TB_SYNTAX: broken percent encoding, a zero byte or bytes that are not
 * UTF-8; TB_TOO_LARGE: too long or too many parameters. */
tb_status tb_request_set_target(tb_request *request, const char *target, tb_error *err) TB_MUST_CHECK;
/* One segment of request.path, %2F and %25 decoded too; false when it does not fit with its closing zero. */
bool tb_request_decode_segment(const char *segment, size_t size, char *out, size_t capacity) TB_MUST_CHECK;
tb_status tb_request_add_header(tb_request *request, const char *name, const char *value,
                                tb_error *err) TB_MUST_CHECK;
/* A new part of the body, its strings copied (bytes that are not UTF-8 replaced); file_name and content_type
 * may be NULL.  The caller then sets path (tb_strdup'ed) or bytes (tb_alloc'ed) and size.  TB_INVALID: too
 * many parts. *upload: borrowed until clear. */
tb_status tb_request_add_upload(tb_request *request, const char *field, const char *file_name,
                                const char *content_type, tb_upload **upload, tb_error *err) TB_MUST_CHECK;
/* First value of that name, or NULL.  Borrowed until clear. */
const char *tb_request_parameter(const tb_request *request, const char *name);
const char *tb_request_header(const tb_request *request, const char *lower_case_name);
tb_method tb_method_from_name(const char *name);
const char *tb_method_name(tb_method method);

#endif
