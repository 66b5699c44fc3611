// SPDX-License-Identifier: MIT
/* Windows for short-time analysis, periodic ("DFT-even") as scipy.signal.get_window(…, fftbins=True).
 * Threads: any. */
#ifndef TIMBRE_DSP_WINDOW_H
#define TIMBRE_DSP_WINDOW_H

#include <stddef.h>

typedef enum tb_window {
    TB_WINDOW_HANN,
    TB_WINDOW_HAMMING,
    TB_WINDOW_BLACKMAN,
    TB_WINDOW_RECTANGULAR,
} tb_window;

/* Writes n values in [0, 1] to out; computed in double, rounded once.  n == 1 gives 1.  Never fails. */
void tb_window_fill(tb_window window, size_t n, float *out);

#endif
