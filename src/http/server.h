// SPDX-License-Identifier: MIT
/* The HTTP server: sockets, libmicrohttpd, bodies and threads around a tb_api.
 *
 * Network threads move bytes and never compute: a request whose body has come is handed to a bounded pool while
 * its connection is suspended, and is answered when the work is done.  There are two pools, so that a search
 * never waits behind an upload that is being analysed.  Past the bound the answer is 503 with Retry-After.
 * Requests that the API calls light are answered on the network thread, and so are reads whose like took less
 * than a fifth of a millisecond of processor time lately.
 *
 * Refused before the body is read: unknown paths, wrong methods, bodies whose Content-Length is past the limit.
 * Uploads are written to files in the engine's incoming folder as they arrive.
 *
 * Threads: a tb_server is shared; start and free are called by one thread. */
#ifndef TIMBRE_HTTP_SERVER_H
#define TIMBRE_HTTP_SERVER_H

#include "api/api.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct tb_server tb_server;

typedef struct tb_server_options {
    const char *listen;        /* "127.0.0.1:8080", "[::1]:0", "localhost:8080", several with commas; port 0 = free one */
    bool insecure_listen;      /* addresses beyond loopback are allowed although nobody has to log in */
    size_t n_workers;          /* threads that compute; 0 = one per processor, at least 2 */
    size_t n_network;          /* threads that move bytes, per address; 0 = one per two processors, 2 to 16 */
    size_t queue_limit;        /* requests that may wait for a thread; 0 = 256 */
    size_t max_connections;    /* per address; 0 = 1000 */
    double idle_timeout_s;     /* a connection on which nothing moves is closed; 0 = 30 */
    double upload_timeout_s;   /* a body may take this long plus one second per 8 KiB that came; 0 = 60 */
    bool access_log;           /* every request at level info; else good ones at level debug */
} tb_server_options;

/* Binds, starts the threads and answers requests from now on.  options: read during the call; api and incoming
 * (folder for uploads under way): outlive the server.
 * TB_INVALID: an address that is not one, or one beyond loopback without insecure_listen; TB_EXISTS: the port is
 * taken; TB_FORBIDDEN: the port needs more rights. */
tb_status tb_server_start(const tb_server_options *options, tb_api *api, const char *incoming, tb_server **server,
                          tb_error *err) TB_MUST_CHECK;

/* Addresses that are really bound, with the port chosen: "127.0.0.1:41234".  Borrowed until free. */
size_t tb_server_n_addresses(const tb_server *server);
const char *tb_server_address(const tb_server *server, size_t i);

/* No new connections; requests on open connections get 503 and a close. */
void tb_server_quiesce(tb_server *server);
/* Waits until no request is under way; false when timeout_s is over first. */
bool tb_server_drain(tb_server *server, double timeout_s);
/* Asks everything that runs to give up (tb_request.cancelled answers true). */
void tb_server_cancel(tb_server *server);
/* Quiesces, waits for what runs (cancel first to be quick), closes all connections and frees.  Accepts NULL. */
void tb_server_free(tb_server *server);

#endif
