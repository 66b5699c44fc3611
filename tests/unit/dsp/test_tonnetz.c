// SPDX-License-Identifier: MIT
#include "support/testing.h"

#include "dsp/tonnetz.h"
#include "unit/dsp/dsp_golden.h"

#include <math.h>

static void centroids_are_those_of_librosa(void **state)
{
    (void)state;
    static const char *const signals[] = {"tone", "chirp", "white", "chords"};
    for (size_t i = 0; i < 4; i++) {
        golden chroma = read_golden(signals[i], "chroma"), reference = read_golden(signals[i], "tonnetz");
        comparison c = begin_comparison(&reference, 1e-5);
        for (size_t t = 0; t < chroma.n_rows; t++) {
            float out[TB_TONNETZ_SIZE];
            tb_tonnetz_compute(chroma.values + 12 * t, out);
            compare_row(&c, out);
        }
        end_comparison(&c, 0);
        free_golden(&chroma);
        free_golden(&reference);
    }
}

static void silence_and_all_classes_alike_lie_in_the_middle(void **state)
{
    (void)state;
    const float silence[12] = {0};
    float alike[12], out[TB_TONNETZ_SIZE];
    for (size_t c = 0; c < 12; c++) alike[c] = 0.7f;
    tb_tonnetz_compute(silence, out);
    for (size_t p = 0; p < TB_TONNETZ_SIZE; p++) assert_near(out[p], 0.0, 0.0);
    tb_tonnetz_compute(alike, out);
    for (size_t p = 0; p < TB_TONNETZ_SIZE; p++) assert_near(out[p], 0.0, 1e-6);
}

static void level_does_not_matter(void **state)
{
    (void)state;
    const float soft[12] = {1e-6f, 0, 0, 0, 2e-6f}, loud[12] = {1e6f, 0, 0, 0, 2e6f};
    float a[TB_TONNETZ_SIZE], b[TB_TONNETZ_SIZE];
    tb_tonnetz_compute(soft, a);
    tb_tonnetz_compute(loud, b);
    for (size_t p = 0; p < TB_TONNETZ_SIZE; p++) assert_near(a[p], b[p], 1e-6);
    assert_true(fabsf(a[4]) > 0.01f);
}

TB_TESTS(tonnetz, cmocka_unit_test(centroids_are_those_of_librosa),
         cmocka_unit_test(silence_and_all_classes_alike_lie_in_the_middle),
         cmocka_unit_test(level_does_not_matter))
