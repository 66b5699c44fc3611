// SPDX-License-Identifier: MIT
#include "support/testing.h"

#include "base/alloc.h"
#include "train/augment.h"

#include <math.h>
#include <string.h>

enum { BANDS = 128, ROWS = 64 };

static tb_augmenter *new_augmenter(const tb_augment_options *options, tb_band_bank **bank)
{
    tb_error err = {0};
    tb_augmenter *augmenter = NULL;
    assert_ok(tb_band_bank_new(BANDS, bank, &err));
    assert_ok(tb_augmenter_new(*bank, options, &augmenter, &err));
    return augmenter;
}

/* Middle of what sounds, on the axis of bands. */
static double middle(const float *row)
{
    double sum = 0, at = 0;
    for (size_t b = 0; b < BANDS; b++) {
        sum += (double)row[b];
        at += (double)row[b] * (double)b;
    }
    return at / sum;
}

static void transposing_moves_along_frequency(void **state)
{
    (void)state;
    tb_band_bank *bank;
    tb_augment_options options;
    tb_augment_options_default(&options);
    tb_augmenter *augmenter = new_augmenter(&options, &bank);
    const size_t from[] = {6, 20, 30, 60, 100};
    for (size_t k = 0; k < sizeof from / sizeof *from; k++)
        for (int steps = -80; steps <= 80; steps += 20) {
            float in[BANDS + 1] = {0}, out[BANDS];
            in[from[k]] = 1;
            tb_augment_transpose(augmenter, steps, in, out);
            assert_near(middle(out), tb_band_bank_source(bank, from[k], exp2(-steps / 240.0)), 0.5);
        }
    tb_augmenter_free(augmenter);
    tb_band_bank_free(bank);
}

static void transposing_by_nothing_changes_nothing(void **state)
{
    (void)state;
    tb_band_bank *bank;
    tb_augment_options options;
    tb_augment_options_default(&options);
    tb_augmenter *augmenter = new_augmenter(&options, &bank);
    float in[BANDS + 1], out[BANDS];
    for (size_t b = 0; b <= BANDS; b++) in[b] = b < BANDS ? (float)(b + 1) : 0;
    tb_augment_transpose(augmenter, 0, in, out);
    for (size_t b = 0; b < BANDS; b++) assert_near(out[b], in[b], 1e-3 * (double)in[b]);
    tb_augmenter_free(augmenter);
    tb_band_bank_free(bank);
}

static void without_options_nothing_is_changed(void **state)
{
    (void)state;
    tb_band_bank *bank;
    tb_augment_options options;
    tb_augment_options_none(&options);
    tb_augmenter *augmenter = new_augmenter(&options, &bank);
    tb_rng rng;
    tb_rng_init(&rng, 1);
    static tb_voice_change voice;
    static tb_segment_change segment;
    static float rows[ROWS * BANDS], before[ROWS * BANDS];
    float scratch[BANDS + 1];
    tb_augment_draw_voice(augmenter, &rng, &voice);
    tb_augment_draw_segment(augmenter, &rng, &segment);
    assert_int_equal(voice.steps, 0);
    assert_true(segment.speed == 1 && segment.late == 0);
    for (size_t b = 0; b < BANDS; b++) assert_near(voice.gain[b], 1, 1e-6);
    for (size_t i = 0; i < ROWS * BANDS; i++) before[i] = rows[i] = (float)(i % 97);
    tb_augment_segment(augmenter, &segment, ROWS, rows, scratch);
    assert_memory_equal(rows, before, sizeof rows);
    tb_augmenter_free(augmenter);
    tb_band_bank_free(bank);
}

static void changes_have_the_sizes_that_were_asked_for(void **state)
{
    (void)state;
    tb_band_bank *bank;
    tb_augment_options options;
    tb_augment_options_default(&options);
    options.level_db = 0;
    tb_augmenter *augmenter = new_augmenter(&options, &bank);
    tb_rng rng;
    tb_rng_init(&rng, 2);
    static tb_voice_change voice;
    static tb_segment_change segment;
    double square = 0;
    size_t n_transposed = 0, n_noisy = 0, n_levelled = 0;
    const size_t n = 600;
    for (size_t k = 0; k < n; k++) {
        tb_augment_draw_voice(augmenter, &rng, &voice);
        tb_augment_draw_segment(augmenter, &rng, &segment);
        for (size_t b = 0; b < BANDS; b++) {
            const double db = 10 * log10((double)voice.gain[b]);
            square += db * db / (double)(n * BANDS);
        }
        n_transposed += voice.steps != 0;
        n_noisy += segment.noise[5] > 0;
        n_levelled += segment.levelling > 0;
        assert_true(voice.steps >= -80 && voice.steps <= 80 && segment.steps >= -10 && segment.steps <= 10);
        assert_true(segment.speed >= 0.95f && segment.speed <= 1 && segment.late >= 0 && segment.late < 1);
    }
    assert_near(sqrt(square), 3.5, 0.3);
    assert_near((double)n_transposed / (double)n, 0.6, 0.06);
    assert_near((double)n_noisy / (double)n, 0.3, 0.06);
    assert_near((double)n_levelled / (double)n, 0.3, 0.06);
    tb_augmenter_free(augmenter);
    tb_band_bank_free(bank);
}

static void levelling_brings_loud_and_soft_rows_together(void **state)
{
    (void)state;
    tb_band_bank *bank;
    tb_augment_options options;
    tb_augment_options_none(&options);
    options.noise_share = 1;
    tb_augmenter *augmenter = new_augmenter(&options, &bank);
    static tb_segment_change segment;
    static float rows[ROWS * BANDS];
    float scratch[BANDS + 1];
    tb_rng rng;
    tb_rng_init(&rng, 3);
    tb_augment_draw_segment(augmenter, &rng, &segment);
    assert_true(segment.noise[0] > 0);
    memset(segment.noise, 0, sizeof segment.noise);
    segment.levelling = 0.5f;
    for (size_t r = 0; r < ROWS; r++)
        for (size_t b = 0; b < BANDS; b++) rows[r * BANDS + b] = r % 2 ? 1.0f : 0.01f;
    tb_augment_segment(augmenter, &segment, ROWS, rows, scratch);
    assert_near(rows[BANDS] / rows[0], 10, 1); /* 20 dB become 10 dB */
    memset(rows, 0, sizeof rows);
    tb_augment_segment(augmenter, &segment, ROWS, rows, scratch);
    for (size_t i = 0; i < ROWS * BANDS; i++) assert_true(rows[i] == 0);
    tb_augmenter_free(augmenter);
    tb_band_bank_free(bank);
}

static void options_out_of_range_and_lack_of_memory_are_refused(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_band_bank *bank = NULL;
    tb_augmenter *augmenter = NULL;
    tb_augment_options options;
    assert_ok(tb_band_bank_new(BANDS, &bank, &err));
    const struct {
        size_t offset;
        double value;
    } wrong[] = {
        {offsetof(tb_augment_options, level_db), -1},        {offsetof(tb_augment_options, voice_eq_db), NAN},
        {offsetof(tb_augment_options, transpose), 13},       {offsetof(tb_augment_options, slow), 0.06},
        {offsetof(tb_augment_options, compress_share), 1.5}, {offsetof(tb_augment_options, detune), INFINITY},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        tb_augment_options_default(&options);
        memcpy((char *)&options + wrong[i].offset, &wrong[i].value, sizeof(double));
        assert_status(tb_augmenter_new(bank, &options, &augmenter, &err), TB_INVALID);
    }
    tb_augment_options_default(&options);
    for (size_t n = 1;; n++) {
        tb_alloc_fail_after(n);
        const tb_status status = tb_augmenter_new(bank, &options, &augmenter, &err);
        tb_alloc_fail_after(0);
        if (status == TB_OK) break;
        assert_int_equal(status, TB_NO_MEMORY);
        assert_null(augmenter);
    }
    tb_augmenter_free(augmenter);
    tb_band_bank_free(bank);
}

TB_TESTS(augment, cmocka_unit_test(transposing_moves_along_frequency), cmocka_unit_test(transposing_by_nothing_changes_nothing),
         cmocka_unit_test(without_options_nothing_is_changed), cmocka_unit_test(changes_have_the_sizes_that_were_asked_for),
         cmocka_unit_test(levelling_brings_loud_and_soft_rows_together),
         cmocka_unit_test(options_out_of_range_and_lack_of_memory_are_refused))
