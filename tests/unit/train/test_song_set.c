// SPDX-License-Identifier: MIT
/* Data sets of songs: the same whatever the number of threads and cuts, and readable as what they claim to
 * be. */
#include "support/testing.h"
#include "support/wav.h"

#include "audio/decode.h"
#include "base/alloc.h"
#include "base/fs.h"
#include "train/piece_cache.h"
#include "train/slakh_writer.h"
#include "train/song_set.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_BYTES = 64 << 20 };

typedef struct counter {
    size_t calls, stop_at;
    atomic_bool cancel;
} counter;

static void count_piece(void *context, size_t done, size_t total)
{
    counter *c = context;
    (void)total;
    if (++c->calls >= c->stop_at || done > 1000) atomic_store(&c->cancel, true);
}

/* Four-second pieces of patches alone, so that no soundfont is needed. */
static tb_song_set_options options_for(const char *path, tb_song_set_format format, size_t n_pieces,
                                       size_t n_threads)
{
    return (tb_song_set_options){.path = path,
                                 .format = format,
                                 .n_pieces = n_pieces,
                                 .seed = 7,
                                 .seconds = 4,
                                 .patch_share = 1,
                                 .effects = true,
                                 .rate_hz = 22050,
                                 .n_bands = 64,
                                 .n_threads = n_threads};
}

static void make(const tb_song_set_options *options, size_t n_made, size_t n_kept)
{
    tb_error err = {0};
    tb_song_set_result result = {0};
    assert_ok(tb_song_set_make(options, &result, &err));
    assert_int_equal(result.n_made, n_made);
    assert_int_equal(result.n_kept, n_kept);
    assert_near(result.audio_s, 4.0 * (double)n_made, 0.01);
}

static void assert_same_file(const char *a, const char *b)
{
    tb_error err = {0};
    char *bytes[2] = {NULL};
    size_t sizes[2] = {0};
    assert_ok(tb_fs_read(a, MAX_BYTES, &bytes[0], &sizes[0], &err));
    assert_ok(tb_fs_read(b, MAX_BYTES, &bytes[1], &sizes[1], &err));
    assert_int_equal(sizes[0], sizes[1]);
    assert_memory_equal(bytes[0], bytes[1], sizes[0]);
    tb_free(bytes[0]);
    tb_free(bytes[1]);
}

static void a_cache_is_the_same_by_any_number_of_threads_and_after_cuts(void **state)
{
    (void)state;
    tb_error err = {0};
    char *one = tb_test_join(tb_test_folder(), "one.cache"),
         *three = tb_test_join(tb_test_folder(), "three.cache"),
         *cut = tb_test_join(tb_test_folder(), "cut.cache");
    tb_song_set_options options = options_for(one, TB_SONG_SET_CACHE, 5, 1);
    make(&options, 5, 0);
    options = options_for(three, TB_SONG_SET_CACHE, 5, 3);
    make(&options, 5, 0);
    assert_same_file(one, three);
    options = options_for(cut, TB_SONG_SET_CACHE, 3, 2);
    make(&options, 3, 0);
    char *bytes = NULL;
    size_t size = 0;
    assert_ok(tb_fs_read(cut, MAX_BYTES, &bytes, &size, &err));
    tb_free(bytes);
    assert_int_equal(truncate(cut, (off_t)(size - 1000)), 0); /* as after a crash */
    options.n_pieces = 5;
    make(&options, 3, 2);
    assert_same_file(one, cut);
    make(&options, 0, 5);
    free(one);
    free(three);
    free(cut);
}

static void cancelled_work_is_taken_up_again(void **state)
{
    (void)state;
    tb_error err = {0};
    char *whole = tb_test_join(tb_test_folder(), "whole.cache"),
         *path = tb_test_join(tb_test_folder(), "stopped.cache");
    tb_song_set_options options = options_for(whole, TB_SONG_SET_CACHE, 4, 1);
    tb_song_set_result result = {0};
    counter count = {.stop_at = 2};
    make(&options, 4, 0);
    options.path = path;
    options.progress = count_piece;
    options.context = &count;
    options.cancel = &count.cancel;
    assert_status(tb_song_set_make(&options, &result, &err), TB_CANCELLED);
    atomic_store(&count.cancel, false);
    count.stop_at = 100;
    make(&options, 2, 2);
    assert_same_file(whole, path);
    free(whole);
    free(path);
}

static void a_cache_has_what_the_songs_have(void **state)
{
    (void)state;
    tb_error err = {0};
    char *path = tb_test_join(tb_test_folder(), "songs.cache");
    tb_song_set_options options = options_for(path, TB_SONG_SET_CACHE, 4, 2);
    make(&options, 4, 0);
    tb_piece_cache *cache = NULL;
    assert_ok(tb_piece_cache_open(path, &cache, &err));
    assert_int_equal(tb_piece_cache_count(cache), 4);
    assert_int_equal(tb_piece_cache_bands(cache), 64);
    assert_non_null(strstr(tb_piece_cache_info(cache), "\"seed\": 7"));
    for (size_t i = 0; i < 4; i++) {
        const tb_piece *piece = tb_piece_cache_at(cache, i);
        assert_near((double)piece->n_rows, 4 * tb_piece_cache_rows_per_s(cache), 3);
        assert_true(piece->n_bars >= 1 && piece->n_beats > piece->n_bars);
        const double beat_s = (double)(piece->beats[1] - piece->beats[0]) / tb_piece_cache_rows_per_s(cache);
        assert_near(60 / beat_s, piece->tempo_bpm, 1);
        assert_int_not_equal(tb_piece_stems(piece), 0);
    }
    options.seed = 8;
    assert_status(tb_song_set_make(&options, &(tb_song_set_result){0}, &err), TB_EXISTS);
    tb_piece_cache_close(cache);
    free(path);
}

static float *read_audio(const char *path, size_t n_frames, int n_channels)
{
    tb_error err = {0};
    tb_decoder *decoder = NULL;
    size_t n = 0;
    float *x = tb_alloc(n_frames, (size_t)n_channels * sizeof *x);
    assert_ok(tb_decoder_open_path(path, &decoder, &err));
    assert_int_equal(tb_decoder_get_info(decoder)->n_channels, n_channels);
    assert_int_equal(tb_decoder_get_info(decoder)->n_frames, n_frames);
    for (size_t at = 0; at < n_frames; at += n) {
        assert_ok(tb_decoder_read(decoder, x + at * (size_t)n_channels, n_frames - at, &n, &err));
        assert_true(n > 0);
    }
    tb_decoder_close(decoder);
    return x;
}

static void tracks_of_a_folder_are_whole_and_their_stems_add_up(void **state)
{
    (void)state;
    enum { N = 4 * 22050, MAX_STEMS = 20 };
    char *folder = tb_test_join(tb_test_folder(), "slakh"), path[1200], split[1100];
    tb_song_set_options options = options_for(folder, TB_SONG_SET_SLAKH, 2, 2);
    options.split = TB_SPLIT_VALIDATION;
    make(&options, 2, 0);
    assert_string_equal(tb_split_name(options.split), "validation");
    snprintf(split, sizeof split, "%s/%s", folder, tb_split_name(options.split));
    for (size_t track = 1; track <= 2; track++) {
        assert_true(tb_slakh_track_exists(split, track));
        float *sum = tb_alloc(N, sizeof *sum);
        size_t n_stems = 0;
        for (; n_stems < MAX_STEMS; n_stems++) {
            snprintf(path, sizeof path, "%s/Track%05zu/stems/S%02zu.flac", split, track, n_stems);
            if (access(path, R_OK) != 0) break;
            float *stem = read_audio(path, N, 1);
            for (size_t i = 0; i < N; i++) sum[i] += stem[i];
            tb_free(stem);
        }
        assert_true(n_stems > 0);
        snprintf(path, sizeof path, "%s/Track%05zu/mix.flac", split, track);
        float *mix = read_audio(path, N, 2);
        for (size_t i = 0; i < N; i++)
            if (fabsf(mix[2 * i]) < 0.99f && fabsf(mix[2 * i + 1]) < 0.99f)
                assert_near(0.5f * (mix[2 * i] + mix[2 * i + 1]), sum[i], 1e-3);
        tb_free(mix);
        tb_free(sum);
    }
    /* a track that was lost, and one that was being written, are made anew */
    char *done = tb_test_join(split, "Track00002"), *part = tb_test_join(split, ".Track00002.part");
    assert_int_equal(rename(done, part), 0);
    free(done);
    free(part);
    assert_false(tb_slakh_track_exists(split, 2));
    make(&options, 1, 1);
    make(&options, 0, 2);
    options.seconds = 5;
    tb_error err = {0};
    assert_status(tb_song_set_make(&options, &(tb_song_set_result){0}, &err), TB_EXISTS);
    free(folder);
}

static void options_out_of_range_are_refused(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_song_set_result result = {0};
    char *path = tb_test_join(tb_test_folder(), "never.cache");
#define REFUSES(change)                                                                                      \
    do {                                                                                                     \
        tb_song_set_options options = options_for(path, TB_SONG_SET_CACHE, 2, 1);                            \
        change;                                                                                              \
        assert_status(tb_song_set_make(&options, &result, &err), TB_INVALID);                                \
    } while (0)
    REFUSES(options.n_pieces = 0);
    REFUSES(options.n_pieces = 100000);
    REFUSES(options.seconds = 1);
    REFUSES(options.seconds = NAN);
    REFUSES(options.rate_hz = 44100);
    REFUSES(options.n_bands = 1);
    REFUSES(options.n_threads = 1000);
#undef REFUSES
    assert_int_equal(access(path, F_OK), -1);
    free(path);
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    tb_error err = {0};
    char *path = tb_test_join(tb_test_folder(), "memory.cache");
    const tb_song_set_options options = options_for(path, TB_SONG_SET_CACHE, 1, 2);
    for (size_t n = 1;; n += n < 30 ? 1 : 97) { /* beyond, it is one event of a song like the other */
        tb_song_set_result result = {0};
        (void)tb_alloc_fail_after(n);
        const tb_status status = tb_song_set_make(&options, &result, &err);
        (void)tb_alloc_fail_after(0);
        if (status == TB_OK) break;
        assert_int_equal(status, TB_NO_MEMORY);
    }
    free(path);
}

TB_TESTS(song_set, cmocka_unit_test(each_allocation_may_fail),
         cmocka_unit_test(a_cache_is_the_same_by_any_number_of_threads_and_after_cuts),
         cmocka_unit_test(cancelled_work_is_taken_up_again),
         cmocka_unit_test(a_cache_has_what_the_songs_have),
         cmocka_unit_test(tracks_of_a_folder_are_whole_and_their_stems_add_up),
         cmocka_unit_test(options_out_of_range_are_refused))
