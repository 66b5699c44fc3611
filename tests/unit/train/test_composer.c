// SPDX-License-Identifier: MIT
/* Pieces from seeds: equal for equal seeds, sound in every note, as varied as they are meant to be. */
#include "support/testing.h"

#include "base/alloc.h"
#include "train/composer.h"
#include "train/groove_table.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { N_SEEDS = 200, ALL_STEMS = (1 << TB_STEM_COUNT) - 1 };

static tb_song *compose(const tb_composer_options *options, uint64_t seed)
{
    tb_error err = {0};
    tb_song *song = NULL;
    const tb_status status = tb_compose(options, seed, &song, &err);
    if (status != TB_OK) fail_msg("seed %llu: %s", (unsigned long long)seed, err.message);
    return song;
}

/* FNV-1a over what a song says, times in microseconds. */
static void add(uint64_t *hash, int64_t value)
{
    for (int i = 0; i < 8; i++) *hash = (*hash ^ ((uint64_t)value >> 8 * i & 0xff)) * 0x100000001b3u;
}

static uint64_t fingerprint(const tb_song *song)
{
    uint64_t hash = 0xcbf29ce484222325u;
    add(&hash, llround(song->tempo_bpm * 1000));
    add(&hash, song->key);
    add(&hash, (int64_t)song->mode);
    for (size_t i = 0; i < song->n_beats; i++) add(&hash, llround(song->beats[i] * 1e6));
    for (size_t p = 0; p < song->n_parts; p++) {
        const tb_part *part = &song->parts[p];
        add(&hash, part->program);
        add(&hash, llround(part->synthetic * 100));
        for (size_t i = 0; i < part->n_events; i++) {
            add(&hash, llround(part->events[i].time_s * 1e6));
            add(&hash, part->events[i].kind);
            add(&hash, part->events[i].a);
            add(&hash, part->events[i].b);
        }
    }
    return hash;
}

static void the_same_seed_gives_the_same_song(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        tb_song *first = compose(NULL, seed), *second = compose(&tb_composer_defaults, seed);
        assert_string_equal(first->name, second->name);
        assert_true(fingerprint(first) == fingerprint(second));
        tb_song_free(first);
        tb_song_free(second);
    }
}

/* Data sets are known by their seeds: whoever changes what is composed makes new ones, and new numbers here. */
static void every_machine_composes_the_same(void **state)
{
    (void)state;
    static const uint64_t expected[] = {0xcc01f8aef6ef22c0, 0x2dacc4bee33e4aa2, 0x15ad371dafb362d1,
                                        0x4ea35aaf3336d5cf};
    for (uint64_t seed = 0; seed < 4; seed++) {
        tb_song *song = compose(&(tb_composer_options){.stems = ALL_STEMS, .tempo_group = -1}, seed);
        if (fingerprint(song) != expected[seed])
            fail_msg("seed %d gives %#llx", (int)seed, (unsigned long long)fingerprint(song));
        tb_song_free(song);
    }
}

static void different_seeds_give_different_songs(void **state)
{
    (void)state;
    uint64_t seen[N_SEEDS];
    for (uint64_t seed = 0; seed < N_SEEDS; seed++) {
        tb_song *song =
            compose(&(tb_composer_options){.duration_s = 8, .tempo_group = 3, .beats_per_bar = 4}, seed);
        seen[seed] = fingerprint(song);
        for (uint64_t other = 0; other < seed; other++) assert_true(seen[other] != seen[seed]);
        tb_song_free(song);
    }
}

static void every_song_is_sound_and_lasts_as_asked(void **state)
{
    (void)state;
    static const double durations[] = {0, 4, 30.5, 64, 97.123};
    for (uint64_t seed = 0; seed < N_SEEDS; seed++) {
        tb_error err = {0};
        const double asked = durations[seed % 5];
        tb_song *song = compose(&(tb_composer_options){.duration_s = asked, .tempo_group = -1}, seed);
        assert_ok(tb_song_check(song, &err));
        assert_near(song->duration_s, asked > 0 ? asked : 64, 1e-6);
        assert_true(song->seed == seed);
        const double beat_s = 60 / song->tempo_bpm;
        assert_near(song->n_beats, song->duration_s / beat_s, 1.001);
        assert_near(song->n_bars, song->duration_s / beat_s / song->beats_per_bar, 1.001);
        for (size_t i = 1; i < song->n_beats; i++)
            assert_near(song->beats[i] - song->beats[i - 1], beat_s, 1e-5);
        for (size_t i = 0; i < song->n_bars; i++)
            assert_near(song->bars[i], song->beats[i * (size_t)song->beats_per_bar], 0);
        for (size_t p = 0; p < song->n_parts; p++) {
            const tb_part *part = &song->parts[p];
            assert_int_equal(part->is_drums, part->stem == TB_STEM_DRUMS);
            assert_true(*part->name != 0);
            if (part->is_voice) assert_int_equal(part->stem, TB_STEM_OTHERS);
        }
        tb_song_free(song);
    }
}

static void notes_lie_in_the_range_of_their_instrument(void **state)
{
    (void)state;
    static const int low[TB_STEM_COUNT] = {35, 26, 21, 35, 31}, high[TB_STEM_COUNT] = {82, 67, 108, 100, 108};
    for (uint64_t seed = 0; seed < N_SEEDS; seed++) {
        tb_song *song =
            compose(&(tb_composer_options){.duration_s = 20, .stems = ALL_STEMS, .tempo_group = -1}, seed);
        for (size_t p = 0; p < song->n_parts; p++) {
            const tb_part *part = &song->parts[p];
            for (size_t i = 0; i < part->n_events; i++)
                if (part->events[i].kind == TB_EVENT_NOTE_ON &&
                    (part->events[i].a < low[part->stem] || part->events[i].a > high[part->stem]))
                    fail_msg("seed %d: %s (%s) plays %d", (int)seed, tb_stem_name(part->stem), part->name,
                             part->events[i].a);
        }
        tb_song_free(song);
    }
}

static void even_the_shortest_piece_has_all_its_stems(void **state)
{
    (void)state;
    for (unsigned seed = 0; seed < 2 * N_SEEDS; seed++) {
        const unsigned stems = 1 + seed % ALL_STEMS;
        const tb_composer_options options = {.duration_s = 4,
                                             .stems = stems,
                                             .tempo_group = (int)(seed % 10),
                                             .beats_per_bar = 3 + (int)(seed % 2)};
        tb_song *song = compose(&options, seed);
        if (tb_song_stems(song) != stems)
            fail_msg("seed %u has stems %x, not %x", seed, tb_song_stems(song), stems);
        assert_int_equal(song->tempo_group, options.tempo_group);
        assert_int_equal(song->beats_per_bar, options.beats_per_bar);
        tb_song_free(song);
    }
}

/* Longest time of a song in which the stem starts no note. */
static double longest_pause_s(const tb_song *song, tb_stem stem)
{
    double longest = 0;
    for (double at = 0; at < song->duration_s; at += 0.5) {
        double next = song->duration_s;
        for (size_t p = 0; p < song->n_parts; p++)
            for (size_t i = 0; song->parts[p].stem == stem && i < song->parts[p].n_events; i++)
                if (song->parts[p].events[i].kind == TB_EVENT_NOTE_ON &&
                    song->parts[p].events[i].time_s >= at) {
                    next = fmin(next, song->parts[p].events[i].time_s);
                    break;
                }
        longest = fmax(longest, next - at);
    }
    return longest;
}

static void stems_hardly_ever_pause_for_long(void **state)
{
    (void)state;
    int n = 0, n_long = 0;
    for (uint64_t seed = 0; seed < 100; seed++) {
        tb_song *song = compose(NULL, seed);
        const unsigned stems = tb_song_stems(song);
        for (tb_stem stem = 0; stem < TB_STEM_COUNT; stem++) {
            if (!(stems >> stem & 1u)) continue;
            n++;
            n_long += longest_pause_s(song, stem) > 6;
        }
        tb_song_free(song);
    }
    assert_true(n_long * 100 < 20 * n);
}

static void draws_follow_their_probabilities(void **state)
{
    (void)state;
    static const double stem_shares[TB_STEM_COUNT] = {.04, .12, .24, .30, .30};
    enum { N = 1000 };
    int n_stems[TB_STEM_COUNT] = {0}, groups[TB_TEMPO_GROUPS] = {0}, modes[TB_MODE_COUNT] = {0}, n_three = 0,
        n_with[TB_STEM_COUNT] = {0};
    for (uint64_t seed = 0; seed < N; seed++) {
        tb_song *song = compose(&(tb_composer_options){.duration_s = 4, .tempo_group = -1}, seed);
        const unsigned stems = tb_song_stems(song);
        n_stems[__builtin_popcount(stems) - 1]++;
        for (int stem = 0; stem < TB_STEM_COUNT; stem++) n_with[stem] += (int)(stems >> stem & 1u);
        groups[song->tempo_group]++;
        modes[song->mode]++;
        n_three += song->beats_per_bar == 3;
        assert_true(fabs(song->tempo_bpm / tb_tempo_group_bpm(song->tempo_group) - 1) <= 0.02 + 1e-9);
        tb_song_free(song);
    }
    for (int i = 0; i < TB_STEM_COUNT; i++) assert_near(n_stems[i] / (double)N, stem_shares[i], .05);
    for (int i = 0; i < TB_STEM_COUNT; i++) assert_near(n_with[i] / (double)N, .74, .06); /* 3.7 of five */
    for (int i = 0; i < TB_TEMPO_GROUPS; i++) assert_near(groups[i] / (double)N, .1, .04);
    for (int i = 0; i < TB_MODE_COUNT; i++) assert_true(modes[i] > N / 50);
    assert_near(n_three / (double)N, .16, .04);
}

static void all_instruments_and_many_styles_occur(void **state)
{
    (void)state;
    enum { N = 1500 };
    bool programs[128] = {false}, kits[128] = {false};
    int n_kits = 0, n_voices = 0, n_others = 0;
    for (uint64_t seed = 0; seed < N; seed++) {
        tb_song *song =
            compose(&(tb_composer_options){.duration_s = 4, .stems = ALL_STEMS, .tempo_group = -1}, seed);
        for (size_t p = 0; p < song->n_parts; p++) {
            const tb_part *part = &song->parts[p];
            (part->is_drums ? kits : programs)[part->program] = true;
            n_others += part->stem == TB_STEM_OTHERS;
            n_voices += part->is_voice;
        }
        tb_song_free(song);
    }
    for (int i = 0; i < 128; i++) n_kits += kits[i];
    assert_true(n_kits >= 11);
    for (int i = 0; i < 47; i++) assert_true(programs[i]);
    for (int i = 48; i < 112; i++)
        if (!programs[i]) fail_msg("program %d never occurs", i);
    assert_near(n_voices / (double)N, .24, .06);
    assert_near(n_others / (double)N, 1.8, .15);
}

static void a_seed_keeps_its_players_whoever_plays_along(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 50; seed++) {
        tb_song *band = compose(&(tb_composer_options){.stems = ALL_STEMS, .tempo_group = -1}, seed);
        for (size_t p = 0; p < 4; p++) {
            tb_song *alone =
                compose(&(tb_composer_options){.stems = 1u << band->parts[p].stem, .tempo_group = -1}, seed);
            assert_int_equal(alone->n_parts, 1);
            assert_int_equal(alone->parts[0].program, band->parts[p].program);
            assert_string_equal(alone->parts[0].name, band->parts[p].name);
            assert_near(alone->tempo_bpm, band->tempo_bpm, 0);
            tb_song_free(alone);
        }
        tb_song_free(band);
    }
}

static void grooves_have_one_character_a_step(void **state)
{
    (void)state;
    for (int beats = 3; beats <= 4; beats++)
        for (int overlay = 0; overlay < 2; overlay++) {
            int n = 0;
            bool suits[TB_TEMPO_GROUPS] = {false};
            const tb_groove *grooves = overlay ? tb_groove_overlays(beats, &n) : tb_grooves(beats, &n);
            for (int i = 0; i < n; i++) {
                for (int group = grooves[i].low_group; group <= grooves[i].high_group; group++)
                    suits[group] = true;
                for (int v = 0; v < TB_DRUM_VOICE_COUNT; v++) {
                    const char *row = grooves[i].rows[v];
                    if (!row) continue;
                    if (strlen(row) != (size_t)(4 * beats) || strspn(row, ".123456789") != strlen(row))
                        fail_msg("%s: row %d is \"%s\"", grooves[i].name, v, row);
                }
            }
            for (int group = 0; group < TB_TEMPO_GROUPS; group++) assert_true(suits[group]);
        }
}

static void options_out_of_range_are_refused(void **state)
{
    (void)state;
    static const tb_composer_options wrong[] = {
        {.duration_s = 3.9, .tempo_group = -1},
        {.duration_s = 601, .tempo_group = -1},
        {.duration_s = -1, .tempo_group = -1},
        {.duration_s = NAN, .tempo_group = -1},
        {.stems = 32, .tempo_group = -1},
        {.tempo_group = 10},
        {.tempo_group = -2},
        {.beats_per_bar = 5, .tempo_group = -1},
        {.beats_per_bar = -3, .tempo_group = -1},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        tb_error err = {0};
        tb_song *song = NULL;
        assert_status(tb_compose(&wrong[i], 1, &song, &err), TB_INVALID);
        assert_null(song);
        assert_true(*err.message != 0);
    }
    tb_song *longest =
        compose(&(tb_composer_options){.duration_s = 600, .tempo_group = 9, .beats_per_bar = 3}, 1);
    assert_near(longest->duration_s, 600, 0);
    assert_true(longest->bars[longest->n_bars - 1] > 598);
    tb_song_free(longest);
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    const tb_composer_options options = {.duration_s = 6, .stems = ALL_STEMS, .tempo_group = 7};
    bool done = false;
    for (size_t n = 1; !done; n++) {
        tb_error err = {0};
        tb_song *song = NULL;
        tb_alloc_fail_after(n);
        const tb_status status = tb_compose(&options, 3, &song, &err);
        tb_alloc_fail_after(0);
        done = status == TB_OK;
        if (!done) {
            assert_int_equal(status, TB_NO_MEMORY);
            assert_null(song);
        }
        tb_song_free(song);
        assert_true(n < 1000);
    }
}

TB_TESTS(composer, cmocka_unit_test(the_same_seed_gives_the_same_song),
         cmocka_unit_test(every_machine_composes_the_same),
         cmocka_unit_test(different_seeds_give_different_songs),
         cmocka_unit_test(every_song_is_sound_and_lasts_as_asked),
         cmocka_unit_test(notes_lie_in_the_range_of_their_instrument),
         cmocka_unit_test(even_the_shortest_piece_has_all_its_stems),
         cmocka_unit_test(stems_hardly_ever_pause_for_long),
         cmocka_unit_test(draws_follow_their_probabilities),
         cmocka_unit_test(all_instruments_and_many_styles_occur),
         cmocka_unit_test(a_seed_keeps_its_players_whoever_plays_along),
         cmocka_unit_test(grooves_have_one_character_a_step),
         cmocka_unit_test(options_out_of_range_are_refused), cmocka_unit_test(each_allocation_may_fail))
