// SPDX-License-Identifier: MIT
/* JSON into a buffer (see writer.h).  Each value asks the buffer once for all the room that it can need and
 * is then written in place.  Numbers are most of an answer, so they are formatted here by integer arithmetic,
 * many times faster than printf and free of the locale. */
#include "api/writer.h"

#include "base/clock.h"
#include "base/text.h"

#include <math.h>
#include <string.h>

/* Room for any number of this file. */
enum { NUMBER_BYTES = 48, LOWEST_EXPONENT = -6, HIGHEST_EXPONENT = 14 };

static const double powers_of_ten[] = {1e0, 1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7, 1e8,
                                       1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16};

/* Bytes of JSON for one byte of text at most (\u0001). */
enum { ESCAPED_BYTES = 6 };

void tb_writer_init(tb_writer *writer, tb_buffer *buffer)
{
    *writer = (tb_writer){.buffer = buffer, .status = TB_OK, .comma = false};
}

/* Where `size` bytes may be written; NULL after a failure.  What is written there is kept by commit. */
static char *reserve(tb_writer *writer, size_t size)
{
    if (writer->status == TB_OK) writer->status = tb_buffer_reserve(writer->buffer, size);
    return writer->status == TB_OK ? writer->buffer->bytes + writer->buffer->size : NULL;
}

static void commit(tb_writer *writer, char *end)
{
    writer->buffer->size = (size_t)(end - writer->buffer->bytes);
    *end = '\0';
}

/* Length of the well-formed UTF-8 character at `at`, 0 if there is none. */
static size_t character_size(const char *at, size_t left)
{
    const unsigned char first = (unsigned char)*at;
    const size_t size = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    return size <= left && tb_utf8_valid(at, size) ? size : 0;
}

/* One byte that cannot stand in a JSON string as it is. */
static char *put_escape(char *out, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    if (c >= 0x80) { /* no UTF-8: U+FFFD */
        memcpy(out, "\xef\xbf\xbd", 3);
        return out + 3;
    }
    *out++ = '\\';
    if (c == '"' || c == '\\') *out++ = (char)c;
    else if (c == '\n') *out++ = 'n';
    else if (c == '\t') *out++ = 't';
    else {
        memcpy(out, "u00", 3);
        out[3] = hex[c >> 4];
        out[4] = hex[c & 15];
        out += 5;
    }
    return out;
}

/* The text in quotes; out has room for ESCAPED_BYTES * size + 2. */
static char *put_text(char *out, const char *text, size_t size)
{
    *out++ = '"';
    for (size_t i = 0; i < size;) {
        const unsigned char c = (unsigned char)text[i];
        if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\') {
            *out++ = (char)c;
            i++;
            continue;
        }
        const size_t length = c < 0x80 ? 0 : character_size(text + i, size - i);
        if (length > 0) {
            memcpy(out, text + i, length);
            out += length;
            i += length;
        } else {
            out = put_escape(out, c);
            i++;
        }
    }
    *out++ = '"';
    return out;
}

/* What stands before a value, the comma and the key; then there are `room` bytes for the value.  NULL after
 * a failure. */
static char *begin_value(tb_writer *writer, const char *key, size_t room)
{
    const size_t key_size = key ? strlen(key) : 0;
    char *out = reserve(writer, ESCAPED_BYTES * key_size + 4 + room);
    if (!out) return NULL;
    if (writer->comma) *out++ = ',';
    writer->comma = true;
    if (key) {
        out = put_text(out, key, key_size);
        *out++ = ':';
    }
    return out;
}

/* A value whose text is ready. */
static void put_ready(tb_writer *writer, const char *key, const char *text, size_t size)
{
    char *out = begin_value(writer, key, size);
    if (!out) return;
    memcpy(out, text, size);
    commit(writer, out + size);
}

void tb_writer_open(tb_writer *writer, const char *key, char kind)
{
    put_ready(writer, key, &kind, 1);
    writer->comma = false;
}

void tb_writer_close(tb_writer *writer, char kind)
{
    char *out = reserve(writer, 1);
    writer->comma = true;
    if (!out) return;
    *out = kind;
    commit(writer, out + 1);
}

void tb_writer_string(tb_writer *writer, const char *key, const char *text)
{
    if (!text) {
        tb_writer_null(writer, key);
        return;
    }
    const size_t size = strlen(text);
    char *out = begin_value(writer, key, ESCAPED_BYTES * size + 2);
    if (out) commit(writer, put_text(out, text, size));
}

/* A decimal number: digits / 10^decimals. */
typedef struct decimal {
    uint64_t digits;
    int decimals;
} decimal;

/* magnitude in [10^LOWEST_EXPONENT, 10^HIGHEST_EXPONENT) rounded to that many significant digits (<= 9);
 * digits before the point are all kept. */
static decimal round_decimal(double magnitude, int significant)
{
    int exponent = 0; /* 10^exponent <= magnitude, nearly */
    if (magnitude >= 1)
        while (exponent < HIGHEST_EXPONENT && magnitude >= powers_of_ten[exponent + 1]) exponent++;
    else
        while (exponent > LOWEST_EXPONENT && magnitude * powers_of_ten[-exponent] < 1) exponent--;
    int decimals = significant - 1 - exponent;
    if (decimals < 0) decimals = 0;
    return (decimal){(uint64_t)(magnitude * powers_of_ten[decimals] + 0.5), decimals};
}

/* Writes it without zeros at the end; returns the end. */
static char *put_decimal(char *out, decimal number, bool negative)
{
    while (number.decimals > 0 && number.digits % 10 == 0) {
        number.digits /= 10;
        number.decimals--;
    }
    char reversed[NUMBER_BYTES];
    size_t n = 0;
    for (int place = 0; number.digits > 0 || place <= number.decimals; place++) {
        if (place == number.decimals && place > 0) reversed[n++] = '.';
        reversed[n++] = (char)('0' + number.digits % 10);
        number.digits /= 10;
    }
    if (negative) *out++ = '-';
    while (n > 0) *out++ = reversed[--n];
    return out;
}

static bool has_plain_form(double magnitude)
{
    return magnitude >= 1e-6 && magnitude < 1e14; /* 10 to the LOWEST_ and HIGHEST_EXPONENT */
}

/* Zero, NaN, infinities and what is too large or too small for a plain form. */
static char *put_special(char *out, double value)
{
    char text[NUMBER_BYTES] = "0";
    if (value != 0) tb_format_double(value, text);
    const size_t size = strlen(text);
    memcpy(out, text, size);
    return out + size;
}

void tb_writer_integer(tb_writer *writer, const char *key, int64_t value)
{
    char *out = begin_value(writer, key, NUMBER_BYTES);
    const uint64_t magnitude = value < 0 ? (uint64_t)0 - (uint64_t)value : (uint64_t)value;
    if (out) commit(writer, put_decimal(out, (decimal){magnitude, 0}, value < 0));
}

void tb_writer_number(tb_writer *writer, const char *key, double value)
{
    char *out = begin_value(writer, key, NUMBER_BYTES);
    const double magnitude = fabs(value);
    if (!out) return;
    commit(writer, has_plain_form(magnitude) ? put_decimal(out, round_decimal(magnitude, 7), value < 0)
                                             : put_special(out, value));
}

void tb_writer_float(tb_writer *writer, const char *key, float value)
{
    char *out = begin_value(writer, key, NUMBER_BYTES);
    const double magnitude = fabs((double)value);
    if (!out) return;
    if (!has_plain_form(magnitude)) {
        commit(writer, put_special(out, (double)value));
        return;
    }
    decimal number = {0, 0};
    for (int significant = 6; significant <= 9; significant++) {
        number = round_decimal(magnitude, significant);
        if ((float)((double)number.digits / powers_of_ten[number.decimals]) == fabsf(value)) break;
    }
    commit(writer, put_decimal(out, number, value < 0));
}

void tb_writer_floats(tb_writer *writer, const char *key, const float *values, size_t n)
{
    tb_writer_open(writer, key, '[');
    for (size_t i = 0; i < n; i++) tb_writer_float(writer, NULL, values[i]);
    tb_writer_close(writer, ']');
}

void tb_writer_bool(tb_writer *writer, const char *key, bool value)
{
    put_ready(writer, key, value ? "true" : "false", value ? 4 : 5);
}

void tb_writer_null(tb_writer *writer, const char *key)
{
    put_ready(writer, key, "null", 4);
}

void tb_writer_time(tb_writer *writer, const char *key, int64_t wall_ms)
{
    char text[25];
    if (wall_ms != 0) tb_clock_format(wall_ms, text);
    tb_writer_string(writer, key, wall_ms != 0 ? text : NULL);
}

void tb_writer_json(tb_writer *writer, const char *key, const char *json)
{
    if (json) put_ready(writer, key, json, strlen(json));
    else tb_writer_null(writer, key);
}
