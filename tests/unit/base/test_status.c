// SPDX-License-Identifier: MIT
/* Errors: names, sentences that are safe to show, the macros. */
#include "support/testing.h"

#include "base/alloc.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>

static void every_code_has_a_name_and_a_text(void **state)
{
    (void)state;
    for (int code = 0; code < TB_STATUS_COUNT; code++) {
        assert_string_not_equal(tb_status_name((tb_status)code), "unknown");
        assert_true(strlen(tb_status_text((tb_status)code)) > 5);
        for (int other = 0; other < code; other++)
            assert_string_not_equal(tb_status_name((tb_status)code), tb_status_name((tb_status)other));
    }
    assert_string_equal(tb_status_name(TB_STATUS_COUNT), "unknown");
    assert_string_equal(tb_status_name(TB_NOT_FOUND), "not_found");
}

static void an_error_carries_code_and_sentence(void **state)
{
    (void)state;
    tb_error err = {TB_OK, ""};
    assert_status(tb_error_set(&err, TB_CORRUPT, "%s has %d bytes", "x.wav", 3), TB_CORRUPT);
    assert_int_equal(err.code, TB_CORRUPT);
    assert_string_equal(err.message, "x.wav has 3 bytes");
    tb_error_prefix(&err, "track %d", 7);
    assert_string_equal(err.message, "track 7: x.wav has 3 bytes");
    assert_int_equal(err.code, TB_CORRUPT);
    tb_error_clear(&err);
    assert_int_equal(err.code, TB_OK);
    assert_string_equal(err.message, "");
}

static void nobody_needs_to_ask_for_the_sentence(void **state)
{
    (void)state;
    assert_status(tb_error_set(NULL, TB_BUSY, "no"), TB_BUSY);
    assert_status(tb_error_errno(NULL, ENOSPC, "no"), TB_FULL);
    tb_error_prefix(NULL, "no");
    tb_error_clear(NULL);
}

static void messages_hold_no_controls_and_are_utf8(void **state)
{
    (void)state;
    tb_error err;
    tb_error_set(&err, TB_IO, "%s", "a\nb\r\tc\x1b[31m \xff\xfe \xc3\xa9 \xc2\x9b");
    assert_string_equal(err.message, "a b  c [31m ?? \xc3\xa9   ");
    assert_true(tb_utf8_valid(err.message, strlen(err.message)));
}

static void long_messages_are_cut_between_characters(void **state)
{
    (void)state;
    char text[2001];
    for (size_t shift = 0; shift < 3; shift++) {
        memset(text, 'x', shift);
        for (size_t i = shift; i + 3 < sizeof text; i += 3) memcpy(text + i, "\xe2\x82\xac", 4);
        tb_error err;
        tb_error_set(&err, TB_IO, "%s", text);
        const size_t size = strlen(err.message);
        assert_true(size <= sizeof err.message - 1 && size >= sizeof err.message - 4);
        assert_int_equal((size - shift) % 3, 0);
        assert_null(strchr(err.message, '?'));
    }
}

static void the_arguments_may_point_into_the_error(void **state)
{
    (void)state;
    tb_error err;
    tb_error_set(&err, TB_IO, "inner");
    tb_error_set(&err, TB_INVALID, "outer (%s)", err.message);
    assert_string_equal(err.message, "outer (inner)");
}

static void errno_becomes_a_code(void **state)
{
    (void)state;
    static const struct {
        int number;
        tb_status code;
    } cases[] = {{ENOSPC, TB_FULL},      {EDQUOT, TB_FULL},      {ENOENT, TB_NOT_FOUND}, {ENOTDIR, TB_NOT_FOUND},
                 {EACCES, TB_FORBIDDEN}, {EPERM, TB_FORBIDDEN},  {EROFS, TB_FORBIDDEN},  {ELOOP, TB_FORBIDDEN},
                 {EEXIST, TB_EXISTS},    {ENOMEM, TB_NO_MEMORY}, {EFBIG, TB_TOO_LARGE},  {EIO, TB_IO}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tb_error err;
        assert_status(tb_error_errno(&err, cases[i].number, "cannot open %s", "f"), cases[i].code);
        assert_true(tb_text_starts_with(err.message, "cannot open f: "));
        assert_true(strlen(err.message) > strlen("cannot open f: "));
    }
}

static tb_status pass_on(int depth, tb_error *err)
{
    tb_status status = TB_OK;
    char *memory = tb_alloc(10, 1);
    if (depth == 0) TB_FAIL(err, TB_TIMEOUT, "deep inside");
    TB_TRY(pass_on(depth - 1, err));
out:
    tb_free(memory);
    return status;
}

static void macros_leave_through_one_exit(void **state)
{
    (void)state;
    tb_error err;
    assert_status(pass_on(5, &err), TB_TIMEOUT);
    assert_string_equal(err.message, "deep inside");
}

TB_TESTS(status, cmocka_unit_test(every_code_has_a_name_and_a_text),
         cmocka_unit_test(an_error_carries_code_and_sentence), cmocka_unit_test(nobody_needs_to_ask_for_the_sentence),
         cmocka_unit_test(messages_hold_no_controls_and_are_utf8),
         cmocka_unit_test(long_messages_are_cut_between_characters),
         cmocka_unit_test(the_arguments_may_point_into_the_error), cmocka_unit_test(errno_becomes_a_code),
         cmocka_unit_test(macros_leave_through_one_exit))
