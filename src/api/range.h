// SPDX-License-Identifier: MIT
/* The Range header (RFC 9110, section 14): one range of bytes. */
#ifndef TIMBRE_API_RANGE_H
#define TIMBRE_API_RANGE_H

#include <stdint.h>

typedef enum tb_range_kind {
    TB_RANGE_WHOLE,         /* no header, several ranges, or one that does not parse: the whole is sent */
    TB_RANGE_PART,          /* *first and *length are set */
    TB_RANGE_UNSATISFIABLE, /* 416 */
} tb_range_kind;

/* header: NULL if there is none.  size: of the whole, >= 0. */
tb_range_kind tb_range_parse(const char *header, int64_t size, int64_t *first, int64_t *length);

#endif
