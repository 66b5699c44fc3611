// SPDX-License-Identifier: MIT
/* Everything that a search can be told, for GET /tracks/{id}/similar and POST /search alike. */
#ifndef TIMBRE_API_SEARCH_OPTIONS_H
#define TIMBRE_API_SEARCH_OPTIONS_H

#include "api/options.h"

/* with=… of lists and of searches; bits in this order. */
#define TB_LIST_WITH "features|vector|payload"
#define TB_SEARCH_WITH TB_LIST_WITH "|highlights"
enum { TB_SHOW_FEATURES = 1, TB_SHOW_VECTOR = 2, TB_SHOW_PAYLOAD = 4, TB_SHOW_HIGHLIGHTS = 8 };

typedef struct tb_search_call {
    json_t *query; /* POST alone */
    double start_s, duration_s;
    const char *space;
    tb_weights using;
    int missing, level, group_by; /* tb_missing, tb_level, tb_group_by */
    tb_filter *filter;
    int64_t group_size, max_per_artist, max_per_album;
    bool exclude_same_album;
    tb_texts previous;
    double score_threshold; /* NAN: none */
    int64_t limit, offset;
    unsigned with;
    bool explain, approximate;
} tb_search_call;

/* Pointers are borrowed from `call`. */
tb_search_options tb_search_call_options_of(const tb_search_call *call);

#endif
