// SPDX-License-Identifier: MIT
/* Writing tracks and reading them back. */
#include "store_support.h"

#include "base/alloc.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static tb_track_row get(tb_store *store, int64_t id)
{
    tb_error err = {0};
    tb_track_row track;
    assert_ok(tb_store_get_track(store, id, TB_WITH_ALL, &track, &err));
    return track;
}

static int64_t count_words(tb_store *store, const char *words)
{
    tb_error err = {0};
    int64_t n = -1;
    assert_ok(tb_store_count_tracks(store, NULL, words, &n, &err));
    return n;
}

static const char *feature_text(const tb_track_row *track)
{
    static char text[200];
    text[0] = 0;
    for (size_t i = 0; i < track->n_features; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s=%g ", track->features[i].name,
                 track->features[i].value);
    return text;
}

static void track_comes_back_as_it_was_put(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_clock clock;
    tb_clock_init_manual(&clock, 1700000000000);
    tb_store_options options = test_options(tb_test_folder());
    options.clock = &clock;
    tb_store *store = NULL;
    assert_ok(tb_store_open(&options, &store, &err));
    const int64_t space = test_space(store, 1);
    const tb_embedding_row embedding = test_embedding(space, 5, 3);
    const tb_feature_value features[] = {{"mode", 1}, {"tempo", 119.5}};
    const tb_external_id_value ids[] = {{"navidrome", "abc"}, {"mbid", "0-1"}};
    const tb_file_put file = {.path = "/music/\xff\xfe.flac",
                              .size_bytes = 12345,
                              .modified_ns = 99,
                              .file_hash = test_hash(77),
                              .file_hash_size = 32};
    tb_track_put put = test_put(7);
    put.tags = (tb_tag_values){.title = "Blue Train",
                               .artist = "John Coltrane",
                               .album = "Blue Train",
                               .album_artist = "JC",
                               .composer = "Coltrane",
                               .genre = "Jazz; Hard Bop",
                               .comment = "a\nb",
                               .year = 1957,
                               .track = 1,
                               .disc = 2};
    put.payload = "{\"mood\": \"blue\"}";
    put.analysis = "{\"chroma\": [1, 2]}";
    put.analysis_version = 3;
    put.features = features;
    put.n_features = 2;
    put.external_ids = ids;
    put.n_external_ids = 2;
    put.embeddings = &embedding;
    put.n_embeddings = 1;
    put.file = &file;
    tb_put_result result;
    assert_ok(tb_store_put_track(store, &put, &result, &err));
    assert_true(result.created);
    assert_true(result.changed);
    assert_int_equal(result.removed_track_id, 0);
    assert_int_equal(strlen(result.uid), 16);

    tb_track_row track = get(store, result.track_id);
    assert_string_equal(track.uid, result.uid);
    assert_int_equal(track.audio_hash_size, 32);
    assert_memory_equal(track.audio_hash, put.audio_hash, 32);
    assert_near(track.duration_s, put.duration_s, 0);
    assert_int_equal(track.rate_hz, 44100);
    assert_int_equal(track.channels, 2);
    assert_string_equal(track.format, "flac");
    assert_int_equal(track.added_ms, 1700000000000);
    assert_int_equal(track.updated_ms, 1700000000000);
    assert_int_equal(track.analysis_version, 3);
    assert_string_equal(track.tags.title, "Blue Train");
    assert_string_equal(track.tags.artist, "John Coltrane");
    assert_string_equal(track.tags.album_artist, "JC");
    assert_string_equal(track.tags.composer, "Coltrane");
    assert_string_equal(track.tags.genre, "Jazz; Hard Bop");
    assert_string_equal(track.tags.comment, "a\nb");
    assert_int_equal(track.tags.year, 1957);
    assert_int_equal(track.tags.track, 1);
    assert_int_equal(track.tags.disc, 2);
    assert_int_equal(track.edited, 0);
    assert_string_equal(track.payload, "{\"mood\": \"blue\"}");
    assert_string_equal(track.analysis, "{\"chroma\": [1, 2]}");
    assert_string_equal(feature_text(&track), "tempo=119.5 mode=1 ");
    assert_int_equal(track.n_external_ids, 2);
    assert_string_equal(track.external_ids[0].scheme, "mbid");
    assert_string_equal(track.external_ids[1].value, "abc");
    assert_int_equal(track.n_files, 1);
    assert_string_equal(track.files[0].path, "/music/\xff\xfe.flac");
    assert_int_equal(track.files[0].library_id, 0);
    assert_null(track.files[0].library);
    tb_track_row_clear(&track);
    tb_track_row_clear(&track);

    assert_ok(tb_store_get_track(store, result.track_id, 0, &track, &err));
    assert_null(track.payload);
    assert_int_equal(track.n_features + track.n_external_ids + track.n_files, 0);
    tb_track_row_clear(&track);
    tb_store_close(store);
}

static void uid_is_the_start_of_the_audio_hash(void **state)
{
    (void)state;
    tb_store *store = test_open_new();
    uint8_t hash[16] = {0};
    tb_track_put put = test_put(1);
    put.audio_hash = hash;
    put.audio_hash_size = sizeof hash;
    tb_track_row track = get(store, test_add(store, &put));
    assert_string_equal(track.uid, "0000000000000000");
    tb_track_row_clear(&track);
    hash[15] = 1; /* other audio, but the first 80 bits are the same */
    tb_error err = {0};
    tb_put_result result;
    assert_status(tb_store_put_track(store, &put, &result, &err), TB_EXISTS);
    tb_store_close(store);
}

static void track_is_found_by_what_it_has(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_store *store = test_open_new();
    const tb_external_id_value id = {"spotify", "spotify:track:1"};
    const tb_file_put file = {.path = "/a", .file_hash = test_hash(500), .file_hash_size = 32};
    tb_track_put put = test_put(3);
    put.external_ids = &id;
    put.n_external_ids = 1;
    put.file = &file;
    tb_put_result result;
    test_add_number(store, 1);
    assert_ok(tb_store_put_track(store, &put, &result, &err));
    int64_t found = 0;
    assert_ok(tb_store_find_track(store, result.uid, &found, &err));
    assert_int_equal(found, result.track_id);
    found = 0;
    assert_ok(tb_store_find_track(store, "spotify:spotify:track:1", &found, &err));
    assert_int_equal(found, result.track_id);
    found = 0;
    assert_ok(tb_store_find_audio(store, test_hash(3), 32, &found, &err));
    assert_int_equal(found, result.track_id);
    found = 0;
    assert_ok(tb_store_find_file_hash(store, test_hash(500), 32, &found, &err));
    assert_int_equal(found, result.track_id);

    const char *const wrong[] = {"",
                                 "nothing",
                                 ":",
                                 "spotify:",
                                 "spotify:other",
                                 ":x",
                                 "\xff",
                                 "a_very_long_scheme_that_nobody_would_ever_use_at_all:1"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_status(tb_store_find_track(store, wrong[i], &found, &err), TB_NOT_FOUND);
        assert_true(strlen(err.message) > 10);
    }
    assert_status(tb_store_find_audio(store, test_hash(4), 32, &found, &err), TB_NOT_FOUND);
    assert_status(tb_store_find_file_hash(store, test_hash(501), 32, &found, &err), TB_NOT_FOUND);
    assert_status(tb_store_find_file_hash(store, test_hash(501), 3, &found, &err), TB_INVALID);
    tb_track_row track;
    assert_status(tb_store_get_track(store, 4711, 0, &track, &err), TB_NOT_FOUND);
    tb_store_close(store);
}

static void many_tracks_are_read_at_once(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_store *store = test_open_new();
    int64_t ids[5];
    for (unsigned i = 0; i < 3; i++) ids[i] = test_add_number(store, i);
    ids[3] = 999; /* no such track */
    ids[4] = ids[0];
    tb_track_row *tracks = NULL;
    assert_ok(tb_store_get_tracks(store, ids, 5, TB_WITH_ALL, &tracks, &err));
    for (size_t i = 0; i < 5; i++) assert_int_equal(tracks[i].id, i == 3 ? 0 : ids[i]);
    assert_string_equal(tracks[4].tags.title, "Track 0");
    tb_track_rows_free(tracks, 5);
    assert_ok(tb_store_get_tracks(store, ids, 0, TB_WITH_ALL, &tracks, &err));
    tb_track_rows_free(tracks, 0);
    assert_status(tb_store_get_tracks(store, ids, 1000000, 0, &tracks, &err), TB_INVALID);
    tb_store_close(store);
}

static void same_audio_twice_is_one_track_with_two_files(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_store *store = test_open_new();
    const tb_file_put first = {.path = "/a", .size_bytes = 1}, second = {.path = "/b", .size_bytes = 1};
    const tb_external_id_value id = {"isrc", "X"};
    const tb_embedding_row embedding = test_embedding(test_space(store, 1), 1, 2);
    tb_track_put put = test_put(1);
    tb_put_result result, again;
    put.file = &first;
    assert_ok(tb_store_put_track(store, &put, &result, &err));
    put.file = &second;
    put.tags.title = "Another title";
    put.external_ids = &id;
    put.n_external_ids = 1;
    put.embeddings = &embedding;
    put.n_embeddings = 1;
    assert_ok(tb_store_put_track(store, &put, &again, &err));
    assert_false(again.created);
    assert_true(again.changed);
    assert_int_equal(again.track_id, result.track_id);
    assert_string_equal(again.uid, result.uid);
    tb_track_row track = get(store, result.track_id);
    assert_int_equal(track.n_files, 2);
    assert_string_equal(track.files[1].path, "/b");
    assert_string_equal(track.tags.title, "Track 1"); /* TB_PUT_ATTACH leaves the tags */
    assert_int_equal(track.n_external_ids, 1);
    tb_track_row_clear(&track);
    tb_embedding_row read;
    void *memory = NULL;
    assert_ok(tb_store_get_embedding(store, result.track_id, embedding.space_id, &read, &memory, &err));
    assert_int_equal(read.n_segments, 2);
    tb_free(memory);
    assert_ok(tb_store_put_track(store, &put, &again, &err)); /* nothing new any more */
    assert_false(again.changed);
    tb_store_close(store);
}

static void retagged_file_refreshes_all_but_edited_tags(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_store *store = test_open_new();
    tb_track_put put = test_put(1);
    put.tags = (tb_tag_values){.title = "Old", .artist = "Old", .year = 1990};
    const int64_t id = test_add(store, &put);
    const tb_track_edit edit = {.what = TB_EDIT_ARTIST | TB_EDIT_YEAR, .tags = {.artist = "Mine"}};
    assert_ok(tb_store_edit_track(store, id, &edit, &err));
    put.tags = (tb_tag_values){.title = "New", .artist = "New", .year = 2000, .track = 5};
    put.mode = TB_PUT_RETAG;
    test_add(store, &put);
    tb_track_row track = get(store, id);
    assert_string_equal(track.tags.title, "New");
    assert_string_equal(track.tags.artist, "Mine");
    assert_int_equal(track.tags.year, 0); /* a person took it away */
    assert_int_equal(track.tags.track, 5);
    tb_track_row_clear(&track);
    assert_int_equal(count_words(store, "old"), 0);
    assert_int_equal(count_words(store, "mine ne"), 1); /* the last word may be a beginning */
    assert_int_equal(count_words(store, "ne mine"), 0);
    assert_ok(tb_store_check(store, &err));
    tb_store_close(store);
}

static void tags_given_by_a_person_at_put_win(void **state)
{
    (void)state;
    tb_store *store = test_open_new();
    tb_track_put put = test_put(1);
    put.tags = (tb_tag_values){.title = "Given", .artist = "File"};
    put.edited = TB_EDIT_TITLE;
    const int64_t id = test_add(store, &put);
    put.tags = (tb_tag_values){.title = "File", .artist = "File 2"};
    put.edited = 0;
    put.mode = TB_PUT_RETAG;
    test_add(store, &put);
    tb_track_row track = get(store, id);
    assert_string_equal(track.tags.title, "Given");
    assert_string_equal(track.tags.artist, "File 2");
    assert_int_equal(track.edited, TB_EDIT_TITLE);
    tb_track_row_clear(&track);
    put.tags.title = "Given later";
    put.edited = TB_EDIT_TITLE;
    put.mode = TB_PUT_ATTACH;
    test_add(store, &put);
    track = get(store, id);
    assert_string_equal(track.tags.title, "Given later");
    tb_track_row_clear(&track);
    tb_store_close(store);
}

static void forced_put_replaces_the_analysis(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_store *store = test_open_new();
    const int64_t space = test_space(store, 1);
    const tb_feature_value old[] = {{"tempo", 100}, {"loudness", -9}}, fresh[] = {{"tempo", 101}};
    tb_embedding_row embedding = test_embedding(space, 1, 5);
    tb_track_put put = test_put(1);
    put.features = old;
    put.n_features = 2;
    put.embeddings = &embedding;
    put.n_embeddings = 1;
    put.analysis = "{\"a\": 1}";
    const int64_t id = test_add(store, &put);
    put.features = fresh;
    put.n_features = 1;
    put.analysis = NULL;
    put.analysis_version = 9;
    put.duration_s = 5;
    embedding = test_embedding(space, 2, 4);
    test_add(store, &put); /* TB_PUT_ATTACH: nothing of it */
    tb_track_row track = get(store, id);
    assert_string_equal(feature_text(&track), "tempo=100 loudness=-9 ");
    tb_track_row_clear(&track);
    put.mode = TB_PUT_REPLACE;
    test_add(store, &put);
    track = get(store, id);
    assert_string_equal(feature_text(&track), "tempo=101 ");
    assert_null(track.analysis);
    assert_int_equal(track.analysis_version, 9);
    assert_near(track.duration_s, 5, 0);
    tb_track_row_clear(&track);
    tb_embedding_row read;
    void *memory = NULL;
    assert_ok(tb_store_get_embedding(store, id, space, &read, &memory, &err));
    assert_true(test_embeddings_equal(&read, &embedding));
    tb_free(memory);
    tb_store_close(store);
}

static void file_with_other_audio_takes_its_old_track_away(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_store *store = test_open_new();
    const tb_file_put file = {.path = "/a", .size_bytes = 1}, copy = {.path = "/copy", .size_bytes = 1};
    tb_put_result result, other;
    tb_track_put put = test_put(1);
    put.file = &file;
    assert_ok(tb_store_put_track(store, &put, &result, &err));
    tb_track_put next = test_put(2);
    next.file = &file;
    assert_ok(tb_store_put_track(store, &next, &other, &err));
    assert_int_equal(other.removed_track_id, result.track_id);
    tb_track_row track;
    assert_status(tb_store_get_track(store, result.track_id, 0, &track, &err), TB_NOT_FOUND);
    next.file = &copy; /* track 2 lies at two places now */
    test_add(store, &next);
    put.file = &file;
    assert_ok(tb_store_put_track(store, &put, &result, &err));
    assert_int_equal(result.removed_track_id, 0);
    track = get(store, other.track_id);
    assert_int_equal(track.n_files, 1);
    tb_track_row_clear(&track);
    tb_store_close(store);
}

static void numbers_of_tracks_are_never_given_again(void **state)
{
    (void)state;
    tb_error err = {0};
    const char *folder = tb_test_folder();
    tb_store *store = test_open(folder);
    test_add_number(store, 1);
    const int64_t second = test_add_number(store, 2);
    assert_ok(tb_store_delete_track(store, second, &err));
    tb_store_close(store);
    store = test_open(folder);
    assert_true(test_add_number(store, 3) > second);
    assert_true(test_add_number(store, 2) > second); /* the same audio is a new record */
    tb_store_close(store);
}

static void delete_takes_everything_with_it(void **state)
{
    (void)state;
    tb_error err = {0};
    const char *folder = tb_test_folder();
    tb_store *store = test_open(folder);
    const int64_t space = test_space(store, 1);
    const tb_embedding_row embedding = test_embedding(space, 1, 5);
    const tb_external_id_value id = {"isrc", "X"};
    const tb_file_put file = {.path = "/a"};
    tb_track_put put = test_put(1);
    put.embeddings = &embedding;
    put.external_ids = &id;
    put.file = &file;
    put.n_embeddings = put.n_external_ids = 1;
    const int64_t track = test_add(store, &put);
    tb_store_counts counts;
    assert_ok(tb_store_count(store, &counts, &err));
    assert_int_equal(counts.tracks, 1);
    assert_int_equal(counts.files, 1);
    assert_int_equal(counts.segments, 5);
    assert_ok(tb_store_delete_track(store, track, &err));
    assert_ok(tb_store_count(store, &counts, &err));
    assert_int_equal(counts.tracks + counts.files + counts.segments, 0);
    assert_int_equal(count_words(store, "track"), 0);
    assert_status(tb_store_delete_track(store, track, &err), TB_NOT_FOUND);
    assert_ok(tb_store_check(store, &err));
    tb_store_close(store);
    test_sql(folder, "CREATE TABLE left_over (n CHECK (n = 0)); INSERT INTO left_over SELECT "
                     "(SELECT count(*) FROM embeddings) + (SELECT count(*) FROM features) + "
                     "(SELECT count(*) FROM external_ids)");
}

static void edit_sets_and_clears(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_store *store = test_open_new();
    tb_track_put put = test_put(1);
    const tb_external_id_value ids[] = {{"isrc", "A"}, {"mbid", "B"}};
    const tb_feature_value tempo = {"tempo", 82};
    put.tags.artist = "Somebody";
    put.payload = "{\"a\": 1}";
    put.external_ids = ids;
    put.n_external_ids = 2;
    put.features = &tempo;
    put.n_features = 1;
    const int64_t id = test_add(store, &put);
    const tb_external_id_value new_ids[] = {{"isrc", "C"}, {"mbid", NULL}, {"jellyfin", "D"}};
    const tb_feature_value corrected[] = {{"tempo", 164}, {"loudness", NAN}};
    tb_track_edit edit = {.what = TB_EDIT_TITLE | TB_EDIT_ARTIST | TB_EDIT_YEAR | TB_EDIT_PAYLOAD,
                          .tags = {.title = "Fixed", .artist = "", .year = 1999, .album = "not asked for"},
                          .payload = "{\"b\": [true]}", .external_ids = new_ids, .n_external_ids = 3,
                          .features = corrected, .n_features = 2};
    assert_ok(tb_store_edit_track(store, id, &edit, &err));
    tb_track_row track = get(store, id);
    assert_string_equal(track.tags.title, "Fixed");
    assert_null(track.tags.artist);
    assert_null(track.tags.album);
    assert_int_equal(track.tags.year, 1999);
    assert_string_equal(track.payload, "{\"b\": [true]}");
    assert_int_equal(track.n_external_ids, 2);
    assert_string_equal(track.external_ids[0].scheme, "isrc");
    assert_string_equal(track.external_ids[0].value, "C");
    assert_string_equal(track.external_ids[1].scheme, "jellyfin");
    assert_string_equal(feature_text(&track), "tempo=164 ");
    tb_track_row_clear(&track);
    edit = (tb_track_edit){.what = TB_EDIT_PAYLOAD};
    assert_ok(tb_store_edit_track(store, id, &edit, &err));
    track = get(store, id);
    assert_null(track.payload);
    assert_string_equal(track.tags.title, "Fixed");
    tb_track_row_clear(&track);
    assert_int_equal(count_words(store, "somebody"), 0);
    assert_int_equal(count_words(store, "fixed"), 1);
    assert_ok(tb_store_check(store, &err));
    tb_store_close(store);
}

static void wrong_edits_change_nothing(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_store *store = test_open_new();
    tb_track_put put = test_put(1);
    const tb_external_id_value taken = {"isrc", "A"};
    put.external_ids = &taken;
    put.n_external_ids = 1;
    test_add(store, &put);
    const int64_t id = test_add_number(store, 2);
    static char huge[TB_STORE_TAG_MAX + 2];
    memset(huge, 'x', sizeof huge - 1);
    const tb_external_id_value bad_scheme = {"Not A Scheme", "x"}, empty = {"isrc", ""},
                               control = {"isrc", "a\nb"};
    const tb_feature_value unknown = {"energy", 1}, infinite = {"tempo", INFINITY};
    const struct {
        tb_track_edit edit;
        tb_status expected;
    } cases[] = {
        {{.what = TB_EDIT_TITLE, .tags = {.title = "\xff"}}, TB_INVALID},
        {{.what = TB_EDIT_TITLE, .tags = {.title = huge}}, TB_TOO_LARGE},
        {{.what = TB_EDIT_YEAR, .tags = {.year = 123456}}, TB_INVALID},
        {{.what = TB_EDIT_TRACK, .tags = {.track = -1}}, TB_INVALID},
        {{.what = TB_EDIT_PAYLOAD, .payload = "{"}, TB_INVALID},
        {{.what = TB_EDIT_PAYLOAD, .payload = "[1]"}, TB_INVALID},
        {{.what = TB_EDIT_PAYLOAD, .payload = ""}, TB_INVALID},
        {{.external_ids = &taken, .n_external_ids = 1}, TB_EXISTS},
        {{.external_ids = &bad_scheme, .n_external_ids = 1}, TB_INVALID},
        {{.external_ids = &empty, .n_external_ids = 1}, TB_INVALID},
        {{.external_ids = &control, .n_external_ids = 1}, TB_INVALID},
        {{.features = &unknown, .n_features = 1}, TB_INVALID},
        {{.features = &infinite, .n_features = 1}, TB_INVALID},
    };
    int64_t seq_before, seq_after;
    assert_ok(tb_store_last_change(store, &seq_before, &err));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tb_track_edit edit = cases[i].edit;
        if (edit.n_external_ids) { /* what comes before the mistake is rolled back too */
            edit.what |= TB_EDIT_ALBUM;
            edit.tags.album = "Half done";
        }
        const tb_status status = tb_store_edit_track(store, id, &edit, &err);
        if (status != cases[i].expected)
            fail_msg("case %zu: %s (%s)", i, tb_status_name(status), err.message);
    }
    assert_status(tb_store_edit_track(store, 999, &(tb_track_edit){.what = TB_EDIT_TITLE}, &err),
                  TB_NOT_FOUND);
    assert_ok(tb_store_last_change(store, &seq_after, &err));
    assert_int_equal(seq_before, seq_after);
    tb_track_row track = get(store, id);
    assert_null(track.tags.album);
    assert_string_equal(track.tags.title, "Track 2");
    tb_track_row_clear(&track);
    tb_store_close(store);
}

static void wrong_puts_store_nothing(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_store *store = test_open_new();
    const int64_t space = test_space(store, 1);
    tb_put_result result;
    const tb_feature_value nan_feature = {"tempo", NAN}, unknown = {"energy", 1};
    const tb_file_put relative = {.path = "a/b"}, no_library = {.path = "/a", .library_id = 77};
    tb_embedding_row nan_vector = test_embedding(space, 1, 2);
    static uint16_t nan_halves[TEST_DIM] = {0x7e00};
    nan_vector.track_vector = nan_halves;
    tb_embedding_row other_space = test_embedding(space + 1, 1, 2);
#define CASE(change, expected)                                                                     \
    do {                                                                                           \
        tb_track_put put = test_put(1);                                                            \
        change;                                                                                    \
        assert_status(tb_store_put_track(store, &put, &result, &err), expected);                   \
    } while (0)
    CASE(put.audio_hash_size = 5, TB_INVALID);
    CASE(put.audio_hash = NULL, TB_INVALID);
    CASE(put.duration_s = NAN, TB_INVALID);
    CASE(put.duration_s = INFINITY, TB_INVALID);
    CASE(put.duration_s = -1, TB_INVALID);
    CASE(put.rate_hz = 0, TB_INVALID);
    CASE(put.channels = -2, TB_INVALID);
    CASE((put.features = &nan_feature, put.n_features = 1), TB_INVALID);
    CASE((put.features = &unknown, put.n_features = 1), TB_INVALID);
    CASE(put.payload = "nonsense", TB_INVALID);
    CASE(put.payload = "{\"a\": \"\xff\"}", TB_INVALID);
    CASE(put.analysis = "[]", TB_INVALID);
    CASE(put.file = &relative, TB_INVALID);
    CASE(put.file = &no_library, TB_NOT_FOUND);
    CASE((put.embeddings = &nan_vector, put.n_embeddings = 1), TB_INVALID);
    CASE((put.embeddings = &other_space, put.n_embeddings = 1), TB_NOT_FOUND);
#undef CASE
    int64_t n = -1, seq = -1;
    assert_ok(tb_store_count_tracks(store, NULL, NULL, &n, &err));
    assert_int_equal(n, 0);
    assert_ok(tb_store_last_change(store, &seq, &err));
    assert_int_equal(seq, 0);
    tb_store_close(store);
}

static void tags_from_files_are_cleaned_not_refused(void **state)
{
    (void)state;
    tb_store *store = test_open_new();
    static char huge[100000];
    memset(huge, 'a', sizeof huge - 1);
    memcpy(huge + TB_STORE_TAG_MAX - 1, "\xc3\xa4", 2); /* a character across the limit */
    tb_track_put put = test_put(1);
    put.tags = (tb_tag_values){.title = huge,
                               .artist = "\xff\xfe",
                               .album = "a\x01"
                                        "b",
                               .album_artist = "",
                               .comment = huge,
                               .year = 1234567,
                               .track = -5};
    tb_track_row track = get(store, test_add(store, &put));
    assert_int_equal(strlen(track.tags.title), TB_STORE_TAG_MAX - 1);
    assert_string_equal(track.tags.artist, "\xef\xbf\xbd\xef\xbf\xbd");
    assert_string_equal(track.tags.album, "ab");
    assert_null(track.tags.album_artist);
    assert_int_equal(strlen(track.tags.comment), TB_STORE_COMMENT_MAX);
    assert_int_equal(track.tags.year, 0);
    assert_int_equal(track.tags.track, 0);
    tb_track_row_clear(&track);
    tb_store_close(store);
}

static void changes_keep_the_last_of_each_track(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_store *store = test_open_new();
    tb_change_row *changes = NULL;
    size_t n = 0;
    int64_t seq = -1;
    assert_ok(tb_store_changes(store, 0, 10, &changes, &n, &err));
    assert_int_equal(n, 0);
    tb_free(changes);
    const int64_t a = test_add_number(store, 1), b = test_add_number(store, 2), c = test_add_number(store, 3);
    assert_ok(tb_store_last_change(store, &seq, &err));
    const tb_track_edit edit = {.what = TB_EDIT_TITLE, .tags = {.title = "x"}};
    assert_ok(tb_store_edit_track(store, a, &edit, &err));
    assert_ok(tb_store_edit_track(store, a, &edit, &err)); /* changes nothing: no entry */
    assert_ok(tb_store_delete_track(store, b, &err));
    assert_ok(tb_store_changes(store, 0, 10, &changes, &n, &err));
    assert_int_equal(n, 3);
    const struct {
        int64_t id;
        tb_change_kind kind;
    } expected[] = {{c, TB_CHANGE_ADDED}, {a, TB_CHANGE_UPDATED}, {b, TB_CHANGE_DELETED}};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(changes[i].track_id, expected[i].id);
        assert_int_equal(changes[i].kind, expected[i].kind);
        assert_int_equal(strlen(changes[i].uid), 16);
        assert_true(changes[i].at_ms > 0);
        assert_true(i == 0 || changes[i].seq > changes[i - 1].seq);
    }
    const int64_t last = changes[2].seq;
    tb_free(changes);
    assert_ok(tb_store_changes(store, seq, 1, &changes, &n, &err));
    assert_int_equal(n, 1);
    assert_int_equal(changes[0].track_id, a);
    tb_free(changes);
    const int64_t again = test_add_number(store, 2);
    assert_ok(tb_store_changes(store, last, 10, &changes, &n, &err));
    assert_int_equal(n, 1);
    assert_int_equal(changes[0].track_id, again);
    assert_int_equal(changes[0].kind, TB_CHANGE_ADDED);
    tb_free(changes);
    assert_status(tb_store_changes(store, 0, 0, &changes, &n, &err), TB_INVALID);
    assert_status(tb_store_changes(store, 0, 100000, &changes, &n, &err), TB_INVALID);
    tb_store_close(store);
}

typedef struct walk {
    tb_store *store;
    int64_t last;
    size_t n, stop_at;
} walk;

static tb_status step(void *context, const tb_track_row *track)
{
    walk *w = context;
    assert_true(track->id > w->last);
    w->last = track->id;
    tb_track_row again; /* a callback may call the store */
    tb_error err;
    assert_ok(tb_store_get_track(w->store, track->id, 0, &again, &err));
    assert_string_equal(again.uid, track->uid);
    tb_track_row_clear(&again);
    return ++w->n == w->stop_at ? TB_CANCELLED : TB_OK;
}

static void walk_over_all_tracks_can_be_resumed(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_store_options options = test_options(tb_test_folder());
    options.n_readers = 1; /* a walk that kept its reader would block itself */
    walk w = {.stop_at = 700};
    assert_ok(tb_store_open(&options, &w.store, &err));
    test_fill(options.folder, 1200);
    assert_status(tb_store_each_track(w.store, 0, TB_WITH_FEATURES, step, &w, &err), TB_CANCELLED);
    assert_int_equal(w.n, 700);
    w.stop_at = 0;
    assert_ok(tb_store_each_track(w.store, w.last, 0, step, &w, &err));
    assert_int_equal(w.n, 1200);
    tb_store_close(w.store);
}

static void put_survives_each_allocation_failing(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_store *store = test_open_new();
    const tb_file_put file = {.path = "/a"};
    const tb_external_id_value id = {"isrc", "X"};
    tb_track_put put = test_put(1);
    put.tags.artist = "Somebody";
    put.file = &file;
    put.external_ids = &id;
    put.n_external_ids = 1;
    tb_put_result result;
    size_t n_failed = 0;
    for (size_t n = 1;; n++) {
        tb_alloc_fail_after(n);
        const tb_status status = tb_store_put_track(store, &put, &result, &err);
        tb_alloc_fail_after(0);
        if (status == TB_OK) break;
        assert_status(status, TB_NO_MEMORY);
        n_failed++;
    }
    assert_true(n_failed >= 2);
    for (size_t n = 1;; n++) {
        tb_track_row *tracks = NULL;
        tb_alloc_fail_after(n);
        const tb_status status = tb_store_get_tracks(store, &result.track_id, 1, TB_WITH_ALL, &tracks, &err);
        tb_alloc_fail_after(0);
        tb_track_rows_free(tracks, status == TB_OK);
        if (status == TB_OK) break;
        assert_status(status, TB_NO_MEMORY);
    }
    tb_store_close(store);
}

TB_TESTS(track_table, cmocka_unit_test(track_comes_back_as_it_was_put),
         cmocka_unit_test(uid_is_the_start_of_the_audio_hash),
         cmocka_unit_test(track_is_found_by_what_it_has), cmocka_unit_test(many_tracks_are_read_at_once),
         cmocka_unit_test(same_audio_twice_is_one_track_with_two_files),
         cmocka_unit_test(retagged_file_refreshes_all_but_edited_tags),
         cmocka_unit_test(tags_given_by_a_person_at_put_win),
         cmocka_unit_test(forced_put_replaces_the_analysis),
         cmocka_unit_test(file_with_other_audio_takes_its_old_track_away),
         cmocka_unit_test(numbers_of_tracks_are_never_given_again),
         cmocka_unit_test(delete_takes_everything_with_it), cmocka_unit_test(edit_sets_and_clears),
         cmocka_unit_test(wrong_edits_change_nothing), cmocka_unit_test(wrong_puts_store_nothing),
         cmocka_unit_test(tags_from_files_are_cleaned_not_refused),
         cmocka_unit_test(changes_keep_the_last_of_each_track),
         cmocka_unit_test(walk_over_all_tracks_can_be_resumed),
         cmocka_unit_test(put_survives_each_allocation_failing))
