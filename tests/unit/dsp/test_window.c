// SPDX-License-Identifier: MIT
#include "support/testing.h"

#include "dsp/window.h"
#include "unit/dsp/dsp_golden.h"

#include <stdio.h>

static void windows_are_those_of_scipy(void **state)
{
    (void)state;
    static const char *const names[] = {"hann", "hamming", "blackman", "rectangular"};
    static const size_t sizes[] = {7, 64};
    for (size_t kind = 0; kind < 4; kind++)
        for (size_t s = 0; s < 2; s++) {
            float ours[64];
            char name[32];
            snprintf(name, sizeof name, "%s_%zu", names[kind], sizes[s]);
            golden reference = read_golden("windows", name);
            comparison c = begin_comparison(&reference, 1e-6);
            tb_window_fill((tb_window)kind, sizes[s], ours);
            compare_row(&c, ours);
            end_comparison(&c, 0);
            free_golden(&reference);
        }
}

static void one_sample_is_left_as_it_is(void **state)
{
    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        float value = 0.0f;
        tb_window_fill((tb_window)kind, 1, &value);
        assert_near(value, 1.0, 0.0);
    }
}

static void no_value_lies_outside_0_to_1(void **state)
{
    (void)state;
    float values[1000];
    for (int kind = 0; kind < 4; kind++)
        for (size_t n = 1; n <= 1000; n += 37) {
            tb_window_fill((tb_window)kind, n, values);
            for (size_t i = 0; i < n; i++) assert_true(values[i] >= 0.0f && values[i] <= 1.0f);
        }
}

TB_TESTS(window, cmocka_unit_test(windows_are_those_of_scipy), cmocka_unit_test(one_sample_is_left_as_it_is),
         cmocka_unit_test(no_value_lies_outside_0_to_1))
