// SPDX-License-Identifier: MIT
/* What does a segment cost before and after the network, in a step of training the network for instruments?
 *
 *     bench-train [pieces, 60] [groups, 40]
 *
 * Pieces of one minute are made in memory; groups of 64 mixes with 64 solos are drawn, mixed and given to the losses, on
 * one thread.  One JSON line per case: microseconds a segment, in time of the processor, of the median group.  bench-nn
 * says what the network between them costs. */
#include "base/alloc.h"
#include "base/rng.h"
#include "train/group_maker.h"
#include "train/mix_kernels.h"
#include "train/recipe.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { N_ROWS = 1292, ROWS_A_BAR = 43, MAX_GROUPS = 10000 };

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

static void print_case(const char *name, double *seconds, size_t n, size_t n_segments)
{
    qsort(seconds, n, sizeof *seconds, compare);
    printf("{\"bench\":\"train\",\"case\":\"%s\",\"us_per_segment\":%.1f,\"segments\":%zu,\"groups\":%zu,\"kernels\":\"%s\"}\n", name,
           1e6 * seconds[n / 2] / (double)n_segments, n_segments, n, tb__mix_kernels_best()->name);
}

/* Square roots of powers, of any size that music has. */
static tb_status make_piece(tb_piece *piece, float *bars, tb_rng *rng, tb_error *err)
{
    tb_status status = TB_OK;
    *piece = (tb_piece){.name = "noise", .tempo_bpm = 120, .beats_per_bar = 4, .n_rows = N_ROWS, .bars = bars, .n_bars = N_ROWS / ROWS_A_BAR};
    for (size_t c = 0; c < TB_STEM_COUNT; c++) {
        uint16_t *rows = tb_alloc((size_t)N_ROWS * TB_BANDS_DEFAULT, sizeof *rows);
        if (!rows) TB_FAIL(err, TB_NO_MEMORY, "no memory for a piece");
        for (size_t i = 0; i < (size_t)N_ROWS * TB_BANDS_DEFAULT; i++) rows[i] = (uint16_t)(0x1000 + (tb_rng_next(rng) >> 50));
        piece->rows[c] = rows;
    }
out:
    return status;
}

static void measure(tb_group_maker *maker, tb_loss *loss, const tb_loss_options *options, size_t n_groups, float *y, float *dy)
{
    static double making[MAX_GROUPS], losing[MAX_GROUPS];
    size_t n_segments = 0;
    for (size_t g = 0; g < n_groups; g++) {
        tb_training_group group;
        tb_loss_report report;
        const double begin = cpu_seconds();
        tb_group_maker_make(maker, TB_GROUP_CONTRAST, TB_STEM_DRUMS, 0, g, &group);
        const double middle = cpu_seconds();
        tb_loss_compute(loss, options, &group.labels, y, dy, &report);
        making[g] = middle - begin;
        losing[g] = cpu_seconds() - middle;
        n_segments = group.labels.n;
    }
    print_case("groups drawn and mixed", making, n_groups, n_segments);
    print_case("losses and their gradients", losing, n_groups, n_segments);
}

int main(int argc, char **argv)
{
    tb_status status = TB_OK;
    tb_error err = {0};
    const size_t n_pieces = argc > 1 ? (size_t)strtoul(argv[1], NULL, 10) : 60;
    const size_t n_groups = argc > 2 ? (size_t)strtoul(argv[2], NULL, 10) : 40;
    const tb_loss_shape shape = {5, 128, 5};
    tb_recipe recipe;
    tb_augment_options augment;
    tb_sampler_options sampling;
    tb_loss_options options;
    tb_band_bank *bank = NULL;
    tb_augmenter *augmenter = NULL;
    tb_sampler *sampler = NULL;
    tb_group_maker *maker = NULL;
    tb_loss *loss = NULL;
    float bars[N_ROWS / ROWS_A_BAR];
    tb_rng rng;
    tb_piece *pieces = tb_alloc(n_pieces, sizeof *pieces);
    const tb_piece **list = tb_alloc(n_pieces, sizeof *list);
    tb_rng_init(&rng, 1);
    TB_TRY(tb_recipe_named("contrastive", &recipe, &err));
    const size_t n_rows = tb_recipe_group_rows(&recipe), n_values = n_rows * tb_loss_width(&shape);
    float *y = tb_alloc(n_values, sizeof *y), *dy = tb_alloc(n_values, sizeof *dy);
    if (!pieces || !list || !y || !dy || n_groups < 1 || n_groups > MAX_GROUPS) TB_FAIL(&err, TB_INVALID, "no memory, or too many groups");
    for (size_t i = 0; i < n_values; i++) y[i] = (float)tb_rng_normal(&rng);
    for (size_t i = 0; i < N_ROWS / ROWS_A_BAR; i++) bars[i] = (float)(i * ROWS_A_BAR);
    for (size_t i = 0; i < n_pieces; i++) {
        TB_TRY(make_piece(&pieces[i], bars, &rng, &err));
        list[i] = &pieces[i];
    }
    tb_recipe_augment(&recipe, &augment);
    tb_recipe_sampler(&recipe, &sampling);
    tb_recipe_loss(&recipe, false, &options);
    TB_TRY(tb_band_bank_new(TB_BANDS_DEFAULT, &bank, &err));
    TB_TRY(tb_augmenter_new(bank, &augment, &augmenter, &err));
    TB_TRY(tb_sampler_new(list, n_pieces, TB_BANDS_DEFAULT, &sampling, &sampler, &err));
    const tb_group_source source = {.pieces = list, .n_bands = TB_BANDS_DEFAULT, .sampler = sampler, .augmenter = augmenter,
                                    .n_solos = tb_recipe_n_solos(&recipe), .max_rows = n_rows, .seed = 1};
    TB_TRY(tb_group_maker_new(&source, &maker, &err));
    TB_TRY(tb_loss_new(&shape, n_rows, &loss, &err));
    measure(maker, loss, &options, n_groups, y, dy);
out:
    if (status != TB_OK) fprintf(stderr, "bench-train: %s\n", err.message);
    tb_loss_free(loss);
    tb_group_maker_free(maker);
    tb_sampler_free(sampler);
    tb_augmenter_free(augmenter);
    tb_band_bank_free(bank);
    return status == TB_OK ? 0 : 1; /* the pieces go with the process */
}
