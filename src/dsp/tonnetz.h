// SPDX-License-Identifier: MIT
/* Tonal centroid: chroma on the circles of fifths, minor thirds and major thirds (Harte, Sandler and Gasser,
 * "Detecting harmonic change in musical audio", 2006), as librosa.feature.tonnetz.  Threads: any. */
#ifndef TIMBRE_DSP_TONNETZ_H
#define TIMBRE_DSP_TONNETZ_H

enum { TB_TONNETZ_SIZE = 6 };

/* chroma: 12 values >= 0, first class C; their sum is brought to 1.  out: 6 values in -1 … 1 (fifths x, y;
 * minor thirds x, y; major thirds x, y); zeros for silence. */
void tb_tonnetz_compute(const float chroma[12], float out[TB_TONNETZ_SIZE]);

#endif
