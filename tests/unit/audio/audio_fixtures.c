// SPDX-License-Identifier: MIT
#include "unit/audio/audio_fixtures.h"

#include "base/rng.h"
#include "support/testing.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* libsndfile's writer loses memory when a Vorbis file is closed without a sample; that is not ours to test.
 */
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:vorbis_encode_setup_init\n";
}

const fixture_kind fixture_kinds[] = {
    {"WAV 16 bit", "wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, 44100, 2, true},
    {"AIFF 16 bit", "aiff", SF_FORMAT_AIFF | SF_FORMAT_PCM_16, 44100, 2, true},
    {"FLAC 16 bit", "flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16, 44100, 2, true},
    {"W64 16 bit", "w64", SF_FORMAT_W64 | SF_FORMAT_PCM_16, 44100, 1, true},
    {"AU 16 bit", "au", SF_FORMAT_AU | SF_FORMAT_PCM_16, 44100, 2, true},
    {"CAF 16 bit", "caf", SF_FORMAT_CAF | SF_FORMAT_PCM_16, 44100, 2, true},
    {"Ogg Vorbis", "ogg", SF_FORMAT_OGG | SF_FORMAT_VORBIS, 44100, 2, false},
    {"Ogg Opus", "opus", SF_FORMAT_OGG | SF_FORMAT_OPUS, 48000, 2, false},
    {"MP3", "mp3", SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III, 44100, 2, false},
    {"AAC in M4A", "tone.m4a", 0, 22050, 1, false},
    {"WMAV2 in WMA (ASF)", "tone.wma", 0, 22050, 1, false},
    {"FLAC in Matroska or WebM", "tone.mka", 0, 8000, 1, false},
    {"WavPack", "tone.wv", 0, 8000, 1, false},
};
const size_t n_fixture_kinds = sizeof fixture_kinds / sizeof *fixture_kinds;

bool fixture_have_ffmpeg(void)
{
#ifdef HAVE_FFMPEG
    return true;
#else
    return false;
#endif
}

float *fixture_signal(int rate_hz, int n_channels, size_t n_frames)
{
    tb_rng rng;
    tb_rng_init(&rng, 1);
    const size_t n = (size_t)n_channels;
    float *samples = calloc(n_frames * n + 1, sizeof *samples);
    assert_non_null(samples);
    for (size_t i = 0; i < n_frames; i++)
        for (size_t c = 0; c < n; c++) {
            const double phase = 2 * M_PI * (440.0 + 110.0 * (double)c) * (double)i / rate_hz;
            const double value = 0.4 * sin(phase) + 0.01 * (tb_rng_uniform(&rng) - 0.5);
            samples[i * n + c] = (float)(rint(value * 32768.0) / 32768.0) + 0.0f; /* no -0 */
        }
    return samples;
}

/* --- encoding to memory --- */

typedef struct memory_file {
    uint8_t *bytes;
    size_t size, capacity, at;
} memory_file;

static sf_count_t memory_length(void *user)
{
    return (sf_count_t)((memory_file *)user)->size;
}

static sf_count_t memory_seek(sf_count_t offset, int whence, void *user)
{
    memory_file *file = user;
    const sf_count_t base = whence == SEEK_SET   ? 0
                            : whence == SEEK_CUR ? (sf_count_t)file->at
                                                 : (sf_count_t)file->size;
    file->at = (size_t)(base + offset);
    return base + offset;
}

static sf_count_t memory_read(void *bytes, sf_count_t size, void *user)
{
    memory_file *file = user;
    size_t n = file->at < file->size ? file->size - file->at : 0;
    if (n > (size_t)size) n = (size_t)size;
    memcpy(bytes, file->bytes + file->at, n);
    file->at += n;
    return (sf_count_t)n;
}

static sf_count_t memory_write(const void *bytes, sf_count_t size, void *user)
{
    memory_file *file = user;
    const size_t end = file->at + (size_t)size;
    if (end > file->capacity) {
        file->capacity = 2 * end;
        file->bytes = realloc(file->bytes, file->capacity);
        assert_non_null(file->bytes);
    }
    if (file->at > file->size) memset(file->bytes + file->size, 0, file->at - file->size);
    memcpy(file->bytes + file->at, bytes, (size_t)size);
    file->at = end;
    if (end > file->size) file->size = end;
    return size;
}

static sf_count_t memory_tell(void *user)
{
    return (sf_count_t)((memory_file *)user)->at;
}

fixture fixture_encode(int format, int rate_hz, int n_channels, const float *samples, size_t n_frames,
                       const fixture_tag *tags)
{
    SF_VIRTUAL_IO calls = {memory_length, memory_seek, memory_read, memory_write, memory_tell};
    SF_INFO info = {.samplerate = rate_hz, .channels = n_channels, .format = format};
    memory_file file = {0};
    if (!sf_format_check(&info)) return (fixture){0};
    SNDFILE *out = sf_open_virtual(&calls, SFM_WRITE, &info, &file);
    if (!out) {
        free(file.bytes);
        return (fixture){0};
    }
    sf_command(out, SFC_SET_CLIPPING, NULL, SF_TRUE);
    for (; tags && tags->string; tags++) assert_int_equal(sf_set_string(out, tags->string, tags->text), 0);
    /* in pieces: libsndfile's Vorbis encoder puts each call on the stack */
    for (size_t at = 0; at < n_frames; at += 4096) {
        const size_t n = n_frames - at < 4096 ? n_frames - at : 4096;
        assert_int_equal(sf_writef_float(out, samples + at * (size_t)n_channels, (sf_count_t)n), n);
    }
    sf_close(out);
    return (fixture){file.bytes, file.size};
}

fixture fixture_make(int format, int rate_hz, int n_channels, size_t n_frames)
{
    float *samples = fixture_signal(rate_hz, n_channels, n_frames);
    const fixture made = fixture_encode(format, rate_hz, n_channels, samples, n_frames, NULL);
    free(samples);
    return made;
}

fixture fixture_of_kind(const fixture_kind *kind, size_t n_frames)
{
    if (kind->format) return fixture_make(kind->format, kind->rate_hz, kind->n_channels, n_frames);
    return fixture_have_ffmpeg() ? fixture_load(kind->suffix) : (fixture){0};
}

/* --- files --- */

fixture fixture_load(const char *name)
{
    char relative[200];
    snprintf(relative, sizeof relative, "tests/golden/audio/%s", name);
    char *path = tb_test_source_path(relative);
    FILE *file = fopen(path, "rb");
    if (!file) fail_msg("%s is missing", path);
    fixture made = {malloc(1 << 20), 0};
    assert_non_null(made.bytes);
    made.size = fread(made.bytes, 1, 1 << 20, file);
    fclose(file);
    free(path);
    return made;
}

fixture fixture_copy(const fixture *from, size_t size)
{
    fixture made = {malloc(size + 1), size};
    assert_non_null(made.bytes);
    memcpy(made.bytes, from->bytes, size < from->size ? size : from->size);
    return made;
}

void fixture_free(fixture *made)
{
    free(made->bytes);
    *made = (fixture){0};
}

char *fixture_write(const fixture *made, const char *folder, const char *name)
{
    const size_t size = strlen(folder) + strlen(name) + 2;
    char *path = malloc(size);
    assert_non_null(path);
    snprintf(path, size, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(made->size ? fwrite(made->bytes, 1, made->size, file) : 0, made->size);
    assert_int_equal(fclose(file), 0);
    return path;
}

void fixture_capture_begin(fixture_capture *capture)
{
    char path[300];
    snprintf(path, sizeof path, "%s/printed", tb_test_folder());
    fflush(stdout);
    fflush(stderr);
    capture->file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    assert_true(capture->file >= 0);
    for (int i = 0; i < 2; i++) {
        capture->saved[i] = dup(i + 1);
        dup2(capture->file, i + 1);
    }
}

int64_t fixture_capture_end(fixture_capture *capture)
{
    struct stat info;
    fflush(stdout);
    fflush(stderr);
    for (int i = 0; i < 2; i++) {
        dup2(capture->saved[i], i + 1);
        close(capture->saved[i]);
    }
    assert_int_equal(fstat(capture->file, &info), 0);
    char text[500] = "";
    const ssize_t n = pread(capture->file, text, sizeof text - 1, 0);
    if (n > 0) fprintf(stderr, "# printed: %s\n", text);
    close(capture->file);
    return info.st_size;
}
