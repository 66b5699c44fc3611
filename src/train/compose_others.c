// SPDX-License-Identifier: MIT
/* Everybody else: one to three parts, each an instrument of a family in a role that suits it (a pad, a melody, a second
 * voice, an arpeggio, an ostinato, stabs), or a singing voice. */
#include "train/composer_internal.h"

#include <stdio.h>

enum {
    ASPECT_STYLE = 500,
    ASPECT_PART = 510,
    ASPECT_HAND = 520,
    MAX_PARTS = 3,
    MAX_VOICES = 5,
    PERCENT_VOICE = 24
};

typedef struct part {
    const tb__plan *plan;
    tb__player player;
    int centre, n_voices, articulation, velocity, variant;
    bool vibrato, swells;
    tb__figure figures[TB__MAX_SECTIONS];
    tb__melody melody;
} part;

static const tb__chord *chord_of(const part *self, int bar, int step)
{
    return tb__chord_at(self->plan, bar * self->plan->bar_ticks + step * TB__STEP);
}

static void sound(part *self, int bar, int step, int n_steps, int key, int velocity)
{
    const int loudness = self->plan->sections[self->plan->bars[bar].section].loudness;
    tb__play(&self->player, bar * self->plan->bar_ticks + step * TB__STEP,
             n_steps * TB__STEP * self->articulation / 100, key, velocity + loudness, 0);
}

static void sound_chord(part *self, int bar, int step, int n_steps)
{
    int keys[MAX_VOICES];
    tb__voicing(chord_of(self, bar, step), self->centre, self->n_voices, keys);
    for (int i = 0; i < self->n_voices; i++) sound(self, bar, step, n_steps, keys[i], self->velocity);
}

/* Expression rises over the first half of a bar and falls over the second. */
static void swell(part *self, int bar)
{
    for (int i = 0; i < 8 && self->swells; i++)
        tb__control(&self->player, bar * self->plan->bar_ticks + i * self->plan->bar_ticks / 8, 11,
                    80 + 11 * (i < 4 ? i : 7 - i));
}

/* --- roles ---------------------------------------------------------------------------------------------- */

static void play_pad(part *self, int bar)
{
    const int half = self->plan->n_steps / 2;
    swell(self, bar);
    if (chord_of(self, bar, 0)->degree == chord_of(self, bar, half)->degree) {
        sound_chord(self, bar, 0, 2 * half);
    } else {
        sound_chord(self, bar, 0, half);
        sound_chord(self, bar, half, half);
    }
}

static void play_melody(part *self, int bar)
{
    tb__tone tones[TB__MAX_MOTIF];
    const int n = tb__melody_bar(&self->melody, self->plan, bar, tones);
    for (int i = 0; i < n; i++) {
        const bool is_long = tones[i].length >= TB__BEAT;
        if (self->vibrato) tb__control(&self->player, tones[i].tick, 1, 0);
        if (self->vibrato && is_long) tb__control(&self->player, tones[i].tick + TB__BEAT / 2, 1, 70);
        tb__play(&self->player, tones[i].tick, tones[i].length, tones[i].key, tones[i].velocity, 0);
        /* the second player of a duo, a third or a sixth below */
        if (self->variant == 7)
            tb__play(&self->player, tones[i].tick, tones[i].length, tones[i].key - (i % 2 ? 9 : 3),
                     tones[i].velocity - 10, 0);
    }
}

/* A voice slides into its long notes. */
static void play_voice(part *self, int bar)
{
    tb__tone tones[TB__MAX_MOTIF];
    const int n = tb__melody_bar(&self->melody, self->plan, bar, tones);
    for (int i = 0; i < n; i++) {
        const bool is_long = tones[i].length >= TB__BEAT;
        if (is_long && self->variant % 2)
            for (int k = 0; k < 4; k++) tb__bend(&self->player, tones[i].tick + 5 * k, -2048 + 2048 * k / 3);
        tb__control(&self->player, tones[i].tick, 1, is_long ? 60 : 15);
        tb__play(&self->player, tones[i].tick, tones[i].length, tones[i].key, tones[i].velocity, 0);
    }
}

/* One line in long notes: the chord's tones that lie nearest to each other. */
static void play_second_voice(part *self, int bar)
{
    const int every = self->variant % 2 ? self->plan->n_steps / 2 : self->plan->n_steps;
    for (int step = 0; step < self->plan->n_steps; step += every) {
        const int pitch = tb__chord_tone(chord_of(self, bar, step), 1 + self->variant % 3);
        sound(self, bar, step, every, tb__nearest_key(pitch, self->centre), self->velocity);
    }
}

static void play_arpeggio(part *self, int bar)
{
    static const int orders[8][4] = {{0, 1, 2, 3}, {3, 2, 1, 0}, {0, 2, 1, 3}, {0, 1, 2, 1},
                                     {0, 3, 2, 1}, {2, 1, 0, 1}, {0, 1, 3, 2}, {0, 2, 3, 2}};
    const int every = self->variant % 2 ? 1 : 2;
    int keys[4];
    for (int step = 0; step < self->plan->n_steps; step += every) {
        tb__voicing(chord_of(self, bar, step), self->centre, 4, keys);
        sound(self, bar, step, every, keys[orders[self->variant][step / every % 4]],
              self->velocity + (step % 4 == 0 ? 6 : 0));
    }
}

/* Arpeggios so fast that they are heard as one chord, as sound chips with few channels did. */
static void play_chip_chords(part *self, int bar)
{
    const tb__figure *figure = &self->figures[self->plan->bars[bar].section];
    const unsigned rhythm = figure->rhythms[bar % 2];
    const int tick_each = TB__STEP / 2;
    int keys[3];
    for (int step = 0; step < self->plan->n_steps; step++) {
        if (!(rhythm >> step & 1u)) continue;
        const int ticks = tb__steps_to_next(rhythm, step, self->plan->n_steps) * TB__STEP;
        tb__voicing(chord_of(self, bar, step), self->centre, 3, keys);
        for (int i = 0; i * tick_each < ticks; i++)
            tb__play(&self->player, bar * self->plan->bar_ticks + step * TB__STEP + i * tick_each, tick_each,
                     keys[i % 3], self->velocity, 0);
    }
}

static void play_ostinato(part *self, int bar)
{
    const tb__figure *figure = &self->figures[self->plan->bars[bar].section];
    const unsigned rhythm = figure->rhythms[bar % 2];
    for (int step = 0; step < self->plan->n_steps; step++) {
        if (!(rhythm >> step & 1u)) continue;
        const int pitch = tb__chord_tone(chord_of(self, bar, step), figure->tones[step]);
        sound(self, bar, step, 2, tb__nearest_key(pitch, self->centre), self->velocity + (step % 4 == 0 ? 6 : 0));
    }
}

static void play_stabs(part *self, int bar)
{
    const unsigned rhythm = self->figures[self->plan->bars[bar].section].rhythms[bar % 2];
    for (int step = 0; step < self->plan->n_steps; step++)
        if (rhythm >> step & 1u) sound_chord(self, bar, step, self->variant % 2 ? 1 : 2);
}

typedef enum role {
    ROLE_PAD,
    ROLE_MELODY,
    ROLE_SECOND,
    ROLE_ARPEGGIO,
    ROLE_CHIP,
    ROLE_OSTINATO,
    ROLE_STABS,
    ROLE_VOICE,
    ROLE_COUNT
} role;

static const struct {
    const char *name;
    void (*play)(part *self, int bar);
    bool is_mono;
} roles[ROLE_COUNT] = {
    [ROLE_PAD] = {"pad", play_pad, false},          [ROLE_MELODY] = {"melody", play_melody, false},
    [ROLE_SECOND] = {"second", play_second_voice, true}, [ROLE_ARPEGGIO] = {"arpeggio", play_arpeggio, false},
    [ROLE_CHIP] = {"chip chords", play_chip_chords, true}, [ROLE_OSTINATO] = {"ostinato", play_ostinato, false},
    [ROLE_STABS] = {"stabs", play_stabs, false},    [ROLE_VOICE] = {"voice", play_voice, true},
};

/* --- families ------------------------------------------------------------------------------------------- */

typedef struct family {
    const char *name;
    int first, last, centre; /* programs; middle of the range */
    int weight, synthetic;   /* of being drawn; per cent of own patches */
    int roles[ROLE_COUNT];   /* weights; of ROLE_VOICE always 0 */
} family;

/*                                                          pad mel sec arp chp ost stb */
static const family families[] = {
    {"mallets", 8, 15, 72, 9, 15,                          {0, 40, 0, 30, 0, 30, 0}},
    {"organ", 16, 20, 62, 10, 20,                          {45, 20, 0, 5, 0, 10, 20}},
    {"accordion", 21, 23, 66, 5, 8,                        {25, 50, 15, 0, 0, 0, 10}},
    {"solo strings", 40, 43, 64, 7, 6,                     {0, 60, 40, 0, 0, 0, 0}},
    {"strings", 44, 44, 64, 2, 8,                          {80, 0, 20, 0, 0, 0, 0}},
    {"plucked strings", 45, 46, 66, 6, 8,                  {0, 10, 0, 55, 0, 35, 0}},
    {"string ensemble", 48, 51, 64, 13, 12,                {55, 12, 13, 0, 0, 15, 5}},
    {"choir", 52, 54, 64, 6, 15,                           {75, 0, 25, 0, 0, 0, 0}},
    {"orchestra hit", 55, 55, 58, 1, 15,                   {0, 0, 0, 0, 0, 0, 100}},
    {"solo brass", 56, 60, 60, 7, 8,                       {0, 60, 25, 0, 0, 0, 15}},
    {"brass", 61, 63, 62, 8, 15,                           {20, 15, 0, 0, 0, 10, 55}},
    {"reeds", 64, 71, 64, 10, 8,                           {0, 70, 25, 0, 0, 5, 0}},
    {"pipes", 72, 79, 76, 9, 10,                           {0, 75, 15, 5, 0, 5, 0}},
    {"synth lead", 80, 84, 70, 12, 45,                     {0, 55, 5, 20, 10, 10, 0}},
    {"synth lead", 86, 87, 66, 3, 45,                      {0, 60, 0, 20, 0, 20, 0}},
    {"synth pad", 88, 95, 62, 9, 40,                       {85, 0, 10, 0, 0, 5, 0}},
    {"atmosphere", 96, 103, 64, 3, 40,                     {60, 10, 10, 20, 0, 0, 0}},
    {"plucked world", 104, 108, 66, 5, 8,                  {0, 45, 0, 30, 0, 25, 0}},
    {"blown world", 109, 111, 68, 3, 8,                    {0, 80, 20, 0, 0, 0, 0}},
    {"steel drums", 114, 114, 70, 1, 8,                    {0, 60, 0, 25, 0, 15, 0}},
};
static const family chip_lead = {"chip", 80, 81, 72, 0, 92, {0, 45, 5, 22, 20, 8, 0}};
static const family singer = {"voice", 52, 54, 64, 0, 70, {0}};
enum { N_FAMILIES = sizeof families / sizeof *families };

static const family *draw_family(tb_rng *rng, bool is_chip)
{
    int weights[N_FAMILIES];
    for (int i = 0; i < N_FAMILIES; i++) weights[i] = families[i].weight;
    const family *drawn = &families[tb__pick(rng, weights, N_FAMILIES)];
    return is_chip ? &chip_lead : drawn;
}

static tb_status compose_part(const tb__plan *plan, int index, bool is_voice, tb_song *song, tb_error *err)
{
    part self = {.plan = plan};
    tb_rng rng;
    tb__rng_branch(&rng, plan->seed, ASPECT_PART + (uint64_t)index);
    const family *drawn = draw_family(&rng, plan->is_chip && tb__chance(&rng, 85)),
                 *who = is_voice ? &singer : drawn;
    const role what = is_voice ? ROLE_VOICE : (role)tb__pick(&rng, who->roles, ROLE_COUNT);
    const bool is_lead_voice = is_voice && tb__chance(&rng, 25);
    const int program = is_lead_voice ? 85 : tb__draw(&rng, who->first, who->last);
    self.centre = who->centre + tb__draw(&rng, -5, 5);
    self.n_voices = tb__draw(&rng, 2, 4);
    if (what == ROLE_PAD || is_voice) self.articulation = tb__draw(&rng, 92, 103);
    else self.articulation = tb__chance(&rng, 30) ? tb__draw(&rng, 35, 60) : tb__draw(&rng, 80, 100);
    self.velocity = tb__draw(&rng, 66, 98);
    self.variant = tb__draw(&rng, 0, 7);
    self.vibrato = tb__chance(&rng, 45);
    self.swells = tb__chance(&rng, 35);
    const int density = is_voice ? tb__draw(&rng, 24, 38) : tb__draw(&rng, 20, 48);
    const bool is_known = tb__chance(&rng, 30);
    const int figure_density = what == ROLE_OSTINATO ? density + 15 : density;
    tb__figures_draw(self.figures, &rng, plan, is_known ? 0 : figure_density, 4);
    tb__melody_draw(&self.melody, &rng, plan, self.centre - 8, self.centre + 9, density);
    if (is_voice) self.melody.articulation = self.articulation;

    char name[64];
    snprintf(name, sizeof name, "%s, %s", who->name, roles[what].name);
    tb__player_open(&self.player, plan, song, program, false, name, ASPECT_HAND + (uint64_t)index, err);
    tb__set_synthetic(&self.player, plan->is_chip && !is_voice ? 90 : who->synthetic);
    tb__set_voice(&self.player, is_voice);
    self.player.is_mono = roles[what].is_mono;
    for (int bar = 0; bar < plan->n_bars; bar++)
        if (tb__plays(plan, bar, TB_STEM_OTHERS)) roles[what].play(&self, bar);
    return tb__player_close(&self.player);
}

tb_status tb__compose_others(const tb__plan *plan, tb_song *song, tb_error *err)
{
    static const int count_weights[MAX_PARTS] = {40, 40, 20};
    tb_status status = TB_OK;
    tb_rng rng;
    tb__rng_branch(&rng, plan->seed, ASPECT_STYLE);
    const int n_parts = 1 + tb__pick(&rng, count_weights, MAX_PARTS);
    const bool has_voice = tb__chance(&rng, PERCENT_VOICE);
    for (int i = 0; i < n_parts; i++) TB_TRY(compose_part(plan, i, has_voice && i == 0, song, err));
out:
    return status;
}
