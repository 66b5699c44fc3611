// SPDX-License-Identifier: MIT
/* Choice of the kernels of networks, once, at the first use. */
#include "nn/kernels.h"

#include "nn/kernels_tables.h"
#include "nn/network.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TABLES = 8 };

static pthread_once_t chosen_once = PTHREAD_ONCE_INIT;
static const tb__kernels *usable[MAX_TABLES];
static size_t n_usable;
static const tb__kernels *chosen, *in_use;

static void choose(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (has_avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
        usable[n_usable++] = &tb__kernels_avx512;
    if (has_avx2) usable[n_usable++] = &tb__kernels_avx2;
#endif
    usable[n_usable++] = &tb__kernels_plain;
    chosen = usable[0];
    const char *wanted = getenv("TIMBRE_KERNELS");
    for (size_t i = 0; wanted && i < n_usable; i++)
        if (strcmp(usable[i]->name, wanted) == 0) chosen = usable[i];
    in_use = chosen;
}

const tb__kernels *tb__kernels_get(void)
{
    pthread_once(&chosen_once, choose);
    return in_use;
}

const tb__kernels *const *tb__kernels_usable(size_t *n)
{
    pthread_once(&chosen_once, choose);
    *n = n_usable;
    return usable;
}

void tb__kernels_set(const tb__kernels *kernels)
{
    pthread_once(&chosen_once, choose);
    in_use = kernels ? kernels : chosen;
}

const char *tb_nn_kernels_name(void)
{
    return tb__kernels_get()->name;
}
