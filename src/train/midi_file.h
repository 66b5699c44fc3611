// SPDX-License-Identifier: MIT
/* Reads Standard MIDI Files (RP-001, version 1.0, formats 0 and 1) as songs.
 *
 * Each program that a channel plays becomes a part with its stem; channel 10 is drums.  Beats and bars follow the
 * tempo map and the time signatures.  The bytes may be anything: memory and time are bounded by the limits below and
 * by TB_PART_MAX_EVENTS, TB_SONG_MAX_PARTS, TB_SONG_MAX_BEATS and TB_SONG_MAX_S. */
#ifndef TIMBRE_TRAIN_MIDI_FILE_H
#define TIMBRE_TRAIN_MIDI_FILE_H

#include "train/song.h"

enum { TB_MIDI_MAX_BYTES = 16 << 20, TB_MIDI_MAX_EVENTS = 1 << 20 };

/* bytes: borrowed during the call.  name: of the song, cut to fit.  *song: sorted, passes tb_song_check, has at least
 * one note, ends with its last note; tb_song_free.
 * TB_CORRUPT with what is wrong, TB_UNSUPPORTED (format 2), TB_INVALID (no notes), TB_TOO_LARGE, TB_NO_MEMORY. */
tb_status tb_midi_read(const void *bytes, size_t size, const char *name, tb_song **song,
                       tb_error *err) TB_MUST_CHECK;
/* As above from a file, named after it.  Also what tb_fs_read says. */
tb_status tb_midi_read_file(const char *path, tb_song **song, tb_error *err) TB_MUST_CHECK;

#endif
