// SPDX-License-Identifier: MIT
/* Reading a piece cache: the file is mapped, walked record by record and checked once, at open. */
#include "train/piece_cache.h"
#include "train/piece_cache_internal.h"

#include "base/alloc.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct tb_piece_cache {
    const uint8_t *bytes; /* the mapped file */
    size_t size, end;     /* end: behind the last whole record */
    const tb__cache_header *header;
    char *info;
    tb_piece *pieces;
    size_t n_pieces, capacity;
};

/* --- layout, for both sides ----------------------------------------------------------------------------- */

bool tb__cache_lay_out(const tb__cache_record *record, size_t n_bands, tb__cache_layout *layout)
{
    size_t rows_bytes = 0, at = sizeof *record;
    if (!tb_mul_size(record->n_rows, n_bands * sizeof(uint16_t), &rows_bytes) || rows_bytes > SIZE_MAX / 16)
        return false;
    layout->beats_at = at;
    at += tb__cache_padded(record->n_beats * sizeof(float));
    layout->bars_at = at;
    at += tb__cache_padded(record->n_bars * sizeof(float));
    for (size_t i = 0; i < TB_STEM_COUNT; i++) {
        layout->rows_at[i] = at;
        if (record->stems >> i & 1) at += tb__cache_padded(rows_bytes);
    }
    layout->size_bytes = at;
    return true;
}

static uint64_t mix(uint64_t lane, uint64_t word)
{
    lane += word * 0xc2b2ae3d27d4eb4fu;
    return (lane << 31 | lane >> 33) * 0x9e3779b185ebca87u;
}

/* Four lanes, so that the multiplications overlap. */
uint64_t tb__cache_digest(const void *start, const uint64_t *digest, size_t size_bytes)
{
    const uint8_t *at = (const uint8_t *)(digest + 1), *end = (const uint8_t *)start + size_bytes;
    uint64_t lanes[4] = {1, 2, 3, 4};
    for (; end - at >= 32; at += 32) {
        uint64_t words[4];
        memcpy(words, at, sizeof words);
        for (size_t i = 0; i < 4; i++) lanes[i] = mix(lanes[i], words[i]);
    }
    for (size_t i = 0; end - at >= 8; at += 8, i++) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        lanes[i] = mix(lanes[i], word);
    }
    uint64_t sum = size_bytes;
    for (size_t i = 0; i < 4; i++) sum = mix(sum, lanes[i]);
    return sum;
}

/* --- checks --------------------------------------------------------------------------------------------- */

unsigned tb_piece_stems(const tb_piece *piece)
{
    unsigned stems = 0;
    for (unsigned i = 0; i < TB_STEM_COUNT; i++) stems |= piece->rows[i] ? 1u << i : 0;
    return stems;
}

static bool positions_are_fine(const float *positions, size_t n, size_t n_rows)
{
    float last = 0;
    for (size_t i = 0; i < n; i++) {
        if (!(positions[i] >= last && positions[i] <= (float)n_rows)) return false;
        last = positions[i];
    }
    return true;
}

/* f16: what is not below the bits of infinity is infinite, NaN or has a sign. */
static bool values_are_fine(const uint16_t *values, size_t n)
{
    uint16_t largest = 0;
    for (size_t i = 0; i < n; i++) largest = values[i] > largest ? values[i] : largest;
    return largest < 0x7c00u;
}

const char *tb__piece_complaint(const tb_piece *piece, size_t n_bands)
{
    const size_t name_size = strlen(piece->name);
    if (name_size == 0 || name_size >= TB__CACHE_NAME_SIZE || !tb_utf8_valid(piece->name, name_size))
        return "its name is empty, too long or not UTF-8";
    if (!(piece->tempo_bpm >= 20 && piece->tempo_bpm <= 1000)) return "its tempo is out of range";
    if (piece->tempo_group < 0 || piece->tempo_group >= TB_TEMPO_GROUPS)
        return "there is no such tempo group";
    if (piece->beats_per_bar < 1 || piece->beats_per_bar > 32) return "its metre is out of range";
    if (piece->key < -1 || piece->key > 11) return "its key is out of range";
    if ((int)piece->mode < 0 || (int)piece->mode > TB_MODE_COUNT) return "its mode is out of range";
    if (piece->n_rows == 0 || piece->n_rows > TB_PIECE_MAX_ROWS) return "its length is out of range";
    if (piece->n_beats > TB_SONG_MAX_BEATS || piece->n_bars > TB_SONG_MAX_BEATS)
        return "it has too many beats";
    if (!positions_are_fine(piece->beats, piece->n_beats, piece->n_rows) ||
        !positions_are_fine(piece->bars, piece->n_bars, piece->n_rows))
        return "its beats are out of order or outside the piece";
    if (tb_piece_stems(piece) == 0) return "it has no stem";
    for (size_t i = 0; i < TB_STEM_COUNT; i++)
        if (piece->rows[i] && !values_are_fine(piece->rows[i], piece->n_rows * n_bands))
            return "it holds numbers that are negative or not finite";
    return NULL;
}

static bool is_zero(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != 0) return false;
    return true;
}

static bool sizes_are_fine(const tb__cache_record *record, size_t n_bands, tb__cache_layout *layout)
{
    return record->n_rows <= TB_PIECE_MAX_ROWS && record->n_beats <= TB_SONG_MAX_BEATS &&
           record->n_bars <= TB_SONG_MAX_BEATS && record->stems >> TB_STEM_COUNT == 0 &&
           tb__cache_lay_out(record, n_bands, layout) && layout->size_bytes == record->size_bytes;
}

/* Whether the record at `end` was not written to its end: the file stops within it, or the disk never got the
 * last pages of the file.  Damage before the end of the file is no such thing. */
static bool is_cut_off(const tb_piece_cache *cache)
{
    const uint8_t *at = cache->bytes + cache->end;
    const size_t left = cache->size - cache->end;
    tb__cache_record record;
    tb__cache_layout layout;
    if (left < sizeof record || is_zero(at, left)) return true;
    memcpy(&record, at, sizeof record);
    return memcmp(record.magic, TB__CACHE_RECORD_MAGIC, sizeof record.magic) == 0 &&
           record.size_bytes >= left && sizes_are_fine(&record, cache->header->n_bands, &layout);
}

/* --- reading -------------------------------------------------------------------------------------------- */

static void view_record(const uint8_t *at, const tb__cache_record *record, const tb__cache_layout *layout,
                        tb_piece *piece)
{
    *piece = (tb_piece){
        .name = ((const tb__cache_record *)(const void *)at)->name,
        .seed = record->seed,
        .tempo_bpm = record->tempo_bpm,
        .tempo_group = record->tempo_group,
        .beats_per_bar = record->beats_per_bar,
        .key = record->key,
        .mode = (tb_mode)record->mode,
        .n_rows = record->n_rows,
        .n_beats = record->n_beats,
        .n_bars = record->n_bars,
        .beats = record->n_beats ? (const float *)(const void *)(at + layout->beats_at) : NULL,
        .bars = record->n_bars ? (const float *)(const void *)(at + layout->bars_at) : NULL,
    };
    for (size_t i = 0; i < TB_STEM_COUNT; i++)
        if (record->stems >> i & 1)
            piece->rows[i] = (const uint16_t *)(const void *)(at + layout->rows_at[i]);
}

/* What is wrong with the record at cache->end; NULL and *piece when nothing is. */
static const char *read_record(const tb_piece_cache *cache, tb_piece *piece, size_t *size)
{
    const uint8_t *at = cache->bytes + cache->end;
    const size_t left = cache->size - cache->end, n_bands = cache->header->n_bands;
    tb__cache_record record;
    tb__cache_layout layout;
    if (left < sizeof record) return "it is cut off";
    memcpy(&record, at, sizeof record);
    if (memcmp(record.magic, TB__CACHE_RECORD_MAGIC, sizeof record.magic) != 0)
        return "it does not begin as one";
    if (!sizes_are_fine(&record, n_bands, &layout)) return "its sizes do not fit together";
    if (record.size_bytes > left) return "it is cut off";
    if (record.digest !=
        tb__cache_digest(at, &((const tb__cache_record *)(const void *)at)->digest, layout.size_bytes))
        return "its digest is wrong";
    if (record.name[TB__CACHE_NAME_SIZE - 1] != '\0') return "its name is too long";
    view_record(at, &record, &layout, piece);
    *size = layout.size_bytes;
    return tb__piece_complaint(piece, n_bands);
}

static tb_status keep_piece(tb_piece_cache *cache, const tb_piece *piece, tb_error *err)
{
    if (cache->n_pieces == cache->capacity) {
        const size_t capacity = cache->capacity ? 2 * cache->capacity : 256;
        tb_piece *pieces = tb_realloc(cache->pieces, capacity, sizeof *pieces);
        if (!pieces) return tb_error_set(err, TB_NO_MEMORY, "no memory for %zu pieces", capacity);
        cache->pieces = pieces;
        cache->capacity = capacity;
    }
    cache->pieces[cache->n_pieces++] = *piece;
    return TB_OK;
}

static tb_status read_header(tb_piece_cache *cache, const char *path, tb_error *err)
{
    tb_status status = TB_OK;
    const tb__cache_header *header = (const tb__cache_header *)(const void *)cache->bytes;
    if (cache->size < sizeof *header || memcmp(header->magic, TB__CACHE_MAGIC, sizeof header->magic) != 0)
        TB_FAIL(err, TB_CORRUPT, "%.200s is no piece cache", path);
    if (header->byte_order != TB__CACHE_BYTE_ORDER)
        TB_FAIL(err, TB_UNSUPPORTED,
                "%.200s was made on a machine with another order of bytes; make it anew here", path);
    if (header->version > TB__CACHE_VERSION)
        TB_FAIL(err, TB_NEWER, "%.200s has layout %u; this version reads up to %d", path, header->version,
                TB__CACHE_VERSION);
    const size_t end = sizeof *header + tb__cache_padded(header->info_size);
    if (header->version < 1 || header->n_bands < 1 || header->n_bands > TB_PIECE_CACHE_MAX_BANDS ||
        !(header->rows_per_s > 0) || !isfinite(header->rows_per_s) ||
        header->info_size > TB_PIECE_CACHE_MAX_INFO || end > cache->size ||
        header->digest != tb__cache_digest(header, &header->digest, end))
        TB_FAIL(err, TB_CORRUPT, "the header of %.200s is damaged", path);
    const char *info = (const char *)(header + 1);
    if (memchr(info, '\0', header->info_size) || !tb_utf8_valid(info, header->info_size))
        TB_FAIL(err, TB_CORRUPT, "the text in the header of %.200s is damaged", path);
    if (!(cache->info = tb_alloc(header->info_size + 1, 1)))
        TB_FAIL(err, TB_NO_MEMORY, "no memory for the text of %.200s", path);
    memcpy(cache->info, info, header->info_size);
    cache->header = header;
    cache->end = end;
out:
    return status;
}

static tb_status map_file(tb_piece_cache *cache, const char *path, tb_error *err)
{
    tb_status status = TB_OK;
    struct stat info;
    const int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0 || fstat(file, &info) != 0) {
        status = tb_error_errno(err, errno, "cannot read %.200s", path);
        goto out;
    }
    if (!S_ISREG(info.st_mode)) TB_FAIL(err, TB_INVALID, "%.200s is no file", path);
    if ((uint64_t)info.st_size > SIZE_MAX / 2)
        TB_FAIL(err, TB_TOO_LARGE, "%.200s is too large for this machine", path);
    if (info.st_size == 0) TB_FAIL(err, TB_CORRUPT, "%.200s is empty", path);
    void *bytes = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_SHARED, file, 0);
    if (bytes == MAP_FAILED) {
        status = tb_error_errno(err, errno, "cannot map %.200s", path);
        goto out;
    }
    cache->bytes = bytes;
    cache->size = (size_t)info.st_size;
out:
    if (file >= 0) close(file);
    return status;
}

tb_status tb_piece_cache_open(const char *path, tb_piece_cache **cache, tb_error *err)
{
    tb_status status = TB_OK;
    tb_piece_cache *made = tb_alloc(1, sizeof *made);
    if (!made) TB_FAIL(err, TB_NO_MEMORY, "no memory for a piece cache");
    TB_TRY(map_file(made, path, err));
    TB_TRY(read_header(made, path, err));
    while (made->end < made->size) {
        tb_piece piece;
        size_t size = 0;
        const char *complaint = read_record(made, &piece, &size);
        if (complaint && is_cut_off(made)) break;
        if (complaint)
            TB_FAIL(err, TB_CORRUPT, "piece %zu of %.200s, at byte %zu: %s", made->n_pieces + 1, path,
                    made->end, complaint);
        TB_TRY(keep_piece(made, &piece, err));
        made->end += size;
    }
    *cache = made;
    made = NULL;
out:
    tb_piece_cache_close(made);
    return status;
}

void tb_piece_cache_close(tb_piece_cache *cache)
{
    if (!cache) return;
    if (cache->bytes) munmap((void *)(uintptr_t)cache->bytes, cache->size);
    tb_free(cache->info);
    tb_free(cache->pieces);
    tb_free(cache);
}

size_t tb__cache_end(const tb_piece_cache *cache)
{
    return cache->end;
}

size_t tb_piece_cache_count(const tb_piece_cache *cache)
{
    return cache->n_pieces;
}

size_t tb_piece_cache_bands(const tb_piece_cache *cache)
{
    return cache->header->n_bands;
}

double tb_piece_cache_rows_per_s(const tb_piece_cache *cache)
{
    return cache->header->rows_per_s;
}

const char *tb_piece_cache_info(const tb_piece_cache *cache)
{
    return cache->info;
}

const tb_piece *tb_piece_cache_at(const tb_piece_cache *cache, size_t i)
{
    return &cache->pieces[i];
}
