// SPDX-License-Identifier: MIT
/* Eigenvectors of a symmetric matrix without negative eigenvalues (a covariance), by one-sided Jacobi rotations
 * (Hestenes 1958; Golub and Van Loan, 8.6.3).  Slow and accurate: n = 400 takes seconds.  Threads: any. */
#ifndef TIMBRE_MODEL_EIGEN_H
#define TIMBRE_MODEL_EIGEN_H

#include <stddef.h>

/* matrix: n x n; overwritten by the eigenvectors, one a row, of length 1, in the order of falling eigenvalues.
 * values: n eigenvalues.  A vector whose value is 0 is zeros. */
void tb_eigen_symmetric(double *matrix, size_t n, double *values);

#endif
