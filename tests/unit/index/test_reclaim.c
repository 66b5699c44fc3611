// SPDX-License-Identifier: MIT
#include "index/reclaim.h"

#include "base/alloc.h"
#include "support/testing.h"

#include <stdbool.h>

typedef struct object {
    tb__retired retired;
    bool freed;
} object;

static void note(tb__retired *retired)
{
    ((object *)retired)->freed = true;
}

static void retired_objects_wait_for_those_who_came_before(void **state)
{
    (void)state;
    tb__reclaim *reclaim = tb__reclaim_new();
    assert_non_null(reclaim);
    object first = {.retired.free = note}, second = {.retired.free = note};
    const size_t early = tb__reclaim_enter(reclaim);
    tb__reclaim_retire(reclaim, &first.retired);
    const size_t late = tb__reclaim_enter(reclaim);
    tb__reclaim_retire(reclaim, &second.retired);
    tb__reclaim_collect(reclaim);
    assert_false(first.freed);
    assert_false(second.freed);
    tb__reclaim_leave(reclaim, early);
    tb__reclaim_collect(reclaim);
    assert_true(first.freed); /* the late one could not reach it any more */
    assert_false(second.freed);
    tb__reclaim_leave(reclaim, late);
    tb__reclaim_collect(reclaim);
    assert_true(second.freed);
    tb__reclaim_free(reclaim);
}

static void nobody_keeps_what_nobody_reads(void **state)
{
    (void)state;
    tb__reclaim *reclaim = tb__reclaim_new();
    assert_non_null(reclaim);
    object first = {.retired.free = note}, second = {.retired.free = note};
    tb__reclaim_leave(reclaim, tb__reclaim_enter(reclaim));
    tb__reclaim_retire(reclaim, &first.retired);
    tb__reclaim_collect(reclaim);
    assert_true(first.freed);
    tb__reclaim_retire(reclaim, &second.retired);
    assert_false(second.freed);
    tb__reclaim_free(reclaim);
    assert_true(second.freed);
}

static void every_reader_has_a_slot_of_its_own(void **state)
{
    (void)state;
    tb__reclaim *reclaim = tb__reclaim_new();
    assert_non_null(reclaim);
    bool taken[TB__RECLAIM_READERS] = {false};
    for (size_t i = 0; i < TB__RECLAIM_READERS; i++) {
        const size_t slot = tb__reclaim_enter(reclaim);
        assert_true(slot < TB__RECLAIM_READERS);
        assert_false(taken[slot]);
        taken[slot] = true;
    }
    object last = {.retired.free = note};
    tb__reclaim_retire(reclaim, &last.retired);
    for (size_t slot = 0; slot < TB__RECLAIM_READERS; slot++) {
        tb__reclaim_collect(reclaim);
        assert_false(last.freed);
        tb__reclaim_leave(reclaim, slot);
    }
    tb__reclaim_collect(reclaim);
    assert_true(last.freed);
    tb__reclaim_free(reclaim);
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    for (size_t n = 1; n <= 3; n++) {
        tb_alloc_fail_after(n);
        tb__reclaim *reclaim = tb__reclaim_new();
        tb_alloc_fail_after(0);
        assert_int_equal(reclaim != NULL, n == 3);
        tb__reclaim_free(reclaim);
    }
}

TB_TESTS(reclaim,
    cmocka_unit_test(retired_objects_wait_for_those_who_came_before),
    cmocka_unit_test(nobody_keeps_what_nobody_reads),
    cmocka_unit_test(every_reader_has_a_slot_of_its_own),
    cmocka_unit_test(each_allocation_may_fail))
