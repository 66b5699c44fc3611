// SPDX-License-Identifier: MIT
/* Parsing of networks.  The text comes from model files, so nothing in it is trusted: every count and product
 * has a limit that is checked before memory is asked for.
 *
 * Phases: the lines are brought to their normal form and counted; each line's kind parses it, given the shape
 * that the line before gives out; the tensors of all layers are laid out one after the other. */
#include "nn/network.h"

#include "base/alloc.h"
#include "base/buffer.h"
#include "nn/network_internal.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { MAX_NAMES = 256 };

/* The next line that is neither empty nor a comment, in words; words->n == 0 at the end. */
static tb_status next_line(const char **at, tb_words *words, tb_error *err)
{
    tb_status status = TB_OK;
    do {
        words->n = 0;
        if (**at == '\0') break;
        const size_t size = strcspn(*at, "\n");
        words->line++;
        const size_t blanks = strspn(*at, " \t\r");
        if ((*at)[blanks] != '#') TB_TRY(tb__words_split(words, *at, size, err));
        *at += size + ((*at)[size] == '\n');
    } while (words->n == 0);
out:
    return status;
}

static tb_status append_words(tb_buffer *text, const tb_words *words)
{
    tb_status status = TB_OK;
    for (size_t i = 0; i < words->n; i++) TB_TRY(tb_buffer_printf(text, i ? " %s" : "%s", words->word[i]));
    TB_TRY(tb_buffer_append_text(text, "\n"));
out:
    return status;
}

/* Normal form and number of lines; TB_SYNTAX unless the first is an input and there are others. */
static tb_status normalise(const char *text, char **normal, size_t *n_lines, tb_error *err)
{
    tb_status status = TB_OK;
    tb_buffer buffer;
    tb_buffer_init(&buffer, 2 * TB_NETWORK_MAX_TEXT);
    tb_words words = {0};
    size_t n = 0;
    if (strnlen(text, TB_NETWORK_MAX_TEXT + 1) > TB_NETWORK_MAX_TEXT)
        TB_FAIL(err, TB_TOO_LARGE, "the text of the network has more than %d bytes", TB_NETWORK_MAX_TEXT);
    for (;;) {
        TB_TRY(next_line(&text, &words, err));
        if (words.n == 0) break;
        if (n == 0 && strcmp(words.word[0], "input") != 0)
            TB_FAIL(err, TB_SYNTAX, "a network begins with: input HEIGHT WIDTH CHANNELS");
        if (n++ > TB_NETWORK_MAX_LAYERS)
            TB_FAIL(err, TB_TOO_LARGE, "the network has more than %d layers", TB_NETWORK_MAX_LAYERS);
        if ((status = append_words(&buffer, &words)) != TB_OK)
            TB_FAIL(err, status, "no memory for the network's text");
    }
    if (n < 2) TB_FAIL(err, TB_SYNTAX, "the network has no layers");
    *normal = tb_buffer_take(&buffer);
    if (*normal == NULL) TB_FAIL(err, TB_NO_MEMORY, "no memory for the network's text");
    *n_lines = n;
out:
    tb_buffer_clear(&buffer);
    return status;
}

static tb_status check_shape(size_t line, tb_shape shape, tb_error *err)
{
    size_t n = 0;
    const size_t most = TB_SHAPE_MAX_SIDE;
    if (shape.height < 1 || shape.width < 1 || shape.channels < 1 || shape.height > most ||
        shape.width > most || shape.channels > TB_SHAPE_MAX_VALUES ||
        !tb_mul_size(shape.height * shape.width, shape.channels, &n) || n > TB_SHAPE_MAX_VALUES)
        return tb_error_set(err, TB_TOO_LARGE,
                            "line %zu of the network gives %zu x %zu x %zu values; at most %d are allowed",
                            line, shape.height, shape.width, shape.channels, TB_SHAPE_MAX_VALUES);
    return TB_OK;
}

static tb_status parse_input(tb_words *words, tb_shape *shape, tb_error *err)
{
    tb_status status = TB_OK;
    words->usage = "input HEIGHT WIDTH CHANNELS";
    (void)tb__words_take(words, "input");
    TB_TRY(tb__words_size(words, "height", 1, TB_SHAPE_MAX_SIDE, &shape->height, err));
    TB_TRY(tb__words_size(words, "width", 1, TB_SHAPE_MAX_SIDE, &shape->width, err));
    TB_TRY(tb__words_size(words, "channels", 1, TB_SHAPE_MAX_SIDE, &shape->channels, err));
    TB_TRY(tb__words_end(words, err));
    TB_TRY(check_shape(words->line, *shape, err));
out:
    return status;
}

static tb_status parse_layer(tb_words *words, tb_layer *layer, tb_error *err)
{
    tb_status status = TB_OK;
    const tb_layer_kind *kind = tb__layer_kind_find(words->word[0]);
    if (kind == NULL) {
        char names[MAX_NAMES];
        tb__layer_kind_names(names, sizeof names);
        TB_FAIL(err, TB_SYNTAX, "line %zu of the network: there is no layer \"%s\"; there are %s",
                words->line, words->word[0], names);
    }
    layer->kind = kind;
    words->usage = kind->usage;
    (void)tb__words_take(words, kind->name);
    TB_TRY(kind->parse(layer, words, err));
    TB_TRY(tb__words_end(words, err));
    TB_TRY(check_shape(words->line, layer->out, err));
out:
    return status;
}

/* text: as given, so that messages count its lines. */
static tb_status parse_layers(const char *text, tb_network *net, tb_error *err)
{
    tb_status status = TB_OK;
    tb_words words = {0};
    TB_TRY(next_line(&text, &words, err));
    TB_TRY(parse_input(&words, &net->input, err));
    tb_shape shape = net->input;
    for (size_t i = 0; i < net->n_layers; i++) {
        tb_layer *layer = &net->layers[i];
        layer->number = i + 1;
        layer->in = shape;
        words.usage = NULL;
        TB_TRY(next_line(&text, &words, err));
        TB_TRY(parse_layer(&words, layer, err));
        shape = layer->out;
        net->params_at[i] = net->n_params;
        net->statistics_at[i] = net->n_statistics;
        net->n_params += layer->n_params;
        net->n_statistics += layer->n_statistics;
        net->n_tensors += layer->n_tensors;
        if (net->n_params > TB_NETWORK_MAX_PARAMS || net->n_statistics > TB_NETWORK_MAX_PARAMS)
            TB_FAIL(err, TB_TOO_LARGE, "the network has more than %d parameters", TB_NETWORK_MAX_PARAMS);
    }
out:
    return status;
}

static void name_tensors(tb_network *net)
{
    tb_network_tensor *to = net->tensors;
    for (size_t i = 0; i < net->n_layers; i++) {
        const tb_layer *layer = &net->layers[i];
        for (size_t k = 0; k < layer->n_tensors; k++, to++) {
            const tb_layer_tensor *from = &layer->tensors[k];
            to->trained = from->role != TB_TENSOR_STATISTIC;
            to->decays = from->role == TB_TENSOR_WEIGHT;
            to->at = from->at + (to->trained ? net->params_at[i] : net->statistics_at[i]);
            to->n_dims = from->n_dims;
            to->n_values = from->n_values;
            memcpy(to->shape, from->shape, from->n_dims * sizeof *from->shape);
            (void)snprintf(to->name, sizeof to->name, "%zu.%s.%s", layer->number, layer->kind->name,
                           from->what);
        }
    }
}

tb_status tb_network_parse(const char *text, tb_network **net, tb_error *err)
{
    tb_status status = TB_OK;
    size_t n_lines = 0;
    tb_network *made = tb_alloc(1, sizeof *made);
    if (made == NULL) TB_FAIL(err, TB_NO_MEMORY, "no memory for a network");
    TB_TRY(normalise(text, &made->text, &n_lines, err));
    const size_t n = n_lines - 1;
    made->layers = tb_alloc(n, sizeof *made->layers);
    made->params_at = tb_alloc(n, sizeof *made->params_at);
    made->statistics_at = tb_alloc(n, sizeof *made->statistics_at);
    if (made->layers == NULL || made->params_at == NULL || made->statistics_at == NULL)
        TB_FAIL(err, TB_NO_MEMORY, "no memory for a network");
    made->n_layers = n;
    TB_TRY(parse_layers(text, made, err));
    made->params = tb_alloc_aligned(made->n_params, sizeof *made->params);
    made->statistics = tb_alloc_aligned(made->n_statistics, sizeof *made->statistics);
    made->tensors = tb_alloc(made->n_tensors, sizeof *made->tensors);
    if (made->params == NULL || made->statistics == NULL || made->tensors == NULL)
        TB_FAIL(err, TB_NO_MEMORY, "no memory for the %zu parameters of a network", made->n_params);
    name_tensors(made);
    *net = made;
    made = NULL;
out:
    tb_network_free(made);
    return status;
}

void tb_network_free(tb_network *net)
{
    if (net == NULL) return;
    for (size_t i = 0; net->layers && i < net->n_layers; i++) {
        tb_layer *layer = &net->layers[i];
        if (layer->kind && layer->kind->clear)
            layer->kind->clear(layer);
        else
            tb_free(layer->config);
    }
    tb_free(net->text);
    tb_free(net->layers);
    tb_free(net->params_at);
    tb_free(net->statistics_at);
    tb_free(net->params);
    tb_free(net->statistics);
    tb_free(net->tensors);
    tb_free(net);
}

void tb_network_init(tb_network *net, tb_rng *rng)
{
    memset(net->params, 0, net->n_params * sizeof *net->params);
    memset(net->statistics, 0, net->n_statistics * sizeof *net->statistics);
    for (size_t i = 0; i < net->n_layers; i++) {
        const tb_layer *layer = &net->layers[i];
        if (layer->kind->init)
            layer->kind->init(layer, net->params + net->params_at[i], net->statistics + net->statistics_at[i],
                              rng);
    }
}

void tb_network_update_statistics(tb_network *net, tb_pass *const *passes, size_t n_passes)
{
    for (size_t p = 0; p < n_passes; p++)
        for (size_t i = 0; i < net->n_layers; i++) {
            const tb_layer *layer = &net->layers[i];
            size_t batch = 0;
            const float *saved = tb__pass_saved(passes[p], i, &batch);
            if (layer->kind->update && saved && batch > 0)
                layer->kind->update(layer, batch, saved, net->statistics + net->statistics_at[i]);
        }
}

const char *tb_network_text(const tb_network *net)
{
    return net->text;
}

tb_shape tb_network_input(const tb_network *net)
{
    return net->input;
}

tb_shape tb_network_output(const tb_network *net)
{
    return net->layers[net->n_layers - 1].out;
}

size_t tb_network_n_params(const tb_network *net)
{
    return net->n_params;
}

float *tb_network_params(tb_network *net)
{
    return net->params;
}

size_t tb_network_n_statistics(const tb_network *net)
{
    return net->n_statistics;
}

float *tb_network_statistics(tb_network *net)
{
    return net->statistics;
}

size_t tb_network_n_tensors(const tb_network *net)
{
    return net->n_tensors;
}

const tb_network_tensor *tb_network_tensor_at(const tb_network *net, size_t i)
{
    assert(i < net->n_tensors);
    return &net->tensors[i];
}

double tb_network_macs(const tb_network *net)
{
    double sum = 0;
    for (size_t i = 0; i < net->n_layers; i++)
        if (net->layers[i].kind->macs) sum += net->layers[i].kind->macs(&net->layers[i]);
    return sum;
}
