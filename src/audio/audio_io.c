// SPDX-License-Identifier: MIT
/* Sources of bytes: files that cannot block, and memory. */
#include "audio/audio_io.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int64_t read_file(const tb_audio_io *io, int64_t position, void *bytes, size_t size)
{
    ssize_t count;
    do count = pread((int)(intptr_t)io->context, bytes, size, (off_t)position);
    while (count < 0 && errno == EINTR);
    return count;
}

static int64_t read_memory(const tb_audio_io *io, int64_t position, void *bytes, size_t size)
{
    const int64_t left = io->size_bytes - position;
    const size_t count = left < (int64_t)size ? (size_t)left : size;
    memcpy(bytes, (const unsigned char *)io->context + position, count);
    return (int64_t)count;
}

static const char *describe_mode(mode_t mode)
{
    if (S_ISDIR(mode)) return "a directory";
    if (S_ISFIFO(mode)) return "a pipe (FIFO)";
    if (S_ISCHR(mode) || S_ISBLK(mode)) return "a device";
    if (S_ISSOCK(mode)) return "a socket";
    return "not a regular file";
}

tb_status tb_audio_io_open_path(const char *path, tb_audio_io *io, tb_error *err)
{
    tb_status status = TB_OK;
    struct stat info;
    /* O_NONBLOCK: opening a FIFO without a writer or a device without a medium would wait for ever. */
    const int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        if (errno == ENXIO)
            TB_FAIL(err, TB_UNSUPPORTED, "%s is a socket or a device, not an audio file", path);
        return tb_error_errno(err, errno, "%s", path);
    }
    if (fstat(fd, &info) != 0) {
        status = tb_error_errno(err, errno, "%s", path);
        goto out;
    }
    if (!S_ISREG(info.st_mode))
        TB_FAIL(err, TB_UNSUPPORTED, "%s is %s, not an audio file", path, describe_mode(info.st_mode));
#ifdef POSIX_FADV_SEQUENTIAL
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
#endif
    *io = (tb_audio_io){.context = (void *)(intptr_t)fd, .size_bytes = info.st_size, .read_at = read_file};
out:
    if (status != TB_OK && fd >= 0) close(fd);
    return status;
}

void tb_audio_io_close(tb_audio_io *io)
{
    if (io->read_at == read_file) close((int)(intptr_t)io->context);
    *io = (tb_audio_io){0};
}

void tb_audio_io_init_memory(tb_audio_io *io, const void *bytes, size_t size)
{
    *io = (tb_audio_io){(void *)(uintptr_t)bytes, (int64_t)size, read_memory};
}

int64_t tb_audio_io_read_fully(const tb_audio_io *io, int64_t position, void *bytes, size_t size)
{
    size_t done = 0;
    while (done < size && position >= 0 && position < io->size_bytes) {
        const int64_t count = io->read_at(io, position, (unsigned char *)bytes + done, size - done);
        if (count < 0) return -1;
        if (count == 0) break;
        /* a reader that claims more than was asked for must not move us out of the buffer */
        const size_t got = (uint64_t)count > size - done ? size - done : (size_t)count;
        done += got;
        position += (int64_t)got;
    }
    return (int64_t)done;
}
