// SPDX-License-Identifier: MIT
/* Changes of audio, and whether changed clips find themselves, with a network of random weights. */
#include "support/instruments_model.h"
#include "support/testing.h"
#include "support/wav.h"

#include "base/alloc.h"
#include "base/rng.h"
#include "train/eval_robustness.h"
#include "train/mfcc_clip.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { RATE = TB_MODEL_RATE_HZ, N = 21 * RATE, CLIPS = 3 };

/* A run of notes over a beat, of its own for each seed. */
static float *make_clip(uint64_t seed)
{
    tb_rng rng;
    float *mono = tb_alloc(N, sizeof *mono);
    double phase = 0, hz = 200;
    assert_non_null(mono);
    tb_rng_init(&rng, seed);
    const double bright = 0.2 + 0.8 * tb_rng_uniform(&rng), low = 80 + 200 * tb_rng_uniform(&rng);
    for (size_t i = 0; i < N; i++) {
        if (i % (RATE / 4) == 0) hz = low * pow(2, (double)tb_rng_below(&rng, 25) / 12);
        phase += hz / RATE;
        mono[i] = (float)(0.3 * sin(2 * M_PI * phase) + 0.2 * bright * sin(2 * M_PI * 3 * phase) +
                          0.05 * bright * tb_rng_normal(&rng) * (i % (RATE / 2) < RATE / 20));
    }
    return mono;
}

static double root_mean_square(const float *x, size_t n)
{
    double square = 0;
    for (size_t i = 0; i < n; i++) square += (double)x[i] * (double)x[i];
    return sqrt(square / (double)n);
}

/* --- changes ---------------------------------------------------------------------------------------------------- */

static float *change(tb_audio_change which, const float *mono, size_t *n)
{
    tb_error err = {0};
    float *out = NULL;
    const tb_status status = tb_audio_change_make(which, mono, N, 9, &out, n, &err);
    if (status == TB_UNSUPPORTED) return NULL;
    assert_ok(status);
    for (size_t i = 0; i < *n; i++) assert_true(isfinite(out[i]));
    return out;
}

static void changes_do_what_they_say(void **state)
{
    (void)state;
    size_t n = 0;
    float *mono = make_clip(1), *made = change(TB_CHANGE_QUIET, mono, &n), peak = 0, cut = 0;
    assert_int_equal(n, N);
    assert_near(20 * log10(root_mean_square(made, n) / root_mean_square(mono, N)), -12, 0.01);
    tb_free(made);

    made = change(TB_CHANGE_NOISE, mono, &n);
    for (size_t i = 0; i < N; i++) made[i] -= mono[i];
    assert_near(20 * log10(root_mean_square(mono, N) / root_mean_square(made, n)), 20, 0.1);
    tb_free(made);

    made = change(TB_CHANGE_CLIPPED, mono, &n);
    for (size_t i = 0; i < N; i++) {
        peak = fmaxf(peak, fabsf(mono[i]));
        cut = fmaxf(cut, fabsf(made[i]));
    }
    assert_near(cut, peak / 3, 1e-6);
    tb_free(made);

    made = change(TB_CHANGE_SHIFTED, mono, &n);
    assert_int_equal(n, N - (size_t)(0.7 * RATE));
    assert_memory_equal(made, mono + N - n, n * sizeof *made);
    tb_free(made);

    made = change(TB_CHANGE_FASTER, mono, &n);
    assert_near((double)n * tb_audio_change_speed(TB_CHANGE_FASTER), N, 5);
    tb_free(made);

    made = change(TB_CHANGE_RATE, mono, &n);
    assert_near((double)n, N, 5);
    tb_free(made);

    if ((made = change(TB_CHANGE_MP3, mono, &n)) != NULL) {
        assert_near((double)n, N, 5);
        for (size_t i = 0; i < N - 5; i++) made[i] -= mono[i];
        const double difference = root_mean_square(made, N - 5);
        assert_true(difference > 0 && difference < 0.2 * root_mean_square(mono, N));
        tb_free(made);
    }
    tb_free(mono);
}

static void audio_that_is_too_short_is_refused(void **state)
{
    (void)state;
    tb_error err = {0};
    const float one = 0.5f;
    float *out = NULL;
    size_t n = 3;
    assert_status(tb_audio_change_make(TB_CHANGE_SHIFTED, &one, 1, 1, &out, &n, &err), TB_INVALID);
    assert_null(out);
    assert_int_equal(n, 3);
}

/* --- robustness -------------------------------------------------------------------------------------------------- */

typedef struct kit {
    float *audio[CLIPS];
    tb_eval_clip clips[CLIPS];
    tb_model *model;
    tb_pool *pool;
    tb_robustness_options options;
} kit;

static void open_kit(kit *k, size_t n_threads)
{
    tb_error err = {0};
    char *path = tb_test_join(tb_test_folder(), "instruments.safetensors");
    write_random_instruments(path, 32, 0, 3);
    assert_ok(tb_model_open(path, &k->model, &err));
    assert_ok(tb_pool_new("test", n_threads, n_threads, &k->pool, &err));
    for (size_t i = 0; i < CLIPS; i++) {
        k->audio[i] = make_clip(10 + i);
        k->clips[i] = (tb_eval_clip){k->audio[i], N};
    }
    k->options = (tb_robustness_options){.model = k->model, .pool = k->pool, .seed = 5};
    free(path);
}

static void close_kit(kit *k)
{
    for (size_t i = 0; i < CLIPS; i++) tb_free(k->audio[i]);
    tb_pool_free(k->pool);
    tb_model_close(k->model);
}

static void a_clip_finds_itself_but_for_a_twin_whatever_the_number_of_threads(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_eval_robustness results[2];
    for (size_t i = 0; i < 2; i++) {
        kit k = {0};
        open_kit(&k, i == 0 ? 1 : 3);
        k.clips[1] = k.clips[0]; /* at the same distance: neither is nearest */
        memset(&results[i], 0, sizeof results[i]);
        assert_ok(tb_eval_robustness_measure(&k.options, k.clips, CLIPS, &results[i], &err));
        close_kit(&k);
    }
    assert_memory_equal(&results[0], &results[1], sizeof results[0]);
    assert_int_equal(results[0].n_tracks, CLIPS);
    assert_int_equal(results[0].n_pieces, CLIPS);
    const tb_robustness_row *quiet = &results[0].row[TB_CHANGE_QUIET];
    assert_true(quiet->measured);
    assert_int_equal(quiet->track.n, CLIPS);
    assert_int_equal(quiet->piece.n, CLIPS);
    assert_near(quiet->track.share, (CLIPS - 2) / (double)CLIPS, 1e-9);
    assert_near(quiet->piece.share, (CLIPS - 2) / (double)CLIPS, 1e-9);
    for (size_t p = 0; p < TB_STEM_COUNT; p++)
        assert_near(quiet->part[p].share, (CLIPS - 2) / (double)CLIPS, 1e-9);
    for (size_t i = 0; i < TB_CHANGE_COUNT; i++)
        assert_true(results[0].row[i].piece_track.share >= results[0].row[i].piece.share);
}

static void too_few_or_too_short_clips_are_refused(void **state)
{
    (void)state;
    tb_error err = {0};
    kit k = {0};
    tb_eval_robustness result;
    open_kit(&k, 1);
    assert_status(tb_eval_robustness_measure(&k.options, k.clips, 1, &result, &err), TB_INVALID);
    k.clips[2].n = 20 * RATE;
    assert_status(tb_eval_robustness_measure(&k.options, k.clips, CLIPS, &result, &err), TB_INVALID);
    const atomic_bool cancelled = true;
    k.clips[2].n = N;
    k.options.cancel = &cancelled;
    assert_status(tb_eval_robustness_measure(&k.options, k.clips, CLIPS, &result, &err), TB_CANCELLED);
    close_kit(&k);
}

/* --- the baseline ---------------------------------------------------------------------------------------------------- */

static void mfccs_have_a_mean_and_a_deviation(void **state)
{
    (void)state;
    tb_error err = {0};
    float steady[TB_MFCC_CLIP_DIM], moving[TB_MFCC_CLIP_DIM], loud[TB_MFCC_CLIP_DIM];
    float *mono = make_clip(3), *tone = tb_alloc(N, sizeof *tone);
    assert_non_null(tone);
    for (size_t i = 0; i < N; i++) tone[i] = 0.5f * sinf((float)i * 0.1f);
    assert_ok(tb_mfcc_clip(tone, 5 * RATE, steady, &err));
    assert_ok(tb_mfcc_clip(mono, 5 * RATE, moving, &err));
    for (size_t i = 0; i < N; i++) mono[i] *= 0.5f;
    assert_ok(tb_mfcc_clip(mono, 5 * RATE, loud, &err));
    for (size_t k = 0; k < TB_MFCC_CLIP_COUNT; k++) {
        assert_near(steady[TB_MFCC_CLIP_COUNT + k], 0, 0.5); /* a tone does not change */
        assert_true(moving[TB_MFCC_CLIP_COUNT + k] > 0.5);
        if (k > 0) assert_near(loud[k], moving[k], 0.5); /* the level is in the first alone */
    }
    assert_true(loud[0] < moving[0] - 10);
    tb_free(mono);
    tb_free(tone);
}

static void standardised_numbers_have_mean_0_and_deviation_1(void **state)
{
    (void)state;
    float x[] = {1, 7, 3, 7, 5, 7};
    tb_standardise(x, 3, 2);
    assert_near(x[0] + x[2] + x[4], 0, 1e-6);
    assert_near(x[0] * x[0] + x[2] * x[2] + x[4] * x[4], 3, 1e-5);
    assert_near(x[1], 0, 0);
    assert_near(x[3], 0, 0);
    tb_standardise(NULL, 0, 2);
}

TB_TESTS(eval_robustness, cmocka_unit_test(changes_do_what_they_say),
         cmocka_unit_test(audio_that_is_too_short_is_refused),
         cmocka_unit_test(a_clip_finds_itself_but_for_a_twin_whatever_the_number_of_threads),
         cmocka_unit_test(too_few_or_too_short_clips_are_refused), cmocka_unit_test(mfccs_have_a_mean_and_a_deviation),
         cmocka_unit_test(standardised_numbers_have_mean_0_and_deviation_1))
