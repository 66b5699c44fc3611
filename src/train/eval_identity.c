// SPDX-License-Identifier: MIT
/* Table 1 and presence: the pieces as they are, cut into segments that follow each other. */
#include "train/eval_tables.h"

#include "base/alloc.h"
#include "train/eval_score.h"
#include "train/eval_vote.h"

#include <math.h>
#include <string.h>

typedef struct cut_set {
    tb_mix *mixes;
    int32_t *label; /* number of the piece */
    size_t n;
} cut_set;

static void clear_cuts(cut_set *cuts)
{
    tb_free(cuts->mixes);
    tb_free(cuts->label);
}

static size_t count_cuts(const tb_eval_set *set, tb_span span)
{
    size_t n = 0;
    for (size_t i = 0; i < set->n_pieces; i++) n += set->pieces[i]->n_rows / tb_span_rows(span);
    return n;
}

static tb_status cut_pieces(const tb_eval_set *set, tb_span span, cut_set *cuts, tb_error *err)
{
    const size_t rows = tb_span_rows(span), n = count_cuts(set, span);
    cuts->mixes = tb_alloc(n, sizeof *cuts->mixes);
    cuts->label = tb_alloc(n, sizeof *cuts->label);
    if (!cuts->mixes || !cuts->label) return tb_error_set(err, TB_NO_MEMORY, "no memory for %zu segments", n);
    for (size_t i = 0; i < set->n_pieces; i++)
        for (size_t first = 0; first + rows <= set->pieces[i]->n_rows; first += rows) {
            for (size_t c = 0; c < TB_STEM_COUNT; c++) {
                cuts->mixes[cuts->n].stem[c].piece = set->pieces[i];
                cuts->mixes[cuts->n].stem[c].first_row = first;
            }
            cuts->label[cuts->n++] = (int32_t)i;
        }
    return TB_OK;
}

static tb_status vote_share(const tb_eval_set *set, const tb_vote_items *items, tb_eval_share *share,
                            tb_error *err)
{
    tb_vote_count count;
    const tb_status status = tb_vote_all(items, tb_hearer_pool(set->hearer), &count, err);
    if (status != TB_OK) return status;
    share->n = count.n_asked;
    share->share = count.n_asked ? (double)count.n_right / (double)count.n_asked : 0;
    return TB_OK;
}

/* The same segments with one stem each; audible says which of them have it in their mix. */
static tb_status measure_alone(const tb_eval_set *set, const cut_set *cuts, tb_span span, size_t part,
                               const bool *audible, tb_eval_share *share,
                               tb_error *err)
{
    tb_status status = TB_OK;
    tb_heard heard = {0};
    bool *present = NULL;
    cut_set own = {tb_alloc(cuts->n, sizeof *own.mixes), tb_alloc(cuts->n, sizeof *own.label), 0};
    if (!own.mixes || !own.label) TB_FAIL(err, TB_NO_MEMORY, "no memory for %zu segments", cuts->n);
    for (size_t i = 0; i < cuts->n; i++) {
        if (!audible[i * TB_STEM_COUNT + part]) continue;
        own.mixes[own.n].stem[part] = cuts->mixes[i].stem[part];
        own.label[own.n++] = cuts->label[i];
    }
    if (!(present = tb_alloc(own.n, sizeof *present)))
        TB_FAIL(err, TB_NO_MEMORY, "no memory for %zu segments", own.n);
    memset(present, true, own.n);
    TB_TRY(tb_hearer_hear(set->hearer, own.mixes, own.n, span, &heard, err));
    const tb_vote_items items = {
        .n = own.n, .n_parts = 1, .dim = TB_INSTRUMENTS_PART_DIM, .vectors =
            heard.vectors + part * TB_INSTRUMENTS_PART_DIM,
        .vector_stride = TB_INSTRUMENTS_DIM, .present = present, .present_stride = 1, .label = own.label,
    };
    TB_TRY(vote_share(set, &items, share, err));
out:
    clear_cuts(&own);
    tb_free(present);
    tb_heard_clear(&heard);
    return status;
}

static tb_status measure_span(const tb_eval_set *set, tb_span span, tb_eval_identity *identity,
                              tb_eval_presence *presence, tb_error *err)
{
    tb_status status = TB_OK;
    cut_set cuts = {0};
    tb_heard heard = {0};
    TB_TRY(cut_pieces(set, span, &cuts, err));
    TB_TRY(tb_hearer_hear(set->hearer, cuts.mixes, cuts.n, span, &heard, err));
    tb_vote_items items = {
        .n = cuts.n, .n_parts = TB_STEM_COUNT, .dim = TB_INSTRUMENTS_PART_DIM, .vectors =
            heard.vectors, .vector_stride = TB_INSTRUMENTS_DIM,
        .present = heard.audible, .present_stride = TB_STEM_COUNT, .label = cuts.label,
    };
    TB_TRY(vote_share(set, &items, &identity->all[span], err));
    items.n_parts = 1;
    for (size_t c = 0; c < TB_STEM_COUNT; c++) {
        items.vectors = heard.vectors + c * TB_INSTRUMENTS_PART_DIM;
        items.present = heard.audible + c;
        TB_TRY(vote_share(set, &items, &identity->mix[span][c], err));
        TB_TRY(measure_alone(set, &cuts, span, c, heard.audible, &identity->alone[span][c], err));
    }
    if (span == TB_SPAN_3S)
        TB_TRY(tb_eval_presence_measure(&heard, tb_hearer_threshold(set->hearer), presence, err));
out:
    clear_cuts(&cuts);
    tb_heard_clear(&heard);
    return status;
}

tb_status tb_eval_identity_measure(const tb_eval_set *set, tb_eval_identity *identity,
                                   tb_eval_presence *presence, tb_error *err)
{
    tb_status status = TB_OK;
    tb_eval_identity made = {0};
    tb_eval_presence knows = {0};
    size_t n_windows = 0;
    for (size_t i = 0; i < set->n_pieces; i++)
        made.n_pieces += set->pieces[i]->n_rows >= tb_span_rows(TB_SPAN_10S);
    if (made.n_pieces < 2)
        TB_FAIL(err, TB_INVALID, "%zu pieces last 10 s or more; at least two are needed", made.n_pieces);
    for (int span = 0; span < TB_SPAN_COUNT; span++)
        n_windows += tb_span_windows((tb_span)span, count_cuts(set, (tb_span)span));
    tb_hearer_begin(set->hearer, "music ID", n_windows * 4); /* whole, and about three stems alone */
    for (int span = 0; span < TB_SPAN_COUNT; span++)
        TB_TRY(measure_span(set, (tb_span)span, &made, &knows, err));
    *identity = made;
    *presence = knows;
out:
    return status;
}
