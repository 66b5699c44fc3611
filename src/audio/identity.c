// SPDX-License-Identifier: MIT
/* BLAKE2b (RFC 7693) over decoded audio and over bytes, by libb2. */
#include "audio/identity.h"

#include "base/alloc.h"

#include <blake2.h>
#include <errno.h>
#include <string.h>

enum { BLOCK_SAMPLES = 4096, READ_BYTES = 256 * 1024 };

struct tb_identity_state {
    blake2b_state hash;
    uint8_t block[BLOCK_SAMPLES * 2];
};

static void put_u32(uint8_t *out, uint32_t value)
{
    for (int i = 0; i < 4; i++) out[i] = (uint8_t)(value >> (8 * i));
}

tb_status tb_identity_new(int rate_hz, int n_channels, tb_identity_state **state, tb_error *err)
{
    tb_identity_state *made = tb_alloc(1, sizeof *made);
    if (!made) return tb_error_set(err, TB_NO_MEMORY, "no memory for the identity of the audio");
    uint8_t head[24] = "timbre audio 1";
    put_u32(head + 16, (uint32_t)rate_hz);
    put_u32(head + 20, (uint32_t)n_channels);
    blake2b_init(&made->hash, TB_IDENTITY_SIZE);
    blake2b_update(&made->hash, head, sizeof head);
    *state = made;
    return TB_OK;
}

void tb_identity_free(tb_identity_state *state)
{
    tb_free(state);
}

/* Adding 1.5 * 2^23 leaves the rounded integer in the low bits of the float; compilers turn this into
 * vector code on every machine, which they do not do for lrintf. */
static void round_to_16_bits(const float *samples, size_t n, uint8_t *out)
{
    for (size_t i = 0; i < n; i++) {
        float value = samples[i] * 32768.0f;
        value = value < -32768.0f ? -32768.0f : value;
        value = value > 32767.0f ? 32767.0f : value;
        value += 12582912.0f;
        uint32_t bits;
        memcpy(&bits, &value, sizeof bits);
        out[2 * i] = (uint8_t)bits;
        out[2 * i + 1] = (uint8_t)(bits >> 8);
    }
}

void tb_identity_add(tb_identity_state *state, const float *samples, size_t n_samples)
{
    for (size_t at = 0; at < n_samples; at += BLOCK_SAMPLES) {
        const size_t n = n_samples - at < BLOCK_SAMPLES ? n_samples - at : BLOCK_SAMPLES;
        round_to_16_bits(samples + at, n, state->block);
        blake2b_update(&state->hash, state->block, 2 * n);
    }
}

void tb_identity_finish(tb_identity_state *state, tb_identity *identity)
{
    blake2b_final(&state->hash, identity->bytes, TB_IDENTITY_SIZE);
}

void tb_identity_of_memory(const void *bytes, size_t size, tb_identity *identity)
{
    blake2b_state hash;
    blake2b_init(&hash, TB_IDENTITY_SIZE);
    blake2b_update(&hash, bytes, size);
    blake2b_final(&hash, identity->bytes, TB_IDENTITY_SIZE);
}

tb_status tb_identity_of_io(const tb_audio_io *io, tb_identity *identity, tb_error *err)
{
    tb_status status = TB_OK;
    blake2b_state hash;
    int64_t position = 0;
    uint8_t *block = tb_alloc(1, READ_BYTES);
    if (!block) TB_FAIL(err, TB_NO_MEMORY, "no memory for the identity of the file");
    blake2b_init(&hash, TB_IDENTITY_SIZE);
    for (;;) {
        const int64_t count = tb_audio_io_read_fully(io, position, block, READ_BYTES);
        if (count < 0) {
            status = tb_error_errno(err, errno, "reading the file");
            goto out;
        }
        if (count == 0) break;
        blake2b_update(&hash, block, (size_t)count);
        position += count;
    }
    blake2b_final(&hash, identity->bytes, TB_IDENTITY_SIZE);
out:
    tb_free(block);
    return status;
}

tb_status tb_identity_file(const char *path, tb_identity *identity, tb_error *err)
{
    tb_status status = TB_OK;
    tb_audio_io io = {0};
    TB_TRY(tb_audio_io_open_path(path, &io, err));
    status = tb_identity_of_io(&io, identity, err);
    if (status != TB_OK) (void)tb_error_prefix(err, "%s", path);
out:
    tb_audio_io_close(&io);
    return status;
}
