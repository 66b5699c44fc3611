// SPDX-License-Identifier: MIT
/* The analyser with the descriptors: segments in time, invariances, and sounds that are none. */
#include "support/testing.h"
#include "unit/model/sounds.h"

#include "base/alloc.h"

#include <math.h>
#include <string.h>

static tb_error err;

enum { SECOND = SOUND_RATE };

/* Index of a part by name. */
static size_t part_of(const char *name)
{
    const tb_model_info *info = tb_model_get_info(test_model());
    for (size_t p = 0; p < info->n_parts; p++)
        if (strcmp(info->parts[p].name, name) == 0) return p;
    fail_msg("no part %s", name);
    return 0;
}

/* Cosine of a part of segment 0 in two results. */
static double cosine(const heard *a, const heard *b, size_t part)
{
    const tb_model_part *p = &tb_model_get_info(test_model())->parts[part];
    double sum = 0;
    for (size_t k = p->offset; k < p->offset + p->dim; k++) sum += (double)a->vectors[k] * (double)b->vectors[k];
    return sum;
}

static void blocks_make_no_difference_to_the_bit(void **state)
{
    (void)state;
    enum { N = 17 * SECOND + 123 };
    static const size_t blocks[] = {1, 511, 512, 513, 4096, 100000};
    float *music = make_music(3, N);
    heard whole;
    hear(music, N, 0, &whole);
    assert_int_equal(whole.n, 3);
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
        heard cut;
        hear(music, N, blocks[i], &cut);
        assert_int_equal(cut.n, whole.n);
        assert_memory_equal(cut.vectors, whole.vectors, whole.n * whole.dim * sizeof(float));
        assert_memory_equal(cut.presence, whole.presence, whole.n * whole.n_parts * sizeof(float));
        assert_memory_equal(&cut.features, &whole.features, sizeof whole.features);
        heard_clear(&cut);
    }
    heard_clear(&whole);
    tb_free(music);
}

static void segments_cover_the_track_and_the_last_ends_with_it(void **state)
{
    (void)state;
    enum { N = 33 * SECOND };
    const tb_model_info *info = tb_model_get_info(test_model());
    float *music = make_music(5, N);
    heard out;
    hear(music, N, 0, &out);
    assert_int_equal(out.n, 6);
    for (size_t i = 0; i < out.n; i++) assert_near(out.duration_s[i], info->window_s, 1e-9);
    for (size_t i = 0; i + 1 < out.n; i++) assert_near(out.start_s[i], (double)i * info->hop_s, 1e-9);
    assert_near(out.start_s[out.n - 1] + out.duration_s[out.n - 1], 33, 0.03);
    assert_sane(&out);
    heard_clear(&out);
    tb_free(music);
}

static void any_length_gives_a_segment_of_that_length(void **state)
{
    (void)state;
    static const size_t lengths[] = {1, 2, 100, 511, 512, 513, 2047, 2048, 2049, 2560, 8191, 8192, 8193, 22050, 66150, 220000};
    float *music = make_music(7, 220000);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        heard out;
        hear(music + 1000 * (i < 10), lengths[i], 0, &out);
        assert_int_equal(out.n, 1);
        assert_near(out.start_s[0], 0, 0);
        assert_near(out.duration_s[0], (double)lengths[i] / SECOND, 1e-9);
        assert_sane(&out);
        heard_clear(&out);
    }
    tb_free(music);
}

static void no_samples_give_no_segment_and_no_feature(void **state)
{
    (void)state;
    heard out;
    hear(NULL, 0, 0, &out);
    assert_int_equal(out.n, 0);
    for (int f = 0; f < TB_FEATURE_COUNT; f++) assert_false(out.features.has[f]);
    heard_clear(&out);
}

static void silence_is_absent_in_every_part(void **state)
{
    (void)state;
    enum { N = 12 * SECOND };
    float *sounds[] = {make_constant(0, N), make_constant(0.5f, N), make_noise(1, 1e-5f, N)};
    for (size_t i = 0; i < sizeof sounds / sizeof *sounds; i++) {
        heard out;
        hear(sounds[i], N, 0, &out);
        assert_true(out.n >= 1);
        for (size_t s = 0; s < out.n * out.n_parts; s++) assert_near(out.presence[s], 0, 0);
        for (size_t s = 0; s < out.n * out.dim; s++) assert_near(out.vectors[s], 0, 0);
        assert_near(out.features.value[TB_FEATURE_SILENCE], 1, 0);
        assert_false(out.features.has[TB_FEATURE_TEMPO]);
        assert_false(out.features.has[TB_FEATURE_KEY]);
        assert_false(out.features.has[TB_FEATURE_CENTROID]);
        assert_sane(&out);
        heard_clear(&out);
        tb_free(sounds[i]);
    }
}

static void samples_that_are_no_numbers_count_as_zero(void **state)
{
    (void)state;
    enum { N = 12 * SECOND };
    float *bad = make_music(9, N), *zeroed = make_music(9, N);
    heard a, b;
    for (size_t i = 100; i < N; i += 5000) {
        bad[i] = i % 3 == 0 ? NAN : i % 3 == 1 ? INFINITY : -INFINITY;
        zeroed[i] = 0;
    }
    hear(bad, N, 0, &a);
    hear(zeroed, N, 0, &b);
    assert_sane(&a);
    assert_memory_equal(a.vectors, b.vectors, a.n * a.dim * sizeof(float));
    heard_clear(&a);
    heard_clear(&b);
    for (size_t i = 0; i < N; i++) bad[i] = NAN;
    hear(bad, N, 0, &a);
    assert_near(a.presence[0], 0, 0);
    assert_sane(&a);
    heard_clear(&a);
    tb_free(bad);
    tb_free(zeroed);
}

static void odd_sounds_give_sane_numbers(void **state)
{
    (void)state;
    enum { N = 11 * SECOND };
    float *sounds[] = {make_noise(2, 1e30f, N), make_noise(3, 4, N), make_sine(11024, 1, N), make_sine(1, 1, N), make_constant(0, N)};
    for (size_t i = 0; i < N; i++) sounds[1][i] = sounds[1][i] > 1 ? 1 : sounds[1][i] < -1 ? -1 : sounds[1][i]; /* clipped */
    sounds[4][N / 2] = 1; /* one click */
    for (size_t i = 0; i < sizeof sounds / sizeof *sounds; i++) {
        heard out;
        hear(sounds[i], N, 0, &out);
        assert_sane(&out);
        heard_clear(&out);
        tb_free(sounds[i]);
    }
}

static void gain_changes_no_part(void **state)
{
    (void)state;
    enum { N = 12 * SECOND };
    float *loud = make_music(11, N), *quiet = make_music(11, N);
    heard a, b;
    for (size_t i = 0; i < N; i++) quiet[i] *= 0.05f; /* -26 dB */
    hear(loud, N, 0, &a);
    hear(quiet, N, 0, &b);
    for (size_t p = 0; p < a.n_parts; p++) {
        assert_near(cosine(&a, &b, p), 1, 1e-4);
        assert_near(a.presence[p], b.presence[p], 0.02);
    }
    assert_near(a.features.value[TB_FEATURE_RMS] - b.features.value[TB_FEATURE_RMS], 26.02, 0.01);
    assert_near(a.features.value[TB_FEATURE_CENTROID], b.features.value[TB_FEATURE_CENTROID], 0.01);
    heard_clear(&a);
    heard_clear(&b);
    tb_free(loud);
    tb_free(quiet);
}

static void halves_of_a_piece_are_closer_than_other_pieces(void **state)
{
    (void)state;
    enum { N = 12 * SECOND };
    float *one = make_music(21, 2 * N), *other = make_music(22, N);
    heard a, b, c;
    hear(one, N, 0, &a);
    hear(one + N, N, 0, &b);
    hear(other, N, 0, &c);
    for (size_t p = 0; p < a.n_parts; p++) {
        if (!(cosine(&a, &b, p) > cosine(&a, &c, p)))
            fail_msg("%s: %g to the same piece, %g to another", tb_model_get_info(test_model())->parts[p].name, cosine(&a, &b, p),
                     cosine(&a, &c, p));
    }
    heard_clear(&a);
    heard_clear(&b);
    heard_clear(&c);
    tb_free(one);
    tb_free(other);
}

static void a_steady_tone_has_harmony_and_no_rhythm(void **state)
{
    (void)state;
    enum { N = 12 * SECOND };
    float *tone = make_sine(440, 0.3f, N);
    heard out;
    hear(tone, N, 0, &out);
    assert_near(out.presence[part_of("harmony")], 1, 1e-6);
    assert_true(out.presence[part_of("rhythm")] < 0.2f);
    assert_near(out.features.value[TB_FEATURE_CENTROID], 440, 5);
    assert_near(out.features.value[TB_FEATURE_RMS], 10 * log10(0.09 / 2), 0.05);
    heard_clear(&out);
    tb_free(tone);
}

static void memory_does_not_grow_with_length(void **state)
{
    (void)state;
    enum { BLOCK = 10 * SECOND };
    heard out;
    tb_analyser *analyser = NULL;
    float *music = make_music(30, BLOCK);
    hear(music, BLOCK, 0, &out); /* so that plans exist */
    heard_clear(&out);
    assert_ok(tb_analyser_new(NULL, 0, NULL, NULL, &analyser, &err));
    tb_alloc_fail_after(0); /* sets the count of allocations back */
    for (int i = 0; i < 30; i++) assert_ok(tb_analyser_push_mono(analyser, music, BLOCK, &err));
    assert_int_equal(tb_alloc_fail_after(0), 0);
    tb_analyser_free(analyser);
    tb_free(music);
}

static tb_status refuse(void *context, const tb_segment *segment, tb_error *error)
{
    (void)context, (void)segment;
    return tb_error_set(error, TB_CANCELLED, "enough");
}

static void a_sink_that_fails_ends_the_analysis(void **state)
{
    (void)state;
    enum { N = 12 * SECOND };
    const tb_model *const models[] = {test_model()};
    tb_analyser *analyser = NULL;
    float *music = make_music(31, N);
    assert_ok(tb_analyser_new(models, 1, refuse, NULL, &analyser, &err));
    assert_status(tb_analyser_push_mono(analyser, music, N, &err), TB_CANCELLED);
    tb_analyser_free(analyser);
    tb_free(music);
}

static void each_failing_allocation_is_reported(void **state)
{
    (void)state;
    const tb_model *const models[] = {test_model()};
    tb_status status = TB_NO_MEMORY;
    size_t n = 0;
    while (status != TB_OK && n < 1000) {
        tb_analyser *analyser = NULL;
        tb_alloc_fail_after(++n);
        status = tb_analyser_new(models, 1, refuse, NULL, &analyser, &err);
        tb_alloc_fail_after(0);
        if (status != TB_OK) assert_int_equal(status, TB_NO_MEMORY);
        tb_analyser_free(analyser);
    }
    assert_true(n > 5);
    assert_int_equal(status, TB_OK);
}

static void loudness_comes_from_the_native_frames(void **state)
{
    (void)state;
    enum { N = 48000 };
    float *stereo = tb_alloc(2 * N, sizeof *stereo);
    tb_analyser *analyser = NULL;
    tb_track_features features;
    assert_non_null(stereo);
    for (size_t i = 0; i < N; i++) stereo[2 * i] = stereo[2 * i + 1] = 0.1f * (float)sin(6.283185307179586 * 997 * (double)i / 48000);
    assert_ok(tb_analyser_new(NULL, 0, NULL, NULL, &analyser, &err));
    for (int i = 0; i < 5; i++) assert_ok(tb_analyser_push_native(analyser, stereo, N, 2, 48000, &err));
    assert_status(tb_analyser_push_native(analyser, stereo, N, 0, 48000, &err), TB_INVALID);
    assert_ok(tb_analyser_finish(analyser, &features, &err));
    assert_true(features.has[TB_FEATURE_LOUDNESS]);
    assert_near(features.value[TB_FEATURE_LOUDNESS], -20, 0.1); /* ITU: 997 Hz at -20 dBFS in both channels */
    assert_near(features.value[TB_FEATURE_PEAK], -20, 0.01);
    assert_false(features.has[TB_FEATURE_RMS]);
    tb_analyser_free(analyser);
    tb_free(stereo);
}

static void feature_table_has_names_units_and_texts(void **state)
{
    (void)state;
    for (int f = 0; f < TB_FEATURE_COUNT; f++) {
        const tb_feature_info *info = tb_feature_get_info((tb_feature)f);
        assert_true(info->name[0] != '\0' && info->unit[0] != '\0' && info->text[0] != '\0');
        for (int g = 0; g < f; g++) assert_string_not_equal(info->name, tb_feature_get_info((tb_feature)g)->name);
    }
}

static void tempo_and_key_of_plain_music_are_found(void **state)
{
    (void)state;
    enum { N = 30 * SECOND };
    /* clicks at 120 bpm over an A major chord */
    float *music = make_noise(1, 0.3f, N);
    for (size_t i = 0; i < N; i++) {
        const double t = (double)i / SECOND, in_beat = fmod(t, 0.5);
        double chord = 0;
        static const double notes[] = {220, 277.18, 329.63, 440};
        for (size_t k = 0; k < 4; k++) chord += sin(6.283185307179586 * notes[k] * t);
        music[i] = (float)((double)music[i] * exp(-40 * in_beat) + 0.05 * chord);
    }
    heard out;
    hear(music, N, 0, &out);
    assert_true(out.features.has[TB_FEATURE_TEMPO] && out.features.has[TB_FEATURE_KEY]);
    assert_near(out.features.value[TB_FEATURE_TEMPO], 120, 1.5);
    assert_near(out.features.value[TB_FEATURE_KEY], 9, 0);
    assert_near(out.features.value[TB_FEATURE_MODE], 1, 0);
    assert_near(out.features.value[TB_FEATURE_ONSET_RATE], 2, 0.1);
    heard_clear(&out);
    tb_free(music);
}

TB_TESTS(analyser, cmocka_unit_test(blocks_make_no_difference_to_the_bit),
         cmocka_unit_test(segments_cover_the_track_and_the_last_ends_with_it),
         cmocka_unit_test(any_length_gives_a_segment_of_that_length), cmocka_unit_test(no_samples_give_no_segment_and_no_feature),
         cmocka_unit_test(silence_is_absent_in_every_part), cmocka_unit_test(samples_that_are_no_numbers_count_as_zero),
         cmocka_unit_test(odd_sounds_give_sane_numbers), cmocka_unit_test(gain_changes_no_part),
         cmocka_unit_test(halves_of_a_piece_are_closer_than_other_pieces), cmocka_unit_test(a_steady_tone_has_harmony_and_no_rhythm),
         cmocka_unit_test(memory_does_not_grow_with_length), cmocka_unit_test(a_sink_that_fails_ends_the_analysis),
         cmocka_unit_test(each_failing_allocation_is_reported), cmocka_unit_test(loudness_comes_from_the_native_frames),
         cmocka_unit_test(feature_table_has_names_units_and_texts), cmocka_unit_test(tempo_and_key_of_plain_music_are_found))
