// SPDX-License-Identifier: MIT
/* What the writing and the searching half of the index share.
 *
 * The root is the list of chunks; it is never changed, only replaced.  A reader enters `reclaim`, takes root
 * and sequence number as a pair (tb__index_enter) and may then look at everything that the root leads to
 * until it leaves.
 *
 * Pairing: chunks are linked into a root before a sequence number that needs them is published, and taken out
 * after the number with which their last item died was.  So the root that is current when a number is loaded
 * has every item that the number sees.
 *
 * Locks: searches take none.  Changes take `writer`; linking (hnsw_link.c) takes `linker`, then `writer`
 * where it touches what belongs to it, or single list locks, never both. */
#ifndef TIMBRE_INDEX_INDEX_INTERNAL_H
#define TIMBRE_INDEX_INDEX_INTERNAL_H

#include "base/pool.h"
#include "index/chunk.h"
#include "index/distance.h"
#include "index/hnsw.h"
#include "index/hnsw_insert.h"
#include "index/hnsw_walk.h"
#include "index/index.h"
#include "index/label_map.h"
#include "index/reclaim.h"

#include <pthread.h>

typedef struct tb__root {
    tb__retired retired;
    atomic_size_t *n_bytes;
    size_t n_chunks;
    tb__chunk *chunks[]; /* by serial; all but the last ones are full */
} tb__root;

/* What searches in one part cost here, measured whenever something was linked. */
typedef struct tb__costs {
    _Atomic float scan_ns;   /* a vector of a scan */
    _Atomic float filter_ns; /* a slot that a filter is asked about */
    _Atomic float visit_ns;  /* a node that a walk looks at */
    _Atomic float n_visits;  /* nodes that a walk looks at for each of its effort */
} tb__costs;

struct tb_index {
    tb_index_layout layout;
    size_t dim;
    size_t part_offsets[TB_INDEX_MAX_PARTS]; /* of a part in a whole vector */
    const tb_distance_table *kernels;
    size_t n_threads;
    tb_pool *pool; /* n_threads - 1 helpers for searches; NULL for one thread */

    tb__reclaim *reclaim;
    _Atomic(tb__root *) root;
    _Atomic uint64_t sequence; /* of the last published change */
    atomic_size_t n_items;
    atomic_size_t *n_bytes; /* on its own, as chunks point to it */

    _Atomic(tb__hnsw *) graph; /* NULL until something is linked; replaced under the writer's lock */
    tb__scratch *scratches;    /* [TB__RECLAIM_READERS] whoever holds the reader's slot walks with it */
    pthread_mutex_t linker;    /* held by the one that links, and taken before `writer` */
    pthread_mutex_t *lists;    /* [TB__LINK_LOCKS] for inserters */
    tb__costs costs[TB_INDEX_MAX_PARTS];

    pthread_mutex_t writer; /* guards all below, and every change */
    tb__map labels;         /* label -> tb__slot_ref; lookups need no lock */
    tb__map groups;         /* group -> tb__slot_ref of the list's head; the writer's alone */
    size_t fill_at;         /* position of the chunk that is filled next */
    uint64_t next_serial;
    bool wants_compaction;
};

typedef struct tb__view {
    size_t reader; /* slot to leave by */
    const tb__root *root;
    uint64_t sequence;
} tb__view;

tb__view tb__index_enter(const tb_index *index);
void tb__index_leave(const tb_index *index, const tb__view *view);

/* Writer's lock held: the graph without the chunk, if it is there.  False without memory. */
bool tb__index_unlink_chunk(tb_index *index, const tb__chunk *chunk);
/* Frees all that linking has made, save the blocks of chunks. */
void tb__index_free_graph(tb_index *index);
/* Full, and mostly dead: it will be compacted. */
bool tb__index_is_worth_compacting(const tb__chunk *chunk);

/* Value checks that items and queries share: where it goes wrong, and in what.  n: values. */
tb_status tb__check_vector(const float *vector, size_t n, const char *what, tb_error *err) TB_MUST_CHECK;
tb_status tb__check_presence(const float *presence, size_t n, const char *what, tb_error *err) TB_MUST_CHECK;

#endif
