// SPDX-License-Identifier: MIT
/* What the modules of convolution share: its sizes and plans, as conv.c works them out. */
#ifndef TIMBRE_NN_CONV_INTERNAL_H
#define TIMBRE_NN_CONV_INTERNAL_H

#include "nn/conv_plan.h"
#include "nn/layer_internal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct tb__conv {
    size_t groups;
    bool has_bias;
    tb__axis_shape rows, columns;
    tb__axis forward_y, forward_x, backward_y, backward_x;
    /* per group */
    size_t n_in, n_out;           /* channels */
    size_t n_forward, n_backward; /* rows of the panels: taps * channels */
    size_t wide_in, wide_out;     /* channels, filled up to whole panels */
    size_t at_start, at_backward; /* in `prepared`: biases, panels of the backward */
} tb__conv;

/* One direction through a convolution: from images to images. */
typedef struct tb__conv_way {
    const tb__axis *y, *x;
    size_t n_taps_x;
    tb_shape from, to;
    size_t n_from, n_to, n_panel; /* channels of a group; rows of its panels */
    size_t wide_to;
} tb__conv_way;

tb__conv_way tb__conv_forward_way(const tb_layer *layer);
/* Places of a class of rows and one of columns, without a, c and n_items. */
tb__places tb__conv_places(const tb__conv_way *way, const tb__axis_class *rows,
                           const tb__axis_class *columns);
/* tb__conv_segments for such classes. */
size_t tb__conv_way_segments(const tb__conv_way *way, const tb__axis_class *rows,
                             const tb__axis_class *columns, tb__segment *segments);

/* Patches of few values lie in many short segments, which cost more to begin than to multiply; they are
 * copied. */
enum { TB_CONV_NARROW = 64 };

/* Scratch for tb__conv_gradient, in floats. */
size_t tb__conv_gradient_scratch(const tb__conv *conv);
/* Adds the gradient for the weights to run->d_params. */
void tb__conv_gradient(const tb_layer *layer, const tb_layer_run *run);

#endif
