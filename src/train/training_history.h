// SPDX-License-Identifier: MIT
/* What a training has been through: rows of numbers for the curves, and the log, a JSON object per line.
 *
 *     {"step":120,"segments":15360,"loss":1.9,"parts":{"drums":1.2,…},"same":…,"shared":…,"different":…,"rate":0.002,…}
 *     {"step":400,"segments":51200,"validation":{"accuracy":{"drums":0.95,…},"leakage":…,"presence":…,"score":…}}
 *
 * One thread at a time. */
#ifndef TIMBRE_TRAIN_TRAINING_HISTORY_H
#define TIMBRE_TRAIN_TRAINING_HISTORY_H

#include "base/buffer.h"
#include "base/status.h"
#include "train/group_trainer.h"
#include "train/validation.h"

#include <stddef.h>
#include <stdint.h>

/* Columns of the rows. */
enum {
    TB_HISTORY_SEGMENTS,
    TB_HISTORY_LOSS,
    TB_HISTORY_RATE,
    TB_HISTORY_GRADIENT,
    TB_HISTORY_SPEED,
    TB_HISTORY_PARTS, /* five */
    TB_HISTORY_STEP_COLUMNS = TB_HISTORY_PARTS + TB_STEM_COUNT,

    TB_HISTORY_SCORE = 1,
    TB_HISTORY_ACCURACY,
    TB_HISTORY_LEAKAGE = TB_HISTORY_ACCURACY + TB_STEM_COUNT,
    TB_HISTORY_PRESENCE = TB_HISTORY_LEAKAGE + TB_STEM_COUNT,
    TB_HISTORY_VALIDATION_COLUMNS = TB_HISTORY_PRESENCE + TB_STEM_COUNT,
};

/* Rows of a table, one after the other.  Numbers that are not known are -1, so that checkpoints can hold them. */
typedef struct tb_history_table {
    float *values; /* n x n_columns */
    size_t n, room, n_columns;
} tb_history_table;

typedef struct tb_training_history {
    tb_history_table steps, validations;
} tb_training_history;

void tb_training_history_init(tb_training_history *history);
void tb_training_history_clear(tb_training_history *history);
/* Room for so many rows, which the caller then fills. */
tb_status tb_history_table_resize(tb_history_table *table, size_t n, tb_error *err) TB_MUST_CHECK;

/* Where a training is. */
typedef struct tb_training_time {
    uint64_t step, segments; /* done */
    double rate, segments_per_s;
} tb_training_time;

/* Append to the table, and a line to the text. */
tb_status tb_training_history_step(tb_training_history *history, const tb_training_time *at, const tb_step_report *report,
                                   tb_buffer *line, tb_error *err) TB_MUST_CHECK;
tb_status tb_training_history_validation(tb_training_history *history, const tb_training_time *at, const tb_validation_report *report,
                                         tb_buffer *line, tb_error *err) TB_MUST_CHECK;
/* The curves as an SVG file. */
tb_status tb_training_history_draw(const tb_training_history *history, const char *title, const char *path, tb_error *err) TB_MUST_CHECK;

#endif
