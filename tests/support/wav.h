// SPDX-License-Identifier: MIT
/* Audio files that tests make for themselves. */
#ifndef TIMBRE_TESTS_SUPPORT_WAV_H
#define TIMBRE_TESTS_SUPPORT_WAV_H

#include <stddef.h>
#include <stdint.h>

/* 16-bit WAV; samples: n_frames * n_channels in -1..1.  Fails the test when it cannot be written. */
void tb_test_write_wav(const char *path, const float *samples, size_t n_frames, int n_channels, int rate_hz);
/* A few seconds of a made-up piece, mono: chords, a bass and a beat that depend on the seed alone. */
void tb_test_write_piece(const char *path, uint64_t seed, double seconds, int rate_hz);
/* "folder/name"; freed with free. */
char *tb_test_join(const char *folder, const char *name);

#endif
