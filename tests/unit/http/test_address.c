// SPDX-License-Identifier: MIT
#include "support/testing.h"

#include "base/alloc.h"
#include "http/address.h"

#include <string.h>

static void lists_are_split_at_commas(void **state)
{
    char *parts[TB_ADDRESS_LIMIT];
    size_t n = 0;
    tb_error err;
    (void)state;
    assert_ok(tb_address_split(" 127.0.0.1:80 ,\t[::1]:0", parts, &n, &err));
    assert_int_equal(n, 2);
    assert_string_equal(parts[0], "127.0.0.1:80");
    assert_string_equal(parts[1], "[::1]:0");
    tb_free(parts[0]);
    tb_free(parts[1]);
}

static void lists_with_holes_or_too_many_are_refused(void **state)
{
    char *parts[TB_ADDRESS_LIMIT];
    size_t n = 0;
    (void)state;
    assert_status(tb_address_split("", parts, &n, NULL), TB_INVALID);
    assert_status(tb_address_split("127.0.0.1:1,", parts, &n, NULL), TB_INVALID);
    assert_status(tb_address_split("a:1,,b:1", parts, &n, NULL), TB_INVALID);
    assert_status(tb_address_split("a:1,a:1,a:1,a:1,a:1,a:1,a:1,a:1,a:1", parts, &n, NULL), TB_INVALID);
}

static void what_is_no_address_is_refused_with_an_example(void **state)
{
    static const char *const texts[] = {"8080", ":8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536",
                                        "127.0.0.1:-1", "::1:80", "[::1]", "[::1:80", "[]:80", "127.0.0.1:80 80"};
    tb_error err;
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const tb_status status = tb_address_check(texts[i], false, &err);
        if (status != TB_INVALID) fail_msg("%s: %s", texts[i], tb_status_name(status));
        assert_non_null(strstr(err.message, texts[i]));
    }
}

static void addresses_beyond_loopback_need_consent(void **state)
{
    tb_error err;
    (void)state;
    assert_status(tb_address_check("0.0.0.0:80", false, &err), TB_INVALID);
    assert_non_null(strstr(err.message, "--insecure-listen"));
    assert_status(tb_address_check("[::]:80", false, &err), TB_INVALID);
    assert_status(tb_address_check("192.0.2.1:80", false, &err), TB_INVALID);
    assert_ok(tb_address_check("0.0.0.0:80,[::]:80", true, &err));
    assert_ok(tb_address_check("127.0.0.1:80,127.9.9.9:80,[::1]:80,[::ffff:127.0.0.1]:80,localhost:80", false, &err));
}

static void port_0_gives_a_free_port_that_is_then_taken(void **state)
{
    tb_listener first = {.fd = -1}, second = {.fd = -1};
    tb_error err;
    (void)state;
    assert_ok(tb_listener_open("127.0.0.1:0", false, &first, &err));
    assert_true(first.loopback);
    assert_memory_equal(first.address, "127.0.0.1:", 10);
    assert_string_not_equal(first.address, "127.0.0.1:0");
    assert_status(tb_listener_open(first.address, false, &second, &err), TB_EXISTS);
    assert_int_equal(second.fd, -1);
    tb_listener_close(&first);
    tb_listener_close(&first); /* twice is fine */
}

static void lack_of_memory_is_said(void **state)
{
    char *parts[TB_ADDRESS_LIMIT];
    size_t n = 0;
    (void)state;
    for (size_t i = 1; i <= 3; i++) {
        tb_alloc_fail_after(i);
        const tb_status status = tb_address_split("a:1,b:2,c:3", parts, &n, NULL);
        tb_alloc_fail_after(0);
        assert_status(status, TB_NO_MEMORY);
    }
}

TB_TESTS(address, cmocka_unit_test(lists_are_split_at_commas), cmocka_unit_test(lists_with_holes_or_too_many_are_refused),
         cmocka_unit_test(what_is_no_address_is_refused_with_an_example),
         cmocka_unit_test(addresses_beyond_loopback_need_consent),
         cmocka_unit_test(port_0_gives_a_free_port_that_is_then_taken), cmocka_unit_test(lack_of_memory_is_said))
