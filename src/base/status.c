// SPDX-License-Identifier: MIT
/* Status codes and errors: names and texts come from TB_STATUS_LIST, messages are made safe to show. */
#include "base/status.h"

#include "base/text.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *tb_status_name(tb_status code)
{
    switch (code) {
#define TB_STATUS_NAME(code, name, text)                                                           \
    case code: return name;
        TB_STATUS_LIST(TB_STATUS_NAME)
#undef TB_STATUS_NAME
    case TB_STATUS_COUNT: break;
    }
    return "unknown";
}

const char *tb_status_text(tb_status code)
{
    switch (code) {
#define TB_STATUS_TEXT(code, name, text)                                                           \
    case code: return text;
        TB_STATUS_LIST(TB_STATUS_TEXT)
#undef TB_STATUS_TEXT
    case TB_STATUS_COUNT: break;
    }
    return "unknown status";
}

/* Blanks for control characters, question marks for what is not UTF-8: in place, the length stays. */
static void make_printable(char *text)
{
    size_t left = strlen(text);
    for (char *c = text; left > 0;) {
        size_t length = tb_utf8_length(c, left);
        if (length == 0) {
            *c = '?';
            length = 1;
        } else if ((unsigned char)*c < 0x20 || *c == 0x7f) {
            *c = ' ';
        } else if (length == 2 && (unsigned char)c[0] == 0xc2 && (unsigned char)c[1] < 0xa0) {
            c[0] = c[1] = ' '; /* U+0080 to U+009F: terminals may obey them */
        }
        c += length;
        left -= length;
    }
}

/* "<formatted><separator><tail>" into err->message.  The arguments and tail may point into it. */
static void set_message(tb_error *err, const char *separator, const char *tail, const char *format,
                        va_list args) TB_PRINTF(4, 0);
static void set_message(tb_error *err, const char *separator, const char *tail, const char *format,
                        va_list args)
{
    char text[sizeof err->message + 8];
    int written = vsnprintf(text, sizeof text, format, args);
    if (written < 0) written = 0;
    size_t size = (size_t)written < sizeof text ? (size_t)written : sizeof text - 1;
    written = snprintf(text + size, sizeof text - size, "%s%s", separator, tail);
    if (written < 0) text[size] = 0;
    tb_text_copy(err->message, sizeof err->message, text);
    make_printable(err->message);
}

tb_status tb_error_set(tb_error *err, tb_status code, const char *format, ...)
{
    assert(code != TB_OK);
    if (!err) return code;
    va_list args;
    va_start(args, format);
    set_message(err, "", "", format, args);
    va_end(args);
    err->code = code;
    return code;
}

static tb_status status_of_errno(int error_number)
{
    switch (error_number) {
    case ENOSPC:
    case EDQUOT: return TB_FULL;
    case ENOENT:
    case ENOTDIR: return TB_NOT_FOUND;
    case EEXIST: return TB_EXISTS;
    case EACCES:
    case EPERM:
    case EROFS:
    case ELOOP: return TB_FORBIDDEN;
    case ENAMETOOLONG: return TB_INVALID;
    case EFBIG: return TB_TOO_LARGE;
    case ENOMEM: return TB_NO_MEMORY;
    default: return TB_IO;
    }
}

tb_status tb_error_errno(tb_error *err, int error_number, const char *format, ...)
{
    const tb_status code = status_of_errno(error_number);
    if (!err) return code;
    va_list args;
    va_start(args, format);
    set_message(err, ": ", strerror(error_number), format, args); /* strerror is thread-safe since glibc 2.32 */
    va_end(args);
    err->code = code;
    return code;
}

void tb_error_prefix(tb_error *err, const char *format, ...)
{
    if (!err) return;
    va_list args;
    va_start(args, format);
    set_message(err, ": ", err->message, format, args);
    va_end(args);
}

void tb_error_clear(tb_error *err)
{
    if (!err) return;
    err->code = TB_OK;
    err->message[0] = 0;
}
