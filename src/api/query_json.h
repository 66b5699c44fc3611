// SPDX-License-Identifier: MIT
/* What a search looks for, as JSON:
 *
 *     "id"                                                   a track, ours or scheme:value
 *     [0.1, …]                                               a vector of the space
 *     {"id": "…", "start": 30, "duration": 10}               a passage of a track
 *     {"path": "/music/a.flac", "start": 30}                 a file in a library
 *     {"vector": [0.1, …]}
 *     {"recommend": {"positive": ["a", {"id": "b", "using": "bass", "weight": 2}], "negative": ["c"]}} */
#ifndef TIMBRE_API_QUERY_JSON_H
#define TIMBRE_API_QUERY_JSON_H

#include "engine/search.h"

#include <jansson.h>

enum { TB_MAX_EXAMPLES = 1000 };

typedef struct tb_query_input {
    tb_query query;   /* points into the JSON and into what follows; path is not set */
    const char *path; /* as the client wrote it; NULL if none */
    float *vector;
    tb_example *positive, *negative; /* their vectors are owned too */
} tb_query_input;

/* json: borrowed as long as input.  TB_INVALID says what is wrong where. */
tb_status tb_query_read(tb_query_input *input, const json_t *json, tb_error *err) TB_MUST_CHECK;
/* Accepts one that is all zero. */
void tb_query_clear(tb_query_input *input);

#endif
