// SPDX-License-Identifier: MIT
/* The table of search options (see search_options.h).  `query` comes first: GET /tracks/{id}/similar takes
 * the rows behind it. */
#include "api/search_options.h"

#include "api/api_internal.h"

#include <math.h>

static const tb_option options[] = {
    TB_OPTION(tb_search_call, query, "query", JSON, .body_only = true),
    TB_OPTION(tb_search_call, start_s, "start", NUMBER, .low = 0, .high = 1e6, .initial = 0,
              .alias = "time_offset"),
    TB_OPTION(tb_search_call, duration_s, "duration", NUMBER, .low = 0, .high = 1e6, .initial = 0,
              .alias = "time_limit"),
    TB_OPTION(tb_search_call, space, "space", TEXT),
    TB_OPTION(tb_search_call, using, "using", WEIGHTS),
    TB_OPTION(tb_search_call, missing, "missing", CHOICE, .choices = "skip|exclude|penalize"),
    TB_OPTION(tb_search_call, level, "level", CHOICE, .choices = "track|segment"),
    TB_OPTION(tb_search_call, filter, "filter", FILTER),
    TB_OPTION(tb_search_call, group_by, "group_by", CHOICE, .choices = "none|track|artist|album"),
    TB_OPTION(tb_search_call, group_size, "group_size", INTEGER, .low = 1, .high = TB_MAX_LIMIT,
              .initial = 1),
    TB_OPTION(tb_search_call, max_per_artist, "max_per_artist", INTEGER, .low = 0, .high = TB_MAX_LIMIT,
              .initial = 0),
    TB_OPTION(tb_search_call, max_per_album, "max_per_album", INTEGER, .low = 0, .high = TB_MAX_LIMIT,
              .initial = 0),
    TB_OPTION(tb_search_call, exclude_same_album, "exclude_same_album", BOOL),
    TB_OPTION(tb_search_call, previous, "previous", TEXTS),
    TB_OPTION(tb_search_call, score_threshold, "score_threshold", NUMBER, .low = 0, .high = 1,
              .initial = NAN),
    TB_OPTION(tb_search_call, limit, "limit", INTEGER, .low = 1, .high = TB_MAX_LIMIT, .initial = 10),
    TB_OPTION(tb_search_call, offset, "offset", INTEGER, .low = 0, .high = 100000, .initial = 0),
    TB_OPTION(tb_search_call, with, "with", FLAGS, .choices = TB_SEARCH_WITH),
    TB_OPTION(tb_search_call, explain, "explain", BOOL),
    TB_OPTION(tb_search_call, approximate, "approximate", BOOL),
};

enum { N_OPTIONS = sizeof options / sizeof *options };

const tb_option_table tb_search_call_options = {options, N_OPTIONS, sizeof(tb_search_call)};
const tb_option_table tb_similar_options = {options + 1, N_OPTIONS - 1, sizeof(tb_search_call)};

tb_search_options tb_search_call_options_of(const tb_search_call *call)
{
    const bool has_threshold = !isnan(call->score_threshold);
    return (tb_search_options){
        .space = call->space,
        .using = call->using.items,
        .n_using = call->using.n,
        .missing = (tb_missing)call->missing,
        .level = (tb_level)call->level,
        .filter = call->filter,
        .group_by = (tb_group_by)call->group_by,
        .group_size = (size_t)call->group_size,
        .max_per_artist = (size_t)call->max_per_artist,
        .max_per_album = (size_t)call->max_per_album,
        .exclude_same_album = call->exclude_same_album,
        .previous = call->previous.items,
        .n_previous = call->previous.n,
        .has_score_threshold = has_threshold,
        .score_threshold = has_threshold ? call->score_threshold : 0,
        .limit = (size_t)call->limit,
        .offset = (size_t)call->offset,
        .highlights = (call->with & TB_SHOW_HIGHLIGHTS) != 0,
        .approximate = call->approximate,
    };
}
