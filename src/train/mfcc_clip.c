// SPDX-License-Identifier: MIT
#include "train/mfcc_clip.h"

#include "base/alloc.h"
#include "dsp/decibel.h"
#include "dsp/mfcc.h"
#include "model/frames.h"

#include <math.h>
#include <string.h>

static const float top_db = 80;

typedef struct mel_rows {
    float *values; /* n x TB_FRAMES_MELS in dB */
    size_t n, capacity;
} mel_rows;

static tb_status keep_frame(void *context, const tb_frame *frame, tb_error *err)
{
    mel_rows *rows = context;
    if (rows->n == rows->capacity) {
        const size_t capacity = rows->capacity ? 2 * rows->capacity : 256;
        float *bigger = tb_realloc(rows->values, capacity * TB_FRAMES_MELS, sizeof *bigger);
        if (!bigger) return tb_error_set(err, TB_NO_MEMORY, "no memory for %zu frames", capacity);
        rows->values = bigger;
        rows->capacity = capacity;
    }
    memcpy(rows->values + rows->n++ * TB_FRAMES_MELS, frame->mel_db, TB_FRAMES_MELS * sizeof *rows->values);
    return TB_OK;
}

static tb_status pass_over(void *context, const tb_long_frame *frame, tb_error *err)
{
    (void)context, (void)frame, (void)err;
    return TB_OK;
}

tb_status tb_mfcc_clip(const float *mono, size_t n, float *vector, tb_error *err)
{
    tb_status status = TB_OK;
    tb_frames *frames = NULL;
    tb_mfcc *mfcc = NULL;
    mel_rows rows = {0};
    double sum[TB_MFCC_CLIP_COUNT] = {0}, square[TB_MFCC_CLIP_COUNT] = {0};
    TB_TRY(tb_frames_new(&(tb_frame_sink){pass_over, keep_frame, &rows}, &frames, err));
    TB_TRY(tb_mfcc_new(TB_FRAMES_MELS, TB_MFCC_CLIP_COUNT, &mfcc, err));
    TB_TRY(tb_frames_push(frames, mono, n, err));
    TB_TRY(tb_frames_finish(frames, err));
    const size_t n_values = rows.n * TB_FRAMES_MELS;
    if (n_values > 0) tb_db_floor(rows.values, n_values, tb_db_max(rows.values, n_values) - top_db);
    for (size_t i = 0; i < rows.n; i++) {
        float c[TB_MFCC_CLIP_COUNT];
        tb_mfcc_compute(mfcc, rows.values + i * TB_FRAMES_MELS, c);
        for (size_t k = 0; k < TB_MFCC_CLIP_COUNT; k++) {
            sum[k] += (double)c[k];
            square[k] += (double)c[k] * (double)c[k];
        }
    }
    for (size_t k = 0; k < TB_MFCC_CLIP_COUNT; k++) {
        const double mean = rows.n ? sum[k] / (double)rows.n : 0, variance = rows.n
            ? square[k] / (double)rows.n - mean * mean : 0;
        vector[k] = (float)mean;
        vector[TB_MFCC_CLIP_COUNT + k] = (float)sqrt(fmax(variance, 0));
    }
out:
    tb_free(rows.values);
    tb_mfcc_free(mfcc);
    tb_frames_free(frames);
    return status;
}

void tb_standardise(float *vectors, size_t n, size_t dim)
{
    for (size_t k = 0; k < dim; k++) {
        double sum = 0, square = 0;
        for (size_t i = 0; i < n; i++) sum += (double)vectors[i * dim + k];
        const double mean = n ? sum / (double)n : 0;
        for (size_t i = 0; i < n; i++)
            square += ((double)vectors[i * dim + k] - mean) * ((double)vectors[i * dim + k] - mean);
        const double deviation = n ? sqrt(square / (double)n) : 0;
        for (size_t i = 0; i < n; i++)
            vectors[i * dim + k] = deviation > 1e-12
                ? (float)(((double)vectors[i * dim + k] - mean) / deviation) : 0;
    }
}
