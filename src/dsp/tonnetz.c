// SPDX-License-Identifier: MIT
/* out[p] = r[p] sum over c of share[c] * cos(pi (s[p] c - h[p])): a turn by 7/6 pi a class goes round the
 * circle of fifths, 3/2 pi that of minor thirds, 2/3 pi that of major thirds; h = 1/2 makes a sine. */
#include "dsp/tonnetz.h"

#include <float.h>
#include <math.h>
#include <stddef.h>

void tb_tonnetz_compute(const float chroma[12], float out[TB_TONNETZ_SIZE])
{
    static const double turns[3] = {7.0 / 6.0, 3.0 / 2.0, 2.0 / 3.0}, radii[3] = {1.0, 1.0, 0.5};
    double sum = 0.0;
    for (size_t c = 0; c < 12; c++) sum += (double)chroma[c];
    for (size_t p = 0; p < TB_TONNETZ_SIZE; p++) {
        double value = 0.0;
        for (size_t c = 0; c < 12 && sum > (double)FLT_MIN; c++) {
            const double angle = M_PI * turns[p / 2] * (double)c;
            value += (double)chroma[c] / sum * (p % 2 ? cos(angle) : sin(angle));
        }
        out[p] = (float)(radii[p / 2] * value);
    }
}
