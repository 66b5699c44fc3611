// SPDX-License-Identifier: MIT
#include "support/testing.h"

#include "made_pieces.h"

#include "base/alloc.h"
#include "train/sampler.h"

#include <string.h>

enum { ROWS = 430, BANDS = 16, ALL = 31 };

static tb_sampler *new_sampler(const made_pieces *made, const tb_sampler_options *options)
{
    tb_error err = {0};
    tb_sampler *sampler = NULL;
    assert_ok(tb_sampler_new(made->list, made->n, made->n_bands, options, &sampler, &err));
    return sampler;
}

static void assert_plan_is_sound(const made_pieces *made, const tb_group_plan *plan)
{
    int group = -1;
    for (size_t i = 0; i < plan->n; i++) {
        size_t n_sounding = 0;
        for (size_t c = 0; c < TB_STEM_COUNT; c++) {
            const tb_source *source = &plan->source[i][c];
            if (source->piece < 0) continue;
            const tb_piece *piece = made->list[source->piece];
            n_sounding++;
            assert_non_null(piece->rows[c]);
            assert_true(source->first_row + TB_WINDOW_ROWS_TAKEN <= piece->n_rows);
            assert_true(source->voice < plan->n_voices[c]);
            assert_true(group < 0 || piece->tempo_group == group);
            group = piece->tempo_group;
        }
        assert_true(n_sounding > 0);
    }
    for (size_t t = 0; t < plan->n_triplets; t++) {
        const tb_loss_triplet *x = &plan->triplets[t];
        assert_true(x->anchor < plan->n && x->positive < plan->n && x->negative < plan->n && x->part < TB_STEM_COUNT);
    }
}

static void contrast_groups_hold_each_piece_equally_often(void **state)
{
    (void)state;
    made_pieces made;
    tb_group_plan plan;
    tb_rng rng;
    make_pieces(&made, 60, 2, ROWS, BANDS, ALL);
    tb_sampler_options options;
    tb_sampler_options_default(&options);
    options.absent = 0;
    tb_sampler *sampler = new_sampler(&made, &options);
    assert_int_equal(tb_sampler_n_pieces(sampler), 60);
    assert_int_equal(tb_sampler_n_classes(sampler), 2);
    for (uint64_t step = 0; step < 10; step++) {
        tb_sampler_seed(&rng, 1, step, 0);
        tb_sampler_draw_contrast(sampler, &rng, &plan);
        assert_int_equal(plan.n, 64);
        assert_plan_is_sound(&made, &plan);
        for (size_t c = 0; c < TB_STEM_COUNT; c++) {
            size_t n_of[60] = {0};
            for (size_t i = 0; i < plan.n; i++) n_of[plan.source[i][c].piece]++;
            for (size_t p = 0; p < 60; p++) assert_true(n_of[p] == 0 || n_of[p] == 4);
            assert_int_equal(plan.n_voices[c], 16);
        }
    }
    tb_sampler_free(sampler);
    clear_pieces(&made);
}

static void stems_begin_at_the_same_place_in_their_bars(void **state)
{
    (void)state;
    made_pieces made;
    tb_group_plan plan;
    tb_rng rng;
    make_pieces(&made, 30, 1, ROWS, BANDS, ALL);
    tb_sampler_options options;
    tb_sampler_options_default(&options);
    tb_sampler *sampler = new_sampler(&made, &options);
    tb_sampler_seed(&rng, 2, 3, 4);
    tb_sampler_draw_contrast(sampler, &rng, &plan);
    size_t n_absent = 0;
    for (size_t i = 0; i < plan.n; i++) {
        int place = -1;
        for (size_t c = 0; c < TB_STEM_COUNT; c++) {
            n_absent += plan.source[i][c].piece < 0;
            if (plan.source[i][c].piece < 0) continue;
            const int own = (int)(plan.source[i][c].first_row % 43); /* rows in a bar of these pieces */
            assert_true(place < 0 || own == place);
            place = own;
        }
    }
    assert_true(n_absent > 15 && n_absent < 70); /* 12 % of 320 */
    tb_sampler_free(sampler);
    clear_pieces(&made);
}

static void a_group_depends_on_seed_step_and_number_alone(void **state)
{
    (void)state;
    made_pieces made;
    static tb_group_plan first, again, other;
    tb_rng rng;
    make_pieces(&made, 20, 1, ROWS, BANDS, ALL);
    tb_sampler_options options;
    tb_sampler_options_default(&options);
    tb_sampler *sampler = new_sampler(&made, &options);
    memset(&first, 0, sizeof first);
    memset(&again, 0, sizeof again);
    tb_sampler_seed(&rng, 7, 100, 1);
    tb_sampler_draw_contrast(sampler, &rng, &first);
    tb_sampler_seed(&rng, 7, 100, 2);
    tb_sampler_draw_contrast(sampler, &rng, &other);
    assert_true(memcmp(first.source, other.source, sizeof first.source[0] * first.n) != 0);
    tb_sampler_seed(&rng, 7, 101, 1);
    tb_sampler_draw_contrast(sampler, &rng, &other);
    assert_true(memcmp(first.source, other.source, sizeof first.source[0] * first.n) != 0);
    tb_sampler_seed(&rng, 7, 100, 1);
    tb_sampler_draw_contrast(sampler, &rng, &again);
    assert_memory_equal(&first, &again, sizeof first);
    tb_sampler_free(sampler);
    clear_pieces(&made);
}

static void twins_share_all_but_one_stem(void **state)
{
    (void)state;
    made_pieces made;
    tb_group_plan plan;
    tb_rng rng;
    make_pieces(&made, 40, 1, ROWS, BANDS, ALL);
    tb_sampler_options options;
    tb_sampler_options_default(&options);
    options.twins = 0.25;
    tb_sampler *sampler = new_sampler(&made, &options);
    tb_sampler_seed(&rng, 3, 0, 0);
    tb_sampler_draw_contrast(sampler, &rng, &plan);
    assert_plan_is_sound(&made, &plan);
    size_t n_alike = 0;
    for (size_t i = 0; i < 16; i += 2) {
        size_t n_same = 0;
        for (size_t c = 0; c < TB_STEM_COUNT; c++) n_same += plan.source[i][c].piece == plan.source[i + 1][c].piece;
        assert_true(n_same >= 4);
        n_alike += n_same == 5; /* the stem in question may meet itself by chance */
    }
    assert_true(n_alike <= 3);
    tb_sampler_free(sampler);
    clear_pieces(&made);
}

static void triplets_are_those_of_the_paper(void **state)
{
    (void)state;
    made_pieces made;
    tb_group_plan plan;
    tb_rng rng;
    make_pieces(&made, 24, 2, ROWS, BANDS, ALL);
    tb_sampler_options options;
    tb_sampler_options_default(&options);
    tb_sampler *sampler = new_sampler(&made, &options);
    assert_true(tb_sampler_can_triplets(sampler));
    for (uint64_t step = 0; step < 8; step++) {
        tb_sampler_seed(&rng, 4, step, 0);
        tb_sampler_draw_triplets(sampler, &rng, &plan);
        assert_int_equal(plan.n, 63);
        assert_int_equal(plan.n_basic, 21);
        assert_int_equal(plan.n_triplets, 21 * 5);
        assert_plan_is_sound(&made, &plan);
        for (size_t t = 0; t < plan.n_triplets; t++) {
            const tb_loss_triplet *x = &plan.triplets[t];
            const int32_t anchor = plan.source[x->anchor][x->part].piece;
            assert_int_equal(anchor, plan.source[x->positive][x->part].piece);
            assert_int_not_equal(anchor, plan.source[x->negative][x->part].piece);
        }
        for (size_t t = 0; t < plan.n_basic; t++) { /* the anchor is a piece as it is */
            const tb_source *anchor = plan.source[plan.triplets[t].anchor];
            for (size_t c = 1; c < TB_STEM_COUNT; c++) {
                assert_int_equal(anchor[c].piece, anchor[0].piece);
                assert_int_equal(anchor[c].first_row, anchor[0].first_row);
            }
        }
    }
    tb_sampler_free(sampler);
    clear_pieces(&made);
}

static void whole_pieces_alternate_with_single_stems(void **state)
{
    (void)state;
    made_pieces made;
    tb_group_plan plan;
    tb_rng rng;
    make_pieces(&made, 10, 1, ROWS, BANDS, ALL);
    tb_sampler_options options;
    tb_sampler_options_default(&options);
    tb_sampler *sampler = new_sampler(&made, &options);
    tb_sampler_seed(&rng, 5, 0, 0);
    tb_sampler_draw_whole(sampler, &rng, &plan);
    assert_plan_is_sound(&made, &plan);
    for (size_t i = 0; i < plan.n; i++) {
        size_t n = 0;
        for (size_t c = 0; c < TB_STEM_COUNT; c++) n += plan.source[i][c].piece >= 0;
        assert_int_equal(n, i % 2 ? 1 : 5);
    }
    tb_sampler_draw_single(sampler, TB_STEM_PIANO, &rng, &plan);
    assert_plan_is_sound(&made, &plan);
    for (size_t i = 0; i < plan.n; i++)
        for (size_t c = 0; c < TB_STEM_COUNT; c++) assert_int_equal(plan.source[i][c].piece >= 0, c == TB_STEM_PIANO);
    tb_sampler_free(sampler);
    clear_pieces(&made);
}

static void windows_in_which_a_stem_rests_are_passed_over(void **state)
{
    (void)state;
    made_pieces made;
    tb_rng rng;
    make_pieces(&made, 2, 1, 43 * 40, BANDS, ALL);
    uint16_t *rows = (uint16_t *)(uintptr_t)made.pieces[0].rows[TB_STEM_BASS];
    memset(rows, 0, (size_t)43 * 20 * BANDS * sizeof *rows); /* the first half rests */
    tb_sampler_options options;
    tb_sampler_options_default(&options);
    tb_sampler *sampler = new_sampler(&made, &options);
    tb_sampler_seed(&rng, 6, 0, 0);
    size_t n_rests = 0;
    for (int i = 0; i < 200; i++) n_rests += tb_sampler_place(sampler, 0, TB_STEM_BASS, 0, &rng) + TB_WINDOW_ROWS_TAKEN <= 43 * 20;
    assert_true(n_rests < 10);
    tb_sampler_free(sampler);
    clear_pieces(&made);
}

static void pieces_that_cannot_be_compared_are_refused(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_sampler *sampler = NULL;
    made_pieces made;
    tb_sampler_options options;
    tb_sampler_options_default(&options);
    assert_status(tb_sampler_new(NULL, 0, BANDS, &options, &sampler, &err), TB_INVALID);
    make_pieces(&made, 4, 4, ROWS, BANDS, ALL); /* each in a tempo group of its own */
    assert_status(tb_sampler_new(made.list, made.n, BANDS, &options, &sampler, &err), TB_INVALID);
    assert_non_null(strstr(err.message, "tempo group"));
    clear_pieces(&made);
    make_pieces(&made, 4, 1, TB_WINDOW_ROWS_TAKEN - 1, BANDS, ALL);
    assert_status(tb_sampler_new(made.list, made.n, BANDS, &options, &sampler, &err), TB_INVALID);
    clear_pieces(&made);
    make_pieces(&made, 4, 1, ROWS, BANDS, 0);
    assert_status(tb_sampler_new(made.list, made.n, BANDS, &options, &sampler, &err), TB_INVALID);
    clear_pieces(&made);
    make_pieces(&made, 4, 1, ROWS, BANDS, ALL);
    options.n_ids = 65;
    assert_status(tb_sampler_new(made.list, made.n, BANDS, &options, &sampler, &err), TB_INVALID);
    assert_null(sampler);
    clear_pieces(&made);
}

static void few_pieces_with_few_stems_still_make_groups(void **state)
{
    (void)state;
    made_pieces made;
    tb_group_plan plan;
    tb_rng rng;
    make_pieces(&made, 3, 1, TB_WINDOW_ROWS_TAKEN, BANDS, 1u << TB_STEM_BASS); /* shorter than a bar and a window */
    tb_sampler_options options;
    tb_sampler_options_default(&options);
    options.twins = 1;
    tb_sampler *sampler = new_sampler(&made, &options);
    assert_false(tb_sampler_can_triplets(sampler));
    assert_false(tb_sampler_can_single(sampler, TB_STEM_DRUMS));
    for (uint64_t step = 0; step < 20; step++) {
        tb_sampler_seed(&rng, 8, step, 0);
        tb_sampler_draw_contrast(sampler, &rng, &plan);
        assert_plan_is_sound(&made, &plan);
    }
    tb_sampler_free(sampler);
    clear_pieces(&made);
}

static void a_lack_of_memory_is_survived(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_sampler *sampler = NULL;
    made_pieces made;
    tb_sampler_options options;
    tb_sampler_options_default(&options);
    make_pieces(&made, 4, 1, ROWS, BANDS, ALL);
    for (size_t n = 1;; n++) {
        tb_alloc_fail_after(n);
        const tb_status status = tb_sampler_new(made.list, made.n, BANDS, &options, &sampler, &err);
        tb_alloc_fail_after(0);
        if (status == TB_OK) break;
        assert_int_equal(status, TB_NO_MEMORY);
        assert_null(sampler);
    }
    tb_sampler_free(sampler);
    clear_pieces(&made);
}

TB_TESTS(sampler, cmocka_unit_test(contrast_groups_hold_each_piece_equally_often),
         cmocka_unit_test(stems_begin_at_the_same_place_in_their_bars), cmocka_unit_test(a_group_depends_on_seed_step_and_number_alone),
         cmocka_unit_test(twins_share_all_but_one_stem), cmocka_unit_test(triplets_are_those_of_the_paper),
         cmocka_unit_test(whole_pieces_alternate_with_single_stems), cmocka_unit_test(windows_in_which_a_stem_rests_are_passed_over),
         cmocka_unit_test(pieces_that_cannot_be_compared_are_refused), cmocka_unit_test(few_pieces_with_few_stems_still_make_groups),
         cmocka_unit_test(a_lack_of_memory_is_survived))
