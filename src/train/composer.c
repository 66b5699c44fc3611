// SPDX-License-Identifier: MIT
/* The plan of a piece, then each stem in turn.
 *
 * Form: one to three sections of 4, 8 or 16 bars, each with chords of its own, are played in an order such as A B A C
 * until the piece is long enough.  Every stem plays in the first section; in others it may pause. */
#include "train/composer.h"

#include "base/alloc.h"
#include "train/composer_internal.h"

#include <math.h>
#include <stdio.h>

enum {
    ASPECT_PLAN = 1,
    DEFAULT_S = 64,
    MIN_S = 4,
    MAX_S = 600,
    PERCENT_FOUR = 84,
    PERCENT_SWING = 25,
    PERCENT_CHIP = 15,
    PERCENT_PAUSE = 12
};

const tb_composer_options tb_composer_defaults = {.tempo_group = -1};

/* --- the plan ------------------------------------------------------------------------------------------- */

static unsigned draw_stems(tb_rng *rng)
{
    static const int weights[] = {4, 12, 24, 30, 30};
    const int n = 1 + tb__pick(rng, weights, TB_STEM_COUNT);
    unsigned stems = 0;
    for (int left = n; left > 0;) {
        const unsigned bit = 1u << tb__draw(rng, 0, TB_STEM_COUNT - 1);
        if (stems & bit) continue;
        stems |= bit;
        left--;
    }
    return stems;
}

static void draw_tempo(tb__plan *plan, tb_rng *rng, const tb_composer_options *options)
{
    const int group = tb__draw(rng, 0, TB_TEMPO_GROUPS - 1), per_mille = tb__draw(rng, -20, 20);
    const bool is_four = tb__chance(rng, PERCENT_FOUR), is_swung = tb__chance(rng, PERCENT_SWING);
    const bool in_eighths = tb__chance(rng, 60);
    plan->group = options->tempo_group >= 0 ? options->tempo_group : group;
    plan->tempo_mbpm = (int64_t)tb_tempo_group_bpm(plan->group) * (1000 + per_mille);
    plan->beats_per_bar = options->beats_per_bar ? options->beats_per_bar : is_four ? 4 : 3;
    plan->n_steps = 4 * plan->beats_per_bar;
    plan->bar_ticks = TB__BEAT * plan->beats_per_bar;
    plan->swing_unit = in_eighths ? 2 * TB__STEP : TB__STEP;
    /* 50 % is straight, 67 % a triplet */
    plan->swing_point = 2 * plan->swing_unit * (is_swung ? tb__draw(rng, 55, 67) : 50) / 100;
}

static void draw_key(tb__plan *plan, tb_rng *rng)
{
    static const int weights[TB_MODE_COUNT] = {30, 26, 10, 12, 10, 5, 7};
    plan->harmony.key = tb__draw(rng, 0, 11);
    plan->harmony.mode = (tb_mode)tb__pick(rng, weights, TB_MODE_COUNT);
    plan->harmony.sevenths = tb__chance(rng, 30);
    plan->is_chip = tb__chance(rng, PERCENT_CHIP);
}

static void draw_sections(tb__plan *plan, tb_rng *rng, unsigned stems)
{
    static const int count_weights[] = {20, 45, 35}, length_weights[] = {30, 50, 20};
    plan->n_sections = 1 + tb__pick(rng, count_weights, TB__MAX_SECTIONS);
    for (int s = 0; s < plan->n_sections; s++) {
        tb__section *section = &plan->sections[s];
        section->n_bars = 4 << tb__pick(rng, length_weights, 3);
        section->loudness = tb__draw(rng, -10, 10);
        tb__progression(rng, &plan->harmony, section->n_bars, section->chords);
        bool any = false;
        for (int stem = 0; stem < TB_STEM_COUNT; stem++) {
            const bool pauses = tb__chance(rng, PERCENT_PAUSE);
            section->plays[stem] = (stems >> stem & 1u) && (s == 0 || !pauses);
            any = any || section->plays[stem];
        }
        for (int stem = 0; stem < TB_STEM_COUNT && !any; stem++) section->plays[stem] = stems >> stem & 1u;
    }
}

static void lay_out_bars(tb__plan *plan, tb_rng *rng)
{
    static const char *const forms[TB__MAX_SECTIONS][4] = {
        {"A", "A", "A", "A"}, {"AB", "AAB", "ABB", "AABB"}, {"ABAC", "ABC", "AABC", "ABCB"}};
    const char *form = forms[plan->n_sections - 1][tb__draw(rng, 0, 3)];
    int passes[TB__MAX_SECTIONS] = {0};
    const int64_t bar_us = (int64_t)plan->beats_per_bar * 60000000000 / plan->tempo_mbpm;
    for (const char *letter = form; plan->n_bars * bar_us < plan->duration_us;
         letter = letter[1] ? letter + 1 : form) {
        const int s = *letter - 'A';
        for (int bar = 0; bar < plan->sections[s].n_bars && plan->n_bars < TB__MAX_BARS; bar++)
            if (plan->n_bars * bar_us < plan->duration_us)
                plan->bars[plan->n_bars++] = (tb__bar){.section = s, .bar = bar, .pass = passes[s]};
        passes[s]++;
    }
}

const tb__chord *tb__chord_at(const tb__plan *plan, int tick)
{
    int bar = tick / plan->bar_ticks;
    if (bar >= plan->n_bars) bar = plan->n_bars - 1;
    const int half = tick % plan->bar_ticks * 2 / plan->bar_ticks;
    return &plan->sections[plan->bars[bar].section].chords[2 * plan->bars[bar].bar + half];
}

bool tb__plays(const tb__plan *plan, int bar, tb_stem stem)
{
    return plan->sections[plan->bars[bar].section].plays[stem];
}

/* --- the piece ------------------------------------------------------------------------------------------ */

static tb_status check_options(const tb_composer_options *options, tb_error *err)
{
    tb_status status = TB_OK;
    if (!(options->duration_s == 0 || (options->duration_s >= MIN_S && options->duration_s <= MAX_S)))
        TB_FAIL(err, TB_INVALID, "a piece must last from %d to %d s", MIN_S, MAX_S);
    if (options->stems >= 1u << TB_STEM_COUNT)
        TB_FAIL(err, TB_INVALID, "there are only %d stems", TB_STEM_COUNT);
    if (options->tempo_group < -1 || options->tempo_group >= TB_TEMPO_GROUPS)
        TB_FAIL(err, TB_INVALID, "the tempo group must be 0 to %d, or -1", TB_TEMPO_GROUPS - 1);
    if (options->beats_per_bar != 0 && options->beats_per_bar != 3 && options->beats_per_bar != 4)
        TB_FAIL(err, TB_INVALID, "a bar must have 3 or 4 beats");
out:
    return status;
}

static tb_status write_beats(const tb__plan *plan, tb_song *song, tb_error *err)
{
    tb_status status = TB_OK;
    for (int beat = 0;; beat++) {
        const int64_t us = beat * 60000000000 / plan->tempo_mbpm;
        if (us >= plan->duration_us) break;
        TB_TRY(tb_song_append_beat(song, (double)us / 1000000.0, beat % plan->beats_per_bar == 0, err));
    }
out:
    return status;
}

static tb_status write_parts(const tb__plan *plan, unsigned stems, tb_song *song, tb_error *err)
{
    typedef tb_status (*compose)(const tb__plan *, tb_song *, tb_error *);
    static const compose composers[TB_STEM_COUNT] = {
        [TB_STEM_DRUMS] = tb__compose_drums,   [TB_STEM_BASS] = tb__compose_bass,
        [TB_STEM_PIANO] = tb__compose_piano,   [TB_STEM_GUITAR] = tb__compose_guitar,
        [TB_STEM_OTHERS] = tb__compose_others,
    };
    tb_status status = TB_OK;
    for (int stem = 0; stem < TB_STEM_COUNT; stem++)
        if (stems >> stem & 1u) TB_TRY(composers[stem](plan, song, err));
out:
    return status;
}

tb_status tb_compose(const tb_composer_options *options, uint64_t seed, tb_song **song, tb_error *err)
{
    tb_status status = TB_OK;
    tb_song *made = NULL;
    tb__plan *plan = NULL;
    tb_rng rng;
    if (!options) options = &tb_composer_defaults;
    TB_TRY(check_options(options, err));
    made = tb_song_new();
    plan = tb_alloc(1, sizeof *plan);
    if (!made || !plan) TB_FAIL(err, TB_NO_MEMORY, "no memory for a piece");

    tb__rng_branch(&rng, seed, ASPECT_PLAN);
    const unsigned drawn = draw_stems(&rng), stems = options->stems ? options->stems : drawn;
    plan->seed = seed;
    plan->duration_us = llround((options->duration_s > 0 ? options->duration_s : DEFAULT_S) * 1000000.0);
    draw_tempo(plan, &rng, options);
    draw_key(plan, &rng);
    draw_sections(plan, &rng, stems);
    lay_out_bars(plan, &rng);

    made->seed = seed;
    snprintf(made->name, sizeof made->name, "piece %llu", (unsigned long long)seed);
    made->tempo_bpm = (double)plan->tempo_mbpm / 1000.0;
    made->tempo_group = plan->group;
    made->beats_per_bar = plan->beats_per_bar;
    made->key = plan->harmony.key;
    made->mode = plan->harmony.mode;
    made->duration_s = (double)plan->duration_us / 1000000.0;
    TB_TRY(write_beats(plan, made, err));
    TB_TRY(write_parts(plan, stems, made, err));
    tb_song_sort(made);
    *song = made;
    made = NULL;
out:
    tb_song_free(made);
    tb_free(plan);
    return status;
}
