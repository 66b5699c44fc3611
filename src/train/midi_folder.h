// SPDX-License-Identifier: MIT
/* The MIDI songs below a folder: files that end in .mid or .midi, and those inside WAD files (the archives of Doom and
 * its kin, such as Debian's freedoom). */
#ifndef TIMBRE_TRAIN_MIDI_FOLDER_H
#define TIMBRE_TRAIN_MIDI_FOLDER_H

#include "train/song.h"

/* Where a song's bytes are. */
typedef struct tb_midi_entry {
    char *path;
    char name[64]; /* of the file; inside a WAD "freedoom1.wad D_E1M1" */
    uint64_t offset, size_bytes;
} tb_midi_entry;

/* Songs in order of path and place; of equal ones (byte by byte) the first alone.  Files that cannot be read are logged
 * and left out; whether a song is sound shows when it is read.  *entries: tb_midi_folder_free.
 * TB_NOT_FOUND for a folder that is not there, TB_NO_MEMORY. */
tb_status tb_midi_folder_list(const char *folder, tb_midi_entry **entries, size_t *n,
                              tb_error *err) TB_MUST_CHECK;
/* As tb_midi_read_file, from wherever the song is. */
tb_status tb_midi_folder_read(const tb_midi_entry *entry, tb_song **song, tb_error *err) TB_MUST_CHECK;
/* Accepts NULL. */
void tb_midi_folder_free(tb_midi_entry *entries, size_t n);

#endif
