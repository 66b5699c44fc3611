// SPDX-License-Identifier: MIT
/* Layout of a piece cache, for the reader (piece_cache.c) and the writer (piece_writer.c) alone. */
#ifndef TIMBRE_TRAIN_PIECE_CACHE_INTERNAL_H
#define TIMBRE_TRAIN_PIECE_CACHE_INTERNAL_H

#include "train/piece_cache.h"

#include <stdint.h>

enum {
    TB__CACHE_VERSION = 1,
    TB__CACHE_BYTE_ORDER = 0x01020304, /* as the machine writes it: a cache is no format for exchange */
    TB__CACHE_ALIGN = 64,
    TB__CACHE_NAME_SIZE = 64,
};
#define TB__CACHE_MAGIC "TBPIECES"
#define TB__CACHE_RECORD_MAGIC "TBPIECE\n"

typedef struct tb__cache_header {
    char magic[8];
    uint32_t byte_order, version;
    uint64_t digest; /* of all behind it up to the first record */
    double rows_per_s;
    uint32_t n_bands, info_size;
    uint8_t reserved[24]; /* 0 */
} tb__cache_header;

typedef struct tb__cache_record {
    char magic[8];
    uint64_t size_bytes; /* of the record with all that follows it; a multiple of TB__CACHE_ALIGN */
    uint64_t digest;     /* of all behind it */
    uint64_t seed;
    double tempo_bpm;
    uint32_t stems, n_rows, n_beats, n_bars;
    int32_t tempo_group, beats_per_bar, key, mode;
    char name[TB__CACHE_NAME_SIZE]; /* zeros behind it, one at least */
    uint8_t reserved[56];           /* 0 */
} tb__cache_record;

_Static_assert(sizeof(tb__cache_header) == 64, "the layout is the file's");
_Static_assert(sizeof(tb__cache_record) == 192, "the layout is the file's");

/* Where the blocks of a record lie, from its start. */
typedef struct tb__cache_layout {
    size_t beats_at, bars_at, rows_at[TB_STEM_COUNT], size_bytes;
} tb__cache_layout;

/* False when the sizes do not fit into memory. */
bool tb__cache_lay_out(const tb__cache_record *record, size_t n_bands, tb__cache_layout *layout);
/* Digest of the bytes behind the field `digest` of a header or record of size_bytes (a multiple of 8). */
uint64_t tb__cache_digest(const void *start, const uint64_t *digest, size_t size_bytes);
/* What is wrong with a piece's facts and numbers; NULL when nothing is. */
const char *tb__piece_complaint(const tb_piece *piece, size_t n_bands);
/* Where the next record belongs. */
size_t tb__cache_end(const tb_piece_cache *cache);

static inline size_t tb__cache_padded(size_t size)
{
    return (size + TB__CACHE_ALIGN - 1) / TB__CACHE_ALIGN * TB__CACHE_ALIGN;
}

#endif
