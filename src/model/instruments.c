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

/* Copies the part's vector at unit length; false (and zeros) where it has none. */
static bool take_part(const float *outputs, size_t part, float *vector)
{
    float *to = vector + part * TB_INSTRUMENTS_PART_DIM;
    memcpy(to, outputs + part * TB_INSTRUMENTS_PART_DIM, TB_INSTRUMENTS_PART_DIM * sizeof *to);
    return tb_normalize(to, TB_INSTRUMENTS_PART_DIM);
}

void tb_instruments_output(const float *outputs, const float *threshold, float *vector, float *presence)
{
    size_t most = 0, n_present = 0;
    memset(vector, 0, TB_INSTRUMENTS_DIM * sizeof *vector);
    for (size_t p = 0; p < TB_INSTRUMENTS_PARTS; p++) {
        const float logit = outputs[TB_INSTRUMENTS_DIM + p], sounds = 1 / (1 + expf(-logit));
        if (logit > outputs[TB_INSTRUMENTS_DIM + most]) most = p;
        presence[p] = (threshold == NULL || sounds >= threshold[p]) && take_part(outputs, p, vector) ? sounds : 0;
        n_present += presence[p] > 0;
    }
    if (n_present == 0 && take_part(outputs, most, vector)) presence[most] = 1 / (1 + expf(-outputs[TB_INSTRUMENTS_DIM + most]));
}
