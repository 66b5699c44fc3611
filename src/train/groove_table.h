// SPDX-License-Identifier: MIT
/* Drum grooves as tables of probabilities. */
#ifndef TIMBRE_TRAIN_GROOVE_TABLE_H
#define TIMBRE_TRAIN_GROOVE_TABLE_H

typedef enum tb_drum_voice {
    TB_DRUM_KICK,
    TB_DRUM_SNARE,
    TB_DRUM_RIM,
    TB_DRUM_CLAP,
    TB_DRUM_HAT,
    TB_DRUM_OPEN_HAT,
    TB_DRUM_RIDE,
    TB_DRUM_BELL,
    TB_DRUM_SHAKER,
    TB_DRUM_LOW_TOM,
    TB_DRUM_HIGH_TOM,
    TB_DRUM_LOW_CONGA,
    TB_DRUM_HIGH_CONGA,
    TB_DRUM_VOICE_COUNT
} tb_drum_voice;

/* A row has one character for each sixteenth of a bar: '.' never, '1' to '9' how likely the voice is struck ('9'
 * always); a likely stroke is also a loud one.  NULL: the voice is silent. */
typedef struct tb_groove {
    const char *name;
    int low_group, high_group; /* tempo groups that it suits */
    const char *rows[TB_DRUM_VOICE_COUNT];
} tb_groove;

/* Grooves of bars with 3 or 4 beats (12 or 16 characters a row); *n of them.  Never NULL. */
const tb_groove *tb_grooves(int beats_per_bar, int *n);
/* Hand percussion to go with any groove. */
const tb_groove *tb_groove_overlays(int beats_per_bar, int *n);

#endif
