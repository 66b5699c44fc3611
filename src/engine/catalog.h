// SPDX-License-Identifier: MIT
/* The catalog: tracks as users see them, to read, list, find and edit.
 *
 * An id given to these functions is ours (16 characters) or an external one, "scheme:value".
 * Threads: any; reads do not wait for writes. */
#ifndef TIMBRE_ENGINE_CATALOG_H
#define TIMBRE_ENGINE_CATALOG_H

#include "engine/engine.h"
#include "model/track_features.h"
#include "store/filter.h"

enum { TB_TRACK_ID_SIZE = 17 }; /* with the closing zero */

/* Tags that a track carries, in the order in which answers show them: code, name, whether it is a number. */
#define TB_TAG_LIST(X)                                                                             \
    X(TITLE, "title", false)                                                                       \
    X(ARTIST, "artist", false)                                                                     \
    X(ALBUM, "album", false)                                                                       \
    X(ALBUM_ARTIST, "album_artist", false)                                                         \
    X(COMPOSER, "composer", false)                                                                 \
    X(GENRE, "genre", false)                                                                       \
    X(COMMENT, "comment", false)                                                                   \
    X(YEAR, "year", true)                                                                          \
    X(TRACK, "track", true)                                                                        \
    X(DISC, "disc", true)

typedef enum tb_tag {
#define TB_TAG_ENUM(code, name, number) TB_TAG_##code,
    TB_TAG_LIST(TB_TAG_ENUM)
#undef TB_TAG_ENUM
    TB_TAG_COUNT
} tb_tag;

const char *tb_tag_name(tb_tag tag);
bool tb_tag_is_number(tb_tag tag);

typedef struct tb_external_id {
    char *scheme; /* [a-z0-9_-]{1,32} */
    char *value;  /* 1 to 512 bytes of UTF-8 */
} tb_external_id;

/* All strings are UTF-8 and owned by the struct (tb_track_clear); NULL = not there. */
typedef struct tb_track {
    char id[TB_TRACK_ID_SIZE];
    int64_t number; /* of this data folder alone; the group in indexes */
    double duration_s;
    int rate_hz, channels;
    char *format;             /* "Ogg Vorbis" */
    char *tags[TB_TAG_COUNT]; /* numbers as decimal text */
    char *payload;            /* JSON object of the user, as text */
    tb_external_id *external_ids;
    size_t n_external_ids;
    char *library;            /* of its first file; NULL for an upload */
    char *path;               /* of its first file, bytes that are not UTF-8 replaced: to show, not to open */
    tb_track_features features;
    int64_t added_ms, updated_ms;
} tb_track;

void tb_track_clear(tb_track *track);

/* What to change; NULL or false leaves as it is. */
typedef struct tb_track_patch {
    bool set_tag[TB_TAG_COUNT];
    const char *tags[TB_TAG_COUNT]; /* NULL with set_tag clears it */
    bool set_payload;
    const char *payload; /* JSON object as text, at most 64 KiB; NULL clears it */
    const tb_external_id *external_ids; /* added; an empty value removes the scheme */
    size_t n_external_ids;
} tb_track_patch;

/* TB_NOT_FOUND names the id. */
tb_status tb_engine_get_track(tb_engine *engine, const char *id, tb_track *track, tb_error *err) TB_MUST_CHECK;
/* TB_EXISTS: an external id belongs to another track; TB_INVALID: a value out of range. */
tb_status tb_engine_patch_track(tb_engine *engine, const char *id, const tb_track_patch *patch, tb_track *track, tb_error *err) TB_MUST_CHECK;

typedef struct tb_list_options {
    const char *text;        /* full text over tags, every word, the last one as a prefix; NULL = all */
    const tb_filter *filter; /* NULL = all */
    const char *sort;        /* "added", "-added", "title", a feature or tag name; NULL = by number */
    size_t limit;            /* 1..1000 */
    const char *cursor;      /* next_cursor of the page before; NULL = first page */
} tb_list_options;

typedef struct tb_track_list {
    tb_track *tracks;
    size_t n_tracks;
    int64_t total;      /* that match, on all pages */
    char *next_cursor;  /* NULL on the last page */
} tb_track_list;

tb_status tb_engine_list_tracks(tb_engine *engine, const tb_list_options *options, tb_track_list *list, tb_error *err) TB_MUST_CHECK;
void tb_track_list_clear(tb_track_list *list);

/* Filters in the short form ("tempo:[90 TO 120] genre:rock"): the fields are the tags, the features, and
 * duration, library, path, added, format, id.  TB_SYNTAX says at which character.  *filter: tb_filter_free. */
tb_status tb_engine_parse_filter(tb_engine *engine, const char *text, tb_filter **filter, tb_error *err) TB_MUST_CHECK;
/* An empty filter over the same fields, to be built by the functions of store/filter.h (the JSON form). */
tb_status tb_engine_new_filter(tb_engine *engine, tb_filter **filter, tb_error *err) TB_MUST_CHECK;

/* Embedding of a stored track in a space (NULL = active): one vector and presence for the whole, and per segment. */
typedef struct tb_track_embedding {
    tb_space_info space;
    float *vector, *presence;          /* dim, n_parts */
    size_t n_segments;
    float *segment_vectors;            /* n_segments x dim */
    float *segment_presence;           /* n_segments x n_parts */
    float *segment_start_s, *segment_duration_s;
} tb_track_embedding;

tb_status tb_engine_get_embedding(tb_engine *engine, const char *id, const char *space, tb_track_embedding *embedding, tb_error *err) TB_MUST_CHECK;
void tb_track_embedding_clear(tb_track_embedding *embedding);

/* An open descriptor (close-on-exec) of the track's audio file and its kind ("audio/ogg", constant).
 * TB_NOT_FOUND: unknown track, or the file is gone (the sentence says which). */
tb_status tb_engine_open_audio(tb_engine *engine, const char *id, int *fd, int64_t *size, const char **content_type, tb_error *err) TB_MUST_CHECK;

#endif
