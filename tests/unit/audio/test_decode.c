// SPDX-License-Identifier: MIT
/* Decoding: every format, every bad input. */
#include "audio/decode.h"
#include "base/alloc.h"
#include "base/rng.h"
#include "support/testing.h"
#include "unit/audio/audio_fixtures.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static tb_error err;

/* --- helpers --- */

typedef struct decoded {
    tb_decoder_info info;
    float *samples; /* free */
    size_t n_frames;
} decoded;

enum { MAX_FRAMES = 4 * 1000 * 1000 };

/* Reads to the end, in blocks of changing size. */
static tb_status read_all(tb_decoder *decoder, decoded *out)
{
    static const size_t blocks[] = {1000, 1, 255, 256, 257, 4096, 77};
    const size_t n_channels = (size_t)tb_decoder_get_info(decoder)->n_channels;
    tb_status status = TB_OK;
    size_t capacity = 0;
    *out = (decoded){0};
    for (size_t i = 0; out->n_frames < MAX_FRAMES; i++) {
        const size_t wanted = blocks[i % (sizeof blocks / sizeof *blocks)];
        size_t n = 0;
        if (out->n_frames + wanted > capacity) {
            capacity = 2 * capacity + 8192;
            out->samples = realloc(out->samples, capacity * n_channels * sizeof(float));
            assert_non_null(out->samples);
        }
        status = tb_decoder_read(decoder, out->samples + out->n_frames * n_channels, wanted, &n, &err);
        if (status != TB_OK || n == 0) break;
        assert_true(n <= wanted);
        out->n_frames += n;
    }
    out->info = *tb_decoder_get_info(decoder);
    for (size_t i = 0; i < out->n_frames * n_channels; i++)
        if (!(fabsf(out->samples[i]) <= TB_DECODER_MAX_SAMPLE))
            fail_msg("sample %zu is %g", i, (double)out->samples[i]);
    return status;
}

static tb_status decode_memory(const void *bytes, size_t size, decoded *out)
{
    tb_decoder *decoder = NULL;
    *out = (decoded){0};
    tb_status status = tb_decoder_open_memory(bytes, size, "the upload", &decoder, &err);
    if (status != TB_OK) {
        assert_int_equal(err.code, status);
        assert_true(strlen(err.message) > 10);
        return status;
    }
    status = read_all(decoder, out);
    tb_decoder_close(decoder);
    return status;
}

static void decode_well(const fixture *made, decoded *out)
{
    assert_ok(decode_memory(made->bytes, made->size, out));
}

/* Power at one frequency of one channel, relative to a full-scale tone. */
static double tone_level(const decoded *audio, int channel, double frequency)
{
    const int n_channels = audio->info.n_channels;
    const size_t from = audio->n_frames / 4, to = audio->n_frames * 3 / 4;
    double re = 0, im = 0;
    for (size_t i = from; i < to; i++) {
        const double phase = 2 * M_PI * frequency * (double)i / audio->info.rate_hz;
        const double value = (double)audio->samples[i * (size_t)n_channels + (size_t)channel];
        re += value * cos(phase);
        im += value * sin(phase);
    }
    return 2 * sqrt(re * re + im * im) / (double)(to - from);
}

/* --- formats --- */

static void each_format_gives_the_signal_back(void **state)
{
    (void)state;
    for (size_t k = 0; k < n_fixture_kinds; k++) {
        const fixture_kind *kind = &fixture_kinds[k];
        const size_t n_frames = (size_t)kind->rate_hz;
        fixture made = fixture_of_kind(kind, n_frames);
        if (!made.bytes) {
            print_message("# %s cannot be had here\n", kind->name);
            continue;
        }
        decoded audio;
        decode_well(&made, &audio);
        assert_string_equal(audio.info.format, kind->name);
        assert_int_equal(audio.info.rate_hz, kind->rate_hz);
        assert_int_equal(audio.info.n_channels, kind->n_channels);
        assert_int_equal(audio.info.n_bad_samples, 0);
        if (audio.info.truncated) fail_msg("%s: a whole file is called truncated", kind->name);
        assert_near(audio.n_frames, n_frames, kind->lossless ? 0 : 3000);
        for (int c = 0; c < kind->n_channels; c++) {
            const double level = tone_level(&audio, c, 440.0 + 110.0 * c);
            if (fabs(level - (kind->format ? 0.4 : 0.5)) > 0.06)
                fail_msg("%s: tone of %g", kind->name, level);
        }
        if (kind->lossless) {
            float *signal = fixture_signal(kind->rate_hz, kind->n_channels, n_frames);
            assert_memory_equal(audio.samples, signal, n_frames * (size_t)kind->n_channels * sizeof(float));
            free(signal);
        }
        free(audio.samples);
        fixture_free(&made);
    }
}

static void each_sample_format_of_wav_is_read(void **state)
{
    (void)state;
    static const struct {
        int format;
        const char *name;
        double tolerance;
    } rows[] = {
        {SF_FORMAT_PCM_U8, "WAV 8 bit", 0.01},      {SF_FORMAT_PCM_16, "WAV 16 bit", 1e-9},
        {SF_FORMAT_PCM_24, "WAV 24 bit", 1e-6},     {SF_FORMAT_PCM_32, "WAV 32 bit", 1e-6},
        {SF_FORMAT_FLOAT, "WAV 32 bit float", 0},   {SF_FORMAT_DOUBLE, "WAV 64 bit float", 0},
        {SF_FORMAT_ULAW, "WAV u-law", 0.03},        {SF_FORMAT_ALAW, "WAV A-law", 0.03},
        {SF_FORMAT_IMA_ADPCM, "WAV IMA ADPCM", 0.2}, {SF_FORMAT_MS_ADPCM, "WAV Microsoft ADPCM", 0.2},
    };
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        const size_t n_frames = 10000;
        fixture made = fixture_make(SF_FORMAT_WAV | rows[r].format, 22050, 1, n_frames);
        float *signal = fixture_signal(22050, 1, n_frames);
        decoded audio;
        assert_non_null(made.bytes);
        decode_well(&made, &audio);
        assert_string_equal(audio.info.format, rows[r].name);
        assert_true(audio.n_frames >= n_frames);
        for (size_t i = 300; i < n_frames; i++) /* ADPCM needs a moment to find its step */
            assert_near(audio.samples[i], signal[i], rows[r].tolerance);
        free(audio.samples);
        free(signal);
        fixture_free(&made);
    }
}

static void rates_from_1_to_768_khz_are_read(void **state)
{
    (void)state;
    static const int rates[] = {1000,  8000,  11025, 16000,  22050,  32000,  44100,
                                48000, 88200, 96000, 176400, 192000, 384000, 768000};
    for (size_t r = 0; r < sizeof rates / sizeof *rates; r++) {
        fixture made = fixture_make(SF_FORMAT_WAV | SF_FORMAT_PCM_16, rates[r], 2, 1000);
        decoded audio;
        decode_well(&made, &audio);
        assert_int_equal(audio.info.rate_hz, rates[r]);
        assert_int_equal(audio.n_frames, 1000);
        free(audio.samples);
        fixture_free(&made);
    }
}

static void other_rates_are_refused_with_their_number(void **state)
{
    (void)state;
    static const int rates[] = {1, 999, 768001, 2000000000};
    for (size_t r = 0; r < sizeof rates / sizeof *rates; r++) {
        fixture made = fixture_make(SF_FORMAT_WAV | SF_FORMAT_PCM_16, rates[r], 1, 100);
        decoded audio;
        char number[20];
        snprintf(number, sizeof number, "%d Hz", rates[r]);
        assert_status(decode_memory(made.bytes, made.size, &audio), TB_CORRUPT);
        assert_non_null(strstr(err.message, number));
        fixture_free(&made);
    }
}

static void one_to_sixty_four_channels_are_read(void **state)
{
    (void)state;
    static const int counts[] = {1, 2, 3, 4, 5, 6, 7, 8, 16, 64};
    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
        static const int formats[] = {SF_FORMAT_WAV | SF_FORMAT_PCM_16, SF_FORMAT_FLAC | SF_FORMAT_PCM_16,
                                      SF_FORMAT_OGG | SF_FORMAT_VORBIS};
        for (size_t f = 0; f < 3; f++) {
            if (f > 0 && counts[k] > 8) continue;
            fixture made = fixture_make(formats[f], 44100, counts[k], 20000);
            decoded audio;
            decode_well(&made, &audio);
            assert_int_equal(audio.info.n_channels, counts[k]);
            assert_int_equal(audio.n_frames, 20000);
            if (f < 2)
                assert_near(tone_level(&audio, counts[k] - 1, 440.0 + 110.0 * (counts[k] - 1)), 0.4, 0.01);
            free(audio.samples);
            fixture_free(&made);
        }
    }
}

static void more_channels_are_refused(void **state)
{
    (void)state;
    static const int counts[] = {65, 255, 1000};
    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
        fixture made = fixture_make(SF_FORMAT_WAV | SF_FORMAT_PCM_16, 44100, counts[k], 100);
        decoded audio;
        assert_status(decode_memory(made.bytes, made.size, &audio), TB_CORRUPT);
        assert_non_null(strstr(err.message, "channels"));
        fixture_free(&made);
    }
}

static void path_memory_and_reader_give_the_same(void **state)
{
    (void)state;
    const char *folder = tb_test_folder();
    for (size_t k = 0; k < n_fixture_kinds; k++) {
        fixture made = fixture_of_kind(&fixture_kinds[k], 30000);
        if (!made.bytes) continue;
        decoded by_memory, by_path;
        tb_decoder *decoder = NULL;
        decode_well(&made, &by_memory);
        /* a wrong extension makes no difference: content decides */
        char *path = fixture_write(&made, folder, "wrong.txt");
        assert_ok(tb_decoder_open_path(path, &decoder, &err));
        assert_ok(read_all(decoder, &by_path));
        tb_decoder_close(decoder);
        assert_int_equal(by_path.n_frames, by_memory.n_frames);
        assert_memory_equal(by_path.samples, by_memory.samples,
                            by_path.n_frames * (size_t)by_path.info.n_channels * sizeof(float));
        free(by_path.samples);
        free(by_memory.samples);
        free(path);
        fixture_free(&made);
    }
}

static void seeking_lands_on_the_frame(void **state)
{
    (void)state;
    for (size_t k = 0; k < n_fixture_kinds; k++) {
        const fixture_kind *kind = &fixture_kinds[k];
        fixture made = fixture_of_kind(kind, (size_t)kind->rate_hz * 3);
        if (!made.bytes) continue;
        decoded whole;
        tb_decoder *decoder = NULL;
        static const double positions[] = {0.5, 0.25, 0.9, 0.0};
        decode_well(&made, &whole);
        assert_ok(tb_decoder_open_memory(made.bytes, made.size, NULL, &decoder, &err));
        const size_t n = (size_t)kind->n_channels;
        for (size_t p = 0; p < sizeof positions / sizeof *positions; p++) {
            float block[2 * 64];
            size_t got = 0;
            assert_ok(tb_decoder_seek(decoder, positions[p], &err));
            assert_ok(tb_decoder_read(decoder, block, 64, &got, &err));
            assert_true(got > 0);
            const size_t at = (size_t)(positions[p] * kind->rate_hz + 0.5);
            if (strcmp(kind->suffix, "tone.wma") == 0) continue; /* its times are milliseconds */
            const double tolerance = kind->lossless ? 0.0 : 1e-4;
            for (size_t i = 0; i < got * n; i++)
                if (fabs((double)block[i] - (double)whole.samples[at * n + i]) > tolerance)
                    fail_msg("%s at %g s: sample %zu is %g, not %g", kind->name, positions[p], i,
                             (double)block[i], (double)whole.samples[at * n + i]);
        }
        tb_decoder_close(decoder);
        free(whole.samples);
        fixture_free(&made);
    }
}

static void seeking_past_the_end_is_the_end(void **state)
{
    (void)state;
    for (size_t k = 0; k < n_fixture_kinds; k++) {
        fixture made = fixture_of_kind(&fixture_kinds[k], 44100);
        if (!made.bytes) continue;
        tb_decoder *decoder = NULL;
        float block[2 * 64];
        size_t n = 1;
        assert_ok(tb_decoder_open_memory(made.bytes, made.size, NULL, &decoder, &err));
        const tb_status status = tb_decoder_seek(decoder, 1e6, &err);
        if (status == TB_OK) {
            assert_ok(tb_decoder_read(decoder, block, 64, &n, &err));
            if (n != 0) fail_msg("%s: %zu frames behind the end", fixture_kinds[k].name, n);
            assert_false(tb_decoder_get_info(decoder)->truncated);
        } else {
            assert_int_equal(status, TB_UNSUPPORTED);
        }
        assert_status(tb_decoder_seek(decoder, -1.0, &err), TB_INVALID);
        assert_status(tb_decoder_seek(decoder, (double)NAN, &err), TB_INVALID);
        assert_status(tb_decoder_seek(decoder, (double)INFINITY, &err), TB_INVALID);
        assert_ok(tb_decoder_seek(decoder, 0.1, &err));
        assert_ok(tb_decoder_read(decoder, block, 64, &n, &err));
        assert_true(n > 0);
        tb_decoder_close(decoder);
        fixture_free(&made);
    }
}

/* --- bad input --- */

static void what_is_not_audio_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
        const char *sentence;
    } rows[] = {
#define ROW(text, sentence) {text, sizeof text - 1, sentence}
        ROW("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "is a PNG picture, not audio"),
        ROW("\xff\xd8\xff\xe0\0\x10JFIF", "is a JPEG picture, not audio"),
        ROW("%PDF-1.7 something", "is a PDF document, not audio"),
        ROW("PK\x03\x04 zip", "is a ZIP archive"),
        ROW("\x1f\x8b\x08 gzip", "gzip"),
        ROW("<!DOCTYPE html><html><body>404</body></html>", "is an HTML or XML page, not audio"),
        ROW("{\"error\": \"not found\"}", "is JSON text, not audio"),
        ROW("Dear server, this is a letter.", "is text, not audio"),
        ROW("Gr\xc3\xbc\xc3\x9f", "is text, not audio"),
        ROW("#EXTM3U\nfile:///etc/passwd\n", "is a playlist"),
        ROW("MThd\0\0\0\6\0\1\0\1\0\x60", "is a MIDI file"),
        ROW("Extended Module: song", "tracker module"),
        ROW("RIFF\x10\0\0\0AVI LIST", "is an AVI video"),
        ROW("RIFF\x10\0\0\0WEBPVP8 ", "is a WebP picture"),
        ROW("\0\0\0\x1c""ftypavif\0\0\0\0", "is an AVIF picture"),
        ROW("SQLite format 3\0", "is an SQLite database"),
        ROW("\x7f""ELF\2\1\1", "is a program"),
        ROW("ID3\3\0\0\0\0\0\5abcde", "is an ID3 tag without audio"),
        ROW("\0\1\2\3\4\5\6\7", "is not audio of a known kind"),
        ROW("\0", "is not audio of a known kind"),
        ROW("ffconcat version 1.0\nfile /etc/passwd\n", "is text, not audio"),
#undef ROW
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        decoded audio;
        assert_status(decode_memory(rows[i].bytes, rows[i].size, &audio), TB_UNSUPPORTED);
        if (!strstr(err.message, rows[i].sentence))
            fail_msg("\"%s\" lacks \"%s\"", err.message, rows[i].sentence);
        assert_non_null(strstr(err.message, "the upload"));
    }
}

static void an_empty_file_says_so(void **state)
{
    (void)state;
    decoded audio;
    assert_status(decode_memory("", 0, &audio), TB_CORRUPT);
    assert_non_null(strstr(err.message, "empty"));
}

static void without_ffmpeg_the_sentence_names_the_format(void **state)
{
    (void)state;
    if (fixture_have_ffmpeg()) skip();
    fixture made = fixture_load("tone.m4a");
    decoded audio;
    assert_status(decode_memory(made.bytes, made.size, &audio), TB_UNSUPPORTED);
    assert_non_null(strstr(err.message, "M4A"));
    assert_non_null(strstr(err.message, "--with-ffmpeg"));
    fixture_free(&made);
}

static void audio_of_no_length_is_refused(void **state)
{
    (void)state;
    for (size_t k = 0; k < n_fixture_kinds && fixture_kinds[k].format; k++) {
        fixture made = fixture_make(fixture_kinds[k].format, fixture_kinds[k].rate_hz, 2, 0);
        decoded audio;
        if (made.size == 0) {
            fixture_free(&made);
            continue;
        }
        const tb_status status = decode_memory(made.bytes, made.size, &audio);
        /* MP3 has no frame at all then, or one of silence */
        if (status == TB_OK) assert_true(audio.n_frames > 0);
        else if (status != TB_CORRUPT && status != TB_UNSUPPORTED)
            fail_msg("%s: %s %s", fixture_kinds[k].name, tb_status_name(status), err.message);
        if (fixture_kinds[k].lossless) assert_int_equal(status, TB_CORRUPT);
        free(audio.samples);
        fixture_free(&made);
    }
}

static void one_sample_is_audio(void **state)
{
    (void)state;
    for (size_t k = 0; k < n_fixture_kinds && fixture_kinds[k].format; k++) {
        fixture made = fixture_make(fixture_kinds[k].format, fixture_kinds[k].rate_hz, 1, 1);
        if (!made.bytes) continue;
        decoded audio;
        decode_well(&made, &audio);
        assert_true(audio.n_frames >= 1);
        if (fixture_kinds[k].lossless) assert_int_equal(audio.n_frames, 1);
        free(audio.samples);
        fixture_free(&made);
    }
}

static void nan_and_infinity_become_0_and_are_counted(void **state)
{
    (void)state;
    static const int formats[] = {SF_FORMAT_WAV | SF_FORMAT_FLOAT, SF_FORMAT_WAV | SF_FORMAT_DOUBLE,
                                  SF_FORMAT_AIFF | SF_FORMAT_FLOAT};
    for (size_t f = 0; f < 3; f++) {
        float samples[2000];
        for (size_t i = 0; i < 2000; i++) samples[i] = 0.25f;
        samples[0] = NAN;
        samples[500] = INFINITY;
        samples[501] = -INFINITY;
        samples[1999] = 1e30f;
        fixture made = fixture_encode(formats[f], 44100, 2, samples, 1000, NULL);
        decoded audio;
        decode_well(&made, &audio);
        assert_int_equal(audio.n_frames, 1000);
        assert_int_equal(audio.info.n_bad_samples, 4);
        assert_near(audio.samples[0], 0, 0);
        assert_near(audio.samples[500], 0, 0);
        assert_near(audio.samples[1], 0.25, 0);
        assert_near(audio.samples[1999], 0, 0);
        free(audio.samples);
        fixture_free(&made);
    }
}

static void floats_beyond_full_scale_are_kept(void **state)
{
    (void)state;
    const float samples[] = {1.5f, -3.0f, 32767.0f};
    fixture made = fixture_encode(SF_FORMAT_WAV | SF_FORMAT_FLOAT, 44100, 1, samples, 3, NULL);
    decoded audio;
    decode_well(&made, &audio);
    assert_memory_equal(audio.samples, samples, sizeof samples);
    free(audio.samples);
    fixture_free(&made);
}

static void truncated_files_give_what_is_there(void **state)
{
    (void)state;
    tb_rng rng;
    tb_rng_init(&rng, 2);
    for (size_t k = 0; k < n_fixture_kinds; k++) {
        const fixture_kind *kind = &fixture_kinds[k];
        fixture made = fixture_of_kind(kind, 300000); /* an Ogg page holds up to a second */
        if (!made.bytes) continue;
        size_t n_decoded = 0;
        for (int n = 0; n < 40; n++) {
            const size_t size = n < 10 ? (size_t)n * 7 : (size_t)tb_rng_below(&rng, made.size);
            fixture cut = fixture_copy(&made, size);
            decoded audio;
            const tb_status status = decode_memory(cut.bytes, cut.size, &audio);
            if (status == TB_OK) {
                n_decoded++;
                assert_true(audio.n_frames > 0);
                const bool must_tell = kind->lossless || strcmp(kind->suffix, "ogg") == 0 ||
                                       strcmp(kind->suffix, "opus") == 0 || strcmp(kind->suffix, "mp3") == 0;
                const bool has_size = strcmp(kind->suffix, "w64") != 0 && strcmp(kind->suffix, "au") != 0 &&
                                      strcmp(kind->suffix, "caf") != 0;
                if (must_tell && has_size && !audio.info.truncated)
                    fail_msg("%s cut at %zu of %zu is not called truncated", kind->name, size, made.size);
            } else if (status != TB_CORRUPT && status != TB_UNSUPPORTED) {
                fail_msg("%s cut at %zu: %s: %s", kind->name, size, tb_status_name(status), err.message);
            }
            free(audio.samples);
            fixture_free(&cut);
        }
        const bool readable = kind->format && (fixture_have_ffmpeg() || strcmp(kind->suffix, "caf") != 0);
        if (readable && n_decoded < 10)
            fail_msg("%s: only %zu cut files were decoded", kind->name, n_decoded);
        fixture_free(&made);
    }
}

static void put_le(uint8_t *at, uint64_t value, int n)
{
    for (int i = 0; i < n; i++) at[i] = (uint8_t)(value >> (8 * i));
}

static void wav_headers_that_lie_do_no_harm(void **state)
{
    (void)state;
    static const struct {
        size_t offset;
        uint32_t value;
        int size;
    } lies[] = {
        {40, 0xffffffff, 4}, {40, 0x7fffffff, 4}, {40, 0, 4},          {40, 1, 4},  {4, 0, 4},
        {4, 0xffffffff, 4},  {22, 0, 2},          {22, 65535, 2},      {22, 64, 2}, {24, 0, 4},
        {24, 0xffffffff, 4}, {32, 0, 2},          {32, 65535, 2},      {34, 0, 2},  {34, 65535, 2},
        {34, 7, 2},          {16, 0, 4},          {16, 0xffffffff, 4}, {20, 0, 2},  {20, 0xffff, 2},
        {20, 85, 2},
    };
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        fixture made = fixture_make(SF_FORMAT_WAV | SF_FORMAT_PCM_16, 44100, 2, 5000);
        put_le(made.bytes + lies[i].offset, lies[i].value, lies[i].size);
        decoded audio;
        const tb_status status = decode_memory(made.bytes, made.size, &audio);
        if (status == TB_OK) assert_true(audio.n_frames > 0 && audio.n_frames <= 100000);
        else if (status != TB_CORRUPT && status != TB_UNSUPPORTED)
            fail_msg("lie %zu: %s: %s", i, tb_status_name(status), err.message);
        free(audio.samples);
        fixture_free(&made);
    }
}

static void a_flac_header_that_promises_more_is_truncated(void **state)
{
    (void)state;
    fixture made = fixture_make(SF_FORMAT_FLAC | SF_FORMAT_PCM_16, 44100, 2, 5000);
    made.bytes[8 + 13] |= 0x0f; /* the total of STREAMINFO: 36 bits */
    decoded audio;
    decode_well(&made, &audio);
    assert_int_equal(audio.n_frames, 5000);
    assert_true(audio.info.truncated);
    free(audio.samples);
    fixture_free(&made);
}

/* Two hundred damaged files of each format: any answer is fine but a crash, an endless loop, a number that
 * is none, or a word on stderr. */
static void random_damage_does_no_harm(void **state)
{
    (void)state;
    fixture_capture capture;
    tb_rng rng;
    size_t n_decoded = 0;
    tb_rng_init(&rng, 3);
    fixture_capture_begin(&capture);
    for (size_t k = 0; k < n_fixture_kinds; k++) {
        fixture made = fixture_of_kind(&fixture_kinds[k], 12000);
        if (!made.bytes) continue;
        for (int n = 0; n < 200; n++) {
            fixture damaged = fixture_copy(&made, made.size);
            const uint64_t n_hits = 1 + tb_rng_below(&rng, 20);
            const uint64_t reach =
                n % 2 == 0 && made.size > 300 ? 300 : made.size; /* half of them in the header */
            for (uint64_t h = 0; h < n_hits; h++) {
                const size_t at = (size_t)tb_rng_below(&rng, reach);
                if (tb_rng_below(&rng, 2)) damaged.bytes[at] ^= (uint8_t)(1u << tb_rng_below(&rng, 8));
                else damaged.bytes[at] = (uint8_t)tb_rng_next(&rng);
            }
            decoded audio;
            if (decode_memory(damaged.bytes, damaged.size, &audio) == TB_OK) n_decoded++;
            free(audio.samples);
            tb_decoder *decoder = NULL;
            if (tb_decoder_open_memory(damaged.bytes, damaged.size, NULL, &decoder, NULL) == TB_OK) {
                float block[64 * TB_DECODER_MAX_CHANNELS];
                size_t got;
                const double to = tb_rng_uniform(&rng) * 2;
                if (tb_decoder_seek(decoder, to, NULL) == TB_OK)
                    (void)!tb_decoder_read(decoder, block, 64, &got, NULL);
                tb_decoder_close(decoder);
            }
            fixture_free(&damaged);
        }
        fixture_free(&made);
    }
    const int64_t n_printed = fixture_capture_end(&capture);
    assert_true(n_decoded > 100);
#ifdef HAVE_MPG123
    assert_int_equal(n_printed, 0);
#else
    (void)n_printed; /* libsndfile lets libmpg123 print */
#endif
}

static void mp3_behind_garbage_and_tags_is_found(void **state)
{
    (void)state;
    fixture mp3 = fixture_make(SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III, 44100, 2, 44100);
    if (!mp3.bytes) skip();
    static const size_t sizes[] = {1, 100, 3000, 30000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        fixture longer = {malloc(sizes[i] + mp3.size), sizes[i] + mp3.size};
        memset(longer.bytes, 0x55, sizes[i]);
        if (i == 3) { /* as an ID3v2 tag */
            memcpy(longer.bytes, "ID3\3\0\0", 6);
            const size_t body = sizes[i] - 10;
            for (int b = 0; b < 4; b++) longer.bytes[6 + b] = (uint8_t)(body >> (7 * (3 - b)) & 0x7f);
        }
        memcpy(longer.bytes + sizes[i], mp3.bytes, mp3.size);
        decoded audio;
        decode_well(&longer, &audio);
        assert_string_equal(audio.info.format, "MP3");
        assert_near(tone_level(&audio, 0, 440.0), 0.4, 0.03);
        free(audio.samples);
        fixture_free(&longer);
    }
    fixture_free(&mp3);
}

/* --- sources --- */

static void what_is_no_regular_file_is_refused_at_once(void **state)
{
    (void)state;
    const char *folder = tb_test_folder();
    tb_decoder *decoder = NULL;
    char path[300];
    assert_status(tb_decoder_open_path(folder, &decoder, &err), TB_UNSUPPORTED);
    assert_non_null(strstr(err.message, "directory"));
    snprintf(path, sizeof path, "%s/fifo", folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_status(tb_decoder_open_path(path, &decoder, &err), TB_UNSUPPORTED);
    assert_non_null(strstr(err.message, "FIFO"));
    assert_status(tb_decoder_open_path("/dev/zero", &decoder, &err), TB_UNSUPPORTED);
    assert_non_null(strstr(err.message, "device"));
    snprintf(path, sizeof path, "%s/missing.wav", folder);
    assert_status(tb_decoder_open_path(path, &decoder, &err), TB_NOT_FOUND);
    assert_non_null(strstr(err.message, "missing.wav"));
    assert_null(decoder);
}

static void names_need_not_be_utf8(void **state)
{
    (void)state;
    const char *folder = tb_test_folder();
    fixture made = fixture_make(SF_FORMAT_WAV | SF_FORMAT_PCM_16, 44100, 1, 100);
    char *path = fixture_write(&made, folder, "caf\xe9 \xff\xfe.wav");
    tb_decoder *decoder = NULL;
    assert_ok(tb_decoder_open_path(path, &decoder, &err));
    tb_decoder_close(decoder);
    free(path);
    fixture text = {(uint8_t *)strdup("hello"), 5};
    path = fixture_write(&text, folder, "caf\xe9.wav");
    assert_status(tb_decoder_open_path(path, &decoder, &err), TB_UNSUPPORTED);
    assert_non_null(strstr(err.message, "caf\xef\xbf\xbd.wav"));
    free(path);
    fixture_free(&text);
    fixture_free(&made);
}

typedef struct failing_source {
    const fixture *made;
    int64_t fails_from; /* -1: never */
    size_t at_most;     /* bytes of one read */
} failing_source;

static int64_t read_failing(const tb_audio_io *io, int64_t position, void *bytes, size_t size)
{
    const failing_source *source = io->context;
    if (source->fails_from >= 0 && position + (int64_t)size > source->fails_from) {
        errno = EIO;
        return -1;
    }
    if (position >= (int64_t)source->made->size) return 0;
    size_t n = source->made->size - (size_t)position;
    if (n > size) n = size;
    if (n > source->at_most) n = source->at_most;
    memcpy(bytes, source->made->bytes + position, n);
    return (int64_t)n;
}

static void short_reads_of_the_source_do_not_matter(void **state)
{
    (void)state;
    fixture made = fixture_make(SF_FORMAT_OGG | SF_FORMAT_VORBIS, 44100, 2, 20000);
    failing_source source = {&made, -1, 13};
    const tb_audio_io io = {&source, (int64_t)made.size, read_failing};
    tb_decoder *decoder = NULL;
    decoded slow, fast;
    decode_well(&made, &fast);
    assert_ok(tb_decoder_open_io(&io, "slow", &decoder, &err));
    assert_ok(read_all(decoder, &slow));
    tb_decoder_close(decoder);
    assert_int_equal(slow.n_frames, fast.n_frames);
    assert_memory_equal(slow.samples, fast.samples, slow.n_frames * 2 * sizeof(float));
    free(slow.samples);
    free(fast.samples);
    fixture_free(&made);
}

static void a_source_that_fails_is_an_io_error(void **state)
{
    (void)state;
    for (size_t k = 0; k < n_fixture_kinds; k++) {
        fixture made = fixture_of_kind(&fixture_kinds[k], 400000);
        if (!made.bytes) continue;
        for (int i = 0; i < 4; i++) {
            failing_source source = {&made, (int64_t)made.size * i / 4, SIZE_MAX};
            const tb_audio_io io = {&source, (int64_t)made.size, read_failing};
            tb_decoder *decoder = NULL;
            decoded audio = {0};
            tb_status status = tb_decoder_open_io(&io, "disk.wav", &decoder, &err);
            if (status == TB_OK) status = read_all(decoder, &audio);
            if (status != TB_IO) fail_msg("%s, %d: %s", fixture_kinds[k].name, i, tb_status_name(status));
            assert_non_null(strstr(err.message, "disk.wav"));
            tb_decoder_close(decoder);
            free(audio.samples);
        }
        fixture_free(&made);
    }
}

static void a_source_shorter_than_its_size_is_truncated(void **state)
{
    (void)state;
    fixture made = fixture_make(SF_FORMAT_WAV | SF_FORMAT_PCM_16, 44100, 2, 100000);
    fixture cut = fixture_copy(&made, made.size / 2);
    failing_source source = {&cut, -1, SIZE_MAX};
    const tb_audio_io io = {&source, (int64_t)made.size,
                            read_failing}; /* as a file that shrinks while it is read */
    tb_decoder *decoder = NULL;
    decoded audio;
    assert_ok(tb_decoder_open_io(&io, NULL, &decoder, &err));
    assert_ok(read_all(decoder, &audio));
    assert_true(audio.info.truncated);
    assert_near(audio.n_frames, 50000, 100);
    tb_decoder_close(decoder);
    free(audio.samples);
    fixture_free(&cut);
    fixture_free(&made);
}

static void each_failing_allocation_is_reported(void **state)
{
    (void)state;
    for (size_t k = 0; k < n_fixture_kinds; k++) {
        fixture made = fixture_of_kind(&fixture_kinds[k], 3000);
        if (!made.bytes) continue;
        tb_status status = TB_NO_MEMORY;
        size_t n;
        for (n = 1; n < 50 && status != TB_OK; n++) {
            tb_decoder *decoder = NULL;
            tb_alloc_fail_after(n);
            status = tb_decoder_open_memory(made.bytes, made.size, "x", &decoder, &err);
            tb_alloc_fail_after(0);
            if (status != TB_OK) {
                assert_int_equal(status, TB_NO_MEMORY);
                assert_null(decoder);
            }
            tb_decoder_close(decoder);
        }
        assert_true(n > 2 && status == TB_OK);
        fixture_free(&made);
    }
}

typedef struct thread_job {
    const fixture *files;
    pthread_t thread;
    size_t n_wrong;
} thread_job;

/* cmocka's asserts are for the main thread alone */
static void *decode_all_kinds(void *context)
{
    thread_job *job = context;
    for (size_t k = 0; k < n_fixture_kinds; k++) {
        if (!job->files[k].bytes) continue;
        tb_decoder *decoder = NULL;
        float block[2 * 500];
        size_t n = 1, total = 0;
        tb_error error = {0};
        if (tb_decoder_open_memory(job->files[k].bytes, job->files[k].size, "x", &decoder, &error) == TB_OK)
            while (n > 0 && tb_decoder_read(decoder, block, 500, &n, &error) == TB_OK) total += n;
        job->n_wrong += total < 6000;
        tb_decoder_close(decoder);
        job->n_wrong += tb_decoder_open_memory("OggS damaged", 12, "x", &decoder, &error) == TB_OK;
    }
    return NULL;
}

static void many_threads_decode_at_once(void **state)
{
    (void)state;
    fixture files[32] = {{0}};
    thread_job jobs[6] = {{0}};
    assert_true(n_fixture_kinds <= 32);
    for (size_t k = 0; k < n_fixture_kinds; k++) files[k] = fixture_of_kind(&fixture_kinds[k], 20000);
    for (size_t i = 0; i < 6; i++) {
        jobs[i].files = files;
        assert_int_equal(pthread_create(&jobs[i].thread, NULL, decode_all_kinds, &jobs[i]), 0);
    }
    for (size_t i = 0; i < 6; i++) {
        pthread_join(jobs[i].thread, NULL);
        assert_int_equal(jobs[i].n_wrong, 0);
    }
    for (size_t k = 0; k < n_fixture_kinds; k++) fixture_free(&files[k]);
}

static void closing_nothing_is_fine(void **state)
{
    (void)state;
    tb_decoder_close(NULL);
}

TB_TESTS(decode, cmocka_unit_test(each_format_gives_the_signal_back),
         cmocka_unit_test(each_sample_format_of_wav_is_read),
         cmocka_unit_test(rates_from_1_to_768_khz_are_read),
         cmocka_unit_test(other_rates_are_refused_with_their_number),
         cmocka_unit_test(one_to_sixty_four_channels_are_read), cmocka_unit_test(more_channels_are_refused),
         cmocka_unit_test(path_memory_and_reader_give_the_same), cmocka_unit_test(seeking_lands_on_the_frame),
         cmocka_unit_test(seeking_past_the_end_is_the_end), cmocka_unit_test(what_is_not_audio_is_named),
         cmocka_unit_test(an_empty_file_says_so),
         cmocka_unit_test(without_ffmpeg_the_sentence_names_the_format),
         cmocka_unit_test(audio_of_no_length_is_refused), cmocka_unit_test(one_sample_is_audio),
         cmocka_unit_test(nan_and_infinity_become_0_and_are_counted),
         cmocka_unit_test(floats_beyond_full_scale_are_kept),
         cmocka_unit_test(truncated_files_give_what_is_there),
         cmocka_unit_test(wav_headers_that_lie_do_no_harm),
         cmocka_unit_test(a_flac_header_that_promises_more_is_truncated),
         cmocka_unit_test(random_damage_does_no_harm), cmocka_unit_test(mp3_behind_garbage_and_tags_is_found),
         cmocka_unit_test(what_is_no_regular_file_is_refused_at_once),
         cmocka_unit_test(names_need_not_be_utf8), cmocka_unit_test(short_reads_of_the_source_do_not_matter),
         cmocka_unit_test(a_source_that_fails_is_an_io_error),
         cmocka_unit_test(a_source_shorter_than_its_size_is_truncated),
         cmocka_unit_test(each_failing_allocation_is_reported), cmocka_unit_test(many_threads_decode_at_once),
         cmocka_unit_test(closing_nothing_is_fine))
