// SPDX-License-Identifier: MIT
#include "unit/dsp/dsp_frames.h"

#include "dsp/chroma.h"
#include "dsp/key.h"

#include <math.h>
#include <stdlib.h>

/* Scale degrees, the triad louder. */
static void fill_scale(float chroma[12], int tonic, tb_mode mode)
{
    static const double major[12] = {1.0, 0, 0.5, 0, 0.8, 0.5, 0, 0.9, 0, 0.5, 0, 0.4};
    static const double minor[12] = {1.0, 0, 0.5, 0.8, 0, 0.5, 0, 0.9, 0.5, 0, 0.4, 0};
    for (int i = 0; i < 12; i++) chroma[(i + tonic) % 12] = (float)(mode == TB_MODE_MAJOR ? major : minor)[i];
}

static void each_scale_is_recognised(void **state)
{
    (void)state;
    for (int tonic = 0; tonic < 12; tonic++)
        for (int mode = TB_MODE_MINOR; mode <= TB_MODE_MAJOR; mode++) {
            float chroma[12];
            tb_key key;
            fill_scale(chroma, tonic, (tb_mode)mode);
            tb_key_estimate(chroma, &key);
            assert_true(key.known);
            assert_int_equal(key.tonic, tonic);
            assert_int_equal(key.mode, mode);
            assert_true(key.correlation > 0.8 && key.correlation <= 1.0);
            assert_true(key.confidence > 0.3 && key.confidence <= 1.0);
            assert_true(key.second_tonic != tonic || (int)key.second_mode != mode);
            const double second = key.scores[key.second_tonic + (key.second_mode == TB_MODE_MINOR ? 12 : 0)];
            for (int i = 0; i < 24; i++)
                assert_true(key.scores[i] <= second || i == tonic + (mode == TB_MODE_MINOR ? 12 : 0));
        }
}

static void four_chords_in_c_are_in_c(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_chroma *chroma = NULL;
    const tb_chroma_config config = {.sample_rate_hz = SIGNAL_RATE, .n_fft = N_FFT, .tuning = 0.2};
    assert_ok(tb_chroma_new(&config, &chroma, &err));
    test_signal s = make_signal("chords");
    size_t n_frames;
    float *power = make_default_power(s.samples, s.n, &n_frames), sum[12] = {0};
    for (size_t t = 0; t < n_frames; t++) {
        float classes[12];
        tb_chroma_compute(chroma, power + t * N_BINS, classes);
        tb_chroma_normalize(classes, 12);
        for (size_t c = 0; c < 12; c++) sum[c] += classes[c];
    }
    tb_key key;
    tb_key_estimate(sum, &key);
    assert_string_equal(tb_key_name(key.tonic, key.mode), "C major");
    assert_string_equal(tb_key_camelot(key.tonic, key.mode), "8B");
    tb_free(power);
    tb_free(s.samples);
    tb_chroma_free(chroma);
}

static void silence_and_flat_chroma_have_no_key(void **state)
{
    (void)state;
    const float silence[12] = {0};
    float flat[12], broken[12] = {1.0f, 0.5f, INFINITY};
    tb_key key;
    for (size_t c = 0; c < 12; c++) flat[c] = 0.3f;
    tb_key_estimate(silence, &key);
    assert_false(key.known);
    tb_key_estimate(flat, &key);
    assert_false(key.known);
    assert_near(key.confidence, 0.0, 0.0);
    tb_key_estimate(broken, &key);
    assert_false(key.known);
}

static void level_does_not_matter(void **state)
{
    (void)state;
    float soft[12], loud[12];
    tb_key a, b;
    fill_scale(soft, 4, TB_MODE_MINOR);
    for (size_t c = 0; c < 12; c++) {
        loud[c] = soft[c] * 1e15f;
        soft[c] *= 1e-15f;
    }
    tb_key_estimate(soft, &a);
    tb_key_estimate(loud, &b);
    assert_int_equal(a.tonic, 4);
    assert_near(a.correlation, b.correlation, 1e-6);
}

static void the_camelot_wheel_goes_by_fifths(void **state)
{
    (void)state;
    for (int tonic = 0; tonic < 12; tonic++) {
        const int fifth = (tonic + 7) % 12, relative = (tonic + 9) % 12;
        const int hour = atoi(tb_key_camelot(tonic, TB_MODE_MAJOR));
        assert_int_equal(atoi(tb_key_camelot(fifth, TB_MODE_MAJOR)), hour % 12 + 1);
        assert_int_equal(atoi(tb_key_camelot(relative, TB_MODE_MINOR)), hour);
    }
    assert_string_equal(tb_key_camelot(9, TB_MODE_MINOR), "8A");
    assert_string_equal(tb_key_name(9, TB_MODE_MINOR), "A minor");
    assert_string_equal(tb_key_name(12, TB_MODE_MINOR), "");
    assert_string_equal(tb_key_camelot(-1, TB_MODE_MAJOR), "");
}

TB_TESTS(key, cmocka_unit_test(each_scale_is_recognised), cmocka_unit_test(four_chords_in_c_are_in_c),
         cmocka_unit_test(silence_and_flat_chroma_have_no_key), cmocka_unit_test(level_does_not_matter),
         cmocka_unit_test(the_camelot_wheel_goes_by_fifths))
