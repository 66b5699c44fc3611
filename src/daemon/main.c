// SPDX-License-Identifier: MIT
/* timbred: settings, signals, and the life of engine, API and server, in this order and back.
 *
 * Signals are blocked before the first thread starts, so that they wait for the main thread, which does nothing
 * else: the first TERM or INT lets what runs finish, a second one asks it to give up, a third one kills. */
#include "base/alloc.h"
#include "base/fs.h"
#include "base/install.h"
#include "base/log.h"
#include "daemon/notify.h"
#include "daemon/settings.h"
#include "http/address.h"
#include "http/server.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

/* As in sysexits.h; also in the help and in timbred(8). */
static int exit_code(tb_status status)
{
    switch (status) {
    case TB_OK: return 0;
    case TB_INVALID:
    case TB_SYNTAX: return 64;
    case TB_NEWER:
    case TB_CORRUPT:
    case TB_UNSUPPORTED: return 65;
    case TB_NOT_FOUND: return 66;
    case TB_EXISTS: return 69;
    case TB_NO_MEMORY: return 71;
    case TB_FULL: return 73;
    case TB_IO: return 74;
    case TB_BUSY:
    case TB_TIMEOUT: return 75;
    case TB_FORBIDDEN: return 77;
    default: return 70;
    }
}

/* --- signals ---------------------------------------------------------------------------------------------------- */

static sigset_t awaited;

static pthread_t main_thread;

/* Libraries have threads that were there before main and block nothing. */
static void pass_on(int signal)
{
    pthread_kill(main_thread, signal);
}

static void handle_awaited(void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
}

static void take_signals(void)
{
    main_thread = pthread_self();
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGPIPE, &ignore, NULL); /* a client that went away */
    sigaction(SIGXFSZ, &ignore, NULL); /* a file past the limit is an error of write */
    sigemptyset(&awaited);
    sigaddset(&awaited, SIGTERM);
    sigaddset(&awaited, SIGINT);
    sigaddset(&awaited, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &awaited, NULL);
    handle_awaited(pass_on);
}

/* Whether the signal to stop came within the time; seconds < 0 waits for it. */
static bool stop_is_asked(double seconds)
{
    for (;;) {
        int signal = 0;
        if (seconds < 0) {
            if (sigwait(&awaited, &signal) != 0) continue;
        } else {
            const struct timespec patience = {.tv_sec = (time_t)seconds,
                                              .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)};
            signal = sigtimedwait(&awaited, NULL, &patience);
            if (signal < 0) return false;
        }
        if (signal == SIGTERM || signal == SIGINT) return true;
        tb_log(TB_LOG_INFO, "daemon", "SIGHUP: settings are read at start alone, nothing changes");
    }
}

/* Each connection and each upload holds a file; the usual 1024 are fewer than the connections that are allowed. */
static void allow_many_files(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit); /* if not, fewer connections are taken at a time */
}

/* --- life ------------------------------------------------------------------------------------------------------- */

static void stop(tb_server *server, double patience_s)
{
    const tb_clock *clock = tb_clock_system();
    const int64_t begun_ns = clock->mono_ns(clock);
    bool cancelled = false;
    tb_log(TB_LOG_INFO, "daemon", "stopping: what runs is finished first");
    tb_notify_stopping("finishing what runs");
    tb_server_quiesce(server);
    while (!tb_server_drain(server, 0.05)) {
        const double waited_s = tb_clock_elapsed_s(clock, begun_ns);
        const bool asked_again = stop_is_asked(0.05);
        if (!cancelled && (asked_again || waited_s > patience_s)) {
            cancelled = true;
            tb_log(TB_LOG_WARN, "daemon", "stopping: what runs is given up");
            tb_server_cancel(server);
            handle_awaited(SIG_DFL);
            pthread_sigmask(SIG_UNBLOCK, &awaited, NULL); /* the next signal ends at once: nothing can be lost */
        }
        if (waited_s > patience_s + 10) break; /* a reader that does not read */
    }
}

static tb_status write_pid(const char *path, tb_error *err)
{
    char pid[32];
    const int n = snprintf(pid, sizeof pid, "%lld\n", (long long)getpid());
    return tb_fs_write_atomic(path, pid, (size_t)n, err);
}

/* On stdout for scripts, which learn a port that was chosen from it */
static void announce(const tb_server *server)
{
    char status[160];
    for (size_t i = 0; i < tb_server_n_addresses(server); i++) {
        printf("listening on http://%s\n", tb_server_address(server, i));
        tb_log(TB_LOG_INFO, "daemon", "listening on http://%s", tb_server_address(server, i));
    }
    fflush(stdout);
    snprintf(status, sizeof status, "listening on http://%s", tb_server_address(server, 0));
    tb_notify_ready(status);
}

static tb_status serve(const tb_settings *settings, tb_error *err)
{
    tb_status status = TB_OK;
    tb_engine *engine = NULL;
    tb_api *api = NULL;
    tb_server *server = NULL;
    char *models = NULL;
    bool has_pid_file = false;

    if (!settings->data) TB_FAIL(err, TB_INVALID, "say where the data are to lie: --data DIR");
    if (!settings->models) TB_TRY(tb_install_find("models", &models, err));
    const tb_engine_options engine_options = {
        .data_folder = settings->data,
        .models_folder = settings->models ? settings->models : models,
        .n_threads = (size_t)settings->threads,
        .busy_timeout_s = settings->busy_timeout,
        .max_duration_s = settings->max_duration,
        .run_jobs = true,
    };
    TB_TRY(tb_engine_open(&engine_options, &engine, err));
    const tb_api_options api_options = {.max_upload_bytes = settings->max_upload, .max_json_bytes = settings->max_json};
    TB_TRY(tb_api_new(engine, &api_options, &api, err));
    const tb_server_options server_options = {
        .listen = settings->listen,
        .insecure_listen = settings->insecure_listen,
        .n_workers = (size_t)settings->threads,
        .n_network = (size_t)settings->network_threads,
        .queue_limit = (size_t)settings->queue_limit,
        .max_connections = (size_t)settings->max_connections,
        .idle_timeout_s = settings->idle_timeout,
        .upload_timeout_s = settings->upload_timeout,
        .access_log = settings->access_log,
    };
    TB_TRY(tb_server_start(&server_options, api, tb_engine_incoming_folder(engine), &server, err));
    if (settings->pid_file) TB_TRY(write_pid(settings->pid_file, err));
    has_pid_file = settings->pid_file != NULL;
    announce(server);
    while (!stop_is_asked(-1)) continue;
    stop(server, settings->stop_timeout);
out:
    if (has_pid_file) unlink(settings->pid_file);
    tb_server_free(server);
    tb_api_free(api);
    tb_engine_close(engine);
    tb_free(models);
    return status;
}

int main(int argc, char **argv)
{
    tb_status status = TB_OK;
    tb_settings settings = {0};
    tb_error err = {.code = TB_OK};
    bool has_settings = false;
    TB_TRY(tb_settings_read(argc, argv, environ, &settings, &err));
    has_settings = true;
    if (settings.help) {
        tb_settings_print_help(stdout);
        goto out;
    }
    if (settings.version) {
        puts("timbred " PACKAGE_VERSION);
        goto out;
    }
    TB_TRY(tb_address_check(settings.listen, settings.insecure_listen, &err));
    if (settings.check_config) {
        TB_TRY(tb_settings_print(&settings, stdout, &err));
        goto out;
    }
    tb_log_setup(stderr, (tb_log_level)settings.log_level, settings.log_format == 1);
    take_signals();
    allow_many_files();
    TB_TRY(serve(&settings, &err));
    tb_log(TB_LOG_INFO, "daemon", "stopped");
out:
    if (status != TB_OK) fprintf(stderr, "timbred: %s\n", err.message);
    if (has_settings) tb_settings_clear(&settings);
    return exit_code(status);
}
