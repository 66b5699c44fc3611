// SPDX-License-Identifier: MIT
/* The k best candidates: heap and group table. */
#include "index/top.h"

#include "base/alloc.h"

#include <stdlib.h>

bool tb__top_init(tb__top *top, size_t k, bool best_per_group)
{
    *top = (tb__top){.k = k};
    top->candidates = tb_alloc(k, sizeof *top->candidates);
    top->heap = tb_alloc(k, sizeof *top->heap);
    top->heap_at = tb_alloc(k, sizeof *top->heap_at);
    if (!top->candidates || !top->heap || !top->heap_at) goto fail;
    if (best_per_group) {
        size_t n_places = 16;
        while (n_places < k * 2) n_places *= 2;
        top->groups = tb_alloc(n_places, sizeof *top->groups);
        if (!top->groups) goto fail;
        top->groups_mask = n_places - 1;
    }
    return true;
fail:
    tb__top_clear(top);
    return false;
}

void tb__top_clear(tb__top *top)
{
    tb_free(top->candidates);
    tb_free(top->heap);
    tb_free(top->heap_at);
    tb_free(top->groups);
    *top = (tb__top){0};
}

static bool is_better(const tb__candidate *a, const tb__candidate *b)
{
    return a->distance2 < b->distance2 || (a->distance2 == b->distance2 && a->label < b->label);
}

static void place_at(tb__top *top, size_t at, uint32_t position)
{
    top->heap[at] = position;
    top->heap_at[position] = (uint32_t)at;
}

static void sift_up(tb__top *top, size_t at)
{
    const uint32_t moving = top->heap[at];
    while (at > 0) {
        const size_t parent = (at - 1) / 2;
        if (!is_better(&top->candidates[top->heap[parent]], &top->candidates[moving])) break;
        place_at(top, at, top->heap[parent]);
        at = parent;
    }
    place_at(top, at, moving);
}

static void sift_down(tb__top *top, size_t at)
{
    const uint32_t moving = top->heap[at];
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= top->n) break;
        if (child + 1 < top->n &&
            is_better(&top->candidates[top->heap[child]], &top->candidates[top->heap[child + 1]])) {
            child++;
        }
        if (!is_better(&top->candidates[moving], &top->candidates[top->heap[child]])) break;
        place_at(top, at, top->heap[child]);
        at = child;
    }
    place_at(top, at, moving);
}

static size_t home_of(const tb__top *top, uint32_t group)
{
    return (size_t)((group * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & top->groups_mask;
}

/* The group's place in the table, or the empty one where it would go. */
static size_t find_group(const tb__top *top, uint32_t group)
{
    size_t at = home_of(top, group);
    while (top->groups[at] && top->candidates[top->groups[at] - 1].group != group)
        at = (at + 1) & top->groups_mask;
    return at;
}

/* Empties a place and moves those behind it that could then not be found (Knuth, volume 3, 6.4, algorithm R).
 * */
static void remove_group(tb__top *top, size_t hole)
{
    size_t at = hole;
    for (;;) {
        top->groups[hole] = 0;
        for (;;) {
            at = (at + 1) & top->groups_mask;
            if (!top->groups[at]) return;
            const size_t home = home_of(top, top->candidates[top->groups[at] - 1].group);
            /* It may stay if its home lies cyclically in (hole, at]; else it moves. */
            if (((at - home) & top->groups_mask) >= ((at - hole) & top->groups_mask)) break;
        }
        top->groups[hole] = top->groups[at];
        hole = at;
    }
}

void tb__top_offer(tb__top *top, const tb__candidate *candidate)
{
    const bool full = top->n == top->k;
    if (full && !is_better(candidate, &top->candidates[top->heap[0]])) return;
    if (top->groups) {
        const size_t place = find_group(top, candidate->group);
        if (top->groups[place]) {
            const uint32_t position = top->groups[place] - 1;
            if (is_better(candidate, &top->candidates[position])) {
                top->candidates[position] = *candidate;
                sift_down(top, top->heap_at[position]);
            }
            return;
        }
    }
    uint32_t position;
    if (full) {
        position = top->heap[0];
        if (top->groups) remove_group(top, find_group(top, top->candidates[position].group));
    } else {
        position = (uint32_t)top->n++;
        place_at(top, position, position);
    }
    top->candidates[position] = *candidate;
    if (top->groups) top->groups[find_group(top, candidate->group)] = position + 1;
    if (full) sift_down(top, 0);
    else sift_up(top, position);
}

static int compare(const void *a, const void *b)
{
    return is_better(a, b) ? -1 : is_better(b, a) ? 1 : 0;
}

void tb__top_sort(tb__top *top)
{
    qsort(top->candidates, top->n, sizeof *top->candidates, compare);
}
