// SPDX-License-Identifier: MIT
#include "train/eval_score.h"

#include "base/alloc.h"

#include <math.h>
#include <stdlib.h>

/* --- average precision ---------------------------------------------------------------------------------- */

typedef struct scored {
    float score;
    bool truth;
} scored;

static int by_falling_score(const void *a, const void *b)
{
    const float x = ((const scored *)a)->score, y = ((const scored *)b)->score;
    return (x < y) - (x > y);
}

tb_status tb_average_precision(const float *score, const bool *truth, size_t n, double *result, tb_error *err)
{
    scored *all = tb_alloc(n, sizeof *all);
    if (all == NULL) return tb_error_set(err, TB_NO_MEMORY, "no memory for %zu scores", n);
    for (size_t i = 0; i < n; i++) all[i] = (scored){score[i], truth[i]};
    qsort(all, n, sizeof *all, by_falling_score);
    double sum = 0;
    size_t n_true = 0;
    for (size_t i = 0; i < n;) {
        size_t end = i, n_new = 0;
        for (; end < n && !(all[end].score < all[i].score); end++) n_new += all[end].truth;
        n_true += n_new;
        sum += (double)n_new * (double)n_true / (double)end;
        i = end;
    }
    *result = n_true ? sum / (double)n_true : (double)NAN;
    tb_free(all);
    return TB_OK;
}

/* --- mean and deviation --------------------------------------------------------------------------------- */

void tb_mean_and_deviation(const double *values, size_t n, double *mean, double *deviation)
{
    double sum = 0, square = 0;
    size_t n_known = 0;
    for (size_t i = 0; i < n; i++)
        if (!isnan(values[i])) {
            sum += values[i];
            n_known++;
        }
    *mean = n_known ? sum / (double)n_known : (double)NAN;
    for (size_t i = 0; i < n; i++)
        if (!isnan(values[i])) square += (values[i] - *mean) * (values[i] - *mean);
    *deviation = n_known > 1 ? sqrt(square / (double)(n_known - 1)) : n_known ? 0 : (double)NAN;
}

/* --- presence ------------------------------------------------------------------------------------------- */

static bool sounds(const tb_heard *heard, size_t i)
{
    for (size_t c = 0; c < TB_STEM_COUNT; c++)
        if (heard->share[i * TB_STEM_COUNT + c] > 0) return true;
    return false;
}

static double ratio(size_t of, size_t all)
{
    return all ? (double)of / (double)all : (double)NAN;
}

tb_status tb_eval_presence_measure(const tb_heard *heard, const float *threshold, tb_eval_presence *presence,
                                   tb_error *err)
{
    tb_status status = TB_OK;
    tb_eval_presence made = {0};
    float *score = tb_alloc(heard->n, sizeof *score);
    bool *truth = tb_alloc(heard->n, sizeof *truth);
    if (!score || !truth) TB_FAIL(err, TB_NO_MEMORY, "no memory for %zu segments", heard->n);
    for (size_t c = 0; c < TB_STEM_COUNT; c++) {
        size_t n = 0, n_true = 0, n_said = 0, n_both = 0;
        for (size_t i = 0; i < heard->n; i++) {
            if (!sounds(heard, i)) continue;
            score[n] = heard->presence[i * TB_STEM_COUNT + c];
            truth[n] = heard->audible[i * TB_STEM_COUNT + c];
            const bool said = score[n] >= threshold[c];
            n_true += truth[n];
            n_said += said;
            n_both += said && truth[n];
            n++;
        }
        made.n = n;
        made.share[c] = n ? (double)n_true / (double)n : 0;
        made.precision[c] = ratio(n_both, n_said);
        made.recall[c] = ratio(n_both, n_true);
        TB_TRY(tb_average_precision(score, truth, n, &made.average_precision[c], err));
        if (n_true == n) made.average_precision[c] = (double)NAN; /* nothing to tell apart */
    }
    *presence = made;
out:
    tb_free(score);
    tb_free(truth);
    return status;
}
