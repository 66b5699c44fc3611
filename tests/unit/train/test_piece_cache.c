// SPDX-License-Identifier: MIT
/* The piece cache: what goes in comes out, and no file, however broken, does harm. */
#include "support/testing.h"
#include "support/wav.h"

#include "base/alloc.h"
#include "base/fs.h"
#include "base/half.h"
#include "base/rng.h"
#include "train/piece_cache.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { BANDS = 7, ROWS = 13, MAX_BYTES = 1 << 20 };

static const tb_piece_writer_config config = {.n_bands = BANDS,
                                              .rows_per_s = 21.5,
                                              .info = "{\"made of\": \"numbers\"}"};
static const float beats[] = {0, 3, 6, 9, 12}, bars[] = {0, 12};

typedef struct made_piece {
    char name[32];
    uint16_t values[TB_STEM_COUNT][ROWS * BANDS];
    tb_piece piece;
} made_piece;

/* A piece of stems that depend on i, with the values f16(i + stem + place / 128). */
static void make_piece(made_piece *made, size_t i)
{
    snprintf(made->name, sizeof made->name, "piece %zu", i);
    made->piece = (tb_piece){.name = made->name,
                             .seed = i,
                             .tempo_bpm = 100 + (double)i,
                             .tempo_group = (int)i % TB_TEMPO_GROUPS,
                             .beats_per_bar = 4,
                             .key = (int)i % 12 - 1,
                             .mode = TB_MODE_DORIAN,
                             .n_rows = ROWS,
                             .n_beats = 5,
                             .n_bars = 2,
                             .beats = beats,
                             .bars = bars};
    for (size_t stem = 0; stem < TB_STEM_COUNT; stem++) {
        for (size_t k = 0; k < ROWS * BANDS; k++)
            made->values[stem][k] = tb_half_from_float((float)i + (float)stem + (float)k / 128);
        if (stem == 0 || (i >> stem & 1)) made->piece.rows[stem] = made->values[stem];
    }
}

static char *new_path(void)
{
    return tb_test_join(tb_test_folder(), "pieces.cache");
}

static void write_pieces(const char *path, size_t first, size_t last)
{
    tb_error err = {0};
    tb_piece_writer *writer = NULL;
    assert_ok(tb_piece_writer_open(path, &config, &writer, &err));
    assert_int_equal(tb_piece_writer_count(writer), first);
    for (size_t i = first; i < last; i++) {
        made_piece made;
        make_piece(&made, i);
        assert_false(tb_piece_writer_has(writer, made.name));
        assert_ok(tb_piece_writer_append(writer, &made.piece, &err));
        assert_true(tb_piece_writer_has(writer, made.name));
    }
    assert_ok(tb_piece_writer_sync(writer, &err));
    tb_piece_writer_close(writer);
}

static void check_pieces(const char *path, size_t n)
{
    tb_error err = {0};
    tb_piece_cache *cache = NULL;
    assert_ok(tb_piece_cache_open(path, &cache, &err));
    assert_int_equal(tb_piece_cache_count(cache), n);
    assert_int_equal(tb_piece_cache_bands(cache), BANDS);
    assert_near(tb_piece_cache_rows_per_s(cache), 21.5, 0);
    assert_string_equal(tb_piece_cache_info(cache), config.info);
    for (size_t i = 0; i < n; i++) {
        made_piece made;
        make_piece(&made, i);
        const tb_piece *piece = tb_piece_cache_at(cache, i);
        assert_string_equal(piece->name, made.name);
        assert_int_equal(piece->seed, i);
        assert_near(piece->tempo_bpm, 100 + (double)i, 0);
        assert_int_equal(piece->tempo_group, made.piece.tempo_group);
        assert_int_equal(piece->key, made.piece.key);
        assert_int_equal(piece->mode, TB_MODE_DORIAN);
        assert_int_equal(piece->n_rows, ROWS);
        assert_memory_equal(piece->beats, beats, sizeof beats);
        assert_memory_equal(piece->bars, bars, sizeof bars);
        assert_int_equal(tb_piece_stems(piece), tb_piece_stems(&made.piece));
        for (size_t stem = 0; stem < TB_STEM_COUNT; stem++)
            if (made.piece.rows[stem])
                assert_memory_equal(piece->rows[stem], made.values[stem], sizeof made.values[stem]);
    }
    tb_piece_cache_close(cache);
}

static void write_bytes(const char *path, const char *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

static void pieces_come_back_as_they_went_in(void **state)
{
    (void)state;
    char *path = new_path();
    write_pieces(path, 0, 20);
    check_pieces(path, 20);
    free(path);
}

static void a_file_without_pieces_is_fine(void **state)
{
    (void)state;
    char *path = new_path();
    write_pieces(path, 0, 0);
    check_pieces(path, 0);
    free(path);
}

static void a_cut_anywhere_costs_the_last_piece_at_most(void **state)
{
    (void)state;
    tb_error err = {0};
    char *path = new_path(), *cut_path = tb_test_join(tb_test_folder(), "cut.cache"), *bytes = NULL,
         *whole = NULL;
    size_t size = 0, size_of_two = 0, whole_size = 0;
    write_pieces(path, 0, 2);
    assert_ok(tb_fs_read(path, MAX_BYTES, &bytes, &size_of_two, &err));
    tb_free(bytes);
    write_pieces(path, 2, 3);
    assert_ok(tb_fs_read(path, MAX_BYTES, &bytes, &size, &err));
    for (size_t cut = size_of_two; cut < size; cut += 61) {
        write_bytes(cut_path, bytes, cut);
        check_pieces(cut_path, 2);
        write_pieces(cut_path, 2, 3);
        assert_ok(tb_fs_read(cut_path, MAX_BYTES, &whole, &whole_size, &err));
        assert_int_equal(whole_size, size);
        assert_memory_equal(whole, bytes, size);
        tb_free(whole);
    }
    /* pages of the last piece that never reached the disk */
    memset(bytes + size_of_two + 300, 0, size - size_of_two - 300);
    write_bytes(cut_path, bytes, size);
    check_pieces(cut_path, 2);
    memset(bytes + size_of_two, 0, size - size_of_two);
    write_bytes(cut_path, bytes, size);
    check_pieces(cut_path, 2);
    tb_free(bytes);
    free(cut_path);
    free(path);
}

static void any_changed_byte_is_noticed(void **state)
{
    (void)state;
    tb_error err = {0};
    char *path = new_path(), *bytes = NULL;
    size_t size = 0, last_at = 0;
    write_pieces(path, 0, 2);
    assert_ok(tb_fs_read(path, MAX_BYTES, &bytes, &last_at, &err));
    tb_free(bytes);
    write_pieces(path, 2, 3);
    assert_ok(tb_fs_read(path, MAX_BYTES, &bytes, &size, &err));
    for (size_t at = 0; at < last_at; at++) {
        tb_piece_cache *cache = NULL;
        bytes[at] ^= 0x40;
        write_bytes(path, bytes, size);
        const tb_status status = tb_piece_cache_open(path, &cache, &err);
        if (status != TB_CORRUPT && status != TB_NEWER && status != TB_UNSUPPORTED)
            fail_msg("byte %zu: %s", at, tb_status_name(status));
        assert_null(cache);
        bytes[at] ^= 0x40;
    }
    tb_free(bytes);
    free(path);
}

static void random_damage_never_crashes(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_rng rng;
    char *path = new_path(), *bytes = NULL, *copy = NULL;
    size_t size = 0;
    write_pieces(path, 0, 3);
    assert_ok(tb_fs_read(path, MAX_BYTES, &bytes, &size, &err));
    copy = tb_alloc(size, 1);
    tb_rng_init(&rng, 4);
    for (int i = 0; i < 500; i++) {
        tb_piece_cache *cache = NULL;
        memcpy(copy, bytes, size);
        for (uint64_t k = tb_rng_below(&rng, 8); k < 8; k++)
            copy[tb_rng_below(&rng, i % 2 ? size : 448)] = (char)tb_rng_below(&rng, 256);
        write_bytes(path, copy, tb_rng_below(&rng, size));
        if (tb_piece_cache_open(path, &cache, &err) == TB_OK) assert_true(tb_piece_cache_count(cache) <= 3);
        tb_piece_cache_close(cache);
    }
    tb_free(copy);
    tb_free(bytes);
    free(path);
}

static void what_is_no_cache_says_so(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_piece_cache *cache = NULL;
    tb_piece_writer *writer = NULL;
    char *path = new_path();
    assert_status(tb_piece_cache_open(path, &cache, &err), TB_NOT_FOUND);
    assert_status(tb_piece_cache_open(tb_test_folder(), &cache, &err), TB_INVALID);
    write_bytes(path, "", 0);
    assert_status(tb_piece_cache_open(path, &cache, &err), TB_CORRUPT);
    write_bytes(path, "RIFF....WAVEfmt and so on", 25);
    assert_status(tb_piece_cache_open(path, &cache, &err), TB_CORRUPT);
    assert_status(tb_piece_writer_open(path, &config, &writer, &err), TB_CORRUPT);
    free(path);
}

static void other_options_and_other_writers_are_kept_out(void **state)
{
    (void)state;
    tb_error err = {0};
    char *path = new_path();
    write_pieces(path, 0, 1);
    tb_piece_writer *writer = NULL, *second = NULL;
    tb_piece_writer_config other = config;
    other.info = "something else";
    assert_status(tb_piece_writer_open(path, &other, &writer, &err), TB_EXISTS);
    other = config;
    other.n_bands = BANDS + 1;
    assert_status(tb_piece_writer_open(path, &other, &writer, &err), TB_EXISTS);
    assert_ok(tb_piece_writer_open(path, &config, &writer, &err));
    assert_status(tb_piece_writer_open(path, &config, &second, &err), TB_BUSY);
    made_piece made;
    make_piece(&made, 0);
    assert_status(tb_piece_writer_append(writer, &made.piece, &err), TB_EXISTS);
    tb_piece_writer_close(writer);
    check_pieces(path, 1);
    free(path);
}

/* A limit on the size of files stands for a full disk: the write stops in the middle of a piece. */
static void a_write_that_fails_leaves_the_pieces_before_it(void **state)
{
    (void)state;
    tb_error err = {0};
    char *path = new_path();
    tb_piece_writer *writer = NULL;
    struct rlimit before, limit;
    made_piece made;
    write_pieces(path, 0, 2);
    assert_ok(tb_piece_writer_open(path, &config, &writer, &err));
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    void (*const handler)(int) = signal(SIGXFSZ, SIG_IGN);
    tb_fs_info info;
    assert_ok(tb_fs_stat(path, &info, &err));
    limit = before;
    limit.rlim_cur = (rlim_t)info.size_bytes + 100;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    make_piece(&made, 2);
    const tb_status status = tb_piece_writer_append(writer, &made.piece, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, handler);
    assert_int_equal(status, TB_TOO_LARGE);
    assert_int_equal(tb_piece_writer_count(writer), 2);
    check_pieces(path, 2);
    assert_ok(tb_piece_writer_append(writer, &made.piece, &err));
    tb_piece_writer_close(writer);
    check_pieces(path, 3);
    free(path);
}

static void pieces_out_of_range_are_refused(void **state)
{
    (void)state;
    tb_error err = {0};
    char *path = new_path();
    tb_piece_writer *writer = NULL;
    assert_ok(tb_piece_writer_open(path, &config, &writer, &err));
    const float backwards[] = {4, 3}, outside[] = {0, ROWS + 1};
    made_piece made;
#define REFUSES(change)                                                                                      \
    make_piece(&made, 1);                                                                                    \
    change;                                                                                                  \
    assert_status(tb_piece_writer_append(writer, &made.piece, &err), TB_INVALID)
    REFUSES(made.piece.name = "");
    REFUSES(
        made.piece.name = "a name that is far too long for the sixty-four bytes that a record has for it");
    REFUSES(made.piece.name = "\xff");
    REFUSES(made.piece.tempo_bpm = 0);
    REFUSES(made.piece.tempo_bpm = (double)NAN);
    REFUSES(made.piece.tempo_group = TB_TEMPO_GROUPS);
    REFUSES(made.piece.beats_per_bar = 0);
    REFUSES(made.piece.key = 12);
    REFUSES(made.piece.n_rows = 0);
    REFUSES(memset(made.piece.rows, 0, sizeof made.piece.rows));
    REFUSES(made.piece.bars = backwards);
    REFUSES(made.piece.bars = outside);
    REFUSES(made.values[0][ROWS * BANDS - 1] = 0x7c00); /* infinite */
    REFUSES(made.values[0][ROWS * BANDS - 1] = 0x7e01); /* NaN */
    REFUSES(made.values[0][0] = 0x8000);                /* -0 */
#undef REFUSES
    assert_int_equal(tb_piece_writer_count(writer), 0);
    tb_piece_writer_close(writer);
    check_pieces(path, 0);
    free(path);
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    tb_error err = {0};
    char *path = new_path();
    made_piece made;
    write_pieces(path, 0, 2);
    make_piece(&made, 2);
    for (size_t n = 1;; n++) {
        tb_piece_cache *cache = NULL;
        tb_piece_writer *writer = NULL;
        (void)tb_alloc_fail_after(n);
        tb_status status = tb_piece_cache_open(path, &cache, &err);
        if (status == TB_OK) status = tb_piece_writer_open(path, &config, &writer, &err);
        if (status == TB_OK) status = tb_piece_writer_append(writer, &made.piece, &err);
        (void)tb_alloc_fail_after(0);
        tb_piece_writer_close(writer);
        tb_piece_cache_close(cache);
        if (status == TB_OK) break;
        assert_int_equal(status, TB_NO_MEMORY);
    }
    check_pieces(path, 3);
    free(path);
}

TB_TESTS(piece_cache, cmocka_unit_test(pieces_come_back_as_they_went_in),
         cmocka_unit_test(a_file_without_pieces_is_fine),
         cmocka_unit_test(a_cut_anywhere_costs_the_last_piece_at_most),
         cmocka_unit_test(any_changed_byte_is_noticed), cmocka_unit_test(random_damage_never_crashes),
         cmocka_unit_test(what_is_no_cache_says_so),
         cmocka_unit_test(other_options_and_other_writers_are_kept_out),
         cmocka_unit_test(a_write_that_fails_leaves_the_pieces_before_it),
         cmocka_unit_test(pieces_out_of_range_are_refused), cmocka_unit_test(each_allocation_may_fail))
