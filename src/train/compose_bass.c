// SPDX-License-Identifier: MIT
/* The bass player: one instrument and one manner of sixteen for the whole piece, over the chords of the plan. */
#include "train/composer_internal.h"

enum { ASPECT_STYLE = 200, ASPECT_PLAYING = 201, ASPECT_HAND = 202, LOWEST_KEY = 26 };

typedef struct bassist {
    const tb__plan *plan;
    tb__player player;
    tb_rng rng;
    int centre;       /* roots lie within six semitones of it */
    int articulation; /* per cent of the time to the next note */
    int velocity, accent, jump; /* jump: tone that answers the root, 2 = fifth, 3 = octave or seventh */
    tb__figure figures[TB__MAX_SECTIONS];
    tb__melody melody;
} bassist;

static int root_key(const bassist *self, const tb__chord *chord)
{
    return tb__nearest_key(chord->tones[0], self->centre);
}

static int tone_key(const bassist *self, const tb__chord *chord, int tone)
{
    return root_key(self, chord) + tb__chord_tone(chord, tone) - chord->tones[0];
}

/* A note at a step of the bar, so many steps long; an octave up where the strings end. */
static void pluck(bassist *self, int bar, int step, int n_steps, int key, int velocity)
{
    if (key < LOWEST_KEY) key += 12;
    const int loudness = self->plan->sections[self->plan->bars[bar].section].loudness;
    tb__play(&self->player, bar * self->plan->bar_ticks + step * TB__STEP,
             n_steps * TB__STEP * self->articulation / 100, key,
             velocity + loudness + (step % 4 == 0 ? self->accent : 0), 0);
}

static const tb__chord *chord_of(const bassist *self, int bar, int step)
{
    return tb__chord_at(self->plan, bar * self->plan->bar_ticks + step * TB__STEP);
}

static void pluck_tone(bassist *self, int bar, int step, int n_steps, int tone)
{
    pluck(self, bar, step, n_steps, tone_key(self, chord_of(self, bar, step), tone), self->velocity);
}

/* Root every `every` steps, each as long. */
static void pulse(bassist *self, int bar, int every)
{
    for (int step = 0; step < self->plan->n_steps; step += every) pluck_tone(self, bar, step, every, 0);
}

/* --- manners -------------------------------------------------------------------------------------------- */

static void play_long(bassist *self, int bar)
{
    const int half = self->plan->n_steps / 2;
    if (chord_of(self, bar, 0)->degree == chord_of(self, bar, half)->degree) {
        pluck_tone(self, bar, 0, 2 * half, 0);
    } else {
        pluck_tone(self, bar, 0, half, 0);
        pluck_tone(self, bar, half, half, 0);
    }
}

static void play_quarters(bassist *self, int bar)
{
    pulse(self, bar, 4);
}

static void play_eighths(bassist *self, int bar)
{
    pulse(self, bar, 2);
}

static void play_octaves(bassist *self, int bar)
{
    for (int step = 0; step < self->plan->n_steps; step += 2) {
        const int root = root_key(self, chord_of(self, bar, step));
        pluck(self, bar, step, 2, step % 4 ? root + 12 : root, self->velocity);
    }
}

static void play_figure(bassist *self, int bar, bool has_tones, bool on_pedal)
{
    const tb__figure *figure = &self->figures[self->plan->bars[bar].section];
    const unsigned rhythm = figure->rhythms[bar % 2];
    for (int step = 0; step < self->plan->n_steps; step++) {
        if (!(rhythm >> step & 1u)) continue;
        const int length = tb__steps_to_next(rhythm, step, self->plan->n_steps);
        if (on_pedal)
            pluck(self, bar, step, length, tb__nearest_key(self->plan->harmony.key, self->centre),
                  self->velocity);
        else pluck_tone(self, bar, step, length, has_tones ? figure->tones[step] : 0);
    }
}

static void play_riff(bassist *self, int bar)
{
    play_figure(self, bar, true, false);
}

static void play_syncopes(bassist *self, int bar)
{
    play_figure(self, bar, false, false);
}

static void play_pedal(bassist *self, int bar)
{
    play_figure(self, bar, false, true);
}

static void play_walking(bassist *self, int bar)
{
    static const int tones[] = {0, 1, 2, 1};
    const int n_beats = self->plan->beats_per_bar, last = n_beats - 1;
    for (int beat = 0; beat < last; beat++) {
        int key =
            tone_key(self, chord_of(self, bar, 4 * beat), beat == 0 ? 0 : tones[tb__draw(&self->rng, 1, 3)]);
        if (beat > 0 && tb__chance(&self->rng, 25)) key += tb__chance(&self->rng, 50) ? 2 : -2;
        pluck(self, bar, 4 * beat, 4, key, self->velocity);
    }
    /* the last beat leads to the next root from a semitone or a whole tone beside it */
    const int target = root_key(self, chord_of(self, bar, self->plan->n_steps));
    static const int leads[] = {-1, 1, -2, 2};
    pluck(self, bar, 4 * last, 4, target + leads[tb__draw(&self->rng, 0, 3)], self->velocity);
}

/* Root and fifth by turns: within the bar, or from bar to bar in three. */
static void play_two_beat(bassist *self, int bar)
{
    const int fifth_up = self->jump == 2 ? 0 : -12;
    if (self->plan->beats_per_bar == 3) {
        pluck(self, bar, 0, 4,
              tone_key(self, chord_of(self, bar, 0), bar % 2 ? 2 : 0) + (bar % 2 ? fifth_up : 0),
              self->velocity);
        return;
    }
    pluck_tone(self, bar, 0, 4, 0);
    pluck(self, bar, 8, 4, tone_key(self, chord_of(self, bar, 8), 2) + fifth_up, self->velocity);
}

static void play_arpeggio(bassist *self, int bar)
{
    static const int orders[4][4] = {{0, 2, 3, 2}, {0, 1, 2, 1}, {0, 1, 2, 3}, {0, 2, 1, 2}};
    for (int step = 0; step < self->plan->n_steps; step += 2)
        pluck_tone(self, bar, step, 2, orders[self->accent % 4][step / 2 % 4]);
}

static void play_bossa(bassist *self, int bar)
{
    const int n_steps = self->plan->n_steps, last = n_steps == 12 ? 10 : 14;
    pluck_tone(self, bar, 0, 6, 0);
    pluck_tone(self, bar, 6, 2, 2);
    pluck_tone(self, bar, 8, last - 8, 2);
    pluck_tone(self, bar, last, 2, 0);
}

static void play_slap(bassist *self, int bar)
{
    const tb__figure *figure = &self->figures[self->plan->bars[bar].section];
    const unsigned rhythm = figure->rhythms[bar % 2] | 1u;
    for (int step = 0; step < self->plan->n_steps; step++) {
        const int root = root_key(self, chord_of(self, bar, step));
        if (rhythm >> step & 1u)
            pluck(self, bar, step, 1, figure->tones[step] > 1 && step ? root + 12 : root,
                  self->velocity + 10);
        else if (tb__chance(&self->rng, 15)) pluck(self, bar, step, 1, root, 40); /* a dead note */
    }
}

static void play_pump(bassist *self, int bar)
{
    for (int step = 0; step < self->plan->n_steps; step++)
        if (step % 4) pluck_tone(self, bar, step, 1, step % 4 == 3 && self->accent % 2 ? self->jump : 0);
}

static void play_melodic(bassist *self, int bar)
{
    tb__tone tones[TB__MAX_MOTIF];
    const int n = tb__melody_bar(&self->melody, self->plan, bar, tones);
    for (int i = 0; i < n; i++)
        tb__play(&self->player, tones[i].tick, tones[i].length, tones[i].key, tones[i].velocity, 0);
    if (n == 0) pluck_tone(self, bar, 0, 4, 0);
}

static void play_gallop(bassist *self, int bar)
{
    for (int step = 0; step < self->plan->n_steps; step++)
        if (step % 4 != 1) pluck_tone(self, bar, step, step % 4 == 0 ? 2 : 1, 0);
}

static void play_off_beats(bassist *self, int bar)
{
    for (int step = 2; step < self->plan->n_steps; step += 4) pluck_tone(self, bar, step, 2, 0);
}

typedef struct manner {
    const char *name;
    void (*play)(bassist *self, int bar);
    int weight, density; /* density of the figure: 0 = a well-known rhythm */
} manner;

static const manner manners[] = {
    {"long notes", play_long, 6, 0},    {"quarters", play_quarters, 5, 0},
    {"eighths", play_eighths, 10, 0},   {"octaves", play_octaves, 7, 0},
    {"riff", play_riff, 16, 40},        {"known riff", play_riff, 8, 0},
    {"syncopes", play_syncopes, 8, 32}, {"known syncopes", play_syncopes, 6, 0},
    {"walking", play_walking, 9, 0},    {"two-beat", play_two_beat, 5, 0},
    {"arpeggio", play_arpeggio, 7, 0},  {"bossa", play_bossa, 5, 0},
    {"slap", play_slap, 6, 45},         {"pump", play_pump, 5, 0},
    {"melodic", play_melodic, 7, 30},   {"gallop", play_gallop, 4, 0},
    {"pedal", play_pedal, 4, 40},       {"off-beats", play_off_beats, 4, 0},
};
enum { N_MANNERS = sizeof manners / sizeof *manners };

tb_status tb__compose_bass(const tb__plan *plan, tb_song *song, tb_error *err)
{
    static const int program_weights[8] = {14, 24, 14, 10, 8, 6, 12, 12}; /* 32 acoustic to 39 synth bass 2 */
    bassist self = {.plan = plan};
    int weights[N_MANNERS];
    tb_rng rng;
    tb__rng_branch(&rng, plan->seed, ASPECT_STYLE);
    tb__rng_branch(&self.rng, plan->seed, ASPECT_PLAYING);
    for (int i = 0; i < N_MANNERS; i++) weights[i] = manners[i].weight;
    const manner *how = &manners[tb__pick(&rng, weights, N_MANNERS)];
    const int program = 32 + tb__pick(&rng, program_weights, 8);
    self.centre = tb__draw(&rng, 32, 42);
    self.articulation = tb__chance(&rng, 30) ? tb__draw(&rng, 35, 60) : tb__draw(&rng, 75, 100);
    self.velocity = tb__draw(&rng, 78, 104);
    self.accent = tb__draw(&rng, 0, 14);
    self.jump = tb__draw(&rng, 2, 3);
    tb__figures_draw(self.figures, &rng, plan, how->density, 3);
    tb__melody_draw(&self.melody, &rng, plan, self.centre - 5, self.centre + 12, 30);

    tb__player_open(&self.player, plan, song, program, false, how->name, ASPECT_HAND, err);
    tb__set_synthetic(&self.player, plan->is_chip ? 85 : program >= 38 ? 40 : 12);
    self.player.is_mono = true;
    for (int bar = 0; bar < plan->n_bars; bar++)
        if (tb__plays(plan, bar, TB_STEM_BASS)) how->play(&self, bar);
    return tb__player_close(&self.player);
}
