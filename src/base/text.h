// SPDX-License-Identifier: MIT
/* Text from outside: UTF-8, strict numbers, small string work.  Nothing here depends on the locale.
 * Threads: any. */
#ifndef TIMBRE_BASE_TEXT_H
#define TIMBRE_BASE_TEXT_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of the well-formed UTF-8 character at the start of `bytes` (1 to 4); 0 if there is none. */
size_t tb_utf8_length(const char *bytes, size_t size);
/* Whether the bytes are well-formed UTF-8 (RFC 3629: no surrogates, nothing overlong). */
bool tb_utf8_valid(const char *bytes, size_t size);
/* Copy in which each byte that is not part of well-formed UTF-8 is U+FFFD and each control character but
 * tab and line feed is dropped (U+0000 to U+001F, U+007F to U+009F).  NULL without
 * memory.  Freed with tb_free. */
char *tb_utf8_clean(const char *bytes, size_t size);

/* The whole text is one decimal number (no blanks, no hexadecimal, no "inf" or "nan"); else TB_SYNTAX.
 * TB_INVALID for a number too large for a double: what is given back is always finite. */
tb_status tb_parse_double(const char *text, double *value) TB_MUST_CHECK;
/* As above for integers; TB_INVALID when it is outside [low, high]. */
tb_status tb_parse_int(const char *text, int64_t low, int64_t high, int64_t *value) TB_MUST_CHECK;
/* Shortest decimal text that reads back as the same double ("0.1"), 32 bytes at most.  Inf and NaN, which
 * JSON lacks, give "null". */
void tb_format_double(double value, char out[32]);

/* Copies at most capacity - 1 bytes and a zero, never cutting a UTF-8 character; false if it was cut. */
bool tb_text_copy(char *out, size_t capacity, const char *text);
/* Equal but for ASCII case. */
bool tb_text_equal_nocase(const char *a, const char *b);
bool tb_text_starts_with(const char *text, const char *prefix);
/* Lower-case hexadecimal; out has room for 2 * size + 1. */
void tb_hex_encode(const uint8_t *bytes, size_t size, char *out);
/* Crockford's base 32 in lower case, most significant bits first, zero bits at the end if need be; out
 * has room for (8 * size + 4) / 5 + 1. */
void tb_base32_encode(const uint8_t *bytes, size_t size, char *out);

#endif
