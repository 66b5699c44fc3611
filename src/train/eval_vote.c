// SPDX-License-Identifier: MIT
/* Plainly all against all: some thousands of items. */
#include "train/eval_vote.h"

#include "base/alloc.h"
#include "train/parallel.h"

#include <math.h>

enum { LANES = 8, GRAIN = 16 };

typedef enum verdict { NOT_ASKED, WRONG, RIGHT } verdict;

static double distance2(const float *a, const float *b, size_t dim)
{
    float sum[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= dim; i += LANES)
        for (size_t k = 0; k < LANES; k++) {
            const float d = a[i + k] - b[i + k];
            sum[k] += d * d;
        }
    for (; i < dim; i++) {
        const float d = a[i] - b[i];
        sum[0] += d * d;
    }
    return (double)(((sum[0] + sum[4]) + (sum[1] + sum[5])) + ((sum[2] + sum[6]) + (sum[3] + sum[7])));
}

double tb_vote_distance2(const tb_vote_items *items, size_t a, size_t b)
{
    const float *x = items->vectors + a * items->vector_stride, *y =
        items->vectors + b * items->vector_stride;
    const bool *has_x = items->present + a * items->present_stride, *has_y =
        items->present + b * items->present_stride;
    double sum = 0;
    size_t used = 0;
    for (size_t p = 0; p < items->n_parts; p++) {
        if (!has_x[p] || !has_y[p]) continue;
        sum += distance2(x + p * items->dim, y + p * items->dim, items->dim);
        used++;
    }
    return used > 0 ? sum / (double)used : INFINITY;
}

static verdict ask(const tb_vote_items *items, size_t query, int32_t *answer)
{
    double distance[TB_VOTE_NEIGHBOURS];
    int32_t label[TB_VOTE_NEIGHBOURS];
    size_t n = 0, best_votes = 0;
    bool could_be_right = false;
    *answer = -1;
    for (size_t i = 0; i < items->n; i++) {
        if (i == query || (items->group && items->group[i] == items->group[query])) continue;
        const double d = tb_vote_distance2(items, query, i);
        if (isinf(d)) continue;
        could_be_right |= items->label[i] == items->label[query];
        if (n == TB_VOTE_NEIGHBOURS && d >= distance[n - 1]) continue;
        size_t at = n < TB_VOTE_NEIGHBOURS ? n++ : n - 1;
        for (; at > 0 && distance[at - 1] > d; at--) {
            distance[at] = distance[at - 1];
            label[at] = label[at - 1];
        }
        distance[at] = d;
        label[at] = items->label[i];
    }
    for (size_t i = 0; i < n; i++) {
        size_t votes = 0;
        for (size_t j = 0; j < n; j++) votes += label[j] == label[i];
        if (votes <= best_votes) continue;
        best_votes = votes;
        *answer = label[i];
    }
    return !could_be_right ? NOT_ASKED : *answer == items->label[query] ? RIGHT : WRONG;
}

int32_t tb_vote(const tb_vote_items *items, size_t query)
{
    int32_t answer;
    (void)ask(items, query, &answer);
    return answer;
}

typedef struct asking {
    const tb_vote_items *items;
    unsigned char *verdicts;
} asking;

static void ask_stretch(void *context, size_t worker, size_t first, size_t n)
{
    const asking *a = context;
    (void)worker;
    for (size_t i = first; i < first + n; i++) {
        int32_t answer;
        a->verdicts[i] = (unsigned char)ask(a->items, i, &answer);
    }
}

tb_status tb_vote_all(const tb_vote_items *items, tb_pool *pool, tb_vote_count *count, tb_error *err)
{
    asking a = {items, tb_alloc(items->n, 1)};
    if (a.verdicts == NULL) return tb_error_set(err, TB_NO_MEMORY, "no memory for %zu votes", items->n);
    tb_parallel(pool, items->n, GRAIN, ask_stretch, &a);
    *count = (tb_vote_count){0};
    for (size_t i = 0; i < items->n; i++) {
        count->n_asked += a.verdicts[i] != NOT_ASKED;
        count->n_right += a.verdicts[i] == RIGHT;
    }
    tb_free(a.verdicts);
    return TB_OK;
}
