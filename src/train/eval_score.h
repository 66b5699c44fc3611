// SPDX-License-Identifier: MIT
/* Figures out of lists of numbers.  Threads: any. */
#ifndef TIMBRE_TRAIN_EVAL_SCORE_H
#define TIMBRE_TRAIN_EVAL_SCORE_H

#include "base/status.h"
#include "train/eval_tables.h"

#include <stdbool.h>
#include <stddef.h>

/* Average precision: the mean, over the true ones, of the precision at their place when all are ordered by
 * falling score (those of equal score share the last place among them, so that constant scores give the share
 * of true ones). NAN when none is true.  TB_NO_MEMORY. */
tb_status tb_average_precision(const float *score, const bool *truth, size_t n, double *result,
                               tb_error *err) TB_MUST_CHECK;

/* Of the n values that are not NAN; NAN for an empty mean, deviation (n - 1) 0 for a single value. */
void tb_mean_and_deviation(const double *values, size_t n, double *mean, double *deviation);

/* Segments without any sound are left out.  threshold: TB_STEM_COUNT. */
tb_status tb_eval_presence_measure(const tb_heard *heard, const float *threshold, tb_eval_presence *presence,
                                   tb_error *err) TB_MUST_CHECK;

#endif
