// SPDX-License-Identifier: MIT
/* The keyboard player: a piano, an electric piano, a harpsichord or a clavinet, in one manner for the whole piece. */
#include "train/composer_internal.h"

enum { ASPECT_STYLE = 300, ASPECT_HAND = 301, MAX_VOICES = 5 };

typedef struct pianist {
    const tb__plan *plan;
    tb__player player;
    int centre, left_centre; /* of chords and of roots */
    int n_voices, articulation, velocity, variant, roll_us;
    bool pedal;
    tb__figure figures[TB__MAX_SECTIONS];
    tb__melody melody;
} pianist;

static const tb__chord *chord_of(const pianist *self, int bar, int step)
{
    return tb__chord_at(self->plan, bar * self->plan->bar_ticks + step * TB__STEP);
}

static void press(pianist *self, int bar, int step, int n_steps, int key, int velocity, int late_us)
{
    const int loudness = self->plan->sections[self->plan->bars[bar].section].loudness;
    tb__play(&self->player, bar * self->plan->bar_ticks + step * TB__STEP,
             n_steps * TB__STEP * self->articulation / 100, key,
             velocity + loudness + (step % 4 == 0 ? 4 : 0), late_us);
}

static void press_chord(pianist *self, int bar, int step, int n_steps)
{
    int keys[MAX_VOICES];
    tb__voicing(chord_of(self, bar, step), self->centre, self->n_voices, keys);
    for (int i = 0; i < self->n_voices; i++)
        press(self, bar, step, n_steps, keys[i], self->velocity, i * self->roll_us);
}

static void press_root(pianist *self, int bar, int step, int n_steps, int tone)
{
    const tb__chord *chord = chord_of(self, bar, step);
    const int root = tb__nearest_key(chord->tones[0], self->left_centre);
    press(self, bar, step, n_steps, root + tb__chord_tone(chord, tone) - chord->tones[0], self->velocity - 4,
          0);
}

static void press_octave(pianist *self, int bar, int step, int n_steps)
{
    const int root = tb__nearest_key(chord_of(self, bar, step)->tones[0], self->left_centre);
    press(self, bar, step, n_steps, root, self->velocity, 0);
    press(self, bar, step, n_steps, root - 12, self->velocity, 0);
}

/* The pedal is changed with the chord. */
static void press_pedal(pianist *self, int bar)
{
    for (int half = 0; half < 2 && self->pedal; half++) {
        const int tick = bar * self->plan->bar_ticks + half * self->plan->bar_ticks / 2;
        if (half == 1 && chord_of(self, bar, 0)->degree == tb__chord_at(self->plan, tick)->degree) break;
        tb__control(&self->player, tick, 64, 0);
        tb__control(&self->player, tick + 8, 64, 127);
    }
}

static void play_right_melody(pianist *self, int bar, bool in_octaves)
{
    tb__tone tones[TB__MAX_MOTIF];
    const int n = tb__melody_bar(&self->melody, self->plan, bar, tones);
    for (int i = 0; i < n; i++) {
        tb__play(&self->player, tones[i].tick, tones[i].length, tones[i].key, tones[i].velocity, 0);
        if (in_octaves)
            tb__play(&self->player, tones[i].tick, tones[i].length, tones[i].key + 12, tones[i].velocity - 8,
                     0);
    }
}

/* --- manners -------------------------------------------------------------------------------------------- */

static void play_blocks(pianist *self, int bar)
{
    const int every = self->variant % 2 ? self->plan->n_steps / 2 : self->plan->n_steps;
    press_octave(self, bar, 0, self->plan->n_steps);
    for (int step = 0; step < self->plan->n_steps; step += every) press_chord(self, bar, step, every);
}

static void play_quarters(pianist *self, int bar)
{
    for (int step = 0; step < self->plan->n_steps; step += 4) press_chord(self, bar, step, 4);
    press_root(self, bar, 0, self->plan->n_steps, 0);
}

static void play_eighths(pianist *self, int bar)
{
    for (int step = 0; step < self->plan->n_steps; step += 2) press_chord(self, bar, step, 2);
}

static void play_comping(pianist *self, int bar)
{
    const unsigned rhythm = self->figures[self->plan->bars[bar].section].rhythms[bar % 2];
    for (int step = 0; step < self->plan->n_steps; step++)
        if (rhythm >> step & 1u)
            press_chord(self, bar, step, tb__steps_to_next(rhythm, step, self->plan->n_steps));
    if (self->variant % 2) press_root(self, bar, 0, self->plan->n_steps / 2, 0);
}

/* Up, up and down, or up and back in a pattern of the pianist's own, in eighths or sixteenths. */
static void play_arpeggio(pianist *self, int bar)
{
    static const int orders[4][8] = {{0, 1, 2, 3, 4, 5, 6, 7},
                                     {0, 1, 2, 3, 4, 3, 2, 1},
                                     {0, 2, 1, 2, 3, 2, 1, 2},
                                     {0, 2, 4, 3, 2, 4, 3, 2}};
    const int every = self->variant >= 4 ? 1 : 2;
    for (int step = 0; step < self->plan->n_steps; step += every)
        press_root(self, bar, step, every, orders[self->variant % 4][step / every % 8]);
}

static void play_alberti(pianist *self, int bar)
{
    static const int order[] = {0, 2, 1, 2};
    const int every = self->variant >= 4 ? 1 : 2;
    int keys[3];
    for (int step = 0; step < self->plan->n_steps; step += every) {
        tb__voicing(chord_of(self, bar, step), self->centre - 6, 3, keys);
        press(self, bar, step, every, keys[order[step / every % 4]], self->velocity - 8, 0);
    }
    play_right_melody(self, bar, false);
}

static void play_stride(pianist *self, int bar)
{
    for (int step = 0; step < self->plan->n_steps; step += 4) {
        const bool is_low = self->plan->beats_per_bar == 3 ? step == 0 : step % 8 == 0;
        if (is_low) press_octave(self, bar, step, 3);
        else press_chord(self, bar, step, 2);
    }
    if (self->variant % 2) play_right_melody(self, bar, false);
}

static void play_melody_with_chords(pianist *self, int bar)
{
    int keys[3];
    tb__voicing(chord_of(self, bar, 0), self->left_centre + 10, 3, keys);
    for (int i = 0; i < 3; i++) press(self, bar, 0, self->plan->n_steps, keys[i], self->velocity - 12, 0);
    play_right_melody(self, bar, self->variant >= 4);
}

static void play_stabs(pianist *self, int bar)
{
    const unsigned rhythm = self->figures[self->plan->bars[bar].section].rhythms[bar % 2];
    for (int step = 0; step < self->plan->n_steps; step++)
        if (rhythm >> step & 1u) press_chord(self, bar, step, 1);
}

static void play_off_beats(pianist *self, int bar)
{
    for (int step = 2; step < self->plan->n_steps; step += 4)
        press_chord(self, bar, step, self->variant % 2 ? 1 : 2);
}

static void play_pad(pianist *self, int bar)
{
    const int half = self->plan->n_steps / 2;
    press_chord(self, bar, 0, 2 * half);
    if (chord_of(self, bar, 0)->degree != chord_of(self, bar, half)->degree) press_chord(self, bar, half, half);
}

static void play_montuno(pianist *self, int bar)
{
    const tb__figure *figure = &self->figures[self->plan->bars[bar].section];
    static const unsigned montuno[2] = {0x4a49, 0x4952}; /* x..x..x..x.x..x. and .x..x.x.x..x..x. */
    for (int step = 0; step < self->plan->n_steps; step++) {
        if (!(montuno[bar % 2] >> step & 1u)) continue;
        const tb__chord *chord = chord_of(self, bar, step);
        const int key = tb__nearest_key(tb__chord_tone(chord, figure->tones[step]), self->centre);
        press(self, bar, step, 2, key, self->velocity, 0);
        press(self, bar, step, 2, key + 12, self->velocity, 0);
    }
}

static void play_boogie(pianist *self, int bar)
{
    static const int walk[] = {0, 4, 7, 9, 10, 9, 7, 4}; /* semitones above the root */
    for (int step = 0; step < self->plan->n_steps; step += 2) {
        const int root = tb__nearest_key(chord_of(self, bar, step)->tones[0], self->left_centre);
        press(self, bar, step, 2, root + walk[step / 2 % 8], self->velocity, 0);
    }
    play_stabs(self, bar);
}

static void play_ballad(pianist *self, int bar)
{
    press_octave(self, bar, 0, self->plan->n_steps);
    for (int step = 2; step < self->plan->n_steps; step += 2) press_chord(self, bar, step, 2);
}

static void play_ostinato(pianist *self, int bar)
{
    const tb__figure *figure = &self->figures[self->plan->bars[bar].section];
    const unsigned rhythm = figure->rhythms[bar % 2];
    for (int step = 0; step < self->plan->n_steps; step++) {
        if (!(rhythm >> step & 1u)) continue;
        const int key = tb__chord_tone(chord_of(self, bar, step), figure->tones[step]);
        press(self, bar, step, 2, tb__nearest_key(key, self->centre + 6), self->velocity, 0);
    }
    if (self->variant % 2) press_octave(self, bar, 0, 4);
}

typedef struct manner {
    const char *name;
    void (*play)(pianist *self, int bar);
    int weight, density, pedal_percent;
} manner;

static const manner manners[] = {
    {"blocks", play_blocks, 8, 0, 60},
    {"quarters", play_quarters, 7, 0, 20},
    {"eighths", play_eighths, 6, 0, 10},
    {"comping", play_comping, 12, 35, 10},
    {"known comping", play_comping, 7, 0, 10},
    {"arpeggio", play_arpeggio, 12, 0, 60},
    {"alberti", play_alberti, 8, 0, 10},
    {"stride", play_stride, 7, 0, 5},
    {"melody", play_melody_with_chords, 14, 0, 40},
    {"stabs", play_stabs, 6, 30, 0},
    {"off-beats", play_off_beats, 5, 0, 0},
    {"pad", play_pad, 6, 0, 50},
    {"montuno", play_montuno, 5, 0, 0},
    {"boogie", play_boogie, 4, 25, 0},
    {"ballad", play_ballad, 8, 0, 70},
    {"ostinato", play_ostinato, 8, 50, 20},
};
enum { N_MANNERS = sizeof manners / sizeof *manners };

tb_status tb__compose_piano(const tb__plan *plan, tb_song *song, tb_error *err)
{
    static const int program_weights[8] = {28, 14, 9, 6, 15, 14, 7, 7}; /* 0 grand piano to 7 clavinet */
    pianist self = {.plan = plan};
    int weights[N_MANNERS];
    tb_rng rng;
    tb__rng_branch(&rng, plan->seed, ASPECT_STYLE);
    for (int i = 0; i < N_MANNERS; i++) weights[i] = manners[i].weight;
    const manner *how = &manners[tb__pick(&rng, weights, N_MANNERS)];
    const int program = tb__pick(&rng, program_weights, 8);
    self.centre = tb__draw(&rng, 58, 70);
    self.left_centre = tb__draw(&rng, 40, 48);
    self.n_voices = tb__draw(&rng, 3, 4);
    self.articulation = tb__chance(&rng, 30) ? tb__draw(&rng, 35, 60) : tb__draw(&rng, 80, 100);
    self.velocity = tb__draw(&rng, 62, 96);
    self.variant = tb__draw(&rng, 0, 7);
    self.roll_us = tb__chance(&rng, 25) ? tb__draw(&rng, 5000, 25000) : 0;
    self.pedal = tb__chance(&rng, how->pedal_percent);
    const int low = tb__draw(&rng, 62, 74), density = tb__draw(&rng, 22, 45);
    tb__figures_draw(self.figures, &rng, plan, how->density, 4);
    tb__melody_draw(&self.melody, &rng, plan, low, low + 17, density);

    tb__player_open(&self.player, plan, song, program, false, how->name, ASPECT_HAND, err);
    tb__set_synthetic(&self.player, plan->is_chip ? 15 : program == 4 || program == 5 ? 20 : 6);
    for (int bar = 0; bar < plan->n_bars; bar++) {
        if (!tb__plays(plan, bar, TB_STEM_PIANO)) {
            if (self.pedal) tb__control(&self.player, bar * plan->bar_ticks, 64, 0);
            continue;
        }
        press_pedal(&self, bar);
        how->play(&self, bar);
    }
    return tb__player_close(&self.player);
}
