// SPDX-License-Identifier: MIT
/* What the modules of networks share: parsing, files, folding, passes. */
#ifndef TIMBRE_NN_NETWORK_INTERNAL_H
#define TIMBRE_NN_NETWORK_INTERNAL_H

#include "nn/layer_internal.h"
#include "nn/network.h"

#include <stddef.h>

struct tb_network {
    char *text; /* normal form; line i (from 0) is the input or layers[i - 1] */
    tb_shape input;
    tb_layer *layers;
    size_t n_layers;
    size_t *params_at, *statistics_at; /* of each layer, in the flat arrays */
    float *params, *statistics;
    size_t n_params, n_statistics;
    tb_network_tensor *tensors;
    size_t n_tensors;
};

/* What the pass's last training forward left of a layer for its backward; NULL if the layer keeps nothing.
 * *batch is that forward's, 0 before the first. */
const float *tb__pass_saved(const tb_pass *pass, size_t layer, size_t *batch);

#endif
