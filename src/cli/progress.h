// SPDX-License-Identifier: MIT
/* Progress of long work on stderr: a bar on a terminal, a plain line every tenth otherwise.
 *
 *     scanning demo  [##########----------]  37/74  12.4/s  0:03 left  1 failed
 * One thread at a time. */
#ifndef TIMBRE_CLI_PROGRESS_H
#define TIMBRE_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct tb_progress {
    const char *what; /* borrowed */
    bool quiet, terminal, shown;
    int64_t begin_ns, drawn_ns;
    int last_tenth;
} tb_progress;

void tb_progress_begin(tb_progress *progress, const char *what, bool quiet);
/* total 0 = not known yet. */
void tb_progress_show(tb_progress *progress, int64_t done, int64_t total, int64_t failed);
/* Ends the bar's line. */
void tb_progress_end(tb_progress *progress);

#endif
