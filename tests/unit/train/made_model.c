// SPDX-License-Identifier: MIT
#include "made_model.h"

#include "support/testing.h"

#include "base/alloc.h"
#include "model/instruments.h"
#include "nn/network.h"

#include <stdio.h>
#include <string.h>

/* Mean over time, then one matrix: number k of part p is how far band k of the fifth p lies above the fifth's mean (or
 * simply band k of all), and presence is the sum over the fifth. */
static void set_matrix(tb_network *net, made_model_kind kind, size_t n_bands)
{
    float *params = tb_network_params(net);
    const size_t fifth = n_bands / TB_INSTRUMENTS_PARTS;
    size_t weight = SIZE_MAX;
    for (size_t i = 0; i < tb_network_n_tensors(net); i++)
        if (strstr(tb_network_tensor_at(net, i)->name, ".weight")) weight = tb_network_tensor_at(net, i)->at;
    assert_true(weight != SIZE_MAX);
    for (size_t p = 0; p < TB_INSTRUMENTS_PARTS; p++) {
        const size_t first = kind == MADE_MODEL_APART ? p * fifth : 0, n = kind == MADE_MODEL_APART ? fifth
            : n_bands;
        for (size_t b = 0; b < n; b++)
            for (size_t k = 0; k < n; k++)
                params[weight + (first + b) * TB_INSTRUMENTS_OUTPUTS + p * TB_INSTRUMENTS_PART_DIM + k] =
                    (float)(b == k) - (kind == MADE_MODEL_APART ? 1 / (float)n : 0);
        for (size_t b = p * fifth; b < (p + 1) * fifth; b++)
            params[weight + b * TB_INSTRUMENTS_OUTPUTS + TB_INSTRUMENTS_DIM + p] = 1;
    }
}

void write_model(const char *path, made_model_kind kind, size_t n_bands, uint64_t seed)
{
    tb_error err = {0};
    tb_network *net = NULL;
    tb_model_writer *writer = NULL;
    tb_rng rng;
    char text[256], bands[16];
    const size_t parts = TB_INSTRUMENTS_PARTS;
    float *mean = tb_alloc(n_bands, sizeof *mean), *deviation = tb_alloc(n_bands, sizeof *deviation);
    const float threshold[TB_INSTRUMENTS_PARTS] = {0.5f, 0.5f, 0.5f, 0.5f, 0.5f};
    assert_true(mean && deviation);
    for (size_t b = 0; b < n_bands; b++) {
        mean[b] = -1;
        deviation[b] = 1;
    }
    if (kind == MADE_MODEL_RANDOM)
        snprintf(text, sizeof text,
                 "input %d %zu 1\nconv 4 5x5 stride 4 pad 2\nnorm\nleaky 0.2\nconv 8 5x5 stride 4 pad 2\nmean time\nflatten\ndense %d\n",
                 TB_INSTRUMENTS_ROWS, n_bands, TB_INSTRUMENTS_OUTPUTS);
    else snprintf(text, sizeof text, "input %d %zu 1\nmean time\nflatten\ndense %d\n", TB_INSTRUMENTS_ROWS,
                  n_bands, TB_INSTRUMENTS_OUTPUTS);
    assert_ok(tb_network_parse(text, &net, &err));
    tb_rng_init(&rng, seed);
    if (kind == MADE_MODEL_RANDOM) tb_network_init(net, &rng);
    else set_matrix(net, kind, n_bands);
    snprintf(bands, sizeof bands, "%zu", n_bands);
    assert_ok(tb_model_writer_new(&writer, &err));
    assert_ok(tb_model_writer_metadata(writer, "kind", "instruments", &err));
    assert_ok(tb_model_writer_metadata(writer, "name", "instruments", &err));
    assert_ok(tb_model_writer_metadata(writer, "format", TB_INSTRUMENTS_FORMAT, &err));
    assert_ok(tb_model_writer_metadata(writer, "bands", bands, &err));
    assert_ok(tb_network_save(net, writer, TB_DTYPE_F32, &err));
    assert_ok(tb_model_writer_tensor(writer, "input.mean", TB_DTYPE_F32, 1, &n_bands, mean, &err));
    assert_ok(tb_model_writer_tensor(writer, "input.deviation", TB_DTYPE_F32, 1, &n_bands, deviation, &err));
    assert_ok(tb_model_writer_tensor(writer, "presence.threshold", TB_DTYPE_F32, 1, &parts, threshold, &err));
    assert_ok(tb_model_writer_save(writer, path, &err));
    tb_model_writer_free(writer);
    tb_network_free(net);
    tb_free(mean);
    tb_free(deviation);
}
