// SPDX-License-Identifier: MIT
/* How much each pitch sounds in one frame: the peaks of a long spectrum, gathered in thirds of a semitone.
 *
 * A bin is a peak when it is larger than its neighbours and than three times the mean of the 21 bins around it;
 * a parabola through the logarithms says where between the bins it lies.  Cells count from C2 (65.4 Hz, MIDI 36) and
 * are centred: cell 3 s is the tempered semitone s, its neighbours a third of a semitone below and above.
 * Tuning is not corrected.  Threads: any. */
#ifndef TIMBRE_MODEL_PITCH_PROFILE_H
#define TIMBRE_MODEL_PITCH_PROFILE_H

enum {
    TB_PITCH_FFT = 8192, /* at TB_MODEL_RATE_HZ */
    TB_PITCH_CELLS_PER_OCTAVE = 36,
    TB_PITCH_OCTAVES = 6,
    TB_PITCH_CELLS = TB_PITCH_CELLS_PER_OCTAVE * TB_PITCH_OCTAVES,
};

typedef struct tb_pitch_profile {
    float power[TB_PITCH_CELLS]; /* of the peaks */
    float tonality;              /* power of the peaks' middle bins over all between 60 and 3900 Hz, 0 … 1 */
} tb_pitch_profile;

/* power: TB_PITCH_FFT / 2 + 1 values of a Hann-windowed frame. */
void tb_pitch_profile_compute(const float *power, tb_pitch_profile *profile);

#endif
