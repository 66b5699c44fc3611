// SPDX-License-Identifier: MIT
/* A training at work, shared by the files instruments_training*.c: what it is made of, how it is opened, and how its state
 * is kept. */
#ifndef TIMBRE_TRAIN_INSTRUMENTS_TRAINING_INTERNAL_H
#define TIMBRE_TRAIN_INSTRUMENTS_TRAINING_INTERNAL_H

#include "base/buffer.h"
#include "base/pool.h"
#include "nn/network.h"
#include "train/embedder.h"
#include "train/group_trainer.h"
#include "train/instruments_training.h"
#include "train/training_history.h"
#include "train/training_set.h"

#include <stdio.h>

typedef enum tb__training_phase { TB__TRAINING_TARGETS, TB__TRAINING_STEPS } tb__training_phase;

typedef struct tb__training {
    const tb_instruments_training_options *o;
    tb_training_set set, held_out;
    tb_sampler *sampler;
    tb_pool *pool;
    tb_network *network, *averaged;
    tb_instrument_targets *targets; /* NULL where the recipe does without */
    tb_group_trainer *trainer;      /* from the second phase on */
    tb_embedder *embedder;          /* of the averaged network on the held-out pieces */
    tb_validation *validation;      /* NULL without held-out pieces */
    float *mean, *deviation;        /* of the input, per band */
    tb_buffer signature;            /* which training this is (checkpoint.h) */
    char *checkpoint_path, *log_path, *curves_path;
    FILE *log;
    uint64_t n_steps, n_pretraining; /* all, and the first of them */

    /* what a checkpoint keeps, beside networks and trainer */
    uint64_t phase, step; /* steps done */
    uint64_t n_targets;   /* individual networks done */
    uint64_t log_bytes, best_step, n_best; /* n_best: how often there was a new best */
    tb_training_history history;
    float *best, *best_statistics; /* parameters and statistics of the network that is kept */
    tb_validation_report last, best_report;
    bool has_validated;

    int64_t begun_ns, phase_begun_ns, saved_ns;
    uint64_t phase_begun_segments;
} tb__training;

/* t: zero but for o.  On failure it can be closed. */
tb_status tb__training_open(tb__training *t, tb_error *err) TB_MUST_CHECK;
void tb__training_close(tb__training *t);
tb_group_trainer_options tb__training_trainer_options(const tb__training *t, const tb_loss_shape *shape, bool with_targets);
tb_group_kind tb__training_group_kind(const tb__training *t);
/* Opens t->trainer and t->embedder; the individual networks are done. */
tb_status tb__training_open_trainer(tb__training *t, tb_error *err) TB_MUST_CHECK;

/* Reads the checkpoint, if there is one and it is wanted, opens the trainer where it was open, and the log. */
tb_status tb__training_restore(tb__training *t, tb_error *err) TB_MUST_CHECK;
/* Checkpoint and curves. */
tb_status tb__training_save(tb__training *t, tb_error *err) TB_MUST_CHECK;
tb_status tb__training_log_step(tb__training *t, const tb_training_time *at, const tb_step_report *report, tb_error *err) TB_MUST_CHECK;
tb_status tb__training_log_validation(tb__training *t, const tb_training_time *at, tb_error *err) TB_MUST_CHECK;

#endif
