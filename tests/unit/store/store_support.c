// SPDX-License-Identifier: MIT
#include "store_support.h"

#include "base/half.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

const char *const test_features[] = {"tempo", "loudness", "key", "mode", "presence_drums"};

tb_store_options test_options(const char *folder)
{
    return (tb_store_options){.folder = folder, .features = test_features, .n_features = N_TEST_FEATURES,
                              .busy_timeout_ms = 200};
}

tb_store *test_open(const char *folder)
{
    tb_error err = {0};
    tb_store *store = NULL;
    const tb_store_options options = test_options(folder);
    assert_ok(tb_store_open(&options, &store, &err));
    return store;
}

tb_store *test_open_new(void)
{
    return test_open(tb_test_folder());
}

const uint8_t *test_hash(unsigned number)
{
    static uint8_t hash[8][32];
    static unsigned next;
    uint8_t *to = hash[next++ % 8];
    uint64_t state = number * 0x9e3779b97f4a7c15u + 1;
    for (size_t i = 0; i < 32; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        to[i] = (uint8_t)(state >> 24);
    }
    return to;
}

tb_track_put test_put(unsigned number)
{
    static char title[40];
    snprintf(title, sizeof title, "Track %u", number);
    return (tb_track_put){.audio_hash = test_hash(number),
                          .audio_hash_size = 32,
                          .duration_s = 60 + number % 100,
                          .rate_hz = 44100,
                          .channels = 2,
                          .format = "flac",
                          .tags = {.title = title}};
}

int64_t test_add(tb_store *store, const tb_track_put *put)
{
    tb_error err = {0};
    tb_put_result result;
    assert_ok(tb_store_put_track(store, put, &result, &err));
    return result.track_id;
}

int64_t test_add_number(tb_store *store, unsigned number)
{
    const tb_track_put put = test_put(number);
    return test_add(store, &put);
}

int64_t test_space(tb_store *store, unsigned model)
{
    tb_error err = {0};
    int64_t id = 0;
    const tb_space_put put = {.name = "test", .model_hash = test_hash(1000000 + model), .model_hash_size = 32,
                              .dim = TEST_DIM, .n_parts = TEST_PARTS, .parts = "[\"low\", \"high\"]"};
    assert_ok(tb_store_put_space(store, &put, &id, &err));
    return id;
}

tb_embedding_row test_embedding(int64_t space_id, unsigned seed, size_t n_segments)
{
    enum { MOST = 20000 };
    static uint16_t halves[MOST * (TEST_DIM + TEST_PARTS) + TEST_DIM + TEST_PARTS];
    static float times[2 * MOST];
    if (n_segments > MOST) fail_msg("too many segments: %zu", n_segments);
    const size_t n = n_segments * (TEST_DIM + TEST_PARTS) + TEST_DIM + TEST_PARTS;
    for (size_t i = 0; i < n; i++)
        halves[i] = tb_half_from_float((float)((i * 7 + seed * 13) % 101) / 101.0f);
    for (size_t i = 0; i < n_segments; i++) {
        times[i] = (float)i * 1.5f;
        times[n_segments + i] = 3.0f;
    }
    const uint16_t *at = halves;
    tb_embedding_row row = {.space_id = space_id,
                            .n_segments = n_segments,
                            .dim = TEST_DIM,
                            .n_parts = TEST_PARTS,
                            .starts_s = times,
                            .durations_s = times + n_segments};
    row.track_vector = at;
    row.track_presence = at += TEST_DIM;
    row.segment_vectors = at += TEST_PARTS;
    row.segment_presence = at + n_segments * TEST_DIM;
    return row;
}

static bool same(const void *a, const void *b, size_t size)
{
    return size == 0 || memcmp(a, b, size) == 0;
}

bool test_embeddings_equal(const tb_embedding_row *a, const tb_embedding_row *b)
{
    const size_t n = a->n_segments;
    return a->space_id == b->space_id && n == b->n_segments && a->dim == b->dim && a->n_parts == b->n_parts &&
           same(a->track_vector, b->track_vector, a->dim * 2) &&
           same(a->track_presence, b->track_presence, a->n_parts * 2) &&
           same(a->starts_s, b->starts_s, n * 4) && same(a->durations_s, b->durations_s, n * 4) &&
           same(a->segment_vectors, b->segment_vectors, n * a->dim * 2) &&
           same(a->segment_presence, b->segment_presence, n * a->n_parts * 2);
}

void test_sql(const char *folder, const char *sql)
{
    char path[4096];
    sqlite3 *db = NULL;
    char *message = NULL;
    snprintf(path, sizeof path, "%s/timbre.db", folder);
    if (sqlite3_open(path, &db) != SQLITE_OK) fail_msg("%s: %s", path, sqlite3_errmsg(db));
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK) fail_msg("%s: %s", sql, message);
    sqlite3_close(db);
}

void test_fill(const char *folder, int n)
{
    char sql[1200];
    snprintf(
        sql, sizeof sql,
             "BEGIN; WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) "
             "INSERT INTO tracks (uid, audio_hash, added_ms, updated_ms, duration_s, rate_hz, channels, "
             "format, title, artist, album, genre, year) "
             "SELECT printf('fill%%012d', i), CAST(printf('hash%%028d', i) AS BLOB), i, i, i %% 600, 44100, "
             "2, 'flac', 'Title ' || (i * 7919 %% 100003), 'Artist ' || (i %% 997), 'Album ' || (i %% 9973), "
             "'Genre ' || (i %% 10), 1960 + i %% 60 FROM n; "
             "INSERT INTO features (track_id, f_tempo, f_loudness) SELECT id, 60 + id * 31 %% 1201 / 10.0, "
             "-id %% 40 FROM tracks WHERE id NOT IN (SELECT track_id FROM features); COMMIT",
             n);
    test_sql(folder, sql);
}
