// SPDX-License-Identifier: MIT
/* multipart/form-data (RFC 7578) as a stream: bytes go in as they come, parts come out as they go.
 *
 * Nothing is kept but the head of the part under way (8 KiB at most), so that a file may be of any size.
 * One tb_multipart per thread. */
#ifndef TIMBRE_HTTP_MULTIPART_H
#define TIMBRE_HTTP_MULTIPART_H

#include "base/status.h"

#include <stddef.h>

typedef struct tb_multipart tb_multipart;

/* Head of a part; strings are UTF-8 (other bytes replaced) and borrowed during the call. */
typedef struct tb_part_head {
    const char *field;        /* never NULL */
    const char *file_name;    /* NULL = a form field */
    const char *content_type; /* NULL = not said */
} tb_part_head;

/* Called in the order begin, data*, end for each part.  A status that is not TB_OK ends the parsing. */
typedef struct tb_multipart_calls {
    tb_status (*begin)(void *context, const tb_part_head *head, tb_error *err);
    tb_status (*data)(void *context, const char *bytes, size_t size, tb_error *err);
    tb_status (*end)(void *context, tb_error *err);
    void *context;
} tb_multipart_calls;

/* content_type: the request's header.  TB_SYNTAX: it has no usable boundary. */
tb_status tb_multipart_new(const char *content_type, const tb_multipart_calls *calls, tb_multipart **multipart,
                           tb_error *err) TB_MUST_CHECK;
/* Accepts NULL. */
void tb_multipart_free(tb_multipart *multipart);

/* The next bytes of the body.  TB_SYNTAX, TB_TOO_LARGE (a head), TB_UNSUPPORTED (a nested or encoded part), or what
 * a call returned; after an error only free may follow. */
tb_status tb_multipart_write(tb_multipart *multipart, const char *bytes, size_t size, tb_error *err) TB_MUST_CHECK;
/* The body is over.  TB_SYNTAX: it ended before its closing boundary. */
tb_status tb_multipart_finish(tb_multipart *multipart, tb_error *err) TB_MUST_CHECK;

#endif
