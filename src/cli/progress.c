// SPDX-License-Identifier: MIT
/* Drawing progress: at most ten times a second on a terminal. */
#include "cli/progress.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { WIDTH = 28 };

void tb_progress_begin(tb_progress *progress, const char *what, bool quiet)
{
    const tb_clock *clock = tb_clock_system();
    *progress = (tb_progress){.what = what, .quiet = quiet, .terminal = isatty(STDERR_FILENO) == 1, .begin_ns = clock->mono_ns(clock), .last_tenth = -1};
}

/* Columns of the terminal; 80 when it does not say. */
static int terminal_width(void)
{
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

/* "  12/40  3.1/s  0:09 left  1 failed" */
static void describe(char *out, size_t capacity, double elapsed_s, int64_t done, int64_t total, int64_t failed)
{
    const double rate = elapsed_s > 0 ? (double)done / elapsed_s : 0;
    char counts[48] = "  looking around", speed[32] = "", left[48] = "", bad[32] = "";
    if (total > 0) snprintf(counts, sizeof counts, "  %lld/%lld", (long long)done, (long long)total);
    if (rate > 0) snprintf(speed, sizeof speed, "  %.1f/s", rate);
    if (rate > 0 && done < total) {
        const int64_t s = (int64_t)((double)(total - done) / rate + 0.5);
        if (s >= 3600) snprintf(left, sizeof left, "  %lld:%02d:%02d left", (long long)(s / 3600), (int)(s / 60 % 60), (int)(s % 60));
        else snprintf(left, sizeof left, "  %d:%02d left", (int)(s / 60), (int)(s % 60));
    }
    if (failed > 0) snprintf(bad, sizeof bad, "  %lld failed", (long long)failed);
    snprintf(out, capacity, "%s%s%s%s", counts, speed, left, bad);
}

/* One line that fits the terminal, because a line that wraps cannot be drawn over: the bar gives way first. */
static void draw(const char *what, const char *text, double share)
{
    const int columns = terminal_width() - 1, text_size = (int)strlen(text), what_size = (int)strlen(what);
    const int room = columns - what_size - text_size - 4, width = room < WIDTH ? room : WIDTH;
    fprintf(stderr, "\r\033[K");
    if (width >= 4) {
        fprintf(stderr, "%s  [", what);
        for (int i = 0; i < width; i++) fputc(i < (int)(share * width) ? '#' : '-', stderr);
        fprintf(stderr, "]%s", text);
    } else {
        fprintf(stderr, "%.*s", columns, text + 2);
    }
}

void tb_progress_show(tb_progress *progress, int64_t done, int64_t total, int64_t failed)
{
    const tb_clock *clock = tb_clock_system();
    char text[160];
    if (progress->quiet) return;
    const bool last = total > 0 && done >= total;
    if (progress->terminal) {
        if (!last && progress->shown && tb_clock_elapsed_s(clock, progress->drawn_ns) < 0.1) return;
    } else {
        const int tenth = total > 0 ? (int)(10 * done / total) : 0;
        if (tenth == progress->last_tenth || total == 0) return;
        progress->last_tenth = tenth;
    }
    describe(text, sizeof text, tb_clock_elapsed_s(clock, progress->begin_ns), done, total, failed);
    if (progress->terminal) draw(progress->what, text, total > 0 ? (double)done / (double)total : 0);
    else fprintf(stderr, "%s%s\n", progress->what, text);
    fflush(stderr);
    progress->shown = true;
    progress->drawn_ns = clock->mono_ns(clock);
}

void tb_progress_end(tb_progress *progress)
{
    if (progress->terminal && progress->shown && !progress->quiet) fputc('\n', stderr);
    progress->shown = false;
}
