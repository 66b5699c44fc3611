// SPDX-License-Identifier: MIT
/* The model "instruments": one network hears a mix and gives a vector for each of five instruments
 * ("Learning multidimensional disentangled representations of instrumental sounds for musical similarity
 * assessment", S3).  Here is what serving and training must do alike: the network's input and its output.
 *
 * A window is TB_INSTRUMENTS_ROWS rows of band powers (band_spectrum.h), 2.97 s.  The input is
 *
 *     x = log10(P / mean of P over the window + 1e-6), then (x - mean[b]) / deviation[b] for band b
 *
 * so that the level of the audio makes no difference.  The network's outputs are the five vectors of
 * TB_INSTRUMENTS_PART_DIM, not yet of unit length, and five logits of presence.
 *
 * The model file holds the network (nn/network.h), the metadata "bands", and the tensors input.mean [bands],
 * input.deviation [bands] and presence.threshold [parts]; a part whose presence is below its threshold is absent. */
#ifndef TIMBRE_MODEL_INSTRUMENTS_H
#define TIMBRE_MODEL_INSTRUMENTS_H

#include <stdbool.h>
#include <stddef.h>

#define TB_INSTRUMENTS_FORMAT "1"

enum {
    TB_INSTRUMENTS_ROWS = 64,
    TB_INSTRUMENTS_PARTS = 5, /* drums, bass, piano, guitar, others */
    TB_INSTRUMENTS_PART_DIM = 128,
    TB_INSTRUMENTS_DIM = TB_INSTRUMENTS_PARTS * TB_INSTRUMENTS_PART_DIM,
    TB_INSTRUMENTS_OUTPUTS = TB_INSTRUMENTS_DIM + TB_INSTRUMENTS_PARTS,
};

/* part < TB_INSTRUMENTS_PARTS; constant. */
const char *tb_instruments_part_name(size_t part);

/* rows: TB_INSTRUMENTS_ROWS x n_bands powers, left as they are unless out is rows.  mean, deviation: n_bands, or both
 * NULL for x as it is before it is standardised.  out: as rows.  False, and zeros, for a window without sound. */
bool tb_instruments_input(const float *rows, size_t n_bands, const float *mean, const float *deviation, float *out);

/* outputs: TB_INSTRUMENTS_OUTPUTS of the network.  vector: TB_INSTRUMENTS_DIM, each part of unit length; presence:
 * TB_INSTRUMENTS_PARTS, 0 to 1.  threshold: of presence, NULL = none; below it presence and vector are 0, but for the part
 * with the largest presence where there is no other: what sounds is something. */
void tb_instruments_output(const float *outputs, const float *threshold, float *vector, float *presence);

#endif
