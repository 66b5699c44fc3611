// SPDX-License-Identifier: MIT
/* The individual networks where the recipe wants them, then steps with validations and checkpoints between them, then the
 * model file.
 *
 * What a resumed training needs is in the checkpoint; what follows from settings and pieces (input statistics, groups,
 * rates) is computed again.  An individual network that was not finished is trained anew. */
#include "train/instruments_training.h"

#include "base/clock.h"
#include "base/log.h"
#include "model/instruments.h"
#include "nn/schedule.h"
#include "train/instruments_export.h"
#include "train/instruments_training_internal.h"

#include <math.h>
#include <string.h>

enum { LOG_LINES = 1000 };
/* Of the seed of individual networks, whose groups are others than those of the main one. */
static const uint64_t individual_seed = 0x1d1;

static int64_t now_ns(void)
{
    return tb_clock_system()->mono_ns(tb_clock_system());
}

static bool is_cancelled(const tb__training *t)
{
    return t->o->cancel && atomic_load(t->o->cancel);
}

static void begin_phase(tb__training *t, uint64_t segments)
{
    t->phase_begun_ns = now_ns();
    t->phase_begun_segments = segments;
}

static double speed(const tb__training *t, uint64_t segments)
{
    const double seconds = tb_clock_elapsed_s(tb_clock_system(), t->phase_begun_ns);
    return seconds > 0 ? (double)(segments - t->phase_begun_segments) / seconds : 0;
}

static void show(const tb__training *t, const char *phase, uint64_t segments, uint64_t n_segments, double loss)
{
    if (!t->o->progress) return;
    const double rate = speed(t, segments);
    const tb_training_progress progress = {
        .phase = phase, .segments = segments, .n_segments = n_segments, .loss = loss, .segments_per_s = rate,
        .left_s = rate > 0 && n_segments > segments ? (double)(n_segments - segments) / rate : 0,
        .validation = t->has_validated ? &t->last : NULL,
    };
    t->o->progress(t->o->context, &progress);
}

static tb_schedule make_schedule(const tb_recipe *recipe, uint64_t n_steps)
{
    uint64_t warm_up = (uint64_t)recipe->warm_up;
    if (warm_up > n_steps / 10) warm_up = n_steps / 10; /* short trainings warm up shortly */
    return (tb_schedule){.kind = TB_SCHEDULE_COSINE, .rate = recipe->rate, .warm_up = warm_up, .n_steps = n_steps, .floor = recipe->floor};
}

/* --- individual networks ------------------------------------------------------------------------------------------------ */

static tb_status train_individual(tb__training *t, tb_stem stem, tb_error *err)
{
    tb_status status = TB_OK;
    const tb_recipe *recipe = &t->o->recipe;
    static const tb_loss_shape shape = {1, TB_INSTRUMENTS_PART_DIM, 0};
    tb_network *net = tb_instrument_targets_network(t->targets, stem);
    tb_group_trainer *trainer = NULL;
    tb_group_trainer_options options = tb__training_trainer_options(t, &shape, false);
    tb_step step = {.kind = TB_GROUP_SINGLE, .stem = stem, .loss = {.temperature = 1, .shared_weight = 1, .margin = recipe->margin}};
    const uint64_t step_segments = options.n_groups * (uint64_t)recipe->segments_per_group;
    const uint64_t n_steps = ((uint64_t)recipe->target_segments + step_segments - 1) / step_segments;
    char phase[64];
    tb_rng rng;
    options.source.seed = t->o->seed ^ (individual_seed + (uint64_t)stem);
    step.loss.weight[TB_LOSS_TRIPLET] = 1;
    snprintf(phase, sizeof phase, "individual network for %s", tb_stem_name(stem));
    tb_rng_init(&rng, options.source.seed);
    tb_network_init(net, &rng);
    TB_TRY(tb_group_trainer_new(net, t->pool, &options, &trainer, err));
    const tb_schedule schedule = make_schedule(recipe, n_steps);
    begin_phase(t, 0);
    for (; step.number < n_steps; step.number++) {
        tb_step_report report;
        if (is_cancelled(t)) TB_FAIL(err, TB_CANCELLED, "the training was stopped before its first step; --resume goes on");
        step.rate = tb_schedule_rate(&schedule, step.number);
        TB_TRY(tb_group_trainer_step(trainer, &step, &report, err));
        show(t, phase, (step.number + 1) * step_segments, n_steps * step_segments, report.loss.total);
    }
    memcpy(tb_network_params(net), tb_group_trainer_average(trainer), tb_network_n_params(net) * sizeof(float));
    memcpy(tb_network_statistics(net), tb_group_trainer_average_statistics(trainer), tb_network_n_statistics(net) * sizeof(float));
out:
    tb_group_trainer_free(trainer);
    return status;
}

static tb_status train_targets(tb__training *t, tb_error *err)
{
    tb_status status = TB_OK;
    if (!t->targets || t->phase != TB__TRAINING_TARGETS) goto out;
    while (t->n_targets < TB_STEM_COUNT) {
        if (tb_sampler_can_single(t->sampler, (tb_stem)t->n_targets)) TB_TRY(train_individual(t, (tb_stem)t->n_targets, err));
        t->n_targets++;
        TB_TRY(tb__training_save(t, err));
    }
out:
    return status;
}

/* --- validation --------------------------------------------------------------------------------------------------------- */

static void keep_best(tb__training *t)
{
    memcpy(t->best, tb_network_params(t->averaged), tb_network_n_params(t->averaged) * sizeof *t->best);
    memcpy(t->best_statistics, tb_network_statistics(t->averaged), tb_network_n_statistics(t->averaged) * sizeof *t->best_statistics);
    t->best_step = t->step;
    t->n_best++;
    t->best_report = t->last;
}

static tb_status validate(tb__training *t, const tb_training_time *at, tb_error *err)
{
    tb_status status = TB_OK;
    memcpy(tb_network_params(t->averaged), tb_group_trainer_average(t->trainer), tb_network_n_params(t->averaged) * sizeof(float));
    memcpy(tb_network_statistics(t->averaged), tb_group_trainer_average_statistics(t->trainer),
           tb_network_n_statistics(t->averaged) * sizeof(float));
    if (!t->validation) {
        for (int c = 0; c < TB_STEM_COUNT; c++) t->last.threshold[c] = 0.5f;
        keep_best(t);
        return TB_OK;
    }
    tb_embedder_refresh(t->embedder);
    tb_validation_run(t->validation, t->embedder, &t->last);
    t->has_validated = true;
    /* as floats, which is how the checkpoint keeps them; scores that are not known never win over later ones */
    if (t->n_best == 0 || isnan(t->last.score) || (float)t->last.score > (float)t->best_report.score) keep_best(t);
    TB_TRY(tb__training_log_validation(t, at, err));
out:
    return status;
}

/* --- steps -------------------------------------------------------------------------------------------------------------- */

/* After step number `step`: n_validations of them, the last at the end. */
static bool is_time_to_validate(const tb__training *t)
{
    const uint64_t n = t->o->n_validations;
    return t->step == t->n_steps || t->step * n / t->n_steps > (t->step - 1) * n / t->n_steps;
}

static tb_status run_steps(tb__training *t, tb_error *err)
{
    tb_status status = TB_OK;
    const tb_recipe *recipe = &t->o->recipe;
    const tb_schedule schedule = make_schedule(recipe, t->n_steps);
    const uint64_t step_segments = t->o->n_groups * tb_recipe_group_rows(recipe);
    const uint64_t log_every = t->n_steps / LOG_LINES + 1;
    begin_phase(t, t->step * step_segments);
    while (t->step < t->n_steps) {
        const bool pretraining = t->step < t->n_pretraining;
        tb_step step = {.number = t->step, .kind = pretraining ? TB_GROUP_WHOLE : tb__training_group_kind(t), .rate = tb_schedule_rate(&schedule, t->step)};
        tb_step_report report;
        tb_recipe_loss(recipe, pretraining, &step.loss);
        if (is_cancelled(t)) {
            TB_TRY(tb__training_save(t, err));
            TB_FAIL(err, TB_CANCELLED, "the training was stopped after %llu of %llu steps; --resume goes on from %.200s", (unsigned long long)t->step,
                    (unsigned long long)t->n_steps, t->checkpoint_path);
        }
        TB_TRY(tb_group_trainer_step(t->trainer, &step, &report, err));
        t->step++;
        const uint64_t segments = t->step * step_segments;
        const tb_training_time at = {.step = t->step, .segments = segments, .rate = step.rate, .segments_per_s = speed(t, segments)};
        if (t->step % log_every == 0) TB_TRY(tb__training_log_step(t, &at, &report, err));
        const bool validates = is_time_to_validate(t);
        if (validates) TB_TRY(validate(t, &at, err));
        if (validates || tb_clock_elapsed_s(tb_clock_system(), t->saved_ns) > t->o->checkpoint_every_s) TB_TRY(tb__training_save(t, err));
        show(t, pretraining ? "pre-training" : "training", segments, t->n_steps * step_segments, report.loss.total);
    }
out:
    return status;
}

static tb_status export_best(tb__training *t, tb_error *err)
{
    memcpy(tb_network_params(t->averaged), t->best, tb_network_n_params(t->averaged) * sizeof *t->best);
    memcpy(tb_network_statistics(t->averaged), t->best_statistics, tb_network_n_statistics(t->averaged) * sizeof *t->best_statistics);
    const tb_instruments_export export = {
        .network = t->averaged, .n_bands = t->set.n_bands, .mean = t->mean, .deviation = t->deviation, .threshold = t->best_report.threshold,
        .training = t->signature.bytes, .pieces = tb_piece_cache_info(t->set.cache),
    };
    return tb_instruments_save(&export, t->o->out, err);
}

tb_status tb_instruments_train(const tb_instruments_training_options *options, tb_instruments_training_result *result, tb_error *err)
{
    tb_status status = TB_OK;
    tb__training t = {.o = options, .begun_ns = now_ns(), .saved_ns = now_ns()};
    TB_TRY(tb__training_open(&t, err));
    TB_TRY(tb__training_restore(&t, err));
    TB_TRY(train_targets(&t, err));
    if (!t.trainer) TB_TRY(tb__training_open_trainer(&t, err));
    t.phase = TB__TRAINING_STEPS;
    TB_TRY(run_steps(&t, err));
    TB_TRY(export_best(&t, err));
    *result = (tb_instruments_training_result){
        .n_steps = t.n_steps, .n_segments = t.n_steps * options->n_groups * tb_recipe_group_rows(&options->recipe),
        .n_pieces = tb_sampler_n_pieces(t.sampler), .n_validation_pieces = t.held_out.n_pieces,
        .seconds = tb_clock_elapsed_s(tb_clock_system(), t.begun_ns), .best_step = t.best_step, .validated = t.validation != NULL,
        .best = t.best_report,
    };
out:
    tb__training_close(&t);
    return status;
}
