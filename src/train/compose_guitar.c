// SPDX-License-Identifier: MIT
/* The guitarist: chords lie on six strings in standard tuning at one place of the neck, strokes go down and up. */
#include "train/composer_internal.h"

enum { ASPECT_STYLE = 400, ASPECT_PLAYING = 401, ASPECT_HAND = 402, N_STRINGS = 6, MUTED_PROGRAM = 28 };

typedef struct guitarist {
    const tb__plan *plan;
    tb__player player;
    tb_rng rng;
    int fret; /* lowest fret that the hand reaches */
    int articulation, velocity, variant, strum_us;
    tb__figure figures[TB__MAX_SECTIONS];
    tb__melody melody;
} guitarist;

static const tb__chord *chord_of(const guitarist *self, int bar, int step)
{
    return tb__chord_at(self->plan, bar * self->plan->bar_ticks + step * TB__STEP);
}

/* Keys on the strings from the lowest one that has the root; returns how many (at least three). */
static int grip(const guitarist *self, const tb__chord *chord, int keys[N_STRINGS])
{
    static const int open_strings[N_STRINGS] = {40, 45, 50, 55, 59, 64};
    int n = 0;
    for (int string = 0; string < N_STRINGS; string++) {
        int key = open_strings[string] + self->fret;
        while (!tb__in_chord(chord, key)) key++;
        const bool is_root = (key - chord->tones[0]) % 12 == 0;
        if (n == 0 && !is_root && string < 3) continue;
        if (n == 0 || key > keys[n - 1]) keys[n++] = key;
    }
    return n;
}

static void pluck(guitarist *self, int bar, int step, int n_steps, int key, int velocity, int late_us)
{
    const int loudness = self->plan->sections[self->plan->bars[bar].section].loudness;
    tb__play(&self->player, bar * self->plan->bar_ticks + step * TB__STEP,
             n_steps * TB__STEP * self->articulation / 100, key,
             velocity + loudness + (step % 4 == 0 ? 5 : 0), late_us);
}

/* A stroke over all strings; up strokes are lighter and reach the upper four alone. */
static void strum(guitarist *self, int bar, int step, int n_steps, bool is_up, int velocity)
{
    int keys[N_STRINGS];
    const int n = grip(self, chord_of(self, bar, step), keys), first = is_up && n > 4 ? n - 4 : 0;
    for (int i = first; i < n; i++)
        pluck(self, bar, step, n_steps, keys[i], is_up ? velocity - 8 : velocity,
              (is_up ? n - 1 - i : i) * self->strum_us);
}

static int low_root(const guitarist *self, int bar, int step)
{
    return tb__nearest_key(chord_of(self, bar, step)->tones[0], 45);
}

/* Root and fifth, with the octave for some. */
static void strike_power(guitarist *self, int bar, int step, int n_steps)
{
    const int root = low_root(self, bar, step);
    pluck(self, bar, step, n_steps, root, self->velocity, 0);
    pluck(self, bar, step, n_steps, root + 7, self->velocity - 4, self->strum_us);
    if (self->variant % 2) pluck(self, bar, step, n_steps, root + 12, self->velocity - 6, 2 * self->strum_us);
}

static unsigned rhythm_of(const guitarist *self, int bar)
{
    return self->figures[self->plan->bars[bar].section].rhythms[bar % 2];
}

/* --- manners -------------------------------------------------------------------------------------------- */

/* The hand goes down and up in eighths and touches the strings where the rhythm says. */
static void play_strum(guitarist *self, int bar)
{
    const unsigned rhythm = rhythm_of(self, bar) | 1u;
    for (int step = 0; step < self->plan->n_steps; step++)
        if (rhythm >> step & 1u)
            strum(self, bar, step, tb__steps_to_next(rhythm, step, self->plan->n_steps), step % 4 >= 2,
                  self->velocity);
}

static void play_campfire(guitarist *self, int bar)
{
    static const char *const strokes[] = {"D...D.U...U.D.U.", "D...D.U.D...D.U.", "D.DUD.DUD.DUD.DU",
                                          "D...D...D.U.D.U."};
    const char *text = strokes[self->variant % 4];
    for (int step = 0; step < self->plan->n_steps; step++)
        if (text[step] != '.') strum(self, bar, step, 3, text[step] == 'U', self->velocity);
}

static void play_chug(guitarist *self, int bar)
{
    const int every = self->variant >= 4 ? 1 : 2;
    const unsigned accents = rhythm_of(self, bar);
    for (int step = 0; step < self->plan->n_steps; step += every) {
        if (accents >> step & 1u) strike_power(self, bar, step, every);
        else pluck(self, bar, step, 1, low_root(self, bar, step), self->velocity - 18, 0);
    }
}

static void play_power_chords(guitarist *self, int bar)
{
    const unsigned rhythm = rhythm_of(self, bar);
    for (int step = 0; step < self->plan->n_steps; step++)
        if (rhythm >> step & 1u)
            strike_power(self, bar, step, tb__steps_to_next(rhythm, step, self->plan->n_steps));
}

/* Strings one after the other, ringing on. */
static void play_picking(guitarist *self, int bar)
{
    static const int orders[4][8] = {{0, 2, 3, 4, 5, 4, 3, 2},
                                     {0, 3, 2, 4, 3, 5, 4, 3},
                                     {0, 2, 1, 3, 0, 2, 1, 4},
                                     {0, 1, 2, 3, 2, 1, 2, 3}};
    const int every = self->variant >= 6 ? 1 : 2;
    int keys[N_STRINGS];
    for (int step = 0; step < self->plan->n_steps; step += every) {
        const int n = grip(self, chord_of(self, bar, step), keys);
        pluck(self, bar, step, 4 * every, keys[orders[self->variant % 4][step / every % 8] % n],
              self->velocity, 0);
    }
}

static void play_riff(guitarist *self, int bar)
{
    tb__tone tones[TB__MAX_MOTIF];
    const int n = tb__melody_bar(&self->melody, self->plan, bar, tones);
    for (int i = 0; i < n; i++) {
        tb__play(&self->player, tones[i].tick, tones[i].length, tones[i].key - 12, tones[i].velocity, 0);
        if (self->variant % 4 == 3)
            tb__play(&self->player, tones[i].tick, tones[i].length, tones[i].key - 5, tones[i].velocity, 0);
    }
}

/* Long notes are bent up to from below. */
static void play_lead(guitarist *self, int bar)
{
    tb__tone tones[TB__MAX_MOTIF];
    const int n = tb__melody_bar(&self->melody, self->plan, bar, tones);
    for (int i = 0; i < n; i++) {
        if (tones[i].length >= TB__BEAT && self->variant % 2) {
            for (int k = 0; k < 4; k++) tb__bend(&self->player, tones[i].tick + 6 * k, -3072 + 1024 * k);
        }
        tb__play(&self->player, tones[i].tick, tones[i].length, tones[i].key, tones[i].velocity, 0);
    }
}

/* The melody with its octave, as jazz guitarists do. */
static void play_octaves(guitarist *self, int bar)
{
    tb__tone tones[TB__MAX_MOTIF];
    const int n = tb__melody_bar(&self->melody, self->plan, bar, tones);
    for (int i = 0; i < n; i++) {
        tb__play(&self->player, tones[i].tick, tones[i].length, tones[i].key, tones[i].velocity, 0);
        tb__play(&self->player, tones[i].tick, tones[i].length, tones[i].key - 12, tones[i].velocity - 4, 0);
    }
}

/* Sixteenths of the wrist: struck where the rhythm says, scraped elsewhere. */
static void play_funk(guitarist *self, int bar)
{
    const unsigned rhythm = rhythm_of(self, bar);
    for (int step = 0; step < self->plan->n_steps; step++) {
        const bool is_struck = rhythm >> step & 1u;
        if (is_struck || tb__chance(&self->rng, 35))
            strum(self, bar, step, 1, step % 2, is_struck ? self->velocity : 38);
    }
}

static void play_skank(guitarist *self, int bar)
{
    for (int step = 2; step < self->plan->n_steps; step += 4) {
        strum(self, bar, step, 1, self->variant % 2, self->velocity);
        if (self->variant >= 6) strum(self, bar, step + 1, 1, true, self->velocity - 12);
    }
}

static void play_boom_chick(guitarist *self, int bar)
{
    for (int step = 0; step < self->plan->n_steps; step += 4) {
        const bool is_low = self->plan->beats_per_bar == 3 ? step == 0 : step % 8 == 0;
        const bool answers = self->plan->beats_per_bar == 3 ? bar % 2 : step > 0;
        if (is_low) pluck(self, bar, step, 3, low_root(self, bar, step) + (answers ? 7 : 0), self->velocity, 0);
        else strum(self, bar, step, 2, true, self->velocity);
        if (is_low || self->variant % 2) strum(self, bar, step + 2, 1, true, self->velocity - 14);
    }
}

static void play_let_ring(guitarist *self, int bar)
{
    const int half = self->plan->n_steps / 2;
    strum(self, bar, 0, 2 * half, false, self->velocity);
    if (chord_of(self, bar, 0)->degree != chord_of(self, bar, half)->degree || self->variant % 2)
        strum(self, bar, half, half, self->variant >= 4, self->velocity);
}

static void play_tremolo(guitarist *self, int bar)
{
    tb__tone tones[TB__MAX_MOTIF];
    const int n = tb__melody_bar(&self->melody, self->plan, bar, tones);
    for (int i = 0; i < n; i++)
        for (int at = 0; at < tones[i].length; at += TB__STEP)
            tb__play(&self->player, tones[i].tick + at, TB__STEP, tones[i].key,
                     tones[i].velocity - (at / TB__STEP % 2 ? 10 : 0), 0);
}

typedef struct manner {
    const char *name;
    void (*play)(guitarist *self, int bar);
    int weight, density;
    bool is_lead; /* its melody lies high */
} manner;

static const manner manners[] = {
    {"strum", play_strum, 12, 38, false},
    {"campfire", play_campfire, 9, 0, false},
    {"chug", play_chug, 9, 25, false},
    {"power chords", play_power_chords, 8, 28, false},
    {"picking", play_picking, 14, 0, false},
    {"riff", play_riff, 10, 45, false},
    {"lead", play_lead, 8, 34, true},
    {"octaves", play_octaves, 4, 32, true},
    {"funk", play_funk, 7, 40, false},
    {"skank", play_skank, 5, 0, false},
    {"boom-chick", play_boom_chick, 5, 0, false},
    {"let ring", play_let_ring, 6, 0, false},
    {"known strum", play_strum, 6, 0, false},
    {"tremolo", play_tremolo, 3, 22, true},
};
enum { N_MANNERS = sizeof manners / sizeof *manners };

tb_status tb__compose_guitar(const tb__plan *plan, tb_song *song, tb_error *err)
{
    static const int program_weights[8] = {18, 20, 9, 16, 10, 11, 14, 2}; /* 24 nylon to 31 harmonics */
    guitarist self = {.plan = plan};
    int weights[N_MANNERS];
    tb_rng rng;
    tb__rng_branch(&rng, plan->seed, ASPECT_STYLE);
    tb__rng_branch(&self.rng, plan->seed, ASPECT_PLAYING);
    for (int i = 0; i < N_MANNERS; i++) weights[i] = manners[i].weight;
    const manner *how = &manners[tb__pick(&rng, weights, N_MANNERS)];
    const int program = 24 + tb__pick(&rng, program_weights, 8);
    self.fret = tb__chance(&rng, 55) ? 0 : tb__draw(&rng, 2, 8);
    self.articulation =
        program != MUTED_PROGRAM && tb__chance(&rng, 75) ? tb__draw(&rng, 80, 105) : tb__draw(&rng, 35, 65);
    self.velocity = tb__draw(&rng, 72, 104);
    self.variant = tb__draw(&rng, 0, 7);
    self.strum_us = tb__draw(&rng, 0, 6000); /* a stroke takes up to 30 ms */
    const int low = tb__draw(&rng, how->is_lead ? 62 : 54, how->is_lead ? 72 : 60);
    const int density = how->density ? how->density : 34;
    tb__figures_draw(self.figures, &rng, plan, how->density, 3);
    tb__melody_draw(&self.melody, &rng, plan, low, low + 15, density);

    tb__player_open(&self.player, plan, song, program, false, how->name, ASPECT_HAND, err);
    tb__set_synthetic(&self.player, plan->is_chip ? 15 : 10);
    self.player.is_mono = how->is_lead && how->play == play_lead;
    for (int bar = 0; bar < plan->n_bars; bar++)
        if (tb__plays(plan, bar, TB_STEM_GUITAR)) how->play(&self, bar);
    return tb__player_close(&self.player);
}
