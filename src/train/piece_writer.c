// SPDX-License-Identifier: MIT
/* Writing a piece cache: a record is put together in memory and written at once, so that a cut can only be at
 * the end of the file, where the next writer takes it away. */
#include "train/piece_cache.h"
#include "train/piece_cache_internal.h"

#include "base/alloc.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct piece_name {
    char text[TB__CACHE_NAME_SIZE];
} piece_name;

struct tb_piece_writer {
    int file;
    size_t end, n_bands;
    char *path;
    piece_name *names;
    size_t n_names, capacity;
};

static tb_status write_at(tb_piece_writer *writer, const void *bytes, size_t size, tb_error *err)
{
    const char *from = bytes;
    size_t done = 0;
    while (done < size) {
        const ssize_t n = pwrite(writer->file, from + done, size - done, (off_t)(writer->end + done));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            const int why = errno;
            if (ftruncate(writer->file, (off_t)writer->end) != 0)
                return tb_error_errno(err, why, "cannot write to %.200s, which now ends in part of a piece",
                                      writer->path);
            return tb_error_errno(err, why, "cannot write to %.200s", writer->path);
        }
        done += (size_t)n;
    }
    writer->end += size;
    return TB_OK;
}

static tb_status keep_name(tb_piece_writer *writer, const char *name, tb_error *err)
{
    if (writer->n_names == writer->capacity) {
        const size_t capacity = writer->capacity ? 2 * writer->capacity : 256;
        piece_name *names = tb_realloc(writer->names, capacity, sizeof *names);
        if (!names) return tb_error_set(err, TB_NO_MEMORY, "no memory for %zu names", capacity);
        writer->names = names;
        writer->capacity = capacity;
    }
    (void)tb_text_copy(writer->names[writer->n_names++].text, TB__CACHE_NAME_SIZE, name);
    return TB_OK;
}

/* --- opening -------------------------------------------------------------------------------------------- */

static tb_status begin_file(tb_piece_writer *writer, const tb_piece_writer_config *config, tb_error *err)
{
    tb_status status = TB_OK;
    const size_t info_size = strlen(config->info),
                 size = sizeof(tb__cache_header) + tb__cache_padded(info_size);
    uint8_t *bytes = tb_alloc_aligned(size, 1);
    if (!bytes) TB_FAIL(err, TB_NO_MEMORY, "no memory for a header");
    tb__cache_header *header = (tb__cache_header *)(void *)bytes;
    memcpy(header->magic, TB__CACHE_MAGIC, sizeof header->magic);
    header->byte_order = TB__CACHE_BYTE_ORDER;
    header->version = TB__CACHE_VERSION;
    header->rows_per_s = config->rows_per_s;
    header->n_bands = (uint32_t)config->n_bands;
    header->info_size = (uint32_t)info_size;
    memcpy(header + 1, config->info, info_size);
    header->digest = tb__cache_digest(header, &header->digest, size);
    TB_TRY(write_at(writer, bytes, size, err));
out:
    tb_free(bytes);
    return status;
}

/* The file has something in it: what, and where it ends. */
static tb_status continue_file(tb_piece_writer *writer, const tb_piece_writer_config *config, tb_error *err)
{
    tb_status status = TB_OK;
    tb_piece_cache *cache = NULL;
    TB_TRY(tb_piece_cache_open(writer->path, &cache, err));
    if (tb_piece_cache_bands(cache) != config->n_bands ||
        tb_piece_cache_rows_per_s(cache) != config->rows_per_s ||
        strcmp(tb_piece_cache_info(cache), config->info) != 0)
        TB_FAIL(err, TB_EXISTS, "%.200s was begun with other options; name another file, or remove it",
                writer->path);
    for (size_t i = 0; i < tb_piece_cache_count(cache); i++)
        TB_TRY(keep_name(writer, tb_piece_cache_at(cache, i)->name, err));
    writer->end = tb__cache_end(cache);
    if (ftruncate(writer->file, (off_t)writer->end) != 0)
        status = tb_error_errno(err, errno, "cannot cut %.200s behind its last piece", writer->path);
out:
    tb_piece_cache_close(cache);
    return status;
}

tb_status tb_piece_writer_open(const char *path, const tb_piece_writer_config *config,
                               tb_piece_writer **writer, tb_error *err)
{
    tb_status status = TB_OK;
    struct stat info;
    tb_piece_writer *made = tb_alloc(1, sizeof *made);
    if (!made) TB_FAIL(err, TB_NO_MEMORY, "no memory for a piece writer");
    made->file = -1;
    if (config->n_bands < 1 || config->n_bands > TB_PIECE_CACHE_MAX_BANDS || !(config->rows_per_s > 0) ||
        !isfinite(config->rows_per_s) || strlen(config->info) > TB_PIECE_CACHE_MAX_INFO ||
        !tb_utf8_valid(config->info, strlen(config->info)))
        TB_FAIL(err, TB_INVALID, "a piece cache cannot have %zu bands at %g rows a second", config->n_bands,
                config->rows_per_s);
    made->n_bands = config->n_bands;
    if (!(made->path = tb_strdup(path))) TB_FAIL(err, TB_NO_MEMORY, "no memory for a path");
    made->file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0640);
    if (made->file < 0 || fstat(made->file, &info) != 0) {
        status = tb_error_errno(err, errno, "cannot write %.200s", path);
        goto out;
    }
    if (!S_ISREG(info.st_mode)) TB_FAIL(err, TB_INVALID, "%.200s is no file", path);
    if (flock(made->file, LOCK_EX | LOCK_NB) != 0)
        TB_FAIL(err, TB_BUSY, "%.200s is being written by another process", path);
    if (fstat(made->file, &info) != 0) TB_FAIL(err, TB_IO, "cannot read %.200s", path);
    if (info.st_size == 0) TB_TRY(begin_file(made, config, err));
    else TB_TRY(continue_file(made, config, err));
    *writer = made;
    made = NULL;
out:
    tb_piece_writer_close(made);
    return status;
}

void tb_piece_writer_close(tb_piece_writer *writer)
{
    if (!writer) return;
    if (writer->file >= 0) close(writer->file);
    tb_free(writer->path);
    tb_free(writer->names);
    tb_free(writer);
}

size_t tb_piece_writer_count(const tb_piece_writer *writer)
{
    return writer->n_names;
}

bool tb_piece_writer_has(const tb_piece_writer *writer, const char *name)
{
    for (size_t i = 0; i < writer->n_names; i++)
        if (strcmp(writer->names[i].text, name) == 0) return true;
    return false;
}

/* --- appending ------------------------------------------------------------------------------------------ */

static void fill_record(const tb_piece *piece, tb__cache_record *record)
{
    *record = (tb__cache_record){
        .seed = piece->seed,
        .tempo_bpm = piece->tempo_bpm,
        .stems = tb_piece_stems(piece),
        .n_rows = (uint32_t)piece->n_rows,
        .n_beats = (uint32_t)piece->n_beats,
        .n_bars = (uint32_t)piece->n_bars,
        .tempo_group = piece->tempo_group,
        .beats_per_bar = piece->beats_per_bar,
        .key = piece->key,
        .mode = (int32_t)piece->mode,
    };
    memcpy(record->magic, TB__CACHE_RECORD_MAGIC, sizeof record->magic);
    (void)tb_text_copy(record->name, sizeof record->name, piece->name);
}

tb_status tb_piece_writer_append(tb_piece_writer *writer, const tb_piece *piece, tb_error *err)
{
    tb_status status = TB_OK;
    uint8_t *bytes = NULL;
    tb__cache_record record;
    tb__cache_layout layout;
    const char *complaint = tb__piece_complaint(piece, writer->n_bands);
    if (complaint) TB_FAIL(err, TB_INVALID, "piece \"%.100s\" cannot be stored: %s", piece->name, complaint);
    if (tb_piece_writer_has(writer, piece->name))
        TB_FAIL(err, TB_EXISTS, "piece \"%.100s\" is in %.200s already", piece->name, writer->path);
    fill_record(piece, &record);
    if (!tb__cache_lay_out(&record, writer->n_bands, &layout) ||
        !(bytes = tb_alloc_aligned(layout.size_bytes, 1)))
        TB_FAIL(err, TB_NO_MEMORY, "no memory to store piece \"%.100s\"", piece->name);
    record.size_bytes = layout.size_bytes;
    memcpy(bytes, &record, sizeof record);
    if (piece->n_beats) memcpy(bytes + layout.beats_at, piece->beats, piece->n_beats * sizeof *piece->beats);
    if (piece->n_bars) memcpy(bytes + layout.bars_at, piece->bars, piece->n_bars * sizeof *piece->bars);
    for (size_t i = 0; i < TB_STEM_COUNT; i++)
        if (piece->rows[i])
            memcpy(bytes + layout.rows_at[i], piece->rows[i],
                   piece->n_rows * writer->n_bands * sizeof *piece->rows[i]);
    tb__cache_record *placed = (tb__cache_record *)(void *)bytes;
    placed->digest = tb__cache_digest(bytes, &placed->digest, layout.size_bytes);
    TB_TRY(keep_name(writer, piece->name, err));
    if ((status = write_at(writer, bytes, layout.size_bytes, err)) != TB_OK) writer->n_names--;
out:
    tb_free(bytes);
    return status;
}

tb_status tb_piece_writer_sync(tb_piece_writer *writer, tb_error *err)
{
    return fdatasync(writer->file) == 0
             ? TB_OK
             : tb_error_errno(err, errno, "cannot bring %.200s to the disk", writer->path);
}
