// SPDX-License-Identifier: MIT
/* Loops around tb__log2, which compilers turn into vector code. */
#include "dsp/decibel.h"

#include "dsp/vector_internal.h"

void tb_log2(const float *x, size_t n, float *out)
{
    for (size_t i = 0; i < n; i++) out[i] = tb__log2(x[i] > FLT_MIN ? x[i] : FLT_MIN);
}

void tb_power_to_db(const float *power, size_t n, float amin, float *db)
{
    if (!(amin > FLT_MIN)) amin = FLT_MIN;
    for (size_t i = 0; i < n; i++)
        db[i] = 3.010299956639812f * tb__log2(power[i] > amin ? power[i] : amin); /* 10 log10(2) */
}

void tb_db_floor(float *db, size_t n, float floor)
{
    for (size_t i = 0; i < n; i++) db[i] = db[i] > floor ? db[i] : floor;
}

float tb_db_max(const float *db, size_t n)
{
    float max = db[0];
    for (size_t i = 1; i < n; i++) max = db[i] > max ? db[i] : max;
    return max;
}

void tb_log_compress(const float *x, size_t n, float scale, float *out)
{
    for (size_t i = 0; i < n; i++) {
        const float y = 1.0f + scale * x[i];
        out[i] = 0.6931471805599453f * tb__log2(y < FLT_MAX ? y : FLT_MAX);
    }
}
