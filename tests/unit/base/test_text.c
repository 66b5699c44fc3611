// SPDX-License-Identifier: MIT
/* UTF-8, numbers, small string work. */
#include "support/testing.h"

#include "base/alloc.h"
#include "base/rng.h"
#include "base/text.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The bytes of a code point by definition, also of those that UTF-8 leaves out. */
static size_t encode(uint32_t c, char out[4])
{
    const uint8_t tail[3] = {(uint8_t)(0x80 | (c & 63)), (uint8_t)(0x80 | (c >> 6 & 63)), (uint8_t)(0x80 | (c >> 12 & 63))};
    uint8_t bytes[4];
    size_t n = 0;
    if (c < 0x80) {
        bytes[n++] = (uint8_t)c;
    } else if (c < 0x800) {
        bytes[n++] = (uint8_t)(0xc0 | c >> 6);
        bytes[n++] = tail[0];
    } else if (c < 0x10000) {
        bytes[n++] = (uint8_t)(0xe0 | c >> 12);
        bytes[n++] = tail[1];
        bytes[n++] = tail[0];
    } else {
        bytes[n++] = (uint8_t)(0xf0 | c >> 18);
        bytes[n++] = tail[2];
        bytes[n++] = tail[1];
        bytes[n++] = tail[0];
    }
    memcpy(out, bytes, n);
    return n;
}

static void utf8_takes_every_code_point_but_surrogates(void **state)
{
    (void)state;
    for (uint32_t c = 0; c < 0x120000; c++) {
        char bytes[4];
        const size_t size = encode(c, bytes);
        const bool good = c <= 0x10ffff && !(c >= 0xd800 && c <= 0xdfff);
        if (tb_utf8_valid(bytes, size) != good) fail_msg("U+%04X", c);
        if (good && tb_utf8_length(bytes, size) != size) fail_msg("length of U+%04X", c);
        if (good && size > 1 && tb_utf8_valid(bytes, size - 1)) fail_msg("U+%04X cut", c);
    }
}

static void utf8_refuses_what_is_malformed(void **state)
{
    (void)state;
    static const char *const bad[] = {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xe0\x9f\xbf", "\xed\xa0\x80",
                                      "\xf0\x80\x80\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xfe", "\xe2\x28\xa1",
                                      "\xe2\x82", "\xf0\x9f\x8e", "a\xc3"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (tb_utf8_valid(bad[i], strlen(bad[i]))) fail_msg("case %zu is taken for UTF-8", i);
    }
    assert_true(tb_utf8_valid("", 0));
    assert_int_equal(tb_utf8_length("", 0), 0);
}

static void cleaning_gives_utf8_without_controls(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *clean;
        size_t size;
    } cases[] = {
        {"caf\xc3\xa9", "caf\xc3\xa9", 5},
        {"caf\xe9!", "caf\xef\xbf\xbd!", 5},
        {"a\0b\x01\x1b\x7f\xc2\x85"
         "c\td\n",
         "abc\td\n", 12},
        {"\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd", 2},
        {"", "", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *clean = tb_utf8_clean(cases[i].bytes, cases[i].size);
        assert_string_equal(clean, cases[i].clean);
        tb_free(clean);
    }
    tb_alloc_fail_after(1);
    char *none = tb_utf8_clean("x", 1);
    tb_alloc_fail_after(0);
    assert_null(none);
}

static void cleaned_noise_is_always_utf8(void **state)
{
    (void)state;
    tb_rng rng;
    tb_rng_init(&rng, 3);
    for (int round = 0; round < 2000; round++) {
        char noise[40];
        for (size_t i = 0; i < sizeof noise; i++) noise[i] = (char)tb_rng_next(&rng);
        char *clean = tb_utf8_clean(noise, sizeof noise);
        assert_true(tb_utf8_valid(clean, strlen(clean)));
        tb_free(clean);
    }
}

static void decimal_numbers_parse_whole(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double value;
    } good[] = {{"0", 0}, {"-1.5", -1.5}, {"+2", 2}, {".5", 0.5}, {"5.", 5}, {"1e3", 1000}, {"1E-3", 0.001},
                {"0.1", 0.1}, {"1e-400", 0}, {"00012", 12}, {"123456789012345678901234567890", 123456789012345678901234567890.0}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        double value = 77;
        assert_status(tb_parse_double(good[i].text, &value), TB_OK);
        assert_near(value, good[i].value, 0);
    }
    static const char *const bad[] = {"", " 1", "1 ", "1,5", "0x10", "inf", "nan", "-inf", "NaN", "infinity", "1e", "1e+", ".",
                                      "-", "+", "--1", "1.2.3", "1f", "e5", "\xd9\xa1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        double value = 77;
        if (tb_parse_double(bad[i], &value) != TB_SYNTAX) fail_msg("\"%s\" is taken for a number", bad[i]);
        assert_near(value, 77, 0);
    }
    double value = 77;
    assert_status(tb_parse_double("1e999", &value), TB_INVALID);
    assert_near(value, 77, 0);
}

static void whole_numbers_parse_within_their_range(void **state)
{
    (void)state;
    int64_t value = 77;
    assert_status(tb_parse_int("9223372036854775807", INT64_MIN, INT64_MAX, &value), TB_OK);
    assert_true(value == INT64_MAX);
    assert_status(tb_parse_int("-9223372036854775808", INT64_MIN, INT64_MAX, &value), TB_OK);
    assert_true(value == INT64_MIN);
    assert_status(tb_parse_int("+10", 1, 10, &value), TB_OK);
    assert_int_equal(value, 10);
    assert_status(tb_parse_int("9223372036854775808", INT64_MIN, INT64_MAX, &value), TB_INVALID);
    assert_status(tb_parse_int("99999999999999999999999", INT64_MIN, INT64_MAX, &value), TB_INVALID);
    assert_status(tb_parse_int("11", 1, 10, &value), TB_INVALID);
    assert_status(tb_parse_int("0", 1, 10, &value), TB_INVALID);
    static const char *const bad[] = {"", "-", "+", "1.0", " 1", "1 ", "0x1", "1e3", "abc"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_status(tb_parse_int(bad[i], INT64_MIN, INT64_MAX, &value), TB_SYNTAX);
    assert_int_equal(value, 10);
}

static void doubles_are_written_short_and_read_back(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {{0.1, "0.1"}, {1.0 / 3, "0.3333333333333333"}, {1e300, "1e+300"}, {-2.5, "-2.5"}, {100, "100"},
                 {0, "0"}, {5e-324, "4.94065645841247e-324"}, {0.1 + 0.2, "0.30000000000000004"}};
    char text[32];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tb_format_double(cases[i].value, text);
        assert_string_equal(text, cases[i].text);
    }
    const double odd[] = {INFINITY, -INFINITY, NAN};
    for (size_t i = 0; i < 3; i++) {
        tb_format_double(odd[i], text);
        assert_string_equal(text, "null");
    }
    tb_rng rng;
    tb_rng_init(&rng, 4);
    for (int i = 0; i < 100000; i++) {
        const uint64_t bits = tb_rng_next(&rng);
        double value, back;
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value)) continue;
        tb_format_double(value, text);
        assert_status(tb_parse_double(text, &back), TB_OK);
        assert_true(back == value);
    }
}

static void numbers_do_not_depend_on_the_locale(void **state)
{
    (void)state;
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "ps_AF.UTF-8"};
    locale_t comma = (locale_t)0;
    for (size_t i = 0; i < sizeof names / sizeof *names && !comma; i++) comma = newlocale(LC_ALL_MASK, names[i], (locale_t)0);
    if (!comma) {
        print_message("no locale with a decimal comma is installed\n");
        skip();
    }
    const locale_t before = uselocale(comma);
    double value = 0;
    char text[32];
    const tb_status status = tb_parse_double("1.5", &value);
    tb_format_double(1.5, text);
    uselocale(before);
    freelocale(comma);
    assert_status(status, TB_OK);
    assert_near(value, 1.5, 0);
    assert_string_equal(text, "1.5");
}

static void copies_never_cut_a_character(void **state)
{
    (void)state;
    char out[8];
    assert_true(tb_text_copy(out, sizeof out, "1234567"));
    assert_string_equal(out, "1234567");
    assert_false(tb_text_copy(out, sizeof out, "12345678"));
    assert_string_equal(out, "1234567");
    assert_false(tb_text_copy(out, sizeof out, "12345\xe2\x82\xac"));
    assert_string_equal(out, "12345");
    assert_true(tb_text_copy(out, sizeof out, "1234\xe2\x82\xac"));
    assert_string_equal(out, "1234\xe2\x82\xac");
    assert_false(tb_text_copy(out, 1, "x"));
    assert_string_equal(out, "");
    assert_false(tb_text_copy(out, 0, "x"));
    assert_false(tb_text_copy(out, sizeof out, "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80"));
    assert_int_equal(strlen(out), 7);
}

static void strings_compare_without_case_and_by_prefix(void **state)
{
    (void)state;
    assert_true(tb_text_equal_nocase("Content-TYPE", "content-type"));
    assert_false(tb_text_equal_nocase("a", "ab"));
    assert_false(tb_text_equal_nocase("ab", "a"));
    assert_false(tb_text_equal_nocase("[", "{")); /* 32 apart, no letters */
    assert_true(tb_text_equal_nocase("", ""));
    assert_true(tb_text_starts_with("audio/wav", "audio/"));
    assert_true(tb_text_starts_with("x", ""));
    assert_false(tb_text_starts_with("aud", "audio/"));
}

static void bytes_are_written_in_base_16_and_32(void **state)
{
    (void)state;
    char out[64];
    tb_hex_encode((const uint8_t *)"\x00\xff\x5a", 3, out);
    assert_string_equal(out, "00ff5a");
    tb_hex_encode(NULL, 0, out);
    assert_string_equal(out, "");
    tb_base32_encode((const uint8_t *)"\xff\xff\xff\xff\xff", 5, out);
    assert_string_equal(out, "zzzzzzzz");
    tb_base32_encode((const uint8_t *)"\x00\x44\x32\x14\xc7", 5, out);
    assert_string_equal(out, "01234567");
    tb_base32_encode((const uint8_t *)"\xff", 1, out);
    assert_string_equal(out, "zw"); /* 11111 111(00) */
    for (size_t size = 0; size < 20; size++) {
        const uint8_t zeros[20] = {0};
        tb_base32_encode(zeros, size, out);
        assert_int_equal(strlen(out), (8 * size + 4) / 5);
    }
}

TB_TESTS(text, cmocka_unit_test(utf8_takes_every_code_point_but_surrogates),
         cmocka_unit_test(utf8_refuses_what_is_malformed), cmocka_unit_test(cleaning_gives_utf8_without_controls),
         cmocka_unit_test(cleaned_noise_is_always_utf8), cmocka_unit_test(decimal_numbers_parse_whole),
         cmocka_unit_test(whole_numbers_parse_within_their_range),
         cmocka_unit_test(doubles_are_written_short_and_read_back),
         cmocka_unit_test(numbers_do_not_depend_on_the_locale), cmocka_unit_test(copies_never_cut_a_character),
         cmocka_unit_test(strings_compare_without_case_and_by_prefix),
         cmocka_unit_test(bytes_are_written_in_base_16_and_32))
