// SPDX-License-Identifier: MIT
/* Logarithms of whole arrays, quick and close: the maximum error is stated, and tested.  Threads: any. */
#ifndef TIMBRE_DSP_DECIBEL_H
#define TIMBRE_DSP_DECIBEL_H

#include <stddef.h>

#define TB_DB_AMIN 1e-10f /* librosa's smallest power: -100 dB */

/* out[i] = log2(max(x[i], FLT_MIN)); within 4e-7 * max(1, |log2 x|) of the exact value.  x: finite.
 * In place is allowed. */
void tb_log2(const float *x, size_t n, float *out);
/* db[i] = 10 log10(max(power[i], amin)), amin > 0; within 2e-5 dB.  librosa.power_to_db with ref=1 and
 * top_db=None.  In place is allowed. */
void tb_power_to_db(const float *power, size_t n, float amin, float *db);
/* db[i] = max(db[i], floor): librosa's top_db is floor = (maximum of the whole clip) - top_db. */
void tb_db_floor(float *db, size_t n, float floor);
/* Largest of n >= 1 values. */
float tb_db_max(const float *db, size_t n);
/* out[i] = ln(1 + scale * x[i]), x >= 0, scale >= 0: the compression of learned front ends. */
void tb_log_compress(const float *x, size_t n, float scale, float *out);

#endif
