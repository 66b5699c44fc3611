// SPDX-License-Identifier: MIT
/* The usual baseline of music similarity: mean and deviation over time of 20 MFCCs.  Threads: any. */
#ifndef TIMBRE_TRAIN_MFCC_CLIP_H
#define TIMBRE_TRAIN_MFCC_CLIP_H

#include "base/status.h"

#include <stddef.h>

enum { TB_MFCC_CLIP_COUNT = 20, TB_MFCC_CLIP_DIM = 2 * TB_MFCC_CLIP_COUNT };

/* mono: n (>= 1) samples at TB_MODEL_RATE_HZ.  vector: TB_MFCC_CLIP_DIM, means first; mel bands are cut at 80
 * dB below the clip's loudest, as librosa does.  TB_NO_MEMORY. */
tb_status tb_mfcc_clip(const float *mono, size_t n, float *vector, tb_error *err) TB_MUST_CHECK;

/* Each of the dim numbers of n vectors gets mean 0 and deviation 1 over them (0 where it does not vary). */
void tb_standardise(float *vectors, size_t n, size_t dim);

#endif
