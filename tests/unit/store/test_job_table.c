// SPDX-License-Identifier: MIT
/* Jobs and API keys. */
#include "store_support.h"

#include "base/alloc.h"

#include <stdio.h>
#include <string.h>

static int64_t add_job(tb_store *store, const char *kind)
{
    tb_error err = {0};
    int64_t id = 0;
    assert_ok(tb_store_add_job(store, kind, "{\"library\": \"main\"}", &id, &err));
    return id;
}

static tb_job_row_state state_of(tb_store *store, int64_t id)
{
    tb_error err = {0};
    tb_job_row job;
    assert_ok(tb_store_get_job(store, id, &job, &err));
    const tb_job_row_state found = job.state;
    tb_job_row_clear(&job);
    return found;
}

static void job_lives_its_life(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_clock clock;
    tb_clock_init_manual(&clock, 1000);
    tb_store_options options = test_options(tb_test_folder());
    options.clock = &clock;
    tb_store *store = NULL;
    assert_ok(tb_store_open(&options, &store, &err));
    const int64_t id = add_job(store, "scan");
    tb_job_row job;
    assert_ok(tb_store_get_job(store, id, &job, &err));
    assert_string_equal(job.kind, "scan");
    assert_string_equal(job.params, "{\"library\": \"main\"}");
    assert_int_equal(job.state, TB_JOB_ROW_QUEUED);
    assert_int_equal(job.created_ms, 1000);
    assert_int_equal(job.started_ms + job.ended_ms + job.done + job.total + job.failed, 0);
    assert_null(job.message);
    assert_null(job.result);
    tb_job_row_clear(&job);
    tb_clock_advance(&clock, 1);
    assert_ok(tb_store_set_job_state(store, id, TB_JOB_ROW_RUNNING, "begins", NULL, &err));
    assert_ok(tb_store_set_job_progress(store, id, 5, 10, 1, NULL, &err));
    tb_clock_advance(&clock, 1);
    assert_ok(tb_store_set_job_state(store, id, TB_JOB_ROW_PAUSED, NULL, NULL, &err));
    assert_ok(tb_store_set_job_state(store, id, TB_JOB_ROW_RUNNING, NULL, NULL, &err));
    tb_clock_advance(&clock, 1);
    assert_ok(tb_store_set_job_state(store, id, TB_JOB_ROW_DONE, "all \xff well", "{\"n\": 10}", &err));
    assert_ok(tb_store_get_job(store, id, &job, &err));
    assert_int_equal(job.state, TB_JOB_ROW_DONE);
    assert_int_equal(job.done, 5);
    assert_int_equal(job.total, 10);
    assert_int_equal(job.failed, 1);
    assert_string_equal(job.message, "all \xef\xbf\xbd well");
    assert_string_equal(job.result, "{\"n\": 10}");
    assert_int_equal(job.started_ms, 2000);
    assert_int_equal(job.ended_ms, 4000);
    tb_job_row_clear(&job);
    assert_status(tb_store_set_job_state(store, id, TB_JOB_ROW_CANCELLED, NULL, NULL, &err), TB_EXISTS);
    assert_non_null(strstr(err.message, "done"));
    assert_status(tb_store_set_job_progress(store, id, 6, 10, 1, NULL, &err), TB_EXISTS);
    tb_store_close(store);
}

static void wrong_jobs_are_refused(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_store *store = test_open_new();
    int64_t id = 0;
    tb_job_row job;
    tb_job_row *jobs;
    size_t n;
    assert_status(tb_store_add_job(store, "", NULL, &id, &err), TB_INVALID);
    assert_status(tb_store_add_job(store, "scan", "{", &id, &err), TB_INVALID);
    assert_status(tb_store_get_job(store, 1, &job, &err), TB_NOT_FOUND);
    assert_status(tb_store_set_job_state(store, 1, TB_JOB_ROW_DONE, NULL, NULL, &err), TB_NOT_FOUND);
    assert_status(tb_store_set_job_state(store, 1, (tb_job_row_state)99, NULL, NULL, &err), TB_INVALID);
    assert_status(tb_store_set_job_progress(store, 1, 1, 1, 1, NULL, &err), TB_NOT_FOUND);
    assert_status(tb_store_list_jobs(store, -1, 0, 0, &jobs, &n, &err), TB_INVALID);
    assert_status(tb_store_list_jobs(store, -1, 0, 100000, &jobs, &n, &err), TB_INVALID);
    id = add_job(store, "scan");
    assert_status(tb_store_set_job_state(store, id, TB_JOB_ROW_DONE, NULL, "nonsense", &err), TB_INVALID);
    assert_int_equal(state_of(store, id), TB_JOB_ROW_QUEUED);
    tb_store_close(store);
}

static void jobs_are_listed_newest_first(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_store *store = test_open_new();
    int64_t ids[5];
    for (size_t i = 0; i < 5; i++) ids[i] = add_job(store, "scan");
    assert_ok(tb_store_set_job_state(store, ids[3], TB_JOB_ROW_RUNNING, NULL, NULL, &err));
    tb_job_row *jobs;
    size_t n;
    assert_ok(tb_store_list_jobs(store, -1, 0, 2, &jobs, &n, &err));
    assert_int_equal(n, 2);
    assert_int_equal(jobs[0].id, ids[4]);
    assert_int_equal(jobs[1].id, ids[3]);
    tb_job_rows_free(jobs, n);
    assert_ok(tb_store_list_jobs(store, TB_JOB_ROW_QUEUED, ids[3], 10, &jobs, &n, &err));
    assert_int_equal(n, 3);
    assert_int_equal(jobs[0].id, ids[2]);
    tb_job_rows_free(jobs, n);
    assert_ok(tb_store_list_jobs(store, TB_JOB_ROW_FAILED, 0, 10, &jobs, &n, &err));
    assert_int_equal(n, 0);
    tb_job_rows_free(jobs, n);
    tb_store_close(store);
}

static void running_jobs_are_queued_again_after_a_restart(void **state)
{
    (void)state;
    tb_error err = {0};
    const char *folder = tb_test_folder();
    tb_store *store = test_open(folder);
    const int64_t running = add_job(store, "scan"), paused = add_job(store, "scan"),
                  done = add_job(store, "scan");
    assert_ok(tb_store_set_job_state(store, running, TB_JOB_ROW_RUNNING, NULL, NULL, &err));
    assert_ok(tb_store_set_job_state(store, paused, TB_JOB_ROW_PAUSED, NULL, NULL, &err));
    assert_ok(tb_store_set_job_state(store, done, TB_JOB_ROW_DONE, NULL, NULL, &err));
    tb_store_close(store);
    store = test_open(folder);
    size_t n = 0;
    assert_ok(tb_store_requeue_jobs(store, &n, &err));
    assert_int_equal(n, 1);
    assert_int_equal(state_of(store, running), TB_JOB_ROW_QUEUED);
    assert_int_equal(state_of(store, paused), TB_JOB_ROW_PAUSED);
    assert_int_equal(state_of(store, done), TB_JOB_ROW_DONE);
    tb_store_close(store);
}

static void pruning_keeps_the_newest_and_all_that_live(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_store *store = test_open_new();
    int64_t ids[6];
    for (size_t i = 0; i < 6; i++) {
        ids[i] = add_job(store, "scan");
        if (i > 0)
            assert_ok(tb_store_set_job_state(store, ids[i], i % 2 ? TB_JOB_ROW_DONE : TB_JOB_ROW_FAILED, NULL,
                                             NULL, &err));
    }
    assert_ok(tb_store_prune_jobs(store, 2, &err));
    tb_job_row *jobs;
    size_t n;
    assert_ok(tb_store_list_jobs(store, -1, 0, 10, &jobs, &n, &err));
    assert_int_equal(n, 3);
    assert_int_equal(jobs[0].id, ids[5]);
    assert_int_equal(jobs[1].id, ids[4]);
    assert_int_equal(jobs[2].id, ids[0]);
    tb_job_rows_free(jobs, n);
    tb_store_close(store);
}

static void states_have_names(void **state)
{
    (void)state;
    for (int i = 0; i <= TB_JOB_ROW_CANCELLED; i++) {
        tb_job_row_state found;
        assert_true(tb_job_row_state_parse(tb_job_row_state_name((tb_job_row_state)i), &found) == TB_OK);
        assert_int_equal(found, i);
        assert_int_equal(tb_job_row_state_ended(found), i >= TB_JOB_ROW_DONE);
    }
    tb_job_row_state found;
    assert_true(tb_job_row_state_parse("nothing", &found) == TB_NOT_FOUND);
    assert_string_equal(tb_job_row_state_name((tb_job_row_state)77), "unknown");
}

static void keys_are_found_by_their_hash(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_store *store = test_open_new();
    int64_t id, other;
    char *role = NULL;
    assert_ok(tb_store_add_key(store, "front end", "read", test_hash(1), 32, &id, &err));
    assert_ok(tb_store_add_key(store, "me", "admin", test_hash(2), 32, &other, &err));
    assert_status(tb_store_add_key(store, "me", "read", test_hash(3), 32, &other, &err), TB_EXISTS);
    assert_status(tb_store_add_key(store, "you", "read", test_hash(2), 32, &other, &err), TB_EXISTS);
    assert_status(tb_store_add_key(store, "you", "owner", test_hash(3), 32, &other, &err), TB_INVALID);
    assert_status(tb_store_add_key(store, "", "read", test_hash(3), 32, &other, &err), TB_INVALID);
    assert_status(tb_store_add_key(store, "you", "read", test_hash(3), 5, &other, &err), TB_INVALID);
    assert_ok(tb_store_find_key(store, test_hash(1), 32, &role, &err));
    assert_string_equal(role, "read");
    tb_free(role);
    assert_status(tb_store_find_key(store, test_hash(9), 32, &role, &err), TB_NOT_FOUND);
    tb_key_row *keys;
    size_t n;
    assert_ok(tb_store_list_keys(store, &keys, &n, &err));
    assert_int_equal(n, 2);
    assert_string_equal(keys[1].name, "me");
    assert_string_equal(keys[1].role, "admin");
    tb_key_rows_free(keys, n);
    assert_ok(tb_store_delete_key(store, id, &err));
    assert_status(tb_store_delete_key(store, id, &err), TB_NOT_FOUND);
    assert_status(tb_store_find_key(store, test_hash(1), 32, &role, &err), TB_NOT_FOUND);
    tb_store_close(store);
}

static void reading_jobs_survives_each_allocation_failing(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_store *store = test_open_new();
    int64_t key;
    add_job(store, "scan");
    assert_ok(tb_store_add_key(store, "me", "admin", test_hash(2), 32, &key, &err));
    for (size_t n = 1;; n++) {
        tb_job_row *jobs = NULL;
        tb_key_row *keys = NULL;
        size_t n_jobs = 0, n_keys = 0;
        tb_alloc_fail_after(n);
        tb_status status = tb_store_list_jobs(store, -1, 0, 10, &jobs, &n_jobs, &err);
        if (status == TB_OK) status = tb_store_list_keys(store, &keys, &n_keys, &err);
        tb_alloc_fail_after(0);
        tb_job_rows_free(jobs, n_jobs);
        tb_key_rows_free(keys, n_keys);
        if (status == TB_OK) break;
        assert_status(status, TB_NO_MEMORY);
    }
    tb_store_close(store);
}

TB_TESTS(job_table, cmocka_unit_test(job_lives_its_life), cmocka_unit_test(wrong_jobs_are_refused),
         cmocka_unit_test(jobs_are_listed_newest_first),
         cmocka_unit_test(running_jobs_are_queued_again_after_a_restart),
         cmocka_unit_test(pruning_keeps_the_newest_and_all_that_live), cmocka_unit_test(states_have_names),
         cmocka_unit_test(keys_are_found_by_their_hash),
         cmocka_unit_test(reading_jobs_survives_each_allocation_failing))
