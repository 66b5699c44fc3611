// SPDX-License-Identifier: MIT
#include "support/testing.h"

#include "base/alloc.h"
#include "base/rng.h"
#include "model/instruments.h"

#include <math.h>
#include <string.h>

enum { N_BANDS = 24, N = TB_INSTRUMENTS_ROWS * N_BANDS };

static void fill_rows(float *rows)
{
    tb_rng rng;
    tb_rng_init(&rng, 7);
    for (size_t i = 0; i < N; i++) rows[i] = (float)exp(3 * tb_rng_normal(&rng));
}

static void input_follows_its_formula(void **state)
{
    (void)state;
    static float rows[N], x[N];
    float mean[N_BANDS], deviation[N_BANDS];
    fill_rows(rows);
    double level = 0;
    for (size_t i = 0; i < N; i++) level += (double)rows[i] / N;
    for (size_t b = 0; b < N_BANDS; b++) mean[b] = (float)b / 10, deviation[b] = 1 + (float)b;
    assert_true(tb_instruments_input(rows, N_BANDS, mean, deviation, x));
    for (size_t i = 0; i < N; i++) {
        const size_t b = i % N_BANDS;
        assert_near(x[i], (log10((double)rows[i] / level + 1e-6) - (double)mean[b]) / (double)deviation[b], 1e-5);
    }
}

static void level_makes_no_difference(void **state)
{
    (void)state;
    static float rows[N], quiet[N], x[N], y[N];
    fill_rows(rows);
    for (size_t i = 0; i < N; i++) quiet[i] = rows[i] * 1e-6f;
    assert_true(tb_instruments_input(rows, N_BANDS, NULL, NULL, x));
    assert_true(tb_instruments_input(quiet, N_BANDS, NULL, NULL, y));
    for (size_t i = 0; i < N; i++) assert_near(x[i], y[i], 1e-4);
}

static void silence_is_no_input(void **state)
{
    (void)state;
    static float rows[N], x[N];
    memset(x, 1, sizeof x);
    assert_false(tb_instruments_input(rows, N_BANDS, NULL, NULL, x));
    for (size_t i = 0; i < N; i++) assert_near(x[i], 0, 0);
}

static void outputs_become_unit_vectors_of_parts_that_are_there(void **state)
{
    (void)state;
    float outputs[TB_INSTRUMENTS_OUTPUTS], vector[TB_INSTRUMENTS_DIM], presence[TB_INSTRUMENTS_PARTS];
    const float threshold[TB_INSTRUMENTS_PARTS] = {0.5f, 0.5f, 0.5f, 0.5f, 0.5f};
    for (size_t i = 0; i < TB_INSTRUMENTS_OUTPUTS; i++) outputs[i] = (float)(i % 7) - 3;
    const float logits[TB_INSTRUMENTS_PARTS] = {4, -4, 0.1f, -0.1f, 80};
    memcpy(outputs + TB_INSTRUMENTS_DIM, logits, sizeof logits);
    memset(outputs + TB_INSTRUMENTS_DIM - TB_INSTRUMENTS_PART_DIM, 0, TB_INSTRUMENTS_PART_DIM * sizeof *outputs);
    tb_instruments_output(outputs, threshold, vector, presence);
    const double lengths[TB_INSTRUMENTS_PARTS] = {1, 0, 1, 0, 0}, expected[TB_INSTRUMENTS_PARTS] = {0.98201, 0, 0.52498, 0, 0};
    for (size_t p = 0; p < TB_INSTRUMENTS_PARTS; p++) {
        double square = 0;
        for (size_t k = 0; k < TB_INSTRUMENTS_PART_DIM; k++) square += pow((double)vector[p * TB_INSTRUMENTS_PART_DIM + k], 2);
        assert_near(square, lengths[p], 1e-5);
        assert_near(presence[p], expected[p], 1e-4);
    }
    tb_instruments_output(outputs, NULL, vector, presence);
    assert_near(presence[1], 0.017986, 1e-5);
}

static void what_sounds_is_something(void **state)
{
    (void)state;
    float outputs[TB_INSTRUMENTS_OUTPUTS], vector[TB_INSTRUMENTS_DIM], presence[TB_INSTRUMENTS_PARTS];
    const float threshold[TB_INSTRUMENTS_PARTS] = {0.9f, 0.9f, 0.9f, 0.9f, 0.9f}, logits[TB_INSTRUMENTS_PARTS] = {-3, -2, 0, -1, -5};
    for (size_t i = 0; i < TB_INSTRUMENTS_DIM; i++) outputs[i] = 1;
    memcpy(outputs + TB_INSTRUMENTS_DIM, logits, sizeof logits);
    tb_instruments_output(outputs, threshold, vector, presence);
    for (size_t p = 0; p < TB_INSTRUMENTS_PARTS; p++) {
        assert_near(presence[p], p == 2 ? 0.5 : 0, 1e-6);
        assert_near(vector[p * TB_INSTRUMENTS_PART_DIM], p == 2 ? sqrt(1.0 / TB_INSTRUMENTS_PART_DIM) : 0, 1e-6);
    }
}

TB_TESTS(instruments, cmocka_unit_test(input_follows_its_formula), cmocka_unit_test(level_makes_no_difference),
         cmocka_unit_test(silence_is_no_input), cmocka_unit_test(what_sounds_is_something), cmocka_unit_test(outputs_become_unit_vectors_of_parts_that_are_there))
