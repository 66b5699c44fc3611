// SPDX-License-Identifier: MIT
/* The exact scan of one chunk after the other: what one thread of a search does.
 *
 * Per chunk: bits of the slots alive in the view; less those that the filter drops; less those that share no
 * part with the query (or lack one that they must have); block distances part by part, or lower bounds from
 * codes (code.h), for the runs of bits that are left; weighted sums; exact distances of what the bounds do
 * not rule out; the k best.  Counters say where items went.  One thread per tb__scan. */
#ifndef TIMBRE_INDEX_SCAN_H
#define TIMBRE_INDEX_SCAN_H

#include "index/chunk.h"
#include "index/distance.h"
#include "index/plan.h"
#include "index/top.h"

typedef struct tb__scan {
    const tb__plan *plan;             /* borrowed */
    const tb_distance_table *kernels; /* borrowed */
    uint64_t sequence;
    tb__top top;
    uint64_t n_items, dropped_filter, dropped_missing;
    uint64_t dropped_threshold; /* means nothing once top is full */
    uint64_t n_exact;           /* compared by their vectors */
    float *distances; /* [plan.n_parts][TB__CHUNK_SLOTS], and a row for sums */
} tb__scan;

/* k: that of the query or, if that is less, the number of items there can be; at least 1.
 * False without memory. */
bool tb__scan_init(tb__scan *scan, const tb__plan *plan, const tb_distance_table *kernels, uint64_t sequence,
                   size_t k);
/* Accepts a zeroed one. */
void tb__scan_clear(tb__scan *scan);
void tb__scan_chunk(tb__scan *scan, const tb__chunk *chunk);
/* Compares one slot exactly, which is alive and allowed and can be compared.  Its presence: of all parts. */
void tb__scan_offer(tb__scan *scan, const tb__chunk *chunk, uint32_t slot);
/* Takes over what `other` has found and counted. */
void tb__scan_merge(tb__scan *scan, const tb__scan *other);

#endif
