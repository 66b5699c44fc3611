// SPDX-License-Identifier: MIT
/* One function a table.  A figure that was not measured is a dash. */
#include "train/eval_report.h"

#include "train/eval_paper.h"
#include "train/eval_report_text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* --- cells ---------------------------------------------------------------------------------------------- */

typedef struct cell {
    char text[48];
} cell;

static cell percent(double share)
{
    cell c = {"–"};
    if (!isnan(share)) snprintf(c.text, sizeof c.text, "%.1f", 100 * share);
    return c;
}

static cell share_cell(const tb_eval_share *share)
{
    return percent(share->n ? share->share : (double)NAN);
}

static cell paper_cell(double of_100)
{
    return percent(of_100 / 100);
}

static cell spread_cell(double mean, double deviation)
{
    cell c = percent(mean);
    if (!isnan(mean)) snprintf(c.text, sizeof c.text, "%.1f ± %.1f", 100 * mean, 100 * deviation);
    return c;
}

/* With the half-width of the interval that holds the true share with 95 %, as the paper has it. */
static cell interval_cell(const tb_eval_share *share)
{
    const double width = share->n ? 1.96 * sqrt(share->share * (1 - share->share) / (double)share->n) : 0;
    return spread_cell(share->n ? share->share : (double)NAN, width);
}

static tb_status put_heading(tb_buffer *out, const char *first)
{
    tb_status status = TB_OK;
    TB_TRY(tb_buffer_printf(out, "| %s |", first));
    for (size_t c = 0; c < TB_STEM_COUNT; c++)
        TB_TRY(tb_buffer_printf(out, " %s |", tb_stem_name((tb_stem)c)));
    TB_TRY(tb_buffer_append_text(out, "\n|---|---|---|---|---|---|\n"));
out:
    return status;
}

static tb_status put_row(tb_buffer *out, const char *name, const cell cells[TB_STEM_COUNT])
{
    tb_status status = TB_OK;
    TB_TRY(tb_buffer_printf(out, "| %s |", name));
    for (size_t c = 0; c < TB_STEM_COUNT; c++) TB_TRY(tb_buffer_printf(out, " %s |", cells[c].text));
    TB_TRY(tb_buffer_append_text(out, "\n"));
out:
    return status;
}

static tb_status put_shares(tb_buffer *out, const char *name, const tb_eval_share shares[TB_STEM_COUNT])
{
    cell cells[TB_STEM_COUNT];
    for (size_t c = 0; c < TB_STEM_COUNT; c++) cells[c] = share_cell(&shares[c]);
    return put_row(out, name, cells);
}

static tb_status put_paper(tb_buffer *out, const char *name, const double figures[TB_STEM_COUNT])
{
    cell cells[TB_STEM_COUNT];
    for (size_t c = 0; c < TB_STEM_COUNT; c++) cells[c] = paper_cell(figures[c]);
    return put_row(out, name, cells);
}

/* --- head and targets ----------------------------------------------------------------------------------- */

static tb_status put_head(const tb_eval_report *r, const char *command, tb_buffer *out)
{
    tb_status status = TB_OK;
    if (r->quick) TB_TRY(tb_buffer_append_text(out, TB__TEXT_QUICK));
    TB_TRY(tb_buffer_printf(out,
                            "## How well it hears\n\nMade by\n\n    %s\n\n"
                            "from the model file with the digest %s and %zu pieces (%.1f hours) of a piece cache with the digest\n%s, heard by no training; "
                            "seed %llu.\n\n",
                            command, r->model_digest, r->n_pieces, r->hours, r->cache_digest,
                            (unsigned long long)r->seed));
    TB_TRY(tb_buffer_append_text(out, TB__TEXT_PAPER));
out:
    return status;
}

static tb_status put_targets(const tb_eval_report *r, tb_buffer *out)
{
    tb_status status = TB_OK;
    tb_eval_target targets[TB_EVAL_MAX_TARGETS];
    const size_t n = tb_eval_targets(r, targets);
    size_t n_met = 0, n_measured = 0;
    for (size_t i = 0; i < n; i++) {
        n_met += tb_eval_target_is_met(&targets[i]);
        n_measured += isnan(targets[i].value) ? 0 : 1;
    }
    TB_TRY(tb_buffer_printf(out,
                            "### Targets\n\n%zu of %zu met, %zu not measured.\n\n"
                            "| target | | measured | |\n|---|---|---|---|\n",
                            n_met, n, n - n_measured));
    for (size_t i = 0; i < n; i++) {
        const tb_eval_target *t = &targets[i];
        char limit[24], value[24] = "–";
        snprintf(limit, sizeof limit, t->is_ratio ? "%.2f" : "%.1f", t->is_ratio ? t->limit : 100 * t->limit);
        if (!isnan(t->value))
            snprintf(value, sizeof value, t->is_ratio ? "%.2f" : "%.1f",
                     t->is_ratio ? t->value : 100 * t->value);
        TB_TRY(tb_buffer_printf(out, "| %s | %s %s | %s | %s |\n", t->what, t->at_most ? "≤" : "≥", limit,
                                value,
                                isnan(t->value)            ? "not measured"
                                : tb_eval_target_is_met(t) ? "met"
                                                           : "**missed**"));
    }
    TB_TRY(tb_buffer_append_text(out, "\n"));
out:
    return status;
}

/* --- the paper's tables --------------------------------------------------------------------------------- */

static tb_status put_table1(const tb_eval_report *r, tb_buffer *out)
{
    static const char *const names[TB_SPAN_COUNT] = {"3 s", "10 s"};
    tb_status status = TB_OK;
    char name[64];
    TB_TRY(tb_buffer_append_text(out, TB__TEXT_TABLE1));
    TB_TRY(put_heading(out, ""));
    for (size_t span = 0; span < TB_SPAN_COUNT; span++) {
        snprintf(name, sizeof name, "mix, %s", names[span]);
        TB_TRY(put_shares(out, name, r->identity.mix[span]));
        snprintf(name, sizeof name, "paper, proposed, %s", names[span]);
        TB_TRY(put_paper(out, name, tb__paper_table1[span]));
        snprintf(name, sizeof name, "alone, %s", names[span]);
        TB_TRY(put_shares(out, name, r->identity.alone[span]));
        snprintf(name, sizeof name, "paper, separated, %s", names[span]);
        TB_TRY(put_paper(out, name, tb__paper_separated[span]));
    }
    TB_TRY(tb_buffer_printf(out, "\nBy all parts together: %s at 3 s, %s at 10 s.  %zu labels.\n\n",
                            share_cell(&r->identity.all[0]).text,
                            share_cell(&r->identity.all[1]).text, r->identity.n_pieces));
out:
    return status;
}

static tb_status put_table2(const tb_eval_report *r, tb_buffer *out)
{
    tb_status status = TB_OK;
    cell cells[TB_STEM_COUNT];
    TB_TRY(tb_buffer_printf(out, TB__TEXT_TABLE2, r->mixes.n_draws, r->mixes.n_labels));
    TB_TRY(put_heading(out, ""));
    for (size_t c = 0; c < TB_STEM_COUNT; c++)
        cells[c] = spread_cell(r->mixes.mean[c][c], r->mixes.deviation[c][c]);
    TB_TRY(put_row(out, "this model", cells));
    for (size_t i = TB__PAPER_ROWS; i-- > 0;)
        TB_TRY(put_paper(out, tb__paper_table2[i].name, tb__paper_table2[i].part));
    TB_TRY(put_paper(out, "first floor (prototype, 25 minutes of training, its own data)",
                     tb__prototype_table2));
    TB_TRY(tb_buffer_append_text(out, TB__TEXT_LEAKAGE));
    TB_TRY(put_heading(out, "label ╲ through"));
    for (size_t c = 0; c < TB_STEM_COUNT; c++) {
        for (size_t q = 0; q < TB_STEM_COUNT; q++) {
            cells[q] = spread_cell(r->mixes.mean[c][q], r->mixes.deviation[c][q]);
            if (c == q && !isnan(r->mixes.mean[c][q]))
                snprintf(cells[q].text, sizeof cells[q].text, "**%.1f**", 100 * r->mixes.mean[c][q]);
        }
        TB_TRY(put_row(out, tb_stem_name((tb_stem)c), cells));
    }
    TB_TRY(tb_buffer_printf(out, "\nMean off the diagonal: %s (prototype %.0f, chance 10).\n\n",
                            spread_cell(r->mixes.leakage, r->mixes.leakage_deviation).text,
                            tb__prototype_leakage));
out:
    return status;
}

static tb_status put_table3(const tb_eval_report *r, tb_buffer *out)
{
    tb_status status = TB_OK;
    cell cells[TB_STEM_COUNT];
    TB_TRY(tb_buffer_append_text(out, TB__TEXT_TABLE3));
    TB_TRY(put_heading(out, ""));
    for (size_t c = 0; c < TB_STEM_COUNT; c++) cells[c] = interval_cell(&r->judgement.apart[c]);
    TB_TRY(put_row(out, "B over another background", cells));
    for (size_t c = 0; c < TB_STEM_COUNT; c++) cells[c] = interval_cell(&r->judgement.lure[c]);
    TB_TRY(put_row(out, "B over the background of X", cells));
    TB_TRY(put_paper(out, "paper, set 2 (listeners)", tb__paper_table3[1]));
    TB_TRY(put_paper(out, "paper, set 1 (listeners)", tb__paper_table3[0]));
    TB_TRY(tb_buffer_append_text(out, "\n"));
out:
    return status;
}

/* --- ours ----------------------------------------------------------------------------------------------- */

static tb_status put_disentanglement(const tb_eval_report *r, const char *picture, tb_buffer *out)
{
    tb_status status = TB_OK;
    cell cells[TB_STEM_COUNT];
    TB_TRY(tb_buffer_append_text(out, TB__TEXT_DISENTANGLEMENT));
    if (picture) TB_TRY(tb_buffer_printf(out, "![disentanglement](%s)\n\n", picture));
    TB_TRY(put_heading(out, "part ╲ exchanged"));
    for (size_t p = 0; p < TB_STEM_COUNT; p++) {
        for (size_t q = 0; q < TB_STEM_COUNT; q++) {
            cells[q] = (cell){"–"};
            if (!isnan(r->disentanglement.change[p][q]))
                snprintf(cells[q].text, sizeof cells[q].text, p == q ? "**%.2f**" : "%.2f",
                         r->disentanglement.change[p][q]);
        }
        TB_TRY(put_row(out, tb_stem_name((tb_stem)p), cells));
    }
    if (isnan(r->disentanglement.ratio)) TB_TRY(tb_buffer_append_text(out, "\n"));
    else TB_TRY(tb_buffer_printf(out,
                                 "\nSmallest ratio of an entry of the diagonal to one beside it, in its row or "
                                 "column: %.2f (of squared distances %.2f).\n\n",
                                 r->disentanglement.ratio, r->disentanglement.ratio2));
out:
    return status;
}

static tb_status put_presence(const tb_eval_report *r, tb_buffer *out)
{
    tb_status status = TB_OK;
    cell cells[4][TB_STEM_COUNT];
    TB_TRY(tb_buffer_printf(out, TB__TEXT_PRESENCE, r->presence.n));
    TB_TRY(put_heading(out, ""));
    for (size_t c = 0; c < TB_STEM_COUNT; c++) {
        cells[0][c] = percent(r->presence.average_precision[c]);
        cells[1][c] = percent(r->presence.share[c]);
        cells[2][c] = percent(r->presence.precision[c]);
        cells[3][c] = percent(r->presence.recall[c]);
    }
    TB_TRY(put_row(out, "average precision", cells[0]));
    TB_TRY(put_row(out, "chance (share of segments that have it)", cells[1]));
    TB_TRY(put_row(out, "precision", cells[2]));
    TB_TRY(put_row(out, "recall", cells[3]));
    TB_TRY(tb_buffer_append_text(out, "\n"));
out:
    return status;
}

static tb_status put_changes(const tb_eval_robustness *r, tb_buffer *out)
{
    tb_status status = TB_OK;
    TB_TRY(tb_buffer_append_text(out,
                                 "| change | track | 10 s, same track | same 10 s | drums | bass | piano | guitar | "
                                 "others |\n|---|---|---|---|---|---|---|---|---|\n"));
    for (size_t i = 0; i < TB_CHANGE_COUNT; i++) {
        const tb_robustness_row *row = &r->row[i];
        TB_TRY(tb_buffer_printf(out, "| %s | %s | %s | %s |", tb_audio_change_name((tb_audio_change)i),
                                share_cell(&row->track).text,
                                share_cell(&row->piece_track).text, share_cell(&row->piece).text));
        for (size_t c = 0; c < TB_STEM_COUNT; c++)
            TB_TRY(tb_buffer_printf(out, " %s |", share_cell(&row->part[c]).text));
        TB_TRY(tb_buffer_append_text(out,
                                     row->measured ? "\n" : " not measured: this build writes no MP3\n"));
    }
    TB_TRY(tb_buffer_append_text(out, "\n"));
out:
    return status;
}

static tb_status put_robustness(const tb_eval_report *r, tb_buffer *out)
{
    tb_status status = TB_OK;
    TB_TRY(tb_buffer_append_text(out, TB__TEXT_ROBUSTNESS));
    if (r->rendered.n_tracks) {
        TB_TRY(tb_buffer_printf(out, "%zu composed songs played by %s, %zu pieces:\n\n", r->rendered.n_tracks,
                                r->rendered_how, r->rendered.n_pieces));
        TB_TRY(put_changes(&r->rendered, out));
    }
    if (r->recorded.n_tracks) {
        TB_TRY(tb_buffer_printf(out, "%zu recordings, %zu pieces:\n\n", r->recorded.n_tracks,
                                r->recorded.n_pieces));
        TB_TRY(put_changes(&r->recorded, out));
    }
out:
    return status;
}

static tb_status put_real(const tb_eval_report *r, tb_buffer *out)
{
    tb_status status = TB_OK;
    if (r->n_real == 0) return TB_OK;
    const tb_retrieval_files *files = &r->real[0].half_split.files;
    TB_TRY(tb_buffer_printf(out, TB__TEXT_REAL, files->n_used, r->real[0].id[TB_SPAN_3S].files.n_used,
                            r->real[0].id[TB_SPAN_10S].files.n_used, tb__prototype_half_split));
    TB_TRY(tb_buffer_append_text(out,
                                 "| space | half-split, top-1 | top-5 | mean reciprocal rank | music ID, 3 s | "
                                 "music ID, 10 s |\n|---|---|---|---|---|---|\n"));
    for (size_t i = 0; i < r->n_real; i++) {
        const tb_eval_real *real = &r->real[i];
        TB_TRY(tb_buffer_printf(out, "| %s | %s | %s | %.3f | %s | %s |\n", real->name,
                                percent(real->half_split.top1).text, percent(real->half_split.top5).text,
                                real->half_split.mean_reciprocal_rank,
                                percent(real->id[TB_SPAN_3S].accuracy).text,
                                percent(real->id[TB_SPAN_10S].accuracy).text));
        for (size_t p = 0; p < real->n_parts; p++)
            TB_TRY(tb_buffer_printf(out, "| %s, %s alone | %s | | | %s | %s |\n", real->name, real->part[p],
                                    percent(real->half_split.part_top1[p]).text,
                                    percent(real->id[TB_SPAN_3S].part_accuracy[p]).text,
                                    percent(real->id[TB_SPAN_10S].part_accuracy[p]).text));
    }
    TB_TRY(tb_buffer_append_text(out, "\n"));
out:
    return status;
}

tb_status tb_eval_report_markdown(const tb_eval_report *report, const char *command, const char *picture,
                                  tb_buffer *out)
{
    tb_status status = TB_OK;
    TB_TRY(put_head(report, command, out));
    TB_TRY(put_targets(report, out));
    TB_TRY(put_table1(report, out));
    TB_TRY(put_table2(report, out));
    TB_TRY(put_table3(report, out));
    TB_TRY(put_disentanglement(report, picture, out));
    TB_TRY(put_presence(report, out));
    TB_TRY(put_robustness(report, out));
    TB_TRY(put_real(report, out));
out:
    return status;
}
