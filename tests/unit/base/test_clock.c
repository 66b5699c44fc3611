// SPDX-License-Identifier: MIT
/* Clocks: the machine's goes on, the manual one stands until it is moved; RFC 3339. */
#include "support/testing.h"

#include "base/clock.h"

#include <time.h>

static void system_time_goes_on(void **state)
{
    (void)state;
    const tb_clock *clock = tb_clock_system();
    const int64_t start = clock->mono_ns(clock);
    const struct timespec pause = {.tv_nsec = 2000000};
    nanosleep(&pause, NULL);
    assert_true(tb_clock_elapsed_s(clock, start) >= 0.002);
    assert_near((double)clock->wall_ms(clock) / 1000, (double)time(NULL), 2);
}

static void manual_time_moves_only_by_hand(void **state)
{
    (void)state;
    tb_clock clock;
    tb_clock_init_manual(&clock, 1700000000000);
    const int64_t start = clock.mono_ns(&clock);
    assert_int_equal(clock.wall_ms(&clock), 1700000000000);
    assert_near(tb_clock_elapsed_s(&clock, start), 0, 0);
    tb_clock_advance(&clock, 1.5);
    assert_int_equal(clock.wall_ms(&clock), 1700000001500);
    assert_near(tb_clock_elapsed_s(&clock, start), 1.5, 1e-9);
}

static void times_are_written_as_rfc_3339(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        const char *text;
    } cases[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {-1, "1969-12-31T23:59:59.999Z"},
        {-1000, "1969-12-31T23:59:59.000Z"},
        {1709210096007, "2024-02-29T12:34:56.007Z"},
        {253402300799999, "9999-12-31T23:59:59.999Z"},
        {INT64_MAX, "9999-12-31T23:59:59.999Z"},
        {-62167219200000, "0000-01-01T00:00:00.000Z"},
        {INT64_MIN, "0000-01-01T00:00:00.000Z"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[25];
        tb_clock_format(cases[i].ms, text);
        assert_string_equal(text, cases[i].text);
    }
}

TB_TESTS(clock, cmocka_unit_test(system_time_goes_on), cmocka_unit_test(manual_time_moves_only_by_hand),
         cmocka_unit_test(times_are_written_as_rfc_3339))
