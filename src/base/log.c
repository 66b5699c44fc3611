// SPDX-License-Identifier: MIT
/* The log.  A line is made whole in a buffer on the stack (so that logging needs no memory) and written by
 * one call under a lock.  Messages past MESSAGE_BYTES are cut. */
#include "base/log.h"

#include "base/clock.h"
#include "base/text.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>

/* one byte may become six: \u001b */
enum { MESSAGE_BYTES = 2048, LINE_BYTES = 6 * MESSAGE_BYTES + 512 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards stream and as_json */
static FILE *stream;                                     /* NULL: stderr */
static bool as_json;
static _Atomic tb_log_level lowest_level = TB_LOG_WARN;

typedef struct line {
    char bytes[LINE_BYTES];
    size_t size;
} line;

static const char *level_name(tb_log_level level)
{
    switch (level) {
    case TB_LOG_DEBUG: return "debug";
    case TB_LOG_INFO: return "info";
    case TB_LOG_WARN: return "warn";
    case TB_LOG_ERROR: return "error";
    case TB_LOG_OFF: break;
    }
    return "off";
}

static void add_bytes(line *out, const char *bytes, size_t size)
{
    if (size > sizeof out->bytes - 1 - out->size) return; /* one byte stays for the line feed */
    memcpy(out->bytes + out->size, bytes, size);
    out->size += size;
}

static void add_text(line *out, const char *text)
{
    add_bytes(out, text, strlen(text));
}

/* "\x1b" or "\u001b" */
static void add_escape(line *out, unsigned value, bool json)
{
    char text[8];
    const int size = json ? snprintf(text, sizeof text, "\\u%04x", value & 0xffffu)
                          : snprintf(text, sizeof text, "\\x%02x", value & 0xffu);
    if (size > 0) add_bytes(out, text, (size_t)size);
}

/* Message or component: control characters and bytes outside UTF-8 are escaped; in JSON also " and \. */
static void add_escaped(line *out, const char *text, bool json)
{
    size_t left = strlen(text);
    while (left > 0) {
        const size_t length = tb_utf8_length(text, left);
        const unsigned char c = (unsigned char)text[0];
        if (length == 0) {
            if (json)
                add_text(out, "\\ufffd");
            else
                add_escape(out, c, false);
        } else if (c == '\n') {
            add_text(out, "\\n");
        } else if (c == '\r') {
            add_text(out, "\\r");
        } else if (c == '\t') {
            add_text(out, "\\t");
        } else if (c < 0x20 || c == 0x7f) {
            add_escape(out, c, json);
        } else if (c == 0xc2 && (unsigned char)text[1] < 0xa0) { /* U+0080 to U+009F */
            add_escape(out, (unsigned char)text[1], true);
        } else if (c == 0xe2 && memcmp(text, "\xe2\x80\xa8", 3) == 0) { /* some readers break lines here */
            add_text(out, "\\u2028");
        } else if (c == 0xe2 && memcmp(text, "\xe2\x80\xa9", 3) == 0) {
            add_text(out, "\\u2029");
        } else if (json && (c == '"' || c == '\\')) {
            const char escape[2] = {'\\', (char)c};
            add_bytes(out, escape, 2);
        } else {
            add_bytes(out, text, length);
        }
        const size_t step = length == 0 ? 1 : length;
        text += step;
        left -= step;
    }
}

static void add_padding(line *out, size_t used, size_t width)
{
    while (used++ < width) add_bytes(out, " ", 1);
}

static void make_line(line *out, bool json, tb_log_level level, const char *component, const char *message)
{
    char time[25];
    const tb_clock *clock = tb_clock_system();
    tb_clock_format(clock->wall_ms(clock), time);
    const char *level_text = level_name(level);
    out->size = 0;
    if (json) {
        add_text(out, "{\"time\":\"");
        add_text(out, time);
        add_text(out, "\",\"level\":\"");
        add_text(out, level_text);
        add_text(out, "\",\"component\":\"");
        add_escaped(out, component, true);
        add_text(out, "\",\"message\":\"");
        add_escaped(out, message, true);
        add_text(out, "\"}");
    } else {
        add_text(out, time);
        add_text(out, " ");
        add_text(out, level_text);
        add_padding(out, strlen(level_text), 6);
        add_escaped(out, component, false);
        add_padding(out, strlen(component), 5);
        add_text(out, " ");
        add_escaped(out, message, false);
    }
    out->bytes[out->size++] = '\n';
}

void tb_log_setup(FILE *new_stream, tb_log_level lowest, bool json)
{
    pthread_mutex_lock(&lock);
    stream = new_stream;
    as_json = json;
    atomic_store(&lowest_level, lowest);
    pthread_mutex_unlock(&lock);
}

bool tb_log_enabled(tb_log_level level)
{
    return level < TB_LOG_OFF && level >= atomic_load_explicit(&lowest_level, memory_order_relaxed);
}

void tb_log(tb_log_level level, const char *component, const char *format, ...)
{
    if (!tb_log_enabled(level)) return;
    char raw[MESSAGE_BYTES + 8], message[MESSAGE_BYTES];
    va_list args;
    va_start(args, format);
    if (vsnprintf(raw, sizeof raw, format, args) < 0) raw[0] = 0;
    va_end(args);
    tb_text_copy(message, sizeof message, raw); /* cuts between characters */

    line out;
    pthread_mutex_lock(&lock);
    make_line(&out, as_json, level, component, message);
    FILE *target = stream ? stream : stderr;
    fwrite(out.bytes, 1, out.size, target);
    fflush(target);
    pthread_mutex_unlock(&lock);
}
