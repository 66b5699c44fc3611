// SPDX-License-Identifier: MIT
#include "train/instruments_training_internal.h"

#include "base/alloc.h"
#include "base/fs.h"
#include "model/instruments.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { N_STATISTICS_GROUPS = 16, MAX_SIGNATURE = 1 << 16 };
static const double lowest_deviation = 0.02;

static tb_status make_network_text(const tb__training *t, char **made, tb_error *err)
{
    tb_status status = TB_OK;
    tb_buffer text;
    tb_buffer_init(&text, TB_NETWORK_MAX_TEXT);
    const char *name = t->o->network;
    const bool is_small = strcmp(name, "small") == 0;
    if (is_small || strcmp(name, "big") == 0) {
        status = tb_buffer_printf(&text, "input %d %zu 1\n", TB_INSTRUMENTS_ROWS, t->set.n_bands);
        for (int channels = is_small ? 8 : 16, layer = 0; layer < 6 && status == TB_OK; layer++, channels *= 2)
            status = tb_buffer_printf(&text, "conv %d 5x5 stride 2 pad 2\nnorm\nleaky 0.2\n", channels);
        if (status == TB_OK) status = tb_buffer_printf(&text, "mean time\nflatten\ndense %d\n", TB_INSTRUMENTS_OUTPUTS);
    } else {
        status = tb_buffer_append_text(&text, name);
    }
    if (status != TB_OK) TB_FAIL(err, status, "the network's text is too long");
    if (!(*made = tb_buffer_take(&text))) TB_FAIL(err, TB_NO_MEMORY, "no memory for a network");
out:
    tb_buffer_clear(&text);
    return status;
}

static tb_status check_options(const tb_instruments_training_options *o, tb_error *err)
{
    tb_status status = TB_OK;
    if (o->n_segments == 0 || o->n_segments > (uint64_t)1 << 40) TB_FAIL(err, TB_INVALID, "the number of segments to train on must lie between 1 and 10^12");
    if (o->n_groups < 1 || o->n_groups > TB_TRAINER_MAX_GROUPS) TB_FAIL(err, TB_INVALID, "a step has 1 to %d groups", TB_TRAINER_MAX_GROUPS);
    if (o->n_threads < 1 || o->n_threads > TB_TRAINING_MAX_THREADS) TB_FAIL(err, TB_INVALID, "training works on 1 to %d threads", TB_TRAINING_MAX_THREADS);
    if (o->n_validations < 1 || o->n_validations > 10000) TB_FAIL(err, TB_INVALID, "there are 1 to 10000 validations");
    if (!(o->checkpoint_every_s > 0)) TB_FAIL(err, TB_INVALID, "the time between checkpoints must be above 0");
out:
    return status;
}

/* Words of "name=value", single blanks between: what a checkpoint must agree with. */
static tb_status write_signature(tb__training *t, tb_error *err)
{
    tb_status status = TB_OK;
    const tb_instruments_training_options *o = t->o;
    status = tb_buffer_printf(&t->signature, "pieces=%zu rows=%zu bands=%zu held_out=%zu seed=%" PRIu64 " segments=%" PRIu64 " step_groups=%zu validations=%zu draws=%zu ",
                              t->set.n_pieces, t->set.n_rows, t->set.n_bands, t->held_out.n_pieces, o->seed, o->n_segments, o->n_groups, o->n_validations,
                              o->validation_draws);
    if (status == TB_OK) status = tb_recipe_print(&o->recipe, &t->signature);
    if (status == TB_OK) status = tb_buffer_append_text(&t->signature, " network=");
    for (const char *c = tb_network_text(t->network); *c && status == TB_OK; c++)
        status = tb_buffer_append(&t->signature, *c == ' ' ? "_" : *c == '\n' ? "/" : c, 1);
    if (status != TB_OK) TB_FAIL(err, status, "no memory for the settings");
out:
    return status;
}

static tb_status make_paths(tb__training *t, tb_error *err)
{
    tb_status status = TB_OK;
    TB_TRY(tb_fs_make_directories(t->o->folder, err));
    t->checkpoint_path = tb_fs_join(t->o->folder, "checkpoint.safetensors");
    t->log_path = tb_fs_join(t->o->folder, "log.jsonl");
    t->curves_path = tb_fs_join(t->o->folder, "curves.svg");
    if (!t->checkpoint_path || !t->log_path || !t->curves_path) TB_FAIL(err, TB_NO_MEMORY, "no memory for paths");
out:
    return status;
}

tb_group_kind tb__training_group_kind(const tb__training *t)
{
    switch ((tb_recipe_groups)t->o->recipe.groups) {
    case TB_GROUPS_BASIC: return TB_GROUP_BASIC;
    case TB_GROUPS_ADDITIONAL: return TB_GROUP_ADDITIONAL;
    default: return TB_GROUP_CONTRAST;
    }
}

/* Mean and deviation of each band over groups that are not used for training. */
static tb_status measure_input(tb__training *t, tb_error *err)
{
    tb_status status = TB_OK;
    const size_t n_bands = t->set.n_bands;
    tb_group_maker *maker = NULL;
    const tb_group_source source = {.pieces = t->set.pieces, .n_bands = n_bands, .sampler = t->sampler, .augmenter = t->set.augmenter,
                                  .n_solos = tb_recipe_n_solos(&t->o->recipe), .max_rows = tb_recipe_group_rows(&t->o->recipe), .seed = t->o->seed};
    double *sums = tb_alloc(2 * n_bands, sizeof *sums), n = 0;
    t->mean = tb_alloc(n_bands, sizeof *t->mean);
    t->deviation = tb_alloc(n_bands, sizeof *t->deviation);
    if (!sums || !t->mean || !t->deviation) TB_FAIL(err, TB_NO_MEMORY, "no memory for statistics");
    TB_TRY(tb_group_maker_new(&source, &maker, err));
    for (uint64_t g = 0; g < N_STATISTICS_GROUPS; g++) {
        tb_training_group group;
        tb_group_maker_make(maker, tb__training_group_kind(t), TB_STEM_DRUMS, UINT64_MAX, g, &group);
        for (size_t r = 0; r < group.labels.n * TB_WINDOW_ROWS; r++, n++)
            for (size_t b = 0; b < n_bands; b++) {
                const double x = (double)group.x[r * n_bands + b];
                sums[b] += x;
                sums[n_bands + b] += x * x;
            }
    }
    for (size_t b = 0; b < n_bands; b++) {
        const double mean = sums[b] / n;
        t->mean[b] = (float)mean;
        t->deviation[b] = (float)sqrt(fmax(sums[n_bands + b] / n - mean * mean, lowest_deviation * lowest_deviation));
    }
out:
    tb_group_maker_free(maker);
    tb_free(sums);
    return status;
}

static tb_group_source training_source(const tb__training *t, bool with_targets)
{
    return (tb_group_source){
        .pieces = t->set.pieces, .n_bands = t->set.n_bands, .sampler = t->sampler, .augmenter = t->set.augmenter, .mean = t->mean,
        .deviation = t->deviation, .targets = with_targets ? t->targets : NULL, .soft_presence = t->o->recipe.soft_presence,
        .n_solos = tb_recipe_n_solos(&t->o->recipe), .max_rows = tb_recipe_group_rows(&t->o->recipe), .seed = t->o->seed,
    };
}

tb_group_trainer_options tb__training_trainer_options(const tb__training *t, const tb_loss_shape *shape, bool with_targets)
{
    const tb_recipe *recipe = &t->o->recipe;
    tb_group_trainer_options options = {
        .n_groups = t->o->n_groups, .max_segments = tb_recipe_group_rows(recipe), .shape = *shape, .optimizer = tb_optimizer_defaults,
        .clip = recipe->clip, .average = recipe->average, .source = training_source(t, with_targets),
    };
    options.optimizer.weight_decay = recipe->decay;
    return options;
}

static tb_status open_held_out(tb__training *t, tb_error *err)
{
    tb_status status = TB_OK;
    tb_augment_options none;
    tb_augment_options_none(&none);
    TB_TRY(tb_training_set_open(t->o->validation, &none, &t->held_out, err));
    if (t->held_out.n_bands != t->set.n_bands)
        TB_FAIL(err, TB_INVALID, "%.200s has %zu bands and %.200s %zu; make them with the same settings", t->o->validation, t->held_out.n_bands,
                t->o->cache, t->set.n_bands);
    TB_TRY(tb_validation_new(t->held_out.pieces, t->held_out.n_pieces, t->held_out.n_bands,
                             &(tb_validation_options){.n_draws = t->o->validation_draws, .n_labels = 10, .seed = 1}, &t->validation, err));
out:
    if (status != TB_OK) tb_error_prefix(err, "held-out pieces");
    return status;
}

tb_status tb__training_open(tb__training *t, tb_error *err)
{
    tb_status status = TB_OK;
    const tb_recipe *recipe = &t->o->recipe;
    tb_augment_options augment;
    tb_sampler_options sampling;
    tb_rng rng;
    char *text = NULL;
    tb_training_history_init(&t->history);
    tb_buffer_init(&t->signature, MAX_SIGNATURE);
    TB_TRY(check_options(t->o, err));
    tb_recipe_augment(recipe, &augment);
    tb_recipe_sampler(recipe, &sampling);
    TB_TRY(tb_training_set_open(t->o->cache, &augment, &t->set, err));
    TB_TRY(tb_sampler_new(t->set.pieces, t->set.n_pieces, t->set.n_bands, &sampling, &t->sampler, err));
    if (recipe->groups != TB_GROUPS_CONTRAST && !tb_sampler_can_triplets(t->sampler))
        TB_FAIL(err, TB_INVALID, "no tempo group of %.300s has three pieces, one of them with two instruments, to make triplets of", t->o->cache);
    if (t->o->validation) TB_TRY(open_held_out(t, err));
    TB_TRY(make_network_text(t, &text, err));
    TB_TRY(tb_network_parse(text, &t->network, err));
    TB_TRY(tb_network_parse(text, &t->averaged, err));
    tb_rng_init(&rng, t->o->seed);
    tb_network_init(t->network, &rng);
    TB_TRY(tb_pool_new("tb-train", t->o->n_threads, TB_TRAINER_MAX_GROUPS, &t->pool, err));
    TB_TRY(measure_input(t, err));
    if (tb_recipe_uses_targets(recipe)) TB_TRY(tb_instrument_targets_new(t->set.n_bands, &t->targets, err));
    t->best = tb_alloc(tb_network_n_params(t->network), sizeof *t->best);
    t->best_statistics = tb_alloc(tb_network_n_statistics(t->network), sizeof *t->best_statistics);
    if (!t->best || !t->best_statistics) TB_FAIL(err, TB_NO_MEMORY, "no memory for the best weights");
    const uint64_t step_segments = t->o->n_groups * tb_recipe_group_rows(recipe);
    t->n_steps = (t->o->n_segments + step_segments - 1) / step_segments;
    t->n_pretraining = (uint64_t)(recipe->pretrain * (double)t->n_steps);
    TB_TRY(write_signature(t, err));
    TB_TRY(make_paths(t, err));
out:
    tb_free(text);
    return status;
}

static const tb_loss_shape shape = {TB_INSTRUMENTS_PARTS, TB_INSTRUMENTS_PART_DIM, TB_INSTRUMENTS_PARTS};

tb_status tb__training_open_trainer(tb__training *t, tb_error *err)
{
    tb_status status = TB_OK;
    const tb_group_trainer_options options = tb__training_trainer_options(t, &shape, t->targets != NULL);
    TB_TRY(tb_group_trainer_new(t->network, t->pool, &options, &t->trainer, err));
    if (!t->validation) goto out;
    const tb_embedder_options hearing = {.pieces = t->held_out.pieces, .n_bands = t->held_out.n_bands, .augmenter = t->held_out.augmenter,
                                         .mean = t->mean, .deviation = t->deviation};
    TB_TRY(tb_embedder_new(t->averaged, t->pool, &hearing, &t->embedder, err));
out:
    return status;
}

void tb__training_close(tb__training *t)
{
    tb_group_trainer_free(t->trainer);
    tb_embedder_free(t->embedder);
    tb_validation_free(t->validation);
    tb_instrument_targets_free(t->targets);
    tb_network_free(t->network);
    tb_network_free(t->averaged);
    tb_pool_free(t->pool);
    tb_sampler_free(t->sampler);
    tb_training_set_close(&t->set);
    tb_training_set_close(&t->held_out);
    tb_training_history_clear(&t->history);
    tb_buffer_clear(&t->signature);
    tb_free(t->mean);
    tb_free(t->deviation);
    tb_free(t->checkpoint_path);
    tb_free(t->log_path);
    tb_free(t->curves_path);
    tb_free(t->best);
    tb_free(t->best_statistics);
    if (t->log) fclose(t->log);
}
