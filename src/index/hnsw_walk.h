// SPDX-License-Identifier: MIT
/* One walk over a level of the graphs: the nodes nearest to a target (SEARCH-LAYER, algorithm 2 of the
 * paper).
 *
 * Distances are estimates: those of the codes where a part has them, no bounds.  A walk over several parts
 * follows the links of all their graphs and weighs its distances as the search's plan does.
 *
 * Only nodes that are admitted count as found, but every node is a way on: what a filter hides and what was
 * deleted still leads to others.  The walk ends when `effort` admitted nodes are found and none of the nodes
 * to go on from is nearer than the farthest of them.
 *
 * The caller stays in the epoch while it uses a graph.  One thread per scratch. */
#ifndef TIMBRE_INDEX_HNSW_WALK_H
#define TIMBRE_INDEX_HNSW_WALK_H

#include "index/distance.h"
#include "index/hnsw.h"
#include "index/plan.h"
#include "index/top.h"

typedef struct tb__near {
    float distance2;
    tb__node node;
} tb__near;

/* Distances to one target. */
typedef struct tb__metric_part {
    size_t part;
    size_t at;           /* position in the plan */
    size_t stride;       /* of the codes */
    tb__query_code code; /* of the target; code.values NULL: distances are those of vectors */
    const float *vector;
    size_t dim, vector_stride;
} tb__metric_part;

typedef struct tb__metric {
    const tb__hnsw *graph;            /* borrowed */
    const tb_distance_table *kernels; /* borrowed */
    const tb__plan *plan;             /* how several parts are weighed; NULL for one part */
    size_t n_parts;                   /* those in the target, at least 1 */
    tb__metric_part parts[TB_INDEX_MAX_PARTS];
} tb__metric;

/* Which nodes count as found. */
typedef struct tb__admission {
    uint64_t sequence;    /* alive at it */
    bool covered;         /* only slots of covered chunks: the others are scanned */
    const tb__plan *plan; /* filter, exclude and presence of it; NULL: any */
} tb__admission;

/* Memory of a walk; grows as needed and is kept for the next. */
typedef struct tb__scratch {
    uint64_t *visited; /* one bit per node; all 0 between walks */
    size_t n_words;
    tb__near *queue; /* to go on from: a heap, the nearest on top */
    size_t n_queue, queue_room;
    tb__near *found; /* a heap, the farthest on top, until it is sorted */
    size_t n_found, found_room;
    tb__node *touched; /* the nodes with their bit set */
    size_t n_touched, touched_room;
    tb__top best; /* found nodes if one per group is asked for; else empty */
} tb__scratch;

/* A zeroed scratch is ready. */
void tb__scratch_free(tb__scratch *scratch);
/* The memory that it keeps. */
size_t tb__scratch_bytes(const tb__scratch *scratch);

typedef struct tb__walk {
    const tb__metric *metric;
    const tb__admission *admission;
    unsigned level;     /* 0 for several parts */
    size_t effort;      /* >= 1 */
    size_t most_visits; /* ends early past this; SIZE_MAX: never */
    bool best_per_group;
} tb__walk;

/* Walks from the entries.  scratch->found is sorted then, the nearest first; n_touched is how many nodes were
 * looked at.  False: out of memory, or past most_visits; what was found so far is there in the latter case.
 */
bool tb__walk_run(tb__scratch *scratch, const tb__walk *walk, const tb__node *entries, size_t n_entries);
/* From the graph's entry down to `level`, each time to the nearest node; TB__NODE_NONE if the graph is empty.
 * The metric has one part. */
tb__node tb__walk_descend(const tb__metric *metric, unsigned level);

bool tb__admits(const tb__admission *admission, const tb__hnsw *graph, const tb__metric *metric,
                tb__node node);

#endif
