// SPDX-License-Identifier: MIT
/* How many segments per second does the network for instruments take, in inference and in training, on one
 * thread?
 *
 *     bench-nn [seconds per case, 3] [batch, 64] [network] [work]
 *
 * Two sizes of the network, "small" (8 to 256 channels) and "big" (16 to 512).  Work: inference with batch
 * norm folded; gradient, which is forward and backward; update, a step of AdamW; training, both together.
 * One JSON line per case: segments per second of the median and of the best round, in time of the processor
 * (so that other work on the machine counts little), multiplications of a forward, and how many floating
 * point operations per second that is (forward and backward counted as three forwards).  TIMBRE_KERNELS=plain
 * chooses other kernels. */
#include "base/alloc.h"
#include "base/rng.h"
#include "nn/network.h"
#include "nn/optimizer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_ROUNDS = 10000, MAX_TEXT = 1024 };

static double cpu_seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* 64 rows x 128 bands, six convolutions of n_first, 2 n_first, ... channels. */
static void write_text(char text[MAX_TEXT], int n_first)
{
    int used = snprintf(text, MAX_TEXT, "input 64 128 1\n");
    for (int i = 0; i < 6; i++)
        used += snprintf(text + used, (size_t)(MAX_TEXT - used),
                         "conv %d 5x5 stride 2 pad 2\nnorm\nleaky 0.2\n", n_first << i);
    (void)snprintf(text + used, (size_t)(MAX_TEXT - used), "mean time\nflatten\ndense 645\n");
}

typedef struct bench_state {
    tb_network *net, *folded;
    tb_pass *training, *inference;
    tb_optimizer *optimizer;
    float *x, *dy;
    size_t batch;
} bench_state;

static tb_status prepare(bench_state *bench, int n_first, tb_error *err)
{
    tb_status status = TB_OK;
    char text[MAX_TEXT];
    tb_rng rng;
    tb_rng_init(&rng, 1);
    write_text(text, n_first);
    TB_TRY(tb_network_parse(text, &bench->net, err));
    tb_network_init(bench->net, &rng);
    TB_TRY(tb_network_fold(bench->net, &bench->folded, err));
    TB_TRY(tb_pass_new(bench->folded, bench->batch, false, &bench->inference, err));
    TB_TRY(tb_pass_new(bench->net, bench->batch, true, &bench->training, err));
    TB_TRY(tb_optimizer_new(bench->net, &tb_optimizer_defaults, &bench->optimizer, err));
    const size_t n_x = bench->batch * tb_shape_values(tb_network_input(bench->net));
    const size_t n_y = bench->batch * tb_shape_values(tb_network_output(bench->net));
    bench->x = tb_alloc_aligned(n_x, sizeof *bench->x);
    bench->dy = tb_alloc_aligned(n_y, sizeof *bench->dy);
    if (bench->x == NULL || bench->dy == NULL) TB_FAIL(err, TB_NO_MEMORY, "no memory");
    for (size_t i = 0; i < n_x; i++) bench->x[i] = (float)tb_rng_normal(&rng);
    for (size_t i = 0; i < n_y; i++) bench->dy[i] = (float)tb_rng_normal(&rng) / (float)n_y;
out:
    return status;
}

static void clear(bench_state *bench)
{
    tb_pass_free(bench->training);
    tb_pass_free(bench->inference);
    tb_optimizer_free(bench->optimizer);
    tb_network_free(bench->net);
    tb_network_free(bench->folded);
    tb_free(bench->x);
    tb_free(bench->dy);
}

static void infer(bench_state *bench)
{
    (void)tb_pass_forward(bench->inference, bench->x, bench->batch);
}

static void find_gradient(bench_state *bench)
{
    tb_pass_clear_gradient(bench->training);
    (void)tb_pass_forward(bench->training, bench->x, bench->batch);
    tb_pass_backward(bench->training, bench->dy, NULL);
}

static void update(bench_state *bench)
{
    tb_optimizer_step(bench->optimizer, 1e-4, tb_pass_gradient(bench->training),
                      tb_network_params(bench->net));
}

static void train(bench_state *bench)
{
    find_gradient(bench);
    update(bench);
}

static const struct {
    const char *name;
    void (*run)(bench_state *bench);
    double n_forwards;
} works[] = {
    {"inference", infer, 1}, {"gradient", find_gradient, 3}, {"update", update, 0}, {"training", train, 3}};

static void measure(bench_state *bench, const char *network, const char *work,
                    void (*run)(bench_state *bench), double n_forwards, double seconds)
{
    static double times[MAX_ROUNDS];
    size_t n = 0;
    run(bench);
    for (const double begin = cpu_seconds(); n < MAX_ROUNDS && (n < 3 || cpu_seconds() - begin < seconds);
         n++) {
        const double start = cpu_seconds();
        run(bench);
        times[n] = cpu_seconds() - start;
    }
    qsort(times, n, sizeof *times, compare);
    const double items = (double)bench->batch, macs = tb_network_macs(bench->net);
    printf("{\"bench\": \"nn\", \"network\": \"%s\", \"work\": \"%s\", \"batch\": %zu, \"rounds\": %zu, "
           "\"segments_per_s\": %.0f, \"segments_per_s_best\": %.0f, \"macs\": %.0f, \"gflop_per_s\": %.1f, "
           "\"kernels\": \"%s\", \"blas\": \"%s\"}\n",
           network, work, bench->batch, n, items / times[n / 2], items / times[0], macs,
           2e-9 * macs * n_forwards * items / times[n / 2], tb_nn_kernels_name(), tb_nn_blas_name());
    (void)fflush(stdout);
}

int main(int argc, char **argv)
{
    const double seconds = argc > 1 ? strtod(argv[1], NULL) : 3;
    const char *network = argc > 3 ? argv[3] : NULL, *work = argc > 4 ? argv[4] : NULL;
    const size_t batch = argc > 2 ? strtoul(argv[2], NULL, 10) : 64;
    static const struct {
        const char *name;
        int n_first;
    } networks[] = {{"small", 8}, {"big", 16}};
    tb_error err = {0};
    for (size_t i = 0; i < sizeof networks / sizeof *networks; i++) {
        if (network && strcmp(network, networks[i].name) != 0) continue;
        bench_state bench = {.batch = batch};
        if (prepare(&bench, networks[i].n_first, &err) != TB_OK) {
            (void)fprintf(stderr, "bench-nn: %s\n", err.message);
            clear(&bench);
            return 1;
        }
        for (size_t k = 0; k < sizeof works / sizeof *works; k++)
            if (work == NULL || strcmp(work, works[k].name) == 0)
                measure(&bench, networks[i].name, works[k].name, works[k].run, works[k].n_forwards, seconds);
        clear(&bench);
    }
    return 0;
}
