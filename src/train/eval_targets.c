// SPDX-License-Identifier: MIT
/* The targets of the model "instruments", one list for the page and for JSON. */
#include "train/eval_report.h"

#include "train/eval_paper.h"

#include <math.h>
#include <stdio.h>

typedef struct target_list {
    tb_eval_target *targets;
    size_t n;
} target_list;

static tb_eval_target *add(target_list *list, double value, double limit)
{
    tb_eval_target *target = &list->targets[list->n++];
    *target = (tb_eval_target){.value = value, .limit = limit};
    return target;
}

static double share_of(const tb_eval_share *share)
{
    return share->n ? share->share : (double)NAN;
}

static void add_tables(target_list *list, const tb_eval_report *r)
{
    static const double more_than_paper[TB_STEM_COUNT] = {[TB_STEM_BASS] = 60, [TB_STEM_PIANO] = 60};
    for (size_t span = 0; span < TB_SPAN_COUNT; span++)
        for (size_t c = 0; c < TB_STEM_COUNT; c++) {
            tb_eval_target *t =
                add(list, share_of(&r->identity.mix[span][c]), tb__paper_table1[span][c] / 100);
            snprintf(t->what, sizeof t->what, "Table 1, %s, %s", tb_stem_name((tb_stem)c),
                     span == TB_SPAN_3S ? "3 s" : "10 s");
        }
    for (size_t c = 0; c < TB_STEM_COUNT; c++) {
        tb_eval_target *t =
            add(list, r->mixes.mean[c][c],
                fmax(tb__paper_table2[TB__PAPER_ROWS - 1].part[c], more_than_paper[c]) / 100);
        snprintf(t->what, sizeof t->what, "Table 2, %s", tb_stem_name((tb_stem)c));
    }
    tb_eval_target *t = add(list, r->mixes.leakage, 0.35);
    t->at_most = true;
    snprintf(t->what, sizeof t->what, "leakage: the label through the other subspaces");
    t = add(list, r->disentanglement.ratio, 3);
    t->is_ratio = true;
    snprintf(t->what, sizeof t->what, "disentanglement: diagonal over what is beside it");
    for (size_t c = 0; c < TB_STEM_COUNT; c++) {
        t = add(list, r->presence.average_precision[c], 0.9);
        snprintf(t->what, sizeof t->what, "presence of %s, average precision", tb_stem_name((tb_stem)c));
    }
}

/* The worst of all changes, whole tracks and pieces of 10 s. */
static void add_robustness(target_list *list, const tb_eval_robustness *r, const char *of)
{
    double worst = (double)NAN;
    for (size_t i = 0; r->n_tracks && i < TB_CHANGE_COUNT; i++)
        if (r->row[i].measured)
            worst = fmin(worst, fmin(share_of(&r->row[i].track), share_of(&r->row[i].piece_track)));
    tb_eval_target *t = add(list, worst, 0.98);
    snprintf(t->what, sizeof t->what, "robustness, %s: the worst change", of);
}

size_t tb_eval_targets(const tb_eval_report *r, tb_eval_target targets[TB_EVAL_MAX_TARGETS])
{
    target_list list = {targets, 0};
    const tb_eval_real *real = r->n_real ? &r->real[0] : NULL;
    add_tables(&list, r);
    add_robustness(&list, &r->rendered, "rendered songs");
    add_robustness(&list, &r->recorded, "recordings");
    snprintf(add(&list, real ? real->half_split.top1 : (double)NAN, 0.9)->what, sizeof targets->what,
             "real music, half-split, top-1");
    snprintf(add(&list, real ? real->id[TB_SPAN_3S].accuracy : (double)NAN, 0.75)->what, sizeof targets->what,
             "real music, music ID, 3 s");
    snprintf(add(&list, real ? real->id[TB_SPAN_10S].accuracy : (double)NAN, 0.85)->what,
             sizeof targets->what, "real music, music ID, 10 s");
    return list.n;
}

bool tb_eval_target_is_met(const tb_eval_target *target)
{
    /* not measured is not met: NAN compares false */
    return target->at_most ? target->value <= target->limit : target->value >= target->limit;
}
