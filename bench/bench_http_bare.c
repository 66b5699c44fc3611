// SPDX-License-Identifier: MIT
/* The other side of the HTTP benchmark: libmicrohttpd answering a constant, and nothing else.
 *
 *     bench-http-bare [THREADS [BYTES]]
 *
 * Prints "listening on http://127.0.0.1:PORT" and serves until it is killed.  BYTES: size of the answer. */
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char body[1 << 20] = "{\"results\":[]}";
static size_t body_size = 14;

static enum MHD_Result answer(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *bytes, size_t *size, void **context)
{
    static int seen;
    (void)cls;
    (void)url;
    (void)method;
    (void)version;
    (void)bytes;
    if (!*context || *size > 0) {
        *context = &seen;
        *size = 0;
        return MHD_YES;
    }
    struct MHD_Response *response = MHD_create_response_from_buffer(body_size, body, MHD_RESPMEM_PERSISTENT);
    if (!response) return MHD_NO;
    MHD_add_response_header(response, "Content-Type", "application/json");
    const enum MHD_Result queued = MHD_queue_response(connection, MHD_HTTP_OK, response);
    MHD_destroy_response(response);
    return queued;
}

int main(int argc, char **argv)
{
    const long n_threads = argc > 1 ? strtol(argv[1], NULL, 10) : 2, size = argc > 2 ? strtol(argv[2], NULL, 10) : 0;
    if (size > (long)body_size && size <= (long)sizeof body) {
        memset(body + body_size, ' ', (size_t)size - body_size);
        body_size = (size_t)size;
    }
    struct MHD_Daemon *daemon = MHD_start_daemon(MHD_USE_AUTO_INTERNAL_THREAD, 0, NULL, NULL, answer, NULL,
                                                 MHD_OPTION_THREAD_POOL_SIZE, (unsigned)n_threads, MHD_OPTION_END);
    const union MHD_DaemonInfo *info = daemon ? MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT) : NULL;
    if (!info) {
        fprintf(stderr, "bench-http-bare: cannot start\n");
        return 1;
    }
    printf("listening on http://127.0.0.1:%u\n", info->port);
    fflush(stdout);
    for (;;) pause();
}
