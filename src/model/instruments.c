// SPDX-License-Identifier: MIT
#include "model/instruments.h"

#include "dsp/decibel.h"
#include "model/model_internal.h"

#include <math.h>
#include <string.h>

static const float silence = 1e-10f; /* mean power of a band in a window without sound */

const char *tb_instruments_part_name(size_t part)
{
    static const char *const names[TB_INSTRUMENTS_PARTS] = {"drums", "bass", "piano", "guitar", "others"};
    return names[part];
}

bool tb_instruments_input(const float *rows, size_t n_bands, const float *mean, const float *deviation, float *out)
{
    const size_t n = TB_INSTRUMENTS_ROWS * n_bands;
    double total = 0;
    for (size_t t = 0; t < TB_INSTRUMENTS_ROWS; t++) {
        float sum = 0;
        for (size_t b = 0; b < n_bands; b++) sum += rows[t * n_bands + b];
        total += (double)sum;
    }
    const float level = (float)(total / (double)n);
    if (!(level > silence)) {
        memset(out, 0, n * sizeof *out);
        return false;
    }
    const float scale = 1 / level;
    for (size_t i = 0; i < n; i++) out[i] = rows[i] * scale + 1e-6f;
    tb_power_to_db(out, n, 1e-6f, out);
    for (size_t i = 0; i < n; i++) out[i] *= 0.1f;
    if (mean == NULL) return true;
    for (size_t t = 0; t < TB_INSTRUMENTS_ROWS; t++)
        for (size_t b = 0; b < n_bands; b++) out[t * n_bands + b] = (out[t * n_bands + b] - mean[b]) / deviation[b];
    return true;
}

void tb_instruments_output(const float *outputs, const float *threshold, float *vector, float *presence)
{
    for (size_t p = 0; p < TB_INSTRUMENTS_PARTS; p++) {
        float *part = vector + p * TB_INSTRUMENTS_PART_DIM;
        memcpy(part, outputs + p * TB_INSTRUMENTS_PART_DIM, TB_INSTRUMENTS_PART_DIM * sizeof *part);
        presence[p] = 1 / (1 + expf(-outputs[TB_INSTRUMENTS_DIM + p]));
        if (threshold != NULL && presence[p] < threshold[p]) {
            presence[p] = 0;
            memset(part, 0, TB_INSTRUMENTS_PART_DIM * sizeof *part);
        } else if (!tb__normalize(part, TB_INSTRUMENTS_PART_DIM)) {
            presence[p] = 0;
        }
    }
}
