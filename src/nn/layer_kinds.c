// SPDX-License-Identifier: MIT
/* The table of all kinds of layers, and what their parsers share. */
#include "nn/layer_kinds.h"

#include "base/alloc.h"
#include "nn/layer_internal.h"
#include "nn/network.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const tb_layer_kind *const kinds[] = {
    &tb__layer_conv,      &tb__layer_dense, &tb__layer_norm,     &tb__layer_leaky,   &tb__layer_relu,
    &tb__layer_tanh,      &tb__layer_mean,  &tb__layer_max,      &tb__layer_flatten, &tb__layer_statistics,
    &tb__layer_attention, &tb__layer_gru,   &tb__layer_response, &tb__layer_dropout, &tb__layer_unit,
};

enum { N_KINDS = sizeof kinds / sizeof *kinds };

const tb_layer_kind *tb__layer_kind_find(const char *name)
{
    for (size_t i = 0; i < N_KINDS; i++)
        if (strcmp(kinds[i]->name, name) == 0) return kinds[i];
    return NULL;
}

void tb__layer_kind_names(char *out, size_t capacity)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < N_KINDS && used < capacity; i++)
        used += (size_t)snprintf(out + used, capacity - used, i ? ", %s" : "%s", kinds[i]->name);
}

tb_status tb__layer_add_tensor(tb_layer *layer, const char *what, tb_tensor_role role, size_t n_dims,
                               const size_t *shape, tb_error *err)
{
    assert(layer->n_tensors < TB_LAYER_MAX_TENSORS && n_dims <= TB_TENSOR_MAX_DIMS);
    size_t n_values = 1;
    for (size_t i = 0; i < n_dims; i++)
        if (!tb_mul_size(n_values, shape[i], &n_values) || n_values > TB_NETWORK_MAX_PARAMS)
            return tb_error_set(err, TB_TOO_LARGE,
                                "layer %zu of the network (%s) has more than %d parameters", layer->number,
                                layer->kind->name, TB_NETWORK_MAX_PARAMS);
    size_t *total = role == TB_TENSOR_STATISTIC ? &layer->n_statistics : &layer->n_params;
    tb_layer_tensor *tensor = &layer->tensors[layer->n_tensors++];
    *tensor =
        (tb_layer_tensor){.what = what, .role = role, .n_dims = n_dims, .n_values = n_values, .at = *total};
    memcpy(tensor->shape, shape, n_dims * sizeof *shape);
    *total += n_values;
    return TB_OK;
}

const tb_layer_tensor *tb__layer_tensor_find(const tb_layer *layer, const char *what)
{
    for (size_t i = 0; i < layer->n_tensors; i++)
        if (strcmp(layer->tensors[i].what, what) == 0) return &layer->tensors[i];
    return NULL;
}
