// SPDX-License-Identifier: MIT
#include "audio/tags.h"
#include "base/alloc.h"
#include "base/rng.h"
#include "base/text.h"
#include "support/testing.h"
#include "unit/audio/audio_fixtures.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static tb_error err;

static const fixture_tag usual[] = {{SF_STR_TITLE, "Größe"},      {SF_STR_ARTIST, "Künstlerin"},
                                    {SF_STR_ALBUM, "日本"},       {SF_STR_GENRE, "Jazz"},
                                    {SF_STR_COMMENT, "ein Satz"}, {SF_STR_DATE, "1999-12-31"},
                                    {SF_STR_TRACKNUMBER, "7"},    {0, NULL}};

static void assert_text(const char *what, const char *got, const char *expected)
{
    if (!got != !expected || (got && expected && strcmp(got, expected) != 0))
        fail_msg("%s is \"%s\", not \"%s\"", what, got ? got : "absent", expected ? expected : "absent");
}

static tb_tags read_memory(const void *bytes, size_t size)
{
    tb_tags tags;
    assert_ok(tb_tags_read_memory(bytes, size, &tags, &err));
    return tags;
}

static fixture make_tagged(int format, const fixture_tag *tags)
{
    float *signal = fixture_signal(44100, 2, 44100);
    const fixture made = fixture_encode(format, 44100, 2, signal, 44100, tags);
    free(signal);
    return made;
}

static void each_format_gives_its_tags(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int format;
        bool all;   /* AIFF has no more than title, artist and comment */
        bool ascii; /* LAME takes text for Latin-1 */
    } rows[] = {
        {"WAV", SF_FORMAT_WAV | SF_FORMAT_PCM_16, true, false},
        {"FLAC", SF_FORMAT_FLAC | SF_FORMAT_PCM_16, true, false},
        {"Vorbis", SF_FORMAT_OGG | SF_FORMAT_VORBIS, true, false},
        {"MP3", SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III, true, true},
        {"AIFF", SF_FORMAT_AIFF | SF_FORMAT_PCM_16, false, false},
    };
    static const fixture_tag plain[] = {
        {SF_STR_TITLE, "Size"}, {SF_STR_ARTIST, "Artist"}, {SF_STR_ALBUM, "Album"}, {SF_STR_GENRE, "Jazz"},
        {SF_STR_COMMENT, "ein Satz"}, {SF_STR_DATE, "1999"}, {SF_STR_TRACKNUMBER, "7"}, {0, NULL},
    };
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        const fixture_tag *given = rows[r].ascii ? plain : usual;
        fixture made = make_tagged(rows[r].format, given);
        if (!made.bytes) continue;
        tb_tags tags = read_memory(made.bytes, made.size);
        assert_text(rows[r].name, tags.title, given[0].text);
        assert_text(rows[r].name, tags.artist, given[1].text);
        if (rows[r].all) {
            assert_text(rows[r].name, tags.album, given[2].text);
            assert_text(rows[r].name, tags.genre, "Jazz");
            assert_text(rows[r].name, tags.comment, "ein Satz");
            assert_int_equal(tags.year, 1999);
            assert_int_equal(tags.track, 7);
        }
        tb_tags_clear(&tags);
        fixture_free(&made);
    }
}

static void opus_gives_its_tags(void **state)
{
    (void)state;
    float *signal = fixture_signal(48000, 1, 48000);
    fixture made = fixture_encode(SF_FORMAT_OGG | SF_FORMAT_OPUS, 48000, 1, signal, 48000, usual);
    if (!made.bytes) skip();
    tb_tags tags = read_memory(made.bytes, made.size);
    assert_text("title", tags.title, "Größe");
    assert_text("album", tags.album, "日本");
    assert_int_equal(tags.year, 1999);
    assert_int_equal(tags.track, 7);
    tb_tags_clear(&tags);
    free(signal);
    fixture_free(&made);
}

static void mp4_and_ape_tags_are_read_in_full(void **state)
{
    (void)state;
    static const char *const names[] = {"tone.m4a", "tone.wv"};
    for (size_t i = 0; i < 2; i++) {
        fixture made = fixture_load(names[i]);
        tb_tags tags = read_memory(made.bytes, made.size);
        assert_text("title", tags.title, "Ein Ton");
        assert_text("artist", tags.artist, "Künstler");
        assert_text("album", tags.album, "Töne");
        assert_text("album artist", tags.album_artist, "Verschiedene");
        assert_text("composer", tags.composer, "Niemand");
        assert_text("genre", tags.genre, "Test");
        assert_int_equal(tags.year, 2021);
        assert_int_equal(tags.track, 3);
        assert_int_equal(tags.disc, 2);
        tb_tags_clear(&tags);
        fixture_free(&made);
    }
}

static void ffmpeg_reads_the_tags_of_its_containers(void **state)
{
    (void)state;
    static const char *const names[] = {"tone.mka", "tone.wma"};
    if (!fixture_have_ffmpeg()) skip();
    for (size_t i = 0; i < 2; i++) {
        fixture made = fixture_load(names[i]);
        tb_tags tags = read_memory(made.bytes, made.size);
        assert_text("title", tags.title, "Ein Ton");
        assert_text("artist", tags.artist, "Künstler");
        assert_text("album artist", tags.album_artist, "Verschiedene");
        assert_text("composer", tags.composer, "Niemand");
        assert_int_equal(tags.year, 2021);
        assert_int_equal(tags.track, 3);
        tb_tags_clear(&tags);
        fixture_free(&made);
    }
}

/* --- ID3v2, built by hand --- */

typedef struct id3 {
    uint8_t bytes[60000];
    size_t size;
} id3;

static void id3_begin(id3 *tag, int version, int flags)
{
    memcpy(tag->bytes, "ID3", 3);
    tag->bytes[3] = (uint8_t)version;
    tag->bytes[4] = 0;
    tag->bytes[5] = (uint8_t)flags;
    tag->size = 10;
}

static void id3_frame(id3 *tag, const char *name, const void *body, size_t size)
{
    const int version = tag->bytes[3];
    uint8_t *at = tag->bytes + tag->size;
    assert_true(tag->size + 10 + size <= sizeof tag->bytes);
    memcpy(at, name, strlen(name));
    if (version == 2) {
        for (int i = 0; i < 3; i++) at[3 + i] = (uint8_t)(size >> (8 * (2 - i)));
        at += 6;
    } else {
        for (int i = 0; i < 4; i++)
            at[4 + i] = (uint8_t)(version == 4 ? size >> (7 * (3 - i)) & 0x7f : size >> (8 * (3 - i)));
        at[8] = at[9] = 0;
        at += 10;
    }
    memcpy(at, body, size);
    tag->size = (size_t)(at - tag->bytes) + size;
}

/* The tag in front of an MP3. */
static fixture id3_finish(id3 *tag)
{
    fixture mp3 = make_tagged(SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III, NULL);
    const size_t body = tag->size - 10;
    for (int i = 0; i < 4; i++) tag->bytes[6 + i] = (uint8_t)(body >> (7 * (3 - i)) & 0x7f);
    fixture made = {malloc(tag->size + mp3.size), tag->size + mp3.size};
    memcpy(made.bytes, tag->bytes, tag->size);
    if (mp3.size) memcpy(made.bytes + tag->size, mp3.bytes, mp3.size);
    fixture_free(&mp3);
    return made;
}

static void each_version_and_encoding_of_id3_is_read(void **state)
{
    (void)state;
    static id3 tag;
    for (int version = 2; version <= 4; version++) {
        id3_begin(&tag, version, 0);
        id3_frame(&tag, version == 2 ? "TT2" : "TIT2", "\0Gr\xf6\xdf""e", 6);
        id3_frame(&tag, version == 2 ? "TP2" : "TPE2", "\1\xff\xfe\xd8\x00\x41\x00\x3d\xd8\x00\xde", 11);
        id3_frame(&tag, version == 2 ? "TCM" : "TCOM", "\1\xfe\xff\x00\x4a\x00\xfc", 7);
        id3_frame(&tag, version == 2 ? "TPA" : "TPOS", "\0""2/3", 4);
        if (version == 4) id3_frame(&tag, "TPE1", "\3J\xc3\xbc", 4);
        fixture made = id3_finish(&tag);
        tb_tags tags = read_memory(made.bytes, made.size);
        assert_text("title", tags.title, "Größe");
        assert_text("album artist", tags.album_artist, "ØA😀");
        assert_text("composer", tags.composer, "Jü");
        assert_int_equal(tags.disc, 2);
        if (version == 4) assert_text("artist", tags.artist, "Jü");
        tb_tags_clear(&tags);
        fixture_free(&made);
    }
}

static void unsynchronised_id3_is_read(void **state)
{
    (void)state;
    static id3 tag;
    id3_begin(&tag, 3, 0x80);
    /* FF FE of the byte order mark is written FF 00 FE, and the frame's size does not count it */
    id3_frame(&tag, "TPE2", "\1\xff\xfe""A\0", 5);
    memmove(tag.bytes + tag.size - 2, tag.bytes + tag.size - 3, 3);
    tag.bytes[tag.size - 3] = 0;
    tag.size++;
    fixture made = id3_finish(&tag);
    tb_tags tags = read_memory(made.bytes, made.size);
    assert_text("album artist", tags.album_artist, "A");
    tb_tags_clear(&tags);
    fixture_free(&made);
}

static void tags_are_clean_and_short(void **state)
{
    (void)state;
    static id3 tag;
    static char longer[20001];
    longer[0] = '\3';
    for (size_t i = 1; i + 1 < sizeof longer; i += 2) memcpy(longer + i, "\xc3\xbc", 2);
    id3_begin(&tag, 4, 0);
    id3_frame(&tag, "TPE2", longer, 20000);
    id3_frame(&tag, "TCOM", "\3  a\1\xff\xfe\nb \n", 11);
    id3_frame(&tag, "TIT2", "\3  \t\n ", 6);
    id3_frame(&tag, "TPOS", "\3""99999999999", 12);
    fixture made = id3_finish(&tag);
    tb_tags tags = read_memory(made.bytes, made.size);
    assert_non_null(tags.album_artist);
    assert_true(strlen(tags.album_artist) <= TB_TAGS_MAX_BYTES && strlen(tags.album_artist) > 4000);
    assert_true(tb_utf8_valid(tags.album_artist, strlen(tags.album_artist)));
    assert_text("composer", tags.composer, "a\xef\xbf\xbd\xef\xbf\xbd b");
    assert_text("title", tags.title, NULL);
    assert_int_equal(tags.disc, 0);
    tb_tags_clear(&tags);
    fixture_free(&made);
}

static void an_id3_chunk_of_a_wav_is_read(void **state)
{
    (void)state;
    static id3 tag;
    id3_begin(&tag, 3, 0);
    id3_frame(&tag, "TIT2", "\0Chunk", 6);
    id3_frame(&tag, "TPE2", "\0Band", 5);
    tag.bytes[9] = (uint8_t)(tag.size - 10);
    fixture wav = make_tagged(SF_FORMAT_WAV | SF_FORMAT_PCM_16, NULL);
    const size_t padded = tag.size + (tag.size & 1);
    fixture made = fixture_copy(&wav, wav.size + 8 + padded);
    memset(made.bytes + wav.size, 0, 8 + padded);
    memcpy(made.bytes + wav.size, "id3 ", 4);
    made.bytes[wav.size + 4] = (uint8_t)tag.size;
    memcpy(made.bytes + wav.size + 8, tag.bytes, tag.size);
    tb_tags tags = read_memory(made.bytes, made.size);
    assert_text("title", tags.title, "Chunk");
    assert_text("album artist", tags.album_artist, "Band");
    tb_tags_clear(&tags);
    fixture_free(&made);
    fixture_free(&wav);
}

static void no_tags_and_no_audio_are_no_error(void **state)
{
    (void)state;
    for (size_t k = 0; k < n_fixture_kinds && fixture_kinds[k].format; k++) {
        fixture made = fixture_make(fixture_kinds[k].format, fixture_kinds[k].rate_hz, 1, 10000);
        tb_tags tags = read_memory(made.bytes, made.size);
        assert_null(tags.title);
        assert_null(tags.artist);
        assert_int_equal(tags.year + tags.track + tags.disc, 0);
        tb_tags_clear(&tags);
        fixture_free(&made);
    }
    tb_tags tags = read_memory("hello", 5);
    assert_null(tags.title);
    tags = read_memory("", 0);
    assert_null(tags.title);
    tb_tags_clear(&tags);
}

static void reading_leaves_the_file_alone(void **state)
{
    (void)state;
    fixture made = make_tagged(SF_FORMAT_FLAC | SF_FORMAT_PCM_16, usual);
    char *path = fixture_write(&made, tb_test_folder(), "name \xff.dat");
    struct stat before, after;
    tb_tags tags;
    assert_int_equal(stat(path, &before), 0);
    assert_ok(tb_tags_read_path(path, &tags, &err));
    assert_text("title", tags.title, "Größe");
    tb_tags_clear(&tags);
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(before.st_mtim.tv_sec, after.st_mtim.tv_sec);
    assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
    assert_int_equal(before.st_ino, after.st_ino);
    free(path);
    fixture_free(&made);
}

static void what_is_no_file_is_an_error(void **state)
{
    (void)state;
    tb_tags tags;
    char path[300];
    snprintf(path, sizeof path, "%s/fifo", tb_test_folder());
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_status(tb_tags_read_path(path, &tags, &err), TB_UNSUPPORTED);
    assert_status(tb_tags_read_path("/nowhere.mp3", &tags, &err), TB_NOT_FOUND);
}

static void damaged_tags_do_no_harm(void **state)
{
    (void)state;
    tb_rng rng;
    fixture_capture capture;
    static id3 tag;
    tb_rng_init(&rng, 4);
    fixture_capture_begin(&capture);
    for (int kind = 0; kind < 10; kind++) {
        fixture made = {0};
        static const int formats[] = {SF_FORMAT_WAV | SF_FORMAT_PCM_16, SF_FORMAT_FLAC | SF_FORMAT_PCM_16,
                                      SF_FORMAT_OGG | SF_FORMAT_VORBIS,
                                      SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III,
                                      SF_FORMAT_AIFF | SF_FORMAT_PCM_16};
        static const char *const golden[] = {"tone.m4a", "tone.wma", "tone.wv", "tone.mka"};
        if (kind < 5) {
            made = make_tagged(formats[kind], usual);
        } else if (kind < 9) {
            made = fixture_load(golden[kind - 5]);
        } else {
            id3_begin(&tag, 4, 0x40);
            id3_frame(&tag, "TPE2", "\1\xff\xfe""A\0", 5);
            id3_frame(&tag, "COMM", "\0eng\0text", 9);
            made = id3_finish(&tag);
        }
        if (!made.bytes) continue;
        for (int n = 0; n < 300; n++) {
            fixture damaged =
                fixture_copy(&made, n % 10 == 0 ? (size_t)tb_rng_below(&rng, made.size) : made.size);
            const size_t reach = n % 3 == 0 ? damaged.size : damaged.size < 600 ? damaged.size : 600;
            for (uint64_t h = 1 + tb_rng_below(&rng, 15); h > 0 && reach > 0; h--) {
                size_t at = (size_t)tb_rng_below(&rng, reach);
                if (n % 3 == 1) at = damaged.size - 1 - at; /* tags at the end */
                damaged.bytes[at] = (uint8_t)tb_rng_next(&rng);
            }
            tb_tags tags = read_memory(damaged.bytes, damaged.size);
            const char *const texts[] = {tags.title,    tags.artist, tags.album,  tags.album_artist,
                                         tags.composer, tags.genre,  tags.comment};
            for (size_t i = 0; i < 7; i++)
                if (texts[i]) assert_true(*texts[i] && tb_utf8_valid(texts[i], strlen(texts[i])));
            tb_tags_clear(&tags);
            fixture_free(&damaged);
        }
        fixture_free(&made);
    }
    assert_int_equal(fixture_capture_end(&capture), 0);
}

static void each_failing_allocation_is_reported(void **state)
{
    (void)state;
    fixture made = make_tagged(SF_FORMAT_OGG | SF_FORMAT_VORBIS, usual);
    tb_status status = TB_NO_MEMORY;
    size_t n;
    for (n = 1; n < 100 && status != TB_OK; n++) {
        tb_tags tags;
        tb_alloc_fail_after(n);
        status = tb_tags_read_memory(made.bytes, made.size, &tags, &err);
        tb_alloc_fail_after(0);
        if (status == TB_OK) tb_tags_clear(&tags);
        else assert_int_equal(status, TB_NO_MEMORY);
    }
    assert_true(n > 5 && status == TB_OK);
    fixture_free(&made);
}

TB_TESTS(tags, cmocka_unit_test(each_format_gives_its_tags), cmocka_unit_test(opus_gives_its_tags),
         cmocka_unit_test(mp4_and_ape_tags_are_read_in_full),
         cmocka_unit_test(ffmpeg_reads_the_tags_of_its_containers),
         cmocka_unit_test(each_version_and_encoding_of_id3_is_read),
         cmocka_unit_test(unsynchronised_id3_is_read), cmocka_unit_test(tags_are_clean_and_short),
         cmocka_unit_test(an_id3_chunk_of_a_wav_is_read), cmocka_unit_test(no_tags_and_no_audio_are_no_error),
         cmocka_unit_test(reading_leaves_the_file_alone), cmocka_unit_test(what_is_no_file_is_an_error),
         cmocka_unit_test(damaged_tags_do_no_harm), cmocka_unit_test(each_failing_allocation_is_reported))
