// SPDX-License-Identifier: MIT
/* Folding of batch norm for inference: as norm is y = a x + b for each channel, a conv or a dense before it
 * does the same with weights times a and the bias a bias + b.  The folded network is made from a text without
 * these norms, then filled. */
#include "nn/network.h"

#include "base/alloc.h"
#include "base/buffer.h"
#include "nn/layer_kinds.h"
#include "nn/network_internal.h"

#include <string.h>

/* Whether layer i is followed by a norm that becomes part of it. */
static bool is_folded(const tb_network *net, size_t i)
{
    const tb_layer_kind *kind = net->layers[i].kind;
    return i + 1 < net->n_layers && (kind == &tb__layer_conv || kind == &tb__layer_dense) &&
           net->layers[i + 1].kind == &tb__layer_norm;
}

/* The line of a conv or a dense, so that it has a bias. */
static tb_status append_with_bias(tb_buffer *text, const tb_layer *layer, const char *line, size_t size)
{
    tb_status status = TB_OK;
    const bool has_bias = tb__layer_tensor_find(layer, "bias") != NULL;
    tb_words words = {0};
    TB_TRY(tb__words_split(&words, line, size, NULL));
    if (!has_bias && layer->kind == &tb__layer_dense) (void)tb__words_flag(&words, "nobias");
    for (size_t i = 0; i < words.n; i++) TB_TRY(tb_buffer_printf(text, i ? " %s" : "%s", words.word[i]));
    if (!has_bias && layer->kind == &tb__layer_conv) TB_TRY(tb_buffer_append_text(text, " bias"));
out:
    return status;
}

static tb_status append_lines(const tb_network *net, tb_buffer *text)
{
    tb_status status = TB_OK;
    const char *line = net->text;
    for (size_t i = 0; i <= net->n_layers; i++) {
        const size_t size = strcspn(line, "\n");
        if (i >= 2 && is_folded(net, i - 2)) {
            line += size + 1; /* the norm that was */
            continue;
        }
        if (i >= 1 && is_folded(net, i - 1))
            TB_TRY(append_with_bias(text, &net->layers[i - 1], line, size));
        else
            TB_TRY(tb_buffer_append(text, line, size));
        TB_TRY(tb_buffer_append_text(text, "\n"));
        line += size + 1;
    }
out:
    return status;
}

/* params: those of the folded layer, whose last dimension is the channel. */
static void scale_layer(const tb_layer *layer, float *params, const float *a, const float *b)
{
    const tb_layer_tensor *weight = tb__layer_tensor_find(layer, "weight");
    const tb_layer_tensor *bias = tb__layer_tensor_find(layer, "bias");
    const size_t n = layer->out.channels;
    for (size_t i = 0; i < weight->n_values; i++) params[weight->at + i] *= a[i % n];
    for (size_t c = 0; c < n; c++) params[bias->at + c] = a[c] * params[bias->at + c] + b[c];
}

static tb_status fill(const tb_network *net, tb_network *folded, tb_error *err)
{
    for (size_t i = 0, k = 0; i < net->n_layers; i++, k++) {
        const tb_layer *from = &net->layers[i], *to = &folded->layers[k];
        float *params = folded->params + folded->params_at[k];
        /* A bias that was not there is the last of the folded layer's params, and 0. */
        memcpy(params, net->params + net->params_at[i], from->n_params * sizeof *params);
        memcpy(folded->statistics + folded->statistics_at[k], net->statistics + net->statistics_at[i],
               from->n_statistics * sizeof *params);
        if (!is_folded(net, i)) continue;
        i++;
        const size_t n = to->out.channels;
        float *a = tb_alloc(2 * n, sizeof *a);
        if (a == NULL) return tb_error_set(err, TB_NO_MEMORY, "no memory to fold a network");
        tb__norm_coefficients(&net->layers[i], net->params + net->params_at[i],
                              net->statistics + net->statistics_at[i], a, a + n);
        scale_layer(to, params, a, a + n);
        tb_free(a);
    }
    return TB_OK;
}

tb_status tb_network_fold(const tb_network *net, tb_network **folded, tb_error *err)
{
    tb_status status = TB_OK;
    tb_network *made = NULL;
    tb_buffer text;
    tb_buffer_init(&text, 2 * TB_NETWORK_MAX_TEXT);
    if ((status = append_lines(net, &text)) != TB_OK) TB_FAIL(err, status, "no memory to fold a network");
    TB_TRY(tb_network_parse(text.bytes, &made, err));
    TB_TRY(fill(net, made, err));
    *folded = made;
    made = NULL;
out:
    tb_network_free(made);
    tb_buffer_clear(&text);
    return status;
}
