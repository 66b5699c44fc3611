// SPDX-License-Identifier: MIT
#include "nn/conv_plan.h"

#include "base/alloc.h"

/* The taps that one position meets. */
typedef struct tap_range {
    uint32_t first, n;
    size_t from;
} tap_range;

static tap_range meet_forward(const tb__axis_shape *shape, size_t position)
{
    const size_t begin = position * shape->stride; /* in padded coordinates, as all here */
    const size_t first = begin < shape->pad ? shape->pad - begin : 0;
    const size_t end = shape->n_in + shape->pad -
                       begin; /* of the taps that are before the end of the input */
    const size_t last = end < shape->n_taps ? end : shape->n_taps;
    if (begin >= shape->n_in + shape->pad || first >= last) return (tap_range){0};
    return (tap_range){(uint32_t)first, (uint32_t)(last - first), begin + first - shape->pad};
}

/* Position i of the input meets tap k at output (i + pad - k) / stride, if that is whole and there. */
static tap_range meet_backward(const tb__axis_shape *shape, const uint32_t *order, size_t position)
{
    tap_range found = {0};
    for (uint32_t i = 0; i < shape->n_taps; i++) {
        const size_t tap = order[i], padded = position + shape->pad;
        if (padded < tap || (padded - tap) % shape->stride != 0) continue;
        const size_t from = (padded - tap) / shape->stride;
        if (from >= shape->n_out) continue;
        if (found.n++ == 0) {
            found.first = i;
            found.from = from;
        }
    }
    return found;
}

static size_t find_class(tb__axis *axis, const tap_range *meeting)
{
    size_t i = 0;
    while (i < axis->n_classes &&
           (axis->classes[i].first != meeting->first || axis->classes[i].n != meeting->n))
        i++;
    if (i == axis->n_classes)
        axis->classes[axis->n_classes++] = (tb__axis_class){.first = meeting->first, .n = meeting->n};
    return i;
}

/* There are at most as many classes as pairs of first and n. */
static size_t most_classes(size_t n_taps, size_t n_positions)
{
    const size_t pairs = n_taps * (n_taps + 1) / 2 + 1;
    return pairs < n_positions ? pairs : n_positions;
}

static tb_status build(const tb__axis_shape *shape, bool backward, size_t from_step, size_t to_step,
                       tb__axis *axis)
{
    tb_status status = TB_OK;
    const size_t n = backward ? shape->n_in : shape->n_out;
    axis->classes = tb_alloc(most_classes(shape->n_taps, n), sizeof *axis->classes);
    axis->to = tb_alloc(n, sizeof *axis->to);
    axis->from = tb_alloc(n, sizeof *axis->from);
    if (axis->classes == NULL || axis->to == NULL || axis->from == NULL)
        TB_FAIL(NULL, TB_NO_MEMORY, "no memory");
    /* First counts, then places, as in a counting sort. */
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < n; i++) {
            const tap_range meeting = backward ? meet_backward(shape, axis->order, i)
                                               : meet_forward(shape, i);
            tb__axis_class *class = &axis->classes[find_class(axis, &meeting)];
            if (round == 1) {
                axis->to[class->at + class->count] = (uint32_t)(i * to_step);
                axis->from[class->at + class->count] = (uint32_t)(meeting.from * from_step);
            }
            class->count++;
        }
        uint32_t at = 0;
        for (size_t c = 0; round == 0 && c < axis->n_classes; c++) {
            axis->classes[c].at = at;
            at += axis->classes[c].count;
            axis->classes[c].count = 0;
        }
    }
    for (size_t c = 0; c < axis->n_classes; c++)
        for (uint32_t i = 0; i < axis->classes[c].n; i++) axis->is_met[axis->classes[c].first + i] = true;
out:
    return status;
}

tb_status tb__axis_forward(const tb__axis_shape *shape, size_t from_step, size_t to_step, tb__axis *axis)
{
    for (uint32_t i = 0; i < shape->n_taps; i++) axis->order[i] = i;
    return build(shape, false, from_step, to_step, axis);
}

tb_status tb__axis_backward(const tb__axis_shape *shape, size_t from_step, size_t to_step, tb__axis *axis)
{
    size_t n = 0;
    for (size_t remainder = 0; remainder < shape->stride; remainder++)
        for (size_t tap = shape->n_taps; tap-- > 0;)
            if (tap % shape->stride == remainder) axis->order[n++] = (uint32_t)tap;
    return build(shape, true, from_step, to_step, axis);
}

void tb__axis_clear(tb__axis *axis)
{
    tb_free(axis->classes);
    tb_free(axis->to);
    tb_free(axis->from);
    *axis = (tb__axis){0};
}

size_t tb__conv_segments(const tb__axis_class *rows, const tb__axis_class *columns, size_t n_taps,
                         size_t line, size_t pixel, size_t n_channels, tb__segment *segments)
{
    size_t n = 0;
    for (size_t i = 0; i < rows->n; i++)
        for (size_t j = 0; j < columns->n; j++) {
            const tb__segment next = {
                .a = i * line + j * pixel,
                .b = ((rows->first + i) * n_taps + columns->first + j) * n_channels,
                .n = n_channels,
            };
            tb__segment *last = n > 0 ? &segments[n - 1] : NULL;
            if (last && last->a + last->n == next.a && last->b + last->n == next.b)
                last->n += n_channels;
            else
                segments[n++] = next;
        }
    return n;
}
