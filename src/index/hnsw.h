// SPDX-License-Identifier: MIT
/* Graphs beside the exact scan: one per part, for answers that need not be exact (Malkov & Yashunin 2016,
 * "Efficient and robust approximate nearest neighbor search using hierarchical navigable small world graphs",
 * arXiv 1603.09320).
 *
 * A node is a slot of a chunk.  Only full chunks are linked; a chunk counts as covered once all of its slots
 * are linked in every part, and until then searches scan it as they scan the chunk that is being filled.  So
 * a graph never has to keep up with the writer, and nothing is missing from an answer because it is new.
 *
 * Links lie in flat arrays, TB__HNSW_DEGREE0 to a slot on level 0 and TB__HNSW_DEGREE on each level above;
 * the first TB__NODE_NONE ends a list.  A slot whose part is silent (presence 0) stays out of that part's
 * graph.
 *
 * Deletes leave a node in place as a signpost, until its chunk is compacted: then the whole chunk leaves the
 * graph, its live items are linked anew where they have moved, and lists that lost many links are repaired.
 * While too many are lost the graph is not used (tb__hnsw_is_usable).
 *
 * Readers: the directory (tb__hnsw) is never changed, only replaced, as the index's root is; what it leads to
 * lives as long as the reader stays in the epoch.  Lists change under a reader, link by link, each an atomic
 * word.  A link is published (release) after its target's own lists, so that no walk comes to a node that has
 * none.  A reader may see an old and a new list mixed: it then misses a link or sees one twice.
 *
 * Links to chunks that went are found by their place being empty.  A place is used again only after a repair,
 * and a link that even so leads to a newer chunk leads to a valid item: a poor link, not a wrong answer. */
#ifndef TIMBRE_INDEX_HNSW_H
#define TIMBRE_INDEX_HNSW_H

#include "index/chunk.h"
#include "index/reclaim.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TB__HNSW_DEGREE = 16,        /* M of the paper */
    TB__HNSW_DEGREE0 = 32,       /* M_max0 */
    TB__HNSW_MAX_LEVEL = 7,      /* one slot in 16^7 gets so high */
    TB__HNSW_BUILD_EFFORT = 160, /* efConstruction */
    TB__HNSW_MAX_PLACES = 1 << 21,
};

/* place * TB__CHUNK_SLOTS + slot */
typedef uint32_t tb__node;
#define TB__NODE_NONE UINT32_MAX

/* The links of one chunk in one part; owned by the chunk. */
typedef struct tb__hnsw_block {
    size_t n_bytes;
    uint8_t *levels;         /* [slots] */
    uint16_t *upper_at;      /* [slots] its first list in upper, that of level 1 */
    _Atomic tb__node *lists; /* [slots][TB__HNSW_DEGREE0] */
    _Atomic tb__node *upper; /* [sum of levels][TB__HNSW_DEGREE] */
} tb__hnsw_block;

/* What a walk needs to know of a place in one part, together. */
typedef struct tb__hnsw_spot {
    _Atomic tb__node *lists; /* NULL: nothing is here */
    const int8_t *codes;     /* these three are NULL for a part without codes */
    const tb__code_terms *terms;
    const float *errors;
    const float *vectors;
} tb__hnsw_spot;

typedef struct tb__hnsw_place {
    const tb__chunk *chunk; /* NULL: none */
    bool is_covered;        /* by all graphs */
    bool is_lost;           /* its chunk went, and links may still lead here */
} tb__hnsw_place;

typedef struct tb__hnsw {
    tb__retired retired;
    atomic_size_t *n_bytes;
    size_t own_bytes;
    size_t n_parts, n_places;
    size_t n_covered;                     /* chunks */
    size_t n_lost;                        /* places */
    tb__node entries[TB_INDEX_MAX_PARTS]; /* TB__NODE_NONE: the graph is empty */
    tb__hnsw_place *places;
    tb__hnsw_spot *spots[TB_INDEX_MAX_PARTS]; /* [n_places] */
} tb__hnsw;

/* A directory of n_places that starts as a copy of `old` (NULL: empty).  NULL without memory. */
tb__hnsw *tb__hnsw_new(const tb__hnsw *old, size_t n_parts, size_t n_places, atomic_size_t *n_bytes);
/* Accepts NULL. */
void tb__hnsw_free(tb__hnsw *graph);
/* Puts the chunk, which has its blocks, into an empty place. */
void tb__hnsw_set_place(tb__hnsw *graph, size_t place, const tb__chunk *chunk);
/* Empties the place, and chooses other entries where they were here. */
void tb__hnsw_clear_place(tb__hnsw *graph, size_t place);
/* The highest living node of all covered chunks, below which all hangs together; TB__NODE_NONE if there is
 * none. */
tb__node tb__hnsw_choose_entry(const tb__hnsw *graph, size_t part);
/* The highest living node of a chunk in one part; TB__NODE_NONE if it has none. */
tb__node tb__hnsw_highest(const tb__chunk *chunk, size_t part);

/* Blocks for all parts of a full chunk; false without memory, then it has none. */
bool tb__hnsw_blocks_new(tb__chunk *chunk);
/* Accepts NULL. */
void tb__hnsw_block_free(tb__hnsw_block *block);

static inline size_t tb__node_place(tb__node node)
{
    return node / TB__CHUNK_SLOTS;
}

static inline uint32_t tb__node_slot(tb__node node)
{
    return node % TB__CHUNK_SLOTS;
}

static inline tb__node tb__node_of(size_t place, uint32_t slot)
{
    return (tb__node)(place * TB__CHUNK_SLOTS + slot);
}

static inline const tb__chunk *tb__hnsw_chunk(const tb__hnsw *graph, tb__node node)
{
    return graph->places[tb__node_place(node)].chunk;
}

/* Level of a node whose chunk is there. */
static inline unsigned tb__hnsw_level(const tb__hnsw *graph, size_t part, tb__node node)
{
    return tb__hnsw_chunk(graph, node)->blocks[part]->levels[tb__node_slot(node)];
}

static inline size_t tb__hnsw_degree(unsigned level)
{
    return level == 0 ? TB__HNSW_DEGREE0 : TB__HNSW_DEGREE;
}

/* Its list on a level that it has; its chunk is there. */
static inline _Atomic tb__node *tb__hnsw_list(const tb__hnsw *graph, size_t part, tb__node node,
                                              unsigned level)
{
    const uint32_t slot = tb__node_slot(node);
    if (level == 0) return graph->spots[part][tb__node_place(node)].lists + (size_t)slot * TB__HNSW_DEGREE0;
    const tb__hnsw_block *block = tb__hnsw_chunk(graph, node)->blocks[part];
    return block->upper + ((size_t)block->upper_at[slot] + level - 1) * TB__HNSW_DEGREE;
}

/* Whether the node at the end of a link is there for this directory and has a list on the level.  Its chunk
 * may have gone, and another one come to its place; or it came after the directory was made. */
static inline bool tb__hnsw_is_there(const tb__hnsw *graph, size_t part, tb__node node, unsigned level)
{
    if (tb__node_place(node) >= graph->n_places || !graph->spots[part][tb__node_place(node)].lists)
        return false;
    return level == 0 || tb__hnsw_level(graph, part, node) >= level;
}

/* Whether all graphs cover the chunk. */
static inline bool tb__hnsw_covers(const tb__hnsw *graph, const tb__chunk *chunk)
{
    const uint32_t place = atomic_load_explicit(&chunk->place, memory_order_relaxed);
    return place < graph->n_places && graph->places[place].chunk == chunk && graph->places[place].is_covered;
}

/* Whether searches may trust it: it covers something and has not lost more than 1 of 16 chunks since its last
 * repair. */
static inline bool tb__hnsw_is_usable(const tb__hnsw *graph)
{
    return graph && graph->n_covered > 0 && graph->n_lost * 16 <= graph->n_covered;
}

#endif
