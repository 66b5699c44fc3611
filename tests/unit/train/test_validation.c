// SPDX-License-Identifier: MIT
#include "support/testing.h"

#include "made_pieces.h"

#include "base/alloc.h"
#include "model/instruments.h"
#include "train/validation.h"

#include <math.h>
#include <string.h>

enum { ROWS = 645, BANDS = 40, ALL = 31, REGION = BANDS / TB_STEM_COUNT };

typedef struct kit {
    made_pieces made;
    tb_band_bank *bank;
    tb_augmenter *augmenter;
    tb_network *net;
    tb_pool *pool;
    tb_embedder *embedder;
    tb_validation *validation;
    float mean[BANDS], deviation[BANDS];
} kit;

/* A network that hears each stem in the bands where made pieces have it: part c is the mean of these bands over time. */
static void teach(tb_network *net, size_t turn)
{
    float *params = tb_network_params(net);
    for (size_t i = 0; i < tb_network_n_tensors(net); i++) {
        const tb_network_tensor *tensor = tb_network_tensor_at(net, i);
        if (!strstr(tensor->name, "weight")) continue;
        assert_int_equal(tensor->n_values, TB_INSTRUMENTS_OUTPUTS * BANDS);
        const bool out_first = tensor->shape[0] == TB_INSTRUMENTS_OUTPUTS;
        for (size_t c = 0; c < TB_STEM_COUNT; c++)
            for (size_t b = 0; b < REGION; b++) {
                const size_t from = (c + turn) % TB_STEM_COUNT * REGION + b, rows[] = {c * TB_INSTRUMENTS_PART_DIM + b, TB_INSTRUMENTS_DIM + c};
                for (size_t k = 0; k < 2; k++) params[tensor->at + (out_first ? rows[k] * BANDS + from : from * TB_INSTRUMENTS_OUTPUTS + rows[k])] = 1;
            }
    }
}

static void open_kit(kit *k, size_t n_threads, size_t turn)
{
    tb_error err = {0};
    tb_augment_options none;
    tb_augment_options_none(&none);
    make_pieces(&k->made, 12, 1, ROWS, BANDS, ALL);
    assert_ok(tb_band_bank_new(BANDS, &k->bank, &err));
    assert_ok(tb_augmenter_new(k->bank, &none, &k->augmenter, &err));
    assert_ok(tb_network_parse("input 64 40 1\nmean time\nflatten\ndense 645\n", &k->net, &err));
    teach(k->net, turn);
    for (size_t b = 0; b < BANDS; b++) {
        k->mean[b] = -1.5f;
        k->deviation[b] = 1;
    }
    assert_ok(tb_pool_new("test", n_threads, 8, &k->pool, &err));
    const tb_embedder_options options = {.pieces = k->made.list, .n_bands = BANDS, .augmenter = k->augmenter, .mean = k->mean, .deviation = k->deviation};
    assert_ok(tb_embedder_new(k->net, k->pool, &options, &k->embedder, &err));
    assert_ok(tb_validation_new(k->made.list, k->made.n, BANDS, &(tb_validation_options){2, 10, 1}, &k->validation, &err));
}

static void close_kit(kit *k)
{
    tb_validation_free(k->validation);
    tb_embedder_free(k->embedder);
    tb_pool_free(k->pool);
    tb_network_free(k->net);
    tb_augmenter_free(k->augmenter);
    tb_band_bank_free(k->bank);
    clear_pieces(&k->made);
}

static void a_network_that_hears_each_stem_by_itself_finds_it_again(void **state)
{
    (void)state;
    static kit k;
    tb_validation_report r;
    open_kit(&k, 1, 0);
    tb_validation_run(k.validation, k.embedder, &r);
    assert_near(r.chance, 0.1, 1e-9);
    for (size_t c = 0; c < TB_STEM_COUNT; c++) {
        if (!(r.accuracy[c] > 0.55)) fail_msg("accuracy of %s is %.2f", tb_stem_name((tb_stem)c), r.accuracy[c]);
        assert_true(r.leakage[c] < r.accuracy[c] - 0.2);
        assert_true(r.presence[c] > 0.9);
        assert_true(r.threshold[c] >= 0 && r.threshold[c] <= 1);
    }
    assert_near(r.score, r.mean_accuracy - r.mean_leakage / 2, 1e-9);
    close_kit(&k);
}

static void parts_that_hear_another_stem_leak(void **state)
{
    (void)state;
    static kit k;
    tb_validation_report r;
    open_kit(&k, 1, 1); /* part c hears stem c + 1 */
    tb_validation_run(k.validation, k.embedder, &r);
    for (size_t c = 0; c < TB_STEM_COUNT; c++) {
        assert_true(r.cross[c][(c + TB_STEM_COUNT - 1) % TB_STEM_COUNT] > 0.5);
        assert_true(r.accuracy[c] < 0.45);
    }
    close_kit(&k);
}

static void the_number_of_threads_changes_nothing(void **state)
{
    (void)state;
    static kit one, two;
    tb_validation_report a, b;
    open_kit(&one, 1, 0);
    open_kit(&two, 2, 0);
    assert_int_equal(tb_validation_n_segments(one.validation), 2 * 5 * 10 * 4 * 2 * 3 + 5 * 64);
    tb_validation_run(one.validation, one.embedder, &a);
    tb_validation_run(two.validation, two.embedder, &b);
    assert_memory_equal(&a, &b, sizeof a);
    close_kit(&one);
    close_kit(&two);
}

static void stems_that_cannot_be_tested_are_not_known(void **state)
{
    (void)state;
    tb_error err = {0};
    static kit k;
    tb_validation_report r;
    open_kit(&k, 1, 0);
    for (size_t p = 0; p < k.made.n; p++) { /* two hold a bass, which is too few */
        if (p < 2) continue;
        tb_free((void *)(uintptr_t)k.made.pieces[p].rows[TB_STEM_BASS]);
        k.made.pieces[p].rows[TB_STEM_BASS] = NULL;
    }
    tb_validation_free(k.validation);
    assert_ok(tb_validation_new(k.made.list, k.made.n, BANDS, &(tb_validation_options){2, 10, 1}, &k.validation, &err));
    tb_validation_run(k.validation, k.embedder, &r);
    assert_true(isnan(r.accuracy[TB_STEM_BASS]) && isnan(r.leakage[TB_STEM_BASS]));
    assert_true(r.accuracy[TB_STEM_DRUMS] > 0.5);
    assert_true(isfinite(r.score));
    close_kit(&k);
}

static void options_out_of_range_and_lack_of_memory_are_refused(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_validation *validation = NULL;
    tb_embedder *embedder = NULL;
    static kit k;
    open_kit(&k, 1, 0);
    assert_status(tb_validation_new(k.made.list, k.made.n, BANDS, &(tb_validation_options){0, 10, 1}, &validation, &err), TB_INVALID);
    assert_status(tb_validation_new(k.made.list, k.made.n, BANDS, &(tb_validation_options){1, 2, 1}, &validation, &err), TB_INVALID);
    assert_status(tb_validation_new(k.made.list, 1, BANDS, &(tb_validation_options){1, 10, 1}, &validation, &err), TB_INVALID);
    for (size_t n = 1;; n++) {
        tb_alloc_fail_after(n);
        const tb_status status = tb_validation_new(k.made.list, k.made.n, BANDS, &(tb_validation_options){1, 10, 1}, &validation, &err);
        tb_alloc_fail_after(0);
        if (status == TB_OK) break;
        assert_int_equal(status, TB_NO_MEMORY);
        assert_null(validation);
    }
    tb_validation_free(validation);
    const tb_embedder_options options = {.pieces = k.made.list, .n_bands = BANDS, .augmenter = k.augmenter, .mean = k.mean, .deviation = k.deviation};
    for (size_t n = 1;; n++) {
        tb_alloc_fail_after(n);
        const tb_status status = tb_embedder_new(k.net, k.pool, &options, &embedder, &err);
        tb_alloc_fail_after(0);
        if (status == TB_OK) break;
        assert_int_equal(status, TB_NO_MEMORY);
        assert_null(embedder);
    }
    tb_embedder_free(embedder);
    close_kit(&k);
}

TB_TESTS(validation, cmocka_unit_test(a_network_that_hears_each_stem_by_itself_finds_it_again),
         cmocka_unit_test(parts_that_hear_another_stem_leak), cmocka_unit_test(the_number_of_threads_changes_nothing),
         cmocka_unit_test(stems_that_cannot_be_tested_are_not_known), cmocka_unit_test(options_out_of_range_and_lack_of_memory_are_refused))
