// SPDX-License-Identifier: MIT
/* A request to an API on the engine of fixture.h and its reply, which is checked against openapi.json. */
#ifndef TIMBRE_TESTS_UNIT_API_EXCHANGE_H
#define TIMBRE_TESTS_UNIT_API_EXCHANGE_H

#include "api/api.h"

#include <jansson.h>

enum { EXCHANGE_MAX_JSON = 100000 }; /* bytes that a JSON body may have */

typedef struct exchange {
    tb_api *api;
    tb_request request;
    tb_reply reply;
    json_t *json; /* of the reply; NULL when it is none */
} exchange;

/* Fails the test when the target is refused. */
void exchange_begin(exchange *x, tb_method method, const char *target);
void exchange_header(exchange *x, const char *name, const char *value);
void exchange_json(exchange *x, const char *body);
/* An uploaded file in the engine's folder for uploads (a text, or the bytes of the file at path), and a form
 * field. */
void exchange_file(exchange *x, const char *field, const char *file_name, const char *content);
void exchange_audio(exchange *x, const char *field, const char *file_name, const char *path);
void exchange_field(exchange *x, const char *field, const char *value);
/* Handles the request.  Fails the test if the status is another one, if the body does not fit the schema that
 * openapi.json has for it, or if JSON is not well-formed. */
void exchange_run(exchange *x, int expected_status);
void exchange_end(exchange *x);

/* begin, run, and the reply's JSON; ended by exchange_end. */
json_t *exchange_get(exchange *x, const char *target, int expected_status);
json_t *exchange_post(exchange *x, const char *target, const char *body, int expected_status);

const char *exchange_reply_header(const exchange *x, const char *name);
/* Member of nested objects and arrays: "results.0.track.title"; fails the test if it is not there. */
const json_t *exchange_at(const json_t *json, const char *path);
/* The problem's detail contains the text. */
void exchange_assert_detail(const exchange *x, const char *says);

#endif
