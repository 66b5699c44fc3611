// SPDX-License-Identifier: MIT
/* Training of the model "instruments" from a cache of pieces, from seed to file.
 *
 *     pieces ─► input statistics ─► (five individual networks) ─► steps over groups ─► averaged weights ─► model file
 *                                                                    └► validation, checkpoint, log, curves
 *
 * The averaged weights that score best on held-out pieces (validation.h) are the ones that are kept.  In the folder of
 * checkpoints lie
 *     checkpoint.safetensors   all that is needed to go on, to the bit (checkpoint.h)
 *     log.jsonl                a line for some of the steps and for every validation (training_history.h)
 *     curves.svg
 *
 * The result depends on the pieces, the settings and the seed, not on the number of threads, nor on whether the training was
 * interrupted.
 *
 * One thread at a time. */
#ifndef TIMBRE_TRAIN_INSTRUMENTS_TRAINING_H
#define TIMBRE_TRAIN_INSTRUMENTS_TRAINING_H

#include "base/status.h"
#include "train/recipe.h"
#include "train/validation.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TB_TRAINING_MAX_THREADS = 64, TB_TRAINING_MAX_NETWORK_TEXT = 16384 };

typedef struct tb_training_progress {
    const char *phase;           /* "individual network for bass", "pre-training", "training"; borrowed */
    uint64_t segments, n_segments; /* of this phase */
    double loss;
    double segments_per_s, left_s; /* of this phase */
    const tb_validation_report *validation; /* the last one; NULL while there is none */
} tb_training_progress;

/* All borrowed. */
typedef struct tb_instruments_training_options {
    const char *cache;      /* file of pieces (piece_cache.h) */
    const char *validation; /* held-out ones; NULL = none, then the last averages are kept */
    const char *out;        /* model file */
    const char *folder;     /* of checkpoints; is made */
    const char *network;    /* "small", "big", or a text of network.h whose input and output fit */
    tb_recipe recipe;
    uint64_t n_segments;       /* > 0 */
    size_t n_groups;           /* in a step: 1 to TB_TRAINER_MAX_GROUPS */
    size_t n_threads;          /* 1 to TB_TRAINING_MAX_THREADS */
    uint64_t seed;
    size_t n_validations;      /* over the training, the last at its end; 1 to 10000 */
    size_t validation_draws;   /* choices of pieces in a validation: 1 to 100; 3 */
    double checkpoint_every_s; /* > 0 */
    bool resume;               /* go on from the folder's checkpoint, if there is one */
    void (*progress)(void *context, const tb_training_progress *progress); /* after each step; may be NULL */
    void *context;
    const atomic_bool *cancel; /* NULL = never */
} tb_instruments_training_options;

typedef struct tb_instruments_training_result {
    uint64_t n_steps, n_segments;
    size_t n_pieces, n_validation_pieces;
    double seconds;                 /* of this call */
    uint64_t best_step;             /* whose averages were kept */
    bool validated;
    tb_validation_report best;
} tb_instruments_training_result;

/* TB_INVALID: settings, or pieces that nothing can be learnt from, or a loss that is no longer a number; TB_EXISTS: the
 * folder holds a checkpoint and resume is false; TB_CANCELLED: a checkpoint was written; TB_NOT_FOUND, TB_CORRUPT, TB_IO,
 * TB_FULL, TB_NO_MEMORY.  No model file is written but for TB_OK. */
tb_status tb_instruments_train(const tb_instruments_training_options *options, tb_instruments_training_result *result, tb_error *err) TB_MUST_CHECK;

#endif
