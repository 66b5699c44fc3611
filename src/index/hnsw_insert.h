// SPDX-License-Identifier: MIT
/* One node comes into a graph (INSERT, algorithm 1 of the paper), or has its lists repaired.
 *
 * A node first finds its neighbours on all of its levels, then writes its own lists, then asks the neighbours
 * to link back, from level 0 upwards: nobody comes to it before its lists are there.  Lists are written under
 * a lock, one at a time, and read without.
 *
 * Neighbours are chosen so that none is nearer to another one than to the node (algorithm 4), except for some
 * that equal the node: those would keep all others out, and many equal ones would be an island. */
#ifndef TIMBRE_INDEX_HNSW_INSERT_H
#define TIMBRE_INDEX_HNSW_INSERT_H

#include "index/hnsw_walk.h"

#include <pthread.h>

enum { TB__LINK_LOCKS = 1024 };

/* What one thread works with; for one part. */
typedef struct tb__inserter {
    const tb__hnsw *graph; /* set by the caller, who is in the epoch, before each call */
    pthread_mutex_t
        *locks; /* [TB__LINK_LOCKS] borrowed; each guards the writing of the lists of some nodes */
    tb__scratch scratch;
    tb__metric metric;
    int16_t *values; /* codes of the node at hand, as those of a query */
    tb__near own[TB__HNSW_MAX_LEVEL + 1][TB__HNSW_DEGREE];
    size_t n_own[TB__HNSW_MAX_LEVEL + 1];
} tb__inserter;

/* NULL without memory. */
tb__inserter *tb__inserter_new(size_t part, size_t dim, const tb_distance_table *kernels,
                               pthread_mutex_t *locks);
/* Accepts NULL. */
void tb__inserter_free(tb__inserter *t);
/* Links a node, whose chunk is there, into the graph, which has an entry.  Again for one that is linked.  A
 * dead one is linked, but nobody links back.  False without memory. */
bool tb__insert_node(tb__inserter *t, tb__node node);
/* Takes links that lead nowhere out of a node's lists; links the node anew where too many did.  Likewise. */
bool tb__repair_node(tb__inserter *t, tb__node node);

#endif
