// SPDX-License-Identifier: MIT
/* Votes and scores on embeddings made by hand. */
#include "support/testing.h"

#include "base/alloc.h"
#include "base/rng.h"
#include "train/eval_score.h"
#include "train/eval_vote.h"
#include "train/parallel.h"

#include <math.h>
#include <string.h>

/* Items on a line, one part of one dimension. */
typedef struct line {
    float at[16];
    bool present[16];
    int32_t label[16], group[16];
} line;

static tb_vote_items items_of(const line *l, size_t n)
{
    return (tb_vote_items){.n = n, .n_parts = 1, .dim = 1, .vectors = l->at, .vector_stride = 1,
                           .present = l->present, .present_stride = 1,
                           .label = l->label};
}

static tb_vote_count count_of(const tb_vote_items *items)
{
    tb_error err = {0};
    tb_pool *pool = NULL;
    tb_vote_count count = {0};
    assert_ok(tb_pool_new("test", 2, 2, &pool, &err));
    assert_ok(tb_vote_all(items, pool, &count, &err));
    tb_pool_free(pool);
    return count;
}

static void most_of_the_five_nearest_win(void **state)
{
    (void)state;
    /* from 0: nearest 1 (label 7), then three of 8, one of 7, then many of 7 that come too late */
    const line l =
        {.at = {0, 1, 2, 3, 4, 5, 6, 7, 8}, .present = {1, 1, 1, 1, 1, 1, 1, 1, 1},
         .label = {7, 7, 8, 8, 8, 7, 7, 7, 7}};
    const tb_vote_items items = items_of(&l, 9);
    assert_int_equal(tb_vote(&items, 0), 8);
}

static void a_tie_is_for_the_label_whose_item_is_nearest(void **state)
{
    (void)state;
    const line l = {.at = {0, 5, 1, 3, -2, 4}, .present = {1, 1, 1, 1, 1, 1}, .label = {0, 1, 2, 2, 3, 3}};
    const tb_vote_items items = items_of(&l, 6);
    assert_int_equal(tb_vote(&items, 0), 2); /* two of 2 (1 and 3 away), two of 3 (2 and 4 away) */
}

static void equal_distances_stand_in_the_order_of_their_numbers(void **state)
{
    (void)state;
    const line l = {.at = {0, 1, -1, 1, -1}, .present = {1, 1, 1, 1, 1}, .label = {0, 4, 3, 2, 1}};
    const tb_vote_items items = items_of(&l, 5);
    assert_int_equal(tb_vote(&items, 0), 4);
}

static void the_own_group_is_not_asked(void **state)
{
    (void)state;
    const line l =
        {.at = {0, 0.1f, 0.2f, 5, 6, 7}, .present = {1, 1, 1, 1, 1, 1}, .label = {1, 1, 1, 2, 2, 1},
         .group = {9, 9, 9, 8, 8, 8}};
    tb_vote_items items = items_of(&l, 6);
    assert_int_equal(tb_vote(&items, 0), 1);
    items.group = l.group;
    assert_int_equal(tb_vote(&items, 0), 2);
    assert_int_equal(tb_vote(&items, 3), 1);
}

static void items_without_the_part_neither_ask_nor_answer(void **state)
{
    (void)state;
    const line l = {.at = {0, 0.1f, 0.2f, 5, 6}, .present = {1, 0, 0, 1, 1}, .label = {1, 1, 1, 2, 1}};
    const tb_vote_items items = items_of(&l, 5);
    assert_int_equal(tb_vote(&items, 0), 2);
    assert_int_equal(tb_vote(&items, 1), -1);
    const tb_vote_count count = count_of(&items);
    assert_int_equal(count.n_asked, 2); /* 0 and 4; nobody else has the label of 3 */
    assert_int_equal(count.n_right, 0); /* of 0 and of 4 the item 3 is nearest, one vote each */
}

static void several_parts_are_averaged_over_those_that_both_have(void **state)
{
    (void)state;
    const float vectors[] = {0, 0, 3, 4, 0, 4};
    const bool present[] = {1, 1, 1, 1, 1, 0}, none[6] = {0};
    tb_vote_items items =
        {.n = 3, .n_parts = 2, .dim = 1, .vectors = vectors, .vector_stride = 2, .present = present,
         .present_stride = 2};
    assert_near(tb_vote_distance2(&items, 0, 1), 12.5, 1e-6);
    assert_near(tb_vote_distance2(&items, 0, 2), 0, 1e-6);
    assert_near(tb_vote_distance2(&items, 2, 1), 9, 1e-6);
    items.present = none;
    assert_true(isinf(tb_vote_distance2(&items, 0, 1)));
}

static void every_item_votes_whatever_the_number_of_threads(void **state)
{
    (void)state;
    enum { N = 200, DIM = 19 };
    tb_error err = {0};
    tb_rng rng;
    tb_vote_count first = {0};
    float *vectors = tb_alloc(N * DIM, sizeof *vectors);
    bool present[N];
    int32_t label[N];
    assert_non_null(vectors);
    tb_rng_init(&rng, 3);
    for (size_t i = 0; i < N; i++) {
        label[i] = (int32_t)(i % 10);
        present[i] = true;
        for (size_t k = 0; k < DIM; k++)
            vectors[i * DIM + k] = (float)(tb_rng_normal(&rng) + (k == i % 10 ? 2 : 0));
    }
    const tb_vote_items items =
        {.n = N, .n_parts = 1, .dim = DIM, .vectors = vectors, .vector_stride = DIM, .present = present,
                                 .present_stride = 1, .label = label};
    for (size_t n_threads = 1; n_threads <= 5; n_threads++) {
        tb_pool *pool = NULL;
        tb_vote_count count;
        assert_ok(tb_pool_new("test", n_threads, 8, &pool, &err));
        assert_ok(tb_vote_all(&items, pool, &count, &err));
        tb_pool_free(pool);
        if (n_threads == 1) first = count;
        assert_int_equal(count.n_asked, N);
        assert_int_equal(count.n_right, first.n_right);
    }
    assert_true(first.n_right > N / 4 && first.n_right < N);
    tb_free(vectors);
}

/* --- scores --------------------------------------------------------------------------------------------- */

static double precision_of(const float *score, const bool *truth, size_t n)
{
    tb_error err = {0};
    double result = -1;
    assert_ok(tb_average_precision(score, truth, n, &result, &err));
    return result;
}

static void average_precision_is_that_of_textbooks(void **state)
{
    (void)state;
    const float falling[] = {0.9f, 0.8f, 0.7f, 0.6f, 0.5f}, equal[] = {0.5f, 0.5f, 0.5f, 0.5f, 0.5f};
    const bool perfect[] = {1, 1, 0, 0, 0}, worst[] = {0, 0, 0, 1, 1}, mixed[] = {1, 0, 1, 0, 1}, none[] =
        {0, 0, 0, 0, 0};
    assert_near(precision_of(falling, perfect, 5), 1, 1e-12);
    assert_near(precision_of(falling, worst, 5), (1.0 / 4 + 2.0 / 5) / 2, 1e-12);
    assert_near(precision_of(falling, mixed, 5), (1 + 2.0 / 3 + 3.0 / 5) / 3, 1e-12);
    assert_near(precision_of(equal, mixed, 5), 0.6, 1e-12); /* what chance gives, in any order */
    assert_true(isnan(precision_of(falling, none, 5)));
    assert_true(isnan(precision_of(NULL, NULL, 0)));
}

static void means_pass_over_what_is_not_known(void **state)
{
    (void)state;
    const double values[] = {1, (double)NAN, 3, 5}, nothing[] = {(double)NAN};
    double mean, deviation;
    tb_mean_and_deviation(values, 4, &mean, &deviation);
    assert_near(mean, 3, 1e-12);
    assert_near(deviation, 2, 1e-12);
    tb_mean_and_deviation(values, 1, &mean, &deviation);
    assert_near(deviation, 0, 0);
    tb_mean_and_deviation(nothing, 1, &mean, &deviation);
    assert_true(isnan(mean) && isnan(deviation));
}

static void presence_is_measured_against_what_is_audible(void **state)
{
    (void)state;
    enum { N = 4 };
    tb_error err = {0};
    float presence[N * TB_STEM_COUNT] = {0}, share[N * TB_STEM_COUNT] = {0};
    bool audible[N * TB_STEM_COUNT] = {0};
    const float threshold[TB_STEM_COUNT] = {0.5f, 0.5f, 0.5f, 0.5f, 0.5f};
    tb_eval_presence made;
    for (size_t i = 0; i < N - 1; i++) { /* the last segment has no sound at all */
        share[i * TB_STEM_COUNT + TB_STEM_BASS] = 1;
        audible[i * TB_STEM_COUNT + TB_STEM_BASS] = true;
        presence[i * TB_STEM_COUNT + TB_STEM_BASS] = 0.9f;
    }
    audible[0] = true; /* drums in the first, which the model hears less than in the second */
    presence[0] = 0.6f;
    presence[TB_STEM_COUNT] = 0.7f;
    const tb_heard heard = {.n = N, .presence = presence, .share = share, .audible = audible};
    assert_ok(tb_eval_presence_measure(&heard, threshold, &made, &err));
    assert_int_equal(made.n, N - 1);
    assert_near(made.average_precision[TB_STEM_DRUMS], 0.5, 1e-12);
    assert_near(made.precision[TB_STEM_DRUMS], 0.5, 1e-12);
    assert_near(made.recall[TB_STEM_DRUMS], 1, 1e-12);
    assert_near(made.share[TB_STEM_DRUMS], 1.0 / 3, 1e-12);
    assert_true(isnan(made.average_precision[TB_STEM_BASS])); /* always there: nothing to tell apart */
    assert_near(made.recall[TB_STEM_BASS], 1, 1e-12);
    assert_true(isnan(made.average_precision[TB_STEM_PIANO]) && isnan(made.precision[TB_STEM_PIANO]) &&
                isnan(made.recall[TB_STEM_PIANO]));
}

/* --- parallel ------------------------------------------------------------------------------------------- */

static void mark(void *context, size_t worker, size_t first, size_t n)
{
    unsigned char *marks = context;
    assert_true(worker < 3);
    for (size_t i = first; i < first + n; i++) marks[i]++;
}

static void a_range_is_worked_on_once(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_pool *pool = NULL;
    assert_ok(tb_pool_new("test", 3, 1, &pool, &err));
    for (size_t n = 0; n < 40; n += 13) {
        unsigned char marks[40] = {0};
        tb_parallel(pool, n, 4, mark, marks);
        for (size_t i = 0; i < 40; i++) assert_int_equal(marks[i], i < n);
    }
    tb_pool_free(pool);
}

TB_TESTS(eval_vote, cmocka_unit_test(most_of_the_five_nearest_win),
         cmocka_unit_test(a_tie_is_for_the_label_whose_item_is_nearest),
         cmocka_unit_test(equal_distances_stand_in_the_order_of_their_numbers), cmocka_unit_test(the_own_group_is_not_asked),
         cmocka_unit_test(items_without_the_part_neither_ask_nor_answer), cmocka_unit_test(several_parts_are_averaged_over_those_that_both_have),
         cmocka_unit_test(every_item_votes_whatever_the_number_of_threads), cmocka_unit_test(average_precision_is_that_of_textbooks),
         cmocka_unit_test(means_pass_over_what_is_not_known), cmocka_unit_test(presence_is_measured_against_what_is_audible),
         cmocka_unit_test(a_range_is_worked_on_once))
