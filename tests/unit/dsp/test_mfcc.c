// SPDX-License-Identifier: MIT
#include "unit/dsp/dsp_frames.h"

#include "dsp/mfcc.h"
#include "unit/dsp/dsp_golden.h"

#include <math.h>

static void coefficients_are_those_of_librosa(void **state)
{
    (void)state;
    static const char *const signals[] = {"tone", "chirp", "white", "chords"};
    tb_error err = {0};
    tb_mfcc *mfcc = NULL;
    assert_ok(tb_mfcc_new(128, 20, &mfcc, &err));
    assert_int_equal(tb_mfcc_count(mfcc), 20);
    for (size_t i = 0; i < 4; i++) {
        test_signal s = make_signal(signals[i]);
        size_t n_frames;
        float *power = make_default_power(s.samples, s.n, &n_frames), *db = make_mel_db(power, n_frames);
        golden reference = read_golden(s.name, "mfcc");
        comparison c = begin_comparison(&reference, 1e-4);
        for (size_t t = 0; t < n_frames; t++) {
            float out[20];
            tb_mfcc_compute(mfcc, db + t * 128, out);
            compare_row(&c, out);
        }
        end_comparison(&c, 0);
        free_golden(&reference);
        tb_free(db);
        tb_free(power);
        tb_free(s.samples);
    }
    tb_mfcc_free(mfcc);
}

static void the_transform_is_orthonormal(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 2, 3, 7, 8, 13, 40};
    tb_error err = {0};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        const size_t n = sizes[s];
        tb_mfcc *mfcc = NULL;
        assert_ok(tb_mfcc_new(n, n, &mfcc, &err));
        double squares[40] = {0};
        for (size_t j = 0; j < n; j++) { /* column j of the matrix */
            float unit[40] = {0}, column[40];
            unit[j] = 1.0f;
            tb_mfcc_compute(mfcc, unit, column);
            double square = 0.0;
            for (size_t k = 0; k < n; k++) {
                square += (double)column[k] * (double)column[k];
                squares[k] += (double)column[k] * (double)column[k];
            }
            assert_near(square, 1.0, 1e-6);
        }
        for (size_t k = 0; k < n; k++) assert_near(squares[k], 1.0, 1e-6);
        tb_mfcc_free(mfcc);
    }
}

static void a_level_is_all_in_the_first_coefficient(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_mfcc *mfcc = NULL;
    assert_ok(tb_mfcc_new(128, 13, &mfcc, &err));
    float *level = make_constant(128, -30.0f), out[13];
    tb_mfcc_compute(mfcc, level, out);
    assert_near(out[0], -30.0 * sqrt(128.0), 1e-3);
    for (size_t k = 1; k < 13; k++) assert_near(out[k], 0.0, 1e-3);
    tb_free(level);
    tb_mfcc_free(mfcc);
}

static void impossible_counts_are_refused(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_mfcc *mfcc = NULL;
    assert_status(tb_mfcc_new(0, 0, &mfcc, &err), TB_INVALID);
    assert_status(tb_mfcc_new(20, 0, &mfcc, &err), TB_INVALID);
    assert_status(tb_mfcc_new(20, 21, &mfcc, &err), TB_INVALID);
    assert_status(tb_mfcc_new((size_t)-1, 20, &mfcc, &err), TB_INVALID);
    assert_null(mfcc);
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    tb_mfcc *mfcc = NULL;
    assert_survives_no_memory(mfcc, tb_mfcc_new(40, 13, &mfcc, NULL), tb_mfcc_free);
    tb_mfcc_free(NULL);
}

TB_TESTS(mfcc, cmocka_unit_test(coefficients_are_those_of_librosa),
         cmocka_unit_test(the_transform_is_orthonormal),
         cmocka_unit_test(a_level_is_all_in_the_first_coefficient),
         cmocka_unit_test(impossible_counts_are_refused), cmocka_unit_test(each_allocation_may_fail))
