// SPDX-License-Identifier: MIT
/* xoshiro256** 1.0 (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2018), seeded by
 * SplitMix64 as its authors advise. */
#include "base/rng.h"

#include <math.h>

static uint64_t rotate_left(uint64_t value, int bits)
{
    return (value << bits) | (value >> (64 - bits));
}

static uint64_t next_splitmix(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

void tb_rng_init(tb_rng *rng, uint64_t seed)
{
    for (int i = 0; i < 4; i++) rng->state[i] = next_splitmix(&seed);
}

uint64_t tb_rng_next(tb_rng *rng)
{
    uint64_t *s = rng->state;
    const uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    const uint64_t shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate_left(s[3], 45);
    return result;
}

uint64_t tb_rng_below(tb_rng *rng, uint64_t n)
{
    if (n == 0) return 0;
    const uint64_t uneven = (0 - n) % n; /* 2^64 mod n: that many values would come once too often */
    uint64_t value;
    do value = tb_rng_next(rng);
    while (value < uneven);
    return value % n;
}

double tb_rng_uniform(tb_rng *rng)
{
    return (double)(tb_rng_next(rng) >> 11) * 0x1p-53;
}

double tb_rng_normal(tb_rng *rng)
{
    const double radius = sqrt(-2.0 * log(1.0 - tb_rng_uniform(rng))); /* 1 - u lies in (0, 1] */
    return radius * cos(6.283185307179586 * tb_rng_uniform(rng));
}
