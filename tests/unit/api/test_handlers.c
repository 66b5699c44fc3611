// SPDX-License-Identifier: MIT
/* Every call on the fake engine: what reaches the engine, what comes back.  All replies are checked against
 * openapi.json by exchange_run. */
#include "exchange.h"

#include "api/api_internal.h"
#include "base/alloc.h"
#include "base/log.h"
#include "fake_engine.h"
#include "support/testing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TRACK "/v1/tracks/fake000000000002"

static int begin_case(void **state)
{
    (void)state;
    fake_reset();
    tb_log_setup(stderr, TB_LOG_OFF, false); /* failures are wanted here */
    return 0;
}

static void expect_get(const char *target, int status)
{
    exchange x;
    exchange_get(&x, target, status);
    exchange_end(&x);
}

static void assert_text(const json_t *json, const char *path, const char *expected)
{
    assert_string_equal(json_string_value(exchange_at(json, path)), expected);
}

static void assert_number(const json_t *json, const char *path, double expected)
{
    assert_near(json_number_value(exchange_at(json, path)), expected, 1e-6);
}

/* --- tracks -------------------------------------------------------------------------------------------- */

static void a_track_is_the_object_itself(void **state)
{
    (void)state;
    exchange x;
    const json_t *json = exchange_get(&x, "/v1/tracks/fake000000000001", 200);
    assert_text(json, "id", "fake000000000001");
    assert_text(json, "title", "A \"quoted\"\ntitle \xef\xbf\xbd");
    assert_number(json, "year", 1999);
    assert_true(json_is_null(exchange_at(json, "artist")));
    assert_number(json, "duration", 184.2);
    assert_text(json, "external_ids.mbid", "8f3471b5");
    assert_text(json, "payload.mood", "happy");
    assert_true(json_is_null(exchange_at(json, "features.tempo")));
    assert_text(json, "added", "2026-01-31T12:00:00.000Z");
    exchange_end(&x);
}

static void an_external_id_may_have_slashes(void **state)
{
    (void)state;
    exchange x;
    const json_t *json = exchange_get(&x, "/v1/tracks/mbid:8f%2F3471%25b5", 200);
    assert_text(json, "id", "fake000000000001");
    exchange_end(&x);
}

static void unknown_things_are_404(void **state)
{
    (void)state;
    static const char *const targets[] = {
        "/v1/tracks/nobody", "/v1/tracks/nobody/similar", "/v1/tracks/nobody/features",
        "/v1/tracks/nobody/embedding", "/v1/tracks/nobody/segments", "/v1/tracks/nobody/audio",
        "/v1/libraries/nothing", "/v1/libraries/nothing/failures", "/v1/jobs/8", "/v1/jobs/0",
        "/v1/jobs/abc", "/v1/jobs/99999999999999999999", "/nothing", "/v2/tracks",
    };
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) expect_get(targets[i], 404);
}

static void a_list_shows_what_is_asked_for(void **state)
{
    (void)state;
    exchange x;
    const json_t *json = exchange_get(&x, "/v1/tracks?q=blue+tra&limit=2&filter=tempo:%5B90+TO+120%5D", 200);
    assert_int_equal(json_array_size(exchange_at(json, "results")), 2);
    assert_text(json, "next_cursor", "next");
    assert_number(json, "total", 3);
    assert_null(json_object_get(exchange_at(json, "results.0"), "features"));
    assert_string_equal(fake.text, "blue tra");
    assert_true(fake.has_filter);
    exchange_end(&x);

    json = exchange_post(&x, "/v1/tracks/scroll", "{\"with\": [\"features\", \"vector\", \"payload\"]}", 200);
    assert_true(json_is_null(exchange_at(json, "next_cursor")));
    assert_number(json, "results.2.features.loudness", 0.25);
    assert_number(json, "results.2.vector.3", 0.4);
    assert_text(json, "results.2.payload.mood", "happy");
    exchange_end(&x);
}

static void a_field_that_cannot_be_sorted_by_is_the_requests_mistake(void **state)
{
    (void)state;
    expect_get("/v1/tracks?sort=nonsense", 422);
}

static void a_patch_reaches_the_engine(void **state)
{
    (void)state;
    exchange x;
    exchange_begin(&x, TB_PATCH, TRACK);
    exchange_json(&x, "{\"title\": \"New\", \"year\": null, \"external_ids\": {\"mbid\": \"z\"}, "
                      "\"payload\": {\"a\": 1}}");
    exchange_run(&x, 200);
    assert_string_equal(fake.text, "New");
    assert_true(fake.set_title && fake.clears_year);
    assert_string_equal(fake.external_value, "z");
    assert_string_equal(fake.payload, "{\"a\":1}");
    exchange_end(&x);

    exchange_begin(&x, TB_PATCH, TRACK);
    exchange_header(&x, "Content-Type", "application/json");
    x.request.has_body = true;
    exchange_run(&x, 400);
    exchange_end(&x);
}

static void a_deleted_track_leaves_no_content(void **state)
{
    (void)state;
    exchange x;
    exchange_begin(&x, TB_DELETE, TRACK);
    exchange_run(&x, 204);
    exchange_end(&x);
}

/* --- adding -------------------------------------------------------------------------------------------- */

static void an_upload_is_added_once(void **state)
{
    (void)state;
    exchange x;
    exchange_begin(&x, TB_POST, "/v1/tracks");
    exchange_file(&x, "file", "song.ogg", "audio");
    exchange_field(&x, "metadata", "{\"title\": \"Given\"}");
    char *path = strdup(x.request.uploads[0].path);
    exchange_run(&x, 201);
    assert_string_equal(exchange_reply_header(&x, "Location"), "/v1/tracks/fake000000000001");
    assert_string_equal(fake.path, path);
    assert_string_equal(fake.file_name, "song.ogg");
    assert_string_equal(fake.text, "Given");
    assert_null(x.request.uploads[0].path);
    exchange_end(&x);
    free(path);

    fake.known = true;
    exchange_begin(&x, TB_POST, "/v1/tracks");
    exchange_file(&x, "", NULL, "audio");
    exchange_run(&x, 200);
    exchange_end(&x);
}

static void a_client_need_not_wait_for_an_upload(void **state)
{
    (void)state;
    exchange x;
    exchange_begin(&x, TB_POST, "/v1/tracks");
    exchange_header(&x, "Prefer", "wait=10, Respond-Async; x=y");
    exchange_file(&x, "audiofile", "song.ogg", "audio");
    exchange_run(&x, 202);
    assert_string_equal(exchange_reply_header(&x, "Location"), "/v1/jobs/7");
    assert_string_equal(exchange_reply_header(&x, "Preference-Applied"), "respond-async");
    assert_number(x.json, "id", 7);
    exchange_end(&x);
}

static void a_path_must_lie_in_a_library(void **state)
{
    (void)state;
    exchange x;
    exchange_post(&x, "/v1/tracks", "{\"path\": \"/music/a.flac\"}", 201);
    assert_string_equal(fake.path, "/music/a.flac");
    assert_string_equal(fake.library, "music");
    exchange_end(&x);
    exchange_post(&x, "/v1/tracks", "{\"path\": \"/etc/passwd\"}", 403);
    exchange_end(&x);

    exchange_begin(&x, TB_POST, "/v1/tracks");
    exchange_json(&x, "{\"path\": \"/dev/null\"}");
    x.request.local = true;
    exchange_run(&x, 201);
    assert_string_equal(fake.path, "/dev/null");
    assert_string_equal(fake.library, "");
    exchange_end(&x);
}

static void wrong_uploads_say_what_to_send(void **state)
{
    (void)state;
    static const struct {
        const char *target, *fields[3], *says; /* field names; those that end in '*' are files */
    } cases[] = {
        {"/v1/tracks", {NULL}, "\"file\""},
        {"/v1/search", {NULL}, "\"file\""},
        {"/v1/features", {NULL}, "\"file\""},
        {"/v1/embed", {NULL}, "\"file\""},
        {"/v1/tracks", {"file*", "file*"}, "two files"},
        {"/v1/search", {"file*", "audiofile*"}, "two files"},
        {"/v1/tracks", {"song*"}, "must be \"file\""},
        {"/v1/tracks", {"file"}, "-F file=@"},
        {"/v1/tracks", {"file*", "colour"}, "\"colour\""},
        {"/v1/search?using=rhythm", {"file*", "using"}, "twice"},
        {"/v1/search", {"file*", "query", "query"}, "two parts"},
        {"/v1/tracks", {"file*", "path"}, "not both"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        exchange x;
        exchange_begin(&x, TB_POST, cases[i].target);
        for (size_t k = 0; k < 3 && cases[i].fields[k]; k++) {
            char name[32];
            snprintf(name, sizeof name, "%.*s", (int)strcspn(cases[i].fields[k], "*"), cases[i].fields[k]);
            if (strchr(cases[i].fields[k], '*')) exchange_file(&x, name, "a.mp3", "audio");
            else exchange_field(&x, name, strcmp(name, "query") == 0 ? "{}" : "text");
        }
        exchange_run(&x, 422);
        exchange_assert_detail(&x, cases[i].says);
        exchange_end(&x);
    }
}

static void an_empty_file_is_refused(void **state)
{
    (void)state;
    exchange x;
    exchange_begin(&x, TB_POST, "/v1/search");
    exchange_file(&x, "file", "a.mp3", "");
    exchange_run(&x, 422);
    exchange_assert_detail(&x, "empty");
    exchange_end(&x);
}

/* --- searches ------------------------------------------------------------------------------------------ */

static void neighbours_are_shown_with_their_parts(void **state)
{
    (void)state;
    exchange x;
    const json_t *json = exchange_get(&x, TRACK "/similar?using=timbre:1,rhythm:0.5&with=highlights&limit=3",
                                      200);
    assert_string_equal(fake.id, "fake000000000002");
    assert_string_equal(fake.using, "timbre=1;rhythm=0.5;");
    assert_true(fake.options.highlights);
    assert_text(json, "space", "descriptors");
    assert_text(json, "model", "1");
    assert_text(json, "results.0.id", "fake000000000001");
    assert_number(json, "results.0.score", 1);
    assert_number(json, "results.2.distance", 1);
    assert_number(json, "results.0.parts.timbre.presence", 1);
    assert_int_equal(json_object_size(exchange_at(json, "results.0.parts")), 1);
    assert_true(json_is_null(exchange_at(json, "results.1.parts.timbre.distance"))); /* NaN in the engine */
    assert_number(json, "results.0.highlights.0.query_start", 31);
    assert_text(json, "results.0.highlights.0.part", "timbre");
    assert_int_equal(json_array_size(exchange_at(json, "results.2.highlights")), 0);
    assert_null(json_object_get(json, "dropped_by"));
    exchange_end(&x);
}

static void few_hits_say_why(void **state)
{
    (void)state;
    exchange x;
    const json_t *json = exchange_get(&x, TRACK "/similar", 200);
    assert_number(json, "dropped_by.filter", 5);
    assert_null(json_object_get(json, "explain"));
    exchange_end(&x);

    json = exchange_get(&x, TRACK "/similar?limit=1&explain&with=vector,features", 200);
    assert_number(json, "explain.candidates", 3);
    assert_number(json, "explain.weights.timbre", 1);
    assert_number(json, "results.0.parts.rhythm.score", 0.5);
    assert_number(json, "results.0.track.vector.1", 0.2);
    assert_number(json, "dropped_by.group", 0);
    exchange_end(&x);

    fake.silent = true;
    json = exchange_get(&x, TRACK "/similar", 200);
    assert_int_equal(json_array_size(exchange_at(json, "results")), 0);
    assert_non_null(strstr(json_string_value(exchange_at(json, "reason")), "silent"));
    exchange_end(&x);
}

static void get_and_post_ask_the_same(void **state)
{
    (void)state;
    exchange x;
    exchange_get(&x,
                 TRACK "/similar?using=rhythm:2&missing=exclude&level=segment&group_by=artist&group_size=2&"
                       "max_per_artist=3"
                       "&max_per_album=4&exclude_same_album=true&previous=a,b&score_threshold=0.5&limit=7&"
                       "offset=9&approximate=true"
                       "&start=30&duration=10&space=descriptors&filter=year:1999",
                 200);
    const tb_fake by_url = fake;
    exchange_end(&x);
    fake_reset();
    exchange_post(&x, "/v1/search",
                  "{\"query\": {\"id\": \"fake000000000002\", \"start\": 30, \"duration\": 10},"
                  "\"using\": {\"rhythm\": 2}, \"missing\": \"exclude\", \"level\": \"segment\", "
                  "\"group_by\": \"artist\","
                  "\"group_size\": 2, \"max_per_artist\": 3, \"max_per_album\": 4, \"exclude_same_album\": "
                  "true,"
                  "\"previous\": [\"a\", \"b\"], \"score_threshold\": 0.5, \"limit\": 7, \"offset\": 9, "
                  "\"approximate\": true,"
                  "\"space\": \"descriptors\", \"filter\": {\"must\": {\"key\": \"year\", \"match\": "
                  "{\"value\": 1999}}}}",
                  200);
    exchange_end(&x);
    const tb_search_options *a = &by_url.options, *b = &fake.options;
    assert_string_equal(by_url.id, fake.id);
    assert_string_equal(by_url.using, fake.using);
    assert_string_equal(by_url.previous, fake.previous);
    assert_string_equal(by_url.space, fake.space);
    assert_true(by_url.has_filter && fake.has_filter);
    assert_near(by_url.start_s, fake.start_s, 0);
    assert_near(by_url.duration_s, 10, 0);
    assert_near(fake.duration_s, 10, 0);
    assert_int_equal(a->missing, b->missing);
    assert_int_equal(a->level, b->level);
    assert_int_equal(a->group_by, b->group_by);
    assert_int_equal(a->group_size, b->group_size);
    assert_int_equal(a->max_per_artist, b->max_per_artist);
    assert_int_equal(a->max_per_album, b->max_per_album);
    assert_int_equal(a->exclude_same_album, b->exclude_same_album);
    assert_near(a->score_threshold, b->score_threshold, 0);
    assert_int_equal(a->has_score_threshold, b->has_score_threshold);
    assert_int_equal(a->limit, b->limit);
    assert_int_equal(a->offset, b->offset);
    assert_int_equal(a->approximate, b->approximate);
}

static void a_search_takes_each_kind_of_query(void **state)
{
    (void)state;
    exchange x;
    exchange_post(&x, "/v1/search", "{\"query\": [1, 2, 3, 4]}", 200);
    assert_true(fake.has_vector);
    assert_int_equal(fake.n_vector, 4);
    exchange_end(&x);
    const json_t *json = exchange_post(&x, "/v1/search",
                                       "{\"query\": {\"vector\": [1]}, \"with\": \"highlights\"}", 200);
    assert_true(json_is_null(exchange_at(json, "results.0.highlights.0.query_start")));
    exchange_end(&x);
    exchange_post(&x, "/v1/search",
                  "{\"query\": {\"recommend\": {\"positive\": [\"a\", \"b\"], \"negative\": [[1]]}}}", 200);
    assert_int_equal(fake.n_positive, 2);
    assert_int_equal(fake.n_negative, 1);
    exchange_end(&x);
    exchange_post(&x, "/v1/search", "{\"query\": {\"path\": \"/music/a.flac\", \"start\": 5}}", 200);
    assert_string_equal(fake.path, "/music/a.flac");
    assert_near(fake.start_s, 5, 0);
    assert_true(fake.duration_s > 86400); /* to the end */
    exchange_end(&x);
    exchange_post(&x, "/v1/search", "{\"query\": {\"path\": \"/etc/shadow\"}}", 403);
    exchange_end(&x);
    exchange_post(&x, "/v1/search", "{\"query\": \"nobody\"}", 404);
    exchange_end(&x);
    exchange_post(&x, "/v1/search", "{\"query\": [1], \"start\": 3}", 422);
    exchange_end(&x);
    exchange_post(&x, "/v1/search", "{\"space\": \"nowhere\", \"query\": \"a\"}", 422);
    exchange_assert_detail(&x, "descriptors");
    exchange_end(&x);
}

static void an_upload_is_searched_by_and_not_kept(void **state)
{
    (void)state;
    exchange x;
    exchange_begin(&x, TB_POST, "/v1/search?limit=2");
    exchange_file(&x, "file", "x.mp3", "audio");
    exchange_field(&x, "query", "{\"using\": \"rhythm\", \"start\": 10}");
    exchange_field(&x, "missing", "penalize");
    exchange_run(&x, 200);
    char *path = strdup(x.request.uploads[0].path);
    assert_string_equal(fake.path, path);
    assert_string_equal(fake.using, "rhythm=1;");
    assert_int_equal(fake.options.missing, TB_MISSING_PENALIZE);
    assert_int_equal(fake.options.limit, 2);
    assert_near(fake.start_s, 10, 0);
    exchange_end(&x);
    assert_int_equal(access(path, F_OK), -1);
    free(path);
}

/* --- what belongs to a track --------------------------------------------------------------------------- */

static void features_and_embeddings_are_shown(void **state)
{
    (void)state;
    exchange x;
    const json_t *json = exchange_get(&x, TRACK "/features", 200);
    assert_number(json, "features.loudness", 0.25);
    exchange_end(&x);
    json = exchange_get(&x, TRACK "/embedding?space=descriptors", 200);
    assert_number(json, "dim", 4);
    assert_number(json, "vector.0", 0.1);
    assert_number(json, "parts.1.offset", 2);
    assert_number(json, "presence.timbre", 1);
    exchange_end(&x);
    expect_get(TRACK "/embedding?space=x", 422);
}

static void segments_come_in_pages(void **state)
{
    (void)state;
    exchange x;
    const json_t *json = exchange_get(&x, TRACK "/segments?limit=1", 200);
    assert_int_equal(json_array_size(exchange_at(json, "results")), 1);
    assert_text(json, "next_cursor", "1");
    assert_null(json_object_get(exchange_at(json, "results.0"), "vector"));
    exchange_end(&x);
    json = exchange_get(&x, TRACK "/segments?cursor=1&part=rhythm&with=vector", 200);
    assert_number(json, "results.0.start", 2.5);
    assert_number(json, "results.0.end", 7.5);
    assert_int_equal(json_array_size(exchange_at(json, "results.0.vector")), 2);
    assert_number(json, "results.0.vector.0", 6);
    assert_int_equal(json_object_size(exchange_at(json, "results.0.presence")), 1);
    assert_true(json_is_null(exchange_at(json, "next_cursor")));
    exchange_end(&x);
    json = exchange_get(&x, TRACK "/segments?cursor=1000", 200);
    assert_int_equal(json_array_size(exchange_at(json, "results")), 0);
    exchange_end(&x);
    expect_get(TRACK "/segments?part=drums", 422);
    expect_get(TRACK "/segments?cursor=-1", 422);
    expect_get(TRACK "/segments?cursor=x", 422);
}

static void audio_comes_whole_or_in_ranges(void **state)
{
    (void)state;
    exchange x;
    snprintf(fake.audio_path, sizeof fake.audio_path, "%s/a.ogg", tb_test_folder());
    FILE *file = fopen(fake.audio_path, "w");
    assert_non_null(file);
    fputs("0123456789", file);
    fclose(file);

    static const struct {
        const char *range, *if_range, *content_range;
        int status;
        int64_t offset, size;
    } cases[] = {
        {NULL, NULL, "", 200, 0, 10},
        {"bytes=2-4", NULL, "bytes 2-4/10", 206, 2, 3},
        {"bytes=-2", NULL, "bytes 8-9/10", 206, 8, 2},
        {"bytes=2-4", "\"tag\"", "", 200, 0, 10},
        {"lines=1-2", NULL, "", 200, 0, 10},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        exchange_begin(&x, i % 2 ? TB_HEAD : TB_GET, TRACK "/audio");
        if (cases[i].range) exchange_header(&x, "Range", cases[i].range);
        if (cases[i].if_range) exchange_header(&x, "If-Range", cases[i].if_range);
        exchange_run(&x, cases[i].status);
        assert_int_equal(x.reply.kind, TB_BODY_FILE);
        assert_true(x.reply.fd >= 0);
        assert_int_equal(x.reply.file_offset, cases[i].offset);
        assert_int_equal(x.reply.file_size, cases[i].size);
        assert_string_equal(x.reply.content_type, "audio/ogg");
        assert_string_equal(exchange_reply_header(&x, "Accept-Ranges"), "bytes");
        assert_string_equal(exchange_reply_header(&x, "Content-Range"), cases[i].content_range);
        exchange_end(&x);
    }
    exchange_begin(&x, TB_GET, TRACK "/audio");
    exchange_header(&x, "Range", "bytes=10-");
    exchange_run(&x, 416);
    assert_string_equal(exchange_reply_header(&x, "Content-Range"), "bytes */10");
    exchange_end(&x);
}

static void analysis_answers_and_stores_nothing(void **state)
{
    (void)state;
    exchange x;
    exchange_begin(&x, TB_POST, "/v1/features?start=3");
    exchange_file(&x, "file", "a.flac", "audio");
    exchange_run(&x, 200);
    assert_number(x.json, "sample_rate", 8000);
    assert_near(fake.start_s, 3, 0);
    exchange_end(&x);
    exchange_begin(&x, TB_POST, "/v1/embed?level=segment&space=descriptors");
    exchange_file(&x, "", NULL, "audio");
    exchange_run(&x, 200);
    assert_number(x.json, "dim", 4);
    assert_int_equal(json_array_size(exchange_at(x.json, "segments")), 1);
    exchange_end(&x);
    exchange_post(&x, "/v1/features", "{\"path\": \"/music/a.flac\", \"duration\": 5}", 200);
    assert_near(fake.duration_s, 5, 0);
    exchange_end(&x);
}

static void failures_call_an_upload_by_its_own_name(void **state)
{
    (void)state;
    static const struct {
        const char *file_name, *detail;
    } cases[] = {{"a.mp3", "the file \"a.mp3\" is text, not audio"}, {NULL, "the upload is text, not audio"}};
    fake.names_path = true;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        exchange x;
        exchange_begin(&x, TB_POST, "/v1/features");
        exchange_file(&x, "file", cases[i].file_name, "audio");
        exchange_run(&x, 415);
        assert_text(x.json, "detail", cases[i].detail);
        exchange_end(&x);
    }
    exchange x;
    exchange_post(&x, "/v1/features", "{\"path\": \"/music/a.txt\"}", 415);
    assert_text(x.json, "detail", "/music/a.txt is text, not audio");
    exchange_end(&x);
}

/* --- libraries, jobs, server --------------------------------------------------------------------------- */

static void libraries_are_made_scanned_and_forgotten(void **state)
{
    (void)state;
    exchange x;
    exchange_begin(&x, TB_PUT, "/v1/libraries/music");
    exchange_json(&x, "{\"root\": \"/music\", \"exclude\": [\"**/x/**\"]}");
    exchange_run(&x, 201);
    assert_string_equal(exchange_reply_header(&x, "Location"), "/v1/libraries/music");
    assert_string_equal(fake.path, "/music");
    assert_string_equal(fake.text, "**/x/**");
    assert_text(x.json, "name", "music");
    assert_true(json_is_null(exchange_at(x.json, "scanned")));
    exchange_end(&x);
    fake.known = true;
    exchange_begin(&x, TB_PUT, "/v1/libraries/music");
    exchange_json(&x, "{\"root\": \"/music\"}");
    exchange_run(&x, 200);
    exchange_end(&x);

    exchange_post(&x, "/v1/libraries/music/scan", "{\"path\": \"live\", \"force\": true}", 202);
    assert_string_equal(exchange_reply_header(&x, "Location"), "/v1/jobs/7");
    assert_string_equal(fake.path, "live");
    assert_true(fake.known);
    assert_true(json_is_null(exchange_at(x.json, "total")));
    assert_true(json_is_null(exchange_at(x.json, "eta")));
    exchange_end(&x);
    exchange_begin(&x, TB_POST, "/v1/libraries/music/scan"); /* without any body */
    exchange_run(&x, 202);
    exchange_end(&x);

    const json_t *json = exchange_get(&x, "/v1/libraries/music/failures?cursor=1&limit=2", 200);
    assert_text(json, "results.0.reason", "it ends early");
    assert_text(json, "next_cursor", "2");
    exchange_end(&x);
    json = exchange_get(&x, "/v1/libraries", 200);
    assert_text(json, "results.0.root", "/music");
    exchange_end(&x);
    exchange_begin(&x, TB_DELETE, "/v1/libraries/music");
    exchange_run(&x, 204);
    exchange_end(&x);
}

static void a_library_needs_a_folder(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "{}", "{\"root\": \"\"}", "{\"root\": \"music\"}", "{\"root\": 5}", "{\"root\": null}",
        "{\"root\": \"/music\", \"watch\": true}", "[]", "{\"root\": \"/m\", \"exclude\": [5]}",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        exchange x;
        exchange_begin(&x, TB_PUT, "/v1/libraries/music");
        exchange_json(&x, bodies[i]);
        exchange_run(&x, 422);
        exchange_end(&x);
    }
    fake.fail = TB_NOT_FOUND;
    exchange x;
    exchange_begin(&x, TB_PUT, "/v1/libraries/music");
    exchange_json(&x, "{\"root\": \"/nowhere\"}");
    exchange_run(&x, 422);
    exchange_end(&x);
}

static void jobs_are_shown_and_changed(void **state)
{
    (void)state;
    exchange x;
    const json_t *json = exchange_get(&x, "/v1/jobs?limit=5", 200);
    assert_text(json, "results.0.state", "running");
    exchange_end(&x);
    json = exchange_get(&x, "/v1/jobs/7", 200);
    assert_number(json, "done", 8);
    assert_true(json_is_null(exchange_at(json, "ended")));
    exchange_end(&x);
    exchange_post(&x, "/v1/jobs/7/pause", "{}", 200);
    exchange_end(&x);
    exchange_begin(&x, TB_POST, "/v1/jobs/7/resume");
    exchange_run(&x, 200);
    exchange_end(&x);
    exchange_begin(&x, TB_DELETE, "/v1/jobs/7");
    exchange_run(&x, 200);
    exchange_end(&x);
    exchange_begin(&x, TB_DELETE, "/v1/jobs/8");
    exchange_run(&x, 404);
    exchange_end(&x);
    fake.fail = TB_EXISTS;
    exchange_begin(&x, TB_DELETE, "/v1/jobs/7");
    exchange_run(&x, 409);
    exchange_end(&x);
}

static tb_status add_line(void *context, tb_buffer *text)
{
    return tb_buffer_append_text(text, context);
}

static void the_server_tells_about_itself(void **state)
{
    (void)state;
    exchange x;
    const json_t *json = exchange_get(&x, "/v1/spaces", 200);
    assert_text(json, "results.0.parts.1.name", "rhythm");
    exchange_end(&x);
    expect_get("/healthz?from=probe", 200);
    expect_get("/livez", 200);
    expect_get("/readyz", 200);
    static char line[] = "timbre_connections 3\n";
    exchange_begin(&x, TB_GET, "/metrics");
    tb_api_set_metrics(x.api, add_line, line);
    exchange_run(&x, 200);
    assert_non_null(strstr(x.reply.bytes, "\ntimbre_tracks 3\n"));
    assert_non_null(strstr(x.reply.bytes, "timbre_space_segments{space=\"descriptors\",model=\"1\"} 6\n"));
    assert_non_null(strstr(x.reply.bytes, "timbre_connections 3\n"));
    exchange_end(&x);
    fake.fail = TB_FULL;
    json = exchange_get(&x, "/readyz", 503);
    assert_text(json, "code", "full");
    exchange_end(&x);
    expect_get("/livez", 200);
}

static void the_page_and_the_description_are_built_in(void **state)
{
    (void)state;
    static const char *const targets[] =
        {"/", "/page.js", "/page.css", "/favicon.svg", "/openapi.json", "/?track=abc"};
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        exchange x;
        exchange_get(&x, targets[i], 200);
        assert_true(x.reply.borrowed);
        assert_true(x.reply.size > 0);
        assert_non_null(strstr(exchange_reply_header(&x, "Content-Security-Policy"), "default-src 'self'"));
        exchange_end(&x);
    }
    expect_get("/favicon.ico", 204);
}

/* --- refusals that all calls share --------------------------------------------------------------------- */

static void wrong_methods_say_which_are_right(void **state)
{
    (void)state;
    exchange x;
    exchange_begin(&x, TB_PUT, TRACK);
    exchange_run(&x, 405);
    assert_string_equal(exchange_reply_header(&x, "Allow"), "GET, HEAD, PATCH, DELETE, OPTIONS");
    exchange_end(&x);
    exchange_begin(&x, TB_METHOD_OTHER, "/v1/search");
    exchange_run(&x, 405);
    assert_string_equal(exchange_reply_header(&x, "Allow"), "POST, OPTIONS");
    exchange_end(&x);
    exchange_begin(&x, TB_OPTIONS, "/v1/tracks");
    tb_api_handle(x.api, &x.request, &x.reply);
    assert_int_equal(x.reply.status, 204);
    assert_string_equal(exchange_reply_header(&x, "Allow"), "GET, HEAD, POST, OPTIONS");
    exchange_end(&x);
    exchange_begin(&x, TB_OPTIONS, "/nothing");
    exchange_run(&x, 404);
    exchange_end(&x);
    exchange_begin(&x, TB_HEAD, TRACK);
    exchange_run(&x, 200);
    exchange_end(&x);
}

static void bodies_of_the_wrong_kind_are_refused(void **state)
{
    (void)state;
    static const struct {
        tb_method method;
        const char *target, *type, *body;
        int status;
        const char *says;
    } cases[] = {
        {TB_GET, TRACK, "application/json", "{}", 400, "no body"},
        {TB_DELETE, TRACK, "application/json", "{}", 400, "no body"},
        {TB_POST, "/v1/search", "text/plain", "hello", 415, "text/plain"},
        {TB_POST, "/v1/tracks", "image/png", "x", 415, "audio/*"},
        {TB_PATCH, TRACK, "text/plain", "{}", 415, "application/json"},
        {TB_PUT, "/v1/libraries/music", "application/x-www-form-urlencoded", "{}", 415, "application/json"},
        {TB_POST, "/v1/search", "application/json", "{\"query\": ", 400, "line 1"},
        {TB_POST, "/v1/search", "application/json", "[1, 2]", 422, "object"},
        {TB_POST, "/v1/search", "application/json", "\"query\"", 422, "object"},
        {TB_POST, "/v1/search", "application/json", "{\"limit\": 0, \"query\": \"a\"}", 422, "1 to 1000"},
        {TB_POST, "/v1/search", "application/json", "{\"query\": 5}", 422, "query must be"},
        {TB_POST, "/v1/search", "application/json", "{\"query\": \"a\", \"limt\": 5}", 422, "\"limit\""},
        {TB_POST, "/v1/search", "application/json", "{}", 422, "\"query\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        exchange x;
        exchange_begin(&x, cases[i].method, cases[i].target);
        exchange_header(&x, "Content-Type", cases[i].type);
        exchange_json(&x, cases[i].body);
        exchange_run(&x, cases[i].status);
        exchange_assert_detail(&x, cases[i].says);
        exchange_end(&x);
    }
}

static void large_and_deep_bodies_are_refused(void **state)
{
    (void)state;
    exchange x;
    char body[20001];
    memset(body, ' ', sizeof body - 1);
    body[sizeof body - 1] = '\0';
    exchange_post(&x, "/v1/search", body, 413);
    exchange_end(&x);
    memset(body, '[', 5000);
    body[5000] = '\0';
    exchange_post(&x, "/v1/search", body, 400);
    exchange_assert_detail(&x, "deeper");
    exchange_end(&x);
}

static void wrong_parameters_are_refused_everywhere(void **state)
{
    (void)state;
    static const char *const targets[] = {"/v1/tracks?limt=5",
                                          "/v1/tracks?limit=0",
                                          "/v1/tracks?limit=1000000000",
                                          "/v1/tracks?limit=5&limit=5",
                                          TRACK "?x=y",
                                          TRACK "/similar?query=a",
                                          TRACK "/similar?using=timbre:-1",
                                          TRACK "/similar?using=timbre:nan",
                                          TRACK "/similar?using=timbre:0",
                                          TRACK "/features?a",
                                          "/v1/spaces?a=b",
                                          "/v1/jobs?limit=-1",
                                          "/v1/libraries?cursor=1",
                                          TRACK "/segments?limit=1001"};
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) expect_get(targets[i], 422);
    expect_get("/v1/tracks?filter=tempo:%5B90", 400);
    expect_get("/v1/tracks?filter=nonsense:%5B1+TO+2%5D", 422);
}

static void failures_of_the_engine_keep_their_meaning(void **state)
{
    (void)state;
    static const struct {
        tb_status status;
        int upload, other;
    } cases[] = {{TB_BUSY, 503, 503},      {TB_FULL, 507, 507},      {TB_UNSUPPORTED, 415, 415},
                 {TB_CORRUPT, 422, 500},   {TB_TOO_LARGE, 413, 413}, {TB_IO, 500, 500},
                 {TB_NO_MEMORY, 503, 503}, {TB_CANCELLED, 503, 503}, {TB_FORBIDDEN, 403, 403},
                 {TB_EXISTS, 409, 409},    {TB_INTERNAL, 500, 500}};
    static const char *const uploads[] = {"/v1/tracks", "/v1/search", "/v1/features", "/v1/embed"};
    static const char *const others[] = {TRACK,
                                         "/v1/tracks",
                                         TRACK "/similar",
                                         TRACK "/embedding",
                                         TRACK "/segments",
                                         TRACK "/audio",
                                         TRACK "/features",
                                         "/v1/libraries",
                                         "/v1/libraries/music",
                                         "/v1/libraries/music/failures",
                                         "/v1/jobs",
                                         "/v1/jobs/7",
                                         "/metrics"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fake.fail = cases[i].status;
        for (size_t k = 0; k < sizeof uploads / sizeof *uploads; k++) {
            exchange x;
            exchange_begin(&x, TB_POST, uploads[k]);
            exchange_file(&x, "file", "a.mp3", "audio");
            exchange_run(&x, cases[i].upload);
            exchange_assert_detail(&x, "the test wants");
            exchange_end(&x);
        }
        for (size_t k = 0; k < sizeof others / sizeof *others; k++) expect_get(others[k], cases[i].other);
    }
}

/* --- memory -------------------------------------------------------------------------------------------- */

/* One request without the test's own checks, so that allocations may fail anywhere in it. */
static int handle_plainly(tb_api *api, tb_method method, const char *target, const char *body)
{
    tb_request request;
    tb_reply reply;
    tb_request_init(&request);
    tb_reply_init(&reply);
    request.method = method;
    tb_error err;
    tb_error_clear(&err);
    tb_status status = tb_request_set_target(&request, target, &err);
    if (status == TB_OK && body) {
        request.has_body = true;
        status = tb_request_add_header(&request, "content-type", "application/json", &err);
        if (status == TB_OK) status = tb_buffer_append_text(&request.body, body);
        if (status != TB_OK) tb_error_set(&err, status, "no memory for the test's body");
    }
    if (status == TB_OK) tb_api_handle(api, &request, &reply);
    else tb_reply_error(&reply, &err);
    const int http = reply.status;
    assert_true(reply.size > 0 || http == 204);
    tb_request_clear(&request);
    tb_reply_clear(&reply);
    return http;
}

static void each_allocation_of_a_call_may_fail(void **state)
{
    (void)state;
    tb_error err;
    tb_api *api;
    assert_ok(tb_api_new(fake_engine(), NULL, &api, &err));
    static const struct {
        tb_method method;
        const char *target, *body;
    } calls[] = {
        {TB_GET, TRACK "/similar?using=timbre:1&with=vector&previous=a,b&filter=year:1999", NULL},
        {TB_GET, TRACK "/segments?with=vector", NULL},
        {TB_GET, "/v1/libraries", NULL},
        {TB_POST, "/v1/search",
         "{\"query\": {\"recommend\": {\"positive\": [\"a\", [1, 2]]}}, \"using\": [\"rhythm\"]}"},
        {TB_POST, "/v1/tracks/scroll", "{\"with\": [\"features\"]}"},
        {TB_POST, "/v1/libraries/music/scan", "{}"},
        {TB_PATCH, TRACK, "{\"title\": \"a\", \"payload\": {\"b\": 1}}"},
    };
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        const int good = handle_plainly(api, calls[i].method, calls[i].target, calls[i].body);
        assert_true(good < 300);
        for (size_t n = 1;; n++) {
            tb_alloc_fail_after(n);
            const int http = handle_plainly(api, calls[i].method, calls[i].target, calls[i].body);
            /* All were served: n is past the last. */
            const bool past = tb_alloc_fail_after(0) < n;
            if (past) {
                assert_int_equal(http, good);
                break;
            }
            assert_true(http == 503 || http == 400 || http == 500 ||
                        http == good); /* a header may be left out */
            assert_true(n < 2000);
        }
    }
    tb_api_free(api);
}

#define CASE(function) cmocka_unit_test_setup(function, begin_case)

TB_TESTS(handlers, CASE(a_track_is_the_object_itself), CASE(an_external_id_may_have_slashes),
         CASE(unknown_things_are_404), CASE(a_list_shows_what_is_asked_for),
         CASE(a_field_that_cannot_be_sorted_by_is_the_requests_mistake), CASE(a_patch_reaches_the_engine),
         CASE(a_deleted_track_leaves_no_content), CASE(an_upload_is_added_once),
         CASE(a_client_need_not_wait_for_an_upload), CASE(a_path_must_lie_in_a_library),
         CASE(wrong_uploads_say_what_to_send), CASE(an_empty_file_is_refused),
         CASE(neighbours_are_shown_with_their_parts), CASE(few_hits_say_why), CASE(get_and_post_ask_the_same),
         CASE(a_search_takes_each_kind_of_query), CASE(an_upload_is_searched_by_and_not_kept),
         CASE(features_and_embeddings_are_shown), CASE(segments_come_in_pages),
         CASE(audio_comes_whole_or_in_ranges), CASE(analysis_answers_and_stores_nothing),
         CASE(failures_call_an_upload_by_its_own_name), CASE(libraries_are_made_scanned_and_forgotten),
         CASE(a_library_needs_a_folder), CASE(jobs_are_shown_and_changed),
         CASE(the_server_tells_about_itself), CASE(the_page_and_the_description_are_built_in),
         CASE(wrong_methods_say_which_are_right), CASE(bodies_of_the_wrong_kind_are_refused),
         CASE(large_and_deep_bodies_are_refused), CASE(wrong_parameters_are_refused_everywhere),
         CASE(failures_of_the_engine_keep_their_meaning), CASE(each_allocation_of_a_call_may_fail))
