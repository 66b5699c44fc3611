// SPDX-License-Identifier: MIT
/* Who a piece of audio is: BLAKE2b-256 over what is heard, not over the file.
 *
 * Files are moved, renamed and retagged; their audio stays.  So the identity covers the rate, the number of
 * channels and the decoded samples rounded to 16 bits: a FLAC and a WAV of the same 16-bit samples are the
 * same track, and so is a file whose tags were edited.  Rounding drops what a 16-bit file cannot hold and
 * most of the last-bit differences between versions of a lossy decoder, but not all: a lossy file decoded by
 * another library may get another identity.  The digest of the file's bytes (tb_identity_of_io) then still
 * knows it, and is cheap to take: the test for "seen this very file" before anything is decoded.
 *
 * Layout that is hashed: "timbre audio 1" and two zeros (16 bytes), rate in Hz and number of channels as
 * 32-bit little-endian integers, then each sample as a 16-bit little-endian integer, channels interleaved,
 * round(sample * 32768) to nearest even, clipped to -32768..32767. */
#ifndef TIMBRE_AUDIO_IDENTITY_H
#define TIMBRE_AUDIO_IDENTITY_H

#include "audio/audio_io.h"
#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

enum { TB_IDENTITY_SIZE = 32 };

typedef struct tb_identity {
    uint8_t bytes[TB_IDENTITY_SIZE];
} tb_identity;

/* Running identity of decoded audio.  One per thread and stream. */
typedef struct tb_identity_state tb_identity_state;

tb_status tb_identity_new(int rate_hz, int n_channels, tb_identity_state **state,
    tb_error *err) TB_MUST_CHECK;
/* Accepts NULL. */
void tb_identity_free(tb_identity_state *state);
/* samples: n_samples finite ones, channels interleaved, in order; how they are cut into calls makes no
 * difference. */
void tb_identity_add(tb_identity_state *state, const float *samples, size_t n_samples);
/* Once, after the last samples. */
void tb_identity_finish(tb_identity_state *state, tb_identity *identity);

/* BLAKE2b-256 of all bytes, as `b2sum -l 256` prints it. */
tb_status tb_identity_file(const char *path, tb_identity *identity, tb_error *err) TB_MUST_CHECK;
tb_status tb_identity_of_io(const tb_audio_io *io, tb_identity *identity, tb_error *err) TB_MUST_CHECK;
void tb_identity_of_memory(const void *bytes, size_t size, tb_identity *identity);

#endif
