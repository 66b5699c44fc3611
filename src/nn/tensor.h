// SPDX-License-Identifier: MIT
/* Shapes of what flows through a network.
 *
 * Values are f32 in the order [item of the batch][height = time][width = bands][channel], the last index
 * running fastest.  A vector is 1 x 1 x n. */
#ifndef TIMBRE_NN_TENSOR_H
#define TIMBRE_NN_TENSOR_H

#include <stddef.h>

enum {
    TB_SHAPE_MAX_SIDE = 65536,     /* of each dimension */
    TB_SHAPE_MAX_VALUES = 1 << 22, /* of one item */
};

/* Of one item; each at least 1. */
typedef struct tb_shape {
    size_t height, width, channels;
} tb_shape;

static inline size_t tb_shape_values(tb_shape shape)
{
    return shape.height * shape.width * shape.channels;
}

#endif
