// SPDX-License-Identifier: MIT
/* Requests put together at random, half of them nearly right: nothing crashes, every reply is complete, and
 * none is a failure of ours. */
#include "exchange.h"

#include "api/api_internal.h"
#include "base/alloc.h"
#include "base/rng.h"
#include "fixture.h"
#include "support/testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_REQUESTS = 20000, MAX_BODY = 1500 };

static const char *pick(tb_rng *rng, const char *const *texts, size_t n)
{
    return texts[tb_rng_below(rng, n)];
}
#define PICK(rng, texts) pick(rng, texts, sizeof texts / sizeof *texts)

static const char *const scalars[] = {
    "0", "1", "-1", "5", "1e9", "1e308", "-0.0", "0.5", "null", "true", "false", "\"\"", "\"skip\"",
    "\"segment\"", "\"test:p0\"", "\"timbre:1,rhythm:0\"", "\"tempo:[90 TO 120]\"",
    "\"\\ud83d\\ude00\"", "\"a\\u0001\"", "[]", "{}", "[1,2,3,4]", "[\"a\",\"b\"]", "9223372036854775807",
    "99999999999999999999", "\"vector\"", "\"highlights,vector\"",
};
static const char *const names[] = {"query",    "using",     "filter",     "limit",      "offset",
                                    "with",     "previous",  "space",      "missing",    "level",
                                    "group_by", "explain",   "start",      "duration",   "id",
                                    "vector",   "recommend", "positive",   "negative",   "must",
                                    "should",   "must_not",  "min_should", "conditions", "min_count",
                                    "key",      "match",     "range",      "value",      "any",
                                    "except",   "text",      "gte",        "lt",         "has_id",
                                    "is_empty", "title",     "year",       "payload",    "external_ids",
                                    "metadata", "path",      "root",       "exclude",    "weight",
                                    "x"};

/* A JSON value below that depth; returns how many bytes were written. */
static size_t write_value(tb_rng *rng, char *out, size_t room, int depth)
{
    const uint64_t kind = depth > 0 ? tb_rng_below(rng, 4) : 0;
    size_t n = 0;
    if (room < 100) return (size_t)snprintf(out, room, "0");
    if (kind < 2) return (size_t)snprintf(out, room, "%s", PICK(rng, scalars));
    out[n++] = kind == 2 ? '{' : '[';
    const uint64_t n_members = tb_rng_below(rng, 4);
    for (uint64_t i = 0; i < n_members && room - n > 200; i++) {
        if (i > 0) out[n++] = ',';
        if (kind == 2) n += (size_t)snprintf(out + n, room - n, "\"%s\":", PICK(rng, names));
        n += write_value(rng, out + n, room - n - 100, depth - 1);
    }
    out[n++] = kind == 2 ? '}' : ']';
    out[n] = '\0';
    return n;
}

/* A body that is JSON, or JSON with a few bytes changed. */
static void write_body(tb_rng *rng, char *body)
{
    size_t size = 1;
    body[0] = '{';
    const uint64_t n_members = 1 + tb_rng_below(rng, 4);
    for (uint64_t i = 0; i < n_members && size < MAX_BODY - 400; i++) {
        size += (size_t)snprintf(body + size, MAX_BODY - size, "%s\"%s\":", i > 0 ? "," : "",
                                 PICK(rng, names));
        size += write_value(rng, body + size, MAX_BODY - size - 50, 4);
    }
    body[size++] = '}';
    body[size] = '\0';
    if (tb_rng_below(rng, 4) == 0)
        for (int i = 0; i < 3; i++) body[tb_rng_below(rng, size)] = (char)(1 + tb_rng_below(rng, 255));
}

static const char *const paths[] = {
    "/v1/tracks", "/v1/tracks/scroll", "/v1/tracks/test:p0", "/v1/tracks/test:p0/similar",
    "/v1/tracks/test:p0/segments", "/v1/tracks/mbid:8f%2F3471%25b5/embedding", "/v1/search",
    "/v1/features", "/v1/libraries/music", "/v1/libraries/music/scan", "/v1/jobs/7", "/v1/jobs/7/pause",
    "/v1/spaces", "/", "/metrics", "/v1//", "/v1/tracks/%C3%A4",
};
static const char *const values[] = {
    "0", "1", "5", "-1", "nan", "", "true", "a,b", "timbre:1", "timbre:1,rhythm:-1", "rhythm", "skip",
    "segment", "%7B%22must%22:%5B%5D%7D", "tempo:%5B90+TO+120%5D", "tempo:%5B", "%7B", "%22a%22",
    "highlights,vector", "1e999", "%F0%9F%98%80", "((((((((", "-", "descriptors", "test:p0",
};

static void write_target(tb_rng *rng, char *target, size_t room)
{
    size_t size = (size_t)snprintf(target, room, "%s", PICK(rng, paths));
    const uint64_t n = tb_rng_below(rng, 4);
    for (uint64_t i = 0; i < n; i++)
        size += (size_t)snprintf(target + size, room - size, "%c%s=%s", i > 0 ? '&' : '?', PICK(rng, names),
                                 PICK(rng, values));
    if (tb_rng_below(rng, 5) == 0)
        target[1 + tb_rng_below(rng, size - 1)] = (char)(1 + tb_rng_below(rng, 255));
}

static void assert_complete(const tb_reply *reply, const char *target, const char *body)
{
    if (reply->status < 200 || reply->status > 499) fail_msg("%d for %s %s", reply->status, target, body);
    if (reply->status == 204) return;
    if (!reply->content_type || (reply->kind == TB_BODY_BYTES && reply->size == 0))
        fail_msg("no content for %s %s", target, body);
    if (reply->status < 400) return;
    json_t *json = json_loadb(reply->bytes, reply->size, JSON_REJECT_DUPLICATES, NULL);
    if (!json || json_integer_value(json_object_get(json, "status")) != reply->status)
        fail_msg("no problem for %s %s: %.*s", target, body, (int)reply->size, reply->bytes);
    json_decref(json);
}

/* What a request may have removed is there again for the next. */
static void restore(fixture *f)
{
    fixture_add(f, 0);
    fixture_put_library(f);
}

static void any_request_gets_a_complete_reply(void **state)
{
    (void)state;
    static const tb_method methods[] = {TB_GET,    TB_POST, TB_POST,    TB_PUT,         TB_PATCH,
                                        TB_DELETE, TB_HEAD, TB_OPTIONS, TB_METHOD_OTHER};
    tb_rng rng;
    tb_error err;
    tb_api *api;
    size_t n_good = 0;
    fixture *f = fixture_own(2, false);
    fixture_put_library(f);
    tb_rng_init(&rng, 20261122);
    assert_ok(tb_api_new(fixture_engine(), NULL, &api, &err));
    for (int i = 0; i < N_REQUESTS; i++) {
        char target[1000], body[MAX_BODY] = "";
        tb_request request;
        tb_reply reply;
        tb_request_init(&request);
        tb_reply_init(&reply);
        tb_error_clear(&err);
        write_target(&rng, target, sizeof target);
        request.method = methods[tb_rng_below(&rng, sizeof methods / sizeof *methods)];
        if (request.method == TB_POST || request.method == TB_PUT || request.method == TB_PATCH) {
            write_body(&rng, body);
            assert_status(tb_buffer_append_text(&request.body, body), TB_OK);
            assert_ok(tb_request_add_header(&request, "content-type", "application/json", &err));
            request.has_body = true;
        }
        if (tb_request_set_target(&request, target, &err) == TB_OK) tb_api_handle(api, &request, &reply);
        else tb_reply_error(&reply, &err);
        assert_complete(&reply, target, body);
        n_good += reply.status < 300;
        if (reply.status == 204 && request.method == TB_DELETE) restore(f);
        tb_request_clear(&request);
        tb_reply_clear(&reply);
    }
    tb_api_free(api);
    if (n_good < N_REQUESTS / 100)
        fail_msg("only %zu of %d requests got past the checks", n_good, N_REQUESTS);
}

TB_TESTS(random_requests, cmocka_unit_test_setup_teardown(any_request_gets_a_complete_reply, fixture_begin,
                                                          fixture_end))
