// SPDX-License-Identifier: MIT
/* The machine's clock and one that tests move. */
#include "base/clock.h"

#include <stdatomic.h>
#include <stdio.h>
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
    const time_t time = (time_t)seconds;
    struct tm t;
    if (!gmtime_r(&time, &t)) t = (struct tm){.tm_year = 70, .tm_mday = 1};
    /* the remainders tell the compiler that the text fits */
    snprintf(out, 25, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ", (unsigned)(t.tm_year + 1900) % 10000,
             (unsigned)(t.tm_mon + 1) % 100, (unsigned)t.tm_mday % 100, (unsigned)t.tm_hour % 100,
             (unsigned)t.tm_min % 100, (unsigned)t.tm_sec % 100, (unsigned)ms % 1000);
}
