// SPDX-License-Identifier: MIT
/* Drawing progress: at most ten times a second on a terminal. */
#include "cli/progress.h"

#include "base/clock.h"

#include <stdio.h>
#include <unistd.h>

enum { WIDTH = 28 };

void tb_progress_begin(tb_progress *progress, const char *what, bool quiet)
{
    const tb_clock *clock = tb_clock_system();
    *progress = (tb_progress){.what = what, .quiet = quiet, .terminal = isatty(STDERR_FILENO) == 1, .begin_ns = clock->mono_ns(clock), .last_tenth = -1};
}

static void print_time_left(double seconds)
{
    const int64_t s = (int64_t)(seconds + 0.5);
    if (s >= 3600) fprintf(stderr, "  %lld:%02d:%02d left", (long long)(s / 3600), (int)(s / 60 % 60), (int)(s % 60));
    else fprintf(stderr, "  %d:%02d left", (int)(s / 60), (int)(s % 60));
}

void tb_progress_show(tb_progress *progress, int64_t done, int64_t total, int64_t failed)
{
    const tb_clock *clock = tb_clock_system();
    if (progress->quiet) return;
    const bool last = total > 0 && done >= total;
    const double elapsed = tb_clock_elapsed_s(clock, progress->begin_ns);
    const double rate = elapsed > 0 ? (double)done / elapsed : 0;
    if (progress->terminal) {
        if (!last && progress->shown && tb_clock_elapsed_s(clock, progress->drawn_ns) < 0.1) return;
        const int filled = total > 0 ? (int)(WIDTH * done / total) : 0;
        fprintf(stderr, "\r\033[K%s  [", progress->what);
        for (int i = 0; i < WIDTH; i++) fputc(i < filled ? '#' : '-', stderr);
        fputc(']', stderr);
    } else {
        const int tenth = total > 0 ? (int)(10 * done / total) : 0;
        if (tenth == progress->last_tenth || total == 0) return;
        progress->last_tenth = tenth;
        fprintf(stderr, "%s ", progress->what);
    }
    if (total > 0) fprintf(stderr, "  %lld/%lld", (long long)done, (long long)total);
    else fprintf(stderr, "  looking around");
    if (done > 0) fprintf(stderr, "  %.1f/s", rate);
    if (done > 0 && !last) print_time_left((double)(total - done) / rate);
    if (failed > 0) fprintf(stderr, "  %lld failed", (long long)failed);
    if (!progress->terminal) fputc('\n', stderr);
    fflush(stderr);
    progress->shown = true;
    progress->drawn_ns = clock->mono_ns(clock);
}

void tb_progress_end(tb_progress *progress)
{
    if (progress->terminal && progress->shown && !progress->quiet) fputc('\n', stderr);
    progress->shown = false;
}
