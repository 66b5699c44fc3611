// SPDX-License-Identifier: MIT
/* The signals are those of EBU Tech 3341 (loudness, true peak) and Tech 3342 (range), synthesised. */
#include "unit/dsp/dsp_frames.h"

#include "dsp/loudness.h"

#include <ebur128.h>
#include <math.h>

enum { RATE = 48000 };

static double from_db(double db)
{
    return pow(10.0, db / 20.0);
}

/* Pushes `seconds` of a sine, 1 kHz, each channel at its own peak level, in pieces of odd sizes. */
static void push_sine(tb_loudness *loudness, unsigned rate_hz, unsigned n_channels, const double *levels_dbfs,
                      double seconds)
{
    enum { PIECE = 1777 };
    static float piece[PIECE * 8];
    tb_error err = {0};
    const size_t n = (size_t)lround(seconds * rate_hz);
    double amplitudes[8];
    for (unsigned c = 0; c < n_channels; c++) amplitudes[c] = from_db(levels_dbfs[c]);
    for (size_t done = 0; done < n;) {
        const size_t count = n - done < PIECE ? n - done : PIECE;
        for (size_t i = 0; i < count; i++) {
            const double wave = sin(2.0 * M_PI * 1000.0 * (double)(done + i) / rate_hz);
            for (unsigned c = 0; c < n_channels; c++)
                piece[i * n_channels + c] = (float)(amplitudes[c] * wave);
        }
        assert_ok(tb_loudness_push(loudness, piece, count, &err));
        done += count;
    }
}

static tb_loudness *make_loudness(unsigned rate_hz, unsigned n_channels, unsigned flags)
{
    tb_error err = {0};
    tb_loudness *loudness = NULL;
    assert_ok(tb_loudness_new(rate_hz, n_channels, flags, &loudness, &err));
    return loudness;
}

static tb_loudness_result measure_and_free(tb_loudness *loudness)
{
    tb_error err = {0};
    tb_loudness_result result;
    assert_ok(tb_loudness_measure(loudness, &result, &err));
    tb_loudness_free(loudness);
    return result;
}

typedef struct step {
    double level_dbfs, seconds;
} step;

/* A stereo sine whose level goes through the steps, up to one of 0 s. */
static tb_loudness_result measure_steps(const step *steps, unsigned flags)
{
    tb_loudness *loudness = make_loudness(RATE, 2, flags);
    for (; steps->seconds > 0.0; steps++) {
        const double levels[2] = {steps->level_dbfs, steps->level_dbfs};
        push_sine(loudness, RATE, 2, levels, steps->seconds);
    }
    return measure_and_free(loudness);
}

static void integrated_loudness_is_that_of_tech_3341(void **state)
{
    (void)state;
    static const struct {
        step steps[6];
        double expected_lufs;
    } cases[] = {
        {{{-23, 20}}, -23},
        {{{-33, 20}}, -33},
        {{{-36, 10}, {-23, 60}, {-36, 10}}, -23},
        {{{-72, 10}, {-36, 10}, {-23, 60}, {-36, 10}, {-72, 10}}, -23},
        {{{-26, 20}, {-20, 20.1}, {-26, 20}}, -23},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const tb_loudness_result result = measure_steps(cases[i].steps, 0);
        assert_true(result.has_integrated);
        assert_near(result.integrated_lufs, cases[i].expected_lufs, 0.1);
        assert_false(result.has_range || result.has_max_short_term);
    }
}

static void loudness_range_is_that_of_tech_3342(void **state)
{
    (void)state;
    static const struct {
        step steps[6];
        double expected_lu, max_short_term_lufs;
    } cases[] = {
        {{{-20, 20}, {-30, 20}}, 10, -20},
        {{{-20, 20}, {-15, 20}}, 5, -15},
        {{{-40, 20}, {-20, 20}}, 20, -20},
        {{{-50, 20}, {-35, 20}, {-20, 20}, {-35, 20}, {-50, 20}}, 15, -20},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const tb_loudness_result result = measure_steps(cases[i].steps, TB_LOUDNESS_RANGE);
        assert_true(result.has_range && result.has_max_short_term);
        assert_near(result.range_lu, cases[i].expected_lu, 0.5); /* the standard allows 1 */
        assert_near(result.max_short_term_lufs, cases[i].max_short_term_lufs, 0.1);
    }
}

/* Noise whose level wanders from near silence to loud, each channel by itself. */
static float *make_wandering_noise(size_t n_frames, unsigned n_channels, unsigned rate_hz)
{
    float *samples = tb_alloc(n_frames * n_channels, sizeof *samples);
    assert_non_null(samples);
    uint32_t seed = n_channels;
    for (size_t i = 0; i < n_frames; i++)
        for (unsigned c = 0; c < n_channels; c++) {
            const double t = (double)i / rate_hz;
            const double level_db = -45.0 + 40.0 * sin(1.7 * t + c) * sin(0.31 * t);
            samples[i * n_channels + c] = (float)(from_db(level_db) * next_noise(&seed));
        }
    return samples;
}

static void numbers_are_those_of_libebur128(void **state)
{
    (void)state;
    static const struct {
        unsigned rate_hz, n_channels;
    } streams[] = {{44100, 1}, {44100, 2}, {48000, 3}, {22050, 4},
                   {11025, 5}, {32000, 6}, {96000, 2}, {8000, 2}};
    const unsigned flags = TB_LOUDNESS_RANGE | TB_LOUDNESS_SAMPLE_PEAK;
    const int mode = EBUR128_MODE_I | EBUR128_MODE_LRA | EBUR128_MODE_SAMPLE_PEAK;
    tb_error err = {0};
    for (size_t i = 0; i < sizeof streams / sizeof *streams; i++) {
        const unsigned rate_hz = streams[i].rate_hz, n_channels = streams[i].n_channels;
        const size_t piece = (rate_hz + 5) / 10, n_frames = 250 * piece;
        float *samples = make_wandering_noise(n_frames, n_channels, rate_hz);
        tb_loudness *loudness = make_loudness(rate_hz, n_channels, flags);
        ebur128_state *reference = ebur128_init(n_channels, rate_hz, mode);
        assert_non_null(reference);
        double integrated, range, short_term, max_short_term = -HUGE_VAL, peak, max_peak = 0.0;
        for (size_t at = 0; at < n_frames; at += piece) {
            assert_int_equal(ebur128_add_frames_float(reference, samples + at * n_channels, piece),
                             EBUR128_SUCCESS);
            if (at / piece < 29) continue;
            assert_int_equal(ebur128_loudness_shortterm(reference, &short_term), EBUR128_SUCCESS);
            max_short_term = fmax(max_short_term, short_term);
        }
        assert_int_equal(ebur128_loudness_global(reference, &integrated), EBUR128_SUCCESS);
        assert_int_equal(ebur128_loudness_range(reference, &range), EBUR128_SUCCESS);
        for (unsigned c = 0; c < n_channels; c++) {
            assert_int_equal(ebur128_sample_peak(reference, c, &peak), EBUR128_SUCCESS);
            max_peak = fmax(max_peak, peak);
        }
        ebur128_destroy(&reference);
        assert_ok(tb_loudness_push(loudness, samples, n_frames, &err));
        const tb_loudness_result result = measure_and_free(loudness);
        assert_near(result.integrated_lufs, integrated, 0.01);
        assert_near(result.range_lu, range, 0.1);
        assert_near(result.max_short_term_lufs, max_short_term, 0.001);
        assert_near(result.sample_peak_dbfs, 20.0 * log10(max_peak), 1e-4);
        tb_free(samples);
    }
}

static void surround_channels_count_by_their_place(void **state)
{
    (void)state;
    /* Tech 3341, case 6: L R C LFE Ls Rs, the LFE far too loud and not counted. */
    const double levels[6] = {-28, -28, -24, -6, -30, -30};
    tb_loudness *loudness = make_loudness(RATE, 6, 0);
    push_sine(loudness, RATE, 6, levels, 20.0);
    assert_near(measure_and_free(loudness).integrated_lufs, -23.0, 0.1);
    /* The same without LFE. */
    const double without[5] = {-28, -28, -24, -30, -30};
    loudness = make_loudness(RATE, 5, 0);
    push_sine(loudness, RATE, 5, without, 20.0);
    assert_near(measure_and_free(loudness).integrated_lufs, -23.0, 0.1);
    /* Four channels are L R Ls Rs. */
    const double four[4] = {-28, -28, -30, -30};
    loudness = make_loudness(RATE, 4, 0);
    push_sine(loudness, RATE, 4, four, 20.0);
    const double power = 2.0 * pow(10.0, -2.8) + 1.41 * 2.0 * pow(10.0, -3.0);
    assert_near(measure_and_free(loudness).integrated_lufs, 10.0 * log10(power / 2.0), 0.1);
    /* In eight, those behind count as much as those in front, those at the sides 1.5 dB more. */
    const double eight[8] = {-90, -90, -90, -6, -26, -26, -28, -28};
    loudness = make_loudness(RATE, 8, 0);
    push_sine(loudness, RATE, 8, eight, 20.0);
    const double power_8 = 2.0 * pow(10.0, -2.6) + 1.41 * 2.0 * pow(10.0, -2.8);
    assert_near(measure_and_free(loudness).integrated_lufs, 10.0 * log10(power_8 / 2.0), 0.1);
}

static void every_sample_rate_gives_the_same_loudness(void **state)
{
    (void)state;
    static const unsigned rates_hz[] = {8000, 11025, 16000, 22050, 32000, 44100, 88200, 96000, 192000};
    const double levels[2] = {-23, -23};
    for (size_t i = 0; i < sizeof rates_hz / sizeof *rates_hz; i++) {
        tb_loudness *loudness = make_loudness(rates_hz[i], 2, TB_LOUDNESS_RANGE);
        push_sine(loudness, rates_hz[i], 2, levels, 6.0);
        const tb_loudness_result result = measure_and_free(loudness);
        assert_near(result.integrated_lufs, -23.0, 0.1);
        assert_near(result.max_short_term_lufs, -23.0, 0.1);
        assert_near(result.range_lu, 0.0, 0.1);
    }
    /* Near and past half the rate the shelf is bent, then gone: finite, and not far off. */
    static const unsigned low_rates_hz[] = {1000, 2205, 3700, 3800, 4000};
    for (size_t i = 0; i < sizeof low_rates_hz / sizeof *low_rates_hz; i++) {
        tb_loudness *loudness = make_loudness(low_rates_hz[i], 1, 0);
        float *noise = tb_alloc(20000, sizeof *noise);
        uint32_t seed = 8;
        for (size_t t = 0; t < 20000; t++) noise[t] = (float)(0.1 * next_noise(&seed));
        tb_error err = {0};
        assert_ok(tb_loudness_push(loudness, noise, 20000, &err));
        tb_free(noise);
        const double level_lufs = 10.0 * log10(0.01 / 3.0) - 0.7;
        assert_near(measure_and_free(loudness).integrated_lufs, level_lufs, 2.0);
    }
}

static void mono_is_one_loudspeaker_unless_asked(void **state)
{
    (void)state;
    const double level = -23;
    tb_loudness *one = make_loudness(44100, 1, 0), *two = make_loudness(44100, 1, TB_LOUDNESS_DUAL_MONO);
    push_sine(one, 44100, 1, &level, 5.0);
    push_sine(two, 44100, 1, &level, 5.0);
    assert_near(measure_and_free(one).integrated_lufs, -26.0, 0.1);
    assert_near(measure_and_free(two).integrated_lufs, -23.0, 0.1);
}

static void peaks_are_those_of_the_samples_and_between_them(void **state)
{
    (void)state;
    /* Tech 3341, case 16: a quarter of the rate, phase 45 degrees, so that no sample meets the crest. */
    enum { N = RATE };
    static float samples[2 * N];
    tb_error err = {0};
    for (size_t i = 0; i < N; i++) {
        samples[2 * i] = (float)(0.5 * sin(M_PI / 2.0 * (double)i + M_PI / 4.0));
        samples[2 * i + 1] = 0.1f * samples[2 * i];
    }
    tb_loudness *loudness = make_loudness(RATE, 2, TB_LOUDNESS_SAMPLE_PEAK | TB_LOUDNESS_TRUE_PEAK);
    assert_ok(tb_loudness_push(loudness, samples, N, &err));
    const tb_loudness_result result = measure_and_free(loudness);
    assert_true(result.has_sample_peak && result.has_true_peak);
    assert_near(result.sample_peak_dbfs, 20.0 * log10(0.5 * sqrt(0.5)), 1e-3);
    assert_true(result.true_peak_dbtp > -6.0 - 0.4 - 0.02 && result.true_peak_dbtp < -6.0 + 0.2 - 0.02);
}

static void silence_has_no_loudness(void **state)
{
    (void)state;
    static const float silence[2 * RATE] = {0};
    tb_error err = {0};
    tb_loudness *loudness =
        make_loudness(RATE, 2, TB_LOUDNESS_RANGE | TB_LOUDNESS_TRUE_PEAK | TB_LOUDNESS_SAMPLE_PEAK);
    for (int second = 0; second < 5; second++) assert_ok(tb_loudness_push(loudness, silence, RATE, &err));
    const tb_loudness_result result = measure_and_free(loudness);
    assert_false(result.has_integrated || result.has_range || result.has_max_short_term);
    assert_false(result.has_sample_peak || result.has_true_peak);
    assert_near(result.integrated_lufs, 0.0, 0.0);
}

static void short_streams_have_what_their_length_allows(void **state)
{
    (void)state;
    const double levels[2] = {-20, -20};
    const unsigned flags = TB_LOUDNESS_RANGE | TB_LOUDNESS_SAMPLE_PEAK;
    tb_loudness_result result = measure_and_free(make_loudness(RATE, 2, flags));
    assert_false(result.has_integrated || result.has_range || result.has_sample_peak);
    tb_loudness *loudness = make_loudness(RATE, 2, flags);
    push_sine(loudness, RATE, 2, levels, 0.39);
    result = measure_and_free(loudness);
    assert_false(result.has_integrated);
    assert_true(result.has_sample_peak);
    loudness = make_loudness(RATE, 2, flags);
    push_sine(loudness, RATE, 2, levels, 1.0);
    result = measure_and_free(loudness);
    assert_true(result.has_integrated);
    assert_false(result.has_range || result.has_max_short_term);
}

static void one_broken_sample_does_no_harm(void **state)
{
    (void)state;
    const double levels[2] = {-23, -23};
    const float broken[8] = {NAN, NAN, INFINITY, -INFINITY, 0.0f, NAN, 1e-40f, -1e-40f};
    tb_error err = {0};
    tb_loudness *loudness = make_loudness(RATE, 2, TB_LOUDNESS_RANGE | TB_LOUDNESS_TRUE_PEAK);
    push_sine(loudness, RATE, 2, levels, 5.0);
    assert_ok(tb_loudness_push(loudness, broken, 4, &err));
    push_sine(loudness, RATE, 2, levels, 5.0);
    const tb_loudness_result result = measure_and_free(loudness);
    assert_near(result.integrated_lufs, -23.0, 0.1);
    assert_near(result.max_short_term_lufs, -23.0, 0.1);
    assert_true(isfinite(result.true_peak_dbtp) && isfinite(result.range_lu));
}

static void samples_far_above_full_scale_stay_finite(void **state)
{
    (void)state;
    enum { N = 4 * RATE };
    float *loud = make_constant(N, 1e30f);
    tb_error err = {0};
    for (size_t i = 0; i < N; i += 2) loud[i] = -1e30f;
    tb_loudness *loudness = make_loudness(RATE, 1, TB_LOUDNESS_RANGE | TB_LOUDNESS_SAMPLE_PEAK);
    assert_ok(tb_loudness_push(loudness, loud, N, &err));
    const tb_loudness_result result = measure_and_free(loudness);
    assert_true(isfinite(result.integrated_lufs) && isfinite(result.range_lu));
    assert_near(result.sample_peak_dbfs, 120.0, 1e-3);
    tb_free(loud);
}

static void pieces_give_the_numbers_of_the_whole(void **state)
{
    (void)state;
    test_signal s = make_signal("drums");
    tb_error err = {0};
    tb_loudness *whole = make_loudness(SIGNAL_RATE, 1, TB_LOUDNESS_RANGE);
    tb_loudness *pieces = make_loudness(SIGNAL_RATE, 1, TB_LOUDNESS_RANGE);
    assert_ok(tb_loudness_push(whole, s.samples, s.n, &err));
    for (size_t done = 0, piece = 1; done < s.n; piece = piece * 3 % 4099 + 1) {
        const size_t count = piece < s.n - done ? piece : s.n - done;
        assert_ok(tb_loudness_push(pieces, s.samples + done, count, &err));
        done += count;
    }
    const tb_loudness_result a = measure_and_free(whole), b = measure_and_free(pieces);
    assert_near(a.integrated_lufs, b.integrated_lufs, 0.0);
    assert_near(a.range_lu, b.range_lu, 0.0);
    assert_near(a.max_short_term_lufs, b.max_short_term_lufs, 0.0);
    tb_free(s.samples);
}

static void impossible_streams_are_refused(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_loudness *loudness = NULL;
    assert_status(tb_loudness_new(0, 2, 0, &loudness, &err), TB_INVALID);
    assert_status(tb_loudness_new(768001, 2, 0, &loudness, &err), TB_INVALID);
    assert_status(tb_loudness_new(44100, 0, 0, &loudness, &err), TB_INVALID);
    assert_status(tb_loudness_new(44100, 65, 0, &loudness, &err), TB_INVALID);
    assert_null(loudness);
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    tb_loudness *loudness = NULL;
    assert_survives_no_memory(loudness, tb_loudness_new(44100, 2, 0, &loudness, NULL), tb_loudness_free);
    tb_loudness_free(NULL);
}

TB_TESTS(loudness, cmocka_unit_test(integrated_loudness_is_that_of_tech_3341),
         cmocka_unit_test(loudness_range_is_that_of_tech_3342),
         cmocka_unit_test(numbers_are_those_of_libebur128),
         cmocka_unit_test(surround_channels_count_by_their_place),
         cmocka_unit_test(every_sample_rate_gives_the_same_loudness),
         cmocka_unit_test(mono_is_one_loudspeaker_unless_asked),
         cmocka_unit_test(peaks_are_those_of_the_samples_and_between_them),
         cmocka_unit_test(silence_has_no_loudness),
         cmocka_unit_test(short_streams_have_what_their_length_allows),
         cmocka_unit_test(one_broken_sample_does_no_harm),
         cmocka_unit_test(samples_far_above_full_scale_stay_finite),
         cmocka_unit_test(pieces_give_the_numbers_of_the_whole),
         cmocka_unit_test(impossible_streams_are_refused), cmocka_unit_test(each_allocation_may_fail))
