// SPDX-License-Identifier: MIT
#include "nn/schedule.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

static const char *const names[] = {
    [TB_SCHEDULE_CONSTANT] = "constant",
    [TB_SCHEDULE_COSINE] = "cosine",
    [TB_SCHEDULE_STEP] = "step",
};

enum { N_KINDS = sizeof names / sizeof *names };

tb_status tb_schedule_kind_parse(const char *name, tb_schedule_kind *kind, tb_error *err)
{
    for (size_t i = 0; i < N_KINDS; i++)
        if (strcmp(names[i], name) == 0) {
            *kind = (tb_schedule_kind)i;
            return TB_OK;
        }
    return tb_error_set(err, TB_INVALID, "there is no schedule \"%s\"; there are constant, cosine, step",
                        name);
}

tb_status tb_schedule_check(const tb_schedule *schedule, tb_error *err)
{
    if ((size_t)schedule->kind >= N_KINDS) return tb_error_set(err, TB_INVALID, "there is no such schedule");
    if (!(schedule->rate > 0 && schedule->rate <= 1000))
        return tb_error_set(err, TB_INVALID, "a learning rate of %g is outside of above 0 to 1000",
                            schedule->rate);
    if (!(schedule->floor >= 0 && schedule->floor <= 1))
        return tb_error_set(err, TB_INVALID, "the floor %g of the learning rate is outside of 0 to 1",
                            schedule->floor);
    if (schedule->kind == TB_SCHEDULE_COSINE && schedule->n_steps <= schedule->warm_up)
        return tb_error_set(err, TB_INVALID, "a warm-up of %llu steps leaves none of the %llu",
                            (unsigned long long)schedule->warm_up, (unsigned long long)schedule->n_steps);
    if (schedule->kind == TB_SCHEDULE_STEP && schedule->every == 0)
        return tb_error_set(err, TB_INVALID, "a schedule in steps needs their length");
    if (schedule->kind == TB_SCHEDULE_STEP && !(schedule->factor > 0 && schedule->factor <= 1))
        return tb_error_set(err, TB_INVALID, "the factor %g of the learning rate is outside of above 0 to 1",
                            schedule->factor);
    return TB_OK;
}

double tb_schedule_rate(const tb_schedule *schedule, uint64_t step)
{
    static const double pi = 3.14159265358979323846;
    const double rate = schedule->rate, low = rate * schedule->floor;
    if (step < schedule->warm_up) return rate * (double)(step + 1) / (double)schedule->warm_up;
    const uint64_t since = step - schedule->warm_up;
    if (schedule->kind == TB_SCHEDULE_COSINE) {
        const uint64_t length = schedule->n_steps - schedule->warm_up;
        if (since >= length) return low;
        return low + (rate - low) * 0.5 * (1 + cos(pi * (double)since / (double)length));
    }
    if (schedule->kind == TB_SCHEDULE_STEP)
        return fmax(rate * pow(schedule->factor, (double)(since / schedule->every)), low);
    return rate;
}
