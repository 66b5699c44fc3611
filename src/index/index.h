// SPDX-License-Identifier: MIT
/* The index of one space: vectors in memory, cut into parts, and the nearest ones under any weights.
 *
 * An item is one vector (of a segment or of a whole track) under a label that is unique in the index.  It
 * belongs to a group, by which filters, exclusions and "best of each" work: the engine's track number.
 * Each part of the vectors is a block of memory of its own, so that a search for one part reads that part
 * alone.
 *
 * Distance.  d2 = sum over parts c of w_c * |x_c - y_c|^2, always squared, never rooted: distance2 below.
 * A part is compared when it is present in the query and in the item (presence > min_presence); what happens
 * otherwise is the query's `missing`.  Searches are exact (unless asked for less: tb_approximate), though
 * most items are ruled out by 8-bit codes and a proven bound (code.h): the answer is that of a plain loop
 * over all items in f32, ordered by (distance2, label), distances within 1e-5 of their true value (plus 1e-30
 * for what f32 cannot hold).  Items with equal vectors have equal distances to the bit.
 *
 * Threads: any, for every call but tb_index_free.  Writers take turns.  Searches and gets never wait for
 * writers; a search sees the index as it was at one moment: of each put, put_many, put_group and remove
 * either all or nothing.
 *
 * Memory: freed slots are reclaimed; the index holds at most about twice the memory of its live items, plus
 * what searches under way still look at. */
#ifndef TIMBRE_INDEX_INDEX_H
#define TIMBRE_INDEX_INDEX_H

#include "base/status.h"
#include "index/bitmap.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TB_INDEX_MAX_PARTS = 16,
    TB_INDEX_MAX_DIM = 65536,     /* sum of all parts */
    TB_INDEX_MAX_HITS = 100000,   /* k of a query */
    TB_INDEX_MAX_THREADS = 64,
    TB_INDEX_MAX_EFFORT = 1000000,
};

/* Components beyond this are refused, so that no distance overflows f32. */
#define TB_INDEX_MAX_COMPONENT 1e15f

typedef struct tb_index tb_index;

typedef struct tb_index_layout {
    size_t n_parts;                        /* 1 to TB_INDEX_MAX_PARTS */
    size_t part_dims[TB_INDEX_MAX_PARTS];  /* each >= 1; a vector is the parts one after the other */
} tb_index_layout;

typedef struct tb_index_item {
    uint64_t label;        /* unique; ties of distance are ordered by it */
    uint32_t group;        /* the track; a position in filter bitmaps */
    const float *vector;   /* dim values, finite, |x| <= TB_INDEX_MAX_COMPONENT (also in absent parts) */
    const float *presence; /* n_parts values in 0..1; NULL means 1 each.  0: the part is absent */
} tb_index_item;

/* n_threads: how many threads one search may use, 1 to TB_INDEX_MAX_THREADS (1: only the caller's; the
 * others are started here and kept).  TB_INVALID for a layout out of range. */
tb_status tb_index_new(const tb_index_layout *layout, size_t n_threads, tb_index **index,
                       tb_error *err) TB_MUST_CHECK;
/* Accepts NULL.  No other call may be under way. */
void tb_index_free(tb_index *index);

/* Borrowed, as long as the index. */
const tb_index_layout *tb_index_get_layout(const tb_index *index);
/* Sum of the parts' dims. */
size_t tb_index_dim(const tb_index *index);

/* Adds the item, copied; a known label is replaced in one step (group and presence too).
 * TB_INVALID for NaN, infinity, too large a component, presence outside 0..1; TB_NO_MEMORY.  Nothing is
 * changed on failure. */
tb_status tb_index_put(tb_index *index, const tb_index_item *item, tb_error *err) TB_MUST_CHECK;
/* As tb_index_put for n items that become visible together; of two with the same label the later counts. */
tb_status tb_index_put_many(tb_index *index, const tb_index_item *items, size_t n,
                            tb_error *err) TB_MUST_CHECK;
/* The group's items are replaced by these, in one step: what it had beside them is gone.  Every item's group
 * must be `group`.  n == 0 empties the group. */
tb_status tb_index_put_group(tb_index *index, uint32_t group, const tb_index_item *items, size_t n,
                             tb_error *err) TB_MUST_CHECK;
/* Never fail; whether it was there, and how many went. */
bool tb_index_remove(tb_index *index, uint64_t label);
size_t tb_index_remove_group(tb_index *index, uint32_t group);

/* Copies of one item's values; each output may be NULL.  vector: dim floats, presence: n_parts floats.
 * TB_NOT_FOUND (err stays short: the caller knows what the label stands for). */
tb_status tb_index_get(const tb_index *index, uint64_t label, uint32_t *group, float *vector, float *presence,
                       tb_error *err) TB_MUST_CHECK;
size_t tb_index_count(const tb_index *index);

/* Links what can be linked into the graphs that approximate searches walk (tb_approximate): takes long, some
 * tenths of a millisecond for each item and part.  Searches and changes go on meanwhile, and what is not
 * linked yet is scanned, so it may be called after many changes or few.  n_threads: 1 to
 * TB_INDEX_MAX_THREADS, which are started for it.  cancel: as in a query; what was linked by then stays.  One
 * call at a time works, others wait.  TB_INVALID, TB_NO_MEMORY, TB_CANCELLED: searches go on as before. */
tb_status tb_index_link(tb_index *index, size_t n_threads, const atomic_bool *cancel,
                        tb_error *err) TB_MUST_CHECK;

typedef struct tb_index_stats {
    size_t n_items;  /* live ones */
    size_t n_slots;  /* places in memory, live, dead and not yet used */
    size_t n_bytes;  /* all memory that the index holds */
    size_t n_linked; /* slots, live and dead, that the graphs cover */
    const char *kernels; /* "avx2", "plain"; constant */
} tb_index_stats;
void tb_index_get_stats(const tb_index *index, tb_index_stats *stats);

/* What happens to an item with an asked part (weight > 0) that cannot be compared.  In every mode an item
 * that shares no present asked part with the query is left out (dropped_missing). */
typedef enum tb_missing {
    TB_MISSING_SKIP,     /* d2 of the parts present in both, times (sum of asked weights / sum of used) */
    TB_MISSING_EXCLUDE,  /* left out if it lacks an asked part that the query has */
    TB_MISSING_PENALIZE, /* a part in just one of the two counts w_c * penalty_c, one in neither 0 */
} tb_missing;

/* Whether the graphs may answer, which look at a small part of the items and miss some of the nearest: about
 * 1 of 100 with the default effort, less with more.  Then distances are exact all the same, and the nearest
 * of what was found.  Even where they may, exact searches answer wherever they are estimated to cost less
 * (few items, few that the filter lets through, many hits), where nothing was linked (tb_index_link), and
 * where a walk finds fewer than k. */
typedef enum tb_approximate {
    TB_APPROXIMATE_NEVER,
    TB_APPROXIMATE_AUTO, /* in an index of approximate_from items or more */
    TB_APPROXIMATE_ALLOW,
} tb_approximate;

typedef struct tb_index_query {
    const float *vector;     /* dim values; those of parts present in the query are checked as in items */
    const float *presence;   /* n_parts values in 0..1; NULL means 1 each */
    const float *weights;    /* n_parts values, finite, >= 0, not all 0; NULL means 1 each */
    tb_missing missing;
    const float *penalties;  /* n_parts squared distances, finite, >= 0; NULL means 2 each (two unit vectors
                              * at a right angle); read for TB_MISSING_PENALIZE alone */
    float min_presence;      /* a part is present where its presence is greater than this; 0 to 1 */
    double max_distance2;    /* farther items are left out (dropped_threshold); >= 0, may be INFINITY */
    const tb_bitmap *filter; /* groups that may answer, beyond its end none; NULL means all */
    const uint32_t *exclude; /* n_exclude groups that may not, in any order */
    size_t n_exclude;
    bool best_per_group;     /* at most one hit of each group: its nearest item */
    bool explain;            /* part_distance2 for parts that were not asked for, too */
    size_t k;                /* 1 to TB_INDEX_MAX_HITS; may pass the number of items */
    size_t n_threads;        /* at most this many, bounded by the index's own number; 0 means as it likes */
    tb_approximate approximate;
    size_t approximate_from; /* for TB_APPROXIMATE_AUTO */
    size_t effort;           /* how many candidates a walk of the graphs keeps, at least k; 0: as many as find
                              * about 99 of 100; up to TB_INDEX_MAX_EFFORT */
    const atomic_bool *cancel; /* set by any thread: the search ends with TB_CANCELLED; NULL means never */
} tb_index_query;

/* Every field to its default: no pointers, skip, no threshold, k = 10, exact. */
void tb_index_query_init(tb_index_query *query);

typedef struct tb_index_hit {
    uint64_t label;
    uint32_t group;
    double distance2;     /* squared, with its `missing` rule; same asked weights, same scale */
    double weight_used;   /* sum of the weights of the parts compared; in every mode distance2 / (sum of asked
                           * weights) is the mean squared distance of a part */
    float *part_distance2; /* n_parts values: |x_c - y_c|^2 unweighted; -1 where not compared */
    float *presence;       /* n_parts values, the item's */
} tb_index_hit;

typedef struct tb_index_result {
    tb_index_hit *hits; /* sorted by (distance2, label); owned, as are the hits' arrays */
    size_t n_hits;
    /* Every live item is in one of these or was a candidate: what an empty answer is explained with. */
    uint64_t n_items;           /* live at that moment */
    uint64_t dropped_filter;    /* by filter or exclude */
    uint64_t dropped_missing;
    uint64_t dropped_threshold; /* 0 when there are k hits: then nobody looked */
    uint64_t n_exact; /* compared by their vectors; the codes of the others showed that they are too far */
    bool is_approximate; /* the graphs answered: there are k hits; dropped_* tell of a part of the items */
    float *part_values; /* memory behind the hits' arrays */
} tb_index_result;

/* The k nearest items.  Result: owned by the caller until tb_index_result_clear; untouched on failure.
 * TB_INVALID with a sentence for anything out of the ranges above, TB_CANCELLED, TB_NO_MEMORY.
 * An empty index, no match, k past the count: fewer hits or none, not an error. */
tb_status tb_index_search(const tb_index *index, const tb_index_query *query, tb_index_result *result,
                          tb_error *err) TB_MUST_CHECK;
/* Frees; accepts a zeroed or cleared result. */
void tb_index_result_clear(tb_index_result *result);

#endif
