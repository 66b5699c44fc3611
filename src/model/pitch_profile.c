// SPDX-License-Identifier: MIT
/* Peaks of a long spectrum per third of a semitone; the method is in the header. */
#include "model/pitch_profile.h"

#include "model/model.h"

#include <math.h>
#include <string.h>

enum {
    FIRST_BIN = 60 * TB_PITCH_FFT / TB_MODEL_RATE_HZ,
    END_BIN = 3900 * TB_PITCH_FFT / TB_MODEL_RATE_HZ,
    AROUND = 10,
};
static const double PROMINENCE = 3, C2_MIDI = 36, SMALLEST = 1e-30;

/* Offset of the top of the parabola through three logarithms, in bins, -0.5 … 0.5. */
static double parabola_top(double left, double middle, double right)
{
    const double curvature = left - 2 * middle + right;
    if (!(curvature < -1e-9)) return 0;
    const double top = 0.5 * (left - right) / curvature;
    return top < -0.5 ? -0.5 : top > 0.5 ? 0.5 : top;
}

static int cell_of_bin(double bin)
{
    const double midi = 69 + 12 * log2(bin * TB_MODEL_RATE_HZ / TB_PITCH_FFT / 440);
    return (int)lrint((midi - C2_MIDI) * 3);
}

void tb_pitch_profile_compute(const float *power, tb_pitch_profile *profile)
{
    double sums[END_BIN + AROUND + 2]; /* sums[k] = sum of power[FIRST_BIN - AROUND … k - 1] */
    double total = 0, peaks = 0;
    memset(profile, 0, sizeof *profile);
    sums[FIRST_BIN - AROUND] = 0;
    for (int k = FIRST_BIN - AROUND; k <= END_BIN + AROUND; k++) sums[k + 1] = sums[k] + (double)power[k];

    for (int k = FIRST_BIN; k < END_BIN; k++) {
        const double here = (double)power[k];
        total += here;
        if (!(power[k] > power[k - 1] && power[k] >= power[k + 1])) continue;
        if (!(here * (2 * AROUND + 1) > PROMINENCE * (sums[k + AROUND + 1] - sums[k - AROUND]))) continue;
        const double top = parabola_top(log((double)power[k - 1] + SMALLEST), log(here + SMALLEST),
                                        log((double)power[k + 1] + SMALLEST));
        const int cell = cell_of_bin(k + top);
        if (cell < 0 || cell >= TB_PITCH_CELLS) continue;
        profile->power[cell] += power[k];
        peaks += here;
    }
    profile->tonality = total > 0 ? (float)(peaks / total) : 0;
}
