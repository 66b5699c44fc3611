// SPDX-License-Identifier: MIT
/* Pieces ready for training: the band powers of each stem, in one file that is mapped into memory.
 *
 * A pseudo-mix of stems is the sum of their band powers (as good as the bands of the sum: adding waveforms
 * and adding powers give the same embedding to a cosine of 0.9986), so training needs no waveform: it reads
 * rows from here.
 *
 * The file, all numbers little-endian, every block starting on 64 bytes:
 *
 *     header   tb__cache_header (piece_cache_internal.h): magic "TBPIECES", version, number of bands, rows a
 *              second
 *     info     UTF-8 text, what the pieces were made of (zeros up to 64 bytes)
 *     record   one a piece: tb__cache_record with sizes, facts and a digest of all that follows:
 *                  beats    n_beats floats, in rows
 *                  bars     n_bars floats, in rows
 *                  rows     for each stem of the mask, in the order of tb_stem: n_rows x n_bands f16
 *
 * A value is the square root of a band's power: f16 then holds 240 dB.  Records are only ever appended, so a
 * file that was cut short (power, a full disk) loses its last piece at most, and the writer goes on behind
 * the last whole one.
 *
 * A tb_piece_cache is constant once open and shared by any threads.  One thread at a time for a writer. */
#ifndef TIMBRE_TRAIN_PIECE_CACHE_H
#define TIMBRE_TRAIN_PIECE_CACHE_H

#include "base/status.h"
#include "train/song.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TB_PIECE_CACHE_MAX_BANDS = 4096,
    TB_PIECE_CACHE_MAX_INFO = 1 << 20,
    TB_PIECE_MAX_ROWS = 1 << 18, /* 3.4 hours at 21.5 rows a second */
};

typedef struct tb_piece {
    const char *name;  /* UTF-8, 63 bytes at most */
    uint64_t seed;     /* of the composer; 0 for a recording */
    double tempo_bpm;  /* 20 to 1000 */
    int tempo_group;   /* 0 to TB_TEMPO_GROUPS - 1 */
    int beats_per_bar; /* 1 to 32 */
    int key;           /* 0 = C to 11 = B, -1 = unknown */
    tb_mode mode;      /* TB_MODE_COUNT = unknown */
    size_t n_rows, n_beats, n_bars;
    /* Ascending positions in rows, 0 <= position <= n_rows; NULL if there are none. */
    const float *beats, *bars;
    /* n_rows x n_bands f16 of square roots of band power, finite and >= 0; NULL where the stem is silent. */
    const uint16_t *rows[TB_STEM_COUNT];
} tb_piece;

/* Bit 1 << stem for each stem that has rows. */
unsigned tb_piece_stems(const tb_piece *piece);

typedef struct tb_piece_cache tb_piece_cache;

/* Maps the file and checks all of it, the numbers too (about 0.2 s a GB once in memory).  A last record that
 * is cut off is left out; anything else that is wrong is TB_CORRUPT with the place, a newer layout TB_NEWER.
 * TB_NOT_FOUND, TB_IO. */
tb_status tb_piece_cache_open(const char *path, tb_piece_cache **cache, tb_error *err) TB_MUST_CHECK;
/* Accepts NULL. */
void tb_piece_cache_close(tb_piece_cache *cache);
size_t tb_piece_cache_count(const tb_piece_cache *cache);
size_t tb_piece_cache_bands(const tb_piece_cache *cache);
double tb_piece_cache_rows_per_s(const tb_piece_cache *cache);
/* What the pieces were made of (JSON of `timbre dataset`); borrowed as long as the cache. */
const char *tb_piece_cache_info(const tb_piece_cache *cache);
/* i < count; borrowed as long as the cache. */
const tb_piece *tb_piece_cache_at(const tb_piece_cache *cache, size_t i);

typedef struct tb_piece_writer tb_piece_writer;

typedef struct tb_piece_writer_config {
    size_t n_bands;    /* 1 to TB_PIECE_CACHE_MAX_BANDS */
    double rows_per_s; /* above 0 */
    const char *info;  /* UTF-8, up to TB_PIECE_CACHE_MAX_INFO bytes; borrowed during the call */
} tb_piece_writer_config;

/* Begins a file, or goes on with one that was begun with the same configuration: its pieces are checked, and
 * what follows the last whole one is cut off.  TB_EXISTS when the file was begun with another configuration,
 * TB_CORRUPT when it is no cache, TB_BUSY while another writer has it open, TB_INVALID, TB_IO, TB_FULL. */
tb_status tb_piece_writer_open(const char *path, const tb_piece_writer_config *config,
                               tb_piece_writer **writer, tb_error *err) TB_MUST_CHECK;
/* Ends without syncing; what was appended stays unless power fails.  Accepts NULL. */
void tb_piece_writer_close(tb_piece_writer *writer);
/* Pieces in the file so far. */
size_t tb_piece_writer_count(const tb_piece_writer *writer);
/* Whether a piece of that name is in the file. */
bool tb_piece_writer_has(const tb_piece_writer *writer, const char *name);
/* Appends; piece is borrowed during the call.  TB_INVALID for a piece outside the ranges above (also numbers
 * that are not finite), TB_EXISTS for a name that is there; after TB_IO or TB_FULL the file ends behind the
 * piece before. */
tb_status tb_piece_writer_append(tb_piece_writer *writer, const tb_piece *piece, tb_error *err) TB_MUST_CHECK;
/* Everything appended is on the disk when this returns TB_OK. */
tb_status tb_piece_writer_sync(tb_piece_writer *writer, tb_error *err) TB_MUST_CHECK;

#endif
