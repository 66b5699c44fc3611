// SPDX-License-Identifier: MIT
/* Each worker is one piece of the pool's work, which takes the next stretch until none is left. */
#include "train/parallel.h"

#include <stdatomic.h>

typedef struct sharing {
    tb_parallel_work *work;
    void *context;
    size_t n, grain;
    atomic_size_t next;
} sharing;

typedef struct worker {
    sharing *s;
    size_t number;
} worker;

static void take_stretches(void *context)
{
    const worker *w = context;
    sharing *s = w->s;
    for (;;) {
        const size_t first = atomic_fetch_add(&s->next, s->grain);
        if (first >= s->n) return;
        s->work(s->context, w->number, first, s->n - first < s->grain ? s->n - first : s->grain);
    }
}

void tb_parallel(tb_pool *pool, size_t n, size_t grain, tb_parallel_work *work, void *context)
{
    sharing s = {.work = work, .context = context, .n = n, .grain = grain};
    worker workers[TB_PARALLEL_MAX_WORKERS];
    const size_t n_threads = tb_pool_threads(pool);
    for (size_t i = 0; i < n_threads && i < TB_PARALLEL_MAX_WORKERS; i++) {
        workers[i] = (worker){&s, i};
        tb_pool_submit(pool, take_stretches, &workers[i]);
    }
    tb_pool_wait(pool);
}
