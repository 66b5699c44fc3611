// SPDX-License-Identifier: MIT
/* Life of the server: sockets, network threads, pools, the watch over slow connections, and the end of it all.
 *
 * The network library closes connections on which nothing moves.  A sender that drips a byte now and then would
 * live for ever: so each connection carries a deadline for its next request's head and for its body, and the
 * watch thread shuts down the sockets that are past it. */
#include "http/server_internal.h"

#include "base/alloc.h"
#include "base/log.h"

#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { WATCH_PERIOD_MS = 1000, CONNECTION_MEMORY = 32 * 1024 };

/* --- connections ------------------------------------------------------------------------------------------------ */

static void note_connection(void *cls, struct MHD_Connection *connection, void **socket_context,
                            enum MHD_ConnectionNotificationCode code)
{
    tb_server *server = cls;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        tb__link *link = tb_alloc(1, sizeof *link);
        *socket_context = link;
        if (!link) return; /* the connection goes without a watch */
        link->fd = info ? info->connect_fd : -1;
        const int64_t patience_ns = (int64_t)(server->options.idle_timeout_s * 2e9);
        atomic_store(&link->deadline_ns, server->clock->mono_ns(server->clock) + patience_ns);
        pthread_mutex_lock(&server->lock);
        link->next = server->links;
        if (link->next) link->next->previous = link;
        server->links = link;
        pthread_mutex_unlock(&server->lock);
        atomic_fetch_add(&server->traffic.n_connections, 1);
        return;
    }
    tb__link *link = *socket_context;
    if (!link) return;
    pthread_mutex_lock(&server->lock);
    if (link->previous) link->previous->next = link->next;
    else server->links = link->next;
    if (link->next) link->next->previous = link->previous;
    pthread_mutex_unlock(&server->lock);
    atomic_fetch_sub(&server->traffic.n_connections, 1);
    tb_free(link);
    *socket_context = NULL;
}

static struct timespec monotonic_in(double seconds)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    const double whole = (double)(int64_t)seconds;
    at.tv_sec += (time_t)whole;
    at.tv_nsec += (long)((seconds - whole) * 1e9);
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

static void *watch_connections(void *context)
{
    tb_server *server = context;
    pthread_mutex_lock(&server->lock);
    while (!server->watch_ends) {
        const int64_t now_ns = server->clock->mono_ns(server->clock);
        for (tb__link *link = server->links; link; link = link->next) {
            const int64_t deadline_ns = atomic_load(&link->deadline_ns);
            if (deadline_ns == 0 || now_ns < deadline_ns) continue;
            atomic_store(&link->deadline_ns, 0);
            shutdown(link->fd, SHUT_RDWR); /* the network thread sees the end and closes it */
            tb_log(TB_LOG_DEBUG, "http", "a connection was too slow and is closed");
        }
        const struct timespec until = monotonic_in(WATCH_PERIOD_MS / 1e3);
        pthread_cond_timedwait(&server->wake, &server->lock, &until);
    }
    pthread_mutex_unlock(&server->lock);
    return NULL;
}

/* --- start ------------------------------------------------------------------------------------------------------ */

static void log_network(void *cls, const char *format, va_list args) TB_PRINTF(2, 0);
static void log_network(void *cls, const char *format, va_list args)
{
    char text[256];
    (void)cls;
    if (!tb_log_enabled(TB_LOG_DEBUG)) return;
    vsnprintf(text, sizeof text, format, args);
    const size_t size = strcspn(text, "\n");
    text[size] = '\0';
    tb_log(TB_LOG_DEBUG, "http", "%s", text);
}

/* The path and query string are decoded by tb_request_set_target: leave the library's copy as it is. */
static size_t keep_escapes(void *cls, struct MHD_Connection *connection, char *text)
{
    (void)cls;
    (void)connection;
    return strlen(text);
}

static tb_status write_metrics(void *context, tb_buffer *text)
{
    tb_server *server = context;
    return tb_traffic_write(&server->traffic, tb_pool_queued(server->heavy) + tb_pool_queued(server->quick), text);
}

static void fill_defaults(tb_server_options *options)
{
    const long n = sysconf(_SC_NPROCESSORS_ONLN);
    const size_t n_processors = n < 2 ? 2 : (size_t)n;
    options->listen = NULL;
    if (options->n_workers == 0) options->n_workers = n_processors;
    if (options->n_network == 0) options->n_network = n_processors < 4 ? 2 : n_processors > 32 ? 16 : n_processors / 2;
    if (options->queue_limit == 0) options->queue_limit = 256;
    if (options->max_connections == 0) options->max_connections = 1000;
    if (options->idle_timeout_s <= 0) options->idle_timeout_s = 30;
    if (options->upload_timeout_s <= 0) options->upload_timeout_s = 60;
}

static tb_status start_daemon(tb_server *server, size_t i, tb_error *err)
{
    const tb_server_options *options = &server->options;
    const unsigned timeout_s = options->idle_timeout_s < 1 ? 1u : (unsigned)(options->idle_timeout_s + 0.5);
    server->daemons[i] = MHD_start_daemon(
        MHD_USE_AUTO_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL,
        tb__exchange_handle, server,
        MHD_OPTION_EXTERNAL_LOGGER, log_network, NULL,
        MHD_OPTION_LISTEN_SOCKET, server->listeners[i].fd,
        MHD_OPTION_THREAD_POOL_SIZE, (unsigned)options->n_network,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)options->max_connections,
        MHD_OPTION_CONNECTION_TIMEOUT, timeout_s,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
        MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL,
        MHD_OPTION_URI_LOG_CALLBACK, tb__exchange_begin, server,
        MHD_OPTION_NOTIFY_COMPLETED, tb__exchange_end, server,
        MHD_OPTION_NOTIFY_CONNECTION, note_connection, server,
        MHD_OPTION_END);
    if (server->daemons[i]) return TB_OK;
    return tb_error_errno(err, errno, "cannot serve %s", server->listeners[i].address);
}

static tb_status open_listeners(tb_server *server, const char *list, tb_error *err)
{
    tb_status status = TB_OK;
    char *parts[TB_ADDRESS_LIMIT] = {NULL};
    size_t n = 0;
    TB_TRY(tb_address_split(list, parts, &n, err));
    for (size_t i = 0; i < n; i++) {
        TB_TRY(tb_listener_open(parts[i], server->options.insecure_listen, &server->listeners[i], err));
        server->n_listeners = i + 1;
    }
out:
    for (size_t i = 0; i < TB_ADDRESS_LIMIT; i++) tb_free(parts[i]);
    return status;
}

static tb_status start_watch(tb_server *server, tb_error *err)
{
    const int failure = pthread_create(&server->watch, NULL, watch_connections, server);
    if (failure != 0) return tb_error_errno(err, failure, "cannot start a thread");
    server->watch_runs = true;
    return TB_OK;
}

tb_status tb_server_start(const tb_server_options *options, tb_api *api, const char *incoming, tb_server **server,
                          tb_error *err)
{
    tb_status status = TB_OK;
    pthread_condattr_t attributes;
    tb_server *made = tb_alloc(1, sizeof *made);
    if (!made) TB_FAIL(err, TB_NO_MEMORY, "no memory for the server");
    made->options = *options;
    fill_defaults(&made->options);
    made->api = api;
    made->incoming = incoming;
    made->clock = tb_clock_system();
    for (size_t i = 0; i < TB_ADDRESS_LIMIT; i++) made->listeners[i].fd = -1;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&made->lock, NULL);
    pthread_cond_init(&made->drained, &attributes);
    pthread_cond_init(&made->wake, &attributes);
    pthread_condattr_destroy(&attributes);

    if (getentropy(&made->id_seed, sizeof made->id_seed) != 0) {
        status = tb_error_errno(err, errno, "no random numbers");
        goto out;
    }
    TB_TRY(open_listeners(made, options->listen, err));
    TB_TRY(tb_pool_new("tb-upload", made->options.n_workers, made->options.queue_limit, &made->heavy, err));
    TB_TRY(tb_pool_new("tb-quick", made->options.n_workers, made->options.queue_limit, &made->quick, err));
    TB_TRY(start_watch(made, err));
    tb_api_set_metrics(api, write_metrics, made);
    for (size_t i = 0; i < made->n_listeners; i++) TB_TRY(start_daemon(made, i, err));
    *server = made;
    made = NULL;
out:
    tb_server_free(made);
    return status;
}

size_t tb_server_n_addresses(const tb_server *server)
{
    return server->n_listeners;
}

const char *tb_server_address(const tb_server *server, size_t i)
{
    return server->listeners[i].address;
}

/* --- end -------------------------------------------------------------------------------------------------------- */

void tb_server_quiesce(tb_server *server)
{
    if (atomic_exchange(&server->stopping, true)) return;
    for (size_t i = 0; i < server->n_listeners; i++) {
        if (!server->daemons[i]) continue;
        MHD_quiesce_daemon(server->daemons[i]);
        /* refused from now on, and not left waiting; closed only when no thread can still hold the number */
        shutdown(server->listeners[i].fd, SHUT_RDWR);
    }
}

bool tb_server_drain(tb_server *server, double timeout_s)
{
    const struct timespec until = monotonic_in(timeout_s < 0 ? 0 : timeout_s > 1e6 ? 1e6 : timeout_s);
    bool empty = false;
    pthread_mutex_lock(&server->lock);
    for (;;) {
        empty = atomic_load(&server->traffic.n_in_flight) == 0;
        if (empty || pthread_cond_timedwait(&server->drained, &server->lock, &until) != 0) break;
    }
    pthread_mutex_unlock(&server->lock);
    return empty;
}

void tb_server_cancel(tb_server *server)
{
    atomic_store(&server->cancelled, true);
}

void tb_server_free(tb_server *server)
{
    if (!server) return;
    tb_server_quiesce(server);
    atomic_store(&server->closing, true);
    while (atomic_load(&server->n_offering) > 0) sched_yield();
    tb_pool_free(server->heavy); /* every suspended connection is resumed after these */
    tb_pool_free(server->quick);
    for (size_t i = 0; i < server->n_listeners; i++)
        if (server->daemons[i]) MHD_stop_daemon(server->daemons[i]);
    for (size_t i = 0; i < TB_ADDRESS_LIMIT; i++) tb_listener_close(&server->listeners[i]);
    if (server->watch_runs) {
        pthread_mutex_lock(&server->lock);
        server->watch_ends = true;
        pthread_cond_signal(&server->wake);
        pthread_mutex_unlock(&server->lock);
        pthread_join(server->watch, NULL);
    }
    if (server->api) tb_api_set_metrics(server->api, NULL, NULL);
    pthread_cond_destroy(&server->wake);
    pthread_cond_destroy(&server->drained);
    pthread_mutex_destroy(&server->lock);
    tb_free(server);
}
