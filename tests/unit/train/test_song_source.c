// SPDX-License-Identifier: MIT
/* Songs for data sets: composed ones without end, MIDI songs of a folder each once. */
#include "support/testing.h"

#include "base/alloc.h"
#include "base/fs.h"
#include "base/log.h"
#include "train/composer.h"
#include "train/midi_file.h"
#include "train/song_set.h"
#include "train/song_source.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* A note of `key` on each of n beats (at most 60) at 120 bpm, or at the tempo of us_per_quarter. */
static void write_song(const char *folder, const char *name, int key, int n_beats, uint32_t us_per_quarter)
{
    tb_error err = {0};
    uint8_t bytes[600] = {'M', 'T', 'h', 'd', 0, 0, 0, 6, 0, 0, 0, 1, 0, 96, 'M', 'T', 'r', 'k'};
    size_t n = 22;
    const uint8_t tempo[] = {0, 0xff, 0x51, 3, (uint8_t)(us_per_quarter >> 16), (uint8_t)(us_per_quarter >> 8), (uint8_t)us_per_quarter};
    memcpy(bytes + n, tempo, sizeof tempo);
    n += sizeof tempo;
    for (int beat = 0; beat < n_beats; beat++) {
        const uint8_t note[] = {0, 0x90, (uint8_t)key, 90, 96, 0x80, (uint8_t)key, 0};
        memcpy(bytes + n, note, sizeof note);
        n += sizeof note;
    }
    memcpy(bytes + n, (const uint8_t[]){0, 0xff, 0x2f, 0}, 4);
    n += 4;
    bytes[20] = (uint8_t)((n - 22) >> 8);
    bytes[21] = (uint8_t)(n - 22);
    char *path = tb_fs_join(folder, name);
    assert_ok(tb_fs_write_atomic(path, bytes, n, &err));
    tb_free(path);
}

/* Two songs of 30 s at 120 and 100 bpm, one too short, one damaged, one far out of the tempo groups. */
static const char *make_folder(void)
{
    tb_error err = {0};
    const char *folder = tb_test_folder();
    char *broken = tb_fs_join(folder, "d.mid");
    write_song(folder, "a.mid", 60, 60, 500000);
    write_song(folder, "b.mid", 62, 50, 600000);
    write_song(folder, "c.mid", 64, 4, 500000);
    assert_ok(tb_fs_write_atomic(broken, "MThd", 4, &err));
    tb_free(broken);
    write_song(folder, "e.mid", 65, 60, 200000);
    return folder;
}

static void composed_songs_are_those_of_the_composer(void **state)
{
    (void)state;
    tb_error err = {0};
    const tb_song_source_config config = {.seed = 5, .seconds = 10};
    tb_song_source *source = NULL;
    tb_song *song = NULL, *same = NULL;
    assert_ok(tb_song_source_open(&config, &source, &err));
    assert_true(tb_song_source_count(source) == SIZE_MAX);
    assert_ok(tb_song_source_get(source, 3, &song, &err));
    assert_near(song->duration_s, 10, 1e-9);
    assert_ok(tb_compose(&(tb_composer_options){.duration_s = 10, .tempo_group = -1}, song->seed, &same, &err));
    assert_int_equal(song->n_parts, same->n_parts);
    assert_int_equal(song->parts[0].n_events, same->parts[0].n_events);
    tb_song_free(song);
    tb_song_free(same);
    tb_song_source_close(source);
    tb_song_source_close(NULL);
}

static void midi_songs_are_passages_at_a_tempo_of_their_group(void **state)
{
    (void)state;
    tb_error err = {0};
    const tb_song_source_config config = {.seed = 5, .seconds = 10, .midi_folder = make_folder()};
    tb_song_source *source = NULL;
    static const int keys[] = {60, 62, 65};
    tb_log_setup(stderr, TB_LOG_OFF, false);
    assert_ok(tb_song_source_open(&config, &source, &err));
    tb_log_setup(stderr, TB_LOG_WARN, false);
    assert_int_equal(tb_song_source_count(source), 3);
    for (size_t i = 0; i < 3; i++) {
        tb_song *song = NULL;
        assert_ok(tb_song_source_get(source, i, &song, &err));
        assert_ok(tb_song_check(song, &err));
        assert_near(song->duration_s, 10, 1e-9);
        assert_near(song->bars[0], 0, 0);
        const tb_part *part = &song->parts[0];
        assert_int_equal(part->events[part->n_events - 1].a, keys[i]);
        const double off = song->tempo_bpm / tb_tempo_group_bpm(song->tempo_group) - 1;
        if (i < 2) assert_true(fabs(off) <= 0.02 + 1e-9);
        else assert_near(song->tempo_bpm, 300, 1e-6);
        tb_song_free(song);
    }
    tb_song_source_close(source);
}

static uint64_t digest_of(uint64_t seed, double seconds, const char *folder)
{
    tb_error err = {0};
    tb_song_source *source = NULL;
    const tb_song_source_config config = {.seed = seed, .seconds = seconds, .midi_folder = folder};
    tb_log_setup(stderr, TB_LOG_OFF, false);
    assert_ok(tb_song_source_open(&config, &source, &err));
    tb_log_setup(stderr, TB_LOG_WARN, false);
    const uint64_t digest = tb_song_source_digest(source);
    tb_song_source_close(source);
    return digest;
}

static void the_digest_follows_the_songs(void **state)
{
    (void)state;
    const char *folder = make_folder();
    const uint64_t before = digest_of(1, 10, folder);
    assert_true(digest_of(1, 10, folder) == before);
    assert_true(digest_of(2, 10, folder) != before);
    write_song(folder, "b.mid", 63, 50, 600000);
    assert_true(digest_of(1, 10, folder) != before);
    assert_true(digest_of(1, 10, NULL) == digest_of(1, 10, NULL));
    assert_true(digest_of(1, 10, NULL) != digest_of(2, 10, NULL));
}

static void a_data_set_has_each_midi_song_once(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_song_set_result result = {0};
    char *path = tb_fs_join(tb_test_folder(), "midi.cache");
    const tb_song_set_options options = {.path = path, .format = TB_SONG_SET_CACHE, .midi = make_folder(), .n_pieces = 100, .seed = 7,
                                         .seconds = 5, .patch_share = 1, .rate_hz = 22050, .n_bands = 64, .n_threads = 2};
    tb_log_setup(stderr, TB_LOG_OFF, false);
    assert_ok(tb_song_set_make(&options, &result, &err));
    assert_int_equal(result.n_made, 3);
    assert_near(result.audio_s, 15, 0.1);
    assert_ok(tb_song_set_make(&options, &result, &err));
    tb_log_setup(stderr, TB_LOG_WARN, false);
    assert_int_equal(result.n_made, 0);
    assert_int_equal(result.n_kept, 3);
    tb_free(path);
}

static void a_folder_without_songs_is_refused(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_song_source *source = NULL;
    tb_song_source_config config = {.seconds = 10, .midi_folder = tb_test_folder()};
    assert_status(tb_song_source_open(&config, &source, &err), TB_INVALID);
    config.midi_folder = "/does/not/exist";
    assert_status(tb_song_source_open(&config, &source, &err), TB_NOT_FOUND);
    assert_null(source);
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    const char *folder = make_folder();
    const tb_song_source_config config = {.seed = 5, .seconds = 10, .midi_folder = folder};
    bool done = false;
    tb_log_setup(stderr, TB_LOG_OFF, false);
    for (size_t n = 1; !done; n++) {
        tb_error err = {0};
        tb_song_source *source = NULL;
        tb_song *song = NULL;
        tb_alloc_fail_after(n);
        tb_status status = tb_song_source_open(&config, &source, &err);
        if (status == TB_OK) status = tb_song_source_get(source, 0, &song, &err);
        tb_alloc_fail_after(0);
        done = status == TB_OK;
        if (!done) assert_int_equal(status, TB_NO_MEMORY);
        if (done) assert_int_equal(tb_song_source_count(source), 3);
        tb_song_free(song);
        tb_song_source_close(source);
        assert_true(n < 500);
    }
    tb_log_setup(stderr, TB_LOG_WARN, false);
}

TB_TESTS(song_source, cmocka_unit_test(composed_songs_are_those_of_the_composer),
         cmocka_unit_test(midi_songs_are_passages_at_a_tempo_of_their_group),
         cmocka_unit_test(the_digest_follows_the_songs), cmocka_unit_test(a_data_set_has_each_midi_song_once),
         cmocka_unit_test(a_folder_without_songs_is_refused), cmocka_unit_test(each_allocation_may_fail))
