// SPDX-License-Identifier: MIT
/* One row of cosines per coefficient: row k of the orthonormal DCT-II is
 * sqrt((k ? 2 : 1) / n) cos(pi k (2 j + 1) / (2 n)). */
#include "dsp/mfcc.h"

#include "base/alloc.h"
#include "dsp/mel.h"
#include "dsp/vector_internal.h"

struct tb_mfcc {
    size_t n_mels, n_mfcc;
    float *rows; /* (n_mfcc, n_mels) */
};

tb_status tb_mfcc_new(size_t n_mels, size_t n_mfcc, tb_mfcc **out, tb_error *err)
{
    if (n_mels < 1 || n_mels > TB_MELS_MAX || n_mfcc < 1 || n_mfcc > n_mels)
        return tb_error_set(
            err, TB_INVALID,
            "%zu coefficients of %zu mel bands are not possible: there are 1 to %d bands, and no more "
            "coefficients than bands",
            n_mfcc, n_mels, TB_MELS_MAX);
    tb_status status = TB_OK;
    tb_mfcc *mfcc = tb_alloc(1, sizeof *mfcc);
    if (!mfcc) TB_FAIL(err, TB_NO_MEMORY, "no memory for cepstral coefficients");
    mfcc->n_mels = n_mels;
    mfcc->n_mfcc = n_mfcc;
    mfcc->rows = tb_alloc_aligned(n_mels * n_mfcc, sizeof *mfcc->rows);
    if (!mfcc->rows) TB_FAIL(err, TB_NO_MEMORY, "no memory for %zu cepstral coefficients", n_mfcc);
    for (size_t k = 0; k < n_mfcc; k++)
        for (size_t j = 0; j < n_mels; j++) {
            const double phase = M_PI * (double)k * (double)(2 * j + 1) / (double)(2 * n_mels);
            mfcc->rows[k * n_mels + j] = (float)(sqrt((k ? 2.0 : 1.0) / (double)n_mels) * cos(phase));
        }
    *out = mfcc;
    mfcc = NULL;
out:
    tb_mfcc_free(mfcc);
    return status;
}

void tb_mfcc_free(tb_mfcc *mfcc)
{
    if (!mfcc) return;
    tb_free(mfcc->rows);
    tb_free(mfcc);
}

size_t tb_mfcc_count(const tb_mfcc *mfcc)
{
    return mfcc->n_mfcc;
}

void tb_mfcc_compute(const tb_mfcc *mfcc, const float *mel_db, float *out)
{
    for (size_t k = 0; k < mfcc->n_mfcc; k++)
        out[k] = tb__dot(mfcc->rows + k * mfcc->n_mels, mel_db, mfcc->n_mels);
}
