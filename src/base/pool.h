// SPDX-License-Identifier: MIT
/* A thread pool whose queue has an end.  Shared, locks inside.
 *
 * Whoever is in a hurry (the network) offers work with tb_pool_try and says "busy" when the queue is full;
 * whoever can wait (a scan) submits with tb_pool_submit, which waits for a place.  Work is done in the
 * order of the queue by any thread. */
#ifndef TIMBRE_BASE_POOL_H
#define TIMBRE_BASE_POOL_H

#include "base/status.h"

#include <stddef.h>

typedef struct tb_pool tb_pool;
typedef void tb_pool_work(void *context);

/* n_threads >= 1; queue_limit >= 1 is how many pieces may wait beside those that run.  name: borrowed during
 * the call, shown by ps and top as the threads' name (15 characters). */
tb_status tb_pool_new(const char *name, size_t n_threads, size_t queue_limit, tb_pool **pool,
                      tb_error *err) TB_MUST_CHECK;
/* Finishes what is queued, then ends the threads.  Accepts NULL.  Nobody may submit any more. */
void tb_pool_free(tb_pool *pool);
/* TB_BUSY at once when the queue is full. */
tb_status tb_pool_try(tb_pool *pool, tb_pool_work *work, void *context) TB_MUST_CHECK;
/* Waits for a place in the queue.  Not to be called by the pool's own work (it could wait for itself). */
void tb_pool_submit(tb_pool *pool, tb_pool_work *work, void *context);
/* Waits until nothing is queued and nothing runs. */
void tb_pool_wait(tb_pool *pool);
size_t tb_pool_threads(const tb_pool *pool);
/* Pieces waiting at this moment. */
size_t tb_pool_queued(tb_pool *pool);

#endif
