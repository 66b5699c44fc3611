// SPDX-License-Identifier: MIT
/* eval instruments: measures a model of instruments and makes its page, docs/models/instruments.md.
 *
 * With --output, what stands in the page before the line `marker` is kept, so that the page can say first
 * what the model is; the picture goes beside it. */
#include "cli/command_eval_instruments.h"
#include "cli/print.h"
#include "cli/progress.h"

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/fs.h"
#include "base/install.h"
#include "train/eval_report.h"

#include <math.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MAX_PAGE = 1 << 20 };

static const char marker[] = "<!-- What follows is made by `timbre eval instruments`. -->\n";
static const char default_head[] = "# instruments\n\n";
static atomic_bool cancelled;

/* --- progress and Ctrl-C -------------------------------------------------------------------------------- */

static void cancel(int signal_number)
{
    (void)signal_number;
    atomic_store(&cancelled, true);
}

typedef struct stages {
    tb_progress bar;
    const char *stage;
    bool quiet;
} stages;

/* A bar for each stage; its first call has done == 0 and starts the clock. */
static void show_stage(void *context, const char *stage, size_t done, size_t total)
{
    stages *s = context;
    if (s->stage == NULL || strcmp(s->stage, stage) != 0) {
        if (s->stage) tb_progress_end(&s->bar);
        s->stage = stage;
        tb_progress_begin(&s->bar, stage, s->quiet);
    }
    if (done > 0) tb_progress_show(&s->bar, (int64_t)done, (int64_t)total, 0);
}

/* --- paths ---------------------------------------------------------------------------------------------- */

/* "DIR/NAME.safetensors" of the models' folder. */
static tb_status model_path(const tb_cli_options *o, const char *name, char **path, tb_error *err)
{
    tb_status status = TB_OK;
    char *installed = NULL, file[64];
    snprintf(file, sizeof file, "%s.safetensors", name);
    if (!o->models) TB_TRY(tb_install_find("models", &installed, err));
    if (!(*path = tb_fs_join(o->models ? o->models : installed, file)))
        TB_FAIL(err, TB_NO_MEMORY, "no memory for a path");
out:
    tb_free(installed);
    return status;
}

/* "page-disentanglement.svg" for "page.md". */
static tb_status picture_path(const char *page, char **path, tb_error *err)
{
    tb_buffer text;
    tb_buffer_init(&text, 1 << 16);
    const size_t size = strlen(page), stem = size > 3 && strcmp(page + size - 3, ".md") == 0 ? size - 3
        : size;
    tb_status status = tb_buffer_append(&text, page, stem);
    if (status == TB_OK) status = tb_buffer_append_text(&text, "-disentanglement.svg");
    if (status == TB_OK && !(*path = tb_buffer_take(&text))) status = TB_NO_MEMORY;
    tb_buffer_clear(&text);
    return status == TB_OK ? TB_OK : tb_error_set(err, status, "the path of the picture is too long");
}

/* The command to make the page again; of paths outside the project their names alone. */
static tb_status put_command(const tb_cli_options *o, const char *model, tb_buffer *out)
{
    tb_status status = TB_OK;
    TB_TRY(tb_buffer_printf(out, "timbre eval instruments --model=%s --cache=%s", model,
                            tb_fs_name(o->cache)));
    if (o->music) TB_TRY(tb_buffer_printf(out, " --music=%s", tb_fs_name(o->music)));
    TB_TRY(tb_buffer_printf(out, " --draws=%lld --seed=%lld%s", (long long)o->draws, (long long)o->seed,
                            o->quick ? " --quick" : ""));
out:
    return status;
}

/* --- JSON ----------------------------------------------------------------------------------------------- */

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *share_json(const tb_eval_share *share)
{
    return json_pack("{s:o, s:I}", "share", share->n ? number(share->share) : json_null(), "n",
                     (json_int_t)share->n);
}

static json_t *shares_json(const tb_eval_share shares[TB_STEM_COUNT])
{
    json_t *parts = json_object();
    for (size_t c = 0; c < TB_STEM_COUNT; c++)
        json_object_set_new(parts, tb_stem_name((tb_stem)c), share_json(&shares[c]));
    return parts;
}

static json_t *numbers_json(const double values[TB_STEM_COUNT])
{
    json_t *parts = json_object();
    for (size_t c = 0; c < TB_STEM_COUNT; c++)
        json_object_set_new(parts, tb_stem_name((tb_stem)c), number(values[c]));
    return parts;
}

static json_t *matrix_json(const double values[TB_STEM_COUNT][TB_STEM_COUNT])
{
    json_t *rows = json_object();
    for (size_t c = 0; c < TB_STEM_COUNT; c++)
        json_object_set_new(rows, tb_stem_name((tb_stem)c), numbers_json(values[c]));
    return rows;
}

static json_t *robustness_json(const tb_eval_robustness *r)
{
    json_t *changes = json_object();
    for (size_t i = 0; i < TB_CHANGE_COUNT; i++) {
        const tb_robustness_row *row = &r->row[i];
        if (!row->measured) continue;
        json_object_set_new(changes, tb_audio_change_name((tb_audio_change)i),
                            json_pack("{s:o, s:o, s:o, s:o}", "track", share_json(&row->track), "piece_track",
                                      share_json(&row->piece_track), "piece",
                                      share_json(&row->piece), "parts", shares_json(row->part)));
    }
    return json_pack("{s:I, s:I, s:o}", "tracks", (json_int_t)r->n_tracks, "pieces", (json_int_t)r->n_pieces,
                     "changes", changes);
}

static json_t *real_json(const tb_eval_real *r)
{
    json_t *parts = json_object();
    for (size_t p = 0; p < r->n_parts; p++)
        json_object_set_new(parts, r->part[p],
                            json_pack("{s:f, s:f, s:f}", "half_split_top1", r->half_split.part_top1[p],
                                      "music_id_3s", r->id[TB_SPAN_3S].part_accuracy[p],
                                      "music_id_10s", r->id[TB_SPAN_10S].part_accuracy[p]));
    return json_pack("{s:s, s:I, s:f, s:f, s:f, s:f, s:f, s:o}", "space", r->name, "tracks",
                     (json_int_t)r->half_split.files.n_used, "half_split_top1",
                     r->half_split.top1, "half_split_top5", r->half_split.top5, "half_split_mrr",
                     r->half_split.mean_reciprocal_rank, "music_id_3s",
                     r->id[TB_SPAN_3S].accuracy, "music_id_10s", r->id[TB_SPAN_10S].accuracy, "parts", parts);
}

static json_t *targets_json(const tb_eval_report *r)
{
    json_t *list = json_array();
    tb_eval_target targets[TB_EVAL_MAX_TARGETS];
    const size_t n = tb_eval_targets(r, targets);
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list,
                              json_pack("{s:s, s:o, s:f, s:s, s:b}", "target", targets[i].what, "value",
                                        number(targets[i].value), "limit",
                                              targets[i].limit, "sense", targets[i].at_most ? "at most"
                                                  : "at least", "met",
                                              tb_eval_target_is_met(&targets[i])));
    return list;
}

static json_t *report_json(const tb_eval_report *r)
{
    json_t *json =
        json_pack("{s:s, s:s, s:s, s:I, s:b, s:I}", "test", "instruments", "model", r->model_digest, "cache",
                  r->cache_digest, "pieces",
                             (json_int_t)r->n_pieces, "quick", r->quick, "seed", (json_int_t)r->seed);
    static const char *const spans[TB_SPAN_COUNT] = {"3s", "10s"};
    json_t *table1 = json_object(), *real = json_array();
    for (size_t k = 0; k < TB_SPAN_COUNT; k++)
        json_object_set_new(table1, spans[k],
                            json_pack("{s:o, s:o, s:o}", "mix", shares_json(r->identity.mix[k]), "alone",
                                      shares_json(r->identity.alone[k]),
                                                        "all_parts", share_json(&r->identity.all[k])));
    json_object_set_new(json, "table1", table1);
    json_object_set_new(json, "table2",
                        json_pack("{s:I, s:o, s:o, s:o, s:o}", "draws", (json_int_t)r->mixes.n_draws, "mean",
                                  matrix_json(r->mixes.mean),
                                                  "deviation", matrix_json(r->mixes.deviation), "leakage", number(r->mixes.leakage),
                                                  "leakage_deviation",
                                                  number(r->mixes.leakage_deviation)));
    json_object_set_new(json, "table3",
                        json_pack("{s:o, s:o}", "other_background", shares_json(r->judgement.apart),
                                  "background_of_x",
                                                  shares_json(r->judgement.lure)));
    json_object_set_new(json, "disentanglement",
                        json_pack("{s:o, s:o, s:o}", "change", matrix_json(r->disentanglement.change),
                                  "ratio",
                                                           number(r->disentanglement.ratio), "ratio_of_squares",
                                                           number(r->disentanglement.ratio2)));
    json_object_set_new(json, "presence",
                        json_pack("{s:o, s:o, s:o, s:o}", "average_precision",
                                  numbers_json(r->presence.average_precision), "share",
                                                    numbers_json(r->presence.share), "precision",
                                                    numbers_json(r->presence.precision), "recall",
                                                    numbers_json(r->presence.recall)));
    json_object_set_new(json, "robustness_rendered", robustness_json(&r->rendered));
    json_object_set_new(json, "robustness_recorded", robustness_json(&r->recorded));
    for (size_t i = 0; i < r->n_real; i++) json_array_append_new(real, real_json(&r->real[i]));
    json_object_set_new(json, "real", real);
    json_object_set_new(json, "targets", targets_json(r));
    return json;
}

/* --- the page ------------------------------------------------------------------------------------------- */

/* What stands before the marker in the page that is there, else the default head. */
static tb_status put_head(const char *page, tb_buffer *out, tb_error *err)
{
    char *old = NULL;
    size_t size = 0;
    tb_error why = {0};
    tb_status status = tb_fs_read(page, MAX_PAGE, &old, &size, &why);
    const char *end = status == TB_OK ? strstr(old, marker) : NULL;
    if (status == TB_NOT_FOUND) status = TB_OK;
    if (status == TB_OK && old && !end && size > 0)
        status =
            tb_error_set(err, TB_EXISTS,
                         "%.300s is there and lacks the line %.*s behind which the figures go; name another file",
                         page,
                              (int)(sizeof marker - 2), marker);
    else if (status != TB_OK) *err = why;
    if (status == TB_OK)
        status = end ? tb_buffer_append(out, old, (size_t)(end - old))
            : tb_buffer_append_text(out, default_head);
    tb_free(old);
    return status;
}

static tb_status write_page(const tb_eval_report *report, const char *page, const char *command,
                            tb_buffer *head, tb_error *err)
{
    tb_status status = TB_OK;
    char *picture = NULL;
    tb_buffer svg;
    tb_buffer_init(&svg, MAX_PAGE);
    TB_TRY(picture_path(page, &picture, err));
    TB_TRY(tb_buffer_append_text(head, marker));
    TB_TRY(tb_buffer_append_text(head, "\n"));
    TB_TRY(tb_eval_report_markdown(report, command, tb_fs_name(picture), head));
    TB_TRY(tb_eval_report_picture(report, &svg));
    TB_TRY(tb_fs_write_atomic(picture, svg.bytes, svg.size, err));
    TB_TRY(tb_fs_write_atomic(page, head->bytes, head->size, err));
out:
    tb_free(picture);
    tb_buffer_clear(&svg);
    return status;
}

static void print_targets(const tb_eval_report *report)
{
    tb_eval_target targets[TB_EVAL_MAX_TARGETS];
    const size_t n = tb_eval_targets(report, targets);
    for (size_t i = 0; i < n; i++) {
        const tb_eval_target *t = &targets[i];
        const double unit = t->is_ratio ? 1 : 100;
        if (isnan(t->value)) printf("%-56s not measured\n", t->what);
        else printf("%-56s %6.2f  %s %6.2f  %s\n", t->what, unit * t->value, t->at_most ? "<=" : ">=",
                    unit * t->limit, tb_eval_target_is_met(t) ? "met" : "missed");
    }
}

static tb_status say(tb_arguments *a, const tb_eval_report *report, const char *command, tb_buffer *page,
                     tb_error *err)
{
    tb_status status = TB_OK;
    if (a->options.output) TB_TRY(write_page(report, a->options.output, command, page, err));
    if (a->options.json) {
        json_t *json = report_json(report);
        tb_print_json(json);
        json_decref(json);
    } else if (a->options.output) {
        print_targets(report);
    } else {
        TB_TRY(tb_eval_report_markdown(report, command, NULL, page));
        fputs(page->bytes, stdout);
    }
out:
    return status;
}

tb_status tb_eval_instruments_command(tb_arguments *a, tb_error *err)
{
    tb_status status = TB_OK;
    const tb_cli_options *o = &a->options;
    char *installed = NULL, *descriptors = NULL;
    tb_buffer page, command;
    tb_eval_report report;
    stages progress = {.quiet = o->quiet};
    const struct sigaction on_signal = {.sa_handler = cancel, .sa_flags = (int)SA_RESETHAND | SA_RESTART};
    tb_buffer_init(&page, MAX_PAGE);
    tb_buffer_init(&command, 1 << 16);
    if (!o->cache)
        TB_FAIL(err, TB_INVALID,
                "say on which pieces: timbre eval instruments --cache=FILE, made by "
                "`timbre dataset songs FILE --split=test`");
    if (!o->model) TB_TRY(model_path(o, "instruments", &installed, err));
    if (o->music) TB_TRY(model_path(o, "descriptors", &descriptors, err));
    if (o->output) TB_TRY(put_head(o->output, &page, err));
    TB_TRY(put_command(o, o->model ? o->model : "models/instruments.safetensors", &command));
    sigaction(SIGINT, &on_signal, NULL);
    sigaction(SIGTERM, &on_signal, NULL);
    const long n_processors = sysconf(_SC_NPROCESSORS_ONLN);
    const tb_eval_options options = {
        .model_path = o->model ? o->model : installed,
        .cache_path = o->cache,
        .music = o->music,
        .descriptors_path = descriptors,
        .n_draws = o->quick && o->draws > 3 ? 3 : (size_t)o->draws,
        .seed = (uint64_t)o->seed,
        .n_threads = o->threads ? (size_t)o->threads : n_processors > 0 ? (size_t)n_processors : 1,
        .quick = o->quick,
        .progress = show_stage,
        .context = &progress,
        .cancel = &cancelled,
    };
    TB_TRY(tb_eval_instruments(&options, &report, err));
    tb_progress_end(&progress.bar);
    TB_TRY(say(a, &report, command.bytes, &page, err));
out:
    tb_progress_end(&progress.bar);
    if (status != TB_OK && err->code == TB_OK)
        (void)tb_error_set(err, status, "the page could not be made: %s", tb_status_text(status));
    tb_buffer_clear(&page);
    tb_buffer_clear(&command);
    tb_free(installed);
    tb_free(descriptors);
    return status;
}
