// SPDX-License-Identifier: MIT
/* Samples are rounded here, so that a file's content does not depend on libsndfile's settings. */
#include "audio/encode.h"

#include <errno.h>
#include <math.h>
#include <sndfile.h>
#include <stdint.h>

enum { CHUNK = 4096, MAX_CHANNELS = 8 };

static const struct {
    const char *name;
    int type;
} formats[TB_AUDIO_FORMAT_COUNT] = {
    [TB_AUDIO_FLAC] = {"flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16},
    [TB_AUDIO_WAV] = {"wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16},
};

const char *tb_audio_format_name(tb_audio_format format)
{
    return formats[format].name;
}

static int16_t round_sample(float x)
{
    if (!(x >= -1 && x <= 1)) x = x > 1 ? 1.0f : x < -1 ? -1.0f : 0.0f;
    return (int16_t)lrintf(x * 32767.0f);
}

tb_status tb_audio_write(const char *path, tb_audio_format format, const float *interleaved, size_t n_frames,
                         int n_channels, int rate_hz, tb_error *err)
{
    tb_status status = TB_OK;
    SNDFILE *file = NULL;
    SF_INFO info = {.samplerate = rate_hz, .channels = n_channels, .format = formats[format].type};
    if (n_frames == 0 || n_channels < 1 || n_channels > MAX_CHANNELS || !sf_format_check(&info))
        TB_FAIL(err, TB_INVALID, "%s cannot hold %zu frames of %d channels at %d Hz", formats[format].name,
                n_frames, n_channels, rate_hz);
    errno = 0;
    if (!(file = sf_open(path, SFM_WRITE, &info))) {
        status = errno ? tb_error_errno(err, errno, "cannot write %.200s", path)
                       : tb_error_set(err, TB_IO, "cannot write %.200s: %s", path, sf_strerror(NULL));
        goto out;
    }
    const size_t n = n_frames * (size_t)n_channels, step = CHUNK * (size_t)n_channels;
    for (size_t at = 0; at < n; at += step) {
        int16_t chunk[CHUNK * MAX_CHANNELS];
        const size_t count = n - at < step ? n - at : step;
        for (size_t i = 0; i < count; i++) chunk[i] = round_sample(interleaved[at + i]);
        errno = 0;
        if (sf_write_short(file, chunk, (sf_count_t)count) != (sf_count_t)count) {
            status = tb_error_errno(err, errno ? errno : EIO, "cannot write to %.200s", path);
            goto out;
        }
    }
out:
    /* the last block goes out with the close */
    errno = 0;
    if (file && sf_close(file) != 0 && status == TB_OK)
        status = tb_error_errno(err, errno ? errno : EIO, "cannot write to %.200s", path);
    return status;
}
