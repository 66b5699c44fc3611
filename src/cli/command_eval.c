// SPDX-License-Identifier: MIT
/* eval: how well a space finds music again; stats: makes the statistics of "descriptors".  Both work on a folder of
 * audio files, without a data folder or a server. */
#include "cli/command.h"
#include "cli/command_eval_instruments.h"
#include "cli/print.h"
#include "cli/progress.h"

#include "base/alloc.h"
#include "base/fs.h"
#include "base/install.h"
#include "base/text.h"
#include "model/model.h"
#include "train/descriptor_folder.h"
#include "train/retrieval.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* --- what both evaluations need ------------------------------------------------------------------------------------ */

static tb_status open_model(const tb_cli_options *o, tb_model **model, tb_error *err)
{
    tb_status status = TB_OK;
    char name[128], *installed = NULL, *path = NULL;
    if (!o->models) TB_TRY(tb_install_find("models", &installed, err));
    snprintf(name, sizeof name, "%.64s.safetensors", o->space ? o->space : "descriptors");
    if (!(path = tb_fs_join(o->models ? o->models : installed, name))) TB_FAIL(err, TB_NO_MEMORY, "no memory for a path");
    TB_TRY(tb_model_open(path, model, err));
out:
    tb_free(path);
    tb_free(installed);
    return status;
}

/* "timbre:1,rhythm:0.5" as one weight a part. */
static tb_status parse_using(const char *using, const tb_model_info *info, double *weights, tb_error *err)
{
    tb_status status = TB_OK;
    char *copy = tb_strdup(using), *save = NULL;
    if (!copy) TB_FAIL(err, TB_NO_MEMORY, "no memory");
    for (char *item = strtok_r(copy, ",", &save); item; item = strtok_r(NULL, ",", &save)) {
        double weight = 1;
        char *colon = strchr(item, ':');
        if (colon) *colon = '\0';
        if (colon && (tb_parse_double(colon + 1, &weight) != TB_OK || weight < 0)) TB_FAIL(err, TB_INVALID, "\"%s\" is no weight", colon + 1);
        size_t part = 0;
        while (part < info->n_parts && strcmp(info->parts[part].name, item) != 0) part++;
        if (part == info->n_parts) TB_FAIL(err, TB_INVALID, "space %s has no part \"%s\"", info->name, item);
        weights[part] = weight;
    }
    double sum = 0;
    for (size_t part = 0; part < info->n_parts; part++) sum += weights[part];
    if (!(sum > 0)) TB_FAIL(err, TB_INVALID, "every weight is 0; give at least one part a weight above 0");
out:
    tb_free(copy);
    return status;
}

static void show_progress(void *context, size_t done, size_t total)
{
    tb_progress_show(context, (int64_t)done, (int64_t)total, 0);
}

static json_t *files_json(const tb_retrieval_files *files)
{
    return json_pack("{s:i, s:i, s:i}", "used", (int)files->n_used, "too_short", (int)files->n_short, "failed", (int)files->n_failed);
}

static json_t *parts_json(const tb_model_info *info, const double *values)
{
    json_t *parts = json_object();
    for (size_t i = 0; i < info->n_parts; i++) json_object_set_new(parts, info->parts[i].name, json_real(values[i]));
    return parts;
}

static void print_parts(const tb_model_info *info, const double *values)
{
    for (size_t i = 0; i < info->n_parts; i++) printf("  %-20s %5.1f %%\n", info->parts[i].name, 100 * values[i]);
}

static void print_files(const tb_retrieval_files *files)
{
    printf("%zu files (%zu too short, %zu could not be read)\n", files->n_used, files->n_short, files->n_failed);
}

/* --- eval ------------------------------------------------------------------------------------------------------------- */

static tb_status half_split(tb_arguments *a, const char *folder, const tb_retrieval_options *options, const tb_model_info *info, tb_error *err)
{
    tb_half_split_result r;
    const tb_status status = tb_eval_half_split(folder, options, &r, err);
    if (status != TB_OK) return status;
    if (a->options.json) {
        json_t *json = json_pack("{s:s, s:s, s:s, s:o, s:f, s:f, s:f, s:o}", "test", "half-split", "space", info->name, "model", info->version, "files",
                                 files_json(&r.files), "top1", r.top1, "top5", r.top5, "mrr", r.mean_reciprocal_rank, "part_top1",
                                 parts_json(info, r.part_top1));
        tb_print_json(json);
        json_decref(json);
        return TB_OK;
    }
    printf("half-split, space %s: ", info->name);
    print_files(&r.files);
    printf("  top-1 %5.1f %%   top-5 %5.1f %%   mean reciprocal rank %.3f\n", 100 * r.top1, 100 * r.top5, r.mean_reciprocal_rank);
    printf("top-1 of each part alone\n");
    print_parts(info, r.part_top1);
    return TB_OK;
}

static tb_status music_id(tb_arguments *a, const char *folder, const tb_retrieval_options *options, const tb_model_info *info, tb_error *err)
{
    tb_music_id_result r;
    const tb_status status = tb_eval_music_id(folder, a->options.window, (size_t)a->options.windows, options, &r, err);
    if (status != TB_OK) return status;
    if (a->options.json) {
        json_t *json = json_pack("{s:s, s:s, s:s, s:o, s:f, s:i, s:f, s:o}", "test", "music-id", "space", info->name, "model", info->version, "files",
                                 files_json(&r.files), "window", a->options.window, "windows", (int)a->options.windows, "accuracy", r.accuracy,
                                 "part_accuracy", parts_json(info, r.part_accuracy));
        tb_print_json(json);
        json_decref(json);
        return TB_OK;
    }
    printf("music ID, space %s, %lld windows of %g s a file: ", info->name, (long long)a->options.windows, a->options.window);
    print_files(&r.files);
    printf("  5-nearest-neighbour vote %5.1f %% right\n", 100 * r.accuracy);
    printf("each part alone\n");
    print_parts(info, r.part_accuracy);
    return TB_OK;
}

tb_status tb_command_eval(tb_arguments *a, tb_error *err)
{
    tb_status status = TB_OK;
    tb_model *model = NULL;
    tb_progress progress = {0};
    double weights[TB_MODEL_MAX_PARTS] = {0};
    if (a->n_rest == 1 && strcmp(a->rest[0], "instruments") == 0) return tb_eval_instruments_command(a, err);
    if (a->n_rest != 2 || (strcmp(a->rest[0], "half-split") != 0 && strcmp(a->rest[0], "music-id") != 0))
        TB_FAIL(err, TB_INVALID, "say which test and on what: timbre eval half-split DIR, timbre eval music-id DIR, "
                "timbre eval instruments --cache=FILE");
    TB_TRY(open_model(&a->options, &model, err));
    const tb_model_info *info = tb_model_get_info(model);
    if (a->options.using) TB_TRY(parse_using(a->options.using, info, weights, err));
    const long n_processors = sysconf(_SC_NPROCESSORS_ONLN);
    const tb_retrieval_options options = {
        .model = model,
        .weights = a->options.using ? weights : NULL,
        .n_threads = a->options.threads ? (size_t)a->options.threads : n_processors > 0 ? (size_t)n_processors : 1,
        .progress = show_progress,
        .context = &progress,
    };
    tb_progress_begin(&progress, a->rest[0], a->options.quiet);
    if (strcmp(a->rest[0], "half-split") == 0) TB_TRY(half_split(a, a->rest[1], &options, info, err));
    else TB_TRY(music_id(a, a->rest[1], &options, info, err));
out:
    tb_progress_end(&progress);
    tb_model_close(model);
    return status;
}

/* --- stats ------------------------------------------------------------------------------------------------------------- */

tb_status tb_command_stats(tb_arguments *a, tb_error *err)
{
    tb_status status = TB_OK;
    tb_progress progress = {0};
    char music[512];
    tb_descriptor_folder_result result;
    if (a->n_rest != 1 || strcmp(a->rest[0], "descriptors") != 0 || !a->options.music || !a->options.output)
        TB_FAIL(err, TB_INVALID, "say of which music and where to: timbre stats descriptors --music DIR -o FILE");
    snprintf(music, sizeof music, "%s", a->options.name ? a->options.name : tb_fs_name(a->options.music));
    tb_progress_begin(&progress, "listening", a->options.quiet);
    TB_TRY(tb_descriptor_folder(a->options.music, music, a->options.output, show_progress, &progress, &result, err));
    tb_progress_end(&progress);
    printf("%s: statistics of %zu tracks (%zu files could not be read)\n", a->options.output, result.n_tracks, result.n_failed);
out:
    tb_progress_end(&progress);
    return status;
}
