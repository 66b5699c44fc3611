// SPDX-License-Identifier: MIT
#include "train/instrument_targets.h"

#include "base/alloc.h"
#include "model/instruments.h"
#include "train/sampler.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { BATCH = 64 };

struct tb_instrument_targets {
    tb_network *networks[TB_STEM_COUNT];
    size_t n_bands;
};

struct tb_target_pass {
    tb_pass *passes[TB_STEM_COUNT];
    size_t n_bands;
    float *x; /* TB_GROUP_MAX_SEGMENTS x TB_WINDOW_ROWS x n_bands */
};

/* Half the channels of the network that they teach. */
static tb_status parse_network(size_t n_bands, tb_network **net, tb_error *err)
{
    char text[512];
    snprintf(text, sizeof text,
             "input %d %zu 1\nconv 8 5x5 stride 2 pad 2\nnorm\nleaky 0.2\nconv 16 5x5 stride 2 pad 2\nnorm\nleaky 0.2\n"
             "conv 32 5x5 stride 2 pad 2\nnorm\nleaky 0.2\nconv 64 5x5 stride 2 pad 2\nnorm\nleaky 0.2\n"
             "mean time\nflatten\ndense %d\n",
             TB_WINDOW_ROWS, n_bands, TB_INSTRUMENTS_PART_DIM);
    return tb_network_parse(text, net, err);
}

tb_status tb_instrument_targets_new(size_t n_bands, tb_instrument_targets **targets, tb_error *err)
{
    tb_status status = TB_OK;
    tb_instrument_targets *made = tb_alloc(1, sizeof *made);
    if (!made) TB_FAIL(err, TB_NO_MEMORY, "no memory for individual networks");
    made->n_bands = n_bands;
    for (int c = 0; c < TB_STEM_COUNT; c++) TB_TRY(parse_network(n_bands, &made->networks[c], err));
    *targets = made;
    made = NULL;
out:
    tb_instrument_targets_free(made);
    return status;
}

void tb_instrument_targets_free(tb_instrument_targets *targets)
{
    if (!targets) return;
    for (int c = 0; c < TB_STEM_COUNT; c++) tb_network_free(targets->networks[c]);
    tb_free(targets);
}

tb_network *tb_instrument_targets_network(tb_instrument_targets *targets, tb_stem stem)
{
    return targets->networks[stem];
}

tb_status tb_target_pass_new(const tb_instrument_targets *targets, tb_target_pass **pass, tb_error *err)
{
    tb_status status = TB_OK;
    tb_target_pass *made = tb_alloc(1, sizeof *made);
    if (!made) TB_FAIL(err, TB_NO_MEMORY, "no memory for targets");
    made->n_bands = targets->n_bands;
    for (int c = 0; c < TB_STEM_COUNT; c++) TB_TRY(tb_pass_new(targets->networks[c], BATCH, false, &made->passes[c], err));
    made->x = tb_alloc_aligned(TB_GROUP_MAX_SEGMENTS * TB_WINDOW_ROWS, made->n_bands * sizeof *made->x);
    if (!made->x) TB_FAIL(err, TB_NO_MEMORY, "no memory for targets");
    *pass = made;
    made = NULL;
out:
    tb_target_pass_free(made);
    return status;
}

void tb_target_pass_free(tb_target_pass *pass)
{
    if (!pass) return;
    for (int c = 0; c < TB_STEM_COUNT; c++) tb_pass_free(pass->passes[c]);
    tb_free(pass->x);
    tb_free(pass);
}

static void divide_by_norm(float *x, size_t n)
{
    double square = 0;
    for (size_t i = 0; i < n; i++) square += (double)x[i] * (double)x[i];
    const float scale = square > 1e-20 ? (float)(1 / sqrt(square)) : 0;
    for (size_t i = 0; i < n; i++) x[i] *= scale;
}

void tb_target_pass_run(tb_target_pass *pass, tb_mixer *mixer, const bool *audible, size_t n, const float *mean,
                        const float *deviation, float *out)
{
    const size_t n_values = TB_WINDOW_ROWS * pass->n_bands;
    memset(out, 0, n * TB_INSTRUMENTS_DIM * sizeof *out);
    for (size_t c = 0; c < TB_STEM_COUNT; c++) {
        tb_mixer_mix(mixer, 1u << c, mean, deviation, pass->x, NULL);
        for (size_t first = 0; first < n; first += BATCH) {
            const size_t batch = n - first < BATCH ? n - first : BATCH;
            const float *y = tb_pass_forward(pass->passes[c], pass->x + first * n_values, batch);
            for (size_t i = first; i < first + batch; i++) {
                float *part = out + i * TB_INSTRUMENTS_DIM + c * TB_INSTRUMENTS_PART_DIM;
                if (!audible[i * TB_STEM_COUNT + c]) continue;
                memcpy(part, y + (i - first) * TB_INSTRUMENTS_PART_DIM, TB_INSTRUMENTS_PART_DIM * sizeof *part);
                divide_by_norm(part, TB_INSTRUMENTS_PART_DIM);
            }
        }
    }
    for (size_t i = 0; i < n; i++) divide_by_norm(out + i * TB_INSTRUMENTS_DIM, TB_INSTRUMENTS_DIM);
}
