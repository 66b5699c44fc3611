// SPDX-License-Identifier: MIT
/* Time, as an object that tests can move by hand.
 * The system clock is shared by all threads; a manual clock is too (atomic). */
#ifndef TIMBRE_BASE_CLOCK_H
#define TIMBRE_BASE_CLOCK_H

#include <stdint.h>

typedef struct tb_clock tb_clock;
struct tb_clock {
    int64_t (*wall_ms)(const tb_clock *clock); /* since 1970-01-01 UTC; may jump */
    int64_t (*mono_ns)(const tb_clock *clock); /* never goes back; only differences mean something */
    _Atomic int64_t manual_ns;                 /* used by the manual clock alone */
};

/* The clock of the machine. */
const tb_clock *tb_clock_system(void);
/* Stands at start_ms until it is moved. */
void tb_clock_init_manual(tb_clock *clock, int64_t start_ms);
void tb_clock_advance(tb_clock *clock, double seconds);

/* Seconds since `since_ns` (a value of mono_ns). */
double tb_clock_elapsed_s(const tb_clock *clock, int64_t since_ns);
/* RFC 3339 in UTC with milliseconds, "2026-01-31T12:00:00.000Z": 24 characters and a zero. */
void tb_clock_format(int64_t wall_ms, char out[25]);

#endif
