// SPDX-License-Identifier: MIT
#include "unit/dsp/dsp_frames.h"

#include "unit/dsp/dsp_golden.h"

#include <math.h>
#include <string.h>

static const char *const signals[] = {"tone", "chirp", "white", "chords"};

static void compare_every(const char *file, const char *name, size_t step, const float *power,
                          size_t n_frames, size_t n_bins)
{
    golden reference = read_golden(file, name);
    comparison c = begin_comparison(&reference, 1e-5);
    for (size_t t = 0; t < n_frames; t += step) compare_row(&c, power + t * n_bins);
    end_comparison(&c, 0);
    free_golden(&reference);
}

static void power_is_that_of_librosa(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t step;
        tb_stft_config config;
    } cases[] = {
        {"power_every_16", 16, {.n_fft = 2048, .hop = 512, .window = TB_WINDOW_HANN, .pad = TB_PAD_ZERO}},
        {"hamming_reflect_every_40",
         40,
         {.n_fft = 1024, .hop = 300, .win_length = 800, .window = TB_WINDOW_HAMMING, .pad = TB_PAD_REFLECT}},
        {"blackman_not_centred_every_20",
         20,
         {.n_fft = 512, .hop = 700, .window = TB_WINDOW_BLACKMAN, .pad = TB_PAD_NONE}},
    };
    for (size_t i = 0; i < 4; i++) {
        test_signal s = make_signal(signals[i]);
        for (size_t k = 0; k < 3; k++) {
            size_t n_frames;
            float *power = make_spectrogram(&cases[k].config, s.samples, s.n, &n_frames, NULL);
            compare_every(s.name, cases[k].name, cases[k].step, power, n_frames,
                          cases[k].config.n_fft / 2 + 1);
            tb_free(power);
        }
        tb_free(s.samples);
    }
}

static void pieces_give_the_bits_of_the_whole(void **state)
{
    (void)state;
    tb_error err = {0};
    test_signal s = make_signal("chords");
    size_t n_frames, t = 0;
    float *whole = make_default_power(s.samples, s.n, &n_frames);
    const tb_stft_config config = {.n_fft = N_FFT, .hop = HOP, .window = TB_WINDOW_HANN, .pad = TB_PAD_ZERO};
    tb_stft *stft = NULL;
    tb_stft_frame frame;
    assert_ok(tb_stft_new(&config, &stft, &err));
    for (int round = 0; round < 2; round++) { /* the second after a reset */
        t = 0;
        for (size_t done = 0, piece = 1; done < s.n; piece = piece * 3 % 1009 + 1) {
            done += tb_stft_push(stft, s.samples + done, piece < s.n - done ? piece : s.n - done);
            if (done == s.n) tb_stft_finish(stft);
            for (; tb_stft_next(stft, &frame); t++)
                assert_memory_equal(frame.power, whole + t * N_BINS, N_BINS * sizeof *whole);
        }
        assert_int_equal(t, n_frames);
        tb_stft_reset(stft);
    }
    tb_stft_free(stft);
    tb_free(whole);
    tb_free(s.samples);
}

static void a_sine_stands_in_its_bin(void **state)
{
    (void)state;
    const double hz = 100.0 * SIGNAL_RATE / N_FFT;
    float *sine = make_sine(N_FFT, 0.5, hz);
    const tb_stft_config config = {.n_fft = N_FFT, .hop = HOP, .window = TB_WINDOW_HANN, .pad = TB_PAD_NONE};
    size_t n_frames;
    float *power = make_spectrogram(&config, sine, N_FFT, &n_frames, NULL);
    assert_int_equal(n_frames, 1);
    const double peak = 0.5 * N_FFT / 4.0; /* amplitude * sum of the window / 2 */
    assert_near(power[100], peak * peak, 1e-4 * peak * peak);
    assert_near(power[99], peak * peak / 4.0, 1e-4 * peak * peak);
    assert_near(power[103], 0.0, 1e-9 * peak * peak);
    tb_free(power);
    tb_free(sine);
}

static void odd_signals_give_finite_numbers(void **state)
{
    (void)state;
    const tb_stft_config config = {.n_fft = 256, .hop = 64, .window = TB_WINDOW_HANN, .pad = TB_PAD_REFLECT};
    static const float values[] = {0.0f, 1.0f, -1.0f, 1e30f, 1e-30f, NAN, INFINITY};
    static const size_t lengths[] = {0, 1, 2, 100, 255, 256, 257, 1000};
    for (size_t v = 0; v < sizeof values / sizeof *values; v++)
        for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
            float *constant = make_constant(lengths[l], values[v]);
            size_t n_frames;
            float *power = make_spectrogram(&config, constant, lengths[l], &n_frames, NULL);
            assert_int_equal(n_frames, lengths[l] ? 1 + lengths[l] / 64 : 0);
            assert_all_finite(power, n_frames * 129);
            tb_free(power);
            tb_free(constant);
        }
}

static void silence_has_no_power(void **state)
{
    (void)state;
    float *silence = make_constant(5000, 0.0f);
    size_t n_frames;
    float *power = make_default_power(silence, 5000, &n_frames);
    for (size_t i = 0; i < n_frames * N_BINS; i++) assert_near(power[i], 0.0, 0.0);
    tb_free(power);
    tb_free(silence);
}

static void impossible_sizes_are_refused(void **state)
{
    (void)state;
    static const tb_stft_config configs[] = {
        {.n_fft = 0, .hop = 1},
        {.n_fft = 511, .hop = 1},
        {.n_fft = 512, .hop = 0},
        {.n_fft = 512, .hop = 1, .win_length = 513},
        {.n_fft = (size_t)1 << 40, .hop = 1},
    };
    tb_error err = {0};
    for (size_t i = 0; i < sizeof configs / sizeof *configs; i++) {
        tb_stft *stft = NULL;
        assert_status(tb_stft_new(&configs[i], &stft, &err), TB_INVALID);
        assert_null(stft);
    }
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    const tb_stft_config config = {.n_fft = 162, .hop = 64, .window = TB_WINDOW_HANN, .pad = TB_PAD_ZERO};
    tb_stft *stft = NULL;
    assert_survives_no_memory(stft, tb_stft_new(&config, &stft, NULL), tb_stft_free);
    tb_stft_free(NULL);
}

TB_TESTS(stft, cmocka_unit_test(power_is_that_of_librosa),
         cmocka_unit_test(pieces_give_the_bits_of_the_whole), cmocka_unit_test(a_sine_stands_in_its_bin),
         cmocka_unit_test(odd_signals_give_finite_numbers), cmocka_unit_test(silence_has_no_power),
         cmocka_unit_test(impossible_sizes_are_refused), cmocka_unit_test(each_allocation_may_fail))
