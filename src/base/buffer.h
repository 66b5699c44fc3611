// SPDX-License-Identifier: MIT
/* A growing run of bytes with an upper limit: strings, request bodies, small files.
 *
 * There is always a zero byte behind the content, so that `bytes` can be read as a string once something
 * was appended.  One thread at a time. */
#ifndef TIMBRE_BASE_BUFFER_H
#define TIMBRE_BASE_BUFFER_H

#include "base/status.h"

#include <stddef.h>

typedef struct tb_buffer {
    char *bytes; /* NULL while nothing was appended */
    size_t size; /* without the closing zero */
    size_t capacity;
    size_t limit; /* size never passes it */
} tb_buffer;

void tb_buffer_init(tb_buffer *buffer, size_t limit);
/* Frees; the buffer is as after init.  Accepts one that was cleared before. */
void tb_buffer_clear(tb_buffer *buffer);
/* TB_TOO_LARGE past the limit, TB_NO_MEMORY; the content then stays as it was. */
tb_status tb_buffer_append(tb_buffer *buffer, const void *bytes, size_t size) TB_MUST_CHECK;
tb_status tb_buffer_append_text(tb_buffer *buffer, const char *text) TB_MUST_CHECK;
tb_status tb_buffer_printf(tb_buffer *buffer, const char *format, ...) TB_PRINTF(2, 3) TB_MUST_CHECK;
/* Room for at least `size` more bytes, so that appending them cannot fail. */
tb_status tb_buffer_reserve(tb_buffer *buffer, size_t size) TB_MUST_CHECK;
/* The content moves to the caller (tb_free); the buffer is empty after it.  Never NULL on success: an empty
 * buffer gives "".  NULL without memory. */
char *tb_buffer_take(tb_buffer *buffer);

#endif
