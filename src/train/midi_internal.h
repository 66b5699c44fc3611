// SPDX-License-Identifier: MIT
/* What a MIDI file says, between reading it (midi_file.c) and making a song of it (midi_song.c). */
#ifndef TIMBRE_TRAIN_MIDI_INTERNAL_H
#define TIMBRE_TRAIN_MIDI_INTERNAL_H

#include "train/song.h"

enum {
    TB__MIDI_NOTE_OFF = 0x80,
    TB__MIDI_NOTE_ON = 0x90,
    TB__MIDI_CONTROL = 0xb0,
    TB__MIDI_PROGRAM = 0xc0,
    TB__MIDI_BEND = 0xe0,
    /* meta events, numbered as in the file */
    TB__MIDI_TEMPO = 0x51,
    TB__MIDI_TIME_SIGNATURE = 0x58,
    TB__MIDI_KEY_SIGNATURE = 0x59,
};

typedef struct tb__midi_event {
    uint32_t tick, order; /* order: place in the file, for events of one tick */
    uint8_t kind, channel, a, b;
    uint32_t us_per_quarter; /* of a tempo */
} tb__midi_event;

/* All tracks as one list in order of time. */
typedef struct tb__midi {
    int ticks_per_quarter; /* 0: ticks are parts of a second, whatever the tempo */
    double ticks_per_s;    /* where ticks_per_quarter is 0 */
    tb__midi_event *events;
    size_t n_events, capacity;
} tb__midi;

/* Removes tempos that do not count from midi.  TB_INVALID for a file without notes; TB_TOO_LARGE, TB_NO_MEMORY. */
tb_status tb__midi_make_song(tb__midi *midi, const char *name, tb_song **song, tb_error *err) TB_MUST_CHECK;

#endif
