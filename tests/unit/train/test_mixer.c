// SPDX-License-Identifier: MIT
#include "support/testing.h"

#include "made_pieces.h"

#include "base/alloc.h"
#include "base/half.h"
#include "model/instruments.h"
#include "train/half_rows.h"
#include "train/mix_kernels.h"
#include "train/mixer.h"

#include <math.h>
#include <string.h>

enum { ROWS = 430, BANDS = 32, ALL = 31, VALUES = TB_WINDOW_ROWS * BANDS };

/* Everything that a group needs. */
typedef struct kit {
    made_pieces made;
    tb_band_bank *bank;
    tb_augmenter *augmenter;
    tb_sampler *sampler;
    tb_mixer *mixer;
    tb_group_plan plan;
    float *x, share[64 * TB_STEM_COUNT];
} kit;

static void open_kit(kit *k, const tb_augment_options *augment)
{
    tb_error err = {0};
    tb_sampler_options options;
    tb_sampler_options_default(&options);
    make_pieces(&k->made, 30, 1, ROWS, BANDS, ALL);
    assert_ok(tb_band_bank_new(BANDS, &k->bank, &err));
    assert_ok(tb_augmenter_new(k->bank, augment, &k->augmenter, &err));
    assert_ok(tb_sampler_new(k->made.list, k->made.n, BANDS, &options, &k->sampler, &err));
    assert_ok(tb_mixer_new(k->made.list, BANDS, k->augmenter, &k->mixer, &err));
    k->x = tb_alloc(64 * VALUES, sizeof *k->x);
    assert_non_null(k->x);
}

static void close_kit(kit *k)
{
    tb_mixer_free(k->mixer);
    tb_sampler_free(k->sampler);
    tb_augmenter_free(k->augmenter);
    tb_band_bank_free(k->bank);
    clear_pieces(&k->made);
    tb_free(k->x);
}

static void draw(kit *k, uint64_t step)
{
    tb_rng rng;
    tb_sampler_seed(&rng, 1, step, 0);
    tb_sampler_draw_contrast(k->sampler, &rng, &k->plan);
    tb_mixer_draw(k->mixer, &k->plan, &rng);
}

static void powers_of_halves_are_exact(void **state)
{
    (void)state;
    for (uint32_t half = 0; half < 0x7c00; half++) {
        const float value = tb_half_to_float((uint16_t)half);
        assert_true(tb_half_power((uint16_t)half) == value * value);
    }
}

/* Everything that a table of kernels makes of a row, one after the other. */
static void run_kernels(const tb__mix_kernels *k, size_t n, float *out)
{
    enum { MOST = 70 };
    uint16_t half[MOST], from[MOST];
    float power[MOST + 1] = {0}, other[MOST], gain[MOST], total[MOST] = {0}, inverse[MOST];
    tb_rng rng;
    tb_rng_init(&rng, 9);
    for (size_t b = 0; b < n; b++) {
        half[b] = (uint16_t)tb_rng_below(&rng, 0x7000);
        from[b] = (uint16_t)tb_rng_below(&rng, n);
        gain[b] = (float)tb_rng_uniform(&rng);
    }
    k->read(half, n, power);
    k->move(from, gain, gain, power, n, other);
    k->add(gain, n, other, total);
    k->invert(total, n, inverse);
    k->multiply_add(power, inverse, n, total);
    k->between(total, power, 0.3f, 0.7f, n, other);
    k->finish(gain, inverse, 0.9f, 0.1f, n, other);
    for (size_t b = 0; b < n; b++) out[b] = other[b];
    out[n] = k->sum(other, n);
}

static void all_kernels_give_the_same_bits(void **state)
{
    (void)state;
    float plain[71], other[71];
    assert_string_equal(tb__mix_kernels_at(0)->name, "plain");
    for (size_t i = 1; tb__mix_kernels_at(i); i++)
        for (size_t n = 1; n <= 70; n++) {
            run_kernels(tb__mix_kernels_at(0), n, plain);
            run_kernels(tb__mix_kernels_at(i), n, other);
            assert_memory_equal(plain, other, (n + 1) * sizeof *plain);
        }
}

static void a_mix_without_changes_is_the_sum_of_its_stems(void **state)
{
    (void)state;
    static kit k;
    static float sum[VALUES], expected[VALUES];
    tb_augment_options none;
    tb_augment_options_none(&none);
    open_kit(&k, &none);
    draw(&k, 1);
    tb_mixer_mix(k.mixer, TB_ALL_STEMS, NULL, NULL, k.x, k.share);
    for (size_t i = 0; i < k.plan.n; i += 9) {
        memset(sum, 0, sizeof sum);
        for (size_t c = 0; c < TB_STEM_COUNT; c++) {
            const tb_source *source = &k.plan.source[i][c];
            if (source->piece < 0) continue;
            const uint16_t *rows = k.made.list[source->piece]->rows[c] + source->first_row * BANDS;
            for (size_t v = 0; v < VALUES; v++) sum[v] += tb_half_to_float(rows[v]) * tb_half_to_float(rows[v]);
        }
        assert_true(tb_instruments_input(sum, BANDS, NULL, NULL, expected));
        for (size_t v = 0; v < VALUES; v++) assert_near(k.x[i * VALUES + v], expected[v], 1e-4);
        double total = 0;
        for (size_t c = 0; c < TB_STEM_COUNT; c++) {
            assert_true((k.plan.source[i][c].piece < 0) == (k.share[i * TB_STEM_COUNT + c] == 0));
            total += (double)k.share[i * TB_STEM_COUNT + c];
        }
        assert_near(total, 1, 1e-3);
    }
    close_kit(&k);
}

static void a_stem_alone_is_the_mix_of_itself(void **state)
{
    (void)state;
    static kit k;
    tb_augment_options options;
    tb_augment_options_default(&options);
    open_kit(&k, &options);
    draw(&k, 2);
    tb_mixer_mix(k.mixer, 1u << TB_STEM_GUITAR, NULL, NULL, k.x, k.share);
    for (size_t i = 0; i < k.plan.n; i++)
        for (size_t c = 0; c < TB_STEM_COUNT; c++) {
            const bool sounds = c == TB_STEM_GUITAR && k.plan.source[i][c].piece >= 0;
            assert_near(k.share[i * TB_STEM_COUNT + c], sounds ? 1 : 0, 0.3); /* transposed: bands at an end are empty */
        }
    close_kit(&k);
}

static void changed_mixes_are_finite_standardised_and_repeatable(void **state)
{
    (void)state;
    static kit k;
    float mean[BANDS], deviation[BANDS];
    tb_augment_options options;
    tb_augment_options_default(&options);
    open_kit(&k, &options);
    float *again = tb_alloc(64 * VALUES, sizeof *again);
    assert_non_null(again);
    for (size_t b = 0; b < BANDS; b++) {
        mean[b] = -1;
        deviation[b] = 2;
    }
    for (uint64_t step = 0; step < 5; step++) {
        draw(&k, step);
        tb_mixer_mix(k.mixer, TB_ALL_STEMS, NULL, NULL, k.x, k.share);
        for (size_t v = 0; v < k.plan.n * VALUES; v++) assert_true(k.x[v] >= -6.01f && k.x[v] < 4);
        tb_mixer_mix(k.mixer, TB_ALL_STEMS, mean, deviation, again, NULL);
        for (size_t v = 0; v < k.plan.n * VALUES; v += 31) assert_near(again[v], (k.x[v] + 1) / 2, 1e-5);
    }
    draw(&k, 4);
    tb_mixer_mix(k.mixer, TB_ALL_STEMS, NULL, NULL, again, NULL);
    assert_memory_equal(k.x, again, k.plan.n * VALUES * sizeof *again);
    tb_free(again);
    close_kit(&k);
}

static void slower_segments_hold_less_of_the_piece(void **state)
{
    (void)state;
    static kit k;
    tb_augment_options options;
    tb_augment_options_none(&options);
    options.slow = 0.05;
    open_kit(&k, &options);
    /* a piece whose band r % BANDS alone sounds in row r */
    uint16_t *rows = (uint16_t *)(uintptr_t)k.made.pieces[0].rows[TB_STEM_BASS];
    for (size_t r = 0; r < ROWS; r++)
        for (size_t b = 0; b < BANDS; b++) rows[r * BANDS + b] = tb_half_from_float(r % BANDS == b ? 1.0f : 0.0f);
    tb_rng rng;
    tb_rng_init(&rng, 5);
    k.plan.n = 8;
    memset(k.plan.n_voices, 0, sizeof k.plan.n_voices);
    k.plan.n_voices[TB_STEM_BASS] = 1;
    for (size_t i = 0; i < 8; i++)
        for (size_t c = 0; c < TB_STEM_COUNT; c++) k.plan.source[i][c] = (tb_source){.piece = c == TB_STEM_BASS ? 0 : -1};
    tb_mixer_draw(k.mixer, &k.plan, &rng);
    tb_mixer_mix(k.mixer, TB_ALL_STEMS, NULL, NULL, k.x, NULL);
    for (size_t i = 0; i < 8; i++) {
        size_t last = 0;
        for (size_t b = 0; b < BANDS; b++)
            if (k.x[i * VALUES + 63 * BANDS + b] > k.x[i * VALUES + 63 * BANDS + last]) last = b;
        /* row 63 of the result is row 59.85 to 64 of the piece */
        assert_true(last >= 59 - BANDS || last == 64 % BANDS);
    }
    close_kit(&k);
}

static void silence_gives_zeros(void **state)
{
    (void)state;
    static kit k;
    tb_augment_options options;
    tb_augment_options_default(&options);
    open_kit(&k, &options);
    for (size_t p = 0; p < k.made.n; p++)
        for (size_t c = 0; c < TB_STEM_COUNT; c++) memset((void *)(uintptr_t)k.made.pieces[p].rows[c], 0, ROWS * BANDS * 2);
    draw(&k, 3);
    tb_mixer_mix(k.mixer, TB_ALL_STEMS, NULL, NULL, k.x, k.share);
    for (size_t v = 0; v < k.plan.n * VALUES; v++) assert_true(k.x[v] == 0);
    for (size_t v = 0; v < k.plan.n * TB_STEM_COUNT; v++) assert_true(k.share[v] == 0);
    close_kit(&k);
}

static void a_lack_of_memory_is_survived(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_mixer *mixer = NULL;
    assert_status(tb_mixer_new(NULL, 7, NULL, &mixer, &err), TB_INVALID);
    for (size_t n = 1;; n++) {
        tb_alloc_fail_after(n);
        const tb_status status = tb_mixer_new(NULL, BANDS, NULL, &mixer, &err);
        tb_alloc_fail_after(0);
        if (status == TB_OK) break;
        assert_int_equal(status, TB_NO_MEMORY);
        assert_null(mixer);
    }
    tb_mixer_free(mixer);
}

TB_TESTS(mixer, cmocka_unit_test(powers_of_halves_are_exact), cmocka_unit_test(all_kernels_give_the_same_bits),
         cmocka_unit_test(a_mix_without_changes_is_the_sum_of_its_stems),
         cmocka_unit_test(a_stem_alone_is_the_mix_of_itself), cmocka_unit_test(changed_mixes_are_finite_standardised_and_repeatable),
         cmocka_unit_test(slower_segments_hold_less_of_the_piece), cmocka_unit_test(silence_gives_zeros),
         cmocka_unit_test(a_lack_of_memory_is_survived))
