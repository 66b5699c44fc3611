// SPDX-License-Identifier: MIT
/* The gradient for the weights of a convolution: for each position of the result, the outer product of the
 * patch that it reads with the gradient for its channels, added up over all positions of all items.
 *
 * Per class of positions (conv_plan.h), blocks of positions that stay in the cache: their gradients are
 * packed into panels, then each tile (some values of the patch x a panel of channels) goes over the block
 * with its sums in registers. */
#include "nn/conv_internal.h"
#include "nn/panels.h"

#include <string.h>

enum {
    MAX_POSITIONS = 256, /* of a block */
    MIN_POSITIONS = 64,
    PACKED_FLOATS = 32768, /* of a block's gradients, about */
    SLACK = TB_PANEL_MAX_ROWS, /* a tile that begins in the last row reads as far */
};

static size_t block_positions(const tb__conv *conv)
{
    const size_t n = PACKED_FLOATS / conv->wide_out;
    return n < MIN_POSITIONS ? MIN_POSITIONS : n > MAX_POSITIONS ? MAX_POSITIONS : n;
}

size_t tb__conv_gradient_scratch(const tb__conv *conv)
{
    return block_positions(conv) * (conv->wide_out + TB_CONV_NARROW) + SLACK;
}

/* Some positions of one class. */
typedef struct patch_block {
    size_t n;
    uint32_t at[MAX_POSITIONS]; /* what they read, from x on */
    const float *x, *end;       /* end: of what may be read */
    const float *packed;        /* gradients for their channels, in panels of n rows */
    float *room;                /* for n * TB_CONV_NARROW + SLACK floats */
    uint32_t last;              /* the largest of at[] */
} patch_block;

/* Tiles that would read over the end of the input get a copy. */
static bool ends_inside(const patch_block *block, size_t offset, size_t n)
{
    return offset + n <= (size_t)(block->end - block->x) - block->last;
}

static void accumulate_segment(const patch_block *block, const tb__panel *panel, const tb__segment *segment,
                               float *d, size_t d_stride)
{
    const tb__panel_shape *shape = panel->shape;
    const float *packed = block->packed + block->n * panel->column;
    const bool is_inside = ends_inside(block, segment->a, segment->n + shape->rows);
    for (size_t k = 0; k < segment->n; k += shape->rows) {
        const size_t n_rows = segment->n - k < shape->rows ? segment->n - k : shape->rows;
        const float *x = block->x + segment->a + k;
        float *to = d + (segment->b + k) * d_stride;
        if (n_rows == shape->rows || is_inside) {
            shape->accumulate(block->n, x, block->at, packed, n_rows, panel->n_valid, to, d_stride);
            continue;
        }
        uint32_t at[MAX_POSITIONS];
        for (size_t p = 0; p < block->n; p++) {
            at[p] = (uint32_t)(p * shape->rows);
            memcpy(block->room + at[p], x + block->at[p], n_rows * sizeof *x);
            memset(block->room + at[p] + n_rows, 0, (shape->rows - n_rows) * sizeof *x);
        }
        shape->accumulate(block->n, block->room, at, packed, n_rows, panel->n_valid, to, d_stride);
    }
}

/* Values of a patch if it is at most TB_CONV_NARROW and its weights lie side by side; else 0. */
static size_t narrow_values(const tb__segment *segments, size_t n_segments)
{
    size_t n = 0;
    for (size_t s = 0; s < n_segments; s++) {
        if (segments[s].b != segments[0].b + n) return 0;
        n += segments[s].n;
    }
    return n_segments > 1 && n <= TB_CONV_NARROW ? n : 0;
}

/* Copies n patches, each the values of all segments after x + at[i], one after the other; end: of what may be
 * read.  to: [n] rows of `n_values` = narrow_values() floats and 8 more behind the last. */
static void gather_patches(size_t n, const float *x, const uint32_t *at, const float *end,
                           const tb__segment *segments, size_t n_segments, size_t n_values, float *to)
{
    enum { STEP = 8 };
    const size_t n_room = (size_t)(end - x),
                 reach = segments[n_segments - 1].a + segments[n_segments - 1].n + STEP;
    for (size_t p = 0; p < n; p++) {
        const float *from = x + at[p];
        float *row = to + p * n_values;
        if (at[p] + reach <= n_room) {
            /* In whole steps: what is too much is overwritten by the next segment or row. */
            for (size_t s = 0; s < n_segments; s++) {
                for (size_t k = 0; k < segments[s].n; k += STEP)
                    memcpy(row + k, from + segments[s].a + k, STEP * sizeof *row);
                row += segments[s].n;
            }
        } else {
            for (size_t s = 0; s < n_segments; s++) {
                memcpy(row, from + segments[s].a, segments[s].n * sizeof *row);
                row += segments[s].n;
            }
        }
    }
}

/* Adds a block's outer products to the gradient d: [weights of a patch] rows of d_stride, n_out columns of
 * which are the group's. */
static void accumulate_block(patch_block *block, size_t n_out, const tb__segment *segments, size_t n_segments,
                             float *d, size_t d_stride)
{
    tb__panel panel;
    const size_t n_narrow = narrow_values(segments, n_segments);
    if (n_narrow > 0) {
        const tb__segment whole = {0, segments[0].b, n_narrow};
        gather_patches(block->n, block->x, block->at, block->end, segments, n_segments, n_narrow,
                       block->room);
        for (size_t p = 0; p < block->n; p++) block->at[p] = (uint32_t)(p * n_narrow);
        patch_block narrow = *block;
        narrow.last = block->at[block->n - 1];
        narrow.x = block->room;
        narrow.end = block->room + block->n * n_narrow + SLACK;
        for (size_t j = 0; tb__panel_at(n_out, j, &panel); j += panel.n_valid)
            accumulate_segment(&narrow, &panel, &whole, d + j, d_stride);
        return;
    }
    for (size_t j = 0; tb__panel_at(n_out, j, &panel); j += panel.n_valid)
        for (size_t s = 0; s < n_segments; s++)
            accumulate_segment(block, &panel, &segments[s], d + j, d_stride);
}

/* dy: of the block's positions. */
static void pack_gradients(size_t n, const float *const *dy, size_t n_out, float *packed)
{
    tb__panel panel;
    for (size_t j = 0; tb__panel_at(n_out, j, &panel); j += panel.n_valid) {
        float *to = packed + n * j;
        for (size_t p = 0; p < n; p++, to += panel.shape->width) tb__panel_row(&panel, dy[p] + j, to);
    }
}

static void accumulate_class(const tb_layer *layer, const tb_layer_run *run, const tb__conv_way *way,
                             const tb__axis_class *rows, const tb__axis_class *columns, size_t group)
{
    const tb__conv *conv = layer->config;
    const tb__places places = tb__conv_places(way, rows, columns);
    tb__segment segments[TB_CONV_MAX_SEGMENTS];
    const size_t n_segments = tb__conv_way_segments(way, rows, columns, segments);
    const size_t n_all = places.n_rows * places.n_columns * run->batch;
    const size_t n_block = block_positions(conv);
    const float *dy[MAX_POSITIONS];
    float *packed = run->scratch;
    patch_block block = {.packed = packed, .room = packed + n_block * conv->wide_out};
    block.end = run->x + run->batch * places.a_item;
    if (n_segments == 0) return;
    size_t item = 0, i = 0, j = 0; /* the next position */
    for (size_t done = 0; done < n_all; done += block.n) {
        block.n = n_all - done < n_block ? n_all - done : n_block;
        const size_t first = item;
        block.last = 0;
        block.x = run->x + first * places.a_item + group * conv->n_in;
        for (size_t p = 0; p < block.n; p++) {
            block.at[p] = (uint32_t)((item - first) * places.a_item) + places.a_row[i] + places.a_column[j];
            if (block.at[p] > block.last) block.last = block.at[p];
            dy[p] = run->dy + item * places.c_item + group * conv->n_out + places.c_row[i] +
                    places.c_column[j];
            if (++j < places.n_columns) continue;
            j = 0;
            if (++i < places.n_rows) continue;
            i = 0;
            item++;
        }
        pack_gradients(block.n, dy, conv->n_out, packed);
        accumulate_block(&block, conv->n_out, segments, n_segments, run->d_params + group * conv->n_out,
                         layer->out.channels);
    }
}

void tb__conv_gradient(const tb_layer *layer, const tb_layer_run *run)
{
    const tb__conv *conv = layer->config;
    const tb__conv_way way = tb__conv_forward_way(layer);
    for (size_t r = 0; r < way.y->n_classes; r++)
        for (size_t c = 0; c < way.x->n_classes; c++)
            for (size_t g = 0; g < conv->groups; g++)
                accumulate_class(layer, run, &way, &way.y->classes[r], &way.x->classes[c], g);
}
