// SPDX-License-Identifier: MIT
/* Cepstral coefficients: the orthonormal DCT-II of a mel spectrum in dB, as librosa.feature.mfcc (which
 * also cuts its dB values at 80 below the maximum of the clip: tb_db_floor).
 * Immutable after new; shared by any threads. */
#ifndef TIMBRE_DSP_MFCC_H
#define TIMBRE_DSP_MFCC_H

#include "base/status.h"

#include <stddef.h>

typedef struct tb_mfcc tb_mfcc;

/* n_mels: 1 … TB_MELS_MAX (dsp/mel.h); n_mfcc: 1 … n_mels; else TB_INVALID.  TB_NO_MEMORY. */
tb_status tb_mfcc_new(size_t n_mels, size_t n_mfcc, tb_mfcc **mfcc, tb_error *err) TB_MUST_CHECK;
/* Accepts NULL. */
void tb_mfcc_free(tb_mfcc *mfcc);
size_t tb_mfcc_count(const tb_mfcc *mfcc);
/* mel_db: n_mels values.  out: n_mfcc values, may not overlap. */
void tb_mfcc_compute(const tb_mfcc *mfcc, const float *mel_db, float *out);

#endif
