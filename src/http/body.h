// SPDX-License-Identifier: MIT
/* The body of a request on its way in: JSON to memory, audio to files, a form to both.
 *
 * A part of a form is kept in memory when it is a field (no file name, and not called "file") or JSON; anything
 * else becomes a file of its own in the incoming folder, with a random name and mode 0600.  Files belong to the
 * request (tb_request_clear removes them); they are closed when their part ends.
 * One tb_body per request, used by one thread at a time. */
#ifndef TIMBRE_HTTP_BODY_H
#define TIMBRE_HTTP_BODY_H

#include "api/api.h"

typedef struct tb_body tb_body;

/* form: not TB_FORM_REFUSED.  length: what the sender says, or -1; more than route->body_limit (for JSON
 * json_limit) is TB_TOO_LARGE at once, and more than the disk has room for TB_FULL.
 * content_type, folder and request: outlive the body.  TB_SYNTAX: multipart without a boundary. */
tb_status tb_body_new(tb_body_form form, const char *content_type, int64_t length, const tb_route_info *route,
                      const char *folder, tb_request *request, tb_body **body, tb_error *err) TB_MUST_CHECK;
/* Closes what is open.  Accepts NULL. */
void tb_body_free(tb_body *body);

/* The next bytes.  TB_TOO_LARGE past the limit, TB_FULL when the disk is full, TB_SYNTAX for a broken form, TB_INVALID
 * for too many parts; after an error only free may follow. */
tb_status tb_body_write(tb_body *body, const char *bytes, size_t size, tb_error *err) TB_MUST_CHECK;
/* All of it came: the request is complete. */
tb_status tb_body_finish(tb_body *body, tb_error *err) TB_MUST_CHECK;

#endif
