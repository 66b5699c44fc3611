// SPDX-License-Identifier: MIT
#include "support/testing.h"

#include "base/alloc.h"
#include "model/band_spectrum.h"
#include "model/frames.h"
#include "model/model.h"

#include <math.h>

static tb_band_bank *make_bank(size_t n_bands)
{
    tb_error err = {0};
    tb_band_bank *bank = NULL;
    assert_ok(tb_band_bank_new(n_bands, &bank, &err));
    return bank;
}

static float *make_tone(double hz, size_t n)
{
    float *tone = tb_alloc(n, sizeof *tone);
    assert_non_null(tone);
    for (size_t i = 0; i < n; i++) tone[i] = (float)(0.5 * sin(2 * 3.14159265358979 * hz * (double)i / TB_MODEL_RATE_HZ));
    return tone;
}

static void positions_and_centres_agree(void **state)
{
    (void)state;
    tb_band_bank *bank = make_bank(TB_BANDS_DEFAULT);
    for (size_t b = 0; b < TB_BANDS_DEFAULT; b++)
        assert_near(tb_band_bank_position(bank, tb_band_bank_center_hz(bank, b)), (double)b, 1e-6);
    /* Bands of a bass lie a bin apart, those above some twenty an octave. */
    assert_near(tb_band_bank_center_hz(bank, 11) - tb_band_bank_center_hz(bank, 10), 10.5, 0.5);
    assert_near(tb_band_bank_position(bank, 2000) - tb_band_bank_position(bank, 1000), 20, 0.5);
    tb_band_bank_free(bank);
}

static void a_tone_sounds_in_its_band_alone(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_band_bank *bank = make_bank(TB_BANDS_DEFAULT);
    const double tones[] = {55, 110, 440, 3000};
    for (size_t i = 0; i < 4; i++) {
        const size_t n = TB_MODEL_RATE_HZ;
        float *tone = make_tone(tones[i], n), *rows = NULL;
        size_t n_rows = 0;
        assert_ok(tb_band_rows_read(bank, tone, n, &rows, &n_rows, &err));
        assert_int_equal(n_rows, (1 + (n - TB_FRAMES_SIZE) / TB_FRAMES_HOP) / TB_BAND_POOL);
        size_t loudest = 0;
        for (size_t b = 0; b < TB_BANDS_DEFAULT; b++)
            if (rows[5 * TB_BANDS_DEFAULT + b] > rows[5 * TB_BANDS_DEFAULT + loudest]) loudest = b;
        assert_near((double)loudest, tb_band_bank_position(bank, tones[i]), 1.0);
        tb_free(rows);
        tb_free(tone);
    }
    tb_band_bank_free(bank);
}

static void signals_too_short_for_a_row_have_none(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_band_bank *bank = make_bank(40);
    const float silence[TB_FRAMES_SIZE + TB_FRAMES_HOP] = {0};
    float *rows = NULL;
    size_t n_rows = 7;
    assert_ok(tb_band_rows_read(bank, silence, TB_FRAMES_SIZE + TB_FRAMES_HOP - 1, &rows, &n_rows, &err));
    assert_int_equal(n_rows, 0);
    assert_null(rows);
    assert_ok(tb_band_rows_read(bank, silence, TB_FRAMES_SIZE + TB_FRAMES_HOP, &rows, &n_rows, &err));
    assert_int_equal(n_rows, 1);
    for (size_t b = 0; b < 40; b++) assert_near(rows[b], 0, 0);
    tb_free(rows);
    tb_band_bank_free(bank);
}

static void odd_numbers_of_bands_are_refused(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_band_bank *bank = NULL;
    assert_status(tb_band_bank_new(TB_BANDS_MIN - 1, &bank, &err), TB_INVALID);
    assert_status(tb_band_bank_new(TB_BANDS_MAX + 1, &bank, &err), TB_INVALID);
    assert_null(bank);
}

TB_TESTS(band_spectrum, cmocka_unit_test(positions_and_centres_agree), cmocka_unit_test(a_tone_sounds_in_its_band_alone),
         cmocka_unit_test(signals_too_short_for_a_row_have_none), cmocka_unit_test(odd_numbers_of_bands_are_refused))
