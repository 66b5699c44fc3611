// SPDX-License-Identifier: MIT
/* The drummer: one kit, one groove and one choice of sounds for the whole piece.  Each section draws its one or two bar
 * loop from the groove's probabilities, or keeps that of the first with small changes; bars end in fills now and then,
 * sections start with a cymbal. */
#include "train/composer_internal.h"
#include "train/groove_table.h"

#include <stdio.h>
#include <string.h>

enum {
    ASPECT_STYLE = 100,
    ASPECT_PLAYING = 101,
    ASPECT_HAND = 102,
    MAX_LOOP_BARS = 2,
    PERCENT_OVERLAY = 25,
    PERCENT_FILL = 70,
    PERCENT_CRASH = 80,
    PERCENT_BREAK = 4
};

/* Struck velocity of each voice and step, 0 = not struck. */
typedef struct loop {
    int n_bars;
    uint8_t velocity[MAX_LOOP_BARS][TB_DRUM_VOICE_COUNT][TB__MAX_STEPS];
} loop;

typedef struct drummer {
    const tb__plan *plan;
    tb__player player;
    tb_rng rng; /* fills, mutations, cymbals */
    const tb_groove *groove, *overlay; /* overlay may be NULL */
    int keys[TB_DRUM_VOICE_COUNT], crash_key, fill_kind, mutation_per_mille, accent;
    bool fills;
    loop loops[TB__MAX_SECTIONS];
} drummer;

static void draw_keys(drummer *self, tb_rng *rng)
{
    /* General MIDI percussion that can play a voice; the first is the usual one */
    static const uint8_t choices[TB_DRUM_VOICE_COUNT][5] = {
        [TB_DRUM_KICK] = {36, 36, 36, 35, 35},       [TB_DRUM_SNARE] = {38, 38, 38, 40, 40},
        [TB_DRUM_RIM] = {37, 37, 37, 75, 76},        [TB_DRUM_CLAP] = {39, 39, 39, 39, 40},
        [TB_DRUM_HAT] = {42, 42, 42, 42, 44},        [TB_DRUM_OPEN_HAT] = {46, 46, 46, 46, 46},
        [TB_DRUM_RIDE] = {51, 51, 59, 53, 51},       [TB_DRUM_BELL] = {56, 56, 67, 68, 53},
        [TB_DRUM_SHAKER] = {70, 82, 54, 69, 54},     [TB_DRUM_LOW_TOM] = {41, 43, 45, 41, 43},
        [TB_DRUM_HIGH_TOM] = {48, 50, 47, 48, 50},   [TB_DRUM_LOW_CONGA] = {64, 64, 61, 66, 61},
        [TB_DRUM_HIGH_CONGA] = {63, 62, 60, 65, 60},
    };
    for (int v = 0; v < TB_DRUM_VOICE_COUNT; v++) self->keys[v] = choices[v][tb__draw(rng, 0, 4)];
    static const uint8_t crashes[] = {49, 57, 55, 52};
    self->crash_key = crashes[tb__draw(rng, 0, 3)];
}

static const tb_groove *draw_groove(tb_rng *rng, const tb__plan *plan)
{
    int n = 0;
    const tb_groove *grooves = tb_grooves(plan->beats_per_bar, &n);
    for (;;) {
        const tb_groove *groove = &grooves[tb__draw(rng, 0, n - 1)];
        if (plan->group >= groove->low_group && plan->group <= groove->high_group) return groove;
    }
}

/* --- loops ---------------------------------------------------------------------------------------------- */

static void draw_rows(loop *made, tb_rng *rng, const tb_groove *groove, int n_steps, int accent)
{
    for (int bar = 0; bar < made->n_bars; bar++)
        for (int v = 0; v < TB_DRUM_VOICE_COUNT; v++)
            for (int step = 0; groove->rows[v] && step < n_steps; step++) {
                const char digit = groove->rows[v][step];
                if (digit == '.' || tb__draw(rng, 0, 8) >= digit - '0') continue;
                const int beat = step % 4 == 0 ? accent : 0;
                made->velocity[bar][v][step] = (uint8_t)(38 + 6 * (digit - '0') + beat);
            }
}

static bool is_empty(const loop *made)
{
    for (int v = 0; v < TB_DRUM_VOICE_COUNT; v++)
        for (int step = 0; step < TB__MAX_STEPS; step++)
            if (made->velocity[0][v][step]) return false;
    return true;
}

static void draw_loop(drummer *self, tb_rng *rng, loop *made)
{
    *made = (loop){.n_bars = tb__chance(rng, 55) ? 2 : 1};
    draw_rows(made, rng, self->groove, self->plan->n_steps, self->accent);
    if (self->overlay) draw_rows(made, rng, self->overlay, self->plan->n_steps, self->accent);
    if (is_empty(made)) made->velocity[0][TB_DRUM_KICK][0] = 92;
}

/* Hat and ride change places: the same hands on another metal. */
static void move_to_ride(loop *made)
{
    for (int bar = 0; bar < made->n_bars; bar++) {
        uint8_t row[TB__MAX_STEPS];
        memcpy(row, made->velocity[bar][TB_DRUM_HAT], sizeof row);
        memcpy(made->velocity[bar][TB_DRUM_HAT], made->velocity[bar][TB_DRUM_RIDE], sizeof row);
        memcpy(made->velocity[bar][TB_DRUM_RIDE], row, sizeof row);
    }
}

/* --- playing -------------------------------------------------------------------------------------------- */

static void strike(drummer *self, int tick, int key, int velocity)
{
    tb__play(&self->player, tick, TB__STEP, key, velocity, 0);
}

/* Fills over the last `beats` beats of a bar; the kind is the drummer's own. */
static void play_fill(drummer *self, int bar_tick, int beats)
{
    static const uint8_t toms[] = {50, 48, 47, 45, 43, 41};
    const int n_steps = 4 * beats, first = self->plan->n_steps - n_steps;
    for (int i = 0; i < n_steps; i++) {
        const int tick = bar_tick + (first + i) * TB__STEP, swell = 70 + 40 * i / n_steps;
        switch (self->fill_kind) {
        case 0: /* down the toms */ strike(self, tick, toms[i * 6 / n_steps], swell); break;
        case 1: /* a roll on the snare */ strike(self, tick, self->keys[TB_DRUM_SNARE], swell); break;
        case 2: /* snare and kick by turns */
            if (i % 4 != 3) strike(self, tick, self->keys[i % 2 ? TB_DRUM_KICK : TB_DRUM_SNARE], swell);
            break;
        case 3: /* eighths on toms and snare */
            if (i % 2 == 0)
                strike(self, tick, i % 4 ? toms[tb__draw(&self->rng, 1, 5)] : self->keys[TB_DRUM_SNARE],
                       swell);
            break;
        default: /* threes across the beat */
            if (i % 3 != 2) strike(self, tick, i % 3 ? toms[4] : self->keys[TB_DRUM_SNARE], swell);
            break;
        }
    }
}

static void play_loop_bar(drummer *self, const loop *made, int bar, int bar_tick, int n_steps)
{
    const int b = bar % made->n_bars, loudness = self->plan->sections[self->plan->bars[bar].section].loudness;
    for (int v = 0; v < TB_DRUM_VOICE_COUNT; v++)
        for (int step = 0; step < n_steps; step++) {
            int velocity = made->velocity[b][v][step];
            /* now and then a stroke is left out, or a soft one added */
            const int mutation_per_mille = self->mutation_per_mille * (velocity ? 4 : 1);
            if (tb__draw(&self->rng, 0, 999) < mutation_per_mille)
                velocity = velocity ? 0 : tb__chance(&self->rng, 12) ? 55 : 0;
            /* a closed hat does not sound over an open one */
            if (v == TB_DRUM_HAT && made->velocity[b][TB_DRUM_OPEN_HAT][step]) velocity = 0;
            if (velocity) strike(self, bar_tick + step * TB__STEP, self->keys[v], velocity + loudness);
        }
}

static void play_bar(drummer *self, int bar)
{
    const tb__plan *plan = self->plan;
    const tb__bar *at = &plan->bars[bar];
    const tb__section *section = &plan->sections[at->section];
    const int bar_tick = bar * plan->bar_ticks;
    const bool ends_phrase = (at->bar + 1) % 4 == 0, ends_section = at->bar + 1 == section->n_bars;
    if (at->bar == 0 && tb__chance(&self->rng, PERCENT_CRASH)) strike(self, bar_tick, self->crash_key, 100);
    if (bar > 0 && ends_phrase && tb__chance(&self->rng, PERCENT_BREAK)) {
        strike(self, bar_tick, self->keys[TB_DRUM_KICK], 105);
        strike(self, bar_tick, self->crash_key, 95);
        return;
    }
    int fill_beats = 0;
    if (self->fills && (ends_section || (ends_phrase && tb__chance(&self->rng, 40))) &&
        tb__chance(&self->rng, PERCENT_FILL))
        fill_beats = tb__draw(&self->rng, 1, ends_section ? 2 : 1);
    play_loop_bar(self, &self->loops[at->section], bar, bar_tick, plan->n_steps - 4 * fill_beats);
    if (fill_beats) play_fill(self, bar_tick, fill_beats);
}

tb_status tb__compose_drums(const tb__plan *plan, tb_song *song, tb_error *err)
{
    static const uint8_t kits[] = {0, 0, 0, 1, 2, 8, 8, 9, 16, 16, 24, 24, 25, 25, 26, 32, 40, 48};
    drummer self = {.plan = plan};
    tb_rng rng;
    tb__rng_branch(&rng, plan->seed, ASPECT_STYLE);
    tb__rng_branch(&self.rng, plan->seed, ASPECT_PLAYING);
    const int kit = kits[tb__draw(&rng, 0, (int)(sizeof kits / sizeof *kits) - 1)];
    self.groove = draw_groove(&rng, plan);
    draw_keys(&self, &rng);
    self.accent = tb__draw(&rng, 2, 16);
    self.fill_kind = tb__draw(&rng, 0, 4);
    self.fills = tb__chance(&rng, 80);
    self.mutation_per_mille = tb__draw(&rng, 0, 12);
    if (tb__chance(&rng, PERCENT_OVERLAY)) {
        int n = 0;
        const tb_groove *overlays = tb_groove_overlays(plan->beats_per_bar, &n);
        self.overlay = &overlays[tb__draw(&rng, 0, n - 1)];
    }
    for (int s = 0; s < plan->n_sections; s++) {
        draw_loop(&self, &rng, &self.loops[s]);
        if (s > 0 && tb__chance(&rng, 50)) self.loops[s] = self.loops[0];
        if (s > 0 && tb__chance(&rng, 20)) move_to_ride(&self.loops[s]);
    }

    char name[64];
    snprintf(name, sizeof name, "%s%s%s", self.groove->name, self.overlay ? " with " : "",
             self.overlay ? self.overlay->name : "");
    tb__player_open(&self.player, plan, song, kit, true, name, ASPECT_HAND, err);
    tb__set_synthetic(&self.player, plan->is_chip ? 80 : kit == 24 || kit == 25 || kit == 26 ? 30 : 8);
    for (int bar = 0; bar < plan->n_bars; bar++)
        if (tb__plays(plan, bar, TB_STEM_DRUMS)) play_bar(&self, bar);
    return tb__player_close(&self.player);
}
