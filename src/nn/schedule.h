// SPDX-License-Identifier: MIT
/* Learning rates over the steps of a training.  Pure functions of the step, so that a resumed training goes
 * on with the same rates.  Threads: any. */
#ifndef TIMBRE_NN_SCHEDULE_H
#define TIMBRE_NN_SCHEDULE_H

#include "base/status.h"

#include <stdint.h>

typedef enum tb_schedule_kind {
    TB_SCHEDULE_CONSTANT,
    TB_SCHEDULE_COSINE, /* half a wave from `rate` down to rate * floor at n_steps, then that */
    TB_SCHEDULE_STEP, /* times `factor` after each `every` steps, never below rate * floor */
} tb_schedule_kind;

typedef struct tb_schedule {
    tb_schedule_kind kind;
    double rate;      /* > 0: the highest */
    uint64_t warm_up; /* steps in which the rate rises from rate / warm_up; for all kinds; 0: none */
    uint64_t n_steps; /* cosine: > warm_up */
    double floor;     /* cosine and step: [0, 1] */
    uint64_t every;   /* step: > 0; counted from the end of the warm-up */
    double factor;    /* step: (0, 1] */
} tb_schedule;

/* "constant", "cosine", "step"; TB_INVALID for another. */
tb_status tb_schedule_kind_parse(const char *name, tb_schedule_kind *kind, tb_error *err) TB_MUST_CHECK;
/* TB_INVALID with the reason if a field is out of range. */
tb_status tb_schedule_check(const tb_schedule *schedule, tb_error *err) TB_MUST_CHECK;
/* Rate of a step, counted from 0; > 0, or 0 at a floor of 0.  The schedule has passed the check. */
double tb_schedule_rate(const tb_schedule *schedule, uint64_t step);

#endif
