// SPDX-License-Identifier: MIT
/* Seeded random numbers (xoshiro256**, seeded by SplitMix64): the same seed gives the same numbers on
 * every machine.  Not for secrets.  One generator per thread. */
#ifndef TIMBRE_BASE_RNG_H
#define TIMBRE_BASE_RNG_H

#include <stdint.h>

typedef struct tb_rng {
    uint64_t state[4];
} tb_rng;

void tb_rng_init(tb_rng *rng, uint64_t seed);
uint64_t tb_rng_next(tb_rng *rng);
/* Evenly in [0, n), without bias; 0 for n == 0. */
uint64_t tb_rng_below(tb_rng *rng, uint64_t n);
/* Evenly in [0, 1). */
double tb_rng_uniform(tb_rng *rng);
/* Mean 0, deviation 1 (Box-Muller; the last bits depend on the machine's libm). */
double tb_rng_normal(tb_rng *rng);

#endif
