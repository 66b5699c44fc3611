// SPDX-License-Identifier: MIT
#include "audio/mp3_encode.h"

#include "base/alloc.h"
#include "base/buffer.h"

#include <math.h>
#include <sndfile.h>
#include <string.h>

enum { RATE_HZ = 44100, MIN_KBIT = 64, LEAST_KBIT = 32, MAX_KBIT = 320, BLOCK = 4096, MAX_BYTES = 1 << 30 };

/* A file that grows in memory. */
typedef struct memory_file {
    tb_buffer bytes;
    sf_count_t position;
} memory_file;

static sf_count_t file_length(void *user)
{
    return (sf_count_t)((memory_file *)user)->bytes.size;
}

static sf_count_t file_seek(sf_count_t offset, int whence, void *user)
{
    memory_file *file = user;
    const sf_count_t from = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? file->position : file_length(user);
    if (from + offset < 0 || from + offset > file_length(user)) return -1;
    return file->position = from + offset;
}

static sf_count_t file_read(void *bytes, sf_count_t size, void *user)
{
    memory_file *file = user;
    const sf_count_t left = file_length(user) - file->position, n = size < left ? size : left;
    if (n <= 0) return 0;
    memcpy(bytes, file->bytes.bytes + file->position, (size_t)n);
    file->position += n;
    return n;
}

static sf_count_t file_write(const void *bytes, sf_count_t size, void *user)
{
    memory_file *file = user;
    const sf_count_t left = file_length(user) - file->position, over = size < left ? size : left;
    if (size <= 0) return 0;
    if (over > 0) memcpy(file->bytes.bytes + file->position, bytes, (size_t)over);
    if (size > over &&
        tb_buffer_append(&file->bytes, (const char *)bytes + over, (size_t)(size - over)) != TB_OK) return 0;
    file->position += size;
    return size;
}

static sf_count_t file_tell(void *user)
{
    return ((memory_file *)user)->position;
}

static tb_status write_samples(SNDFILE *file, const float *mono, size_t n, tb_error *err)
{
    float block[BLOCK];
    for (size_t at = 0; at < n; at += BLOCK) {
        const size_t count = n - at < BLOCK ? n - at : BLOCK;
        for (size_t i = 0; i < count; i++) block[i] = fminf(fmaxf(mono[at + i], -1), 1);
        if (sf_write_float(file, block, (sf_count_t)count) != (sf_count_t)count)
            return tb_error_set(err, TB_NO_MEMORY, "cannot write MP3: %s", sf_strerror(file));
    }
    return TB_OK;
}

tb_status tb_mp3_encode(const float *mono, size_t n, int kbit_per_s, char **bytes, size_t *size,
                        tb_error *err)
{
    tb_status status = TB_OK;
    SF_VIRTUAL_IO io = {file_length, file_seek, file_read, file_write, file_tell};
    SF_INFO info =
        {.samplerate = RATE_HZ, .channels = 1, .format = SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III};
    SNDFILE *file = NULL;
    memory_file memory = {0};
    tb_buffer_init(&memory.bytes, MAX_BYTES);
    if (n == 0 || kbit_per_s < MIN_KBIT || kbit_per_s > MAX_KBIT)
        TB_FAIL(err, TB_INVALID, "MP3 takes one sample or more and %d to %d kbit/s", MIN_KBIT, MAX_KBIT);
    if (!sf_format_check(&info)) TB_FAIL(err, TB_UNSUPPORTED, "%s cannot write MP3", sf_version_string());
    if (!(file = sf_open_virtual(&io, SFM_WRITE, &info, &memory)))
        TB_FAIL(err, TB_UNSUPPORTED, "cannot write MP3: %s", sf_strerror(NULL));
    /* libsndfile takes the bit rate as a place between its greatest (0) and its least (1) */
    double level = (double)(MAX_KBIT - kbit_per_s) / (MAX_KBIT - LEAST_KBIT);
    int mode = SF_BITRATE_MODE_CONSTANT;
    /* in this order: without a level, the mode is refused */
    if (!sf_command(file, SFC_SET_COMPRESSION_LEVEL, &level, sizeof level) ||
        !sf_command(file, SFC_SET_BITRATE_MODE, &mode, sizeof mode))
        TB_FAIL(err, TB_UNSUPPORTED, "%s does not let the bit rate be chosen", sf_version_string());
    TB_TRY(write_samples(file, mono, n, err));
    sf_close(file);
    file = NULL;
    *size = memory.bytes.size;
    if (!(*bytes = tb_buffer_take(&memory.bytes))) TB_FAIL(err, TB_NO_MEMORY, "no memory for MP3");
out:
    if (file) sf_close(file);
    tb_buffer_clear(&memory.bytes);
    return status;
}
