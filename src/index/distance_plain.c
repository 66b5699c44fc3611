// SPDX-License-Identifier: MIT
/* The distance kernels in plain C: what all others must compute (order of additions: distance.h). */
#include "index/distance_tables.h"

enum { N_LANES = 16 };

/* dim <= TB_DISTANCE_RUN */
static float l2_run(const float *a, const float *b, size_t dim)
{
    float lanes[N_LANES] = {0};
    size_t i = 0;
    for (; i + N_LANES <= dim; i += N_LANES)
        for (size_t j = 0; j < N_LANES; j++) {
            const float difference = a[i + j] - b[i + j];
            lanes[j] += difference * difference;
        }
    for (size_t j = 0; i + j < dim; j++) {
        const float difference = a[i + j] - b[i + j];
        lanes[j] += difference * difference;
    }
    for (size_t j = 0; j < 8; j++) lanes[j] += lanes[j + 8];
    for (size_t j = 0; j < 4; j++) lanes[j] += lanes[j + 4];
    return (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]);
}

static float l2(const float *a, const float *b, size_t dim)
{
    float sum = 0;
    for (; dim > TB_DISTANCE_RUN; dim -= TB_DISTANCE_RUN) {
        sum += l2_run(a, b, TB_DISTANCE_RUN);
        a += TB_DISTANCE_RUN;
        b += TB_DISTANCE_RUN;
    }
    return sum + l2_run(a, b, dim);
}

static void l2_block(const float *query, const float *vectors, size_t stride, size_t dim, size_t n,
                     float *out)
{
    for (size_t i = 0; i < n; i++) out[i] = l2(query, vectors + i * stride, dim);
}

static void bound_block(const tb__query_code *query, const tb__codes *codes, size_t first, size_t n,
                        float *out)
{
    for (size_t i = first; i < first + n; i++) {
        const int8_t *values = codes->values + i * codes->stride;
        int32_t product = 0;
        for (size_t j = 0; j < codes->stride; j++) product += (int32_t)values[j] * query->values[j];
        out[i - first] = tb__code_bound(query, codes->terms[i], codes->errors[i], product);
    }
}

static void code_products(const int16_t *values, const int8_t *const *codes, size_t stride, size_t n,
                          int32_t *out)
{
    for (size_t i = 0; i < n; i++) {
        int32_t product = 0;
        for (size_t j = 0; j < stride; j++) product += (int32_t)codes[i][j] * values[j];
        out[i] = product;
    }
}

static int32_t code_product(const int8_t *a, const int8_t *b, size_t stride)
{
    int32_t product = 0;
    for (size_t j = 0; j < stride; j++) product += (int32_t)a[j] * b[j];
    return product;
}

const tb_distance_table tb__distance_plain = {"plain",       l2,          l2_block, bound_block,
                                              code_products, code_product};
