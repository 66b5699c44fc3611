// SPDX-License-Identifier: MIT
/* Reference numbers out of tests/golden/dsp (made by tests/golden/make_dsp.py), and how ours are compared
 * with them. */
#ifndef TIMBRE_TESTS_DSP_GOLDEN_H
#define TIMBRE_TESTS_DSP_GOLDEN_H

#include <stddef.h>

typedef struct golden {
    const char *file, *name;
    size_t n_rows, n_columns;
    float *values; /* (n_rows, n_columns), freed with free_golden */
} golden;

/* Array `name` of tests/golden/dsp/<file>.bin; the test fails when there is none. */
golden read_golden(const char *file, const char *name);
void free_golden(golden *reference);

/* Compares rows of ours, one by one: |ours - reference| <= share of the reference's range (its largest value
 * minus its smallest; its magnitude where all are alike). */
typedef struct comparison {
    const golden *reference;
    double tolerance; /* absolute */
    size_t row;       /* to come next */
    size_t n_misses;
    double worst; /* difference */
    size_t worst_row, worst_column;
} comparison;

comparison begin_comparison(const golden *reference, double share_of_range);
void compare_row(comparison *c, const float *ours);
/* Fails when a row was left out, or more than n_allowed values were off. */
void end_comparison(const comparison *c, size_t n_allowed);

#endif
