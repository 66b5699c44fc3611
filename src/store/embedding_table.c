// SPDX-License-Identifier: MIT
/* Spaces and embeddings.  Numbers lie in BLOBs in little-endian order, f16 and f32, row after row.
 *
 * SQLite's pages carry no checksums, so each row carries its own: a row that a disk has damaged is left out
 * with a line in the log instead of being searched. */
#include "store/embedding_table.h"

#include "base/alloc.h"
#include "base/log.h"
#include "store/track_internal.h"

#include <math.h>
#include <string.h>

#ifdef WORDS_BIGENDIAN
#error \
    "embeddings are stored in little-endian order; add the swap here before building for a big-endian machine"
#endif

/* --- spaces ------------------------------------------------------------------------------------------- */

static bool is_space_name(const char *name)
{
    size_t n = 0;
    if (!name) return false;
    for (; name[n]; n++) {
        const char c = name[n];
        const bool plain = c >= 'a' && c <= 'z';
        if (!plain && (n == 0 || !((c >= '0' && c <= '9') || c == '_' || c == '-'))) return false;
    }
    return n >= 1 && n <= TB_STORE_SPACE_NAME_MAX;
}

tb_status tb_store_put_space(tb_store *store, const tb_space_put *put, int64_t *space_id, tb_error *err)
{
    static const char look[] = "SELECT id, dim, n_parts FROM spaces WHERE name = ?1 AND model_hash = ?2";
    static const char insert[] =
        "INSERT INTO spaces (name, model_hash, dim, n_parts, parts, created_ms, active) VALUES (?1, ?2, "
        "?3, ?4, ?5, ?6, NOT EXISTS (SELECT 1 FROM spaces WHERE name = ?1 AND active))";
    enum { PARTS_TEXT_MAX = 1024 * 1024 };
    tb_status status = TB_OK;
    tb__conn *conn = NULL;
    tb__query q = {0};
    bool known = false;
    int64_t id = 0;
    if (!is_space_name(put->name))
        TB_FAIL(err, TB_INVALID,
                "\"%.100s\" is no name for a space: a-z, 0-9, _ and -, %d characters at most",
                put->name ? put->name : "", TB_STORE_SPACE_NAME_MAX);
    TB_TRY(tb__check_hash("the hash of the model", put->model_hash, put->model_hash_size, err));
    if (put->dim < 1 || put->dim > TB_STORE_SPACE_DIM_MAX || put->n_parts < 1 ||
        put->n_parts > TB_STORE_SPACE_PARTS_MAX)
        TB_FAIL(err, TB_INVALID, "a space of %zu dimensions in %zu parts cannot be; %d and %d are the most",
                put->dim, put->n_parts, TB_STORE_SPACE_DIM_MAX, TB_STORE_SPACE_PARTS_MAX);
    TB_TRY(tb__write_begin(store, &conn, err));
    TB_TRY(tb__check_json(conn, "the description of the parts", put->parts ? put->parts : "", NULL,
                          PARTS_TEXT_MAX, err));
    TB_TRY(tb__query_open(&q, conn, look, err));
    tb__query_text(&q, 1, put->name);
    tb__query_blob(&q, 2, put->model_hash, put->model_hash_size);
    TB_TRY(tb__query_next(&q, &known, err));
    if (known) {
        id = tb__column_int(&q, 0);
        if (tb__column_int(&q, 1) != (int64_t)put->dim || tb__column_int(&q, 2) != (int64_t)put->n_parts)
            TB_FAIL(err, TB_EXISTS,
                    "the space \"%s\" of that model has %lld dimensions in %lld parts, not %zu in %zu",
                    put->name, (long long)tb__column_int(&q, 1), (long long)tb__column_int(&q, 2), put->dim,
                    put->n_parts);
        goto out;
    }
    tb__query_close(&q);
    TB_TRY(tb__query_open(&q, conn, insert, err));
    tb__query_text(&q, 1, put->name);
    tb__query_blob(&q, 2, put->model_hash, put->model_hash_size);
    tb__query_int(&q, 3, (int64_t)put->dim);
    tb__query_int(&q, 4, (int64_t)put->n_parts);
    tb__query_text(&q, 5, put->parts);
    tb__query_int(&q, 6, tb__now_ms(store));
    TB_TRY(tb__query_run(&q, err));
    id = tb__sql_last_id(conn);
out:
    tb__query_close(&q);
    status = tb__write_end(store, conn, status, err);
    if (status == TB_OK) *space_id = id;
    return status;
}

void tb_space_rows_free(tb_space_row *spaces, size_t n)
{
    if (!spaces) return;
    for (size_t i = 0; i < n; i++) {
        tb_free(spaces[i].name);
        tb_free(spaces[i].parts);
    }
    tb_free(spaces);
}

/* What the numbers of a space say; TB_CORRUPT when they cannot be. */
static tb_status read_sizes(const tb__query *q, int at, size_t *dim, size_t *n_parts, tb_error *err)
{
    const int64_t d = tb__column_int(q, at), p = tb__column_int(q, at + 1);
    if (d < 1 || d > TB_STORE_SPACE_DIM_MAX || p < 1 || p > TB_STORE_SPACE_PARTS_MAX)
        return tb_error_set(
            err, TB_CORRUPT,
            "the database %s is damaged (a space of %lld dimensions in %lld parts); restore a "
            "backup in its place",
            q->conn->store->path, (long long)d, (long long)p);
    *dim = (size_t)d;
    *n_parts = (size_t)p;
    return TB_OK;
}

tb_status tb_store_list_spaces(tb_store *store, tb_space_row **spaces, size_t *n, tb_error *err)
{
    static const char sql[] =
        "SELECT id, name, model_hash, dim, n_parts, parts, active, created_ms, n_tracks, n_segments "
        "FROM spaces ORDER BY name, id";
    tb_status status = TB_OK;
    tb__conn *conn = NULL;
    tb__query q = {0};
    tb_space_row *read = NULL;
    size_t n_read = 0;
    bool row = true;
    TB_TRY(tb__read_begin(store, &conn, err));
    TB_TRY(tb__query_open(&q, conn, sql, err));
    for (;;) {
        TB_TRY(tb__query_next(&q, &row, err));
        if (!row) break;
        tb_space_row *more = tb_realloc(read, n_read + 1, sizeof *read);
        if (!more) TB_FAIL(err, TB_NO_MEMORY, "no memory for %zu spaces", n_read + 1);
        read = more;
        tb_space_row *space = &read[n_read++];
        *space = (tb_space_row){.id = tb__column_int(&q, 0), .active = tb__column_int(&q, 6) != 0,
                                .created_ms = tb__column_int(&q, 7), .n_tracks = tb__column_int(&q, 8),
                                .n_segments = tb__column_int(&q, 9)};
        TB_TRY(tb__column_copy(&q, 1, &space->name, err));
        tb__column_bytes(&q, 2, space->model_hash, sizeof space->model_hash, &space->model_hash_size);
        TB_TRY(read_sizes(&q, 3, &space->dim, &space->n_parts, err));
        TB_TRY(tb__column_copy(&q, 5, &space->parts, err));
        if (!space->name || !space->parts)
            TB_FAIL(err, TB_CORRUPT, "the database %s has a space without a name", store->path);
    }
    *spaces = read;
    *n = n_read;
    read = NULL;
out:
    tb__query_close(&q);
    tb__read_end(store, conn);
    tb_space_rows_free(read, n_read);
    return status;
}

static tb_status run_for_space(tb__conn *conn, const char *sql, int64_t space_id, tb_error *err)
{
    tb__query q = {0};
    tb_status status = tb__query_open(&q, conn, sql, err);
    if (status == TB_OK) {
        tb__query_int(&q, 1, space_id);
        status = tb__query_run(&q, err);
    }
    tb__query_close(&q);
    return status;
}

tb_status tb_store_activate_space(tb_store *store, int64_t space_id, tb_error *err)
{
    static const char rest[] =
        "UPDATE spaces SET active = 0 WHERE name = (SELECT name FROM spaces WHERE id = ?1)";
    static const char wake[] = "UPDATE spaces SET active = 1 WHERE id = ?1";
    tb_status status = TB_OK;
    tb__conn *conn = NULL;
    TB_TRY(tb__write_begin(store, &conn, err));
    TB_TRY(run_for_space(conn, rest, space_id, err));
    TB_TRY(run_for_space(conn, wake, space_id, err));
    if (tb__sql_changed(conn) == 0) TB_FAIL(err, TB_NOT_FOUND, "there is no space %lld",
        (long long)space_id);
out:
    return tb__write_end(store, conn, status, err);
}

tb_status tb_store_delete_space(tb_store *store, int64_t space_id, tb_error *err)
{
    static const char look[] = "SELECT active FROM spaces WHERE id = ?1";
    static const char some[] =
        "DELETE FROM embeddings WHERE id IN (SELECT id FROM embeddings WHERE space_id = ?1 LIMIT 500)";
    static const char last[] = "DELETE FROM spaces WHERE id = ?1";
    tb_status status = TB_OK;
    tb__conn *conn = NULL;
    int64_t active = 0, n_deleted = 1;
    while (n_deleted > 0) {
        TB_TRY(tb__write_begin(store, &conn, err));
        status = tb__sql_lookup(conn, look, space_id, &active, err);
        if (status == TB_NOT_FOUND) TB_FAIL(err, TB_NOT_FOUND, "there is no space %lld",
            (long long)space_id);
        if (status != TB_OK) goto out;
        if (active)
            TB_FAIL(err, TB_FORBIDDEN,
                    "the space %lld is the active one of its name; activate another one first",
                    (long long)space_id);
        TB_TRY(run_for_space(conn, some, space_id, err));
        n_deleted = tb__sql_changed(conn);
        if (n_deleted == 0) TB_TRY(run_for_space(conn, last, space_id, err));
        status = tb__write_end(store, conn, TB_OK, err);
        conn = NULL;
        if (status != TB_OK) goto out;
    }
out:
    return tb__write_end(store, conn, status, err);
}

tb_status tb_store_list_unembedded(tb_store *store, int64_t space_id, int64_t after_id, size_t limit,
                                   int64_t **ids, size_t *n, tb_error *err)
{
    enum { MOST = 100000 };
    static const char sql[] =
        "SELECT t.id FROM tracks AS t WHERE t.id > ?2 AND NOT EXISTS "
        "(SELECT 1 FROM embeddings AS e WHERE e.track_id = t.id AND e.space_id = ?1) ORDER BY t.id LIMIT ?3";
    tb_status status = TB_OK;
    tb__conn *conn = NULL;
    tb__query q = {0};
    tb__ids found = {0};
    bool row = true;
    if (limit < 1 || limit > MOST)
        TB_FAIL(err, TB_INVALID, "limit is %zu; it must be between 1 and %d", limit, MOST);
    TB_TRY(tb__read_begin(store, &conn, err));
    TB_TRY(tb__query_open(&q, conn, sql, err));
    tb__query_int(&q, 1, space_id);
    tb__query_int(&q, 2, after_id);
    tb__query_int(&q, 3, (int64_t)limit);
    for (;;) {
        TB_TRY(tb__query_next(&q, &row, err));
        if (!row) break;
        TB_TRY(tb__ids_add(&found, tb__column_int(&q, 0), err));
    }
    *ids = found.values;
    *n = found.n;
    found = (tb__ids){0};
out:
    tb__query_close(&q);
    tb__read_end(store, conn);
    tb_free(found.values);
    return status;
}

/* --- sizes, checksum ---------------------------------------------------------------------------------- */

/* Bytes of the six blobs, in the order of the columns. */
typedef struct blob_sizes {
    size_t bytes[6];
} blob_sizes;

static blob_sizes sizes_of(size_t n_segments, size_t dim, size_t n_parts)
{
    return (blob_sizes){{dim * sizeof(uint16_t), n_parts * sizeof(uint16_t), n_segments * sizeof(float),
                         n_segments * sizeof(float), n_segments * n_parts * sizeof(uint16_t),
                         n_segments * dim * sizeof(uint16_t)}};
}

static void blobs_of(const tb_embedding_row *embedding, const void *blobs[6])
{
    blobs[0] = embedding->track_vector;
    blobs[1] = embedding->track_presence;
    blobs[2] = embedding->starts_s;
    blobs[3] = embedding->durations_s;
    blobs[4] = embedding->segment_presence;
    blobs[5] = embedding->segment_vectors;
}

/* FNV-1a over 64-bit words in four lanes (one lane would wait for its own multiplications): fast enough to
 * go unnoticed beside reading the bytes.  Against accidents, not against people. */
static uint64_t mix_bytes(uint64_t sum, const void *bytes, size_t size)
{
    const uint64_t prime = 0x100000001b3u;
    uint64_t lanes[4] = {sum, sum ^ 1, sum ^ 2, sum ^ 3}, words[4];
    const unsigned char *from = bytes;
    for (; size >= sizeof words; size -= sizeof words, from += sizeof words) {
        memcpy(words, from, sizeof words);
        for (size_t i = 0; i < 4; i++) {
            lanes[i] = (lanes[i] ^ words[i]) * prime;
            lanes[i] ^= lanes[i] >> 29;
        }
    }
    for (size_t i = 0; i < size; i++) lanes[0] = (lanes[0] ^ from[i]) * prime;
    for (size_t i = 1; i < 4; i++) lanes[0] = (lanes[0] ^ lanes[i]) * prime ^ (lanes[0] >> 31);
    return lanes[0];
}

static int64_t checksum_of(const void *const blobs[6], const blob_sizes *sizes)
{
    uint64_t sum = 0xcbf29ce484222325u;
    for (size_t i = 0; i < 6; i++) sum = mix_bytes(sum ^ sizes->bytes[i], blobs[i], sizes->bytes[i]);
    return (int64_t)(sum >> 1); /* SQLite's numbers are signed */
}

/* --- writing ------------------------------------------------------------------------------------------ */

static bool halves_finite(const uint16_t *values, size_t n)
{
    unsigned bad = 0;
    for (size_t i = 0; i < n; i++) bad |= (values[i] & 0x7c00u) == 0x7c00u;
    return !bad;
}

static bool times_valid(const float *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!(values[i] >= 0 && isfinite(values[i]))) return false;
    return true;
}

tb_status tb__embedding_check(const tb_embedding_row *embedding, tb_error *err)
{
    const size_t n = embedding->n_segments, dim = embedding->dim, n_parts = embedding->n_parts;
    if (dim < 1 || dim > TB_STORE_SPACE_DIM_MAX || n_parts < 1 || n_parts > TB_STORE_SPACE_PARTS_MAX)
        return tb_error_set(err, TB_INVALID, "an embedding of %zu dimensions in %zu parts cannot be", dim,
                            n_parts);
    if (n > TB_STORE_EMBEDDING_SEGMENTS_MAX || n * dim > 256u * 1024 * 1024)
        return tb_error_set(err, TB_TOO_LARGE,
                            "an embedding of %zu segments of %zu dimensions is too large to store", n, dim);
    if (!embedding->track_vector || !embedding->track_presence ||
        (n > 0 && (!embedding->starts_s || !embedding->durations_s || !embedding->segment_vectors ||
                   !embedding->segment_presence)))
        return tb_error_set(err, TB_INVALID, "an embedding lacks a part");
    if (!halves_finite(embedding->track_vector, dim) || !halves_finite(embedding->track_presence,
        n_parts) ||
        !halves_finite(embedding->segment_vectors, n * dim) ||
        !halves_finite(embedding->segment_presence, n * n_parts))
        return tb_error_set(err, TB_INVALID, "an embedding has a number that is not finite");
    if (!times_valid(embedding->starts_s, n) || !times_valid(embedding->durations_s, n))
        return tb_error_set(err, TB_INVALID,
                            "an embedding has a segment whose time is negative or not finite");
    return TB_OK;
}

static tb_status check_space(tb__conn *conn, const tb_embedding_row *embedding, tb_error *err)
{
    static const char sql[] = "SELECT dim, n_parts, name FROM spaces WHERE id = ?1";
    tb_status status = TB_OK;
    tb__query q = {0};
    bool row = false;
    TB_TRY(tb__query_open(&q, conn, sql, err));
    tb__query_int(&q, 1, embedding->space_id);
    TB_TRY(tb__query_next(&q, &row, err));
    if (!row) TB_FAIL(err, TB_NOT_FOUND, "there is no space %lld", (long long)embedding->space_id);
    if (tb__column_int(&q, 0) != (int64_t)embedding->dim ||
        tb__column_int(&q, 1) != (int64_t)embedding->n_parts)
        TB_FAIL(err, TB_INVALID,
                "an embedding of %zu dimensions in %zu parts does not fit the space \"%s\" of %lld in %lld",
                embedding->dim, embedding->n_parts, (const char *)sqlite3_column_text(q.statement, 2),
                (long long)tb__column_int(&q, 0), (long long)tb__column_int(&q, 1));
out:
    tb__query_close(&q);
    return status;
}

static tb_status has_embedding(tb__conn *conn, int64_t track_id, int64_t space_id, bool *found,
                               tb_error *err)
{
    static const char sql[] = "SELECT 1 FROM embeddings WHERE track_id = ?1 AND space_id = ?2";
    tb_status status = TB_OK;
    tb__query q = {0};
    TB_TRY(tb__query_open(&q, conn, sql, err));
    tb__query_int(&q, 1, track_id);
    tb__query_int(&q, 2, space_id);
    TB_TRY(tb__query_next(&q, found, err));
out:
    tb__query_close(&q);
    return status;
}

tb_status tb__embedding_write(tb__conn *conn, int64_t track_id, const tb_embedding_row *embedding,
                              bool keep,
                              bool *changed, tb_error *err)
{
    static const char sql[] =
        "INSERT INTO embeddings (track_id, space_id, n_segments, checksum, track_vector, track_presence, "
        "starts, durations, segment_presence, segment_vectors) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, "
        "?10) ON CONFLICT (track_id, space_id) DO UPDATE SET n_segments = ?3, checksum = ?4, track_vector "
        "= ?5, track_presence = ?6, starts = ?7, durations = ?8, segment_presence = ?9, segment_vectors = "
        "?10";
    tb_status status = TB_OK;
    tb__query q = {0};
    bool there = false;
    TB_TRY(check_space(conn, embedding, err));
    if (keep) TB_TRY(has_embedding(conn, track_id, embedding->space_id, &there, err));
    if (there) goto out;
    const blob_sizes sizes = sizes_of(embedding->n_segments, embedding->dim, embedding->n_parts);
    const void *blobs[6];
    blobs_of(embedding, blobs);
    TB_TRY(tb__query_open(&q, conn, sql, err));
    tb__query_int(&q, 1, track_id);
    tb__query_int(&q, 2, embedding->space_id);
    tb__query_int(&q, 3, (int64_t)embedding->n_segments);
    tb__query_int(&q, 4, checksum_of(blobs, &sizes));
    for (int i = 0; i < 6; i++) tb__query_blob(&q, 5 + i, blobs[i], sizes.bytes[i]);
    TB_TRY(tb__query_run(&q, err));
    *changed = true;
out:
    tb__query_close(&q);
    return status;
}

tb_status tb_store_put_embedding(tb_store *store, int64_t track_id, const tb_embedding_row *embedding,
                                 tb_error *err)
{
    tb_status status = TB_OK;
    tb__conn *conn = NULL;
    tb_track_row track = {0};
    bool changed = false;
    TB_TRY(tb__embedding_check(embedding, err));
    TB_TRY(tb__write_begin(store, &conn, err));
    TB_TRY(tb__track_read(conn, track_id, 0, &track, err));
    TB_TRY(tb__embedding_write(conn, track_id, embedding, false, &changed, err));
    TB_TRY(tb__change_write(conn, track_id, track.uid, TB_CHANGE_UPDATED, err));
out:
    tb_track_row_clear(&track);
    return tb__write_end(store, conn, status, err);
}

/* --- reading ------------------------------------------------------------------------------------------ */

#define EMBEDDING_COLUMNS                                                                          \
    "n_segments, checksum, track_vector, track_presence, starts, durations, segment_presence, segment_vectors"

static size_t aligned(size_t size)
{
    return (size + 15) / 16 * 16;
}

/* Copies the six blobs from column `at` + 2 on into one block.  TB_CORRUPT (err is not filled) when sizes
 * or checksum do not fit. */
static tb_status copy_row(const tb__query *q, int at, size_t dim, size_t n_parts,
                          tb_embedding_row *embedding,
                          void **memory, tb_error *err)
{
    const int64_t n_segments = tb__column_int(q, at);
    if (n_segments < 0 || n_segments > TB_STORE_EMBEDDING_SEGMENTS_MAX) return TB_CORRUPT;
    const blob_sizes sizes = sizes_of((size_t)n_segments, dim, n_parts);
    size_t total = 0;
    for (int i = 0; i < 6; i++) {
        if ((size_t)sqlite3_column_bytes(q->statement, at + 2 + i) != sizes.bytes[i]) return TB_CORRUPT;
        total += aligned(sizes.bytes[i]);
    }
    char *block = tb_alloc(total, 1);
    if (!block)
        return tb_error_set(err, TB_NO_MEMORY, "no memory for an embedding of %lld segments",
                            (long long)n_segments);
    const void *blobs[6];
    char *to = block;
    for (int i = 0; i < 6; i++) {
        const void *from = sqlite3_column_blob(q->statement, at + 2 + i);
        if (!from && sizes.bytes[i] > 0) {
            tb_free(block);
            return tb_error_set(err, TB_NO_MEMORY, "no memory for an embedding of %lld segments",
                                (long long)n_segments);
        }
        if (sizes.bytes[i] > 0) memcpy(to, from, sizes.bytes[i]);
        blobs[i] = to;
        to += aligned(sizes.bytes[i]);
    }
    if (checksum_of(blobs, &sizes) != tb__column_int(q, at + 1)) {
        tb_free(block);
        return TB_CORRUPT;
    }
    *embedding = (tb_embedding_row){.n_segments = (size_t)n_segments,
                                    .dim = dim,
                                    .n_parts = n_parts,
                                    .track_vector = blobs[0],
                                    .track_presence = blobs[1],
                                    .starts_s = blobs[2],
                                    .durations_s = blobs[3],
                                    .segment_presence = blobs[4],
                                    .segment_vectors = blobs[5]};
    *memory = block;
    return TB_OK;
}

static tb_status sizes_of_space(tb__conn *conn, int64_t space_id, size_t *dim, size_t *n_parts,
                                tb_error *err)
{
    static const char sql[] = "SELECT dim, n_parts FROM spaces WHERE id = ?1";
    tb_status status = TB_OK;
    tb__query q = {0};
    bool row = false;
    TB_TRY(tb__query_open(&q, conn, sql, err));
    tb__query_int(&q, 1, space_id);
    TB_TRY(tb__query_next(&q, &row, err));
    if (!row) TB_FAIL(err, TB_NOT_FOUND, "there is no space %lld", (long long)space_id);
    TB_TRY(read_sizes(&q, 0, dim, n_parts, err));
out:
    tb__query_close(&q);
    return status;
}

tb_status tb_store_get_embedding(tb_store *store, int64_t track_id, int64_t space_id,
                                 tb_embedding_row *embedding, void **memory, tb_error *err)
{
    static const char sql[] = "SELECT " EMBEDDING_COLUMNS
                              " FROM embeddings WHERE track_id = ?1 AND space_id = ?2";
    tb_status status = TB_OK;
    tb__conn *conn = NULL;
    tb__query q = {0};
    bool row = false;
    size_t dim, n_parts;
    TB_TRY(tb__read_begin(store, &conn, err));
    TB_TRY(sizes_of_space(conn, space_id, &dim, &n_parts, err));
    TB_TRY(tb__query_open(&q, conn, sql, err));
    tb__query_int(&q, 1, track_id);
    tb__query_int(&q, 2, space_id);
    TB_TRY(tb__query_next(&q, &row, err));
    if (!row)
        TB_FAIL(err, TB_NOT_FOUND, "track %lld has no embedding in space %lld", (long long)track_id,
                (long long)space_id);
    status = copy_row(&q, 0, dim, n_parts, embedding, memory, err);
    if (status == TB_CORRUPT)
        TB_FAIL(err, TB_CORRUPT,
                "the embedding of track %lld in the database %s is damaged; add the file again with force",
                (long long)track_id, store->path);
    if (status == TB_OK) embedding->space_id = space_id;
out:
    tb__query_close(&q);
    tb__read_end(store, conn);
    return status;
}

typedef struct embedding_copy {
    int64_t track_id;
    tb_embedding_row row;
    void *memory;
} embedding_copy;

enum { CHUNK_ROWS = 256, CHUNK_BYTES = 16 * 1024 * 1024 };

typedef struct embedding_chunk {
    embedding_copy rows[CHUNK_ROWS];
    size_t n;
    size_t n_bad;
    int64_t last_id; /* of the last row that was looked at */
    bool at_end;
} embedding_chunk;

static void clear_chunk(embedding_chunk *chunk)
{
    for (size_t i = 0; i < chunk->n; i++) tb_free(chunk->rows[i].memory);
    chunk->n = 0;
}

/* Reads rows behind after_id until the chunk is full by number or bytes. */
static tb_status fill_chunk(tb__conn *conn, int64_t space_id, int64_t after_id, embedding_chunk *chunk,
                            tb_error *err)
{
    static const char sql[] = "SELECT track_id, " EMBEDDING_COLUMNS
                              " FROM embeddings WHERE space_id = ?1 AND track_id > ?2 "
                              "ORDER BY track_id";
    tb_status status = TB_OK;
    tb__query q = {0};
    bool row = true;
    size_t dim, n_parts, bytes = 0;
    TB_TRY(sizes_of_space(conn, space_id, &dim, &n_parts, err));
    TB_TRY(tb__query_open(&q, conn, sql, err));
    tb__query_int(&q, 1, space_id);
    tb__query_int(&q, 2, after_id);
    chunk->last_id = after_id;
    chunk->at_end = false;
    while (chunk->n < CHUNK_ROWS && bytes < CHUNK_BYTES) {
        TB_TRY(tb__query_next(&q, &row, err));
        if (!row) {
            chunk->at_end = true;
            break;
        }
        embedding_copy *copy = &chunk->rows[chunk->n];
        copy->track_id = chunk->last_id = tb__column_int(&q, 0);
        status = copy_row(&q, 1, dim, n_parts, &copy->row, &copy->memory, err);
        if (status == TB_CORRUPT) {
            tb_log(TB_LOG_ERROR, "store",
                   "%s: the embedding of track %lld is damaged; it is left out until the file is added "
                   "again",
                   conn->store->path, (long long)copy->track_id);
            chunk->n_bad++;
            status = TB_OK;
            continue;
        }
        if (status != TB_OK) goto out;
        copy->row.space_id = space_id;
        bytes += copy->row.n_segments * (dim + n_parts) * sizeof(uint16_t);
        chunk->n++;
    }
out:
    tb__query_close(&q);
    return status;
}

/* Chunks are read with a lock and shown without one, so that a long walk neither keeps the WAL from being
 * written back nor a callback from calling the store. */
tb_status tb_store_each_embedding(tb_store *store, int64_t space_id, int64_t after_id,
                                  tb_embedding_visit *visit, void *context, size_t *n_bad, tb_error *err)
{
    tb_status status = TB_OK;
    tb__conn *conn = NULL;
    embedding_chunk *chunk = tb_alloc(1, sizeof *chunk);
    if (!chunk) TB_FAIL(err, TB_NO_MEMORY, "no memory to read embeddings");
    chunk->last_id = after_id;
    while (!chunk->at_end) {
        TB_TRY(tb__read_begin(store, &conn, err));
        TB_TRY(fill_chunk(conn, space_id, chunk->last_id, chunk, err));
        tb__read_end(store, conn);
        conn = NULL;
        for (size_t i = 0; i < chunk->n; i++)
            TB_TRY(visit(context, chunk->rows[i].track_id, &chunk->rows[i].row));
        clear_chunk(chunk);
    }
    if (n_bad) *n_bad = chunk->n_bad;
out:
    tb__read_end(store, conn);
    if (chunk) clear_chunk(chunk);
    tb_free(chunk);
    return status;
}
