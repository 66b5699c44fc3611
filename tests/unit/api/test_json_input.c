// SPDX-License-Identifier: MIT
#include "api/json_input.h"

#include "base/alloc.h"
#include "support/testing.h"

#include <stdlib.h>
#include <string.h>

static tb_status parse(const char *text, tb_error *err)
{
    json_t *json = NULL;
    const tb_status status = tb_json_parse(text, strlen(text), "the body", &json, err);
    json_decref(json);
    return status;
}

static void good_json_is_parsed(void **state)
{
    (void)state;
    tb_error err;
    static const char *const good[] =
        {"{}", "[]", " {\"a\": [1, 2.5, true, null, \"\\u00e4\"]} ", "1", "\"]]]]\\\"[[[\"", "null"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) assert_ok(parse(good[i], &err));
}

static void broken_json_says_where(void **state)
{
    (void)state;
    tb_error err;
    static const char *const broken[] = {"",         " ",           "{",           "{\"a\":}",
                                         "[1,]",     "nul",         "{\"a\":1}x",  "{'a':1}",
                                         "[NaN]",    "[Infinity]",  "[1e999]",     "{\"a\":1,\"a\":2}",
                                         "\"\xff\"", "\"\\ud800\"", "\"\\u0000\"", "[01]",
                                         "}"};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        assert_status(parse(broken[i], &err), TB_SYNTAX);
        if (*broken[i]) assert_non_null(strstr(err.message, "line"));
    }
    assert_status(parse("{\"limit\": 5,\n \"offset\" 6}", &err), TB_SYNTAX);
    assert_non_null(strstr(err.message, "line 2, column 11"));
}

/* open n times, then close n times. */
static char *repeat(const char *open, const char *close, size_t n)
{
    const size_t open_size = strlen(open), close_size = strlen(close);
    char *text = calloc(n * (open_size + close_size) + 1, 1);
    assert_non_null(text);
    for (size_t i = 0; i < n; i++) memcpy(text + i * open_size, open, open_size);
    for (size_t i = 0; i < n; i++) memcpy(text + n * open_size + i * close_size, close, close_size);
    return text;
}

static void deep_json_is_refused(void **state)
{
    (void)state;
    tb_error err;
    char *text = repeat("[", "]", TB_JSON_MAX_DEPTH);
    assert_ok(parse(text, &err));
    free(text);
    text = repeat("[", "]", TB_JSON_MAX_DEPTH + 1);
    assert_status(parse(text, &err), TB_SYNTAX);
    assert_non_null(strstr(err.message, "line 1, column 33"));
    free(text);
    text = repeat("{\"a\":", "}", 100000);
    assert_status(parse(text, &err), TB_SYNTAX);
    free(text);
}

static void brackets_in_strings_do_not_count(void **state)
{
    (void)state;
    tb_error err;
    char *text = repeat("[", "", 1000);
    text[0] = text[999] = '"';
    assert_ok(parse(text, &err));
    free(text);
}

static void too_many_values_are_refused(void **state)
{
    (void)state;
    tb_error err;
    char *text = repeat(",", "", TB_JSON_MAX_VALUES + 10);
    text[0] = '[';
    assert_status(parse(text, &err), TB_TOO_LARGE);
    free(text);
}

static void running_out_of_memory_is_reported(void **state)
{
    (void)state;
    for (size_t n = 1;; n++) {
        tb_alloc_fail_after(n);
        const tb_status status = parse("{\"a\": [1, \"text\", {\"b\": null}]}", NULL);
        tb_alloc_fail_after(0);
        if (status == TB_OK) break;
        assert_true(status == TB_NO_MEMORY ||
                    status == TB_SYNTAX); /* jansson does not tell them apart everywhere */
        assert_true(n > 0 && n < 200);
    }
}

TB_TESTS(json_input, cmocka_unit_test(good_json_is_parsed), cmocka_unit_test(broken_json_says_where),
         cmocka_unit_test(deep_json_is_refused), cmocka_unit_test(brackets_in_strings_do_not_count),
         cmocka_unit_test(too_many_values_are_refused), cmocka_unit_test(running_out_of_memory_is_reported))
