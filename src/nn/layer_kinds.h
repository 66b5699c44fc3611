// SPDX-License-Identifier: MIT
/* All kinds of layers, each defined in the file of its name (activation.c has leaky, relu and tanh, pool.c
 * mean and max).  A new kind is declared here and stands in the table of layer_kinds.c. */
#ifndef TIMBRE_NN_LAYER_KINDS_H
#define TIMBRE_NN_LAYER_KINDS_H

#include "nn/layer_internal.h"

extern const tb_layer_kind tb__layer_attention;
extern const tb_layer_kind tb__layer_conv;
extern const tb_layer_kind tb__layer_dense;
extern const tb_layer_kind tb__layer_dropout;
extern const tb_layer_kind tb__layer_flatten;
extern const tb_layer_kind tb__layer_gru;
extern const tb_layer_kind tb__layer_leaky;
extern const tb_layer_kind tb__layer_max;
extern const tb_layer_kind tb__layer_mean;
extern const tb_layer_kind tb__layer_norm;
extern const tb_layer_kind tb__layer_relu;
extern const tb_layer_kind tb__layer_response;
extern const tb_layer_kind tb__layer_statistics;
extern const tb_layer_kind tb__layer_tanh;
extern const tb_layer_kind tb__layer_unit;

/* For folding: in inference a norm is y = a x + b of each channel.  a, b: [channels]. */
void tb__norm_coefficients(const tb_layer *layer, const float *params, const float *statistics, float *a,
                           float *b);

#endif
