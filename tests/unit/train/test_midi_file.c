// SPDX-License-Identifier: MIT
/* MIDI files written byte by byte: times, parts, beats, and what damaged files give. */
#include "support/testing.h"
#include "fuzz/fuzz_midi.h"

#include "base/alloc.h"
#include "base/fs.h"
#include "train/midi_file.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- files ---------------------------------------------------------------------------------------------- */

typedef struct file {
    uint8_t bytes[4096];
    size_t size, track; /* track: where the open one begins */
} file;

static void put(file *f, int byte)
{
    assert_true(f->size < sizeof f->bytes);
    f->bytes[f->size++] = (uint8_t)byte;
}

static void put_number(file *f, uint32_t value, int n)
{
    for (int i = n - 1; i >= 0; i--) put(f, (int)(value >> 8 * i & 0xff));
}

static void put_text(file *f, const char *text)
{
    for (; *text; text++) put(f, *text);
}

static file begin(int format, int n_tracks, int division)
{
    file f = {.size = 0};
    put_text(&f, "MThd");
    put_number(&f, 6, 4);
    put_number(&f, (uint32_t)format, 2);
    put_number(&f, (uint32_t)n_tracks, 2);
    put_number(&f, (uint32_t)division, 2);
    return f;
}

static void begin_track(file *f)
{
    put_text(f, "MTrk");
    put_number(f, 0, 4);
    f->track = f->size;
}

/* Delta, then n bytes. */
static void event(file *f, uint32_t delta, const uint8_t *bytes, size_t n)
{
    int groups = 1;
    while (groups < 4 && delta >> 7 * groups) groups++;
    for (int i = groups - 1; i >= 0; i--) put(f, (int)(delta >> 7 * i & 0x7f) | (i ? 0x80 : 0));
    for (size_t i = 0; i < n; i++) put(f, bytes[i]);
}
#define EVENT(f, delta, ...)                                                                                 \
    event(f, delta, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void end_track(file *f)
{
    EVENT(f, 0, 0xff, 0x2f, 0);
    const size_t length = f->size - f->track;
    for (size_t i = 0; i < 4; i++) f->bytes[f->track - 4 + i] = (uint8_t)(length >> 8 * (3 - i));
}

static tb_song *read_song(const file *f)
{
    tb_error err = {0};
    tb_song *song = NULL;
    assert_ok(tb_midi_read(f->bytes, f->size, "test", &song, &err));
    assert_ok(tb_song_check(song, &err));
    return song;
}

static void assert_refused(const file *f, tb_status expected)
{
    tb_error err = {0};
    tb_song *song = NULL;
    assert_status(tb_midi_read(f->bytes, f->size, "test", &song, &err), expected);
    assert_null(song);
    assert_true(*err.message != 0);
}

/* Two tracks: tempo, metre and key; then drums, bass and a piano that changes to a flute. */
static file make_band(void)
{
    file f = begin(1, 2, 96);
    begin_track(&f);
    EVENT(&f, 0, 0xff, 0x58, 4, 3, 2, 24, 8);                  /* 3/4 */
    EVENT(&f, 0, 0xff, 0x59, 2, 0xfe, 1);                      /* two flats, minor: G minor */
    EVENT(&f, 0, 0xff, 0x51, 3, 0x07, 0xa1, 0x20);             /* 120 bpm */
    EVENT(&f, 288, 0xff, 0x51, 3, 0x0f, 0x42, 0x40);           /* 60 bpm from the second bar */
    end_track(&f);
    begin_track(&f);
    EVENT(&f, 0, 0xff, 3, 4, 'b', 'a', 'n', 'd');
    EVENT(&f, 0, 0xf0, 3, 0x7e, 0x7f, 0xf7);                   /* system exclusive */
    EVENT(&f, 0, 0xc9, 25);
    EVENT(&f, 0, 0x99, 36, 100);
    EVENT(&f, 0, 42, 80);                                      /* running status */
    EVENT(&f, 0, 0xc0, 0);
    EVENT(&f, 0, 0xb0, 7, 90);
    EVENT(&f, 0, 0xb0, 64, 127);
    EVENT(&f, 0, 0x90, 60, 70);
    EVENT(&f, 0, 0xc1, 33);
    EVENT(&f, 0, 0x91, 40, 99);
    EVENT(&f, 96, 0x89, 36, 0);
    EVENT(&f, 0, 0x99, 42, 0);                                 /* a note on of velocity 0 ends it */
    EVENT(&f, 192, 0x80, 60, 0);                               /* at 1.5 s */
    EVENT(&f, 0, 0xc0, 73);
    EVENT(&f, 96, 0x90, 72, 64);                               /* at 2.5 s */
    EVENT(&f, 96, 0x80, 72, 0);
    EVENT(&f, 0, 0x81, 40, 64);                                /* at 3.5 s */
    end_track(&f);
    return f;
}

/* --- what is read --------------------------------------------------------------------------------------- */

static void a_band_is_read_with_its_times(void **state)
{
    (void)state;
    const file f = make_band();
    tb_song *song = read_song(&f);
    assert_string_equal(song->name, "test");
    assert_near(song->duration_s, 3.5, 1e-9);
    assert_int_equal(song->beats_per_bar, 3);
    assert_int_equal(song->key, 7);
    assert_int_equal(song->mode, TB_MODE_MINOR);
    static const double beats[] = {0, .5, 1, 1.5, 2.5};
    assert_int_equal(song->n_beats, 5);
    for (size_t i = 0; i < 5; i++) assert_near(song->beats[i], beats[i], 1e-9);
    assert_int_equal(song->n_bars, 2);
    assert_near(song->bars[1], 1.5, 1e-9);
    assert_near(song->tempo_bpm, 96, 1e-9); /* four quarters in 2.5 s */
    assert_int_equal(song->tempo_group, 3);
    tb_song_free(song);
}

static void each_program_of_a_channel_is_a_part(void **state)
{
    (void)state;
    const file f = make_band();
    tb_song *song = read_song(&f);
    static const tb_stem stems[] = {TB_STEM_DRUMS, TB_STEM_PIANO, TB_STEM_BASS, TB_STEM_OTHERS};
    static const int programs[] = {25, 0, 33, 73};
    assert_int_equal(song->n_parts, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(song->parts[i].stem, stems[i]);
        assert_int_equal(song->parts[i].program, programs[i]);
        assert_int_equal(song->parts[i].is_drums, i == 0);
    }
    tb_song_free(song);
}

static void a_new_part_takes_over_the_controllers(void **state)
{
    (void)state;
    const file f = make_band();
    tb_song *song = read_song(&f);
    const tb_part *flute = &song->parts[3];
    assert_int_equal(flute->n_events, 4);
    static const tb_event_kind kinds[] = {TB_EVENT_CONTROL, TB_EVENT_CONTROL, TB_EVENT_NOTE_ON,
                                          TB_EVENT_NOTE_OFF};
    static const int a[] = {7, 64, 72, 72}, b[] = {90, 127, 64, 0};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(flute->events[i].kind, kinds[i]);
        assert_int_equal(flute->events[i].a, a[i]);
        assert_int_equal(flute->events[i].b, b[i]);
        assert_near(flute->events[i].time_s, i < 3 ? 2.5 : 3.5, 1e-9);
    }
    tb_song_free(song);
}

static void one_track_is_read_as_well(void **state)
{
    (void)state;
    file f = begin(0, 1, 480);
    put_text(&f, "XFIH"); /* chunks of other kinds are skipped */
    put_number(&f, 3, 4);
    put_number(&f, 0, 3);
    begin_track(&f);
    EVENT(&f, 200, 0x90, 64, 90);
    EVENT(&f, 20000, 0x80, 64, 0); /* a delta of three bytes */
    end_track(&f);
    tb_song *song = read_song(&f);
    assert_near(song->duration_s, 20200 / 480.0 / 2, 1e-9);
    assert_int_equal(song->beats_per_bar, 4);
    assert_int_equal(song->key, -1);
    assert_int_equal(song->mode, TB_MODE_COUNT);
    assert_near(song->tempo_bpm, 120, 1e-9);
    tb_song_free(song);
}

static void time_code_counts_seconds(void **state)
{
    (void)state;
    static const int rates[] = {24, 25, 29, 30};
    static const double frames[] = {24, 25, 30000.0 / 1001, 30};
    for (size_t i = 0; i < 4; i++) {
        file f = begin(0, 1, (256 - rates[i]) << 8 | 40);
        begin_track(&f);
        EVENT(&f, 0, 0xff, 0x51, 3, 0x09, 0x27, 0xc0); /* 100 bpm: beats alone follow it */
        EVENT(&f, 0, 0x90, 64, 90);
        EVENT(&f, 4000, 0x80, 64, 0);
        EVENT(&f, 0, 0xff, 0x51, 3, 0x00, 0x27, 0xc0);
        end_track(&f);
        tb_song *song = read_song(&f);
        assert_near(song->duration_s, 100 / frames[i], 1e-9);
        assert_near(song->tempo_bpm, 100, .1);
        tb_song_free(song);
    }
}

static void a_new_metre_begins_a_bar(void **state)
{
    (void)state;
    file f = begin(0, 1, 96);
    begin_track(&f);
    EVENT(&f, 0, 0x90, 64, 90);
    EVENT(&f, 480, 0xff, 0x58, 4, 7, 3, 24, 8); /* 7/8 from the second beat of the second bar */
    EVENT(&f, 1008, 0x80, 64, 0);
    end_track(&f);
    tb_song *song = read_song(&f);
    static const double bars[] = {0, 2, 2.5, 4.25, 6};
    assert_int_equal(song->n_bars, 5);
    for (size_t i = 0; i < 5; i++) assert_near(song->bars[i], bars[i], 1e-9);
    assert_int_equal(song->beats_per_bar, 4); /* three and a half, rounded */
    tb_song_free(song);
}

static void notes_that_overlap_or_never_end_are_repaired(void **state)
{
    (void)state;
    file f = begin(0, 1, 500); /* a tick is a millisecond */
    begin_track(&f);
    EVENT(&f, 0, 0x90, 60, 90);
    EVENT(&f, 500, 0x90, 60, 80);  /* again before it ended */
    EVENT(&f, 100, 0x80, 60, 0);
    EVENT(&f, 0, 0x80, 60, 0);     /* ends nothing */
    EVENT(&f, 100, 0x90, 61, 70);
    EVENT(&f, 0, 0x80, 61, 0);     /* no length */
    EVENT(&f, 100, 0x90, 62, 60);  /* at 0.8 s, never ends */
    EVENT(&f, 3000, 0xb0, 1, 60);  /* behind the last note */
    end_track(&f);
    tb_song *song = read_song(&f);
    static const double times[] = {0, .5, .5, .6, .7, .71, .8, 1.8};
    assert_int_equal(song->n_parts, 1);
    assert_int_equal(song->parts[0].n_events, 8);
    for (size_t i = 0; i < 8; i++) assert_near(song->parts[0].events[i].time_s, times[i], 1e-9);
    assert_near(song->duration_s, 1.8, 1e-9);
    tb_song_free(song);
}

static void bends_know_their_range(void **state)
{
    (void)state;
    file f = begin(0, 1, 96);
    begin_track(&f);
    EVENT(&f, 0, 0xb0, 101, 0);
    EVENT(&f, 0, 0xb0, 100, 0);
    EVENT(&f, 0, 0xb0, 6, 12);
    EVENT(&f, 0, 0x90, 60, 90);
    EVENT(&f, 48, 0xe0, 0, 0x60); /* half way up: 6 semitones */
    EVENT(&f, 48, 0xb0, 6, 6);
    EVENT(&f, 0, 0xe0, 0, 0x60);  /* now 3 semitones */
    EVENT(&f, 96, 0x80, 60, 0);
    end_track(&f);
    tb_song *song = read_song(&f);
    const tb_part *part = &song->parts[0];
    assert_int_equal(part->bend_semitones, 12);
    assert_int_equal(part->n_events, 4);
    assert_int_equal(part->events[1].b, 4096);
    assert_int_equal(part->events[2].b, 2048);
    tb_song_free(song);
}

static void silence_and_reset_reach_all_notes(void **state)
{
    (void)state;
    file f = begin(0, 1, 500);
    begin_track(&f);
    EVENT(&f, 0, 0xb0, 64, 127);
    EVENT(&f, 0, 0x90, 60, 90);
    EVENT(&f, 500, 0xb0, 121, 0);
    EVENT(&f, 500, 0xb0, 123, 0);
    end_track(&f);
    tb_song *song = read_song(&f);
    const tb_part *part = &song->parts[0];
    assert_near(song->duration_s, 1, 1e-9);
    int pedal_up = 0;
    for (size_t i = 0; i < part->n_events; i++)
        pedal_up +=
            part->events[i].kind == TB_EVENT_CONTROL && part->events[i].a == 64 && part->events[i].b == 0;
    assert_int_equal(pedal_up, 1);
    tb_song_free(song);
}

static void files_are_read_by_their_path(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_song *song = NULL;
    const file f = make_band();
    char *path = tb_fs_join(tb_test_folder(), "band.mid");
    assert_ok(tb_fs_write_atomic(path, f.bytes, f.size, &err));
    assert_ok(tb_midi_read_file(path, &song, &err));
    assert_string_equal(song->name, "band.mid");
    tb_song_free(song);
    song = NULL;
    assert_ok(tb_fs_write_atomic(path, f.bytes, f.size - 3, &err));
    assert_status(tb_midi_read_file(path, &song, &err), TB_CORRUPT);
    assert_non_null(strstr(err.message, "band.mid"));
    tb_free(path);
    assert_status(tb_midi_read_file("/does/not/exist.mid", &song, &err), TB_NOT_FOUND);
    assert_null(song);
}

/* --- what is refused ------------------------------------------------------------------------------------ */

static void a_file_cut_anywhere_is_corrupt(void **state)
{
    (void)state;
    const file f = make_band();
    for (size_t size = 0; size < f.size; size++) {
        tb_error err = {0};
        tb_song *song = NULL;
        uint8_t *exact = malloc(size ? size : 1); /* so that sanitizers see each byte read past it */
        assert_non_null(exact);
        memcpy(exact, f.bytes, size);
        assert_status(tb_midi_read(exact, size, "cut", &song, &err), TB_CORRUPT);
        assert_null(song);
        free(exact);
    }
}

static void any_single_byte_may_be_wrong(void **state)
{
    (void)state;
    const file f = make_band();
    for (size_t i = 0; i < f.size; i++)
        for (int value = 0; value < 256; value += i < 22 ? 1 : 5) {
            file damaged = f;
            damaged.bytes[i] = (uint8_t)value;
            assert_int_equal(tb_fuzz_midi(damaged.bytes, damaged.size), 0);
        }
}

static void headers_without_sense_are_refused(void **state)
{
    (void)state;
    static const struct {
        int format, division;
        tb_status expected;
    } cases[] = {{2, 96, TB_UNSUPPORTED}, {3, 96, TB_CORRUPT},       {0, 0, TB_CORRUPT},
                 {0, 0xe700, TB_CORRUPT}, {0, 0x8028, TB_CORRUPT}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        file f = begin(cases[i].format, 1, cases[i].division);
        begin_track(&f);
        EVENT(&f, 0, 0x90, 60, 90);
        EVENT(&f, 96, 0x80, 60, 0);
        end_track(&f);
        assert_refused(&f, cases[i].expected);
    }
    file f = {.size = 0};
    assert_refused(&f, TB_CORRUPT);
}

static void tracks_without_sense_are_refused(void **state)
{
    (void)state;
    static const uint8_t tracks[][6] = {
        {0, 60, 90, 0, 0, 0},                      /* no status before data */
        {0x81, 0x82, 0x83, 0x84, 0x05, 0x90},      /* a time of five bytes */
        {0, 0x90, 0x80, 90, 0, 0},                 /* data above 127 */
        {0, 0xf1, 0, 0, 0, 0},                     /* a message for cables */
        {0, 0xff, 0x51, 0x7f, 0, 0},               /* a meta event past the end */
        {0, 0xf0, 0x7f, 0, 0, 0},                  /* exclusive past the end */
    };
    for (size_t i = 0; i < sizeof tracks / sizeof *tracks; i++) {
        file f = begin(0, 1, 96);
        begin_track(&f);
        for (size_t k = 0; k < 6; k++) put(&f, tracks[i][k]);
        f.bytes[f.track - 1] = 6;
        assert_refused(&f, TB_CORRUPT);
    }
}

static void no_notes_and_too_much_are_told_apart(void **state)
{
    (void)state;
    file silent = begin(0, 1, 96);
    begin_track(&silent);
    EVENT(&silent, 0, 0xb0, 7, 100);
    end_track(&silent);
    assert_refused(&silent, TB_INVALID);

    file endless = begin(0, 1, 1);
    begin_track(&endless);
    EVENT(&endless, 0, 0x90, 60, 90);
    EVENT(&endless, 0xfffff, 0x90, 60, 90);
    end_track(&endless);
    assert_refused(&endless, TB_TOO_LARGE);

    file hasty = begin(0, 1, 1); /* a million beats a second */
    begin_track(&hasty);
    EVENT(&hasty, 0, 0xff, 0x51, 3, 0, 0, 1);
    EVENT(&hasty, 0, 0x90, 60, 90);
    EVENT(&hasty, 0xfffff, 0x80, 60, 0);
    end_track(&hasty);
    assert_refused(&hasty, TB_TOO_LARGE);

    tb_error err = {0};
    tb_song *song = NULL;
    uint8_t *large = calloc(1, TB_MIDI_MAX_BYTES + 1);
    assert_non_null(large);
    assert_status(tb_midi_read(large, TB_MIDI_MAX_BYTES + 1, "large", &song, &err), TB_TOO_LARGE);
    free(large);
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    const file f = make_band();
    bool done = false;
    for (size_t n = 1; !done; n++) {
        tb_error err = {0};
        tb_song *song = NULL;
        tb_alloc_fail_after(n);
        const tb_status status = tb_midi_read(f.bytes, f.size, "test", &song, &err);
        tb_alloc_fail_after(0);
        done = status == TB_OK;
        if (!done) {
            assert_int_equal(status, TB_NO_MEMORY);
            assert_null(song);
        }
        tb_song_free(song);
        assert_true(n < 100);
    }
}

static void the_corpus_keeps_every_promise(void **state)
{
    (void)state;
    tb_error err = {0};
    char *folder = tb_test_source_path("tests/fuzz/corpus/midi"), **names = NULL;
    size_t n = 0;
    assert_ok(tb_fs_list(folder, &names, &n, &err));
    assert_true(n > 0);
    for (size_t i = 0; i < n; i++) {
        char *path = tb_fs_join(folder, names[i]), *bytes = NULL;
        size_t size = 0;
        assert_ok(tb_fs_read(path, 1 << 20, &bytes, &size, &err));
        assert_int_equal(tb_fuzz_midi((const uint8_t *)bytes, size), 0);
        tb_free(bytes);
        tb_free(path);
    }
    tb_fs_list_free(names, n);
    free(folder);
}

TB_TESTS(midi_file, cmocka_unit_test(a_band_is_read_with_its_times),
         cmocka_unit_test(each_program_of_a_channel_is_a_part),
         cmocka_unit_test(a_new_part_takes_over_the_controllers), cmocka_unit_test(one_track_is_read_as_well),
         cmocka_unit_test(time_code_counts_seconds), cmocka_unit_test(a_new_metre_begins_a_bar),
         cmocka_unit_test(notes_that_overlap_or_never_end_are_repaired),
         cmocka_unit_test(bends_know_their_range), cmocka_unit_test(silence_and_reset_reach_all_notes),
         cmocka_unit_test(files_are_read_by_their_path), cmocka_unit_test(a_file_cut_anywhere_is_corrupt),
         cmocka_unit_test(any_single_byte_may_be_wrong), cmocka_unit_test(headers_without_sense_are_refused),
         cmocka_unit_test(tracks_without_sense_are_refused),
         cmocka_unit_test(no_notes_and_too_much_are_told_apart), cmocka_unit_test(each_allocation_may_fail),
         cmocka_unit_test(the_corpus_keeps_every_promise))
