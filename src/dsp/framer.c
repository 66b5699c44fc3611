// SPDX-License-Identifier: MIT
/* Frames out of one sliding buffer.
 *
 *     buffer: | margin invented | samples … | free | margin kept free for the invented end |
 *                     ^ start: next frame    ^ write
 *
 * `start` moves on by a hop per frame; when the buffer is full, what no frame needs any more is dropped and
 * the rest moves to the front.  The last margin + 1 samples always stay, since the mirrored end needs them.
 * The margin at the front is filled as soon as the samples that it mirrors have come. */
#include "dsp/framer.h"

#include "base/alloc.h"
#include "dsp/vector_internal.h"

#include <assert.h>
#include <stdbool.h>

enum { SPARE = 4096 };

struct tb_framer {
    size_t size, hop, margin;
    tb_pad pad;
    size_t capacity;
    float *buffer;
    size_t write;        /* where the next sample goes */
    size_t start;        /* where the next frame starts; may lie behind write */
    size_t n_samples;    /* pushed so far */
    bool front_is_ready; /* the margin at the front is filled */
    bool finished;
};

tb_status tb_framer_new(size_t size, size_t hop, tb_pad pad, tb_framer **out, tb_error *err)
{
    if (size < 1 || size > TB_FRAME_SIZE_MAX || hop < 1 || hop > TB_FRAME_SIZE_MAX)
        return tb_error_set(err, TB_INVALID,
                            "frames of %zu samples every %zu are not possible: both lie in 1 to %d", size,
                            hop, TB_FRAME_SIZE_MAX);
    tb_status status = TB_OK;
    tb_framer *framer = tb_alloc(1, sizeof *framer);
    if (!framer) TB_FAIL(err, TB_NO_MEMORY, "no memory for a framer");
    framer->size = size;
    framer->hop = hop;
    framer->pad = pad;
    framer->margin = pad == TB_PAD_NONE ? 0 : size / 2;
    framer->capacity = 3 * framer->margin + 2 * size + SPARE;
    framer->buffer = tb_alloc_aligned(framer->capacity, sizeof *framer->buffer);
    if (!framer->buffer) TB_FAIL(err, TB_NO_MEMORY, "no memory for frames of %zu samples", size);
    tb_framer_reset(framer);
    *out = framer;
    framer = NULL;
out:
    tb_framer_free(framer);
    return status;
}

void tb_framer_free(tb_framer *framer)
{
    if (!framer) return;
    tb_free(framer->buffer);
    tb_free(framer);
}

void tb_framer_reset(tb_framer *framer)
{
    framer->write = framer->margin;
    framer->start = 0;
    framer->n_samples = 0;
    framer->front_is_ready = framer->finished = false;
    memset(framer->buffer, 0, framer->margin * sizeof *framer->buffer);
}

/* Where sample `i`, which may lie outside of 0 … n - 1, is mirrored to; n >= 1. */
static size_t mirror(ptrdiff_t i, size_t n)
{
    if (n == 1) return 0;
    const ptrdiff_t period = 2 * ((ptrdiff_t)n - 1);
    ptrdiff_t at = i % period;
    if (at < 0) at += period;
    return (size_t)(at < (ptrdiff_t)n ? at : period - at);
}

/* Only before anything was dropped, so that sample i stands at buffer[margin + i]. */
static void fill_front(tb_framer *framer)
{
    float *first = framer->buffer + framer->margin;
    for (size_t i = 1; i <= framer->margin; i++) {
        const ptrdiff_t before = -(ptrdiff_t)i;
        if (framer->pad == TB_PAD_REFLECT) first[before] = first[mirror(before, framer->n_samples)];
        if (framer->pad == TB_PAD_EDGE) first[before] = first[0];
    }
    framer->front_is_ready = true;
}

static void append_back(tb_framer *framer)
{
    float *end = framer->buffer + framer->write;
    const size_t n = framer->n_samples;
    for (size_t i = 0; i < framer->margin; i++) {
        end[i] = 0.0f;
        if (framer->pad == TB_PAD_REFLECT) end[i] = end[-(ptrdiff_t)(n - mirror((ptrdiff_t)(n + i), n))];
        if (framer->pad == TB_PAD_EDGE) end[i] = end[-1];
    }
    framer->write += framer->margin;
}

static void drop_old_samples(tb_framer *framer)
{
    const size_t kept = framer->pad == TB_PAD_NONE ? 0 : framer->margin + 1;
    if (framer->write <= kept) return;
    size_t n_dropped = framer->write - kept;
    if (n_dropped > framer->start) n_dropped = framer->start;
    memmove(framer->buffer, framer->buffer + n_dropped, (framer->write - n_dropped) * sizeof *framer->buffer);
    framer->write -= n_dropped;
    framer->start -= n_dropped;
}

size_t tb_framer_push(tb_framer *framer, const float *samples, size_t n)
{
    assert(!framer->finished);
    const size_t end = framer->capacity - framer->margin;
    if (n > end - framer->write) drop_old_samples(framer);
    if (n > end - framer->write) n = end - framer->write;
    tb__clean_samples(samples, n, framer->buffer + framer->write);
    framer->write += n;
    framer->n_samples += n;
    if (!framer->front_is_ready && n > 0 &&
        (framer->pad != TB_PAD_REFLECT || framer->n_samples > framer->margin))
        fill_front(framer);
    return n;
}

void tb_framer_finish(tb_framer *framer)
{
    if (framer->finished) return;
    framer->finished = true;
    if (framer->n_samples == 0) return;
    if (!framer->front_is_ready) fill_front(framer);
    append_back(framer);
}

const float *tb_framer_next(tb_framer *framer)
{
    if (!framer->front_is_ready || framer->start + framer->size > framer->write) return NULL;
    const float *frame = framer->buffer + framer->start;
    framer->start += framer->hop;
    return frame;
}

size_t tb_framer_count(size_t size, size_t hop, tb_pad pad, size_t n_samples)
{
    const size_t margin = pad == TB_PAD_NONE ? 0 : size / 2;
    if (n_samples == 0 || n_samples + 2 * margin < size) return 0;
    return 1 + (n_samples + 2 * margin - size) / hop;
}
