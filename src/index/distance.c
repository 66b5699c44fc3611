// SPDX-License-Identifier: MIT
/* Choice of the distance kernels, once, at the first use. */
#include "index/distance.h"

#include "index/distance_tables.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TABLES = 8 };

static pthread_once_t chosen_once = PTHREAD_ONCE_INIT;
static const tb_distance_table *usable[MAX_TABLES];
static size_t n_usable;
static const tb_distance_table *chosen;

static void choose(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        usable[n_usable++] = &tb__distance_avx2;
#endif
    usable[n_usable++] = &tb__distance_plain;
    chosen = usable[0];
    const char *wanted = getenv("TIMBRE_KERNELS");
    for (size_t i = 0; wanted && i < n_usable; i++)
        if (strcmp(usable[i]->name, wanted) == 0) chosen = usable[i];
}

const tb_distance_table *tb_distance_kernels(void)
{
    pthread_once(&chosen_once, choose);
    return chosen;
}

const tb_distance_table *const *tb_distance_usable(size_t *n)
{
    pthread_once(&chosen_once, choose);
    *n = n_usable;
    return usable;
}
