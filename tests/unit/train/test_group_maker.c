// SPDX-License-Identifier: MIT
#include "support/testing.h"

#include "made_pieces.h"

#include "base/alloc.h"
#include "model/instruments.h"
#include "train/group_maker.h"
#include "train/group_trainer.h"

#include <math.h>
#include <string.h>

enum { ROWS = 430, BANDS = 16, ALL = 31, VALUES = TB_WINDOW_ROWS * BANDS, N = 12 };

typedef struct kit {
    made_pieces made;
    tb_band_bank *bank;
    tb_augmenter *augmenter;
    tb_sampler *sampler;
    tb_group_source source;
} kit;

static void open_kit(kit *k, bool changes)
{
    tb_error err = {0};
    tb_augment_options augment;
    if (changes) tb_augment_options_default(&augment);
    else tb_augment_options_none(&augment);
    make_pieces(&k->made, 12, 1, ROWS, BANDS, ALL);
    assert_ok(tb_band_bank_new(BANDS, &k->bank, &err));
    assert_ok(tb_augmenter_new(k->bank, &augment, &k->augmenter, &err));
    assert_ok(tb_sampler_new(k->made.list, k->made.n, BANDS, &(tb_sampler_options){N, 4, 0.2, 0}, &k->sampler, &err));
    k->source = (tb_group_source){.pieces = k->made.list, .n_bands = BANDS, .sampler = k->sampler, .augmenter = k->augmenter,
                                  .n_solos = N, .max_rows = 2 * N, .seed = 3};
}

static void close_kit(kit *k)
{
    tb_sampler_free(k->sampler);
    tb_augmenter_free(k->augmenter);
    tb_band_bank_free(k->bank);
    clear_pieces(&k->made);
}

static void solos_follow_their_mixes(void **state)
{
    (void)state;
    tb_error err = {0};
    static kit k;
    tb_group_maker *maker = NULL;
    tb_training_group group;
    open_kit(&k, true);
    assert_ok(tb_group_maker_new(&k.source, &maker, &err));
    tb_group_maker_make(maker, TB_GROUP_CONTRAST, TB_STEM_DRUMS, 0, 0, &group);
    const tb_loss_labels *l = &group.labels;
    assert_int_equal(l->n, 2 * N);
    for (size_t i = 0; i < N; i++) {
        size_t n_audible = 0;
        for (size_t c = 0; c < TB_STEM_COUNT; c++) {
            const size_t solo = (N + i) * TB_STEM_COUNT + c, mix = i * TB_STEM_COUNT + c;
            assert_true(l->presence[mix] == (l->audible[mix] ? 1 : 0));
            assert_true(l->presence[solo] == (l->audible[solo] ? 1 : 0));
            assert_true(l->audible[solo] == (l->piece[solo] >= 0));
            n_audible += l->audible[solo];
            if (!l->audible[solo]) continue;
            assert_true(l->audible[mix]);
            assert_int_equal(l->piece[solo], l->piece[mix]);
        }
        assert_int_equal(n_audible, 1);
        assert_true(l->has_target[i] && !l->has_target[N + i]);
    }
    tb_group_maker_free(maker);
    close_kit(&k);
}

static void the_solo_of_a_lone_stem_is_the_mix_itself(void **state)
{
    (void)state;
    tb_error err = {0};
    static kit k;
    tb_group_maker *maker = NULL;
    tb_training_group group;
    size_t n_lone = 0;
    open_kit(&k, false);
    assert_ok(tb_group_maker_new(&k.source, &maker, &err));
    for (uint64_t step = 0; step < 200; step++) {
        tb_group_maker_make(maker, TB_GROUP_CONTRAST, TB_STEM_DRUMS, step, 0, &group);
        for (size_t i = 0; i < N; i++) {
            size_t n_stems = 0;
            for (size_t c = 0; c < TB_STEM_COUNT; c++) n_stems += group.plan->source[i][c].piece >= 0;
            if (n_stems != 1) continue;
            n_lone++;
            assert_memory_equal(group.x + i * VALUES, group.x + (N + i) * VALUES, VALUES * sizeof(float));
        }
    }
    assert_true(n_lone > 0);
    tb_group_maker_free(maker);
    close_kit(&k);
}

static void a_lack_of_memory_is_survived(void **state)
{
    (void)state;
    tb_error err = {0};
    static kit k;
    tb_group_maker *maker = NULL;
    tb_instrument_targets *targets = NULL;
    open_kit(&k, true);
    assert_ok(tb_instrument_targets_new(BANDS, &targets, &err));
    k.source.targets = targets;
    for (size_t n = 1;; n++) {
        tb_alloc_fail_after(n);
        const tb_status status = tb_group_maker_new(&k.source, &maker, &err);
        tb_alloc_fail_after(0);
        if (status == TB_OK) break;
        assert_int_equal(status, TB_NO_MEMORY);
        assert_null(maker);
    }
    tb_group_maker_free(maker);
    tb_instrument_targets_free(targets);
    close_kit(&k);
}

/* --- steps ------------------------------------------------------------------------------------------------------------- */

static const char text[] = "input 64 16 1\nconv 4 5x5 stride 4 pad 2\nnorm\nleaky 0.2\nmean time\nflatten\ndense 645\n";

typedef struct bench {
    tb_network *net;
    tb_pool *pool;
    tb_group_trainer *trainer;
    tb_step step;
} bench;

static tb_status open_bench(bench *b, const kit *k, size_t n_threads, tb_error *err)
{
    tb_status status = TB_OK;
    tb_rng rng;
    *b = (bench){.step = {.kind = TB_GROUP_CONTRAST, .rate = 0.01, .loss = {.temperature = 0.1, .shared_weight = 1}}};
    b->step.loss.weight[TB_LOSS_CONTRASTIVE] = 1;
    const tb_group_trainer_options options = {
        .n_groups = 3, .max_segments = 2 * N, .shape = {5, 128, 5}, .optimizer = tb_optimizer_defaults, .clip = 5, .average = 0.9, .source = k->source,
    };
    TB_TRY(tb_network_parse(text, &b->net, err));
    tb_rng_init(&rng, 1);
    tb_network_init(b->net, &rng);
    TB_TRY(tb_pool_new("test", n_threads, 8, &b->pool, err));
    TB_TRY(tb_group_trainer_new(b->net, b->pool, &options, &b->trainer, err));
out:
    return status;
}

static void close_bench(bench *b)
{
    tb_group_trainer_free(b->trainer);
    tb_pool_free(b->pool);
    tb_network_free(b->net);
}

static void steps_give_the_same_bits_for_any_number_of_threads(void **state)
{
    (void)state;
    tb_error err = {0};
    static kit k;
    bench one, three;
    tb_step_report a, b;
    open_kit(&k, true);
    assert_ok(open_bench(&one, &k, 1, &err));
    assert_ok(open_bench(&three, &k, 3, &err));
    for (uint64_t i = 0; i < 5; i++) {
        one.step.number = three.step.number = i;
        assert_ok(tb_group_trainer_step(one.trainer, &one.step, &a, &err));
        assert_ok(tb_group_trainer_step(three.trainer, &three.step, &b, &err));
        assert_true(a.loss.total == b.loss.total);
        assert_true(a.gradient_norm == b.gradient_norm);
        assert_int_equal(a.n_segments, 3 * 2 * N);
    }
    assert_memory_equal(tb_network_params(one.net), tb_network_params(three.net), tb_network_n_params(one.net) * sizeof(float));
    assert_memory_equal(tb_group_trainer_average(one.trainer), tb_group_trainer_average(three.trainer), tb_network_n_params(one.net) * sizeof(float));
    close_bench(&one);
    close_bench(&three);
    close_kit(&k);
}

static void a_loss_that_is_no_number_stops_the_training(void **state)
{
    (void)state;
    tb_error err = {0};
    static kit k;
    bench b;
    tb_step_report report = {0};
    open_kit(&k, true);
    assert_ok(open_bench(&b, &k, 1, &err));
    float *params = tb_network_params(b.net);
    const size_t last = tb_network_n_params(b.net) - 1;
    params[last - 200] = NAN;
    const float before = params[0];
    b.step.number = 41;
    assert_status(tb_group_trainer_step(b.trainer, &b.step, &report, &err), TB_INVALID);
    assert_non_null(strstr(err.message, "step 42"));
    assert_true(params[0] == before);
    assert_int_equal(report.n_segments, 0);
    close_bench(&b);
    close_kit(&k);
}

static void a_trainer_refuses_networks_that_do_not_fit(void **state)
{
    (void)state;
    tb_error err = {0};
    static kit k;
    bench b;
    open_kit(&k, true);
    k.source.n_bands = 32;
    assert_status(open_bench(&b, &k, 1, &err), TB_INVALID);
    close_bench(&b);
    close_kit(&k);
}

static void a_trainer_survives_a_lack_of_memory(void **state)
{
    (void)state;
    tb_error err = {0};
    static kit k;
    bench b;
    open_kit(&k, true);
    for (size_t n = 1;; n++) {
        tb_alloc_fail_after(n);
        const tb_status status = open_bench(&b, &k, 1, &err);
        tb_alloc_fail_after(0);
        close_bench(&b);
        if (status == TB_OK) break;
        assert_int_equal(status, TB_NO_MEMORY);
    }
    close_kit(&k);
}

TB_TESTS(group_maker, cmocka_unit_test(solos_follow_their_mixes), cmocka_unit_test(the_solo_of_a_lone_stem_is_the_mix_itself),
         cmocka_unit_test(a_lack_of_memory_is_survived))
TB_TESTS(group_trainer, cmocka_unit_test(steps_give_the_same_bits_for_any_number_of_threads),
         cmocka_unit_test(a_loss_that_is_no_number_stops_the_training), cmocka_unit_test(a_trainer_refuses_networks_that_do_not_fit),
         cmocka_unit_test(a_trainer_survives_a_lack_of_memory))
