// SPDX-License-Identifier: MIT
/* The synthesiser: every kind of patch sounds, stays in bounds and repeats itself. */
#include "support/testing.h"

#include "base/alloc.h"
#include "train/composer.h"
#include "train/patch_synth.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { RATE_HZ = 22050, SECONDS = 3, N = RATE_HZ * SECONDS, MAX_NAMES = 32 };

static double power_of(const float *x, size_t from, size_t to)
{
    double sum = 0;
    for (size_t i = from; i < to; i++) {
        if (!isfinite(x[i]) || fabsf(x[i]) > 8) fail_msg("sample %zu is %g", i, (double)x[i]);
        sum += (double)x[i] * (double)x[i];
    }
    return sum / (double)(to - from);
}

static void add_event(tb_part *part, double time_s, tb_event_kind kind, int a, int b)
{
    tb_error err = {0};
    const tb_event event = {.time_s = time_s, .kind = (uint8_t)kind, .a = (uint8_t)a, .b = (int16_t)b};
    assert_ok(tb_part_append(part, &event, &err));
}

/* A song with one part: the caller adds its events. */
static tb_song *new_song(int program, bool is_drums, tb_part **part)
{
    tb_error err = {0};
    size_t index = 0;
    tb_song *song = tb_song_new();
    assert_non_null(song);
    assert_ok(tb_song_add_part(song, program, is_drums, "test", &index, &err));
    song->duration_s = SECONDS;
    *part = &song->parts[index];
    return song;
}

static void every_kind_of_patch_sounds_within_bounds(void **state)
{
    (void)state;
    static const int programs[] = {4, 11, 18, 25, 30, 33, 38, 48, 65, 80, 89, 54};
    tb_error err = {0};
    char names[MAX_NAMES][TB_PATCH_NAME_SIZE];
    size_t n_names = 0;
    float *x = tb_alloc(N, sizeof *x);
    for (size_t p = 0; p <= sizeof programs / sizeof *programs; p++) {
        tb_part *part = NULL;
        const bool is_drums = p == sizeof programs / sizeof *programs;
        tb_song *song = new_song(is_drums ? 0 : programs[p], is_drums, &part);
        part->is_voice = !is_drums && programs[p] == 54;
        for (int k = 0; k < 6; k++) {
            add_event(part, 0.25 * k, TB_EVENT_NOTE_ON, is_drums ? 35 + 3 * k : 48 + 5 * k, 40 + 15 * k);
            add_event(part, 0.25 * k + 0.2, TB_EVENT_NOTE_OFF, is_drums ? 35 + 3 * k : 48 + 5 * k, 0);
        }
        tb_song_sort(song);
        for (uint64_t seed = 0; seed < 24; seed++) {
            char name[TB_PATCH_NAME_SIZE];
            assert_ok(tb_patch_synth_play(part, seed, RATE_HZ, x, N, name, &err));
            if (!(power_of(x, 0, RATE_HZ) > 1e-7))
                fail_msg("program %d, seed %d (%s) is silent", part->program, (int)seed, name);
            size_t i = 0;
            while (i < n_names && strcmp(names[i], name) != 0) i++;
            if (i == n_names && n_names < MAX_NAMES) memcpy(names[n_names++], name, sizeof name);
        }
        tb_song_free(song);
    }
    assert_int_equal(n_names, 8);
    tb_free(x);
}

static void the_same_seed_gives_the_same_samples_and_another_others(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_song *song = NULL;
    float *a = tb_alloc(N, sizeof *a), *b = tb_alloc(N, sizeof *b);
    char name[TB_PATCH_NAME_SIZE];
    const tb_composer_options options = {.duration_s = 4,
                                         .stems = (1u << TB_STEM_COUNT) - 1,
                                         .tempo_group = -1};
    assert_ok(tb_compose(&options, 5, &song, &err));
    for (size_t p = 0; p < song->n_parts; p++) {
        assert_ok(tb_patch_synth_play(&song->parts[p], 1, RATE_HZ, a, N, name, &err));
        assert_ok(tb_patch_synth_play(&song->parts[p], 2, RATE_HZ, b, N, name, &err));
        assert_memory_not_equal(a, b, N * sizeof *a);
        assert_ok(tb_patch_synth_play(&song->parts[p], 1, RATE_HZ, b, N, name, &err));
        assert_memory_equal(a, b, N * sizeof *a);
    }
    tb_song_free(song);
    tb_free(a);
    tb_free(b);
}

static double correlation(const float *x, size_t lag)
{
    double sum = 0;
    for (size_t i = RATE_HZ / 4; i < RATE_HZ; i++) sum += (double)x[i] * (double)x[i + lag];
    return sum;
}

/* Lag of the best correlation within a third of the expected one, with fractions. */
static double period_of(const float *x, double expected)
{
    size_t best = 0;
    double most = -1;
    for (size_t lag = (size_t)(expected * 0.75); lag < (size_t)(expected * 1.33); lag++) {
        const double c = correlation(x, lag);
        if (c > most) most = c, best = lag;
    }
    const double before = correlation(x, best - 1), after = correlation(x, best + 1);
    return (double)best + 0.5 * (before - after) / (before - 2 * most + after);
}

/* The loop's filters delay, too: what is left over must not be heard. */
static void plucked_strings_play_in_tune(void **state)
{
    (void)state;
    tb_error err = {0};
    char name[TB_PATCH_NAME_SIZE];
    float *x = tb_alloc(N, sizeof *x);
    int n_heard = 0;
    for (uint64_t seed = 0; seed < 30; seed++) {
        tb_part *part = NULL;
        tb_song *song = new_song(25, false, &part);
        const int key = 45 + (int)seed % 24;
        const double expected = RATE_HZ / (440 * exp2((key - 69) / 12.0));
        add_event(part, 0, TB_EVENT_NOTE_ON, key, 100);
        add_event(part, 2.5, TB_EVENT_NOTE_OFF, key, 0);
        tb_song_sort(song);
        assert_ok(tb_patch_synth_play(part, seed, RATE_HZ, x, N, name, &err));
        if (strstr(name, "plucked")) {
            const double cents = 1200 * log2(expected / period_of(x, expected));
            if (!(fabs(cents) < 12)) fail_msg("seed %d: key %d sounds %g cents off", (int)seed, key, cents);
            n_heard++;
        }
        tb_song_free(song);
    }
    assert_true(n_heard > 10);
    tb_free(x);
}

static void notes_end_and_the_pedal_holds_them(void **state)
{
    (void)state;
    tb_error err = {0};
    char name[TB_PATCH_NAME_SIZE];
    float *x = tb_alloc(N, sizeof *x);
    for (uint64_t seed = 0; seed < 10; seed++) {
        double late[2];
        for (int with_pedal = 0; with_pedal < 2; with_pedal++) {
            tb_part *part = NULL;
            tb_song *song = new_song(18, false, &part);
            add_event(part, 0, TB_EVENT_CONTROL, 64, with_pedal ? 127 : 0);
            add_event(part, 0, TB_EVENT_NOTE_ON, 60, 100);
            add_event(part, 0.3, TB_EVENT_NOTE_OFF, 60, 0);
            tb_song_sort(song);
            assert_ok(tb_patch_synth_play(part, seed, RATE_HZ, x, N, name, &err));
            late[with_pedal] = power_of(x, 2 * RATE_HZ, 3 * RATE_HZ) / power_of(x, 0, RATE_HZ / 4);
            tb_song_free(song);
        }
        if (strstr(name, "organ")) assert_true(late[1] > 0.1);
        assert_true(late[0] < 1e-3);
    }
    tb_free(x);
}

static void absurd_parts_do_no_harm(void **state)
{
    (void)state;
    tb_error err = {0};
    char name[TB_PATCH_NAME_SIZE];
    float *x = tb_alloc(N, sizeof *x);
    for (int program = 0; program < 128; program += 9) {
        tb_part *part = NULL;
        tb_song *song = new_song(program, false, &part);
        for (int k = 0; k < 128; k++) { /* every key at once, bent as far as it goes, some never let go */
            add_event(part, 0, TB_EVENT_NOTE_ON, k, 127);
            if (k % 2) add_event(part, 0, TB_EVENT_NOTE_OFF, k, 0);
        }
        add_event(part, 0.1, TB_EVENT_BEND, 0, 8191);
        add_event(part, 0.2, TB_EVENT_CONTROL, 7, 0);
        add_event(part, 0.3, TB_EVENT_CONTROL, 7, 127);
        add_event(part, 0.5, TB_EVENT_BEND, 0, -8192);
        add_event(part, 100, TB_EVENT_NOTE_ON, 60, 1); /* behind the end */
        tb_song_sort(song);
        for (uint64_t seed = 0; seed < 2; seed++) {
            assert_ok(tb_patch_synth_play(part, seed, 8000, x, 8000, name, &err));
            (void)power_of(x, 0, 8000);
        }
        tb_song_free(song);
    }
    tb_free(x);
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    tb_error err = {0};
    char name[TB_PATCH_NAME_SIZE];
    tb_part *part = NULL;
    tb_song *song = new_song(4, false, &part);
    float x[64];
    add_event(part, 0, TB_EVENT_NOTE_ON, 60, 100);
    for (size_t n = 1;; n++) {
        (void)tb_alloc_fail_after(n);
        const tb_status status = tb_patch_synth_play(part, 1, RATE_HZ, x, 64, name, &err);
        (void)tb_alloc_fail_after(0);
        if (status == TB_OK) break;
        assert_int_equal(status, TB_NO_MEMORY);
    }
    tb_song_free(song);
}

TB_TESTS(patch_synth, cmocka_unit_test(every_kind_of_patch_sounds_within_bounds),
         cmocka_unit_test(the_same_seed_gives_the_same_samples_and_another_others),
         cmocka_unit_test(plucked_strings_play_in_tune), cmocka_unit_test(notes_end_and_the_pedal_holds_them),
         cmocka_unit_test(absurd_parts_do_no_harm), cmocka_unit_test(each_allocation_may_fail))
