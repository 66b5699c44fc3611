// SPDX-License-Identifier: MIT
/* Reading tracks.  All that belongs to one row lies in a chain of memory blocks that tb_track_row_clear
 * frees, so that a row with many strings costs one or two allocations. */
#include "store/track_internal.h"

#include "base/alloc.h"
#include "base/text.h"
#include "store/fields_internal.h"

#include <stdalign.h>
#include <string.h>

/* --- memory of one row -------------------------------------------------------------------------------- */

typedef struct block {
    struct block *next;
    size_t used, capacity;
    alignas(max_align_t) unsigned char bytes[];
} block;

static void *take_memory(tb_track_row *track, size_t size)
{
    enum { FIRST = 1000, ALIGN = alignof(max_align_t) };
    if (size > SIZE_MAX / 2) return NULL;
    size = (size + ALIGN - 1) / ALIGN * ALIGN;
    block *top = track->memory;
    if (!top || top->capacity - top->used < size) {
        const size_t capacity = size > FIRST ? size : FIRST;
        block *fresh = tb_alloc(1, sizeof *fresh + capacity);
        if (!fresh) return NULL;
        fresh->capacity = capacity;
        fresh->next = top;
        track->memory = top = fresh;
    }
    void *memory = top->bytes + top->used;
    top->used += size;
    return memory;
}

void tb_track_row_clear(tb_track_row *track)
{
    for (block *b = track->memory; b;) {
        block *next = b->next;
        tb_free(b);
        b = next;
    }
    *track = (tb_track_row){0};
}

void tb_track_rows_free(tb_track_row *tracks, size_t n)
{
    if (!tracks) return;
    for (size_t i = 0; i < n; i++) tb_track_row_clear(&tracks[i]);
    tb_free(tracks);
}

static tb_status take_text(tb_track_row *track, const tb__query *q, int at, const char **text,
                           tb_error *err)
{
    *text = NULL;
    if (tb__column_is_null(q, at)) return TB_OK;
    const void *bytes = sqlite3_column_blob(q->statement, at);
    const size_t size = (size_t)sqlite3_column_bytes(q->statement, at);
    char *copy = bytes || size == 0 ? take_memory(track, size + 1) : NULL;
    if (!copy) return tb_error_set(err, TB_NO_MEMORY, "no memory for a track");
    if (size > 0) memcpy(copy, bytes, size);
    copy[size] = 0;
    *text = copy;
    return TB_OK;
}

/* --- what belongs to a track -------------------------------------------------------------------------- */

static tb_status read_texts(tb__conn *conn, unsigned with, tb_track_row *track, tb_error *err)
{
    static const char sql[] = "SELECT CASE WHEN ?2 & 1 THEN payload END, CASE WHEN ?2 & 2 THEN analysis END "
                              "FROM tracks WHERE id = ?1";
    tb_status status = TB_OK;
    tb__query q = {0};
    bool row = false;
    TB_TRY(tb__query_open(&q, conn, sql, err));
    tb__query_int(&q, 1, track->id);
    tb__query_int(&q, 2, (with & TB_WITH_PAYLOAD ? 1 : 0) | (with & TB_WITH_ANALYSIS ? 2 : 0));
    TB_TRY(tb__query_next(&q, &row, err));
    if (row) {
        TB_TRY(take_text(track, &q, 0, &track->payload, err));
        TB_TRY(take_text(track, &q, 1, &track->analysis, err));
    }
out:
    tb__query_close(&q);
    return status;
}

static tb_status read_features(tb__conn *conn, tb_track_row *track, tb_error *err)
{
    const tb_fields *fields = conn->store->fields;
    tb_status status = TB_OK;
    tb__query q = {0};
    bool row = false;
    TB_TRY(tb__query_open(&q, conn, conn->store->sql_get_features, err));
    tb__query_int(&q, 1, track->id);
    TB_TRY(tb__query_next(&q, &row, err));
    if (!row || fields->n_features == 0) goto out;
    tb_feature_value *values = take_memory(track, fields->n_features * sizeof *values);
    if (!values) TB_FAIL(err, TB_NO_MEMORY, "no memory for a track");
    track->features = values;
    for (size_t i = 0; i < fields->n_features; i++)
        if (!tb__column_is_null(&q, (int)i))
            values[track->n_features++] = (tb_feature_value){tb_fields_feature(fields, i),
                                                             tb__column_double(&q, (int)i)};
out:
    tb__query_close(&q);
    return status;
}

static tb_status count_rows(tb__conn *conn, const char *sql, int64_t track_id, size_t *n, tb_error *err)
{
    int64_t value = 0;
    const tb_status status = tb__sql_lookup(conn, sql, track_id, &value, err);
    *n = (size_t)value;
    return status == TB_NOT_FOUND ? TB_OK : status;
}

static tb_status read_external_ids(tb__conn *conn, tb_track_row *track, tb_error *err)
{
    static const char count[] = "SELECT count(*) FROM external_ids WHERE track_id = ?1";
    static const char sql[] = "SELECT scheme, value FROM external_ids WHERE track_id = ?1 ORDER BY scheme";
    tb_status status = TB_OK;
    tb__query q = {0};
    bool row = true;
    size_t n = 0;
    TB_TRY(count_rows(conn, count, track->id, &n, err));
    if (n == 0) goto out;
    tb_external_id_value *values = take_memory(track, n * sizeof *values);
    if (!values) TB_FAIL(err, TB_NO_MEMORY, "no memory for a track");
    track->external_ids = values;
    TB_TRY(tb__query_open(&q, conn, sql, err));
    tb__query_int(&q, 1, track->id);
    for (size_t i = 0; i < n; i++) {
        TB_TRY(tb__query_next(&q, &row, err));
        if (!row) break;
        TB_TRY(take_text(track, &q, 0, &values[i].scheme, err));
        TB_TRY(take_text(track, &q, 1, &values[i].value, err));
        track->n_external_ids = i + 1;
    }
out:
    tb__query_close(&q);
    return status;
}

static tb_status read_files(tb__conn *conn, tb_track_row *track, tb_error *err)
{
    static const char count[] = "SELECT count(*) FROM files WHERE track_id = ?1";
    static const char sql[] =
        "SELECT files.id, files.library_id, libraries.name, files.path, files.size_bytes FROM files "
        "LEFT JOIN libraries ON libraries.id = files.library_id "
        "WHERE files.track_id = ?1 ORDER BY files.id";
    tb_status status = TB_OK;
    tb__query q = {0};
    bool row = true;
    size_t n = 0;
    TB_TRY(count_rows(conn, count, track->id, &n, err));
    if (n == 0) goto out;
    tb_track_file_row *values = take_memory(track, n * sizeof *values);
    if (!values) TB_FAIL(err, TB_NO_MEMORY, "no memory for a track");
    track->files = values;
    TB_TRY(tb__query_open(&q, conn, sql, err));
    tb__query_int(&q, 1, track->id);
    for (size_t i = 0; i < n; i++) {
        TB_TRY(tb__query_next(&q, &row, err));
        if (!row) break;
        values[i] = (tb_track_file_row){.file_id = tb__column_int(&q, 0), .library_id = tb__column_int(&q,
                     1),
                                        .size_bytes = tb__column_int(&q, 4)};
        TB_TRY(take_text(track, &q, 2, &values[i].library, err));
        TB_TRY(take_text(track, &q, 3, &values[i].path, err));
        if (!values[i].path)
            TB_FAIL(err, TB_CORRUPT, "the database %s has a file without a path", conn->store->path);
        track->n_files = i + 1;
    }
out:
    tb__query_close(&q);
    return status;
}

tb_status tb__track_from_row(tb__conn *conn, const tb__query *q, unsigned with, tb_track_row *track,
                             tb_error *err)
{
    tb_status status = TB_OK;
    const char *uid = NULL;
    track->id = tb__column_int(q, 0);
    TB_TRY(take_text(track, q, 1, &uid, err));
    tb_text_copy(track->uid, sizeof track->uid, uid ? uid : "");
    tb__column_bytes(q, 2, track->audio_hash, sizeof track->audio_hash, &track->audio_hash_size);
    track->duration_s = tb__column_double(q, 3);
    track->rate_hz = (int)tb__column_int(q, 4);
    track->channels = (int)tb__column_int(q, 5);
    TB_TRY(take_text(track, q, 6, &track->format, err));
    track->added_ms = tb__column_int(q, 7);
    track->updated_ms = tb__column_int(q, 8);
    track->analysis_version = (int)tb__column_int(q, 9);
    track->edited = (unsigned)tb__column_int(q, 10);
    TB_TRY(take_text(track, q, 11, &track->tags.title, err));
    TB_TRY(take_text(track, q, 12, &track->tags.artist, err));
    TB_TRY(take_text(track, q, 13, &track->tags.album, err));
    TB_TRY(take_text(track, q, 14, &track->tags.album_artist, err));
    TB_TRY(take_text(track, q, 15, &track->tags.composer, err));
    TB_TRY(take_text(track, q, 16, &track->tags.genre, err));
    TB_TRY(take_text(track, q, 17, &track->tags.comment, err));
    track->tags.year = (int)tb__column_int(q, 18);
    track->tags.track = (int)tb__column_int(q, 19);
    track->tags.disc = (int)tb__column_int(q, 20);
    if (with & (TB_WITH_PAYLOAD | TB_WITH_ANALYSIS)) TB_TRY(read_texts(conn, with, track, err));
    if (with & TB_WITH_FEATURES) TB_TRY(read_features(conn, track, err));
    if (with & TB_WITH_EXTERNAL_IDS) TB_TRY(read_external_ids(conn, track, err));
    if (with & TB_WITH_FILES) TB_TRY(read_files(conn, track, err));
out:
    return status;
}

tb_status tb__track_read(tb__conn *conn, int64_t track_id, unsigned with, tb_track_row *track,
                         tb_error *err)
{
    static const char sql[] = "SELECT " TB__TRACK_COLUMNS " FROM tracks AS t WHERE t.id = ?1";
    tb_status status = TB_OK;
    tb__query q = {0};
    bool row = false;
    tb_track_row read = {0};
    TB_TRY(tb__query_open(&q, conn, sql, err));
    tb__query_int(&q, 1, track_id);
    TB_TRY(tb__query_next(&q, &row, err));
    if (!row) TB_FAIL(err, TB_NOT_FOUND, "there is no track %lld", (long long)track_id);
    TB_TRY(tb__track_from_row(conn, &q, with, &read, err));
    *track = read;
    read = (tb_track_row){0};
out:
    tb__query_close(&q);
    tb_track_row_clear(&read);
    return status;
}

/* --- for callers -------------------------------------------------------------------------------------- */

tb_status tb_store_get_track(tb_store *store, int64_t track_id, unsigned with, tb_track_row *track,
                             tb_error *err)
{
    tb_status status = TB_OK;
    tb__conn *conn = NULL;
    TB_TRY(tb__read_begin(store, &conn, err));
    TB_TRY(tb__track_read(conn, track_id, with, track, err));
out:
    tb__read_end(store, conn);
    return status;
}

tb_status tb_store_get_tracks(tb_store *store, const int64_t *ids, size_t n, unsigned with,
                              tb_track_row **tracks, tb_error *err)
{
    enum { MOST = 100000 };
    tb_status status = TB_OK;
    tb__conn *conn = NULL;
    tb_track_row *read = NULL;
    if (n > MOST) TB_FAIL(err, TB_INVALID, "%zu tracks at once are too many; %d is the most", n, MOST);
    read = tb_alloc(n, sizeof *read);
    if (!read) TB_FAIL(err, TB_NO_MEMORY, "no memory for %zu tracks", n);
    TB_TRY(tb__read_begin(store, &conn, err));
    for (size_t i = 0; i < n; i++) {
        status = tb__track_read(conn, ids[i], with, &read[i], err);
        if (status == TB_NOT_FOUND) {
            status = TB_OK;
            tb_error_clear(err);
        }
        if (status != TB_OK) goto out;
    }
    *tracks = read;
    read = NULL;
out:
    tb__read_end(store, conn);
    tb_track_rows_free(read, n);
    return status;
}

/* One number for one text or blob */
static tb_status find(tb_store *store, const char *sql, const char *text_1, const char *text_2,
                      const uint8_t *bytes, size_t size, int64_t *track_id, tb_error *err)
{
    tb_status status = TB_OK;
    tb__conn *conn = NULL;
    tb__query q = {0};
    bool row = false;
    TB_TRY(tb__read_begin(store, &conn, err));
    TB_TRY(tb__query_open(&q, conn, sql, err));
    if (bytes)
        tb__query_blob(&q, 1, bytes, size);
    else
        tb__query_text(&q, 1, text_1);
    if (text_2) tb__query_text(&q, 2, text_2);
    TB_TRY(tb__query_next(&q, &row, err));
    if (!row) {
        char shown[120];
        tb_text_copy(shown, sizeof shown, text_1 ? text_1 : "of that content");
        TB_FAIL(err, TB_NOT_FOUND, "there is no track %s%s%.400s", shown, text_2 ? ":" : "",
                text_2 ? text_2 : "");
    }
    *track_id = tb__column_int(&q, 0);
out:
    tb__query_close(&q);
    tb__read_end(store, conn);
    return status;
}

tb_status tb_store_find_track(tb_store *store, const char *reference, int64_t *track_id, tb_error *err)
{
    static const char by_uid[] = "SELECT id FROM tracks WHERE uid = ?1";
    static const char by_external_id[] = "SELECT track_id FROM external_ids WHERE scheme = ?1 AND value = ?2";
    if (!tb_utf8_valid(reference, strlen(reference)))
        return tb_error_set(err, TB_NOT_FOUND, "there is no such track: the ID is not UTF-8");
    const char *colon = strchr(reference, ':');
    if (!colon) return find(store, by_uid, reference, NULL, NULL, 0, track_id, err);
    char scheme[TB_STORE_SCHEME_MAX + 1];
    const size_t size = (size_t)(colon - reference);
    if (size >= sizeof scheme) return tb_error_set(err, TB_NOT_FOUND, "there is no track %.200s",
        reference);
    memcpy(scheme, reference, size);
    scheme[size] = 0;
    return find(store, by_external_id, scheme, colon + 1, NULL, 0, track_id, err);
}

tb_status tb_store_find_audio(tb_store *store, const uint8_t *audio_hash, size_t size, int64_t *track_id,
                              tb_error *err)
{
    static const char sql[] = "SELECT id FROM tracks WHERE audio_hash = ?1";
    const tb_status status = tb__check_hash("the hash of the audio", audio_hash, size, err);
    return status == TB_OK ? find(store, sql, NULL, NULL, audio_hash, size, track_id, err) : status;
}

tb_status tb_store_find_file_hash(tb_store *store, const uint8_t *file_hash, size_t size, int64_t *track_id,
                                  tb_error *err)
{
    static const char sql[] =
        "SELECT track_id FROM files WHERE file_hash = ?1 AND track_id IS NOT NULL LIMIT 1";
    const tb_status status = tb__check_hash("the hash of the file", file_hash, size, err);
    return status == TB_OK ? find(store, sql, NULL, NULL, file_hash, size, track_id, err) : status;
}

/* Chunks are read with a lock and shown without one. */
tb_status tb_store_each_track(tb_store *store, int64_t after_id, unsigned with, tb_track_visit *visit,
                              void *context, tb_error *err)
{
    enum { CHUNK = 500 };
    static const char sql[] = "SELECT " TB__TRACK_COLUMNS
                              " FROM tracks AS t WHERE t.id > ?1 ORDER BY t.id LIMIT ?2";
    tb_status status = TB_OK;
    tb__conn *conn = NULL;
    tb__query q = {0};
    size_t n = 0;
    tb_track_row *chunk = tb_alloc(CHUNK, sizeof *chunk);
    if (!chunk) TB_FAIL(err, TB_NO_MEMORY, "no memory to read tracks");
    do {
        bool row = true;
        n = 0;
        TB_TRY(tb__read_begin(store, &conn, err));
        TB_TRY(tb__query_open(&q, conn, sql, err));
        tb__query_int(&q, 1, after_id);
        tb__query_int(&q, 2, CHUNK);
        while (n < CHUNK) {
            TB_TRY(tb__query_next(&q, &row, err));
            if (!row) break;
            TB_TRY(tb__track_from_row(conn, &q, with, &chunk[n++], err));
        }
        tb__query_close(&q);
        tb__read_end(store, conn);
        conn = NULL;
        for (size_t i = 0; i < n; i++) {
            after_id = chunk[i].id;
            TB_TRY(visit(context, &chunk[i]));
            tb_track_row_clear(&chunk[i]);
        }
    } while (n == CHUNK);
out:
    tb__query_close(&q);
    tb__read_end(store, conn);
    tb_track_rows_free(chunk, chunk ? CHUNK : 0);
    return status;
}
