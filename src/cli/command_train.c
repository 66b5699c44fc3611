// SPDX-License-Identifier: MIT
/* train: makes models.  Works without a data folder or a server. */
#include "cli/command.h"
#include "cli/print.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/text.h"
#include "train/instruments_training.h"

#include <math.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const double line_every_s = 60; /* where there is no terminal */
static atomic_bool cancelled;

static void cancel(int signal_number)
{
    (void)signal_number;
    atomic_store(&cancelled, true);
}

/* Ctrl-C ends the training after the step at hand, with a checkpoint; the second one ends the program. */
static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = cancel, .sa_flags = (int)SA_RESETHAND | SA_RESTART};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

/* --- progress ---------------------------------------------------------------------------------------------------------- */

typedef struct progress_line {
    bool quiet, is_terminal, is_drawn;
    int64_t drawn_ns;
    int tenth;
    char phase[64];
} progress_line;

static void format_time(char out[32], double s)
{
    const long long seconds = (long long)s;
    if (seconds >= 3600) snprintf(out, 32, "%lld:%02lld:%02lld", seconds / 3600, seconds / 60 % 60, seconds % 60);
    else snprintf(out, 32, "%lld:%02lld", seconds / 60, seconds % 60);
}

static bool is_time_to_draw(progress_line *line, const tb_training_progress *p)
{
    const double since_s = tb_clock_elapsed_s(tb_clock_system(), line->drawn_ns);
    const int tenth = (int)(10 * p->segments / p->n_segments);
    const bool is_new = tenth != line->tenth || strcmp(line->phase, p->phase) != 0;
    line->tenth = tenth;
    tb_text_copy(line->phase, sizeof line->phase, p->phase);
    return line->is_terminal ? since_s >= 0.1 || p->segments >= p->n_segments : is_new || since_s >= line_every_s;
}

static void show_progress(void *context, const tb_training_progress *p)
{
    progress_line *line = context;
    char left[32], validation[64] = "";
    if (line->quiet || !is_time_to_draw(line, p)) return;
    format_time(left, p->left_s);
    if (p->validation)
        snprintf(validation, sizeof validation, "  right %.0f %%  leak %.0f %%", 100 * p->validation->mean_accuracy, 100 * p->validation->mean_leakage);
    fprintf(stderr, "%s%s  %.1f %%  %llu/%llu segments  %.0f/s  %s left  loss %.3f%s%s", line->is_terminal ? "\r\033[K" : "", p->phase,
            100 * (double)p->segments / (double)p->n_segments, (unsigned long long)p->segments, (unsigned long long)p->n_segments, p->segments_per_s,
            left, p->loss, validation, line->is_terminal ? "" : "\n");
    fflush(stderr);
    line->is_drawn = line->is_terminal;
    line->drawn_ns = tb_clock_system()->mono_ns(tb_clock_system());
}

static void end_progress(progress_line *line)
{
    if (line->is_drawn) fputc('\n', stderr);
    line->is_drawn = false;
}

/* --- result -------------------------------------------------------------------------------------------------------------- */

static json_t *parts_json(const double *values)
{
    json_t *parts = json_object();
    for (int c = 0; c < TB_STEM_COUNT; c++)
        json_object_set_new(parts, tb_stem_name((tb_stem)c), isfinite(values[c]) ? json_real(values[c]) : json_null());
    return parts;
}

static void print_json(const char *path, const tb_instruments_training_result *r)
{
    json_t *json = json_pack("{s:s, s:I, s:I, s:I, s:I, s:f, s:I}", "model", path, "steps", (json_int_t)r->n_steps, "segments",
                             (json_int_t)r->n_segments, "pieces", (json_int_t)r->n_pieces, "held_out_pieces",
                             (json_int_t)r->n_validation_pieces, "seconds", r->seconds, "best_step", (json_int_t)r->best_step);
    if (r->validated)
        json_object_set_new(json, "validation", json_pack("{s:o, s:o, s:o}", "accuracy", parts_json(r->best.accuracy), "leakage",
                                                          parts_json(r->best.leakage), "presence", parts_json(r->best.presence)));
    tb_print_json(json);
    json_decref(json);
}

static void print_percent(double value)
{
    if (isfinite(value)) printf("  %6.1f %%", 100 * value);
    else printf("         -");
}

static void print_table(const char *path, const tb_instruments_training_result *r)
{
    char time[32];
    format_time(time, r->seconds);
    printf("%s: %llu segments of %zu pieces in %llu steps, %s\n", path, (unsigned long long)r->n_segments, r->n_pieces,
           (unsigned long long)r->n_steps, time);
    if (!r->validated) return;
    printf("held out: %zu pieces; best after step %llu\n%-10s  %8s  %8s  %8s\n", r->n_validation_pieces, (unsigned long long)r->best_step, "part",
           "right", "leakage", "presence");
    for (int c = 0; c < TB_STEM_COUNT; c++) {
        printf("%-10s", tb_stem_name((tb_stem)c));
        print_percent(r->best.accuracy[c]);
        print_percent(r->best.leakage[c]);
        print_percent(r->best.presence[c]);
        putchar('\n');
    }
    printf("%-10s", "mean");
    print_percent(r->best.mean_accuracy);
    print_percent(r->best.mean_leakage);
    print_percent(r->best.mean_presence);
    printf("\nguessing would be right in %.1f %%\n", 100 * r->best.chance);
}

/* --- the command ---------------------------------------------------------------------------------------------------------- */

/* "small" and "big" are known to the trainer; anything else is a file with the network's text. */
static tb_status read_network(const char *name, char **text, tb_error *err)
{
    tb_status status = TB_OK;
    size_t size = 0;
    if (strcmp(name, "small") == 0 || strcmp(name, "big") == 0) {
        if (!(*text = tb_strdup(name))) TB_FAIL(err, TB_NO_MEMORY, "no memory");
        goto out;
    }
    TB_TRY(tb_fs_read(name, TB_TRAINING_MAX_NETWORK_TEXT, text, &size, err));
    if (!tb_utf8_valid(*text, size)) TB_FAIL(err, TB_SYNTAX, "%.300s is no text of a network", name);
out:
    if (status == TB_NOT_FOUND) tb_error_prefix(err, "--network takes small, big or a file");
    return status;
}

static tb_status train_instruments(tb_arguments *a, tb_error *err)
{
    tb_status status = TB_OK;
    const tb_cli_options *o = &a->options;
    const long n_processors = sysconf(_SC_NPROCESSORS_ONLN);
    char *network = NULL, folder[4096];
    progress_line line = {.quiet = o->quiet, .is_terminal = isatty(STDERR_FILENO) == 1, .tenth = -1};
    tb_instruments_training_result result;
    if (!o->cache || !o->output)
        TB_FAIL(err, TB_INVALID, "say what to train on and where to write: timbre train instruments --cache FILE --validation FILE -o FILE "
                                 "(`timbre dataset songs FILE.cache` makes the first two)");
    if (o->checkpoint) tb_text_copy(folder, sizeof folder, o->checkpoint);
    else if ((size_t)snprintf(folder, sizeof folder, "%s.training", o->output) >= sizeof folder) TB_FAIL(err, TB_INVALID, "the name of the model is too long");
    tb_instruments_training_options options = {
        .cache = o->cache, .validation = o->validation, .out = o->output, .folder = folder, .n_segments = (uint64_t)o->segments,
        .n_groups = (size_t)o->groups, .n_threads = o->threads > 0 ? (size_t)o->threads : n_processors > 0 ? (size_t)n_processors : 1,
        .seed = (uint64_t)o->seed, .n_validations = (size_t)o->validations, .validation_draws = 3, .checkpoint_every_s = o->checkpoint_every, .resume = o->resume,
        .progress = show_progress, .context = &line, .cancel = &cancelled,
    };
    if (options.n_threads > TB_TRAINING_MAX_THREADS) options.n_threads = TB_TRAINING_MAX_THREADS;
    TB_TRY(tb_recipe_named(o->recipe, &options.recipe, err));
    for (int i = 1; i < a->n_rest; i++) TB_TRY(tb_recipe_set(&options.recipe, a->rest[i], err));
    TB_TRY(read_network(o->network, &network, err));
    options.network = network;
    catch_signals();
    TB_TRY(tb_instruments_train(&options, &result, err));
    end_progress(&line);
    if (o->json) print_json(o->output, &result);
    else print_table(o->output, &result);
out:
    end_progress(&line);
    tb_free(network);
    return status;
}

tb_status tb_command_train(tb_arguments *a, tb_error *err)
{
    const char *what = a->n_rest > 0 ? a->rest[0] : "";
    if (strcmp(what, "instruments") == 0) return train_instruments(a, err);
    if (strcmp(what, "settings") == 0 && a->n_rest == 1) {
        tb_recipe_print_help(stdout);
        return TB_OK;
    }
    return tb_error_set(err, TB_INVALID, "say what to train: timbre train instruments; timbre train settings lists what name=value may set");
}
