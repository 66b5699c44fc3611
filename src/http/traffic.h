// SPDX-License-Identifier: MIT
/* What the server counts about its requests, and their text for /metrics (Prometheus exposition format 0.0.4).
 *
 * It also knows which routes are quick enough to be answered on the network thread: those of which nearly every
 * recent call took less than a fifth of a millisecond of processor time.  A single call of more than 2 ms takes that
 * away.  Wall-clock time counts little: on a busy machine it says more about others.
 * Shared; counting takes no lock. */
#ifndef TIMBRE_HTTP_TRAFFIC_H
#define TIMBRE_HTTP_TRAFFIC_H

#include "base/buffer.h"
#include "base/status.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Routes are told apart by the address of their name, which is constant; those past the room count as "other". */
enum { TB_TRAFFIC_ROUTES = 64, TB_TRAFFIC_CLASSES = 5, TB_TRAFFIC_BUCKETS = 12 };

typedef struct tb_route_traffic {
    _Atomic(const char *) route;
    atomic_uint_fast64_t n_status[TB_TRAFFIC_CLASSES]; /* 1xx .. 5xx */
    atomic_uint_fast64_t n_bucket[TB_TRAFFIC_BUCKETS + 1];
    atomic_uint_fast64_t total_us;
    atomic_int trust; /* rises by 1 with each quick call, up to a limit; falls with slow ones */
} tb_route_traffic;

/* Zeroed memory is a valid start. */
typedef struct tb_traffic {
    tb_route_traffic routes[TB_TRAFFIC_ROUTES];
    atomic_int_fast64_t n_connections, n_in_flight;
    atomic_uint_fast64_t n_rejected, n_received_bytes, n_sent_bytes;
} tb_traffic;

/* The row of a route (constant text; NULL for requests that never had one).  Never NULL; borrowed from traffic. */
tb_route_traffic *tb_traffic_route(tb_traffic *traffic, const char *route);
/* One request is over. */
void tb_traffic_count(tb_route_traffic *route, int http_status, double seconds);
/* How long the work alone took: processor time of the thread, and by the clock. */
void tb_traffic_note_work(tb_route_traffic *route, double cpu_s, double wall_s);
bool tb_traffic_is_quick(tb_route_traffic *route);
/* Appends the lines; n_queued: requests that wait for a thread now. */
tb_status tb_traffic_write(tb_traffic *traffic, size_t n_queued, tb_buffer *text) TB_MUST_CHECK;

#endif
