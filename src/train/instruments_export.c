// SPDX-License-Identifier: MIT
#include "train/instruments_export.h"

#include "model/band_spectrum.h"
#include "model/frames.h"
#include "model/instruments.h"
#include "model/model.h"
#include "nn/model_file.h"

#include <stdio.h>

/* Real music is mixed otherwise than rendered songs, and a part that is wrongly called absent cannot be searched by:
 * only what hardly sounds is. */
static const float absent_below = 0.1f;

tb_status tb_instruments_save(const tb_instruments_export *export, const char *path, tb_error *err)
{
    tb_status status = TB_OK;
    tb_model_writer *writer = NULL;
    char bands[16], front_end[256];
    float threshold[TB_INSTRUMENTS_PARTS];
    for (size_t p = 0; p < TB_INSTRUMENTS_PARTS; p++) threshold[p] = absent_below * export->threshold[p];
    const size_t n_bands = export->n_bands, n_parts = TB_INSTRUMENTS_PARTS;
    snprintf(bands, sizeof bands, "%zu", n_bands);
    snprintf(front_end, sizeof front_end,
             "{\"rate_hz\":%d,\"n_fft\":%d,\"hop\":%d,\"bands\":%zu,\"scale\":\"fine\",\"pool\":%d,\"rows\":%d}", TB_MODEL_RATE_HZ,
             TB_FRAMES_SIZE, TB_FRAMES_HOP, n_bands, TB_BAND_POOL, TB_INSTRUMENTS_ROWS);
    TB_TRY(tb_model_writer_new(&writer, err));
    const char *const metadata[][2] = {
        {"kind", "instruments"}, {"name", "instruments"}, {"format", TB_INSTRUMENTS_FORMAT}, {"bands", bands},
        {"parts", "drums,bass,piano,guitar,others"}, {"part_dim", "128"}, {"front_end", front_end},
        {"architecture", tb_network_text(export->network)}, {"training", export->training}, {"pieces", export->pieces},
        {"license", "CC0-1.0"},
    };
    for (size_t i = 0; i < sizeof metadata / sizeof *metadata; i++)
        TB_TRY(tb_model_writer_metadata(writer, metadata[i][0], metadata[i][1], err));
    TB_TRY(tb_model_writer_tensor(writer, "input.mean", TB_DTYPE_F32, 1, &n_bands, export->mean, err));
    TB_TRY(tb_model_writer_tensor(writer, "input.deviation", TB_DTYPE_F32, 1, &n_bands, export->deviation, err));
    TB_TRY(tb_model_writer_tensor(writer, "presence.threshold", TB_DTYPE_F32, 1, &n_parts, threshold, err));
    TB_TRY(tb_network_save(export->network, writer, TB_DTYPE_F16, err));
    TB_TRY(tb_model_writer_save(writer, path, err));
out:
    tb_model_writer_free(writer);
    return status;
}
