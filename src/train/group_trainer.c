// SPDX-License-Identifier: MIT
#include "train/group_trainer.h"

#include "base/alloc.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* One group of a step, with all that it needs. */
typedef struct lane {
    tb_group_trainer *trainer;
    size_t number;
    tb_group_maker *maker;
    tb_loss *loss;
    float *dy;
    size_t n_segments; /* of the last step */
    tb_loss_report report;
} lane;

struct tb_group_trainer {
    tb_network *net;
    tb_pool *pool;
    tb_group_trainer_options options;
    tb_optimizer *optimizer;
    lane lanes[TB_TRAINER_MAX_GROUPS];
    tb_pass *passes[TB_TRAINER_MAX_GROUPS];
    const tb_step *step; /* during a step */
    float *gradient, *average, *average_statistics;
};

static tb_status open_lane(tb_group_trainer *trainer, size_t i, tb_error *err)
{
    tb_status status = TB_OK;
    const tb_group_trainer_options *o = &trainer->options;
    lane *l = &trainer->lanes[i];
    l->trainer = trainer;
    l->number = i;
    TB_TRY(tb_group_maker_new(&o->source, &l->maker, err));
    TB_TRY(tb_loss_new(&o->shape, o->max_segments, &l->loss, err));
    l->dy = tb_alloc_aligned(o->max_segments * tb_loss_width(&o->shape), sizeof *l->dy);
    if (!l->dy) TB_FAIL(err, TB_NO_MEMORY, "no memory for a group of training");
    TB_TRY(tb_pass_new(trainer->net, o->max_segments, true, &trainer->passes[i], err));
out:
    return status;
}

tb_status tb_group_trainer_new(tb_network *net, tb_pool *pool, const tb_group_trainer_options *options,
                               tb_group_trainer **trainer, tb_error *err)
{
    tb_status status = TB_OK;
    tb_group_trainer *made = NULL;
    const size_t n_out = tb_shape_values(tb_network_output(net)), n_in = tb_shape_values(tb_network_input(net));
    if (n_out != tb_loss_width(&options->shape) || n_in != TB_WINDOW_ROWS * options->source.n_bands)
        TB_FAIL(err, TB_INVALID, "the network makes %zu numbers of %zu; needed are %zu of %d rows of %zu bands", n_out, n_in,
                tb_loss_width(&options->shape), TB_WINDOW_ROWS, options->source.n_bands);
    if (options->n_groups < 1 || options->n_groups > TB_TRAINER_MAX_GROUPS)
        TB_FAIL(err, TB_INVALID, "a step has 1 to %d groups, not %zu", TB_TRAINER_MAX_GROUPS, options->n_groups);
    const size_t n = tb_network_n_params(net), n_statistics = tb_network_n_statistics(net);
    if (!(made = tb_alloc(1, sizeof *made))) TB_FAIL(err, TB_NO_MEMORY, "no memory for training");
    made->net = net;
    made->pool = pool;
    made->options = *options;
    made->gradient = tb_alloc_aligned(n, sizeof *made->gradient);
    made->average = tb_alloc_aligned(n, sizeof *made->average);
    made->average_statistics = tb_alloc_aligned(n_statistics, sizeof *made->average_statistics);
    if (!made->gradient || !made->average || !made->average_statistics)
        TB_FAIL(err, TB_NO_MEMORY, "no memory to train %zu parameters", n);
    TB_TRY(tb_optimizer_new(net, &options->optimizer, &made->optimizer, err));
    for (size_t i = 0; i < options->n_groups; i++) TB_TRY(open_lane(made, i, err));
    memcpy(made->average, tb_network_params(net), n * sizeof *made->average);
    memcpy(made->average_statistics, tb_network_statistics(net), n_statistics * sizeof *made->average_statistics);
    *trainer = made;
    made = NULL;
out:
    tb_group_trainer_free(made);
    return status;
}

void tb_group_trainer_free(tb_group_trainer *trainer)
{
    if (!trainer) return;
    for (size_t i = 0; i < trainer->options.n_groups; i++) {
        tb_group_maker_free(trainer->lanes[i].maker);
        tb_loss_free(trainer->lanes[i].loss);
        tb_free(trainer->lanes[i].dy);
        tb_pass_free(trainer->passes[i]);
    }
    tb_optimizer_free(trainer->optimizer);
    tb_free(trainer->gradient);
    tb_free(trainer->average);
    tb_free(trainer->average_statistics);
    tb_free(trainer);
}

float *tb_group_trainer_average(tb_group_trainer *trainer)
{
    return trainer->average;
}

float *tb_group_trainer_average_statistics(tb_group_trainer *trainer)
{
    return trainer->average_statistics;
}

tb_optimizer *tb_group_trainer_optimizer(tb_group_trainer *trainer)
{
    return trainer->optimizer;
}

/* --- a step ---------------------------------------------------------------------------------------------------------- */

static void run_lane(void *context)
{
    lane *l = context;
    tb_group_trainer *trainer = l->trainer;
    const tb_step *step = trainer->step;
    tb_pass *pass = trainer->passes[l->number];
    tb_training_group group;
    tb_group_maker_make(l->maker, step->kind, step->stem, step->number, l->number, &group);
    assert(group.labels.n <= trainer->options.max_segments);
    l->n_segments = group.labels.n;
    const float *y = tb_pass_forward(pass, group.x, group.labels.n);
    tb_loss_compute(l->loss, &step->loss, &group.labels, y, l->dy, &l->report);
    tb_pass_clear_gradient(pass);
    tb_pass_backward(pass, l->dy, NULL);
}

/* Adds b's numbers to the sum of those that are known, NaN being unknown. */
static void add_known(double *sum, size_t *n, double value)
{
    if (isnan(value)) return;
    *sum += value;
    ++*n;
}

static void average_reports(const tb_group_trainer *trainer, tb_loss_report *mean)
{
    /* a tb_loss_report is doubles and nothing else */
    enum { N = sizeof(tb_loss_report) / sizeof(double) };
    double sums[N] = {0}, value[N];
    size_t counts[N] = {0};
    for (size_t i = 0; i < trainer->options.n_groups; i++) {
        memcpy(value, &trainer->lanes[i].report, sizeof value);
        for (size_t k = 0; k < N; k++) add_known(&sums[k], &counts[k], value[k]);
    }
    for (size_t k = 0; k < N; k++) sums[k] = counts[k] ? sums[k] / (double)counts[k] : (double)NAN;
    memcpy(mean, sums, sizeof *mean);
}

static void sum_gradients(tb_group_trainer *trainer)
{
    const size_t n = tb_network_n_params(trainer->net), n_groups = trainer->options.n_groups;
    const float scale = 1 / (float)n_groups;
    float *restrict sum = trainer->gradient;
    memcpy(sum, tb_pass_gradient(trainer->passes[0]), n * sizeof *sum);
    for (size_t i = 1; i < n_groups; i++) {
        const float *restrict other = tb_pass_gradient(trainer->passes[i]);
        for (size_t k = 0; k < n; k++) sum[k] += other[k];
    }
    for (size_t k = 0; k < n; k++) sum[k] *= scale;
}

static tb_status check_reports(const tb_group_trainer *trainer, tb_error *err)
{
    tb_status status = TB_OK;
    for (size_t i = 0; i < trainer->options.n_groups; i++)
        if (!isfinite(trainer->lanes[i].report.total))
            TB_FAIL(err, TB_INVALID, "training went astray at step %llu: the loss is no longer a number; try a lower rate",
                    (unsigned long long)trainer->step->number + 1);
out:
    return status;
}

tb_status tb_group_trainer_step(tb_group_trainer *trainer, const tb_step *step, tb_step_report *report, tb_error *err)
{
    tb_status status = TB_OK;
    const tb_group_trainer_options *o = &trainer->options;
    tb_network *net = trainer->net;
    tb_step_report made = {0};
    trainer->step = step;
    for (size_t i = 0; i < o->n_groups; i++) tb_pool_submit(trainer->pool, run_lane, &trainer->lanes[i]);
    tb_pool_wait(trainer->pool);
    TB_TRY(check_reports(trainer, err));
    average_reports(trainer, &made.loss);
    for (size_t i = 0; i < o->n_groups; i++) made.n_segments += trainer->lanes[i].n_segments;
    sum_gradients(trainer);
    made.gradient_norm = tb_clip_gradient(trainer->gradient, tb_network_n_params(net), o->clip);
    if (!isfinite(made.gradient_norm))
        TB_FAIL(err, TB_INVALID, "training went astray at step %llu: the gradient is no longer a number; try a lower rate",
                (unsigned long long)step->number + 1);
    tb_optimizer_step(trainer->optimizer, step->rate, trainer->gradient, tb_network_params(net));
    tb_network_update_statistics(net, trainer->passes, o->n_groups);
    /* the first steps are forgotten sooner */
    const double keep = fmin(o->average, (1 + (double)step->number) / (10 + (double)step->number));
    tb_average(trainer->average, tb_network_params(net), tb_network_n_params(net), keep);
    tb_average(trainer->average_statistics, tb_network_statistics(net), tb_network_n_statistics(net), keep);
    *report = made;
out:
    trainer->step = NULL;
    return status;
}
