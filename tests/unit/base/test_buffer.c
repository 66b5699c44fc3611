// SPDX-License-Identifier: MIT
/* Buffers: growth, the limit, the closing zero, who owns the content. */
#include "support/testing.h"

#include "base/alloc.h"
#include "base/buffer.h"

#include <string.h>

static void content_grows_and_ends_in_zero(void **state)
{
    (void)state;
    tb_buffer buffer;
    tb_buffer_init(&buffer, 100000);
    assert_null(buffer.bytes);
    for (size_t i = 0; i < 10000; i++) {
        assert_status(tb_buffer_append(&buffer, "abc", 3), TB_OK);
        assert_int_equal(buffer.bytes[buffer.size], 0);
    }
    assert_int_equal(buffer.size, 30000);
    assert_int_equal(strlen(buffer.bytes), 30000);
    tb_buffer_clear(&buffer);
    assert_null(buffer.bytes);
    tb_buffer_clear(&buffer);
}

static void the_limit_holds_and_the_content_stays(void **state)
{
    (void)state;
    tb_buffer buffer;
    tb_buffer_init(&buffer, 5);
    assert_status(tb_buffer_append_text(&buffer, "12345"), TB_OK);
    assert_status(tb_buffer_append_text(&buffer, "6"), TB_TOO_LARGE);
    assert_status(tb_buffer_printf(&buffer, "%d", 6), TB_TOO_LARGE);
    assert_status(tb_buffer_append(&buffer, NULL, 0), TB_OK);
    assert_status(tb_buffer_append(&buffer, "x", SIZE_MAX), TB_TOO_LARGE);
    assert_string_equal(buffer.bytes, "12345");
    tb_buffer_clear(&buffer);
    assert_status(tb_buffer_append_text(&buffer, "123456"), TB_TOO_LARGE); /* clearing keeps the limit */
    assert_null(buffer.bytes);
}

static void formatted_text_is_appended(void **state)
{
    (void)state;
    tb_buffer buffer;
    tb_buffer_init(&buffer, SIZE_MAX);
    assert_status(tb_buffer_append_text(&buffer, "a"), TB_OK);
    assert_status(tb_buffer_printf(&buffer, "%s-%d", "b", 42), TB_OK);
    assert_status(tb_buffer_printf(&buffer, "%200s", "end"), TB_OK);
    assert_int_equal(buffer.size, 205);
    assert_memory_equal(buffer.bytes, "ab-42", 5);
    assert_string_equal(buffer.bytes + 202, "end");
    tb_buffer_clear(&buffer);
}

static void zero_bytes_are_content(void **state)
{
    (void)state;
    tb_buffer buffer;
    tb_buffer_init(&buffer, 10);
    assert_status(tb_buffer_append(&buffer, "a\0b", 3), TB_OK);
    assert_int_equal(buffer.size, 3);
    assert_memory_equal(buffer.bytes, "a\0b", 4);
    tb_buffer_clear(&buffer);
}

static void taking_moves_the_content(void **state)
{
    (void)state;
    tb_buffer buffer;
    tb_buffer_init(&buffer, 10);
    char *taken = tb_buffer_take(&buffer);
    assert_string_equal(taken, "");
    tb_free(taken);
    assert_status(tb_buffer_append_text(&buffer, "text"), TB_OK);
    taken = tb_buffer_take(&buffer);
    assert_string_equal(taken, "text");
    assert_null(buffer.bytes);
    assert_int_equal(buffer.size, 0);
    tb_free(taken);
}

static void reserved_room_cannot_fail_later(void **state)
{
    (void)state;
    tb_buffer buffer;
    tb_buffer_init(&buffer, 1000);
    assert_status(tb_buffer_reserve(&buffer, 900), TB_OK);
    tb_alloc_fail_after(1);
    tb_status status = TB_OK;
    for (int i = 0; i < 900 && status == TB_OK; i++) status = tb_buffer_append(&buffer, "x", 1);
    const size_t asked = tb_alloc_fail_after(0);
    assert_status(status, TB_OK);
    assert_int_equal(asked, 0);
    tb_buffer_clear(&buffer);
}

static void without_memory_the_content_stays(void **state)
{
    (void)state;
    tb_buffer buffer;
    tb_buffer_init(&buffer, 1000);
    assert_status(tb_buffer_append_text(&buffer, "kept"), TB_OK);
    tb_alloc_fail_after(1);
    const tb_status status = tb_buffer_printf(&buffer, "%500s", "more");
    tb_alloc_fail_after(0);
    assert_status(status, TB_NO_MEMORY);
    assert_string_equal(buffer.bytes, "kept");
    tb_buffer_clear(&buffer);
    tb_alloc_fail_after(1);
    char *taken = tb_buffer_take(&buffer);
    tb_alloc_fail_after(0);
    assert_null(taken);
}

TB_TESTS(buffer, cmocka_unit_test(content_grows_and_ends_in_zero),
         cmocka_unit_test(the_limit_holds_and_the_content_stays), cmocka_unit_test(formatted_text_is_appended),
         cmocka_unit_test(zero_bytes_are_content), cmocka_unit_test(taking_moves_the_content),
         cmocka_unit_test(reserved_room_cannot_fail_later), cmocka_unit_test(without_memory_the_content_stays))
