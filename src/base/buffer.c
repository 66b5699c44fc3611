// SPDX-License-Identifier: MIT
/* A growing run of bytes: capacity doubles, a zero always follows the content. */
#include "base/buffer.h"

#include "base/alloc.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { FIRST_CAPACITY = 64 };

void tb_buffer_init(tb_buffer *buffer, size_t limit)
{
    *buffer = (tb_buffer){.limit = limit < SIZE_MAX / 4 ? limit : SIZE_MAX / 4};
}

void tb_buffer_clear(tb_buffer *buffer)
{
    tb_free(buffer->bytes);
    tb_buffer_init(buffer, buffer->limit);
}

tb_status tb_buffer_reserve(tb_buffer *buffer, size_t size)
{
    if (size > buffer->limit - buffer->size) return TB_TOO_LARGE;
    const size_t needed = buffer->size + size + 1; /* cannot overflow: limit <= SIZE_MAX / 4 */
    if (needed <= buffer->capacity) return TB_OK;
    size_t capacity = buffer->capacity < FIRST_CAPACITY ? FIRST_CAPACITY : buffer->capacity;
    while (capacity < needed) capacity *= 2;
    if (capacity > buffer->limit + 1) capacity = buffer->limit + 1;
    char *bytes = tb_realloc(buffer->bytes, capacity, 1);
    if (!bytes) return TB_NO_MEMORY;
    bytes[buffer->size] = 0;
    buffer->bytes = bytes;
    buffer->capacity = capacity;
    return TB_OK;
}

tb_status tb_buffer_append(tb_buffer *buffer, const void *bytes, size_t size)
{
    const tb_status status = tb_buffer_reserve(buffer, size);
    if (status != TB_OK) return status;
    if (size > 0) memcpy(buffer->bytes + buffer->size, bytes, size);
    buffer->size += size;
    buffer->bytes[buffer->size] = 0;
    return TB_OK;
}

tb_status tb_buffer_append_text(tb_buffer *buffer, const char *text)
{
    return tb_buffer_append(buffer, text, strlen(text));
}

tb_status tb_buffer_printf(tb_buffer *buffer, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    tb_status status = TB_OK;
    const int length = vsnprintf(NULL, 0, format, args);
    if (length < 0) {
        status = TB_INVALID;
        goto out;
    }
    TB_TRY(tb_buffer_reserve(buffer, (size_t)length));
    vsnprintf(buffer->bytes + buffer->size, (size_t)length + 1, format, again);
    buffer->size += (size_t)length;
out:
    va_end(again);
    va_end(args);
    return status;
}

char *tb_buffer_take(tb_buffer *buffer)
{
    char *bytes = buffer->bytes ? buffer->bytes : tb_alloc(1, 1);
    if (bytes) tb_buffer_init(buffer, buffer->limit);
    return bytes;
}
