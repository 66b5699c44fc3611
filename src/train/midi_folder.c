// SPDX-License-Identifier: MIT
/* Walks the folder and notes each song with a digest of its bytes, so that archives that share songs give them once.
 *
 * A WAD file is a header ("IWAD" or "PWAD", number of lumps, offset of the directory), lumps, and a directory of 16
 * bytes a lump (offset, size, name of 8 bytes), all numbers little-endian ("The Unofficial Doom Specs" 1.666, section
 * 2).  A song is a lump that begins as a MIDI file does. */
#include "train/midi_folder.h"

#include "base/alloc.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/text.h"
#include "base/walk.h"
#include "train/midi_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { WAD_HEADER = 12, WAD_ENTRY = 16, WAD_MAX_LUMPS = 1 << 16, LUMP_NAME = 8, MIDI_HEADER = 14 };

typedef struct listing {
    tb_midi_entry *entries;
    uint64_t *digests;
    size_t n, capacity;
} listing;

/* A file that is open to be read in pieces. */
typedef struct source {
    int fd;
    const char *path;
    uint64_t size;
} source;

/* --- reading in pieces ---------------------------------------------------------------------------------- */

static tb_status open_source(source *self, const char *path, tb_error *err)
{
    tb_fs_info info;
    const tb_status status = tb_fs_stat(path, &info, err);
    if (status != TB_OK) return status;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return tb_error_errno(err, errno, "cannot open %.200s", path);
    *self = (source){.fd = fd, .path = path, .size = (uint64_t)info.size_bytes};
    return TB_OK;
}

static void close_source(source *self)
{
    if (self->fd >= 0) close(self->fd);
    self->fd = -1;
}

/* Exactly size bytes from offset; TB_CORRUPT if the file is shorter. */
static tb_status read_piece(const source *self, uint64_t offset, uint64_t size, uint8_t *bytes, tb_error *err)
{
    if (offset > self->size || size > self->size - offset)
        return tb_error_set(err, TB_CORRUPT, "%.200s is shorter than it says", self->path);
    for (uint64_t done = 0; done < size;) {
        const ssize_t n = pread(self->fd, bytes + done, size - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return tb_error_errno(err, errno, "cannot read %.200s", self->path);
        if (n == 0) return tb_error_set(err, TB_CORRUPT, "%.200s became shorter", self->path);
        done += (uint64_t)n;
    }
    return TB_OK;
}

/* *bytes: tb_free. */
static tb_status load_piece(const source *self, uint64_t offset, uint64_t size, uint8_t **bytes, tb_error *err)
{
    if (size > TB_MIDI_MAX_BYTES)
        return tb_error_set(err, TB_TOO_LARGE, "%.200s: a MIDI file may have at most %d bytes", self->path,
                            TB_MIDI_MAX_BYTES);
    uint8_t *loaded = tb_alloc(size, 1);
    if (!loaded) return tb_error_set(err, TB_NO_MEMORY, "no memory for %zu bytes", (size_t)size);
    const tb_status status = read_piece(self, offset, size, loaded, err);
    if (status == TB_OK) *bytes = loaded;
    else tb_free(loaded);
    return status;
}

static uint32_t little_number(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

/* --- the list ------------------------------------------------------------------------------------------- */

/* FNV-1a. */
static uint64_t digest_bytes(const uint8_t *bytes, size_t size)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < size; i++) hash = (hash ^ bytes[i]) * 0x100000001b3u;
    return hash;
}

static tb_status grow(listing *list, tb_error *err)
{
    if (list->n < list->capacity) return TB_OK;
    const size_t capacity = list->capacity ? 2 * list->capacity : 64;
    tb_midi_entry *entries = tb_realloc(list->entries, capacity, sizeof *entries);
    if (entries) list->entries = entries;
    uint64_t *digests = tb_realloc(list->digests, capacity, sizeof *digests);
    if (digests) list->digests = digests;
    if (!entries || !digests) return tb_error_set(err, TB_NO_MEMORY, "no memory for %zu songs", capacity);
    list->capacity = capacity;
    return TB_OK;
}

/* lump: its name, "" for a whole file. */
static tb_status add_song(listing *list, const source *from, const char *lump, uint64_t offset, uint64_t size,
                          tb_error *err)
{
    tb_status status = TB_OK;
    uint8_t *bytes = NULL;
    TB_TRY(grow(list, err));
    TB_TRY(load_piece(from, offset, size, &bytes, err));
    const uint64_t digest = digest_bytes(bytes, size);
    for (size_t i = 0; i < list->n; i++)
        if (list->digests[i] == digest && list->entries[i].size_bytes == size) goto out;
    tb_midi_entry entry = {.path = tb_strdup(from->path), .offset = offset, .size_bytes = size};
    if (!entry.path) TB_FAIL(err, TB_NO_MEMORY, "no memory for a path");
    char name[512];
    snprintf(name, sizeof name, "%.400s%s%s", tb_fs_name(from->path), *lump ? " " : "", lump);
    tb_text_copy(entry.name, sizeof entry.name, name);
    list->digests[list->n] = digest;
    list->entries[list->n++] = entry;
out:
    tb_free(bytes);
    return status;
}

static tb_status add_lump(listing *list, const source *wad, const uint8_t *directory_entry, tb_error *err)
{
    tb_status status = TB_OK;
    const uint64_t offset = little_number(directory_entry), size = little_number(directory_entry + 4);
    uint8_t magic[4];
    char name[LUMP_NAME + 1] = "";
    if (size < MIDI_HEADER || size > TB_MIDI_MAX_BYTES) goto out;
    TB_TRY(read_piece(wad, offset, sizeof magic, magic, err));
    if (memcmp(magic, "MThd", sizeof magic) != 0) goto out;
    for (int i = 0; i < LUMP_NAME && directory_entry[8 + i]; i++) {
        const uint8_t c = directory_entry[8 + i];
        name[i] = (char)(c > ' ' && c < 0x7f ? c : '?');
    }
    TB_TRY(add_song(list, wad, name, offset, size, err));
out:
    return status;
}

static tb_status add_wad(listing *list, const source *wad, tb_error *err)
{
    tb_status status = TB_OK;
    uint8_t header[WAD_HEADER], *directory = NULL;
    TB_TRY(read_piece(wad, 0, sizeof header, header, err));
    const uint32_t n_lumps = little_number(header + 4), at = little_number(header + 8);
    if (memcmp(header + 1, "WAD", 3) != 0)
        TB_FAIL(err, TB_CORRUPT, "%.200s does not begin as a WAD file does", wad->path);
    if (n_lumps > WAD_MAX_LUMPS)
        TB_FAIL(err, TB_CORRUPT, "%.200s says that it has %lu lumps", wad->path, (unsigned long)n_lumps);
    TB_TRY(load_piece(wad, at, (uint64_t)n_lumps * WAD_ENTRY, &directory, err));
    for (uint32_t i = 0; i < n_lumps; i++) TB_TRY(add_lump(list, wad, directory + (size_t)i * WAD_ENTRY, err));
out:
    tb_free(directory);
    return status;
}

static tb_status list_file(void *context, const char *path, const struct stat *info, tb_error *err)
{
    listing *list = context;
    source from = {.fd = -1};
    tb_error why = {0};
    const char *extension = tb_fs_extension(path);
    const bool is_wad = tb_text_equal_nocase(extension, "wad");
    if (!is_wad && !tb_text_equal_nocase(extension, "mid") && !tb_text_equal_nocase(extension, "midi"))
        return TB_OK;
    (void)info;
    tb_status status = open_source(&from, path, &why);
    if (status == TB_OK)
        status = is_wad ? add_wad(list, &from, &why) : add_song(list, &from, "", 0, from.size, &why);
    close_source(&from);
    if (status == TB_NO_MEMORY) return tb_error_set(err, status, "%s", why.message);
    if (status != TB_OK) tb_log(TB_LOG_WARN, "midi", "left out: %s", why.message);
    return TB_OK;
}

tb_status tb_midi_folder_list(const char *folder, tb_midi_entry **entries, size_t *n, tb_error *err)
{
    listing list = {0};
    const tb_walk walk = {.context = &list, .file = list_file};
    const tb_status status = tb_walk_folder(&walk, folder, err);
    tb_free(list.digests);
    if (status != TB_OK) {
        tb_midi_folder_free(list.entries, list.n);
        return status;
    }
    *entries = list.entries;
    *n = list.n;
    return TB_OK;
}

void tb_midi_folder_free(tb_midi_entry *entries, size_t n)
{
    for (size_t i = 0; entries && i < n; i++) tb_free(entries[i].path);
    tb_free(entries);
}

tb_status tb_midi_folder_read(const tb_midi_entry *entry, tb_song **song, tb_error *err)
{
    tb_status status = TB_OK;
    source from = {.fd = -1};
    uint8_t *bytes = NULL;
    TB_TRY(open_source(&from, entry->path, err));
    TB_TRY(load_piece(&from, entry->offset, entry->size_bytes, &bytes, err));
    status = tb_midi_read(bytes, entry->size_bytes, entry->name, song, err);
    if (status != TB_OK) tb_error_prefix(err, "%s", entry->name);
out:
    close_source(&from);
    tb_free(bytes);
    return status;
}
