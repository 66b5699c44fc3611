// SPDX-License-Identifier: MIT
/* Optimisers: how a gradient changes the parameters of a network.
 *
 *     sgd     v = momentum v + g;  w -= rate v                              (momentum 0: plain SGD)
 *     adam    Kingma and Ba, arXiv 1412.6980, algorithm 1
 *     adamw   the same with decoupled decay: w -= rate * decay * w          (arXiv 1711.05101)
 *
 * For sgd and adam, weight decay is added to the gradient.  It is for tensors that decay alone (network.h).
 * The result depends on the arguments alone, to the bit, and on the state, which can be saved and restored as
 * flat arrays.  One thread at a time. */
#ifndef TIMBRE_NN_OPTIMIZER_H
#define TIMBRE_NN_OPTIMIZER_H

#include "base/status.h"
#include "nn/network.h"

#include <stddef.h>
#include <stdint.h>

typedef enum tb_optimizer_kind { TB_OPTIMIZER_SGD, TB_OPTIMIZER_ADAM, TB_OPTIMIZER_ADAMW } tb_optimizer_kind;

typedef struct tb_optimizer_options {
    tb_optimizer_kind kind;
    double weight_decay;   /* >= 0 */
    double momentum;       /* sgd: [0, 1) */
    double beta1, beta2;   /* adam: [0, 1) */
    double epsilon;        /* adam: > 0 */
} tb_optimizer_options;

/* AdamW with betas 0.9 and 0.999, epsilon 1e-8, decay 1e-4, momentum 0.9 for who changes the kind. */
extern const tb_optimizer_options tb_optimizer_defaults;

typedef struct tb_optimizer tb_optimizer;

/* "sgd", "adam", "adamw"; TB_INVALID for another, naming these. */
tb_status tb_optimizer_kind_parse(const char *name, tb_optimizer_kind *kind, tb_error *err) TB_MUST_CHECK;

/* For networks of this text; takes what it needs of the network, whose parameters it changes in
 * tb_optimizer_step alone.  TB_INVALID for options out of range, TB_NO_MEMORY. */
tb_status tb_optimizer_new(const tb_network *net, const tb_optimizer_options *options,
                           tb_optimizer **optimizer,
                           tb_error *err) TB_MUST_CHECK;
/* Accepts NULL. */
void tb_optimizer_free(tb_optimizer *optimizer);
/* params, gradient: [n_params]; rate >= 0 (of schedule.h). */
void tb_optimizer_step(tb_optimizer *optimizer, double rate, const float *gradient, float *params);

/* For checkpoints: state is n_state arrays of n_params floats one after the other (sgd 1, adam 2), and the
 * number of steps made; both may be written when a checkpoint is restored. */
size_t tb_optimizer_state_values(const tb_optimizer *optimizer);
float *tb_optimizer_state(tb_optimizer *optimizer);
uint64_t tb_optimizer_steps(const tb_optimizer *optimizer);
void tb_optimizer_set_steps(tb_optimizer *optimizer, uint64_t steps);

/* Scales the gradient so that its norm is at most max_norm (> 0; infinite: not at all); returns the norm
 * before, which is not finite if any value is not (then the gradient stays). */
double tb_clip_gradient(float *gradient, size_t n, double max_norm);

/* average = keep * average + (1 - keep) * values, keep in [0, 1]: call it after each step on n_params floats
 * that began as a copy of the parameters.  Statistics likewise. */
void tb_average(float *average, const float *values, size_t n, double keep);

#endif
