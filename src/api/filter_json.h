// SPDX-License-Identifier: MIT
/* Filters in their JSON form, which is Qdrant's:
 *
 *     {"must": [{"key": "tempo", "range": {"gte": 90, "lte": 120}}],
 *      "should": [{"key": "genre", "match": {"any": ["rock", "jazz"]}}, {"has_id": ["…"]}],
 *      "must_not": [{"is_empty": {"key": "artist"}}, {"should": […]}],
 *      "min_should": {"conditions": […], "min_count": 2}}
 *
 * match: {"value": v}, {"any": […]}, {"except": […]} or {"text": "words"}; a condition may itself be a
 * filter. */
#ifndef TIMBRE_API_FILTER_JSON_H
#define TIMBRE_API_FILTER_JSON_H

#include "engine/catalog.h"

#include <jansson.h>

/* TB_INVALID: something of the wrong type, an unknown name, or what the builder of filters says; the sentence
 * names the place.  *filter: tb_filter_free. */
tb_status tb_filter_from_json(tb_engine *engine, const json_t *json, tb_filter **filter,
                              tb_error *err) TB_MUST_CHECK;

#endif
