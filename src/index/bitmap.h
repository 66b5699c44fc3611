// SPDX-License-Identifier: MIT
/* A set of small numbers, one bit each: which groups a filter lets through.
 *
 * Bits behind the end are 0; setting one grows the bitmap.  One thread writes; once nobody writes, any number
 * may read. */
#ifndef TIMBRE_INDEX_BITMAP_H
#define TIMBRE_INDEX_BITMAP_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Numbers are below this. */
#define TB_BITMAP_MAX_BITS ((uint64_t)1 << 32)

typedef struct tb_bitmap {
    uint64_t *words; /* bit i is bit i % 64 of word i / 64; those past n_bits in the last word are 0 */
    size_t n_words;  /* room; all words are valid */
    uint64_t n_bits; /* bits at n_bits and beyond are 0 */
} tb_bitmap;

#define TB_BITMAP_INIT {NULL, 0, 0}

void tb_bitmap_init(tb_bitmap *bitmap);
/* Frees; empty as after init. */
void tb_bitmap_clear(tb_bitmap *bitmap);
/* n_bits as given: new bits are 0, bits past the end go.  TB_TOO_LARGE past TB_BITMAP_MAX_BITS, TB_NO_MEMORY;
 * unchanged on failure. */
tb_status tb_bitmap_resize(tb_bitmap *bitmap, uint64_t n_bits) TB_MUST_CHECK;
/* Sets bit i, growing as needed; same errors. */
tb_status tb_bitmap_set(tb_bitmap *bitmap, uint64_t i) TB_MUST_CHECK;
void tb_bitmap_unset(tb_bitmap *bitmap, uint64_t i);
/* Bits [0, n_bits) to value. */
void tb_bitmap_fill(tb_bitmap *bitmap, bool value);
/* Copy over what `to` held; `to` is unchanged on failure. */
tb_status tb_bitmap_copy(tb_bitmap *to, const tb_bitmap *from) TB_MUST_CHECK;

/* a = a and b; a keeps its length. */
void tb_bitmap_and(tb_bitmap *a, const tb_bitmap *b);
/* a = a and not b; a keeps its length. */
void tb_bitmap_and_not(tb_bitmap *a, const tb_bitmap *b);
/* a = a or b; grows to the longer of the two. */
tb_status tb_bitmap_or(tb_bitmap *a, const tb_bitmap *b) TB_MUST_CHECK;
/* Inverts the bits [0, n_bits). */
void tb_bitmap_not(tb_bitmap *bitmap);

/* How many bits are set. */
uint64_t tb_bitmap_count(const tb_bitmap *bitmap);
/* The first set bit at or after `from`; TB_BITMAP_MAX_BITS when there is none. */
uint64_t tb_bitmap_next(const tb_bitmap *bitmap, uint64_t from);

static inline bool tb_bitmap_test(const tb_bitmap *bitmap, uint64_t i)
{
    return i < bitmap->n_bits && (bitmap->words[i / 64] >> (i % 64) & 1u);
}

#endif
