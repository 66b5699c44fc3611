// SPDX-License-Identifier: MIT
/* Writing tracks: put, edit, delete.  Each is one transaction over all tables of a track, and ends with an
 * entry in the change log.  Whatever can be checked without the database is checked before the writer's
 * lock is taken.
 *
 * The words of the tags (tracks_fts) have no triggers: remove_words goes before each change of a row's
 * tags, add_words after it. */
#include "store/track_internal.h"

#include "base/alloc.h"
#include "base/text.h"
#include "store/fields_internal.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* --- tags --------------------------------------------------------------------------------------------- */

enum { N_TEXT_TAGS = 7, N_NUMBER_TAGS = 3 };

/* In the order of tb_edit_what and of the parameters of the statements below. */
static const struct {
    const char *name;
    size_t offset, limit;
} text_tags[N_TEXT_TAGS] = {
    {"title", offsetof(tb_tag_values, title), TB_STORE_TAG_MAX},
    {"artist", offsetof(tb_tag_values, artist), TB_STORE_TAG_MAX},
    {"album", offsetof(tb_tag_values, album), TB_STORE_TAG_MAX},
    {"album_artist", offsetof(tb_tag_values, album_artist), TB_STORE_TAG_MAX},
    {"composer", offsetof(tb_tag_values, composer), TB_STORE_TAG_MAX},
    {"genre", offsetof(tb_tag_values, genre), TB_STORE_TAG_MAX},
    {"comment", offsetof(tb_tag_values, comment), TB_STORE_COMMENT_MAX},
};
static const struct {
    const char *name;
    size_t offset;
    int low, high;
} number_tags[N_NUMBER_TAGS] = {
    {"year", offsetof(tb_tag_values, year), -9999, 9999},
    {"track", offsetof(tb_tag_values, track), 0, 99999},
    {"disc", offsetof(tb_tag_values, disc), 0, 99999},
};

static const char *text_of(const tb_tag_values *tags, size_t i)
{
    return *(const char *const *)((const char *)tags + text_tags[i].offset);
}

static void set_text(tb_tag_values *tags, size_t i, const char *text)
{
    *(const char **)((char *)tags + text_tags[i].offset) = text;
}

static int number_of(const tb_tag_values *tags, size_t i)
{
    return *(const int *)((const char *)tags + number_tags[i].offset);
}

static void set_number(tb_tag_values *tags, size_t i, int number)
{
    *(int *)((char *)tags + number_tags[i].offset) = number;
}

static void free_tags(tb_tag_values *tags)
{
    for (size_t i = 0; i < N_TEXT_TAGS; i++) tb_free((char *)(uintptr_t)text_of(tags, i));
    *tags = (tb_tag_values){0};
}

/* Copies that are UTF-8 and short enough, and numbers in their range (else none); free_tags. */
static tb_status clean_tags(const tb_tag_values *tags, tb_tag_values *clean, tb_error *err)
{
    tb_tag_values made = {0};
    for (size_t i = 0; i < N_TEXT_TAGS; i++) {
        const char *text = text_of(tags, i);
        if (!text || !*text) continue;
        /* one byte past the limit is enough to cut there; a huge text is not copied whole */
        char *copy = tb_utf8_clean(text, strnlen(text, 4 * text_tags[i].limit));
        if (!copy) {
            free_tags(&made);
            return tb_error_set(err, TB_NO_MEMORY, "no memory for tags");
        }
        char cut[TB_STORE_COMMENT_MAX + 1];
        if (!tb_text_copy(cut, text_tags[i].limit + 1, copy)) memcpy(copy, cut, strlen(cut) + 1);
        if (*copy)
            set_text(&made, i, copy);
        else
            tb_free(copy);
    }
    for (size_t i = 0; i < N_NUMBER_TAGS; i++) {
        const int number = number_of(tags, i);
        if (number >= number_tags[i].low && number <= number_tags[i].high) set_number(&made, i, number);
    }
    *clean = made;
    return TB_OK;
}

static tb_status check_tags(const tb_tag_values *tags, unsigned what, tb_error *err)
{
    for (size_t i = 0; i < N_TEXT_TAGS; i++) {
        const char *text = text_of(tags, i);
        if (!(what >> i & 1) || !text) continue;
        const size_t size = strlen(text);
        if (size > text_tags[i].limit)
            return tb_error_set(err, TB_TOO_LARGE, "%s has %zu bytes; %zu is the most", text_tags[i].name,
                                size, text_tags[i].limit);
        if (!tb_utf8_valid(text, size))
            return tb_error_set(err, TB_INVALID, "%s is not UTF-8", text_tags[i].name);
    }
    for (size_t i = 0; i < N_NUMBER_TAGS; i++) {
        const int number = number_of(tags, i);
        if ((what >> (N_TEXT_TAGS + i) & 1) && (number < number_tags[i].low || number > number_tags[i].high))
            return tb_error_set(err, TB_INVALID, "%s is %d; it must be between %d and %d",
                                number_tags[i].name, number, number_tags[i].low, number_tags[i].high);
    }
    return TB_OK;
}

static bool same_text(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

/* Takes over from `fresh` the tags in `what`; true if anything is different then. */
static bool merge_tags(tb_tag_values *tags, const tb_tag_values *fresh, unsigned what)
{
    bool changed = false;
    for (size_t i = 0; i < N_TEXT_TAGS; i++) {
        if (!(what >> i & 1)) continue;
        const char *text = text_of(fresh, i);
        if (text && !*text) text = NULL;
        changed = changed || !same_text(text_of(tags, i), text);
        set_text(tags, i, text);
    }
    for (size_t i = 0; i < N_NUMBER_TAGS; i++) {
        if (!(what >> (N_TEXT_TAGS + i) & 1)) continue;
        changed = changed || number_of(tags, i) != number_of(fresh, i);
        set_number(tags, i, number_of(fresh, i));
    }
    return changed;
}

/* Parameters from `at` on: the seven texts, the three numbers (0 is none). */
static void bind_tags(tb__query *q, int at, const tb_tag_values *tags)
{
    for (size_t i = 0; i < N_TEXT_TAGS; i++) tb__query_text(q, at++, text_of(tags, i));
    for (size_t i = 0; i < N_NUMBER_TAGS; i++, at++) {
        const int number = number_of(tags, i);
        if (number != 0)
            tb__query_int(q, at, number);
        else
            tb__query_null(q, at);
    }
}

/* Runs a statement whose only parameter is a number. */
static tb_status run_for(tb__conn *conn, const char *sql, int64_t number, tb_error *err)
{
    tb__query q = {0};
    tb_status status = tb__query_open(&q, conn, sql, err);
    if (status == TB_OK) {
        tb__query_int(&q, 1, number);
        status = tb__query_run(&q, err);
    }
    tb__query_close(&q);
    return status;
}

static tb_status remove_words(tb__conn *conn, int64_t track_id, tb_error *err)
{
    static const char sql[] =
        "INSERT INTO tracks_fts (tracks_fts, rowid, title, artist, album, album_artist, composer, genre, "
        "comment) SELECT 'delete', id, title, artist, album, album_artist, composer, genre, comment FROM "
        "tracks WHERE id = ?1";
    return run_for(conn, sql, track_id, err);
}

static tb_status add_words(tb__conn *conn, int64_t track_id, tb_error *err)
{
    static const char sql[] =
        "INSERT INTO tracks_fts (rowid, title, artist, album, album_artist, composer, genre, comment) "
        "SELECT id, title, artist, album, album_artist, composer, genre, comment FROM tracks WHERE id = ?1";
    return run_for(conn, sql, track_id, err);
}

static tb_status write_tags(tb__conn *conn, int64_t track_id, const tb_tag_values *tags, unsigned edited,
                            tb_error *err)
{
    static const char sql[] =
        "UPDATE tracks SET edited = ?2, title = ?3, artist = ?4, album = ?5, album_artist = ?6, "
        "composer = ?7, genre = ?8, comment = ?9, year = ?10, track = ?11, disc = ?12 WHERE id = ?1";
    tb_status status = TB_OK;
    tb__query q = {0};
    TB_TRY(remove_words(conn, track_id, err));
    TB_TRY(tb__query_open(&q, conn, sql, err));
    tb__query_int(&q, 1, track_id);
    tb__query_int(&q, 2, edited);
    bind_tags(&q, 3, tags);
    TB_TRY(tb__query_run(&q, err));
    TB_TRY(add_words(conn, track_id, err));
out:
    tb__query_close(&q);
    return status;
}

/* --- features, external IDs, payload ------------------------------------------------------------------ */

static tb_status find_feature(const tb_store *store, const char *name, size_t guess, size_t *position,
                              tb_error *err)
{
    const size_t n = tb_fields_n_features(store->fields);
    for (size_t i = 0; i < n; i++) {
        const size_t at = (guess + i) %
                          n; /* callers give them in the order of the fields: the first try fits */
        if (name && strcmp(tb_fields_feature(store->fields, at), name) == 0) {
            *position = at;
            return TB_OK;
        }
    }
    return tb_error_set(err, TB_INVALID, "there is no feature \"%.100s\"", name ? name : "");
}

static tb_status check_features(const tb_store *store, const tb_feature_value *features, size_t n,
                                bool may_be_nan, tb_error *err)
{
    for (size_t i = 0; i < n; i++) {
        size_t position = 0;
        const tb_status status = find_feature(store, features[i].name, i, &position, err);
        if (status != TB_OK) return status;
        if (!isfinite(features[i].value) && !(may_be_nan && isnan(features[i].value)))
            return tb_error_set(err, TB_INVALID, "the feature \"%s\" is not a finite number",
                                features[i].name);
    }
    return TB_OK;
}

/* All features anew; those that are not given become absent. */
static tb_status write_features(tb__conn *conn, int64_t track_id, const tb_feature_value *features,
                                size_t n,
                                tb_error *err)
{
    tb_status status = TB_OK;
    tb__query q = {0};
    TB_TRY(tb__query_open(&q, conn, conn->store->sql_put_features, err));
    tb__query_int(&q, 1, track_id);
    for (size_t i = 0; i < n; i++) {
        size_t position = 0;
        TB_TRY(find_feature(conn->store, features[i].name, i, &position, err));
        tb__query_double(&q, (int)position + 2, features[i].value);
    }
    TB_TRY(tb__query_run(&q, err));
out:
    tb__query_close(&q);
    return status;
}

static tb_status correct_feature(tb__conn *conn, int64_t track_id, const tb_feature_value *feature,
                                 tb_error *err)
{
    tb_status status = TB_OK;
    tb__query q = {0};
    char sql[160]; /* the name is one of the fields': a-z, 0-9 and _ alone */
    snprintf(sql, sizeof sql, "UPDATE features SET f_%s = ?2 WHERE track_id = ?1", feature->name);
    TB_TRY(tb__query_open_once(&q, conn, sql, err));
    tb__query_int(&q, 1, track_id);
    if (!isnan(feature->value)) tb__query_double(&q, 2, feature->value);
    TB_TRY(tb__query_run(&q, err));
out:
    tb__query_close(&q);
    return status;
}

static bool is_scheme(const char *scheme)
{
    size_t n = 0;
    if (!scheme) return false;
    for (; scheme[n]; n++) {
        const char c = scheme[n];
        const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!plain && (n == 0 || (c != '_' && c != '.' && c != '-'))) return false;
    }
    return n >= 1 && n <= TB_STORE_SCHEME_MAX;
}

static tb_status check_external_ids(const tb_external_id_value *ids, size_t n, bool may_be_null,
                                    tb_error *err)
{
    if (n > TB_STORE_EXTERNAL_IDS_MAX)
        return tb_error_set(err, TB_TOO_LARGE, "%zu external IDs are too many; %d is the most", n,
                            TB_STORE_EXTERNAL_IDS_MAX);
    for (size_t i = 0; i < n; i++) {
        if (!is_scheme(ids[i].scheme))
            return tb_error_set(err, TB_INVALID,
                                "\"%.100s\" is no scheme of external IDs: a-z, 0-9, _, . and -, %d "
                                "characters at most",
                                ids[i].scheme ? ids[i].scheme : "", TB_STORE_SCHEME_MAX);
        if (may_be_null && !ids[i].value) continue;
        char what[80];
        snprintf(what, sizeof what, "the external ID \"%s\"", ids[i].scheme);
        const tb_status status = tb__check_name(what, ids[i].value, TB_STORE_EXTERNAL_VALUE_MAX, err);
        if (status != TB_OK) return status;
    }
    return TB_OK;
}

/* value NULL removes the scheme */
static tb_status write_external_id(tb__conn *conn, int64_t track_id, const tb_external_id_value *id,
                                   bool *changed, tb_error *err)
{
    static const char owner[] =
        "SELECT e.track_id, t.uid FROM external_ids AS e JOIN tracks AS t ON t.id = e.track_id "
        "WHERE e.scheme = ?1 AND e.value = ?2";
    static const char clear[] = "DELETE FROM external_ids WHERE track_id = ?1 AND scheme = ?2";
    static const char insert[] = "INSERT INTO external_ids (scheme, value, track_id) VALUES (?1, ?2, ?3)";
    tb_status status = TB_OK;
    tb__query q = {0};
    bool row = false;
    if (id->value) {
        TB_TRY(tb__query_open(&q, conn, owner, err));
        tb__query_text(&q, 1, id->scheme);
        tb__query_text(&q, 2, id->value);
        TB_TRY(tb__query_next(&q, &row, err));
        if (row && tb__column_int(&q, 0) == track_id) goto out; /* it is so already */
        if (row)
            TB_FAIL(err, TB_EXISTS, "the external ID %s:%.200s belongs to track %s", id->scheme, id->value,
                    (const char *)sqlite3_column_text(q.statement, 1));
        tb__query_close(&q);
    }
    TB_TRY(tb__query_open(&q, conn, clear, err));
    tb__query_int(&q, 1, track_id);
    tb__query_text(&q, 2, id->scheme);
    TB_TRY(tb__query_run(&q, err));
    if (tb__sql_changed(conn) > 0) *changed = true;
    tb__query_close(&q);
    if (!id->value) goto out;
    TB_TRY(tb__query_open(&q, conn, insert, err));
    tb__query_text(&q, 1, id->scheme);
    tb__query_text(&q, 2, id->value);
    tb__query_int(&q, 3, track_id);
    TB_TRY(tb__query_run(&q, err));
    *changed = true;
out:
    tb__query_close(&q);
    return status;
}

static tb_status write_external_ids(tb__conn *conn, int64_t track_id, const tb_external_id_value *ids,
                                    size_t n, bool *changed, tb_error *err)
{
    static const char count[] = "SELECT count(*) FROM external_ids WHERE track_id = ?1";
    tb_status status = TB_OK;
    int64_t total = 0;
    if (n == 0) return TB_OK;
    for (size_t i = 0; i < n; i++) TB_TRY(write_external_id(conn, track_id, &ids[i], changed, err));
    TB_TRY(tb__sql_lookup(conn, count, track_id, &total, err));
    if (total > TB_STORE_EXTERNAL_IDS_MAX)
        TB_FAIL(err, TB_TOO_LARGE, "a track may have %d external IDs, not %lld", TB_STORE_EXTERNAL_IDS_MAX,
                (long long)total);
out:
    return status;
}

static tb_status write_payload(tb__conn *conn, int64_t track_id, const char *payload, bool *changed,
                               tb_error *err)
{
    static const char sql[] = "UPDATE tracks SET payload = ?2 WHERE id = ?1 AND payload IS NOT ?2";
    tb_status status = TB_OK;
    tb__query q = {0};
    TB_TRY(tb__check_json(conn, "the payload", payload, "object", TB_STORE_PAYLOAD_MAX, err));
    TB_TRY(tb__query_open(&q, conn, sql, err));
    tb__query_int(&q, 1, track_id);
    tb__query_text(&q, 2, payload);
    TB_TRY(tb__query_run(&q, err));
    if (tb__sql_changed(conn) > 0) *changed = true;
out:
    tb__query_close(&q);
    return status;
}

/* --- changes ------------------------------------------------------------------------------------------ */

tb_status tb__change_write(tb__conn *conn, int64_t track_id, const char *uid, tb_change_kind kind,
                           tb_error *err)
{
    /* OR REPLACE: the old entry of the uid goes, the new one gets a number above all that were ever given
     * */
    static const char sql[] =
        "INSERT OR REPLACE INTO changes (uid, track_id, kind, at_ms) VALUES (?1, ?2, ?3, ?4)";
    tb_status status = TB_OK;
    tb__query q = {0};
    TB_TRY(tb__query_open(&q, conn, sql, err));
    tb__query_text(&q, 1, uid);
    tb__query_int(&q, 2, track_id);
    tb__query_int(&q, 3, kind);
    tb__query_int(&q, 4, tb__now_ms(conn->store));
    TB_TRY(tb__query_run(&q, err));
out:
    tb__query_close(&q);
    return status;
}

static tb_status note_update(tb__conn *conn, int64_t track_id, const char *uid, tb_error *err)
{
    static const char sql[] = "UPDATE tracks SET updated_ms = ?2 WHERE id = ?1";
    tb_status status = TB_OK;
    tb__query q = {0};
    TB_TRY(tb__query_open(&q, conn, sql, err));
    tb__query_int(&q, 1, track_id);
    tb__query_int(&q, 2, tb__now_ms(conn->store));
    TB_TRY(tb__query_run(&q, err));
    TB_TRY(tb__change_write(conn, track_id, uid, TB_CHANGE_UPDATED, err));
out:
    tb__query_close(&q);
    return status;
}

/* --- put ---------------------------------------------------------------------------------------------- */

static tb_status check_put(const tb_store *store, const tb_track_put *put, tb_error *err)
{
    tb_status status = TB_OK;
    TB_TRY(tb__check_hash("the hash of the audio", put->audio_hash, put->audio_hash_size, err));
    if (!isfinite(put->duration_s) || put->duration_s < 0 || put->rate_hz <= 0 || put->channels <= 0)
        TB_FAIL(err, TB_INVALID, "a track of %g s, %d Hz and %d channels cannot be", put->duration_s,
                put->rate_hz, put->channels);
    if (put->format) TB_TRY(tb__check_name("the format", put->format, TB_STORE_TAG_MAX, err));
    TB_TRY(check_features(store, put->features, put->n_features, false, err));
    TB_TRY(check_external_ids(put->external_ids, put->n_external_ids, false, err));
    if (put->file) TB_TRY(tb__file_check(put->file, err));
    for (size_t i = 0; i < put->n_embeddings; i++) TB_TRY(tb__embedding_check(&put->embeddings[i], err));
out:
    return status;
}

static tb_status insert_track(tb__conn *conn, const tb_track_put *put, const tb_tag_values *tags,
                              const char *uid, int64_t *track_id, tb_error *err)
{
    static const char same_uid[] = "SELECT 1 FROM tracks WHERE uid = ?1";
    static const char sql[] =
        "INSERT INTO tracks (uid, audio_hash, added_ms, updated_ms, duration_s, rate_hz, channels, format, "
        "edited, analysis_version, analysis, payload, title, artist, album, album_artist, composer, genre, "
        "comment, year, track, disc) VALUES (?1, ?2, ?3, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, "
        "?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)";
    tb_status status = TB_OK;
    tb__query q = {0};
    bool row = false;
    TB_TRY(tb__query_open(&q, conn, same_uid, err));
    tb__query_text(&q, 1, uid);
    TB_TRY(tb__query_next(&q, &row, err));
    if (row) TB_FAIL(err, TB_EXISTS, "another track has the ID %s by chance", uid);
    tb__query_close(&q);
    TB_TRY(tb__check_json(conn, "the analysis", put->analysis, "object", TB_STORE_ANALYSIS_MAX, err));
    TB_TRY(tb__check_json(conn, "the payload", put->payload, "object", TB_STORE_PAYLOAD_MAX, err));
    TB_TRY(tb__query_open(&q, conn, sql, err));
    tb__query_text(&q, 1, uid);
    tb__query_blob(&q, 2, put->audio_hash, put->audio_hash_size);
    tb__query_int(&q, 3, tb__now_ms(conn->store));
    tb__query_double(&q, 4, put->duration_s);
    tb__query_int(&q, 5, put->rate_hz);
    tb__query_int(&q, 6, put->channels);
    tb__query_text(&q, 7, put->format);
    tb__query_int(&q, 8, put->edited & TB_EDIT_ALL_TAGS);
    tb__query_int(&q, 9, put->analysis_version);
    tb__query_text(&q, 10, put->analysis);
    tb__query_text(&q, 11, put->payload);
    bind_tags(&q, 12, tags);
    TB_TRY(tb__query_run(&q, err));
    const int64_t id = tb__sql_last_id(conn);
    TB_TRY(add_words(conn, id, err));
    TB_TRY(write_features(conn, id, put->features, put->n_features, err));
    *track_id = id;
out:
    tb__query_close(&q);
    return status;
}

static tb_status replace_analysis(tb__conn *conn, int64_t track_id, const tb_track_put *put, tb_error *err)
{
    static const char sql[] = "UPDATE tracks SET duration_s = ?2, rate_hz = ?3, channels = ?4, format = ?5, "
                              "analysis_version = ?6, analysis = ?7 WHERE id = ?1";
    tb_status status = TB_OK;
    tb__query q = {0};
    TB_TRY(tb__check_json(conn, "the analysis", put->analysis, "object", TB_STORE_ANALYSIS_MAX, err));
    TB_TRY(tb__query_open(&q, conn, sql, err));
    tb__query_int(&q, 1, track_id);
    tb__query_double(&q, 2, put->duration_s);
    tb__query_int(&q, 3, put->rate_hz);
    tb__query_int(&q, 4, put->channels);
    tb__query_text(&q, 5, put->format);
    tb__query_int(&q, 6, put->analysis_version);
    tb__query_text(&q, 7, put->analysis);
    TB_TRY(tb__query_run(&q, err));
    TB_TRY(write_features(conn, track_id, put->features, put->n_features, err));
out:
    tb__query_close(&q);
    return status;
}

/* The tags of a known track, as far as the mode and earlier edits let them change. */
static tb_status refresh_tags(tb__conn *conn, int64_t track_id, const tb_track_put *put,
                              const tb_tag_values *tags, bool *changed, tb_error *err)
{
    tb_status status = TB_OK;
    tb_track_row old = {0};
    TB_TRY(tb__track_read(conn, track_id, 0, &old, err));
    tb_tag_values merged = old.tags;
    const unsigned given = put->edited & TB_EDIT_ALL_TAGS;
    const unsigned from_file = put->mode == TB_PUT_ATTACH ? 0 : TB_EDIT_ALL_TAGS & ~old.edited;
    const unsigned edited = old.edited | given;
    if (!merge_tags(&merged, tags, given | from_file) && edited == old.edited) goto out;
    TB_TRY(write_tags(conn, track_id, &merged, edited, err));
    *changed = true;
out:
    tb_track_row_clear(&old);
    return status;
}

tb_status tb_store_put_track(tb_store *store, const tb_track_put *put, tb_put_result *result, tb_error *err)
{
    static const char known[] = "SELECT id FROM tracks WHERE audio_hash = ?1";
    enum { UID_BYTES = 10 };
    tb_status status = TB_OK;
    tb__conn *conn = NULL;
    tb__query q = {0};
    tb_put_result done = {0};
    tb_tag_values tags = {0};
    TB_TRY(check_put(store, put, err));
    TB_TRY(clean_tags(&put->tags, &tags, err));
    tb_base32_encode(put->audio_hash, UID_BYTES, done.uid);

    TB_TRY(tb__write_begin(store, &conn, err));
    bool row = false;
    TB_TRY(tb__query_open(&q, conn, known, err));
    tb__query_blob(&q, 1, put->audio_hash, put->audio_hash_size);
    TB_TRY(tb__query_next(&q, &row, err));
    done.created = !row;
    if (row) done.track_id = tb__column_int(&q, 0);
    tb__query_close(&q);

    if (done.created) {
        TB_TRY(insert_track(conn, put, &tags, done.uid, &done.track_id, err));
        done.changed = true;
    } else {
        TB_TRY(refresh_tags(conn, done.track_id, put, &tags, &done.changed, err));
        if (put->payload) TB_TRY(write_payload(conn, done.track_id, put->payload, &done.changed, err));
        if (put->mode == TB_PUT_REPLACE) {
            TB_TRY(replace_analysis(conn, done.track_id, put, err));
            done.changed = true;
        }
    }
    TB_TRY(write_external_ids(conn, done.track_id, put->external_ids, put->n_external_ids, &done.changed,
                              err));
    for (size_t i = 0; i < put->n_embeddings; i++)
        TB_TRY(tb__embedding_write(conn, done.track_id, &put->embeddings[i], put->mode != TB_PUT_REPLACE,
                                   &done.changed, err));
    if (put->file) {
        int64_t old_track_id = 0;
        bool deleted = false;
        TB_TRY(tb__file_attach(conn, put->file, done.track_id, &old_track_id, &done.changed, err));
        if (old_track_id) TB_TRY(tb__track_delete_orphan(conn, old_track_id, &deleted, err));
        if (deleted) done.removed_track_id = old_track_id;
    }
    if (done.created)
        TB_TRY(tb__change_write(conn, done.track_id, done.uid, TB_CHANGE_ADDED, err));
    else if (done.changed)
        TB_TRY(note_update(conn, done.track_id, done.uid, err));
out:
    tb__query_close(&q);
    status = tb__write_end(store, conn, status, err);
    free_tags(&tags);
    if (status == TB_OK) *result = done;
    return status;
}

/* --- edit, delete ------------------------------------------------------------------------------------- */

tb_status tb_store_edit_track(tb_store *store, int64_t track_id, const tb_track_edit *edit, tb_error *err)
{
    tb_status status = TB_OK;
    tb__conn *conn = NULL;
    tb_track_row old = {0};
    bool changed = false;
    const unsigned what = edit->what & TB_EDIT_ALL_TAGS;
    TB_TRY(check_tags(&edit->tags, what, err));
    TB_TRY(check_external_ids(edit->external_ids, edit->n_external_ids, true, err));
    TB_TRY(check_features(store, edit->features, edit->n_features, true, err));
    TB_TRY(tb__write_begin(store, &conn, err));
    TB_TRY(tb__track_read(conn, track_id, 0, &old, err));
    tb_tag_values tags = old.tags;
    if (merge_tags(&tags, &edit->tags, what) || (old.edited | what) != old.edited) {
        TB_TRY(write_tags(conn, track_id, &tags, old.edited | what, err));
        changed = true;
    }
    if (edit->what & TB_EDIT_PAYLOAD) TB_TRY(write_payload(conn, track_id, edit->payload, &changed, err));
    TB_TRY(write_external_ids(conn, track_id, edit->external_ids, edit->n_external_ids, &changed, err));
    for (size_t i = 0; i < edit->n_features; i++)
        TB_TRY(correct_feature(conn, track_id, &edit->features[i], err));
    if (changed || edit->n_features > 0) TB_TRY(note_update(conn, track_id, old.uid, err));
out:
    status = tb__write_end(store, conn, status, err);
    tb_track_row_clear(&old);
    return status;
}

static tb_status delete_track(tb__conn *conn, int64_t track_id, tb_error *err)
{
    static const char sql[] = "DELETE FROM tracks WHERE id = ?1";
    tb_status status = TB_OK;
    tb_track_row old = {0};
    TB_TRY(tb__track_read(conn, track_id, 0, &old, err));
    TB_TRY(remove_words(conn, track_id, err));
    TB_TRY(run_for(conn, sql, track_id, err));
    TB_TRY(tb__change_write(conn, track_id, old.uid, TB_CHANGE_DELETED, err));
out:
    tb_track_row_clear(&old);
    return status;
}

tb_status tb__track_delete_orphan(tb__conn *conn, int64_t track_id, bool *deleted, tb_error *err)
{
    static const char sql[] = "SELECT 1 FROM files WHERE track_id = ?1 LIMIT 1";
    int64_t found;
    tb_status status = tb__sql_lookup(conn, sql, track_id, &found, err);
    if (status == TB_NOT_FOUND) {
        status = delete_track(conn, track_id, err);
        if (status == TB_OK) *deleted = true;
    }
    return status;
}

tb_status tb_store_delete_track(tb_store *store, int64_t track_id, tb_error *err)
{
    tb_status status = TB_OK;
    tb__conn *conn = NULL;
    TB_TRY(tb__write_begin(store, &conn, err));
    TB_TRY(delete_track(conn, track_id, err));
out:
    return tb__write_end(store, conn, status, err);
}

/* --- the feed ----------------------------------------------------------------------------------------- */

tb_status tb_store_changes(tb_store *store, int64_t since, size_t limit, tb_change_row **changes, size_t *n,
                           tb_error *err)
{
    enum { MOST = 10000 };
    static const char sql[] =
        "SELECT seq, track_id, uid, kind, at_ms FROM changes WHERE seq > ?1 ORDER BY seq LIMIT ?2";
    tb_status status = TB_OK;
    tb__conn *conn = NULL;
    tb__query q = {0};
    bool row = true;
    size_t n_read = 0;
    tb_change_row *read = NULL;
    if (limit < 1 || limit > MOST)
        TB_FAIL(err, TB_INVALID, "limit is %zu; it must be between 1 and %d", limit, MOST);
    read = tb_alloc(limit, sizeof *read);
    if (!read) TB_FAIL(err, TB_NO_MEMORY, "no memory for %zu changes", limit);
    TB_TRY(tb__read_begin(store, &conn, err));
    TB_TRY(tb__query_open(&q, conn, sql, err));
    tb__query_int(&q, 1, since);
    tb__query_int(&q, 2, (int64_t)limit);
    while (n_read < limit) {
        TB_TRY(tb__query_next(&q, &row, err));
        if (!row) break;
        tb_change_row *change = &read[n_read++];
        change->seq = tb__column_int(&q, 0);
        change->track_id = tb__column_int(&q, 1);
        const char *uid = (const char *)sqlite3_column_text(q.statement, 2);
        tb_text_copy(change->uid, sizeof change->uid, uid ? uid : "");
        const int64_t kind = tb__column_int(&q, 3);
        change->kind = kind == TB_CHANGE_ADDED     ? TB_CHANGE_ADDED
                       : kind == TB_CHANGE_DELETED ? TB_CHANGE_DELETED
                                                   : TB_CHANGE_UPDATED;
        change->at_ms = tb__column_int(&q, 4);
    }
    *changes = read;
    *n = n_read;
    read = NULL;
out:
    tb__query_close(&q);
    tb__read_end(store, conn);
    tb_free(read);
    return status;
}

tb_status tb_store_last_change(tb_store *store, int64_t *seq, tb_error *err)
{
    static const char sql[] = "SELECT coalesce(max(seq), ?1) FROM changes";
    tb_status status = TB_OK;
    tb__conn *conn = NULL;
    TB_TRY(tb__read_begin(store, &conn, err));
    TB_TRY(tb__sql_lookup(conn, sql, 0, seq, err));
out:
    tb__read_end(store, conn);
    return status;
}
