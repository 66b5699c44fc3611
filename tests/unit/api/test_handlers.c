// SPDX-License-Identifier: MIT
/* Every call on a real engine: what comes back, and what has changed then.  All replies are checked against
 * openapi.json by exchange_run. */
#include "exchange.h"

#include "api/api_internal.h"
#include "base/alloc.h"
#include "fixture.h"
#include "support/testing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TRACK "/v1/tracks/test:p1"
#define SILENCE "/v1/tracks/test:p4"

static void expect_get(const char *target, int status)
{
    exchange x;
    exchange_get(&x, target, status);
    exchange_end(&x);
}

static void expect_post(const char *target, const char *body, int status)
{
    exchange x;
    exchange_post(&x, target, body, status);
    exchange_end(&x);
}

static void expect_call(tb_method method, const char *target, int status)
{
    exchange x;
    exchange_begin(&x, method, target);
    exchange_run(&x, status);
    exchange_end(&x);
}

static const char *text_at(const json_t *json, const char *path)
{
    const char *text = json_string_value(exchange_at(json, path));
    if (!text) fail_msg("%s is not a text", path);
    return text ? text : "";
}

static double number_at(const json_t *json, const char *path)
{
    const json_t *number = exchange_at(json, path);
    if (!json_is_number(number)) fail_msg("%s is not a number", path);
    return json_number_value(number);
}

static void assert_text(const json_t *json, const char *path, const char *expected)
{
    assert_string_equal(text_at(json, path), expected);
}

static void assert_number(const json_t *json, const char *path, double expected)
{
    assert_near(number_at(json, path), expected, 1e-6);
}

static void assert_none(const json_t *json, const char *path)
{
    if (!json_is_null(exchange_at(json, path))) fail_msg("%s is not null", path);
}

static void assert_count(const json_t *json, const char *path, size_t expected)
{
    const json_t *array = exchange_at(json, path);
    assert_true(json_is_array(array));
    assert_int_equal(json_array_size(array), expected);
}

static void assert_header(const exchange *x, const char *name, const char *prefix, const char *rest)
{
    char expected[200];
    snprintf(expected, sizeof expected, "%s%s", prefix, rest);
    assert_string_equal(exchange_reply_header(x, name), expected);
}

static bool is_there(const char *path)
{
    return access(path, F_OK) == 0;
}

static int64_t size_of_file(const char *path)
{
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    return info.st_size;
}

static int64_t n_tracks(void)
{
    tb_error err = {0};
    tb_engine_stats stats;
    assert_ok(tb_engine_get_stats(fixture_engine(), &stats, &err));
    return stats.n_tracks;
}

static tb_space_info space_info(void)
{
    tb_space_info info;
    tb_engine_space(fixture_engine(), 0, &info);
    return info;
}

static size_t part_position(const char *name)
{
    const tb_space_info info = space_info();
    for (size_t i = 0; i < info.n_parts; i++)
        if (strcmp(info.part_names[i], name) == 0) return i;
    fail_msg("there is no part %s", name);
    return 0;
}

/* --- tracks -------------------------------------------------------------------------------------------- */

static void a_track_is_the_object_itself(void **state)
{
    (void)state;
    const fixture *f = fixture_shared();
    exchange x;
    char target[64];
    snprintf(target, sizeof target, "/v1/tracks/%s", f->ids[0]);
    const json_t *json = exchange_get(&x, target, 200);
    assert_text(json, "id", f->ids[0]);
    assert_text(json, "title", "A \"quoted\"\ntitle");
    assert_number(json, "year", 1999);
    assert_none(json, "composer");
    assert_number(json, "duration", 12);
    assert_number(json, "sample_rate", 22050);
    assert_number(json, "channels", 1);
    assert_text(json, "library", "music");
    assert_text(json, "path", f->paths[0]);
    assert_text(json, "external_ids.mbid", "8f/3471%b5");
    assert_text(json, "payload.mood", "happy");
    assert_true(number_at(json, "features.loudness") < 0);
    assert_true(strlen(text_at(json, "added")) > 0);
    exchange_end(&x);

    json = exchange_get(&x, SILENCE, 200);
    assert_none(json, "artist");
    assert_none(json, "year");
    assert_none(json, "payload");
    assert_none(json, "features.tempo");
    exchange_end(&x);
}

static void an_external_id_may_have_slashes(void **state)
{
    (void)state;
    exchange x;
    const json_t *json = exchange_get(&x, "/v1/tracks/mbid:8f%2F3471%25b5", 200);
    assert_text(json, "id", fixture_shared()->ids[0]);
    exchange_end(&x);
}

static void unknown_things_are_404(void **state)
{
    (void)state;
    static const char *const targets[] = {"/v1/tracks/nobody",
                                          "/v1/tracks/nobody/similar",
                                          "/v1/tracks/nobody/features",
                                          "/v1/tracks/nobody/embedding",
                                          "/v1/tracks/nobody/segments",
                                          "/v1/tracks/nobody/audio",
                                          "/v1/libraries/nothing",
                                          "/v1/libraries/nothing/failures",
                                          "/v1/jobs/999",
                                          "/v1/jobs/0",
                                          "/v1/jobs/abc",
                                          "/v1/jobs/99999999999999999999",
                                          "/nothing",
                                          "/v2/tracks"};
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) expect_get(targets[i], 404);
    expect_call(TB_DELETE, "/v1/tracks/nobody", 404);
    expect_call(TB_DELETE, "/v1/libraries/nothing", 404);
    expect_call(TB_POST, "/v1/libraries/nothing/scan", 404);
}

static void a_list_shows_what_is_asked_for(void **state)
{
    (void)state;
    const fixture *f = fixture_shared();
    exchange x;
    const json_t *json =
        exchange_get(&x, "/v1/tracks?q=ann+fir&limit=1&filter=year:%5B1990+TO+2000%5D", 200);
    assert_count(json, "results", 1);
    assert_true(strlen(text_at(json, "next_cursor")) > 0);
    assert_number(json, "total", 2);
    assert_null(json_object_get(exchange_at(json, "results.0"), "features"));
    assert_null(json_object_get(exchange_at(json, "results.0"), "payload"));
    assert_null(json_object_get(exchange_at(json, "results.0"), "vector"));
    exchange_end(&x);

    json = exchange_post(
        &x, "/v1/tracks/scroll",
        "{\"with\": [\"features\", \"vector\", \"payload\"], \"filter\": \"artist:Ann\"}", 200);
    assert_none(json, "next_cursor");
    assert_number(json, "total", 3);
    assert_text(json, "results.0.id", f->ids[0]);
    assert_true(number_at(json, "results.2.features.loudness") < 0);
    assert_count(json, "results.2.vector", space_info().dim);
    assert_text(json, "results.0.payload.mood", "happy");
    assert_none(json, "results.1.payload");
    exchange_end(&x);
}

static void cursors_lead_through_the_whole_list(void **state)
{
    (void)state;
    const fixture *f = fixture_shared();
    char target[300] = "/v1/tracks?limit=2", body[300] = "{\"limit\": 2}";
    for (size_t seen = 0; seen < FIXTURE_TRACKS;) {
        exchange x, y;
        const json_t *json = exchange_get(&x, target, 200);
        const json_t *same = exchange_post(&y, "/v1/tracks/scroll", body, 200);
        assert_true(json_equal(json, same));
        assert_number(json, "total", FIXTURE_TRACKS);
        const size_t n = json_array_size(exchange_at(json, "results"));
        assert_int_equal(n, FIXTURE_TRACKS - seen < 2 ? FIXTURE_TRACKS - seen : 2);
        assert_text(json, "results.0.id", f->ids[seen]);
        if (n == 2) assert_text(json, "results.1.id", f->ids[seen + 1]);
        seen += n;
        if (seen == FIXTURE_TRACKS) {
            assert_none(json, "next_cursor");
        } else {
            const char *cursor = text_at(json, "next_cursor");
            snprintf(target, sizeof target, "/v1/tracks?limit=2&cursor=%s", cursor);
            snprintf(body, sizeof body, "{\"limit\": 2, \"cursor\": \"%s\"}", cursor);
        }
        exchange_end(&x);
        exchange_end(&y);
    }
}

static void a_list_is_sorted_by_a_field(void **state)
{
    (void)state;
    exchange x;
    const json_t *json = exchange_get(&x, "/v1/tracks?sort=-year&limit=1", 200);
    assert_text(json, "results.0.id", fixture_shared()->ids[2]);
    exchange_end(&x);
    expect_get("/v1/tracks?sort=nonsense", 422);
}

static void a_patch_sets_and_clears(void **state)
{
    (void)state;
    fixture_own(2, false);
    exchange x;
    exchange_begin(&x, TB_PATCH, TRACK);
    exchange_json(&x, "{\"title\": \"New\", \"year\": null, \"external_ids\": {\"mbid\": \"z\"}, "
                      "\"payload\": {\"a\": 1}}");
    exchange_run(&x, 200);
    json_t *told = json_incref(x.json);
    exchange_end(&x);
    assert_text(told, "title", "New");
    assert_none(told, "year");
    assert_text(told, "artist", "Ann");
    assert_text(told, "external_ids.mbid", "z");
    assert_text(told, "external_ids.test", "p1");
    assert_number(told, "payload.a", 1);
    assert_true(json_equal(told, exchange_get(&x, "/v1/tracks/mbid:z", 200)));
    exchange_end(&x);
    json_decref(told);

    exchange_begin(&x, TB_PATCH, TRACK);
    exchange_header(&x, "Content-Type", "application/json");
    x.request.has_body = true;
    exchange_run(&x, 400);
    exchange_end(&x);

    exchange_begin(&x, TB_PATCH, TRACK); /* p0 has it */
    exchange_json(&x, "{\"external_ids\": {\"test\": \"p0\"}}");
    exchange_run(&x, 409);
    exchange_end(&x);
}

static void a_deleted_track_leaves_no_content(void **state)
{
    (void)state;
    const fixture *f = fixture_own(2, false);
    expect_call(TB_DELETE, TRACK, 204);
    expect_get(TRACK, 404);
    expect_call(TB_DELETE, TRACK, 404);
    expect_get("/v1/tracks/test:p0", 200);
    assert_true(is_there(f->paths[1])); /* it was no upload */
}

/* --- adding -------------------------------------------------------------------------------------------- */

/* A piece of its own in the fixture's folder; returns its path (free). */
static char *write_piece(const char *folder, const char *name)
{
    char *path = tb_test_join(folder, name);
    tb_test_write_piece(path, 77, 4, 22050);
    return path;
}

static void an_upload_is_added_once(void **state)
{
    (void)state;
    const fixture *f = fixture_own(0, false);
    char *piece = write_piece(f->folder, "piece.wav");
    exchange x;
    char id[TB_TRACK_ID_SIZE];
    exchange_begin(&x, TB_POST, "/v1/tracks");
    exchange_audio(&x, "file", "song.wav", piece);
    exchange_field(&x, "metadata", "{\"artist\": \"Given\", \"payload\": {\"a\": 1}}");
    char *path = strdup(x.request.uploads[0].path);
    exchange_run(&x, 201);
    snprintf(id, sizeof id, "%s", text_at(x.json, "id"));
    assert_header(&x, "Location", "/v1/tracks/", id);
    assert_text(x.json, "title", "song"); /* of the name that the client gave */
    assert_text(x.json, "artist", "Given");
    assert_number(x.json, "payload.a", 1);
    assert_none(x.json, "library");
    assert_null(x.request.uploads[0].path);
    assert_false(is_there(path));
    exchange_end(&x);
    free(path);

    exchange_begin(&x, TB_POST, "/v1/tracks"); /* a raw body, the same audio */
    exchange_audio(&x, "", NULL, piece);
    path = strdup(x.request.uploads[0].path);
    exchange_run(&x, 200);
    assert_text(x.json, "id", id);
    assert_header(&x, "Location", "/v1/tracks/", id);
    assert_null(x.request.uploads[0].path);
    assert_false(is_there(path));
    exchange_end(&x);
    assert_int_equal(n_tracks(), 1);
    free(path);
    free(piece);
}

static void a_client_need_not_wait_for_an_upload(void **state)
{
    (void)state;
    const fixture *f = fixture_own(0, true);
    char *piece = write_piece(f->folder, "piece.wav"), target[64];
    exchange x;
    exchange_begin(&x, TB_POST, "/v1/tracks");
    exchange_header(&x, "Prefer", "wait=10, Respond-Async; x=y");
    exchange_audio(&x, "audiofile", "song.wav", piece);
    exchange_field(&x, "metadata", "{\"artist\": \"Given\"}");
    exchange_run(&x, 202);
    const int64_t job_id = json_integer_value(exchange_at(x.json, "id"));
    snprintf(target, sizeof target, "/v1/jobs/%lld", (long long)job_id);
    assert_string_equal(exchange_reply_header(&x, "Location"), target);
    assert_string_equal(exchange_reply_header(&x, "Preference-Applied"), "respond-async");
    assert_text(x.json, "kind", "add");
    assert_text(x.json, "subject", "song.wav");
    assert_null(x.request.uploads[0].path);
    exchange_end(&x);

    fixture_wait(job_id);
    const json_t *json = exchange_get(&x, target, 200);
    assert_text(json, "state", "done");
    assert_number(json, "done", 1);
    snprintf(target, sizeof target, "/v1/tracks/%s", text_at(json, "track"));
    exchange_end(&x);
    json = exchange_get(&x, target, 200);
    assert_text(json, "title", "song");
    assert_text(json, "artist", "Given");
    exchange_end(&x);
    free(piece);
}

/* {"path": "…"} */
static const char *path_body(const char *path, const char *more)
{
    static char body[4200];
    snprintf(body, sizeof body, "{\"path\": \"%s\"%s}", path, more);
    return body;
}

static void a_path_must_lie_in_a_library(void **state)
{
    (void)state;
    fixture *f = fixture_own(1, false);
    char *inside = write_piece(f->music, "a.wav"), *nowhere = tb_test_join(f->music, "b.wav");
    exchange x;
    expect_post("/v1/tracks", path_body(inside, ""), 403); /* no library yet */
    fixture_put_library(f);
    exchange_post(&x, "/v1/tracks", path_body(inside, ""), 201);
    assert_text(x.json, "path", inside);
    assert_text(x.json, "library", "music");
    exchange_end(&x);
    expect_post("/v1/tracks", path_body(inside, ""), 200);
    expect_post("/v1/tracks", path_body(nowhere, ""), 404);
    expect_post("/v1/tracks", path_body("/etc/passwd", ""), 403);
    expect_post("/v1/tracks", path_body("music/a.wav", ""), 422);

    expect_call(TB_DELETE, "/v1/tracks/test:p0", 204);
    for (int local = 0; local < 2; local++) { /* someone on this machine may name any file */
        exchange_begin(&x, TB_POST, "/v1/tracks");
        exchange_json(&x, path_body(f->paths[0], ""));
        x.request.local = local;
        exchange_run(&x, local ? 201 : 403);
        if (local) assert_none(x.json, "library");
        exchange_end(&x);
    }
    free(nowhere);
    free(inside);
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

static const char *const upload_targets[] = {"/v1/tracks", "/v1/search", "/v1/features", "/v1/embed"};
enum { N_UPLOAD_TARGETS = sizeof upload_targets / sizeof *upload_targets };

static void audio_that_cannot_be_read_is_told_and_removed(void **state)
{
    (void)state;
    const fixture *f = fixture_own(0, false);
    char *no_samples = tb_test_join(f->folder, "none.wav"), *text = tb_test_join(f->folder, "text.mp3");
    tb_test_write_wav(no_samples, NULL, 0, 1, 22050);
    FILE *file = fopen(text, "w");
    assert_non_null(file);
    fputs("this is a text, not audio\n", file);
    fclose(file);
    const struct {
        const char *path;
        int status;
    } cases[] = {{no_samples, 422}, {text, 415}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t k = 0; k < N_UPLOAD_TARGETS; k++) {
            exchange x;
            exchange_begin(&x, TB_POST, upload_targets[k]);
            exchange_audio(&x, "file", "a.mp3", cases[i].path);
            char *path = strdup(x.request.uploads[0].path);
            exchange_run(&x, cases[i].status);
            exchange_end(&x);
            assert_false(is_there(path));
            free(path);
        }
    assert_int_equal(n_tracks(), 0);
    free(text);
    free(no_samples);
}

static void failures_call_an_upload_by_its_own_name(void **state)
{
    (void)state;
    const fixture *f = fixture_shared();
    static const struct {
        const char *file_name, *says;
    } cases[] = {{"a.mp3", "the file \"a.mp3\""}, {NULL, "the upload"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        exchange x;
        exchange_begin(&x, TB_POST, "/v1/features");
        exchange_file(&x, "file", cases[i].file_name, "this is a text, not audio");
        exchange_run(&x, 415);
        exchange_assert_detail(&x, cases[i].says);
        assert_null(strstr(text_at(x.json, "detail"), f->folder));
        exchange_end(&x);
    }
    char *bad = tb_test_join(f->music, "bad0.mp3");
    exchange x;
    exchange_post(&x, "/v1/features", path_body(bad, ""), 415);
    exchange_assert_detail(&x, bad);
    exchange_end(&x);
    free(bad);
}

/* --- searches ------------------------------------------------------------------------------------------ */

static void neighbours_are_shown_with_their_parts(void **state)
{
    (void)state;
    exchange x;
    const json_t *json =
        exchange_get(&x, TRACK "/similar?using=timbre:1,rhythm:0.5&with=highlights&limit=3", 200);
    const tb_space_info space = space_info();
    assert_text(json, "space", space.name);
    assert_text(json, "model", space.model_version);
    assert_count(json, "results", 3);
    assert_true(number_at(json, "results.0.score") >= number_at(json, "results.1.score"));
    assert_true(number_at(json, "results.0.distance") <= number_at(json, "results.1.distance"));
    assert_string_equal(text_at(json, "results.0.id"), text_at(json, "results.0.track.id"));
    assert_number(json, "results.0.parts.timbre.presence", 1);
    assert_int_equal(json_object_size(exchange_at(json, "results.0.parts")), 2);
    const double timbre = number_at(json, "results.0.parts.timbre.distance"),
                 rhythm = number_at(json, "results.0.parts.rhythm.distance");
    assert_near(number_at(json, "results.0.distance"), sqrt(timbre * timbre + 0.5 * rhythm * rhythm), 1e-3);
    assert_count(json, "results.0.highlights", 1);
    assert_true(number_at(json, "results.0.highlights.0.query_start") >= 0);
    assert_true(number_at(json, "results.0.highlights.0.end") <= 12.01);
    assert_none(json, "results.0.highlights.0.part"); /* two were asked for */
    assert_null(json_object_get(json, "dropped_by"));
    exchange_end(&x);

    json = exchange_get(&x, TRACK "/similar?using=rhythm&with=highlights&limit=1", 200);
    assert_text(json, "results.0.highlights.0.part", "rhythm");
    assert_int_equal(json_object_size(exchange_at(json, "results.0.parts")), 1);
    exchange_end(&x);
    json = exchange_get(&x, TRACK "/similar?limit=1", 200);
    assert_null(json_object_get(exchange_at(json, "results.0"), "highlights"));
    assert_null(json_object_get(exchange_at(json, "results.0.track"), "features"));
    exchange_end(&x);
}

static void few_hits_say_why(void **state)
{
    (void)state;
    static const struct {
        const char *options, *cause;
        double n;
    } cases[] = {
        {"filter=year:1999", "dropped_by.filter", 3}, /* p2, p3 and silence */
        {"missing=exclude", "dropped_by.missing", 1}, /* silence has no part */
        {"previous=test:p0,nobody", "dropped_by.previous", 1}, /* p0; the query itself is not counted */
        {"exclude_same_album=true", "dropped_by.same_album", 1},
        {"max_per_artist=1", "dropped_by.artist_cap", 1},
        {"group_by=artist", "dropped_by.group", 1},
        {"score_threshold=1", "dropped_by.threshold", 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        exchange x;
        char target[200];
        snprintf(target, sizeof target, TRACK "/similar?%s", cases[i].options);
        const json_t *json = exchange_get(&x, target, 200);
        if (number_at(json, cases[i].cause) < cases[i].n || number_at(json, cases[i].cause) > cases[i].n)
            fail_msg("%s: %s is %g", cases[i].options, cases[i].cause, number_at(json, cases[i].cause));
        assert_null(json_object_get(json, "explain"));
        exchange_end(&x);
    }
}

static void a_search_explains_itself(void **state)
{
    (void)state;
    exchange x, y;
    const json_t *json =
        exchange_get(&x, TRACK "/similar?limit=1&explain&with=vector,features&using=timbre:2", 200);
    assert_true(number_at(json, "explain.candidates") >= 3);
    assert_number(json, "explain.weights.timbre", 2);
    assert_number(json, "explain.weights.rhythm", 0);
    assert_number(json, "explain.query_presence.timbre", 1);
    assert_true(number_at(json, "explain.timing.search") >= 0);
    assert_true(number_at(json, "results.0.parts.rhythm.score") <= 1); /* shown though not asked for */
    assert_true(number_at(json, "results.0.track.features.loudness") < 0);
    assert_number(json, "dropped_by.group", 0);
    char target[100];
    snprintf(target, sizeof target, "/v1/tracks/%s/embedding", text_at(json, "results.0.id"));
    const json_t *stored = exchange_get(&y, target, 200);
    assert_true(json_equal(exchange_at(json, "results.0.track.vector"), exchange_at(stored, "vector")));
    exchange_end(&y);
    exchange_end(&x);
}

static void a_silent_query_says_so(void **state)
{
    (void)state;
    exchange x;
    const json_t *json = exchange_get(&x, SILENCE "/similar", 200);
    assert_count(json, "results", 0);
    assert_non_null(strstr(text_at(json, "reason"), "silent"));
    exchange_end(&x);
    exchange_begin(&x, TB_POST, "/v1/search");
    exchange_audio(&x, "file", "quiet.wav", fixture_shared()->paths[FIXTURE_SILENCE]);
    exchange_run(&x, 200);
    assert_non_null(strstr(text_at(x.json, "reason"), "silent"));
    exchange_end(&x);
}

/* An answer without what differs from call to call. */
static json_t *timeless(const json_t *answer)
{
    json_t *copy = json_deep_copy(answer);
    json_object_del(copy, "time");
    json_object_del(json_object_get(copy, "explain"), "timing");
    return copy;
}

static void get_and_post_ask_the_same(void **state)
{
    (void)state;
    static const struct {
        const char *parameters, *members;
        bool like_plain; /* the answer is the same as without */
    } cases[] = {
        {"space=descriptors", "\"space\": \"descriptors\"", true},
        {"approximate=true", "\"approximate\": true", true},
        {"using=rhythm:2", "\"using\": {\"rhythm\": 2}", false},
        {"using=rhythm&missing=exclude", "\"using\": \"rhythm\", \"missing\": \"exclude\"", false},
        {"level=segment", "\"level\": \"segment\"", false},
        {"group_by=artist", "\"group_by\": \"artist\"", false},
        {"level=segment&group_by=track&group_size=2",
         "\"level\": \"segment\", \"group_by\": \"track\", \"group_size\": 2", false},
        {"max_per_artist=1", "\"max_per_artist\": 1", false},
        {"level=segment&max_per_album=1", "\"level\": \"segment\", \"max_per_album\": 1", false},
        {"exclude_same_album=true", "\"exclude_same_album\": true", false},
        {"previous=test:p0,b", "\"previous\": [\"test:p0\", \"b\"]", false},
        {"score_threshold=1", "\"score_threshold\": 1", false},
        {"limit=1", "\"limit\": 1", false},
        {"offset=1", "\"offset\": 1", false},
        {"filter=year:1999", "\"filter\": {\"must\": {\"key\": \"year\", \"match\": {\"value\": 1999}}}",
         false},
        {"with=vector,features", "\"with\": [\"vector\", \"features\"]", false},
        {"explain", "\"explain\": true", false},
        {"start=3&duration=5", "\"start\": 3, \"duration\": 5", false},
    };
    exchange x;
    json_t *plain = timeless(exchange_get(&x, TRACK "/similar", 200));
    exchange_end(&x);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char target[300], body[300];
        snprintf(target, sizeof target, TRACK "/similar?%s", cases[i].parameters);
        snprintf(body, sizeof body, "{\"query\": \"test:p1\", %s}", cases[i].members);
        json_t *got = timeless(exchange_get(&x, target, 200));
        exchange_end(&x);
        json_t *posted = timeless(exchange_post(&x, "/v1/search", body, 200));
        exchange_end(&x);
        if (!json_equal(got, posted)) fail_msg("%s is answered otherwise than %s", cases[i].parameters, body);
        if (json_equal(got, plain) != cases[i].like_plain)
            fail_msg("%s makes %s difference", cases[i].parameters, cases[i].like_plain ? "a" : "no");
        json_decref(got);
        json_decref(posted);
    }
    json_t *passage = timeless(exchange_get(&x, TRACK "/similar?start=3&duration=5", 200));
    exchange_end(&x);
    json_t *posted = timeless(exchange_post(
        &x, "/v1/search", "{\"query\": {\"id\": \"test:p1\", \"start\": 3, \"duration\": 5}}", 200));
    exchange_end(&x);
    assert_true(json_equal(passage, posted));
    json_decref(posted);
    json_decref(passage);
    json_decref(plain);
}

/* {"query": {"vector": […]}, "with": "highlights"} of the track's own vector; free. */
static char *vector_query(const char *target)
{
    exchange x;
    json_t *body = json_pack("{s:{s:O}, s:s}", "query", "vector",
                             exchange_at(exchange_get(&x, target, 200), "vector"), "with", "highlights");
    exchange_end(&x);
    char *text = json_dumps(body, JSON_COMPACT);
    json_decref(body);
    return text;
}

static void a_search_takes_each_kind_of_query(void **state)
{
    (void)state;
    const fixture *f = fixture_shared();
    exchange x;
    char *by_vector = vector_query(TRACK "/embedding");
    const json_t *json = exchange_post(&x, "/v1/search", by_vector, 200);
    assert_text(json, "results.0.id", f->ids[1]);
    assert_near(number_at(json, "results.0.score"), 1, 1e-3);
    assert_none(json, "results.0.highlights.0.query_start"); /* a vector has no time */
    exchange_end(&x);
    free(by_vector);

    json = exchange_post(&x, "/v1/search",
                         "{\"query\": {\"recommend\": {\"positive\": [\"test:p0\", \"test:p2\"], "
                         "\"negative\": [\"test:p3\"]}}, \"explain\": true}",
                         200);
    assert_text(json, "results.0.id", f->ids[1]); /* examples are not answers */
    exchange_end(&x);

    char body[4300];
    snprintf(body, sizeof body, "{\"query\": {\"path\": \"%s\"}}", f->paths[2]);
    json = exchange_post(&x, "/v1/search", body, 200);
    assert_text(json, "results.0.id", f->ids[2]);
    assert_near(number_at(json, "results.0.score"), 1, 1e-3);
    exchange_end(&x);
    snprintf(body, sizeof body, "{\"query\": {\"path\": \"%s\", \"start\": 5}}", f->paths[2]);
    json = exchange_post(&x, "/v1/search", body, 200);
    assert_text(json, "results.0.id", f->ids[2]);
    assert_true(number_at(json, "results.0.score") < 0.9999); /* from there to the end */
    exchange_end(&x);

    expect_post("/v1/search", "{\"query\": {\"path\": \"/etc/shadow\"}}", 403);
    expect_post("/v1/search", "{\"query\": \"nobody\"}", 404);
    expect_post("/v1/search", "{\"query\": {\"recommend\": {\"positive\": [\"nobody\"]}}}", 404);
    expect_post("/v1/search", "{\"query\": [1], \"start\": 3}", 422);
    expect_post("/v1/search", "{\"query\": [1, 2, 3]}", 422); /* too short */
    expect_post("/v1/search", "{\"query\": \"test:p1\", \"using\": \"drums\"}", 422);
    exchange_post(&x, "/v1/search", "{\"space\": \"nowhere\", \"query\": \"test:p1\"}", 422);
    exchange_assert_detail(&x, "descriptors");
    exchange_end(&x);
}

static void an_upload_is_searched_by_and_not_kept(void **state)
{
    (void)state;
    const fixture *f = fixture_shared();
    exchange x;
    exchange_begin(&x, TB_POST, "/v1/search?limit=2");
    exchange_audio(&x, "file", "x.wav", f->paths[3]);
    exchange_field(&x, "query", "{\"using\": \"rhythm\", \"explain\": true}");
    exchange_field(&x, "missing", "penalize");
    exchange_run(&x, 200);
    assert_text(x.json, "results.0.id", f->ids[3]);
    assert_near(number_at(x.json, "results.0.score"), 1, 1e-3);
    assert_count(x.json, "results", 2);
    assert_number(x.json, "explain.weights.rhythm", 1);
    assert_number(x.json, "explain.weights.timbre", 0);
    assert_true(number_at(x.json, "explain.timing.decode") > 0);
    char *path = strdup(x.request.uploads[0].path);
    assert_true(is_there(path));
    exchange_end(&x);
    assert_false(is_there(path));
    assert_int_equal(n_tracks(), FIXTURE_TRACKS);
    free(path);
}

static bool yes(void *context)
{
    (void)context;
    return true;
}

static void a_client_that_left_ends_its_call(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_UPLOAD_TARGETS; i++) {
        exchange x;
        exchange_begin(&x, TB_POST, upload_targets[i]);
        exchange_audio(&x, "file", "x.wav", fixture_shared()->paths[3]);
        x.request.cancelled = yes;
        const bool known = strcmp(upload_targets[i], "/v1/tracks") == 0; /* found by its hash at once */
        exchange_run(&x, known ? 200 : 503);
        exchange_end(&x);
    }
}

/* --- what belongs to a track --------------------------------------------------------------------------- */

static void features_and_embeddings_are_shown(void **state)
{
    (void)state;
    const tb_space_info space = space_info();
    const size_t rhythm = part_position("rhythm");
    exchange x;
    const json_t *json = exchange_get(&x, TRACK "/features", 200);
    assert_text(json, "id", fixture_shared()->ids[1]);
    assert_true(number_at(json, "features.loudness") < 0);
    assert_number(json, "duration", 12);
    exchange_end(&x);
    json = exchange_get(&x, TRACK "/embedding?space=descriptors", 200);
    assert_number(json, "dim", (double)space.dim);
    assert_count(json, "vector", space.dim);
    assert_count(json, "parts", space.n_parts);
    char path[40];
    snprintf(path, sizeof path, "parts.%zu.offset", rhythm);
    assert_number(json, path, (double)space.part_offsets[rhythm]);
    assert_number(json, "presence.timbre", 1);
    assert_true(number_at(json, "segments") > 1);
    exchange_end(&x);
    json = exchange_get(&x, SILENCE "/embedding", 200);
    assert_number(json, "presence.timbre", 0);
    exchange_end(&x);
    expect_get(TRACK "/embedding?space=x", 422);
}

static void segments_come_in_pages(void **state)
{
    (void)state;
    const tb_space_info space = space_info();
    const size_t rhythm = part_position("rhythm");
    exchange x, y;
    const json_t *json = exchange_get(&x, TRACK "/segments?limit=1", 200);
    assert_count(json, "results", 1);
    assert_text(json, "next_cursor", "1");
    assert_true(number_at(json, "total") > 1);
    assert_null(json_object_get(exchange_at(json, "results.0"), "vector"));
    assert_int_equal(json_object_size(exchange_at(json, "results.0.presence")), space.n_parts);
    exchange_end(&x);

    const json_t *whole = exchange_get(&y, TRACK "/segments?with=vector", 200);
    assert_none(whole, "next_cursor");
    assert_int_equal(json_array_size(exchange_at(whole, "results")), (size_t)number_at(whole, "total"));
    assert_count(whole, "results.1.vector", space.dim);
    json = exchange_get(&x, TRACK "/segments?cursor=1&part=rhythm&with=vector", 200);
    assert_number(json, "results.0.start", number_at(whole, "results.1.start"));
    assert_true(number_at(json, "results.0.start") > 0);
    assert_near(number_at(json, "results.0.end") - number_at(json, "results.0.start"), space.window_s, 0.01);
    assert_count(json, "results.0.vector", space.part_dims[rhythm]);
    const json_t *part = exchange_at(json, "results.0.vector"), *all = exchange_at(whole, "results.1.vector");
    for (size_t k = 0; k < space.part_dims[rhythm]; k++)
        assert_true(
            json_equal(json_array_get(part, k), json_array_get(all, space.part_offsets[rhythm] + k)));
    assert_int_equal(json_object_size(exchange_at(json, "results.0.presence")), 1);
    assert_none(json, "next_cursor");
    exchange_end(&x);
    exchange_end(&y);

    json = exchange_get(&x, TRACK "/segments?cursor=1000", 200);
    assert_count(json, "results", 0);
    exchange_end(&x);
    expect_get(TRACK "/segments?part=drums", 422);
    expect_get(TRACK "/segments?cursor=-1", 422);
    expect_get(TRACK "/segments?cursor=x", 422);
}

static void audio_comes_whole_or_in_ranges(void **state)
{
    (void)state;
    const int size = (int)size_of_file(fixture_shared()->paths[1]);
    char middle[64], end[64], behind[64], none[64];
    snprintf(middle, sizeof middle, "bytes 8-11/%d", size);
    snprintf(end, sizeof end, "bytes %d-%d/%d", size - 2, size - 1, size);
    snprintf(behind, sizeof behind, "bytes=%d-", size);
    snprintf(none, sizeof none, "bytes */%d", size);
    const struct {
        const char *range, *if_range, *content_range;
        int status, offset, size;
    } cases[] = {
        {NULL, NULL, "", 200, 0, size},
        {"bytes=8-11", NULL, middle, 206, 8, 4},
        {"bytes=-2", NULL, end, 206, size - 2, 2},
        {"bytes=8-11", "\"tag\"", "", 200, 0, size},
        {"lines=1-2", NULL, "", 200, 0, size},
    };
    exchange x;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        exchange_begin(&x, i % 2 ? TB_HEAD : TB_GET, TRACK "/audio");
        if (cases[i].range) exchange_header(&x, "Range", cases[i].range);
        if (cases[i].if_range) exchange_header(&x, "If-Range", cases[i].if_range);
        exchange_run(&x, cases[i].status);
        assert_int_equal(x.reply.kind, TB_BODY_FILE);
        char head[4] = "";
        assert_int_equal(pread(x.reply.fd, head, sizeof head, 8), sizeof head);
        assert_memory_equal(head, "WAVE", sizeof head);
        assert_int_equal(x.reply.file_offset, cases[i].offset);
        assert_int_equal(x.reply.file_size, cases[i].size);
        assert_string_equal(x.reply.content_type, "audio/wav");
        assert_string_equal(exchange_reply_header(&x, "Accept-Ranges"), "bytes");
        assert_string_equal(exchange_reply_header(&x, "Content-Range"), cases[i].content_range);
        exchange_end(&x);
    }
    exchange_begin(&x, TB_GET, TRACK "/audio");
    exchange_header(&x, "Range", behind);
    exchange_run(&x, 416);
    assert_string_equal(exchange_reply_header(&x, "Content-Range"), none);
    exchange_end(&x);
}

static void audio_that_is_gone_is_404(void **state)
{
    (void)state;
    const fixture *f = fixture_own(2, false);
    assert_int_equal(unlink(f->paths[1]), 0);
    exchange x;
    exchange_get(&x, TRACK "/audio", 404);
    exchange_assert_detail(&x, "not there any more");
    exchange_end(&x);
    expect_get(TRACK "/embedding", 200);
}

static void analysis_answers_and_stores_nothing(void **state)
{
    (void)state;
    fixture *f = fixture_own(0, false);
    char *piece = tb_test_join(f->music, "piece.wav");
    tb_test_write_piece(piece, 77, 12, 22050);
    exchange x;
    exchange_begin(&x, TB_POST, "/v1/features?start=3");
    exchange_audio(&x, "file", "a.wav", piece);
    exchange_run(&x, 200);
    assert_number(x.json, "sample_rate", 22050);
    assert_near(number_at(x.json, "duration"), 9, 0.01);
    assert_true(number_at(x.json, "features.loudness") < 0);
    exchange_end(&x);
    exchange_begin(&x, TB_POST, "/v1/embed?level=segment&space=descriptors");
    exchange_audio(&x, "", NULL, piece);
    exchange_run(&x, 200);
    assert_text(x.json, "space", "descriptors");
    assert_count(x.json, "vector", space_info().dim);
    assert_count(x.json, "segments.1.vector", space_info().dim);
    assert_number(x.json, "presence.timbre", 1);
    exchange_end(&x);

    expect_post("/v1/features", path_body(piece, ""), 403);
    fixture_put_library(f);
    exchange_post(&x, "/v1/features", path_body(piece, ", \"duration\": 5"), 200);
    assert_near(number_at(x.json, "duration"), 5, 0.01);
    exchange_end(&x);
    exchange_post(&x, "/v1/embed", path_body(piece, ""), 200);
    assert_null(json_object_get(x.json, "segments"));
    exchange_end(&x);
    assert_int_equal(n_tracks(), 0);
    free(piece);
}

/* --- libraries, jobs, server --------------------------------------------------------------------------- */

static int64_t scan(const char *body)
{
    exchange x;
    char location[64];
    exchange_begin(&x, TB_POST, "/v1/libraries/music/scan");
    if (body) exchange_json(&x, body);
    exchange_run(&x, 202);
    const int64_t id = json_integer_value(exchange_at(x.json, "id"));
    snprintf(location, sizeof location, "/v1/jobs/%lld", (long long)id);
    assert_string_equal(exchange_reply_header(&x, "Location"), location);
    assert_text(x.json, "kind", "scan");
    assert_text(x.json, "subject", "music");
    exchange_end(&x);
    return id;
}

static void put_library(const char *root, const char *more, int status)
{
    exchange x;
    char body[4300];
    snprintf(body, sizeof body, "{\"root\": \"%s\"%s}", root, more);
    exchange_begin(&x, TB_PUT, "/v1/libraries/music");
    exchange_json(&x, body);
    exchange_run(&x, status);
    if (status == 201) assert_string_equal(exchange_reply_header(&x, "Location"), "/v1/libraries/music");
    assert_text(x.json, "name", "music");
    assert_text(x.json, "root", root);
    assert_count(x.json, "exclude", *more ? 1 : 0);
    assert_none(x.json, "scanned");
    exchange_end(&x);
}

static void libraries_are_made_scanned_and_forgotten(void **state)
{
    (void)state;
    const fixture *f = fixture_own(0, true);
    char *live = tb_test_join(f->music, "live"), *not_this = tb_test_join(f->music, "x");
    assert_int_equal(mkdir(live, 0700), 0);
    assert_int_equal(mkdir(not_this, 0700), 0);
    exchange x;
    put_library(f->music, "", 201);
    put_library(f->music, ", \"exclude\": [\"x/**\"]", 200);
    for (int i = 0; i < 3; i++) {
        char *path = tb_test_join(i == 0 ? f->music : i == 1 ? live : not_this, "a.wav");
        tb_test_write_piece(path, (uint64_t)i + 1, 2, 22050);
        free(path);
    }

    fixture_wait(scan("{\"path\": \"live\", \"force\": true}"));
    assert_int_equal(n_tracks(), 1);
    const int64_t id = scan(NULL); /* without any body */
    fixture_wait(id);
    assert_int_equal(n_tracks(), 2); /* x/a.wav is excluded */
    char target[64];
    snprintf(target, sizeof target, "/v1/jobs/%lld", (long long)id);
    const json_t *json = exchange_get(&x, target, 200);
    assert_text(json, "state", "done");
    assert_number(json, "done", 1); /* a.wav; live/a.wav is unchanged */
    assert_number(json, "total", 1);
    assert_number(json, "failed", 0);
    assert_none(json, "eta");
    assert_true(strlen(text_at(json, "ended")) > 0);
    exchange_end(&x);

    json = exchange_get(&x, "/v1/libraries/music", 200);
    assert_number(json, "tracks", 2);
    assert_text(json, "exclude.0", "x/**");
    assert_true(strlen(text_at(json, "scanned")) > 0);
    exchange_end(&x);
    json = exchange_get(&x, "/v1/libraries", 200);
    assert_count(json, "results", 1);
    assert_text(json, "results.0.root", f->music);
    exchange_end(&x);
    expect_call(TB_DELETE, "/v1/libraries/music", 204);
    expect_get("/v1/libraries/music", 404);
    assert_int_equal(n_tracks(), 0);
    free(not_this);
    free(live);
}

static void failures_come_in_pages(void **state)
{
    (void)state;
    exchange x;
    const json_t *json = exchange_get(&x, "/v1/libraries/music/failures?limit=2", 200);
    assert_number(json, "total", FIXTURE_FAILURES);
    assert_count(json, "results", 2);
    assert_text(json, "next_cursor", "2");
    assert_non_null(strstr(text_at(json, "results.0.path"), "bad0.mp3"));
    assert_true(strlen(text_at(json, "results.0.reason")) > 10);
    assert_number(json, "results.0.attempts", 1);
    exchange_end(&x);
    json = exchange_get(&x, "/v1/libraries/music/failures?limit=2&cursor=2", 200);
    assert_count(json, "results", 1);
    assert_non_null(strstr(text_at(json, "results.0.path"), "bad2.mp3"));
    assert_none(json, "next_cursor");
    exchange_end(&x);
    json = exchange_get(&x, "/v1/libraries/music/failures?cursor=100", 200);
    assert_count(json, "results", 0);
    exchange_end(&x);
}

static void a_library_needs_a_folder(void **state)
{
    (void)state;
    static const char *const bodies[] = {"{}",
                                         "{\"root\": \"\"}",
                                         "{\"root\": \"music\"}",
                                         "{\"root\": 5}",
                                         "{\"root\": null}",
                                         "{\"root\": \"/music\", \"watch\": true}",
                                         "[]",
                                         "{\"root\": \"/m\", \"exclude\": [5]}",
                                         "{\"root\": \"/nowhere/at/all\"}",
                                         "{\"root\": \"/\"}",
                                         "{\"root\": \"/dev/null\"}"};
    exchange x;
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        exchange_begin(&x, TB_PUT, "/v1/libraries/music");
        exchange_json(&x, bodies[i]);
        exchange_run(&x, 422);
        exchange_end(&x);
    }
    char body[4200];
    snprintf(body, sizeof body, "{\"root\": \"%s\"}", fixture_shared()->music);
    static const struct {
        const char *target;
        int status;
    } cases[] = {{"/v1/libraries/Not%20A%20Name", 422}, {"/v1/libraries/other", 409}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        exchange_begin(&x, TB_PUT, cases[i].target);
        exchange_json(&x, body);
        exchange_run(&x, cases[i].status);
        exchange_end(&x);
    }
}

static void jobs_are_shown_and_changed(void **state)
{
    (void)state;
    fixture_put_library(fixture_own(0, false)); /* jobs stay queued */
    exchange x;
    char target[64], pause[80], resume[80];
    const int64_t id = scan("{}");
    assert_int_equal(scan("{}"), id); /* it is queued already */
    assert_true(scan("{\"force\": true}") > id);
    snprintf(target, sizeof target, "/v1/jobs/%lld", (long long)id);
    snprintf(pause, sizeof pause, "%s/pause", target);
    snprintf(resume, sizeof resume, "%s/resume", target);

    const json_t *json = exchange_get(&x, "/v1/jobs?limit=5", 200);
    assert_count(json, "results", 2);
    assert_number(json, "results.1.id", (double)id); /* newest first */
    exchange_end(&x);
    json = exchange_get(&x, target, 200);
    assert_text(json, "state", "queued");
    assert_number(json, "done", 0);
    assert_none(json, "total");
    assert_none(json, "eta");
    assert_none(json, "started");
    assert_none(json, "ended");
    exchange_end(&x);

    exchange_post(&x, pause, "{}", 200);
    assert_text(x.json, "state", "paused");
    exchange_end(&x);
    exchange_begin(&x, TB_POST, resume);
    exchange_run(&x, 200);
    assert_text(x.json, "state", "queued");
    exchange_end(&x);
    expect_call(TB_POST, resume, 409); /* it is not paused */
    exchange_begin(&x, TB_DELETE, target);
    exchange_run(&x, 200);
    assert_text(x.json, "state", "cancelled");
    exchange_end(&x);
    expect_call(TB_DELETE, target, 409);
    expect_call(TB_DELETE, "/v1/jobs/999", 404);
}

static tb_status add_line(void *context, tb_buffer *text)
{
    return tb_buffer_append_text(text, context);
}

static void the_server_tells_about_itself(void **state)
{
    (void)state;
    const tb_space_info space = space_info();
    exchange x;
    const json_t *json = exchange_get(&x, "/v1/spaces", 200);
    assert_text(json, "results.0.name", space.name);
    assert_text(json, "results.0.parts.1.name", space.part_names[1]);
    assert_number(json, "results.0.tracks", (double)space.n_tracks);
    exchange_end(&x);
    expect_get("/healthz?from=probe", 200);
    expect_get("/livez", 200);
    expect_get("/readyz", 200);
    static char line[] = "timbre_connections 3\n";
    char segments[200], tracks[40], failed[40];
    snprintf(segments, sizeof segments, "timbre_space_segments{space=\"%s\",model=\"%s\"} %zu\n", space.name,
             space.model_version, space.n_segments);
    snprintf(tracks, sizeof tracks, "\ntimbre_tracks %d\n", FIXTURE_TRACKS);
    snprintf(failed, sizeof failed, "\ntimbre_failed_files %d\n", FIXTURE_FAILURES);
    exchange_begin(&x, TB_GET, "/metrics");
    tb_api_set_metrics(x.api, add_line, line);
    exchange_run(&x, 200);
    assert_non_null(strstr(x.reply.bytes, tracks));
    assert_non_null(strstr(x.reply.bytes, failed));
    assert_non_null(strstr(x.reply.bytes, segments));
    assert_non_null(strstr(x.reply.bytes, "timbre_connections 3\n"));
    exchange_end(&x);
}

static void a_server_without_its_data_is_alive_but_not_ready(void **state)
{
    (void)state;
    const fixture *f = fixture_own(0, false);
    char *away = tb_test_join(f->folder, "away");
    assert_int_equal(rename(f->data, away), 0);
    exchange x;
    const json_t *json = exchange_get(&x, "/readyz", 503);
    assert_text(json, "code", "io");
    exchange_end(&x);
    expect_get("/livez", 200);
    assert_int_equal(rename(away, f->data), 0);
    expect_get("/readyz", 200);
    free(away);
}

static void damage_in_our_data_is_our_mistake(void **state)
{
    (void)state;
    fixture *f = fixture_own(3, false);
    tb_engine_close(f->engine); /* all is in the one file then */
    f->engine = open_engine_with(f->data, false);
    const long kept = 4096; /* the first page */
    char *database = tb_test_join(f->data, "timbre.db");
    FILE *file = fopen(database, "r+");
    assert_non_null(file);
    assert_int_equal(fseek(file, kept, SEEK_SET), 0);
    for (int64_t left = size_of_file(database) - kept; left > 0; left--) putc(0xff, file);
    assert_int_equal(fclose(file), 0);
    free(database);
    static const char *const targets[] = {TRACK,
                                          TRACK "/embedding",
                                          TRACK "/segments",
                                          TRACK "/audio",
                                          TRACK "/features",
                                          TRACK "/similar",
                                          "/v1/tracks",
                                          "/v1/libraries",
                                          "/v1/libraries/music",
                                          "/v1/libraries/music/failures",
                                          "/v1/jobs",
                                          "/v1/jobs/1",
                                          "/metrics"};
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        exchange x;
        const json_t *json = exchange_get(&x, targets[i], 500);
        assert_text(json, "code", "corrupt");
        exchange_end(&x);
    }
    expect_get("/readyz", 503);
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
    char body[2 * EXCHANGE_MAX_JSON];
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
    fixture_put_library(fixture_own(3, false));
    assert_ok(tb_api_new(fixture_engine(), NULL, &api, &err));
    static const struct {
        tb_method method;
        const char *target, *body;
    } calls[] = {
        {TB_GET, TRACK "/similar?using=timbre:1&with=vector&previous=a,b&filter=year:1999", NULL},
        {TB_GET, TRACK "/segments?with=vector", NULL},
        {TB_GET, "/v1/libraries", NULL},
        {TB_POST, "/v1/search",
         "{\"query\": {\"recommend\": {\"positive\": [\"test:p0\", \"test:p2\"]}}, \"using\": [\"rhythm\"]}"},
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

#define CASE(function) cmocka_unit_test_setup_teardown(function, fixture_begin, fixture_end)

TB_TESTS(handlers, CASE(a_track_is_the_object_itself), CASE(an_external_id_may_have_slashes),
         CASE(unknown_things_are_404), CASE(a_list_shows_what_is_asked_for),
         CASE(cursors_lead_through_the_whole_list), CASE(a_list_is_sorted_by_a_field),
         CASE(a_patch_sets_and_clears), CASE(a_deleted_track_leaves_no_content),
         CASE(an_upload_is_added_once), CASE(a_client_need_not_wait_for_an_upload),
         CASE(a_path_must_lie_in_a_library), CASE(wrong_uploads_say_what_to_send),
         CASE(an_empty_file_is_refused), CASE(audio_that_cannot_be_read_is_told_and_removed),
         CASE(failures_call_an_upload_by_its_own_name), CASE(neighbours_are_shown_with_their_parts),
         CASE(few_hits_say_why), CASE(a_search_explains_itself), CASE(a_silent_query_says_so),
         CASE(get_and_post_ask_the_same), CASE(a_search_takes_each_kind_of_query),
         CASE(an_upload_is_searched_by_and_not_kept), CASE(a_client_that_left_ends_its_call),
         CASE(features_and_embeddings_are_shown), CASE(segments_come_in_pages),
         CASE(audio_comes_whole_or_in_ranges), CASE(audio_that_is_gone_is_404),
         CASE(analysis_answers_and_stores_nothing), CASE(libraries_are_made_scanned_and_forgotten),
         CASE(failures_come_in_pages), CASE(a_library_needs_a_folder), CASE(jobs_are_shown_and_changed),
         CASE(the_server_tells_about_itself), CASE(a_server_without_its_data_is_alive_but_not_ready),
         CASE(damage_in_our_data_is_our_mistake), CASE(the_page_and_the_description_are_built_in),
         CASE(wrong_methods_say_which_are_right), CASE(bodies_of_the_wrong_kind_are_refused),
         CASE(large_and_deep_bodies_are_refused), CASE(wrong_parameters_are_refused_everywhere),
         CASE(each_allocation_of_a_call_may_fail))
