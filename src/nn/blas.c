// SPDX-License-Identifier: MIT
/* OpenBLAS behind one function.  It is threaded in Debian's build; here threads are ours alone, so it is told
 * to use one before its first product. */
#include "nn/blas.h"

#include "nn/network.h"

#include <cblas.h>
#include <pthread.h>
#include <stdio.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char name[64];

static void prepare(void)
{
    openblas_set_num_threads(1);
    (void)snprintf(name, sizeof name, "OpenBLAS %.40s", openblas_get_corename());
}

void tb__gemm(bool transpose_a, bool transpose_b, size_t m, size_t n, size_t k, const float *a, size_t lda,
              const float *b, size_t ldb, float *c, size_t ldc, bool add)
{
    pthread_once(&once, prepare);
    if (m == 0 || n == 0) return;
    cblas_sgemm(CblasRowMajor, transpose_a ? CblasTrans : CblasNoTrans,
                transpose_b ? CblasTrans : CblasNoTrans, (blasint)m, (blasint)n, (blasint)k, 1.0f, a,
                (blasint)lda, b, (blasint)ldb, add ? 1.0f : 0.0f, c, (blasint)ldc);
}

const char *tb_nn_blas_name(void)
{
    pthread_once(&once, prepare);
    return name;
}
