// SPDX-License-Identifier: MIT
/* A trained network as a model file of the kind "instruments" (model/instruments.h). */
#ifndef TIMBRE_TRAIN_INSTRUMENTS_EXPORT_H
#define TIMBRE_TRAIN_INSTRUMENTS_EXPORT_H

#include "base/status.h"
#include "nn/network.h"

#include <stddef.h>

typedef struct tb_instruments_export {
    const tb_network *network;     /* with running statistics */
    size_t n_bands;
    const float *mean, *deviation; /* n_bands */
    const float *threshold;        /* TB_INSTRUMENTS_PARTS, that tell best who sounds; the model's are a tenth of them */
    const char *training;          /* how it was trained, for people */
    const char *pieces;            /* what of, for people */
} tb_instruments_export;

/* Weights as f16.  TB_INVALID when a number is not finite, or too large for that; TB_IO, TB_FULL. */
tb_status tb_instruments_save(const tb_instruments_export *export, const char *path, tb_error *err) TB_MUST_CHECK;

#endif
