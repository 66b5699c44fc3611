// SPDX-License-Identifier: MIT
/* Mono samples that come in blocks, gathered.  One per thread. */
#ifndef TIMBRE_TRAIN_SAMPLES_H
#define TIMBRE_TRAIN_SAMPLES_H

#include "base/status.h"

#include <stddef.h>

/* All zeros at first; values is the owner's, tb_free. */
typedef struct tb_samples {
    float *values;
    size_t n, capacity;
} tb_samples;

/* samples: a tb_samples; so that it is a sink of tb_audio_sink (on_mono).  TB_NO_MEMORY. */
tb_status tb_samples_append(void *samples, const float *mono, size_t n, tb_error *err) TB_MUST_CHECK;

#endif
