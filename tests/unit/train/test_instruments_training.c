// SPDX-License-Identifier: MIT
#include "support/testing.h"

#include "made_pieces.h"

#include "base/alloc.h"
#include "base/fs.h"
#include "model/instruments.h"
#include "model/model.h"
#include "nn/model_file.h"
#include "train/instruments_training.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { BANDS = 16, ROWS = 430, ALL = 31, PATH = 512 };

static const char network[] = "input 64 16 1\nconv 8 5x3 stride 4x1 pad 2x1\nnorm\nleaky 0.2\nconv 16 5x3 stride 4x2 pad 2x1\nnorm\nleaky 0.2\n"
                              "mean time\nflatten\ndense 645\n";

typedef struct place {
    char cache[PATH], held_out[PATH], out[PATH], folder[PATH];
} place;

/* A folder with a cache of pieces and one of others. */
static place make_place(void)
{
    place p;
    made_pieces made;
    const char *folder = tb_test_folder();
    snprintf(p.cache, sizeof p.cache, "%s/pieces.cache", folder);
    snprintf(p.held_out, sizeof p.held_out, "%s/held-out.cache", folder);
    snprintf(p.out, sizeof p.out, "%s/instruments.safetensors", folder);
    snprintf(p.folder, sizeof p.folder, "%s/training", folder);
    make_pieces(&made, 24, 2, ROWS, BANDS, ALL);
    write_pieces(&made, p.cache);
    clear_pieces(&made);
    make_pieces(&made, 12, 1, ROWS, BANDS, ALL);
    write_pieces(&made, p.held_out);
    clear_pieces(&made);
    return p;
}

static tb_instruments_training_options options_for(const place *p, const char *recipe)
{
    tb_error err = {0};
    tb_instruments_training_options o = {
        .cache = p->cache, .validation = p->held_out, .out = p->out, .folder = p->folder, .network = network, .n_segments = 12 * 2 * 12,
        .n_groups = 2, .n_threads = 1, .seed = 1, .n_validations = 2, .validation_draws = 1, .checkpoint_every_s = 1e9,
    };
    assert_ok(tb_recipe_named(recipe, &o.recipe, &err));
    assert_ok(tb_recipe_set(&o.recipe, "segments_per_group=12", &err));
    assert_ok(tb_recipe_set(&o.recipe, "ids=4", &err));
    assert_ok(tb_recipe_set(&o.recipe, "target_segments=48", &err));
    return o;
}

static void assert_same_file(const char *a, const char *b)
{
    tb_error err = {0};
    char *x = NULL, *y = NULL;
    size_t n_x = 0, n_y = 0;
    assert_ok(tb_fs_read(a, 64 << 20, &x, &n_x, &err));
    assert_ok(tb_fs_read(b, 64 << 20, &y, &n_y, &err));
    assert_int_equal(n_x, n_y);
    assert_memory_equal(x, y, n_x);
    tb_free(x);
    tb_free(y);
}

static void training_makes_a_model_that_opens(void **state)
{
    (void)state;
    tb_error err = {0};
    const place p = make_place();
    tb_instruments_training_options o = options_for(&p, "contrastive");
    tb_instruments_training_result result;
    tb_model *model = NULL;
    tb_model_file *file = NULL;
    assert_ok(tb_instruments_train(&o, &result, &err));
    assert_int_equal(result.n_steps, 6);
    assert_int_equal(result.n_pieces, 24);
    assert_int_equal(result.n_validation_pieces, 12);
    assert_true(result.best_step == 3 || result.best_step == 6);
    assert_true(result.best.mean_accuracy > 0 && result.best.mean_accuracy <= 1);
    assert_true(result.best.mean_presence > 0 && result.best.mean_presence <= 1);
    assert_ok(tb_model_open(p.out, &model, &err));
    assert_int_equal(tb_model_get_info(model)->dim, TB_INSTRUMENTS_DIM);
    assert_true(tb_model_get_info(model)->unit_length);
    tb_model_close(model);
    assert_ok(tb_model_file_open(p.out, &file, &err));
    assert_non_null(strstr(tb_model_file_metadata(file, "training"), "temperature=0.05"));
    assert_string_equal(tb_model_file_metadata(file, "parts"), "drums,bass,piano,guitar,others");
    tb_model_file_close(file);
}

static void training_learns_what_it_is_shown(void **state)
{
    (void)state;
    tb_error err = {0};
    const place p = make_place();
    tb_instruments_training_options o = options_for(&p, "contrastive");
    tb_instruments_training_result before, after;
    assert_ok(tb_recipe_set(&o.recipe, "segments_per_group=32", &err));
    assert_ok(tb_recipe_set(&o.recipe, "ids=8", &err));
    assert_ok(tb_recipe_set(&o.recipe, "rate=0.01", &err));
    assert_ok(tb_recipe_set(&o.recipe, "average=0.9", &err));
    static const char *const unchanged[] = {"transpose_share=0", "voice_eq=0", "level=0", "slow=0", "detune=0", "noise_share=0", "low_pass_share=0"};
    for (size_t i = 0; i < sizeof unchanged / sizeof *unchanged; i++) assert_ok(tb_recipe_set(&o.recipe, unchanged[i], &err));
    o.n_segments = 1;
    o.n_validations = 1;
    assert_ok(tb_instruments_train(&o, &before, &err));
    char folder[PATH + 8];
    snprintf(folder, sizeof folder, "%s2", p.folder);
    o.folder = folder;
    o.n_segments = 100 * 64;
    assert_ok(tb_instruments_train(&o, &after, &err));
    if (!(after.best.mean_accuracy > before.best.mean_accuracy + 0.1))
        fail_msg("accuracy %.3f before and %.3f after", before.best.mean_accuracy, after.best.mean_accuracy);
    assert_true(after.best.mean_presence > before.best.mean_presence);
}

static void the_number_of_threads_changes_nothing(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_instruments_training_result result;
    const place p = make_place(), q = make_place();
    tb_instruments_training_options o = options_for(&p, "contrastive"), o2 = options_for(&q, "contrastive");
    o2.n_threads = 3;
    assert_ok(tb_instruments_train(&o, &result, &err));
    assert_ok(tb_instruments_train(&o2, &result, &err));
    assert_same_file(p.out, q.out);
}

/* Cancels when so many steps were shown. */
typedef struct patience {
    atomic_bool cancel;
    size_t n_left;
} patience;

static void lose_patience(void *context, const tb_training_progress *progress)
{
    patience *patient = context;
    assert_true(progress->segments <= progress->n_segments);
    if (patient->n_left-- == 1) atomic_store(&patient->cancel, true);
}

static void a_resumed_training_ends_as_one_that_was_not_interrupted(void **state)
{
    (void)state;
    static const char *const recipes[] = {"contrastive", "aux-basic-add-prime"};
    static const size_t stops[][3] = {{3, 2, 0}, {1, 9, 7}}; /* the second stops among the individual networks first */
    tb_error err = {0};
    tb_instruments_training_result whole, pieced;
    for (size_t r = 0; r < 2; r++) {
        const place p = make_place(), q = make_place();
        tb_instruments_training_options o = options_for(&p, recipes[r]), o2 = options_for(&q, recipes[r]);
        assert_ok(tb_instruments_train(&o, &whole, &err));
        o2.resume = true;
        o2.progress = lose_patience;
        for (size_t k = 0; k < 3 && stops[r][k] > 0; k++) {
            patience patient = {.n_left = stops[r][k]};
            o2.context = &patient;
            o2.cancel = &patient.cancel;
            assert_status(tb_instruments_train(&o2, &pieced, &err), TB_CANCELLED);
        }
        o2.progress = NULL;
        o2.cancel = NULL;
        assert_ok(tb_instruments_train(&o2, &pieced, &err));
        assert_same_file(p.out, q.out);
        assert_int_equal(whole.best_step, pieced.best_step);
        assert_near(whole.best.score, pieced.best.score, 1e-6);
    }
}

static void every_recipe_of_the_paper_runs(void **state)
{
    (void)state;
    static const char *const recipes[] = {"basic", "aux-basic", "aux-basic-add", "aux-basic-add-prime"};
    tb_error err = {0};
    tb_instruments_training_result result;
    for (size_t r = 0; r < 4; r++) {
        const place p = make_place();
        tb_instruments_training_options o = options_for(&p, recipes[r]);
        o.validation = NULL;
        o.n_segments = 4 * 24; /* without solos */
        assert_ok(tb_instruments_train(&o, &result, &err));
        assert_false(result.validated);
        assert_int_equal(result.best_step, 4);
    }
}

static void a_finished_training_is_not_begun_over(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_instruments_training_result result;
    const place p = make_place();
    tb_instruments_training_options o = options_for(&p, "contrastive");
    assert_ok(tb_instruments_train(&o, &result, &err));
    assert_status(tb_instruments_train(&o, &result, &err), TB_EXISTS);
    o.resume = true;
    assert_ok(tb_instruments_train(&o, &result, &err));
    assert_int_equal(result.n_steps, 6);
    assert_ok(tb_recipe_set(&o.recipe, "temperature=0.1", &err));
    assert_status(tb_instruments_train(&o, &result, &err), TB_INVALID);
    assert_non_null(strstr(err.message, "temperature"));
}

static void log_and_curves_are_written(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_instruments_training_result result;
    const place p = make_place();
    tb_instruments_training_options o = options_for(&p, "contrastive");
    char path[PATH + 32], *text = NULL;
    size_t size = 0, n_lines = 0;
    assert_ok(tb_instruments_train(&o, &result, &err));
    snprintf(path, sizeof path, "%s/log.jsonl", p.folder);
    assert_ok(tb_fs_read(path, 1 << 20, &text, &size, &err));
    for (size_t i = 0; i < size; i++) n_lines += text[i] == '\n';
    assert_int_equal(n_lines, 8); /* 6 steps, 2 validations */
    assert_non_null(strstr(text, "\"validation\""));
    tb_free(text);
    snprintf(path, sizeof path, "%s/curves.svg", p.folder);
    assert_ok(tb_fs_read(path, 1 << 20, &text, &size, &err));
    assert_non_null(strstr(text, "</svg>"));
    assert_null(strstr(text, "nan"));
    tb_free(text);
}

static void what_cannot_be_trained_on_is_refused_with_a_reason(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_instruments_training_result result;
    place p = make_place();
    made_pieces made;
    tb_instruments_training_options o = options_for(&p, "contrastive");
    o.n_segments = 0;
    assert_status(tb_instruments_train(&o, &result, &err), TB_INVALID);
    o = options_for(&p, "contrastive");
    o.n_groups = 65;
    assert_status(tb_instruments_train(&o, &result, &err), TB_INVALID);
    o = options_for(&p, "contrastive");
    o.network = "input 64 16 1\nflatten\ndense 640\n";
    assert_status(tb_instruments_train(&o, &result, &err), TB_INVALID);
    o.network = "small"; /* six halvings are fine for any number of bands */
    o.n_segments = 1;
    assert_ok(tb_instruments_train(&o, &result, &err));
    o.network = "middle";
    assert_int_not_equal(tb_instruments_train(&o, &result, &err), TB_OK);

    char other[PATH + 8];
    snprintf(other, sizeof other, "%s.other", p.cache);
    o = options_for(&p, "contrastive");
    o.cache = other;
    assert_status(tb_instruments_train(&o, &result, &err), TB_NOT_FOUND);
    make_pieces(&made, 0, 1, ROWS, BANDS, ALL);
    write_pieces(&made, other);
    clear_pieces(&made);
    assert_status(tb_instruments_train(&o, &result, &err), TB_INVALID);
    assert_non_null(strstr(err.message, "no pieces"));
    snprintf(other, sizeof other, "%s.wide", p.cache);
    make_pieces(&made, 4, 1, ROWS, BANDS * 2, ALL);
    write_pieces(&made, other);
    clear_pieces(&made);
    o.cache = p.cache;
    o.validation = other;
    assert_status(tb_instruments_train(&o, &result, &err), TB_INVALID);
    assert_non_null(strstr(err.message, "bands"));
}

TB_TESTS(instruments_training, cmocka_unit_test(training_makes_a_model_that_opens), cmocka_unit_test(training_learns_what_it_is_shown),
         cmocka_unit_test(the_number_of_threads_changes_nothing),
         cmocka_unit_test(a_resumed_training_ends_as_one_that_was_not_interrupted), cmocka_unit_test(every_recipe_of_the_paper_runs),
         cmocka_unit_test(a_finished_training_is_not_begun_over), cmocka_unit_test(log_and_curves_are_written),
         cmocka_unit_test(what_cannot_be_trained_on_is_refused_with_a_reason))
