// SPDX-License-Identifier: MIT
/* Cuts a stream of samples into overlapping frames, with constant memory.
 *
 *     while (n > 0) {
 *         const size_t taken = tb_framer_push(framer, samples, n);
 *         samples += taken, n -= taken;
 *         while ((frame = tb_framer_next(framer)) != NULL) …
 *     }
 *     tb_framer_finish(framer);
 *     while ((frame = tb_framer_next(framer)) != NULL) …
 *
 * Centred framing puts frame t around sample t * hop: size / 2 samples are invented before the first sample
 * and behind the last, so that N >= 1 samples give 1 + N / hop frames (for even sizes).  Without it frame t
 * starts at sample t * hop, and N samples give 1 + (N - size) / hop frames, none when N < size.  No samples,
 * no frames.
 *
 * Samples from outside are made harmless on the way in: NaN and infinities count as 0, magnitudes are cut at
 * TB_SAMPLE_MAX, and those below 1e-15 (-300 dB) are 0, since denormal numbers would be slow.
 *
 * One per thread. */
#ifndef TIMBRE_DSP_FRAMER_H
#define TIMBRE_DSP_FRAMER_H

#include "base/status.h"

#include <stddef.h>

/* What stands outside the signal in centred framing. */
typedef enum tb_pad {
    TB_PAD_NONE,    /* not centred */
    TB_PAD_ZERO,    /* centred; zeros (librosa's default since 0.10) */
    TB_PAD_REFLECT, /* centred; mirrored at the first and last sample, again and again (numpy's "reflect") */
    TB_PAD_EDGE,    /* centred; first and last sample repeated */
} tb_pad;

typedef struct tb_framer tb_framer;

enum { TB_FRAME_SIZE_MAX = 1 << 20 };
#define TB_SAMPLE_MAX 1e6f

/* size, hop: 1 … TB_FRAME_SIZE_MAX samples, else TB_INVALID; TB_NO_MEMORY. */
tb_status tb_framer_new(size_t size, size_t hop, tb_pad pad, tb_framer **framer, tb_error *err) TB_MUST_CHECK;
/* Accepts NULL. */
void tb_framer_free(tb_framer *framer);
/* As after new: ready for another stream. */
void tb_framer_reset(tb_framer *framer);

/* Takes up to n samples and returns how many; at least one if n > 0 and tb_framer_next was called until it
 * returned NULL.  Nothing may be pushed after finish. */
size_t tb_framer_push(tb_framer *framer, const float *samples, size_t n);
/* The stream has ended: the frames that reach past its end come now. */
void tb_framer_finish(tb_framer *framer);
/* The next frame, `size` samples, or NULL when more samples are needed (after finish: when all is done).
 * Borrowed until the next call on this framer. */
const float *tb_framer_next(tb_framer *framer);

/* How many frames n samples give. */
size_t tb_framer_count(size_t size, size_t hop, tb_pad pad, size_t n_samples);

#endif
