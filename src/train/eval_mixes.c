// SPDX-License-Identifier: MIT
/* Table 2 and leakage: for each draw and part 40 mixes, heard once, then asked in each of the five subspaces.
 *
 * Label i takes the backgrounds i + o of a list of ten, for four offsets o that all labels share: each
 * background stands under about four labels, so that leaving a query's own background out takes all labels
 * alike. */
#include "train/eval_tables.h"

#include "base/alloc.h"
#include "train/eval_draw.h"
#include "train/eval_score.h"
#include "train/eval_vote.h"

#include <math.h>

enum { MAX_ITEMS = TB_EVAL_LABELS * TB_EVAL_BACKGROUNDS * TB_EVAL_SEGMENTS, MIN_LABELS = 3,
      MIN_BACKGROUNDS = 3 };

/* The segments of one draw for one part. */
typedef struct mix_draw {
    tb_mix mixes[MAX_ITEMS];
    int32_t label[MAX_ITEMS], background[MAX_ITEMS]; /* numbers of pieces */
    bool present[MAX_ITEMS];
    size_t n, n_labels;
} mix_draw;

/* Accuracies of all draws. */
typedef struct mix_tally {
    double *accuracy[TB_STEM_COUNT][TB_STEM_COUNT]; /* n_draws each; NAN = nobody was asked */
    double *leakage;
    double n_labels;
    size_t n_pairs; /* draws and parts that n_labels counts */
} mix_tally;

static void add_mix(const tb_eval_set *set, mix_draw *draw, tb_rng *rng, size_t part, size_t label,
                    size_t background)
{
    const tb_piece *front = set->pieces[label], *back = set->pieces[background];
    const size_t rows = tb_span_rows(TB_SPAN_10S);
    const size_t shorter = front->n_rows < back->n_rows ? front->n_rows : back->n_rows;
    size_t n = shorter / rows, front_rows[TB_EVAL_SEGMENTS], back_rows[TB_EVAL_SEGMENTS];
    if (n > TB_EVAL_SEGMENTS) n = TB_EVAL_SEGMENTS;
    tb_eval_starts(front, rng, rows, n, front_rows);
    tb_eval_starts(back, rng, rows, n, back_rows);
    for (size_t i = 0; i < n; i++) {
        tb_mix *mix = &draw->mixes[draw->n];
        for (size_t c = 0; c < TB_STEM_COUNT; c++) {
            mix->stem[c].piece = c == part ? front : back;
            mix->stem[c].first_row = c == part ? front_rows[i] : back_rows[i];
        }
        draw->label[draw->n] = (int32_t)label;
        draw->background[draw->n++] = (int32_t)background;
    }
}

/* False when the pieces do not suffice.  near: set->n_pieces entries of room. */
static bool draw_mixes(const tb_eval_set *set, tb_rng *rng, size_t part, size_t *near, mix_draw *draw)
{
    const size_t rows = tb_span_rows(TB_SPAN_10S);
    const unsigned own = 1u << part, others = ((1u << TB_STEM_COUNT) - 1) & ~own;
    size_t labels[TB_EVAL_LABELS], backgrounds[TB_EVAL_LABELS], offsets[TB_EVAL_LABELS];
    *draw = (mix_draw){0};
    const size_t n_holders = tb_eval_near(set, rng, set->pieces[0], own, rows, SIZE_MAX, near);
    if (n_holders < MIN_LABELS) return false;
    labels[0] = near[tb_rng_below(rng, n_holders)];
    const tb_piece *first = set->pieces[labels[0]];
    const size_t n_near = tb_eval_near(set, rng, first, own, rows, labels[0], near);
    for (draw->n_labels = 1; draw->n_labels < TB_EVAL_LABELS && draw->n_labels <= n_near; draw->n_labels++)
        labels[draw->n_labels] = near[draw->n_labels - 1];
    size_t n_backgrounds = tb_eval_near(set, rng, first, others, rows, SIZE_MAX, near);
    if (n_backgrounds > TB_EVAL_LABELS) n_backgrounds = TB_EVAL_LABELS;
    if (n_backgrounds < MIN_BACKGROUNDS) return false;
    for (size_t i = 0; i < n_backgrounds; i++) {
        backgrounds[i] = near[i];
        offsets[i] = i;
    }
    tb_eval_shuffle(rng, backgrounds, n_backgrounds);
    tb_eval_shuffle(rng, offsets, n_backgrounds);
    for (size_t i = 0; i < draw->n_labels; i++)
        for (size_t k = 0, n = 0; k < n_backgrounds && n < TB_EVAL_BACKGROUNDS; k++) {
            const size_t background = backgrounds[(i + offsets[k]) % n_backgrounds];
            if (background == labels[i]) continue; /* the next one in its stead */
            add_mix(set, draw, rng, part, labels[i], background);
            n++;
        }
    return true;
}

/* The label through each subspace. */
static tb_status ask_subspaces(const tb_eval_set *set, mix_draw *draw, const tb_heard *heard, size_t part,
                               double accuracy[TB_STEM_COUNT], tb_error *err)
{
    tb_status status = TB_OK;
    for (size_t q = 0; q < TB_STEM_COUNT; q++) {
        tb_vote_count count;
        for (size_t i = 0; i < draw->n; i++)
            draw->present[i] = heard->audible[i * TB_STEM_COUNT + part] &&
                heard->audible[i * TB_STEM_COUNT + q];
        const tb_vote_items items = {
            .n = draw->n, .n_parts = 1, .dim = TB_INSTRUMENTS_PART_DIM, .vectors =
                heard->vectors + q * TB_INSTRUMENTS_PART_DIM,
            .vector_stride = TB_INSTRUMENTS_DIM, .present = draw->present, .present_stride = 1, .label =
                draw->label, .group = draw->background,
        };
        TB_TRY(tb_vote_all(&items, tb_hearer_pool(set->hearer), &count, err));
        accuracy[q] = count.n_asked ? (double)count.n_right / (double)count.n_asked : (double)NAN;
    }
out:
    return status;
}

static tb_status measure_draw(const tb_eval_set *set, size_t number, size_t part, size_t *near,
                              mix_draw *draw, mix_tally *tally, tb_error *err)
{
    tb_status status = TB_OK;
    tb_heard heard = {0};
    tb_rng rng;
    double accuracy[TB_STEM_COUNT];
    for (size_t q = 0; q < TB_STEM_COUNT; q++) tally->accuracy[part][q][number] = (double)NAN;
    tb_eval_rng(&rng, set->seed, TB_EVAL_STREAM_MIXES, number * TB_STEM_COUNT + part);
    if (!draw_mixes(set, &rng, part, near, draw)) goto out;
    TB_TRY(tb_hearer_hear(set->hearer, draw->mixes, draw->n, TB_SPAN_10S, &heard, err));
    TB_TRY(ask_subspaces(set, draw, &heard, part, accuracy, err));
    for (size_t q = 0; q < TB_STEM_COUNT; q++) tally->accuracy[part][q][number] = accuracy[q];
    tally->n_labels += (double)draw->n_labels;
    tally->n_pairs++;
out:
    tb_heard_clear(&heard);
    return status;
}

/* Mean of what one draw has off the diagonal. */
static double leakage_of(const mix_tally *tally, size_t draw)
{
    double values[TB_STEM_COUNT * TB_STEM_COUNT], mean, deviation;
    size_t n = 0;
    for (size_t c = 0; c < TB_STEM_COUNT; c++)
        for (size_t q = 0; q < TB_STEM_COUNT; q++)
            if (q != c) values[n++] = tally->accuracy[c][q][draw];
    tb_mean_and_deviation(values, n, &mean, &deviation);
    return mean;
}

tb_status tb_eval_mixes_measure(const tb_eval_set *set, size_t n_draws, tb_eval_mixes *mixes, tb_error *err)
{
    tb_status status = TB_OK;
    mix_tally tally = {0};
    tb_eval_mixes made = {.n_draws = n_draws};
    mix_draw *draw = tb_alloc(1, sizeof *draw);
    size_t *near = tb_alloc(set->n_pieces, sizeof *near);
    double *room = tb_alloc(n_draws * (TB_STEM_COUNT * TB_STEM_COUNT + 1), sizeof *room);
    if (!draw || !near || !room) TB_FAIL(err, TB_NO_MEMORY, "no memory for %zu draws", n_draws);
    for (size_t c = 0; c < TB_STEM_COUNT; c++)
        for (size_t q = 0; q < TB_STEM_COUNT; q++)
            tally.accuracy[c][q] = room + (c * TB_STEM_COUNT + q) * n_draws;
    tally.leakage = room + TB_STEM_COUNT * TB_STEM_COUNT * n_draws;
    tb_hearer_begin(set->hearer, "pseudo-mixes",
                    n_draws * TB_STEM_COUNT * tb_span_windows(TB_SPAN_10S, MAX_ITEMS));
    for (size_t i = 0; i < n_draws; i++) {
        for (size_t c = 0; c < TB_STEM_COUNT; c++) TB_TRY(measure_draw(set, i, c, near, draw, &tally, err));
        tally.leakage[i] = leakage_of(&tally, i);
    }
    for (size_t c = 0; c < TB_STEM_COUNT; c++)
        for (size_t q = 0; q < TB_STEM_COUNT; q++)
            tb_mean_and_deviation(tally.accuracy[c][q], n_draws, &made.mean[c][q], &made.deviation[c][q]);
    tb_mean_and_deviation(tally.leakage, n_draws, &made.leakage, &made.leakage_deviation);
    made.n_labels = tally.n_pairs ? tally.n_labels / (double)tally.n_pairs : 0;
    *mixes = made;
out:
    tb_free(draw);
    tb_free(near);
    tb_free(room);
    return status;
}
