// SPDX-License-Identifier: MIT
/* The k best candidates of a search, of each group at most one if asked.
 *
 * A heap with the worst on top, of positions into an array of candidates that stay where they are; for "one
 * of each group" a hash table finds the group's candidate.  Leaving a group's worse candidate out early is
 * safe: the bound only ever falls.  One thread at a time. */
#ifndef TIMBRE_INDEX_TOP_H
#define TIMBRE_INDEX_TOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tb__chunk;

typedef struct tb__candidate {
    double distance2;
    uint64_t label;
    const struct tb__chunk *chunk;
    uint32_t slot;
    uint32_t group;
} tb__candidate;

typedef struct tb__top {
    tb__candidate *candidates; /* n of k, in no order until tb__top_sort */
    uint32_t *heap;            /* positions in candidates; heap[0] is the worst */
    uint32_t *heap_at;         /* where in the heap a candidate stands */
    uint32_t *groups;          /* hash table of positions + 1; NULL unless best_per_group */
    size_t groups_mask;
    size_t n, k;
} tb__top;

/* k >= 1.  False without memory. */
bool tb__top_init(tb__top *top, size_t k, bool best_per_group);
/* Accepts a zeroed one. */
void tb__top_clear(tb__top *top);
/* Takes the candidate if it is among the best so far. */
void tb__top_offer(tb__top *top, const tb__candidate *candidate);
/* Puts candidates in order, best first; nothing may be offered after it. */
void tb__top_sort(tb__top *top);

/* Nothing farther than this can be taken any more. */
static inline double tb__top_bound(const tb__top *top)
{
    return top->n < top->k ? __builtin_inf() : top->candidates[top->heap[0]].distance2;
}

#endif
