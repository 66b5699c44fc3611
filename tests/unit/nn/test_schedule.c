// SPDX-License-Identifier: MIT
#include "nn/schedule.h"

#include "support/testing.h"

#include <math.h>

static tb_error err;

static void warm_up_rises_to_the_rate(void **state)
{
    (void)state;
    const tb_schedule schedule = {.kind = TB_SCHEDULE_CONSTANT, .rate = 0.5, .warm_up = 4};
    assert_ok(tb_schedule_check(&schedule, &err));
    assert_near(tb_schedule_rate(&schedule, 0), 0.125, 1e-12);
    assert_near(tb_schedule_rate(&schedule, 3), 0.5, 1e-12);
    assert_near(tb_schedule_rate(&schedule, 4), 0.5, 1e-12);
    assert_near(tb_schedule_rate(&schedule, 1000000), 0.5, 1e-12);
}

static void cosine_falls_to_its_floor(void **state)
{
    (void)state;
    const tb_schedule schedule = {
        .kind = TB_SCHEDULE_COSINE, .rate = 2, .warm_up = 10, .n_steps = 110, .floor = 0.25};
    assert_ok(tb_schedule_check(&schedule, &err));
    assert_near(tb_schedule_rate(&schedule, 10), 2, 1e-12);
    assert_near(tb_schedule_rate(&schedule, 60), 1.25, 1e-12);
    assert_near(tb_schedule_rate(&schedule, 110), 0.5, 1e-12);
    assert_near(tb_schedule_rate(&schedule, UINT64_MAX), 0.5, 1e-12);
    for (uint64_t step = 11; step < 110; step++)
        assert_true(tb_schedule_rate(&schedule, step) < tb_schedule_rate(&schedule, step - 1));
}

static void steps_multiply_by_the_factor(void **state)
{
    (void)state;
    const tb_schedule schedule = {
        .kind = TB_SCHEDULE_STEP, .rate = 1, .warm_up = 2, .every = 5, .factor = 0.5, .floor = 0.2};
    assert_ok(tb_schedule_check(&schedule, &err));
    assert_near(tb_schedule_rate(&schedule, 6), 1, 1e-12);
    assert_near(tb_schedule_rate(&schedule, 7), 0.5, 1e-12);
    assert_near(tb_schedule_rate(&schedule, 12), 0.25, 1e-12);
    assert_near(tb_schedule_rate(&schedule, 17), 0.2, 1e-12);
}

static void fields_out_of_range_are_refused(void **state)
{
    (void)state;
    const tb_schedule bad[] = {
        {.kind = TB_SCHEDULE_CONSTANT, .rate = 0},
        {.kind = TB_SCHEDULE_CONSTANT, .rate = (double)NAN},
        {.kind = TB_SCHEDULE_CONSTANT, .rate = 1, .floor = 2},
        {.kind = TB_SCHEDULE_COSINE, .rate = 1, .warm_up = 5, .n_steps = 5},
        {.kind = TB_SCHEDULE_STEP, .rate = 1, .factor = 0.5},
        {.kind = TB_SCHEDULE_STEP, .rate = 1, .every = 5},
        {.kind = (tb_schedule_kind)9, .rate = 1},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_status(tb_schedule_check(&bad[i], &err), TB_INVALID);
}

static void names_are_read(void **state)
{
    (void)state;
    tb_schedule_kind kind = TB_SCHEDULE_CONSTANT;
    assert_ok(tb_schedule_kind_parse("cosine", &kind, &err));
    assert_int_equal(kind, TB_SCHEDULE_COSINE);
    assert_status(tb_schedule_kind_parse("linear", &kind, &err), TB_INVALID);
    assert_int_equal(kind, TB_SCHEDULE_COSINE);
}

TB_TESTS(schedule, cmocka_unit_test(warm_up_rises_to_the_rate), cmocka_unit_test(cosine_falls_to_its_floor),
         cmocka_unit_test(steps_multiply_by_the_factor), cmocka_unit_test(fields_out_of_range_are_refused),
         cmocka_unit_test(names_are_read))
