// SPDX-License-Identifier: MIT
/* Writes JSON into a buffer as it goes: no tree, no allocation but the buffer's.
 *
 * Each call writes one value: with `key` inside an object, with NULL inside an array.  What comes out is
 * always well-formed JSON in UTF-8 if the opens and closes match: bytes that are not UTF-8 become U+FFFD, NaN
 * and infinities become null.  The first failure is kept in `status` and ends all writing, so that callers
 * check once, at the end.  One thread at a time. */
#ifndef TIMBRE_API_WRITER_H
#define TIMBRE_API_WRITER_H

#include "base/buffer.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct tb_writer {
    tb_buffer *buffer; /* borrowed */
    tb_status status;
    bool comma; /* the next value needs one before it */
} tb_writer;

void tb_writer_init(tb_writer *writer, tb_buffer *buffer);

/* kind: '{' or '['; closed by '}' or ']'. */
void tb_writer_open(tb_writer *writer, const char *key, char kind);
void tb_writer_close(tb_writer *writer, char kind);
/* NULL writes null. */
void tb_writer_string(tb_writer *writer, const char *key, const char *text);
void tb_writer_integer(tb_writer *writer, const char *key, int64_t value);
/* Seven significant digits: what a measurement is worth. */
void tb_writer_number(tb_writer *writer, const char *key, double value);
/* The fewest digits that read back as the same float. */
void tb_writer_float(tb_writer *writer, const char *key, float value);
void tb_writer_floats(tb_writer *writer, const char *key, const float *values, size_t n);
void tb_writer_bool(tb_writer *writer, const char *key, bool value);
void tb_writer_null(tb_writer *writer, const char *key);
/* A time in ms since 1970 as RFC 3339 text; 0 writes null. */
void tb_writer_time(tb_writer *writer, const char *key, int64_t wall_ms);
/* Text that is JSON already; NULL writes null. */
void tb_writer_json(tb_writer *writer, const char *key, const char *json);

#endif
