// SPDX-License-Identifier: MIT
/* Settings of the daemon: one table for the file, the environment, the flags and the help. */
#ifndef TIMBRE_DAEMON_SETTINGS_H
#define TIMBRE_DAEMON_SETTINGS_H

#include "base/config.h"
#include "base/log.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct tb_settings {
    char *data, *listen, *models, *config, *pid_file;
    int64_t threads, network_threads, queue_limit, max_connections;
    int64_t max_upload, max_json;
    double max_duration, busy_timeout, idle_timeout, upload_timeout, stop_timeout;
    bool insecure_listen, access_log;
    int log_format; /* 0 text, 1 JSON */
    int log_level;  /* tb_log_level */
    bool check_config, help, version;
} tb_settings;

/* Reads the file (--config or TIMBRE_CONFIG), the environment and the flags; what was there before is not freed.
 * On failure *settings need not be cleared.  The sentence of an error says where. */
tb_status tb_settings_read(int argc, char **argv, char **environment, tb_settings *settings, tb_error *err) TB_MUST_CHECK;
void tb_settings_clear(tb_settings *settings);
void tb_settings_print_help(FILE *stream);
tb_status tb_settings_print(const tb_settings *settings, FILE *stream, tb_error *err) TB_MUST_CHECK;

#endif
