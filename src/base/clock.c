// SPDX-License-Identifier: MIT
/* The machine's clock and one that tests move. */
#include "base/clock.h"

#include <stdatomic.h>
#include <string.h>
#include <time.h>

static int64_t read_ns(clockid_t id)
{
    struct timespec now;
    if (clock_gettime(id, &now) != 0) return 0; /* cannot fail for the two clocks read here */
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t system_wall_ms(const tb_clock *clock)
{
    (void)clock;
    return read_ns(CLOCK_REALTIME) / 1000000;
}

static int64_t system_mono_ns(const tb_clock *clock)
{
    (void)clock;
    return read_ns(CLOCK_MONOTONIC);
}

static int64_t manual_wall_ms(const tb_clock *clock)
{
    return atomic_load(&clock->manual_ns) / 1000000;
}

static int64_t manual_mono_ns(const tb_clock *clock)
{
    return atomic_load(&clock->manual_ns);
}

const tb_clock *tb_clock_system(void)
{
    static const tb_clock clock = {.wall_ms = system_wall_ms, .mono_ns = system_mono_ns};
    return &clock;
}

void tb_clock_init_manual(tb_clock *clock, int64_t start_ms)
{
    clock->wall_ms = manual_wall_ms;
    clock->mono_ns = manual_mono_ns;
    atomic_init(&clock->manual_ns, start_ms * 1000000);
}

void tb_clock_advance(tb_clock *clock, double seconds)
{
    atomic_fetch_add(&clock->manual_ns, (int64_t)(seconds * 1e9));
}

double tb_clock_elapsed_s(const tb_clock *clock, int64_t since_ns)
{
    return (double)(clock->mono_ns(clock) - since_ns) * 1e-9;
}

/* The last n decimal digits of value. */
static void put_digits(char *out, size_t n, unsigned value)
{
    for (size_t i = n; i > 0; i--, value /= 10) out[i - 1] = (char)('0' + value % 10);
}

void tb_clock_format(int64_t wall_ms, char out[25])
{
    /* years 0000 to 9999, so that the width is fixed */
    const int64_t first = -62167219200000, last = 253402300799999;
    if (wall_ms < first) wall_ms = first;
    if (wall_ms > last) wall_ms = last;
    int64_t seconds = wall_ms / 1000, ms = wall_ms % 1000;
    if (ms < 0) {
        ms += 1000;
        seconds--;
    }
    /* Days to a date of the Gregorian calendar, its years begun in March so that the leap day comes last. */
    const int64_t second = (seconds % 86400 + 86400) % 86400;
    const int64_t days = (seconds - second) / 86400 + 719468; /* since 0000-03-01 */
    const int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    const unsigned day_of_era = (unsigned)(days - era * 146097);
    const unsigned year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    const unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const unsigned month = (5 * day_of_year + 2) / 153; /* 0 = March */
    const unsigned day = day_of_year - (153 * month + 2) / 5 + 1;
    const unsigned year = (unsigned)(era * 400 + (int64_t)year_of_era + (month >= 10));
    memcpy(out, "0000-00-00T00:00:00.000Z", 25);
    put_digits(out, 4, year);
    put_digits(out + 5, 2, month < 10 ? month + 3 : month - 9);
    put_digits(out + 8, 2, day);
    put_digits(out + 11, 2, (unsigned)second / 3600);
    put_digits(out + 14, 2, (unsigned)second / 60 % 60);
    put_digits(out + 17, 2, (unsigned)second % 60);
    put_digits(out + 20, 3, (unsigned)ms);
}
