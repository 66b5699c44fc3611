// SPDX-License-Identifier: MIT
/* What the server counts about its requests, and their text for /metrics (Prometheus exposition format 0.0.4).
 * Shared; counting takes no lock. */
#ifndef TIMBRE_HTTP_TRAFFIC_H
#define TIMBRE_HTTP_TRAFFIC_H

#include "base/buffer.h"
#include "base/status.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* Routes are told apart by the address of their name, which is constant; those past the room count as "other". */
enum { TB_TRAFFIC_ROUTES = 64, TB_TRAFFIC_CLASSES = 5, TB_TRAFFIC_BUCKETS = 12 };

typedef struct tb_route_traffic {
    _Atomic(const char *) route;
    atomic_uint_fast64_t n_status[TB_TRAFFIC_CLASSES]; /* 1xx .. 5xx */
    atomic_uint_fast64_t n_bucket[TB_TRAFFIC_BUCKETS + 1];
    atomic_uint_fast64_t total_us;
} tb_route_traffic;

/* Zeroed memory is a valid start. */
typedef struct tb_traffic {
    tb_route_traffic routes[TB_TRAFFIC_ROUTES];
    atomic_int_fast64_t n_connections, n_in_flight;
    atomic_uint_fast64_t n_rejected, n_received_bytes, n_sent_bytes;
} tb_traffic;

/* One request is over.  route: constant text. */
void tb_traffic_count(tb_traffic *traffic, const char *route, int http_status, double seconds);
/* Appends the lines; n_queued: requests that wait for a thread now. */
tb_status tb_traffic_write(tb_traffic *traffic, size_t n_queued, tb_buffer *text) TB_MUST_CHECK;

#endif
