// SPDX-License-Identifier: MIT
/* The Range header (see range.h).  A range that reaches past the end is cut there; "-n" is the last n. */
#include "api/range.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Digits alone, up to `end`; numbers past int64 are as good as its maximum. */
static bool read_position(const char *text, const char *end, int64_t *position)
{
    int64_t value = 0;
    if (text == end) return false;
    for (; text < end; text++) {
        if (*text < '0' || *text > '9') return false;
        value = value > (INT64_MAX - 9) / 10 ? INT64_MAX : value * 10 + (*text - '0');
    }
    *position = value;
    return true;
}

tb_range_kind tb_range_parse(const char *header, int64_t size, int64_t *first, int64_t *length)
{
    if (!header || strncmp(header, "bytes=", 6) != 0) return TB_RANGE_WHOLE;
    const char *from = header + 6;
    while (*from == ' ' || *from == '\t') from++;
    const char *end = from + strlen(from);
    while (end > from && (end[-1] == ' ' || end[-1] == '\t')) end--;
    const char *dash = memchr(from, '-', (size_t)(end - from));
    if (!dash || memchr(from, ',', (size_t)(end - from))) return TB_RANGE_WHOLE;

    int64_t low = 0, high = INT64_MAX;
    if (dash == from) { /* the last `high` bytes */
        if (!read_position(dash + 1, end, &high)) return TB_RANGE_WHOLE;
        if (high == 0 || size == 0) return TB_RANGE_UNSATISFIABLE;
        *length = high < size ? high : size;
        *first = size - *length;
        return TB_RANGE_PART;
    }
    if (!read_position(from, dash, &low)) return TB_RANGE_WHOLE;
    if (dash + 1 < end && (!read_position(dash + 1, end, &high) || high < low)) return TB_RANGE_WHOLE;
    if (low >= size) return TB_RANGE_UNSATISFIABLE;
    if (high > size - 1) high = size - 1;
    *first = low;
    *length = high - low + 1;
    return TB_RANGE_PART;
}
