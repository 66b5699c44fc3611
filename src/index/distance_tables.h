// SPDX-License-Identifier: MIT
/* The tables that the build has, for distance.c: which of them can run is found out there. */
#ifndef TIMBRE_INDEX_DISTANCE_TABLES_H
#define TIMBRE_INDEX_DISTANCE_TABLES_H

#include "index/distance.h"

extern const tb_distance_table tb__distance_plain;
#if defined(__x86_64__)
extern const tb_distance_table tb__distance_avx2; /* needs AVX2 and FMA */
#endif

#endif
