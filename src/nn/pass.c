// SPDX-License-Identifier: MIT
/* Passes through a network: which memory each layer works in, and the order of the calls.
 *
 * A step is a layer, together with the leaky ReLU after it where its kind computes that as well.  In training
 * each step has its own output, which lives until backward; in inference two buffers take turns, and the
 * first steps, whose activations are large, are done with a few items at a time, so that these stay in the
 * cache.  Gradients of activations always take turns in two buffers, and kinds that can write over what they
 * read do so.  All memory is one block, cut up by lay_out(), which runs twice: to count, and to hand out. */
#include "nn/network.h"

#include "base/alloc.h"
#include "nn/network_internal.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

enum {
    LINE_FLOATS = 16,
    MAX_BATCH = 65536,
    EARLY_POSITIONS = 256, /* that an early step gives out, at least: enough to fill the kernels' tiles */
    PART_FLOATS = 65536,   /* what it reads and writes of a part, about */
};

typedef struct pass_step {
    size_t layer;
    tb_layer_run run; /* what does not change from call to call is set by lay_out */
    float *prepared;
} pass_step;

struct tb_pass {
    const tb_network *net;
    size_t max_batch;
    bool training;
    pass_step *steps;
    size_t n_steps;
    float *memory;
    size_t n_memory; /* floats */
    float *turns[2]; /* in inference: activations; in training: their gradients */
    size_t n_early;  /* steps at the beginning that are done n_part items at a time */
    size_t n_part;
    float *gradient;
    uint64_t seed, n_forwards;
    size_t batch; /* of the last forward */
};

/* The block of memory: base is NULL while floats are counted. */
typedef struct memory_block {
    float *base;
    size_t used;
    bool too_large;
} memory_block;

static float *take(memory_block *block, size_t n, size_t n_per_item, size_t n_items)
{
    size_t sum = 0;
    if (!tb_mul_size(n_per_item, n_items, &sum) || sum > SIZE_MAX / 8 || n > SIZE_MAX / 8 ||
        block->used > SIZE_MAX / 8) {
        block->too_large = true;
        return NULL;
    }
    sum = (sum + n + LINE_FLOATS - 1) / LINE_FLOATS * LINE_FLOATS;
    float *at = block->base && sum > 0 ? block->base + block->used : NULL;
    block->used += sum;
    return at;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static const tb_layer *layer_of(const tb_pass *pass, const pass_step *step)
{
    return &pass->net->layers[step->layer];
}

/* Which layers are steps, and with which slope. */
static void choose_steps(tb_pass *pass)
{
    const tb_network *net = pass->net;
    for (size_t i = 0; i < net->n_layers; i++) {
        pass_step *step = &pass->steps[pass->n_steps++];
        step->layer = i;
        step->run.slope = 1;
        const tb_absorbs absorbs = net->layers[i].kind->absorbs;
        if (i + 1 < net->n_layers && net->layers[i + 1].kind->slope &&
            (absorbs == TB_ABSORBS_ALWAYS || (absorbs == TB_ABSORBS_IN_INFERENCE && !pass->training))) {
            step->run.slope = net->layers[i + 1].kind->slope(&net->layers[i + 1]);
            i++;
        }
    }
}

static void choose_parts(tb_pass *pass)
{
    size_t most = 0;
    while (pass->n_early < pass->n_steps) {
        const tb_layer *layer = layer_of(pass, &pass->steps[pass->n_early]);
        const size_t n = tb_shape_values(layer->in) + tb_shape_values(layer->out);
        if (layer->out.height * layer->out.width < EARLY_POSITIONS) break;
        most = larger(most, n);
        pass->n_early++;
    }
    pass->n_part = most < PART_FLOATS && most > 0 ? PART_FLOATS / most : 1;
    if (pass->n_part >= pass->max_batch) pass->n_early = 0;
}

static void lay_out(tb_pass *pass, memory_block *block)
{
    const tb_network *net = pass->net;
    const size_t n_items = pass->max_batch;
    size_t n_turn = 0, n_early_turn = 0, n_scratch = 0, n_scratch_per_item = 0;
    for (size_t i = 0; i < pass->n_steps; i++) {
        const tb_layer *layer = layer_of(pass, &pass->steps[i]);
        if (pass->training) n_turn = larger(n_turn, tb_shape_values(layer->in));
        if (i + 1 < pass->n_early)
            n_early_turn = larger(n_early_turn, tb_shape_values(layer->out));
        else if (!pass->training || i > 0)
            n_turn = larger(n_turn, tb_shape_values(layer->out));
        n_scratch = larger(n_scratch, layer->n_scratch);
        n_scratch_per_item = larger(n_scratch_per_item, layer->n_scratch_per_item);
    }
    float *early_turns[2];
    for (size_t i = 0; i < 2; i++) {
        pass->turns[i] = take(block, 0, n_turn, n_items);
        early_turns[i] = take(block, 0, n_early_turn, pass->n_part);
    }
    float *scratch = take(block, n_scratch, n_scratch_per_item, n_items);
    pass->gradient = pass->training ? take(block, net->n_params, 0, 0) : NULL;
    for (size_t i = 0; i < pass->n_steps; i++) {
        pass_step *step = &pass->steps[i];
        const tb_layer *layer = layer_of(pass, step);
        tb_layer_run *run = &step->run;
        run->training = pass->training;
        run->params = net->params + net->params_at[step->layer];
        run->statistics = net->statistics + net->statistics_at[step->layer];
        run->scratch = scratch;
        step->prepared = take(block, pass->training ? layer->n_prepared : layer->n_prepared_forward, 0, 0);
        run->prepared = step->prepared;
        run->saved = pass->training ? take(block, layer->n_saved, layer->n_saved_per_item, n_items) : NULL;
        if (pass->training)
            run->y = take(block, 0, tb_shape_values(layer->out), n_items);
        else
            run->y = i + 1 < pass->n_early ? early_turns[i % 2] : pass->turns[i % 2];
        run->d_params = pass->gradient ? pass->gradient + net->params_at[step->layer] : NULL;
    }
}

static void prepare_steps(tb_pass *pass)
{
    for (size_t i = 0; i < pass->n_steps; i++) {
        const pass_step *step = &pass->steps[i];
        const tb_layer *layer = layer_of(pass, step);
        if (layer->kind->prepare)
            layer->kind->prepare(layer, step->run.params, pass->training, step->prepared);
    }
}

tb_status tb_pass_new(const tb_network *net, size_t max_batch, bool training, tb_pass **pass, tb_error *err)
{
    tb_status status = TB_OK;
    tb_pass *made = NULL;
    if (max_batch < 1 || max_batch > MAX_BATCH)
        TB_FAIL(err, TB_INVALID, "a batch has 1 to %d items, not %zu", MAX_BATCH, max_batch);
    made = tb_alloc(1, sizeof *made);
    if (made == NULL) TB_FAIL(err, TB_NO_MEMORY, "no memory for a pass through a network");
    made->net = net;
    made->max_batch = max_batch;
    made->training = training;
    made->steps = tb_alloc(net->n_layers, sizeof *made->steps);
    if (made->steps == NULL) TB_FAIL(err, TB_NO_MEMORY, "no memory for a pass through a network");
    choose_steps(made);
    if (!training) choose_parts(made);
    memory_block block = {0};
    lay_out(made, &block);
    if (block.too_large)
        TB_FAIL(err, TB_TOO_LARGE, "a pass of %zu items through this network is too large", max_batch);
    made->n_memory = block.used;
    made->memory = tb_alloc_aligned(block.used, sizeof *made->memory);
    if (made->memory == NULL)
        TB_FAIL(err, TB_NO_MEMORY, "no memory for a pass of %zu items through a network (%zu bytes)",
                max_batch, block.used * sizeof *made->memory);
    block.base = made->memory;
    block.used = 0;
    lay_out(made, &block);
    if (!training) prepare_steps(made);
    *pass = made;
    made = NULL;
out:
    tb_pass_free(made);
    return status;
}

void tb_pass_free(tb_pass *pass)
{
    if (pass == NULL) return;
    tb_free(pass->steps);
    tb_free(pass->memory);
    tb_free(pass);
}

void tb_pass_refresh(tb_pass *pass)
{
    prepare_steps(pass);
}

/* SplitMix64's mixing (as base/rng.c seeds), so that seeds that lie close give numbers that do not. */
static uint64_t mix(uint64_t value)
{
    value += UINT64_C(0x9e3779b97f4a7c15);
    value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
    return value ^ value >> 31;
}

/* Gives step->run.y. */
static const float *forward_step(const tb_pass *pass, pass_step *step, const float *x, size_t batch,
                                 uint64_t seed)
{
    const tb_layer *layer = layer_of(pass, step);
    step->run.batch = batch;
    step->run.seed = mix(seed + step->layer);
    step->run.x = x;
    layer->kind->forward(layer, &step->run);
    return step->run.y;
}

/* The early steps, part by part; gives what the last of them makes of the whole batch. */
static const float *forward_parts(tb_pass *pass, const float *x, size_t batch, uint64_t seed)
{
    pass_step *last = &pass->steps[pass->n_early - 1];
    float *result = last->run.y;
    const size_t n_in = tb_shape_values(pass->net->input), n_out = tb_shape_values(layer_of(pass, last)->out);
    for (size_t item = 0; item < batch; item += pass->n_part) {
        const size_t n = batch - item < pass->n_part ? batch - item : pass->n_part;
        const float *at = x + item * n_in;
        last->run.y = result + item * n_out;
        for (size_t i = 0; i < pass->n_early; i++) at = forward_step(pass, &pass->steps[i], at, n, seed);
    }
    last->run.y = result;
    return result;
}

const float *tb_pass_forward(tb_pass *pass, const float *x, size_t batch)
{
    assert(batch >= 1 && batch <= pass->max_batch);
    if (pass->training) prepare_steps(pass);
    pass->batch = batch;
    const uint64_t seed = mix(mix(pass->seed) + pass->n_forwards++);
    if (pass->n_early > 0) x = forward_parts(pass, x, batch, seed);
    for (size_t i = pass->n_early; i < pass->n_steps; i++)
        x = forward_step(pass, &pass->steps[i], x, batch, seed);
    return x;
}

/* Where the gradient for a step's input goes: over that for its output if it may and this is not the
 * caller's. */
static float *gradient_place(const tb_pass *pass, const tb_layer_kind *kind, const float *dy)
{
    const size_t turn = dy == pass->turns[1];
    if (dy != pass->turns[turn]) return pass->turns[0];
    return pass->turns[kind->in_place ? turn : !turn];
}

void tb_pass_backward(tb_pass *pass, const float *dy, float *dx)
{
    assert(pass->training && pass->batch > 0);
    for (size_t i = pass->n_steps; i-- > 0;) {
        pass_step *step = &pass->steps[i];
        const tb_layer *layer = layer_of(pass, step);
        step->run.dy = dy;
        step->run.dx = i == 0 ? dx : gradient_place(pass, layer->kind, dy);
        layer->kind->backward(layer, &step->run);
        dy = step->run.dx;
    }
}

float *tb_pass_gradient(tb_pass *pass)
{
    return pass->gradient;
}

void tb_pass_clear_gradient(tb_pass *pass)
{
    if (pass->gradient) memset(pass->gradient, 0, pass->net->n_params * sizeof *pass->gradient);
}

void tb_pass_seed(tb_pass *pass, uint64_t seed)
{
    pass->seed = seed;
    pass->n_forwards = 0;
}

size_t tb_pass_bytes(const tb_pass *pass)
{
    return pass->n_memory * sizeof *pass->memory + pass->n_steps * sizeof *pass->steps + sizeof *pass;
}

const float *tb__pass_saved(const tb_pass *pass, size_t layer, size_t *batch)
{
    *batch = pass->batch;
    for (size_t i = 0; i < pass->n_steps; i++)
        if (pass->steps[i].layer == layer) return pass->steps[i].run.saved;
    return NULL;
}
