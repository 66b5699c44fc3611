// SPDX-License-Identifier: MIT
/* The tables on made-up pieces with networks that do what is known: one whose parts hear nothing but their stem, and one
 * whose parts all hear everything. */
#include "support/testing.h"
#include "support/wav.h"

#include "made_model.h"
#include "made_pieces.h"

#include "base/alloc.h"
#include "train/eval_draw.h"
#include "train/eval_tables.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PIECES = 14, ROWS = 860, BANDS = 40 };

typedef struct kit {
    made_pieces made;
    char *path;
    tb_hearer *hearer;
    tb_eval_set set;
} kit;

/* Each stem sounds in its own fifth of the bands alone. */
static void separate(made_pieces *made)
{
    const size_t fifth = made->n_bands / TB_STEM_COUNT;
    for (size_t i = 0; i < made->n; i++)
        for (size_t c = 0; c < TB_STEM_COUNT; c++) {
            uint16_t *rows = (uint16_t *)(uintptr_t)made->pieces[i].rows[c];
            for (size_t k = 0; rows && k < made->pieces[i].n_rows * made->n_bands; k++)
                if (k % made->n_bands / fifth != c) rows[k] = 0;
        }
}

static void open_kit(kit *k, made_model_kind kind, size_t n_threads, unsigned mask)
{
    tb_error err = {0};
    make_pieces(&k->made, PIECES, 2, ROWS, BANDS, mask);
    separate(&k->made);
    k->path = tb_test_join(tb_test_folder(), "model.safetensors");
    write_model(k->path, kind, BANDS, 5);
    assert_ok(tb_hearer_open(k->path, &(tb_hearer_options){.n_threads = n_threads}, &k->hearer, &err));
    k->set = (tb_eval_set){k->hearer, k->made.list, k->made.n, 11};
}

static void close_kit(kit *k)
{
    tb_hearer_close(k->hearer);
    clear_pieces(&k->made);
    free(k->path);
}

/* --- hearing -------------------------------------------------------------------------------------------- */

static void segments_are_heard_with_vectors_shares_and_presence(void **state)
{
    (void)state;
    tb_error err = {0};
    kit k = {0};
    tb_heard heard = {0};
    tb_mix mixes[3] = {0};
    open_kit(&k, MADE_MODEL_APART, 2, 31);
    for (size_t c = 0; c < TB_STEM_COUNT; c++) { /* all of piece 0, the bass of piece 1, nothing */
        mixes[0].stem[c].piece = &k.made.pieces[0];
        mixes[1].stem[c].piece = c == TB_STEM_BASS ? &k.made.pieces[1] : NULL;
    }
    for (int span = 0; span < TB_SPAN_COUNT; span++) {
        assert_ok(tb_hearer_hear(k.hearer, mixes, 3, (tb_span)span, &heard, &err));
        float shares = 0;
        for (size_t c = 0; c < TB_STEM_COUNT; c++) {
            shares += heard.share[c];
            double square = 0;
            for (size_t d = 0; d < TB_INSTRUMENTS_PART_DIM; d++)
                square += pow((double)heard.vectors[c * TB_INSTRUMENTS_PART_DIM + d], 2);
            assert_near(square, 1, 1e-5);
            assert_true(heard.audible[c]);
            assert_int_equal(heard.audible[TB_STEM_COUNT + c], c == TB_STEM_BASS);
            assert_near(heard.share[TB_STEM_COUNT + c], c == TB_STEM_BASS ? 0.2 : 0, 1e-3); /* of all bands */
            assert_near(heard.share[2 * TB_STEM_COUNT + c], 0, 0);
            assert_near(heard.presence[2 * TB_STEM_COUNT + c], 0, 0);
        }
        assert_near(shares, 1, 1e-4);
        for (size_t d = 0; d < TB_INSTRUMENTS_DIM; d++)
            assert_near(heard.vectors[2 * TB_INSTRUMENTS_DIM + d], 0, 0);
        tb_heard_clear(&heard);
    }
    close_kit(&k);
}

static void what_is_heard_does_not_depend_on_the_batch_or_on_threads(void **state)
{
    (void)state;
    enum { N = 70 };
    tb_error err = {0};
    kit one = {0}, three = {0};
    tb_mix mixes[N] = {0};
    tb_heard all = {0}, again = {0}, single = {0};
    open_kit(&one, MADE_MODEL_RANDOM, 1, 31);
    open_kit(&three, MADE_MODEL_RANDOM, 3, 31);
    for (size_t i = 0; i < N; i++)
        for (size_t c = 0; c < TB_STEM_COUNT; c++) {
            mixes[i].stem[c].piece = &one.made.pieces[(i + c) % PIECES];
            mixes[i].stem[c].first_row = 7 * i;
        }
    assert_ok(tb_hearer_hear(one.hearer, mixes, N, TB_SPAN_10S, &all, &err));
    assert_ok(tb_hearer_hear(three.hearer, mixes, N, TB_SPAN_10S, &again, &err));
    assert_memory_equal(all.vectors, again.vectors, N * TB_INSTRUMENTS_DIM * sizeof *all.vectors);
    assert_memory_equal(all.presence, again.presence, N * TB_STEM_COUNT * sizeof *all.presence);
    assert_ok(tb_hearer_hear(three.hearer, mixes + N - 1, 1, TB_SPAN_10S, &single, &err));
    assert_memory_equal(all.vectors + (N - 1) * TB_INSTRUMENTS_DIM, single.vectors,
                        TB_INSTRUMENTS_DIM * sizeof *all.vectors);
    tb_heard_clear(&all);
    tb_heard_clear(&again);
    tb_heard_clear(&single);
    close_kit(&one);
    close_kit(&three);
}

static void a_model_of_another_kind_is_refused(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_hearer *hearer = NULL;
    char *path = tb_test_source_path("models/descriptors.safetensors");
    assert_status(tb_hearer_open(path, &(tb_hearer_options){0}, &hearer, &err), TB_UNSUPPORTED);
    assert_non_null(strstr(err.message, "descriptors"));
    assert_status(tb_hearer_open("/no/such/file", &(tb_hearer_options){0}, &hearer, &err), TB_NOT_FOUND);
    assert_null(hearer);
    free(path);
}

static void each_allocation_of_a_hearer_may_fail(void **state)
{
    (void)state;
    tb_error err = {0};
    char *path = tb_test_join(tb_test_folder(), "model.safetensors");
    write_model(path, MADE_MODEL_APART, BANDS, 1);
    tb_status status = TB_NO_MEMORY;
    size_t n = 1;
    for (; status == TB_NO_MEMORY && n < 500; n++) {
        tb_hearer *hearer = NULL;
        tb_alloc_fail_after(n);
        status = tb_hearer_open(path, &(tb_hearer_options){.n_threads = 2}, &hearer, &err);
        tb_alloc_fail_after(0);
        if (status != TB_OK) assert_null(hearer);
        tb_hearer_close(hearer);
    }
    assert_int_equal(status, TB_OK);
    assert_true(n > 10);
    free(path);
}

/* One table on few cases, with the n-th allocation and those after it failing. */
static tb_status measure_little(const tb_eval_set *set, size_t table, tb_error *err)
{
    tb_eval_identity identity;
    tb_eval_presence presence;
    tb_eval_judgement judgement;
    tb_eval_disentanglement disentanglement;
    tb_eval_mixes mixes;
    switch (table) {
    case 0: return tb_eval_identity_measure(set, &identity, &presence, err);
    case 1: return tb_eval_judgement_measure(set, 1, &judgement, err);
    case 2: return tb_eval_disentanglement_measure(set, 2, &disentanglement, err);
    default: return tb_eval_mixes_measure(set, 1, &mixes, err);
    }
}

static void each_allocation_of_a_table_may_fail(void **state)
{
    (void)state;
    tb_error err = {0};
    kit k = {0};
    open_kit(&k, MADE_MODEL_APART, 2, 31);
    k.set.n_pieces = 6;
    for (size_t table = 0; table < 4; table++) {
        tb_status status = TB_NO_MEMORY;
        size_t n = 1;
        for (; status == TB_NO_MEMORY && n < 200; n += table == 3 ? 7 : 1) { /* the last one takes long */
            tb_alloc_fail_after(n);
            status = measure_little(&k.set, table, &err);
            tb_alloc_fail_after(0);
        }
        if (status != TB_OK)
            fail_msg("table %zu, up to allocation %zu: %s", table, n, tb_status_name(status));
        assert_true(n > 5);
    }
    close_kit(&k);
}

/* --- tables --------------------------------------------------------------------------------------------- */

static void segments_find_their_piece(void **state)
{
    (void)state;
    tb_error err = {0};
    kit k = {0};
    tb_eval_identity identity;
    tb_eval_presence presence;
    open_kit(&k, MADE_MODEL_APART, 2, 31);
    assert_ok(tb_eval_identity_measure(&k.set, &identity, &presence, &err));
    assert_int_equal(identity.n_pieces, PIECES);
    for (int span = 0; span < TB_SPAN_COUNT; span++) {
        assert_near(identity.all[span].share, 1, 0.02);
        for (size_t c = 0; c < TB_STEM_COUNT; c++) {
            assert_int_equal(identity.mix[span][c].n, PIECES * (span == TB_SPAN_3S ? ROWS / 64 : ROWS / 215));
            assert_true(identity.mix[span][c].share > 0.9);
            assert_true(identity.alone[span][c].share > 0.9);
        }
    }
    for (size_t c = 0; c < TB_STEM_COUNT; c++) assert_true(isnan(presence.average_precision[c])); /* all stems sound everywhere */
    k.set.n_pieces = 1;
    assert_status(tb_eval_identity_measure(&k.set, &identity, &presence, &err), TB_INVALID);
    close_kit(&k);
}

static void presence_is_perfect_where_the_model_hears_its_band(void **state)
{
    (void)state;
    tb_error err = {0};
    kit k = {0};
    tb_eval_identity identity;
    tb_eval_presence presence;
    open_kit(&k, MADE_MODEL_APART, 2, 31);
    for (size_t i = 0; i < PIECES; i += 2) { /* every second piece has no piano */
        tb_free((void *)(uintptr_t)k.made.pieces[i].rows[TB_STEM_PIANO]);
        k.made.pieces[i].rows[TB_STEM_PIANO] = NULL;
    }
    assert_ok(tb_eval_identity_measure(&k.set, &identity, &presence, &err));
    assert_near(presence.average_precision[TB_STEM_PIANO], 1, 0.05);
    assert_near(presence.share[TB_STEM_PIANO], 0.5, 1e-9);
    assert_int_equal(identity.mix[TB_SPAN_3S][TB_STEM_PIANO].n, PIECES / 2 * (ROWS / 64));
    close_kit(&k);
}

static void a_space_with_parts_of_their_own_does_not_leak(void **state)
{
    (void)state;
    tb_error err = {0};
    kit k = {0};
    tb_eval_mixes mixes;
    open_kit(&k, MADE_MODEL_APART, 2, 31);
    assert_ok(tb_eval_mixes_measure(&k.set, 3, &mixes, &err));
    assert_int_equal(mixes.n_draws, 3);
    assert_near(mixes.n_labels, 10, 0);
    for (size_t c = 0; c < TB_STEM_COUNT; c++) assert_true(mixes.mean[c][c] > 0.9);
    if (!(mixes.leakage < 0.25)) fail_msg("leakage %g", mixes.leakage);
    assert_true(mixes.leakage_deviation >= 0 && mixes.leakage_deviation < 0.2);
    close_kit(&k);
}

static void a_space_whose_parts_hear_everything_leaks(void **state)
{
    (void)state;
    tb_error err = {0};
    kit k = {0};
    tb_eval_mixes mixes;
    open_kit(&k, MADE_MODEL_LEAKY, 2, 31);
    assert_ok(tb_eval_mixes_measure(&k.set, 2, &mixes, &err));
    for (size_t c = 0; c < TB_STEM_COUNT; c++)
        for (size_t q = 0; q < TB_STEM_COUNT; q++) assert_near(mixes.mean[c][q], mixes.mean[c][c], 1e-9);
    double own = 0;
    for (size_t c = 0; c < TB_STEM_COUNT; c++) own += mixes.mean[c][c] / TB_STEM_COUNT;
    assert_near(mixes.leakage, own, 1e-9);
    close_kit(&k);
}

static void a_stem_that_no_piece_has_is_not_measured(void **state)
{
    (void)state;
    tb_error err = {0};
    kit k = {0};
    tb_eval_mixes mixes;
    tb_eval_judgement judgement;
    tb_eval_disentanglement result;
    open_kit(&k, MADE_MODEL_APART, 1, 31 & ~(1u << TB_STEM_GUITAR));
    assert_ok(tb_eval_mixes_measure(&k.set, 1, &mixes, &err));
    for (size_t q = 0; q < TB_STEM_COUNT; q++) {
        assert_true(isnan(mixes.mean[TB_STEM_GUITAR][q]));
        assert_true(isnan(mixes.mean[q][TB_STEM_GUITAR]));
    }
    assert_true(!isnan(mixes.leakage));
    assert_ok(tb_eval_judgement_measure(&k.set, 5, &judgement, &err));
    assert_int_equal(judgement.apart[TB_STEM_GUITAR].n, 0);
    assert_int_equal(judgement.apart[TB_STEM_BASS].n, 5);
    assert_ok(tb_eval_disentanglement_measure(&k.set, 5, &result, &err)); /* every case needs all stems */
    assert_true(isnan(result.ratio));
    close_kit(&k);
}

static void judgements_agree_where_parts_are_apart_and_a_lure_fools_those_that_leak(void **state)
{
    (void)state;
    tb_error err = {0};
    kit apart = {0}, leaky = {0};
    tb_eval_judgement good, bad;
    open_kit(&apart, MADE_MODEL_APART, 2, 31);
    open_kit(&leaky, MADE_MODEL_LEAKY, 2, 31);
    assert_ok(tb_eval_judgement_measure(&apart.set, 20, &good, &err));
    assert_ok(tb_eval_judgement_measure(&leaky.set, 20, &bad, &err));
    for (size_t c = 0; c < TB_STEM_COUNT; c++) {
        assert_int_equal(good.apart[c].n, 20);
        assert_int_equal(good.lure[c].n, 20);
        assert_true(good.apart[c].share > 0.9 && good.lure[c].share > 0.9);
        assert_true(bad.lure[c].share < 0.4);
    }
    close_kit(&apart);
    close_kit(&leaky);
}

static void exchanging_a_stem_moves_its_own_part_alone(void **state)
{
    (void)state;
    tb_error err = {0};
    kit apart = {0}, leaky = {0};
    tb_eval_disentanglement good, bad;
    open_kit(&apart, MADE_MODEL_APART, 2, 31);
    open_kit(&leaky, MADE_MODEL_LEAKY, 2, 31);
    assert_ok(tb_eval_disentanglement_measure(&apart.set, 30, &good, &err));
    assert_ok(tb_eval_disentanglement_measure(&leaky.set, 30, &bad, &err));
    double smallest = INFINITY;
    for (size_t p = 0; p < TB_STEM_COUNT; p++)
        for (size_t q = 0; q < TB_STEM_COUNT; q++) {
            assert_true(good.n[p][q] > 20);
            if (p == q) assert_near(good.change[p][q], 1, 0.25); /* as far as two unrelated mixes */
            else assert_true(good.change[p][q] < 0.35);
            if (p != q)
                smallest = fmin(smallest, fmin(good.change[p][p], good.change[q][q]) / good.change[p][q]);
            assert_near(bad.change[p][q], bad.change[q == 0 ? 1 : 0][q], 0.1); /* all parts alike */
        }
    assert_near(good.ratio, smallest, 1e-9);
    assert_true(good.ratio > 3 && good.ratio2 > good.ratio);
    assert_true(bad.ratio < 1.1);
    close_kit(&apart);
    close_kit(&leaky);
}

static void the_same_seed_gives_the_same_tables_for_any_number_of_threads(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_eval_mixes mixes[3];
    tb_eval_judgement judgement[3];
    for (size_t i = 0; i < 3; i++) {
        kit k = {0};
        open_kit(&k, MADE_MODEL_RANDOM, i == 0 ? 1 : 3, 31);
        if (i == 2) k.set.seed++;
        memset(&mixes[i], 0, sizeof mixes[i]);
        memset(&judgement[i], 0, sizeof judgement[i]);
        assert_ok(tb_eval_mixes_measure(&k.set, 2, &mixes[i], &err));
        assert_ok(tb_eval_judgement_measure(&k.set, 10, &judgement[i], &err));
        close_kit(&k);
    }
    assert_memory_equal(&mixes[0], &mixes[1], sizeof mixes[0]);
    assert_memory_equal(&judgement[0], &judgement[1], sizeof judgement[0]);
    assert_memory_not_equal(&mixes[0], &mixes[2], sizeof mixes[0]);
}

static atomic_bool cancelled;

static void cancel_soon(void *context, const char *stage, size_t done, size_t total)
{
    assert_null(context);
    assert_non_null(stage);
    assert_true(done <= total);
    if (done > 0) atomic_store(&cancelled, true);
}

static void an_evaluation_can_be_cancelled(void **state)
{
    (void)state;
    tb_error err = {0};
    kit k = {0};
    tb_eval_mixes mixes;
    open_kit(&k, MADE_MODEL_APART, 1, 31);
    tb_hearer_close(k.hearer);
    k.hearer = NULL;
    assert_ok(tb_hearer_open(k.path,
                             &(tb_hearer_options){.n_threads = 2, .progress = cancel_soon,
                                                  .cancel = &cancelled}, &k.hearer, &err));
    k.set.hearer = k.hearer;
    assert_status(tb_eval_mixes_measure(&k.set, 2, &mixes, &err), TB_CANCELLED);
    close_kit(&k);
}

/* --- what is drawn -------------------------------------------------------------------------------------- */

static void pieces_of_the_same_tempo_come_first(void **state)
{
    (void)state;
    tb_rng rng;
    size_t found[PIECES];
    made_pieces made;
    make_pieces(&made, PIECES, 5, 128, 10, 31);
    const tb_eval_set set = {NULL, made.list, made.n, 1};
    tb_eval_rng(&rng, 1, TB_EVAL_STREAM_MIXES, 0);
    const size_t n = tb_eval_near(&set, &rng, made.list[1], 31, 128, 1, found); /* group 1: pieces 1, 6, 11 */
    assert_int_equal(n, PIECES - 1);
    assert_true((found[0] == 6 && found[1] == 11) || (found[0] == 11 && found[1] == 6));
    for (size_t i = 3; i < n; i++)
        assert_true(fabs(log(made.list[found[i - 1]]->tempo_bpm / made.list[1]->tempo_bpm)) <=
                    fabs(log(made.list[found[i]]->tempo_bpm / made.list[1]->tempo_bpm)) + 1e-12);
    assert_int_equal(tb_eval_near(&set, &rng, made.list[1], 31, 129, SIZE_MAX, found), 0);
    clear_pieces(&made);
}

static void segments_start_at_bars_spread_over_the_piece(void **state)
{
    (void)state;
    enum { BAR = 43 };
    tb_rng rng;
    size_t rows[6];
    made_pieces made;
    make_pieces(&made, 1, 1, ROWS, 10, 31);
    tb_eval_rng(&rng, 1, TB_EVAL_STREAM_MIXES, 0);
    tb_eval_starts(made.list[0], &rng, 215, 6, rows);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(rows[i] % BAR, 0);
        assert_true(rows[i] + 215 <= ROWS);
        for (size_t j = 0; j < i; j++) assert_true(rows[i] != rows[j]);
    }
    made.pieces[0].n_bars = 0;
    tb_eval_starts(made.list[0], &rng, ROWS, 2, rows); /* there is but one place */
    assert_int_equal(rows[0] + rows[1], 0);
    clear_pieces(&made);
}

TB_TESTS(eval_tables, cmocka_unit_test(segments_are_heard_with_vectors_shares_and_presence),
         cmocka_unit_test(what_is_heard_does_not_depend_on_the_batch_or_on_threads), cmocka_unit_test(a_model_of_another_kind_is_refused),
         cmocka_unit_test(each_allocation_of_a_hearer_may_fail), cmocka_unit_test(each_allocation_of_a_table_may_fail), cmocka_unit_test(segments_find_their_piece),
         cmocka_unit_test(presence_is_perfect_where_the_model_hears_its_band), cmocka_unit_test(a_space_with_parts_of_their_own_does_not_leak),
         cmocka_unit_test(a_space_whose_parts_hear_everything_leaks), cmocka_unit_test(a_stem_that_no_piece_has_is_not_measured),
         cmocka_unit_test(judgements_agree_where_parts_are_apart_and_a_lure_fools_those_that_leak),
         cmocka_unit_test(exchanging_a_stem_moves_its_own_part_alone),
         cmocka_unit_test(the_same_seed_gives_the_same_tables_for_any_number_of_threads), cmocka_unit_test(an_evaluation_can_be_cancelled),
         cmocka_unit_test(pieces_of_the_same_tempo_come_first), cmocka_unit_test(segments_start_at_bars_spread_over_the_piece))
