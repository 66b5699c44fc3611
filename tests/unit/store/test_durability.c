// SPDX-License-Identifier: MIT
/* What was acknowledged is there: after kill -9, on a full disk, with many threads. */
#include "store_support.h"

#include "base/alloc.h"
#include "base/rng.h"
#include "store/sql_internal.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- whole tracks ------------------------------------------------------------------------------------- */

enum { N_SEGMENTS = 40 };

/* A track with everything, in which each part can be told from the number. */
static tb_status put_whole(tb_store *store, int64_t space, unsigned number, int64_t *track_id, tb_error *err)
{
    char path[40], value[40];
    snprintf(path, sizeof path, "/music/%u.flac", number);
    snprintf(value, sizeof value, "id-%u", number);
    const tb_file_put file = {.path = path, .size_bytes = number};
    const tb_external_id_value id = {"mbid", value};
    const tb_feature_value tempo = {"tempo", number};
    const tb_embedding_row embedding = test_embedding(space, number, N_SEGMENTS);
    tb_track_put put = test_put(number);
    put.file = &file;
    put.external_ids = &id;
    put.features = &tempo;
    put.embeddings = &embedding;
    put.n_external_ids = put.n_features = put.n_embeddings = 1;
    tb_put_result result;
    const tb_status status = tb_store_put_track(store, &put, &result, err);
    if (status == TB_OK && track_id) *track_id = result.track_id;
    return status;
}

static void assert_whole(tb_store *store, int64_t space, unsigned number)
{
    tb_error err = {0};
    tb_track_row track;
    tb_embedding_row read;
    void *memory;
    int64_t id = 0;
    char value[60];
    assert_ok(tb_store_find_audio(store, test_hash(number), 32, &id, &err));
    assert_ok(tb_store_get_track(store, id, TB_WITH_ALL, &track, &err));
    snprintf(value, sizeof value, "Track %u", number);
    assert_string_equal(track.tags.title, value);
    assert_int_equal(track.n_features, 1);
    assert_near(track.features[0].value, number, 0);
    assert_int_equal(track.n_files, 1);
    assert_int_equal(track.files[0].size_bytes, number);
    snprintf(value, sizeof value, "mbid:id-%u", number);
    assert_ok(tb_store_find_track(store, value, &id, &err));
    assert_int_equal(id, track.id);
    assert_ok(tb_store_get_embedding(store, id, space, &read, &memory, &err));
    const tb_embedding_row expected = test_embedding(space, number, N_SEGMENTS);
    assert_true(test_embeddings_equal(&read, &expected));
    tb_free(memory);
    tb_track_row_clear(&track);
}

/* --- kill -9 ------------------------------------------------------------------------------------------ */

/* In the child: puts tracks from `first` on and says so on the pipe after each. */
static void put_for_ever(const char *folder, unsigned first, int acknowledged)
{
    tb_error err = {0};
    tb_store *store = NULL;
    int64_t space = 0;
    const tb_store_options options = test_options(folder);
    const tb_space_put put = {.name = "test",
                              .model_hash = test_hash(1000001),
                              .model_hash_size = 32,
                              .dim = TEST_DIM,
                              .n_parts = TEST_PARTS,
                              .parts = "[\"low\", \"high\"]"};
    if (tb_store_open(&options, &store, &err) != TB_OK ||
        tb_store_put_space(store, &put, &space, &err) != TB_OK)
        _exit(2);
    for (unsigned number = first;; number++) {
        if (put_whole(store, space, number, NULL, &err) != TB_OK) _exit(3);
        if (write(acknowledged, &number, sizeof number) != sizeof number) _exit(4);
    }
}

static void acknowledged_tracks_survive_kill_9(void **state)
{
    (void)state;
    enum { ROUNDS = 20 };
    tb_error err = {0};
    const char *folder = tb_test_folder();
    unsigned n_acknowledged = 0;
    tb_rng rng;
    tb_rng_init(&rng, 99);
    for (int round = 0; round < ROUNDS; round++) {
        int ends[2];
        assert_int_equal(pipe(ends), 0);
        const pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            close(ends[0]);
            put_for_ever(folder, n_acknowledged, ends[1]);
        }
        close(ends[1]);
        const unsigned stop_at = n_acknowledged + (unsigned)tb_rng_below(&rng, 12);
        unsigned number;
        while (read(ends[0], &number, sizeof number) == sizeof number &&
               (n_acknowledged = number + 1) < stop_at) {
        }
        usleep((useconds_t)tb_rng_below(&rng, 8000)); /* somewhere in the middle of the next ones */
        kill(child, SIGKILL);
        while (read(ends[0], &number, sizeof number) == sizeof number) n_acknowledged = number + 1;
        close(ends[0]);
        int end_of_child;
        assert_int_equal(waitpid(child, &end_of_child, 0), child);
        assert_true(WIFSIGNALED(end_of_child));

        tb_store *store = test_open(folder);
        assert_ok(tb_store_check(store, &err));
        const int64_t space = test_space(store, 1);
        int64_t n = 0;
        assert_ok(tb_store_count_tracks(store, NULL, NULL, &n, &err));
        assert_true(n == n_acknowledged || n == n_acknowledged + 1); /* one may be stored and not yet told */
        for (unsigned i = 0; i < (unsigned)n; i++) assert_whole(store, space, i);
        n_acknowledged = (unsigned)n;
        tb_store_close(store);
    }
    assert_true(n_acknowledged > ROUNDS);
}

/* --- full disk ---------------------------------------------------------------------------------------- */

static void full_disk_loses_nothing_and_passes(void **state)
{
    (void)state;
    tb_error err = {0};
    struct rlimit before, small;
    tb_store *store = test_open_new();
    const int64_t space = test_space(store, 1);
    unsigned n = 0;
    for (; n < 10; n++) assert_ok(put_whole(store, space, n, NULL, &err));
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    void (*const handler)(int) = signal(SIGXFSZ, SIG_IGN); /* write(2) then fails as on a full disk */
    tb_store_counts counts;
    assert_ok(tb_store_count(store, &counts, &err));
    small = before;
    small.rlim_cur = (rlim_t)counts.size_bytes + 500000;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    tb_status status = TB_OK;
    while (n < 10000 && (status = put_whole(store, space, n, NULL, &err)) == TB_OK) n++;
    const tb_status again = put_whole(store, space, n, NULL, &err);
    int64_t found = 0;
    const tb_status half = tb_store_find_audio(store, test_hash(n), 32, &found, NULL);
    char sentence[sizeof err.message];
    memcpy(sentence, err.message, sizeof sentence);
    for (unsigned i = 0; i < n; i++) assert_whole(store, space, i); /* reading goes on */
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, handler);
    if (status != TB_FULL || again != TB_FULL)
        fail_msg("%s, then %s: %s", tb_status_name(status), tb_status_name(again), sentence);
    assert_status(half, TB_NOT_FOUND);
    assert_non_null(strstr(sentence, "full"));
    assert_true(n > 10);
    assert_ok(put_whole(store, space, n, NULL, &err)); /* there is space again */
    for (unsigned i = 0; i <= n; i++) assert_whole(store, space, i);
    assert_ok(tb_store_check(store, &err));
    tb_store_close(store);
}

static void backup_on_a_full_disk_leaves_nothing(void **state)
{
    (void)state;
    tb_error err = {0};
    struct rlimit before, small;
    tb_store *store = test_open_new();
    const int64_t space = test_space(store, 1);
    for (unsigned i = 0; i < 50; i++) assert_ok(put_whole(store, space, i, NULL, &err));
    char path[4096];
    snprintf(path, sizeof path, "%s/copy.db", tb_test_folder());
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    void (*const handler)(int) = signal(SIGXFSZ, SIG_IGN);
    small = before;
    small.rlim_cur = 50000;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    const tb_status status = tb_store_backup(store, path, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, handler);
    assert_status(status, TB_FULL);
    assert_int_equal(access(path, F_OK), -1);
    assert_ok(tb_store_backup(store, path, &err));
    tb_store_close(store);
}

/* --- threads ------------------------------------------------------------------------------------------ */

enum { N_WRITERS = 2, N_READERS = 4, PUTS_EACH = 60 };

typedef struct crowd {
    tb_store *store;
    int64_t space;
    atomic_uint next, n_read, n_failed;
    atomic_int writers_left;
    pthread_mutex_t lock; /* of test_embedding and test_put, which have static storage */
} crowd;

static void *write_tracks(void *context)
{
    crowd *c = context;
    tb_error err = {0};
    for (int i = 0; i < PUTS_EACH; i++) {
        const unsigned number = atomic_fetch_add(&c->next, 1);
        int64_t id = 0;
        pthread_mutex_lock(&c->lock);
        if (put_whole(c->store, c->space, number, &id, &err) != TB_OK) atomic_fetch_add(&c->n_failed, 1);
        pthread_mutex_unlock(&c->lock);
        const tb_track_edit edit = {.what = TB_EDIT_YEAR, .tags = {.year = 1900 + i}};
        if (tb_store_edit_track(c->store, id, &edit, &err) != TB_OK) atomic_fetch_add(&c->n_failed, 1);
        if (i % 10 == 9 && tb_store_delete_track(c->store, id, &err) != TB_OK)
            atomic_fetch_add(&c->n_failed, 1);
    }
    atomic_fetch_sub(&c->writers_left, 1);
    return NULL;
}

/* Whatever is seen is whole: one feature, one file, one external ID. */
static void *read_tracks(void *context)
{
    crowd *c = context;
    tb_error err = {0};
    while (atomic_load(&c->writers_left) > 0) {
        tb_track_page page;
        const tb_track_page_options options = {.limit = 50,
                                               .sort = "-added",
                                               .words = "track",
                                               .with = TB_WITH_ALL};
        if (tb_store_list_tracks(c->store, &options, &page, &err) != TB_OK) {
            atomic_fetch_add(&c->n_failed, 1);
            continue;
        }
        for (size_t i = 0; i < page.n; i++) {
            const tb_track_row *track = &page.tracks[i];
            if (track->n_features != 1 || track->n_files != 1 || track->n_external_ids != 1)
                atomic_fetch_add(&c->n_failed, 1);
            tb_embedding_row embedding;
            void *memory = NULL;
            const tb_status status = tb_store_get_embedding(c->store, track->id, c->space, &embedding,
                                                            &memory, &err);
            if (status != TB_OK && status != TB_NOT_FOUND)
                atomic_fetch_add(&c->n_failed, 1); /* it may be deleted by now */
            tb_free(memory);
        }
        atomic_fetch_add(&c->n_read, (unsigned)page.n);
        tb_track_page_clear(&page);
    }
    return NULL;
}

static void readers_see_whole_tracks_while_writers_write(void **state)
{
    (void)state;
    tb_error err = {0};
    crowd c = {.store = test_open_new(), .writers_left = N_WRITERS};
    pthread_t threads[N_WRITERS + N_READERS];
    c.space = test_space(c.store, 1);
    pthread_mutex_init(&c.lock, NULL);
    for (size_t i = 0; i < N_WRITERS + N_READERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, i < N_WRITERS ? write_tracks : read_tracks, &c),
                         0);
    for (size_t i = 0; i < N_WRITERS + N_READERS; i++) pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&c.n_failed), 0);
    assert_true(atomic_load(&c.n_read) > 0);
    int64_t n = 0;
    assert_ok(tb_store_count_tracks(c.store, NULL, NULL, &n, &err));
    assert_int_equal(n, N_WRITERS * PUTS_EACH * 9 / 10);
    assert_ok(tb_store_check(c.store, &err));
    pthread_mutex_destroy(&c.lock);
    tb_store_close(c.store);
}

/* --- the WAL ------------------------------------------------------------------------------------------ */

static int64_t wal_bytes(tb_store *store)
{
    char path[4096];
    struct stat info;
    snprintf(path, sizeof path, "%s-wal", tb_store_path(store));
    return stat(path, &info) == 0 ? (int64_t)info.st_size : 0;
}

static void *read_for_ever(void *context)
{
    crowd *c = context;
    tb_error err = {0};
    while (atomic_load(&c->writers_left) > 0) {
        int64_t n;
        if (tb_store_count_tracks(c->store, NULL, "track", &n, &err) != TB_OK)
            atomic_fetch_add(&c->n_failed, 1);
        atomic_fetch_add(&c->n_read, 1);
    }
    return NULL;
}

static void busy_readers_do_not_let_the_wal_grow_for_ever(void **state)
{
    (void)state;
    tb_error err = {0};
    crowd c = {.store = test_open_new(), .writers_left = 1};
    pthread_t threads[N_READERS];
    c.space = test_space(c.store, 1);
    for (size_t i = 0; i < N_READERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_for_ever, &c), 0);
    int64_t largest = 0;
    for (unsigned i = 0; i < 120; i++) {
        if (c.store->wal_limit > 1000) c.store->wal_limit = 1000; /* 4 MB, not 64: the test is to be quick */
        assert_ok(put_whole(c.store, c.space, i, NULL, &err));
        if (wal_bytes(c.store) > largest) largest = wal_bytes(c.store);
    }
    atomic_store(&c.writers_left, 0);
    for (size_t i = 0; i < N_READERS; i++) pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&c.n_failed), 0);
    if (largest > 8000000) fail_msg("the WAL grew to %lld bytes", (long long)largest);
    assert_true(largest > 3000000); /* it was put to the test */
    tb_store_close(c.store);
}

static void long_reader_does_not_hold_writers_up(void **state)
{
    (void)state;
    tb_error err = {0};
    const char *folder = tb_test_folder();
    tb_store *store = test_open(folder);
    const int64_t space = test_space(store, 1);
    sqlite3 *reader; /* such as a backup: it keeps its moment */
    assert_int_equal(sqlite3_open(tb_store_path(store), &reader), SQLITE_OK);
    assert_int_equal(sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM tracks", NULL, NULL, NULL), SQLITE_OK);
    store->wal_limit = 1;
    const int64_t start = tb_clock_system()->mono_ns(tb_clock_system());
    assert_ok(put_whole(store, space, 1, NULL, &err)); /* waits for the reader once, in vain */
    const double first_s = tb_clock_elapsed_s(tb_clock_system(), start);
    assert_true(store->wal_limit > 16000); /* and then not for a while */
    assert_true(first_s >= 0.4);
    assert_ok(put_whole(store, space, 2, NULL, &err));
    sqlite3_close(reader);
    store->wal_limit = 1;
    assert_ok(put_whole(store, space, 3, NULL, &err));
    assert_int_equal(store->wal_limit, 16000);
    tb_store_close(store);
}

TB_TESTS(durability, cmocka_unit_test(acknowledged_tracks_survive_kill_9),
         cmocka_unit_test(full_disk_loses_nothing_and_passes),
         cmocka_unit_test(backup_on_a_full_disk_leaves_nothing),
         cmocka_unit_test(readers_see_whole_tracks_while_writers_write),
         cmocka_unit_test(busy_readers_do_not_let_the_wal_grow_for_ever),
         cmocka_unit_test(long_reader_does_not_hold_writers_up))
