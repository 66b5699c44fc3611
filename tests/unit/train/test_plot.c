// SPDX-License-Identifier: MIT
#include "support/testing.h"

#include "train/plot.h"

#include <math.h>
#include <string.h>

static size_t count(const char *text, const char *part)
{
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, part)) != NULL; at += strlen(part)) n++;
    return n;
}

static void curves_become_paths_in_the_picture(void **state)
{
    (void)state;
    tb_buffer out;
    const double x[] = {0, 1, 2, 3}, up[] = {0, 1, 2, 3}, down[] = {3, 2, 1, 0};
    const tb_plot_panel panels[] = {
        {.title = "first", .lines = {{"up", x, up, 4}, {"down", x, down, 4}}, .n_lines = 2},
        {.title = "second", .low = 0, .high = 10, .lines = {{"up", x, up, 4}}, .n_lines = 1},
    };
    tb_buffer_init(&out, 1 << 20);
    assert_int_equal(tb_plot_draw("title", "steps", panels, 2, &out), TB_OK);
    assert_int_equal(count(out.bytes, "<path fill=\"none\""), 3);
    assert_int_equal(count(out.bytes, "<svg"), 1);
    assert_int_equal(count(out.bytes, "</svg>"), 1);
    assert_non_null(strstr(out.bytes, "M60.0 256.0L236.7 193.3L413.3 130.7L590.0 68.0")); /* from corner to corner */
    assert_non_null(strstr(out.bytes, ">down</text>"));
    tb_buffer_clear(&out);
}

static void numbers_that_are_not_finite_and_empty_lines_are_left_out(void **state)
{
    (void)state;
    tb_buffer out;
    const double x[] = {0, 1, 2, NAN}, y[] = {1, NAN, INFINITY, 1}, same[] = {5, 5, 5, 5};
    const tb_plot_panel panels[] = {
        {.title = "<a & b>", .lines = {{"some", x, y, 4}, {"none", x, y, 0}}, .n_lines = 2},
        {.title = "flat", .lines = {{"flat", x, same, 4}}, .n_lines = 1},
        {.title = "empty", .n_lines = 0},
    };
    tb_buffer_init(&out, 1 << 20);
    assert_int_equal(tb_plot_draw("t", "x", panels, 3, &out), TB_OK);
    assert_null(strstr(out.bytes, "nan"));
    assert_null(strstr(out.bytes, "inf"));
    assert_non_null(strstr(out.bytes, "&lt;a &amp; b&gt;"));
    tb_buffer_clear(&out);
}

static void a_picture_that_is_too_large_is_told(void **state)
{
    (void)state;
    tb_buffer out;
    const tb_plot_panel panel = {.title = "first"};
    tb_buffer_init(&out, 200);
    assert_int_equal(tb_plot_draw("title", "steps", &panel, 1, &out), TB_TOO_LARGE);
    tb_buffer_clear(&out);
}

TB_TESTS(plot, cmocka_unit_test(curves_become_paths_in_the_picture),
         cmocka_unit_test(numbers_that_are_not_finite_and_empty_lines_are_left_out), cmocka_unit_test(a_picture_that_is_too_large_is_told))
