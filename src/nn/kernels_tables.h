// SPDX-License-Identifier: MIT
/* The tables that the build has, for kernels.c: which of them can run is found out there. */
#ifndef TIMBRE_NN_KERNELS_TABLES_H
#define TIMBRE_NN_KERNELS_TABLES_H

#include "nn/kernels.h"

extern const tb__kernels tb__kernels_plain;
#if defined(__x86_64__)
extern const tb__kernels tb__kernels_avx2;   /* needs AVX2 and FMA */
extern const tb__kernels tb__kernels_avx512; /* needs AVX-512 F, DQ and VL beside them */
#endif

#endif
