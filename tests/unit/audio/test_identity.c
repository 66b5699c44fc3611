// SPDX-License-Identifier: MIT
#include "audio/identity.h"
#include "audio/stream.h"
#include "base/alloc.h"
#include "base/text.h"
#include "support/testing.h"
#include "unit/audio/audio_fixtures.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static tb_error err;

static void assert_hex(const tb_identity *identity, const char *expected)
{
    char text[2 * TB_IDENTITY_SIZE + 1];
    tb_hex_encode(identity->bytes, TB_IDENTITY_SIZE, text);
    assert_string_equal(text, expected);
}

static tb_identity identity_of(const fixture *made)
{
    tb_decoder *decoder = NULL;
    const tb_audio_sink sink = {0};
    const tb_audio_options options = {0};
    tb_audio_result result;
    assert_ok(tb_decoder_open_memory(made->bytes, made->size, NULL, &decoder, &err));
    assert_ok(tb_audio_stream_run(decoder, &options, &sink, &result, &err));
    assert_true(result.has_identity);
    tb_decoder_close(decoder);
    return result.identity;
}

static bool same(const tb_identity *a, const tb_identity *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

static void bytes_have_the_digest_of_b2sum(void **state)
{
    (void)state;
    tb_identity identity;
    tb_identity_of_memory("abc", 3, &identity);
    assert_hex(&identity, "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
    tb_identity_of_memory("", 0, &identity);
    assert_hex(&identity, "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
}

static void file_memory_and_source_have_one_digest(void **state)
{
    (void)state;
    fixture made = fixture_make(SF_FORMAT_WAV | SF_FORMAT_PCM_16, 44100, 2, 200000);
    char *path = fixture_write(&made, tb_test_folder(), "a.wav");
    tb_identity by_path, by_memory;
    assert_ok(tb_identity_file(path, &by_path, &err));
    tb_identity_of_memory(made.bytes, made.size, &by_memory);
    assert_true(same(&by_path, &by_memory));
    assert_status(tb_identity_file("/nowhere/at/all", &by_path, &err), TB_NOT_FOUND);
    assert_status(tb_identity_file(tb_test_folder(), &by_path, &err), TB_UNSUPPORTED);
    free(path);
    fixture_free(&made);
}

/* The layout in the header, byte by byte. */
static void samples_are_hashed_as_documented(void **state)
{
    (void)state;
    static const float samples[] = {0.0f,         0.5f,         -0.5f,        1.0f,
                                    -1.0f,        2.0f,         -2.0f,        1.0f / 32768,
                                    1.4f / 32768, 1.5f / 32768, 2.5f / 32768, -1.0f / 32768};
    static const int16_t rounded[] = {0, 16384, -16384, 32767, -32768, 32767, -32768, 1, 1, 2, 2, -1};
    uint8_t bytes[24 + sizeof rounded] = "timbre audio 1";
    bytes[16] = 0x44; /* 44100 = 0xac44 */
    bytes[17] = 0xac;
    bytes[20] = 2;
    for (size_t i = 0; i < sizeof rounded / sizeof *rounded; i++) {
        bytes[24 + 2 * i] = (uint8_t)((uint16_t)rounded[i] & 0xff);
        bytes[25 + 2 * i] = (uint8_t)((uint16_t)rounded[i] >> 8);
    }
    tb_identity expected, got;
    tb_identity_state *running = NULL;
    tb_identity_of_memory(bytes, sizeof bytes, &expected);
    assert_ok(tb_identity_new(44100, 2, &running, &err));
    tb_identity_add(running, samples, 5);
    tb_identity_add(running, samples, 0);
    tb_identity_add(running, samples + 5, 7);
    tb_identity_finish(running, &got);
    tb_identity_free(running);
    assert_true(same(&expected, &got));
}

static void tags_do_not_change_the_identity(void **state)
{
    (void)state;
    static const fixture_tag one[] = {{SF_STR_TITLE, "One"}, {SF_STR_ARTIST, "Somebody"}, {0, NULL}};
    static const fixture_tag two[] = {
        {SF_STR_TITLE, "Another title, longer"}, {SF_STR_COMMENT, "…"}, {0, NULL}};
    static const int formats[] = {SF_FORMAT_WAV | SF_FORMAT_PCM_16, SF_FORMAT_FLAC | SF_FORMAT_PCM_16,
                                  SF_FORMAT_AIFF | SF_FORMAT_PCM_16, SF_FORMAT_OGG | SF_FORMAT_VORBIS,
                                  SF_FORMAT_OGG | SF_FORMAT_OPUS, SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III};
    float *signal = fixture_signal(48000, 2, 50000);
    for (size_t f = 0; f < sizeof formats / sizeof *formats; f++) {
        fixture a = fixture_encode(formats[f], 48000, 2, signal, 50000, one);
        fixture b = fixture_encode(formats[f], 48000, 2, signal, 50000, two);
        if (!a.bytes) continue;
        const tb_identity of_a = identity_of(&a), of_b = identity_of(&b);
        assert_true(a.size != b.size || memcmp(a.bytes, b.bytes, a.size) != 0);
        if (!same(&of_a, &of_b)) fail_msg("format %x: tags changed the identity", (unsigned)formats[f]);
        fixture_free(&a);
        fixture_free(&b);
    }
    free(signal);
}

static void the_same_samples_in_any_container_are_the_same(void **state)
{
    (void)state;
    static const int formats[] = {SF_FORMAT_WAV | SF_FORMAT_PCM_16, SF_FORMAT_FLAC | SF_FORMAT_PCM_16,
                                  SF_FORMAT_AIFF | SF_FORMAT_PCM_16, SF_FORMAT_WAV | SF_FORMAT_PCM_24,
                                  SF_FORMAT_FLAC | SF_FORMAT_PCM_24, SF_FORMAT_WAV | SF_FORMAT_FLOAT,
                                  SF_FORMAT_CAF | SF_FORMAT_PCM_16,  SF_FORMAT_AU | SF_FORMAT_PCM_16};
    tb_identity first = {{0}};
    for (size_t f = 0; f < sizeof formats / sizeof *formats; f++) {
        fixture made = fixture_make(formats[f], 44100, 2, 30000);
        const tb_identity identity = identity_of(&made);
        if (f == 0) first = identity;
        if (!same(&first, &identity)) fail_msg("format %x has another identity", (unsigned)formats[f]);
        fixture_free(&made);
    }
}

static void other_audio_has_another_identity(void **state)
{
    (void)state;
    static const struct {
        int rate_hz, n_channels;
        size_t n_frames;
    } rows[] = {
        {44100, 2, 30000}, {44100, 2, 30001}, {44100, 1, 30000}, {44100, 1, 60000}, {48000, 2, 30000}};
    tb_identity seen[5];
    for (size_t i = 0; i < 5; i++) {
        fixture made = fixture_make(SF_FORMAT_WAV | SF_FORMAT_PCM_16, rows[i].rate_hz, rows[i].n_channels,
                                    rows[i].n_frames);
        seen[i] = identity_of(&made);
        for (size_t k = 0; k < i; k++) assert_false(same(&seen[i], &seen[k]));
        fixture_free(&made);
    }
    /* the same bytes of silence at another rate or cut into other channels are told apart by the head */
    float silence[200] = {0};
    fixture a = fixture_encode(SF_FORMAT_WAV | SF_FORMAT_PCM_16, 44100, 1, silence, 200, NULL);
    fixture b = fixture_encode(SF_FORMAT_WAV | SF_FORMAT_PCM_16, 44100, 2, silence, 100, NULL);
    const tb_identity of_a = identity_of(&a), of_b = identity_of(&b);
    assert_false(same(&of_a, &of_b));
    fixture_free(&a);
    fixture_free(&b);
}

static void each_failing_allocation_is_reported(void **state)
{
    (void)state;
    tb_identity_state *running = NULL;
    tb_identity identity;
    tb_audio_io io;
    tb_audio_io_init_memory(&io, "abc", 3);
    tb_alloc_fail_after(1);
    assert_status(tb_identity_new(44100, 2, &running, &err), TB_NO_MEMORY);
    assert_status(tb_identity_of_io(&io, &identity, &err), TB_NO_MEMORY);
    tb_alloc_fail_after(0);
    assert_null(running);
    tb_identity_free(NULL);
}

TB_TESTS(identity, cmocka_unit_test(bytes_have_the_digest_of_b2sum),
         cmocka_unit_test(file_memory_and_source_have_one_digest),
         cmocka_unit_test(samples_are_hashed_as_documented),
         cmocka_unit_test(tags_do_not_change_the_identity),
         cmocka_unit_test(the_same_samples_in_any_container_are_the_same),
         cmocka_unit_test(other_audio_has_another_identity),
         cmocka_unit_test(each_failing_allocation_is_reported))
