// SPDX-License-Identifier: MIT
/* Tracks: writing, finding, listing.  See store.h for threads and errors that all share.
 *
 * A track's identity is its audio: its public ID ("uid") is the first 80 bits of the audio's hash in base
 * 32, 16 characters, the same on every server and after a rebuild.  Its internal number ("track_id", from
 * 1, below 2^31 in practice) is never given to another track, also after deletion: the index uses it as the
 * group. */
#ifndef TIMBRE_STORE_TRACK_TABLE_H
#define TIMBRE_STORE_TRACK_TABLE_H

#include "store/embedding_table.h"
#include "store/file_table.h"
#include "store/filter.h"
#include "store/store.h"

enum {
    TB_STORE_UID_SIZE = 17,             /* 16 characters and a zero */
    TB_STORE_HASH_MIN = 16,             /* bytes of an audio or file hash */
    TB_STORE_HASH_MAX = 64,
    TB_STORE_TAG_MAX = 1000,            /* bytes of a tag; a comment may have TB_STORE_COMMENT_MAX */
    TB_STORE_COMMENT_MAX = 10000,
    TB_STORE_PAYLOAD_MAX = 1024 * 1024, /* bytes of JSON text */
    TB_STORE_ANALYSIS_MAX = 4 * 1024 * 1024,
    TB_STORE_EXTERNAL_IDS_MAX = 64,     /* per track */
    TB_STORE_SCHEME_MAX = 32,           /* bytes: [a-z0-9][a-z0-9_.-]* */
    TB_STORE_EXTERNAL_VALUE_MAX = 512,  /* bytes */
    TB_STORE_LIST_MAX = 1000            /* tracks in one answer of list */
};

typedef struct tb_tag_values {
    const char *title, *artist, *album, *album_artist, *composer;
    const char *genre;   /* several are joined by "; " */
    const char *comment; /* NULL or "": none */
    int year, track, disc; /* 0: none; year -9999 to 9999, track and disc up to 99999 */
} tb_tag_values;

typedef struct tb_external_id_value {
    const char *scheme; /* "navidrome", "mbid", "isrc" */
    const char *value;
} tb_external_id_value;

typedef struct tb_feature_value {
    const char *name; /* one of tb_store_options.features */
    double value;
} tb_feature_value;

/* --- writing ------------------------------------------------------------------------------------------ */

/* What happens when the audio is known already. */
typedef enum tb_put_mode {
    TB_PUT_ATTACH,  /* only the file, external IDs, missing embeddings and a given payload are added */
    TB_PUT_RETAG,   /* and the tags are set anew, but for those that tb_store_edit_track set */
    TB_PUT_REPLACE  /* and features, analysis and embeddings are set anew (a forced scan) */
} tb_put_mode;

/* All borrowed during the call.  Tags that are not UTF-8 or too long are cleaned and cut, never refused. */
typedef struct tb_track_put {
    const uint8_t *audio_hash; /* of the content, TB_STORE_HASH_MIN to TB_STORE_HASH_MAX bytes */
    size_t audio_hash_size;
    double duration_s;  /* >= 0 */
    int rate_hz;        /* of the file, > 0 */
    int channels;       /* > 0 */
    const char *format; /* "flac", "mp3", …; NULL if unknown */
    tb_tag_values tags;
    unsigned edited;      /* tb_edit_what of the tags that a person gave: they win over the file's for good */
    const char *payload;  /* JSON object as text, or NULL */
    const char *analysis; /* JSON object as text with what is no single number, or NULL */
    int analysis_version; /* of the code that computed features and analysis */
    const tb_feature_value *features;
    size_t n_features;
    const tb_external_id_value *external_ids;
    size_t n_external_ids;
    const tb_embedding_row *embeddings; /* one per space */
    size_t n_embeddings;
    const tb_file_put *file; /* where it lies, or NULL */
    tb_put_mode mode;
} tb_track_put;

typedef struct tb_put_result {
    int64_t track_id;
    char uid[TB_STORE_UID_SIZE];
    bool created;           /* the audio was not known */
    bool changed;           /* created, or what a reader of the track sees is different now */
    /* Another track whose only file was at this path and is no longer (the file got other audio): it was
     * removed with it.  0 if there is none. */
    int64_t removed_track_id;
} tb_put_result;

/* Stores a track with all that belongs to it, and writes the change log, in one transaction.
 * Errors: TB_INVALID (a number that is not finite, a size out of range, a feature name or space that is not
 * known, malformed JSON), TB_EXISTS (an external ID belongs to another track). */
tb_status tb_store_put_track(tb_store *store, const tb_track_put *put, tb_put_result *result,
                             tb_error *err) TB_MUST_CHECK;

typedef enum tb_edit_what {
    TB_EDIT_TITLE = 1 << 0,
    TB_EDIT_ARTIST = 1 << 1,
    TB_EDIT_ALBUM = 1 << 2,
    TB_EDIT_ALBUM_ARTIST = 1 << 3,
    TB_EDIT_COMPOSER = 1 << 4,
    TB_EDIT_GENRE = 1 << 5,
    TB_EDIT_COMMENT = 1 << 6,
    TB_EDIT_YEAR = 1 << 7,
    TB_EDIT_TRACK = 1 << 8,
    TB_EDIT_DISC = 1 << 9,
    TB_EDIT_ALL_TAGS = (1 << 10) - 1,
    TB_EDIT_PAYLOAD = 1 << 10
} tb_edit_what;

typedef struct tb_track_edit {
    unsigned what;      /* tb_edit_what together: these are set, to nothing where the value is NULL or 0 */
    tb_tag_values tags;
    const char *payload; /* JSON object as text */
    /* Each scheme named here gets the value, or loses it where the value is NULL; others stay. */
    const tb_external_id_value *external_ids;
    size_t n_external_ids;
    /* Corrections by a person, such as a tempo: each replaces the value; NAN removes it.  They stay until
     * the features are computed anew. */
    const tb_feature_value *features;
    size_t n_features;
} tb_track_edit;

/* Tags that are set here stay when the file is scanned again (TB_PUT_RETAG).
 * Errors: TB_NOT_FOUND, TB_INVALID (not UTF-8, JSON, numbers, names), TB_TOO_LARGE, TB_EXISTS as above. */
tb_status tb_store_edit_track(tb_store *store, int64_t track_id, const tb_track_edit *edit,
                              tb_error *err) TB_MUST_CHECK;
/* With its embeddings and file rows (not the files).  TB_NOT_FOUND. */
tb_status tb_store_delete_track(tb_store *store, int64_t track_id, tb_error *err) TB_MUST_CHECK;

/* --- reading ------------------------------------------------------------------------------------------ */

typedef struct tb_track_file_row {
    int64_t file_id;
    int64_t library_id; /* 0: an upload */
    const char *library; /* name, or NULL */
    const char *path;   /* bytes, need not be UTF-8 */
    int64_t size_bytes;
} tb_track_file_row;

typedef struct tb_track_row {
    int64_t id;
    char uid[TB_STORE_UID_SIZE];
    uint8_t audio_hash[TB_STORE_HASH_MAX];
    size_t audio_hash_size;
    double duration_s;
    int rate_hz, channels;
    const char *format; /* NULL if unknown */
    int64_t added_ms, updated_ms;
    int analysis_version;
    tb_tag_values tags; /* NULL where there is none */
    unsigned edited;    /* tb_edit_what of the tags that a person set */
    /* What follows is there only if asked for */
    const char *payload, *analysis; /* NULL if there is none */
    const tb_feature_value *features; /* in the order of the store's fields; absent ones left out */
    size_t n_features;
    const tb_external_id_value *external_ids; /* by scheme */
    size_t n_external_ids;
    const tb_track_file_row *files; /* in the order in which they were added */
    size_t n_files;
    void *memory; /* holds all of it; tb_track_row_clear */
} tb_track_row;

/* What to read beside the columns that are always there. */
typedef enum tb_track_with {
    TB_WITH_PAYLOAD = 1,
    TB_WITH_ANALYSIS = 2,
    TB_WITH_FEATURES = 4,
    TB_WITH_EXTERNAL_IDS = 8,
    TB_WITH_FILES = 16,
    TB_WITH_ALL = 31
} tb_track_with;

/* Accepts one that is all zero. */
void tb_track_row_clear(tb_track_row *track);
/* Clears each of n tracks and frees the array.  Accepts NULL. */
void tb_track_rows_free(tb_track_row *tracks, size_t n);

/* The internal number for what a person wrote: a uid, or "scheme:value" for an external ID.
 * TB_NOT_FOUND. */
tb_status tb_store_find_track(tb_store *store, const char *reference, int64_t *track_id,
                              tb_error *err) TB_MUST_CHECK;
tb_status tb_store_find_audio(tb_store *store, const uint8_t *audio_hash, size_t size, int64_t *track_id,
                              tb_error *err) TB_MUST_CHECK;
/* By the hash of a file's bytes, so that a file that was moved need not be decoded. */
tb_status tb_store_find_file_hash(tb_store *store, const uint8_t *file_hash, size_t size, int64_t *track_id,
                                  tb_error *err) TB_MUST_CHECK;

/* One track.  with: tb_track_with together.  TB_NOT_FOUND.  Clear it with tb_track_row_clear. */
tb_status tb_store_get_track(tb_store *store, int64_t track_id, unsigned with, tb_track_row *track,
                             tb_error *err) TB_MUST_CHECK;
/* Many, as seen at one moment: (*tracks)[i] belongs to ids[i]; its id is 0 where there is no such track
 * (any more).  n <= 100000.  *tracks: tb_track_rows_free(tracks, n). */
tb_status tb_store_get_tracks(tb_store *store, const int64_t *ids, size_t n, unsigned with,
                              tb_track_row **tracks, tb_error *err) TB_MUST_CHECK;

typedef struct tb_track_page_options {
    const tb_filter *filter; /* NULL: all */
    const char *words;       /* full-text search over the tags; any text; NULL or blank: all */
    /* A sortable field, with "-" in front for descending; "relevance" with words.  NULL: the order in which
     * they were added.  Tracks without a value come last. */
    const char *sort;
    size_t limit;            /* 1 to TB_STORE_LIST_MAX */
    const char *cursor;      /* from the answer before, with the same sort; NULL: from the start */
    unsigned with;
} tb_track_page_options;

typedef struct tb_track_page {
    tb_track_row *tracks; /* tb_track_page_clear */
    size_t n;
    char *next_cursor; /* NULL at the end */
} tb_track_page;
void tb_track_page_clear(tb_track_page *list);

/* One page.  A track that is added, changed or deleted between two pages never makes another one appear
 * twice or be left out (but for the order by relevance). Errors: TB_INVALID (limit, cursor, a field that
 * cannot be sorted by), TB_NOT_FOUND (unknown sort field). */
tb_status tb_store_list_tracks(tb_store *store, const tb_track_page_options *options, tb_track_page *list,
                               tb_error *err) TB_MUST_CHECK;
/* How many there are in all; filter and words as in list. */
tb_status tb_store_count_tracks(tb_store *store, const tb_filter *filter, const char *words, int64_t *n,
                                tb_error *err) TB_MUST_CHECK;

/* Internal numbers of all tracks that a filter leaves, ascending.  *ids: tb_free; NULL if there are none. */
tb_status tb_store_filter_ids(tb_store *store, const tb_filter *filter, int64_t **ids, size_t *n,
                              tb_error *err) TB_MUST_CHECK;

/* What is needed to group results, for all tracks with a number above after_id, ascending: the callback
 * borrows the track (with `with`) during the call; anything but TB_OK from it ends the walk and is
 * returned. */
typedef tb_status tb_track_visit(void *context, const tb_track_row *track);
tb_status tb_store_each_track(tb_store *store, int64_t after_id, unsigned with, tb_track_visit *visit,
                              void *context, tb_error *err) TB_MUST_CHECK;

/* --- the feed for mirrors ----------------------------------------------------------------------------- */

typedef enum tb_change_kind { TB_CHANGE_ADDED, TB_CHANGE_UPDATED, TB_CHANGE_DELETED } tb_change_kind;

typedef struct tb_change_row {
    int64_t seq; /* grows */
    int64_t track_id;
    char uid[TB_STORE_UID_SIZE];
    tb_change_kind kind;
    int64_t at_ms;
} tb_change_row;

/* Changes after `since` (0: from the start), oldest first, at most `limit` (1 to 10000) of them.  Only the
 * last change of each track is kept, so a mirror treats "added" and "updated" alike.  *changes: tb_free. */
tb_status tb_store_changes(tb_store *store, int64_t since, size_t limit, tb_change_row **changes, size_t *n,
                           tb_error *err) TB_MUST_CHECK;
/* The number of the last change; 0 when there was none. */
tb_status tb_store_last_change(tb_store *store, int64_t *seq, tb_error *err) TB_MUST_CHECK;

#endif
