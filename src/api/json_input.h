// SPDX-License-Identifier: MIT
/* JSON from outside: parsed under limits on depth and on how many values there are, without duplicate names,
 * and errors that say where. */
#ifndef TIMBRE_API_JSON_INPUT_H
#define TIMBRE_API_JSON_INPUT_H

#include "base/status.h"

#include <jansson.h>
#include <stddef.h>

enum {
    TB_JSON_MAX_DEPTH = 32,
    TB_JSON_MAX_VALUES = 200000, /* about 100 bytes of memory each */
};

/* what: "the body", for sentences.  TB_SYNTAX with line and column; TB_TOO_LARGE: too many values.
 * *json: json_decref. */
tb_status tb_json_parse(const char *bytes, size_t size, const char *what, json_t **json,
                        tb_error *err) TB_MUST_CHECK;
/* "an object", "a number", … for sentences. */
const char *tb_json_kind(const json_t *json);

#endif
