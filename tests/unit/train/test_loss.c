// SPDX-License-Identifier: MIT
#include "support/testing.h"

#include "base/alloc.h"
#include "base/rng.h"
#include "train/loss.h"

#include <math.h>
#include <string.h>

enum { N = 12, PARTS = 3, DIM = 5, WIDTH = PARTS * DIM + PARTS };

static const tb_loss_shape shape = {PARTS, DIM, PARTS};

/* A group with three pieces per part, some parts absent and some too quiet. */
typedef struct group {
    int32_t piece[N * PARTS];
    bool audible[N * PARTS], has_target[N];
    float presence[N * PARTS], target[N * PARTS * DIM], y[N * WIDTH];
    tb_loss_labels labels;
} group;

static void make_group(group *g, uint64_t seed)
{
    tb_rng rng;
    tb_rng_init(&rng, seed);
    memset(g, 0, sizeof *g);
    for (size_t i = 0; i < N * PARTS; i++) {
        g->piece[i] = tb_rng_uniform(&rng) < 0.1 ? -1 : (int32_t)tb_rng_below(&rng, 3);
        g->audible[i] = g->piece[i] >= 0 && tb_rng_uniform(&rng) < 0.9;
        g->presence[i] = (float)tb_rng_uniform(&rng);
    }
    for (size_t i = 0; i < N; i++) {
        g->has_target[i] = i % 3 != 0;
        double square = 0;
        float *target = g->target + i * PARTS * DIM;
        for (size_t d = 0; d < PARTS * DIM; d++) {
            target[d] = (float)tb_rng_normal(&rng);
            square += (double)target[d] * (double)target[d];
        }
        for (size_t d = 0; d < PARTS * DIM; d++) target[d] /= (float)sqrt(square);
    }
    for (size_t i = 0; i < N * WIDTH; i++) g->y[i] = (float)tb_rng_normal(&rng);
    g->labels = (tb_loss_labels){.n = N, .piece = g->piece, .audible = g->audible, .presence = g->presence,
                                 .target = g->target, .has_target = g->has_target};
}

static double total_of(tb_loss *loss, const tb_loss_options *options, const group *g)
{
    tb_loss_report report;
    tb_loss_compute(loss, options, &g->labels, g->y, NULL, &report);
    return report.total;
}

/* Every number of dy against (f(y + h) - f(y - h)) / 2h. */
static void assert_gradient(const tb_loss_options *options, group *g)
{
    tb_error err = {0};
    tb_loss *loss = NULL;
    tb_loss_report report;
    float dy[N * WIDTH];
    double largest = 0;
    const float h = 2e-3f;
    assert_ok(tb_loss_new(&shape, N, &loss, &err));
    tb_loss_compute(loss, options, &g->labels, g->y, dy, &report);
    assert_true(isfinite(report.total));
    for (size_t i = 0; i < N * WIDTH; i++) largest = fmax(largest, fabs((double)dy[i]));
    assert_true(largest > 1e-4);
    for (size_t i = 0; i < N * WIDTH; i++) {
        const float was = g->y[i];
        g->y[i] = was + h;
        const double above = total_of(loss, options, g);
        g->y[i] = was - h;
        const double below = total_of(loss, options, g);
        g->y[i] = was;
        const double expected = (above - below) / (2 * (double)h);
        if (fabs((double)dy[i] - expected) > 2e-3 * largest + 2e-5)
            fail_msg("number %zu: gradient %g, by differences %g (largest %g)", i, (double)dy[i], expected, largest);
    }
    tb_loss_free(loss);
}

static tb_loss_options only(tb_loss_term term, double weight)
{
    tb_loss_options options = {.temperature = 0.2, .shared_weight = 1, .margin = 0.2};
    options.weight[term] = weight;
    return options;
}

static void gradients_are_those_of_finite_differences(void **state)
{
    (void)state;
    group g;
    for (int t = 0; t < TB_LOSS_TERMS; t++) {
        if (t == TB_LOSS_TRIPLET) continue; /* has corners: below */
        for (uint64_t seed = 1; seed <= 3; seed++) {
            make_group(&g, seed);
            const tb_loss_options options = only((tb_loss_term)t, 1.7);
            assert_gradient(&options, &g);
        }
    }
}

static void gradient_of_triplets_is_that_of_finite_differences_away_from_the_margin(void **state)
{
    (void)state;
    group g;
    tb_loss_options options = only(TB_LOSS_TRIPLET, 1);
    make_group(&g, 4);
    options.margin = 3; /* further than two unit vectors can be apart: every triplet counts */
    assert_gradient(&options, &g);
    const tb_loss_triplet triplets[] = {{0, 1, 2, 0}, {3, 4, 5, 0}, {6, 7, 8, 1}, {0, 9, 1, 2}};
    g.labels.triplets = triplets;
    g.labels.n_triplets = 4;
    assert_gradient(&options, &g);
}

static void gradient_of_all_terms_together_holds_weights(void **state)
{
    (void)state;
    group g;
    make_group(&g, 5);
    tb_loss_options options = {.temperature = 0.1, .shared_weight = 4, .margin = 3};
    for (int t = 0; t < TB_LOSS_TERMS; t++) options.weight[t] = 0.2 + 0.3 * t;
    assert_gradient(&options, &g);
}

/* Two segments of piece 0 and one of piece 1, in one part of two numbers. */
static void contrastive_loss_is_the_formula(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_loss *loss = NULL;
    tb_loss_report report;
    const tb_loss_shape small = {1, 2, 0};
    const int32_t piece[] = {0, 0, 1};
    const bool audible[] = {true, true, true};
    const float y[] = {2, 0, 3, 4, 0, 5}; /* cosines: 0.6 (0, 1), 0 (0, 2), 0.8 (1, 2) */
    const tb_loss_labels labels = {.n = 3, .piece = piece, .audible = audible};
    tb_loss_options options = only(TB_LOSS_CONTRASTIVE, 1);
    assert_ok(tb_loss_new(&small, 3, &loss, &err));
    tb_loss_compute(loss, &options, &labels, y, NULL, &report);
    const double first = -log(exp(0.6 / 0.2) / (exp(0.6 / 0.2) + exp(0.0)));
    const double second = -log(exp(0.6 / 0.2) / (exp(0.6 / 0.2) + exp(0.8 / 0.2)));
    assert_near(report.total, (first + second) / 2, 1e-6);
    assert_near(report.part[0], report.total, 1e-9);
    assert_near(report.same[0], 0.6, 1e-6);
    assert_near(report.different[0], 0.4, 1e-6);
    assert_true(isnan(report.shared[0]));
    options = only(TB_LOSS_TRIPLET, 1);
    tb_loss_compute(loss, &options, &labels, y, NULL, &report);
    const double near = sqrt(2 - 1.2), far = sqrt(2.0), between = sqrt(2 - 1.6);
    assert_near(report.total, (fmax(near - far + 0.2, 0) + fmax(near - between + 0.2, 0)) / 2, 1e-5);
    tb_loss_free(loss);
}

static void negatives_that_share_another_part_weigh_more(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_loss *loss = NULL;
    tb_loss_report plain, heavy;
    group g;
    make_group(&g, 6);
    tb_loss_options options = only(TB_LOSS_CONTRASTIVE, 1);
    assert_ok(tb_loss_new(&shape, N, &loss, &err));
    tb_loss_compute(loss, &options, &g.labels, g.y, NULL, &plain);
    options.shared_weight = 8;
    tb_loss_compute(loss, &options, &g.labels, g.y, NULL, &heavy);
    assert_true(heavy.total > plain.total + 0.1);
    assert_gradient(&options, &g);
    tb_loss_free(loss);
}

/* Part 1 is a copy of part 0: what is shared in 0 shows in 1. */
static void leakage_sees_a_part_that_follows_another(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_loss *loss = NULL;
    tb_loss_report leaking, clean;
    group g;
    make_group(&g, 7);
    tb_rng rng;
    tb_rng_init(&rng, 8);
    float voice[PARTS][3][DIM];
    for (size_t k = 0; k < PARTS * 3 * DIM; k++) (&voice[0][0][0])[k] = (float)tb_rng_normal(&rng);
    for (size_t i = 0; i < N * PARTS; i++) {
        g.piece[i] = (int32_t)(i % PARTS == 0 ? i / PARTS % 3 : i % PARTS == 1 ? i / PARTS / 3 % 3 : i / PARTS / 4 % 3);
        g.audible[i] = true;
    }
    for (size_t i = 0; i < N; i++)
        for (size_t c = 0; c < PARTS; c++) memcpy(g.y + i * WIDTH + c * DIM, voice[c][g.piece[i * PARTS + c]], sizeof voice[0][0]);
    tb_loss_options options = only(TB_LOSS_LEAKAGE_MEAN, 1);
    options.weight[TB_LOSS_INDEPENDENCE] = 1;
    options.weight[TB_LOSS_LEAKAGE] = 1;
    assert_ok(tb_loss_new(&shape, N, &loss, &err));
    tb_loss_compute(loss, &options, &g.labels, g.y, NULL, &clean);
    for (size_t i = 0; i < N; i++) memcpy(g.y + i * WIDTH + DIM, voice[0][g.piece[i * PARTS]], sizeof voice[0][0]);
    tb_loss_compute(loss, &options, &g.labels, g.y, NULL, &leaking);
    assert_true(leaking.term[TB_LOSS_LEAKAGE_MEAN] > 2 * clean.term[TB_LOSS_LEAKAGE_MEAN]);
    assert_true(leaking.term[TB_LOSS_LEAKAGE] > clean.term[TB_LOSS_LEAKAGE]);
    assert_true(leaking.term[TB_LOSS_INDEPENDENCE] > 2 * clean.term[TB_LOSS_INDEPENDENCE]);
    tb_loss_free(loss);
}

static void absent_and_quiet_parts_get_no_gradient_from_contrast(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_loss *loss = NULL;
    tb_loss_report report;
    group g;
    float dy[N * WIDTH];
    make_group(&g, 9);
    const tb_loss_options options = only(TB_LOSS_CONTRASTIVE, 1);
    assert_ok(tb_loss_new(&shape, N, &loss, &err));
    tb_loss_compute(loss, &options, &g.labels, g.y, dy, &report);
    size_t n_quiet = 0;
    for (size_t i = 0; i < N * PARTS; i++) {
        if (g.audible[i]) continue;
        n_quiet++;
        for (size_t d = 0; d < DIM; d++) assert_true(dy[i / PARTS * WIDTH + i % PARTS * DIM + d] == 0);
    }
    assert_true(n_quiet > 0);
    tb_loss_free(loss);
}

static void a_group_with_nothing_to_compare_costs_nothing(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_loss *loss = NULL;
    tb_loss_report report;
    group g;
    float dy[N * WIDTH];
    make_group(&g, 10);
    memset(g.audible, 0, sizeof g.audible);
    tb_loss_options options = only(TB_LOSS_CONTRASTIVE, 1);
    for (int t = 0; t < TB_LOSS_TERMS; t++)
        if (tb_loss_term_name((tb_loss_term)t)[0] != 'a' && t != TB_LOSS_PRESENCE) options.weight[t] = 1;
    assert_ok(tb_loss_new(&shape, N, &loss, &err));
    tb_loss_compute(loss, &options, &g.labels, g.y, dy, &report);
    assert_near(report.total, 0, 0);
    for (size_t i = 0; i < N * WIDTH; i++) assert_true(dy[i] == 0);
    tb_loss_free(loss);
}

static void numbers_that_are_not_finite_show_in_the_total(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_loss *loss = NULL;
    tb_loss_report report;
    group g;
    const float bad[] = {NAN, INFINITY, -INFINITY};
    const tb_loss_options options = only(TB_LOSS_CONTRASTIVE, 1);
    assert_ok(tb_loss_new(&shape, N, &loss, &err));
    for (size_t k = 0; k < 3; k++) {
        make_group(&g, 11);
        g.y[3 * WIDTH + 2] = bad[k];
        tb_loss_compute(loss, &options, &g.labels, g.y, NULL, &report);
        assert_true(isnan(report.total));
    }
    tb_loss_free(loss);
}

static void zero_embeddings_stay_finite(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_loss *loss = NULL;
    tb_loss_report report;
    group g;
    float dy[N * WIDTH];
    make_group(&g, 12);
    memset(g.y, 0, sizeof g.y);
    tb_loss_options options = {.temperature = 0.05, .shared_weight = 1, .margin = 0.2};
    for (int t = 0; t < TB_LOSS_TERMS; t++) options.weight[t] = 1;
    assert_ok(tb_loss_new(&shape, N, &loss, &err));
    tb_loss_compute(loss, &options, &g.labels, g.y, dy, &report);
    assert_true(isfinite(report.total));
    for (size_t i = 0; i < N * WIDTH; i++) assert_true(isfinite(dy[i]));
    tb_loss_free(loss);
}

static void a_loss_refuses_shapes_and_survives_a_lack_of_memory(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_loss *loss = NULL;
    assert_status(tb_loss_new(&(tb_loss_shape){0, 128, 0}, 64, &loss, &err), TB_INVALID);
    assert_status(tb_loss_new(&(tb_loss_shape){9, 128, 0}, 64, &loss, &err), TB_INVALID);
    assert_status(tb_loss_new(&(tb_loss_shape){5, 128, 4}, 64, &loss, &err), TB_INVALID);
    assert_status(tb_loss_new(&(tb_loss_shape){5, 128, 5}, 1, &loss, &err), TB_INVALID);
    assert_status(tb_loss_new(&(tb_loss_shape){5, SIZE_MAX / 2, 5}, 64, &loss, &err), TB_TOO_LARGE);
    for (size_t n = 1;; n++) {
        tb_alloc_fail_after(n);
        const tb_status status = tb_loss_new(&shape, N, &loss, &err);
        tb_alloc_fail_after(0);
        if (status == TB_OK) break;
        assert_int_equal(status, TB_NO_MEMORY);
        assert_null(loss);
    }
    tb_loss_free(loss);
    tb_loss_free(NULL);
}

TB_TESTS(loss, cmocka_unit_test(gradients_are_those_of_finite_differences),
         cmocka_unit_test(gradient_of_triplets_is_that_of_finite_differences_away_from_the_margin),
         cmocka_unit_test(gradient_of_all_terms_together_holds_weights), cmocka_unit_test(contrastive_loss_is_the_formula),
         cmocka_unit_test(negatives_that_share_another_part_weigh_more),
         cmocka_unit_test(leakage_sees_a_part_that_follows_another),
         cmocka_unit_test(absent_and_quiet_parts_get_no_gradient_from_contrast),
         cmocka_unit_test(a_group_with_nothing_to_compare_costs_nothing),
         cmocka_unit_test(numbers_that_are_not_finite_show_in_the_total), cmocka_unit_test(zero_embeddings_stay_finite),
         cmocka_unit_test(a_loss_refuses_shapes_and_survives_a_lack_of_memory))
