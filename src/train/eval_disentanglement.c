// SPDX-License-Identifier: MIT
/* Each case is six mixes: one of five stems from pieces close in tempo, and five in which one stem is another
 * piece's.
 *
 * What a part moves is divided by how far apart the part lies in the first mixes of two cases one after the
 * other, which have nothing in common but perhaps the tempo. */
#include "train/eval_tables.h"

#include "base/alloc.h"
#include "train/eval_draw.h"
#include "train/eval_vote.h"

#include <math.h>

enum { NEAR = 12, IN_A_CASE = 1 + TB_STEM_COUNT };

typedef struct moved {
    double sum[TB_STEM_COUNT][TB_STEM_COUNT], sum2[TB_STEM_COUNT][TB_STEM_COUNT];
    double apart[TB_STEM_COUNT], apart2[TB_STEM_COUNT];
    size_t n_apart[TB_STEM_COUNT];
} moved;

/* False when some stem has fewer than two pieces.  near: set->n_pieces entries of room. */
static bool draw_case(const tb_eval_set *set, tb_rng *rng, size_t *near, tb_mix mixes[IN_A_CASE])
{
    const size_t rows = tb_span_rows(TB_SPAN_3S);
    const tb_piece *like = set->pieces[tb_rng_below(rng, set->n_pieces)];
    for (size_t c = 0; c < TB_STEM_COUNT; c++) {
        size_t n = tb_eval_near(set, rng, like, 1u << c, rows, SIZE_MAX, near), first_row;
        if (n < 2) return false;
        if (n > NEAR) n = NEAR;
        tb_eval_shuffle(rng, near, n);
        for (size_t i = 0; i < 2; i++) { /* 0: in all mixes but that where this stem is exchanged, 1: there */
            const tb_piece *piece = set->pieces[near[i]];
            tb_eval_starts(piece, rng, rows, 1, &first_row);
            for (size_t k = 0; k < IN_A_CASE; k++) {
                if ((k == 1 + c) != (i == 1)) continue;
                mixes[k].stem[c].piece = piece;
                mixes[k].stem[c].first_row = first_row;
            }
        }
    }
    return true;
}

static tb_vote_items one_part(const tb_vote_items *items, size_t part)
{
    tb_vote_items one = *items;
    one.n_parts = 1;
    one.vectors += part * items->dim;
    one.present += part;
    return one;
}

static void add_case(const tb_vote_items *items, size_t first, tb_eval_disentanglement *result, moved *m,
                     size_t part)
{
    const tb_vote_items one = one_part(items, part);
    for (size_t q = 0; q < TB_STEM_COUNT; q++) {
        const size_t other = first + 1 + q;
        const bool *before = items->present + first * items->present_stride, *after =
            items->present + other * items->present_stride;
        if (!before[part] || !after[part] || !before[q] || !after[q]) continue;
        const double d2 = tb_vote_distance2(&one, first, other);
        m->sum[part][q] += sqrt(d2);
        m->sum2[part][q] += d2;
        result->n[part][q]++;
    }
}

/* How far the part lies apart in two mixes that have it from different pieces. */
static void add_apart(const tb_vote_items *items, const tb_mix *mixes, size_t first, moved *m, size_t part)
{
    if (first < IN_A_CASE || mixes[first].stem[part].piece == mixes[first - IN_A_CASE].stem[part].piece)
        return;
    const tb_vote_items one = one_part(items, part);
    const double d2 = tb_vote_distance2(&one, first - IN_A_CASE, first);
    if (isinf(d2)) return; /* not audible in both */
    m->apart[part] += sqrt(d2);
    m->apart2[part] += d2;
    m->n_apart[part]++;
}

static double smallest_ratio(const double change[TB_STEM_COUNT][TB_STEM_COUNT])
{
    double smallest = (double)NAN;
    for (size_t p = 0; p < TB_STEM_COUNT; p++)
        for (size_t q = 0; q < TB_STEM_COUNT; q++) {
            if (p == q) continue;
            const double ratio = fmin(change[p][p], change[q][q]) / change[p][q];
            if (!isnan(ratio)) smallest = fmin(smallest, ratio); /* fmin passes over NAN */
        }
    return smallest;
}

static double normalised(double sum, size_t n, double apart, size_t n_apart)
{
    return n && n_apart && apart > 0 ? sum / (double)n / (apart / (double)n_apart) : (double)NAN;
}

tb_status tb_eval_disentanglement_measure(const tb_eval_set *set, size_t n_cases,
                                          tb_eval_disentanglement *result, tb_error *err)
{
    tb_status status = TB_OK;
    tb_eval_disentanglement made = {0};
    moved m = {0};
    tb_heard heard = {0};
    size_t n = 0;
    size_t *near = tb_alloc(set->n_pieces, sizeof *near);
    tb_mix *mixes = tb_alloc(n_cases * IN_A_CASE, sizeof *mixes);
    if (!near || !mixes) TB_FAIL(err, TB_NO_MEMORY, "no memory for %zu cases", n_cases);
    for (size_t i = 0; i < n_cases; i++) {
        tb_rng rng;
        tb_eval_rng(&rng, set->seed, TB_EVAL_STREAM_DISENTANGLEMENT, i);
        if (draw_case(set, &rng, near, mixes + n)) n += IN_A_CASE;
    }
    tb_hearer_begin(set->hearer, "exchanges", tb_span_windows(TB_SPAN_3S, n));
    TB_TRY(tb_hearer_hear(set->hearer, mixes, n, TB_SPAN_3S, &heard, err));
    const tb_vote_items items =
        {.n = n, .n_parts = TB_STEM_COUNT, .dim = TB_INSTRUMENTS_PART_DIM, .vectors = heard.vectors,
                                 .vector_stride = TB_INSTRUMENTS_DIM, .present =
                                     heard.audible, .present_stride = TB_STEM_COUNT};
    for (size_t first = 0; first < n; first += IN_A_CASE)
        for (size_t p = 0; p < TB_STEM_COUNT; p++) {
            add_case(&items, first, &made, &m, p);
            add_apart(&items, mixes, first, &m, p);
        }
    for (size_t p = 0; p < TB_STEM_COUNT; p++)
        for (size_t q = 0; q < TB_STEM_COUNT; q++) {
            made.change[p][q] = normalised(m.sum[p][q], made.n[p][q], m.apart[p], m.n_apart[p]);
            made.change2[p][q] = normalised(m.sum2[p][q], made.n[p][q], m.apart2[p], m.n_apart[p]);
        }
    made.ratio = smallest_ratio(made.change);
    made.ratio2 = smallest_ratio(made.change2);
    *result = made;
out:
    tb_heard_clear(&heard);
    tb_free(near);
    tb_free(mixes);
    return status;
}
