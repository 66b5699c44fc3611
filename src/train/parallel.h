// SPDX-License-Identifier: MIT
/* Work on a range, shared out among a pool's threads. */
#ifndef TIMBRE_TRAIN_PARALLEL_H
#define TIMBRE_TRAIN_PARALLEL_H

#include "base/pool.h"

#include <stddef.h>

enum { TB_PARALLEL_MAX_WORKERS = 256 };

/* One stretch [first, first + n) of the range; no two calls with the same worker run at a time. */
typedef void tb_parallel_work(void *context, size_t worker, size_t first, size_t n);

/* Calls work for stretches of at most `grain` (>= 1) that make up [0, n), in any order, and returns when all
 * are done. worker: below min(tb_pool_threads(pool), TB_PARALLEL_MAX_WORKERS).  The pool has nothing else to
 * do meanwhile; not to be called by the pool's own work. */
void tb_parallel(tb_pool *pool, size_t n, size_t grain, tb_parallel_work *work, void *context);

#endif
