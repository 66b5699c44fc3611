// SPDX-License-Identifier: MIT
/* Checkpoints: everything that a training needs to go on as if it had never stopped, in one file of the format of
 * models (nn/model_file.h), so that it is checked whole when it is read.
 *
 * Values are f32 and come back to the bit.  Metadata: kind "checkpoint"; "training", a text that says which training
 * this is (a checkpoint of another one is refused); whole numbers by name.  Threads: any, one a file. */
#ifndef TIMBRE_TRAIN_CHECKPOINT_H
#define TIMBRE_TRAIN_CHECKPOINT_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

/* An array that is written and read; values are the owner's.  n == 0: left out. */
typedef struct tb_checkpoint_array {
    const char *name;
    float *values;
    size_t n;
} tb_checkpoint_array;

typedef struct tb_checkpoint_number {
    const char *name;
    uint64_t *value;
} tb_checkpoint_number;

typedef struct tb_checkpoint {
    const char *training; /* one line */
    const tb_checkpoint_array *arrays;
    size_t n_arrays;
    const tb_checkpoint_number *numbers;
    size_t n_numbers;
} tb_checkpoint;

/* Atomically.  TB_INVALID when a value is not finite; TB_IO, TB_FULL, TB_NO_MEMORY. */
tb_status tb_checkpoint_write(const tb_checkpoint *checkpoint, const char *path, tb_error *err) TB_MUST_CHECK;
/* Fills the arrays and numbers, whose sizes must be those of the file.  TB_NOT_FOUND; TB_INVALID for a checkpoint of
 * another training, saying in which setting they differ; TB_CORRUPT.  On failure some values may have been filled. */
tb_status tb_checkpoint_read(const tb_checkpoint *checkpoint, const char *path, tb_error *err) TB_MUST_CHECK;
/* Only the numbers, before sizes are known; the same errors. */
tb_status tb_checkpoint_read_numbers(const tb_checkpoint *checkpoint, const char *path, tb_error *err) TB_MUST_CHECK;

#endif
