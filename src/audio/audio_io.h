// SPDX-License-Identifier: MIT
/* Where the bytes of an audio file come from: a path, memory, or the caller's own reader.
 *
 * One function reads at a position, as pread does; nobody has to keep a position, and several readers may
 * share one source.  The size is known from the start (a pipe cannot be a source: write it to a file first).
 * Decoder, tags and identity all read through this, so that each works on each kind of source. */
#ifndef TIMBRE_AUDIO_AUDIO_IO_H
#define TIMBRE_AUDIO_AUDIO_IO_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

typedef struct tb_audio_io tb_audio_io;
struct tb_audio_io {
    void *context;      /* whatever read_at needs */
    int64_t size_bytes; /* >= 0 */
    /* Up to `size` bytes (>= 1) from `position` (0 <= position < size_bytes) on.  Returns how many, which may
     * be fewer; 0 when the source ends there; -1 with errno set on an error. */
    int64_t (*read_at)(const tb_audio_io *io, int64_t position, void *bytes, size_t size);
};

/* Opens a regular file (links are followed).  Never waits: a FIFO, device, socket or directory is
 * TB_UNSUPPORTED with a sentence that says what it is.  TB_NOT_FOUND, TB_FORBIDDEN, TB_IO as errno says.
 * The path is bytes and need not be UTF-8.  To be closed with tb_audio_io_close. */
tb_status tb_audio_io_open_path(const char *path, tb_audio_io *io, tb_error *err) TB_MUST_CHECK;
/* Closes what tb_audio_io_open_path opened; does nothing to other sources and to zeroed ones. */
void tb_audio_io_close(tb_audio_io *io);
/* The bytes are borrowed for as long as the source is used.  Needs no close. */
void tb_audio_io_init_memory(tb_audio_io *io, const void *bytes, size_t size);

/* Reads until `size` bytes, the end or an error.  Returns the count, or -1 with errno set. */
int64_t tb_audio_io_read_fully(const tb_audio_io *io, int64_t position, void *bytes, size_t size);

#endif
