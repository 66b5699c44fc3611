// SPDX-License-Identifier: MIT
/* What a client wants to know about a track: the body of PATCH and the `metadata` of an upload.
 *
 *     {"title": "…", "year": 1999, "genre": null, "external_ids": {"mbid": "…", "navidrome": null},
 *      "payload": {"mood": "happy"}}
 *
 * null clears. */
#ifndef TIMBRE_API_PATCH_JSON_H
#define TIMBRE_API_PATCH_JSON_H

#include "engine/catalog.h"

#include <jansson.h>

enum { TB_MAX_PATCH_IDS = 64 };

typedef struct tb_patch_input {
    tb_track_patch patch; /* points into the JSON and into what follows */
    char numbers[TB_TAG_COUNT][16];
    char *payload;
    tb_external_id external_ids[TB_MAX_PATCH_IDS];
} tb_patch_input;

/* json: borrowed as long as input.  TB_INVALID: an unknown name, a wrong type or range. */
tb_status tb_patch_read(tb_patch_input *input, const json_t *json, tb_error *err) TB_MUST_CHECK;
/* Accepts one that is all zero. */
void tb_patch_clear(tb_patch_input *input);

#endif
