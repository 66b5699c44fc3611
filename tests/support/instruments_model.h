// SPDX-License-Identifier: MIT
/* A model file of kind "instruments" with a small network of random weights: what it hears means nothing, but it is
 * served, searched and checked like a trained one.  Header only, as the layers below nn link tests/support without it. */
#ifndef TIMBRE_TESTS_SUPPORT_INSTRUMENTS_MODEL_H
#define TIMBRE_TESTS_SUPPORT_INSTRUMENTS_MODEL_H

#include "support/testing.h"

#include "base/alloc.h"
#include "base/rng.h"
#include "model/instruments.h"
#include "nn/model_file.h"
#include "nn/network.h"

#include <stdio.h>

/* The file's tensors and metadata, for tests that break one of them before they save. */
static inline tb_model_writer *make_random_instruments(size_t n_bands, float threshold, uint64_t seed)
{
    tb_error err = {0};
    tb_model_writer *writer = NULL;
    tb_network *net = NULL;
    tb_rng rng;
    char text[512], bands[16];
    snprintf(bands, sizeof bands, "%zu", n_bands);
    snprintf(text, sizeof text,
             "input %d %zu 1\nconv 4 5x5 stride 4 pad 2\nnorm\nleaky 0.2\nconv 8 5x5 stride 4 pad 2\nnorm\nleaky 0.2\n"
             "mean time\nflatten\ndense %d\n",
             TB_INSTRUMENTS_ROWS, n_bands, TB_INSTRUMENTS_OUTPUTS);
    assert_ok(tb_network_parse(text, &net, &err));
    tb_rng_init(&rng, seed);
    tb_network_init(net, &rng);
    assert_ok(tb_model_writer_new(&writer, &err));
    assert_ok(tb_model_writer_metadata(writer, "kind", "instruments", &err));
    assert_ok(tb_model_writer_metadata(writer, "name", "instruments", &err));
    assert_ok(tb_model_writer_metadata(writer, "format", TB_INSTRUMENTS_FORMAT, &err));
    assert_ok(tb_model_writer_metadata(writer, "bands", bands, &err));
    assert_ok(tb_network_save(net, writer, TB_DTYPE_F16, &err));
    float *band = tb_alloc(n_bands, sizeof *band), part[TB_INSTRUMENTS_PARTS];
    assert_non_null(band);
    for (size_t b = 0; b < n_bands; b++) band[b] = -2;
    assert_ok(tb_model_writer_tensor(writer, "input.mean", TB_DTYPE_F32, 1, (size_t[]){n_bands}, band, &err));
    for (size_t b = 0; b < n_bands; b++) band[b] = 1.5f;
    assert_ok(tb_model_writer_tensor(writer, "input.deviation", TB_DTYPE_F32, 1, (size_t[]){n_bands}, band, &err));
    for (size_t p = 0; p < TB_INSTRUMENTS_PARTS; p++) part[p] = threshold;
    assert_ok(tb_model_writer_tensor(writer, "presence.threshold", TB_DTYPE_F32, 1, (size_t[]){TB_INSTRUMENTS_PARTS}, part, &err));
    tb_free(band);
    tb_network_free(net);
    return writer;
}

/* threshold 0: every part sounds in all that is not silence. */
static inline void write_random_instruments(const char *path, size_t n_bands, float threshold, uint64_t seed)
{
    tb_error err = {0};
    tb_model_writer *writer = make_random_instruments(n_bands, threshold, seed);
    assert_ok(tb_model_writer_save(writer, path, &err));
    tb_model_writer_free(writer);
}

#endif
