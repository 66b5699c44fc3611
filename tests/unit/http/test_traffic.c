// SPDX-License-Identifier: MIT
#include "support/testing.h"

#include "http/traffic.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static const char similar[] = "/v1/tracks/{id}/similar", search[] = "/v1/search";

static char *text_of(tb_traffic *traffic)
{
    tb_buffer text;
    tb_buffer_init(&text, 1 << 20);
    assert_int_equal(tb_traffic_write(traffic, 7, &text), TB_OK);
    return tb_buffer_take(&text);
}

static void requests_are_counted_by_route_and_class(void **state)
{
    static tb_traffic traffic;
    (void)state;
    tb_traffic_count(tb_traffic_route(&traffic, similar), 200, 0.0004);
    tb_traffic_count(tb_traffic_route(&traffic, similar), 200, 0.003);
    tb_traffic_count(tb_traffic_route(&traffic, similar), 404, 100);
    tb_traffic_count(tb_traffic_route(&traffic, NULL), 431, 0);
    char *text = text_of(&traffic);
    assert_non_null(strstr(text, "timbre_http_requests_total{route=\"/v1/tracks/{id}/similar\",code=\"2xx\"} 2\n"));
    assert_non_null(strstr(text, "timbre_http_requests_total{route=\"/v1/tracks/{id}/similar\",code=\"4xx\"} 1\n"));
    assert_non_null(strstr(text, "timbre_http_requests_total{route=\"none\",code=\"4xx\"} 1\n"));
    assert_non_null(strstr(text, "_bucket{route=\"/v1/tracks/{id}/similar\",le=\"0.0005\"} 1\n"));
    assert_non_null(strstr(text, "_bucket{route=\"/v1/tracks/{id}/similar\",le=\"0.005\"} 2\n"));
    assert_non_null(strstr(text, "_bucket{route=\"/v1/tracks/{id}/similar\",le=\"+Inf\"} 3\n"));
    assert_non_null(strstr(text, "_count{route=\"/v1/tracks/{id}/similar\"} 3\n"));
    assert_non_null(strstr(text, "timbre_http_requests_queued 7\n"));
    free(text);
}

static void routes_past_the_room_are_counted_together(void **state)
{
    static tb_traffic traffic;
    static char names[100][8];
    (void)state;
    for (int i = 0; i < 100; i++) {
        names[i][0] = '/';
        names[i][1] = (char)('a' + i / 10);
        names[i][2] = (char)('a' + i % 10);
        tb_traffic_count(tb_traffic_route(&traffic, names[i]), 200, 0);
    }
    char *text = text_of(&traffic);
    assert_non_null(strstr(text, "timbre_http_requests_total{route=\"other\",code=\"2xx\"} 37\n"));
    free(text);
}

static void a_route_is_quick_after_many_quick_calls_and_until_one_slow_one(void **state)
{
    static tb_traffic traffic;
    tb_route_traffic *route = tb_traffic_route(&traffic, similar);
    (void)state;
    assert_false(tb_traffic_is_quick(route));
    for (int i = 0; i < 31; i++) tb_traffic_note_work(route, 0.0001, 0.001);
    assert_false(tb_traffic_is_quick(route));
    for (int i = 0; i < 100; i++) tb_traffic_note_work(route, 0.0001, 0.001);
    assert_true(tb_traffic_is_quick(route));
    assert_false(tb_traffic_is_quick(tb_traffic_route(&traffic, search)));
    tb_traffic_note_work(route, 0.0005, 0.001); /* now and then the machine is busy */
    assert_true(tb_traffic_is_quick(route));
    for (int i = 0; i < 5; i++) tb_traffic_note_work(route, 0.0005, 0.001);
    assert_false(tb_traffic_is_quick(route));
    for (int i = 0; i < 100; i++) tb_traffic_note_work(route, 0.0001, 0.001);
    tb_traffic_note_work(route, 0.003, 0.003);
    assert_false(tb_traffic_is_quick(route));
    for (int i = 0; i < 100; i++) tb_traffic_note_work(route, 0.0001, 0.001);
    for (int i = 0; i < 5; i++) tb_traffic_note_work(route, 0.0001, 0.1); /* it waits for something */
    assert_false(tb_traffic_is_quick(route));
}

static void *count_many(void *context)
{
    for (int i = 0; i < 10000; i++) tb_traffic_count(tb_traffic_route(context, i % 2 ? similar : search), 200, 0.001);
    return NULL;
}

static void no_count_is_lost_between_threads(void **state)
{
    static tb_traffic traffic;
    pthread_t threads[4];
    (void)state;
    for (int i = 0; i < 4; i++) assert_int_equal(pthread_create(&threads[i], NULL, count_many, &traffic), 0);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    char *text = text_of(&traffic);
    assert_non_null(strstr(text, "timbre_http_requests_total{route=\"/v1/tracks/{id}/similar\",code=\"2xx\"} 20000\n"));
    assert_non_null(strstr(text, "timbre_http_requests_total{route=\"/v1/search\",code=\"2xx\"} 20000\n"));
    free(text);
}

static void a_full_buffer_is_said(void **state)
{
    static tb_traffic traffic;
    tb_buffer text;
    (void)state;
    tb_traffic_count(tb_traffic_route(&traffic, similar), 200, 0);
    tb_buffer_init(&text, 300);
    assert_status(tb_traffic_write(&traffic, 0, &text), TB_TOO_LARGE);
    tb_buffer_clear(&text);
}

TB_TESTS(traffic, cmocka_unit_test(requests_are_counted_by_route_and_class),
         cmocka_unit_test(routes_past_the_room_are_counted_together), cmocka_unit_test(no_count_is_lost_between_threads),
         cmocka_unit_test(a_full_buffer_is_said),
         cmocka_unit_test(a_route_is_quick_after_many_quick_calls_and_until_one_slow_one))
