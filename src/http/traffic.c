// SPDX-License-Identifier: MIT
/* Counters by route in a table that only grows: a free row is claimed by comparing and swapping its name. */
#include "http/traffic.h"

/* Upper bounds in seconds */
static const double bounds_s[TB_TRAFFIC_BUCKETS] = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                                    0.05,   0.1,   0.5,    2.5,   10,   60};
static const char no_route[] = "none"; /* refused before a route was looked for */
static const char other[] = "other";   /* past the room of the table */

static const double quick_s = 0.0002, slow_s = 0.002, blocked_s = 0.05;
enum { TRUST_LIMIT = 64, TRUST_NEEDED = 32, TRUST_LOST = 8 };

tb_route_traffic *tb_traffic_route(tb_traffic *traffic, const char *route)
{
    if (!route) route = no_route;
    for (size_t i = 0; i + 1 < TB_TRAFFIC_ROUTES; i++) {
        tb_route_traffic *row = &traffic->routes[i];
        const char *name = atomic_load_explicit(&row->route, memory_order_acquire);
        if (name == route) return row;
        if (!name && (atomic_compare_exchange_strong(&row->route, &name, route) || name == route)) return row;
    }
    tb_route_traffic *last = &traffic->routes[TB_TRAFFIC_ROUTES - 1];
    atomic_store(&last->route, other);
    return last;
}

void tb_traffic_count(tb_route_traffic *row, int http_status, double seconds)
{
    int class = http_status / 100 - 1;
    if (class < 0 || class >= TB_TRAFFIC_CLASSES) class = TB_TRAFFIC_CLASSES - 1;
    size_t bucket = 0;
    while (bucket < TB_TRAFFIC_BUCKETS && seconds > bounds_s[bucket]) bucket++;
    atomic_fetch_add_explicit(&row->n_status[class], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&row->n_bucket[bucket], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&row->total_us, (uint_fast64_t)(seconds * 1e6), memory_order_relaxed);
}

void tb_traffic_note_work(tb_route_traffic *route, double cpu_s, double wall_s)
{
    /* Two threads may overwrite each other's step: trust is a guess anyway. */
    int trust = atomic_load_explicit(&route->trust, memory_order_relaxed);
    if (cpu_s > slow_s) trust = 0;
    else if (cpu_s > quick_s || wall_s > blocked_s) trust = trust > TRUST_LOST ? trust - TRUST_LOST : 0;
    else if (trust < TRUST_LIMIT) trust++;
    else return;
    atomic_store_explicit(&route->trust, trust, memory_order_relaxed);
}

bool tb_traffic_is_quick(tb_route_traffic *route)
{
    return atomic_load_explicit(&route->trust, memory_order_relaxed) >= TRUST_NEEDED;
}

static tb_status write_statuses(tb_traffic *traffic, tb_buffer *text)
{
    tb_status status = TB_OK;
    TB_TRY(tb_buffer_append_text(text, "# HELP timbre_http_requests_total Requests answered, by route and class of status.\n"
                                       "# TYPE timbre_http_requests_total counter\n"));
    for (size_t i = 0; i < TB_TRAFFIC_ROUTES; i++) {
        tb_route_traffic *row = &traffic->routes[i];
        const char *name = atomic_load(&row->route);
        for (int class = 0; name && class < TB_TRAFFIC_CLASSES; class++) {
            const unsigned long long n = atomic_load(&row->n_status[class]);
            if (n > 0)
                TB_TRY(tb_buffer_printf(text, "timbre_http_requests_total{route=\"%s\",code=\"%dxx\"} %llu\n", name,
                                        class + 1, n));
        }
    }
out:
    return status;
}

static tb_status write_durations(tb_traffic *traffic, tb_buffer *text)
{
    tb_status status = TB_OK;
    TB_TRY(tb_buffer_append_text(text, "# HELP timbre_http_request_duration_seconds From the head of a request to the end of its answer.\n"
                                       "# TYPE timbre_http_request_duration_seconds histogram\n"));
    for (size_t i = 0; i < TB_TRAFFIC_ROUTES; i++) {
        tb_route_traffic *row = &traffic->routes[i];
        const char *name = atomic_load(&row->route);
        unsigned long long n = 0;
        if (!name) continue;
        for (size_t b = 0; b < TB_TRAFFIC_BUCKETS; b++) {
            n += atomic_load(&row->n_bucket[b]);
            TB_TRY(tb_buffer_printf(text, "timbre_http_request_duration_seconds_bucket{route=\"%s\",le=\"%g\"} %llu\n",
                                    name, bounds_s[b], n));
        }
        n += atomic_load(&row->n_bucket[TB_TRAFFIC_BUCKETS]);
        TB_TRY(tb_buffer_printf(text,
                                "timbre_http_request_duration_seconds_bucket{route=\"%s\",le=\"+Inf\"} %llu\n"
                                "timbre_http_request_duration_seconds_sum{route=\"%s\"} %.6f\n"
                                "timbre_http_request_duration_seconds_count{route=\"%s\"} %llu\n",
                                name, n, name, (double)atomic_load(&row->total_us) / 1e6, name, n));
    }
out:
    return status;
}

static tb_status write_value(tb_buffer *text, const char *name, const char *type, const char *help, long long value)
{
    return tb_buffer_printf(text, "# HELP %s %s\n# TYPE %s %s\n%s %lld\n", name, help, name, type, name, value);
}

tb_status tb_traffic_write(tb_traffic *traffic, size_t n_queued, tb_buffer *text)
{
    tb_status status = TB_OK;
    TB_TRY(write_statuses(traffic, text));
    TB_TRY(write_durations(traffic, text));
    TB_TRY(write_value(text, "timbre_http_connections", "gauge", "Open connections.",
                       (long long)atomic_load(&traffic->n_connections)));
    TB_TRY(write_value(text, "timbre_http_requests_in_flight", "gauge", "Requests that have begun and not ended.",
                       (long long)atomic_load(&traffic->n_in_flight)));
    TB_TRY(write_value(text, "timbre_http_requests_queued", "gauge", "Requests that wait for a thread.",
                       (long long)n_queued));
    TB_TRY(write_value(text, "timbre_http_requests_rejected_total", "counter",
                       "Requests answered with 503 because the queue was full.",
                       (long long)atomic_load(&traffic->n_rejected)));
    TB_TRY(write_value(text, "timbre_http_received_bytes_total", "counter", "Bytes of bodies received.",
                       (long long)atomic_load(&traffic->n_received_bytes)));
    TB_TRY(write_value(text, "timbre_http_sent_bytes_total", "counter", "Bytes of bodies sent, as announced.",
                       (long long)atomic_load(&traffic->n_sent_bytes)));
out:
    return status;
}
