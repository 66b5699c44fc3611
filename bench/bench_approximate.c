// SPDX-License-Identifier: MIT
/* How fast are approximate searches at which recall, and how long does linking take?
 *
 *     bench-approximate BASE QUERIES DIM [threads, 1]
 *
 * BASE and QUERIES are vectors as raw f32, DIM to a vector, of one part.  After the graphs are made, each
 * line of standard input is an effort; 0 stands for exact searches.  For each, all queries are asked once (k
 * = 10) and one JSON line is printed, with the recall against exact searches.  bench/peers/approximate drives it,
 * in turns with other programs. */
#include "base/alloc.h"
#include "base/clock.h"
#include "index/index.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { K = 10, BATCH = 1024 };

typedef struct vectors {
    float *values;
    size_t n;
} vectors;

static double cpu_s(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

static tb_status load(const char *path, size_t dim, vectors *out, tb_error *err)
{
    tb_status status = TB_OK;
    FILE *file = fopen(path, "rb");
    if (!file) TB_FAIL(err, TB_NOT_FOUND, "%s cannot be opened", path);
    fseek(file, 0, SEEK_END);
    const long size = ftell(file);
    rewind(file);
    out->n = size > 0 ? (size_t)size / (dim * sizeof(float)) : 0;
    out->values = tb_alloc(out->n * dim, sizeof(float));
    if (!out->values) TB_FAIL(err, TB_NO_MEMORY, "no memory for %s", path);
    if (out->n == 0 || fread(out->values, dim * sizeof(float), out->n, file) != out->n)
        TB_FAIL(err, TB_CORRUPT, "%s has no whole vectors", path);
out:
    if (file) fclose(file);
    return status;
}

static tb_status fill(tb_index *index, const vectors *base, size_t dim, tb_error *err)
{
    tb_status status = TB_OK;
    tb_index_item items[BATCH];
    for (size_t at = 0; at < base->n; at += BATCH) {
        const size_t n = base->n - at < BATCH ? base->n - at : BATCH;
        for (size_t i = 0; i < n; i++)
            items[i] =
                (tb_index_item){at + i, (uint32_t)((at + i) / 50), base->values + (at + i) * dim, NULL};
        TB_TRY(tb_index_put_many(index, items, n, err));
    }
out:
    return status;
}

/* Asks all queries; labels: K of each, those of places without a hit UINT64_MAX. */
static tb_status ask(const tb_index *index, const vectors *queries, size_t dim, size_t effort,
                     uint64_t *labels, double *seconds, double *cpu_seconds, size_t *n_approximate,
                     tb_error *err)
{
    tb_status status = TB_OK;
    const tb_clock *clock = tb_clock_system();
    const int64_t begin = clock->mono_ns(clock);
    const double cpu_begin = cpu_s();
    *n_approximate = 0;
    for (size_t i = 0; i < queries->n; i++) {
        tb_index_query query;
        tb_index_query_init(&query);
        query.vector = queries->values + i * dim;
        query.k = K;
        query.n_threads = 1;
        query.effort = effort;
        if (effort > 0) query.approximate = TB_APPROXIMATE_ALLOW;
        tb_index_result result = {0};
        TB_TRY(tb_index_search(index, &query, &result, err));
        *n_approximate += result.is_approximate;
        for (size_t j = 0; j < K; j++)
            labels[i * K + j] = j < result.n_hits ? result.hits[j].label : UINT64_MAX;
        tb_index_result_clear(&result);
    }
    *seconds = tb_clock_elapsed_s(clock, begin);
    *cpu_seconds = cpu_s() - cpu_begin;
out:
    return status;
}

static double recall_of(const uint64_t *labels, const uint64_t *truth, size_t n_queries)
{
    size_t n_found = 0;
    for (size_t i = 0; i < n_queries; i++)
        for (size_t j = 0; j < K; j++)
            for (size_t l = 0; l < K; l++) n_found += labels[i * K + j] == truth[i * K + l];
    return (double)n_found / (double)(n_queries * K);
}

static tb_status run(const tb_index *index, const vectors *queries, size_t dim, tb_error *err)
{
    tb_status status = TB_OK;
    char line[64];
    double seconds, cpu_seconds;
    size_t n_approximate;
    uint64_t *truth = tb_alloc(queries->n * K, sizeof *truth),
             *labels = tb_alloc(queries->n * K, sizeof *labels);
    if (!truth || !labels) TB_FAIL(err, TB_NO_MEMORY, "no memory for answers");
    TB_TRY(ask(index, queries, dim, 0, truth, &seconds, &cpu_seconds, &n_approximate, err));
    while (fgets(line, sizeof line, stdin)) {
        const size_t effort = strtoul(line, NULL, 10);
        TB_TRY(ask(index, queries, dim, effort, labels, &seconds, &cpu_seconds, &n_approximate, err));
        printf("{\"bench\": \"approximate\", \"effort\": %zu, \"queries\": %zu, \"by_graph\": %zu, ", effort,
               queries->n, n_approximate);
        printf("\"queries_per_s\": %.0f, \"queries_per_cpu_s\": %.0f, \"recall\": %.4f}\n",
               (double)queries->n / seconds, (double)queries->n / cpu_seconds,
               recall_of(labels, truth, queries->n));
        fflush(stdout);
    }
out:
    tb_free(truth);
    tb_free(labels);
    return status;
}

int main(int argc, char **argv)
{
    tb_error err = {0};
    tb_status status = TB_OK;
    tb_index *index = NULL;
    vectors base = {0}, queries = {0};
    const size_t dim = argc > 3 ? strtoul(argv[3], NULL, 10) : 0;
    const size_t n_threads = argc > 4 ? strtoul(argv[4], NULL, 10) : 1;
    if (dim < 1 || dim > TB_INDEX_MAX_DIM) {
        fprintf(stderr, "usage: bench-approximate BASE QUERIES DIM [THREADS]\n");
        return 2;
    }
    const tb_clock *clock = tb_clock_system();
    const tb_index_layout layout = {.n_parts = 1, .part_dims = {dim}};
    TB_TRY(load(argv[1], dim, &base, &err));
    TB_TRY(load(argv[2], dim, &queries, &err));
    TB_TRY(tb_index_new(&layout, 1, &index, &err));
    TB_TRY(fill(index, &base, dim, &err));
    const int64_t begin = clock->mono_ns(clock);
    const double cpu_begin = cpu_s();
    TB_TRY(tb_index_link(index, n_threads, NULL, &err));
    const double link_s = tb_clock_elapsed_s(clock, begin), link_cpu_s = cpu_s() - cpu_begin;
    tb_index_stats stats;
    tb_index_get_stats(index, &stats);
    printf("{\"bench\": \"approximate\", \"kernels\": \"%s\", \"vectors\": %zu, \"dims\": %zu, \"linked\": "
           "%zu, ",
           stats.kernels, stats.n_items, dim, stats.n_linked);
    printf("\"threads\": %zu, \"link_s\": %.3f, \"link_cpu_s\": %.3f, \"bytes_per_vector\": %.0f}\n",
           n_threads, link_s, link_cpu_s, (double)stats.n_bytes / (double)stats.n_items);
    fflush(stdout);
    TB_TRY(run(index, &queries, dim, &err));
out:
    if (status != TB_OK) fprintf(stderr, "bench-approximate: %s\n", err.message);
    tb_index_free(index);
    tb_free(base.values);
    tb_free(queries.values);
    return status == TB_OK ? 0 : 1;
}
