// SPDX-License-Identifier: MIT
/* Decoding of MPEG audio (MP3) by libmpg123, with which libsndfile reads it too.  Asked directly, it keeps
 * quiet about damage (libsndfile leaves it printing to stderr), looks further for the next frame behind
 * damage, and does not read a whole file just to open it.
 *
 * Encoder delay and padding are left out where the file tells them (LAME tag). */
#include "audio/decode_internal.h"

#include "base/alloc.h"
#include "base/text.h"

#include <mpg123.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { RESYNC_BYTES = 1024 * 1024 };

typedef struct mpeg_state {
    mpg123_handle *handle;
    size_t frame_bytes; /* of one sample of each channel */
    bool ended;
} mpeg_state;

static void initialise(void)
{
    (void)mpg123_init(); /* needed before 1.27, no-op since */
}

static ssize_t read_bytes(void *user, void *bytes, size_t size)
{
    return (ssize_t)tb_input_read(user, bytes, size);
}

static off_t seek_bytes(void *user, off_t offset, int whence)
{
    return (off_t)tb_input_seek(user, offset, whence);
}

static void mpg123_backend_close(void *state)
{
    mpeg_state *self = state;
    if (!self) return;
    mpg123_delete(self->handle);
    tb_free(self);
}

static bool open_stream(mpeg_state *self, tb_input *input, long *rate, int *n_channels)
{
    const long flags =
        MPG123_QUIET | MPG123_FORCE_FLOAT | MPG123_GAPLESS | MPG123_NO_FRANKENSTEIN | MPG123_SKIP_ID3V2;
    int encoding;
    return mpg123_param(self->handle, MPG123_ADD_FLAGS, flags, 0.0) == MPG123_OK &&
           mpg123_param(self->handle, MPG123_REMOVE_FLAGS, MPG123_AUTO_RESAMPLE, 0.0) == MPG123_OK &&
           mpg123_param(self->handle, MPG123_RESYNC_LIMIT, RESYNC_BYTES, 0.0) == MPG123_OK &&
           mpg123_replace_reader_handle(self->handle, read_bytes, seek_bytes, NULL) == MPG123_OK &&
           mpg123_open_handle(self->handle, input) == MPG123_OK &&
           mpg123_getformat(self->handle, rate, n_channels, &encoding) == MPG123_OK &&
           mpg123_format_none(self->handle) == MPG123_OK &&
           mpg123_format(self->handle, *rate, *n_channels, MPG123_ENC_FLOAT_32) == MPG123_OK;
}

static tb_status mpg123_backend_open(tb_input *input, const tb_sniff *sniff, const char *name,
                                     tb_backend_facts *facts, void **state, tb_error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    tb_status status = TB_OK;
    long rate = 0;
    int n_channels = 0;
    mpeg_state *self = tb_alloc(1, sizeof *self);
    if (!self) TB_FAIL(err, TB_NO_MEMORY, "no memory to decode %s", name);
    pthread_once(&once, initialise);
    self->handle = mpg123_new(NULL, NULL);
    if (!self->handle) TB_FAIL(err, TB_NO_MEMORY, "no memory to decode %s", name);
    if (!open_stream(self, input, &rate, &n_channels))
        TB_FAIL(err, TB_CORRUPT, "%s is a damaged %s file", name, sniff->name);
    self->frame_bytes = (size_t)n_channels * sizeof(float);
    const off_t length = mpg123_length(self->handle);
    facts->info.rate_hz = (int)rate;
    facts->info.n_channels = n_channels;
    facts->info.n_frames = length > 0 ? length : -1;
    (void)tb_text_copy(facts->info.format, sizeof facts->info.format, sniff->name);
#if MPG123_API_VERSION >= 48
    snprintf(facts->info.decoder, sizeof facts->info.decoder, "libmpg123 %s",
             mpg123_distversion(NULL, NULL, NULL));
#else
    snprintf(facts->info.decoder, sizeof facts->info.decoder, "libmpg123");
#endif
    *state = self;
    self = NULL;
out:
    mpg123_backend_close(self);
    return status;
}

static tb_status mpg123_backend_read(void *state, float *interleaved, size_t n_frames, size_t *n_read,
                                     bool *damaged, tb_error *err)
{
    (void)err;
    mpeg_state *self = state;
    size_t done = 0;
    const size_t wanted = n_frames * self->frame_bytes;
    while (done < wanted && !self->ended) {
        size_t n = 0;
        const int code = mpg123_read(self->handle, (unsigned char *)interleaved + done, wanted - done, &n);
        done += n;
        if (code == MPG123_OK && n > 0) continue;
        if (code == MPG123_NEW_FORMAT) continue; /* comes once, with the format that was set */
        self->ended = true;
        if (code != MPG123_DONE) *damaged = true;
    }
    *n_read = done / self->frame_bytes;
    return TB_OK;
}

static tb_status mpg123_backend_seek(void *state, int64_t frame, tb_error *err)
{
    mpeg_state *self = state;
    const off_t before = mpg123_tell(self->handle);
    if (mpg123_seek(self->handle, (off_t)frame, SEEK_SET) == (off_t)frame) {
        self->ended = false;
        return TB_OK;
    }
    if (before >= 0) (void)mpg123_seek(self->handle, before, SEEK_SET);
    return tb_error_set(err, TB_UNSUPPORTED, "this file cannot be sought");
}

const tb_backend tb_backend_mpg123 = {
    mpg123_backend_open,
    mpg123_backend_read,
    mpg123_backend_seek,
    mpg123_backend_close,
};
