// SPDX-License-Identifier: MIT
/* Stems, tempo groups, lists of a song, and what its check finds. */
#include "support/testing.h"

#include "base/alloc.h"
#include "train/song.h"

#include <stdbool.h>
#include <string.h>

/* A song of 4 s with a piano part that plays one note. */
static tb_song *make_song(void)
{
    tb_error err = {0};
    size_t index = 99;
    tb_song *song = tb_song_new();
    assert_non_null(song);
    song->duration_s = 4;
    for (int beat = 0; beat < 8; beat++) assert_ok(tb_song_append_beat(song, beat * 0.5, beat % 4 == 0, &err));
    assert_ok(tb_song_add_part(song, 0, false, "piano", &index, &err));
    assert_int_equal(index, 0);
    assert_ok(tb_part_append(&song->parts[0], &(tb_event){.time_s = 1.5, .kind = TB_EVENT_NOTE_OFF, .a = 60},
                             &err));
    assert_ok(tb_part_append(&song->parts[0],
                             &(tb_event){.time_s = 1, .kind = TB_EVENT_NOTE_ON, .a = 60, .b = 90}, &err));
    tb_song_sort(song);
    return song;
}

static void programs_belong_to_the_stems_of_slakh(void **state)
{
    (void)state;
    static const int firsts[] = {0, 8, 24, 32, 40};
    static const tb_stem stems[] = {TB_STEM_PIANO, TB_STEM_OTHERS, TB_STEM_GUITAR, TB_STEM_BASS,
                                    TB_STEM_OTHERS};
    for (int program = 0; program < 128; program++) {
        size_t range = 4;
        while (program < firsts[range]) range--;
        assert_int_equal(tb_stem_of_program(program, false), stems[range]);
        assert_int_equal(tb_stem_of_program(program, true), TB_STEM_DRUMS);
    }
}

static void names_of_stems_read_back(void **state)
{
    (void)state;
    for (tb_stem stem = 0; stem < TB_STEM_COUNT; stem++) {
        tb_stem read = TB_STEM_COUNT;
        assert_true(tb_stem_from_name(tb_stem_name(stem), &read));
        assert_int_equal(read, stem);
    }
    tb_stem untouched = TB_STEM_GUITAR;
    assert_false(tb_stem_from_name("vocals", &untouched));
    assert_int_equal(untouched, TB_STEM_GUITAR);
    assert_string_equal(tb_stem_name(TB_STEM_COUNT), "unknown");
    assert_string_equal(tb_mode_name(TB_MODE_DORIAN), "dorian");
    assert_string_equal(tb_mode_name(TB_MODE_COUNT), "unknown");
}

static void a_tempo_belongs_to_the_nearest_group(void **state)
{
    (void)state;
    for (int group = 0; group < TB_TEMPO_GROUPS; group++)
        for (int percent = 98; percent <= 102; percent++)
            assert_int_equal(tb_tempo_group_nearest(tb_tempo_group_bpm(group) * percent / 100), group);
    assert_int_equal(tb_tempo_group_nearest(1), 0);
    assert_int_equal(tb_tempo_group_nearest(1000), TB_TEMPO_GROUPS - 1);
    assert_int_equal(tb_tempo_group_nearest(0), 0);
    assert_near(tb_tempo_group_bpm(-1), 0, 0);
    assert_near(tb_tempo_group_bpm(TB_TEMPO_GROUPS), 0, 0);
}

static void sorting_puts_the_end_of_a_note_before_the_next_one(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_song *song = make_song();
    tb_part *part = &song->parts[0];
    assert_ok(
        tb_part_append(part, &(tb_event){.time_s = 1.5, .kind = TB_EVENT_NOTE_ON, .a = 60, .b = 70}, &err));
    assert_ok(tb_part_append(part, &(tb_event){.time_s = 2, .kind = TB_EVENT_NOTE_OFF, .a = 60}, &err));
    assert_ok(
        tb_part_append(part, &(tb_event){.time_s = 1.5, .kind = TB_EVENT_CONTROL, .a = 64, .b = 127}, &err));
    tb_song_sort(song);
    static const tb_event_kind order[] = {TB_EVENT_NOTE_ON, TB_EVENT_NOTE_OFF, TB_EVENT_CONTROL,
                                          TB_EVENT_NOTE_ON, TB_EVENT_NOTE_OFF};
    for (size_t i = 0; i < 5; i++) assert_int_equal(part->events[i].kind, order[i]);
    assert_ok(tb_song_check(song, &err));
    tb_song_free(song);
}

static void stretching_moves_everything(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_song *song = make_song();
    tb_song_stretch(song, 2);
    assert_near(song->duration_s, 8, 1e-12);
    assert_near(song->tempo_bpm, 60, 1e-12);
    assert_int_equal(song->tempo_group, 0);
    assert_near(song->bars[1], 4, 1e-12);
    assert_near(song->beats[7], 7, 1e-12);
    assert_near(song->parts[0].events[0].time_s, 2, 1e-12);
    assert_ok(tb_song_check(song, &err));
    tb_song_free(song);
}

static void a_passage_keeps_its_notes_and_what_stands(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_song *song = make_song();
    tb_part *part = &song->parts[0];
    static const tb_event events[] = {
        {.time_s = 0.2, .kind = TB_EVENT_CONTROL, .a = 7, .b = 50},
        {.time_s = 0.4, .kind = TB_EVENT_CONTROL, .a = 7, .b = 60},
        {.time_s = 0.5, .kind = TB_EVENT_PROGRAM, .a = 3},
        {.time_s = 0.6, .kind = TB_EVENT_BEND, .b = 100},
        {.time_s = 1.25, .kind = TB_EVENT_NOTE_ON, .a = 64, .b = 80},
        {.time_s = 2.5, .kind = TB_EVENT_NOTE_OFF, .a = 64},
    };
    for (size_t i = 0; i < 6; i++) assert_ok(tb_part_append(part, &events[i], &err));
    tb_song_sort(song);
    assert_ok(tb_song_cut(song, 1.25, 2.25, &err));
    assert_ok(tb_song_check(song, &err));
    assert_near(song->duration_s, 1, 1e-12);
    assert_int_equal(song->n_beats, 2);
    assert_near(song->beats[0], 0.25, 1e-12);
    assert_int_equal(song->n_bars, 1);
    assert_near(song->bars[0], 0.75, 1e-12);
    static const tb_event_kind kinds[] = {TB_EVENT_PROGRAM, TB_EVENT_CONTROL, TB_EVENT_BEND, TB_EVENT_NOTE_ON,
                                          TB_EVENT_NOTE_OFF};
    assert_int_equal(part->n_events, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(part->events[i].kind, kinds[i]);
        assert_near(part->events[i].time_s, i < 4 ? 0 : 1, 1e-12);
    }
    assert_int_equal(part->events[1].b, 60);
    tb_song_free(song);
}

static void only_stems_that_play_count(void **state)
{
    (void)state;
    tb_error err = {0};
    size_t index = 0;
    tb_song *song = make_song();
    assert_ok(tb_song_add_part(song, 25, true, "kit", &index, &err));
    assert_ok(
        tb_part_append(&song->parts[index], &(tb_event){.kind = TB_EVENT_CONTROL, .a = 7, .b = 100}, &err));
    assert_int_equal(tb_song_stems(song), 1u << TB_STEM_PIANO);
    tb_song_free(song);
}

/* --- what the check finds ------------------------------------------------------------------------------- */

typedef void (*damage)(tb_song *song);
static void no_duration(tb_song *song) { song->duration_s = 0; }
static void too_long(tb_song *song) { song->duration_s = 2 * TB_SONG_MAX_S; }
static void no_tempo(tb_song *song) { song->tempo_bpm = 0; }
static void no_such_group(tb_song *song) { song->tempo_group = TB_TEMPO_GROUPS; }
static void no_beats_in_a_bar(tb_song *song) { song->beats_per_bar = 0; }
static void no_such_key(tb_song *song) { song->key = 12; }
static void beat_out_of_order(tb_song *song) { song->beats[3] = song->beats[2]; }
static void bar_past_the_end(tb_song *song) { song->bars[1] = song->duration_s; }
static void no_such_program(tb_song *song) { song->parts[0].program = 128; }
static void wrong_stem(tb_song *song) { song->parts[0].program = 33; }
static void no_probability(tb_song *song) { song->parts[0].synthetic = 1.5; }
static void no_bend(tb_song *song) { song->parts[0].bend_semitones = 0; }
static void event_past_the_end(tb_song *song) { song->parts[0].events[1].time_s = 4.01; }
static void events_out_of_order(tb_song *song) { song->parts[0].events[1].time_s = 0.5; }
static void silent_note(tb_song *song) { song->parts[0].events[0].b = 0; }
static void key_too_high(tb_song *song) { song->parts[0].events[0].a = 128; }
static void no_such_kind(tb_song *song) { song->parts[0].events[1].kind = TB_EVENT_KIND_COUNT; }
static void note_without_end(tb_song *song) { song->parts[0].n_events = 1; }
static void end_without_note(tb_song *song) { song->parts[0].events[0].kind = TB_EVENT_CONTROL; }

static void the_check_finds_each_kind_of_damage(void **state)
{
    (void)state;
    static const damage damages[] = {
        no_duration,    too_long,           no_tempo,         no_such_group,   no_beats_in_a_bar,
        no_such_key,    beat_out_of_order,  bar_past_the_end, no_such_program, wrong_stem,
        no_probability, event_past_the_end, silent_note,      key_too_high,    events_out_of_order,
        no_such_kind,   note_without_end,   end_without_note, no_bend,
    };
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        tb_error err = {0};
        tb_song *song = make_song();
        damages[i](song);
        const tb_status status = tb_song_check(song, &err);
        if (status != TB_INVALID || !*err.message) fail_msg("damage %zu was not found", i);
        tb_song_free(song);
    }
}

/* --- limits and memory ---------------------------------------------------------------------------------- */

static void there_are_limits(void **state)
{
    (void)state;
    tb_error err = {0};
    size_t index = 0;
    tb_song *song = tb_song_new();
    assert_non_null(song);
    for (int i = 0; i < TB_SONG_MAX_PARTS; i++)
        assert_ok(tb_song_add_part(song, 0, false, "part", &index, &err));
    assert_status(tb_song_add_part(song, 0, false, "part", &index, &err), TB_TOO_LARGE);
    for (int i = 0; i < TB_PART_MAX_EVENTS; i++)
        if (tb_part_append(&song->parts[0], &(tb_event){0}, &err) != TB_OK)
            fail_msg("event %d does not fit", i);
    assert_status(tb_part_append(&song->parts[0], &(tb_event){0}, &err), TB_TOO_LARGE);
    for (int i = 0; i < TB_SONG_MAX_BEATS; i++) assert_ok(tb_song_append_beat(song, i, true, &err));
    assert_status(tb_song_append_beat(song, TB_SONG_MAX_BEATS, true, &err), TB_TOO_LARGE);
    tb_song_free(song);
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    bool done = false;
    for (size_t n = 1; !done; n++) {
        tb_error err = {0};
        size_t index = 0;
        tb_status status = TB_NO_MEMORY;
        tb_alloc_fail_after(n);
        tb_song *song = tb_song_new();
        if (song) status = tb_song_add_part(song, 0, false, "piano", &index, &err);
        for (int i = 0; i < 100 && status == TB_OK; i++)
            status = tb_part_append(&song->parts[0], &(tb_event){.time_s = i}, &err);
        for (int i = 0; i < 100 && status == TB_OK; i++)
            status = tb_song_append_beat(song, i, i % 4 == 0, &err);
        tb_alloc_fail_after(0);
        done = status == TB_OK;
        if (!done) assert_int_equal(status, TB_NO_MEMORY);
        if (done) assert_int_equal(song->n_bars, 25);
        tb_song_free(song);
        assert_true(n < 100);
    }
    tb_song_free(NULL);
}

TB_TESTS(song, cmocka_unit_test(programs_belong_to_the_stems_of_slakh),
         cmocka_unit_test(names_of_stems_read_back), cmocka_unit_test(a_tempo_belongs_to_the_nearest_group),
         cmocka_unit_test(sorting_puts_the_end_of_a_note_before_the_next_one),
         cmocka_unit_test(stretching_moves_everything),
         cmocka_unit_test(a_passage_keeps_its_notes_and_what_stands), cmocka_unit_test(only_stems_that_play_count),
         cmocka_unit_test(the_check_finds_each_kind_of_damage), cmocka_unit_test(there_are_limits),
         cmocka_unit_test(each_allocation_may_fail))
