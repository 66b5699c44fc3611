// SPDX-License-Identifier: MIT
/* Encoding of vectors and queries; the bound that it serves is in the header. */
#include "index/code.h"

#include <string.h>

/* Below this a vector is coded as zeros, so that no scale gets near the end of f32. */
#define LEAST_LARGEST 1e-30f
/* More than the rounding to f32 of an error that was summed up in double. */
#define ROUND_UP (1 + 1e-6)

static float largest(const float *vector, size_t dim)
{
    float most = 0;
    for (size_t i = 0; i < dim; i++) most = fabsf(vector[i]) > most ? fabsf(vector[i]) : most;
    return most;
}

static float round_up(double squared_error)
{
    return (float)(sqrt(squared_error) * ROUND_UP + 1e-37);
}

static long nearest_code(float value, float scale, long levels)
{
    if (!(scale > 0)) return 0;
    const long code = lrintf(value / scale);
    return code > levels ? levels : code < -levels ? -levels : code;
}

void tb__code_encode(tb__codes *codes, size_t i, const float *vector, size_t dim)
{
    const float most = largest(vector, dim);
    const float scale = most < LEAST_LARGEST ? 0 : most / 127;
    int8_t *values = codes->values + i * codes->stride;
    double squared_error = 0;
    int64_t squares = 0;
    for (size_t j = 0; j < dim; j++) {
        const long code = nearest_code(vector[j], scale, 127);
        const double difference = (double)vector[j] - (double)scale * (double)code;
        squared_error += difference * difference;
        squares += code * code;
        values[j] = (int8_t)code;
    }
    codes->terms[i] = (tb__code_terms){scale, (float)((double)scale * (double)scale * (double)squares)};
    codes->errors[i] = round_up(squared_error);
}

void tb__code_copy(tb__codes *codes, size_t to, const tb__codes *other, size_t from)
{
    memcpy(codes->values + to * codes->stride, other->values + from * codes->stride, codes->stride);
    codes->terms[to] = other->terms[from];
    codes->errors[to] = other->errors[from];
}

void tb__code_encode_query(tb__query_code *code, const float *vector, size_t dim)
{
    /* As many levels as keep the product of codes below 2^31. */
    const size_t most_levels = (size_t)INT32_MAX / (127 * dim);
    const long levels = most_levels < INT16_MAX ? (long)most_levels : INT16_MAX;
    const float most = largest(vector, dim);
    const float scale = most < LEAST_LARGEST ? 0 : most / (float)levels;
    double squared_error = 0;
    int64_t squares = 0;
    for (size_t j = 0; j < dim; j++) {
        const long value = nearest_code(vector[j], scale, levels);
        const double difference = (double)vector[j] - (double)scale * (double)value;
        squared_error += difference * difference;
        squares += value * value;
        code->values[j] = (int16_t)value;
    }
    code->scale2 = 2 * scale;
    code->norm2 = (float)((double)scale * (double)scale * (double)squares);
    code->error = round_up(squared_error);
}
