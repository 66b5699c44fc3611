// SPDX-License-Identifier: MIT
/* Steps are made value by value in f32, so that the compiler can do several at a time; what depends on the
 * step alone is computed in double. */
#include "nn/optimizer.h"

#include "base/alloc.h"

#include <math.h>
#include <string.h>

/* Values that are treated alike. */
typedef struct value_range {
    size_t at, n;
    bool decays;
} value_range;

struct tb_optimizer {
    tb_optimizer_options options;
    size_t n_params;
    value_range *ranges;
    size_t n_ranges;
    float *state; /* [number of moments][n_params] */
    uint64_t steps;
};

const tb_optimizer_options tb_optimizer_defaults = {
    .kind = TB_OPTIMIZER_ADAMW,
    .weight_decay = 1e-4,
    .momentum = 0.9,
    .beta1 = 0.9,
    .beta2 = 0.999,
    .epsilon = 1e-8,
};

static const struct {
    const char *name;
    size_t n_moments;
} kinds[] = {
    [TB_OPTIMIZER_SGD] = {"sgd", 1},
    [TB_OPTIMIZER_ADAM] = {"adam", 2},
    [TB_OPTIMIZER_ADAMW] = {"adamw", 2},
};

enum { N_KINDS = sizeof kinds / sizeof *kinds };

tb_status tb_optimizer_kind_parse(const char *name, tb_optimizer_kind *kind, tb_error *err)
{
    for (size_t i = 0; i < N_KINDS; i++)
        if (strcmp(kinds[i].name, name) == 0) {
            *kind = (tb_optimizer_kind)i;
            return TB_OK;
        }
    return tb_error_set(err, TB_INVALID, "there is no optimiser \"%s\"; there are sgd, adam, adamw", name);
}

static bool is_share(double value)
{
    return value >= 0 && value < 1;
}

static tb_status check(const tb_optimizer_options *options, tb_error *err)
{
    if ((size_t)options->kind >= N_KINDS) return tb_error_set(err, TB_INVALID, "there is no such optimiser");
    if (!(options->weight_decay >= 0 && options->weight_decay <= 1))
        return tb_error_set(err, TB_INVALID, "the weight decay %g is outside of 0 to 1",
                            options->weight_decay);
    if (options->kind == TB_OPTIMIZER_SGD) {
        if (!is_share(options->momentum))
            return tb_error_set(err, TB_INVALID, "the momentum %g is outside of 0 to below 1",
                                options->momentum);
    } else if (!is_share(options->beta1) || !is_share(options->beta2)) {
        return tb_error_set(err, TB_INVALID, "the betas %g and %g are outside of 0 to below 1",
                            options->beta1, options->beta2);
    } else if (!(options->epsilon > 0 && options->epsilon <= 1)) {
        return tb_error_set(err, TB_INVALID, "epsilon %g is outside of above 0 to 1", options->epsilon);
    }
    return TB_OK;
}

tb_status tb_optimizer_new(const tb_network *net, const tb_optimizer_options *options,
                           tb_optimizer **optimizer, tb_error *err)
{
    tb_status status = TB_OK;
    tb_optimizer *made = NULL;
    TB_TRY(check(options, err));
    made = tb_alloc(1, sizeof *made);
    if (made == NULL) TB_FAIL(err, TB_NO_MEMORY, "no memory for an optimiser");
    made->options = *options;
    made->n_params = tb_network_n_params(net);
    made->ranges = tb_alloc(tb_network_n_tensors(net), sizeof *made->ranges);
    made->state = tb_alloc_aligned(tb_optimizer_state_values(made), sizeof *made->state);
    if (made->ranges == NULL || made->state == NULL)
        TB_FAIL(err, TB_NO_MEMORY, "no memory for an optimiser of %zu parameters", made->n_params);
    for (size_t i = 0; i < tb_network_n_tensors(net); i++) {
        const tb_network_tensor *tensor = tb_network_tensor_at(net, i);
        if (tensor->trained)
            made->ranges[made->n_ranges++] = (value_range){tensor->at, tensor->n_values, tensor->decays};
    }
    *optimizer = made;
    made = NULL;
out:
    tb_optimizer_free(made);
    return status;
}

void tb_optimizer_free(tb_optimizer *optimizer)
{
    if (optimizer == NULL) return;
    tb_free(optimizer->ranges);
    tb_free(optimizer->state);
    tb_free(optimizer);
}

static void step_sgd(size_t n, float rate, float decay, float momentum, const float *restrict gradient,
                     float *restrict velocity, float *restrict params)
{
    for (size_t i = 0; i < n; i++) {
        velocity[i] = momentum * velocity[i] + (gradient[i] + decay * params[i]);
        params[i] -= rate * velocity[i];
    }
}

/* The constants of one step of Adam. */
typedef struct adam_step {
    float beta1, beta2, rate, epsilon;
    float shrink; /* adamw: what decay leaves of a value */
    float decay;  /* adam: added to the gradient */
} adam_step;

static void step_adam(size_t n, const adam_step *step, const float *restrict gradient, float *restrict first,
                      float *restrict second, float *restrict params)
{
    const float beta1 = step->beta1, beta2 = step->beta2, rate = step->rate, epsilon = step->epsilon;
    const float shrink = step->shrink, decay = step->decay;
    for (size_t i = 0; i < n; i++) {
        const float g = gradient[i] + decay * params[i];
        first[i] = beta1 * first[i] + (1 - beta1) * g;
        second[i] = beta2 * second[i] + (1 - beta2) * g * g;
        params[i] = shrink * params[i] - rate * first[i] / (sqrtf(second[i]) + epsilon);
    }
}

void tb_optimizer_step(tb_optimizer *optimizer, double rate, const float *gradient, float *params)
{
    const tb_optimizer_options *options = &optimizer->options;
    const double t = (double)++optimizer->steps;
    /* Algorithm 1 with both corrections of the bias moved into rate and epsilon, as its section 2 says. */
    const double root = sqrt(1 - pow(options->beta2, t));
    const bool decoupled = options->kind == TB_OPTIMIZER_ADAMW;
    for (size_t i = 0; i < optimizer->n_ranges; i++) {
        const value_range *range = &optimizer->ranges[i];
        const double decay = range->decays ? options->weight_decay : 0;
        const float *g = gradient + range->at;
        float *state = optimizer->state + range->at, *w = params + range->at;
        if (options->kind == TB_OPTIMIZER_SGD) {
            step_sgd(range->n, (float)rate, (float)decay, (float)options->momentum, g, state, w);
            continue;
        }
        const adam_step step = {
            .beta1 = (float)options->beta1,
            .beta2 = (float)options->beta2,
            .rate = (float)(rate * root / (1 - pow(options->beta1, t))),
            .epsilon = (float)(options->epsilon * root),
            .shrink = decoupled ? (float)(1 - rate * decay) : 1,
            .decay = decoupled ? 0 : (float)decay,
        };
        step_adam(range->n, &step, g, state, state + optimizer->n_params, w);
    }
}

size_t tb_optimizer_state_values(const tb_optimizer *optimizer)
{
    return kinds[optimizer->options.kind].n_moments * optimizer->n_params;
}

float *tb_optimizer_state(tb_optimizer *optimizer)
{
    return optimizer->state;
}

uint64_t tb_optimizer_steps(const tb_optimizer *optimizer)
{
    return optimizer->steps;
}

void tb_optimizer_set_steps(tb_optimizer *optimizer, uint64_t steps)
{
    optimizer->steps = steps;
}

double tb_clip_gradient(float *gradient, size_t n, double max_norm)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += (double)gradient[i] * (double)gradient[i];
    const double norm = sqrt(sum);
    if (!isfinite(norm) || norm <= max_norm) return norm;
    const float scale = (float)(max_norm / norm);
    for (size_t i = 0; i < n; i++) gradient[i] *= scale;
    return norm;
}

void tb_average(float *average, const float *values, size_t n, double keep)
{
    const float kept = (float)keep, rest = (float)(1 - keep);
    for (size_t i = 0; i < n; i++) average[i] = kept * average[i] + rest * values[i];
}
