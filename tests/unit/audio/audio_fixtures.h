// SPDX-License-Identifier: MIT
/* Audio files that the tests of this layer make for themselves, with libsndfile, in memory. */
#ifndef TIMBRE_TESTS_AUDIO_FIXTURES_H
#define TIMBRE_TESTS_AUDIO_FIXTURES_H

#include "audio/audio_io.h"

#include <sndfile.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct fixture {
    uint8_t *bytes; /* free */
    size_t size;
} fixture;

typedef struct fixture_tag {
    int string; /* SF_STR_… */
    const char *text;
} fixture_tag;

/* Interleaved test signal: a tone per channel (440 Hz, 550 Hz, …, amplitude 0.4) and a little noise, rounded
 * to 16 bits so that every lossless format holds it exactly.  free. */
float *fixture_signal(int rate_hz, int n_channels, size_t n_frames);
/* Encoded; bytes NULL when this libsndfile cannot write the format.  tags: closed by a zero row, may be NULL.
 */
fixture fixture_encode(int format, int rate_hz, int n_channels, const float *samples, size_t n_frames,
                       const fixture_tag *tags);
/* Test signal of that length in that format. */
fixture fixture_make(int format, int rate_hz, int n_channels, size_t n_frames);
/* File below tests/golden/audio; fails the test when it is missing. */
fixture fixture_load(const char *name);
fixture fixture_copy(const fixture *from, size_t size);
void fixture_free(fixture *made);
/* Writes folder/name; free. */
char *fixture_write(const fixture *made, const char *folder, const char *name);
/* Whether the build reads what libsndfile cannot. */
bool fixture_have_ffmpeg(void);

/* The formats that the tests go through. */
typedef struct fixture_kind {
    const char *name;   /* as tb_decoder_info.format says */
    const char *suffix;
    int format;         /* for libsndfile; 0: the golden file `suffix` */
    int rate_hz, n_channels;
    bool lossless;
} fixture_kind;
extern const fixture_kind fixture_kinds[];
extern const size_t n_fixture_kinds;
/* A file of that kind, n_frames long if the test makes it; bytes NULL when it cannot be had or read here. */
fixture fixture_of_kind(const fixture_kind *kind, size_t n_frames);

/* While it is captured, what is printed to stdout and stderr goes to a file. */
typedef struct fixture_capture {
    int saved[2];
    int file;
} fixture_capture;
void fixture_capture_begin(fixture_capture *capture);
/* How many bytes were printed. */
int64_t fixture_capture_end(fixture_capture *capture);

#endif
