// SPDX-License-Identifier: MIT
/* Steps of training: each is some groups of segments, every group computed whole by one thread with activations,
 * gradients and batch norm statistics of its own; gradients are then summed in order of group, so that the result is the
 * same to the bit for any number of threads.
 *
 *     groups ─► forward, loss, backward (parallel) ─► mean gradient ─► clip ─► optimiser ─► statistics ─► averages
 *
 * What is in a group comes from a tb_group_maker (group_maker.h), one for each group of a step.
 *
 * One thread at a time; works on the threads of the pool. */
#ifndef TIMBRE_TRAIN_GROUP_TRAINER_H
#define TIMBRE_TRAIN_GROUP_TRAINER_H

#include "base/pool.h"
#include "base/status.h"
#include "nn/network.h"
#include "nn/optimizer.h"
#include "train/group_maker.h"
#include "train/loss.h"

#include <stddef.h>
#include <stdint.h>

enum { TB_TRAINER_MAX_GROUPS = 64 };

typedef struct tb_group_trainer_options {
    size_t n_groups;        /* in a step: 1 to TB_TRAINER_MAX_GROUPS */
    size_t max_segments;    /* in a group, with its solos: to TB_GROUP_MAX_ROWS */
    tb_loss_shape shape;    /* of the network's output */
    tb_optimizer_options optimizer;
    double clip;            /* > 0 */
    double average;         /* 0 to 1: how much of the averages stays in a step; less in the first steps */
    tb_group_source source; /* of the groups */
} tb_group_trainer_options;

typedef struct tb_group_trainer tb_group_trainer;

/* What a step does. */
typedef struct tb_step {
    uint64_t number; /* from 0: groups and averages depend on it */
    tb_group_kind kind;
    tb_stem stem; /* of TB_GROUP_SINGLE */
    tb_loss_options loss;
    double rate;
} tb_step;

typedef struct tb_step_report {
    tb_loss_report loss;  /* means over the groups */
    double gradient_norm; /* before it is clipped */
    size_t n_segments;
} tb_step_report;

/* net, pool: borrowed as long as the trainer, which writes to the network in its steps.  The averages begin as the network
 * is.  TB_NO_MEMORY, TB_INVALID. */
tb_status tb_group_trainer_new(tb_network *net, tb_pool *pool, const tb_group_trainer_options *options,
                               tb_group_trainer **trainer, tb_error *err) TB_MUST_CHECK;
/* Accepts NULL. */
void tb_group_trainer_free(tb_group_trainer *trainer);
/* One step.  TB_INVALID when loss or gradient are not finite; the parameters then are as before. */
tb_status tb_group_trainer_step(tb_group_trainer *trainer, const tb_step *step, tb_step_report *report, tb_error *err) TB_MUST_CHECK;

/* Averages over the steps, as large as the network's parameters and statistics; for checkpoints to be written to. */
float *tb_group_trainer_average(tb_group_trainer *trainer);
float *tb_group_trainer_average_statistics(tb_group_trainer *trainer);
tb_optimizer *tb_group_trainer_optimizer(tb_group_trainer *trainer);

#endif
