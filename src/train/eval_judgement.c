// SPDX-License-Identifier: MIT
/* Table 3 without listeners: who is right is known by construction. */
#include "train/eval_tables.h"

#include "base/alloc.h"
#include "train/eval_draw.h"
#include "train/eval_vote.h"

enum { NEAR = 10, IN_A_CASE = 4 }; /* X, A, B over a third background, B over X's */

/* Pieces and rows of one case. */
typedef struct actors {
    const tb_piece *own, *other, *backgrounds[3];
    size_t own_rows[2], other_row;
    size_t background_rows[4]; /* of the backgrounds; the last: the first one again, for the lure */
} actors;

static void put_mix(tb_mix *mix, size_t part, const tb_piece *front, size_t front_row, const tb_piece *back,
                    size_t back_row)
{
    for (size_t c = 0; c < TB_STEM_COUNT; c++) {
        mix->stem[c].piece = c == part ? front : back;
        mix->stem[c].first_row = c == part ? front_row : back_row;
    }
}

/* Number `n` of the first NEAR, at random, other than those in `not`; SIZE_MAX when there is none. */
static size_t pick(tb_rng *rng, size_t *near, size_t n, const size_t *not, size_t n_not)
{
    const size_t limit = n < NEAR ? n : NEAR;
    tb_eval_shuffle(rng, near, limit);
    for (size_t i = 0; i < limit; i++) {
        bool taken = false;
        for (size_t k = 0; k < n_not; k++) taken |= near[i] == not[k];
        if (!taken) return near[i];
    }
    return SIZE_MAX;
}

/* False when there are not enough pieces.  near: set->n_pieces entries of room. */
static bool draw_actors(const tb_eval_set *set, tb_rng *rng, size_t part, size_t *near, actors *a)
{
    const size_t rows = tb_span_rows(TB_SPAN_10S);
    const unsigned own = 1u << part, others = ((1u << TB_STEM_COUNT) - 1) & ~own;
    size_t n = tb_eval_near(set, rng, set->pieces[0], own, 2 * rows, SIZE_MAX, near);
    if (n == 0) return false;
    size_t used[5] = {near[tb_rng_below(rng, n)]};
    const tb_piece *first = set->pieces[used[0]];
    n = tb_eval_near(set, rng, first, own, rows, used[0], near);
    if ((used[1] = pick(rng, near, n, used, 1)) == SIZE_MAX) return false;
    n = tb_eval_near(set, rng, first, others, 2 * rows, used[0], near);
    for (size_t k = 0; k < 3; k++)
        if ((used[2 + k] = pick(rng, near, n, used, 2 + k)) == SIZE_MAX) return false;
    size_t two[2];
    a->own = first;
    a->other = set->pieces[used[1]];
    tb_eval_starts(a->own, rng, rows, 2, a->own_rows);
    tb_eval_starts(a->other, rng, rows, 1, &a->other_row);
    for (size_t k = 0; k < 3; k++) {
        a->backgrounds[k] = set->pieces[used[2 + k]];
        tb_eval_starts(a->backgrounds[k], rng, rows, 2, two);
        a->background_rows[k] = two[0];
        if (k == 0) a->background_rows[3] = two[1];
    }
    return true;
}

static void put_case(const actors *a, size_t part, tb_mix mixes[IN_A_CASE])
{
    put_mix(&mixes[0], part, a->own, a->own_rows[0], a->backgrounds[0], a->background_rows[0]);
    put_mix(&mixes[1], part, a->own, a->own_rows[1], a->backgrounds[1], a->background_rows[1]);
    put_mix(&mixes[2], part, a->other, a->other_row, a->backgrounds[2], a->background_rows[2]);
    put_mix(&mixes[3], part, a->other, a->other_row, a->backgrounds[0], a->background_rows[3]);
}

static void judge(const tb_vote_items *items, size_t x, size_t b, size_t *right, size_t *n)
{
    for (size_t i = x; i < x + 2; i++)
        if (!items->present[i * items->present_stride]) return;
    if (!items->present[b * items->present_stride]) return;
    (*n)++;
    *right += tb_vote_distance2(items, x, x + 1) < tb_vote_distance2(items, x, b);
}

static tb_status measure_part(const tb_eval_set *set, size_t n_cases, size_t part, size_t *near,
                              tb_mix *mixes, tb_eval_judgement *judgement, tb_error *err)
{
    tb_status status = TB_OK;
    tb_heard heard = {0};
    size_t n = 0, right[2] = {0}, n_judged[2] = {0};
    for (size_t i = 0; i < n_cases; i++) {
        tb_rng rng;
        actors a = {0};
        tb_eval_rng(&rng, set->seed, TB_EVAL_STREAM_JUDGEMENT, i * TB_STEM_COUNT + part);
        if (!draw_actors(set, &rng, part, near, &a)) continue;
        put_case(&a, part, mixes + n);
        n += IN_A_CASE;
    }
    TB_TRY(tb_hearer_hear(set->hearer, mixes, n, TB_SPAN_10S, &heard, err));
    const tb_vote_items items = {
        .n = n, .n_parts = 1, .dim = TB_INSTRUMENTS_PART_DIM, .vectors =
            heard.vectors + part * TB_INSTRUMENTS_PART_DIM,
        .vector_stride = TB_INSTRUMENTS_DIM, .present = heard.audible + part, .present_stride = TB_STEM_COUNT,
    };
    for (size_t x = 0; x < n; x += IN_A_CASE)
        for (size_t k = 0; k < 2; k++) judge(&items, x, x + 2 + k, &right[k], &n_judged[k]);
    judgement->apart[part] =
        (tb_eval_share){n_judged[0] ? (double)right[0] / (double)n_judged[0] : 0, n_judged[0]};
    judgement->lure[part] =
        (tb_eval_share){n_judged[1] ? (double)right[1] / (double)n_judged[1] : 0, n_judged[1]};
out:
    tb_heard_clear(&heard);
    return status;
}

tb_status tb_eval_judgement_measure(const tb_eval_set *set, size_t n_cases, tb_eval_judgement *judgement,
                                    tb_error *err)
{
    tb_status status = TB_OK;
    tb_eval_judgement made = {0};
    size_t *near = tb_alloc(set->n_pieces, sizeof *near);
    tb_mix *mixes = tb_alloc(n_cases * IN_A_CASE, sizeof *mixes);
    if (!near || !mixes) TB_FAIL(err, TB_NO_MEMORY, "no memory for %zu cases", n_cases);
    tb_hearer_begin(set->hearer, "pairs", tb_span_windows(TB_SPAN_10S, n_cases * IN_A_CASE * TB_STEM_COUNT));
    for (size_t c = 0; c < TB_STEM_COUNT; c++) TB_TRY(measure_part(set, n_cases, c, near, mixes, &made, err));
    *judgement = made;
out:
    tb_free(near);
    tb_free(mixes);
    return status;
}
