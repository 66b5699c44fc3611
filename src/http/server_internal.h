// SPDX-License-Identifier: MIT
/* What the server (its life, its threads) and the exchange (one request) share.
 *
 * Locks: `lock` guards the list of connections and goes with both conditions; nothing else is locked under it. */
#ifndef TIMBRE_HTTP_SERVER_INTERNAL_H
#define TIMBRE_HTTP_SERVER_INTERNAL_H

#include "base/clock.h"
#include "base/pool.h"
#include "http/address.h"
#include "http/server.h"
#include "http/traffic.h"

#include <microhttpd.h>
#include <pthread.h>

/* An open connection, kept by the network library as its socket context. */
typedef struct tb__link {
    struct tb__link *previous, *next;
    int fd; /* borrowed from the network library, open while the link is in the list */
    _Atomic int64_t deadline_ns; /* shut down when this is past; 0 = no deadline of ours */
} tb__link;

struct tb_server {
    tb_server_options options; /* defaults filled in; `listen` is not kept */
    tb_api *api;
    const char *incoming;
    const tb_clock *clock;
    tb_listener listeners[TB_ADDRESS_LIMIT];
    struct MHD_Daemon *daemons[TB_ADDRESS_LIMIT];
    size_t n_listeners;
    tb_pool *heavy; /* uploads */
    tb_pool *quick; /* everything else */
    tb_traffic traffic;
    atomic_bool stopping, cancelled;
    atomic_bool closing;    /* the pools take nothing more */
    atomic_int n_offering;  /* network threads that offer work to a pool at this moment */
    uint64_t id_seed;
    atomic_uint_fast64_t n_ids;
    pthread_mutex_t lock;
    pthread_cond_t drained; /* n_in_flight became 0 while stopping */
    pthread_cond_t wake;    /* for the watch thread */
    tb__link *links;
    pthread_t watch;
    bool watch_runs, watch_ends;
};

/* Life of a request, as the callbacks of the network library.  cls: the tb_server. */
void *tb__exchange_begin(void *cls, const char *target, struct MHD_Connection *connection);
enum MHD_Result tb__exchange_handle(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
                                    const char *version, const char *bytes, size_t *size, void **context);
void tb__exchange_end(void *cls, struct MHD_Connection *connection, void **context,
                      enum MHD_RequestTerminationCode why);

#endif
