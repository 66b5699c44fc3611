// SPDX-License-Identifier: MIT
#include "api/range.h"

#include "support/testing.h"

static void assert_range(const char *header, int64_t size, tb_range_kind kind, int64_t first, int64_t length)
{
    int64_t got_first = -1, got_length = -1;
    const tb_range_kind got = tb_range_parse(header, size, &got_first, &got_length);
    if (got != kind || (kind == TB_RANGE_PART && (got_first != first || got_length != length)))
        fail_msg("\"%s\" of %lld: kind %d, %lld + %lld", header ? header : "none", (long long)size, (int)got,
                 (long long)got_first, (long long)got_length);
}

static void a_range_is_cut_to_the_file(void **state)
{
    (void)state;
    assert_range("bytes=0-0", 10, TB_RANGE_PART, 0, 1);
    assert_range("bytes=2-5", 10, TB_RANGE_PART, 2, 4);
    assert_range("bytes=2-", 10, TB_RANGE_PART, 2, 8);
    assert_range("bytes=2-100", 10, TB_RANGE_PART, 2, 8);
    assert_range("bytes=0-99999999999999999999999", 10, TB_RANGE_PART, 0, 10);
    assert_range("bytes=-3", 10, TB_RANGE_PART, 7, 3);
    assert_range("bytes=-30", 10, TB_RANGE_PART, 0, 10);
    assert_range("bytes= 9-9 ", 10, TB_RANGE_PART, 9, 1);
}

static void a_range_behind_the_end_cannot_be_satisfied(void **state)
{
    (void)state;
    assert_range("bytes=10-", 10, TB_RANGE_UNSATISFIABLE, 0, 0);
    assert_range("bytes=10-20", 10, TB_RANGE_UNSATISFIABLE, 0, 0);
    assert_range("bytes=99999999999999999999999-", 10, TB_RANGE_UNSATISFIABLE, 0, 0);
    assert_range("bytes=-0", 10, TB_RANGE_UNSATISFIABLE, 0, 0);
    assert_range("bytes=0-", 0, TB_RANGE_UNSATISFIABLE, 0, 0);
    assert_range("bytes=-5", 0, TB_RANGE_UNSATISFIABLE, 0, 0);
}

static void anything_else_is_answered_with_the_whole(void **state)
{
    (void)state;
    static const char *const others[] = {NULL,          "",          "bytes",      "bytes=",
                                         "bytes=-",     "bytes=a-b", "bytes=5-2",  "bytes=1-2,4-5",
                                         "items=0-1",   "bytes=--1", "bytes=1 -2", "bytes=+1-2",
                                         "bytes=0x1-2", "bytes=1-2x"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_range(others[i], 10, TB_RANGE_WHOLE, 0, 0);
}

TB_TESTS(range, cmocka_unit_test(a_range_is_cut_to_the_file),
         cmocka_unit_test(a_range_behind_the_end_cannot_be_satisfied),
         cmocka_unit_test(anything_else_is_answered_with_the_whole))
