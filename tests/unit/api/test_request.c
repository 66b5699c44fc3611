// SPDX-License-Identifier: MIT
#include "api/request.h"

#include "base/alloc.h"
#include "support/testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static tb_status set(tb_request *request, const char *target)
{
    tb_request_init(request);
    return tb_request_set_target(request, target, NULL);
}

static void assert_refused(const char *target, tb_status expected)
{
    tb_request request;
    const tb_status status = set(&request, target);
    if (status != expected)
        fail_msg("\"%s\": got %s, expected %s", target, tb_status_name(status), tb_status_name(expected));
    assert_null(request.path);
    tb_request_clear(&request);
}

static void a_target_is_split_and_decoded(void **state)
{
    (void)state;
    tb_request request;
    assert_status(set(&request, "/v1/tr%61cks?q=blue+train%26co&limit=5&empty=&bare&%66ilter=a%3Ab#ignored"),
                  TB_OK);
    assert_string_equal(request.path, "/v1/tracks");
    assert_int_equal(request.n_parameters, 5);
    assert_string_equal(tb_request_parameter(&request, "q"), "blue train&co");
    assert_string_equal(tb_request_parameter(&request, "limit"), "5");
    assert_string_equal(tb_request_parameter(&request, "empty"), "");
    assert_string_equal(tb_request_parameter(&request, "bare"), "");
    assert_string_equal(tb_request_parameter(&request, "filter"), "a:b");
    assert_null(tb_request_parameter(&request, "Limit"));
    tb_request_clear(&request);
}

static void a_plus_is_a_blank_in_the_query_alone(void **state)
{
    (void)state;
    tb_request request;
    assert_status(set(&request, "/a+b?c+d=e+f%2B"), TB_OK);
    assert_string_equal(request.path, "/a+b");
    assert_string_equal(tb_request_parameter(&request, "c d"), "e f+");
    tb_request_clear(&request);
}

static void an_encoded_slash_stays_inside_its_segment(void **state)
{
    (void)state;
    tb_request request;
    char name[64];
    assert_status(set(&request, "/v1/tracks/path:a%2fb%252Fc%25"), TB_OK);
    assert_string_equal(request.path, "/v1/tracks/path:a%2Fb%252Fc%25");
    const char *segment = request.path + strlen("/v1/tracks/");
    assert_true(tb_request_decode_segment(segment, strlen(segment), name, sizeof name));
    assert_string_equal(name, "path:a/b%2Fc%");
    assert_false(tb_request_decode_segment(segment, strlen(segment), name, strlen("path:a/b%2Fc%")));
    assert_true(tb_request_decode_segment(segment, strlen(segment), name, strlen("path:a/b%2Fc%") + 1));
    tb_request_clear(&request);
}

static void text_beyond_ascii_is_kept(void **state)
{
    (void)state;
    tb_request request;
    assert_status(set(&request, "/t%C3%A4?q=\xe6\x97\xa5"), TB_OK);
    assert_string_equal(request.path, "/t\xc3\xa4");
    assert_string_equal(tb_request_parameter(&request, "q"), "\xe6\x97\xa5");
    tb_request_clear(&request);
}

static void broken_encoding_is_a_syntax_error(void **state)
{
    (void)state;
    static const char *const broken[] = {"/%",      "/%4",   "/%zz", "/%4g",    "/?a=%",         "/?%1=2",
                                         "/?a=%e",  "",      "a",    "*",       "http://x/",     "/%00",
                                         "/?a=%00", "/?%00", "/%ff", "/?q=%c3", "/?q=%ed%a0%80", "/%c0%af"};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) assert_refused(broken[i], TB_SYNTAX);
}

static void long_targets_and_many_parameters_are_too_large(void **state)
{
    (void)state;
    char target[TB_MAX_TARGET_BYTES + 2];
    tb_request request;
    memset(target, 'a', sizeof target);
    target[0] = '/';
    target[TB_MAX_TARGET_BYTES + 1] = '\0';
    assert_refused(target, TB_TOO_LARGE);
    target[TB_MAX_TARGET_BYTES] = '\0';
    assert_status(set(&request, target), TB_OK);
    tb_request_clear(&request);

    size_t used = (size_t)snprintf(target, sizeof target, "/?");
    for (int i = 0; i <= TB_MAX_PARAMETERS; i++)
        used += (size_t)snprintf(target + used, sizeof target - used, "a&");
    assert_refused(target, TB_TOO_LARGE);
    target[used - 2] = '\0';
    assert_status(set(&request, target), TB_OK);
    assert_int_equal(request.n_parameters, TB_MAX_PARAMETERS);
    tb_request_clear(&request);
}

static void header_names_are_kept_in_lower_case(void **state)
{
    (void)state;
    tb_request request;
    tb_error err;
    tb_request_init(&request);
    assert_ok(tb_request_add_header(&request, "Content-TYPE", "Audio/Ogg", &err));
    assert_string_equal(tb_request_header(&request, "content-type"), "Audio/Ogg");
    assert_null(tb_request_header(&request, "range"));
    tb_request_clear(&request);
}

static void clear_removes_files_that_nobody_moved_on(void **state)
{
    (void)state;
    tb_request request;
    tb_error err;
    tb_upload *left, *moved;
    char path[4096];
    snprintf(path, sizeof path, "%s/upload", tb_test_folder());
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);

    tb_request_init(&request);
    assert_ok(tb_request_add_upload(&request, "file", "a\xff.mp3", "audio/mpeg", &left, &err));
    left->path = tb_strdup(path);
    assert_ok(tb_request_add_upload(&request, NULL, NULL, NULL, &moved, &err));
    assert_string_equal(left->file_name, "a\xef\xbf\xbd.mp3");
    assert_string_equal(moved->field, "");
    assert_null(moved->file_name);
    tb_request_clear(&request);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(request.n_uploads, 0);
    tb_request_clear(&request);
}

static void a_form_with_many_parts_is_refused(void **state)
{
    (void)state;
    tb_request request;
    tb_error err;
    tb_upload *upload;
    tb_request_init(&request);
    for (int i = 0; i < TB_MAX_FILES; i++)
        assert_ok(tb_request_add_upload(&request, "f", NULL, NULL, &upload, &err));
    assert_status(tb_request_add_upload(&request, "f", NULL, NULL, &upload, &err), TB_INVALID);
    tb_request_clear(&request);
}

static void methods_have_names(void **state)
{
    (void)state;
    for (int i = TB_GET; i < TB_METHOD_OTHER; i++)
        assert_int_equal(tb_method_from_name(tb_method_name((tb_method)i)), i);
    assert_int_equal(tb_method_from_name("get"), TB_METHOD_OTHER);
    assert_int_equal(tb_method_from_name("BREW"), TB_METHOD_OTHER);
}

static tb_status use_memory(void)
{
    tb_request request;
    tb_upload *upload;
    tb_status status = TB_OK;
    tb_request_init(&request);
    TB_TRY(tb_request_set_target(&request, "/a?b=c", NULL));
    TB_TRY(tb_request_add_header(&request, "a", "b", NULL));
    TB_TRY(tb_request_add_upload(&request, "file", "name", "audio/ogg", &upload, NULL));
out:
    tb_request_clear(&request);
    return status;
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    for (size_t n = 1;; n++) {
        tb_alloc_fail_after(n);
        const tb_status status = use_memory();
        tb_alloc_fail_after(0);
        if (status == TB_OK) break;
        assert_status(status, TB_NO_MEMORY);
        assert_true(n < 100);
    }
}

TB_TESTS(request, cmocka_unit_test(a_target_is_split_and_decoded),
         cmocka_unit_test(a_plus_is_a_blank_in_the_query_alone),
         cmocka_unit_test(an_encoded_slash_stays_inside_its_segment),
         cmocka_unit_test(text_beyond_ascii_is_kept), cmocka_unit_test(broken_encoding_is_a_syntax_error),
         cmocka_unit_test(long_targets_and_many_parameters_are_too_large),
         cmocka_unit_test(header_names_are_kept_in_lower_case),
         cmocka_unit_test(clear_removes_files_that_nobody_moved_on),
         cmocka_unit_test(a_form_with_many_parts_is_refused), cmocka_unit_test(methods_have_names),
         cmocka_unit_test(each_allocation_may_fail))
