// SPDX-License-Identifier: MIT
#include "train/mix_kernels_body.h"

extern const tb__mix_kernels tb__mix_kernels_avx2;
const tb__mix_kernels tb__mix_kernels_avx2 = TB__MIX_KERNELS("avx2");
