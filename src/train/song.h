// SPDX-License-Identifier: MIT
/* A piece of music as notes: what the composer and the MIDI reader make and the renderer plays.
 *
 * A song is a list of parts; each part is one instrument of one stem with its events in order of time.  The five
 * stems are those of "Music similarity focusing on individual instruments" (section IV-A, after Slakh2100).
 * One thread at a time; a song that nobody changes may be read by any number of threads. */
#ifndef TIMBRE_TRAIN_SONG_H
#define TIMBRE_TRAIN_SONG_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum tb_stem {
    TB_STEM_DRUMS,
    TB_STEM_BASS,
    TB_STEM_PIANO,
    TB_STEM_GUITAR,
    TB_STEM_OTHERS,
    TB_STEM_COUNT
} tb_stem;

/* "drums", "bass", "piano", "guitar", "others". */
const char *tb_stem_name(tb_stem stem);
/* False for any other name; *stem is then untouched. */
bool tb_stem_from_name(const char *name, tb_stem *stem);
/* Stem of a General MIDI program 0 to 127; a drum kit (channel 10) is drums whatever its program. */
tb_stem tb_stem_of_program(int program, bool is_drums);

/* Pieces are mixed with others of their tempo group.  Composed ones lie within 2 % of the group's tempo. */
enum { TB_TEMPO_GROUPS = 10 };
double tb_tempo_group_bpm(int group);
/* Group with the nearest tempo (by ratio). */
int tb_tempo_group_nearest(double bpm);

typedef enum tb_mode {
    TB_MODE_MAJOR,
    TB_MODE_MINOR,
    TB_MODE_HARMONIC_MINOR,
    TB_MODE_DORIAN,
    TB_MODE_MIXOLYDIAN,
    TB_MODE_LYDIAN,
    TB_MODE_PHRYGIAN,
    TB_MODE_COUNT
} tb_mode;
/* "major", "minor", "harmonic minor", ... */
const char *tb_mode_name(tb_mode mode);

/* In the order in which events of one time are played. */
typedef enum tb_event_kind {
    TB_EVENT_NOTE_OFF, /* a = key 0-127 */
    TB_EVENT_PROGRAM,  /* a = program 0-127 */
    TB_EVENT_CONTROL,  /* a = MIDI controller 0-127, b = value 0-127 */
    TB_EVENT_BEND,     /* b = -8192 to 8191, as far as the part's bend_semitones down and up */
    TB_EVENT_NOTE_ON,  /* a = key 0-127, b = velocity 1-127 */
    TB_EVENT_KIND_COUNT
} tb_event_kind;

typedef struct tb_event {
    double time_s; /* 0 to the song's duration */
    uint8_t kind;  /* tb_event_kind */
    uint8_t a;
    int16_t b;
} tb_event;

enum { TB_PART_MAX_EVENTS = 1 << 20, TB_SONG_MAX_PARTS = 256, TB_SONG_MAX_BEATS = 1 << 16 };
#define TB_SONG_MAX_S 3600.0

/* One instrument.  Keys of a drum part are the sounds of the General MIDI percussion map. */
typedef struct tb_part {
    tb_stem stem;
    int program;        /* General MIDI, 0-127; of a drum part the kit (0 standard, 8 room, 25 TR-808 ...) */
    bool is_drums;      /* plays on channel 10 */
    bool is_voice;      /* a singing line: one note at a time, fit for a formant voice */
    int bend_semitones; /* 1 to 24; 2 unless set */
    double synthetic;   /* 0 to 1: how likely an own synthesiser patch suits it better than a soundfont */
    char name[48];      /* instrument or style, for people */
    tb_event *events;
    size_t n_events, capacity;
} tb_part;

typedef struct tb_song {
    uint64_t seed; /* of the composer; 0 for a file */
    char name[64];
    double tempo_bpm; /* beats (quarters) a minute; of a song with tempo changes the mean */
    int tempo_group;
    int beats_per_bar; /* of the song's main metre */
    int key;           /* 0 = C to 11 = B; -1 = unknown */
    tb_mode mode;      /* TB_MODE_COUNT = unknown */
    double duration_s;
    double *beats; /* ascending times of all beats, from 0 to below duration_s */
    size_t n_beats, beats_capacity;
    double *bars; /* ascending times of the first beats of bars */
    size_t n_bars, bars_capacity;
    tb_part *parts;
    size_t n_parts, parts_capacity;
} tb_song;

/* An empty song in 4/4; NULL without memory. */
tb_song *tb_song_new(void);
/* Accepts NULL. */
void tb_song_free(tb_song *song);

/* Adds a part without events; its stem follows from program and is_drums.  *index is its place in song->parts (the
 * array moves when another part is added).  name is cut to fit.  TB_TOO_LARGE past TB_SONG_MAX_PARTS, TB_NO_MEMORY. */
tb_status tb_song_add_part(tb_song *song, int program, bool is_drums, const char *name, size_t *index,
                           tb_error *err) TB_MUST_CHECK;
/* TB_TOO_LARGE past TB_PART_MAX_EVENTS, TB_NO_MEMORY.  Order does not matter before tb_song_sort. */
tb_status tb_part_append(tb_part *part, const tb_event *event, tb_error *err) TB_MUST_CHECK;
/* Adds a beat and, where is_bar, a bar at that time.  TB_TOO_LARGE past TB_SONG_MAX_BEATS, TB_NO_MEMORY. */
tb_status tb_song_append_beat(tb_song *song, double time_s, bool is_bar, tb_error *err) TB_MUST_CHECK;

/* Orders the events of each part by time, kind, a, b. */
void tb_song_sort(tb_song *song);
/* Multiplies all times, so that a song of 120 bpm lasts `factor` times as long; tempo and group follow.
 * factor: above 0. */
void tb_song_stretch(tb_song *song, double factor);
/* Leaves the passage from start_s to end_s, which then begins at 0: notes that start before it are gone, those that reach
 * past it end with it, controllers stand as they stood.  0 <= start_s < end_s, at most the duration.  TB_NO_MEMORY: the
 * song is then of no use. */
tb_status tb_song_cut(tb_song *song, double start_s, double end_s, tb_error *err) TB_MUST_CHECK;
/* Bit 1 << stem for each stem with at least one note. */
unsigned tb_song_stems(const tb_song *song);
/* TB_INVALID with what is wrong: values out of range, times out of order or outside the song, a note off without its
 * note.  For tests and before rendering. */
tb_status tb_song_check(const tb_song *song, tb_error *err) TB_MUST_CHECK;

#endif
