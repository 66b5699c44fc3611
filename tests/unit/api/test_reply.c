// SPDX-License-Identifier: MIT
#include "api/reply.h"

#include "base/alloc.h"
#include "support/testing.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *find_header(const tb_reply *reply, const char *name)
{
    for (size_t i = 0; i < reply->n_headers; i++)
        if (strcmp(reply->headers[i].name, name) == 0) return reply->headers[i].value;
    return NULL;
}

/* The reply is a problem with these members. */
static void assert_problem(const tb_reply *reply, int status, const char *code, const char *detail)
{
    assert_int_equal(reply->status, status);
    assert_string_equal(reply->content_type, "application/problem+json");
    json_t *json = json_loadb(reply->bytes, reply->size, 0, NULL);
    assert_non_null(json);
    assert_int_equal(json_integer_value(json_object_get(json, "status")), status);
    assert_string_equal(json_string_value(json_object_get(json, "type")), "about:blank");
    assert_string_equal(json_string_value(json_object_get(json, "title")), tb_reply_reason(status));
    assert_string_equal(json_string_value(json_object_get(json, "code")), code);
    assert_string_equal(json_string_value(json_object_get(json, "detail")), detail);
    assert_int_equal(json_object_size(json), 5);
    json_decref(json);
}

static void each_status_has_its_http_code(void **state)
{
    (void)state;
    static const struct {
        tb_status status;
        int http;
        const char *retry_after;
    } expected[] = {
        {TB_NO_MEMORY, 503, "5"},    {TB_INVALID, 422, NULL}, {TB_SYNTAX, 400, NULL},
        {TB_NOT_FOUND, 404, NULL},   {TB_EXISTS, 409, NULL},  {TB_FORBIDDEN, 403, NULL},
        {TB_UNSUPPORTED, 415, NULL}, {TB_CORRUPT, 422, NULL}, {TB_NEWER, 500, NULL},
        {TB_TOO_LARGE, 413, NULL},   {TB_IO, 500, NULL},      {TB_FULL, 507, "60"},
        {TB_BUSY, 503, "1"},         {TB_TIMEOUT, 503, "5"},  {TB_CANCELLED, 503, NULL},
        {TB_INTERNAL, 500, NULL},
    };
    assert_int_equal(sizeof expected / sizeof *expected, TB_STATUS_COUNT - 1);
    assert_int_equal(tb_reply_http_status(TB_OK), 200);
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        tb_reply reply;
        tb_error err;
        tb_error_set(&err, expected[i].status, "what happened");
        tb_reply_init(&reply);
        tb_reply_error(&reply, &err);
        assert_int_equal(tb_reply_http_status(expected[i].status), expected[i].http);
        assert_problem(&reply, expected[i].http, tb_status_name(expected[i].status), "what happened");
        const char *retry_after = find_header(&reply, "Retry-After");
        assert_string_equal(retry_after ? retry_after : "none",
                            expected[i].retry_after ? expected[i].retry_after : "none");
        tb_reply_clear(&reply);
    }
}

static void a_code_outside_the_list_is_a_mistake_of_ours(void **state)
{
    (void)state;
    tb_reply reply;
    tb_error err = {.code = (tb_status)99, .message = ""};
    tb_reply_init(&reply);
    tb_reply_error(&reply, &err);
    assert_problem(&reply, 500, "internal", tb_status_text(TB_INTERNAL));
    tb_reply_clear(&reply);
    assert_int_equal(tb_reply_http_status((tb_status)-1), 500);
}

static void a_sentence_with_any_bytes_makes_valid_json(void **state)
{
    (void)state;
    tb_reply reply;
    tb_reply_init(&reply);
    tb_reply_problem(&reply, 404, "not_found", "no \"\xff\x01\n\xc3\xa4\\\"");
    assert_problem(&reply, 404, "not_found", "no \"\xef\xbf\xbd\x01\n\xc3\xa4\\\"");
    tb_reply_clear(&reply);
}

static void an_error_takes_the_place_of_what_was_there(void **state)
{
    (void)state;
    tb_reply reply;
    tb_error err;
    tb_reply_init(&reply);
    assert_status(tb_reply_add_header(&reply, "Location", "/somewhere"), TB_OK);
    reply.kind = TB_BODY_FILE;
    reply.fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_true(reply.fd >= 0);
    const int fd = reply.fd;
    tb_error_set(&err, TB_NOT_FOUND, "gone");
    tb_reply_error(&reply, &err);
    assert_null(find_header(&reply, "Location"));
    assert_int_equal(reply.kind, TB_BODY_BYTES);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    assert_problem(&reply, 404, "not_found", "gone");
    tb_reply_clear(&reply);
}

static void a_header_cannot_smuggle_lines(void **state)
{
    (void)state;
    tb_reply reply;
    tb_reply_init(&reply);
    assert_status(tb_reply_add_header(&reply, "A", "b\r\nC: d"), TB_INVALID);
    assert_status(tb_reply_add_header(&reply, "A\n", "b"), TB_INVALID);
    for (int i = 0; i < TB_MAX_REPLY_HEADERS; i++)
        assert_status(tb_reply_add_header(&reply, "A", "b"), TB_OK);
    assert_status(tb_reply_add_header(&reply, "A", "b"), TB_TOO_LARGE);
    tb_reply_clear(&reply);
    assert_int_equal(reply.n_headers, 0);
}

static void without_memory_a_problem_is_constant(void **state)
{
    (void)state;
    for (size_t n = 1; n < 20; n++) {
        tb_reply reply;
        tb_error err;
        tb_error_set(&err, TB_NOT_FOUND, "gone");
        tb_reply_init(&reply);
        tb_alloc_fail_after(n);
        tb_reply_error(&reply, &err);
        tb_alloc_fail_after(0);
        assert_true(reply.status == 404 || (reply.status == 503 && reply.borrowed));
        assert_true(reply.size > 0);
        if (n == 1) assert_int_equal(reply.status, 503);
        if (n == 19) assert_int_equal(reply.status, 404);
        tb_reply_clear(&reply);
    }
}

TB_TESTS(reply, cmocka_unit_test(each_status_has_its_http_code),
         cmocka_unit_test(a_code_outside_the_list_is_a_mistake_of_ours),
         cmocka_unit_test(a_sentence_with_any_bytes_makes_valid_json),
         cmocka_unit_test(an_error_takes_the_place_of_what_was_there),
         cmocka_unit_test(a_header_cannot_smuggle_lines),
         cmocka_unit_test(without_memory_a_problem_is_constant))
