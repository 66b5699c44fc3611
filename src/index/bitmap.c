// SPDX-License-Identifier: MIT
/* Sets of small numbers.  Room grows by half as much again, so that setting bits in order stays linear. */
#include "index/bitmap.h"

#include "base/alloc.h"

#include <string.h>

static size_t words_for(uint64_t n_bits)
{
    return (size_t)((n_bits + 63) / 64);
}

/* Clears what lies past n_bits in its last word and all words behind it up to `end`. */
static void clear_past_end(tb_bitmap *bitmap, size_t end)
{
    const size_t n = words_for(bitmap->n_bits);
    if (bitmap->n_bits % 64) bitmap->words[n - 1] &= ((uint64_t)1 << (bitmap->n_bits % 64)) - 1;
    if (end > n) memset(bitmap->words + n, 0, (end - n) * sizeof *bitmap->words);
}

void tb_bitmap_init(tb_bitmap *bitmap)
{
    *bitmap = (tb_bitmap)TB_BITMAP_INIT;
}

void tb_bitmap_clear(tb_bitmap *bitmap)
{
    tb_free(bitmap->words);
    tb_bitmap_init(bitmap);
}

tb_status tb_bitmap_resize(tb_bitmap *bitmap, uint64_t n_bits)
{
    if (n_bits > TB_BITMAP_MAX_BITS) return TB_TOO_LARGE;
    const size_t n_words = words_for(n_bits);
    if (n_words > bitmap->n_words) {
        size_t room = bitmap->n_words + bitmap->n_words / 2;
        if (room < n_words) room = n_words;
        uint64_t *words = tb_realloc(bitmap->words, room, sizeof *words);
        if (!words) return TB_NO_MEMORY;
        memset(words + bitmap->n_words, 0, (room - bitmap->n_words) * sizeof *words);
        bitmap->words = words;
        bitmap->n_words = room;
    }
    const uint64_t before = bitmap->n_bits;
    bitmap->n_bits = n_bits;
    if (n_bits < before) clear_past_end(bitmap, words_for(before));
    return TB_OK;
}

tb_status tb_bitmap_set(tb_bitmap *bitmap, uint64_t i)
{
    if (i >= TB_BITMAP_MAX_BITS) return TB_TOO_LARGE;
    if (i >= bitmap->n_bits) {
        const tb_status status = tb_bitmap_resize(bitmap, i + 1);
        if (status != TB_OK) return status;
    }
    bitmap->words[i / 64] |= (uint64_t)1 << (i % 64);
    return TB_OK;
}

void tb_bitmap_unset(tb_bitmap *bitmap, uint64_t i)
{
    if (i < bitmap->n_bits) bitmap->words[i / 64] &= ~((uint64_t)1 << (i % 64));
}

void tb_bitmap_fill(tb_bitmap *bitmap, bool value)
{
    const size_t n = words_for(bitmap->n_bits);
    if (n == 0) return;
    memset(bitmap->words, value ? 0xff : 0, n * sizeof *bitmap->words);
    clear_past_end(bitmap, n);
}

tb_status tb_bitmap_copy(tb_bitmap *to, const tb_bitmap *from)
{
    if (to == from) return TB_OK;
    const uint64_t before = to->n_bits;
    const tb_status status = tb_bitmap_resize(to, from->n_bits);
    if (status != TB_OK) return status;
    const size_t n = words_for(from->n_bits);
    if (n > 0) memcpy(to->words, from->words, n * sizeof *to->words);
    if (words_for(before) > n) clear_past_end(to, words_for(before));
    return TB_OK;
}

void tb_bitmap_and(tb_bitmap *a, const tb_bitmap *b)
{
    const size_t n_a = words_for(a->n_bits), n_b = words_for(b->n_bits);
    for (size_t i = 0; i < n_a; i++) a->words[i] &= i < n_b ? b->words[i] : 0;
}

void tb_bitmap_and_not(tb_bitmap *a, const tb_bitmap *b)
{
    const size_t n_a = words_for(a->n_bits), n_b = words_for(b->n_bits);
    for (size_t i = 0; i < n_a && i < n_b; i++) a->words[i] &= ~b->words[i];
}

tb_status tb_bitmap_or(tb_bitmap *a, const tb_bitmap *b)
{
    if (b->n_bits > a->n_bits) {
        const tb_status status = tb_bitmap_resize(a, b->n_bits);
        if (status != TB_OK) return status;
    }
    const size_t n = words_for(b->n_bits);
    for (size_t i = 0; i < n; i++) a->words[i] |= b->words[i];
    return TB_OK;
}

void tb_bitmap_not(tb_bitmap *bitmap)
{
    const size_t n = words_for(bitmap->n_bits);
    if (n == 0) return;
    for (size_t i = 0; i < n; i++) bitmap->words[i] = ~bitmap->words[i];
    clear_past_end(bitmap, n);
}

uint64_t tb_bitmap_count(const tb_bitmap *bitmap)
{
    uint64_t count = 0;
    const size_t n = words_for(bitmap->n_bits);
    for (size_t i = 0; i < n; i++) count += (uint64_t)__builtin_popcountll(bitmap->words[i]);
    return count;
}

uint64_t tb_bitmap_next(const tb_bitmap *bitmap, uint64_t from)
{
    if (from >= bitmap->n_bits) return TB_BITMAP_MAX_BITS;
    const size_t n = words_for(bitmap->n_bits);
    size_t i = (size_t)(from / 64);
    uint64_t word = bitmap->words[i] & (~(uint64_t)0 << (from % 64));
    while (word == 0) {
        if (++i == n) return TB_BITMAP_MAX_BITS;
        word = bitmap->words[i];
    }
    return (uint64_t)i * 64 + (uint64_t)__builtin_ctzll(word);
}
