// SPDX-License-Identifier: MIT
/* What the tests of the store share: opening, made-up tracks. */
#ifndef TIMBRE_TESTS_UNIT_STORE_STORE_SUPPORT_H
#define TIMBRE_TESTS_UNIT_STORE_STORE_SUPPORT_H

#include "support/testing.h"

#include "store/job_table.h"
#include "store/store.h"
#include "store/track_table.h"

/* tempo loudness key mode presence_drums */
extern const char *const test_features[];
enum { N_TEST_FEATURES = 5, TEST_DIM = 8, TEST_PARTS = 2 };

tb_store_options test_options(const char *folder);
/* Opens or fails the test. */
tb_store *test_open(const char *folder);
tb_store *test_open_new(void);

/* A hash of 32 bytes that is different for each number. */
const uint8_t *test_hash(unsigned number);
/* A put of a made-up track: nothing but audio and a title "Track <number>" (static storage: one at a time).
 * */
tb_track_put test_put(unsigned number);
/* Puts it and returns its number. */
int64_t test_add(tb_store *store, const tb_track_put *put);
int64_t test_add_number(tb_store *store, unsigned number);

/* A space "test" of TEST_DIM dimensions; the model is told apart by its number. */
int64_t test_space(tb_store *store, unsigned model);
/* An embedding whose numbers depend on `seed` (static storage: one at a time). */
tb_embedding_row test_embedding(int64_t space_id, unsigned seed, size_t n_segments);
bool test_embeddings_equal(const tb_embedding_row *a, const tb_embedding_row *b);

/* Runs SQL on the database file behind the store's back. */
void test_sql(const char *folder, const char *sql);
/* Adds n tracks at once in that way, with a tempo of 60 to 180 and a genre of ten, but without words. */
void test_fill(const char *folder, int n);

#endif
