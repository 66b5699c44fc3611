// SPDX-License-Identifier: MIT
/* Which inputs meet which weights in a convolution, with padding and strides worked out beforehand.
 *
 * Along one axis, each position of the result reads `n` neighbouring positions, the first at `from`, with
 * that many neighbouring taps, the first of which is `first` in the order of taps.  Positions that agree in
 * first and n are a class; of interior positions there is one, at the edges others, with fewer taps, as
 * padding is left out rather than multiplied by.  A class of rows and one of columns give the segments
 * (kernels.h) of all positions in both.
 *
 * Forward: the result is the layer's output, taps are in their own order.  Backward: the result is the
 * gradient for its input, which reads the gradient for the output; taps are sorted by their remainder modulo
 * the stride, then falling, so that those which meet one position are neighbours there too. */
#ifndef TIMBRE_NN_CONV_PLAN_H
#define TIMBRE_NN_CONV_PLAN_H

#include "base/status.h"
#include "nn/kernels.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TB_CONV_MAX_TAPS = 32 }; /* of each axis */

typedef struct tb__axis_class {
    uint32_t first, n;  /* taps; n may be 0 */
    uint32_t at, count; /* its positions: those of to[] and from[] */
} tb__axis_class;

typedef struct tb__axis {
    tb__axis_class *classes;
    size_t n_classes;
    uint32_t *to, *from; /* offsets in floats, times the axis' step in the result and in what is read */
    uint32_t order[TB_CONV_MAX_TAPS]; /* the tap at each place of the order */
    bool is_met[TB_CONV_MAX_TAPS];    /* at each place: whether any position reads with that tap */
} tb__axis;

/* One axis of a convolution: n_in + 2 pad >= n_taps. */
typedef struct tb__axis_shape {
    size_t n_in, n_out, n_taps, stride, pad;
} tb__axis_shape;

/* Steps: floats from one position to the next, in what is read and in the result.  TB_NO_MEMORY. */
tb_status tb__axis_forward(const tb__axis_shape *shape, size_t from_step, size_t to_step, tb__axis *axis)
    TB_MUST_CHECK;
tb_status tb__axis_backward(const tb__axis_shape *shape, size_t from_step, size_t to_step, tb__axis *axis)
    TB_MUST_CHECK;
/* Accepts one that was never made, if it is all zero. */
void tb__axis_clear(tb__axis *axis);

enum { TB_CONV_MAX_SEGMENTS = TB_CONV_MAX_TAPS * TB_CONV_MAX_TAPS };

/* Segments of all positions in both classes; what is read is rows of `line` floats of pixels of `pixel`
 * floats, of which `n_channels` count.  n_taps: of the columns' axis.  Gives their number, at most
 * TB_CONV_MAX_SEGMENTS. */
size_t tb__conv_segments(const tb__axis_class *rows, const tb__axis_class *columns, size_t n_taps,
                         size_t line, size_t pixel, size_t n_channels, tb__segment *segments);

#endif
