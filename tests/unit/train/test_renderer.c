// SPDX-License-Identifier: MIT
/* The renderer with patches, and with the small soundfont where it is installed. */
#include "support/testing.h"
#include "support/wav.h"

#include "base/alloc.h"
#include "train/composer.h"
#include "train/renderer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RATE_HZ = 22050 };

static const tb_renderer_config patches = {.patch_share = 1, .effects = true, .rate_hz = RATE_HZ};

static tb_song *compose(uint64_t seed)
{
    tb_error err = {0};
    tb_song *song = NULL;
    const tb_composer_options options = {.duration_s = 4,
                                         .stems = (1u << TB_STEM_COUNT) - 1,
                                         .tempo_group = -1};
    assert_ok(tb_compose(&options, seed, &song, &err));
    return song;
}

static tb_rendering *render(const tb_renderer_config *config, const tb_song *song, uint64_t seed)
{
    tb_error err = {0};
    tb_renderer *renderer = NULL;
    tb_rendering *rendering = NULL;
    assert_ok(tb_renderer_new(config, &renderer, &err));
    assert_ok(tb_renderer_play(renderer, song, seed, &rendering, &err));
    tb_renderer_free(renderer);
    return rendering;
}

static void assert_same(const tb_rendering *a, const tb_rendering *b)
{
    assert_int_equal(a->n_samples, b->n_samples);
    assert_int_equal(a->n_parts, b->n_parts);
    for (size_t s = 0; s < TB_STEM_COUNT; s++) {
        assert_int_equal(a->stems[s] != NULL, b->stems[s] != NULL);
        if (a->stems[s]) assert_memory_equal(a->stems[s], b->stems[s], a->n_samples * sizeof *a->stems[s]);
    }
}

static void stems_are_sums_of_their_parts_and_the_mix_keeps_its_peak(void **state)
{
    (void)state;
    tb_song *song = compose(3);
    tb_rendering *r = render(&patches, song, 1);
    assert_int_equal(r->n_samples, 4 * RATE_HZ);
    assert_true(r->n_parts >= TB_STEM_COUNT);
    double peak = 0, power = 0;
    for (size_t i = 0; i < r->n_samples; i++) {
        double sums[TB_STEM_COUNT] = {0}, mix = 0;
        for (size_t p = 0; p < r->n_parts; p++) sums[r->parts[p].stem] += (double)r->parts[p].samples[i];
        for (size_t s = 0; s < TB_STEM_COUNT; s++) {
            assert_near(r->stems[s][i], sums[s], 1e-5);
            mix += sums[s];
        }
        peak = fmax(peak, fabs(mix));
        power += mix * mix / (double)r->n_samples;
    }
    assert_true(peak <= 0.7001);
    assert_true(power > 1e-4);
    tb_rendering_free(r);
    tb_song_free(song);
}

static void the_same_seed_gives_the_same_sound_whatever_came_before(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_song *song = compose(3), *other = compose(4);
    tb_renderer *renderer = NULL;
    tb_rendering *first = render(&patches, song, 1), *second = NULL, *between = NULL;
    assert_ok(tb_renderer_new(&patches, &renderer, &err));
    assert_ok(tb_renderer_play(renderer, other, 9, &between, &err));
    assert_ok(tb_renderer_play(renderer, song, 1, &second, &err));
    assert_same(first, second);
    tb_rendering_free(second);
    assert_ok(tb_renderer_play(renderer, song, 2, &second, &err));
    assert_memory_not_equal(first->stems[0], second->stems[0], first->n_samples * sizeof *first->stems[0]);
    tb_rendering_free(first);
    tb_rendering_free(second);
    tb_rendering_free(between);
    tb_renderer_free(renderer);
    tb_song_free(song);
    tb_song_free(other);
}

/* Leaves the guitar out: the drums keep their sound, up to the gain of the whole. */
static void a_stem_does_not_depend_on_the_others(void **state)
{
    (void)state;
    tb_song *song = compose(3);
    tb_rendering *whole = render(&patches, song, 1);
    for (size_t p = 0; p < song->n_parts; p++)
        if (song->parts[p].stem == TB_STEM_GUITAR) song->parts[p].n_events = 0;
    tb_rendering *less = render(&patches, song, 1);
    assert_non_null(whole->stems[TB_STEM_GUITAR]);
    assert_null(less->stems[TB_STEM_GUITAR]);
    const float *a = whole->stems[TB_STEM_DRUMS], *b = less->stems[TB_STEM_DRUMS];
    double ab = 0, aa = 0, bb = 0;
    for (size_t i = 0; i < whole->n_samples; i++) {
        ab += (double)a[i] * (double)b[i];
        aa += (double)a[i] * (double)a[i];
        bb += (double)b[i] * (double)b[i];
    }
    assert_near(ab / sqrt(aa * bb), 1, 1e-6);
    tb_rendering_free(whole);
    tb_rendering_free(less);
    tb_song_free(song);
}

static void silence_and_wrong_options_are_fine(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_song *song = tb_song_new();
    tb_renderer *renderer = NULL;
    tb_rendering *r = NULL;
    assert_non_null(song);
    assert_ok(tb_renderer_new(&patches, &renderer, &err));
    assert_status(tb_renderer_play(renderer, song, 1, &r, &err), TB_INVALID); /* no length */
    song->duration_s = 1;
    assert_ok(tb_renderer_play(renderer, song, 1, &r, &err));
    assert_int_equal(r->n_parts, 0);
    for (size_t s = 0; s < TB_STEM_COUNT; s++) assert_null(r->stems[s]);
    tb_rendering_free(r);
    tb_renderer_free(renderer);
    tb_song_free(song);
    tb_renderer_config config = patches;
    config.rate_hz = 100;
    assert_status(tb_renderer_new(&config, &renderer, &err), TB_INVALID);
    config = patches;
    config.patch_share = 2;
    assert_status(tb_renderer_new(&config, &renderer, &err), TB_INVALID);
}

static tb_soundfonts *find_small_font(void)
{
    tb_error err = {0};
    tb_soundfonts *fonts = NULL;
    if (!tb_font_player_is_built()) return NULL;
    return tb_soundfonts_find(TB_SOUNDFONT_SET_TEST, &fonts, &err) == TB_OK ? fonts : NULL;
}

static void soundfonts_play_the_same_whatever_came_before(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_soundfonts *fonts = find_small_font();
    if (!fonts) skip();
    const tb_renderer_config config = {.fonts = fonts, .effects = true, .rate_hz = RATE_HZ};
    tb_song *song = compose(3), *other = compose(4);
    tb_renderer *renderer = NULL;
    tb_rendering *first = render(&config, song, 1), *second = NULL, *between = NULL;
    for (size_t p = 0; p < first->n_parts; p++) assert_string_equal(first->parts[p].source, "TimGM6mb");
    assert_true(first->n_parts >= TB_STEM_COUNT);
    assert_ok(tb_renderer_new(&config, &renderer, &err));
    assert_ok(tb_renderer_play(renderer, other, 9, &between, &err));
    assert_ok(tb_renderer_play(renderer, song, 1, &second, &err));
    assert_same(first, second);
    tb_rendering_free(first);
    tb_rendering_free(second);
    tb_rendering_free(between);
    tb_renderer_free(renderer);
    tb_song_free(song);
    tb_song_free(other);
    tb_soundfonts_free(fonts);
}

static void lists_of_soundfonts_are_read_and_checked(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_soundfonts *fonts = NULL;
    char *path = tb_test_join(tb_test_folder(), "a.sf2"), list[1200];
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("no soundfont", file);
    fclose(file);
    snprintf(list, sizeof list, "%s:3,%s", path, path);
    assert_ok(tb_soundfonts_parse(list, &fonts, &err));
    assert_int_equal(fonts->n_fonts, 2);
    assert_string_equal(fonts->fonts[0].name, "a.sf2");
    assert_near(fonts->fonts[0].weight, 0.75, 1e-9);
    assert_int_equal(strlen(fonts->fonts[1].digest), 16);
    tb_rng rng;
    tb_rng_init(&rng, 1);
    int n_first = 0;
    for (int i = 0; i < 1000; i++) n_first += tb_soundfonts_draw(fonts, &rng) == 0;
    assert_near(n_first, 750, 60);
    tb_song *song = compose(3);
    const tb_renderer_config config = {.fonts = fonts, .rate_hz = RATE_HZ};
    tb_renderer *renderer = NULL;
    tb_rendering *r = NULL;
    tb_status status = tb_renderer_new(&config, &renderer, &err);
    if (status == TB_OK) status = tb_renderer_play(renderer, song, 1, &r, &err);
    assert_int_equal(status, TB_UNSUPPORTED);
    tb_renderer_free(renderer);
    tb_song_free(song);
    tb_soundfonts_free(fonts);
    snprintf(list, sizeof list, "%s:-1", path);
    assert_status(tb_soundfonts_parse(list, &fonts, &err), TB_INVALID);
    assert_status(tb_soundfonts_parse("", &fonts, &err), TB_INVALID);
    assert_status(tb_soundfonts_parse("/nowhere/font.sf2", &fonts, &err), TB_NOT_FOUND);
    free(path);
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_song *song = compose(3);
    song->duration_s = 0.2;
    for (size_t n = 1;; n++) {
        tb_renderer *renderer = NULL;
        tb_rendering *r = NULL;
        (void)tb_alloc_fail_after(n);
        tb_status status = tb_renderer_new(&patches, &renderer, &err);
        if (status == TB_OK) status = tb_renderer_play(renderer, song, 1, &r, &err);
        (void)tb_alloc_fail_after(0);
        tb_rendering_free(r);
        tb_renderer_free(renderer);
        if (status == TB_OK) break;
        assert_int_equal(status, TB_NO_MEMORY);
    }
    tb_song_free(song);
}

TB_TESTS(renderer, cmocka_unit_test(stems_are_sums_of_their_parts_and_the_mix_keeps_its_peak),
         cmocka_unit_test(the_same_seed_gives_the_same_sound_whatever_came_before),
         cmocka_unit_test(a_stem_does_not_depend_on_the_others),
         cmocka_unit_test(silence_and_wrong_options_are_fine),
         cmocka_unit_test(soundfonts_play_the_same_whatever_came_before),
         cmocka_unit_test(lists_of_soundfonts_are_read_and_checked),
         cmocka_unit_test(each_allocation_may_fail))
