// SPDX-License-Identifier: MIT
/* The log: one line per event on a stream, as text or as JSON lines.
 *
 * text: 2026-01-31T12:00:00.000Z info  http  listening on 127.0.0.1:8080
 * json: {"time":"2026-01-31T12:00:00.000Z","level":"info","component":"http","message":"listening on …"}
 *
 * A process has one log.  Threads: any; a line is written whole.  Bytes that are not UTF-8 and control
 * characters in the message are escaped, so that nobody can forge a line. */
#ifndef TIMBRE_BASE_LOG_H
#define TIMBRE_BASE_LOG_H

#include "base/status.h"

#include <stdbool.h>
#include <stdio.h>

typedef enum tb_log_level { TB_LOG_DEBUG, TB_LOG_INFO, TB_LOG_WARN, TB_LOG_ERROR, TB_LOG_OFF } tb_log_level;

/* Where and how to log; before the first call, warnings and errors go to stderr as text.
 * stream: borrowed until the next call; the caller keeps it open. */
void tb_log_setup(FILE *stream, tb_log_level lowest, bool json);
bool tb_log_enabled(tb_log_level level);
/* component: a short constant, usually the layer ("store"). */
void tb_log(tb_log_level level, const char *component, const char *format, ...) TB_PRINTF(3, 4);

#endif
