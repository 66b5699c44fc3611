// SPDX-License-Identifier: MIT
/* Allocation: zeroed, aligned, sizes checked, failures on demand. */
#include "support/testing.h"

#include "base/alloc.h"

#include <string.h>

static void memory_is_zeroed(void **state)
{
    (void)state;
    unsigned char *memory = tb_alloc(1000, 3), *aligned = tb_alloc_aligned(1001, 3);
    assert_non_null(memory);
    assert_non_null(aligned);
    for (size_t i = 0; i < 3000; i++) assert_int_equal(memory[i] | aligned[i], 0);
    tb_free(memory);
    tb_free(aligned);
}

static void aligned_memory_starts_on_a_line(void **state)
{
    (void)state;
    for (size_t size = 0; size < 300; size += 7) {
        void *memory = tb_alloc_aligned(size, 1);
        assert_non_null(memory);
        assert_int_equal((uintptr_t)memory % 64, 0);
        tb_free(memory);
    }
}

static void overflowing_sizes_give_null(void **state)
{
    (void)state;
    const size_t sizes[] = {SIZE_MAX, SIZE_MAX / 2, SIZE_MAX / 2 + 1, SIZE_MAX / 3 + 1};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        assert_null(tb_alloc(sizes[i], 3));
        assert_null(tb_alloc(3, sizes[i]));
        assert_null(tb_alloc_aligned(sizes[i], 3));
        assert_null(tb_realloc(NULL, sizes[i], 3));
    }
    assert_null(tb_alloc(SIZE_MAX, 1));
    assert_null(tb_alloc_aligned(SIZE_MAX - 10, 1));
}

static void nothing_gives_memory_that_can_be_freed(void **state)
{
    (void)state;
    void *memory = tb_alloc(0, 8);
    assert_non_null(memory);
    tb_free(memory);
    memory = tb_realloc(tb_alloc(4, 1), 0, 4);
    assert_non_null(memory);
    tb_free(memory);
    tb_free(NULL);
}

static void growing_keeps_the_content(void **state)
{
    (void)state;
    char *memory = tb_strdup("sound");
    memory = tb_realloc(memory, 100000, 1);
    assert_string_equal(memory, "sound");
    assert_null(tb_strdup(NULL));
    tb_free(memory);
}

static void products_are_checked(void **state)
{
    (void)state;
    size_t product = 7;
    assert_true(tb_mul_size(SIZE_MAX / 2, 2, &product));
    assert_int_equal(product, SIZE_MAX - 1);
    assert_true(tb_mul_size(0, SIZE_MAX, &product));
    assert_int_equal(product, 0);
    assert_false(tb_mul_size(SIZE_MAX / 2 + 1, 2, &product));
}

static void the_nth_allocation_and_all_after_it_fail(void **state)
{
    (void)state;
    tb_alloc_fail_after(3);
    void *first = tb_alloc(1, 1);
    void *second = tb_alloc_aligned(1, 1);
    char *third = tb_strdup("x");
    void *fourth = tb_realloc(second, 2, 1); /* the old block stays */
    const size_t asked = tb_alloc_fail_after(0);
    assert_non_null(first);
    assert_non_null(second);
    assert_null(third);
    assert_null(fourth);
    assert_int_equal(asked, 4);
    void *again = tb_alloc(1, 1);
    assert_non_null(again);
    assert_int_equal(tb_alloc_fail_after(0), 1);
    tb_free(first);
    tb_free(second);
    tb_free(again);
}

TB_TESTS(alloc, cmocka_unit_test(memory_is_zeroed), cmocka_unit_test(aligned_memory_starts_on_a_line),
         cmocka_unit_test(overflowing_sizes_give_null), cmocka_unit_test(nothing_gives_memory_that_can_be_freed),
         cmocka_unit_test(growing_keeps_the_content), cmocka_unit_test(products_are_checked),
         cmocka_unit_test(the_nth_allocation_and_all_after_it_fail))
