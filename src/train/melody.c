// SPDX-License-Identifier: MIT
/* Melodies out of motifs: a bar's rhythm with steps up and down the scale, repeated, varied and answered in phrases.
 * Long and accented notes are drawn to the chord, short ones stay in the scale. */
#include "train/composer_internal.h"

static const char *const phrases[] = {"AABA", "ABAC", "ABAB", "AAAB",     "ABCB", "AB",
                                      "AAB.", "A.B.", "ABA.", "AABAAABC", "A",    "ABABACAB"};

static int next_step(tb_rng *rng, int step, int leaps)
{
    const int weights[] = {14, 60, 18, leaps};
    int by = tb__pick(rng, weights, 4);
    if (by == 3) by = tb__draw(rng, 3, 5);
    /* the further from the centre, the likelier back to it */
    step += tb__chance(rng, 50 - 7 * step) ? by : -by;
    return step < -6 ? -6 : step > 7 ? 7 : step;
}

static void draw_motif(tb__motif *motif, tb_rng *rng, const tb__plan *plan, int density, int syncopation,
                       int leaps)
{
    int step = tb__draw(rng, -2, 3);
    motif->rhythm = tb__chance(rng, 30) ? tb__known_rhythm(rng, plan->n_steps)
                                        : tb__rhythm(rng, plan->n_steps, density, syncopation);
    for (int i = 0; i < TB__MAX_MOTIF; i++) {
        motif->steps[i] = step;
        step = next_step(rng, step, leaps);
    }
}

void tb__melody_draw(tb__melody *melody, tb_rng *rng, const tb__plan *plan, int low, int high, int density)
{
    const int syncopation = tb__draw(rng, 0, 70), leaps = tb__draw(rng, 2, 25);
    *melody = (tb__melody){.low = low, .high = high, .velocity = tb__draw(rng, 76, 104)};
    melody->articulation = tb__chance(rng, 30) ? tb__draw(rng, 35, 60) : tb__draw(rng, 80, 105);
    melody->is_pentatonic = tb__chance(rng, 35);
    melody->follows_chords = tb__chance(rng, 40);
    for (int s = 0; s < plan->n_sections; s++) {
        /* later sections keep the first motif or bring one of the same manner */
        for (int m = 0; m < TB__N_MOTIFS; m++)
            draw_motif(&melody->motifs[s][m], rng, plan, density, syncopation, leaps);
        if (s > 0 && tb__chance(rng, 45)) melody->motifs[s][0] = melody->motifs[0][0];
        melody->phrases[s] = phrases[tb__draw(rng, 0, (int)(sizeof phrases / sizeof *phrases) - 1)];
    }
}

static int melody_pitch(const tb__melody *melody, const tb__harmony *harmony, int step)
{
    static const int major[] = {0, 1, 2, 4, 5}, minor[] = {0, 2, 3, 4, 6};
    if (!melody->is_pentatonic) return tb__scale_pitch(harmony, step);
    const bool is_minor = tb__scale_pitch(harmony, 2) - tb__scale_pitch(harmony, 0) == 3;
    const int octave = (step + 70) / 5 - 14, at = (step + 70) % 5;
    return tb__scale_pitch(harmony, (is_minor ? minor : major)[at] + 7 * octave);
}

/* Nearest key of the chord, the lower one of two. */
static int snap(const tb__chord *chord, int key)
{
    int best = tb__nearest_key(chord->tones[0], key);
    for (int i = 1; i < chord->n_tones; i++) {
        const int other = tb__nearest_key(chord->tones[i], key);
        const int d = other > key ? other - key : key - other, best_d = best > key ? best - key : key - best;
        if (d < best_d || (d == best_d && other < best)) best = other;
    }
    return best;
}

static int fold(const tb__melody *melody, int key)
{
    while (key > melody->high) key -= 12;
    while (key < melody->low) key += 12;
    return key;
}

int tb__melody_bar(const tb__melody *melody, const tb__plan *plan, int bar, tb__tone tones[TB__MAX_MOTIF])
{
    const tb__bar *at = &plan->bars[bar];
    const char *phrase = melody->phrases[at->section];
    int n_letters = 0, n = 0;
    while (phrase[n_letters]) n_letters++;
    const char letter = phrase[at->bar % n_letters];
    if (letter == '.') return 0;
    const tb__motif *motif = &melody->motifs[at->section][letter - 'A'];
    unsigned rhythm = motif->rhythm;
    /* a section ends on a long note */
    if (at->bar == plan->sections[at->section].n_bars - 1 && (rhythm & 0x1ff)) rhythm &= 0x1ff;
    const int home = tb__nearest_key(plan->harmony.key, (melody->low + melody->high) / 2) - plan->harmony.key;
    for (int step = 0; step < plan->n_steps; step++) {
        if (!(rhythm >> step & 1u)) continue;
        const int length = tb__steps_to_next(rhythm, step, plan->n_steps) * TB__STEP,
                  tick = bar * plan->bar_ticks + step * TB__STEP;
        const tb__chord *chord = tb__chord_at(plan, tick);
        const int shift = !melody->follows_chords ? 0 : chord->degree > 3 ? chord->degree - 7 : chord->degree;
        int key = home + melody_pitch(melody, &plan->harmony, motif->steps[n] + shift);
        if (step % 8 == 0 || length >= TB__BEAT) key = snap(chord, key);
        tones[n] = (tb__tone){.tick = tick,
                              .length = length * melody->articulation / 100,
                              .key = fold(melody, key),
                              .velocity = melody->velocity + (step % 4 == 0 ? 6 : 0) +
                                          plan->sections[at->section].loudness};
        n++;
    }
    return n;
}

void tb__figures_draw(tb__figure figures[TB__MAX_SECTIONS], tb_rng *rng, const tb__plan *plan, int density,
                      int highest_tone)
{
    const int syncopation = tb__draw(rng, 0, 80);
    const bool has_two_bars = tb__chance(rng, 40), is_known = density == 0;
    for (int s = 0; s < plan->n_sections; s++) {
        tb__figure *figure = &figures[s];
        for (int b = 0; b < 2; b++)
            figure->rhythms[b] = is_known ? tb__known_rhythm(rng, plan->n_steps)
                                          : tb__rhythm(rng, plan->n_steps, density, syncopation);
        if (!has_two_bars) figure->rhythms[1] = figure->rhythms[0];
        for (int step = 0; step < TB__MAX_STEPS; step++)
            figure->tones[step] = step == 0 || tb__chance(rng, 30) ? 0 : tb__draw(rng, 0, highest_tone);
        if (s > 0 && tb__chance(rng, 50)) *figure = figures[0];
    }
}
