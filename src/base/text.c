// SPDX-License-Identifier: MIT
/* UTF-8, numbers and small string work.
 *
 * Numbers are checked against their grammar first and then read by strtod, in the "C" locale whatever the
 * program around us has set. */
#include "base/text.h"

#include "base/alloc.h"

#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- UTF-8 ------------------------------------------------------------------ */

size_t tb_utf8_length(const char *bytes, size_t size)
{
    const unsigned char *b = (const unsigned char *)bytes;
    if (size == 0) return 0;
    if (b[0] < 0x80) return 1;
    /* first byte, range of the second: RFC 3629, section 4 */
    size_t length;
    unsigned char low = 0x80, high = 0xbf;
    if (b[0] >= 0xc2 && b[0] <= 0xdf) {
        length = 2;
    } else if (b[0] >= 0xe0 && b[0] <= 0xef) {
        length = 3;
        if (b[0] == 0xe0) low = 0xa0;
        if (b[0] == 0xed) high = 0x9f; /* surrogates lie above */
    } else if (b[0] >= 0xf0 && b[0] <= 0xf4) {
        length = 4;
        if (b[0] == 0xf0) low = 0x90;
        if (b[0] == 0xf4) high = 0x8f; /* nothing past U+10FFFF */
    } else {
        return 0;
    }
    if (size < length || b[1] < low || b[1] > high) return 0;
    for (size_t i = 2; i < length; i++)
        if (b[i] < 0x80 || b[i] > 0xbf) return 0;
    return length;
}

bool tb_utf8_valid(const char *bytes, size_t size)
{
    while (size > 0) {
        const size_t length = tb_utf8_length(bytes, size);
        if (length == 0) return false;
        bytes += length;
        size -= length;
    }
    return true;
}

static bool is_unwanted_control(const char *character, size_t length)
{
    const unsigned char *c = (const unsigned char *)character;
    if (length == 1) return (c[0] < 0x20 && c[0] != '\t' && c[0] != '\n') || c[0] == 0x7f;
    return length == 2 && c[0] == 0xc2 && c[1] < 0xa0;
}

char *tb_utf8_clean(const char *bytes, size_t size)
{
    static const char replacement[] = "\xef\xbf\xbd";
    size_t room;
    if (!tb_mul_size(size, 3, &room) || room == SIZE_MAX) return NULL;
    char *clean = tb_alloc(room + 1, 1);
    if (!clean) return NULL;
    char *out = clean;
    while (size > 0) {
        const size_t length = tb_utf8_length(bytes, size);
        const size_t step = length == 0 ? 1 : length;
        if (length == 0) {
            memcpy(out, replacement, 3);
            out += 3;
        } else if (!is_unwanted_control(bytes, length)) {
            memcpy(out, bytes, length);
            out += length;
        }
        bytes += step;
        size -= step;
    }
    *out = 0;
    return clean;
}

/* --- numbers ---------------------------------------------------------------- */

static locale_t c_locale;
static pthread_once_t c_locale_once = PTHREAD_ONCE_INIT;

static void make_c_locale(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

/* Puts this thread into the "C" locale; hand what it returns to uselocale. */
static locale_t enter_c_locale(void)
{
    pthread_once(&c_locale_once, make_c_locale);
    return uselocale(c_locale);
}

static const char *skip_digits(const char *text)
{
    while (*text >= '0' && *text <= '9') text++;
    return text;
}

/* sign? (digits (. digits?)? | . digits) ([eE] sign? digits)? */
static bool is_decimal(const char *text)
{
    if (*text == '-' || *text == '+') text++;
    const char *whole = text;
    text = skip_digits(text);
    size_t n_digits = (size_t)(text - whole);
    if (*text == '.') {
        const char *fraction = ++text;
        text = skip_digits(text);
        n_digits += (size_t)(text - fraction);
    }
    if (n_digits == 0) return false;
    if (*text == 'e' || *text == 'E') {
        text++;
        if (*text == '-' || *text == '+') text++;
        const char *exponent = text;
        text = skip_digits(text);
        if (text == exponent) return false;
    }
    return *text == 0;
}

tb_status tb_parse_double(const char *text, double *value)
{
    if (!is_decimal(text)) return TB_SYNTAX;
    const locale_t before = enter_c_locale();
    const double parsed = strtod(text, NULL);
    uselocale(before);
    if (!isfinite(parsed)) return TB_INVALID;
    *value = parsed;
    return TB_OK;
}

tb_status tb_parse_int(const char *text, int64_t low, int64_t high, int64_t *value)
{
    const bool negative = *text == '-';
    const char *digits = text + (*text == '-' || *text == '+');
    const char *end = skip_digits(digits);
    if (end == digits || *end != 0) return TB_SYNTAX;
    int64_t parsed = 0;
    for (const char *c = digits; c < end; c++) {
        const int digit = *c - '0';
        if (__builtin_mul_overflow(parsed, 10, &parsed)) return TB_INVALID;
        if (__builtin_add_overflow(parsed, negative ? -digit : digit, &parsed)) return TB_INVALID;
    }
    if (parsed < low || parsed > high) return TB_INVALID;
    *value = parsed;
    return TB_OK;
}

void tb_format_double(double value, char out[32])
{
    if (!isfinite(value)) {
        memcpy(out, "null", sizeof "null");
        return;
    }
    /* 15 digits are always kept, 17 always suffice: the first that reads back is the shortest */
    const locale_t before = enter_c_locale();
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(out, 32, "%.*g", digits, value);
        if (strtod(out, NULL) == value) break;
    }
    uselocale(before);
}

/* --- strings ---------------------------------------------------------------- */

bool tb_text_copy(char *out, size_t capacity, const char *text)
{
    const size_t size = strlen(text);
    if (capacity == 0) return false;
    size_t kept = size;
    if (kept > capacity - 1) {
        kept = capacity - 1;
        /* back to the start of a character; more than 3 bytes back, it was no UTF-8 */
        for (size_t back = 0; back < 4 && back <= kept; back++) {
            if (((unsigned char)text[kept - back] & 0xc0) != 0x80) {
                kept -= back;
                break;
            }
        }
    }
    memmove(out, text, kept);
    out[kept] = 0;
    return kept == size;
}

static char to_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool tb_text_equal_nocase(const char *a, const char *b)
{
    while (*a && to_lower(*a) == to_lower(*b)) {
        a++;
        b++;
    }
    return to_lower(*a) == to_lower(*b);
}

bool tb_text_starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

void tb_hex_encode(const uint8_t *bytes, size_t size, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++) {
        *out++ = digits[bytes[i] >> 4];
        *out++ = digits[bytes[i] & 15];
    }
    *out = 0;
}

void tb_base32_encode(const uint8_t *bytes, size_t size, char *out)
{
    static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";
    uint32_t held = 0;
    unsigned n_held = 0; /* bits of `held` not yet written */
    for (size_t i = 0; i < size; i++) {
        held = (held << 8 | bytes[i]) & 0xfffffu;
        n_held += 8;
        while (n_held >= 5) {
            n_held -= 5;
            *out++ = digits[(held >> n_held) & 31];
        }
    }
    if (n_held > 0) *out++ = digits[(held << (5 - n_held)) & 31];
    *out = 0;
}
