// SPDX-License-Identifier: MIT
/* How long does one exact search take, for one part and for weights over five?
 *
 *     bench-index [number of vectors, 200000] [rounds, 30] [threads, 1] [approximate]
 *
 * With "approximate" all parts are then linked into graphs, and the cases are asked again, approximately: with the
 * recall, and how many of the rounds the graphs answered (the others were estimated to be cheaper to scan).
 *
 * The vectors lie around 1,000 random centres, each part brought to unit length, as embeddings are.  One JSON
 * line per case: median and best of the rounds, ns per vector (of the median), how fast a plain scan in f32
 * would have had to read for that, how many vectors were compared exactly, and the index's memory. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/rng.h"
#include "index/index.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_PARTS = 5, PART_DIM = 128, DIM = N_PARTS * PART_DIM };
enum { N_CENTRES = 1000, BATCH = 1000, MAX_ROUNDS = 10000 };

static void normalise(float *values)
{
    double sum = 0;
    for (size_t i = 0; i < PART_DIM; i++) sum += (double)values[i] * (double)values[i];
    const float scale = (float)(1 / sqrt(sum));
    for (size_t i = 0; i < PART_DIM; i++) values[i] *= scale;
}

/* centres: [N_CENTRES][DIM] */
static void make_vector(tb_rng *rng, const float *centres, float *vector)
{
    const float *centre = centres + tb_rng_below(rng, N_CENTRES) * DIM;
    for (size_t i = 0; i < DIM; i++) vector[i] = centre[i] + 0.7f * (float)tb_rng_normal(rng);
    for (size_t c = 0; c < N_PARTS; c++) normalise(vector + c * PART_DIM);
}

static tb_status fill(tb_index *index, tb_rng *rng, const float *centres, size_t n, tb_error *err)
{
    tb_status status = TB_OK;
    float *vectors = tb_alloc(BATCH * DIM, sizeof *vectors);
    tb_index_item items[BATCH];
    if (!vectors) TB_FAIL(err, TB_NO_MEMORY, "no memory for a batch of vectors");
    for (size_t at = 0; at < n; at += BATCH) {
        const size_t n_batch = n - at < BATCH ? n - at : BATCH;
        for (size_t i = 0; i < n_batch; i++) {
            make_vector(rng, centres, vectors + i * DIM);
            items[i] = (tb_index_item){at + i, (uint32_t)((at + i) / 50), vectors + i * DIM, NULL};
        }
        TB_TRY(tb_index_put_many(index, items, n_batch, err));
    }
out:
    tb_free(vectors);
    return status;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

typedef struct bench_case {
    const char *name;
    float weights[N_PARTS];
    bool best_per_group;
    size_t filter_percent; /* 100: none */
} bench_case;

/* The share of the query's exact hits that are in the result. */
static tb_status add_recall(const tb_index *index, tb_index_query query, const tb_index_result *result,
                            double *recall, tb_error *err)
{
    tb_status status = TB_OK;
    tb_index_result exact = {0};
    size_t n_found = 0;
    query.approximate = TB_APPROXIMATE_NEVER;
    TB_TRY(tb_index_search(index, &query, &exact, err));
    for (size_t i = 0; i < exact.n_hits; i++)
        for (size_t j = 0; j < result->n_hits; j++) n_found += exact.hits[i].label == result->hits[j].label;
    *recall += exact.n_hits ? (double)n_found / (double)exact.n_hits : 1;
out:
    tb_index_result_clear(&exact);
    return status;
}

static tb_status run_case(const tb_index *index, const bench_case *c, const float *queries, size_t n_rounds,
                          size_t n_threads, bool approximate, tb_error *err)
{
    tb_status status = TB_OK;
    static double times[MAX_ROUNDS];
    const tb_clock *clock = tb_clock_system();
    tb_index_stats stats;
    tb_index_get_stats(index, &stats);
    double n_exact = 0, recall = 0, n_graph = 0;
    tb_bitmap filter = TB_BITMAP_INIT;
    TB_TRY(tb_bitmap_resize(&filter, stats.n_items / 50 + 1));
    for (uint64_t group = 0; group < filter.n_bits; group++)
        if (group * 2654435761u % 100 < c->filter_percent) TB_TRY(tb_bitmap_set(&filter, group));
    size_t dims = 0;
    for (size_t i = 0; i < N_PARTS; i++) dims += c->weights[i] > 0 ? PART_DIM : 0;
    for (size_t round = 0; round < n_rounds; round++) {
        tb_index_query query;
        tb_index_query_init(&query);
        query.vector = queries + round % N_CENTRES * DIM;
        query.weights = c->weights;
        query.best_per_group = c->best_per_group;
        query.n_threads = n_threads;
        query.approximate = approximate ? TB_APPROXIMATE_ALLOW : TB_APPROXIMATE_NEVER;
        if (c->filter_percent < 100) query.filter = &filter;
        tb_index_result result = {0};
        const int64_t begin = clock->mono_ns(clock);
        TB_TRY(tb_index_search(index, &query, &result, err));
        times[round] = (double)(clock->mono_ns(clock) - begin);
        n_exact += (double)result.n_exact / (double)n_rounds;
        n_graph += result.is_approximate;
        if (approximate) status = add_recall(index, query, &result, &recall, err);
        tb_index_result_clear(&result);
        if (status != TB_OK) goto out;
    }
    qsort(times, n_rounds, sizeof *times, compare);
    const double ns = times[n_rounds / 2], n = (double)stats.n_items;
    printf("{\"bench\": \"index\", \"case\": \"%s\", \"kernels\": \"%s\", \"vectors\": %zu, \"dims\": %zu, ",
           c->name, stats.kernels, stats.n_items, dims);
    printf("\"threads\": %zu, \"ms\": %.3f, \"best_ms\": %.3f, \"ns_per_vector\": %.2f, \"gb_per_s\": %.2f, ",
           n_threads, ns / 1e6, times[0] / 1e6, ns / n, 4 * (double)dims * n / ns);
    if (approximate)
        printf("\"recall\": %.4f, \"by_graph\": %.2f, ", recall / (double)n_rounds, n_graph / (double)n_rounds);
    printf("\"exact\": %.0f, \"bytes_per_vector\": %.0f}\n", n_exact, (double)stats.n_bytes / n);
    fflush(stdout);
out:
    tb_bitmap_clear(&filter);
    return status;
}

int main(int argc, char **argv)
{
    const size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 200000;
    size_t n_rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 30;
    const size_t n_threads = argc > 3 ? strtoul(argv[3], NULL, 10) : 1;
    if (n_rounds < 1) n_rounds = 1;
    if (n_rounds > MAX_ROUNDS) n_rounds = MAX_ROUNDS;
    const bench_case cases[] = {
        {"one part of 128", {0, 1, 0, 0, 0}, false, 100},
        {"weights over five parts of 128", {1, 0.5f, 0.25f, 1, 2}, false, 100},
        {"one part, best of each group", {0, 1, 0, 0, 0}, true, 100},
        {"one part, filter of 10%", {0, 1, 0, 0, 0}, false, 10},
    };
    tb_error err = {0};
    tb_status status = TB_OK;
    tb_index *index = NULL;
    tb_rng rng;
    tb_rng_init(&rng, 1);
    float *centres = tb_alloc(N_CENTRES * DIM, sizeof *centres);
    float *queries = tb_alloc(N_CENTRES * DIM, sizeof *queries);
    tb_index_layout layout = {.n_parts = N_PARTS};
    for (size_t c = 0; c < N_PARTS; c++) layout.part_dims[c] = PART_DIM;
    if (!centres || !queries) TB_FAIL(&err, TB_NO_MEMORY, "no memory for queries");
    for (size_t i = 0; i < N_CENTRES * DIM; i++) centres[i] = (float)tb_rng_normal(&rng);
    for (size_t i = 0; i < N_CENTRES; i++) make_vector(&rng, centres, queries + i * DIM);
    TB_TRY(tb_index_new(&layout, n_threads < 1 ? 1 : n_threads, &index, &err));
    TB_TRY(fill(index, &rng, centres, n, &err));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        TB_TRY(run_case(index, &cases[i], queries, n_rounds, n_threads, false, &err));
    if (argc > 4 && strcmp(argv[4], "approximate") == 0) {
        TB_TRY(tb_index_link(index, n_threads, NULL, &err));
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
            TB_TRY(run_case(index, &cases[i], queries, n_rounds, n_threads, true, &err));
    }
out:
    if (status != TB_OK) fprintf(stderr, "bench-index: %s\n", err.message);
    tb_index_free(index);
    tb_free(centres);
    tb_free(queries);
    return status == TB_OK ? 0 : 1;
}
