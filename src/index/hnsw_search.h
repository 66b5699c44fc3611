// SPDX-License-Identifier: MIT
/* Searches of the graphs: whether they pay, and the candidates that they find, compared exactly. */
#ifndef TIMBRE_INDEX_HNSW_SEARCH_H
#define TIMBRE_INDEX_HNSW_SEARCH_H

#include "index/hnsw_walk.h"
#include "index/index_internal.h"
#include "index/scan.h"

typedef struct tb__hnsw_budget {
    size_t effort;
    size_t most_visits; /* past it a scan is the cheaper way */
} tb__hnsw_budget;

/* Whether the graph (NULL: none) may answer, and costs less than a scan by n_threads threads, as measured
 * costs have it; then with how much effort. */
bool tb__hnsw_pays(const tb_index *index, const tb__hnsw *graph, const tb__plan *plan, const tb__view *view,
                   size_t n_threads, tb__hnsw_budget *budget);

/* Offers what the graph finds among covered chunks to the scan, which has an encoded plan.  False: fewer than
 * k were found, the budget ended, or there was no memory. */
bool tb__hnsw_search(const tb__hnsw *graph, const tb__hnsw_budget *budget, tb__scratch *scratch,
                     tb__scan *scan);

/* Sets index->costs from a few walks and scans of what is linked.  Without memory they stay as they are. */
void tb__hnsw_measure(tb_index *index);

#endif
