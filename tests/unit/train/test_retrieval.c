// SPDX-License-Identifier: MIT
/* The two evaluations on folders of made-up pieces, with the model that ships. */
#include "support/testing.h"
#include "support/wav.h"

#include "train/retrieval.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RATE_HZ = 8000 };

typedef struct fixture {
    tb_model *model;
    const char *folder;
    tb_retrieval_options options;
} fixture;

static fixture make(void)
{
    tb_error err = {0};
    fixture f = {.folder = tb_test_folder()};
    char *path = tb_test_source_path("models/descriptors.safetensors");
    assert_ok(tb_model_open(path, &f.model, &err));
    free(path);
    f.options = (tb_retrieval_options){.model = f.model, .n_threads = 2};
    return f;
}

static void discard(fixture *f)
{
    tb_model_close(f->model);
}

static void write_piece(const fixture *f, const char *name, uint64_t seed, double seconds)
{
    char *path = tb_test_join(f->folder, name);
    tb_test_write_piece(path, seed, seconds, RATE_HZ);
    free(path);
}

static void write_text(const fixture *f, const char *name)
{
    char *path = tb_test_join(f->folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("this is not music", file);
    fclose(file);
    free(path);
}

/* --- half-split ------------------------------------------------------------------------------------------------ */

static void distinct_pieces_find_their_own_other_half(void **state)
{
    (void)state;
    tb_error err = {0};
    fixture f = make();
    for (uint64_t i = 0; i < 4; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d.wav", (int)i);
        write_piece(&f, name, 10 + i, 61);
    }
    tb_half_split_result r;
    assert_ok(tb_eval_half_split(f.folder, &f.options, &r, &err));
    assert_int_equal(r.files.n_used, 4);
    assert_near(r.top1, 1, 1e-9);
    assert_near(r.top5, 1, 1e-9);
    assert_near(r.mean_reciprocal_rank, 1, 1e-9);
    for (size_t p = 0; p < tb_model_get_info(f.model)->n_parts; p++) assert_true(r.part_top1[p] >= 0 && r.part_top1[p] <= 1 + 1e-9);
    discard(&f);
}

static void the_result_does_not_depend_on_the_number_of_threads(void **state)
{
    (void)state;
    tb_error err = {0};
    fixture f = make();
    write_piece(&f, "a.wav", 1, 61);
    write_piece(&f, "b.wav", 2, 61);
    write_piece(&f, "c.wav", 3, 61);
    tb_half_split_result one, two;
    f.options.n_threads = 0;
    assert_ok(tb_eval_half_split(f.folder, &f.options, &one, &err));
    f.options.n_threads = 3;
    assert_ok(tb_eval_half_split(f.folder, &f.options, &two, &err));
    assert_near(one.mean_reciprocal_rank, two.mean_reciprocal_rank, 0);
    assert_memory_equal(one.part_top1, two.part_top1, sizeof one.part_top1);
    discard(&f);
}

static void a_tie_counts_as_nearer(void **state)
{
    (void)state;
    tb_error err = {0};
    fixture f = make();
    write_piece(&f, "a.wav", 1, 61);
    write_piece(&f, "same as a.wav", 1, 61);
    tb_half_split_result r;
    assert_ok(tb_eval_half_split(f.folder, &f.options, &r, &err));
    assert_int_equal(r.files.n_used, 2);
    assert_near(r.top1, 0, 0);
    assert_near(r.top5, 1, 1e-9);
    assert_near(r.mean_reciprocal_rank, 0.5, 1e-9); /* each is second, behind its twin's half */
    discard(&f);
}

static void short_and_unreadable_files_are_counted_and_left_out(void **state)
{
    (void)state;
    tb_error err = {0};
    fixture f = make();
    write_piece(&f, "a.wav", 1, 61);
    write_piece(&f, "b.wav", 2, 61);
    write_piece(&f, "short.wav", 3, 59);
    write_piece(&f, "empty.wav", 4, 0);
    write_text(&f, "text.flac");
    write_text(&f, "text.txt"); /* no name of audio */
    tb_half_split_result r;
    assert_ok(tb_eval_half_split(f.folder, &f.options, &r, &err));
    assert_int_equal(r.files.n_used, 2);
    assert_int_equal(r.files.n_short + r.files.n_failed, 3);
    assert_true(r.files.n_short >= 1 && r.files.n_failed >= 1);
    discard(&f);
}

static void one_file_alone_is_refused(void **state)
{
    (void)state;
    tb_error err = {0};
    fixture f = make();
    write_piece(&f, "a.wav", 1, 61);
    tb_half_split_result r;
    memset(&r, 0x5a, sizeof r);
    const tb_half_split_result before = r;
    assert_status(tb_eval_half_split(f.folder, &f.options, &r, &err), TB_INVALID);
    assert_non_null(strstr(err.message, "at least two"));
    assert_memory_equal(&r, &before, sizeof r); /* untouched */
    assert_status(tb_eval_half_split(f.folder, &f.options, &r, NULL), TB_INVALID);
    assert_status(tb_eval_half_split("/no/such/folder", &f.options, &r, &err), TB_NOT_FOUND);
    discard(&f);
}

static void weights_choose_the_parts(void **state)
{
    (void)state;
    tb_error err = {0};
    fixture f = make();
    for (uint64_t i = 0; i < 3; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d.wav", (int)i);
        write_piece(&f, name, 20 + i, 61);
    }
    const size_t n_parts = tb_model_get_info(f.model)->n_parts;
    for (size_t p = 0; p < n_parts; p++) {
        double weights[TB_MODEL_MAX_PARTS] = {0};
        weights[p] = 2;
        f.options.weights = weights;
        tb_half_split_result r;
        assert_ok(tb_eval_half_split(f.folder, &f.options, &r, &err));
        assert_near(r.top1, r.part_top1[p], 1e-9);
    }
    discard(&f);
}

static size_t last_done, last_total;

static void note_progress(void *context, size_t done, size_t total)
{
    atomic_bool *cancel = context;
    last_done = done;
    last_total = total;
    if (cancel) atomic_store(cancel, true);
}

static void an_evaluation_can_be_cancelled(void **state)
{
    (void)state;
    tb_error err = {0};
    fixture f = make();
    for (int i = 0; i < 4; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d.wav", i);
        write_piece(&f, name, 1 + (uint64_t)i, 61);
    }
    tb_half_split_result r;
    f.options.progress = note_progress;
    assert_ok(tb_eval_half_split(f.folder, &f.options, &r, &err));
    assert_int_equal(last_done, 4);
    assert_int_equal(last_total, 4);
    atomic_bool cancel = false;
    f.options.n_threads = 1;
    f.options.context = &cancel; /* set when the first file is done */
    f.options.cancel = &cancel;
    assert_status(tb_eval_half_split(f.folder, &f.options, &r, &err), TB_CANCELLED);
    discard(&f);
}

/* --- music ID ----------------------------------------------------------------------------------------------------- */

static void windows_find_the_piece_that_they_are_from(void **state)
{
    (void)state;
    tb_error err = {0};
    fixture f = make();
    write_piece(&f, "a.wav", 1, 40);
    write_piece(&f, "b.wav", 2, 40);
    write_piece(&f, "short.wav", 3, 17); /* six windows of 3 s take 18 */
    tb_music_id_result r;
    assert_ok(tb_eval_music_id(f.folder, 3, 6, &f.options, &r, &err));
    assert_int_equal(r.files.n_used, 2);
    assert_int_equal(r.files.n_short, 1);
    assert_int_equal(r.n_windows, 12);
    assert_true(r.accuracy > 0.9);
    discard(&f);
}

static void windows_out_of_range_are_refused(void **state)
{
    (void)state;
    tb_error err = {0};
    fixture f = make();
    tb_music_id_result r;
    const struct {
        double window_s;
        size_t n_windows;
    } bad[] = {{0.5, 6}, {0, 6}, {-3, 6}, {61, 6}, {(double)NAN, 6}, {(double)INFINITY, 6}, {3, 0}, {3, 1}, {3, 101}, {3, SIZE_MAX}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_status(tb_eval_music_id(f.folder, bad[i].window_s, bad[i].n_windows, &f.options, &r, &err), TB_INVALID);
    assert_status(tb_eval_music_id(f.folder, 3, 6, &f.options, &r, &err), TB_INVALID); /* no file at all */
    discard(&f);
}

TB_TESTS(retrieval, cmocka_unit_test(distinct_pieces_find_their_own_other_half), cmocka_unit_test(the_result_does_not_depend_on_the_number_of_threads),
         cmocka_unit_test(a_tie_counts_as_nearer), cmocka_unit_test(short_and_unreadable_files_are_counted_and_left_out),
         cmocka_unit_test(one_file_alone_is_refused), cmocka_unit_test(weights_choose_the_parts), cmocka_unit_test(an_evaluation_can_be_cancelled),
         cmocka_unit_test(windows_find_the_piece_that_they_are_from), cmocka_unit_test(windows_out_of_range_are_refused))
