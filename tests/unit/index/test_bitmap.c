// SPDX-License-Identifier: MIT
#include "index/bitmap.h"

#include "base/alloc.h"
#include "base/rng.h"
#include "support/testing.h"

#include <string.h>

static void a_new_bitmap_is_empty(void **state)
{
    (void)state;
    tb_bitmap bitmap = TB_BITMAP_INIT;
    assert_false(tb_bitmap_test(&bitmap, 0));
    assert_false(tb_bitmap_test(&bitmap, UINT64_MAX));
    assert_int_equal(tb_bitmap_count(&bitmap), 0);
    assert_int_equal(tb_bitmap_next(&bitmap, 0), TB_BITMAP_MAX_BITS);
    tb_bitmap_unset(&bitmap, 7);
    tb_bitmap_not(&bitmap);
    tb_bitmap_fill(&bitmap, true);
    assert_int_equal(tb_bitmap_count(&bitmap), 0);
    tb_bitmap_clear(&bitmap);
}

static void setting_a_bit_grows_it(void **state)
{
    (void)state;
    tb_bitmap bitmap;
    tb_bitmap_init(&bitmap);
    assert_status(tb_bitmap_set(&bitmap, 1000), TB_OK);
    assert_int_equal(bitmap.n_bits, 1001);
    assert_true(tb_bitmap_test(&bitmap, 1000));
    assert_false(tb_bitmap_test(&bitmap, 999));
    assert_false(tb_bitmap_test(&bitmap, 1001));
    assert_status(tb_bitmap_set(&bitmap, 63), TB_OK);
    assert_int_equal(tb_bitmap_next(&bitmap, 0), 63);
    assert_int_equal(tb_bitmap_next(&bitmap, 63), 63);
    assert_int_equal(tb_bitmap_next(&bitmap, 64), 1000);
    assert_int_equal(tb_bitmap_next(&bitmap, 1001), TB_BITMAP_MAX_BITS);
    tb_bitmap_unset(&bitmap, 63);
    assert_int_equal(tb_bitmap_count(&bitmap), 1);
    tb_bitmap_clear(&bitmap);
    assert_null(bitmap.words);
}

static void bits_past_the_limit_are_refused(void **state)
{
    (void)state;
    tb_bitmap bitmap = TB_BITMAP_INIT;
    assert_status(tb_bitmap_set(&bitmap, TB_BITMAP_MAX_BITS), TB_TOO_LARGE);
    assert_status(tb_bitmap_set(&bitmap, UINT64_MAX), TB_TOO_LARGE);
    assert_status(tb_bitmap_resize(&bitmap, TB_BITMAP_MAX_BITS + 1), TB_TOO_LARGE);
    assert_int_equal(bitmap.n_bits, 0);
    tb_bitmap_clear(&bitmap);
}

static void bits_cut_off_do_not_come_back(void **state)
{
    (void)state;
    tb_bitmap bitmap = TB_BITMAP_INIT;
    assert_status(tb_bitmap_resize(&bitmap, 300), TB_OK);
    tb_bitmap_fill(&bitmap, true);
    assert_int_equal(tb_bitmap_count(&bitmap), 300);
    assert_status(tb_bitmap_resize(&bitmap, 70), TB_OK);
    assert_int_equal(tb_bitmap_count(&bitmap), 70);
    assert_status(tb_bitmap_resize(&bitmap, 300), TB_OK);
    assert_int_equal(tb_bitmap_count(&bitmap), 70);
    tb_bitmap_not(&bitmap);
    assert_int_equal(tb_bitmap_count(&bitmap), 230);
    assert_false(tb_bitmap_test(&bitmap, 69));
    assert_true(tb_bitmap_test(&bitmap, 70));
    tb_bitmap_clear(&bitmap);
}

enum { N_BITS = 400 };

static void random_bits(tb_rng *rng, tb_bitmap *bitmap, bool plain[N_BITS])
{
    memset(plain, 0, N_BITS * sizeof *plain);
    const uint64_t n = tb_rng_below(rng, N_BITS);
    for (uint64_t j = 0; j < n; j++) {
        const uint64_t i = tb_rng_below(rng, n);
        assert_status(tb_bitmap_set(bitmap, i), TB_OK);
        plain[i] = true;
    }
}

static void check_bits(const tb_bitmap *bitmap, const bool plain[N_BITS])
{
    uint64_t count = 0, next = N_BITS;
    for (uint64_t i = N_BITS; i-- > 0;) {
        assert_int_equal(tb_bitmap_test(bitmap, i), plain[i]);
        if (plain[i]) {
            next = i;
            count++;
        }
        assert_int_equal(tb_bitmap_next(bitmap, i), next == N_BITS ? TB_BITMAP_MAX_BITS : next);
    }
    assert_int_equal(tb_bitmap_count(bitmap), count);
}

static void operations_agree_with_plain_flags(void **state)
{
    (void)state;
    tb_rng rng;
    tb_rng_init(&rng, 7);
    for (int round = 0; round < 200; round++) {
        tb_bitmap a = TB_BITMAP_INIT, b = TB_BITMAP_INIT, c = TB_BITMAP_INIT;
        bool x[N_BITS], y[N_BITS], z[N_BITS];
        random_bits(&rng, &a, x);
        random_bits(&rng, &b, y);
        random_bits(&rng, &c, z);
        check_bits(&a, x);
        assert_status(tb_bitmap_copy(&c, &a), TB_OK);
        check_bits(&c, x);
        tb_bitmap_and(&c, &b);
        for (size_t i = 0; i < N_BITS; i++) z[i] = x[i] && y[i];
        check_bits(&c, z);
        assert_status(tb_bitmap_copy(&c, &a), TB_OK);
        tb_bitmap_and_not(&c, &b);
        for (size_t i = 0; i < N_BITS; i++) z[i] = x[i] && !y[i];
        check_bits(&c, z);
        assert_status(tb_bitmap_copy(&c, &a), TB_OK);
        assert_status(tb_bitmap_or(&c, &b), TB_OK);
        for (size_t i = 0; i < N_BITS; i++) z[i] = x[i] || y[i];
        check_bits(&c, z);
        tb_bitmap_not(&c);
        for (size_t i = 0; i < N_BITS; i++) z[i] = i < c.n_bits && !z[i];
        check_bits(&c, z);
        tb_bitmap_clear(&a);
        tb_bitmap_clear(&b);
        tb_bitmap_clear(&c);
    }
}

static void without_memory_it_stays_as_it_was(void **state)
{
    (void)state;
    tb_bitmap bitmap = TB_BITMAP_INIT;
    assert_status(tb_bitmap_set(&bitmap, 5), TB_OK);
    tb_alloc_fail_after(1);
    const tb_status status = tb_bitmap_set(&bitmap, 100000);
    tb_alloc_fail_after(0);
    assert_status(status, TB_NO_MEMORY);
    assert_int_equal(bitmap.n_bits, 6);
    assert_int_equal(tb_bitmap_count(&bitmap), 1);
    tb_bitmap_clear(&bitmap);
}

TB_TESTS(bitmap,
    cmocka_unit_test(a_new_bitmap_is_empty),
    cmocka_unit_test(setting_a_bit_grows_it),
    cmocka_unit_test(bits_past_the_limit_are_refused),
    cmocka_unit_test(bits_cut_off_do_not_come_back),
    cmocka_unit_test(operations_agree_with_plain_flags),
    cmocka_unit_test(without_memory_it_stays_as_it_was))
