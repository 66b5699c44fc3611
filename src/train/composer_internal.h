// SPDX-License-Identifier: MIT
/* What the files of the composer share.
 *
 * composer.c draws the plan of a piece: tempo, metre, key, form, chords, who plays where.  Each compose_<stem>.c then
 * reads the plan, draws its instrument and manner of playing once, its material once per section, and plays bar by bar
 * through a tb__player, which adds what a hand does (timing, loudness) and keeps notes inside the piece.
 *
 * Time is counted in ticks: 96 a beat, 24 a step (a sixteenth).  All arithmetic is whole numbers. */
#ifndef TIMBRE_TRAIN_COMPOSER_INTERNAL_H
#define TIMBRE_TRAIN_COMPOSER_INTERNAL_H

#include "base/rng.h"
#include "train/song.h"

enum {
    TB__BEAT = 96,
    TB__STEP = 24,
    TB__MAX_STEPS = 16, /* of a bar */
    TB__MAX_SECTIONS = 3,
    TB__MAX_SECTION_BARS = 16,
    TB__MAX_BARS = 640 /* 600 s of 3/4 at 171 bpm are 571 */
};

/* --- drawing (composer_draw.c) -------------------------------------------------------------------------- */

/* A generator of its own for one aspect of a piece, so that drawing more in one place changes nothing elsewhere. */
void tb__rng_branch(tb_rng *rng, uint64_t seed, uint64_t aspect);
/* Evenly from low to high, both included. */
int tb__draw(tb_rng *rng, int low, int high);
bool tb__chance(tb_rng *rng, int percent);
/* Index of one of n weights (each >= 0, their sum above 0). */
int tb__pick(tb_rng *rng, const int *weights, int n);
/* Bell-shaped, mean 0, within +-3 deviations: the sum of four even numbers. */
int tb__spread(tb_rng *rng, int deviation);
/* A rhythm of n_steps (12 or 16): bit s is set where a note starts.  density: about so many per cent of the steps;
 * syncopation: 0 = on the beats, 100 = between them.  Never empty. */
unsigned tb__rhythm(tb_rng *rng, int n_steps, int density, int syncopation);
/* A well-known rhythm (tresillo, clave, ...) cut to n_steps. */
unsigned tb__known_rhythm(tb_rng *rng, int n_steps);
/* Steps from step s to the next start, at most to the end of the bar. */
int tb__steps_to_next(unsigned rhythm, int step, int n_steps);

/* --- harmony (harmony.c) -------------------------------------------------------------------------------- */

typedef struct tb__chord {
    int degree;   /* of its root in the scale, 0-6 */
    int tones[4]; /* root, third, fifth, seventh: semitones above C of octave 0; root 0-11, the rest above */
    int n_tones;  /* 3, or 4 with the seventh */
} tb__chord;

typedef struct tb__harmony {
    int key; /* 0-11 */
    tb_mode mode;
    bool sevenths;
} tb__harmony;

/* Semitones above C of octave 0 of a scale degree (any integer, 7 an octave). */
int tb__scale_pitch(const tb__harmony *harmony, int degree);
/* Fills one chord for each half bar of a section. */
void tb__progression(tb_rng *rng, const tb__harmony *harmony, int n_bars, tb__chord *halves);
/* Tone i of a chord: 0 root, 1 third, ...; past its tones an octave higher, negative ones an octave lower. */
int tb__chord_tone(const tb__chord *chord, int i);
/* The key nearest to `near` with the pitch class of `pitch`. */
int tb__nearest_key(int pitch, int near);
/* n keys of the chord in close position around `centre`, lowest first. */
void tb__voicing(const tb__chord *chord, int centre, int n, int *keys);
/* Whether the key's pitch class is one of the chord's. */
bool tb__in_chord(const tb__chord *chord, int key);

/* --- the plan (composer.c) ------------------------------------------------------------------------------ */

typedef struct tb__section {
    int n_bars;
    tb__chord chords[2 * TB__MAX_SECTION_BARS]; /* one for each half bar */
    bool plays[TB_STEM_COUNT];
    int loudness; /* added to velocities, -12 to 12 */
} tb__section;

typedef struct tb__bar {
    int section, bar; /* bar within the section */
    int pass;         /* how often the section was played before */
} tb__bar;

typedef struct tb__plan {
    uint64_t seed;
    int64_t tempo_mbpm, duration_us;
    int group, beats_per_bar, n_steps, bar_ticks;
    int swing_unit, swing_point; /* ticks: the middle of 2 * unit moves from unit to point */
    tb__harmony harmony;
    bool is_chip; /* in the manner of old game consoles */
    int n_sections, n_bars;
    tb__section sections[TB__MAX_SECTIONS];
    tb__bar bars[TB__MAX_BARS];
} tb__plan;

/* Chord at a tick of the piece. */
const tb__chord *tb__chord_at(const tb__plan *plan, int tick);
/* Whether the stem plays in the bar. */
bool tb__plays(const tb__plan *plan, int bar, tb_stem stem);

/* --- players (player.c) --------------------------------------------------------------------------------- */

typedef struct tb__note {
    int64_t start_us, end_us;
    int key, velocity;
} tb__note;

/* One part of the song while it is written.  Failures stick: the first one is reported by close. */
typedef struct tb__player {
    const tb__plan *plan;
    tb_song *song;
    size_t part;
    tb_rng rng; /* of the hand, not of the material */
    int lag_us, jitter_us, velocity_jitter;
    bool is_mono; /* a note ends where the next one starts */
    tb__note *notes;
    size_t n_notes, capacity;
    tb_status status;
    tb_error *err;
} tb__player;

/* Adds a part to the song.  aspect: of its random numbers. */
void tb__player_open(tb__player *player, const tb__plan *plan, tb_song *song, int program, bool is_drums,
                     const char *name, uint64_t aspect, tb_error *err);
/* Length in ticks; key and velocity are brought into range; notes outside the piece are left out.  late_us: on top of
 * the hand's own timing. */
void tb__play(tb__player *player, int tick, int length, int key, int velocity, int late_us);
void tb__control(tb__player *player, int tick, int controller, int value);
void tb__bend(tb__player *player, int tick, int bend);
/* How likely an own synthesiser patch plays the part, in per cent. */
void tb__set_synthetic(tb__player *player, int percent);
/* Marks the part as a singing line. */
void tb__set_voice(tb__player *player, bool is_voice);
/* Writes the notes into the song and frees what the player holds; must be called once for each open. */
tb_status tb__player_close(tb__player *player) TB_MUST_CHECK;

/* --- melodies (melody.c) -------------------------------------------------------------------------------- */

enum { TB__MAX_MOTIF = 16, TB__N_MOTIFS = 3 };

/* A bar of a melody as starts and steps of the scale around a centre. */
typedef struct tb__motif {
    unsigned rhythm;
    int steps[TB__MAX_MOTIF]; /* for each start, in order */
} tb__motif;

typedef struct tb__melody {
    int low, high;    /* keys */
    int articulation; /* per cent of the time to the next note */
    int velocity;
    bool is_pentatonic, follows_chords;
    tb__motif motifs[TB__MAX_SECTIONS][TB__N_MOTIFS];
    const char *phrases[TB__MAX_SECTIONS]; /* letters: which motif each bar of a phrase has; '.' rests */
} tb__melody;

typedef struct tb__tone {
    int tick, length, key, velocity;
} tb__tone;

/* Draws motifs for each section, all of one manner.  density: per cent of steps with a note. */
void tb__melody_draw(tb__melody *melody, tb_rng *rng, const tb__plan *plan, int low, int high, int density);
/* Notes of a bar of the piece; returns how many (0 in a rest). */
int tb__melody_bar(const tb__melody *melody, const tb__plan *plan, int bar, tb__tone tones[TB__MAX_MOTIF]);

/* A figure for accompaniment: a rhythm of one or two bars whose notes are tones of whatever chord there is. */
typedef struct tb__figure {
    unsigned rhythms[2];    /* of even and odd bars */
    int tones[TB__MAX_STEPS]; /* for tb__chord_tone, by step */
} tb__figure;

/* Draws one for each section, all of one manner; tones: 0 to highest_tone.  density as in tb__rhythm; 0 = a well-known
 * rhythm. */
void tb__figures_draw(tb__figure figures[TB__MAX_SECTIONS], tb_rng *rng, const tb__plan *plan, int density,
                      int highest_tone);

/* --- the stems ------------------------------------------------------------------------------------------ */

tb_status tb__compose_drums(const tb__plan *plan, tb_song *song, tb_error *err) TB_MUST_CHECK;
tb_status tb__compose_bass(const tb__plan *plan, tb_song *song, tb_error *err) TB_MUST_CHECK;
tb_status tb__compose_piano(const tb__plan *plan, tb_song *song, tb_error *err) TB_MUST_CHECK;
tb_status tb__compose_guitar(const tb__plan *plan, tb_song *song, tb_error *err) TB_MUST_CHECK;
tb_status tb__compose_others(const tb__plan *plan, tb_song *song, tb_error *err) TB_MUST_CHECK;

#endif
