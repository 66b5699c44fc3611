// SPDX-License-Identifier: MIT
/* What unit tests share: registration of cases, folders to work in, fixtures.
 *
 * A test file ends with
 *
 *     TB_TESTS(mel, cmocka_unit_test(filters_sum_to_one), cmocka_unit_test(silence_gives_zeros))
 *
 * and is then run by the program of its layer; a case is named "mel: silence gives zeros" in the output.
 * `test-dsp mel` runs the cases of one file, `test-dsp "mel: silence"` those that start so. */
#ifndef TIMBRE_TESTS_SUPPORT_TESTING_H
#define TIMBRE_TESTS_SUPPORT_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/status.h"

void tb_test_register(const char *group, const struct CMUnitTest *tests, size_t n_tests);

#define TB_TESTS(group, ...)                                                                       \
    static const struct CMUnitTest group##_tests[] = {__VA_ARGS__};                                \
    __attribute__((constructor)) static void register_##group(void)                                \
    {                                                                                              \
        tb_test_register(#group, group##_tests, sizeof group##_tests / sizeof *group##_tests);     \
    }

/* The call returns TB_OK; else fails with the error's sentence.  Needs a tb_error named err. */
#define assert_ok(call)                                                                            \
    do {                                                                                           \
        const tb_status assert_ok_status = (call);                                                 \
        if (assert_ok_status != TB_OK)                                                             \
            fail_msg("%s: %s: %s", #call, tb_status_name(assert_ok_status), err.message);          \
    } while (0)

/* The call returns that status; prints both names if not. */
#define assert_status(call, expected)                                                              \
    do {                                                                                           \
        const tb_status assert_status_got = (call);                                                \
        if (assert_status_got != (expected))                                                       \
            fail_msg("%s: got %s, expected %s", #call, tb_status_name(assert_status_got),          \
                     tb_status_name(expected));                                                    \
    } while (0)

/* |a - b| <= tolerance; prints all three. */
#define assert_near(a, b, tolerance)                                                               \
    do {                                                                                           \
        const double assert_near_a = (double)(a), assert_near_b = (double)(b);                     \
        if (!(assert_near_a - assert_near_b <= (double)(tolerance) &&                              \
              assert_near_b - assert_near_a <= (double)(tolerance)))                               \
            fail_msg("%s = %.9g, %s = %.9g, further apart than %g", #a, assert_near_a, #b,         \
                     assert_near_b, (double)(tolerance));                                          \
    } while (0)

/* New empty folder for this test, removed with all that is in it when the program ends well.
 * Borrowed until then. */
const char *tb_test_folder(void);
/* Path below the source tree ("tests/golden/mel.bin"); freed with free. */
char *tb_test_source_path(const char *relative);

#endif
