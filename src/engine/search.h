// SPDX-License-Identifier: MIT
/* Nearest neighbours: of a stored track, a passage, audio handed in, a vector, or examples for and against.
 *
 * Life of a search: the query becomes one vector per part and a presence per part; the filter becomes a bitmap
 * of tracks before anything is compared; the index answers the nearest under the weights; groups and caps are
 * applied, asking the index for more until the page is full; tracks are read from the store.
 *
 * distance = sqrt(sum_c w_c |x_c - y_c|^2), the weights of missing parts shared out over the others (`skip`);
 * score is 1 for the same sound and falls to 0: for spaces of unit-length parts it is the weighted mean
 * cosine, not below 0. */
#ifndef TIMBRE_ENGINE_SEARCH_H
#define TIMBRE_ENGINE_SEARCH_H

#include "engine/catalog.h"
#include "engine/engine.h"
#include "index/index.h"
#include "store/filter.h"

/* How many parts a space may have. */
enum { TB_MAX_PARTS = 16, TB_MAX_LIMIT = 1000 };

typedef struct tb_part_weight {
    const char *part; /* NULL = every part */
    double weight;    /* >= 0, finite */
} tb_part_weight;

typedef enum tb_level { TB_LEVEL_TRACK, TB_LEVEL_SEGMENT } tb_level;
typedef enum tb_group_by { TB_GROUP_NONE, TB_GROUP_TRACK, TB_GROUP_ARTIST, TB_GROUP_ALBUM } tb_group_by;

/* One example: a stored track, or a vector. */
typedef struct tb_example {
    const char *id;      /* ID of ours or scheme:value; NULL = vector */
    const float *vector; /* dim values */
    size_t n_vector;
    const char *part; /* only this part of it counts; NULL = all */
    double weight;    /* > 0 */
    double start_s, duration_s; /* a passage of the track; duration_s <= 0 = all of it */
} tb_example;

/* What is searched for; exactly one of the four is given. */
typedef struct tb_query {
    const char *id;
    const char *path; /* audio file, deleted by nobody */
    const float *vector;
    size_t n_vector;
    const tb_example *positive, *negative;
    size_t n_positive, n_negative;
    double start_s, duration_s; /* passage of id or path; duration_s <= 0 = all of it */
} tb_query;

typedef struct tb_search_options {
    const char *space; /* NULL = the active one, or the first that has the parts which were named, if it has not */
    const tb_part_weight *using;
    size_t n_using; /* 0 = the model's own weights */
    tb_missing missing;
    tb_level level;
    const tb_filter *filter; /* NULL = everything */
    tb_group_by group_by;
    size_t group_size; /* hits a group, 1 when grouping and 0 is given */
    size_t max_per_artist, max_per_album; /* 0 = no cap; tracks without artist or album are not capped */
    bool exclude_same_album;              /* as the query's track */
    const char *const *previous;          /* IDs that must not come back; unknown ones are passed over */
    size_t n_previous;
    bool has_score_threshold;
    double score_threshold; /* 0..1 */
    size_t limit;           /* 1..TB_MAX_LIMIT */
    size_t offset;          /* 0..100,000 */
    bool highlights;        /* best pair of passages per hit */
    bool approximate;
    bool (*cancelled)(void *context); /* NULL = never; asked now and then */
    void *context;
} tb_search_options;

typedef struct tb_part_score {
    double distance;
    double score;
    double presence; /* in the hit, 0..1 */
    bool used;       /* present in both and asked for */
} tb_part_score;

typedef struct tb_highlight {
    double start_s, end_s; /* in the hit */
    double query_start_s;  /* in the query; -1 when it has no time (a vector) */
    int part;              /* position in the space, -1 = all that were asked for */
    double score;
} tb_highlight;

typedef struct tb_hit {
    double score, distance;
    tb_part_score parts[TB_MAX_PARTS];
    tb_track track; /* owned by the result */
    tb_highlight highlight;
    bool has_highlight;
} tb_hit;

/* Why hits are missing; all counted in tracks (or segments at segment level).  The query's own track and its examples are
 * in none of them. */
typedef struct tb_dropped {
    size_t filter, missing, threshold, previous, same_album, artist_cap, album_cap, group;
} tb_dropped;

typedef struct tb_search_result {
    tb_hit *hits;
    size_t n_hits;
    size_t n_candidates; /* compared with the query */
    tb_dropped dropped;
    tb_space_info space;
    double weights[TB_MAX_PARTS];         /* as used */
    double query_presence[TB_MAX_PARTS];
    double decode_s, embed_s, search_s;   /* where the time went */
    bool query_silent; /* nothing is present in the query: no hits, and that is why */
} tb_search_result;

/* Computes on the calling thread.  TB_NOT_FOUND: unknown id or space (err says which).  TB_INVALID: weights,
 * limits, vector of the wrong length or not finite, unknown part (err lists them), several queries or none.
 * TB_UNSUPPORTED, TB_CORRUPT: the audio cannot be read. */
tb_status tb_engine_search(tb_engine *engine, const tb_query *query, const tb_search_options *options,
                           tb_search_result *result, tb_error *err) TB_MUST_CHECK;
void tb_search_result_clear(tb_search_result *result);

#endif
