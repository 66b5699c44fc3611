// SPDX-License-Identifier: MIT
#include "support/testing.h"

#include "base/alloc.h"
#include "base/fs.h"
#include "train/checkpoint.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { N = 5, PATH = 512 };

typedef struct state_of_a_training {
    float weights[N], moments[2];
    uint64_t step, large;
    tb_checkpoint_array arrays[3];
    tb_checkpoint_number numbers[2];
    tb_checkpoint checkpoint;
    char path[PATH];
} state_of_a_training;

static void describe(state_of_a_training *s, const char *training, const char *folder)
{
    memset(s, 0, sizeof *s);
    s->arrays[0] = (tb_checkpoint_array){"weights", s->weights, N};
    s->arrays[1] = (tb_checkpoint_array){"moments", s->moments, 2};
    s->arrays[2] = (tb_checkpoint_array){"nothing", NULL, 0};
    s->numbers[0] = (tb_checkpoint_number){"step", &s->step};
    s->numbers[1] = (tb_checkpoint_number){"large", &s->large};
    s->checkpoint = (tb_checkpoint){training, s->arrays, 3, s->numbers, 2};
    snprintf(s->path, sizeof s->path, "%s/checkpoint.safetensors", folder);
}

static void fill(state_of_a_training *s)
{
    const float values[N] = {1.0f / 3, -0.0f, 1e-42f, -3.4e38f, 7};
    memcpy(s->weights, values, sizeof values);
    s->moments[1] = 2;
    s->step = 41;
    s->large = (uint64_t)INT64_MAX;
}

static void a_checkpoint_comes_back_to_the_bit(void **state)
{
    (void)state;
    tb_error err = {0};
    state_of_a_training a, b;
    const char *folder = tb_test_folder();
    describe(&a, "seed=1 rate=0.1", folder);
    describe(&b, "seed=1 rate=0.1", folder);
    fill(&a);
    assert_ok(tb_checkpoint_write(&a.checkpoint, a.path, &err));
    assert_ok(tb_checkpoint_read_numbers(&b.checkpoint, b.path, &err));
    assert_int_equal(b.step, 41);
    assert_true(b.weights[0] == 0);
    assert_ok(tb_checkpoint_read(&b.checkpoint, b.path, &err));
    assert_memory_equal(a.weights, b.weights, sizeof a.weights);
    assert_memory_equal(a.moments, b.moments, sizeof a.moments);
    assert_true(b.large == (uint64_t)INT64_MAX);
}

static void another_training_is_told_by_its_first_difference(void **state)
{
    (void)state;
    static const struct {
        const char *theirs, *ours, *sentence;
    } cases[] = {
        {"seed=1 rate=0.1", "seed=1 rate=0.2", "there rate=0.1, here rate=0.2"},
        {"seed=1", "seed=1 rate=0.2", "there fewer settings, here rate=0.2"},
        {"seed=1 rate=0.1", "seed=1", "there rate=0.1, here fewer settings"},
        {"seed=12", "seed=1", "there seed=12, here seed=1"},
    };
    tb_error err = {0};
    state_of_a_training a, b;
    const char *folder = tb_test_folder();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        describe(&a, cases[i].theirs, folder);
        describe(&b, cases[i].ours, folder);
        assert_ok(tb_checkpoint_write(&a.checkpoint, a.path, &err));
        assert_status(tb_checkpoint_read(&b.checkpoint, b.path, &err), TB_INVALID);
        if (!strstr(err.message, cases[i].sentence)) fail_msg("%s", err.message);
    }
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    tb_error err = {0};
    state_of_a_training a;
    describe(&a, "seed=1", tb_test_folder());
    assert_status(tb_checkpoint_read(&a.checkpoint, a.path, &err), TB_NOT_FOUND);
    fill(&a);
    assert_ok(tb_checkpoint_write(&a.checkpoint, a.path, &err));
    a.arrays[0].n = N - 1;
    assert_status(tb_checkpoint_read(&a.checkpoint, a.path, &err), TB_CORRUPT);
    a.arrays[0].n = N;
    a.numbers[1].name = "missing";
    assert_status(tb_checkpoint_read(&a.checkpoint, a.path, &err), TB_CORRUPT);
    a.numbers[1].name = "large";
    a.weights[2] = NAN;
    assert_status(tb_checkpoint_write(&a.checkpoint, a.path, &err), TB_INVALID);
    assert_ok(tb_checkpoint_read(&a.checkpoint, a.path, &err)); /* the one before is still there */
    assert_true(a.weights[2] == 1e-42f);
}

static void every_cut_of_the_file_is_refused(void **state)
{
    (void)state;
    tb_error err = {0};
    state_of_a_training a;
    char *bytes = NULL;
    size_t size = 0;
    describe(&a, "seed=1", tb_test_folder());
    fill(&a);
    assert_ok(tb_checkpoint_write(&a.checkpoint, a.path, &err));
    assert_ok(tb_fs_read(a.path, 1 << 20, &bytes, &size, &err));
    for (size_t n = 0; n < size; n += 7) {
        assert_ok(tb_fs_write_atomic(a.path, bytes, n, &err));
        assert_int_not_equal(tb_checkpoint_read(&a.checkpoint, a.path, &err), TB_OK);
    }
    tb_free(bytes);
}

static void a_lack_of_memory_is_survived(void **state)
{
    (void)state;
    tb_error err = {0};
    state_of_a_training a;
    describe(&a, "seed=1", tb_test_folder());
    fill(&a);
    for (int reads = 0; reads < 2; reads++)
        for (size_t n = 1;; n++) {
            tb_alloc_fail_after(n);
            const tb_status status = reads ? tb_checkpoint_read(&a.checkpoint, a.path, &err) : tb_checkpoint_write(&a.checkpoint, a.path, &err);
            tb_alloc_fail_after(0);
            if (status == TB_OK) break;
            assert_int_equal(status, TB_NO_MEMORY);
        }
}

TB_TESTS(checkpoint, cmocka_unit_test(a_checkpoint_comes_back_to_the_bit), cmocka_unit_test(another_training_is_told_by_its_first_difference),
         cmocka_unit_test(what_does_not_fit_is_refused), cmocka_unit_test(every_cut_of_the_file_is_refused),
         cmocka_unit_test(a_lack_of_memory_is_survived))
