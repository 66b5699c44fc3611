// SPDX-License-Identifier: MIT
/* Folders with MIDI files and WAD archives, whole and damaged. */
#include "support/testing.h"

#include "base/alloc.h"
#include "base/fs.h"
#include "base/log.h"
#include "train/midi_folder.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { SONG_SIZE = 34, N_LUMPS = 4, WAD_SIZE = 12 + 3 * SONG_SIZE + 8 + 16 * N_LUMPS };

/* One note of a key. */
static void make_song(uint8_t key, uint8_t out[SONG_SIZE])
{
    static const uint8_t bytes[SONG_SIZE] = {'M', 'T', 'h', 'd',  0,   0,   0, 6,    0,    0,  0, 1,
                                             0,   96,  'M', 'T',  'r', 'k', 0, 0,    0,    12, 0, 0x90,
                                             60,  90,  96,  0x80, 60,  0,   0, 0xff, 0x2f, 0};
    memcpy(out, bytes, SONG_SIZE);
    out[24] = out[28] = key;
}

static void put_number(uint8_t *at, size_t value)
{
    for (int i = 0; i < 4; i++) at[i] = (uint8_t)(value >> 8 * i);
}

/* Lumps: a song, eight bytes of something else, another song, the first song again. */
static void make_wad(uint8_t out[WAD_SIZE])
{
    static const char *const names[N_LUMPS] = {"D_E1M1", "PLAYPAL", "D_LONGER", "D_E1M2"};
    static const uint8_t keys[N_LUMPS] = {60, 0, 62, 60};
    const size_t directory = WAD_SIZE - 16 * N_LUMPS;
    size_t at = 12;
    memset(out, 0, WAD_SIZE);
    memcpy(out, "IWAD", 4);
    put_number(out + 4, N_LUMPS);
    put_number(out + 8, directory);
    for (size_t i = 0; i < N_LUMPS; i++) {
        const size_t size = keys[i] ? SONG_SIZE : 8;
        if (keys[i]) make_song(keys[i], out + at);
        put_number(out + directory + 16 * i, at);
        put_number(out + directory + 16 * i + 4, size);
        memcpy(out + directory + 16 * i + 8, names[i], strlen(names[i]));
        at += size;
    }
}

static void write_file(const char *folder, const char *name, const uint8_t *bytes, size_t size)
{
    tb_error err = {0};
    char *path = tb_fs_join(folder, name);
    assert_ok(tb_fs_write_atomic(path, bytes, size, &err));
    tb_free(path);
}

static const char *make_folder(void)
{
    const char *folder = tb_test_folder();
    uint8_t wad[WAD_SIZE], song[SONG_SIZE];
    make_wad(wad);
    write_file(folder, "b.wad", wad, sizeof wad);
    make_song(62, song);
    write_file(folder, "a.MID", song, sizeof song);
    make_song(64, song);
    write_file(folder, "c.midi", song, sizeof song);
    write_file(folder, "d.txt", song, sizeof song);
    return folder;
}

static void songs_are_found_in_files_and_archives_once(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_midi_entry *entries = NULL;
    size_t n = 0;
    static const char *const names[] = {"a.MID", "b.wad D_E1M1", "c.midi"};
    static const int keys[] = {62, 60, 64};
    assert_ok(tb_midi_folder_list(make_folder(), &entries, &n, &err));
    assert_int_equal(n, 3);
    for (size_t i = 0; i < n; i++) {
        tb_song *song = NULL;
        assert_string_equal(entries[i].name, names[i]);
        assert_ok(tb_midi_folder_read(&entries[i], &song, &err));
        assert_string_equal(song->name, names[i]);
        assert_int_equal(song->parts[0].events[0].a, keys[i]);
        tb_song_free(song);
    }
    tb_midi_folder_free(entries, n);
    tb_midi_folder_free(NULL, 0);
}

static void damaged_archives_are_left_out(void **state)
{
    (void)state;
    const char *folder = tb_test_folder();
    uint8_t wad[WAD_SIZE];
    make_wad(wad);
    tb_log_setup(stderr, TB_LOG_ERROR, false);
    for (size_t size = 0; size < WAD_SIZE; size += 7) {
        tb_error err = {0};
        tb_midi_entry *entries = NULL;
        size_t n = 99;
        write_file(folder, "cut.wad", wad, size);
        assert_ok(tb_midi_folder_list(folder, &entries, &n, &err));
        assert_int_equal(n, 0);
        tb_midi_folder_free(entries, n);
    }
    for (size_t i = 0; i < WAD_SIZE; i++) {
        tb_error err = {0};
        tb_midi_entry *entries = NULL;
        size_t n = 99;
        if (i == 12) i = WAD_SIZE - 16 * N_LUMPS; /* header and directory alone */
        const uint8_t was = wad[i];
        wad[i] ^= 0xff;
        write_file(folder, "cut.wad", wad, WAD_SIZE);
        wad[i] = was;
        assert_ok(tb_midi_folder_list(folder, &entries, &n, &err));
        for (size_t k = 0; k < n; k++) {
            tb_song *song = NULL;
            if (tb_midi_folder_read(&entries[k], &song, &err) == TB_OK) assert_ok(tb_song_check(song, &err));
            tb_song_free(song);
        }
        tb_midi_folder_free(entries, n);
    }
    tb_log_setup(stderr, TB_LOG_WARN, false);
}

static void a_song_that_is_gone_is_said_so(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_song *song = NULL;
    tb_midi_entry *entries = NULL;
    size_t n = 0;
    const tb_midi_entry gone = {.path = (char *)"/does/not/exist.mid", .name = "exist.mid", .size_bytes = 10};
    assert_status(tb_midi_folder_read(&gone, &song, &err), TB_NOT_FOUND);
    assert_status(tb_midi_folder_list("/does/not/exist", &entries, &n, &err), TB_NOT_FOUND);
    assert_null(entries);
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    const char *folder = make_folder();
    bool done = false;
    for (size_t k = 1; !done; k++) {
        tb_error err = {0};
        tb_midi_entry *entries = NULL;
        size_t n = 0;
        tb_alloc_fail_after(k);
        const tb_status status = tb_midi_folder_list(folder, &entries, &n, &err);
        tb_alloc_fail_after(0);
        done = status == TB_OK;
        if (!done) assert_int_equal(status, TB_NO_MEMORY);
        if (done) assert_int_equal(n, 3);
        tb_midi_folder_free(entries, n);
        assert_true(k < 100);
    }
}

TB_TESTS(midi_folder, cmocka_unit_test(songs_are_found_in_files_and_archives_once),
         cmocka_unit_test(damaged_archives_are_left_out), cmocka_unit_test(a_song_that_is_gone_is_said_so),
         cmocka_unit_test(each_allocation_may_fail))
