// SPDX-License-Identifier: MIT
/* Networks from and to model files (the format is in network.h and model_file.h). */
#include "nn/network.h"

#include "nn/network_internal.h"

#include <string.h>

static const char text_key[] = "network";

static float *values_of(const tb_network *net, const tb_network_tensor *tensor)
{
    return (tensor->trained ? net->params : net->statistics) + tensor->at;
}

/* Variances are the one thing in a network that has to be positive. */
static tb_status check_variances(const tb_network *net, tb_error *err)
{
    for (size_t i = 0; i < net->n_tensors; i++) {
        const tb_network_tensor *tensor = &net->tensors[i];
        const char *what = strrchr(tensor->name, '.');
        if (tensor->trained || strcmp(what, ".variance") != 0) continue;
        const float *values = values_of(net, tensor);
        for (size_t k = 0; k < tensor->n_values; k++)
            if (values[k] < 0)
                return tb_error_set(err, TB_CORRUPT, "the model's \"%s\" has a value below 0", tensor->name);
    }
    return TB_OK;
}

tb_status tb_network_load(const tb_model_file *file, tb_network **net, tb_error *err)
{
    tb_status status = TB_OK;
    tb_network *made = NULL;
    const char *text = tb_model_file_metadata(file, text_key);
    if (text == NULL) TB_FAIL(err, TB_CORRUPT, "the model has no \"%s\" in its metadata", text_key);
    TB_TRY(tb_network_parse(text, &made, err));
    for (size_t i = 0; i < made->n_tensors; i++) {
        const tb_network_tensor *tensor = &made->tensors[i];
        const float *values = NULL;
        TB_TRY(tb_model_file_get(file, tensor->name, tensor->n_dims, tensor->shape, &values, err));
        memcpy(values_of(made, tensor), values, tensor->n_values * sizeof *values);
    }
    TB_TRY(check_variances(made, err));
    *net = made;
    made = NULL;
out:
    tb_network_free(made);
    return status;
}

tb_status tb_network_save(const tb_network *net, tb_model_writer *writer, tb_dtype dtype, tb_error *err)
{
    tb_status status = TB_OK;
    TB_TRY(tb_model_writer_metadata(writer, text_key, net->text, err));
    for (size_t i = 0; i < net->n_tensors; i++) {
        const tb_network_tensor *tensor = &net->tensors[i];
        TB_TRY(tb_model_writer_tensor(writer, tensor->name, tensor->decays ? dtype : TB_DTYPE_F32,
                                      tensor->n_dims, tensor->shape, values_of(net, tensor), err));
    }
out:
    return status;
}
