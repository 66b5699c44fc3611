// SPDX-License-Identifier: MIT
/* Epoch-based reclamation; the rules are in the header. */
#include "index/reclaim.h"

#include "base/alloc.h"

#include <sched.h>
#include <stdatomic.h>

/* Alone on its cache line, so that readers do not slow one another. */
typedef struct reader_slot {
    _Atomic uint64_t epoch; /* 0: free */
    char padding[64 - sizeof(uint64_t)];
} reader_slot;

struct tb__reclaim {
    _Atomic uint64_t epoch; /* starts at 1 */
    tb__retired *retired;   /* newest first */
    reader_slot *slots;     /* TB__RECLAIM_READERS */
};

tb__reclaim *tb__reclaim_new(void)
{
    tb__reclaim *reclaim = tb_alloc(1, sizeof *reclaim);
    if (!reclaim) return NULL;
    reclaim->slots = tb_alloc_aligned(TB__RECLAIM_READERS, sizeof *reclaim->slots);
    if (!reclaim->slots) {
        tb_free(reclaim);
        return NULL;
    }
    atomic_init(&reclaim->epoch, 1);
    for (size_t i = 0; i < TB__RECLAIM_READERS; i++) atomic_init(&reclaim->slots[i].epoch, 0);
    return reclaim;
}

static void free_list(tb__retired *object)
{
    while (object) {
        tb__retired *next = object->next;
        object->free(object);
        object = next;
    }
}

void tb__reclaim_free(tb__reclaim *reclaim)
{
    if (!reclaim) return;
    free_list(reclaim->retired);
    tb_free(reclaim->slots);
    tb_free(reclaim);
}

size_t tb__reclaim_enter(tb__reclaim *reclaim)
{
    /* A thread starts where it found a place before: mostly its own cache line. */
    static _Thread_local size_t hint;
    static atomic_size_t n_threads;
    if (hint == 0) hint = 1 + atomic_fetch_add(&n_threads, 1);
    for (;;) {
        for (size_t tried = 0; tried < TB__RECLAIM_READERS; tried++) {
            const size_t slot = (hint + tried) % TB__RECLAIM_READERS;
            uint64_t nobody = 0;
            /* An epoch that has passed by now only keeps memory a little longer. */
            const uint64_t epoch = atomic_load(&reclaim->epoch);
            if (atomic_load_explicit(&reclaim->slots[slot].epoch, memory_order_relaxed) == 0 &&
                atomic_compare_exchange_strong(&reclaim->slots[slot].epoch, &nobody, epoch)) {
                return slot;
            }
        }
        sched_yield();
    }
}

void tb__reclaim_leave(tb__reclaim *reclaim, size_t slot)
{
    atomic_store_explicit(&reclaim->slots[slot].epoch, 0, memory_order_release);
}

void tb__reclaim_retire(tb__reclaim *reclaim, tb__retired *object)
{
    object->epoch = atomic_fetch_add(&reclaim->epoch, 1);
    object->next = reclaim->retired;
    reclaim->retired = object;
}

void tb__reclaim_collect(tb__reclaim *reclaim)
{
    if (!reclaim->retired) return;
    uint64_t oldest = UINT64_MAX;
    for (size_t i = 0; i < TB__RECLAIM_READERS; i++) {
        const uint64_t epoch = atomic_load(&reclaim->slots[i].epoch);
        if (epoch != 0 && epoch < oldest) oldest = epoch;
    }
    /* Newest first: behind the first one that may go, all may. */
    tb__retired **link = &reclaim->retired;
    while (*link && (*link)->epoch >= oldest) link = &(*link)->next;
    tb__retired *free_ones = *link;
    *link = NULL;
    free_list(free_ones);
}
