// SPDX-License-Identifier: MIT
/* The plain kernels, and which ones the processor can run. */
#include "train/mix_kernels_body.h"

static const tb__mix_kernels plain = TB__MIX_KERNELS("plain");

#if defined(__x86_64__)
extern const tb__mix_kernels tb__mix_kernels_avx2;
#endif

const tb__mix_kernels *tb__mix_kernels_at(size_t i)
{
    if (i == 0) return &plain;
#if defined(__x86_64__)
    if (i == 1 && __builtin_cpu_supports("avx2")) return &tb__mix_kernels_avx2;
#endif
    return NULL;
}

const tb__mix_kernels *tb__mix_kernels_best(void)
{
    const tb__mix_kernels *best = &plain;
    for (size_t i = 1; tb__mix_kernels_at(i); i++) best = tb__mix_kernels_at(i);
    return best;
}
