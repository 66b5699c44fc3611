// SPDX-License-Identifier: MIT
/* Where the songs of a data set come from: the composer, or the MIDI songs below a folder.
 *
 * Song i follows from the configuration and i alone.  Nothing changes after open; any threads. */
#ifndef TIMBRE_TRAIN_SONG_SOURCE_H
#define TIMBRE_TRAIN_SONG_SOURCE_H

#include "train/song.h"

typedef struct tb_song_source_config {
    uint64_t seed;
    double seconds;          /* 4 to 600: composed songs last so long, MIDI songs at most */
    const char *midi_folder; /* NULL: composed */
} tb_song_source_config;

typedef struct tb_song_source tb_song_source;

/* config: borrowed until close.  MIDI files that cannot be read or last less than 4 s are logged and left out.
 * TB_INVALID where none is left, TB_NOT_FOUND, TB_NO_MEMORY. */
tb_status tb_song_source_open(const tb_song_source_config *config, tb_song_source **source, tb_error *err) TB_MUST_CHECK;
/* Accepts NULL. */
void tb_song_source_close(tb_song_source *source);
/* How many songs there are; SIZE_MAX for the composer. */
size_t tb_song_source_count(const tb_song_source *source);
/* Changes when the same configuration gives other songs: another composer, other files. */
uint64_t tb_song_source_digest(const tb_song_source *source);
/* i: below the count.  A MIDI song is cut to a passage that begins with a bar, and brought to within 2 % of its tempo
 * group where it is near one.  *song: tb_song_free. */
tb_status tb_song_source_get(const tb_song_source *source, size_t i, tb_song **song, tb_error *err) TB_MUST_CHECK;

#endif
