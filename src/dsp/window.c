// SPDX-License-Identifier: MIT
/* Windows as sums of cosines: w[i] = a0 - a1 cos(2 pi i / n) + a2 cos(4 pi i / n). */
#include "dsp/window.h"

#include <math.h>

static const double coefficients[][3] = {
    [TB_WINDOW_HANN] = {0.5, 0.5, 0.0},
    [TB_WINDOW_HAMMING] = {0.54, 0.46, 0.0},
    [TB_WINDOW_BLACKMAN] = {0.42, 0.5, 0.08},
    [TB_WINDOW_RECTANGULAR] = {1.0, 0.0, 0.0},
};

void tb_window_fill(tb_window window, size_t n, float *out)
{
    if (n == 1) {
        out[0] = 1.0f;
        return;
    }
    const double *a = coefficients[window];
    for (size_t i = 0; i < n; i++) {
        const double phase = 2.0 * M_PI * (double)i / (double)n;
        const double value = a[0] - a[1] * cos(phase) + a[2] * cos(2.0 * phase);
        out[i] = (float)fmax(value, 0.0); /* Blackman's ends round to -1e-17 */
    }
}
