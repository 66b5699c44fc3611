// SPDX-License-Identifier: MIT
#include "train/samples.h"

#include "base/alloc.h"

#include <string.h>

tb_status tb_samples_append(void *samples, const float *mono, size_t n, tb_error *err)
{
    tb_samples *s = samples;
    if (s->n + n > s->capacity) {
        const size_t capacity = 2 * (s->n + n);
        float *bigger = tb_realloc(s->values, capacity, sizeof *bigger);
        if (!bigger) return tb_error_set(err, TB_NO_MEMORY, "no memory for %zu samples", capacity);
        s->values = bigger;
        s->capacity = capacity;
    }
    memcpy(s->values + s->n, mono, n * sizeof *mono);
    s->n += n;
    return TB_OK;
}
