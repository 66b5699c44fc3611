// SPDX-License-Identifier: MIT
#include "audio/resample.h"
#include "base/alloc.h"
#include "support/testing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static tb_error err;

/* The whole of a stream in blocks; *n_out samples; free. */
static float *resample_all(int rate_in, int rate_out, int n_channels, const float *samples, size_t n_frames,
                           size_t block, size_t *n_out)
{
    tb_resampler *resampler = NULL;
    const float *mono;
    size_t n, total = 0;
    float *out = malloc(((size_t)((double)n_frames * rate_out / rate_in) + 10000) * sizeof *out);
    assert_non_null(out);
    assert_ok(tb_resampler_new(rate_in, rate_out, n_channels, block, &resampler, &err));
    for (size_t at = 0; at < n_frames; at += block) {
        const size_t n_in = n_frames - at < block ? n_frames - at : block;
        assert_ok(tb_resampler_process(resampler, samples + at * (size_t)n_channels, n_in, &mono, &n, &err));
        memcpy(out + total, mono, n * sizeof *out);
        total += n;
    }
    do {
        assert_ok(tb_resampler_finish(resampler, &mono, &n, &err));
        memcpy(out + total, mono, n * sizeof *out);
        total += n;
    } while (n > 0);
    tb_resampler_free(resampler);
    *n_out = total;
    return out;
}

static float *make_tone(double frequency, int rate, size_t n)
{
    float *tone = malloc(n * sizeof *tone);
    assert_non_null(tone);
    for (size_t i = 0; i < n; i++) tone[i] = (float)(0.5 * sin(2 * M_PI * frequency * (double)i / rate));
    return tone;
}

static double level_db(const float *samples, size_t n)
{
    double sum = 0;
    for (size_t i = n / 4; i < n * 3 / 4; i++) sum += (double)samples[i] * (double)samples[i];
    return 10 * log10(8 * sum / (double)(n * 3 / 4 - n / 4) + 1e-30);
}

static const int rates[][2] = {{44100, 22050}, {48000, 22050}, {44100, 16000}, {8000, 22050},
                               {192000, 22050}, {11025, 44100}, {44101, 22050}};

static void the_length_follows_the_rates(void **state)
{
    (void)state;
    for (size_t r = 0; r < sizeof rates / sizeof *rates; r++) {
        static const size_t lengths[] = {1, 2, 100, 4096, 100001};
        for (size_t k = 0; k < sizeof lengths / sizeof *lengths; k++) {
            float *tone = make_tone(440, rates[r][0], lengths[k]);
            size_t n;
            float *out = resample_all(rates[r][0], rates[r][1], 1, tone, lengths[k], 1000, &n);
            assert_near(n, (double)lengths[k] * rates[r][1] / rates[r][0], 1.0);
            free(out);
            free(tone);
        }
    }
}

static void tones_of_the_pass_band_stay_in_level_and_time(void **state)
{
    (void)state;
    static const double parts[] = {0.01, 0.1, 0.3, 0.45};
    for (size_t r = 0; r < sizeof rates / sizeof *rates; r++)
        for (size_t p = 0; p < sizeof parts / sizeof *parts; p++) {
            const int in = rates[r][0], out_rate = rates[r][1];
            const double frequency = parts[p] * (in < out_rate ? in : out_rate);
            const size_t n_in = (size_t)in * 2;
            float *tone = make_tone(frequency, in, n_in);
            size_t n;
            float *out = resample_all(in, out_rate, 1, tone, n_in, 4096, &n);
            assert_near(level_db(out, n), 0, 0.05);
            /* the delay of the filter is taken out: the same tone, sample for sample */
            for (size_t i = n / 4; i < n / 2; i++) {
                const double expected = 0.5 * sin(2 * M_PI * frequency * (double)i / out_rate);
                assert_near(out[i], expected, 0.005);
            }
            free(out);
            free(tone);
        }
}

static void what_would_alias_is_80_db_down(void **state)
{
    (void)state;
    static const double parts[] = {0.53, 0.6, 0.75, 0.9};
    for (size_t r = 0; r < 3; r++)
        for (size_t p = 0; p < sizeof parts / sizeof *parts; p++) {
            const double frequency = parts[p] * rates[r][1];
            float *tone = make_tone(frequency, rates[r][0], (size_t)rates[r][0]);
            size_t n;
            float *out = resample_all(rates[r][0], rates[r][1], 1, tone, (size_t)rates[r][0], 4096, &n);
            const double level = level_db(out, n);
            if (level > -80)
                fail_msg("%g Hz at %d Hz comes through with %g dB", frequency, rates[r][1], level);
            free(out);
            free(tone);
        }
}

static void the_cut_into_blocks_makes_no_difference(void **state)
{
    (void)state;
    float *tone = make_tone(1000, 44100, 30000);
    size_t n_a, n_b;
    float *a = resample_all(44100, 22050, 1, tone, 30000, 30000, &n_a);
    float *b = resample_all(44100, 22050, 1, tone, 30000, 17, &n_b);
    assert_int_equal(n_a, n_b);
    for (size_t i = 0; i < n_a; i++) assert_near(a[i], b[i], 1e-6);
    free(a);
    free(b);
    free(tone);
}

static void channels_are_averaged(void **state)
{
    (void)state;
    for (int n_channels = 1; n_channels <= 64; n_channels += n_channels < 9 ? 1 : 11) {
        float frames[3 * 64], mono[3];
        for (int i = 0; i < 3; i++)
            for (int c = 0; c < n_channels; c++) frames[i * n_channels + c] = (float)(i + 2 * c);
        tb_mix_to_mono(frames, 3, n_channels, mono);
        for (int i = 0; i < 3; i++) assert_near(mono[i], i + n_channels - 1, 1e-5);
    }
}

static void equal_rates_pass_through(void **state)
{
    (void)state;
    float *tone = make_tone(440, 22050, 1000);
    size_t n;
    float *out = resample_all(22050, 22050, 1, tone, 1000, 300, &n);
    assert_int_equal(n, 1000);
    assert_memory_equal(out, tone, 1000 * sizeof *out);
    free(out);
    free(tone);
}

static void reset_starts_another_stream(void **state)
{
    (void)state;
    tb_resampler *resampler = NULL;
    const float *mono;
    size_t n, first_n;
    float *tone = make_tone(440, 44100, 8000), *first = malloc(8000 * sizeof *first);
    assert_ok(tb_resampler_new(44100, 22050, 1, 8000, &resampler, &err));
    assert_ok(tb_resampler_process(resampler, tone, 8000, &mono, &first_n, &err));
    memcpy(first, mono, first_n * sizeof *first);
    assert_ok(tb_resampler_reset(resampler, &err));
    assert_ok(tb_resampler_process(resampler, tone, 8000, &mono, &n, &err));
    assert_int_equal(n, first_n);
    assert_memory_equal(mono, first, n * sizeof *first);
    tb_resampler_free(resampler);
    free(first);
    free(tone);
}

static void wrong_arguments_are_refused(void **state)
{
    (void)state;
    tb_resampler *resampler = NULL;
    assert_status(tb_resampler_new(0, 22050, 1, 100, &resampler, &err), TB_INVALID);
    assert_status(tb_resampler_new(44100, 999, 1, 100, &resampler, &err), TB_INVALID);
    assert_status(tb_resampler_new(44100, 22050, 0, 100, &resampler, &err), TB_INVALID);
    assert_status(tb_resampler_new(44100, 22050, 65, 100, &resampler, &err), TB_INVALID);
    assert_status(tb_resampler_new(44100, 22050, 1, 0, &resampler, &err), TB_INVALID);
    assert_null(resampler);
    tb_resampler_free(NULL);
}

static void each_failing_allocation_is_reported(void **state)
{
    (void)state;
    tb_status status = TB_NO_MEMORY;
    size_t n;
    for (n = 1; n < 20 && status != TB_OK; n++) {
        tb_resampler *resampler = NULL;
        tb_alloc_fail_after(n);
        status = tb_resampler_new(44100, 22050, 2, 100, &resampler, &err);
        tb_alloc_fail_after(0);
        if (status != TB_OK) assert_int_equal(status, TB_NO_MEMORY);
        tb_resampler_free(resampler);
    }
    assert_true(n > 3 && status == TB_OK);
}

TB_TESTS(resample, cmocka_unit_test(the_length_follows_the_rates),
         cmocka_unit_test(tones_of_the_pass_band_stay_in_level_and_time),
         cmocka_unit_test(what_would_alias_is_80_db_down),
         cmocka_unit_test(the_cut_into_blocks_makes_no_difference), cmocka_unit_test(channels_are_averaged),
         cmocka_unit_test(equal_rates_pass_through), cmocka_unit_test(reset_starts_another_stream),
         cmocka_unit_test(wrong_arguments_are_refused), cmocka_unit_test(each_failing_allocation_is_reported))
