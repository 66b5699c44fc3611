// SPDX-License-Identifier: MIT
/* The parser of forms writes what it finds as text, so that a case compares one string.  Every case runs with the
 * body in one piece, byte by byte, and cut in two at each place. */
#include "support/testing.h"

#include "base/alloc.h"
#include "base/buffer.h"
#include "http/multipart.h"

#include <stdlib.h>
#include <string.h>

static const char type_b[] = "multipart/form-data; boundary=B";

static tb_status note_begin(void *context, const tb_part_head *head, tb_error *err)
{
    (void)err;
    return tb_buffer_printf(context, "[%s|%s|%s:", head->field, head->file_name ? head->file_name : "-",
                            head->content_type ? head->content_type : "-");
}

static tb_status note_data(void *context, const char *bytes, size_t size, tb_error *err)
{
    (void)err;
    return tb_buffer_append(context, bytes, size);
}

static tb_status note_end(void *context, tb_error *err)
{
    (void)err;
    return tb_buffer_append_text(context, "]");
}

/* Parses in pieces of the given sizes: first, then step each.  The text is appended to found. */
static tb_status parse(const char *type, const char *body, size_t size, size_t first, size_t step, tb_buffer *found)
{
    tb_error err;
    tb_status status = TB_OK;
    tb_multipart *multipart = NULL;
    const tb_multipart_calls calls = {note_begin, note_data, note_end, found};
    TB_TRY(tb_multipart_new(type, &calls, &multipart, &err));
    for (size_t at = 0; at < size;) {
        size_t n = at == 0 && first > 0 ? first : step;
        if (n > size - at) n = size - at;
        char *piece = malloc(n); /* of its own, so that reading past it shows */
        memcpy(piece, body + at, n);
        status = tb_multipart_write(multipart, piece, n, &err);
        free(piece);
        if (status != TB_OK) goto out;
        at += n;
    }
    TB_TRY(tb_multipart_finish(multipart, &err));
out:
    tb_multipart_free(multipart);
    return status;
}

static void check(const char *type, const char *body, size_t size, tb_status expected, const char *expected_text)
{
    for (size_t first = 0; first <= size; first++) {
        tb_buffer found;
        tb_buffer_init(&found, 1 << 20);
        const tb_status got = first == 0 ? parse(type, body, size, 0, 1, &found)
                                         : parse(type, body, size, first, size, &found);
        if (got != expected) fail_msg("cut at %zu: %s, expected %s", first, tb_status_name(got), tb_status_name(expected));
        if (expected_text) assert_string_equal(found.bytes ? found.bytes : "", expected_text);
        tb_buffer_clear(&found);
    }
}

#define CHECK(type, body, expected, text) check(type, body, sizeof body - 1, expected, text)

static void parts_come_out_as_they_went_in(void **state)
{
    (void)state;
    CHECK(type_b,
          "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\nContent-Type: audio/wav\r\n\r\nabc\r\n"
          "--B\r\nContent-Disposition: form-data; name=limit\r\n\r\n10\r\n--B--\r\n",
          TB_OK, "[file|a.wav|audio/wav:abc][limit|-|-:10]");
}

static void preamble_epilogue_and_padding_are_passed_over(void **state)
{
    (void)state;
    CHECK(type_b,
          "preamble\r\n--B \t\r\ncontent-disposition: form-data; name=\"x\"\r\n\r\ny\r\n--B--\r\nepilogue\r\n--B\r\n", TB_OK,
          "[x|-|-:y]");
}

static void content_that_looks_like_a_boundary_stays_content(void **state)
{
    (void)state;
    CHECK(type_b,
          "--B\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n\r\r\n\r\n-\r\n--\r\n--A\r\r\n--\r\n--B--", TB_OK,
          "[x|-|-:\r\r\n\r\n-\r\n--\r\n--A\r\r\n--]");
}

static void empty_parts_are_parts(void **state)
{
    (void)state;
    CHECK(type_b, "--B\r\nContent-Disposition: form-data; name=\"x\"; filename=\"\"\r\n\r\n\r\n--B--\r\n", TB_OK, "[x||-:]");
}

static void a_form_without_parts_is_well_formed(void **state)
{
    (void)state;
    CHECK(type_b, "--B--\r\n", TB_OK, "");
}

static void zero_bytes_pass_through(void **state)
{
    (void)state;
    static const char body[] = "--B\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n\0\1\0\r\n--B--\r\n";
    tb_buffer found;
    tb_buffer_init(&found, 100);
    assert_int_equal(parse(type_b, body, sizeof body - 1, 0, sizeof body, &found), TB_OK);
    assert_int_equal(found.size, sizeof "[x|-|-:" - 1 + 3 + 1);
    assert_memory_equal(found.bytes + 7, "\0\1\0]", 4);
    tb_buffer_clear(&found);
}

static void odd_file_names_are_read(void **state)
{
    (void)state;
    CHECK(type_b, "--B\r\nContent-Disposition: form-data; name=\"a\\\"b\"; filename=\"c:\\d\\\\e;f.wav\"\r\n\r\n\r\n--B--",
          TB_OK, "[a\"b|c:\\d\\e;f.wav|-:]");
    CHECK(type_b,
          "--B\r\nContent-Disposition: form-data; name=x; filename=\"plain\"; filename*=UTF-8''%c3%a9%20x.wav\r\n\r\n\r\n--B--",
          TB_OK, "[x|\xc3\xa9 x.wav|-:]");
    /* bytes that are not UTF-8 are replaced */
    CHECK(type_b, "--B\r\nContent-Disposition: form-data; name=x; filename=\"\xff.wav\"\r\n\r\n\r\n--B--", TB_OK,
          "[x|\xef\xbf\xbd.wav|-:]");
}

static void boundaries_may_be_quoted_and_odd(void **state)
{
    (void)state;
    CHECK("multipart/form-data; charset=utf-8; BOUNDARY=\"a b'()+_,-./:=?\"",
          "--a b'()+_,-./:=?\r\nContent-Disposition: form-data; name=x\r\n\r\n1\r\n--a b'()+_,-./:=?--", TB_OK, "[x|-|-:1]");
}

static void unusable_boundaries_are_refused(void **state)
{
    static const char *const types[] = {
        "multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=\"\"",
        "multipart/form-data; boundary=\"abc", "multipart/form-data; boundary",
        "multipart/form-data; boundary=1234567890123456789012345678901234567890123456789012345678901234567890x",
        "multipart/form-data; =B"};
    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        tb_buffer found;
        tb_buffer_init(&found, 100);
        assert_status(parse(types[i], "", 0, 0, 1, &found), TB_SYNTAX);
        tb_buffer_clear(&found);
    }
}

static void a_form_that_was_cut_is_refused(void **state)
{
    static const char body[] = "--B\r\nContent-Disposition: form-data; name=x\r\n\r\n1\r\n--B--";
    (void)state;
    for (size_t size = 0; size < sizeof body - 1; size++) check(type_b, body, size, TB_SYNTAX, NULL);
}

static void broken_parts_are_refused(void **state)
{
    (void)state;
    CHECK(type_b, "--B\r\n\r\n1\r\n--B--", TB_SYNTAX, NULL);
    CHECK(type_b, "--B\r\nContent-Disposition: attachment; name=x\r\n\r\n1\r\n--B--", TB_SYNTAX, NULL);
    CHECK(type_b, "--B\r\nContent-Disposition: form-data\r\n\r\n1\r\n--B--", TB_SYNTAX, NULL);
    CHECK(type_b, "--B\r\nContent-Disposition: form-data; name=\"x\r\n\r\n1\r\n--B--", TB_SYNTAX, NULL);
    CHECK(type_b, "--Bx\r\nContent-Disposition: form-data; name=x\r\n\r\n1\r\n--B--", TB_SYNTAX, NULL);
    CHECK(type_b, "--B\r\nContent-Disposition: form-data; name=x\0\r\n\r\n1\r\n--B--", TB_SYNTAX, NULL);
}

static void nested_and_encoded_parts_are_not_supported(void **state)
{
    (void)state;
    CHECK(type_b, "--B\r\nContent-Disposition: form-data; name=x\r\nContent-Type: multipart/mixed; boundary=C\r\n\r\n--B--",
          TB_UNSUPPORTED, NULL);
    CHECK(type_b, "--B\r\nContent-Disposition: form-data; name=x\r\nContent-Transfer-Encoding: base64\r\n\r\n--B--",
          TB_UNSUPPORTED, NULL);
}

static void a_head_without_end_is_too_large(void **state)
{
    static char body[10000] = "--B\r\nContent-Disposition: form-data; name=x\r\nX: ";
    tb_buffer found;
    (void)state;
    memset(body + strlen(body), 'a', sizeof body - strlen(body));
    tb_buffer_init(&found, 100);
    assert_status(parse(type_b, body, sizeof body, 0, 1000, &found), TB_TOO_LARGE);
    tb_buffer_clear(&found);
}

static void lack_of_memory_is_said(void **state)
{
    static const char body[] =
        "--B\r\nContent-Disposition: form-data; name=file; filename=a\r\nContent-Type: audio/wav\r\n\r\nabc\r\n--B--";
    (void)state;
    for (size_t n = 1;; n++) {
        tb_buffer found;
        tb_buffer_init(&found, 1000);
        tb_alloc_fail_after(n);
        const tb_status status = parse(type_b, body, sizeof body - 1, 0, 7, &found);
        const size_t n_asked = tb_alloc_fail_after(0);
        tb_buffer_clear(&found);
        if (n_asked < n) {
            assert_status(status, TB_OK);
            break;
        }
        assert_status(status, TB_NO_MEMORY);
    }
}

TB_TESTS(multipart, cmocka_unit_test(parts_come_out_as_they_went_in),
         cmocka_unit_test(preamble_epilogue_and_padding_are_passed_over),
         cmocka_unit_test(content_that_looks_like_a_boundary_stays_content), cmocka_unit_test(empty_parts_are_parts),
         cmocka_unit_test(a_form_without_parts_is_well_formed), cmocka_unit_test(zero_bytes_pass_through),
         cmocka_unit_test(odd_file_names_are_read), cmocka_unit_test(boundaries_may_be_quoted_and_odd),
         cmocka_unit_test(unusable_boundaries_are_refused), cmocka_unit_test(a_form_that_was_cut_is_refused),
         cmocka_unit_test(broken_parts_are_refused), cmocka_unit_test(nested_and_encoded_parts_are_not_supported),
         cmocka_unit_test(a_head_without_end_is_too_large), cmocka_unit_test(lack_of_memory_is_said))
