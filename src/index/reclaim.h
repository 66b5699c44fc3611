// SPDX-License-Identifier: MIT
/* When may memory be freed that searches could still be reading?  Epochs.
 *
 * A reader announces itself in a slot of its own with the epoch that it saw (enter), and only then loads the
 * pointers that lead to shared memory.  A writer first makes the memory unreachable for newcomers, then
 * retires it, which notes the epoch and starts the next one.  What was retired in epoch e is freed once every
 * announced epoch is greater than e: those readers entered after it was out of reach.
 *
 * The announcement, the loads of shared pointers after it, their replacement and the look at the slots are
 * all sequentially consistent: either the writer sees the announcement, or the reader sees the replacement.
 *
 * Readers: any threads, they wait for nobody unless TB__RECLAIM_READERS read already.  Retire and collect:
 * one thread at a time (the index's writer lock). */
#ifndef TIMBRE_INDEX_RECLAIM_H
#define TIMBRE_INDEX_RECLAIM_H

#include <stddef.h>
#include <stdint.h>

enum { TB__RECLAIM_READERS = 128 };

typedef struct tb__reclaim tb__reclaim;

/* First member of whatever can be retired. */
typedef struct tb__retired tb__retired;
struct tb__retired {
    tb__retired *next;
    uint64_t epoch;
    void (*free)(tb__retired *object);
};

/* NULL without memory. */
tb__reclaim *tb__reclaim_new(void);
/* Frees what is retired.  No reader may be left.  Accepts NULL. */
void tb__reclaim_free(tb__reclaim *reclaim);

/* Returns the slot to leave by. */
size_t tb__reclaim_enter(tb__reclaim *reclaim);
void tb__reclaim_leave(tb__reclaim *reclaim, size_t slot);

/* object->free is set, and nothing shared leads to the object any more. */
void tb__reclaim_retire(tb__reclaim *reclaim, tb__retired *object);
/* Frees what no reader can see. */
void tb__reclaim_collect(tb__reclaim *reclaim);

#endif
