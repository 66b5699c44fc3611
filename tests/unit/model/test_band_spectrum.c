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

static void bands_are_spaced_as_notes_are(void **state)
{
    (void)state;
    tb_band_bank *bank = make_bank(TB_BANDS_DEFAULT);
    const size_t n_low = tb_band_bank_low_count(bank);
    assert_int_equal(n_low, 48);
    assert_int_equal(tb_band_bank_count(bank), TB_BANDS_DEFAULT);
    assert_near(tb_band_bank_center_hz(bank, 0), 27.5, 0.01);
    for (size_t b = 1; b < n_low; b++)
        assert_near(tb_band_bank_center_hz(bank, b) / tb_band_bank_center_hz(bank, b - 1), exp2(1 / 12.0), 0.002);
    /* Fine bands of a bass lie a bin apart, those above some twenty an octave. */
    assert_near(tb_band_bank_center_hz(bank, n_low + 11) - tb_band_bank_center_hz(bank, n_low + 10), 10.5, 0.5);
    assert_near(tb_band_bank_source(bank, n_low + 100, 2), (double)n_low + 80, 0.5);
    tb_band_bank_free(bank);
}

static void sources_follow_the_ratio_within_a_resolution(void **state)
{
    (void)state;
    tb_band_bank *bank = make_bank(TB_BANDS_DEFAULT);
    const size_t n_low = tb_band_bank_low_count(bank), n = tb_band_bank_count(bank);
    for (size_t b = 0; b < n; b++) {
        assert_near(tb_band_bank_source(bank, b, 1), (double)b, 1e-6);
        for (double ratio = 0.5; ratio < 2.1; ratio += 0.3) {
            const double at = tb_band_bank_source(bank, b, ratio);
            assert_true(at >= (b < n_low ? 0.0 : (double)n_low) && at <= (b < n_low ? (double)n_low - 1 : (double)n - 1));
        }
    }
    assert_near(tb_band_bank_source(bank, 20, exp2(2 / 12.0)), 18, 0.01);
    tb_band_bank_free(bank);
}

/* Position of hz among the bands from first to end. */
static double place_of(const tb_band_bank *bank, double hz, size_t first, size_t end)
{
    for (size_t b = first; b + 1 < end; b++) {
        const double here = tb_band_bank_center_hz(bank, b), next = tb_band_bank_center_hz(bank, b + 1);
        if (hz >= here && hz < next) return (double)b + (hz - here) / (next - here);
    }
    fail_msg("%g Hz lies outside the bands", hz);
    return 0;
}

static size_t loudest(const float *row, size_t first, size_t end)
{
    size_t best = first;
    for (size_t b = first; b < end; b++)
        if (row[b] > row[best]) best = b;
    return best;
}

static void a_tone_sounds_in_its_bands_alone(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_band_bank *bank = make_bank(TB_BANDS_DEFAULT);
    const size_t n_low = tb_band_bank_low_count(bank), n_bands = tb_band_bank_count(bank);
    const double tones[] = {43.65, 55, 110, 220, 400, 3000};
    for (size_t i = 0; i < 6; i++) {
        const size_t n = TB_MODEL_RATE_HZ;
        float *tone = make_tone(tones[i], n), *rows = NULL;
        size_t n_rows = 0;
        assert_ok(tb_band_rows_read(bank, tone, n, &rows, &n_rows, &err));
        assert_int_equal(n_rows, (1 + (n - TB_FRAMES_SIZE) / TB_FRAMES_HOP) / TB_BAND_POOL);
        const float *row = rows + 15 * n_bands;
        const size_t fine = loudest(row, n_low, n_bands);
        assert_near((double)fine, place_of(bank, tones[i], n_low, n_bands), 1.0);
        if (tones[i] < 420) {
            const size_t low = loudest(row, 0, n_low);
            assert_near((double)low, place_of(bank, tones[i], 0, n_low), 0.6); /* to the semitone */
            double low_sum = 0, fine_sum = 0; /* both resolutions hear the same power, as triangles of unit area */
            for (size_t b = 1; b + 1 < n_low; b++)
                low_sum += (double)row[b] * (tb_band_bank_center_hz(bank, b + 1) - tb_band_bank_center_hz(bank, b - 1)) / 2;
            for (size_t b = n_low + 1; b + 1 < n_bands; b++)
                fine_sum += (double)row[b] * (tb_band_bank_center_hz(bank, b + 1) - tb_band_bank_center_hz(bank, b - 1)) / 2;
            if (tones[i] > 50 && tones[i] < 300) assert_near(low_sum / fine_sum, 1, 0.15);
        } else {
            for (size_t b = 0; b < n_low; b++) assert_true(row[b] < 1e-6f * row[fine]);
        }
        tb_free(rows);
        tb_free(tone);
    }
    tb_band_bank_free(bank);
}

static void a_row_tells_notes_of_a_bass_apart(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_band_bank *bank = make_bank(TB_BANDS_DEFAULT);
    size_t heard[2], n_rows = 0;
    const double notes[] = {41.20, 43.65}; /* E and F */
    for (size_t i = 0; i < 2; i++) {
        float *tone = make_tone(notes[i], TB_MODEL_RATE_HZ), *rows = NULL;
        assert_ok(tb_band_rows_read(bank, tone, TB_MODEL_RATE_HZ, &rows, &n_rows, &err));
        heard[i] = loudest(rows + 15 * TB_BANDS_DEFAULT, 0, tb_band_bank_low_count(bank));
        tb_free(rows);
        tb_free(tone);
    }
    assert_int_equal(heard[1], heard[0] + 1);
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

TB_TESTS(band_spectrum, cmocka_unit_test(bands_are_spaced_as_notes_are),
         cmocka_unit_test(sources_follow_the_ratio_within_a_resolution), cmocka_unit_test(a_tone_sounds_in_its_bands_alone),
         cmocka_unit_test(a_row_tells_notes_of_a_bass_apart), cmocka_unit_test(signals_too_short_for_a_row_have_none),
         cmocka_unit_test(odd_numbers_of_bands_are_refused))
