// SPDX-License-Identifier: MIT
/* Matrix products on OpenBLAS, which is made to use the calling thread alone at the first call.  Threads:
 * any. */
#ifndef TIMBRE_NN_BLAS_H
#define TIMBRE_NN_BLAS_H

#include <stdbool.h>
#include <stddef.h>

/* C (+)= op(A) op(B), row-major: op(A) is [m][k], op(B) [k][n], C [m][n]; a, b, c lie in rows of lda, ldb,
 * ldc floats as stored.  transpose_a: A is stored as [k][m].  add: C is added to, else overwritten.  Sizes
 * may be 0 and are below 2^31. */
void tb__gemm(bool transpose_a, bool transpose_b, size_t m, size_t n, size_t k, const float *a, size_t lda,
              const float *b, size_t ldb, float *c, size_t ldc, bool add);

#endif
