// SPDX-License-Identifier: MIT
/* Figures of others, in per cent, to set beside ours; NAN where there is none. */
#ifndef TIMBRE_TRAIN_EVAL_PAPER_H
#define TIMBRE_TRAIN_EVAL_PAPER_H

#include "train/eval_hearer.h"

#include <math.h>

#define TB__NONE ((double)NAN)

/* "Learning multidimensional disentangled representations …": Table 1, columns "proposed" and "separated". */
static const double tb__paper_table1[TB_SPAN_COUNT][TB_STEM_COUNT] = {
    {82.89, 61.94, 67.40, 70.15, 74.08},
    {89.69, 84.45, 85.70, 86.26, 84.86},
};
static const double tb__paper_separated[TB_SPAN_COUNT][TB_STEM_COUNT] = {
    {87.90, 51.46, 47.00, TB__NONE, TB__NONE},
    {88.91, 64.87, 50.34, TB__NONE, TB__NONE},
};

/* Its Table 2, from the first row to the best one. */
enum { TB__PAPER_ROWS = 4 };
static const struct {
    const char *name;
    double part[TB_STEM_COUNT];
} tb__paper_table2[TB__PAPER_ROWS] = {
    {"paper, basic triplet", {73.1, 28.9, 26.1, 35.7, 67.2}},
    {"paper, aux+basic", {76.8, 25.7, 23.5, 35.9, 72.0}},
    {"paper, aux+basic+add", {82.5, 31.8, 28.5, 40.4, 72.5}},
    {"paper, aux+basic+add'", {85.5, 37.1, 31.3, 44.7, 74.7}},
};

/* Its Table 3: judgements of listeners. */
static const double tb__paper_table3[2][TB_STEM_COUNT] = {
    {70.8, 53.3, 44.2, 84.2, TB__NONE}, /* set 1 */
    {82.5, 98.3, 74.2, 80.8, TB__NONE}, /* set 2 */
};

/* The prototype's 25 minutes of training, Table 2's protocol on data of its own: the first floor. */
static const double tb__prototype_table2[TB_STEM_COUNT] = {95, 47, 55, 65, 69};
static const double tb__prototype_leakage = 58, tb__prototype_half_split = 80.5;

#endif
