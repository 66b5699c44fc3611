// SPDX-License-Identifier: MIT
/* JSON into a buffer (see writer.h).  Numbers are most of an answer, so they are formatted here by integer
 * arithmetic, many times faster than printf and free of the locale. */
#include "api/writer.h"

#include "base/clock.h"
#include "base/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Room for any number of this file. */
enum { NUMBER_BYTES = 48, LOWEST_EXPONENT = -6, HIGHEST_EXPONENT = 14 };

static const double powers_of_ten[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7, 1e8,
                                       1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16};

void tb_writer_init(tb_writer *writer, tb_buffer *buffer)
{
    *writer = (tb_writer){.buffer = buffer, .status = TB_OK, .comma = false};
}

static void append(tb_writer *writer, const void *bytes, size_t size)
{
    if (writer->status == TB_OK) writer->status = tb_buffer_append(writer->buffer, bytes, size);
}

/* Length of the well-formed UTF-8 character at `at`, 0 if there is none. */
static size_t character_size(const unsigned char *at, size_t left)
{
    const unsigned char first = *at;
    const size_t size = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    return size <= left && tb_utf8_valid((const char *)at, size) ? size : 0;
}

static void append_escaped(tb_writer *writer, const char *text)
{
    const unsigned char *bytes = (const unsigned char *)text;
    const size_t size = strlen(text);
    size_t plain = 0; /* bytes [plain, i) need no escape and are not yet written */
    append(writer, "\"", 1);
    for (size_t i = 0; i < size;) {
        const unsigned char c = bytes[i];
        if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\') {
            i++;
            continue;
        }
        const size_t length = c < 0x80 ? 0 : character_size(bytes + i, size - i);
        if (length > 0) {
            i += length;
            continue;
        }
        append(writer, bytes + plain, i - plain);
        char escape[8];
        if (c == '"' || c == '\\') snprintf(escape, sizeof escape, "\\%c", c);
        else if (c == '\n') snprintf(escape, sizeof escape, "\\n");
        else if (c == '\t') snprintf(escape, sizeof escape, "\\t");
        else if (c < 0x80) snprintf(escape, sizeof escape, "\\u%04x", c);
        else snprintf(escape, sizeof escape, "\xef\xbf\xbd");
        append(writer, escape, strlen(escape));
        plain = ++i;
    }
    append(writer, bytes + plain, size - plain);
    append(writer, "\"", 1);
}

/* What stands before a value: the comma and the key. */
static void begin_value(tb_writer *writer, const char *key)
{
    if (writer->comma) append(writer, ",", 1);
    writer->comma = true;
    if (!key) return;
    append_escaped(writer, key);
    append(writer, ":", 1);
}

void tb_writer_open(tb_writer *writer, const char *key, char kind)
{
    begin_value(writer, key);
    append(writer, &kind, 1);
    writer->comma = false;
}

void tb_writer_close(tb_writer *writer, char kind)
{
    append(writer, &kind, 1);
    writer->comma = true;
}

void tb_writer_string(tb_writer *writer, const char *key, const char *text)
{
    if (!text) {
        tb_writer_null(writer, key);
        return;
    }
    begin_value(writer, key);
    append_escaped(writer, text);
}

void tb_writer_integer(tb_writer *writer, const char *key, int64_t value)
{
    char text[NUMBER_BYTES];
    const int size = snprintf(text, sizeof text, "%" PRId64, value);
    begin_value(writer, key);
    append(writer, text, (size_t)size);
}

/* A decimal number: digits / 10^decimals. */
typedef struct decimal {
    uint64_t digits;
    int decimals;
} decimal;

/* magnitude in [10^LOWEST_EXPONENT, 10^HIGHEST_EXPONENT) rounded to that many significant digits (<= 9); digits
 * before the point are all kept. */
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

static size_t format_decimal(decimal number, bool negative, char out[NUMBER_BYTES])
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
    if (negative) reversed[n++] = '-';
    for (size_t i = 0; i < n; i++) out[i] = reversed[n - 1 - i];
    return n;
}

static bool has_plain_form(double magnitude)
{
    return magnitude >= 1e-6 && magnitude < 1e14; /* 10 to the LOWEST_ and HIGHEST_EXPONENT */
}

/* Zero, NaN, infinities and what is too large or too small for a plain form. */
static void append_special(tb_writer *writer, double value)
{
    char text[NUMBER_BYTES] = "0";
    if (value != 0) tb_format_double(value, text);
    append(writer, text, strlen(text));
}

static void append_number(tb_writer *writer, double value)
{
    const double magnitude = fabs(value);
    if (!has_plain_form(magnitude)) {
        append_special(writer, value);
        return;
    }
    char text[NUMBER_BYTES];
    append(writer, text, format_decimal(round_decimal(magnitude, 7), value < 0, text));
}

static void append_float(tb_writer *writer, float value)
{
    const double magnitude = fabs((double)value);
    if (!has_plain_form(magnitude)) {
        append_special(writer, (double)value);
        return;
    }
    decimal number = {0, 0};
    for (int significant = 6; significant <= 9; significant++) {
        number = round_decimal(magnitude, significant);
        if ((float)((double)number.digits / powers_of_ten[number.decimals]) == fabsf(value)) break;
    }
    char text[NUMBER_BYTES];
    append(writer, text, format_decimal(number, value < 0, text));
}

void tb_writer_number(tb_writer *writer, const char *key, double value)
{
    begin_value(writer, key);
    append_number(writer, value);
}

void tb_writer_float(tb_writer *writer, const char *key, float value)
{
    begin_value(writer, key);
    append_float(writer, value);
}

void tb_writer_floats(tb_writer *writer, const char *key, const float *values, size_t n)
{
    tb_writer_open(writer, key, '[');
    for (size_t i = 0; i < n; i++) tb_writer_float(writer, NULL, values[i]);
    tb_writer_close(writer, ']');
}

void tb_writer_bool(tb_writer *writer, const char *key, bool value)
{
    begin_value(writer, key);
    if (value) append(writer, "true", 4);
    else append(writer, "false", 5);
}

void tb_writer_null(tb_writer *writer, const char *key)
{
    begin_value(writer, key);
    append(writer, "null", 4);
}

void tb_writer_time(tb_writer *writer, const char *key, int64_t wall_ms)
{
    char text[25];
    if (wall_ms != 0) tb_clock_format(wall_ms, text);
    tb_writer_string(writer, key, wall_ms != 0 ? text : NULL);
}

void tb_writer_json(tb_writer *writer, const char *key, const char *json)
{
    if (!json) {
        tb_writer_null(writer, key);
        return;
    }
    begin_value(writer, key);
    append(writer, json, strlen(json));
}
