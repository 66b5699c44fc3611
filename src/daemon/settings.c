// SPDX-License-Identifier: MIT
/* The table, and the order in which it is read: flags and environment first, only to learn the name of the file;
 * then default, file, environment, flags, each over the one before. */
#include "daemon/settings.h"

#include "base/alloc.h"
#include "base/fs.h"

#include <stddef.h>

#define FIELD(field) offsetof(tb_settings, field)

static const tb_setting rows[] = {
    {"data", TB_SETTING_STRING, FIELD(data), NULL, 0, 0, NULL, 'd', "DIR",
     "folder of the database and the uploads, made if it is not there"},
    {"listen", TB_SETTING_STRING, FIELD(listen), "127.0.0.1:8080", 0, 0, NULL, 'l', "ADDRESS",
     "where to listen, several with commas; port 0 takes a free one"},
    {"insecure_listen", TB_SETTING_BOOL, FIELD(insecure_listen), "false", 0, 0, NULL, 0, NULL,
     "allow addresses that other machines reach, although nobody has to log in"},
    {"config", TB_SETTING_STRING, FIELD(config), NULL, 0, 0, NULL, 'c', "FILE", "read settings from this file"},
    {"models", TB_SETTING_STRING, FIELD(models), NULL, 0, 0, NULL, 'm', "DIR",
     "folder of the models (default: the one that was installed)"},
    {"threads", TB_SETTING_INT, FIELD(threads), "0", 0, 1024, NULL, 't', "N",
     "threads that compute; 0 is one per processor"},
    {"network_threads", TB_SETTING_INT, FIELD(network_threads), "0", 0, 64, NULL, 0, "N",
     "threads that move bytes, per address; 0 is one per two processors, 2 to 16"},
    {"queue_limit", TB_SETTING_INT, FIELD(queue_limit), "256", 1, 100000, NULL, 0, "N",
     "requests that may wait for a thread before more get 503"},
    {"max_connections", TB_SETTING_INT, FIELD(max_connections), "1000", 1, 100000, NULL, 0, "N",
     "open connections, per address"},
    {"max_upload", TB_SETTING_SIZE, FIELD(max_upload), "512M", 1024, 1099511627776.0, NULL, 0, "SIZE",
     "largest audio file that is taken over HTTP"},
    {"max_json", TB_SETTING_SIZE, FIELD(max_json), "4M", 1024, 1073741824, NULL, 0, "SIZE",
     "largest JSON body that is taken"},
    {"max_duration", TB_SETTING_TIME, FIELD(max_duration), "24h", 1, 31536000, NULL, 0, "TIME",
     "longest audio that is analysed"},
    {"busy_timeout", TB_SETTING_TIME, FIELD(busy_timeout), "10s", 0.01, 3600, NULL, 0, "TIME",
     "how long a database that another program holds is waited for"},
    {"idle_timeout", TB_SETTING_TIME, FIELD(idle_timeout), "30s", 1, 86400, NULL, 0, "TIME",
     "a connection on which nothing moves is closed after this"},
    {"upload_timeout", TB_SETTING_TIME, FIELD(upload_timeout), "60s", 1, 86400, NULL, 0, "TIME",
     "a body may take this long, and a second more per 8 KiB that came"},
    {"stop_timeout", TB_SETTING_TIME, FIELD(stop_timeout), "30s", 0, 86400, NULL, 0, "TIME",
     "how long a stop waits for what runs before it is given up"},
    {"access_log", TB_SETTING_BOOL, FIELD(access_log), "false", 0, 0, NULL, 0, NULL,
     "log every request, not only those that failed here"},
    {"log_format", TB_SETTING_CHOICE, FIELD(log_format), "text", 0, 0, "text|json", 0, "FORMAT", "form of the log on stderr"},
    {"log_level", TB_SETTING_CHOICE, FIELD(log_level), "info", 0, 0, "debug|info|warn|error|off", 0, "LEVEL",
     "log this and what is worse"},
    {"pid_file", TB_SETTING_STRING, FIELD(pid_file), NULL, 0, 0, NULL, 0, "FILE", "write the process ID there while it runs"},
    {"check_config", TB_SETTING_BOOL, FIELD(check_config), "false", 0, 0, NULL, 0, NULL,
     "print the settings as they would be used, and end"},
    {"help", TB_SETTING_BOOL, FIELD(help), "false", 0, 0, NULL, 'h', NULL, "print this, and end"},
    {"version", TB_SETTING_BOOL, FIELD(version), "false", 0, 0, NULL, 'V', NULL, "print the version, and end"},
};

static const tb_config_table table = {rows, sizeof rows / sizeof *rows, sizeof(tb_settings)};

/* A name that nobody knows is wrong usage here, and not a file that is missing. */
static tb_status blame_usage(tb_status status, tb_error *err)
{
    if (status != TB_NOT_FOUND) return status;
    if (err) err->code = TB_INVALID;
    return TB_INVALID;
}

static tb_status read_file(const char *path, tb_settings *settings, tb_error *err)
{
    tb_fs_info info;
    const tb_status status = tb_fs_stat(path, &info, err);
    if (status != TB_OK) return status;
    return blame_usage(tb_config_read_file(&table, settings, path, err), err);
}

static tb_status read_flags(int argc, char **argv, tb_settings *settings, tb_error *err)
{
    tb_status status = TB_OK;
    int n_rest = 0;
    char **rest = tb_alloc((size_t)argc + 1, sizeof *rest);
    if (!rest) TB_FAIL(err, TB_NO_MEMORY, "no memory to read the flags");
    TB_TRY(blame_usage(tb_config_read_flags(&table, settings, argc, argv, &n_rest, rest, err), err));
    if (n_rest > 0) TB_FAIL(err, TB_INVALID, "\"%s\" is not a flag: see --help", rest[0]);
out:
    tb_free(rest);
    return status;
}

tb_status tb_settings_read(int argc, char **argv, char **environment, tb_settings *settings, tb_error *err)
{
    tb_status status = TB_OK;
    tb_settings first = {0}, made = {0};
    TB_TRY(tb_config_defaults(&table, &first, err));
    TB_TRY(tb_config_read_environment(&table, &first, environment, err));
    TB_TRY(read_flags(argc, argv, &first, err));

    TB_TRY(tb_config_defaults(&table, &made, err));
    if (first.config) TB_TRY(read_file(first.config, &made, err));
    TB_TRY(tb_config_read_environment(&table, &made, environment, err));
    TB_TRY(read_flags(argc, argv, &made, err));
    *settings = made;
    made = (tb_settings){0};
out:
    tb_config_clear(&table, &first);
    tb_config_clear(&table, &made);
    return status;
}

void tb_settings_clear(tb_settings *settings)
{
    tb_config_clear(&table, settings);
}

void tb_settings_print_help(FILE *stream)
{
    fputs("timbred: a server that answers \"what sounds like this?\" over HTTP\n\n"
          "usage: timbred --data DIR [--listen 127.0.0.1:8080] [options]\n\n",
          stream);
    tb_config_print_help(&table, stream);
    fputs("\nEach option may stand in the file (max_upload = 1G) and in the environment (TIMBRE_MAX_UPLOAD=1G) too;\n"
          "flags win over the environment, and that over the file.\n\n"
          "signals: TERM and INT finish what runs and end; a second one gives up what runs; HUP does nothing\n"
          "exit status: 0 well, 64 wrong flag or setting, 65 data damaged or of a newer version, 66 a file or folder\n"
          "  that is not there, 69 port taken, 70 a mistake of ours, 71 no memory, 73 disk full, 74 reading or\n"
          "  writing failed, 75 another process has the data folder, 77 no permission\n",
          stream);
}

tb_status tb_settings_print(const tb_settings *settings, FILE *stream, tb_error *err)
{
    return tb_config_print_values(&table, settings, stream, err);
}
